/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The oracle of pixels: the image in one piece, bit by bit, one pixel at a time, areas in doubles.
 */
#ifndef SP_TESTS_INFER_NAIVE_PIXELS_H
#define SP_TESTS_INFER_NAIVE_PIXELS_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "infer/scale.h"
#include "packet_frame.h"

/* The first bit of a pixel. */
static inline uint64_t naive_place(const struct packet_frame *pf, const struct sp_pfnc *f, int x,
				   int y)
{
	uint64_t width = pf->frame.width, line = (width * f->bits_per_pixel + 7) / 8;

	if (pf->frame.padding_x)
		return (uint64_t)y * (line + pf->frame.padding_x) * 8 +
		       (uint64_t)x * f->bits_per_pixel;
	return ((uint64_t)y * width + (uint64_t)x) * f->bits_per_pixel;
}

static inline int naive_sample(const struct packet_frame *pf, const struct sp_pfnc *f, int x, int y)
{
	unsigned int value = 0;

	for (unsigned int b = 0; b < f->bits; b++) {
		uint64_t bit = naive_place(pf, f, x, y) + b;

		value |= (unsigned int)(pf->bytes[bit / 8] >> (bit % 8) & 1) << b;
	}
	return (int)(value >> (f->bits - 8));
}

/* 0 red, 1 green, 2 blue at a place of the mosaic. */
static inline int naive_colour_at(const struct sp_pfnc *f, int x, int y)
{
	int red_x = (x & 1) == f->red_x, red_y = (y & 1) == f->red_y;

	return red_x && red_y ? 0 : !red_x && !red_y ? 2 : 1;
}

static inline int naive_mirrored(int at, int n)
{
	return at < 0 ? -at : at >= n ? 2 * n - 2 - at : at;
}

/* The mean of the samples of a colour among the nearest neighbours. */
static inline int naive_mosaic(const struct packet_frame *pf, const struct sp_pfnc *f, int x, int y,
			       int colour)
{
	int width = (int)pf->frame.width, height = (int)pf->frame.height, sum = 0, n = 0;
	bool own = naive_colour_at(f, x, y) == colour;

	for (int dy = -1; dy <= 1; dy++) {
		for (int dx = -1; dx <= 1; dx++) {
			/* Green at a red or blue place: the four beside it. */
			if (own ? dx || dy : naive_colour_at(f, x + dx, y + dy) != colour)
				continue;
			sum += naive_sample(pf, f, naive_mirrored(x + dx, width),
					    naive_mirrored(y + dy, height));
			n++;
		}
	}
	return (sum + n / 2) / n;
}

static inline int naive_level(double v)
{
	return v <= 0 ? 0 : v >= 255 ? 255 : (int)(v + 0.5);
}

static inline void naive_pixel(const struct packet_frame *pf, int x, int y, int rgb[3])
{
	const struct sp_pfnc *f = sp_pfnc_by_code(pf->frame.pixel_format);
	const uint8_t *at = pf->bytes + naive_place(pf, f, x, y) / 8;

	switch (f->kind) {
	case SP_PFNC_MONO:
		rgb[0] = rgb[1] = rgb[2] = naive_sample(pf, f, x, y);
		return;
	case SP_PFNC_BAYER:
		for (int c = 0; c < 3; c++)
			rgb[c] = naive_mosaic(pf, f, x, y, c);
		return;
	case SP_PFNC_RGB:
	case SP_PFNC_BGR:
		for (int c = 0; c < 3; c++)
			rgb[c] = at[f->kind == SP_PFNC_RGB ? c : 2 - c];
		return;
	case SP_PFNC_YUYV: {
		const uint8_t *pair = at - 2 * (x & 1);
		double luma = at[0], u = pair[1] - 128.0, v = pair[3] - 128.0;

		rgb[0] = naive_level(luma + 1.402 * v);
		rgb[1] = naive_level(luma - 0.344136 * u - 0.714136 * v);
		rgb[2] = naive_level(luma + 1.772 * u);
		if (!memcmp(pair, "\0\0\0", 4))
			rgb[0] = rgb[1] = rgb[2] = 0;
	}
	}
}

static inline void naive_quad(const struct packet_frame *pf, int x, int y, int rgb[3])
{
	const struct sp_pfnc *f = sp_pfnc_by_code(pf->frame.pixel_format);
	int greens = 0;

	for (int i = 0; i < 4; i++) {
		int sx = 2 * x + i % 2, sy = 2 * y + i / 2, level = naive_sample(pf, f, sx, sy);

		if (naive_colour_at(f, sx, sy) == 1)
			greens += level;
		else
			rgb[naive_colour_at(f, sx, sy)] = level;
	}
	rgb[1] = (greens + 1) / 2;
}

/* A rectangle's pixels or, where it is to shrink to half or less, a mosaic's quads. */
struct naive_picture {
	int columns, lines;
	double step_x, step_y; /* in a pixel of the result */
	int (*rgb)[3];
};

static inline void naive_picture_init(struct naive_picture *picture, const struct packet_frame *pf,
				      const struct sp_scale_rect *rect, uint32_t width,
				      uint32_t height)
{
	bool quads = sp_pfnc_by_code(pf->frame.pixel_format)->kind == SP_PFNC_BAYER &&
		     rect->x % 2 == 0 && rect->y % 2 == 0 && width <= rect->width / 2 &&
		     height <= rect->height / 2;
	int unit = quads ? 2 : 1;

	picture->columns = (int)rect->width / unit;
	picture->lines = (int)rect->height / unit;
	picture->step_x = (double)rect->width / unit / width;
	picture->step_y = (double)rect->height / unit / height;
	picture->rgb =
		malloc((size_t)picture->columns * (size_t)picture->lines * sizeof(*picture->rgb));
	for (int i = 0; i < picture->columns * picture->lines; i++)
		(quads ? naive_quad : naive_pixel)(pf, (int)rect->x / unit + i % picture->columns,
						   (int)rect->y / unit + i / picture->columns,
						   picture->rgb[i]);
}

static inline void naive_picture_uninit(struct naive_picture *picture)
{
	free(picture->rgb);
}

/* Colour @c of pixel @x, @y of the result: the exact mean of what it covers. */
static inline double naive_area(const struct naive_picture *picture, int x, int y, int c)
{
	double left = x * picture->step_x, right = (x + 1) * picture->step_x;
	double top = y * picture->step_y, bottom = (y + 1) * picture->step_y, sum = 0, area = 0;

	for (int v = (int)top; v < picture->lines && v < bottom; v++) {
		for (int u = (int)left; u < picture->columns && u < right; u++) {
			double w = fmin(right, u + 1) - fmax(left, u);
			double h = fmin(bottom, v + 1) - fmax(top, v);

			if (w <= 0 || h <= 0)
				continue;
			sum += w * h * picture->rgb[v * picture->columns + u][c];
			area += w * h;
		}
	}
	return sum / area;
}

#endif
