/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the assembler's files share; nobody else includes this.
 *
 *	assembler.c	memory, lists in and out, time
 *	receive.c	which block a packet belongs to, and what it is there
 *	block.c		a block from opening to closing, and the ledger
 *	gap.c		what to ask for again, and when
 */
#ifndef SP_FRAME_ASSEMBLER_STATE_H
#define SP_FRAME_ASSEMBLER_STATE_H

#include "frame/assembler.h"
#include "gvsp_block.h"
#include "gvsp_wire.h"

enum {
	SP_BLOCK_REACH = 100, /* blocks behind the newest that are still remembered */
	SP_BLOCK_SLOTS = 128, /* a power of two above the reach and the id left out at the wrap */
	SP_BLOCK_GAPS = 64,
	/* An extended header takes so many bytes more of the same packet. */
	SP_EXTENDED_EXTRA = SP_GVSP_HEADER_EXT_BYTES - SP_GVSP_HEADER_BYTES,
};

/* A gap of packet ids [first, last] that is to be asked for. */
struct sp_gap {
	uint64_t next_ns;
	uint32_t first, last;
	uint32_t tries;
};

/* What an image measures on the wire. */
struct sp_block_geometry {
	uint64_t bytes; /* of the image */
	uint32_t packets;
	uint32_t last_bytes; /* in the last packet */
	uint32_t pixel_format, width, height, offset_x, offset_y, padding_x;
	bool chunks; /* the last packet may be longer, more may follow */
};

/* A block with its frame: open, or handed over as a frame. */
struct sp_block {
	struct sp_frame frame;
	struct sp_stream *stream;
	struct sp_block *next_free;
	/* Per payload packet; lengths only as long as no leader is there to judge them. */
	uint64_t *offset, *token;
	uint16_t *length;
	uint64_t *missing; /* the frame's bitmap; written on closing */
	__u64 *bad; /* came unusable */
	__u64 *gone; /* the camera has it no more */
	__u64 *asked;
	struct sp_block_geometry geometry;
	uint64_t idle_ns; /* last packet, or the time since which it is waited for */
	uint32_t next_id; /* the highest packet id seen or asked for, plus one */
	uint32_t gaps_n;
	struct sp_gap gaps[SP_BLOCK_GAPS];
	bool leader, trailer, leader_gone, trailer_gone;
	bool any_asked;
};

enum sp_slot_state {
	SP_SLOT_EMPTY,
	SP_SLOT_GAP, /* awaited: a newer block came first */
	SP_SLOT_OPEN,
	SP_SLOT_CLOSED, /* counted; remembered for what comes late */
	SP_SLOT_GIVEN_UP, /* counted as policy or block_discarded */
};

/* What is remembered of a block id within reach. */
struct sp_slot {
	uint64_t block_id;
	uint64_t since_ns; /* GAP: noticed; CLOSED, GIVEN_UP: closed */
	uint64_t timestamp; /* of the leader; 0: none came */
	struct sp_gvsp_block packets;
	__u64 *bits; /* memory for packets.missing */
	struct sp_block *block; /* OPEN */
	uint8_t state;
	bool leader, trailer; /* came; CLOSED */
};

struct sp_stream {
	struct sp_stream_config config;
	struct sp_stream_counters counters;
	struct sp_assembler *assembler;
	/* As configured; the budget. In use, and with standard and extended headers. */
	struct sp_block_geometry geometry, geometry_of[2];
	uint32_t stride, packets_max;
	uint32_t index;
	uint32_t buffers, held; /* packet buffers: credit, held by open blocks and frames */
	bool begun, extended;
	bool chunks; /* the last leader announced chunk data */
	uint64_t newest; /* block id */
	uint64_t begun_ns;
	struct sp_block *free;
	/* Slots of gaps and open blocks, oldest id first. */
	uint8_t pending[SP_BLOCK_SLOTS];
	uint32_t pending_n;
	struct sp_slot slots[SP_BLOCK_SLOTS];
	struct sp_block *blocks; /* [config.frames] */
	void *memory;
};

struct sp_assembler {
	const struct sp_region *region;
	uint64_t deadline; /* tick before this has nothing to do */
	bool taken; /* the lists below were taken */
	uint32_t streams_n, streams_max, frames_max, tokens_max;
	struct sp_stream **streams;
	struct sp_assembler_out out;
	uint64_t *tokens;
	struct sp_resend_request *resends;
};

static inline void sp_assembler_sooner(struct sp_assembler *assembler, uint64_t when_ns)
{
	if (when_ns < assembler->deadline)
		assembler->deadline = when_ns;
}

/* The token goes back to the packet source. */
void sp_assembler_release(struct sp_assembler *assembler, uint64_t token);

/* ---- block.c ---- */

/*
 * What the image of a leader measures at the stream's packet size. -EINVAL: not an image that the
 * stream can hold.
 */
int sp_block_measure(const struct sp_stream *stream, const struct sp_gvsp_leader *leader,
		     struct sp_block_geometry *ret);

/* Sets the stride and the budget for standard or extended headers. */
void sp_stream_use_headers(struct sp_stream *stream, bool extended);

/* The slot becomes a gap, the newest of the pending ones. */
void sp_slot_await(struct sp_stream *stream, struct sp_slot *slot, uint64_t block_id,
		   uint64_t now_ns);

/* A gap becomes an open block. False if there is no credit: then it is given up. */
bool sp_slot_open(struct sp_stream *stream, struct sp_slot *slot, uint64_t now_ns);

/* Closes a gap or an open block as it is. */
void sp_slot_close(struct sp_stream *stream, struct sp_slot *slot, uint64_t now_ns);

enum sp_give_up { SP_GIVE_UP_POLICY, SP_GIVE_UP_DISCARD };

/* Closes a gap or an open block without a frame. */
void sp_slot_give_up(struct sp_stream *stream, struct sp_slot *slot, enum sp_give_up why,
		     uint64_t now_ns);

/* An open block gets its leader's geometry; packets that came before it are judged by it. */
void sp_block_settle(struct sp_stream *stream, struct sp_slot *slot,
		     const struct sp_block_geometry *geometry);

/* Whether a payload of @length bytes may be packet @i. */
static inline bool sp_block_length_fits(const struct sp_stream *stream,
					const struct sp_block *block, uint32_t i, uint32_t length)
{
	const struct sp_block_geometry *geometry = &block->geometry;
	uint32_t stride = stream->stride;

	if (!block->leader)
		return length && length <= stride;
	if (i + 1 < geometry->packets)
		return length == stride;
	return length == geometry->last_bytes ||
	       (geometry->chunks && length > geometry->last_bytes && length <= stride);
}

/* Gives the frame's buffers back and frees the block. */
void sp_block_put(struct sp_block *block);

/* The oldest open block's slot, or NULL. */
struct sp_slot *sp_stream_oldest_open(struct sp_stream *stream);

/* Closes every gap and open block as it is. */
void sp_stream_close_pending(struct sp_stream *stream, uint64_t now_ns);

/* ---- receive.c ---- */

/* One datagram. True if its buffer is kept. */
bool sp_stream_receive(struct sp_stream *stream, const struct sp_packet *packet);

/* ---- gap.c ---- */

/* Packet @id of the open block was seen: ids that it skipped are a gap. */
void sp_gap_see(struct sp_stream *stream, struct sp_slot *slot, uint32_t id, uint64_t now_ns);

/* Nothing more comes in order: what is left up to the trailer is a gap due at @due_ns. */
void sp_gap_tail(struct sp_stream *stream, struct sp_slot *slot, uint64_t due_ns);

/* Asks for gaps that are due. Returns when the next one is. */
uint64_t sp_gap_ask(struct sp_stream *stream, struct sp_slot *slot, uint64_t now_ns);

#endif
