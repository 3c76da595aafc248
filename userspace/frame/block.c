/* SPDX-License-Identifier: Apache-2.0 */
/* A block from its first packet to its place in the ledger. */
#include <errno.h>
#include <string.h>

#include <sallyport/gvsp.h>

#include "frame/assembler_state.h"
#include "wire/pfnc.h"

int sp_block_measure(const struct sp_stream *stream, const struct sp_gvsp_leader *leader,
		     struct sp_block_geometry *ret)
{
	uint16_t type = leader->payload_type & GVSP_PAYLOAD_TYPE_MASK;
	uint32_t stride = stream->stride;
	struct sp_block_geometry g;

	if (type == GVSP_PAYLOAD_CHUNK) {
		/* The leader has no geometry; the image is the first chunk. */
		*ret = stream->geometry;
		ret->chunks = true;
		return 0;
	}
	if (!leader->has_image || !sp_pfnc_by_code(leader->pixel_format) || !leader->size_x ||
	    !leader->size_y || leader->size_x > SP_FRAME_SIDE_MAX ||
	    leader->size_y > SP_FRAME_SIDE_MAX)
		return -EINVAL;
	g = (struct sp_block_geometry){
		.pixel_format = leader->pixel_format,
		.width = leader->size_x,
		.height = leader->size_y,
		.offset_x = leader->offset_x,
		.offset_y = leader->offset_y,
		.padding_x = leader->padding_x,
		.chunks = (leader->payload_type & GVSP_PAYLOAD_CHUNKS) ||
			  type == GVSP_PAYLOAD_EXTENDED_CHUNK,
	};
	if (g.padding_x)
		g.bytes = (sp_pfnc_line_bytes(g.pixel_format, g.width) + g.padding_x) * g.height;
	else
		g.bytes = sp_pfnc_image_bytes(g.pixel_format, g.width, g.height);
	g.bytes += leader->padding_y;
	if (g.bytes > stream->geometry.bytes)
		return -EINVAL;
	g.packets = (uint32_t)((g.bytes + stride - 1) / stride);
	g.last_bytes = (uint32_t)(g.bytes - (uint64_t)(g.packets - 1) * stride);
	*ret = g;
	return 0;
}

void sp_stream_use_headers(struct sp_stream *stream, bool extended)
{
	stream->extended = extended;
	stream->geometry = stream->geometry_of[extended];
	stream->stride = stream->config.packet_payload - (extended ? SP_EXTENDED_EXTRA : 0);
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
	sp_gvsp_block_init(&slot->packets, slot->bits, stream->geometry.packets);
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
	size_t bytes = sp_gvsp_words(stream->geometry.packets) * sizeof(__u64);
	struct sp_block *block = get_block(stream, slot, now_ns);

	if (!block) {
		sp_slot_give_up(stream, slot, SP_GIVE_UP_POLICY, now_ns);
		return false;
	}
	memset(block->bad, 0, bytes);
	memset(block->gone, 0, bytes);
	memset(block->asked, 0, bytes);
	block->geometry = stream->geometry;
	block->idle_ns = now_ns;
	block->next_id = 0;
	block->gaps_n = 0;
	block->leader = block->trailer = block->leader_gone = block->trailer_gone = false;
	block->any_asked = false;
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

void sp_block_settle(struct sp_stream *stream, struct sp_slot *slot,
		     const struct sp_block_geometry *geometry)
{
	struct sp_block *block = slot->block;
	struct sp_gvsp_block *packets = &slot->packets;

	block->geometry = *geometry;
	block->leader = true;
	/* Before the leader only the budget was known: judge again what came. */
	for (uint32_t i = 0; i < packets->packets && packets->missing_n < packets->packets; i++) {
		bool inside = i < geometry->packets;

		if (sp_gvsp_bit(packets->missing, i) ||
		    (inside && sp_block_length_fits(stream, block, i, block->length[i])))
			continue;
		sp_gvsp_block_reject(packets, i);
		release_packet(block, i);
		if (inside)
			sp_gvsp_bit_set(block->bad, i);
		else
			sp_count(&stream->counters.surplus, 1);
	}
	sp_gvsp_block_shrink(packets, geometry->packets);
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
	uint32_t packets = slot->packets.packets;

	if (slot->state == SP_SLOT_OPEN) {
		slot->leader |= slot->block->leader;
		slot->trailer = slot->block->trailer;
		for (uint32_t i = 0; i < packets; i++)
			if (!sp_gvsp_bit(slot->packets.missing, i))
				release_packet(slot->block, i);
		free_block(slot->block);
	}
	pending_remove(stream, slot);
	slot->block = NULL;
	slot->state = SP_SLOT_GIVEN_UP;
	slot->since_ns = now_ns;
	sp_count(&c->expected, packets);
	sp_count(why == SP_GIVE_UP_POLICY ? &c->policy : &c->block_discarded, packets);
	sp_count(why == SP_GIVE_UP_POLICY ? &c->blocks_policy : &c->blocks_discarded, 1);
}

/* The frame as its consumer sees it. */
static void fill_frame(struct sp_stream *stream, const struct sp_slot *slot)
{
	struct sp_block *block = slot->block;
	const struct sp_block_geometry *g = &block->geometry;
	const struct sp_gvsp_block *packets = &slot->packets;
	struct sp_frame *frame = &block->frame;

	for (uint32_t w = 0; w < sp_gvsp_words(packets->packets); w++)
		block->missing[w] = packets->missing[w];
	frame->stream = stream->index;
	frame->lane = stream->config.lane;
	frame->camera = stream->config.camera;
	frame->block_id = slot->block_id;
	frame->exposure_ns = frame->first_ns;
	frame->pixel_format = g->pixel_format;
	frame->width = g->width;
	frame->height = g->height;
	frame->offset_x = g->offset_x;
	frame->offset_y = g->offset_y;
	frame->padding_x = g->padding_x;
	frame->parts_n = 1;
	frame->parts[0] = (struct sp_frame_part){
		.region = stream->assembler->region,
		.stride = stream->stride,
		.bytes = g->bytes,
	};
	frame->packets = packets->packets;
	frame->missing_n = packets->missing_n;
	if (packets->missing_n)
		frame->flags |= SP_FRAME_INCOMPLETE;
	if (!slot->leader)
		frame->flags |= SP_FRAME_NO_LEADER;
	if (!slot->trailer)
		frame->flags |= SP_FRAME_NO_TRAILER;
}

/* Bytes of image in the packets that came. */
static uint64_t bytes_came(const struct sp_stream *stream, const struct sp_slot *slot)
{
	const struct sp_block_geometry *g = &slot->block->geometry;
	uint64_t bytes = (uint64_t)(g->packets - slot->packets.missing_n) * stream->stride;

	if (!sp_gvsp_bit(slot->packets.missing, g->packets - 1))
		bytes -= stream->stride - g->last_bytes;
	return bytes;
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

static void close_open(struct sp_stream *stream, struct sp_slot *slot)
{
	struct sp_assembler *assembler = stream->assembler;
	struct sp_stream_counters *c = &stream->counters;
	struct sp_block *block = slot->block;
	uint32_t delivered, bad;

	slot->leader = block->leader;
	slot->trailer = block->trailer;
	if (!block->leader) {
		struct sp_block_geometry assumed = stream->geometry;

		assumed.chunks = stream->chunks;
		sp_block_settle(stream, slot, &assumed);
	}
	delivered = slot->packets.packets - slot->packets.missing_n;
	if (delivered) {
		fill_frame(stream, slot);
		sp_count(&c->bytes, bytes_came(stream, slot));
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
	if (slot->state == SP_SLOT_OPEN) {
		close_open(stream, slot);
	} else {
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
