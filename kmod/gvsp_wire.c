/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#include "gvsp_wire.h"

#include <linux/errno.h>

#include <sallyport/gvsp.h>

_Static_assert(sizeof(struct gvsp_header) == SP_GVSP_HEADER_BYTES, "gvsp_header");
_Static_assert(sizeof(struct gvsp_header_ext) == SP_GVSP_HEADER_EXT_BYTES, "gvsp_header_ext");
_Static_assert(sizeof(struct gvsp_leader) == 12, "gvsp_leader");
_Static_assert(sizeof(struct gvsp_leader_image) == 36, "gvsp_leader_image");
_Static_assert(sizeof(struct gvsp_part) == SP_GVSP_PART_BYTES, "gvsp_part");
_Static_assert(sizeof(struct gvsp_part_prefix) == SP_GVSP_PART_PREFIX_BYTES, "gvsp_part_prefix");
_Static_assert(sizeof(struct gvsp_trailer) == 4, "gvsp_trailer");
_Static_assert(sizeof(struct gvsp_trailer_image) == 8, "gvsp_trailer_image");
_Static_assert(sizeof(struct gvsp_trailer_extended_chunk) == 16, "gvsp_trailer_extended_chunk");
_Static_assert(sizeof(struct gvsp_trailer_part) == 16, "gvsp_trailer_part");
_Static_assert(sizeof(struct gvsp_trailer_chunks) == 8, "gvsp_trailer_chunks");

bool sp_gvsp_status_is_gone(__u16 status)
{
	return status == GVSP_STATUS_UNAVAILABLE || status == GVSP_STATUS_REMOVED ||
	       status == GVSP_STATUS_PREVIOUS_REMOVED;
}

bool sp_gvsp_status_is_not_yet(__u16 status)
{
	return status == GVSP_STATUS_NOT_YET_AVAILABLE ||
	       status == GVSP_STATUS_TEMPORARILY_UNAVAILABLE;
}

bool sp_gvsp_is_resent(const struct sp_gvsp_packet *packet)
{
	return packet->status == GVSP_STATUS_RESENT || (packet->flags & GVSP_FLAG_RESENT);
}

static bool format_known(__u8 format)
{
	return format >= GVSP_FORMAT_LEADER && format <= GVSP_FORMAT_GENDC;
}

int sp_gvsp_parse(const void *data, __u32 len, struct sp_gvsp_packet *ret)
{
	const struct gvsp_header *header = data;
	const struct gvsp_header_ext *ext = data;
	__u32 format_packet;
	__u8 format;

	if (len < sizeof(*header))
		return -EINVAL;
	format_packet = __be32_to_cpu(header->format_packet);
	format = format_packet >> GVSP_FORMAT_SHIFT;
	if (!(format & GVSP_FORMAT_EXTENDED)) {
		if (!format_known(format))
			return -EINVAL;
		*ret = (struct sp_gvsp_packet){
			.status = __be16_to_cpu(header->status),
			.block_id = __be16_to_cpu(header->block_id),
			.packet_id = format_packet & GVSP_PACKET_ID_MASK,
			.format = format,
			.header_bytes = sizeof(*header),
		};
		return 0;
	}
	format &= ~GVSP_FORMAT_EXTENDED;
	if (len < sizeof(*ext) || !format_known(format))
		return -EINVAL;
	*ret = (struct sp_gvsp_packet){
		.status = __be16_to_cpu(ext->status),
		.flags = __be16_to_cpu(ext->flags),
		.block_id = __be64_to_cpu(ext->block_id),
		.packet_id = __be32_to_cpu(ext->packet_id),
		.format = format,
		.parts = format == GVSP_FORMAT_LEADER ? ext->parts : 0,
		.header_bytes = sizeof(*ext),
		.extended = true,
	};
	return 0;
}

/* Types whose leader carries the geometry of one image at the same place. */
static bool type_has_image(__u16 payload_type)
{
	__u16 type = payload_type & GVSP_PAYLOAD_TYPE_MASK;

	return type == GVSP_PAYLOAD_IMAGE || type == GVSP_PAYLOAD_EXTENDED_CHUNK;
}

int sp_gvsp_parse_leader(const void *payload, __u32 len, struct sp_gvsp_leader *ret)
{
	const struct gvsp_leader *common = payload;
	const struct gvsp_leader_image *image = payload;
	struct sp_gvsp_leader leader;

	if (len < sizeof(*common))
		return -EINVAL;
	leader = (struct sp_gvsp_leader){
		.field_info = common->field_info,
		.payload_type = __be16_to_cpu(common->payload_type),
		.timestamp = __be64_to_cpu(common->timestamp),
	};
	if ((leader.payload_type & GVSP_PAYLOAD_TYPE_MASK) == GVSP_PAYLOAD_H264)
		leader.timestamp = 0; /* that is its size */
	leader.has_image = type_has_image(leader.payload_type);
	if (leader.has_image) {
		if (len < sizeof(*image))
			return -EINVAL;
		leader.pixel_format = __be32_to_cpu(image->pixel_format);
		leader.size_x = __be32_to_cpu(image->size_x);
		leader.size_y = __be32_to_cpu(image->size_y);
		leader.offset_x = __be32_to_cpu(image->offset_x);
		leader.offset_y = __be32_to_cpu(image->offset_y);
		leader.padding_x = __be16_to_cpu(image->padding_x);
		leader.padding_y = __be16_to_cpu(image->padding_y);
	}
	*ret = leader;
	return 0;
}

/* Bytes of a trailer before what GVSP_PAYLOAD_CHUNKS appends; 0: not told by the type alone. */
static __u32 trailer_bytes(__u16 payload_type)
{
	switch (payload_type & GVSP_PAYLOAD_TYPE_MASK) {
	case GVSP_PAYLOAD_IMAGE:
	case GVSP_PAYLOAD_MULTI_ZONE:
		return sizeof(struct gvsp_trailer_image);
	case GVSP_PAYLOAD_CHUNK: /* as extended, up to the chunk length */
		return sizeof(struct gvsp_trailer) + sizeof(__be32);
	case GVSP_PAYLOAD_EXTENDED_CHUNK:
		return sizeof(struct gvsp_trailer_extended_chunk);
	case GVSP_PAYLOAD_RAW:
	case GVSP_PAYLOAD_FILE:
	case GVSP_PAYLOAD_JPEG:
	case GVSP_PAYLOAD_JPEG2000:
	case GVSP_PAYLOAD_H264:
		return sizeof(struct gvsp_trailer);
	default:
		return 0;
	}
}

int sp_gvsp_parse_trailer(const void *payload, __u32 len, struct sp_gvsp_trailer *ret)
{
	const struct gvsp_trailer *common = payload;
	const struct gvsp_trailer_image *image = payload;
	const struct gvsp_trailer_extended_chunk *chunk = payload;
	const struct gvsp_trailer_chunks *appended;
	struct sp_gvsp_trailer trailer = { 0 };
	__u32 bytes;
	__u16 type;

	if (len < sizeof(*common))
		return -EINVAL;
	trailer.payload_type = __be16_to_cpu(common->payload_type);
	type = trailer.payload_type & GVSP_PAYLOAD_TYPE_MASK;
	bytes = trailer_bytes(trailer.payload_type);
	if (!bytes || len < bytes) {
		*ret = trailer;
		return 0;
	}
	if (type == GVSP_PAYLOAD_IMAGE || type == GVSP_PAYLOAD_MULTI_ZONE) {
		trailer.has_size_y = true;
		trailer.size_y = __be32_to_cpu(image->size_y);
	} else if (type == GVSP_PAYLOAD_EXTENDED_CHUNK) {
		trailer.has_size_y = true;
		trailer.size_y = __be32_to_cpu(chunk->size_y);
	}
	if (type == GVSP_PAYLOAD_CHUNK || type == GVSP_PAYLOAD_EXTENDED_CHUNK) {
		trailer.chunk_length = __be32_to_cpu(chunk->chunk_length);
	} else if ((trailer.payload_type & GVSP_PAYLOAD_CHUNKS) &&
		   len - bytes >= sizeof(*appended)) {
		appended = (const void *)((const __u8 *)payload + bytes);
		trailer.chunk_length = __be32_to_cpu(appended->chunk_length);
	}
	*ret = trailer;
	return 0;
}

static bool part_has_image(__u16 data_type)
{
	return data_type >= GVSP_PART_IMAGE_2D && data_type <= GVSP_PART_CONFIDENCE;
}

int sp_gvsp_parse_part(const void *payload, __u32 len, __u8 parts, __u8 i,
		       struct sp_gvsp_part *ret)
{
	const struct gvsp_part *wire;

	if (parts > SP_GVSP_PARTS_MAX || i >= parts ||
	    len < sizeof(struct gvsp_leader) + parts * sizeof(*wire))
		return -EINVAL;
	wire = (const void *)((const __u8 *)payload + sizeof(struct gvsp_leader));
	wire += i;
	*ret = (struct sp_gvsp_part){
		.length = (__u64)__be16_to_cpu(wire->length_high) << 32 |
			  __be32_to_cpu(wire->length_low),
		.data_type = __be16_to_cpu(wire->data_type),
		.purpose = __be16_to_cpu(wire->purpose),
		.region = __be16_to_cpu(wire->region),
		.source = wire->source,
	};
	if (!part_has_image(ret->data_type))
		return 0;
	ret->has_image = true;
	ret->pixel_format = __be32_to_cpu(wire->pixel_format);
	ret->size_x = __be32_to_cpu(wire->size_x);
	ret->size_y = __be32_to_cpu(wire->size_y);
	ret->offset_x = __be32_to_cpu(wire->offset_x);
	ret->offset_y = __be32_to_cpu(wire->offset_y);
	ret->padding_x = __be16_to_cpu(wire->padding_x);
	ret->padding_y = __be16_to_cpu(wire->padding_y);
	return 0;
}

int sp_gvsp_parse_part_prefix(const void *payload, __u32 len, struct sp_gvsp_part_prefix *ret)
{
	const struct gvsp_part_prefix *wire = payload;

	if (len < sizeof(*wire))
		return -EINVAL;
	*ret = (struct sp_gvsp_part_prefix){
		.offset = (__u64)__be16_to_cpu(wire->offset_high) << 32 |
			  __be32_to_cpu(wire->offset_low),
		.part = wire->part,
		.ends_part = wire->zone & GVSP_PART_END,
	};
	return 0;
}

/* Bytes of the leader that an all-in packet begins with, or 0: cut short, or not such a type. */
static __u32 all_in_leader_bytes(const __u8 *payload, __u32 len, __u16 payload_type)
{
	__u32 bytes;

	switch (payload_type & GVSP_PAYLOAD_TYPE_MASK) {
	case GVSP_PAYLOAD_IMAGE:
	case GVSP_PAYLOAD_EXTENDED_CHUNK:
		return sizeof(struct gvsp_leader_image);
	case GVSP_PAYLOAD_CHUNK:
		return sizeof(struct gvsp_leader);
	case GVSP_PAYLOAD_RAW:
		return GVSP_LEADER_RAW_BYTES;
	case GVSP_PAYLOAD_FILE: /* the same, then a name and its NUL */
		for (bytes = GVSP_LEADER_RAW_BYTES; bytes < len; bytes++)
			if (!payload[bytes])
				return bytes + 1;
		return 0;
	case GVSP_PAYLOAD_JPEG:
	case GVSP_PAYLOAD_JPEG2000:
		return GVSP_LEADER_JPEG_BYTES;
	case GVSP_PAYLOAD_H264:
		return GVSP_LEADER_H264_BYTES;
	case GVSP_PAYLOAD_MULTI_ZONE:
		return GVSP_LEADER_MULTI_ZONE_BYTES;
	default:
		return 0;
	}
}

int sp_gvsp_parse_all_in(const void *payload, __u32 len, struct sp_gvsp_all_in *ret)
{
	const __u8 *bytes = payload;
	struct sp_gvsp_all_in all_in;
	__u32 leader, trailer, prefix = 0;
	__u16 type;

	if (sp_gvsp_parse_leader(bytes, len, &all_in.leader))
		return -EINVAL;
	type = all_in.leader.payload_type;
	leader = all_in_leader_bytes(bytes, len, type);
	trailer = trailer_bytes(type);
	if (type & GVSP_PAYLOAD_CHUNKS)
		trailer += sizeof(struct gvsp_trailer_chunks);
	type &= GVSP_PAYLOAD_TYPE_MASK;
	if (type == GVSP_PAYLOAD_H264 || type == GVSP_PAYLOAD_MULTI_ZONE)
		prefix = GVSP_DATA_PREFIX_BYTES;
	if (!leader || len < leader + trailer + prefix)
		return -EINVAL;
	if (sp_gvsp_parse_trailer(bytes + leader, trailer, &all_in.trailer) ||
	    all_in.trailer.payload_type != all_in.leader.payload_type)
		return -EINVAL;
	all_in.data = leader + trailer + prefix;
	*ret = all_in;
	return 0;
}
