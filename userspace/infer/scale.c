/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/scale.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "frame/frame.h"
#include "infer/cpu/lines.h"
#include "infer/pixels.h"
#include "infer/span.h"
#include "wire/pfnc.h"

enum {
	NO_LINE = UINT32_MAX,
	/* Lines of fine levels are read by windows. */
	FINE = SP_PIXELS_SIDE_MAX + SP_ACROSS_WINDOW,
	/* So that rows do not lie at the same place of a cache's ways. */
	ROW_BYTES = SP_PIXELS_PLANES_BYTES + 11 * 64,
	ROWS_DIRECT = 16, /* that are weighed one by one */
	BLOCK_MAX = 256, /* rows of which a mean is exact */
	AHEAD_BYTES = 1 << 15, /* that are on their way while the CPU works */
};

struct sp_scale_memory {
	uint8_t rows[SP_LINES_MAX][ROW_BYTES];
	uint16_t sum[3 * FINE], other[3 * FINE];
	uint16_t fine[3 * FINE]; /* of the result */
	struct sp_span spans[SP_PIXELS_SIDE_MAX]; /* of its columns */
	struct sp_span_table table;
};

_Static_assert((int)SP_SPAN_SIDE_MAX == (int)SP_PIXELS_SIDE_MAX, "tables are as wide as frames");

int sp_scale_init(struct sp_scale *scale)
{
	/* Zeroed, because windows reach beyond what there is. */
	scale->memory = calloc(1, sizeof(*scale->memory));
	return scale->memory ? 0 : -ENOMEM;
}

void sp_scale_uninit(struct sp_scale *scale)
{
	free(scale->memory);
	scale->memory = NULL;
}

/*
 * What is read, line by line: grey levels; triples as they lie; lines of red, green and blue; or
 * the two lines of a mosaic's quads, the one with red first.
 */
enum source_kind { GREY, TRIPLES, PLANES, QUADS };

struct source {
	struct sp_pixels *pixels;
	const struct sp_lines *lines;
	struct sp_scale_memory *memory;
	enum source_kind kind;
	uint32_t x, y, width, height; /* in units: pixels or quads */
	double step_x, step_y; /* units in a pixel of the result */
	struct sp_pixels_ahead ahead;
	/* Steps of it for each row that is read, and for each line that is made shorter. */
	uint32_t row_steps, across_steps;
	/* Row y is in [y % SP_LINES_MAX] if that says so. */
	struct row {
		uint32_t y;
		const uint8_t *line[3];
	} row[SP_LINES_MAX];
};

static enum source_kind kind_of(const struct sp_pixels *pixels, const struct sp_scale_rect *rect,
				uint32_t width, uint32_t height)
{
	switch (pixels->format->kind) {
	case SP_PFNC_MONO:
		return GREY;
	case SP_PFNC_RGB:
	case SP_PFNC_BGR:
		return TRIPLES;
	case SP_PFNC_BAYER:
		/* Quads lie at even places, so an odd rectangle is interpolated. */
		if (!(rect->x & 1) && !(rect->y & 1) && width <= rect->width / 2 &&
		    height <= rect->height / 2)
			return QUADS;
		return PLANES;
	case SP_PFNC_YUYV:
		break;
	}
	return PLANES;
}

static bool source_init(struct source *source, struct sp_scale *scale, struct sp_pixels *pixels,
			const struct sp_scale_rect *rect, uint32_t width, uint32_t height)
{
	const struct sp_frame *frame = pixels->frame;
	uint32_t unit;

	if (!width || !height || width > rect->width || height > rect->height ||
	    rect->x > frame->width || rect->width > frame->width - rect->x ||
	    rect->y > frame->height || rect->height > frame->height - rect->y)
		return false;
	source->pixels = pixels;
	source->lines = pixels->lines;
	source->memory = scale->memory;
	source->kind = kind_of(pixels, rect, width, height);
	unit = source->kind == QUADS ? 2 : 1;
	source->x = rect->x / unit;
	source->y = rect->y / unit;
	source->width = rect->width / unit;
	source->height = rect->height / unit;
	source->step_x = (double)rect->width / unit / width;
	source->step_y = (double)rect->height / unit / height;
	for (int i = 0; i < SP_LINES_MAX; i++)
		source->row[i].y = NO_LINE;
	source->ahead = (struct sp_pixels_ahead){
		.y = rect->y, .end = rect->y + rect->height, .x = rect->x, .n = rect->width
	};
	source->row_steps = unit * sp_pixels_steps(pixels, rect->width);
	source->across_steps = 0;
	/* Where rows are few to a line of the result, both kinds of work go on meanwhile. */
	if (source->step_y < 4) {
		source->row_steps = (source->row_steps + 1) / 2;
		source->across_steps = (uint32_t)(source->row_steps * source->step_y /
						  (source->kind == GREY ? 1 : 3));
	}
	sp_pixels_fetch(pixels, &source->ahead, AHEAD_BYTES / 64);
	return true;
}

static int read_quads(struct source *source, uint32_t y, uint8_t *memory, struct row *row)
{
	struct sp_pixels *pixels = source->pixels;
	uint32_t x = 2 * source->x, n = 2 * source->width, red_y = pixels->format->red_y;

	for (uint32_t i = 0; i < 2; i++) {
		row->line[i] = sp_pixels_samples(pixels, 2 * y + (i ? !red_y : red_y), x, n,
						 memory + i * SP_PIXELS_LINE_BYTES);
		if (!row->line[i])
			return -EINVAL;
	}
	return 0;
}

/* Row @y of the source, unless it is there from the last time. NULL: it cannot be read. */
static const struct row *row_of(struct source *source, uint32_t y)
{
	struct row *row = &source->row[y % SP_LINES_MAX];
	uint8_t *memory = source->memory->rows[y % SP_LINES_MAX];
	uint32_t line = source->y + y;
	int rc = 0;

	if (row->y == y)
		return row;
	row->y = NO_LINE;
	sp_pixels_fetch(source->pixels, &source->ahead, source->row_steps);
	if (source->kind == QUADS) {
		rc = read_quads(source, line, memory, row);
	} else if (source->kind == PLANES) {
		rc = sp_pixels_planes(source->pixels, line, source->x, source->width, memory,
				      row->line);
	} else {
		row->line[0] = sp_pixels_samples(source->pixels, line, source->x, source->width,
						 memory);
		rc = row->line[0] ? 0 : -EINVAL;
	}
	if (rc)
		return NULL;
	row->y = y;
	return row;
}

/* Lines of fine levels in a sum, and their lengths: three of a unit each, or one. */
static uint32_t sum_lines(const struct source *source)
{
	return source->kind == PLANES || source->kind == QUADS ? 3 : 1;
}

static uint32_t sum_length(const struct source *source)
{
	return source->kind == TRIPLES ? 3 * source->width : source->width;
}

/* Rows [y, y + n), n ≤ SP_LINES_MAX, times @weights; @add: to @sum. */
static int weigh_rows(struct source *source, uint32_t y, uint32_t n, const uint16_t *weights,
		      bool add, uint16_t *sum)
{
	uint16_t *const colours[3] = { sum, sum + FINE, sum + 2 * (size_t)FINE };
	const uint8_t *lines[2 * SP_LINES_MAX];
	const struct row *row[SP_LINES_MAX];

	for (uint32_t i = 0; i < n; i++) {
		row[i] = row_of(source, y + i);
		if (!row[i])
			return -EINVAL;
	}
	if (source->kind == QUADS) {
		for (uint32_t i = 0; i < n; i++) {
			lines[2 * i] = row[i]->line[0];
			lines[2 * i + 1] = row[i]->line[1];
		}
		source->lines->weigh_quads(lines, weights, n, add, source->pixels->format->red_x,
					   source->width, colours);
		return 0;
	}
	for (uint32_t c = 0; c < sum_lines(source); c++) {
		for (uint32_t i = 0; i < n; i++)
			lines[i] = row[i]->line[c];
		source->lines->weigh(lines, weights, n, add, sum_length(source), colours[c]);
	}
	return 0;
}

/* Adds the mean of rows [y, y + n), a power of two, times @weight to the sum. */
static int weigh_block(struct source *source, uint32_t y, uint32_t n, uint16_t weight)
{
	struct sp_scale_memory *memory = source->memory;
	uint16_t each = (uint16_t)(65536 / n);
	const uint16_t weights[SP_LINES_MAX] = { each, each, each, each };

	if (n == 1)
		return weigh_rows(source, y, 1, &weight, true, memory->sum);
	for (uint32_t i = 0; i < n; i += SP_LINES_MAX) {
		uint32_t rows = n < SP_LINES_MAX ? n : SP_LINES_MAX;

		if (weigh_rows(source, y + i, rows, weights, i > 0, memory->other))
			return -EINVAL;
	}
	for (uint32_t c = 0; c < sum_lines(source); c++)
		source->lines->weigh_fine(memory->other + c * FINE, weight, sum_length(source),
					  memory->sum + c * FINE);
	return 0;
}

/*
 * The weighted mean of the rows of a span. Each product is cut off, so of many rows those between
 * the first and the last are taken by blocks, whose means are exact.
 */
static int weigh_span(struct source *source, const struct sp_span *span)
{
	uint32_t n = span->last - span->first + 1, y = span->first + 1;
	uint16_t *sum = source->memory->sum, weights[ROWS_DIRECT];
	double dealt = 0, part = (double)span->part;

	if (n <= ROWS_DIRECT) {
		sp_span_weights(span, weights);
		for (uint32_t i = 0; i < n; i += SP_LINES_MAX) {
			uint32_t rows = n - i < SP_LINES_MAX ? n - i : SP_LINES_MAX;

			if (weigh_rows(source, span->first + i, rows, weights + i, i > 0, sum))
				return -EINVAL;
		}
		return 0;
	}
	weights[0] = sp_span_deal((double)span->of_first * part, &dealt);
	if (weigh_rows(source, span->first, 1, weights, false, sum))
		return -EINVAL;
	while (y < span->last) {
		uint32_t rows = BLOCK_MAX;

		while (rows > span->last - y)
			rows /= 2;
		if (weigh_block(source, y, rows, sp_span_deal(rows * part, &dealt)))
			return -EINVAL;
		y += rows;
	}
	weights[0] = sp_span_deal((double)span->of_last * part, &dealt);
	return weigh_rows(source, span->last, 1, weights, true, sum);
}

/* From sums to a line of the result. @by_table: sp_span_table_fill found it short enough. */
static void shrink_across(struct source *source, uint32_t width, bool by_table)
{
	struct sp_scale_memory *memory = source->memory;
	const uint16_t *from = memory->sum;
	uint32_t lines = source->kind == GREY ? 1 : 3;

	if (source->kind == TRIPLES) {
		bool bgr = source->pixels->format->kind == SP_PFNC_BGR;
		uint16_t *const colours[3] = { memory->other + (bgr ? 2 * (size_t)FINE : 0),
					       memory->other + FINE,
					       memory->other + (bgr ? 0 : 2 * (size_t)FINE) };

		source->lines->split_fine(memory->sum, source->width, colours);
		from = memory->other;
	}
	for (size_t c = 0; c < lines; c++) {
		const uint16_t *line = from + c * FINE;
		uint16_t *ret = memory->fine + c * FINE;

		sp_pixels_fetch(source->pixels, &source->ahead, source->across_steps);
		if (by_table)
			source->lines->across(&memory->table.across, line, ret);
		else
			for (uint32_t x = 0; x < width; x++)
				ret[x] = sp_span_mean(&memory->spans[x], line);
	}
}

/* The result's line: of grey, three times the same. */
struct result {
	const uint16_t *fine[3];
};

static struct result result_of(const struct source *source)
{
	const uint16_t *fine = source->memory->fine;
	size_t pitch = source->kind == GREY ? 0 : FINE;

	return (struct result){ { fine, fine + pitch, fine + 2 * pitch } };
}

static int copy_lines(struct source *source, sp_scale_emit emit, void *arg)
{
	struct result result = result_of(source);
	struct sp_scale_memory *memory = source->memory;

	for (uint32_t y = 0; y < source->height; y++) {
		const uint8_t *planes[3];

		sp_pixels_fetch(source->pixels, &source->ahead, source->row_steps);
		if (sp_pixels_planes(source->pixels, source->y + y, source->x, source->width,
				     memory->rows[0], planes))
			return -EINVAL;
		for (size_t c = 0; c < (source->kind == GREY ? 1 : 3); c++)
			source->lines->to_fine(planes[c], source->width, memory->fine + c * FINE);
		emit(arg, y, result.fine, source->width);
	}
	return 0;
}

int sp_scale_run(struct sp_scale *scale, struct sp_pixels *pixels, const struct sp_scale_rect *rect,
		 uint32_t width, uint32_t height, sp_scale_emit emit, void *arg)
{
	struct sp_scale_memory *memory = scale->memory;
	struct source source;
	struct result result;
	bool by_table;

	if (!source_init(&source, scale, pixels, rect, width, height))
		return -EINVAL;
	if (width == rect->width && height == rect->height)
		return copy_lines(&source, emit, arg);
	for (uint32_t x = 0; x < width; x++)
		memory->spans[x] = sp_span_of(x, source.step_x, source.width);
	by_table = sp_span_table_fill(&memory->table, memory->spans, width);
	result = result_of(&source);
	for (uint32_t y = 0; y < height; y++) {
		struct sp_span span = sp_span_of(y, source.step_y, source.height);

		if (weigh_span(&source, &span))
			return -EINVAL;
		shrink_across(&source, width, by_table);
		emit(arg, y, result.fine, width);
	}
	return 0;
}
