/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How separable.cu divides its work: in tiles of the depthwise one's results × pieces of channels.
 */
#ifndef SP_CUDA_SEPARABLE_H
#define SP_CUDA_SEPARABLE_H

#include "cuda/conv.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
	SP_SEPARABLE_THREADS = 256,
	SP_SEPARABLE_ROWS = 192, /* of a product at most: pixels of a tile with its border */
};

struct sp_separable_tiling {
	uint32_t width; /* channels of a piece */
	uint32_t pieces;
	uint32_t tile_h, tile_w; /* results of the depthwise one */
	uint32_t tiles_h, tiles_w; /* of a picture */
	uint32_t region_w, rows; /* pixels of the pointwise one: of a line, in all */
	uint32_t line; /* 65536 / region_w, rounded up: row × line / 65536 is a row's line */
	uint32_t segment; /* lines of the tile that a thread computes one after the other */
	uint32_t segments, units; /* of the tile's height; of two columns × a segment in all */
	uint32_t granules, log; /* of a pixel's channels in all; of a row in shared memory, log2 */
	uint32_t stage; /* bytes of shared memory for rows of the pointwise one's input; twice */
	size_t shared; /* bytes in all */
};

/* Of least work, as counted. False if none fits @shared_max bytes. */
bool sp_separable_tile(const struct sp_separable *separable, size_t shared_max,
		       struct sp_separable_tiling *ret_tiling);

/*
 * Bytes from pixel to pixel of what lies between: 16 more, so that rows begin in different banks.
 */
static inline uint32_t sp_separable_between(enum sp_tensor_type type, uint32_t width)
{
	return width * (uint32_t)sp_tensor_number(type) + 16;
}

/*
 * Packed: fragments.h's pieces, then float32, for all channels of all pieces: the pointwise one's
 * biases, nine weights each (tap by tap), the depthwise one's biases.
 */
enum { SP_SEPARABLE_TAPS = 9, SP_SEPARABLE_FLOATS = SP_SEPARABLE_TAPS + 2 };

#ifdef __cplusplus
}
#endif
#endif
