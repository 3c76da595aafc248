/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the graph's nodes to steps. network_lower.c walks the graph and has what moves nothing,
 * network_conv.c makes convolutions and products, network_each.c the rest; network.c places buffers
 * and runs.
 */
#ifndef SP_CUDA_NETWORK_LOWER_H
#define SP_CUDA_NETWORK_LOWER_H

#include <stdbool.h>
#include <stdint.h>

#include "cuda/network.h"
#include "cuda/network_step.h"
#include "infer/cpu/arena.h"
#include "infer/graph.h"

struct sp_weights;

struct sp_network_model {
	struct sp_device device;
	const struct sp_model *model;
	enum sp_tensor_type type;
	struct sp_tuner *tuner; /* or NULL */
	struct sp_weights *weights;
};

struct sp_network_end {
	struct sp_place place;
	struct sp_network_output output; /* at: NULL until memory is bound */
};

struct sp_network {
	struct sp_network_model *model;
	struct sp_shapes shapes; /* of one picture */
	uint32_t n;
	struct sp_lease
		*buffers; /* by number; from the step that writes one to the last to read it */
	struct sp_step *steps;
	uint32_t buffers_n, buffers_room, steps_n, steps_room;
	struct sp_place input;
	struct sp_network_end *ends; /* outputs of the model */
	size_t bytes;
};

enum { SP_READ_OUTSIDE = 1 << 24 }; /* more than nodes can be */

struct sp_lowering {
	struct sp_network *network;
	const struct sp_graph *graph;
	const struct sp_shapes *shapes;
	const struct sp_node *node; /* the one that is being made */
	struct sp_place *places; /* by tensor; those that steps have made */
	bool *placed; /* by tensor */
	/*
	 * By tensor: how many read it, SP_READ_OUTSIDE more for an output; the last node that does.
	 */
	uint32_t *uses, *reader;
	/* By node: another one's step has it in it; all of it, or its activation. */
	bool *done, *is_view;
	struct sp_err *err;
};

/* All nodes. 0 or -errno with @err filled, the model's name still missing. */
int sp_network_lower(struct sp_network *network, struct sp_err *err);

/* One more buffer. 0 or -ENOMEM. */
int sp_network_buffer(struct sp_network *network, size_t size, uint32_t *ret_buffer);

/*
 * "node 'NAME' (TYPE): WHY is not for the CUDA backend; use compute.backend: cpu"; returns
 * -ENOTSUP.
 */
int sp_lower_refuse(const struct sp_lowering *lowering, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
int sp_lower_no_memory(const struct sp_lowering *lowering);

/* The place of @tensor, or NULL: it is a constant. */
const struct sp_place *sp_lower_place(const struct sp_lowering *lowering, uint32_t tensor);
/* The same; a constant is refused. 0 or -errno. */
int sp_lower_given(const struct sp_lowering *lowering, uint32_t tensor, struct sp_place *ret_place);
/* The same as a picture. 0 or -errno. */
int sp_lower_picture(const struct sp_lowering *lowering, uint32_t tensor, struct sp_operand *ret_x);
void sp_lower_set(struct sp_lowering *lowering, uint32_t tensor, const struct sp_place *place);

/* A tensor with padded channels in a buffer of its own. 0 or -errno. */
int sp_lower_tensor(struct sp_lowering *lowering, uint32_t h, uint32_t w, uint32_t c,
		    struct sp_operand *ret_y);
/* The same of another type than the network's. */
int sp_lower_tensor_of(struct sp_lowering *lowering, enum sp_tensor_type type, uint32_t h,
		       uint32_t w, uint32_t c, struct sp_operand *ret_y);
/*
 * The next step, with nothing but its kind; good until the one after. NULL: no memory, err is set.
 */
struct sp_step *sp_lower_step(struct sp_lowering *lowering, enum sp_step_kind kind);

/*
 * The device's form of @act for results at @place of @shape; *ret_slope: number of the slope. 0 or
 * -errno.
 */
int sp_lower_act(struct sp_lowering *lowering, const struct sp_activation *act,
		 const struct sp_place *place, const struct sp_shape *shape,
		 struct sp_step_act *ret_act, uint32_t *ret_slope);
/*
 * For each channel of @place the value of a constant of @of_shape, @parts of them one after
 * another: *ret_number. 0 or -errno.
 */
int sp_lower_constant(struct sp_lowering *lowering, const struct sp_place *place,
		      const struct sp_shape *shape, const float *const *of, unsigned int parts,
		      const struct sp_shape *of_shape, uint32_t *ret_number);

/* The one node that reads @tensor, or SP_NONE: several do, or somebody outside. */
uint32_t sp_lower_only_reader(const struct sp_lowering *lowering, uint32_t tensor);
/*
 * The activation at the end of @node; if it has none, that of an ACTIVATION that alone reads its
 * result, perhaps after moves, and then is but a view.
 */
struct sp_activation sp_lower_last_act(struct sp_lowering *lowering, const struct sp_node *node);

/* CONV, GEMM */
int sp_lower_conv(struct sp_lowering *lowering);
int sp_lower_gemm(struct sp_lowering *lowering);

/*
 * The separable convolution of lowering->node over @x, and those of other narrow outputs over the
 * same one, in one go: @separable is the first's. *ret_made: there were others, all is seen to. 0
 * or -errno.
 */
int sp_lower_heads(struct sp_lowering *lowering, const struct sp_operand *x,
		   const struct sp_separable *separable, bool *ret_made);

int sp_lower_pool(struct sp_lowering *lowering);
int sp_lower_mean(struct sp_lowering *lowering);
int sp_lower_resize(struct sp_lowering *lowering);
int sp_lower_concat(struct sp_lowering *lowering);
int sp_lower_binary(struct sp_lowering *lowering);
int sp_lower_affine(struct sp_lowering *lowering);
int sp_lower_unary(struct sp_lowering *lowering); /* ACTIVATION, FUNCTION */

/*
 * node->output = act(@x of @shape + node->residual): for residuals that a step could not take
 * along. 0 or -errno.
 */
int sp_lower_residual(struct sp_lowering *lowering, const struct sp_place *x,
		      const struct sp_shape *shape);

#endif
