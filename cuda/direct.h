/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dense convolutions, kernels for what there is:
 *	stem	a bf16 picture into a network, few taps: tensor cores, operands right from it
 *	dense	bf16, one group: an implicit product of matrices on tensor cores
 *	tiled	float32, and whatever tensor cores do not do: four pixels × four outputs a thread
 *	any	groups that do not have channels and outputs in fours
 */
#ifndef SP_CUDA_DIRECT_H
#define SP_CUDA_DIRECT_H

#include "cuda/conv.h"

#ifdef __cplusplus
extern "C" {
#endif

enum sp_direct_kind { SP_DIRECT_STEM, SP_DIRECT_DENSE, SP_DIRECT_TILED, SP_DIRECT_ANY };

enum {
	SP_DIRECT_SLOTS = 128, /* pixels of a block of dense */
	SP_DIRECT_GRANULE = 8, /* channels of 16 bytes of bf16 */
	SP_STEM_TAPS = 12, /* of four channels each: three products of 16 */
};

/* How a convolution is computed: of its geometry alone. */
struct sp_direct_plan {
	enum sp_direct_kind kind;
	/*
	 * The input as the kernel sees it. `flat`: a kernel as large as the picture is a product of
	 * matrices; pictures become pixels of a line, their pixels channels.
	 */
	bool flat;
	uint32_t h, w, c, pitch, oh, ow, kernel[2];
	/* Tensor cores: tiles of 8 outputs of a block, such blocks, products of 16 channels. */
	uint32_t tiles, pieces, steps;
	/* dense: log2 of a tile's columns, lines and columns of input that it needs. */
	uint32_t columns_log, in_h, in_w;
	/*
	 * dense: log2 of the granules of a pixel's channels in shared memory, how many such parts.
	 */
	uint32_t granules_log, parts;
	/*
	 * tiled and any: input channels and outputs of a group; channels that weights are kept for.
	 */
	uint32_t group_c, group_oc, group_room;
};

struct sp_direct_plan sp_direct_plan_of(const struct sp_conv *conv);

/* How each kernel ends: bias, residual, activation, padding. */
struct sp_direct_end {
	void *y;
	const void *residual;
	const float *bias; /* for all outputs that the kernel has */
	uint32_t oc, pitch;
	struct sp_step_act act;
};

struct sp_direct {
	struct sp_direct_plan plan;
	struct sp_direct_end end;
	const void *x, *weights;
	uint32_t n, stride[2], dilation[2], pad[2];
	uint32_t across, down; /* items of a line and a column of y */
};

cudaError_t sp_direct_stem(cudaStream_t stream, struct sp_direct *work);
cudaError_t sp_direct_dense(cudaStream_t stream, struct sp_direct *work);
cudaError_t sp_direct_tiled(cudaStream_t stream, enum sp_tensor_type type, struct sp_direct *work);

#ifdef __cplusplus
}
#endif
#endif
