/* SPDX-License-Identifier: Apache-2.0 */
#include "image/image.h"

#include <string.h>

/*
 * The source pixels under one target pixel along one axis. Integer weights, so the picture is the
 * same on every machine: the first weighs `head`, the last `tail`, those between `inner`.
 */
struct span {
	uint32_t first, n;
	uint32_t head, inner, tail;
	uint32_t total;
};

/* Pixel @i of @to covers [i·from/to, (i + 1)·from/to) of the source; unit: 1/to source pixel. */
static struct span span_area(uint32_t i, uint32_t from, uint32_t to)
{
	uint64_t begin = (uint64_t)i * from, end = begin + from;
	uint32_t first = (uint32_t)(begin / to), last = (uint32_t)((end - 1) / to);
	struct span span = { .first = first, .n = last - first + 1, .inner = to, .total = from };

	span.head = (uint32_t)((first == last ? end : (uint64_t)(first + 1) * to) - begin);
	span.tail = (uint32_t)(end - (uint64_t)last * to);
	return span;
}

/* Pixel centres of both pictures laid over each other; unit: 1/(2·to) source pixel. */
static struct span span_bilinear(uint32_t i, uint32_t from, uint32_t to)
{
	uint64_t unit = 2 * (uint64_t)to, last = (from - 1) * unit;
	int64_t at = (int64_t)((2 * (uint64_t)i + 1) * from) - (int64_t)to;
	uint64_t position = at < 0 ? 0 : (uint64_t)at > last ? last : (uint64_t)at;
	struct span span = { .first = (uint32_t)(position / unit), .total = (uint32_t)unit };

	span.tail = (uint32_t)(position % unit);
	span.head = (uint32_t)unit - span.tail;
	span.n = span.tail ? 2 : 1;
	return span;
}

static struct span span_of(uint32_t i, uint32_t from, uint32_t to)
{
	return to < from ? span_area(i, from, to) : span_bilinear(i, from, to);
}

static inline uint32_t span_weight(const struct span *span, uint32_t i)
{
	return i == 0 ? span->head : i == span->n - 1 ? span->tail : span->inner;
}

/* Sides are at most 2^14 and weights at most 2^15 a pixel, so all sums fit. */
static void scale_pixel(uint8_t *target, const struct sp_image *source, const struct span *x,
			const struct span *y)
{
	uint64_t sum[3] = { 0 };
	uint64_t total = (uint64_t)x->total * y->total;

	for (uint32_t j = 0; j < y->n; j++) {
		const uint8_t *pixel = source->rgb +
				       ((size_t)(y->first + j) * source->width + x->first) * 3;
		uint32_t row[3] = { 0 };

		for (uint32_t i = 0; i < x->n; i++, pixel += 3) {
			uint32_t weight = span_weight(x, i);

			row[0] += pixel[0] * weight;
			row[1] += pixel[1] * weight;
			row[2] += pixel[2] * weight;
		}
		for (int c = 0; c < 3; c++)
			sum[c] += (uint64_t)row[c] * span_weight(y, j);
	}
	for (int c = 0; c < 3; c++)
		target[c] = (uint8_t)((sum[c] + total / 2) / total);
}

/* @to·part/whole, rounded, at least 1. */
static uint32_t side(uint32_t to, uint32_t part, uint32_t whole)
{
	uint32_t pixels = (uint32_t)(((uint64_t)to * part + whole / 2) / whole);

	return pixels ? pixels : 1;
}

void sp_image_letterbox(struct sp_image *target, const struct sp_image *source)
{
	uint32_t width = target->width, height = target->height, left, top;

	/* The side whose ratio is smaller is filled, the other follows the source's shape. */
	if ((uint64_t)width * source->height < (uint64_t)height * source->width)
		height = side(width, source->height, source->width);
	else
		width = side(height, source->width, source->height);
	left = (target->width - width) / 2;
	top = (target->height - height) / 2;

	memset(target->rgb, 0, (size_t)target->width * target->height * 3);
	for (uint32_t row = 0; row < height; row++) {
		struct span y = span_of(row, source->height, height);
		uint8_t *pixel = target->rgb + ((size_t)(top + row) * target->width + left) * 3;

		for (uint32_t column = 0; column < width; column++, pixel += 3) {
			struct span x = span_of(column, source->width, width);

			scale_pixel(pixel, source, &x, &y);
		}
	}
}
