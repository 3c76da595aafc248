/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one pixel of a smaller line or picture covers of the larger one, as infer/span.h has it, in
 * integers: where a pixel's border lies is a fraction, and so exact.
 */
#ifndef SP_CUDA_SPAN_H
#define SP_CUDA_SPAN_H

#include "cuda/dialect.h"

/*
 * Units [first, last], and how much of the first and of the last; a single unit's is of_first.
 * `part`: 1 / sum of all, so what a whole unit is of their mean.
 */
struct sp_device_span {
	uint32_t first, last;
	float of_first, of_last, part;
};

/*
 * Of pixel @i where @width pixels are made from @side pixels that make up units of @unit (2: quads
 * of a mosaic, of which an odd last pixel is no part). @side, @width ≤ 32768.
 */
static __device__ __forceinline__ struct sp_device_span sp_span_at(uint32_t i, uint32_t side,
								   uint32_t width, uint32_t unit)
{
	/* The borders in units are from / whole and to / whole. */
	uint32_t whole = unit * width, from = i * side, to = from + side;
	struct sp_device_span span;
	float sum;

	to = min(to, side / unit * whole);
	span.first = from / whole;
	/* A border between units ends the one before it. */
	span.last = (to - 1) / whole;
	span.of_last = (float)(to - span.last * whole) / (float)whole;
	if (span.last > span.first) {
		span.of_first = (float)((span.first + 1) * whole - from) / (float)whole;
		sum = span.of_first + (float)(span.last - span.first - 1) + span.of_last;
	} else {
		span.of_first = (float)(to - from) / (float)whole;
		sum = span.of_first;
	}
	span.part = 1.0f / sum;
	return span;
}

#endif
