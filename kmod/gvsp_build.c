/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* The building half of gvsp_wire.h. */
#include "gvsp_wire.h"

#include <linux/errno.h>

#include <sallyport/gvsp.h>

int sp_gvsp_build(const struct sp_gvsp_packet *packet, void *data, __u32 size)
{
	struct gvsp_header *header = data;
	struct gvsp_header_ext *ext = data;

	if (size < (packet->extended ? sizeof(*ext) : sizeof(*header)))
		return -ENOSPC;
	if (!packet->extended) {
		header->status = __cpu_to_be16(packet->status);
		header->block_id = __cpu_to_be16((__u16)packet->block_id);
		header->format_packet = __cpu_to_be32((__u32)packet->format << GVSP_FORMAT_SHIFT |
						      (packet->packet_id & GVSP_PACKET_ID_MASK));
		return sizeof(*header);
	}
	*ext = (struct gvsp_header_ext){
		.status = __cpu_to_be16(packet->status),
		.flags = __cpu_to_be16(packet->flags),
		.format = GVSP_FORMAT_EXTENDED | packet->format,
		.parts = packet->parts,
		.block_id = __cpu_to_be64(packet->block_id),
		.packet_id = __cpu_to_be32(packet->packet_id),
	};
	return sizeof(*ext);
}

static __u32 leader_bytes(const struct sp_gvsp_leader *leader)
{
	return leader->has_image ? sizeof(struct gvsp_leader_image) : sizeof(struct gvsp_leader);
}

static void put_leader(const struct sp_gvsp_leader *leader, void *data)
{
	struct gvsp_leader_image *image = data;

	image->common = (struct gvsp_leader){
		.field_info = leader->field_info,
		.payload_type = __cpu_to_be16(leader->payload_type),
		.timestamp = __cpu_to_be64(leader->timestamp),
	};
	if (!leader->has_image)
		return;
	image->pixel_format = __cpu_to_be32(leader->pixel_format);
	image->size_x = __cpu_to_be32(leader->size_x);
	image->size_y = __cpu_to_be32(leader->size_y);
	image->offset_x = __cpu_to_be32(leader->offset_x);
	image->offset_y = __cpu_to_be32(leader->offset_y);
	image->padding_x = __cpu_to_be16(leader->padding_x);
	image->padding_y = __cpu_to_be16(leader->padding_y);
}

/* The header of @packet in @format, room for @fields bytes behind it. Where they go, or -ENOSPC. */
static int begin(const struct sp_gvsp_packet *packet, __u8 format, __u32 fields, void *data,
		 __u32 size)
{
	struct sp_gvsp_packet header = *packet;
	int len;

	header.format = format;
	len = sp_gvsp_build(&header, data, size);
	return len < 0 || size - len < fields ? -ENOSPC : len;
}

int sp_gvsp_build_leader(const struct sp_gvsp_packet *packet, const struct sp_gvsp_leader *leader,
			 void *data, __u32 size)
{
	__u32 fields = leader_bytes(leader);
	int len = begin(packet, GVSP_FORMAT_LEADER, fields, data, size);

	if (len < 0)
		return len;
	put_leader(leader, (__u8 *)data + len);
	return len + fields;
}

static __u32 built_trailer_bytes(const struct sp_gvsp_trailer *trailer)
{
	return (trailer->has_size_y ? sizeof(struct gvsp_trailer_image) :
				      sizeof(struct gvsp_trailer)) +
	       (trailer->payload_type & GVSP_PAYLOAD_CHUNKS ? sizeof(struct gvsp_trailer_chunks) :
							      0);
}

static void put_trailer(const struct sp_gvsp_trailer *trailer, __u32 layout_id, __u8 *data)
{
	struct gvsp_trailer_image *image = (void *)data;
	struct gvsp_trailer_chunks *end;

	image->common.reserved = 0;
	image->common.payload_type = __cpu_to_be16(trailer->payload_type);
	data += sizeof(image->common);
	if (trailer->has_size_y) {
		image->size_y = __cpu_to_be32(trailer->size_y);
		data += sizeof(image->size_y);
	}
	if (trailer->payload_type & GVSP_PAYLOAD_CHUNKS) {
		end = (void *)data;
		end->chunk_length = __cpu_to_be32(trailer->chunk_length);
		end->layout_id = __cpu_to_be32(layout_id);
	}
}

int sp_gvsp_build_trailer(const struct sp_gvsp_packet *packet,
			  const struct sp_gvsp_trailer *trailer, __u32 layout_id, void *data,
			  __u32 size)
{
	__u32 fields = built_trailer_bytes(trailer);
	int len = begin(packet, GVSP_FORMAT_TRAILER, fields, data, size);

	if (len < 0)
		return len;
	put_trailer(trailer, layout_id, (__u8 *)data + len);
	return len + fields;
}

/* Whether the wire can say it: extended headers alone have a number of parts, lengths 48 bits. */
static bool parts_fit(const struct sp_gvsp_packet *packet, const struct sp_gvsp_part *parts,
		      __u8 parts_n)
{
	__u8 i;

	if (!packet->extended || !parts_n || parts_n > SP_GVSP_PARTS_MAX)
		return false;
	for (i = 0; i < parts_n; i++)
		if (parts[i].length >> 48)
			return false;
	return true;
}

static void put_part(const struct sp_gvsp_part *part, struct gvsp_part *wire)
{
	*wire = (struct gvsp_part){
		.data_type = __cpu_to_be16(part->data_type),
		.length_high = __cpu_to_be16((__u16)(part->length >> 32)),
		.length_low = __cpu_to_be32((__u32)part->length),
		.source = part->source,
		.purpose = __cpu_to_be16(part->purpose),
		.region = __cpu_to_be16(part->region),
	};
	if (!part->has_image)
		return;
	wire->pixel_format = __cpu_to_be32(part->pixel_format);
	wire->size_x = __cpu_to_be32(part->size_x);
	wire->size_y = __cpu_to_be32(part->size_y);
	wire->offset_x = __cpu_to_be32(part->offset_x);
	wire->offset_y = __cpu_to_be32(part->offset_y);
	wire->padding_x = __cpu_to_be16(part->padding_x);
	wire->padding_y = __cpu_to_be16(part->padding_y);
}

int sp_gvsp_build_multi_part_leader(const struct sp_gvsp_packet *packet, __u64 timestamp,
				    const struct sp_gvsp_part *parts, __u8 parts_n, void *data,
				    __u32 size)
{
	__u32 fields = sizeof(struct gvsp_leader) + parts_n * sizeof(struct gvsp_part);
	const struct sp_gvsp_leader leader = {
		.payload_type = GVSP_PAYLOAD_MULTI_PART,
		.timestamp = timestamp,
	};
	struct sp_gvsp_packet header = *packet;
	struct gvsp_part *wire;
	int len;
	__u8 i;

	if (!parts_fit(packet, parts, parts_n))
		return -EINVAL;
	header.parts = parts_n;
	len = begin(&header, GVSP_FORMAT_LEADER, fields, data, size);
	if (len < 0)
		return len;
	put_leader(&leader, (__u8 *)data + len);
	wire = (void *)((__u8 *)data + len + sizeof(struct gvsp_leader));
	for (i = 0; i < parts_n; i++)
		put_part(&parts[i], &wire[i]);
	return len + fields;
}

int sp_gvsp_build_multi_part_trailer(const struct sp_gvsp_packet *packet,
				     const struct sp_gvsp_part *parts, __u8 parts_n, void *data,
				     __u32 size)
{
	const struct sp_gvsp_trailer trailer = { .payload_type = GVSP_PAYLOAD_MULTI_PART };
	struct gvsp_trailer_part *wire;
	__u32 fields = sizeof(struct gvsp_trailer) + parts_n * sizeof(*wire);
	int len;
	__u8 i;

	if (!parts_fit(packet, parts, parts_n))
		return -EINVAL;
	len = begin(packet, GVSP_FORMAT_TRAILER, fields, data, size);
	if (len < 0)
		return len;
	put_trailer(&trailer, 0, (__u8 *)data + len);
	wire = (void *)((__u8 *)data + len + sizeof(struct gvsp_trailer));
	for (i = 0; i < parts_n; i++)
		wire[i] = (struct gvsp_trailer_part){
			.data_type = __cpu_to_be16(parts[i].data_type),
			.length_high = __cpu_to_be16((__u16)(parts[i].length >> 32)),
			.length_low = __cpu_to_be32((__u32)parts[i].length),
			.size_y = __cpu_to_be32(parts[i].size_y),
		};
	return len + fields;
}

int sp_gvsp_build_part_prefix(const struct sp_gvsp_packet *packet,
			      const struct sp_gvsp_part_prefix *prefix, void *data, __u32 size)
{
	struct gvsp_part_prefix *wire;
	int len;

	if (!packet->extended || prefix->offset >> 48)
		return -EINVAL;
	len = begin(packet, GVSP_FORMAT_MULTI_PART, sizeof(*wire), data, size);
	if (len < 0)
		return len;
	wire = (void *)((__u8 *)data + len);
	*wire = (struct gvsp_part_prefix){
		.part = prefix->part,
		.zone = prefix->ends_part ? GVSP_PART_END : 0,
		.offset_high = __cpu_to_be16((__u16)(prefix->offset >> 32)),
		.offset_low = __cpu_to_be32((__u32)prefix->offset),
	};
	return len + sizeof(*wire);
}

int sp_gvsp_build_all_in(const struct sp_gvsp_packet *packet, const struct sp_gvsp_leader *leader,
			 const struct sp_gvsp_trailer *trailer, __u32 layout_id, void *data,
			 __u32 size)
{
	__u32 first = leader_bytes(leader), fields = first + built_trailer_bytes(trailer);
	int len;

	if ((leader->payload_type & GVSP_PAYLOAD_TYPE_MASK) != GVSP_PAYLOAD_IMAGE ||
	    leader->payload_type != trailer->payload_type || !leader->has_image ||
	    !trailer->has_size_y)
		return -EINVAL;
	len = begin(packet, GVSP_FORMAT_ALL_IN, fields, data, size);
	if (len < 0)
		return len;
	put_leader(leader, (__u8 *)data + len);
	put_trailer(trailer, layout_id, (__u8 *)data + len + first);
	return len + fields;
}
