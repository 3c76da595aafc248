/* SPDX-License-Identifier: Apache-2.0 */
/* A block from its first packet to its place in the ledger. */
#include <string.h>

#include "frame/assembler_state.h"

void sp_stream_use_headers(struct sp_stream *stream, bool extended)
{
	stream->extended = extended;
	stream->geometry = stream->geometry_of[extended];
	stream->stride = stream->config.packet_payload - (extended ? SP_EXTENDED_EXTRA : 0);
	stream->reach = stream->config.extra_bytes ? stream->packets_max : stream->geometry.packets;
	stream->chunks = stream->parts.multi = false;
	stream->last_packets = 0;
}

void sp_stream_expect_alike(struct sp_stream *stream, const struct sp_block_geometry *geometry)
{
	stream->chunks = geometry->chunks;
	if (geometry->multi)
		stream->parts = *geometry;
	else
		stream->parts.multi = false;
}

/* ---- the list of pending slots ---- */

static uint32_t slot_index(const struct sp_stream *stream, const struct sp_slot *slot)
{
	return (uint32_t)(slot - stream->slots);
}

static void pending_remove(struct sp_stream *stream, const struct sp_slot *slot)
{
	uint32_t index = slot_index(stream, slot), i = 0;

	while (stream->pending[i] != index)
		i++;
	stream->pending_n--;
	memmove(&stream->pending[i], &stream->pending[i + 1], stream->pending_n - i);
}

struct sp_slot *sp_stream_oldest_open(struct sp_stream *stream)
{
	for (uint32_t i = 0; i < stream->pending_n; i++)
		if (stream->slots[stream->pending[i]].state == SP_SLOT_OPEN)
			return &stream->slots[stream->pending[i]];
	return NULL;
}

void sp_slot_await(struct sp_stream *stream, struct sp_slot *slot, uint64_t block_id,
		   uint64_t now_ns)
{
	slot->block_id = block_id;
	slot->since_ns = now_ns;
	slot->timestamp = 0;
	slot->leader = slot->trailer = false;
	slot->state = SP_SLOT_GAP;
	sp_gvsp_block_init(&slot->packets, slot->bits, stream->reach);
	stream->pending[stream->pending_n++] = (uint8_t)slot_index(stream, slot);
	sp_assembler_sooner(stream->assembler, now_ns + stream->config.retention_ns);
}

/* ---- opening ---- */

/* A free block; without one the oldest open block is given up, unless @slot is older still. */
static struct sp_block *get_block(struct sp_stream *stream, const struct sp_slot *slot,
				  uint64_t now_ns)
{
	struct sp_block *block;

	if (!stream->free) {
		struct sp_slot *oldest = sp_stream_oldest_open(stream);

		if (!oldest ||
		    sp_gvsp_block_distance(oldest->block_id, slot->block_id, stream->extended) > 0)
			return NULL;
		sp_slot_give_up(stream, oldest, SP_GIVE_UP_POLICY, now_ns);
	}
	block = stream->free;
	stream->free = block->next_free;
	return block;
}

bool sp_slot_open(struct sp_stream *stream, struct sp_slot *slot, uint64_t now_ns)
{
	size_t bytes = sp_gvsp_words(stream->reach) * sizeof(__u64);
	struct sp_block *block = get_block(stream, slot, now_ns);

	if (!block) {
		sp_slot_give_up(stream, slot, SP_GIVE_UP_POLICY, now_ns);
		return false;
	}
	memset(block->bad, 0, bytes);
	memset(block->shorts, 0, bytes);
	memset(block->gone, 0, bytes);
	memset(block->asked, 0, bytes);
	block->geometry = stream->geometry;
	block->geometry.full = 0;
	block->idle_ns = now_ns;
	block->next_id = block->trailer_id = block->lines = 0;
	block->gaps_n = block->shorts_n = 0;
	block->leader = block->trailer = block->leader_gone = block->trailer_gone = false;
	block->any_asked = block->ended = block->cut = false;
	block->frame.first_ns = block->frame.last_ns = now_ns;
	block->frame.device_ticks = 0;
	block->frame.flags = 0;
	slot->block = block;
	slot->state = SP_SLOT_OPEN;
	sp_assembler_sooner(stream->assembler, now_ns + stream->config.packet_timeout_ns);
	return true;
}

static void release_packet(struct sp_block *block, uint32_t i)
{
	sp_assembler_release(block->stream->assembler, block->token[i]);
	block->stream->held--;
}

void sp_block_release_short(struct sp_block *block, uint32_t i)
{
	if (!sp_gvsp_bit(block->shorts, i))
		return;
	sp_gvsp_bit_clear(block->shorts, i);
	block->shorts_n--;
	release_packet(block, i);
}

static void release_shorts(struct sp_slot *slot)
{
	for (uint32_t i = 0; slot->block->shorts_n && i < slot->packets.packets; i++)
		sp_block_release_short(slot->block, i);
}

/* ---- what it measures ---- */

/* Packet @i is not held any more: it is bad, or beyond the end. */
static void reject(struct sp_stream *stream, struct sp_slot *slot, uint32_t i, uint32_t packets)
{
	sp_gvsp_block_reject(&slot->packets, i);
	release_packet(slot->block, i);
	if (i < packets)
		sp_gvsp_bit_set(slot->block->bad, i);
	else
		sp_count(&stream->counters.surplus, 1);
}

bool sp_block_may_be_last(const struct sp_block *block, uint32_t i, uint32_t length, uint64_t place)
{
	const struct sp_block_geometry *g = &block->geometry;

	return i < g->packets && !g->multi && place == SP_NO_PLACE && length &&
	       length < g->stride && sp_geometry_ends_line(g, i, length);
}

void sp_block_hold_short(struct sp_block *block, uint32_t i, uint32_t length)
{
	block->length[i] = (uint16_t)length;
	sp_gvsp_bit_set(block->bad, i);
	sp_gvsp_bit_set(block->shorts, i);
	block->shorts_n++;
}

void sp_block_settle(struct sp_stream *stream, struct sp_slot *slot,
		     const struct sp_block_geometry *geometry)
{
	struct sp_block *block = slot->block;
	struct sp_gvsp_block *packets = &slot->packets;

	block->geometry = *geometry;
	block->leader = true;
	block->ended = !geometry->chunks;
	/* Before the leader only the budget was known: judge again what came. */
	for (uint32_t i = 0; i < packets->packets && packets->missing_n < packets->packets; i++) {
		uint64_t place = block->place ? block->place[i] : SP_NO_PLACE;

		if (sp_gvsp_bit(packets->missing, i) ||
		    (i < geometry->reach &&
		     sp_block_fits(stream, block, i, block->length[i], place)))
			continue;
		block->cut |= i >= geometry->reach;
		if (!sp_block_may_be_last(block, i, block->length[i], place)) {
			reject(stream, slot, i, geometry->reach);
			continue;
		}
		sp_gvsp_block_reject(packets, i);
		sp_block_hold_short(block, i, block->length[i]);
	}
	if (geometry->reach < packets->packets)
		sp_gvsp_block_shrink(packets, geometry->reach);
	if (block->trailer)
		sp_block_end(stream, slot);
}

/* Packets up to the last one that came, in whatever shape. */
static uint32_t came_packets(const struct sp_slot *slot)
{
	const struct sp_gvsp_block *packets = &slot->packets;
	uint32_t n = packets->packets;

	while (n && sp_gvsp_bit(packets->missing, n - 1) && !sp_gvsp_bit(slot->block->bad, n - 1))
		n--;
	return n;
}

/* The block has @n packets; what is held beyond them is surplus, and the last one may be short. */
static void end_at(struct sp_stream *stream, struct sp_slot *slot, uint32_t n)
{
	struct sp_block *block = slot->block;
	struct sp_block_geometry *g = &block->geometry;
	uint32_t full = g->full;

	block->ended = true;
	for (uint32_t i = n; i < slot->packets.packets; i++) {
		sp_block_release_short(block, i);
		if (!sp_gvsp_bit(slot->packets.missing, i))
			reject(stream, slot, i, n);
	}
	sp_gvsp_block_shrink(&slot->packets, n);
	g->reach = n;
	g->full = n - 1;
	/* Lengths were kept from the former `full` on; before it all that is held is full. */
	for (uint32_t i = full < n - 1 ? full : n - 1; i < n; i++) {
		bool held = !sp_gvsp_bit(slot->packets.missing, i);

		if (held && i < full)
			block->length[i] = (uint16_t)g->stride;
		if (held && !sp_block_fits(stream, block, i, block->length[i], SP_NO_PLACE))
			reject(stream, slot, i, n);
	}
	if (!sp_gvsp_bit(block->shorts, n - 1) ||
	    !sp_block_fits(stream, block, n - 1, block->length[n - 1], SP_NO_PLACE))
		return;
	sp_gvsp_bit_clear(block->shorts, n - 1);
	block->shorts_n--;
	sp_gvsp_bit_clear(block->bad, n - 1);
	sp_gvsp_block_receive(&slot->packets, n - 1);
}

/*
 * Fewer lines than the leader's: only if the packet id says so as well and nothing came that
 * contradicts it.
 */
static void shorten(struct sp_stream *stream, struct sp_slot *slot, uint32_t n)
{
	struct sp_block *block = slot->block;
	struct sp_block_geometry *g = &block->geometry, fewer = *g;

	if (!sp_geometry_shorten(&fewer, block->lines) || came_packets(slot) > n ||
	    (g->chunks ? n < fewer.packets : n != fewer.packets))
		return;
	fewer.full = g->full;
	fewer.reach = g->reach;
	*g = fewer;
	if (!g->chunks)
		end_at(stream, slot, n);
}

void sp_block_end(struct sp_stream *stream, struct sp_slot *slot)
{
	struct sp_block *block = slot->block;
	struct sp_block_geometry *g = &block->geometry;
	uint32_t n = block->trailer_id - 1, came;

	if (g->multi || g->all_in)
		return;
	if (block->lines && block->lines < g->height)
		shorten(stream, slot, n);
	if (!g->chunks)
		return;
	came = came_packets(slot);
	if (n < came)
		n = came;
	if (n < g->packets)
		n = g->packets;
	/* By the trailer, whatever ids were seen: one that was forged proves nothing. */
	block->cut = n > g->reach;
	/* Chunk data are read from their end: without it the rest is of no use. */
	end_at(stream, slot, block->cut ? g->packets : n);
	if (!block->cut)
		stream->last_packets = n;
}

/* The trailer did not come: the block ends with what is known of it. */
static void end_without_trailer(struct sp_stream *stream, struct sp_slot *slot)
{
	uint32_t came = came_packets(slot), packets = slot->block->geometry.packets;

	end_at(stream, slot, came < packets || slot->block->cut ? packets : came);
}

uint32_t sp_block_likely_packets(const struct sp_stream *stream, const struct sp_slot *slot)
{
	const struct sp_block *block = slot->block;
	uint32_t n = block->geometry.packets;
	bool chunks = block->leader ? block->geometry.chunks : stream->chunks;

	if (block->ended)
		return slot->packets.packets;
	if (!block->leader && stream->parts.multi)
		n = stream->parts.packets;
	if (chunks && stream->last_packets > n)
		n = stream->last_packets;
	/* Those that came are some, too. */
	if (chunks && block->next_id > n + 1)
		n = block->next_id - 1;
	return n < slot->packets.packets ? n : slot->packets.packets;
}

/* ---- closing ---- */

static void free_block(struct sp_block *block)
{
	block->next_free = block->stream->free;
	block->stream->free = block;
}

void sp_block_put(struct sp_block *block)
{
	for (uint32_t i = 0; i < block->frame.packets; i++)
		if (!sp_frame_packet_missing(&block->frame, i))
			release_packet(block, i);
	free_block(block);
}

void sp_slot_give_up(struct sp_stream *stream, struct sp_slot *slot, enum sp_give_up why,
		     uint64_t now_ns)
{
	struct sp_stream_counters *c = &stream->counters;
	struct sp_block *block = slot->block;
	uint32_t packets = stream->geometry.packets;

	if (slot->state == SP_SLOT_OPEN) {
		slot->leader |= block->leader;
		slot->trailer = block->trailer;
		for (uint32_t i = 0; i < slot->packets.packets; i++)
			if (!sp_gvsp_bit(slot->packets.missing, i))
				release_packet(block, i);
		release_shorts(slot);
		packets = block->ended ? slot->packets.packets : block->geometry.packets;
		free_block(block);
	}
	pending_remove(stream, slot);
	slot->block = NULL;
	slot->state = SP_SLOT_GIVEN_UP;
	slot->since_ns = now_ns;
	sp_count(&c->expected, packets);
	sp_count(why == SP_GIVE_UP_POLICY ? &c->policy : &c->block_discarded, packets);
	sp_count(why == SP_GIVE_UP_POLICY ? &c->blocks_policy : &c->blocks_discarded, 1);
}

/* Packets that came, but unusable: from here on they are not missing any more. */
static uint32_t sort_out_bad(struct sp_slot *slot)
{
	uint32_t bad = 0;

	for (uint32_t w = 0; w < sp_gvsp_words(slot->packets.packets); w++) {
		__u64 bits = slot->block->bad[w] & slot->packets.missing[w];

		bad += (uint32_t)__builtin_popcountll(bits);
		slot->packets.missing[w] &= ~bits;
	}
	slot->packets.missing_n -= bad;
	return bad;
}

/* Without its leader it is taken for what the last block with a leader was. */
static void assume(struct sp_stream *stream, struct sp_slot *slot)
{
	struct sp_block_geometry assumed = stream->parts.multi ? stream->parts : stream->geometry;

	if (stream->chunks)
		sp_geometry_add_chunks(stream, &assumed);
	slot->block->lines = 0; /* fewer than what? */
	sp_block_settle(stream, slot, &assumed);
}

/* The prefixes of a multi-part block bear out what is assumed, or nothing is known of it. */
static bool is_contradicted(struct sp_stream *stream, const struct sp_slot *slot)
{
	struct sp_block *block = slot->block;
	bool contradicted = false;

	if (block->leader || !stream->parts.multi)
		return false;
	block->geometry = stream->parts;
	block->leader = true;
	for (uint32_t i = 0; i < slot->packets.packets && !contradicted; i++)
		contradicted = !sp_gvsp_bit(slot->packets.missing, i) &&
			       (i >= block->geometry.reach ||
				!sp_block_fits(stream, block, i, block->length[i],
					       block->place[i]));
	block->geometry = stream->geometry;
	block->leader = false;
	return contradicted;
}

static void close_open(struct sp_stream *stream, struct sp_slot *slot)
{
	struct sp_assembler *assembler = stream->assembler;
	struct sp_stream_counters *c = &stream->counters;
	struct sp_block *block = slot->block;
	uint32_t delivered, bad;

	slot->leader = block->leader;
	slot->trailer = block->trailer;
	if (!block->leader)
		assume(stream, slot);
	if (!block->ended)
		end_without_trailer(stream, slot);
	if (block->shorts_n)
		release_shorts(slot);
	delivered = slot->packets.packets - slot->packets.missing_n;
	if (delivered) {
		sp_block_fill_frame(stream, slot);
		sp_count(&c->bytes, sp_block_bytes(slot));
		sp_count(slot->packets.missing_n ? &c->frames_incomplete : &c->frames_complete, 1);
		assembler->out.frames[assembler->out.frames_n++] = &block->frame;
	} else {
		sp_count(&c->blocks_skipped, 1);
	}
	bad = sort_out_bad(slot);
	sp_count(&c->expected, slot->packets.packets);
	sp_count(&c->delivered, delivered);
	sp_count(&c->bad_packet, bad);
	sp_count(&c->missing, slot->packets.missing_n);
	if (!delivered)
		free_block(block);
}

void sp_slot_close(struct sp_stream *stream, struct sp_slot *slot, uint64_t now_ns)
{
	if (slot->state == SP_SLOT_OPEN && is_contradicted(stream, slot)) {
		sp_slot_give_up(stream, slot, SP_GIVE_UP_DISCARD, now_ns);
		return;
	}
	if (slot->state == SP_SLOT_OPEN) {
		close_open(stream, slot);
	} else {
		sp_gvsp_block_shrink(&slot->packets, stream->geometry.packets);
		sp_count(&stream->counters.expected, slot->packets.packets);
		sp_count(&stream->counters.missing, slot->packets.packets);
		sp_count(&stream->counters.blocks_skipped, 1);
	}
	pending_remove(stream, slot);
	slot->block = NULL;
	slot->state = SP_SLOT_CLOSED;
	slot->since_ns = now_ns;
}

void sp_stream_close_pending(struct sp_stream *stream, uint64_t now_ns)
{
	while (stream->pending_n)
		sp_slot_close(stream, &stream->slots[stream->pending[0]], now_ns);
}
