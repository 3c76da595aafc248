/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of an executor: a list of steps over buffers. Islands of nodes (cpu/islands.h) become
 * one step each (cpu/band.h), all other nodes some steps of oneDNN or of loops of ours (emit_*.c);
 * then every buffer gets its place in one arena, shared by those that never live at the same time.
 *
 * A tensor's value is a buffer and the layout it has there, which the step that makes it chooses;
 * who wants another layout asks for it and gets a reorder, made once for all who ask.
 */
#ifndef SP_INFER_CPU_PLAN_H
#define SP_INFER_CPU_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include <oneapi/dnnl/dnnl.h>

#include "infer/cpu/islands.h"
#include "infer/graph.h"
#include "infer/shape.h"

struct sp_band;
struct sp_kernels;
struct sp_layer;

enum { SP_STEP_ARGS_MAX = 8, SP_PLAN_BYTES_MAX = 1 << 30 };

struct sp_buffer {
	size_t size; /* bytes */
	size_t offset; /* in the arena */
	void *fixed; /* elsewhere: constants, the input */
	bool owned; /* fixed and freed with the plan */
	uint32_t first, last; /* steps that touch it; last = SP_NONE: kept for good */
	uint32_t last_place; /* of a node that reads one of its values; SP_NONE: an output does */
};

struct sp_operand {
	uint32_t buffer; /* SP_NONE: not made yet */
	dnnl_memory_desc_t desc;
};

/* oneDNN's handle on a buffer; its address is set when the arena is there. */
struct sp_handle {
	dnnl_memory_t memory;
	uint32_t buffer;
};

struct sp_step {
	/* A oneDNN kernel … */
	dnnl_primitive_t primitive;
	int args_n;
	dnnl_exec_arg_t args[SP_STEP_ARGS_MAX];
	/* … or a loop of ours over two sources and a destination. */
	void (*loop)(const struct sp_step *step);
	uint32_t buffers[3]; /* source, second source or SP_NONE, destination */
	const float *src, *also;
	const float *weights, *bias; /* constants of the graph */
	float *dst;
	int64_t n[4]; /* what the loop makes of it */
	struct sp_shape shape, strides;
	/* … or an island. */
	struct sp_band *band;
	/* For people. */
	const char *kind;
	uint32_t node; /* SP_NONE: of none, as a reorder for an output */
	uint64_t macs;
};

struct sp_plan {
	const struct sp_graph *graph;
	const struct sp_shapes *shapes;
	dnnl_engine_t engine;
	dnnl_stream_t stream;
	const struct sp_kernels *kernels; /* for islands; NULL: none, oneDNN for everything */
	struct sp_islands islands;
	uint32_t node; /* that is being emitted */
	uint32_t place; /* of it in the order of the islands */
	uint32_t *last_place; /* by tensor: of the last node that reads it; SP_NONE: an output */
	struct sp_operand *values; /* by tensor */
	struct sp_buffer *buffers;
	struct sp_handle *handles;
	struct sp_step *steps;
	struct sp_copy *copies; /* values in other layouts */
	uint32_t buffers_n, handles_n, steps_n, copies_n;
	uint32_t buffers_room, handles_room, steps_room, copies_room;
	size_t constant_bytes; /* of constants in layouts of their own, ≤ SP_PLAN_BYTES_MAX */
	uint32_t scratch; /* the buffer that all kernels share for their own needs */
	uint8_t *arena;
	struct sp_err *err;
	int error; /* the first one; what follows does nothing */
};

/*
 * @shapes outlives the plan; @kernels NULL: no islands. 0 or -errno with @err filled; uninit in
 * either case.
 */
int sp_plan_init(struct sp_plan *plan, const struct sp_graph *graph, const struct sp_shapes *shapes,
		 const struct sp_kernels *kernels, struct sp_err *err);
void sp_plan_uninit(struct sp_plan *plan);

/*
 * Places the buffers and hands out their addresses: the last thing before the first run. 0 or
 * -errno.
 */
int sp_plan_bind(struct sp_plan *plan);

/* Allocates nothing beside what oneDNN takes and frees in each kernel. 0 or -EIO. */
int sp_plan_run(struct sp_plan *plan);

/* The same with what each step took, a layer for each unit of a band. How many, or -EIO. */
int sp_plan_profile(struct sp_plan *plan, struct sp_layer *layers, unsigned int max);

/* Good after bind. */
void *sp_plan_address(const struct sp_plan *plan, uint32_t buffer);

/* ---- for emitting; each does nothing once plan->error is set -------------------------------- */

/* Sets the error, with the name of the node at hand. */
void sp_plan_fail(struct sp_plan *plan, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* @status becomes an error that says what oneDNN refused to make. */
void sp_plan_check(struct sp_plan *plan, dnnl_status_t status);

/* Row-major float32 of @shape; a scalar has one dimension of 1. */
void sp_plan_plain(const struct sp_shape *shape, dnnl_memory_desc_t *ret_desc);
/*
 * float32 of @shape in the layout that oneDNN calls @tag; dnnl_format_tag_any: the kernel's
 * choice.
 */
void sp_plan_tagged(struct sp_plan *plan, const struct sp_shape *shape, dnnl_format_tag_t tag,
		    dnnl_memory_desc_t *ret_desc);

bool sp_plan_is_plain(const dnnl_memory_desc_t *desc);

/*
 * How @desc lies in memory if it is one of the usual layouts of pictures: @ret_n is how many planes
 * there are, their height and width, and how many floats one place has; @ret_tag is oneDNN's name.
 */
bool sp_plan_planes(const dnnl_memory_desc_t *desc, int64_t ret_n[4], dnnl_format_tag_t *ret_tag);

/* The layout to read @tensor in: the one it has if that is a usual one, row-major otherwise. */
void sp_plan_layout(struct sp_plan *plan, uint32_t tensor, dnnl_memory_desc_t *ret_desc);

/* Whether nothing reads @tensor after the node at hand, so that its buffer may be written over. */
bool sp_plan_dead(const struct sp_plan *plan, uint32_t tensor);

/* A buffer that holds @tensor in @desc, by a reorder if need be. */
uint32_t sp_plan_in(struct sp_plan *plan, uint32_t tensor, const dnnl_memory_desc_t *desc);

/* @tensor in the layout to read it in. */
struct sp_operand sp_plan_get(struct sp_plan *plan, uint32_t tensor);

/* A buffer that holds @value in @desc; its own if it is so already. */
uint32_t sp_plan_convert(struct sp_plan *plan, struct sp_operand value,
			 const dnnl_memory_desc_t *desc);

/* A new buffer for @desc. */
uint32_t sp_plan_buffer(struct sp_plan *plan, const dnnl_memory_desc_t *desc);

/* @tensor is @value from now on. */
void sp_plan_set(struct sp_plan *plan, uint32_t tensor, struct sp_operand value);

/* A buffer with the constant of @shape at @data (which the graph keeps), reordered to @desc now. */
uint32_t sp_plan_constant(struct sp_plan *plan, const float *data, const dnnl_memory_desc_t *plain,
			  const dnnl_memory_desc_t *desc);

/* A step that runs the kernel of @pd, which is taken. Its buffers follow by sp_plan_arg. */
void sp_plan_kernel(struct sp_plan *plan, dnnl_primitive_desc_t pd);
void sp_plan_arg(struct sp_plan *plan, int arg, uint32_t buffer, const dnnl_memory_desc_t *desc);

/* The step made last does so many multiply-adds. */
void sp_plan_macs(struct sp_plan *plan, int64_t macs);

/* A step that copies @from to @to between layouts. */
void sp_plan_reorder(struct sp_plan *plan, uint32_t from, const dnnl_memory_desc_t *from_desc,
		     uint32_t to, const dnnl_memory_desc_t *to_desc);

/* A step that runs @band, which is taken. */
void sp_plan_band(struct sp_plan *plan, struct sp_band *band);

/*
 * A step of ours that people know as @kind; @also may be SP_NONE. The caller fills n, shape and
 * strides; NULL after an error.
 */
struct sp_step *sp_plan_loop(struct sp_plan *plan, const char *kind,
			     void (*loop)(const struct sp_step *step), uint32_t src, uint32_t also,
			     uint32_t dst);

#endif
