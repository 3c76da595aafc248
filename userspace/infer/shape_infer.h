/* SPDX-License-Identifier: Apache-2.0 */
/* Between shape_infer.c, which walks the graph, and shape_operators.c, which knows some of it. */
#ifndef SP_INFER_SHAPE_INFER_H
#define SP_INFER_SHAPE_INFER_H

#include "infer/shape.h"

struct sp_err;
struct sp_graph;
struct sp_node;

enum { SP_INFER_INTS_MAX = 64 }; /* integers that a node makes: shapes are short */

struct sp_infer {
	const struct sp_graph *graph;
	struct sp_shapes *shapes;
	int64_t *room; /* for the values of integers, SP_INFER_INTS_MAX of them */
	const struct sp_node *node;
	struct sp_err *err;
};

/* Fills the error with the node's name; returns @code. */
int sp_infer_refuse(const struct sp_infer *in, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
int sp_infer_bad_shape(const struct sp_infer *in);

const struct sp_shape *sp_infer_input(const struct sp_infer *in, unsigned int i);

/* The values of integer input @i and how many; NULL if there is none. */
const int64_t *sp_infer_ints(const struct sp_infer *in, unsigned int i, int64_t *ret_n);

/* The node's axis in a shape of @rank. 0 or -EINVAL. */
int sp_infer_axis(struct sp_infer *in, unsigned int rank, unsigned int *ret_axis);

/* Of values that are no integers. 0 or -errno. */
int sp_infer_reduce(struct sp_infer *in, struct sp_shape *out);
int sp_infer_layernorm(struct sp_infer *in, struct sp_shape *out);
int sp_infer_matmul(struct sp_infer *in, struct sp_shape *out);
int sp_infer_split(struct sp_infer *in, struct sp_shape *out);
int sp_infer_expand(struct sp_infer *in, struct sp_shape *out);
int sp_infer_gather(struct sp_infer *in, struct sp_shape *out);
int sp_infer_slice(struct sp_infer *in, struct sp_shape *out);

/* Which places of each axis of input 0 a SLICE takes: from + i · step. 0 or -errno. */
int sp_infer_slice_of(const struct sp_shapes *shapes, const struct sp_node *node,
		      int64_t from[SP_RANK_MAX], int64_t step[SP_RANK_MAX], struct sp_shape *out);

/* A bit for each axis that a REDUCE takes together. 0 or -EINVAL. */
int sp_infer_reduce_axes(const struct sp_shapes *shapes, const struct sp_node *node,
			 unsigned int *ret_mask);

/* Where the part of a SPLIT begins along its axis, and how long it is. 0 or -EINVAL. */
int sp_infer_split_part(const struct sp_shapes *shapes, const struct sp_node *node,
			unsigned int axis, int64_t *ret_from, int64_t *ret_n);

#endif
