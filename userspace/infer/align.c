/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/align.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "frame/frame.h"
#include "infer/pixels.h"

/*
 * The pixels of the picture are taken in the order of the frame's lines that they come from (a
 * counting sort), so that however the face is turned two lines of the frame are enough.
 */
struct sp_align_scratch {
	float x[SP_ALIGNED_PIXELS], y[SP_ALIGNED_PIXELS]; /* places in the frame */
	int16_t upper[SP_ALIGNED_PIXELS]; /* the line above each, or OUTSIDE */
	uint16_t order[SP_ALIGNED_PIXELS];
	uint16_t count[SP_PIXELS_SIDE_MAX + 2]; /* of pixels whose upper line is i - 1 */
	/* Of the frame: y and y + 1, with a black column on each side, and a byte to read beyond. */
	uint8_t line[2][(SP_PIXELS_SIDE_MAX + 2) * 3 + 1];
};

enum { OUTSIDE = INT16_MIN };

int sp_align_scratch_create(struct sp_align_scratch **ret_scratch)
{
	struct sp_align_scratch *scratch = calloc(1, sizeof(*scratch));

	if (!scratch)
		return -ENOMEM;
	*ret_scratch = scratch;
	return 0;
}

void sp_align_scratch_destroy(struct sp_align_scratch *scratch)
{
	free(scratch);
}

/* The part of the frame that the picture touches, and its pixels by line. */
struct reach {
	int32_t left, right; /* columns [left, right) */
	int32_t top, bottom; /* upper lines [top, bottom), ≥ -1 */
	uint32_t pixels; /* of the picture that are not wholly outside */
};

static bool is_inside(const struct sp_frame *frame, float x, float y)
{
	return x > -1 && y > -1 && x < (float)frame->width && y < (float)frame->height;
}

/* floorf, which is a call without SSE4.1. */
static int32_t floor_of(float x)
{
	int32_t whole = (int32_t)x;

	return whole - (x < (float)whole);
}

static struct reach find_places(struct sp_align_scratch *scratch, const struct sp_frame *frame,
				const struct sp_similarity *to_frame)
{
	struct reach reach = { (int32_t)frame->width, 0, (int32_t)frame->height, -1, 0 };

	for (uint32_t i = 0; i < SP_ALIGNED_PIXELS; i++) {
		float *x = &scratch->x[i], *y = &scratch->y[i];
		int32_t column, line;

		sp_similarity_apply(to_frame, (float)(i % SP_ALIGNED_SIDE),
				    (float)(i / SP_ALIGNED_SIDE), x, y);
		scratch->upper[i] = OUTSIDE;
		if (!is_inside(frame, *x, *y))
			continue;
		column = floor_of(*x);
		line = floor_of(*y);
		scratch->upper[i] = (int16_t)line;
		reach.left = column < reach.left ? column : reach.left;
		reach.right = column + 2 > reach.right ? column + 2 : reach.right;
		reach.top = line < reach.top ? line : reach.top;
		reach.bottom = line + 1 > reach.bottom ? line + 1 : reach.bottom;
		reach.pixels++;
	}
	return reach;
}

static void sort_by_line(struct sp_align_scratch *scratch, const struct reach *reach)
{
	uint32_t next = 0;

	if (!reach->pixels)
		return;
	memset(scratch->count + reach->top + 1, 0,
	       (size_t)(reach->bottom - reach->top) * sizeof(scratch->count[0]));
	for (uint32_t i = 0; i < SP_ALIGNED_PIXELS; i++)
		if (scratch->upper[i] != OUTSIDE)
			scratch->count[scratch->upper[i] + 1]++;
	/* From counts to first places, then each pixel takes the next place of its line. */
	for (int32_t line = reach->top; line < reach->bottom; line++) {
		uint16_t n = scratch->count[line + 1];

		scratch->count[line + 1] = (uint16_t)next;
		next += n;
	}
	for (uint32_t i = 0; i < SP_ALIGNED_PIXELS; i++)
		if (scratch->upper[i] != OUTSIDE)
			scratch->order[scratch->count[scratch->upper[i] + 1]++] = (uint16_t)i;
}

/* Line @y of the frame, columns [left, right), black where that is outside. */
static int read_line(struct sp_pixels *pixels, const struct reach *reach, int32_t y, uint8_t *line)
{
	return sp_pixels_read_rect(pixels, reach->left, y, (uint32_t)(reach->right - reach->left),
				   1, line);
}

typedef float four_floats __attribute__((vector_size(16)));
typedef int32_t four_words __attribute__((vector_size(16)));
typedef uint16_t eight_halves __attribute__((vector_size(16)));
typedef uint8_t bytes __attribute__((vector_size(16)));

/* A pixel's red, green and blue, and a byte that does not count. */
static four_floats load_pixel(const uint8_t *at)
{
	const bytes none = { 0 };
	four_words word = { 0 };
	eight_halves halves;

	memcpy(&word, at, 4);
	/* Zeros between them make halves of bytes, then words of halves (little-endian). */
	halves = (eight_halves)__builtin_shufflevector((bytes)word, none, 0, 16, 1, 17, 2, 18, 3,
						       19, 4, 20, 5, 21, 6, 22, 7, 23);
	word = (four_words)__builtin_shufflevector(halves, (eight_halves)none, 0, 8, 1, 9, 2, 10, 3,
						   11);
	return __builtin_convertvector(word, four_floats);
}

/* sp_bilinear of all colours at once. */
static void interpolate(const uint8_t *upper, const uint8_t *lower, const struct reach *reach,
			float x, float y, uint8_t *rgb)
{
	int32_t column = floor_of(x);
	size_t at = 3 * (size_t)(column - reach->left);
	float fx = x - (float)column, fy = y - (float)floor_of(y);
	four_floats left = load_pixel(upper + at), below = load_pixel(lower + at);
	four_floats top = left + (load_pixel(upper + at + 3) - left) * fx;
	four_floats bottom = below + (load_pixel(lower + at + 3) - below) * fx;
	/* Between levels, so there is nothing to clamp. */
	four_words levels = __builtin_convertvector(top + (bottom - top) * fy + 0.5f, four_words);

	for (int c = 0; c < 3; c++)
		rgb[c] = (uint8_t)levels[c];
}

int sp_align_warp(struct sp_align_scratch *scratch, struct sp_pixels *pixels,
		  const struct sp_similarity *to_frame, uint8_t *rgb)
{
	struct reach reach = find_places(scratch, pixels->frame, to_frame);
	uint8_t *upper = scratch->line[0], *lower = scratch->line[1];
	int32_t have = reach.top - 1; /* the line that `lower` holds; none yet */
	uint32_t at = 0;

	sort_by_line(scratch, &reach);
	if (reach.pixels < SP_ALIGNED_PIXELS)
		memset(rgb, 0, 3 * SP_ALIGNED_PIXELS);
	/* After sorting, count is the end of each line's pixels. */
	for (int32_t y = reach.top; at < reach.pixels; y++) {
		uint32_t end = scratch->count[y + 1];
		uint8_t *swap = upper;

		if (at == end)
			continue;
		upper = lower;
		lower = swap;
		if (have != y && read_line(pixels, &reach, y, upper))
			return -EINVAL;
		if (read_line(pixels, &reach, y + 1, lower))
			return -EINVAL;
		have = y + 1;
		for (; at < end; at++) {
			uint32_t i = scratch->order[at];

			interpolate(upper, lower, &reach, scratch->x[i], scratch->y[i],
				    rgb + 3 * (size_t)i);
		}
	}
	return 0;
}

void sp_align_to_input(const uint8_t *rgb, const struct sp_input_form *form, float *input)
{
	sp_input_fill(form, rgb, SP_ALIGNED_PIXELS, input);
}
