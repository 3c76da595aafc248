/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the assembler's files share; nobody else includes this.
 *
 *	assembler.c	memory, lists in and out, time
 *	window.c	which block a packet belongs to
 *	receive.c	what a packet is there
 *	geometry.c	what a block measures
 *	block.c		a block from opening to closing, and the ledger
 *	fill.c		the frame that it becomes
 *	gap.c		what to ask for again, and when
 */
#ifndef SP_FRAME_ASSEMBLER_STATE_H
#define SP_FRAME_ASSEMBLER_STATE_H

#include <assert.h>

#include "frame/assembler.h"
#include "frame/device_clock.h"
#include "gvsp_block.h"
#include "gvsp_wire.h"

enum {
	SP_BLOCK_REACH = 100, /* blocks behind the newest that are still remembered */
	SP_BLOCK_SLOTS = 128, /* a power of two above the reach and the id left out at the wrap */
	SP_BLOCK_GAPS = 64,
	/* An extended header takes so many bytes more of the same packet. */
	SP_EXTENDED_EXTRA = SP_GVSP_HEADER_EXT_BYTES - SP_GVSP_HEADER_BYTES,
	SP_PREFETCH = 4, /* packets ahead */
	SP_SUSPECTS = 4, /* places outside the window of which packets are kept for a while */
	SP_SUSPECT_PROOF = 3, /* packets of such a place that move the window there */
};

/* Of a payload packet that is none of a multi-part block. */
#define SP_NO_PLACE UINT64_MAX

/* A gap of packet ids [first, last] that is to be asked for. */
struct sp_gap {
	uint64_t next_ns;
	uint32_t first, last;
	uint32_t tries;
};

/* What a block measures on the wire. */
struct sp_block_geometry {
	uint32_t stride; /* bytes in every packet of a part but its last */
	uint32_t full; /* the first so many packets must have them; none is known to if it is 0 */
	uint32_t packets; /* of the image, or of all parts */
	uint32_t reach; /* of what is kept: with the chunk data that the budget allows */
	uint32_t last_bytes; /* of the image, in its last packet */
	bool chunks; /* the image's last packet may be longer, more may follow */
	bool multi; /* in parts, below */
	bool all_in; /* one packet is the whole block */
	uint64_t bytes; /* of the image */
	uint32_t pixel_format, width, height, offset_x, offset_y, padding_x, padding_y;
	/* As the leader of a multi-part block has them, and which of them is looked at. */
	uint32_t parts_n, image;
	struct sp_frame_part parts[SP_FRAME_PARTS_MAX];
};

/* A block with its frame: open, or handed over as a frame. */
struct sp_block {
	struct sp_frame frame;
	struct sp_stream *stream;
	struct sp_block *next_free;
	/* Per payload packet; lengths only of those from geometry.full on. */
	uint64_t *offset, *token;
	uint16_t *length;
	uint64_t *place; /* as prefixes say: sp_geometry_place; NULL without extra_bytes */
	uint64_t *missing; /* the frame's bitmap; written on closing */
	__u64 *bad; /* came unusable */
	__u64 *shorts; /* of these: held, since they may turn out to be the last one */
	__u64 *gone; /* the camera has it no more */
	__u64 *asked;
	struct sp_block_geometry geometry;
	uint64_t idle_ns; /* last packet, or the time since which it is waited for */
	uint32_t next_id; /* the highest packet id seen or asked for, plus one */
	uint32_t trailer_id, lines; /* as the trailer says; lines 0: it does not */
	uint32_t shorts_n;
	uint32_t gaps_n;
	struct sp_gap gaps[SP_BLOCK_GAPS];
	bool leader, trailer, leader_gone, trailer_gone;
	bool any_asked;
	bool ended; /* it is known how many packets there are */
	bool cut; /* chunk data went beyond the budget */
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

/* Packets of a place outside the window, held until there is proof that the camera is there. */
struct sp_suspect {
	uint64_t since_ns;
	uint64_t inside; /* packets inside the window when the first of these came */
	uint64_t first_id, last_id; /* blocks */
	uint32_t n; /* 0: free */
	bool extended;
	struct sp_packet packets[SP_SUSPECT_PROOF - 1];
};

struct sp_stream {
	struct sp_stream_config config;
	struct sp_stream_counters counters;
	struct sp_assembler *assembler;
	/* As configured; the budget. In use, and with standard and extended headers. */
	struct sp_block_geometry geometry, geometry_of[2];
	uint32_t stride, packets_max;
	uint32_t reach; /* of a block whose leader is not there yet: packets that are kept */
	uint32_t index;
	uint32_t buffers, held; /* packet buffers: credit, held by open blocks and frames */
	bool begun, extended;
	/* What the last leader was: so is a block that has lost its own. */
	bool chunks;
	struct sp_block_geometry parts; /* multi: it was multi-part */
	uint32_t last_packets; /* of the last block with chunk data whose trailer came */
	uint64_t ticks; /* of the last leader in order */
	struct sp_device_clock clock;
	uint64_t newest; /* block id */
	uint64_t begun_ns;
	struct sp_block *free;
	/* Slots of gaps and open blocks, oldest id first. */
	uint8_t pending[SP_BLOCK_SLOTS];
	uint32_t pending_n;
	struct sp_slot slots[SP_BLOCK_SLOTS];
	struct sp_slot *turn; /* whose packets come in order; NULL: none did */
	struct sp_suspect suspects[SP_SUSPECTS];
	uint64_t outside; /* packets that were outside the window */
	bool settling; /* suspects are being let in */
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
static inline void sp_assembler_release(struct sp_assembler *assembler, uint64_t token)
{
	/* Each token is out once, so all of them fit. */
	assert(assembler->out.tokens_n < assembler->tokens_max);
	assembler->tokens[assembler->out.tokens_n++] = token;
}

/* ---- geometry.c ---- */

/* The image that the stream is configured for, in packets of @stride bytes. */
void sp_geometry_configure(const struct sp_stream_config *config, uint32_t stride,
			   struct sp_block_geometry *ret);

/* The most payload packets that a block within the budget can have, with either header. */
uint64_t sp_geometry_packets_max(const struct sp_stream_config *config);

/*
 * What the image of a leader measures at the stream's packet size. -EINVAL: not an image that the
 * stream can hold.
 */
int sp_geometry_measure(const struct sp_stream *stream, const struct sp_gvsp_leader *leader,
			struct sp_block_geometry *ret);

/*
 * The same for a multi-part leader: @payload follows its header, which tells the number of @parts.
 */
int sp_geometry_measure_parts(const struct sp_stream *stream, uint8_t parts, const void *payload,
			      uint32_t length, struct sp_block_geometry *ret);

/* With chunk data behind the image: how far the budget goes. */
void sp_geometry_add_chunks(const struct sp_stream *stream, struct sp_block_geometry *geometry);

/* The image has only so many lines. False, and nothing changes, if that says nothing new. */
bool sp_geometry_shorten(struct sp_block_geometry *geometry, uint32_t lines);

/* Whether packet @i of an image would end with a line if it had @length bytes. */
bool sp_geometry_ends_line(const struct sp_block_geometry *geometry, uint32_t i, uint32_t length);

/* Part and offset in one number, as a multi-part prefix has them. */
static inline uint64_t sp_geometry_place(uint8_t part, uint64_t offset)
{
	return (uint64_t)part << 48 | offset;
}

/*
 * Whether @length bytes may be packet @i (< reach) of the open block: by its leader, if that is
 * there. @place: as its prefix says, SP_NO_PLACE without one.
 */
bool sp_block_fits(const struct sp_stream *stream, const struct sp_block *block, uint32_t i,
		   uint32_t length, uint64_t place);

/* ---- block.c ---- */

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

/* Leader and trailer are there: where the block ends, and what its last packets are. */
void sp_block_end(struct sp_stream *stream, struct sp_slot *slot);

/* The stream's next blocks are expected to be of this kind. */
void sp_stream_expect_alike(struct sp_stream *stream, const struct sp_block_geometry *geometry);

/* How many payload packets the open block has, for all that is known. */
uint32_t sp_block_likely_packets(const struct sp_stream *stream, const struct sp_slot *slot);

/* Whether a packet that is too short for its leader would be the last one of fewer lines. */
bool sp_block_may_be_last(const struct sp_block *block, uint32_t i, uint32_t length,
			  uint64_t place);

/* Packet @i is held as such, until the trailer or the full one comes. */
void sp_block_hold_short(struct sp_block *block, uint32_t i, uint32_t length);

/* The full one is there; nothing happens if there is no short one. */
void sp_block_release_short(struct sp_block *block, uint32_t i);

/* Gives the frame's buffers back and frees the block. */
void sp_block_put(struct sp_block *block);

/* The oldest open block's slot, or NULL. */
struct sp_slot *sp_stream_oldest_open(struct sp_stream *stream);

/* Closes every gap and open block as it is. */
void sp_stream_close_pending(struct sp_stream *stream, uint64_t now_ns);

/* ---- fill.c ---- */

/* The frame of a block that is closing: what it is, its parts, its bitmap. */
void sp_block_fill_frame(struct sp_stream *stream, struct sp_slot *slot);

/* Bytes of its parts in the packets that came. */
uint64_t sp_block_bytes(const struct sp_slot *slot);

/* ---- window.c ---- */

/*
 * The slot of the packet's block; the window moves on to it, or begins anew. @timestamp: of a
 * leader, else 0. NULL: it is outside the window; *ret_kept says whether its buffer is held until
 * more is known, else it is counted as stray.
 */
struct sp_slot *sp_window_admit(struct sp_stream *stream, const struct sp_gvsp_packet *gvsp,
				uint64_t timestamp, const struct sp_packet *packet, bool *ret_kept);

/* The same for a packet of an open block, as nearly every one is; NULL: it takes the other one. */
static inline struct sp_slot *sp_window_open_slot(struct sp_stream *stream,
						  const struct sp_gvsp_packet *gvsp)
{
	struct sp_slot *slot = &stream->slots[gvsp->block_id % SP_BLOCK_SLOTS];

	if (slot->state == SP_SLOT_OPEN && slot->block_id == gvsp->block_id &&
	    gvsp->extended == stream->extended)
		return slot;
	return NULL;
}

/* The slot of a block within reach that was seen or passed over; NULL if there is none. */
struct sp_slot *sp_window_find(struct sp_stream *stream, const struct sp_gvsp_packet *gvsp);

/*
 * Forgets what is held of places outside for too long: counted as stray. Returns when the next is.
 */
uint64_t sp_window_expire(struct sp_stream *stream, uint64_t now_ns);

/* Forgets all of it. */
void sp_window_forget(struct sp_stream *stream);

/* ---- receive.c ---- */

/* One datagram. True if its buffer is kept. */
bool sp_stream_receive(struct sp_stream *stream, const struct sp_packet *packet);

/*
 * Nearly every packet is the next one of the block whose turn it is. Takes as many such as
 * @packets[@n] begins with, by a way that is short since it leaves all else to sp_stream_receive.
 * Returns how many, whose buffers are kept.
 */
uint32_t sp_stream_receive_run(struct sp_stream *stream, const struct sp_packet *packets,
			       uint32_t n);

/* The same for one that was held: it is counted and from the camera. */
bool sp_stream_deliver(struct sp_stream *stream, const struct sp_packet *packet);

/* ---- gap.c ---- */

/* Packet @id of the open block was seen: ids that it skipped are a gap. */
void sp_gap_see(struct sp_stream *stream, struct sp_slot *slot, uint32_t id, uint64_t now_ns);

/* Nothing more comes in order: what is left up to the trailer is a gap due at @due_ns. */
void sp_gap_tail(struct sp_stream *stream, struct sp_slot *slot, uint64_t due_ns);

/* Asks for gaps that are due. Returns when the next one is. */
uint64_t sp_gap_ask(struct sp_stream *stream, struct sp_slot *slot, uint64_t now_ns);

/* The camera says that it has packet @last no more, or none up to it (@all_before). */
void sp_gap_note_gone(struct sp_stream *stream, struct sp_slot *slot, uint32_t last,
		      bool all_before);

#endif
