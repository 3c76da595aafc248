/* SPDX-License-Identifier: Apache-2.0 */
#include "gvcam/pattern.h"

#include "image/image.h"
#include "gvcam/picture.h"
#include "test.h"
#include "wire/pfnc.h"

enum { WIDTH = 332, HEIGHT = 200 };

static void check_pieces(uint32_t format, uint64_t block, size_t piece)
{
	uint32_t channels = format == SP_PFNC_RGB8 ? 3 : 1;
	size_t bytes = (size_t)WIDTH * HEIGHT * channels;
	static uint8_t got[WIDTH * HEIGHT * 3];

	for (size_t at = 0; at < bytes; at += piece)
		gvcam_pattern_fill(format, WIDTH, HEIGHT, block, at, got + at,
				   bytes - at < piece ? bytes - at : piece);
	for (uint32_t y = 0; y < HEIGHT; y++)
		for (uint32_t x = 0; x < WIDTH; x++)
			for (uint32_t c = 0; c < channels; c++) {
				uint8_t want = gvcam_pattern_at(format, HEIGHT, block, x, y, c);
				uint8_t is = got[((size_t)y * WIDTH + x) * channels + c];

				if (is != want)
					FAIL("block %llu, piece %zu, (%u, %u, %u): %u, not %u",
					     (unsigned long long)block, piece, x, y, c, is, want);
			}
}

TEST(pattern_is_the_same_in_any_pieces)
{
	static const size_t pieces[] = { 1, 7, 1464, 8964, WIDTH * HEIGHT * 3 };

	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		check_pieces(SP_PFNC_MONO8, 65535, pieces[i]);
		check_pieces(SP_PFNC_BAYER_RG8, 1, pieces[i]);
		check_pieces(SP_PFNC_RGB8, 1234567890123456789ull, pieces[i]);
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
	CHECK_EQ(gvcam_pattern_at(SP_PFNC_MONO8, 200, 1, 16, 16, 0), 0);
	CHECK_EQ(gvcam_pattern_at(SP_PFNC_MONO8, 200, 1, 16 + 2 + 4, 16 + 2 + 6, 0), 255);
	CHECK_EQ(gvcam_pattern_at(SP_PFNC_MONO8, 200, 1, 16 + 2, 16 + 2 + 6, 0), 0);
	CHECK_EQ(gvcam_pattern_at(SP_PFNC_MONO8, 200, 1, 10, 10, 0), 23);
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

TEST_MAIN()
