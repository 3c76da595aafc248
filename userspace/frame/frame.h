/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A frame: one block as its packets lie in the region, never copied together. It is an image, or an
 * image with chunk data behind it, or several parts (planes, a confidence map, chunk data).
 *
 * A part is a run of packets whose payloads make up one image. Every packet of a part but its last
 * carries exactly `stride` bytes, so the byte b of a part is in packet first_packet + b / stride at
 * offset b % stride. A frame in one piece (V4L2, a picture from a file) is one packet with
 * stride = bytes.
 *
 * Ownership: a frame source's get moves the frame to its consumer, which alone may read it until it
 * gives it back with put. Pixels are read with the functions below only; missing packets read as
 * zero.
 */
#ifndef SP_FRAME_FRAME_H
#define SP_FRAME_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sp_region;
struct sp_err;

enum {
	SP_FRAME_PARTS_MAX = 4,
	SP_FRAME_SIDE_MAX = 1 << 17, /* pixels; keeps sizes in bytes far from the ends of 64 bits */
};

enum sp_frame_flag {
	SP_FRAME_INCOMPLETE = 1 << 0,	/* packets are missing: see the bitmap */
	SP_FRAME_NO_LEADER = 1 << 1,	/* geometry assumed from the stream's configuration */
	SP_FRAME_NO_TRAILER = 1 << 2,
	SP_FRAME_HAD_RESEND = 1 << 3,	/* at least one packet came as a resend */
};

enum sp_frame_part_kind {
	SP_FRAME_PART_IMAGE,  /* geometry below */
	SP_FRAME_PART_CHUNKS, /* chunk data: frame/chunk.h reads it */
	SP_FRAME_PART_OTHER,  /* JPEG, a format we do not know, device-specific: bytes */
};

struct sp_frame_part {
	const struct sp_region *region;
	uint32_t first_packet; /* index into offset[] and the bitmap */
	uint32_t packets;
	uint32_t stride;       /* payload bytes of every packet but the last */
	uint64_t bytes;	       /* of the part */
	enum sp_frame_part_kind kind;
	uint16_t data_type, purpose, source, region_id; /* as in a multi-part leader; else 0 */
	/* Of an image. */
	uint32_t pixel_format; /* PFNC code, wire/pfnc.h */
	uint32_t width, height, offset_x, offset_y;
	uint32_t padding_x; /* bytes after each line */
};

struct sp_frame {
	/* What and when. */
	uint32_t stream; /* index of the stream in its source */
	uint16_t lane, camera;
	uint64_t block_id;
	uint64_t device_ticks; /* camera's timestamp, 0 if the leader is lost */
	uint64_t first_ns, last_ns; /* receive time of the first and last packet, CLOCK_MONOTONIC */
	uint64_t exposure_ns; /* best estimate of the exposure on CLOCK_MONOTONIC; orders results */
	uint32_t flags;
	/* Geometry of the image that is looked at: part 0, of a multi-part block its first one. */
	uint32_t pixel_format; /* PFNC code, wire/pfnc.h */
	uint32_t width, height, offset_x, offset_y;
	uint32_t padding_x; /* bytes after each line */
	/*
	 * Pixels. Part 0 is that image. Chunk data behind an image is a part that shares its
	 * packets with it: it begins at the block's first byte, since a chunk's place is counted
	 * from there (the image may be a chunk itself), and ends with the last byte that came.
	 */
	uint32_t parts_n;
	struct sp_frame_part parts[SP_FRAME_PARTS_MAX];
	uint32_t packets;	/* payload packets of all parts */
	uint32_t missing_n;	/* of these, how many never came */
	const uint64_t *offset; /* [packets] bytes from the region's base */
	const uint64_t *missing; /* bitmap [(packets + 63) / 64], bit set = packet missing */
	/* The source's own. */
	uint64_t *token; /* [packets] */
	void *owner;
};

static inline bool sp_frame_packet_missing(const struct sp_frame *frame, uint32_t packet)
{
	return frame->missing[packet / 64] >> (packet % 64) & 1;
}

/*
 * Copies the wire bytes of pixels [x0, x0 + n) of line @y of the first part into @dst, which has
 * room for them (n × bits / 8 bytes). Packed formats: x0 and n × bits must be whole bytes. Bytes of
 * missing packets become 0. Returns how many bytes were missing, or -EINVAL if the run is not in
 * the image.
 */
int sp_frame_read_row(const struct sp_frame *frame, uint32_t y, uint32_t x0, uint32_t n,
		      uint8_t *dst);

/*
 * Copies bytes [from, from + n) of part @part into @dst. Bytes of missing packets become 0. Returns
 * how many bytes were missing, or -EINVAL if they are not in the part, if the frame has not the
 * packets for them, or if @n is above INT32_MAX.
 */
int sp_frame_read(const struct sp_frame *frame, uint32_t part, uint64_t from, uint32_t n,
		  uint8_t *dst);

/*
 * Where bytes of part @part from @from on lie, for those who need no copy: NULL where their packet
 * is missing. *ret_n: how many lie there together, at least one. 0; -EINVAL as above.
 */
int sp_frame_run(const struct sp_frame *frame, uint32_t part, uint64_t from,
		 const uint8_t **ret_at, uint32_t *ret_n);

/*
 * Whether any packet that carries pixels of the rectangle is missing. The rectangle is clipped to
 * the image.
 */
bool sp_frame_rect_damaged(const struct sp_frame *frame, int x, int y, int width, int height);

/* A frame in one piece around pixels at @offset of @region; the caller keeps both alive. */
struct sp_frame_wrap {
	struct sp_frame frame;
	uint64_t offset, missing, token;
};

/* 0, or -EINVAL if the pixels do not fit in the region or the format is unknown. */
int sp_frame_wrap(struct sp_frame_wrap *wrap, const struct sp_region *region, uint64_t offset,
		  uint32_t width, uint32_t height, uint32_t pixel_format);

#endif
