/* SPDX-License-Identifier: Apache-2.0 */
/* Shapes of tensors, and how they follow from the shape of the network's input. */
#ifndef SP_INFER_SHAPE_H
#define SP_INFER_SHAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sp_err;
struct sp_graph;
struct sp_window;

enum {
	SP_RANK_MAX = 6,
	SP_ELEMENTS_MAX = 1 << 28, /* of one tensor: a GiB of float32 */
};

struct sp_shape {
	unsigned int rank; /* 0: a scalar */
	int64_t dim[SP_RANK_MAX]; /* ≥ 0 once known; -1 in a model: given by the input */
};

/*
 * The product of the dimensions, or -1: a dimension is unknown, or that of those above 0 is more than
 * SP_ELEMENTS_MAX.
 */
int64_t sp_shape_elements(const struct sp_shape *shape);

bool sp_shape_equal(const struct sp_shape *a, const struct sp_shape *b);

/* "1x3x640x640" into @text; unknown dimensions are "?". Returns @text. */
const char *sp_shape_text(const struct sp_shape *shape, char *text, size_t size);

/* The shape that both are broadcast to (aligned at the last axis), or false. */
bool sp_shape_broadcast(const struct sp_shape *a, const struct sp_shape *b, struct sp_shape *ret);

/*
 * One output dimension of @window over @in pixels along @axis (0: H, 1: W), with the padding before
 * and after that it takes (automatic padding and a partial last window resolved). ≤ 0: no fit.
 */
int64_t sp_window_out(const struct sp_window *window, unsigned int axis, int64_t in,
		      int64_t *ret_before, int64_t *ret_after);

/* Everything that is known of the tensors for one input shape. */
struct sp_shapes {
	struct sp_shape *of; /* by tensor; of those that no node makes and none is given: rank 0 */
	const int64_t **ints; /* by tensor: the values of integer tensors, NULL for floats */
	void *memory;
};

/*
 * @inputs has a shape for each input of the graph. 0 with @ret_shapes for sp_shapes_uninit;
 * -EINVAL, -ENOTSUP or -EFBIG with the node or input at fault in @err; -ENOMEM.
 */
int sp_shapes_infer(const struct sp_graph *graph, const struct sp_shape *inputs,
		    struct sp_shapes *ret_shapes, struct sp_err *err);
void sp_shapes_uninit(struct sp_shapes *shapes);

#endif
