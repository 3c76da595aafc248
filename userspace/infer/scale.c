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

/*
 * The units [first, last] of the source that a pixel of the result covers, and how much of the
 * first and the last.
 */
struct sp_scale_span {
	uint32_t first, last;
	float of_first, of_last; /* a single unit's is of_first */
	float part; /* of their mean that a whole unit makes up: 1 / sum of all weights */
};

int sp_scale_init(struct sp_scale *scale)
{
	scale->line = malloc(LINE_VALUES);
	scale->sum = malloc(LINE_VALUES * sizeof(float));
	scale->out = malloc(LINE_VALUES * sizeof(float));
	scale->across = malloc(SP_PIXELS_SIDE_MAX * sizeof(*scale->across));
	if (scale->line && scale->sum && scale->out && scale->across)
		return 0;
	sp_scale_uninit(scale);
	return -ENOMEM;
}

void sp_scale_uninit(struct sp_scale *scale)
{
	free(scale->line);
	free(scale->sum);
	free(scale->out);
	free(scale->across);
	memset(scale, 0, sizeof(*scale));
}

/*
 * What is read: grey or coloured pixels of the rectangle, or its quads, each two pixels wide and
 * high.
 */
struct source {
	struct sp_pixels *pixels;
	bool quads;
	uint32_t channels; /* 1, 3 */
	uint32_t x, y, width, height; /* in units of the source */
	double step_x, step_y; /* units in a pixel of the result */
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
	source->channels = pixels->format->kind == SP_PFNC_MONO ? 1 : 3;
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

static int source_read(const struct source *source, uint32_t y, uint8_t *line)
{
	struct sp_pixels *pixels = source->pixels;

	y += source->y;
	if (source->quads)
		return sp_pixels_read_quads(pixels, y, source->x, source->width, line);
	if (source->channels == 1)
		return sp_pixels_read_grey(pixels, y, source->x, source->width, line);
	return sp_pixels_read_line(pixels, y, source->x, source->width, line);
}

static struct sp_scale_span span_of(uint32_t i, double step, uint32_t units)
{
	double from = i * step, to = (i + 1) * step;
	struct sp_scale_span span;
	float all;

	/* An odd last column or line is in no quad. */
	if (to > units)
		to = units;
	span.first = (uint32_t)from;
	span.last = (uint32_t)to;
	/* The end of a whole unit; rounding leaves slivers that are nothing. */
	if (span.last > span.first && to - span.last < 1e-9)
		span.last--;
	span.of_first = (float)((span.last > span.first ? span.first + 1 : to) - from);
	span.of_last = (float)(to - span.last);
	all = span.of_first;
	if (span.last > span.first)
		all += span.of_last + (float)(span.last - span.first - 1);
	span.part = 1 / all;
	return span;
}

static float share(const struct sp_scale_span *span, uint32_t unit)
{
	return unit == span->first ? span->of_first : unit == span->last ? span->of_last : 1;
}

static void add_line(float *sum, const uint8_t *line, float weight, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		sum[i] += weight * (float)line[i];
}

/* The mean across a span of one channel of @sum, which is the weighted mean of lines. */
static float mean_across(const float *sum, const struct sp_scale_span *span, uint32_t channels)
{
	float total = span->of_first * sum[(size_t)span->first * channels];

	for (uint32_t i = span->first + 1; i < span->last; i++)
		total += sum[(size_t)i * channels];
	if (span->last > span->first)
		total += span->of_last * sum[(size_t)span->last * channels];
	return total * span->part;
}

static void shrink_across(const struct sp_scale *scale, uint32_t channels, uint32_t width)
{
	float *out = scale->out;

	for (uint32_t x = 0; x < width; x++, out += 3) {
		const struct sp_scale_span *span = &scale->across[x];

		if (channels == 1) {
			out[0] = out[1] = out[2] = mean_across(scale->sum, span, 1);
			continue;
		}
		for (uint32_t c = 0; c < 3; c++)
			out[c] = mean_across(scale->sum + c, span, 3);
	}
}

static int copy_lines(struct sp_scale *scale, struct sp_pixels *pixels,
		      const struct sp_scale_rect *rect, sp_scale_emit emit, void *arg)
{
	uint32_t n = rect->width * 3;

	for (uint32_t y = 0; y < rect->height; y++) {
		int err = sp_pixels_read_line(pixels, rect->y + y, rect->x, rect->width,
					      scale->line);

		if (err)
			return err;
		for (uint32_t i = 0; i < n; i++)
			scale->out[i] = (float)scale->line[i];
		emit(arg, y, scale->out, rect->width);
	}
	return 0;
}

int sp_scale_run(struct sp_scale *scale, struct sp_pixels *pixels, const struct sp_scale_rect *rect,
		 uint32_t width, uint32_t height, sp_scale_emit emit, void *arg)
{
	struct source source;
	uint32_t have = NO_LINE, n;

	if (!source_init(&source, pixels, rect, width, height))
		return -EINVAL;
	if (width == rect->width && height == rect->height)
		return copy_lines(scale, pixels, rect, emit, arg);
	n = source.width * source.channels;
	for (uint32_t x = 0; x < width; x++)
		scale->across[x] = span_of(x, source.step_x, source.width);
	for (uint32_t y = 0; y < height; y++) {
		struct sp_scale_span span = span_of(y, source.step_y, source.height);

		memset(scale->sum, 0, (size_t)n * sizeof(float));
		for (uint32_t i = span.first; i <= span.last; i++) {
			/* A line that two lines of the result share is still here. */
			if (i != have && source_read(&source, i, scale->line))
				return -EINVAL;
			have = i;
			add_line(scale->sum, scale->line, share(&span, i) * span.part, n);
		}
		shrink_across(scale, source.channels, width);
		emit(arg, y, scale->out, width);
	}
	return 0;
}
