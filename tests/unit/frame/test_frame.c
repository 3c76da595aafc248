/* SPDX-License-Identifier: Apache-2.0 */
/* Rows read from scattered packets against the same image in one piece. */
#include "frame/frame.h"

#include <errno.h>

#include "base/region.h"
#include "wire/pfnc.h"

#include "test.h"

enum { SLOT = 512, PACKETS_MAX = 64 };

struct scattered {
	struct sp_region region;
	struct sp_frame frame;
	uint64_t offset[PACKETS_MAX], missing[1], token[PACKETS_MAX];
	uint8_t image[SLOT * PACKETS_MAX], present[SLOT * PACKETS_MAX];
	uint8_t memory[SLOT * PACKETS_MAX * 2];
};

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

/* An image of random bytes, its packets in a shuffled order in the region, some of them missing. */
static void scatter(struct scattered *s, uint32_t format, uint32_t width, uint32_t height,
		    uint32_t padding_x, uint32_t stride, uint32_t *seed)
{
	uint64_t bytes = padding_x ? (sp_pfnc_line_bytes(format, width) + padding_x) * height
				   : sp_pfnc_image_bytes(format, width, height);
	uint32_t packets = (uint32_t)((bytes + stride - 1) / stride);

	memset(s, 0, sizeof(*s));
	if (packets > PACKETS_MAX)
		FAIL("%u packets are too many", packets);
	s->region = (struct sp_region){ .base = s->memory, .size = sizeof(s->memory) };
	for (uint64_t i = 0; i < bytes; i++)
		s->image[i] = (uint8_t)next_random(seed);
	for (uint32_t p = 0; p < packets; p++) {
		uint64_t n = p + 1 == packets ? bytes - (uint64_t)p * stride : stride;

		s->offset[p] = (uint64_t)((p * 37) % PACKETS_MAX) * SLOT * 2 + 3;
		memcpy(s->memory + s->offset[p], s->image + (uint64_t)p * stride, n);
		if (next_random(seed) % 4 == 0) {
			s->missing[0] |= 1ull << p;
			s->frame.missing_n++;
			memset(s->image + (uint64_t)p * stride, 0, n);
		} else {
			memset(s->present + (uint64_t)p * stride, 1, n);
		}
	}
	s->frame.pixel_format = format;
	s->frame.width = width;
	s->frame.height = height;
	s->frame.padding_x = padding_x;
	s->frame.parts_n = 1;
	s->frame.parts[0] = (struct sp_frame_part){
		.region = &s->region,
		.packets = packets,
		.stride = stride,
		.bytes = bytes,
	};
	s->frame.packets = packets;
	s->frame.offset = s->offset;
	s->frame.missing = s->missing;
	s->frame.token = s->token;
}

TEST(frame_rows_straddle_packets)
{
	static const uint32_t strides[] = { 1, 7, 16, 64, 100, 512 };
	static struct scattered s;
	uint8_t row[4096];
	uint32_t seed = 7;

	for (size_t f = 0; f < sp_pfnc_table_n; f++)
		for (size_t k = 0; k < sizeof(strides) / sizeof(strides[0]); k++)
			for (uint32_t padding = 0; padding < 4; padding += 3) {
				const struct sp_pfnc *format = &sp_pfnc_table[f];
				uint32_t width = strides[k] < 16 ? 4 : 28,
					 height = strides[k] < 7 ? 1 : 4;
				uint64_t line = sp_pfnc_line_bytes(format->code, width) + padding;

				scatter(&s, format->code, width, height, padding, strides[k],
					&seed);
				for (uint32_t y = 0; y < height; y++)
					for (uint32_t x = 0; x <= width; x += format->group)
						for (uint32_t n = 0; n <= width - x;
						     n += format->group) {
							uint64_t at =
								y * line +
								(uint64_t)x *
									format->bits_per_pixel / 8;
							uint64_t bytes = (uint64_t)n *
									 format->bits_per_pixel / 8;
							int gone = 0;

							for (uint64_t i = 0; i < bytes; i++)
								gone += !s.present[at + i];
							row[bytes] = 0xA5;
							CHECK_EQ(sp_frame_read_row(&s.frame, y, x,
										   n, row),
								 gone);
							CHECK(!memcmp(row, s.image + at, bytes));
							CHECK_EQ(row[bytes], 0xA5);
							if (n)
								CHECK_EQ(sp_frame_rect_damaged(
										 &s.frame, (int)x,
										 (int)y, (int)n, 1),
									 gone > 0);
						}
			}
}

TEST(frame_rows_outside_are_refused)
{
	static struct scattered s;
	uint8_t row[64];
	uint32_t seed = 1;

	scatter(&s, SP_PFNC_MONO12P, 8, 4, 0, 16, &seed);
	CHECK_EQ(sp_frame_read_row(&s.frame, 4, 0, 2, row), -EINVAL);
	CHECK_EQ(sp_frame_read_row(&s.frame, 0, 0, 10, row), -EINVAL);
	CHECK_EQ(sp_frame_read_row(&s.frame, 0, 10, 0, row), -EINVAL);
	CHECK_EQ(sp_frame_read_row(&s.frame, 0, 2, UINT32_MAX, row), -EINVAL);
	CHECK_EQ(sp_frame_read_row(&s.frame, 0, 1, 2, row), -EINVAL); /* half a byte in */
	CHECK_EQ(sp_frame_read_row(&s.frame, 0, 0, 1, row), -EINVAL);
	s.frame.parts[0].bytes = 47;
	CHECK_EQ(sp_frame_read_row(&s.frame, 3, 0, 8, row), -EINVAL);
	s.frame.parts_n = 0;
	CHECK_EQ(sp_frame_read_row(&s.frame, 0, 0, 8, row), -EINVAL);
}

TEST(frame_rect_is_clipped)
{
	static struct scattered s;
	uint32_t seed = 1;

	scatter(&s, SP_PFNC_MONO8, 16, 4, 0, 16, &seed);
	s.missing[0] = 1 << 2; /* the third line */
	s.frame.missing_n = 1;
	CHECK(!sp_frame_rect_damaged(&s.frame, -5, -5, 100, 7)); /* lines 0 and 1 */
	CHECK(sp_frame_rect_damaged(&s.frame, -5, -5, 100, 8));
	CHECK(!sp_frame_rect_damaged(&s.frame, 0, 3, 16, INT32_MAX));
	CHECK(sp_frame_rect_damaged(&s.frame, 15, 2, INT32_MAX, INT32_MAX));
	CHECK(!sp_frame_rect_damaged(&s.frame, 16, 2, 5, 1));
	CHECK(!sp_frame_rect_damaged(&s.frame, 0, 2, 0, 1));
	CHECK(!sp_frame_rect_damaged(&s.frame, 0, 2, -3, 1));
}

TEST(frame_wraps_one_piece)
{
	uint8_t memory[256], row[16];
	struct sp_region region = { .base = memory, .size = sizeof(memory) };
	struct sp_frame_wrap wrap;

	for (int i = 0; i < 256; i++)
		memory[i] = (uint8_t)i;
	CHECK_EQ(sp_frame_wrap(&wrap, &region, 16, 5, 4, SP_PFNC_RGB8), 0);
	CHECK_EQ(sp_frame_read(&wrap.frame, 0, 59, 1, row), 0);
	CHECK_EQ(row[0], 16 + 59);
	CHECK_EQ(sp_frame_read_row(&wrap.frame, 1, 1, 2, row), 0);
	CHECK_EQ(row[0], 16 + 15 + 3);
	CHECK(!sp_frame_rect_damaged(&wrap.frame, 0, 0, 5, 4));
	CHECK_EQ(sp_frame_wrap(&wrap, &region, 197, 5, 4, SP_PFNC_RGB8), -EINVAL);
	CHECK_EQ(sp_frame_wrap(&wrap, &region, 196, 5, 4, SP_PFNC_RGB8), 0);
	CHECK_EQ(sp_frame_wrap(&wrap, &region, 0, 5, 4, 0x12345678), -EINVAL);
	CHECK_EQ(sp_frame_wrap(&wrap, &region, 0, 0, 4, SP_PFNC_MONO8), -EINVAL);
	CHECK_EQ(sp_frame_wrap(&wrap, &region, 0, UINT32_MAX, UINT32_MAX, SP_PFNC_MONO8), -EINVAL);
}

/* Three parts, each with a stride of its own, behind each other in the frame's packets. */
static void scatter_parts(struct scattered *s, const uint32_t strides[3], const uint32_t bytes[3],
			  uint32_t *seed)
{
	uint32_t packet = 0, at = 0;

	memset(s, 0, sizeof(*s));
	s->region = (struct sp_region){ .base = s->memory, .size = sizeof(s->memory) };
	for (int i = 0; i < 3; i++) {
		struct sp_frame_part *part = &s->frame.parts[i];

		*part = (struct sp_frame_part){
			.region = &s->region,
			.first_packet = packet,
			.packets = (bytes[i] + strides[i] - 1) / strides[i],
			.stride = strides[i],
			.bytes = bytes[i],
		};
		for (uint32_t b = 0; b < bytes[i]; b++) {
			uint32_t p = packet + b / strides[i];

			if (b % strides[i] == 0) {
				s->offset[p] = (uint64_t)(p * 37 % PACKETS_MAX) * SLOT * 2 + 5;
				if (next_random(seed) % 5 == 0) {
					s->missing[0] |= 1ull << p;
					s->frame.missing_n++;
				}
			}
			s->present[at] = !(s->missing[0] >> p & 1);
			s->image[at] = s->present[at] ? (uint8_t)next_random(seed) : 0;
			s->memory[s->offset[p] + b % strides[i]] =
				s->present[at] ? s->image[at] : 0xEE;
			at++;
		}
		packet += part->packets;
	}
	CHECK(packet <= PACKETS_MAX);
	s->frame.parts_n = 3;
	s->frame.packets = packet;
	s->frame.offset = s->offset;
	s->frame.missing = s->missing;
}

TEST(frame_parts_have_their_own_packets)
{
	static const uint32_t strides[3] = { 100, 64, 33 }, bytes[3] = { 1200, 640, 331 };
	static struct scattered s;
	uint32_t seed = 20, begins[3] = { 0, 1200, 1840 };
	uint8_t got[1300];

	for (int round = 0; round < 3000; round++) {
		uint32_t part = next_random(&seed) % 3, from, n;
		int gone = 0;

		if (round % 100 == 0)
			scatter_parts(&s, strides, bytes, &seed);
		from = next_random(&seed) % (bytes[part] + 1);
		n = next_random(&seed) % (bytes[part] - from + 1);
		for (uint32_t i = 0; i < n; i++)
			gone += !s.present[begins[part] + from + i];
		got[n] = 0xA5;
		CHECK_EQ(sp_frame_read(&s.frame, part, from, n, got), gone);
		CHECK(!memcmp(got, s.image + begins[part] + from, n));
		CHECK_EQ(got[n], 0xA5);
	}
}

TEST(frame_image_behind_other_packets)
{
	static const uint32_t strides[3] = { 100, 64, 33 }, bytes[3] = { 1200, 640, 331 };
	static struct scattered s;
	uint32_t seed = 21;
	uint8_t row[32];

	scatter_parts(&s, strides, bytes, &seed);
	s.missing[0] = 1ull << (12 + 3); /* bytes 192 … 255 of the second part */
	s.frame.missing_n = 1;
	s.frame.parts[0] = s.frame.parts[1];
	s.frame.pixel_format = SP_PFNC_MONO8;
	s.frame.width = 32;
	s.frame.height = 20;
	for (uint32_t y = 0; y < 20; y++) {
		CHECK_EQ(sp_frame_rect_damaged(&s.frame, 0, (int)y, 32, 1), y == 6 || y == 7);
		CHECK_EQ(sp_frame_read_row(&s.frame, y, 0, 32, row), y == 6 || y == 7 ? 32 : 0);
	}
}

TEST(frame_reads_outside_are_refused)
{
	static const uint32_t strides[3] = { 100, 64, 33 }, bytes[3] = { 1200, 640, 331 };
	static struct scattered s;
	uint32_t seed = 22;
	uint8_t got[64];

	scatter_parts(&s, strides, bytes, &seed);
	CHECK_EQ(sp_frame_read(&s.frame, 3, 0, 1, got), -EINVAL);
	CHECK_EQ(sp_frame_read(&s.frame, 1, 640, 1, got), -EINVAL);
	CHECK_EQ(sp_frame_read(&s.frame, 1, 640, 0, got), 0);
	CHECK_EQ(sp_frame_read(&s.frame, 1, 641, 0, got), -EINVAL);
	CHECK_EQ(sp_frame_read(&s.frame, 1, UINT64_MAX, 2, got), -EINVAL);
	/* Parts that say more than the frame has. */
	s.frame.parts[2].bytes = UINT64_MAX;
	CHECK_EQ(sp_frame_read(&s.frame, 2, 0, UINT32_MAX, got), -EINVAL);
	CHECK_EQ(sp_frame_read(&s.frame, 2, 11 * 33 - 1, 2, got), -EINVAL);
	CHECK_EQ(sp_frame_read(&s.frame, 2, UINT64_MAX - 1, 1, got), -EINVAL);
	s.frame.parts[2].stride = 1;
	CHECK_EQ(sp_frame_read(&s.frame, 2, UINT64_MAX - 1, 1, got), -EINVAL);
	s.frame.parts[2].stride = 0;
	CHECK_EQ(sp_frame_read(&s.frame, 2, 0, 1, got), -EINVAL);
	/* The image's packets are not all there: nothing is read, everything is damaged. */
	s.frame.pixel_format = SP_PFNC_MONO8;
	s.frame.width = 32;
	s.frame.height = 37;
	s.frame.packets = 5;
	s.frame.missing_n = 1;
	s.missing[0] = 0;
	CHECK_EQ(sp_frame_read_row(&s.frame, 14, 0, 32, got), 0);
	CHECK(!sp_frame_rect_damaged(&s.frame, 0, 0, 32, 15));
	CHECK_EQ(sp_frame_read_row(&s.frame, 15, 0, 32, got), -EINVAL);
	CHECK(sp_frame_rect_damaged(&s.frame, 0, 15, 32, 1));
}

TEST_MAIN()
