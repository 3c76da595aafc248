/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tests/integration/farm is made of: gvcam's cameras, one packet source, and what is checked
 * of what they send.
 *
 * Camera i has its own width, so that the pattern of one is not the pattern of another: in
 * t = x + y + 3 × block a byte at the same place of the same block is another pixel.
 */
#ifndef SP_TESTS_FARM_H
#define SP_TESTS_FARM_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/event.h"
#include "base/opt.h"

struct sp_err;
struct sp_frame;
struct sp_frame_source;
struct sp_packet_source;
struct sp_resend;
struct sp_supervisor;

enum {
	FARM_CAMERAS_MAX = 64,
	FARM_WIDTH_STEP = 4,
	FARM_LINE_MAX = 1 << 14,
};

struct farm_options {
	const char *address, *source, *host_address, *port, *exception, *drop;
	struct sp_opt_list eal;
	uint32_t cameras, width, height, packet_size, frames, credit, tries, every;
	uint32_t gap_us, retention_ms;
	const char *mac;
	uint32_t vlan, first_port, rcvbuf;
	double fps, patience;
	bool protect, no_uring, lossy, hostile, source_ports;
};

struct farm_camera {
	uint32_t ip, width;
	int fd;
	uint16_t port;
	uint16_t source_port; /* that it says it sends from; 0: any */
	uint64_t frames, incomplete, last_block;
	uint64_t payload_bytes; /* of pixels that were compared */
};

struct farm {
	struct farm_options options;
	struct sp_packet_source *packets;
	struct sp_frame_source *source;
	struct sp_resend *resend;
	struct sp_supervisor *supervisor;
	struct sp_event frames, resends;
	struct farm_camera cameras[FARM_CAMERAS_MAX];
	uint64_t last_ns; /* when frames came */
	uint64_t payloads; /* packets whose address was looked at */
	uint64_t received_then; /* datagrams when counting began */
	uint64_t cpu_then_ns, cpu_ns, counted;
	uint64_t resident_then, resident; /* bytes */
};

/* Source, streams and resend thread run: all but the cameras. 0 or -errno with @err filled. */
int farm_open(struct farm *farm, struct sp_err *err);

/* Lets the cameras stream once they answer, each by a worker of its own. */
int farm_start_cameras(struct farm *farm, struct sp_err *err);

void farm_close(struct farm *farm);

/*
 * From here on no CPU can write where the payloads are: what appears there was put there by the
 * device. Tries it.
 */
int farm_protect(struct farm *farm, struct sp_err *err);

/* Addresses, geometry and pixels of a frame; counts it. */
int farm_check_frame(struct farm *farm, const struct sp_frame *frame, struct sp_err *err);

/* At rest: each stream's ledger, and what it holds of others. */
int farm_check_ledgers(struct farm *farm, struct sp_err *err);

/* One JSON object. @allocations: -1 where they were not counted. */
void farm_print(const struct farm *farm, int64_t allocations, FILE *out);

#endif
