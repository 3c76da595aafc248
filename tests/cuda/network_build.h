/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Logical graphs written down node by node, as folding leaves them, and what they compute by the
 * letter, in double.
 */
#ifndef SP_TESTS_CUDA_NETWORK_BUILD_H
#define SP_TESTS_CUDA_NETWORK_BUILD_H

#include <stdint.h>

#include "infer/graph.h"
#include "infer/model.h"

enum { BUILD_NODES_MAX = 96 };

struct build {
	struct sp_graph *graph;
	struct sp_model model;
	struct sp_value input;
	struct sp_shapes shapes; /* of all there is so far, for one picture */
	uint64_t random; /* state: constants and choices follow from it */
	double **values; /* by tensor, of build_run */
	uint32_t values_n;
};

#define BUILD_SHAPE(...)                                                                           \
	((struct sp_shape){ .rank = sizeof((int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t),          \
			    .dim = { __VA_ARGS__ } })

/* Begins with a picture of @h × @w: tensor 0. */
void build_init(struct build *build, uint64_t seed, uint32_t h, uint32_t w);
void build_uninit(struct build *build);

uint64_t build_random(struct build *build, uint64_t below);
float build_uniform(struct build *build, float low, float high);

const struct sp_shape *build_shape(const struct build *build, uint32_t tensor);
/* Constants, floats between ± @size. */
uint32_t build_constant(struct build *build, const struct sp_shape *shape, float size);
uint32_t build_ints(struct build *build, unsigned int n, const int64_t *ints);

/*
 * A node of @inputs without anything more; @fill, which may be NULL, sets the rest before shapes
 * are taken. Returns its result.
 */
typedef void (*build_fill)(struct sp_node *node, const void *arg);
uint32_t build_node(struct build *build, enum sp_op op, unsigned int inputs_n,
		    const uint32_t *inputs, build_fill fill, const void *arg);
/* The node that makes @tensor. */
struct sp_node *build_maker(struct build *build, uint32_t tensor);
/* Shapes once more, after a node was changed by hand. */
void build_again(struct build *build);

struct build_conv {
	int64_t oc, kernel[2], stride, dilation, group; /* 0: 1 */
	int64_t pad[4];
	enum sp_activation_kind act;
	bool unbiased;
	uint32_t residual; /* tensor + 1, 0: none */
};

uint32_t build_conv(struct build *build, uint32_t x, const struct build_conv *conv);
/* Pointwise and depthwise 3 × 3, each other's pair. */
uint32_t build_separable(struct build *build, uint32_t x, int64_t oc, int64_t stride,
			 enum sp_activation_kind act);
uint32_t build_gemm(struct build *build, uint32_t x, int64_t n, enum sp_activation_kind act);
uint32_t build_binary(struct build *build, enum sp_op op, uint32_t a, uint32_t b,
		      enum sp_activation_kind act);
uint32_t build_act(struct build *build, uint32_t x, enum sp_activation_kind act);
uint32_t build_function(struct build *build, uint32_t x, enum sp_function_kind kind, float a,
			float b);
uint32_t build_pool(struct build *build, uint32_t x, enum sp_op op, int64_t kernel, int64_t stride,
		    int64_t pad);
uint32_t build_resize(struct build *build, uint32_t x, int64_t high, int64_t wide,
		      uint32_t residual);
uint32_t build_transpose(struct build *build, uint32_t x, const int64_t *perm);
uint32_t build_reshape(struct build *build, uint32_t x, const struct sp_shape *shape);
uint32_t build_concat(struct build *build, unsigned int n, const uint32_t *x, int64_t axis);

/* Makes @tensor an output. */
void build_output(struct build *build, uint32_t tensor);

/* Computes all tensors of one picture from @input (planes). Values are good until the next run. */
void build_run(struct build *build, const float *input);

#endif
