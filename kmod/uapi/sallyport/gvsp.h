/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * GigE Vision streaming protocol as it lies on the wire, for kernel and userspace alike. All fields
 * are big-endian. Masks are of host-order values, bit 0 = least significant.
 *
 * Sources: docs/provenance.md, "GVSP" (dissectors, vendors' manuals, own captures).
 */
#ifndef SALLYPORT_GVSP_H
#define SALLYPORT_GVSP_H

#include <linux/types.h>
#include <asm/byteorder.h>

/* The standard header, 8 bytes; byte 4 tells it from the extended one. */
struct gvsp_header {
	__be16 status;
	__be16 block_id;
	__be32 format_packet; /* GVSP_FORMAT_SHIFT, GVSP_PACKET_ID_MASK */
} __attribute__((packed));

/* The extended header, 20 bytes: 64-bit block ids, 32-bit packet ids. */
struct gvsp_header_ext {
	__be16 status;
	__be16 flags;
	__u8 format; /* GVSP_FORMAT_EXTENDED | packet format */
	__u8 reserved[2];
	__u8 parts; /* leader only: parts of a multi-part block, zones of a multi-zone one */
	__be64 block_id;
	__be32 packet_id;
} __attribute__((packed));

#define GVSP_FORMAT_SHIFT 24
#define GVSP_FORMAT_EXTENDED 0x80u
#define GVSP_PACKET_ID_MASK 0x00FFFFFFu

#define GVSP_FORMAT_LEADER 1
#define GVSP_FORMAT_TRAILER 2
#define GVSP_FORMAT_PAYLOAD 3
#define GVSP_FORMAT_ALL_IN 4
#define GVSP_FORMAT_H264 5
#define GVSP_FORMAT_MULTI_ZONE 6
#define GVSP_FORMAT_MULTI_PART 7
#define GVSP_FORMAT_GENDC 8

/* Flags of the extended header. */
#define GVSP_FLAG_RESENT 0x0001
#define GVSP_FLAG_PREVIOUS_DROPPED 0x0002
#define GVSP_FLAG_RANGE_ERROR 0x0004

/* Status; shared with GVCP's acknowledges. Bit 15 marks errors, other values are not errors. */
#define GVSP_STATUS_SUCCESS 0x0000
#define GVSP_STATUS_RESENT 0x0100
#define GVSP_STATUS_ERROR_MASK 0x8000
#define GVSP_STATUS_UNAVAILABLE 0x800C
#define GVSP_STATUS_DATA_OVERRUN 0x800D
#define GVSP_STATUS_NOT_YET_AVAILABLE 0x8010
#define GVSP_STATUS_PREVIOUS_REMOVED 0x8011 /* this packet and all before it */
#define GVSP_STATUS_REMOVED 0x8012
#define GVSP_STATUS_TEMPORARILY_UNAVAILABLE 0x8014

/* Payload types of leader and trailer. */
#define GVSP_PAYLOAD_TYPE_MASK 0x3FFF
#define GVSP_PAYLOAD_CHUNKS 0x4000 /* chunk data follows the payload */
#define GVSP_PAYLOAD_IMAGE 0x0001
#define GVSP_PAYLOAD_RAW 0x0002
#define GVSP_PAYLOAD_FILE 0x0003
#define GVSP_PAYLOAD_CHUNK 0x0004
#define GVSP_PAYLOAD_EXTENDED_CHUNK 0x0005
#define GVSP_PAYLOAD_JPEG 0x0006
#define GVSP_PAYLOAD_JPEG2000 0x0007
#define GVSP_PAYLOAD_H264 0x0008
#define GVSP_PAYLOAD_MULTI_ZONE 0x0009
#define GVSP_PAYLOAD_MULTI_PART 0x000A
#define GVSP_PAYLOAD_GENDC 0x000B

/* What every leader begins with (H.264 has a size in place of the timestamp). */
struct gvsp_leader {
	__u8 field_info;
	__u8 flags;
	__be16 payload_type;
	__be64 timestamp; /* device ticks */
} __attribute__((packed));

/* Leader of an image or an image with extended chunks. */
struct gvsp_leader_image {
	struct gvsp_leader common;
	__be32 pixel_format;
	__be32 size_x, size_y;
	__be32 offset_x, offset_y;
	__be16 padding_x; /* bytes after each line */
	__be16 padding_y; /* bytes after the image */
} __attribute__((packed));

/* Leader of a multi-part block: the common fields, then one of these a part. */
struct gvsp_part {
	__be16 data_type;
	__be16 length_high; /* of 48 bits */
	__be32 length_low;
	__be32 pixel_format;
	__u8 reserved[2];
	__u8 source;
	__u8 zones;
	__be32 zone_directions;
	__be16 purpose, region;
	__be32 size_x, size_y;
	__be32 offset_x, offset_y;
	__be16 padding_x, padding_y;
	__be32 reserved2;
} __attribute__((packed));

/*
 * Leaders of other types go on behind the common fields. Only their sizes matter to us, and only
 * where data follow in the same packet (all-in).
 */
#define GVSP_LEADER_RAW_BYTES 20 /* a file's has a name and its NUL behind that */
#define GVSP_LEADER_JPEG_BYTES 32
#define GVSP_LEADER_H264_BYTES 32
#define GVSP_LEADER_MULTI_ZONE_BYTES 40

/* Data of these begin with so many bytes of their own: H.264 a timestamp, multi-zone a place. */
#define GVSP_DATA_PREFIX_BYTES 8

/* Data types of parts. Up to the confidence map they have an image's geometry. */
#define GVSP_PART_IMAGE_2D 1
#define GVSP_PART_PLANE_BI 2
#define GVSP_PART_PLANE_TRI 3
#define GVSP_PART_PLANE_QUAD 4
#define GVSP_PART_IMAGE_3D 5
#define GVSP_PART_PLANE_3D_BI 6
#define GVSP_PART_PLANE_3D_TRI 7
#define GVSP_PART_PLANE_3D_QUAD 8
#define GVSP_PART_CONFIDENCE 9
#define GVSP_PART_CHUNKS 10
#define GVSP_PART_JPEG 11
#define GVSP_PART_JPEG2000 12

/* Before the data of a multi-part payload packet. */
struct gvsp_part_prefix {
	__u8 part;
	__u8 zone; /* GVSP_PART_END */
	__be16 offset_high; /* of 48 bits: in the block, parts back to back */
	__be32 offset_low;
} __attribute__((packed));

#define GVSP_PART_END 0x40u

/* What every trailer begins with. */
struct gvsp_trailer {
	__be16 reserved;
	__be16 payload_type;
} __attribute__((packed));

struct gvsp_trailer_image {
	struct gvsp_trailer common;
	__be32 size_y; /* lines that were sent; some cameras leave it 0 */
} __attribute__((packed));

/* Chunk data: without size_y and layout_id; extended chunk data: whole. */
struct gvsp_trailer_extended_chunk {
	struct gvsp_trailer common;
	__be32 chunk_length; /* bytes of chunk data in the block */
	__be32 size_y;
	__be32 layout_id;
} __attribute__((packed));

/* Trailer of a multi-part block: the common fields, then one of these a part. */
struct gvsp_trailer_part {
	__be16 data_type;
	__be16 length_high;
	__be32 length_low;
	__be32 size_y;
	__be32 reserved;
} __attribute__((packed));

/* After the trailer of a payload type with GVSP_PAYLOAD_CHUNKS. */
struct gvsp_trailer_chunks {
	__be32 chunk_length;
	__be32 layout_id;
} __attribute__((packed));

#endif
