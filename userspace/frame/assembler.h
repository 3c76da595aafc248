/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The assembler: bursts of packets in, frames, resend requests and buffer tokens out.
 *
 * Pure: no thread, no clock, no I/O. All memory is taken by create and add_stream. One thread calls
 * everything but counters (the capture thread); counters may be read by any thread.
 *
 *	for (;;) {
 *		now = source->ops->now(source);
 *		n = source->ops->receive(source, packets, MAX, wait);	wait: deadline - now, capped
 *		now = source->ops->now(source);
 *		sp_assembler_push(a, packets, n);
 *		while (frame comes back from the consumer)
 *			sp_assembler_put(a, frame);
 *		sp_assembler_tick(a, now);
 *		sp_assembler_take(a, &out);	hand on frames and resends, release tokens
 *	}
 *
 * The window. A packet of the block after the newest opens it. A packet further ahead, far behind,
 * of a block closed long ago, with the other kind of header, or a leader with another timestamp for
 * a known id means that blocks were lost or that the camera began anew; or it is forged. One packet
 * proves nothing: its buffer is held, and with the third of the same block or its neighbours,
 * within retention_ns, the window moves there and the held ones are taken first. Beyond 8 blocks
 * ahead no packet of the window may come in between. A leader alone is proof if nothing came of the
 * newest block for retention_ns and its timestamp is later than that one's, or after another second
 * of silence. At most 8 packets of 4 places are held, within the stream's credit; those that are
 * given up count as `stray`, as do packets of blocks before the first one. What is held is let in
 * when the window gets there by itself. So a sender of random ids, even from the camera's address,
 * closes nothing. One that knows the block ids in use, or those of the next retention_ns, can write
 * into their blocks what has not come yet, and the very first packet of a stream is believed:
 * nothing in the protocol tells it from the camera. What has come stays: the first usable copy of a
 * packet is kept, whatever is sent after it, as a resend or not.
 *
 * Where the window moves ahead by up to 100 ids, those between are awaited as gaps and count as
 * skipped once retention_ns has passed without a packet of theirs. In the other cases the camera
 * began anew: open blocks are closed as they are, `restarts` counts, and nothing is skipped.
 *
 * A block is closed as soon as leader, trailer and every payload packet are there. Otherwise it is
 * closed retention_ns after its last packet, or as early as packet_timeout_ns after it when nothing
 * more is to be expected: the trailer came or a newer block began (or only the trailer is missing),
 * and every gap was asked for resend_tries times and given packet_timeout_ns to be answered, or the
 * camera has said that it has the packets no more. A block of which only the leader came waits for
 * the next block to begin (triggered cameras send leaders early). A closed block with at least one
 * payload packet becomes a frame, one without does not and counts as skipped. Frames come in the
 * order in which blocks close.
 *
 * config.packet_payload is what a packet with a standard header carries; a stream with extended
 * headers has the same packet size and so 12 bytes less in each. Cameras choose by themselves.
 *
 * What a block holds comes from its leader, within the budget of the configured image (bytes) and
 * extra_bytes:
 *	image		the image. A trailer that says fewer lines ends it there, if its packet id
 *			says so as well and no later packet came; 0 lines say nothing.
 *	image with	(0x4000, types 4 and 5) the image and up to extra_bytes more. The block ends
 *	chunk data	where its trailer says, without a trailer with the last packet that came,
 *			never before the image does. What goes beyond the budget is `surplus`, and
 *			then all of the chunk data are, for they are read from their end.
 *	multi-part	up to SP_FRAME_PARTS_MAX parts; the first 2D image is looked at and must be
 *			within the configured image. The prefix of a packet must be what the leader
 *			implies, else it is `bad_packet`. Needs extra_bytes, if only for prefixes.
 *	all-in		one packet; one that is shorter than its image is `bad_packet`.
 * A leader that asks for more, an unknown pixel format or another payload type closes the block as
 * block_discarded at the configured number of packets. A block without a leader
 * (SP_FRAME_NO_LEADER) is taken for what the last leader was: the configured image, with chunk data
 * or without, or the same parts, but block_discarded if a prefix contradicts that. Packets that
 * came before their leader are judged by it.
 *
 * Credit: config.frames frames and `buffers` packets a stream. At the limit the stream's oldest
 * open block is closed as `policy`, or the new one is refused as `policy` if it is the oldest. To
 * hand the oldest over as it is would free nothing: its credit comes back with put alone.
 *
 * The ledger (frame/ledger.h) adds up after every call: packets of open blocks are in neither side.
 */
#ifndef SP_FRAME_ASSEMBLER_H
#define SP_FRAME_ASSEMBLER_H

#include <stdint.h>

#include "capture/packet_source.h"
#include "frame/frame_source.h"

struct sp_assembler;
struct sp_err;

enum {
	SP_ASSEMBLER_RESENDS =
		1024, /* requests that may wait for take; further ones wait for a tick */
};

struct sp_assembler_config {
	const struct sp_region *region; /* of the packet source; outlives the assembler */
	unsigned int buffers; /* of the packet source: tokens that can be out at once */
	unsigned int streams; /* how many add_stream calls may follow */
};

/* 0 or -errno (-EINVAL, -ENOMEM) with @err filled. */
int sp_assembler_create(const struct sp_assembler_config *config,
			struct sp_assembler **ret_assembler, struct sp_err *err);

/* Every frame is invalid after this, tokens that were not taken are forgotten. NULL is fine. */
void sp_assembler_destroy(struct sp_assembler *assembler);

/*
 * @buffers: the stream's credit of packet buffers; 0: as many as its frames can hold. Must hold a
 * block. Returns the stream's index (0, 1, … in the order of calls) or -errno with @err filled.
 * Requires 21 ≤ packet_payload ≤ 65,499, a known pixel format, 1 ≤ frames ≤ 4,096, times in order:
 * gap_ns ≤ packet_timeout_ns ≤ retention_ns, all > 0.
 */
int sp_assembler_add_stream(struct sp_assembler *assembler, const struct sp_stream_config *config,
			    unsigned int buffers, struct sp_err *err);

/* The most payload packets of a block within the budget, with either header; for sizing buffers. */
uint32_t sp_assembler_block_packets(const struct sp_stream_config *config);

/*
 * Looks at @n packets in order; their rx_ns is the time, which should not run back. Each token
 * given here comes back exactly once through take: at once if the packet is not kept (leader,
 * trailer, duplicate, …), else after its frame was put back or its block was given up.
 */
void sp_assembler_push(struct sp_assembler *assembler, const struct sp_packet *packets,
		       unsigned int n);

/* Closes what is due and asks for what is missing. Cheap when now_ns is before next_deadline. */
void sp_assembler_tick(struct sp_assembler *assembler, uint64_t now_ns);

/*
 * The earliest time at which tick may have something to do, UINT64_MAX if there is nothing to wait
 * for. Never late; it may be early.
 */
uint64_t sp_assembler_next_deadline(const struct sp_assembler *assembler);

/* A frame of this assembler back from its consumer; any order. */
void sp_assembler_put(struct sp_assembler *assembler, struct sp_frame *frame);

/* Closes every open block as it is (end of a capture, stop), gaps as skipped. */
void sp_assembler_flush(struct sp_assembler *assembler, uint64_t now_ns);

/* The same for one stream. */
void sp_assembler_flush_stream(struct sp_assembler *assembler, unsigned int stream,
			       uint64_t now_ns);

/* What gathered since the last take. The arrays are the assembler's, valid until its next call. */
struct sp_assembler_out {
	struct sp_frame **frames; /* ownership moves to the caller until put */
	unsigned int frames_n;
	const uint64_t *tokens; /* to release */
	unsigned int tokens_n;
	const struct sp_resend_request *resends;
	unsigned int resends_n;
};

/* May be called after several calls of the others; nothing is lost between. */
void sp_assembler_take(struct sp_assembler *assembler, struct sp_assembler_out *ret_out);

/*
 * The caller could not hand @request on: counts it. The assembler asks again as if it had been
 * sent. Leaves what take gave as it is.
 */
void sp_assembler_drop_resend(struct sp_assembler *assembler,
			      const struct sp_resend_request *request);

/* The live counters of a stream; NULL past the last. Any thread, sp_counter_read. */
const struct sp_stream_counters *sp_assembler_counters(const struct sp_assembler *assembler,
						       unsigned int stream);

#endif
