/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an attacker, or a broken device, sends beside the good stream, by seed. A spoofed packet
 * follows a good one; which do is a hash of seed, camera, block and packet. A receiver that checks
 * source, header, geometry, block id and what it has already loses nothing by any of them.
 */
#ifndef GVCAM_SPOOF_H
#define GVCAM_SPOOF_H

#include <stdbool.h>
#include <stdint.h>

#include "gvcam/block.h"

struct sp_err;

enum gvcam_spoof_kind {
	GVCAM_SPOOF_ADDRESS, /* the next packet's ids and wrong data, from another address */
	GVCAM_SPOOF_PORT, /* the same, from another port of the camera's address */
	GVCAM_SPOOF_MALFORMED, /* cut headers and leaders, unknown formats, ids beyond the block */
	GVCAM_SPOOF_OVERSIZED, /* leaders of images, or parts, of an absurd size */
	GVCAM_SPOOF_REPLAY, /* packets of earlier blocks, as they were */
	GVCAM_SPOOF_IDS, /* packets of blocks far from the current one, with wrong data */
	GVCAM_SPOOF_PAYLOAD, /* wrong data for the packet that has just left */
	GVCAM_SPOOFS,
};

extern const char *const gvcam_spoof_names[GVCAM_SPOOFS];

/* Block ids of GVCAM_SPOOF_IDS are at least so far from the current one, either way. */
enum { GVCAM_SPOOF_FAR = 128 };

struct gvcam_spoofs {
	uint64_t seed;
	double rate[GVCAM_SPOOFS]; /* spoofed packets a good one, 0 … 1 */
};

/* "KIND" or "KIND,RATE"; KIND may be "all". 0, or -EINVAL with @err filled. */
int gvcam_spoofs_parse(const char *text, struct gvcam_spoofs *spoofs, struct sp_err *err);

/* Which kinds follow packet @packet, as bits 1 << enum gvcam_spoof_kind. */
unsigned int gvcam_spoofs_after(const struct gvcam_spoofs *spoofs, uint32_t camera, uint64_t block,
				uint32_t packet);

/* Where the stream is. */
struct gvcam_spoof_scene {
	const struct gvcam_block *block; /* the current one */
	uint32_t packet; /* of it has just left */
	bool leader_left; /* its leader has left: one that says otherwise comes too late */
	const struct gvcam_block *old; /* an earlier one; NULL: there is none */
	uint64_t random;
};

/* False if there is nothing to spoof here. */
bool gvcam_spoof_make(enum gvcam_spoof_kind kind, const struct gvcam_spoof_scene *scene,
		      struct gvcam_packet *out);

#endif
