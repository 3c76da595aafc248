/* SPDX-License-Identifier: Apache-2.0 */
/* Chunk data cut into packets of every size, against the list that it was written from. */
#include "frame/chunk.h"

#include <errno.h>

#include "base/region.h"

#include "test.h"

enum { BYTES_MAX = 2048, PACKETS_MAX = BYTES_MAX, GAP = 3 };

struct block {
	struct sp_region region;
	struct sp_frame frame;
	uint64_t offset[PACKETS_MAX], missing[PACKETS_MAX / 64], token[PACKETS_MAX];
	uint8_t memory[BYTES_MAX * (1 + GAP)];
	uint8_t bytes[BYTES_MAX]; /* as they were sent */
	uint32_t n;
	struct sp_chunk sent[64];
	unsigned int sent_n;
};

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

static void put(struct block *block, uint32_t value)
{
	for (int shift = 24; shift >= 0; shift -= 8)
		block->bytes[block->n++] = (uint8_t)(value >> shift);
}

static void add(struct block *block, uint32_t id, uint32_t length, uint32_t *seed)
{
	block->sent[block->sent_n++] = (struct sp_chunk){
		.id = id,
		.from = block->n,
		.length = length,
	};
	while (length--)
		block->bytes[block->n++] = (uint8_t)next_random(seed);
	put(block, id);
	put(block, block->sent[block->sent_n - 1].length);
}

/* The bytes in packets of @stride, the last one first in memory; an image of @image bytes, or 0. */
static void cut(struct block *block, uint32_t stride, uint32_t image)
{
	struct sp_frame *frame = &block->frame;
	uint32_t packets = (block->n + stride - 1) / stride;

	block->region = (struct sp_region){ .base = block->memory, .size = sizeof(block->memory) };
	memset(block->memory, 0xEE, sizeof(block->memory));
	memset(block->missing, 0, sizeof(block->missing));
	for (uint32_t p = 0; p < packets; p++) {
		uint32_t from = p * stride, left = block->n - from;

		block->offset[p] = (uint64_t)(packets - 1 - p) * (stride + GAP);
		memcpy(block->memory + block->offset[p], block->bytes + from,
		       left < stride ? left : stride);
	}
	*frame = (struct sp_frame){
		.packets = packets,
		.offset = block->offset,
		.missing = block->missing,
		.token = block->token,
	};
	if (image)
		frame->parts[frame->parts_n++] = (struct sp_frame_part){
			.region = &block->region,
			.stride = stride,
			.packets = packets,
			.bytes = image,
		};
	frame->parts[frame->parts_n++] = (struct sp_frame_part){
		.region = &block->region,
		.stride = stride,
		.packets = packets,
		.bytes = block->n,
		.kind = SP_FRAME_PART_CHUNKS,
	};
}

static void lose(struct block *block, uint32_t packet)
{
	block->missing[packet / 64] |= 1ull << packet % 64;
	block->frame.missing_n++;
}

static void check_list(const struct block *block, uint32_t part)
{
	struct sp_chunk got[64];

	CHECK_EQ(sp_chunk_list(&block->frame, got, 64), block->sent_n);
	for (unsigned int i = 0; i < block->sent_n; i++) {
		uint8_t data[BYTES_MAX];

		CHECK_EQ(got[i].id, block->sent[i].id);
		CHECK_EQ(got[i].part, part);
		CHECK_EQ(got[i].from, block->sent[i].from);
		CHECK_EQ(got[i].length, block->sent[i].length);
		CHECK_EQ(sp_frame_read(&block->frame, part, got[i].from, got[i].length, data), 0);
		CHECK(!memcmp(data, block->bytes + got[i].from, got[i].length));
	}
}

TEST(chunk_tags_straddle_packets)
{
	static struct block block;
	uint32_t seed = 4;

	memset(&block, 0, sizeof(block));
	add(&block, 0x11111111, 300, &seed); /* the image itself */
	add(&block, 0xC0FFEE01, 4, &seed);
	add(&block, 0, 0, &seed);
	add(&block, 0xFFFFFFFF, 8, &seed);
	add(&block, 7, 1, &seed);
	for (uint32_t stride = 1; stride <= block.n + 1; stride++) {
		cut(&block, stride, 0);
		check_list(&block, 0);
		cut(&block, stride, 300); /* an image part shares the packets */
		check_list(&block, 1);
	}
}

TEST(chunk_behind_an_image_that_is_none)
{
	static struct block block;
	uint32_t seed = 5;

	memset(&block, 0, sizeof(block));
	for (int i = 0; i < 200; i++)
		block.bytes[block.n++] = 0xFF; /* as tags: a length that no block has */
	add(&block, 1, 16, &seed);
	add(&block, 2, 3, &seed);
	for (uint32_t stride = 1; stride <= block.n; stride += 7) {
		struct sp_chunk got[4];

		cut(&block, stride, 200);
		check_list(&block, 1);
		/* An image of another size does not explain what is there. */
		cut(&block, stride, 199);
		CHECK_EQ(sp_chunk_list(&block.frame, got, 4), -EBADMSG);
	}
}

TEST(chunk_part_of_its_own)
{
	static struct block block;
	struct sp_chunk got[2];
	uint32_t seed = 6;

	memset(&block, 0, sizeof(block));
	add(&block, 1, 20, &seed);
	add(&block, 2, 12, &seed);
	cut(&block, 10, 0);
	/* An image of as many bytes as lie before the second chunk, with packets of its own. */
	block.frame.parts[1] = block.frame.parts[0];
	block.frame.parts[0] = (struct sp_frame_part){ .region = &block.region, .stride = 10,
						       .first_packet = 1, .bytes = 28 };
	block.frame.parts_n = 2;
	check_list(&block, 1);

	/* Too little room: the last ones. */
	CHECK_EQ(sp_chunk_list(&block.frame, got, 1), 2);
	CHECK_EQ(got[0].id, 2);
	CHECK_EQ(sp_chunk_list(&block.frame, got, 0), 2);

	/* Two parts of chunks: in the order of the parts. */
	block.frame.parts[0] = block.frame.parts[1];
	CHECK_EQ(sp_chunk_list(&block.frame, got, 2), 4);
	CHECK(got[0].id == 1 && got[0].part == 1 && got[1].id == 2 && got[1].part == 1);
}

TEST(chunk_none)
{
	static struct block block;
	struct sp_chunk got[2];

	memset(&block, 0, sizeof(block));
	block.n = 100;
	cut(&block, 10, 0);
	block.frame.parts[0].kind = SP_FRAME_PART_IMAGE;
	CHECK_EQ(sp_chunk_list(&block.frame, got, 2), 0);
	block.frame.parts[0].kind = SP_FRAME_PART_CHUNKS;
	block.frame.parts[0].bytes = 0;
	CHECK_EQ(sp_chunk_list(&block.frame, got, 2), 0);
	block.frame.parts_n = 0;
	CHECK_EQ(sp_chunk_list(&block.frame, got, 2), 0);
}

TEST(chunk_packets_missing)
{
	static struct block block;
	struct sp_chunk got[4];
	uint32_t seed = 8;
	uint8_t data[64];

	memset(&block, 0, sizeof(block));
	add(&block, 1, 100, &seed); /* its tag: bytes 100 … 107 */
	add(&block, 2, 40, &seed); /* 148 … 155 */
	for (uint32_t stride = 1; stride <= 32; stride++)
		for (uint32_t p = 0; p < (block.n + stride - 1) / stride; p++) {
			uint32_t begin = p * stride, end = begin + stride;
			bool tag = (begin < 108 && end > 100) || (begin < 156 && end > 148);

			cut(&block, stride, 0);
			lose(&block, p);
			CHECK_EQ(sp_chunk_list(&block.frame, got, 4), tag ? -EBADMSG : 2);
		}
	cut(&block, 20, 0);
	lose(&block, 6); /* 120 … 139 of the second one's 108 … 147 */
	CHECK_EQ(sp_chunk_list(&block.frame, got, 4), 2);
	CHECK_EQ(sp_frame_read(&block.frame, got[1].part, got[1].from, got[1].length, data), 20);
}

TEST(chunk_lengths_lie)
{
	static const uint32_t lengths[] = { 1, 33, 91, 92, 93, 99, 101, 0x7FFFFFFF, 0xFFFFFFFF };
	static struct block block;
	struct sp_chunk got[4];
	uint32_t seed = 9;

	/* 84 bytes and a tag: any length but 84. */
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		memset(&block, 0, sizeof(block));
		block.n = 84;
		memset(block.bytes, 0xFF, 84);
		block.sent_n = 0;
		add(&block, 2, 0, &seed);
		block.n -= 4;
		put(&block, lengths[i]);
		cut(&block, 13, 0);
		CHECK_EQ(sp_chunk_list(&block.frame, got, 4), -EBADMSG);
	}
	/* Less than a tag. */
	for (uint32_t n = 1; n < 8; n++) {
		memset(&block, 0, sizeof(block));
		block.n = n;
		cut(&block, 3, 0);
		CHECK_EQ(sp_chunk_list(&block.frame, got, 4), -EBADMSG);
	}
	/* A part that says more than the frame's packets hold. */
	memset(&block, 0, sizeof(block));
	add(&block, 1, 100, &seed);
	cut(&block, 16, 0);
	block.frame.parts[0].bytes = 1 << 20;
	CHECK_EQ(sp_chunk_list(&block.frame, got, 4), -EBADMSG);
}

TEST(chunk_too_many)
{
	static struct sp_chunk got[SP_CHUNKS_MAX];
	static struct block block;

	/* All zero: as many chunks of no bytes as there are tags. */
	memset(&block, 0, sizeof(block));
	block.n = SP_CHUNKS_MAX * 8;
	cut(&block, 100, 0);
	CHECK_EQ(sp_chunk_list(&block.frame, got, SP_CHUNKS_MAX), SP_CHUNKS_MAX);
	cut(&block, 100, 0);
	block.frame.parts_n = 2;
	block.frame.parts[1] = block.frame.parts[0];
	CHECK_EQ(sp_chunk_list(&block.frame, got, SP_CHUNKS_MAX), -EBADMSG);
}

TEST_MAIN()
