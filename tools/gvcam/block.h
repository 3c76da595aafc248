/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A block: what it carries, how that is cut into packets, and each packet's bytes. Pure.
 *
 * It carries an image; or an image with chunk data behind it, the image a chunk itself; or parts
 * (image, second part, chunk data), which begin with a packet of their own each. What fits in one
 * packet can go all-in.
 */
#ifndef GVCAM_BLOCK_H
#define GVCAM_BLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "gvcam/camera.h"
#include "gvcam/player.h"

enum {
	GVCAM_HEAD_BYTES = 192, /* the longest is the leader of three parts, 176 */
	GVCAM_PARTS_MAX = 3,
};

/* What chunk data hold: big-endian, 8 bytes each. */
enum gvcam_chunk_id {
	GVCAM_CHUNK_IMAGE = 1, /* the image, in front of the others */
	GVCAM_CHUNK_FRAME_ID = 2, /* u64, the block id */
	GVCAM_CHUNK_EXPOSURE = 3, /* IEEE 754 double, µs: 1000 + block id mod 1000 */
	GVCAM_CHUNK_TIMESTAMP = 4, /* u64, ticks, as in the leader */
};

/* Which socket a packet leaves from. */
enum gvcam_way { GVCAM_WAY_OWN, GVCAM_WAY_OTHER_PORT, GVCAM_WAY_OTHER_ADDRESS, GVCAM_WAYS };

/* A packet to send: a header and the bytes behind it. */
struct gvcam_packet {
	uint8_t head[GVCAM_HEAD_BYTES];
	uint32_t head_bytes;
	const uint8_t *data;
	uint32_t data_bytes;
	uint8_t *scratch; /* the caller's: GVCAM_PACKET_MAX bytes that @data may point to */
	enum gvcam_way way;
};

/* The geometry of one block; @lines of its @height are sent. */
struct gvcam_shape {
	uint32_t pixel_format, width, height, lines;
};

enum gvcam_part_kind {
	GVCAM_PART_IMAGE,
	GVCAM_PART_CONFIDENCE, /* Mono8: the test pattern's bytes, inverted */
	GVCAM_PART_SECOND_IMAGE, /* the bytes of the first, inverted */
	GVCAM_PART_CHUNKS,
};

struct gvcam_part {
	enum gvcam_part_kind kind;
	uint64_t at, bytes; /* in the block, parts back to back */
	uint32_t first; /* packet id; only where parts have packets of their own */
};

struct gvcam_block {
	uint64_t id;
	uint64_t ticks; /* timestamp */
	uint32_t made; /* packets that have had their turn */
	bool pictures; /* @shot is shown, not the test pattern */
	struct gvcam_shot shot;
	/* Set by gvcam_block_cut. */
	bool extended, chunks, multi_part, all_in;
	struct gvcam_shape shape;
	uint32_t data_bytes; /* of a full packet */
	uint32_t packets; /* leader and trailer included */
	uint64_t bytes; /* of all parts */
	uint32_t parts_n;
	struct gvcam_part parts[GVCAM_PARTS_MAX];
};

/* How blocks of the channel with this shape go on the wire; ids and pixels are not looked at. */
void gvcam_block_cut(struct gvcam_block *block, const struct gvcam_channel *channel,
		     const struct gvcam_shape *shape);

/* The same, where only the size matters: what the largest block of the channel carries. */
uint64_t gvcam_block_bytes(const struct gvcam_channel *channel);

/* Packet @number of the block. */
void gvcam_block_packet(const struct gvcam_block *block, uint32_t number, bool resent,
			struct gvcam_packet *out);

#endif
