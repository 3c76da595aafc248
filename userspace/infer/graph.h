/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The logical graph: what a network computes, without layouts or memory plans. Made by onnx.c,
 * simplified by fold.c, given shapes by shape_infer.c, executed by the backends. Immutable
 * afterwards.
 *
 * Tensors and nodes are numbered. What a graph points at belongs to its arena and goes with it.
 */
#ifndef SP_INFER_GRAPH_H
#define SP_INFER_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "infer/shape.h"

struct sp_err;

#define SP_NONE UINT32_MAX /* no tensor, no node */

enum {
	SP_GRAPH_NODES_MAX = 16384,
	SP_GRAPH_TENSORS_MAX = 131072,
	SP_NODE_INPUTS_MAX = 64,
	SP_GRAPH_NAME_MAX = 128, /* bytes of a name that messages show */
	SP_WINDOW_MAX = 4096, /* kernel, stride, dilation, padding, scale */
};

enum sp_op {
	SP_OP_CONV, /* x, weights (constant O × I/group × kh × kw), bias (constant O or none) */
	SP_OP_GEMM, /* x, weights (constant N × K, row-major), bias (constant N or none) */
	SP_OP_ADD,
	SP_OP_SUB,
	SP_OP_MUL,
	SP_OP_AFFINE, /* x · scale + shift for each channel (axis 1); both constant C */
	SP_OP_ACTIVATION, /* node.act and nothing else */
	SP_OP_MAXPOOL,
	SP_OP_MEAN, /* over all axes from 2 on, kept as 1 */
	SP_OP_RESIZE, /* nearest; x, scales or none, sizes or none */
	SP_OP_SOFTMAX,
	SP_OP_TRANSPOSE,
	SP_OP_RESHAPE, /* x, shape */
	SP_OP_FLATTEN,
	SP_OP_CONCAT,
	SP_OP_DIV, /* ADD, SUB, MUL and DIV may be of integers, which are shapes, too */
	SP_OP_FUNCTION, /* node.function of every value */
	SP_OP_AVGPOOL,
	SP_OP_REDUCE, /* x, axes or none (all): node.reduce of what lies along them */
	SP_OP_LAYERNORM, /* x, scale, shift or none (constants, a value for each of a run) */
	SP_OP_MATMUL, /* x, y: matrices or stacks of them, neither a constant matrix y (GEMM) */
	SP_OP_SPLIT, /* x, sizes or none: part node.split of it */
	SP_OP_EXPAND, /* x, shape: broadcast */
	SP_OP_SHAPE, /* makes integers of x */
	SP_OP_GATHER, /* these are of integers or not: x, indices (integers) */
	SP_OP_SLICE, /* x, starts, ends, axes or none, steps or none */
	SP_OP_SQUEEZE, /* x, axes or none */
	SP_OP_UNSQUEEZE,
	SP_OP_IDENTITY, /* gone after folding */
};

enum sp_activation_kind {
	SP_ACT_NONE,
	SP_ACT_RELU,
	SP_ACT_CLIP, /* to [low, high] */
	SP_ACT_SIGMOID,
	SP_ACT_PRELU, /* slope: constant, one value or one a channel (axis 1) */
};

struct sp_activation {
	enum sp_activation_kind kind;
	float low, high;
	uint32_t slope;
};

/* Of one number; a, b: sp_function.by. */
enum sp_function_kind {
	SP_FUN_ABS,
	SP_FUN_ELU, /* x < 0 ? a (exp x - 1) : x */
	SP_FUN_ERF,
	SP_FUN_EXP,
	SP_FUN_GELU, /* x · ½ (1 + erf(x / √2)) */
	SP_FUN_GELU_TANH, /* its approximation by tanh */
	SP_FUN_HARDSIGMOID, /* a x + b within [0, 1] */
	SP_FUN_HARDSWISH, /* x · hardsigmoid(x) with 1/6, 1/2 */
	SP_FUN_LOG,
	SP_FUN_NEG,
	SP_FUN_POW, /* to the power of a */
	SP_FUN_RECIPROCAL,
	SP_FUN_SQRT,
	SP_FUN_TANH,
	SP_FUNCTIONS,
};

struct sp_function {
	enum sp_function_kind kind;
	float by[2];
};

enum sp_reduce_kind { SP_REDUCE_MEAN, SP_REDUCE_SUM, SP_REDUCE_MAX, SP_REDUCE_MIN, SP_REDUCE_L2 };

enum sp_auto_pad { SP_PAD_EXPLICIT, SP_PAD_VALID, SP_PAD_SAME_UPPER, SP_PAD_SAME_LOWER };

/* A sliding window over H and W. */
struct sp_window {
	int64_t kernel[2], stride[2], dilation[2];
	int64_t pad[4]; /* top, left, bottom, right; meant by auto_pad otherwise */
	int64_t group;
	enum sp_auto_pad auto_pad;
	bool ceil; /* a last, partial window counts */
	bool count_padding; /* AVGPOOL: padding is zeros to the mean, else left out of it */
};

struct sp_node {
	enum sp_op op;
	const char *name, *type; /* as in the file, for messages */
	uint32_t inputs_n;
	uint32_t *inputs;
	uint32_t output;
	uint32_t residual; /* CONV, RESIZE: added to the result (broadcast), or SP_NONE */
	/*
	 * A pointwise CONV (1 × 1, stride 1, no padding, one group, no residual) whose result only
	 * a depthwise CONV (groups = channels = outputs) reads, and that one: each other's place
	 * among the nodes, so that a backend may compute both in one go. SP_NONE otherwise.
	 */
	uint32_t pair;
	struct sp_activation act; /* applied last */
	union {
		struct sp_window window; /* CONV, MAXPOOL, AVGPOOL */
		int64_t axis; /* SOFTMAX, FLATTEN, CONCAT, GATHER; negative: from the end */
		int64_t scale_max; /* RESIZE: larger factors would round another way */
		struct {
			uint32_t n; /* 0: reverse */
			int64_t of[SP_RANK_MAX];
		} perm; /* TRANSPOSE */
		struct sp_function function; /* FUNCTION */
		struct {
			enum sp_reduce_kind kind;
			bool drop; /* the axes go, else they stay as 1 */
		} reduce; /* REDUCE */
		struct {
			int64_t axis; /* the run is all axes from here on */
			float epsilon;
		} norm; /* LAYERNORM */
		struct {
			int64_t axis, part, parts;
		} split; /* SPLIT */
	};
	bool flat; /* SOFTMAX over all axes from `axis` on, as operator sets before 13 have it */
};

struct sp_tensor {
	const char *name;
	struct sp_shape shape; /* of constants and inputs */
	/* A constant has one of these. */
	const float *floats;
	const int64_t *ints;
};

struct sp_graph {
	uint32_t tensors_n, nodes_n, inputs_n, outputs_n;
	struct sp_tensor *tensors;
	struct sp_node *nodes; /* in an order in which they can run */
	uint32_t *inputs, *outputs;
	struct sp_chunk *chunks; /* the arena */
	uint32_t tensors_room;
	size_t bytes_left; /* that the arena may still take */
};

static inline bool sp_tensor_constant(const struct sp_tensor *tensor)
{
	return tensor->floats || tensor->ints;
}

/*
 * @bytes_max: what the arena may hold. Weights that many nodes share are copied for each that
 * changes them, so a file could ask for thousands of times its own size.
 */
struct sp_graph *sp_graph_create(size_t bytes_max);
void sp_graph_destroy(struct sp_graph *graph);

/* Zeroed, 64-byte aligned, freed with the graph. NULL: no memory, or more than bytes_max. */
void *sp_graph_alloc(struct sp_graph *graph, size_t size);

/* A name that is safe to print: cut, control characters and what is not UTF-8 replaced. */
const char *sp_graph_name(struct sp_graph *graph, const char *name);

/* A new tensor with unknown shape, or SP_NONE: no memory, or too many. */
uint32_t sp_graph_tensor(struct sp_graph *graph, const char *name);

/* New constants of @shape with room for its elements, to be written through @ret_data. */
uint32_t sp_graph_floats(struct sp_graph *graph, const char *name, const struct sp_shape *shape,
			 float **ret_data);
uint32_t sp_graph_ints(struct sp_graph *graph, const char *name, const struct sp_shape *shape,
		       int64_t **ret_data);

/*
 * Brings the nodes into an order in which they can run and drops those that no output needs.
 * 0, -ENOMEM, or -EINVAL: a cycle, an input that nothing produces, a tensor produced twice.
 */
int sp_graph_sort(struct sp_graph *graph, struct sp_err *err);

/* What folding may do beside removing identities, so that tests can compare with and without. */
enum sp_fold {
	SP_FOLD_CONSTANTS = 1 << 0, /* what follows from constants and fixed shapes is computed */
	SP_FOLD_MOVES = 1 << 1, /* transposes and reshapes that cancel, or follow one another */
	SP_FOLD_WEIGHTS = 1 << 2, /* factors and additions for each channel go into weights */
	SP_FOLD_STEPS = 1 << 3, /* additions and activations become last steps of other nodes;
				 * functions that are written out become one */
	SP_FOLD_PAIRS = 1 << 4,
	SP_FOLD_ALL = (1 << 5) - 1,
};

/*
 * fold*.c: simplifies a sorted graph as far as @folds say. What backends may rely on afterwards,
 * whatever @folds are:
 *
 * - There is no IDENTITY. Nodes stand in an order in which they can run: inputs and residuals come
 *   first. Every node is needed by an output.
 * - Names of outputs, and what is computed, are those of the file: each output differs by rounding
 *   alone. An output may have become a constant or one of the graph's inputs.
 * - CONV, GEMM: weights and bias are constants; AFFINE: scale and shift are.
 * - Only CONV and RESIZE have a residual, which may have any shape that broadcasts with the result
 *   (and may widen it); its addition comes before the activation.
 * - Only CONV, GEMM, ADD, SUB, MUL, AFFINE and ACTIVATION have an activation; PRELU only CONV and
 *   ACTIVATION.
 * - pair is set both ways or not at all.
 *
 * 0; -EINVAL, -ENOTSUP or -EFBIG with the node at fault in @err; -ENOMEM.
 */
int sp_graph_fold(struct sp_graph *graph, unsigned int folds, struct sp_err *err);

#endif
