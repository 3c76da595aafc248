/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/pixels.h"

#include <errno.h>
#include <math.h>

#include "infer/compute.h"
#include "infer/portrait.h"
#include "infer/preprocess.h"
#include "infer/scale.h"
#include "packet_frame.h"
#include "test.h"

/* ---- the oracle: the image in one piece, bit by bit, one pixel at a time ---- */

static unsigned int naive_sample(const struct packet_frame *pf, const struct sp_pfnc *f, uint64_t i)
{
	unsigned int value = 0;

	for (unsigned int b = 0; b < f->bits; b++) {
		uint64_t bit = i * f->bits_per_pixel + b;

		value |= (unsigned int)(pf->bytes[bit / 8] >> (bit % 8) & 1) << b;
	}
	return value >> (f->bits - 8);
}

/* 0 red, 1 green, 2 blue at a place of the mosaic. */
static int colour_at(const struct sp_pfnc *f, int x, int y)
{
	int red_x = (x & 1) == f->red_x, red_y = (y & 1) == f->red_y;

	return red_x && red_y ? 0 : !red_x && !red_y ? 2 : 1;
}

static int mirrored(int at, int n)
{
	return at < 0 ? -at : at >= n ? 2 * n - 2 - at : at;
}

/* The mean of the samples of a colour among the nearest neighbours. */
static int naive_mosaic(const struct packet_frame *pf, const struct sp_pfnc *f, int x, int y,
			int colour)
{
	int width = (int)pf->frame.width, height = (int)pf->frame.height, sum = 0, n = 0;
	bool own = colour_at(f, x, y) == colour;

	for (int dy = -1; dy <= 1; dy++) {
		for (int dx = -1; dx <= 1; dx++) {
			int sx = mirrored(x + dx, width), sy = mirrored(y + dy, height);

			if (own ? dx || dy : colour_at(f, x + dx, y + dy) != colour)
				continue;
			/* Green at a red or blue place: the four beside it. */
			sum += (int)naive_sample(pf, f,
						 (uint64_t)sy * pf->frame.width + (uint64_t)sx);
			n++;
		}
	}
	return (sum + n / 2) / n;
}

static int to_level(double v)
{
	return v <= 0 ? 0 : v >= 255 ? 255 : (int)(v + 0.5);
}

static void naive_pixel(const struct packet_frame *pf, int x, int y, int rgb[3])
{
	const struct sp_pfnc *f = sp_pfnc_by_code(pf->frame.pixel_format);
	uint64_t i = (uint64_t)y * pf->frame.width + (uint64_t)x;
	const uint8_t *at = pf->bytes;

	switch (f->kind) {
	case SP_PFNC_MONO:
		rgb[0] = rgb[1] = rgb[2] = (int)naive_sample(pf, f, i);
		return;
	case SP_PFNC_BAYER:
		for (int c = 0; c < 3; c++)
			rgb[c] = naive_mosaic(pf, f, x, y, c);
		return;
	case SP_PFNC_RGB:
	case SP_PFNC_BGR:
		for (int c = 0; c < 3; c++)
			rgb[c] = at[3 * i + (uint64_t)(f->kind == SP_PFNC_RGB ? c : 2 - c)];
		return;
	case SP_PFNC_YUYV: {
		double luma = at[2 * i], u = at[i / 2 * 4 + 1] - 128.0,
		       v = at[i / 2 * 4 + 3] - 128.0;

		rgb[0] = to_level(luma + 1.402 * v);
		rgb[1] = to_level(luma - 0.344136 * u - 0.714136 * v);
		rgb[2] = to_level(luma + 1.772 * u);
		if (!memcmp(at + i / 2 * 4, "\0\0\0", 4))
			rgb[0] = rgb[1] = rgb[2] = 0;
	}
	}
}

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

TEST(pixels_say_which_share_is_missing)
{
	struct sp_pixels pixels;
	struct packet_frame pf;

	CHECK_EQ(sp_pixels_init(&pixels), 0);
	/* A packet is two lines. */
	packet_frame_init(&pf, SP_PFNC_MONO8, 20, 10, 40, 1);
	CHECK_EQ(sp_pixels_begin(&pixels, &pf.frame), 0);
	CHECK_NEAR(sp_pixels_missing_share(&pixels, 0, 0, 20, 10), 0, 0);
	packet_frame_lose(&pf, 1);
	CHECK_NEAR(sp_pixels_missing_share(&pixels, 0, 0, 20, 10), 0.2, 1e-6);
	CHECK_NEAR(sp_pixels_missing_share(&pixels, 5, 3, 4, 2), 0.5, 1e-6);
	CHECK_NEAR(sp_pixels_missing_share(&pixels, 5, 4, 4, 6), 0, 0);
	CHECK_NEAR(sp_pixels_missing_share(&pixels, -5, -5, 100, 9), 0.5, 1e-6);
	CHECK_NEAR(sp_pixels_missing_share(&pixels, 30, 30, 5, 5), 0, 0);
	packet_frame_uninit(&pf);
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
	pf.frame.width = 18; /* lines would begin within bytes */
	CHECK_EQ(sp_pixels_begin(&pixels, &pf.frame), -EINVAL);
	pf.frame.width = 20;
	pf.frame.pixel_format = 0x010A00FF;
	CHECK_EQ(sp_pixels_begin(&pixels, &pf.frame), -ENOTSUP);
	pf.frame.pixel_format = SP_PFNC_BAYER_RG8;
	pf.frame.width = 1;
	CHECK_EQ(sp_pixels_begin(&pixels, &pf.frame), -EINVAL);
	pf.frame.pixel_format = SP_PFNC_MONO8;
	pf.frame.width = SP_PIXELS_SIDE_MAX + 1;
	CHECK_EQ(sp_pixels_begin(&pixels, &pf.frame), -EINVAL);
	packet_frame_uninit(&pf);
	sp_pixels_uninit(&pixels);
}

/* ---- scaling and the network's input ---- */

/* The exact mean over an area in which each pixel (or quad of @unit pixels a side) is flat. */
static double naive_area(const struct packet_frame *pf, double x0, double x1, double y0, double y1,
			 int c, int unit)
{
	int columns = (int)pf->frame.width / unit, lines = (int)pf->frame.height / unit;
	const struct sp_pfnc *f = sp_pfnc_by_code(pf->frame.pixel_format);
	double sum = 0, area = 0;

	for (int y = (int)y0 / unit; y < lines && y * unit < y1; y++) {
		for (int x = (int)x0 / unit; x < columns && x * unit < x1; x++) {
			double w = fmin(x1, (x + 1) * unit) - fmax(x0, x * unit);
			double h = fmin(y1, (y + 1) * unit) - fmax(y0, y * unit);
			int rgb[3] = { 0, 0, 0 }, greens = 0;

			if (w <= 0 || h <= 0)
				continue;
			if (unit == 1) {
				naive_pixel(pf, x, y, rgb);
			} else {
				for (int i = 0; i < 4; i++) {
					int sx = 2 * x + i % 2, sy = 2 * y + i / 2;
					int v = (int)naive_sample(pf, f,
								  (uint64_t)sy * pf->frame.width +
									  (uint64_t)sx);

					if (colour_at(f, sx, sy) == 1)
						greens += v;
					else
						rgb[colour_at(f, sx, sy)] = v;
				}
				rgb[1] = (greens + 1) / 2;
			}
			sum += w * h * rgb[c];
			area += w * h;
		}
	}
	return sum / area;
}

struct sizes {
	uint32_t format, width, height, input_width, input_height;
	int unit;
};

TEST(preprocess_matches_the_oracle)
{
	static const struct sizes table[] = {
		{ SP_PFNC_RGB8, 40, 21, 0, 0, 1 },
		{ SP_PFNC_RGB8, 100, 80, 64, 64, 1 },
		{ SP_PFNC_MONO8, 97, 301, 32, 64, 1 },
		{ SP_PFNC_BAYER_GB8, 50, 47, 32, 32, 1 },
		{ SP_PFNC_BAYER_GR8, 131, 99, 32, 32, 2 },
		{ SP_PFNC_BAYER_BG12P, 128, 64, 64, 32, 2 },
		{ SP_PFNC_BAYER_RG10P, 200, 150, 96, 96, 2 },
		{ SP_PFNC_BGR8, 64, 64, 96, 96, 1 },
		{ SP_PFNC_MONO16, 3, 400, 32, 32, 1 },
	};
	struct sp_pixels pixels;
	struct sp_scale scale;

	CHECK_EQ(sp_pixels_init(&pixels), 0);
	CHECK_EQ(sp_scale_init(&scale), 0);
	for (size_t t = 0; t < sizeof(table) / sizeof(table[0]); t++) {
		const struct sizes *s = &table[t];
		struct packet_frame pf;
		struct sp_fit fit;
		size_t plane;
		float *input;

		packet_frame_init(&pf, s->format, s->width, s->height, 53, t);
		packet_frame_lose(&pf, pf.frame.packets / 2);
		sp_fit_init(&fit, &(struct sp_scale_rect){ 0, 0, s->width, s->height }, s->input_width,
		    s->input_height);
		CHECK(fit.input_width % 32 == 0 && fit.input_height % 32 == 0);
		plane = (size_t)fit.input_width * fit.input_height;
		input = malloc(3 * plane * sizeof(float));
		memset(input, 0xFF, 3 * plane * sizeof(float));
		CHECK_EQ(sp_pixels_begin(&pixels, &pf.frame), 0);
		CHECK_EQ(sp_preprocess(&scale, &pixels, &fit, &sp_input_levels, input), 0);
		for (size_t i = 0; i < plane; i++) {
			uint32_t x = (uint32_t)(i % fit.input_width),
				 y = (uint32_t)(i / fit.input_width);
			double wide = (double)s->width / fit.width,
			       high = (double)s->height / fit.height;

			for (int c = 0; c < 3; c++) {
				double want = x < fit.width && y < fit.height
						      ? naive_area(&pf, x * wide, (x + 1) * wide,
								   y * high, (y + 1) * high, 2 - c,
								   s->unit)
						      : 0;
				double got = (double)input[(size_t)c * plane + i];

				if (!(fabs(got - want) <=
				      (fit.scale_x < 1 || fit.scale_y < 1 ? 1e-3 : 0)))
					FAIL("row %zu: (%u, %u) plane %d is %g, not %g", t, x, y, c,
					     got, want);
			}
		}
		free(input);
		packet_frame_uninit(&pf);
	}
	sp_scale_uninit(&scale);
	sp_pixels_uninit(&pixels);
}

TEST(fit_keeps_the_shape_and_maps_back)
{
	struct sp_fit fit;
	float x, y;

	sp_fit_init(&fit, &(struct sp_scale_rect){ 0, 0, 2448, 2048 }, 640,
		    640);
	CHECK_EQ(fit.width, 640);
	CHECK_EQ(fit.height, 535);
	CHECK_EQ(fit.input_height, 640);
	x = 640, y = 535;
	sp_fit_to_frame(&fit, &x, &y);
	CHECK_NEAR(x, 2448, 1e-3);
	CHECK_NEAR(y, 2048, 1e-3);
	sp_fit_init(&fit, &(struct sp_scale_rect){ 0, 0, 250, 250 }, 0,
		    0);
	CHECK_EQ(fit.input_width, 256);
	CHECK_EQ(fit.width, 250);
	CHECK_NEAR(fit.scale_x, 1, 0);
	/* Never larger. */
	sp_fit_init(&fit, &(struct sp_scale_rect){ 0, 0, 100, 50 }, 640,
		    640);
	CHECK_EQ(fit.width, 100);
	CHECK_EQ(fit.input_width, 640);
	/* A sliver keeps a pixel. */
	sp_fit_init(&fit, &(struct sp_scale_rect){ 0, 0, 16000, 1 }, 32,
		    32);
	CHECK_EQ(fit.height, 1);
}

TEST(scale_refuses_to_enlarge_or_leave_the_frame)
{
	struct sp_scale_rect rect = { 10, 10, 20, 20 }, outside = { 30, 10, 20, 20 };
	struct sp_portrait *portrait = calloc(1, sizeof(*portrait));
	float far[4] = { 500, 500, 20, 20 };
	struct sp_pixels pixels;
	struct sp_scale scale;
	struct packet_frame pf;

	CHECK_EQ(sp_pixels_init(&pixels), 0);
	CHECK_EQ(sp_scale_init(&scale), 0);
	packet_frame_init(&pf, SP_PFNC_RGB8, 40, 40, 1000, 3);
	CHECK_EQ(sp_pixels_begin(&pixels, &pf.frame), 0);
	CHECK_EQ(sp_scale_run(&scale, &pixels, &rect, 21, 20, NULL, NULL), -EINVAL);
	CHECK_EQ(sp_scale_run(&scale, &pixels, &rect, 0, 20, NULL, NULL), -EINVAL);
	CHECK_EQ(sp_scale_run(&scale, &pixels, &outside, 5, 5, NULL, NULL), -EINVAL);
	CHECK_EQ(sp_portrait_take(&scale, &pixels, far, portrait), -EINVAL);
	free(portrait);
	packet_frame_uninit(&pf);
	sp_scale_uninit(&scale);
	sp_pixels_uninit(&pixels);
}

TEST(portrait_is_the_box_with_its_margin)
{
	struct sp_portrait *portrait = malloc(sizeof(*portrait));
	float box[4] = { 20, 10, 20, 10 }, large[4] = { 100, 50, 700, 500 };
	struct sp_pixels pixels;
	struct sp_scale scale;
	struct packet_frame pf;
	int rgb[3];

	CHECK_EQ(sp_pixels_init(&pixels), 0);
	CHECK_EQ(sp_scale_init(&scale), 0);
	packet_frame_init(&pf, SP_PFNC_RGB8, 1000, 600, 1000, 3);
	CHECK_EQ(sp_pixels_begin(&pixels, &pf.frame), 0);
	CHECK_EQ(sp_portrait_take(&scale, &pixels, box, portrait), 0);
	/* 20 - 6 … 40 + 6, 10 - 3 … 20 + 3 */
	CHECK_EQ(portrait->width, 32);
	CHECK_EQ(portrait->height, 16);
	naive_pixel(&pf, 14 + 31, 7 + 15, rgb);
	for (int c = 0; c < 3; c++)
		CHECK_EQ(portrait->rgb[3 * (15 * 32 + 31) + c], rgb[c]);
	CHECK_EQ(sp_portrait_take(&scale, &pixels, large, portrait), 0);
	/* 100 - 210 < 0 … 1000, 50 - 150 < 0 … 600: the whole frame */
	CHECK_EQ(portrait->width, 256);
	CHECK_EQ(portrait->height, 153);
	CHECK_NEAR(portrait->rgb[3 * (100 * 256 + 200) + 1],
		   naive_area(&pf, 200 * 1000.0 / 256, 201 * 1000.0 / 256, 100 * 600.0 / 153,
			      101 * 600.0 / 153, 1, 1),
		   0.51);
	free(portrait);
	packet_frame_uninit(&pf);
	sp_scale_uninit(&scale);
	sp_pixels_uninit(&pixels);
}

TEST_MAIN()
