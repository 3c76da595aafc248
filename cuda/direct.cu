/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dense convolutions without tensor cores: in float32, and of groups. A thread has PIXELS pixels of
 * a line and four outputs, and reads four channels at once; threads beside each other have the same
 * pixels and read them together.
 *
 * Operations: kh · kw · C / group multiply-adds a number of y. Bytes: x and y once, weights through
 * the L1 cache, eight times as many multiply-adds as 16-byte reads. From a few channels on the
 * multiply-adds are the bound. Groups that do not go by fours take one thread a number and are
 * bound by reads.
 */
#include "cuda/direct_end.h"

enum { PIXELS = 4, OUTPUTS = 4, CHANNELS = 4 };

/* Item @i: outputs side by side, then items of a line, lines, pictures. */
struct place {
	uint32_t output, ox, oy, picture;
};

static __device__ __forceinline__ struct place place_of(const struct sp_direct *work, size_t i,
							uint32_t outputs, uint32_t pixels)
{
	uint32_t runs = work->end.pitch / outputs;
	size_t item = i / runs;
	uint32_t line = (uint32_t)(item / work->across);
	struct place place;

	place.output = (uint32_t)(i - item * runs) * outputs;
	place.ox = (uint32_t)(item - (size_t)line * work->across) * pixels;
	place.oy = line % work->plan.oh;
	place.picture = line / work->plan.oh;
	return place;
}

/* Adds up one tap: all channels of a group, of the pixels in @column of the line that @x is of. */
template <typename Number>
static __device__ __forceinline__ void tap(const struct sp_direct *work, const Number *x,
					   const uint32_t column[PIXELS], const float *weights,
					   float sums[PIXELS][OUTPUTS])
{
	const struct sp_direct_plan *plan = &work->plan;

	SP_ROLL
	for (uint32_t c = 0; c < plan->group_room; c += CHANNELS) {
		float in[PIXELS][CHANNELS], by[CHANNELS][OUTPUTS];

		SP_UNROLL
		for (int k = 0; k < PIXELS; k++) {
			SP_UNROLL
			for (int i = 0; i < CHANNELS; i++)
				in[k][i] = 0.0f;
			if (column[k] < plan->w)
				sp_get4(x + (size_t)column[k] * plan->pitch + c, in[k]);
		}
		SP_UNROLL
		for (int i = 0; i < CHANNELS; i++)
			sp_get4(weights + (size_t)(c + i) * work->end.pitch, by[i]);
		SP_UNROLL
		for (int i = 0; i < PIXELS * OUTPUTS * CHANNELS; i++) {
			int k = i / (OUTPUTS * CHANNELS), o = i % OUTPUTS;
			int channel = i / OUTPUTS % CHANNELS;

			sums[k][o] += in[k][channel] * by[channel][o];
		}
	}
}

template <typename Number>
static __device__ __forceinline__ void pixels(const struct sp_direct *work,
					      const struct place *place)
{
	const struct sp_direct_plan *plan = &work->plan;
	const Number *x = (const Number *)work->x +
			  (size_t)place->picture * plan->h * plan->w * plan->pitch;
	const float *weights = (const float *)work->weights + place->output;
	size_t at = (((size_t)place->picture * plan->oh + place->oy) * plan->ow + place->ox) *
		    work->end.pitch;
	float sums[PIXELS][OUTPUTS];

	/* Outputs of padding have the last group's channels, and weights that are 0. */
	x += min(place->output, work->end.oc - 1) / plan->group_oc * plan->group_c;
	SP_UNROLL
	for (int i = 0; i < PIXELS * OUTPUTS; i++)
		sums[i / OUTPUTS][i % OUTPUTS] = 0.0f;
	for (uint32_t ky = 0; ky < plan->kernel[0]; ky++) {
		/* Beyond the upper border this wraps around, and is too large then as well. */
		uint32_t line = place->oy * work->stride[0] - work->pad[0] + ky * work->dilation[0];

		for (uint32_t kx = 0; kx < plan->kernel[1] && line < plan->h; kx++) {
			size_t taps = (size_t)ky * plan->kernel[1] + kx;
			uint32_t column[PIXELS];

			SP_UNROLL
			for (int k = 0; k < PIXELS; k++)
				column[k] = (place->ox + k) * work->stride[1] - work->pad[1] +
					    kx * work->dilation[1];
			tap<Number>(work, x + (size_t)line * plan->w * plan->pitch, column,
				    weights + taps * plan->group_room * work->end.pitch, sums);
		}
	}
	SP_UNROLL
	for (int k = 0; k < PIXELS; k++)
		if (place->ox + k < plan->ow)
			sp_direct_finish<Number, OUTPUTS>(&work->end, at + k * work->end.pitch,
							  place->output, sums[k]);
}

template <typename Number>
static __global__ void __launch_bounds__(SP_GRID_THREADS, 2) tiled(struct sp_direct work, size_t n)
{
	for (size_t i = sp_grid_first(); i < n; i += sp_grid_step()) {
		struct place place = place_of(&work, i, OUTPUTS, PIXELS);

		pixels<Number>(&work, &place);
	}
}

/* ---- groups of any size: a number a thread ---- */

template <typename Number>
static __device__ __forceinline__ float number(const struct sp_direct *work,
					       const struct place *place)
{
	const struct sp_direct_plan *plan = &work->plan;
	const Number *x = (const Number *)work->x +
			  (size_t)place->picture * plan->h * plan->w * plan->pitch +
			  place->output / plan->group_oc * plan->group_c;
	float sum = 0.0f;

	for (uint32_t i = 0; i < plan->kernel[0] * plan->kernel[1]; i++) {
		uint32_t ky = i / plan->kernel[1], kx = i % plan->kernel[1];
		uint32_t line = place->oy * work->stride[0] - work->pad[0] + ky * work->dilation[0];
		uint32_t column = place->ox * work->stride[1] - work->pad[1] +
				  kx * work->dilation[1];
		const float *weights = (const float *)work->weights + place->output +
				       (size_t)i * plan->group_room * work->end.pitch;

		if (line >= plan->h || column >= plan->w)
			continue;
		for (uint32_t c = 0; c < plan->group_c; c++)
			sum += sp_get1(x + ((size_t)line * plan->w + column) * plan->pitch + c) *
			       weights[(size_t)c * work->end.pitch];
	}
	return sum;
}

template <typename Number>
static __global__ void __launch_bounds__(SP_GRID_THREADS)
	any_groups(struct sp_direct work, size_t n)
{
	for (size_t i = sp_grid_first(); i < n; i += sp_grid_step()) {
		struct place place = place_of(&work, i, 1, 1);
		float sum = 0.0f;

		if (place.output < work.end.oc) {
			sum = number<Number>(&work, &place) + work.end.bias[place.output];
			if (work.end.residual)
				sum += sp_get1((const Number *)work.end.residual + i);
			sp_act<1>(&work.end.act, place.output, &sum);
		}
		sp_put1((Number *)work.end.y + i, sum);
	}
}

template <typename Number> static cudaError_t launch(cudaStream_t stream, struct sp_direct *work)
{
	bool by_fours = work->plan.kind == SP_DIRECT_TILED;
	uint32_t outputs = by_fours ? OUTPUTS : 1, pixels_n = by_fours ? PIXELS : 1;
	size_t n;

	work->across = (work->plan.ow + pixels_n - 1) / pixels_n;
	n = (size_t)work->end.pitch / outputs * work->across * work->plan.oh * work->n;
	if (by_fours)
		return sp_launch(tiled<Number>, sp_grid(n), dim3(SP_GRID_THREADS), 0, stream, *work,
				 n);
	return sp_launch(any_groups<Number>, sp_grid(n), dim3(SP_GRID_THREADS), 0, stream, *work,
			 n);
}

extern "C" cudaError_t sp_direct_tiled(cudaStream_t stream, enum sp_tensor_type type,
				       struct sp_direct *work)
{
	return type == SP_TENSOR_BF16 ? launch<uint16_t>(stream, work)
				      : launch<float>(stream, work);
}
