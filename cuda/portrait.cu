/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shrink: a thread a pixel of the portrait, the exact mean of what it covers: weights are whole
 * numbers (a border between pixels of the portrait is a fraction of the frame's pixels by the
 * portrait's side), so only the last division rounds. A mosaic that shrinks to half or less is read
 * by quads, as infer/scale.h has it. A block makes 256 pixels and writes them to the host as words.
 *
 * Numbers, a portrait of 256 × 256 from 512 × 512 of BayerRG8: 65,536 × 3 × 4 operations; 262,144
 * bytes read, 196,608 written over the bus.
 */
#include "cuda/face.h"

#include "cuda/pinned.h"
#include "cuda/samples.h"
#include "infer/compute.h"

enum {
	THREADS = 256,
	BLOCKS = SP_PORTRAIT_MAX * SP_PORTRAIT_MAX / THREADS, /* of the largest portrait */
	BYTES = 3 * THREADS,
	GRID_MAX = 65535, /* faces; more are taken in turns */
};

/*
 * What pixel @i of @n covers of units [0, units): from @first on, in parts of which a unit has
 * `unit`.
 */
struct cover {
	uint32_t first, last; /* units */
	uint32_t from, to; /* parts */
	uint32_t unit;
};

/* @side pixels become @n; a unit is @pixels of them, an odd last one is in none. */
static __device__ __forceinline__ struct cover cover_of(uint32_t i, uint32_t side, uint32_t n,
							uint32_t pixels)
{
	struct cover cover;

	cover.unit = pixels * n;
	cover.from = i * side;
	cover.to = min(cover.from + side, side / pixels * cover.unit);
	cover.first = cover.from / cover.unit;
	cover.last = (cover.to - 1) / cover.unit;
	return cover;
}

/* Parts of unit @u. */
static __device__ __forceinline__ uint32_t weight_of(const struct cover *cover, uint32_t u)
{
	return min(cover->to, (u + 1) * cover->unit) - max(cover->from, u * cover->unit);
}

/* Level @sum / @all, to the nearest; halves up. */
static __device__ __forceinline__ uint8_t mean_of(uint64_t sum, uint64_t all)
{
	return (uint8_t)((2 * sum + all) / (2 * all));
}

static __device__ __forceinline__ void shrink_pixel(const struct sp_portrait_face *face,
						    uint32_t column, uint32_t line, bool quads,
						    uint8_t rgb[3])
{
	const struct sp_picture *picture = &face->picture;
	const struct sp_scale_rect *rect = &face->rect;
	uint32_t pixels = quads ? 2 : 1, left = rect->x / pixels, top = rect->y / pixels;
	struct cover x = cover_of(column, rect->width, face->width, pixels);
	struct cover y = cover_of(line, rect->height, face->height, pixels);
	uint64_t sum[3] = { 0, 0, 0 }, all = (uint64_t)(x.to - x.from) * (y.to - y.from);

	for (uint32_t v = y.first; v <= y.last; v++) {
		/* At most 256 × 2 parts of 16384 units of 255: 31 bits. */
		uint32_t row[3] = { 0, 0, 0 }, weight;
		uint8_t own[3];

		for (uint32_t u = x.first; u <= x.last; u++) {
			if (quads)
				sp_picture_quad(picture, left + u, top + v, own);
			else
				sp_picture_colour(picture, left + u, top + v, own);
			weight = weight_of(&x, u);
			for (int c = 0; c < 3; c++)
				row[c] += weight * own[c];
		}
		weight = weight_of(&y, v);
		for (int c = 0; c < 3; c++)
			sum[c] += (uint64_t)weight * row[c];
	}
	for (int c = 0; c < 3; c++)
		rgb[c] = mean_of(sum[c], all);
}

/* @bytes to the host, as words where they begin at one. */
static __device__ __forceinline__ void write_out(uint8_t *to, const uint32_t *words, uint32_t bytes)
{
	uint32_t t = threadIdx.x, whole = (uintptr_t)to % 4 ? 0 : bytes / 4;

	if (t < whole)
		((uint32_t *)to)[t] = words[t];
	for (uint32_t i = 4 * whole + t; i < bytes; i += THREADS)
		to[i] = ((const uint8_t *)words)[i];
}

static __global__ void __launch_bounds__(THREADS)
	shrink(const struct sp_portrait_face *faces, uint32_t n)
{
	__shared__ struct sp_portrait_face face;
	__shared__ uint32_t words[BYTES / 4];
	uint32_t t = threadIdx.x, first = blockIdx.x * THREADS;

	for (uint32_t i = blockIdx.y; i < n; i += gridDim.y) {
		uint32_t pixels, own = first + t;
		bool quads;

		sp_pinned_read(&face, &faces[i]);
		pixels = face.picture.at ? face.width * face.height : 0;
		quads = face.picture.kind == SP_PFNC_BAYER && !(face.rect.x & 1) &&
			!(face.rect.y & 1) && face.width <= face.rect.width / 2 &&
			face.height <= face.rect.height / 2;
		if (own < pixels) {
			uint8_t rgb[3], *at = (uint8_t *)words + 3 * t;

			shrink_pixel(&face, own % face.width, own / face.width, quads, rgb);
			at[0] = rgb[0];
			at[1] = rgb[1];
			at[2] = rgb[2];
		}
		__syncthreads();
		if (first < pixels)
			write_out(face.rgb + 3 * (size_t)first, words,
				  3 * min(pixels - first, (uint32_t)THREADS));
		__syncthreads();
	}
}

cudaError_t sp_portrait_launch(cudaStream_t stream, const struct sp_portrait_face *faces,
			       uint32_t n)
{
	if (!n)
		return cudaSuccess;
	return sp_launch(shrink, dim3(BLOCKS, min(n, (uint32_t)GRID_MAX)), dim3(THREADS), 0, stream,
			 faces, n);
}
