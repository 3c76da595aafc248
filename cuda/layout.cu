/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The same numbers in another place: channels of several tensors beside each other, and planes
 * instead of channels side by side.
 *
 * Operations: none. Bytes: x once, y once. The device's memory is the bound.
 */
#include "cuda/move.h"
#include "cuda/numbers.h"

/* ---- channels beside others ---- */

struct concat {
	const void *x;
	void *y;
	uint32_t first, c, from_pitch, to_c, to_pitch;
	size_t n; /* runs of x */
};

/* A thread has 16 bytes of x; those where x's channels end may also have y's padding. */
template <typename Number, int LENGTH>
static __global__ void __launch_bounds__(SP_GRID_THREADS) concat_run(struct concat work)
{
	uint32_t runs = work.from_pitch / LENGTH;

	for (size_t i = sp_grid_first(); i < work.n; i += sp_grid_step()) {
		size_t pixel = i / runs;
		uint32_t channel = (uint32_t)(i - pixel * runs) * LENGTH;
		Number *to = (Number *)work.y + pixel * work.to_pitch + work.first;
		float x[LENGTH];

		sp_get_run<LENGTH>((const Number *)work.x + i * LENGTH, channel, work.from_pitch,
				   x);
		if (channel + LENGTH <= work.c && work.first % LENGTH == 0) {
			sp_put_run<LENGTH>(to + channel, x);
		} else {
			SP_UNROLL
			for (int k = 0; k < LENGTH; k++)
				if (channel + k < work.c)
					sp_put1(to + channel + k, x[k]);
		}
		if (channel + LENGTH < work.from_pitch || work.first + work.c < work.to_c)
			continue;
		for (uint32_t k = work.c; work.first + k < work.to_pitch; k++)
			sp_put1(to + k, 0.0f);
	}
}

template <typename Number, int LENGTH>
static cudaError_t launch_concat(cudaStream_t stream, struct concat *work)
{
	size_t n = work->n / LENGTH;

	if (!n)
		return cudaSuccess;
	work->n = n;
	return sp_launch(concat_run<Number, LENGTH>, sp_grid(n), dim3(SP_GRID_THREADS), 0, stream,
			 *work);
}

extern "C" cudaError_t sp_concat_launch(cudaStream_t stream, const struct sp_device_tensor *x,
					uint32_t first, const struct sp_device_tensor *y)
{
	struct concat work = { x->at,	 y->at, first,	  x->c,
			       x->pitch, y->c,	y->pitch, x->n * sp_tensor_picture(x) };

	if (x->type == SP_TENSOR_F32)
		return launch_concat<float, 4>(stream, &work);
	return sp_run_length(x, y) == 8 ? launch_concat<uint16_t, 8>(stream, &work)
					: launch_concat<uint16_t, 4>(stream, &work);
}

/* ---- planes ---- */

enum { SIDE = 32, ROWS = 8 }; /* numbers of a tile's side; rows of it that threads do at once */

/*
 * Block @block has a tile of SIDE pixels × SIDE channels of one picture, and turns it in shared
 * memory, so that both sides are read and written along lines.
 */
struct turn {
	uint32_t pixels, c, pitch;
	uint32_t tiles[2]; /* of pixels, of channels */
};

struct tile {
	uint32_t pixel, channel, picture;
};

static __device__ __forceinline__ struct tile tile_of(const struct turn *turn)
{
	uint32_t line = blockIdx.x / turn->tiles[0];
	struct tile tile;

	tile.pixel = blockIdx.x % turn->tiles[0] * SIDE;
	tile.channel = line % turn->tiles[1] * SIDE;
	tile.picture = line / turn->tiles[1];
	return tile;
}

template <typename Number>
static __global__ void __launch_bounds__(SIDE *ROWS)
	to_planes(struct turn turn, const Number *x, float *to)
{
	__shared__ float numbers[SIDE][SIDE + 1]; /* the odd pitch keeps columns in other banks */
	struct tile tile = tile_of(&turn);

	x += (size_t)tile.picture * turn.pixels * turn.pitch;
	to += (size_t)tile.picture * turn.pixels * turn.c;
	for (uint32_t i = threadIdx.y; i < SIDE; i += ROWS)
		if (tile.pixel + i < turn.pixels && tile.channel + threadIdx.x < turn.c)
			numbers[i][threadIdx.x] = sp_get1(x +
							  (size_t)(tile.pixel + i) * turn.pitch +
							  tile.channel + threadIdx.x);
	__syncthreads();
	for (uint32_t i = threadIdx.y; i < SIDE; i += ROWS)
		if (tile.channel + i < turn.c && tile.pixel + threadIdx.x < turn.pixels)
			to[(size_t)(tile.channel + i) * turn.pixels + tile.pixel + threadIdx.x] =
				numbers[threadIdx.x][i];
}

/* Tiles of channels go on to y's pitch. */
template <typename Number>
static __global__ void __launch_bounds__(SIDE *ROWS)
	from_planes(struct turn turn, const float *from, Number *y)
{
	__shared__ float numbers[SIDE][SIDE + 1];
	struct tile tile = tile_of(&turn);

	from += (size_t)tile.picture * turn.pixels * turn.c;
	y += (size_t)tile.picture * turn.pixels * turn.pitch;
	for (uint32_t i = threadIdx.y; i < SIDE; i += ROWS) {
		bool any = tile.channel + i < turn.c && tile.pixel + threadIdx.x < turn.pixels;

		numbers[i][threadIdx.x] = any ? from[(size_t)(tile.channel + i) * turn.pixels +
						     tile.pixel + threadIdx.x]
					      : 0.0f;
	}
	__syncthreads();
	for (uint32_t i = threadIdx.y; i < SIDE; i += ROWS)
		if (tile.pixel + i < turn.pixels && tile.channel + threadIdx.x < turn.pitch)
			sp_put1(y + (size_t)(tile.pixel + i) * turn.pitch + tile.channel +
					threadIdx.x,
				numbers[threadIdx.x][i]);
}

static struct turn turn_of(const struct sp_device_tensor *tensor, uint32_t channels)
{
	struct turn turn = { tensor->h * tensor->w, tensor->c, tensor->pitch, {} };

	turn.tiles[0] = (turn.pixels + SIDE - 1) / SIDE;
	turn.tiles[1] = (channels + SIDE - 1) / SIDE;
	return turn;
}

extern "C" cudaError_t sp_to_planes_launch(cudaStream_t stream, const struct sp_device_tensor *x,
					   float *to)
{
	struct turn turn = turn_of(x, x->c);
	dim3 grid(turn.tiles[0] * turn.tiles[1] * x->n), block(SIDE, ROWS);

	if (!grid.x)
		return cudaSuccess;
	if (x->type == SP_TENSOR_BF16)
		return sp_launch(to_planes<uint16_t>, grid, block, 0, stream, turn,
				 (const uint16_t *)x->at, to);
	return sp_launch(to_planes<float>, grid, block, 0, stream, turn, (const float *)x->at, to);
}

extern "C" cudaError_t sp_from_planes_launch(cudaStream_t stream, const float *from,
					     const struct sp_device_tensor *y)
{
	struct turn turn = turn_of(y, y->pitch);
	dim3 grid(turn.tiles[0] * turn.tiles[1] * y->n), block(SIDE, ROWS);

	if (!grid.x)
		return cudaSuccess;
	if (y->type == SP_TENSOR_BF16)
		return sp_launch(from_planes<uint16_t>, grid, block, 0, stream, turn, from,
				 (uint16_t *)y->at);
	return sp_launch(from_planes<float>, grid, block, 0, stream, turn, from, (float *)y->at);
}
