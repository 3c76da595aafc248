/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two numbers, for 5 Mpixel of BayerRG8 (2448 × 2048) to 640 × 535 in bfloat16: operations, 9
 * million multiplications and additions of float32, in about 70 million instructions of threads
 * with all that finds and decodes samples (counted in PTX); bytes, 5.0 MB read and 2.8 MB written.
 *
 * A block makes a part of an input: as many columns as a warp can have the units of, 32 lines. A
 * warp walks down its lines' rows, each thread with a few units side by side, and adds them up by
 * the rows' weights; what makes up a line of the result then lies in shared memory, and its threads
 * add that up across. So each unit is decoded once, but for the row in which two warps meet. What
 * is so small that a pixel is more than a warp's units is made from several such stretches.
 */
#include "cuda/preprocess.h"

#include "cuda/bf16.h"
#include "cuda/dialect.h"
#include "cuda/span.h"
#include "cuda/units.h"

enum {
	WARP = 32,
	WARPS = 4, /* of a block */
	THREADS = WARP * WARPS,
	WARP_LINES = 8, /* of the result */
	BLOCK_LINES = WARPS * WARP_LINES,
	COLUMNS_MAX = 256, /* of the result, of a block */
	TILE = 8, /* columns begin at multiples of these, where they can */
	SIDE_MAX = 16384, /* pixels; wider or higher frames are refused */
	SUMS = WARP * SP_UNIT_VALUES_MAX, /* of a warp */
};

/* A span and the share of the mean that its first unit, each whole one and its last one have. */
struct __align__(16) taps
{
	uint16_t first, last;
	float of_first, of_whole, of_last;
};

/* So that a warp fetches it in one request over the bus. */
union fetched {
	struct sp_preprocess_look look;
	uint64_t words[sizeof(struct sp_preprocess_look) / 8];
};

static_assert(sizeof(union fetched) == sizeof(struct sp_preprocess_look), "whole words");

struct block_memory {
	union fetched fetched;
	struct taps columns[COLUMNS_MAX], lines[BLOCK_LINES];
	__align__(16) float sums[WARPS][SUMS];
	float partial[BLOCK_LINES][3]; /* of a column that is made from several stretches */
};

struct result {
	void *at;
	enum sp_tensor_type type;
	uint32_t width, height;
	struct sp_input_form form;
};

/* Where a block's part of a result is. */
struct tile {
	uint32_t x, y, columns, lines;
	uint32_t index; /* of the picture */
	bool swap; /* the input's colours are the other way round than those that are read */
};

static __device__ __forceinline__ void emit(const struct result *result, uint32_t index, uint32_t x,
					    uint32_t y, const float *colours)
{
	size_t at = ((size_t)index * result->height + y) * result->width + x;
	float value[3];

	SP_UNROLL
	for (int i = 0; i < 3; i++)
		value[i] = colours[i] * result->form.scale[i] + result->form.shift[i];
	if (result->type == SP_TENSOR_F32)
		((float4 *)result->at)[at] = make_float4(value[0], value[1], value[2], 0);
	else
		((uint2 *)result->at)[at] = make_uint2(sp_bf16_pair(value[0], value[1]),
						       sp_bf16_pair(value[2], 0));
}

/* What is right of and below @columns × @lines. By all blocks of a picture. */
static __device__ __forceinline__ void fill_black(const struct result *result, uint32_t index,
						  uint32_t columns, uint32_t lines)
{
	const float black[3] = { 0, 0, 0 };

	for (uint32_t y = blockIdx.x; y < result->height; y += gridDim.x)
		for (uint32_t x = (y < lines ? columns : 0) + threadIdx.x; x < result->width;
		     x += THREADS)
			emit(result, index, x, y, black);
}

static __device__ __forceinline__ struct taps taps_of(uint32_t i, uint32_t side, uint32_t width,
						      uint32_t unit)
{
	struct sp_device_span span = sp_span_at(i, side, width, unit);
	struct taps taps;

	taps.first = (uint16_t)span.first;
	taps.last = (uint16_t)span.last;
	taps.of_first = span.of_first * span.part;
	taps.of_whole = span.part;
	taps.of_last = span.of_last * span.part;
	return taps;
}

/* Adds @share of the colours at @sums, which lie @units apart. */
template <int colours, int units>
static __device__ __forceinline__ void add_share(float share, const float *sums, float *mean)
{
	SP_UNROLL
	for (int c = 0; c < colours; c++)
		mean[c] += share * sums[c * units];
}

/* Line @line of a tile from a warp's sums, which begin with unit @begin. */
template <int reading>
static __device__ __forceinline__ void across(struct block_memory *memory,
					      const struct result *result, const struct tile *tile,
					      uint32_t line, int32_t begin)
{
	const int units = WARP * SP_UNITS(reading), colours_n = SP_UNIT_COLOURS(reading);
	const float *sums = memory->sums[threadIdx.x / WARP];

	for (uint32_t i = threadIdx.x % WARP; i < tile->columns; i += WARP) {
		const struct taps taps = memory->columns[i];
		int32_t first = max((int32_t)taps.first, begin);
		int32_t last = min((int32_t)taps.last, begin + units - 1);
		float mean[3] = { 0, 0, 0 }, colours[3];

		add_share<colours_n, units>(first == taps.first ? taps.of_first : taps.of_whole,
					    sums + first - begin, mean);
		SP_ROLL
		for (int32_t k = first + 1; k < last; k++)
			add_share<colours_n, units>(taps.of_whole, sums + k - begin, mean);
		if (last > first)
			add_share<colours_n, units>(last == taps.last ? taps.of_last
								      : taps.of_whole,
						    sums + last - begin, mean);
		if (first > taps.first) {
			SP_UNROLL
			for (int c = 0; c < 3; c++)
				mean[c] += memory->partial[line][c];
		}
		if (last < taps.last) {
			SP_UNROLL
			for (int c = 0; c < 3; c++)
				memory->partial[line][c] = mean[c];
			continue;
		}
		if (reading == SP_READ_GREY)
			mean[1] = mean[2] = mean[0];
		colours[0] = tile->swap ? mean[2] : mean[0];
		colours[1] = mean[1];
		colours[2] = tile->swap ? mean[0] : mean[2];
		emit(result, tile->index, tile->x + i, tile->y + line, colours);
	}
}

/* A warp's lines of a tile from a stretch of units that begins with @begin. */
template <int reading, int bits>
static __device__ __forceinline__ void walk(struct block_memory *memory,
					    const struct result *result, const struct tile *tile,
					    int32_t begin)
{
	const struct sp_preprocess_look *look = &memory->fetched.look;
	const int unit = SP_UNIT_SIDE(reading), values_n = SP_UNIT_VALUES(reading);
	int32_t thread = (int32_t)(threadIdx.x % WARP), own = begin + thread * SP_UNITS(reading);
	uint32_t line = threadIdx.x / WARP * WARP_LINES;
	uint32_t end = min(line + WARP_LINES, tile->lines);
	float *sums = memory->sums[threadIdx.x / WARP] + thread * SP_UNITS(reading);
	float values[SP_UNIT_VALUES(reading)], sum[SP_UNIT_VALUES(reading)];
	struct sp_unit_reader reader;
	uint32_t row, last_row;

	if (line >= end)
		return;
	row = memory->lines[line].first;
	last_row = memory->lines[end - 1].last;
	reader.picture = &look->picture;
	reader.column = (int32_t)look->fit.from.x + own * unit;
	reader.reads = own <= (int32_t)memory->columns[tile->columns - 1].last;
	sp_units_begin<reading, bits>(&reader, look->fit.from.y + row * unit);
	sp_units_read<reading, bits>(&reader, row < last_row, values);
	for (; line < end; line++) {
		const struct taps taps = memory->lines[line];

		/* Lines share a row, or the next one begins with another. */
		if (row < taps.first)
			sp_units_read<reading, bits>(&reader, ++row < last_row, values);
		SP_UNROLL
		for (int i = 0; i < values_n; i++)
			sum[i] = taps.of_first * values[i];
		while (row < taps.last) {
			float share;

			sp_units_read<reading, bits>(&reader, ++row < last_row, values);
			share = row < taps.last ? taps.of_whole : taps.of_last;
			SP_UNROLL
			for (int i = 0; i < values_n; i++)
				sum[i] += share * values[i];
		}
		/* Colour by colour, a thread's units side by side. */
		SP_UNROLL
		for (int i = 0; i < values_n; i += 4)
			*(float4 *)&sums[i / SP_UNITS(reading) * WARP * SP_UNITS(reading) +
					 i % SP_UNITS(reading)] =
				make_float4(sum[i], sum[i + 1], sum[i + 2], sum[i + 3]);
		__syncwarp();
		across<reading>(memory, result, tile, line, begin);
		__syncwarp();
	}
}

/* The unit that stretches begin with so that @first is in the first one. */
template <int reading>
static __device__ __forceinline__ int32_t begin_of(const struct sp_preprocess_look *look,
						   int32_t first)
{
	int32_t column = (int32_t)look->fit.from.x + first;

	/* With a column that holds red; with the first pixel of a pair. */
	if (reading == SP_READ_MOSAIC)
		return first - ((column ^ look->picture.red_x) & 1);
	return reading == SP_READ_YUYV ? first - (column & 1) : first;
}

/* A block's tiles of a picture. */
template <int reading, int bits>
static __device__ __forceinline__ void make(struct block_memory *memory,
					    const struct result *result)
{
	const struct sp_preprocess_look *look = &memory->fetched.look;
	const struct sp_fit *fit = &look->fit;
	const uint32_t unit = SP_UNIT_SIDE(reading), units = WARP * SP_UNITS(reading);
	/* As many columns as have all their units in a stretch: one to align, two for fractions. */
	uint32_t most = min((units - 3) * unit * fit->width / fit->from.width,
			    (uint32_t)COLUMNS_MAX);
	uint32_t columns = most >= TILE ? most / TILE * TILE : max(most, 1u);
	uint32_t across_n = (fit->width + columns - 1) / columns;
	uint32_t n = across_n * ((fit->height + BLOCK_LINES - 1) / BLOCK_LINES);
	struct tile tile;

	tile.index = blockIdx.y;
	tile.swap = result->form.bgr != (look->picture.kind == SP_PFNC_BGR);
	for (uint32_t at = blockIdx.x; at < n; at += gridDim.x) {
		int32_t last;

		tile.x = at % across_n * columns;
		tile.y = at / across_n * BLOCK_LINES;
		tile.columns = min(columns, fit->width - tile.x);
		tile.lines = min((uint32_t)BLOCK_LINES, fit->height - tile.y);
		for (uint32_t i = threadIdx.x; i < tile.columns; i += THREADS)
			memory->columns[i] = taps_of(tile.x + i, fit->from.width, fit->width, unit);
		if (threadIdx.x < tile.lines)
			memory->lines[threadIdx.x] = taps_of(tile.y + threadIdx.x, fit->from.height,
							     fit->height, unit);
		__syncthreads();
		last = memory->columns[tile.columns - 1].last;
		for (int32_t begin = begin_of<reading>(look, memory->columns[0].first);
		     begin <= last; begin += (int32_t)units)
			walk<reading, bits>(memory, result, &tile, begin);
		/* The taps are written anew. */
		__syncthreads();
	}
}

/* Whether what is wanted of a picture is in it and in the result: as sp_scale_run. */
static __device__ __forceinline__ bool can_make(const struct sp_preprocess_look *look,
						const struct result *result)
{
	const struct sp_picture *picture = &look->picture;
	const struct sp_fit *fit = &look->fit;
	uint32_t least = picture->kind == SP_PFNC_BAYER ? 2 : 1;

	return picture->at && picture->width >= least && picture->width <= SIDE_MAX &&
	       picture->height >= least && picture->height <= SIDE_MAX &&
	       !(picture->kind == SP_PFNC_YUYV && picture->width % 2) && fit->width &&
	       fit->height && fit->width <= fit->from.width && fit->height <= fit->from.height &&
	       fit->from.x <= picture->width && fit->from.width <= picture->width - fit->from.x &&
	       fit->from.y <= picture->height &&
	       fit->from.height <= picture->height - fit->from.y && fit->width <= result->width &&
	       fit->height <= result->height;
}

/* A mosaic that shrinks to half or less is read by quads, which lie at even places. */
static __device__ __forceinline__ bool by_quads(const struct sp_fit *fit)
{
	return !((fit->from.x | fit->from.y) & 1) && fit->width <= fit->from.width / 2 &&
	       fit->height <= fit->from.height / 2;
}

static __device__ __forceinline__ void make_mosaic(struct block_memory *memory,
						   const struct result *result)
{
	bool quads = by_quads(&memory->fetched.look.fit);

	switch (memory->fetched.look.picture.bits_per_pixel) {
	case 10:
		return quads ? make<SP_READ_QUADS, 10>(memory, result)
			     : make<SP_READ_MOSAIC, 10>(memory, result);
	case 12:
		return quads ? make<SP_READ_QUADS, 12>(memory, result)
			     : make<SP_READ_MOSAIC, 12>(memory, result);
	default:
		return quads ? make<SP_READ_QUADS, 8>(memory, result)
			     : make<SP_READ_MOSAIC, 8>(memory, result);
	}
}

static __device__ __forceinline__ void make_grey(struct block_memory *memory,
						 const struct result *result)
{
	switch (memory->fetched.look.picture.bits_per_pixel) {
	case 10:
		return make<SP_READ_GREY, 10>(memory, result);
	case 12:
		return make<SP_READ_GREY, 12>(memory, result);
	case 16:
		return make<SP_READ_GREY, 16>(memory, result);
	default:
		return make<SP_READ_GREY, 8>(memory, result);
	}
}

static __global__ void __launch_bounds__(THREADS, 7)
	preprocess_kernel(const union fetched *looks, struct result result)
{
	__shared__ struct block_memory memory[1];
	const struct sp_preprocess_look *look = &memory->fetched.look;

	if (threadIdx.x < sizeof(memory->fetched) / 8)
		memory->fetched.words[threadIdx.x] = looks[blockIdx.y].words[threadIdx.x];
	__syncthreads();
	if (!can_make(look, &result)) {
		fill_black(&result, blockIdx.y, 0, 0);
		return;
	}
	fill_black(&result, blockIdx.y, look->fit.width, look->fit.height);
	switch (look->picture.kind) {
	case SP_PFNC_BAYER:
		make_mosaic(memory, &result);
		break;
	case SP_PFNC_YUYV:
		make<SP_READ_YUYV, 16>(memory, &result);
		break;
	case SP_PFNC_RGB:
	case SP_PFNC_BGR:
		make<SP_READ_TRIPLES, 24>(memory, &result);
		break;
	default:
		make_grey(memory, &result);
	}
}

cudaError_t sp_preprocess_launch(cudaStream_t stream, const struct sp_preprocess_look *looks,
				 uint32_t n, const struct sp_input_form *form,
				 const struct sp_device_tensor *input)
{
	/* Of looks that are made from larger ones, blocks make several tiles each. */
	uint32_t blocks = ((input->w + WARP - 1) / WARP) *
			  ((input->h + BLOCK_LINES - 1) / BLOCK_LINES);
	struct result result;

	result.at = input->at;
	result.type = input->type;
	result.width = input->w;
	result.height = input->h;
	result.form = *form;
	if (!n || !blocks)
		return cudaSuccess;
	return sp_launch(preprocess_kernel, dim3(blocks, n), dim3(THREADS), 0, stream,
			 (const union fetched *)looks, result);
}
