/* SPDX-License-Identifier: Apache-2.0 */
/*
 * warp: a thread a pixel of the aligned picture, which reads what of the frame is around its place;
 * a block makes eight lines. Neighbours in a picture are neighbours in the frame, so caches serve
 * most.
 *
 * Numbers of warp, a face: 12,544 × 3 × 9 operations of the interpolation, of a mosaic 12,544 × 4 ×
 * 12 more; the frame's part under it, of a face 200 pixels across 80 KB of BayerRG8; 37,632 bytes
 * written. Numbers of form: 12,544 × 3 × 2 operations at 112 pixels; 37,632 bytes read, 100,352
 * written (bf16).
 */
#include "cuda/face.h"

#include "cuda/numbers.h"
#include "cuda/pinned.h"
#include "cuda/samples.h"

enum {
	SIDE = SP_ALIGNED_SIDE,
	LINES = 8, /* a block */
	AT_ONCE = 2, /* lines */
	THREADS = AT_ONCE * SIDE,
	BLOCKS = SIDE / LINES, /* a face */
	LINE_BYTES = 3 * SIDE,
	FORM_THREADS = 256,
	GRID_MAX = 65535, /* faces; more are taken in turns */
};

/* floorf for what is above -2^31. */
static __device__ __forceinline__ int floor_of(float x)
{
	int whole = (int)x;

	return whole - (x < (float)whole);
}

/*
 * The column or line on the other side of the border; for what no pixel needs, any that there is.
 */
static __device__ __forceinline__ uint32_t mirrored(int at, uint32_t side)
{
	int last = (int)side - 1;

	at = at < 0 ? -at : at > last ? 2 * last - at : at;
	return (uint32_t)max(min(at, last), 0);
}

/* Pixels (x, y), (x + 1, y), (x, y + 1), (x + 1, y + 1) of a mosaic, from the 16 samples around. */
static __device__ __forceinline__ void demosaic_four(const struct sp_picture *picture, int x, int y,
						     uint8_t rgb[4][3])
{
	uint8_t level[4][4];
	uint32_t columns[4];

	SP_UNROLL
	for (int i = 0; i < 4; i++)
		columns[i] = mirrored(x - 1 + i, picture->width);
	SP_UNROLL
	for (int k = 0; k < 4; k++) {
		uint32_t line = mirrored(y - 1 + k, picture->height);

		SP_UNROLL
		for (int i = 0; i < 4; i++)
			level[k][i] = sp_picture_level(picture, columns[i], line);
	}
	SP_UNROLL
	for (int i = 0; i < 4; i++) {
		int column = i % 2, line = i / 2;

		sp_demosaic(level[line], level[line + 1], level[line + 2], column, column + 1,
			    column + 2, ((y + line) & 1) == picture->red_y,
			    ((x + column) & 1) == picture->red_x, rgb[i]);
	}
}

static __device__ __forceinline__ void read_four(const struct sp_picture *picture, int x, int y,
						 uint8_t rgb[4][3])
{
	bool mosaic = picture->kind == SP_PFNC_BAYER;

	if (mosaic)
		demosaic_four(picture, x, y, rgb);
	SP_UNROLL
	for (int i = 0; i < 4; i++) {
		uint32_t column = (uint32_t)(x + i % 2), line = (uint32_t)(y + i / 2);

		/* -1 is large. */
		if (column >= picture->width || line >= picture->height)
			rgb[i][0] = rgb[i][1] = rgb[i][2] = 0;
		else if (!mosaic)
			sp_picture_colour(picture, column, line, rgb[i]);
	}
}

/* The aligned picture's pixel at (@column, @line). */
static __device__ __forceinline__ void warp_pixel(const struct sp_warp_face *face, uint32_t column,
						  uint32_t line, uint8_t rgb[3])
{
	const struct sp_picture *picture = &face->picture;
	uint8_t from[4][3];
	float x, y, fx, fy;
	int left, top;

	rgb[0] = rgb[1] = rgb[2] = 0;
	if (!picture->at)
		return;
	sp_similarity_apply(&face->to_frame, (float)column, (float)line, &x, &y);
	if (!(x > -1 && y > -1 && x < (float)picture->width && y < (float)picture->height))
		return;
	left = floor_of(x);
	top = floor_of(y);
	fx = x - (float)left;
	fy = y - (float)top;
	read_four(picture, left, top, from);
	SP_UNROLL
	for (int c = 0; c < 3; c++)
		rgb[c] = (uint8_t)(sp_bilinear(from[0][c], from[1][c], from[2][c], from[3][c], fx,
					       fy) +
				   0.5f);
}

static __global__ void __launch_bounds__(THREADS)
	warp(const struct sp_warp_face *faces, uint32_t n, uint8_t *aligned)
{
	__shared__ struct sp_warp_face face;
	__shared__ uint4 lines[LINES * LINE_BYTES / 16];
	uint32_t t = threadIdx.x, first = blockIdx.x * LINES;

	for (uint32_t i = blockIdx.y; i < n; i += gridDim.y) {
		uint4 *to = (uint4 *)(aligned + (size_t)i * SP_ALIGNED_BYTES + first * LINE_BYTES);

		sp_pinned_read(&face, &faces[i]);
		for (uint32_t line = t / SIDE; line < LINES; line += AT_ONCE) {
			uint8_t rgb[3], *at = (uint8_t *)lines + line * LINE_BYTES + t % SIDE * 3;

			warp_pixel(&face, t % SIDE, first + line, rgb);
			at[0] = rgb[0];
			at[1] = rgb[1];
			at[2] = rgb[2];
		}
		__syncthreads();
		for (uint32_t k = t; k < LINES * LINE_BYTES / 16; k += THREADS)
			to[k] = lines[k];
		__syncthreads();
	}
}

cudaError_t sp_warp_launch(cudaStream_t stream, const struct sp_warp_face *faces, uint32_t n,
			   uint8_t *aligned)
{
	if (!n)
		return cudaSuccess;
	return sp_launch(warp, dim3(BLOCKS, min(n, (uint32_t)GRID_MAX)), dim3(THREADS), 0, stream,
			 faces, n, aligned);
}

/* ---- the form that a network wants ---- */

/* As in infer/face_input.c: the left neighbour of pixel @i of @side, and the right one's weight. */
static __device__ __forceinline__ uint32_t tap(uint32_t i, uint32_t side, int *ret_weight)
{
	const int last = SIDE - 2;
	int parts = 2 * (int)side, at = (2 * (int)i + 1) * SIDE - (int)side;

	*ret_weight = 0;
	if (at <= 0)
		return 0;
	if (at / parts > last) {
		*ret_weight = 2048;
		return last;
	}
	*ret_weight = (at % parts * 2048 + (int)side) / parts;
	return (uint32_t)(at / parts);
}

static __device__ __forceinline__ int level_at(const uint8_t *at, int wx, int wy)
{
	const uint8_t *below = at + LINE_BYTES;

	return sp_bilinear_u8(at[0], at[3], below[0], below[3], wx, wy);
}

template <typename Number>
static __global__ void __launch_bounds__(FORM_THREADS)
	form(const uint8_t *aligned, uint32_t n, uint32_t side, struct sp_input_form wanted,
	     Number *to)
{
	uint32_t place = blockIdx.x * FORM_THREADS + threadIdx.x, pixels = side * side;
	uint32_t x = place % side, y = place / side;

	for (uint32_t i = blockIdx.y; i < n && place < pixels; i += gridDim.y) {
		const uint8_t *rgb = aligned + (size_t)i * SP_ALIGNED_BYTES;
		int level[3], wx, wy;
		float number[4];

		if (side == SIDE) {
			for (int c = 0; c < 3; c++)
				level[c] = rgb[3 * place + c];
		} else {
			rgb += tap(y, side, &wy) * LINE_BYTES;
			rgb += tap(x, side, &wx) * 3;
			for (int c = 0; c < 3; c++)
				level[c] = level_at(rgb + c, wx, wy);
		}
		for (int c = 0; c < 3; c++)
			number[c] = sp_product((float)(wanted.bgr ? level[2 - c] : level[c]),
					       wanted.scale[c]) +
				    wanted.shift[c];
		number[3] = 0;
		sp_put4(to + 4 * ((size_t)i * pixels + place), number);
	}
}

cudaError_t sp_face_input_launch(cudaStream_t stream, const uint8_t *aligned, uint32_t n,
				 const struct sp_input_form *wanted,
				 const struct sp_device_tensor *input)
{
	uint32_t side = input->w, blocks = (side * side + FORM_THREADS - 1) / FORM_THREADS;
	dim3 grid(blocks, min(n, (uint32_t)GRID_MAX));

	if (!n)
		return cudaSuccess;
	if (input->type == SP_TENSOR_BF16)
		return sp_launch(form<uint16_t>, grid, dim3(FORM_THREADS), 0, stream, aligned, n,
				 side, *wanted, (uint16_t *)input->at);
	return sp_launch(form<float>, grid, dim3(FORM_THREADS), 0, stream, aligned, n, side,
			 *wanted, (float *)input->at);
}
