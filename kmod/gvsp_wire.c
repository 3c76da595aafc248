/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#include "gvsp_wire.h"

#include <linux/errno.h>

#include <sallyport/gvsp.h>

_Static_assert(sizeof(struct gvsp_header) == SP_GVSP_HEADER_BYTES, "gvsp_header");
_Static_assert(sizeof(struct gvsp_header_ext) == SP_GVSP_HEADER_EXT_BYTES, "gvsp_header_ext");
_Static_assert(sizeof(struct gvsp_leader) == 12, "gvsp_leader");
_Static_assert(sizeof(struct gvsp_leader_image) == 36, "gvsp_leader_image");
_Static_assert(sizeof(struct gvsp_trailer) == 4, "gvsp_trailer");
_Static_assert(sizeof(struct gvsp_trailer_image) == 8, "gvsp_trailer_image");
_Static_assert(sizeof(struct gvsp_trailer_extended_chunk) == 16, "gvsp_trailer_extended_chunk");
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

int sp_gvsp_parse_trailer(const void *payload, __u32 len, struct sp_gvsp_trailer *ret)
{
	const struct gvsp_trailer *common = payload;
	const struct gvsp_trailer_image *image = payload;
	const struct gvsp_trailer_extended_chunk *chunk = payload;
	const struct gvsp_trailer_chunks *appended = (const void *)(image + 1);
	struct sp_gvsp_trailer trailer = { 0 };
	__u16 type;

	if (len < sizeof(*common))
		return -EINVAL;
	trailer.payload_type = __be16_to_cpu(common->payload_type);
	type = trailer.payload_type & GVSP_PAYLOAD_TYPE_MASK;
	if ((type == GVSP_PAYLOAD_IMAGE || type == GVSP_PAYLOAD_MULTI_ZONE) &&
	    len >= sizeof(*image)) {
		trailer.has_size_y = true;
		trailer.size_y = __be32_to_cpu(image->size_y);
		if ((trailer.payload_type & GVSP_PAYLOAD_CHUNKS) &&
		    len >= sizeof(*image) + sizeof(*appended))
			trailer.chunk_length = __be32_to_cpu(appended->chunk_length);
	} else if (type == GVSP_PAYLOAD_CHUNK && len >= sizeof(*common) + sizeof(__be32)) {
		trailer.chunk_length = __be32_to_cpu(chunk->chunk_length);
	} else if (type == GVSP_PAYLOAD_EXTENDED_CHUNK && len >= sizeof(*chunk)) {
		trailer.chunk_length = __be32_to_cpu(chunk->chunk_length);
		trailer.has_size_y = true;
		trailer.size_y = __be32_to_cpu(chunk->size_y);
	}
	*ret = trailer;
	return 0;
}

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

int sp_gvsp_build_leader(const struct sp_gvsp_packet *packet, const struct sp_gvsp_leader *leader,
			 void *data, __u32 size)
{
	__u32 fields = leader->has_image ? sizeof(struct gvsp_leader_image)
					 : sizeof(struct gvsp_leader);
	struct sp_gvsp_packet header = *packet;
	struct gvsp_leader_image *image;
	int len;

	header.format = GVSP_FORMAT_LEADER;
	len = sp_gvsp_build(&header, data, size);
	if (len < 0 || size - len < fields)
		return -ENOSPC;
	image = (void *)((__u8 *)data + len);
	image->common = (struct gvsp_leader){
		.field_info = leader->field_info,
		.payload_type = __cpu_to_be16(leader->payload_type),
		.timestamp = __cpu_to_be64(leader->timestamp),
	};
	if (leader->has_image) {
		image->pixel_format = __cpu_to_be32(leader->pixel_format);
		image->size_x = __cpu_to_be32(leader->size_x);
		image->size_y = __cpu_to_be32(leader->size_y);
		image->offset_x = __cpu_to_be32(leader->offset_x);
		image->offset_y = __cpu_to_be32(leader->offset_y);
		image->padding_x = __cpu_to_be16(leader->padding_x);
		image->padding_y = __cpu_to_be16(leader->padding_y);
	}
	return len + fields;
}

int sp_gvsp_build_trailer(const struct sp_gvsp_packet *packet,
			  const struct sp_gvsp_trailer *trailer, __u32 layout_id, void *data,
			  __u32 size)
{
	bool chunks = trailer->payload_type & GVSP_PAYLOAD_CHUNKS;
	__u32 fields = sizeof(struct gvsp_trailer);
	struct sp_gvsp_packet header = *packet;
	struct gvsp_trailer_chunks *end;
	struct gvsp_trailer_image *image;
	int len;

	if (trailer->has_size_y)
		fields = sizeof(*image);
	header.format = GVSP_FORMAT_TRAILER;
	len = sp_gvsp_build(&header, data, size);
	if (len < 0 || size - len < fields + (chunks ? sizeof(*end) : 0))
		return -ENOSPC;
	image = (void *)((__u8 *)data + len);
	image->common.reserved = 0;
	image->common.payload_type = __cpu_to_be16(trailer->payload_type);
	if (trailer->has_size_y)
		image->size_y = __cpu_to_be32(trailer->size_y);
	len += fields;
	if (chunks) {
		end = (void *)((__u8 *)data + len);
		end->chunk_length = __cpu_to_be32(trailer->chunk_length);
		end->layout_id = __cpu_to_be32(layout_id);
		len += sizeof(*end);
	}
	return len;
}
