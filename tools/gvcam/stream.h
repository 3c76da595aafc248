/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stream of one camera, pure but for its player: given the time, which GVSP packets leave now.
 * Used by the sender thread alone. No memory is taken after init.
 */
#ifndef GVCAM_STREAM_H
#define GVCAM_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "gvcam/block.h"
#include "gvcam/camera.h"
#include "gvcam/faults.h"
#include "gvcam/player.h"
#include "gvcam/spoof.h"
#include "gvcam/variety.h"

enum {
	GVCAM_RING_BLOCKS = 64, /* sent blocks that can be sent again */
	GVCAM_RESEND_QUEUE = 256, /* requests waiting */
};

struct gvcam_stream_config {
	uint32_t camera;
	struct gvcam_faults faults;
	struct gvcam_spoofs spoofs;
	struct gvcam_variety variety; /* of the test pattern */
	double pacing; /* packets spread over this part of the frame interval, 0 … 1 */
	uint64_t start_block; /* first block id, ≥ 1 */
	uint64_t frames; /* the stream ends after so many in all; 0: never */
	struct gvcam_player *player; /* NULL: the test pattern */
};

struct gvcam_stream_stats {
	uint64_t frames; /* blocks sent whole, or as whole as the faults let them */
	uint64_t sent; /* packets that left for the first time */
	uint64_t bytes; /* UDP payload of all that left */
	uint64_t dropped; /* lost by the faults, on their first way */
	uint64_t duplicated; /* second copies sent */
	uint64_t reordered; /* left after a later packet of their block */
	uint64_t requests; /* PACKETRESEND commands */
	uint64_t resent; /* packets sent again */
	uint64_t resend_dropped; /* lost by the faults on their second way */
	uint64_t refused; /* packets asked for and not to be had, or beyond the limit */
	uint64_t late; /* frames that began more than an interval late: the rate was not held */
	uint64_t failed; /* the system refused to send (too large for the link, no route) */
	uint64_t tests; /* test packets */
	uint64_t spoofed[GVCAM_SPOOFS]; /* by kind, beside all these */
};

struct gvcam_stream {
	struct gvcam_stream_config config;
	struct gvcam_channel channel;
	struct gvcam_stream_stats stats;
	bool active;
	bool ending; /* told to stop: after the current block */
	uint32_t finished; /* the acquisition that ended by itself; 0: none */
	/* Of the blocks of this acquisition. */
	struct gvcam_channel shape;
	uint32_t packets; /* of the current block, or the last: leader and trailer included */
	uint64_t interval_ns, gap_ns; /* between frames, between packets */
	/* The current block is ring[count % GVCAM_RING_BLOCKS] while @in_block. */
	struct gvcam_block ring[GVCAM_RING_BLOCKS];
	uint64_t count; /* blocks completed in this acquisition */
	uint64_t next_id;
	bool in_block;
	uint64_t due_ns; /* of the current frame, or the next one */
	struct gvcam_reorder reorder;
	struct gvcam_ref *refs; /* on their way out, of the current block */
	uint32_t refs_n, refs_at;
	uint32_t highest; /* packet that left, plus 1: for counting disorder */
	bool leader_left;
	unsigned int spoofs; /* kinds that follow @spoofed_packet, not yet sent */
	uint32_t spoofed_packet;
	uint64_t spoofs_n; /* so far, for their chance */
	struct sp_gvcp_resend requests[GVCAM_RESEND_QUEUE];
	uint32_t requests_n, requests_at; /* free-running: count, next to serve */
	double tokens; /* packets that may be sent again now */
	uint64_t tokens_ns; /* when they were last counted */
	uint64_t resends; /* so far, for the faults */
};

/* 0 or -ENOMEM. */
int gvcam_stream_init(struct gvcam_stream *stream, const struct gvcam_stream_config *config);
void gvcam_stream_uninit(struct gvcam_stream *stream);

/* A new snapshot of the channel: starts, stops or redirects the stream. */
void gvcam_stream_set_channel(struct gvcam_stream *stream, const struct gvcam_channel *channel,
			      uint64_t now_ns);

/* Has it sent all the frames it may? */
bool gvcam_stream_spent(const struct gvcam_stream *stream);

/* Queues a request; served by gvcam_stream_fill. */
void gvcam_stream_resend(struct gvcam_stream *stream, const struct sp_gvcp_resend *resend);

/*
 * Up to @max packets that are due; they are valid until the next call. Returns how many, and in
 * @ret_next_ns when there will be more: at once if @max came back, UINT64_MAX if nothing comes
 * before a change.
 */
uint32_t gvcam_stream_fill(struct gvcam_stream *stream, uint64_t now_ns,
			   struct gvcam_packet *packets, uint32_t max, uint64_t *ret_next_ns);

/* Wraps as 16-bit ids do, 65535 → 1; 64-bit ids go on. */
uint64_t gvcam_next_block_id(uint64_t id, bool extended);

#endif
