/* SPDX-License-Identifier: Apache-2.0 */
/* A block that is closing becomes a frame, as its consumer sees it. */
#include "base/clock.h"
#include "frame/assembler_state.h"

/* Parts, the image that is looked at first. */
static void fill_parts(const struct sp_block *block, struct sp_frame *frame)
{
	const struct sp_block_geometry *g = &block->geometry;

	frame->parts_n = 0;
	frame->parts[frame->parts_n++] = g->parts[g->image];
	for (uint32_t i = 0; i < g->parts_n; i++)
		if (i != g->image)
			frame->parts[frame->parts_n++] = g->parts[i];
}

/* The end of what came, counted from the block's first byte. */
static uint64_t end_of_bytes(const struct sp_slot *slot)
{
	const struct sp_block *block = slot->block;
	uint32_t n = slot->packets.packets, last = n;

	while (last && sp_gvsp_bit(slot->packets.missing, last - 1))
		last--;
	if (!last)
		return 0;
	return (uint64_t)(last - 1) * block->geometry.stride +
	       (last == n ? block->length[last - 1] : block->geometry.stride);
}

static bool has_chunks(const struct sp_block *block)
{
	return block->geometry.chunks && !block->cut;
}

/* An image, and the chunk data that share its packets. */
static void fill_image(const struct sp_stream *stream, const struct sp_slot *slot,
		       struct sp_frame *frame)
{
	const struct sp_block_geometry *g = &slot->block->geometry;

	frame->parts_n = 1;
	frame->parts[0] = (struct sp_frame_part){
		.region = stream->assembler->region,
		.packets = g->packets,
		.stride = g->stride,
		.bytes = g->bytes,
		.pixel_format = g->pixel_format,
		.width = g->width,
		.height = g->height,
		.offset_x = g->offset_x,
		.offset_y = g->offset_y,
		.padding_x = g->padding_x,
	};
	if (!has_chunks(slot->block))
		return;
	frame->parts[frame->parts_n++] = (struct sp_frame_part){
		.region = stream->assembler->region,
		.packets = slot->packets.packets,
		.stride = g->stride,
		.bytes = end_of_bytes(slot),
		.kind = SP_FRAME_PART_CHUNKS,
	};
}

/*
 * The camera's clock gives the time but for what cannot be: a camera that began anew, or a forger.
 * What came early by so much was no leader in its turn.
 */
static uint64_t exposure(const struct sp_stream *stream, const struct sp_frame *frame)
{
	uint64_t ns;

	if (!frame->device_ticks ||
	    !sp_device_clock_at(&stream->clock, frame->device_ticks, &ns) ||
	    ns > frame->last_ns || ns + SP_NS_PER_S < frame->first_ns)
		return frame->first_ns;
	return ns;
}

/* The frame as its consumer sees it. */
void sp_block_fill_frame(struct sp_stream *stream, struct sp_slot *slot)
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
	frame->exposure_ns = exposure(stream, frame);
	frame->pixel_format = g->pixel_format;
	frame->width = g->width;
	frame->height = g->height;
	frame->offset_x = g->offset_x;
	frame->offset_y = g->offset_y;
	frame->padding_x = g->padding_x;
	if (g->multi)
		fill_parts(block, frame);
	else
		fill_image(stream, slot, frame);
	frame->packets = packets->packets;
	frame->missing_n = packets->missing_n;
	if (packets->missing_n)
		frame->flags |= SP_FRAME_INCOMPLETE;
	if (!slot->leader)
		frame->flags |= SP_FRAME_NO_LEADER;
	if (!slot->trailer)
		frame->flags |= SP_FRAME_NO_TRAILER;
}

/* Bytes of parts in the packets that came. */
uint64_t sp_block_bytes(const struct sp_slot *slot)
{
	const struct sp_gvsp_block *packets = &slot->packets;
	const struct sp_block *block = slot->block;
	const struct sp_block_geometry *g = &block->geometry;
	uint64_t bytes = (uint64_t)(packets->packets - packets->missing_n) * g->stride;

	for (uint32_t p = 0; p < g->parts_n; p++) {
		const struct sp_frame_part *part = &g->parts[p];
		uint32_t last = part->first_packet + part->packets - 1;

		if (part->packets && !sp_gvsp_bit(packets->missing, last))
			bytes -= (uint64_t)part->packets * g->stride - part->bytes;
	}
	if (!g->multi && !sp_gvsp_bit(packets->missing, packets->packets - 1))
		bytes -= g->stride - (has_chunks(block) ? block->length[packets->packets - 1] :
							  g->last_bytes);
	return bytes;
}
