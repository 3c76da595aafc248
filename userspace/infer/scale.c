/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/scale.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "frame/frame.h"
#include "infer/pixels.h"
#include "wire/pfnc.h"

enum { LINE_VALUES = SP_PIXELS_SIDE_MAX * 3, NO_LINE = UINT32_MAX };

int sp_scale_init(struct sp_scale *scale)
{
	scale->line = malloc(LINE_VALUES);
	scale->sum = malloc(LINE_VALUES * sizeof(float));
	scale->out = malloc(LINE_VALUES * sizeof(float));
	if (scale->line && scale->sum && scale->out)
		return 0;
	sp_scale_uninit(scale);
	return -ENOMEM;
}

void sp_scale_uninit(struct sp_scale *scale)
{
	free(scale->line);
	free(scale->sum);
	free(scale->out);
	memset(scale, 0, sizeof(*scale));
}

/* What is read: pixels of the rectangle, or its quads, of which each is two pixels wide and high. */
struct source {
	struct sp_pixels *pixels;
	bool quads;
	uint32_t x, y, width, height; /* in units of the source */
	double step_x, step_y;	      /* units in a pixel of the result */
};

static bool source_init(struct source *source, struct sp_pixels *pixels,
			const struct sp_scale_rect *rect, uint32_t width, uint32_t height)
{
	const struct sp_frame *frame = pixels->frame;
	uint32_t unit;

	if (!width || !height || width > rect->width || height > rect->height ||
	    rect->x > frame->width || rect->width > frame->width - rect->x ||
	    rect->y > frame->height || rect->height > frame->height - rect->y)
		return false;
	source->pixels = pixels;
	/* Quads lie at even places, so an odd rectangle is interpolated. */
	source->quads = pixels->format->kind == SP_PFNC_BAYER && !(rect->x & 1) && !(rect->y & 1) &&
			width <= rect->width / 2 && height <= rect->height / 2;
	unit = source->quads ? 2 : 1;
	source->x = rect->x / unit;
	source->y = rect->y / unit;
	source->width = rect->width / unit;
	source->height = rect->height / unit;
	source->step_x = (double)rect->width / unit / width;
	source->step_y = (double)rect->height / unit / height;
	return true;
}

static int source_read(const struct source *source, uint32_t y, uint8_t *rgb)
{
	return source->quads ? sp_pixels_read_quads(source->pixels, source->y + y, source->x,
						    source->width, rgb) :
			       sp_pixels_read_line(source->pixels, source->y + y, source->x,
						   source->width, rgb);
}

/* The units [first, last) that the result's pixel @i covers, and its edges. */
struct span {
	uint32_t first, last;
	double from, to;
};

static struct span span_of(uint32_t i, double step, uint32_t units)
{
	struct span span = { .from = i * step, .to = (i + 1) * step };

	/* An odd last column or line is in no quad. */
	if (span.to > units)
		span.to = units;
	span.first = (uint32_t)span.from;
	span.last = (uint32_t)span.to;
	if (span.last < span.to)
		span.last++;
	return span;
}

static float share(const struct span *span, uint32_t unit)
{
	double from = unit > span->from ? unit : span->from;
	double to = unit + 1 < span->to ? unit + 1 : span->to;

	/* Rounding of the edges leaves slivers that are nothing. */
	return to > from ? (float)(to - from) : 0.0f;
}

static void add_line(float *sum, const uint8_t *line, float weight, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		sum[i] += weight * (float)line[i];
}

/* Sums across: @sum holds lines of total weight @high. */
static void shrink_across(const struct source *source, const float *sum, float high, uint32_t width,
			  float *out)
{
	for (uint32_t x = 0; x < width; x++) {
		struct span span = span_of(x, source->step_x, source->width);
		float rgb[3] = { 0, 0, 0 }, wide = 0;

		for (uint32_t i = span.first; i < span.last; i++) {
			const float *at = sum + 3 * (size_t)i;
			float weight = share(&span, i);

			rgb[0] += weight * at[0];
			rgb[1] += weight * at[1];
			rgb[2] += weight * at[2];
			wide += weight;
		}
		for (int c = 0; c < 3; c++)
			out[3 * (size_t)x + c] = rgb[c] / (wide * high);
	}
}

static int copy_lines(struct sp_scale *scale, const struct source *source, sp_scale_emit emit,
		      void *arg)
{
	uint32_t n = source->width * 3;

	for (uint32_t y = 0; y < source->height; y++) {
		int err = source_read(source, y, scale->line);

		if (err)
			return err;
		for (uint32_t i = 0; i < n; i++)
			scale->out[i] = (float)scale->line[i];
		emit(arg, y, scale->out, source->width);
	}
	return 0;
}

int sp_scale_run(struct sp_scale *scale, struct sp_pixels *pixels, const struct sp_scale_rect *rect,
		 uint32_t width, uint32_t height, sp_scale_emit emit, void *arg)
{
	struct source source;
	uint32_t have = NO_LINE;

	if (!source_init(&source, pixels, rect, width, height))
		return -EINVAL;
	if (width == rect->width && height == rect->height)
		return copy_lines(scale, &source, emit, arg);
	for (uint32_t y = 0; y < height; y++) {
		struct span span = span_of(y, source.step_y, source.height);
		float high = 0;

		memset(scale->sum, 0, (size_t)source.width * 3 * sizeof(float));
		for (uint32_t i = span.first; i < span.last; i++) {
			float weight = share(&span, i);

			/* A line that two lines of the result share is still here. */
			if (i != have && source_read(&source, i, scale->line))
				return -EINVAL;
			have = i;
			add_line(scale->sum, scale->line, weight, source.width * 3);
			high += weight;
		}
		shrink_across(&source, scale->sum, high, width, scale->out);
		emit(arg, y, scale->out, width);
	}
	return 0;
}
