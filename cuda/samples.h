/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Single samples and pixels of a frame on the device, by format, with the arithmetic of
 * infer/element.h: for those who read few of them. Grey is R = G = B. Reads nothing outside of the
 * picture.
 */
#ifndef SP_CUDA_SAMPLES_H
#define SP_CUDA_SAMPLES_H

#include "cuda/dialect.h"
#include "cuda/picture.h"
#include "infer/element.h"

/* Line @y and where its pixel 0 is: pixel *ret_first from there, with lines that are one stream. */
static __device__ __forceinline__ const uint8_t *sp_picture_line(const struct sp_picture *picture,
								 uint32_t y, uint32_t *ret_first)
{
	*ret_first = picture->line_bytes ? 0 : y * picture->width;
	return picture->at + (size_t)y * picture->line_bytes;
}

/* The level at (x, y) of a grey picture or a mosaic. */
static __device__ __forceinline__ uint8_t sp_picture_level(const struct sp_picture *picture,
							   uint32_t x, uint32_t y)
{
	uint32_t first;
	const uint8_t *line = sp_picture_line(picture, y, &first);

	switch (picture->bits_per_pixel) {
	case 10:
		return sp_sample_10p(line, first + x);
	case 12:
		return sp_sample_12p(line, first + x);
	case 16:
		return sp_sample_16(line, first + x, picture->bits);
	default:
		return line[first + x];
	}
}

/* The colour at (x, y) of a mosaic: beyond its border is what is on the other side. */
static __device__ __forceinline__ void sp_picture_demosaic(const struct sp_picture *picture,
							   uint32_t x, uint32_t y, uint8_t rgb[3])
{
	uint32_t columns[3] = { x ? x - 1 : 1, x, x + 1 < picture->width ? x + 1 : x - 1 };
	uint32_t lines[3] = { y ? y - 1 : 1, y, y + 1 < picture->height ? y + 1 : y - 1 };
	uint8_t level[3][3];

	SP_UNROLL
	for (int i = 0; i < 3; i++) {
		SP_UNROLL
		for (int k = 0; k < 3; k++)
			level[i][k] = sp_picture_level(picture, columns[k], lines[i]);
	}
	sp_demosaic(level[0], level[1], level[2], 0, 1, 2, (y & 1) == picture->red_y,
		    (x & 1) == picture->red_x, rgb);
}

/* The colour of the mosaic's quad in columns @column × 2, + 1 and lines @row × 2, + 1. */
static __device__ __forceinline__ void
sp_picture_quad(const struct sp_picture *picture, uint32_t column, uint32_t row, uint8_t rgb[3])
{
	uint32_t x = 2 * column, y = 2 * row, red_x = picture->red_x, red_y = picture->red_y;

	rgb[0] = sp_picture_level(picture, x + red_x, y + red_y);
	rgb[1] = sp_quad_green(sp_picture_level(picture, x + !red_x, y + red_y),
			       sp_picture_level(picture, x + red_x, y + !red_y));
	rgb[2] = sp_picture_level(picture, x + !red_x, y + !red_y);
}

/* The colour at (x, y) of any picture. */
static __device__ __forceinline__ void sp_picture_colour(const struct sp_picture *picture,
							 uint32_t x, uint32_t y, uint8_t rgb[3])
{
	uint32_t first;
	const uint8_t *line = sp_picture_line(picture, y, &first);
	uint8_t pair[6];

	switch (picture->kind) {
	case SP_PFNC_BAYER:
		sp_picture_demosaic(picture, x, y, rgb);
		return;
	case SP_PFNC_RGB:
	case SP_PFNC_BGR:
		line += 3 * (size_t)(first + x);
		rgb[0] = line[picture->kind == SP_PFNC_BGR ? 2 : 0];
		rgb[1] = line[1];
		rgb[2] = line[picture->kind == SP_PFNC_BGR ? 0 : 2];
		return;
	case SP_PFNC_YUYV:
		sp_yuyv_to_rgb(line + 4 * (size_t)((first + x) / 2), pair);
		rgb[0] = x & 1 ? pair[3] : pair[0];
		rgb[1] = x & 1 ? pair[4] : pair[1];
		rgb[2] = x & 1 ? pair[5] : pair[2];
		return;
	default:
		rgb[0] = rgb[1] = rgb[2] = sp_picture_level(picture, x, y);
	}
}

#endif
