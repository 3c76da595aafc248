/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stream of one camera, pure but for its player: given the time, which GVSP packets leave now.
 * Used by the sender thread alone. No memory is taken after init.
 */
#ifndef GVCAM_STREAM_H
#define GVCAM_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "gvcam/camera.h"
#include "gvcam/faults.h"
#include "gvcam/player.h"

enum {
	GVCAM_RING_BLOCKS = 64, /* sent blocks that can be sent again */
	GVCAM_RESEND_QUEUE = 256, /* requests waiting */
	GVCAM_HEAD_BYTES = 64, /* the longest leader is 56 */
};

struct gvcam_stream_config {
	uint32_t camera;
	struct gvcam_faults faults;
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
};

struct gvcam_block {
	uint64_t id;
	uint64_t ticks; /* timestamp */
	uint32_t made; /* packets that have had their turn */
	struct gvcam_shot shot;
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
	uint64_t image_bytes;
	uint32_t data_bytes; /* payload bytes of a full packet */
	uint32_t packets; /* of a block, leader and trailer included */
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
	struct sp_gvcp_resend requests[GVCAM_RESEND_QUEUE];
	uint32_t requests_n, requests_at; /* free-running: count, next to serve */
	double tokens; /* packets that may be sent again now */
	uint64_t tokens_ns; /* when they were last counted */
	uint64_t resends; /* so far, for the faults */
};

/* A packet to send: a header and the bytes behind it. */
struct gvcam_packet {
	uint8_t head[GVCAM_HEAD_BYTES];
	uint32_t head_bytes;
	const uint8_t *data;
	uint32_t data_bytes;
	uint8_t *scratch; /* the caller's: GVCAM_PACKET_MAX bytes that @data may point to */
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
