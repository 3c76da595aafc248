/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/shape.h"

#include <stdio.h>
#include <string.h>

#include "infer/graph.h"

int64_t sp_shape_elements(const struct sp_shape *shape)
{
	int64_t n = 1;
	bool none = false;

	/* Beside a 0 the others are bounded too: their product is taken without it elsewhere. */
	for (unsigned int i = 0; i < shape->rank; i++) {
		int64_t dim = shape->dim[i];

		if (dim < 0 || __builtin_mul_overflow(n, dim ? dim : 1, &n) || n > SP_ELEMENTS_MAX)
			return -1;
		none |= dim == 0;
	}
	return none ? 0 : n;
}

bool sp_shape_equal(const struct sp_shape *a, const struct sp_shape *b)
{
	return a->rank == b->rank && !memcmp(a->dim, b->dim, a->rank * sizeof(a->dim[0]));
}

const char *sp_shape_text(const struct sp_shape *shape, char *text, size_t size)
{
	size_t at = 0;

	snprintf(text, size, shape->rank ? "" : "scalar");
	for (unsigned int i = 0; i < shape->rank && at < size; i++) {
		int n = shape->dim[i] < 0 ? snprintf(text + at, size - at, "%s?", i ? "x" : "")
					  : snprintf(text + at, size - at, "%s%lld", i ? "x" : "",
						     (long long)shape->dim[i]);

		at += n < 0 ? 0 : (size_t)n;
	}
	return text;
}

bool sp_shape_broadcast(const struct sp_shape *a, const struct sp_shape *b, struct sp_shape *ret)
{
	struct sp_shape out = { .rank = a->rank > b->rank ? a->rank : b->rank };

	for (unsigned int i = 1; i <= out.rank; i++) {
		int64_t x = i <= a->rank ? a->dim[a->rank - i] : 1;
		int64_t y = i <= b->rank ? b->dim[b->rank - i] : 1;

		if (x != y && x != 1 && y != 1)
			return false;
		out.dim[out.rank - i] = x == 1 ? y : x;
	}
	*ret = out;
	return true;
}

int64_t sp_window_out(const struct sp_window *window, unsigned int axis, int64_t in,
		      int64_t *ret_before, int64_t *ret_after)
{
	int64_t reach = (window->kernel[axis] - 1) * window->dilation[axis] + 1;
	int64_t stride = window->stride[axis], before = window->pad[axis];
	int64_t after = window->pad[axis + 2], out, total;

	switch (window->auto_pad) {
	case SP_PAD_EXPLICIT:
		break;
	case SP_PAD_VALID:
		before = after = 0;
		break;
	case SP_PAD_SAME_UPPER:
	case SP_PAD_SAME_LOWER:
		out = (in + stride - 1) / stride;
		total = (out - 1) * stride + reach - in;
		total = total < 0 ? 0 : total;
		before = window->auto_pad == SP_PAD_SAME_UPPER ? total / 2 : total - total / 2;
		after = total - before;
		break;
	}
	if (in + before + after < reach)
		return 0;
	out = (in + before + after - reach) / stride + 1;
	if (window->ceil && (out - 1) * stride + reach < in + before + after &&
	    out * stride < in + before) {
		/* A last window that starts inside the picture and reaches over its end. */
		after = out * stride + reach - in - before;
		out++;
	}
	*ret_before = before;
	*ret_after = after;
	return out;
}
