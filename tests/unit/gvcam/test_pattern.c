/* SPDX-License-Identifier: Apache-2.0 */
#include "gvcam/pattern.h"

#include "base/region.h"
#include "frame/frame.h"
#include "gvcam/picture.h"
#include "image/image.h"
#include "infer/pixels.h"
#include "test.h"
#include "wire/pfnc.h"

enum { WIDTH = 332, HEIGHT = 200 };

/* Sets bit by bit, lowest first, as the p formats have it; whole bytes are the same in it. */
static void put_bits(uint8_t *bytes, size_t at, unsigned int n, uint16_t value)
{
	for (unsigned int i = 0; i < n; i++)
		bytes[(at + i) / 8] |= (uint8_t)((value >> i & 1) << (at + i) % 8);
}

static unsigned int channels_of(const struct sp_pfnc *format)
{
	switch (format->kind) {
	case SP_PFNC_RGB:
	case SP_PFNC_BGR:
		return 3;
	case SP_PFNC_YUYV:
		return 2;
	default:
		return 1;
	}
}

static void check_pieces(const struct sp_pfnc *format, uint64_t block, size_t piece)
{
	size_t bytes = sp_pfnc_image_bytes(format->code, WIDTH, HEIGHT), at = 0;
	unsigned int channels = channels_of(format), bits = format->bits_per_pixel / channels;
	static uint8_t got[WIDTH * HEIGHT * 3], want[WIDTH * HEIGHT * 3];

	memset(want, 0, sizeof(want));
	for (uint32_t y = 0; y < HEIGHT; y++)
		for (uint32_t x = 0; x < WIDTH; x++)
			for (uint32_t c = 0; c < channels; c++, at += bits)
				put_bits(
					want, at, bits,
					gvcam_pattern_sample(format->code, HEIGHT, block, x, y, c));
	CHECK_EQ(at, 8 * bytes);
	for (at = 0; at < bytes; at += piece)
		gvcam_pattern_fill(format->code, WIDTH, HEIGHT, block, at, got + at,
				   bytes - at < piece ? bytes - at : piece);
	for (size_t i = 0; i < bytes; i++)
		if (got[i] != want[i])
			FAIL("%s, block %llu, piece %zu: byte %zu is %u, not %u", format->name,
			     (unsigned long long)block, piece, i, got[i], want[i]);
}

TEST(pattern_is_the_same_in_any_pieces)
{
	static const size_t pieces[] = { 7, 1464, WIDTH * HEIGHT * 3 };

	for (size_t f = 0; f < sp_pfnc_table_n; f++)
		for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++)
			check_pieces(&sp_pfnc_table[f], 1234567890123456789ull + f, pieces[i]);
	check_pieces(sp_pfnc_by_code(SP_PFNC_MONO8), 65535, 1);
	check_pieces(sp_pfnc_by_code(SP_PFNC_MONO10P), 65535, 1);
}

TEST(pattern_uses_every_bit_of_a_sample)
{
	for (size_t f = 0; f < sp_pfnc_table_n; f++) {
		const struct sp_pfnc *format = &sp_pfnc_table[f];
		uint16_t some = 0, all = UINT16_MAX;

		for (uint32_t x = 100; x < WIDTH; x++) {
			uint16_t sample = gvcam_pattern_sample(format->code, HEIGHT, 1, x, 0, 0);

			some |= sample;
			all &= sample;
		}
		CHECK_EQ(some, (1u << format->bits) - 1);
		CHECK_EQ(all, 0);
	}
}

TEST(pattern_differs_from_block_to_block)
{
	uint8_t one[WIDTH * HEIGHT], two[WIDTH * HEIGHT];
	unsigned int same = 0;

	gvcam_pattern_fill(SP_PFNC_MONO8, WIDTH, HEIGHT, 41, 0, one, sizeof(one));
	gvcam_pattern_fill(SP_PFNC_MONO8, WIDTH, HEIGHT, 42, 0, two, sizeof(two));
	for (size_t i = 0; i < sizeof(one); i++)
		same += one[i] == two[i];
	CHECK(same < sizeof(one) / 20); /* the black box of the digits */
	CHECK(memcmp(one, two, sizeof(one)));
}

TEST(pattern_shows_the_block_id)
{
	/* "1" at two pixels a dot, in a margin of one dot: its middle is lit, its left is not. */
	CHECK_EQ(gvcam_pattern_sample(SP_PFNC_MONO8, 200, 1, 16, 16, 0), 0);
	CHECK_EQ(gvcam_pattern_sample(SP_PFNC_MONO8, 200, 1, 16 + 2 + 4, 16 + 2 + 6, 0), 255);
	CHECK_EQ(gvcam_pattern_sample(SP_PFNC_MONO8, 200, 1, 16 + 2, 16 + 2 + 6, 0), 0);
	CHECK_EQ(gvcam_pattern_sample(SP_PFNC_MONO8, 200, 1, 10, 10, 0), 23);
}

TEST(picture_converts_to_the_three_formats)
{
	uint8_t rgb[4 * 3] = { 255, 0, 0, 0, 255, 0, 0, 0, 255, 10, 20, 30 };
	struct sp_image image = { .width = 2, .height = 2, .rgb = rgb };
	uint8_t out[12];

	gvcam_picture_convert(&image, SP_PFNC_RGB8, out);
	CHECK(!memcmp(out, rgb, sizeof(rgb)));
	gvcam_picture_convert(&image, SP_PFNC_BAYER_RG8, out);
	CHECK_EQ(out[0], 255); /* red of the first pixel */
	CHECK_EQ(out[1], 255); /* green of the second */
	CHECK_EQ(out[2], 0); /* green of the third */
	CHECK_EQ(out[3], 30); /* blue of the fourth */
	gvcam_picture_convert(&image, SP_PFNC_MONO8, out);
	CHECK_NEAR(out[0], 0.299 * 255, 1);
	CHECK_NEAR(out[1], 0.587 * 255, 1);
	CHECK_NEAR(out[2], 0.114 * 255, 1);
}

/* A picture in every format, read by the pixel reader, looks like itself. */
TEST(picture_converts_to_every_format)
{
	static uint8_t rgb[64 * 16 * 3], wire[64 * 16 * 3], line[64 * 3];
	struct sp_image image = { .width = 64, .height = 16, .rgb = rgb };
	struct sp_region region = { .base = wire, .size = sizeof(wire) };
	struct sp_frame_wrap wrap;
	struct sp_pixels pixels;

	/* Smooth, so that mosaic and shared chroma can be read back: red falls, blue rises. */
	for (size_t i = 0; i < 64 * 16; i++) {
		rgb[3 * i] = (uint8_t)(250 - 3 * (i % 64));
		rgb[3 * i + 1] = 90;
		rgb[3 * i + 2] = (uint8_t)(40 + 3 * (i % 64));
	}
	CHECK_EQ(sp_pixels_init(&pixels), 0);
	for (size_t f = 0; f < sp_pfnc_table_n; f++) {
		const struct sp_pfnc *format = &sp_pfnc_table[f];

		gvcam_picture_convert(&image, format->code, wire);
		CHECK_EQ(sp_frame_wrap(&wrap, &region, 0, 64, 16, format->code), 0);
		CHECK_EQ(sp_pixels_begin(&pixels, &wrap.frame), 0);
		CHECK_EQ(sp_pixels_read_line(&pixels, 7, 0, 64, line), 0);
		for (uint32_t x = 4; x < 60; x++)
			for (unsigned int c = 0; c < 3; c++) {
				const uint8_t *at = rgb + (7 * 64 + x) * 3;
				double grey = 0.299 * at[0] + 0.587 * at[1] + 0.114 * at[2];
				double want = format->kind == SP_PFNC_MONO ? grey : at[c];

				if (line[3 * x + c] - want > 6 || want - line[3 * x + c] > 6)
					FAIL("%s: (%u, %u) is %u, not %.0f", format->name, x, c,
					     line[3 * x + c], want);
			}
	}
	sp_pixels_uninit(&pixels);
}

TEST_MAIN()
