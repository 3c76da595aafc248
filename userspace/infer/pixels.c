/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/pixels.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "frame/frame.h"
#include "infer/cpu/lines.h"
#include "infer/stretch.h"
#include "wire/pfnc.h"

enum {
	NO_LINE = UINT32_MAX,
	/* A sample before the first column, and as many after the last as loops may read. */
	BORDER = 64,
	MOSAIC_BYTES = BORDER + SP_PIXELS_LINE_BYTES,
	CACHE_LINE = 64, /* bytes */
};

int sp_pixels_init(struct sp_pixels *pixels)
{
	memset(pixels, 0, sizeof(*pixels));
	/* Zeroed, because loops read a little more than there is. */
	pixels->memory = calloc(1, 2 * SP_PIXELS_PLANES_BYTES + 3 * MOSAIC_BYTES);
	if (!pixels->memory)
		return -ENOMEM;
	pixels->wire = pixels->memory;
	pixels->planes = pixels->wire + SP_PIXELS_PLANES_BYTES;
	for (int i = 0; i < 3; i++)
		pixels->mosaic[i] = pixels->planes + SP_PIXELS_PLANES_BYTES + i * MOSAIC_BYTES;
	pixels->lines = sp_lines_best();
	return 0;
}

void sp_pixels_uninit(struct sp_pixels *pixels)
{
	free(pixels->memory);
	memset(pixels, 0, sizeof(*pixels));
}

static void forget_lines(struct sp_pixels *pixels)
{
	for (int i = 0; i < 3; i++)
		pixels->line[i] = NO_LINE;
}

int sp_pixels_begin(struct sp_pixels *pixels, const struct sp_frame *frame)
{
	const struct sp_pfnc *format;
	int rc = sp_stretch_check(frame, &format);

	if (rc)
		return rc;
	pixels->frame = frame;
	pixels->format = format;
	forget_lines(pixels);
	return 0;
}

/* The bytes of a stretch where they lie, or together in @memory; missing ones are 0. */
static const uint8_t *wire_of(const struct sp_pixels *pixels, const struct sp_stretch *stretch,
			      uint8_t *memory)
{
	uint64_t from = stretch->from;
	uint32_t left = stretch->bytes;
	uint8_t *to = memory;

	while (left) {
		const uint8_t *at;
		uint32_t run;

		if (sp_frame_run(pixels->frame, 0, from, &at, &run))
			return NULL;
		if (to == memory && at && run >= stretch->whole_bytes)
			return at;
		run = run < left ? run : left;
		if (at)
			memcpy(to, at, run);
		else
			memset(to, 0, run);
		to += run;
		from += run;
		left -= run;
	}
	return memory;
}

static bool is_inside(const struct sp_frame *frame, uint32_t y, uint32_t x, uint32_t n)
{
	return y < frame->height && x <= frame->width && n <= frame->width - x;
}

/* The levels of a run that is inside the image; not of YUV. */
static const uint8_t *samples_of(struct sp_pixels *pixels, uint32_t y, uint32_t x, uint32_t n,
				 uint8_t *memory)
{
	const struct sp_pfnc *format = pixels->format;
	const struct sp_lines *lines = pixels->lines;
	struct sp_stretch stretch = sp_stretch_of(pixels->frame, format, y, x, n);
	bool bytes = format->bits_per_pixel == 8 || format->bits_per_pixel == 24;
	const uint8_t *wire = wire_of(pixels, &stretch, bytes ? memory : pixels->wire);

	if (!wire || bytes)
		return wire;
	switch (format->bits_per_pixel) {
	case 10:
		lines->unpack_10p(wire, stretch.pixels, memory);
		break;
	case 12:
		lines->unpack_12p(wire, stretch.pixels, memory);
		break;
	default:
		lines->unpack_16(wire, stretch.pixels, format->bits, memory);
	}
	return memory + stretch.skip;
}

const uint8_t *sp_pixels_samples(struct sp_pixels *pixels, uint32_t y, uint32_t x, uint32_t n,
				 uint8_t *memory)
{
	if (!is_inside(pixels->frame, y, x, n) || pixels->format->kind == SP_PFNC_YUYV)
		return NULL;
	return n ? samples_of(pixels, y, x, n, memory) : memory;
}

/* ---- mosaics ---- */

/*
 * The samples of line @y, kept from the last call where they are the same columns, with the columns
 * beyond the image mirrored, which gives them their colours.
 */
static const uint8_t *mosaic_line(struct sp_pixels *pixels, uint32_t y)
{
	uint32_t slot = y % 3, n = pixels->last - pixels->first;
	uint8_t *memory = pixels->mosaic[slot] + BORDER, *own = memory;
	const uint8_t *samples;

	if (pixels->line[slot] == y)
		return pixels->samples[slot];
	pixels->line[slot] = NO_LINE;
	samples = samples_of(pixels, y, pixels->first, n, memory);
	if (!samples)
		return NULL;
	if (pixels->format->bits_per_pixel > 8)
		own += samples - memory;
	else if (samples != memory)
		memcpy(own, samples, n);
	if (!pixels->first)
		own[-1] = own[1];
	if (pixels->last == pixels->frame->width)
		own[n] = own[n - 2];
	pixels->samples[slot] = own;
	pixels->line[slot] = y;
	return own;
}

/* Makes the kept lines cover the columns [first, last). */
static void cover_columns(struct sp_pixels *pixels, uint32_t first, uint32_t last)
{
	if (first == pixels->first && last == pixels->last)
		return;
	pixels->first = first;
	pixels->last = last;
	forget_lines(pixels);
}

static int mosaic_planes(struct sp_pixels *pixels, uint32_t y, uint32_t x, uint32_t n,
			 uint8_t *const planes[3], uint32_t *ret_skip)
{
	const struct sp_pfnc *format = pixels->format;
	uint32_t width = pixels->frame->width, height = pixels->frame->height;
	uint32_t from = x & ~1u, pairs = (x + n - from + 1) / 2, last = from + 2 * pairs + 1;
	bool red_line = (y & 1) == format->red_y;
	uint8_t *const colours[3] = { planes[red_line ? 0 : 2], planes[1],
				      planes[red_line ? 2 : 0] };
	const uint8_t *up, *mid, *down;
	uint32_t skip;

	cover_columns(pixels, from ? from - 2 : 0, last < width ? last : width);
	up = mosaic_line(pixels, y ? y - 1 : 1);
	mid = mosaic_line(pixels, y);
	down = mosaic_line(pixels, y + 1 < height ? y + 1 : height - 2);
	if (!up || !mid || !down)
		return -EINVAL;
	skip = from - pixels->first;
	pixels->lines->demosaic(up + skip, mid + skip, down + skip, pairs,
				red_line ? format->red_x : !format->red_x, colours);
	*ret_skip = x - from;
	return 0;
}

/* ---- colours ---- */

static int yuyv_planes(struct sp_pixels *pixels, uint32_t y, uint32_t x, uint32_t n,
		       uint8_t *const planes[3], uint32_t *ret_skip)
{
	struct sp_stretch stretch = sp_stretch_of(pixels->frame, pixels->format, y, x, n);
	const uint8_t *wire = wire_of(pixels, &stretch, pixels->wire);

	if (!wire)
		return -EINVAL;
	pixels->lines->unpack_yuyv(wire, stretch.pixels, planes);
	*ret_skip = stretch.skip;
	return 0;
}

static int triple_planes(struct sp_pixels *pixels, uint32_t y, uint32_t x, uint32_t n,
			 uint8_t *const planes[3])
{
	bool bgr = pixels->format->kind == SP_PFNC_BGR;
	uint8_t *const colours[3] = { planes[bgr ? 2 : 0], planes[1], planes[bgr ? 0 : 2] };
	const uint8_t *triples = samples_of(pixels, y, x, n, pixels->wire);

	if (!triples)
		return -EINVAL;
	pixels->lines->split(triples, n, colours);
	return 0;
}

int sp_pixels_planes(struct sp_pixels *pixels, uint32_t y, uint32_t x, uint32_t n, uint8_t *memory,
		     const uint8_t *ret_planes[3])
{
	uint8_t *const planes[3] = { memory, memory + SP_PIXELS_LINE_BYTES,
				     memory + 2 * (size_t)SP_PIXELS_LINE_BYTES };
	const uint8_t *grey;
	uint32_t skip = 0;
	int rc = 0;

	if (!is_inside(pixels->frame, y, x, n))
		return -EINVAL;
	switch (n ? pixels->format->kind : SP_PFNC_RGB) {
	case SP_PFNC_MONO:
		grey = samples_of(pixels, y, x, n, memory);
		if (!grey)
			return -EINVAL;
		ret_planes[0] = ret_planes[1] = ret_planes[2] = grey;
		return 0;
	case SP_PFNC_BAYER:
		rc = mosaic_planes(pixels, y, x, n, planes, &skip);
		break;
	case SP_PFNC_YUYV:
		rc = yuyv_planes(pixels, y, x, n, planes, &skip);
		break;
	case SP_PFNC_RGB:
	case SP_PFNC_BGR:
		rc = n ? triple_planes(pixels, y, x, n, planes) : 0;
	}
	for (int c = 0; !rc && c < 3; c++)
		ret_planes[c] = planes[c] + skip;
	return rc;
}

uint32_t sp_pixels_steps(const struct sp_pixels *pixels, uint32_t n)
{
	/* One more where it begins within a step. */
	return (uint32_t)(sp_pfnc_line_bytes(pixels->format->code, n) / CACHE_LINE) + 2;
}

void sp_pixels_fetch(const struct sp_pixels *pixels, struct sp_pixels_ahead *ahead, uint32_t steps)
{
	while (steps) {
		const uint8_t *at;
		uint32_t run, most = steps * CACHE_LINE;

		if (!ahead->bytes) {
			struct sp_stretch stretch;

			if (ahead->y >= ahead->end)
				return;
			stretch = sp_stretch_of(pixels->frame, pixels->format, ahead->y++, ahead->x,
					     ahead->n);
			ahead->from = stretch.from;
			ahead->bytes = stretch.bytes;
		}
		if (sp_frame_run(pixels->frame, 0, ahead->from, &at, &run))
			return;
		run = run < ahead->bytes ? run : ahead->bytes;
		run = run < most ? run : most;
		/* Into the second cache: the first one has what is being worked on. */
		for (uint32_t i = 0; at && i < run; i += CACHE_LINE)
			__builtin_prefetch(at + i, 0, 2);
		steps -= (run + CACHE_LINE - 1) / CACHE_LINE;
		ahead->from += run;
		ahead->bytes -= run;
	}
}

/* ---- triples ---- */

int sp_pixels_read_line(struct sp_pixels *pixels, uint32_t y, uint32_t x, uint32_t n, uint8_t *rgb)
{
	const uint8_t *planes[3], *triples;
	int rc;

	if (pixels->format->kind == SP_PFNC_RGB) {
		triples = sp_pixels_samples(pixels, y, x, n, pixels->wire);
		if (!triples)
			return -EINVAL;
		memcpy(rgb, triples, 3 * (size_t)n);
		return 0;
	}
	rc = sp_pixels_planes(pixels, y, x, n, pixels->planes, planes);
	if (!rc)
		pixels->lines->join(planes, n, rgb);
	return rc;
}

/* Clips [*at, *at + *n) to [0, limit); *ret_skip: how much was cut off before it. */
static void clip(int64_t *at, int64_t *n, int64_t limit, int64_t *ret_skip)
{
	int64_t first = *at > 0 ? *at : 0, last = *at + *n < limit ? *at + *n : limit;

	*ret_skip = first - *at;
	*at = first;
	*n = last > first ? last - first : 0;
}

int sp_pixels_read_rect(struct sp_pixels *pixels, int x, int y, uint32_t width, uint32_t height,
			uint8_t *rgb)
{
	int64_t first_x = x, n = width, first_y = y, lines = height, left, top;

	clip(&first_x, &n, pixels->frame->width, &left);
	clip(&first_y, &lines, pixels->frame->height, &top);
	if (n < (int64_t)width || lines < (int64_t)height)
		memset(rgb, 0, (size_t)width * height * 3);
	for (int64_t i = 0; n && i < lines; i++) {
		int err = sp_pixels_read_line(pixels, (uint32_t)(first_y + i), (uint32_t)first_x,
					      (uint32_t)n,
					      rgb + ((size_t)(top + i) * width + (size_t)left) * 3);

		if (err)
			return err;
	}
	return 0;
}
