/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loss ledger of a stream. Unit: payload packets of expected blocks; a block of which nothing
 * came, but which lies between blocks that came, counts whole.
 *
 * Once every block is closed, always and exactly:
 *
 *	expected = delivered + policy + bad_packet + late + block_discarded + missing
 *
 * A block has as many payload packets as its leader implies, without a leader as the configured
 * image has; chunk data behind the image as many more as its trailer says, without a trailer as
 * many as came. One that is given up counts chunk data only if its trailer came.
 *
 * Each payload packet of each expected block is in exactly one of the six:
 *
 *	delivered	 came in time and is in a frame that was handed over
 *	policy		 was in a block that we gave up for want of credit, whether it came or not
 *	bad_packet	 came only with a wrong length, place or status, or with pixels that were
 *			 split off into memory that is not the region's
 *	late		 came after its block was closed (moves here from `missing`)
 *	block_discarded	 was in a block that could not become a frame: impossible geometry,
 *			 unsupported payload type
 *	missing		 never came
 *
 * Traffic that belongs to no expected packet is counted beside the sum, in the second group.
 */
#ifndef SP_FRAME_LEDGER_H
#define SP_FRAME_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/stats.h"

struct sp_stream_counters {
	/* The ledger. */
	uint64_t expected;
	uint64_t delivered, policy, bad_packet, late, block_discarded, missing;
	/* Beside it: datagrams. */
	uint64_t packets;	/* datagrams looked at */
	uint64_t bytes;		/* payload bytes delivered */
	uint64_t duplicate;	/* a copy of a packet that is already there */
	uint64_t stray;		/* of a block outside the window */
	uint64_t surplus;	/* payload beyond the block's end or its budget, not kept */
	uint64_t malformed;	/* no GVSP packet at all */
	uint64_t foreign;	/* from another address than the camera's */
	uint64_t resent;	/* came marked as a resend, or after we asked */
	uint64_t unavailable;	/* the camera answered that it has the packet no more */
	/* Frames. */
	uint64_t frames_complete, frames_incomplete;
	uint64_t blocks_skipped;   /* nothing of them came */
	uint64_t blocks_discarded;
	uint64_t blocks_policy;
	uint64_t restarts;	   /* block ids jumped: the camera began anew */
	/* Resend. */
	uint64_t resend_requests, resend_packets; /* asked for by the assembler */
	uint64_t resends_dropped; /* of these requests, the queue to the resend thread was full */
};

extern const struct sp_counter sp_stream_counter_table[];
extern const size_t sp_stream_counter_table_n;

/* Only at rest: while blocks are open their packets are in no class yet. */
static inline bool sp_ledger_adds_up(const struct sp_stream_counters *c)
{
	return c->expected == c->delivered + c->policy + c->bad_packet + c->late +
				      c->block_discarded + c->missing;
}

#endif
