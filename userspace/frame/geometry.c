/* SPDX-License-Identifier: Apache-2.0 */
/* What a block measures on the wire: as its leader says, within the budget of the configuration. */
#include <errno.h>

#include <sallyport/gvsp.h>

#include "frame/assembler_state.h"
#include "wire/pfnc.h"

/* Bytes of the first @lines lines of the image, as they are sent. */
static uint64_t image_bytes(const struct sp_block_geometry *g, uint32_t lines)
{
	uint64_t bytes;

	if (g->padding_x)
		bytes = (sp_pfnc_line_bytes(g->pixel_format, g->width) + g->padding_x) * lines;
	else
		bytes = sp_pfnc_image_bytes(g->pixel_format, g->width, lines);
	return bytes + g->padding_y;
}

/* An image of @bytes bytes in packets of @stride. */
static void cut(struct sp_block_geometry *g, uint64_t bytes, uint32_t stride)
{
	g->bytes = bytes;
	g->stride = stride;
	g->packets = (uint32_t)((bytes + stride - 1) / stride);
	g->last_bytes = (uint32_t)(bytes - (uint64_t)(g->packets - 1) * stride);
	g->full = g->packets - 1;
	g->reach = g->packets;
}

void sp_geometry_configure(const struct sp_stream_config *config, uint32_t stride,
			   struct sp_block_geometry *ret)
{
	struct sp_block_geometry g = {
		.pixel_format = config->pixel_format,
		.width = config->width,
		.height = config->height,
	};

	cut(&g, image_bytes(&g, g.height), stride);
	*ret = g;
}

uint64_t sp_geometry_packets_max(const struct sp_stream_config *config)
{
	uint64_t bytes = sp_pfnc_image_bytes(config->pixel_format, config->width, config->height);
	uint32_t least = config->packet_payload - SP_EXTENDED_EXTRA;

	if (!config->extra_bytes)
		return (bytes + least - 1) / least;
	/* Parts: a prefix in each packet, and the last packet of each part is its own. */
	least -= SP_GVSP_PART_PREFIX_BYTES;
	return (bytes + config->extra_bytes + least - 1) / least + SP_FRAME_PARTS_MAX - 1;
}

static bool is_image(uint32_t pixel_format, uint32_t width, uint32_t height)
{
	return sp_pfnc_by_code(pixel_format) && width && height && width <= SP_FRAME_SIDE_MAX &&
	       height <= SP_FRAME_SIDE_MAX;
}

void sp_geometry_add_chunks(const struct sp_stream *stream, struct sp_block_geometry *geometry)
{
	uint64_t bytes = geometry->bytes + stream->config.extra_bytes;

	geometry->chunks = true;
	geometry->reach = (uint32_t)((bytes + geometry->stride - 1) / geometry->stride);
}

int sp_geometry_measure(const struct sp_stream *stream, const struct sp_gvsp_leader *leader,
			struct sp_block_geometry *ret)
{
	uint16_t type = leader->payload_type & GVSP_PAYLOAD_TYPE_MASK;
	struct sp_block_geometry g;
	uint64_t bytes;

	if (type == GVSP_PAYLOAD_CHUNK) {
		/* The leader has no geometry; the image is the first chunk. */
		*ret = stream->geometry;
		sp_geometry_add_chunks(stream, ret);
		return 0;
	}
	if (!leader->has_image ||
	    !is_image(leader->pixel_format, leader->size_x, leader->size_y))
		return -EINVAL;
	g = (struct sp_block_geometry){
		.pixel_format = leader->pixel_format,
		.width = leader->size_x,
		.height = leader->size_y,
		.offset_x = leader->offset_x,
		.offset_y = leader->offset_y,
		.padding_x = leader->padding_x,
		.padding_y = leader->padding_y,
	};
	bytes = image_bytes(&g, g.height);
	if (bytes > stream->geometry.bytes)
		return -EINVAL;
	cut(&g, bytes, stream->stride);
	if ((leader->payload_type & GVSP_PAYLOAD_CHUNKS) || type == GVSP_PAYLOAD_EXTENDED_CHUNK)
		sp_geometry_add_chunks(stream, &g);
	*ret = g;
	return 0;
}

/* ---- parts ---- */

static enum sp_frame_part_kind kind_of(const struct sp_gvsp_part *part)
{
	if (part->data_type == GVSP_PART_CHUNKS)
		return SP_FRAME_PART_CHUNKS;
	if (part->has_image && is_image(part->pixel_format, part->size_x, part->size_y))
		return SP_FRAME_PART_IMAGE;
	return SP_FRAME_PART_OTHER;
}

static struct sp_frame_part describe(const struct sp_stream *stream,
				     const struct sp_gvsp_part *part)
{
	return (struct sp_frame_part){
		.region = stream->assembler->region,
		.bytes = part->length,
		.kind = kind_of(part),
		.data_type = part->data_type,
		.purpose = part->purpose,
		.source = part->source,
		.region_id = part->region,
		.pixel_format = part->pixel_format,
		.width = part->size_x,
		.height = part->size_y,
		.offset_x = part->offset_x,
		.offset_y = part->offset_y,
		.padding_x = part->padding_x,
	};
}

/* The first 2D image is the one that is looked at. -EINVAL: there is none, or it does not fit. */
static int choose_image(const struct sp_stream *stream, struct sp_block_geometry *g)
{
	const struct sp_frame_part *part = g->parts;

	g->image = 0;
	while (g->image < g->parts_n && part->data_type != GVSP_PART_IMAGE_2D)
		part = &g->parts[++g->image];
	if (g->image == g->parts_n || part->kind != SP_FRAME_PART_IMAGE)
		return -EINVAL;
	g->pixel_format = part->pixel_format;
	g->width = part->width;
	g->height = part->height;
	g->offset_x = part->offset_x;
	g->offset_y = part->offset_y;
	g->padding_x = part->padding_x;
	g->bytes = part->bytes;
	return image_bytes(g, g->height) <= g->bytes && g->bytes <= stream->geometry.bytes
		       ? 0
		       : -EINVAL;
}

int sp_geometry_measure_parts(const struct sp_stream *stream, uint8_t parts, const void *payload,
			      uint32_t length, struct sp_block_geometry *ret)
{
	struct sp_block_geometry g = { .multi = true, .parts_n = parts };
	uint64_t budget = stream->geometry.bytes + stream->config.extra_bytes;

	if (!parts || parts > SP_FRAME_PARTS_MAX || !stream->config.extra_bytes)
		return -EINVAL;
	g.stride = stream->stride - SP_GVSP_PART_PREFIX_BYTES;
	for (uint8_t i = 0; i < parts; i++) {
		struct sp_gvsp_part part;

		if (sp_gvsp_parse_part(payload, length, parts, i, &part) || part.length > budget)
			return -EINVAL;
		budget -= part.length;
		g.parts[i] = describe(stream, &part);
		g.parts[i].stride = g.stride;
		g.parts[i].first_packet = g.packets;
		g.parts[i].packets = (uint32_t)((part.length + g.stride - 1) / g.stride);
		g.packets += g.parts[i].packets;
	}
	if (choose_image(stream, &g) || g.packets > stream->packets_max)
		return -EINVAL;
	g.reach = g.packets;
	*ret = g;
	return 0;
}

/* Whether the packet is what the leader says of packet @i: its part, its offset, its length. */
static bool part_fits(const struct sp_block_geometry *g, uint32_t i, uint32_t length,
		      uint64_t place)
{
	uint64_t at = 0, left;
	uint8_t p = 0;

	while (i >= g->parts[p].first_packet + g->parts[p].packets)
		at += g->parts[p++].bytes;
	i -= g->parts[p].first_packet;
	left = g->parts[p].bytes - (uint64_t)i * g->stride;
	return place == sp_geometry_place(p, at + (uint64_t)i * g->stride) &&
	       length == (left < g->stride ? left : g->stride);
}

/* ---- lengths ---- */

bool sp_block_fits(const struct sp_stream *stream, const struct sp_block *block, uint32_t i,
		   uint32_t length, uint64_t place)
{
	const struct sp_block_geometry *g = &block->geometry;
	uint32_t stride = stream->stride;

	if (!block->leader) {
		if (place != SP_NO_PLACE)
			stride -= SP_GVSP_PART_PREFIX_BYTES;
		return length && length <= stride;
	}
	if (g->multi)
		return part_fits(g, i, length, place);
	if (place != SP_NO_PLACE)
		return false;
	if (i < g->full)
		return length == g->stride;
	if (!g->chunks)
		return length == g->last_bytes;
	return length && length <= g->stride && (i + 1 != g->packets || length >= g->last_bytes);
}

bool sp_geometry_shorten(struct sp_block_geometry *geometry, uint32_t lines)
{
	uint32_t reach = geometry->reach;

	if (!lines || lines >= geometry->height)
		return false;
	geometry->height = lines;
	cut(geometry, image_bytes(geometry, lines), geometry->stride);
	/* What was kept stays within the budget: that was the larger image's. */
	if (geometry->chunks)
		geometry->reach = reach;
	return true;
}

bool sp_geometry_ends_line(const struct sp_block_geometry *geometry, uint32_t i, uint32_t length)
{
	uint64_t bytes = (uint64_t)i * geometry->stride + length, line, lines;

	if (geometry->chunks)
		return true; /* chunk data may follow the last line */
	if (bytes <= geometry->padding_y)
		return false;
	bytes -= geometry->padding_y;
	line = (uint64_t)geometry->width * (geometry->pixel_format >> 16 & 0xFF);
	if (geometry->padding_x)
		line = (sp_pfnc_line_bytes(geometry->pixel_format, geometry->width) +
			geometry->padding_x) * 8;
	lines = bytes * 8 / line;
	return lines && lines < geometry->height &&
	       image_bytes(geometry, (uint32_t)lines) - geometry->padding_y == bytes;
}
