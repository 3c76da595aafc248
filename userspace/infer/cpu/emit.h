/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes of the logical graph into steps of a plan. Errors stay in plan->error. */
#ifndef SP_INFER_CPU_EMIT_H
#define SP_INFER_CPU_EMIT_H

#include "infer/cpu/plan.h"

/* emit_weights.c: CONV, GEMM. */
void sp_emit_conv(struct sp_plan *plan, const struct sp_node *node);
void sp_emit_gemm(struct sp_plan *plan, const struct sp_node *node);

/* emit_element.c: ADD, SUB, MUL, DIV; AFFINE; ACTIVATION; MAXPOOL, MEAN. */
void sp_emit_binary(struct sp_plan *plan, const struct sp_node *node);
void sp_emit_affine(struct sp_plan *plan, const struct sp_node *node);
void sp_emit_activation(struct sp_plan *plan, const struct sp_node *node);
void sp_emit_pool(struct sp_plan *plan, const struct sp_node *node);

/* What is left to do when a node's kernel could not: an addition (broadcast), an activation. */
struct sp_operand sp_emit_add(struct sp_plan *plan, struct sp_operand a, struct sp_operand b);
struct sp_operand sp_emit_act(struct sp_plan *plan, struct sp_operand x,
			      const struct sp_activation *act);

/* Appends @act to @ops if it is a function of one number; false: it is not. */
bool sp_emit_post_act(struct sp_plan *plan, dnnl_post_ops_t ops, const struct sp_activation *act);

/* An attribute with @ops (taken) and our own scratch memory; NULL after an error. */
dnnl_primitive_attr_t sp_emit_attr(struct sp_plan *plan, dnnl_post_ops_t ops);

/* emit_move.c: RESIZE, SOFTMAX, TRANSPOSE, CONCAT and everything that only renames dimensions. */
void sp_emit_resize(struct sp_plan *plan, const struct sp_node *node);
void sp_emit_softmax(struct sp_plan *plan, const struct sp_node *node);
void sp_emit_transpose(struct sp_plan *plan, const struct sp_node *node);
void sp_emit_concat(struct sp_plan *plan, const struct sp_node *node);
void sp_emit_rename(struct sp_plan *plan, const struct sp_node *node);

/*
 * emit_loop.c: loops of ours for small things behind islands, so that a run of a network that is
 * islands and those takes no memory: oneDNN does for each of its kernels. @x is row-major but for
 * SIGMOID.
 */
struct sp_operand sp_loop_sigmoid(struct sp_plan *plan, struct sp_operand x);
struct sp_operand sp_loop_mean(struct sp_plan *plan, struct sp_operand x);
struct sp_operand sp_loop_gemm(struct sp_plan *plan, struct sp_operand x,
			       const struct sp_node *node);

/* Whether the product of @node is small enough for a loop. */
bool sp_loop_fits_gemm(const struct sp_plan *plan, const struct sp_node *node);

/* emit_function.c: FUNCTION; REDUCE; LAYERNORM. */
void sp_emit_function(struct sp_plan *plan, const struct sp_node *node);
void sp_emit_reduce(struct sp_plan *plan, const struct sp_node *node);
void sp_emit_layernorm(struct sp_plan *plan, const struct sp_node *node);

/* emit_part.c: SLICE, SPLIT, GATHER, EXPAND; AVGPOOL; MATMUL. */
void sp_emit_slice(struct sp_plan *plan, const struct sp_node *node);
void sp_emit_split(struct sp_plan *plan, const struct sp_node *node);
void sp_emit_gather(struct sp_plan *plan, const struct sp_node *node);
void sp_emit_expand(struct sp_plan *plan, const struct sp_node *node);
void sp_emit_avgpool(struct sp_plan *plan, const struct sp_node *node);
void sp_emit_matmul(struct sp_plan *plan, const struct sp_node *node);

/* @tensor row-major. */
struct sp_operand sp_emit_plain(struct sp_plan *plan, uint32_t tensor);

/* @x row-major, with dimensions of one before its own up to @rank, as broadcasting has it. */
struct sp_operand sp_emit_widen(struct sp_plan *plan, struct sp_operand x, unsigned int rank);

/* Row-major @x of the same rank, repeated to @shape along its dimensions of one. */
struct sp_operand sp_emit_broadcast(struct sp_plan *plan, struct sp_operand x,
				    const struct sp_shape *shape);

/*
 * A loop that writes its result in order. shape: of it; strides: of the source, 0 where that is
 * repeated; n[0]: where in the source the first value lies.
 */
void sp_emit_walk(const struct sp_step *step);

#endif
