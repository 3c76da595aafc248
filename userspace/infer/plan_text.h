/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The logical plan of a network in words and figures: what a backend has to compute, step by step,
 * for one shape of its inputs. Pairs (graph.h) are one step; nodes that compute shapes are none.
 */
#ifndef SP_INFER_PLAN_TEXT_H
#define SP_INFER_PLAN_TEXT_H

#include <stdint.h>

#include "infer/graph.h"
#include "infer/shape.h"

struct sp_err;
struct sp_model;

enum { SP_PLAN_WHAT = 160, SP_PLAN_FROM = 96 };

struct sp_plan_cost {
	uint64_t macs; /* multiply-adds */
	uint64_t parameters; /* constants; one that several steps read counts with the first */
	/*
	 * Bytes of float32 read and written: with every addition, activation and half of a pair
	 * by itself, and as steps. Weights count, renaming (reshapes) is free.
	 */
	uint64_t unfused, fused;
};

struct sp_plan_step {
	uint32_t node; /* of the graph; of a pair the depthwise one */
	uint32_t pointwise; /* of a pair the other one, or SP_NONE */
	uint32_t input; /* the tensor that it reads first, or SP_NONE */
	char what[SP_PLAN_WHAT]; /* "separable 64 → 64 3x3 pad 1 relu" */
	char from[SP_PLAN_FROM]; /* "3, 7": steps, names of inputs; "+ 7": what is added */
	struct sp_plan_cost cost;
};

struct sp_plan_text {
	struct sp_shapes shapes;
	uint32_t *step_of; /* by tensor: the step that makes it, from 1 on, or 0 */
	struct sp_plan_step *steps;
	uint32_t steps_n;
	uint32_t shape_nodes; /* that compute shapes before the first step */
	struct sp_plan_cost total;
};

/*
 * @inputs has a shape for each input of @model, which outlives the text. 0 with @ret_text for
 * sp_plan_text_uninit, or -errno with @err filled.
 */
int sp_plan_text_init(const struct sp_model *model, const struct sp_shape *inputs,
		      struct sp_plan_text *ret_text, struct sp_err *err);
void sp_plan_text_uninit(struct sp_plan_text *text);

/* "gelu", … */
const char *sp_plan_function_name(enum sp_function_kind kind);

/*
 * The shape of each of @model's outputs, with -1 for dimensions that inputs of another size change
 * (or may: where another size does not fit, all of them). 0 or -ENOMEM.
 */
int sp_plan_text_outputs(const struct sp_model *model, const struct sp_shape *inputs,
			 const struct sp_plan_text *text, struct sp_shape *ret_shapes);

#endif
