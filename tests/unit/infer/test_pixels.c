/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/pixels.h"

#include <errno.h>

#include "infer/cpu/lines.h"
#include "infer/element.h"
#include "naive_pixels.h"
#include "packet_frame.h"
#include "test.h"

static void check_rect(struct sp_pixels *pixels, const struct packet_frame *pf, int x, int y,
		       int width, int height)
{
	uint8_t *rgb = malloc((size_t)(width * height) * 3);
	int rc = sp_pixels_read_rect(pixels, x, y, (uint32_t)width, (uint32_t)height, rgb);
	char why[200] = "";

	for (int i = 0; !*why && i < width * height; i++) {
		int sx = x + i % width, sy = y + i / width, want[3] = { 0, 0, 0 };

		if (sx >= 0 && sy >= 0 && sx < (int)pf->frame.width && sy < (int)pf->frame.height)
			naive_pixel(pf, sx, sy, want);
		/* Floats of a colour transform may round the other way. */
		for (int c = 0; c < 3; c++)
			if (abs(rgb[3 * i + c] - want[c]) >
			    (pf->frame.pixel_format == SP_PFNC_YUV422_8))
				snprintf(why, sizeof(why), "%s (%d, %d) colour %d is %d, not %d",
					 sp_pfnc_by_code(pf->frame.pixel_format)->name, sx, sy, c,
					 rgb[3 * i + c], want[c]);
	}
	free(rgb);
	CHECK_EQ(rc, 0);
	if (*why)
		FAIL("%s", why);
}

TEST(pixels_of_every_format_match_the_oracle)
{
	struct sp_pixels pixels;
	uint64_t seed = 7;

	CHECK_EQ(sp_pixels_init(&pixels), 0);
	for (size_t f = 0; f < sp_pfnc_table_n; f++) {
		struct packet_frame pf;

		packet_frame_init(&pf, sp_pfnc_table[f].code, 36, 15, 37, f + 1);
		CHECK_EQ(sp_pixels_begin(&pixels, &pf.frame), 0);
		check_rect(&pixels, &pf, 0, 0, 36, 15);
		check_rect(&pixels, &pf, -3, -2, 44, 20);
		for (int i = 0; i < 60; i++) {
			int x = (int)(next_random(&seed) % 36), y = (int)(next_random(&seed) % 15);

			check_rect(&pixels, &pf, x, y,
				   1 + (int)(next_random(&seed) % (36 - (unsigned)x)),
				   1 + (int)(next_random(&seed) % (15 - (unsigned)y)));
		}
		packet_frame_uninit(&pf);
	}
	sp_pixels_uninit(&pixels);
}

/* The stream of packed samples has no borders at lines, unless there is padding. */
TEST(pixels_of_odd_widths_match_the_oracle)
{
	struct sp_pixels pixels;
	uint64_t seed = 11;

	CHECK_EQ(sp_pixels_init(&pixels), 0);
	for (size_t f = 0; f < sp_pfnc_table_n; f++) {
		for (uint32_t width = 2; width < 12; width++) {
			uint32_t padding = next_random(&seed) % 3;
			struct packet_frame pf;

			if (sp_pfnc_table[f].kind == SP_PFNC_YUYV && width % 2)
				continue;
			packet_frame_init_padded(&pf, sp_pfnc_table[f].code, width, 7, padding,
						 1 + next_random(&seed) % 50, f + 1);
			CHECK_EQ(sp_pixels_begin(&pixels, &pf.frame), 0);
			check_rect(&pixels, &pf, 0, 0, (int)width, 7);
			check_rect(&pixels, &pf, 1, 1, (int)width - 1, 6);
			packet_frame_uninit(&pf);
		}
	}
	sp_pixels_uninit(&pixels);
}

/* Long enough for every step of every loop, and what is left after it. */
TEST(pixels_match_the_oracle_with_every_set_of_instructions)
{
	enum { WIDTH = 400, HEIGHT = 5 };
	struct sp_pixels pixels;

	CHECK_EQ(sp_pixels_init(&pixels), 0);
	for (const struct sp_lines *const *set = sp_lines_all(); *set; set++) {
		pixels.lines = *set;
		for (size_t f = 0; f < sp_pfnc_table_n; f++) {
			struct packet_frame pf;

			packet_frame_init(&pf, sp_pfnc_table[f].code, WIDTH, HEIGHT, 301, f + 50);
			CHECK_EQ(sp_pixels_begin(&pixels, &pf.frame), 0);
			check_rect(&pixels, &pf, 0, 0, WIDTH, HEIGHT);
			check_rect(&pixels, &pf, 3, 1, WIDTH - 20, HEIGHT - 2);
			packet_frame_uninit(&pf);
		}
	}
	sp_pixels_uninit(&pixels);
}

/* All chroma at luma that stays within levels, goes below and above; as the GPU will have it. */
TEST(yuv_is_exactly_the_element_functions)
{
	enum { PIXELS = 2 * 256 };
	static uint8_t wire[2 * PIXELS], planes[3][PIXELS];
	uint8_t *const rgb[3] = { planes[0], planes[1], planes[2] };

	for (const struct sp_lines *const *set = sp_lines_all(); *set; set++) {
		for (int red = 0; red < 256; red++) {
			for (int i = 0; i < 256; i++) {
				const uint8_t yuyv[4] = { (uint8_t)(i * 7 + red), (uint8_t)i,
							  (uint8_t)(red + 90), (uint8_t)red };

				memcpy(wire + 4 * i, i % 16 ? yuyv : (const uint8_t[4]){ 0 }, 4);
			}
			(*set)->unpack_yuyv(wire, PIXELS, rgb);
			for (int i = 0; i < 256; i++) {
				uint8_t want[6];

				sp_yuyv_to_rgb(wire + 4 * i, want);
				for (int c = 0; c < 3; c++) {
					CHECK_EQ(planes[c][2 * i], want[c]);
					CHECK_EQ(planes[c][2 * i + 1], want[3 + c]);
				}
			}
		}
	}
}

TEST(pixels_of_missing_packets_are_black)
{
	struct sp_pixels pixels;

	CHECK_EQ(sp_pixels_init(&pixels), 0);
	for (size_t f = 0; f < sp_pfnc_table_n; f++) {
		struct packet_frame pf;

		packet_frame_init(&pf, sp_pfnc_table[f].code, 40, 12, 23, f + 100);
		packet_frame_lose(&pf, 2);
		packet_frame_lose(&pf, 3);
		packet_frame_lose(&pf, 11);
		packet_frame_lose(&pf, pf.frame.packets - 1);
		CHECK_EQ(sp_pixels_begin(&pixels, &pf.frame), 0);
		check_rect(&pixels, &pf, 0, 0, 40, 12);
		packet_frame_uninit(&pf);
	}
	sp_pixels_uninit(&pixels);
}

TEST(pixels_refuse_what_they_cannot_read)
{
	struct sp_pixels pixels;
	struct packet_frame pf;

	CHECK_EQ(sp_pixels_init(&pixels), 0);
	packet_frame_init(&pf, SP_PFNC_MONO10P, 20, 10, 40, 1);
	CHECK_EQ(sp_pixels_begin(&pixels, &pf.frame), 0);
	pf.frame.height = 11;
	CHECK_EQ(sp_pixels_begin(&pixels, &pf.frame), -EINVAL);
	pf.frame.height = 0;
	CHECK_EQ(sp_pixels_begin(&pixels, &pf.frame), -EINVAL);
	pf.frame.height = 10;
	pf.frame.width = 18; /* lines begin within bytes */
	CHECK_EQ(sp_pixels_begin(&pixels, &pf.frame), 0);
	pf.frame.width = 20;
	pf.frame.pixel_format = 0x010A00FF;
	CHECK_EQ(sp_pixels_begin(&pixels, &pf.frame), -ENOTSUP);
	pf.frame.pixel_format = SP_PFNC_BAYER_RG8;
	pf.frame.width = 1;
	CHECK_EQ(sp_pixels_begin(&pixels, &pf.frame), -EINVAL);
	pf.frame.pixel_format = SP_PFNC_YUV422_8;
	pf.frame.width = 9; /* whose chroma is the last pixel's? */
	CHECK_EQ(sp_pixels_begin(&pixels, &pf.frame), -EINVAL);
	pf.frame.pixel_format = SP_PFNC_MONO8;
	pf.frame.width = SP_PIXELS_SIDE_MAX + 1;
	CHECK_EQ(sp_pixels_begin(&pixels, &pf.frame), -EINVAL);
	packet_frame_uninit(&pf);
	sp_pixels_uninit(&pixels);
}

TEST_MAIN()
