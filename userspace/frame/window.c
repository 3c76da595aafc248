/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which block a packet belongs to. The window is the newest block and those behind it that are
 * still remembered. What lies outside, beyond the next block, moves it only on proof: assembler.h,
 * "The window".
 */
#include <string.h>

#include "base/clock.h"
#include "frame/assembler_state.h"

/* No network holds a packet for so long after its block was closed: the camera began anew. */
#define STALE_NS SP_NS_PER_S

enum {
	NEAR = 8, /* blocks that may be lost on the way while packets of older ones still come */
};

static struct sp_slot *slot_of(struct sp_stream *stream, uint64_t block_id)
{
	return &stream->slots[block_id % SP_BLOCK_SLOTS];
}

static bool is_known(const struct sp_slot *slot, uint64_t block_id)
{
	return slot->state != SP_SLOT_EMPTY && slot->block_id == block_id;
}

struct sp_slot *sp_window_find(struct sp_stream *stream, const struct sp_gvsp_packet *gvsp)
{
	struct sp_slot *slot = slot_of(stream, gvsp->block_id);
	__s64 distance;

	if (!stream->begun || gvsp->extended != stream->extended ||
	    !is_known(slot, gvsp->block_id) ||
	    sp_gvsp_block_place(gvsp->block_id, stream->newest, stream->extended, SP_BLOCK_REACH,
				&distance) != SP_GVSP_KNOWN)
		return NULL;
	return slot;
}

/* ---- moving ---- */

/* The camera began anew: nothing of before is of use. */
static void restart(struct sp_stream *stream, uint64_t now_ns)
{
	sp_stream_close_pending(stream, now_ns);
	for (uint32_t i = 0; i < SP_BLOCK_SLOTS; i++)
		stream->slots[i].state = SP_SLOT_EMPTY;
	stream->begun = false;
	sp_count(&stream->counters.restarts, 1);
}

/* A newer block begins: what older ones still lack at their end will not come by itself. */
static void supersede(struct sp_stream *stream, uint64_t now_ns)
{
	for (uint32_t i = 0; i < stream->pending_n; i++) {
		struct sp_slot *slot = &stream->slots[stream->pending[i]];
		struct sp_block *block = slot->block;

		if (slot->state != SP_SLOT_OPEN)
			continue;
		/* Only its leader came: until now that was no reason to give up waiting. */
		if (block->next_id == 1)
			block->idle_ns = now_ns;
		if (slot->packets.missing_n)
			sp_gap_tail(stream, slot, now_ns + stream->config.gap_ns);
		sp_assembler_sooner(stream->assembler, now_ns + stream->config.gap_ns);
	}
}

/* The window moves on by @distance blocks to @block_id. */
static void advance(struct sp_stream *stream, uint64_t block_id, int64_t distance, uint64_t now_ns)
{
	while (stream->pending_n) {
		struct sp_slot *oldest = &stream->slots[stream->pending[0]];

		if (sp_gvsp_block_distance(block_id, oldest->block_id, stream->extended) <
		    SP_BLOCK_REACH)
			break;
		sp_slot_close(stream, oldest, now_ns);
	}
	supersede(stream, now_ns);
	for (; distance > 1; distance--) {
		stream->newest = sp_gvsp_block_next(stream->newest, stream->extended);
		sp_slot_await(stream, slot_of(stream, stream->newest), stream->newest, now_ns);
	}
	stream->newest = block_id;
	sp_slot_await(stream, slot_of(stream, block_id), block_id, now_ns);
}

/* The window is to have @block_id as its newest, or begins anew there. */
static void move_to(struct sp_stream *stream, uint64_t block_id, bool extended, uint64_t now_ns)
{
	__s64 distance;

	if (stream->begun && extended == stream->extended &&
	    sp_gvsp_block_place(block_id, stream->newest, extended, SP_BLOCK_REACH, &distance) ==
		    SP_GVSP_AHEAD) {
		advance(stream, block_id, distance, now_ns);
		return;
	}
	if (stream->begun)
		restart(stream, now_ns);
	stream->begun = true;
	stream->begun_ns = now_ns;
	sp_stream_use_headers(stream, extended);
	advance(stream, block_id, 1, now_ns);
}

/* ---- suspects: packets outside the window ---- */

/* Packets that were in the window; those that were none of the camera's are neither. */
static uint64_t inside(const struct sp_stream *stream)
{
	const struct sp_stream_counters *c = &stream->counters;

	return c->packets - c->foreign - c->malformed - stream->outside;
}

static void forget(struct sp_stream *stream, struct sp_suspect *suspect)
{
	for (uint32_t i = 0; i < suspect->n; i++)
		sp_assembler_release(stream->assembler, suspect->packets[i].token);
	stream->held -= suspect->n;
	sp_count(&stream->counters.stray, suspect->n);
	suspect->n = 0;
}

void sp_window_forget(struct sp_stream *stream)
{
	for (uint32_t i = 0; i < SP_SUSPECTS; i++)
		forget(stream, &stream->suspects[i]);
}

uint64_t sp_window_expire(struct sp_stream *stream, uint64_t now_ns)
{
	uint64_t next_ns = UINT64_MAX;

	for (uint32_t i = 0; i < SP_SUSPECTS; i++) {
		struct sp_suspect *suspect = &stream->suspects[i];
		uint64_t due = suspect->since_ns + stream->config.retention_ns;

		if (!suspect->n)
			continue;
		if (now_ns >= due)
			forget(stream, suspect);
		else if (due < next_ns)
			next_ns = due;
	}
	return next_ns;
}

/* Whether the window, or the block after it, has the place. */
static bool is_reached(const struct sp_stream *stream, const struct sp_suspect *suspect)
{
	__s64 distance;

	if (!stream->begun || suspect->extended != stream->extended)
		return false;
	sp_gvsp_block_place(suspect->first_id, stream->newest, stream->extended, SP_BLOCK_REACH,
			    &distance);
	return distance <= 1 && distance > -SP_BLOCK_REACH;
}

/* The window has moved: what was held of places that are inside now is let in. */
static void let_in(struct sp_stream *stream)
{
	if (stream->settling)
		return;
	stream->settling = true;
	for (uint32_t i = 0; i < SP_SUSPECTS; i++) {
		struct sp_suspect *suspect = &stream->suspects[i];
		uint32_t n = suspect->n;

		if (!n || !is_reached(stream, suspect))
			continue;
		suspect->n = 0;
		stream->held -= n;
		stream->outside -= n;
		for (uint32_t p = 0; p < n; p++)
			if (!sp_stream_deliver(stream, &suspect->packets[p]))
				sp_assembler_release(stream->assembler, suspect->packets[p].token);
	}
	stream->settling = false;
}

/* The suspect that the packet belongs to: of the same block or the one before or after. */
static struct sp_suspect *find_suspect(struct sp_stream *stream, const struct sp_gvsp_packet *gvsp)
{
	for (uint32_t i = 0; i < SP_SUSPECTS; i++) {
		struct sp_suspect *suspect = &stream->suspects[i];

		if (suspect->n && suspect->extended == gvsp->extended &&
		    sp_gvsp_block_distance(gvsp->block_id, suspect->first_id, gvsp->extended) >=
			    -1 &&
		    sp_gvsp_block_distance(gvsp->block_id, suspect->last_id, gvsp->extended) <= 1)
			return suspect;
	}
	return NULL;
}

/* A place for another suspect; the oldest is forgotten if need be. */
static struct sp_suspect *new_suspect(struct sp_stream *stream)
{
	struct sp_suspect *oldest = &stream->suspects[0];

	for (uint32_t i = 0; i < SP_SUSPECTS; i++) {
		if (!stream->suspects[i].n)
			return &stream->suspects[i];
		if (stream->suspects[i].since_ns < oldest->since_ns)
			oldest = &stream->suspects[i];
	}
	forget(stream, oldest);
	return oldest;
}

static void widen(struct sp_suspect *suspect, const struct sp_gvsp_packet *gvsp)
{
	if (sp_gvsp_block_distance(gvsp->block_id, suspect->first_id, gvsp->extended) < 0)
		suspect->first_id = gvsp->block_id;
	if (sp_gvsp_block_distance(gvsp->block_id, suspect->last_id, gvsp->extended) > 0)
		suspect->last_id = gvsp->block_id;
}

/*
 * A packet outside the window. True if it is the last one that was lacking: the window is there
 * now. Else it is held (*ret_kept) or counted as stray. @jump: by so much that nothing inside the
 * window may come in between.
 */
static bool suspect_packet(struct sp_stream *stream, const struct sp_gvsp_packet *gvsp, bool jump,
			   const struct sp_packet *packet, bool *ret_kept)
{
	struct sp_suspect *suspect;

	stream->outside++;
	sp_window_expire(stream, packet->rx_ns);
	suspect = find_suspect(stream, gvsp);
	if (stream->settling || (!suspect && stream->held >= stream->buffers)) {
		sp_count(&stream->counters.stray, 1);
		return false;
	}
	if (suspect && jump && suspect->inside != inside(stream))
		forget(stream, suspect);
	if (!suspect || !suspect->n) {
		suspect = suspect ? suspect : new_suspect(stream);
		*suspect = (struct sp_suspect){
			.since_ns = packet->rx_ns,
			.inside = inside(stream),
			.first_id = gvsp->block_id,
			.last_id = gvsp->block_id,
			.extended = gvsp->extended,
		};
		sp_assembler_sooner(stream->assembler,
				    packet->rx_ns + stream->config.retention_ns);
	}
	widen(suspect, gvsp);
	if (suspect->n + 1 < SP_SUSPECT_PROOF && stream->held < stream->buffers) {
		suspect->packets[suspect->n++] = *packet;
		stream->held++;
		*ret_kept = true;
		return false;
	}
	if (suspect->n + 1 < SP_SUSPECT_PROOF) {
		sp_count(&stream->counters.stray, 1);
		return false;
	}
	stream->outside--;
	move_to(stream, suspect->first_id, gvsp->extended, suspect->packets[0].rx_ns);
	while (sp_gvsp_block_distance(suspect->last_id, stream->newest, gvsp->extended) > 0)
		advance(stream, sp_gvsp_block_next(stream->newest, gvsp->extended), 1,
			packet->rx_ns);
	let_in(stream);
	return true;
}

/* ---- admission ---- */

/* Since when nothing has come of the newest block. */
static uint64_t quiet_since(struct sp_stream *stream)
{
	const struct sp_slot *slot = slot_of(stream, stream->newest);

	return slot->state == SP_SLOT_OPEN ? slot->block->idle_ns : slot->since_ns;
}

static bool has_passed(uint64_t since_ns, uint64_t span_ns, uint64_t now_ns)
{
	return now_ns > since_ns && now_ns - since_ns > span_ns;
}

/*
 * Whether a leader alone is proof: nothing else has come for a while, and the camera's clock has
 * gone on, or there was time to start it again.
 */
static bool is_proof(struct sp_stream *stream, uint64_t timestamp, uint64_t now_ns)
{
	uint64_t since = quiet_since(stream), retention = stream->config.retention_ns;

	if (!timestamp || !has_passed(since, retention, now_ns))
		return false;
	return timestamp > stream->ticks || has_passed(since, retention + STALE_NS, now_ns);
}

enum verdict { HERE, MOVE, STRAY, SUSPECT, SUSPECT_JUMP };

static enum verdict judge(struct sp_stream *stream, const struct sp_gvsp_packet *gvsp,
			  uint64_t timestamp, uint64_t now_ns)
{
	uint64_t patience = stream->config.retention_ns + STALE_NS;
	struct sp_slot *slot = slot_of(stream, gvsp->block_id);
	__s64 distance;

	if (!stream->begun)
		return MOVE;
	if (gvsp->extended != stream->extended)
		return SUSPECT_JUMP;
	switch (sp_gvsp_block_place(gvsp->block_id, stream->newest, stream->extended,
				    SP_BLOCK_REACH, &distance)) {
	case SP_GVSP_AHEAD:
		if (distance == 1)
			return MOVE;
		return distance <= NEAR ? SUSPECT : SUSPECT_JUMP;
	case SP_GVSP_RESTART:
		return SUSPECT_JUMP;
	case SP_GVSP_KNOWN:
		break;
	}
	if (!is_known(slot, gvsp->block_id))
		return has_passed(stream->begun_ns, patience, now_ns) ? SUSPECT_JUMP : STRAY;
	if (timestamp && slot->timestamp && timestamp != slot->timestamp)
		return SUSPECT_JUMP;
	if (slot->state >= SP_SLOT_CLOSED && has_passed(slot->since_ns, patience, now_ns))
		return SUSPECT_JUMP;
	return HERE;
}

struct sp_slot *sp_window_admit(struct sp_stream *stream, const struct sp_gvsp_packet *gvsp,
				uint64_t timestamp, const struct sp_packet *packet, bool *ret_kept)
{
	struct sp_slot *slot = slot_of(stream, gvsp->block_id);
	enum verdict verdict;

	if (!timestamp && sp_window_open_slot(stream, gvsp))
		return slot;
	verdict = judge(stream, gvsp, timestamp, packet->rx_ns);
	if (verdict == SUSPECT || verdict == SUSPECT_JUMP) {
		if (!stream->settling && is_proof(stream, timestamp, packet->rx_ns)) {
			verdict = MOVE;
		} else {
			if (!suspect_packet(stream, gvsp, verdict == SUSPECT_JUMP, packet,
					    ret_kept))
				return NULL;
			verdict = judge(stream, gvsp, 0, packet->rx_ns);
		}
	}
	if (verdict == MOVE) {
		move_to(stream, gvsp->block_id, gvsp->extended, packet->rx_ns);
		let_in(stream);
	} else if (verdict != HERE) {
		stream->outside++;
		sp_count(&stream->counters.stray, 1);
		return NULL;
	}
	return slot;
}
