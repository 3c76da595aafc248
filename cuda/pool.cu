/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Windows over pixels: maxima, means, and pictures made larger. A thread has 16 bytes of channels
 * of one pixel of y.
 *
 * Operations: one a number of the window, a number of y. Bytes: x once, y once; what windows have
 * in common comes from the caches. The device's memory is the bound of all.
 */
#include "cuda/move.h"
#include "cuda/numbers.h"

#define NOTHING (-INFINITY) /* the maximum of no number */

struct sizes {
	uint32_t n, h, w, oh, ow, c;
	uint32_t from, to; /* pitches of x and y */
};

/* Which pixel of y, and which channels of it, item @i is. */
struct place {
	uint32_t channel, x, y, picture;
};

template <int LENGTH>
static __device__ __forceinline__ struct place place_of(const struct sizes *sizes, size_t i)
{
	uint32_t runs = sizes->to / LENGTH;
	uint32_t pixel = (uint32_t)(i / runs), line = pixel / sizes->ow;
	struct place place;

	place.channel = (uint32_t)(i % runs) * LENGTH;
	place.x = pixel % sizes->ow;
	place.y = line % sizes->oh;
	place.picture = line / sizes->oh;
	return place;
}

static struct sizes sizes_of(const struct sp_device_tensor *x, const struct sp_device_tensor *y)
{
	struct sizes sizes = { y->n, x->h, x->w, y->h, y->w, y->c, x->pitch, y->pitch };

	return sizes;
}

/* ---- maxima and means of windows ---- */

template <typename Number, int LENGTH>
static __device__ __forceinline__ void window(const struct sp_pool *pool, const struct sizes *sizes,
					      const Number *x, const struct place *place,
					      float result[LENGTH])
{
	/* Beyond the upper and left border these wrap around, and are too large then as well. */
	uint32_t top = place->y * pool->stride[0] - pool->pad[0];
	uint32_t left = place->x * pool->stride[1] - pool->pad[1];
	uint32_t counted = 0;

	x += (size_t)place->picture * sizes->h * sizes->w * sizes->from + place->channel;
	SP_UNROLL
	for (int i = 0; i < LENGTH; i++)
		result[i] = pool->mean ? 0.0f : NOTHING;
	for (uint32_t ky = 0; ky < pool->kernel[0]; ky++)
		for (uint32_t kx = 0; kx < pool->kernel[1]; kx++) {
			uint32_t iy = top + ky * pool->dilation[0];
			uint32_t ix = left + kx * pool->dilation[1];
			float in[LENGTH];

			if (iy >= sizes->h || ix >= sizes->w)
				continue;
			sp_get_run<LENGTH>(x + ((size_t)iy * sizes->w + ix) * sizes->from,
					   place->channel, sizes->from, in);
			counted++;
			SP_UNROLL
			for (int i = 0; i < LENGTH; i++)
				result[i] = pool->mean ? result[i] + in[i]
						       : fmaxf(result[i], in[i]);
		}
	if (!pool->mean)
		return;
	if (pool->count_padding)
		counted = pool->kernel[0] * pool->kernel[1];
	SP_UNROLL
	for (int i = 0; i < LENGTH; i++)
		result[i] /= (float)counted;
}

template <typename Number, int LENGTH>
static __global__ void __launch_bounds__(SP_GRID_THREADS)
	pool_windows(struct sp_pool pool, struct sizes sizes, const Number *x, Number *y, size_t n)
{
	for (size_t i = sp_grid_first(); i < n; i += sp_grid_step()) {
		struct place place = place_of<LENGTH>(&sizes, i);
		float result[LENGTH];

		window<Number, LENGTH>(&pool, &sizes, x, &place, result);
		sp_pad<LENGTH>(place.channel, sizes.c, result);
		sp_put_run<LENGTH>(y + i * LENGTH, result);
	}
}

template <typename Number, int LENGTH>
static cudaError_t launch_pool(cudaStream_t stream, const struct sp_pool *pool,
			       const struct sp_device_tensor *x, const struct sp_device_tensor *y)
{
	struct sizes sizes = sizes_of(x, y);
	size_t n = y->n * sp_tensor_picture(y) / LENGTH;

	if (!n)
		return cudaSuccess;
	return sp_launch(pool_windows<Number, LENGTH>, sp_grid(n), dim3(SP_GRID_THREADS), 0, stream,
			 *pool, sizes, (const Number *)x->at, (Number *)y->at, n);
}

extern "C" cudaError_t sp_pool_launch(cudaStream_t stream, const struct sp_pool *pool,
				      const struct sp_device_tensor *x,
				      const struct sp_device_tensor *y)
{
	if (x->type == SP_TENSOR_F32)
		return launch_pool<float, 4>(stream, pool, x, y);
	return sp_run_length(x, y) == 8 ? launch_pool<uint16_t, 8>(stream, pool, x, y)
					: launch_pool<uint16_t, 4>(stream, pool, x, y);
}

/* ---- means of pictures: of a block are a few runs of channels, of its threads pixels ---- */

enum { MEAN_RUNS = 8, MEAN_ROWS = 32 };

/* What the block's threads of one run have, added in the same order always, by its first. */
template <int LENGTH> static __device__ __forceinline__ void add_up(float sums[LENGTH])
{
	__shared__ float all[MEAN_ROWS][MEAN_RUNS][LENGTH];

	SP_UNROLL
	for (int i = 0; i < LENGTH; i++)
		all[threadIdx.y][threadIdx.x][i] = sums[i];
	for (uint32_t half = MEAN_ROWS / 2; half; half /= 2) {
		__syncthreads();
		if (threadIdx.y >= half)
			continue;
		SP_UNROLL
		for (int i = 0; i < LENGTH; i++)
			all[threadIdx.y][threadIdx.x][i] += all[threadIdx.y + half][threadIdx.x][i];
	}
	SP_UNROLL
	for (int i = 0; i < LENGTH; i++)
		sums[i] = all[threadIdx.y][threadIdx.x][i];
}

template <typename Number, int LENGTH>
static __global__ void __launch_bounds__(MEAN_RUNS *MEAN_ROWS)
	mean(struct sizes sizes, const Number *x, Number *y)
{
	uint32_t pixels = sizes.h * sizes.w;
	uint32_t chunks = (sizes.to / LENGTH + MEAN_RUNS - 1) / MEAN_RUNS;
	uint32_t picture = blockIdx.x / chunks;
	uint32_t channel = (blockIdx.x % chunks * MEAN_RUNS + threadIdx.x) * LENGTH;
	float sums[LENGTH];

	SP_UNROLL
	for (int i = 0; i < LENGTH; i++)
		sums[i] = 0.0f;
	for (uint32_t pixel = threadIdx.y; pixel < pixels && channel < sizes.from;
	     pixel += MEAN_ROWS) {
		float in[LENGTH];

		sp_get_run<LENGTH>(x + ((size_t)picture * pixels + pixel) * sizes.from + channel,
				   channel, sizes.from, in);
		SP_UNROLL
		for (int i = 0; i < LENGTH; i++)
			sums[i] += in[i];
	}
	add_up<LENGTH>(sums);
	if (threadIdx.y || channel >= sizes.to)
		return;
	SP_UNROLL
	for (int i = 0; i < LENGTH; i++)
		sums[i] /= (float)pixels;
	sp_pad<LENGTH>(channel, sizes.c, sums);
	sp_put_run<LENGTH>(y + (size_t)picture * sizes.to + channel, sums);
}

template <typename Number, int LENGTH>
static cudaError_t launch_mean(cudaStream_t stream, const struct sp_device_tensor *x,
			       const struct sp_device_tensor *y)
{
	uint32_t chunks = (y->pitch / LENGTH + MEAN_RUNS - 1) / MEAN_RUNS;

	if (!x->n)
		return cudaSuccess;
	return sp_launch(mean<Number, LENGTH>, dim3(x->n * chunks), dim3(MEAN_RUNS, MEAN_ROWS), 0,
			 stream, sizes_of(x, y), (const Number *)x->at, (Number *)y->at);
}

extern "C" cudaError_t sp_mean_launch(cudaStream_t stream, const struct sp_device_tensor *x,
				      const struct sp_device_tensor *y)
{
	if (x->type == SP_TENSOR_F32)
		return launch_mean<float, 4>(stream, x, y);
	return sp_run_length(x, y) == 8 ? launch_mean<uint16_t, 8>(stream, x, y)
					: launch_mean<uint16_t, 4>(stream, x, y);
}

/* ---- larger pictures ---- */

template <typename Number, int LENGTH>
static __global__ void __launch_bounds__(SP_GRID_THREADS)
	enlarge(struct sizes sizes, const Number *x, const Number *add, Number *y, size_t n)
{
	uint32_t factor_y = sizes.oh / sizes.h, factor_x = sizes.ow / sizes.w;

	for (size_t i = sp_grid_first(); i < n; i += sp_grid_step()) {
		struct place place = place_of<LENGTH>(&sizes, i);
		size_t line = (size_t)place.picture * sizes.h + place.y / factor_y;
		float result[LENGTH];

		sp_get_run<LENGTH>(x + (line * sizes.w + place.x / factor_x) * sizes.from +
					   place.channel,
				   place.channel, sizes.from, result);
		if (add) {
			float more[LENGTH];

			sp_get_run<LENGTH>(add + i * LENGTH, place.channel, sizes.to, more);
			SP_UNROLL
			for (int k = 0; k < LENGTH; k++)
				result[k] += more[k];
		}
		sp_put_run<LENGTH>(y + i * LENGTH, result);
	}
}

template <typename Number, int LENGTH>
static cudaError_t launch_enlarge(cudaStream_t stream, const struct sp_device_tensor *x,
				  const struct sp_device_tensor *add,
				  const struct sp_device_tensor *y)
{
	struct sizes sizes = sizes_of(x, y);
	size_t n = y->n * sp_tensor_picture(y) / LENGTH;

	if (!n)
		return cudaSuccess;
	return sp_launch(enlarge<Number, LENGTH>, sp_grid(n), dim3(SP_GRID_THREADS), 0, stream,
			 sizes, (const Number *)x->at, add ? (const Number *)add->at : NULL,
			 (Number *)y->at, n);
}

extern "C" cudaError_t sp_enlarge_launch(cudaStream_t stream, const struct sp_device_tensor *x,
					 const struct sp_device_tensor *add,
					 const struct sp_device_tensor *y)
{
	if (x->type == SP_TENSOR_F32)
		return launch_enlarge<float, 4>(stream, x, add, y);
	return sp_run_length(x, y) == 8 ? launch_enlarge<uint16_t, 8>(stream, x, add, y)
					: launch_enlarge<uint16_t, 4>(stream, x, add, y);
}
