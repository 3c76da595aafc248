/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Embeddings of length 1. A warp has a row; lengths are float64, as on the CPU, so that no sum of
 * squares is too large.
 *
 * Operations: a multiply-add and a division a number. Bytes: x once (the second time it comes from
 * the L1 cache), the result once: some kilobytes a picture, so that the launch itself is the bound.
 */
#include "cuda/move.h"
#include "cuda/numbers.h"

enum { WARP = 32, ROWS = 4 };

template <typename Number>
static __global__ void __launch_bounds__(WARP *ROWS)
	normalise(const Number *x, uint32_t n, uint32_t size, uint32_t pitch, float *to,
		  uint32_t *valid)
{
	uint32_t row = blockIdx.x * ROWS + threadIdx.y;
	double square = 0;
	bool any;

	if (row >= n)
		return;
	x += (size_t)row * pitch;
	to += (size_t)row * size;
	for (uint32_t i = threadIdx.x; i < size; i += WARP) {
		double value = (double)sp_get1(x + i);

		square += value * value;
	}
	for (int lanes = WARP / 2; lanes; lanes /= 2)
		square += __shfl_xor_sync(0xFFFFFFFF, square, lanes);
	any = square > 0 && isfinite(square);
	for (uint32_t i = threadIdx.x; i < size; i += WARP)
		to[i] = any ? (float)((double)sp_get1(x + i) / sqrt(square)) : 0.0f;
	if (!threadIdx.x)
		valid[row] = any;
}

extern "C" cudaError_t sp_normalise_launch(cudaStream_t stream, const struct sp_device_tensor *x,
					   float *to, uint32_t *valid)
{
	dim3 grid((x->n + ROWS - 1) / ROWS), block(WARP, ROWS);

	if (!x->n)
		return cudaSuccess;
	if (x->type == SP_TENSOR_BF16)
		return sp_launch(normalise<uint16_t>, grid, block, 0, stream,
				 (const uint16_t *)x->at, x->n, x->c, x->pitch, to, valid);
	return sp_launch(normalise<float>, grid, block, 0, stream, (const float *)x->at, x->n, x->c,
			 x->pitch, to, valid);
}
