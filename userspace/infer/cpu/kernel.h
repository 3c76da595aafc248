/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The arithmetic of rows of pixels, once for each instruction set: what cpu/band*.c builds networks
 * from. Kernels keep no state, take no memory and start no threads.
 *
 * A row is one line of a tensor, block of channels by block of channels, in each pixel by pixel.
 * A pixel of a block has SP_CELL_BYTES: 16 channels of float32 or 32 of bfloat16. Before pixel 0
 * lie SP_ROW_LEFT pixels, after the last SP_ROW_RIGHT. A kernel may read all of them and writes
 * exactly the pixels that it is asked for. In rows that a kernel with a window reads, the pixel
 * before the first and the one after the last are zero; those further on are whatever lies there
 * (the next row) and must not show in a result.
 *
 * Channels that a last block has beyond the tensor's have zero weights, biases and slopes.
 */
#ifndef SP_INFER_CPU_KERNEL_H
#define SP_INFER_CPU_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "infer/precision.h"

enum {
	SP_CELL_BYTES = 64,
	SP_ROW_LEFT = 1, /* pixels */
	SP_ROW_RIGHT = 16,
	SP_STEM_CHANNELS_MAX = 4, /* in */
	SP_STEM_SIDE_MAX = 7,
	SP_BAND_ROWS_MAX = 8, /* that a kernel makes in one call */
	SP_CHANNELS_ALIGN = 32, /* biases, slopes and packed weights are padded to this */
};

enum sp_cell { SP_CELL_F32, SP_CELL_BF16 };

static inline uint32_t sp_cell_channels(enum sp_cell cell)
{
	return cell == SP_CELL_F32 ? 16 : 32;
}

struct sp_row {
	void *at; /* pixel 0 of block 0, 64-byte aligned */
	size_t block; /* bytes from a block to the next */
};

/*
 * The last thing that happens to a sum: x < 0 ? x · slope : x, then into [low, high]. Neither:
 * slope NULL and -INFINITY … INFINITY. @slope has one value a channel, padded.
 */
struct sp_finish {
	const float *slope;
	float low, high;
};

/*
 * A convolution over one pixel: every output channel from every input channel. The sum begins with
 * the bias, takes the inputs in ascending order by fused multiply-add, then the residual.
 */
struct sp_pointwise {
	uint32_t in_channels, out_channels;
	enum sp_cell in, out; /* the residual is as out */
	const void *weights; /* as pack_pointwise leaves them */
	const float *bias; /* padded */
	struct sp_finish finish;
};

/*
 * A 3 × 3 window over each channel. The sum begins with the bias and takes rows from the top, in
 * each columns from the left, by fused multiply-add.
 */
struct sp_depthwise {
	uint32_t channels, stride; /* 1 or 2, the same both ways */
	enum sp_cell in, out;
	const float *weights; /* [padded channels / 16][9][16] */
	const float *bias;
	struct sp_finish finish;
};

/*
 * A window over planes of floats: the first layer. The sum begins with the bias and takes input
 * channels, rows, columns in this order, by fused multiply-add.
 */
struct sp_stem {
	uint32_t in_channels, out_channels; /* in ≤ SP_STEM_CHANNELS_MAX */
	uint32_t side, stride; /* of the window; ≤ SP_STEM_SIDE_MAX; 1 or 2 */
	uint32_t left; /* columns of zero before the plane's first */
	uint32_t width; /* of the planes; zero beyond */
	enum sp_cell out;
	const float *weights; /* [in channel][row][column][padded out channels] */
	const float *bias;
	struct sp_finish finish;
};

/*
 * Pointwise, then depthwise with stride 1, without the rows between ever leaving the nearest cache.
 * point->out and depth->in are whatever the kernel likes.
 */
struct sp_separable {
	struct sp_pointwise point;
	struct sp_depthwise depth;
};

struct sp_kernels {
	const char *name; /* "portable", "avx2", "avx512", "bf16", "avx512_bf16", "amx" */
	enum sp_cell cell; /* of what is passed between layers; depthwise sources may be f32 */

	/* @weights: out × in. */
	size_t (*pointwise_bytes)(uint32_t in, uint32_t out);
	void (*pack_pointwise)(uint32_t in, uint32_t out, const float *weights, void *packed);

	/* @n pixels; residual.at NULL: none. Rows may not overlap. */
	void (*pointwise)(const struct sp_pointwise *op, struct sp_row in, struct sp_row residual,
			  struct sp_row out, uint32_t n);

	/*
	 * @rows ≤ SP_BAND_ROWS_MAX rows of @n pixels from @in[stride (rows - 1) + 3]. in[i].at is
	 * the pixel under the middle of the window of the first output; a row outside of the
	 * picture is one of zeros.
	 */
	void (*depthwise)(const struct sp_depthwise *op, const struct sp_row *in,
			  const struct sp_row *out, uint32_t rows, uint32_t n);

	/*
	 * One row of @n pixels from @in[in_channels × side] lines of floats, channel by channel;
	 * NULL: a line of zeros.
	 */
	void (*stem)(const struct sp_stem *op, const float *const *in, struct sp_row out,
		     uint32_t n);

	/*
	 * NULL where pointwise and depthwise one after the other are as good. @rows ≤
	 * SP_BAND_ROWS_MAX rows of @n pixels (the whole width) from @in[rows + 2]; at NULL: outside
	 * of the picture, so the depthwise window sees zeros there. @scratch: separable_bytes,
	 * 64-byte aligned.
	 */
	size_t (*separable_bytes)(const struct sp_separable *op);
	void (*separable)(const struct sp_separable *op, const struct sp_row *in,
			  const struct sp_row *out, uint32_t rows, uint32_t n, void *scratch);

	/* The largest of 2 × 2, stride 2: @n pixels of @blocks blocks from two rows. */
	void (*pool)(const struct sp_row in[2], struct sp_row out, uint32_t blocks, uint32_t n);

	/* Sums of cells; the second row of upsample_add has half the pixels, each used twice. */
	void (*add)(struct sp_row a, struct sp_row b, struct sp_row out, uint32_t blocks,
		    uint32_t n, const struct sp_finish *finish);
	void (*upsample_add)(struct sp_row a, struct sp_row half, struct sp_row out,
			     uint32_t blocks, uint32_t n, const struct sp_finish *finish);

	/* Between cells and lines of floats, one a channel, @plane floats apart. */
	void (*load)(enum sp_cell cell, const float *from, size_t plane, struct sp_row to,
		     uint32_t channels, uint32_t n);
	void (*store)(enum sp_cell cell, struct sp_row from, float *to, size_t plane,
		      uint32_t channels, uint32_t n);
};

/* The fastest for @precision on this CPU; never NULL. */
const struct sp_kernels *sp_kernels_best(enum sp_precision precision);

/* The one of that name if this CPU can run it, else NULL. */
const struct sp_kernels *sp_kernels_named(const char *name);

/* All that this CPU can run, ending with NULL. */
const struct sp_kernels *const *sp_kernels_all(void);

#endif
