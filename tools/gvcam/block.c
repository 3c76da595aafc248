/* SPDX-License-Identifier: Apache-2.0 */
#include "gvcam/block.h"

#include <endian.h>
#include <string.h>

#include <sallyport/gvsp.h>

#include "gvcam/pattern.h"
#include "gvsp_wire.h"
#include "wire/pfnc.h"

enum {
	IP_UDP_BYTES = 28, /* SCPS counts these too: IPv4 20, UDP 8 */
	TAG_BYTES = 8, /* id and length, behind a chunk's data */
	VALUE_BYTES = 8, /* of a chunk that is not the image */
	VALUES = 3,
	CHUNKS_BYTES = TAG_BYTES + VALUES * (VALUE_BYTES + TAG_BYTES),
	LAYOUT_ID = 1, /* it never changes */
};

/* ---- cutting --------------------------------------------------------------------------------- */

static uint32_t packets_of(const struct gvcam_block *block, uint64_t bytes)
{
	return (uint32_t)((bytes + block->data_bytes - 1) / block->data_bytes);
}

static void add_part(struct gvcam_block *block, enum gvcam_part_kind kind, uint64_t bytes,
		     uint32_t *packet)
{
	block->parts[block->parts_n++] = (struct gvcam_part){
		.kind = kind,
		.at = block->bytes,
		.bytes = bytes,
		.first = *packet,
	};
	block->bytes += bytes;
	*packet += packets_of(block, bytes);
}

static uint32_t header_bytes(const struct gvcam_block *block)
{
	return block->extended ? SP_GVSP_HEADER_EXT_BYTES : SP_GVSP_HEADER_BYTES;
}

static bool fits_all_in(const struct gvcam_block *block, uint32_t packet_size)
{
	uint64_t bytes = header_bytes(block) + sizeof(struct gvsp_leader_image) +
			 sizeof(struct gvsp_trailer_image) + block->bytes;

	if (block->chunks)
		bytes += sizeof(struct gvsp_trailer_chunks);
	return bytes + IP_UDP_BYTES <= packet_size;
}

void gvcam_block_cut(struct gvcam_block *block, const struct gvcam_channel *channel,
		     const struct gvcam_shape *shape)
{
	uint64_t image = sp_pfnc_image_bytes(shape->pixel_format, shape->width, shape->lines);
	uint32_t packet = 1;

	block->extended = channel->extended_ids;
	block->chunks = channel->chunks;
	/* A standard header has no place for the number of parts. */
	block->multi_part = channel->multi_part && channel->extended_ids;
	block->shape = *shape;
	block->data_bytes = channel->packet_size - IP_UDP_BYTES - header_bytes(block) -
			    (block->multi_part ? SP_GVSP_PART_PREFIX_BYTES : 0);
	block->bytes = 0;
	block->parts_n = 0;
	add_part(block, GVCAM_PART_IMAGE, image, &packet);
	if (block->multi_part && channel->second == GVCAM_SECOND_IMAGE)
		add_part(block, GVCAM_PART_SECOND_IMAGE, image, &packet);
	else if (block->multi_part)
		add_part(block, GVCAM_PART_CONFIDENCE, (uint64_t)shape->width * shape->lines,
			 &packet);
	if (block->chunks)
		add_part(block, GVCAM_PART_CHUNKS,
			 block->multi_part ? CHUNKS_BYTES - TAG_BYTES : CHUNKS_BYTES, &packet);
	block->packets = block->multi_part ? packet + 1 : packets_of(block, block->bytes) + 2;
	block->all_in = channel->all_in && !block->multi_part &&
			fits_all_in(block, channel->packet_size);
	if (block->all_in)
		block->packets = 1;
}

uint64_t gvcam_block_bytes(const struct gvcam_channel *channel)
{
	struct gvcam_shape shape = { channel->pixel_format, channel->width, channel->height,
				     channel->height };
	struct gvcam_block block;

	gvcam_block_cut(&block, channel, &shape);
	return block.bytes;
}

/* ---- bytes ----------------------------------------------------------------------------------- */

static uint8_t *put_tag(uint8_t *at, uint32_t id, uint32_t length)
{
	uint32_t words[2] = { htobe32(id), htobe32(length) };

	memcpy(at, words, sizeof(words));
	return at + sizeof(words);
}

static uint8_t *put_value(uint8_t *at, uint32_t id, uint64_t value)
{
	value = htobe64(value);
	memcpy(at, &value, sizeof(value));
	return put_tag(at + sizeof(value), id, sizeof(value));
}

/* The chunk data behind the image, with its tag unless they are a part by themselves. */
static void write_chunks(const struct gvcam_block *block, uint8_t out[CHUNKS_BYTES])
{
	double exposure_us = 1000 + (double)(block->id % 1000);
	uint64_t bits;

	memcpy(&bits, &exposure_us, sizeof(bits));
	if (!block->multi_part)
		out = put_tag(out, GVCAM_CHUNK_IMAGE, (uint32_t)block->parts[0].bytes);
	out = put_value(out, GVCAM_CHUNK_FRAME_ID, block->id);
	out = put_value(out, GVCAM_CHUNK_EXPOSURE, bits);
	put_value(out, GVCAM_CHUNK_TIMESTAMP, block->ticks);
}

static void invert(uint8_t *bytes, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		bytes[i] = (uint8_t)~bytes[i];
}

static void write_image(const struct gvcam_block *block, uint64_t offset, uint32_t bytes,
			uint8_t *out)
{
	const struct gvcam_shape *shape = &block->shape;

	if (!block->pictures)
		gvcam_pattern_fill(shape->pixel_format, shape->width, shape->height, block->id,
				   offset, out, bytes);
	else if (block->shot.empty)
		memset(out, GVCAM_EMPTY_LEVEL, bytes);
	else
		memcpy(out, block->shot.bytes + offset, bytes);
}

/* @bytes of a part from @offset on. */
static void write_part(const struct gvcam_block *block, const struct gvcam_part *part,
		       uint64_t offset, uint32_t bytes, uint8_t *out)
{
	uint8_t chunks[CHUNKS_BYTES];

	switch (part->kind) {
	case GVCAM_PART_IMAGE:
		write_image(block, offset, bytes, out);
		break;
	case GVCAM_PART_SECOND_IMAGE:
		write_image(block, offset, bytes, out);
		invert(out, bytes);
		break;
	case GVCAM_PART_CONFIDENCE:
		gvcam_pattern_fill(SP_PFNC_MONO8, block->shape.width, block->shape.height,
				   block->id, offset, out, bytes);
		invert(out, bytes);
		break;
	case GVCAM_PART_CHUNKS:
		write_chunks(block, chunks);
		memcpy(out, chunks + offset, bytes);
		break;
	}
}

/* @bytes of the block from @at on: where they lie already, or written to @scratch. */
static const uint8_t *data_at(const struct gvcam_block *block, uint64_t at, uint32_t bytes,
			      uint8_t *scratch)
{
	uint8_t *out = scratch;

	if (block->pictures && !block->shot.empty && at + bytes <= block->parts[0].bytes)
		return block->shot.bytes + at;
	for (uint32_t i = 0; i < block->parts_n && bytes; i++) {
		const struct gvcam_part *part = &block->parts[i];
		uint64_t left = part->at + part->bytes - at;
		uint32_t n = left < bytes ? (uint32_t)left : bytes;

		if (at >= part->at + part->bytes)
			continue;
		write_part(block, part, at - part->at, n, out);
		out += n;
		at += n;
		bytes -= n;
	}
	return scratch;
}

/* ---- packets --------------------------------------------------------------------------------- */

static uint16_t payload_type(const struct gvcam_block *block)
{
	if (block->multi_part)
		return GVSP_PAYLOAD_MULTI_PART;
	return GVSP_PAYLOAD_IMAGE | (block->chunks ? GVSP_PAYLOAD_CHUNKS : 0);
}

static struct sp_gvsp_leader leader_of(const struct gvcam_block *block)
{
	return (struct sp_gvsp_leader){
		.timestamp = block->ticks,
		.payload_type = payload_type(block),
		.has_image = true,
		.pixel_format = block->shape.pixel_format,
		.size_x = block->shape.width,
		.size_y = block->shape.height,
	};
}

static struct sp_gvsp_trailer trailer_of(const struct gvcam_block *block)
{
	return (struct sp_gvsp_trailer){
		.payload_type = payload_type(block),
		.has_size_y = true,
		.size_y = block->shape.lines,
		.chunk_length = block->chunks ? (uint32_t)block->bytes : 0,
	};
}

static void describe_parts(const struct gvcam_block *block,
			   struct sp_gvsp_part parts[GVCAM_PARTS_MAX])
{
	static const uint16_t types[] = {
		[GVCAM_PART_IMAGE] = GVSP_PART_IMAGE_2D,
		[GVCAM_PART_CONFIDENCE] = GVSP_PART_CONFIDENCE,
		[GVCAM_PART_SECOND_IMAGE] = GVSP_PART_IMAGE_2D,
		[GVCAM_PART_CHUNKS] = GVSP_PART_CHUNKS,
	};

	for (uint32_t i = 0; i < block->parts_n; i++) {
		const struct gvcam_part *part = &block->parts[i];

		parts[i] = (struct sp_gvsp_part){
			.length = part->bytes,
			.data_type = types[part->kind],
			.region = part->kind == GVCAM_PART_SECOND_IMAGE,
		};
		if (part->kind == GVCAM_PART_CHUNKS)
			continue;
		parts[i].has_image = true;
		parts[i].pixel_format = part->kind == GVCAM_PART_CONFIDENCE
						? SP_PFNC_MONO8
						: block->shape.pixel_format;
		parts[i].size_x = block->shape.width;
		parts[i].size_y = block->shape.lines;
	}
}

static int build_leader(const struct gvcam_block *block, const struct sp_gvsp_packet *packet,
			struct gvcam_packet *out)
{
	struct sp_gvsp_leader leader = leader_of(block);
	struct sp_gvsp_part parts[GVCAM_PARTS_MAX];

	if (!block->multi_part)
		return sp_gvsp_build_leader(packet, &leader, out->head, sizeof(out->head));
	describe_parts(block, parts);
	return sp_gvsp_build_multi_part_leader(packet, block->ticks, parts, (uint8_t)block->parts_n,
					       out->head, sizeof(out->head));
}

static int build_trailer(const struct gvcam_block *block, const struct sp_gvsp_packet *packet,
			 struct gvcam_packet *out)
{
	struct sp_gvsp_trailer trailer = trailer_of(block);
	struct sp_gvsp_part parts[GVCAM_PARTS_MAX];

	if (!block->multi_part)
		return sp_gvsp_build_trailer(packet, &trailer, LAYOUT_ID, out->head,
					     sizeof(out->head));
	describe_parts(block, parts);
	return sp_gvsp_build_multi_part_trailer(packet, parts, (uint8_t)block->parts_n, out->head,
						sizeof(out->head));
}

/* @at and bytes are those of the packet in the block. */
static void put_data(const struct gvcam_block *block, uint64_t at, uint64_t end,
		     struct gvcam_packet *out)
{
	uint64_t left = end - at;

	out->data_bytes = left < block->data_bytes ? (uint32_t)left : block->data_bytes;
	out->data = data_at(block, at, out->data_bytes, out->scratch);
}

static int build_payload(const struct gvcam_block *block, const struct sp_gvsp_packet *packet,
			 struct gvcam_packet *out)
{
	const struct gvcam_part *part = &block->parts[block->parts_n - 1];
	struct sp_gvsp_part_prefix prefix = { 0 };
	uint64_t at;

	if (!block->multi_part) {
		at = (uint64_t)(packet->packet_id - 1) * block->data_bytes;
		put_data(block, at, block->bytes, out);
		return sp_gvsp_build(packet, out->head, sizeof(out->head));
	}
	while (packet->packet_id < part->first)
		part--;
	at = part->at + (uint64_t)(packet->packet_id - part->first) * block->data_bytes;
	put_data(block, at, part->at + part->bytes, out);
	prefix.part = (uint8_t)(part - block->parts);
	prefix.offset = at;
	prefix.ends_part = at + out->data_bytes == part->at + part->bytes;
	return sp_gvsp_build_part_prefix(packet, &prefix, out->head, sizeof(out->head));
}

static int build_all_in(const struct gvcam_block *block, const struct sp_gvsp_packet *packet,
			struct gvcam_packet *out)
{
	struct sp_gvsp_leader leader = leader_of(block);
	struct sp_gvsp_trailer trailer = trailer_of(block);

	out->data_bytes = (uint32_t)block->bytes;
	out->data = data_at(block, 0, out->data_bytes, out->scratch);
	return sp_gvsp_build_all_in(packet, &leader, &trailer, LAYOUT_ID, out->head,
				    sizeof(out->head));
}

void gvcam_block_packet(const struct gvcam_block *block, uint32_t number, bool resent,
			struct gvcam_packet *out)
{
	struct sp_gvsp_packet packet = {
		.block_id = block->id,
		.packet_id = number,
		.status = resent ? GVSP_STATUS_RESENT : GVSP_STATUS_SUCCESS,
		.flags = resent && block->extended ? GVSP_FLAG_RESENT : 0,
		.format = GVSP_FORMAT_PAYLOAD,
		.extended = block->extended,
	};
	int n;

	out->data = NULL;
	out->data_bytes = 0;
	out->way = GVCAM_WAY_OWN;
	if (block->all_in)
		n = build_all_in(block, &packet, out);
	else if (number == 0)
		n = build_leader(block, &packet, out);
	else if (number == block->packets - 1)
		n = build_trailer(block, &packet, out);
	else
		n = build_payload(block, &packet, out);
	out->head_bytes = (uint32_t)n; /* the room is enough for each of them */
}
