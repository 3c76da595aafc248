/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Parse and build GVSP packets. A parse function checks bounds and gives host-order values; nothing
 * downstream touches wire bytes. No libc, no allocation: the kernel module compiles gvsp_wire.c and
 * gvsp_build.c too.
 *
 * @data and @payload are UDP payload bytes at any alignment. Parse functions return 0, or -EINVAL
 * with *ret untouched; build functions return the bytes written, or -ENOSPC.
 */
#ifndef SP_GVSP_WIRE_H
#define SP_GVSP_WIRE_H

#include <linux/types.h>
#ifndef __KERNEL__
#include <stdbool.h>
#endif

enum { SP_GVSP_HEADER_BYTES = 8, SP_GVSP_HEADER_EXT_BYTES = 20 };

/* The header of one packet. */
struct sp_gvsp_packet {
	__u64 block_id;
	__u32 packet_id; /* leader 0, payload 1 … N, trailer N + 1 */
	__u16 status; /* GVSP_STATUS_… */
	__u16 flags; /* GVSP_FLAG_…; 0 with a standard header */
	__u8 format; /* GVSP_FORMAT_…, without the extended bit */
	__u8 parts; /* extended leaders only, else 0 */
	__u8 header_bytes; /* the packet's own data begins here */
	bool extended;
};

struct sp_gvsp_leader {
	__u64 timestamp; /* device ticks; 0 for H.264, whose leader has none */
	__u16 payload_type; /* as sent: GVSP_PAYLOAD_TYPE_MASK, GVSP_PAYLOAD_CHUNKS */
	__u8 field_info; /* 0: progressive */
	bool has_image; /* the leader carries a geometry, below; else all 0 */
	__u32 pixel_format; /* PFNC */
	__u32 size_x, size_y, offset_x, offset_y; /* pixels */
	__u16 padding_x, padding_y; /* bytes after each line, after the image */
};

struct sp_gvsp_trailer {
	__u16 payload_type;
	bool has_size_y;
	__u32 size_y; /* lines really sent; some cameras say 0 */
	__u32 chunk_length; /* bytes of chunk data; 0 where the type has none */
};

enum { SP_GVSP_PARTS_MAX = 8, SP_GVSP_PART_BYTES = 48, SP_GVSP_PART_PREFIX_BYTES = 8 };

/* One part of a multi-part block, as its leader describes it. */
struct sp_gvsp_part {
	__u64 length; /* bytes */
	__u16 data_type; /* GVSP_PART_… */
	__u16 purpose, region;
	__u8 source;
	bool has_image; /* its type has a geometry, below; else all 0 */
	__u32 pixel_format;
	__u32 size_x, size_y, offset_x, offset_y;
	__u16 padding_x, padding_y;
};

/* What stands before the data of a multi-part payload packet. */
struct sp_gvsp_part_prefix {
	__u64 offset; /* of the data in the block, parts back to back */
	__u8 part;
	bool ends_part;
};

/* What an all-in packet says of its block, and where in its payload the data are. */
struct sp_gvsp_all_in {
	struct sp_gvsp_leader leader;
	struct sp_gvsp_trailer trailer;
	__u32 data; /* bytes from the payload's begin */
};

/* Whether @status says that the packet carries no usable data. Other non-zero values do occur. */
static inline bool sp_gvsp_status_is_error(__u16 status)
{
	return status & 0x8000;
}

/* Whether the camera answers a resend request with "I have it no more": asking again is no use. */
bool sp_gvsp_status_is_gone(__u16 status);

/* Whether the camera answers a resend request with "not now". */
bool sp_gvsp_status_is_not_yet(__u16 status);

/* Whether the packet says of itself that it was sent again. */
bool sp_gvsp_is_resent(const struct sp_gvsp_packet *packet);

/*
 * Reads the header, standard or extended as byte 4 says: cameras send extended ones unasked, so a
 * mode is never assumed. -EINVAL: too short for its header, or no known packet format.
 */
int sp_gvsp_parse(const void *data, __u32 len, struct sp_gvsp_packet *ret);

/* @payload: what follows the header of a leader. -EINVAL: too short for its payload type. */
int sp_gvsp_parse_leader(const void *payload, __u32 len, struct sp_gvsp_leader *ret);

/* @payload: what follows the header of a trailer. -EINVAL: shorter than 4 bytes. */
int sp_gvsp_parse_trailer(const void *payload, __u32 len, struct sp_gvsp_trailer *ret);

/*
 * Part @i of a multi-part leader; @parts as the packet's header says, whose extended form alone has
 * the number. -EINVAL: @i or @parts too large, or the leader is too short for @parts.
 */
int sp_gvsp_parse_part(const void *payload, __u32 len, __u8 parts, __u8 i,
		       struct sp_gvsp_part *ret);

/* @payload: what follows a multi-part payload packet's header. -EINVAL: shorter than 8 bytes. */
int sp_gvsp_parse_part_prefix(const void *payload, __u32 len, struct sp_gvsp_part_prefix *ret);

/*
 * An all-in packet's leader and trailer, and where its data begin. -EINVAL: too short, leader and
 * trailer of different types, or a payload type that does not come all-in (multi-part, GenDC).
 */
int sp_gvsp_parse_all_in(const void *payload, __u32 len, struct sp_gvsp_all_in *ret);

/*
 * Writes the header of @packet (extended as it says; header_bytes is ignored) at @data, which has
 * room for @size bytes. Returns 8 or 20, or -ENOSPC. A payload packet is this and its bytes.
 * Standard headers take the low 16 bits of the block id and the low 24 of the packet id.
 */
int sp_gvsp_build(const struct sp_gvsp_packet *packet, void *data, __u32 size);

/*
 * A whole leader or trailer: the header of @packet with the right format, then the fields. A leader
 * with has_image writes the image geometry, otherwise the 12 common bytes. A trailer with
 * has_size_y writes size_y, one whose type has GVSP_PAYLOAD_CHUNKS appends chunk_length and
 * @layout_id; trailers of the chunk data types 4 and 5 are not built. Returns the packet's bytes,
 * or -ENOSPC.
 */
int sp_gvsp_build_leader(const struct sp_gvsp_packet *packet, const struct sp_gvsp_leader *leader,
			 void *data, __u32 size);
int sp_gvsp_build_trailer(const struct sp_gvsp_packet *packet,
			  const struct sp_gvsp_trailer *trailer, __u32 layout_id, void *data,
			  __u32 size);

/*
 * The same for multi-part blocks and all-in packets; the bytes of the data follow what is written.
 * -EINVAL: multi-part with a standard header, no or too many parts, lengths or offsets beyond 48
 * bits; all-in of something else than an image whose leader and trailer agree and are whole.
 */
int sp_gvsp_build_multi_part_leader(const struct sp_gvsp_packet *packet, __u64 timestamp,
				    const struct sp_gvsp_part *parts, __u8 parts_n, void *data,
				    __u32 size);
int sp_gvsp_build_multi_part_trailer(const struct sp_gvsp_packet *packet,
				     const struct sp_gvsp_part *parts, __u8 parts_n, void *data,
				     __u32 size);
int sp_gvsp_build_part_prefix(const struct sp_gvsp_packet *packet,
			      const struct sp_gvsp_part_prefix *prefix, void *data, __u32 size);
int sp_gvsp_build_all_in(const struct sp_gvsp_packet *packet, const struct sp_gvsp_leader *leader,
			 const struct sp_gvsp_trailer *trailer, __u32 layout_id, void *data,
			 __u32 size);

#endif
