/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Depthwise convolutions: a thread has four channels, so that its weights, float32, stay in
 * registers.
 *
 * Operations: kh · kw multiply-adds a number of y. Bytes: x once, y once (residual once); what
 * neighbours read twice comes from the L1 cache. The device's memory is the bound: 3 × 3 in
 * bfloat16 has 2.25 multiply-adds a byte at stride 1 and .9 at stride 2. Four channels are 8 bytes
 * of bfloat16, not 16: with eight, three rows of sums and the weights would not fit in 128
 * registers, and reading each row once for the three rows of results that need it saves more than
 * wider loads would. Warps still read whole lines.
 */
#include "cuda/act.h"
#include "cuda/conv.h"
#include "cuda/numbers.h"

enum {
	LANES = 4, /* channels of a thread */
	THREADS = 128,
};

struct depthwise {
	const void *x, *residual;
	void *y;
	const float *weights; /* [kh · kw][pitch], then biases [pitch] */
	uint32_t n, h, w, oh, ow, c, pitch;
	uint32_t kernel[2], stride[2], dilation[2], pad[2];
	uint32_t chunks, beside; /* blocks that together have all channels, and a line of y */
	uint32_t across, down; /* threads that a line and a column of y need */
	struct sp_step_act act;
};

/* Residual and activation of four results at number @at of y, which begin with channel @channel. */
template <typename Number>
static __device__ __forceinline__ void finish(const struct depthwise *work, size_t at,
					      uint32_t channel, float sums[LANES])
{
	if (work->residual) {
		float more[LANES];

		sp_get4((const Number *)work->residual + at, more);
		SP_UNROLL
		for (int i = 0; i < LANES; i++)
			sums[i] += more[i];
	}
	sp_act<LANES>(&work->act, channel, sums);
	sp_pad<LANES>(channel, work->c, sums);
	sp_put4((Number *)work->y + at, sums);
}

/* What a thread has: in the order of blocks, channels, then columns, lines, pictures. */
struct place {
	uint32_t channel, across, down, picture;
	bool any; /* the last ones across may have nothing */
};

static __device__ __forceinline__ struct place place_of(const struct depthwise *work)
{
	uint32_t block = blockIdx.x;
	struct place place;

	place.channel = (block % work->chunks * blockDim.x + threadIdx.x) * LANES;
	block /= work->chunks;
	place.across = block % work->beside * blockDim.y + threadIdx.y;
	block /= work->beside;
	place.down = block % work->down;
	place.picture = block / work->down;
	place.any = place.channel < work->pitch && place.across < work->across;
	return place;
}

/* Adds what pixel @k of an input line, @in, is to the results of one line. */
template <int stride, int columns>
static __device__ __forceinline__ void
spread(int k, const float in[LANES], const float weights[3][LANES], float sums[columns][LANES])
{
	SP_UNROLL
	for (int r = 0; r < columns; r++) {
		int kx = k - r * stride;

		if (kx < 0 || kx > 2)
			continue;
		SP_UNROLL
		for (int i = 0; i < LANES; i++)
			sums[r][i] += in[i] * weights[kx][i];
	}
}

/* The results of a thread in line @oy of @picture, as far as they are within. */
template <typename Number, int columns>
static __device__ __forceinline__ void finish_line(const struct depthwise *work, uint32_t picture,
						   uint32_t oy, uint32_t ox, uint32_t channel,
						   float sums[columns][LANES])
{
	size_t at = (((size_t)picture * work->oh + oy) * work->ow + ox) * work->pitch + channel;

	if (oy >= work->oh)
		return;
	SP_UNROLL
	for (int k = 0; k < columns; k++)
		if (ox + k < work->ow)
			finish<Number>(work, at + k * work->pitch, channel, sums[k]);
}

/*
 * @rows × @columns results from (@oy, @ox) on, each line of the input read once, each line of
 * results gone as soon as it is done, so that no more than three are on the way.
 */
template <typename Number, int stride, int rows, int columns>
static __device__ __forceinline__ void tile3(const struct depthwise *work,
					     const float weights[3][3][LANES], uint32_t picture,
					     uint32_t oy, uint32_t ox, uint32_t channel)
{
	enum { IN_W = (columns - 1) * stride + 3, IN_H = (rows - 1) * stride + 3 };
	/* Beyond the upper and left border these wrap around, and are too large then as well. */
	uint32_t top = oy * stride - work->pad[0], left = ox * stride - work->pad[1];
	const Number *x = (const Number *)work->x + channel +
			  (size_t)picture * work->h * work->w * work->pitch;
	/* Read again for each line, for want of registers. */
	const float *bias = work->weights + 9 * work->pitch + channel;
	float sums[rows][columns][LANES];

	SP_UNROLL
	for (int row = 0; row < IN_H; row++) {
		uint32_t iy = top + row;
		const Number *line = x + (size_t)iy * work->w * work->pitch +
				     (ptrdiff_t)(int32_t)left * work->pitch;

		SP_UNROLL
		for (int k = 0; k < columns && row % stride == 0 && row / stride < rows; k++)
			sp_get4(bias, sums[row / stride][k]);
		SP_UNROLL
		for (int k = 0; k < IN_W; k++) {
			float in[LANES] = { 0.0f, 0.0f, 0.0f, 0.0f };

			if (iy < work->h && left + k < work->w)
				sp_get4(line + k * work->pitch, in);
			SP_UNROLL
			for (int r = 0; r < rows; r++) {
				int ky = row - r * stride;

				if (ky >= 0 && ky <= 2)
					spread<stride, columns>(k, in, weights[ky], sums[r]);
			}
		}
		if (row >= 2 && (row - 2) % stride == 0)
			finish_line<Number, columns>(work, picture, oy + (row - 2) / stride, ox,
						     channel, sums[(row - 2) / stride]);
	}
}

/* 3 × 3 without dilation. */
template <typename Number, int stride, int rows, int columns>
static __global__ void __launch_bounds__(THREADS, sizeof(Number) == 4 ? 3 : 4)
	depthwise3(struct depthwise work)
{
	struct place place = place_of(&work);
	float weights[3][3][LANES];

	if (!place.any)
		return;
	SP_UNROLL
	for (int k = 0; k < 9; k++)
		sp_get4(work.weights + k * work.pitch + place.channel, weights[k / 3][k % 3]);
	tile3<Number, stride, rows, columns>(&work, weights, place.picture, place.down * rows,
					     place.across * columns, place.channel);
}

/* Any kernel: a thread has one pixel. */
template <typename Number>
static __device__ __forceinline__ void pixel(const struct depthwise *work, uint32_t picture,
					     uint32_t oy, uint32_t ox, uint32_t channel)
{
	const Number *x = (const Number *)work->x +
			  (size_t)picture * work->h * work->w * work->pitch;
	uint32_t top = oy * work->stride[0] - work->pad[0];
	uint32_t left = ox * work->stride[1] - work->pad[1];
	const float *weights = work->weights + channel;
	float sums[LANES];

	sp_get4(weights + (size_t)work->kernel[0] * work->kernel[1] * work->pitch, sums);
	for (uint32_t ky = 0; ky < work->kernel[0]; ky++) {
		uint32_t iy = top + ky * work->dilation[0];
		const Number *line = x + (size_t)iy * work->w * work->pitch + channel;

		if (iy >= work->h) {
			weights += (size_t)work->kernel[1] * work->pitch;
			continue;
		}
		for (uint32_t kx = 0; kx < work->kernel[1]; kx++, weights += work->pitch) {
			uint32_t ix = left + kx * work->dilation[1];
			float in[LANES] = { 0.0f, 0.0f, 0.0f, 0.0f }, by[LANES];

			if (ix < work->w)
				sp_get4(line + (size_t)ix * work->pitch, in);
			sp_get4(weights, by);
			SP_UNROLL
			for (int i = 0; i < LANES; i++)
				sums[i] += in[i] * by[i];
		}
	}
	finish<Number>(work,
		       (((size_t)picture * work->oh + oy) * work->ow + ox) * work->pitch + channel,
		       channel, sums);
}

template <typename Number>
static __global__ void __launch_bounds__(THREADS, 8) depthwise_any(struct depthwise work)
{
	struct place place = place_of(&work);

	if (place.any)
		pixel<Number>(&work, place.picture, place.down, place.across, place.channel);
}

/* ---- host ---- */

extern "C" bool sp_depthwise_can(const struct sp_device *, const struct sp_conv *conv)
{
	return conv->group == conv->c && conv->oc == conv->c && !conv->picture;
}

extern "C" size_t sp_depthwise_bytes(const struct sp_conv *conv)
{
	return ((size_t)conv->kernel[0] * conv->kernel[1] + 1) * sp_tensor_pitch(conv->c) *
	       sizeof(float);
}

extern "C" void sp_depthwise_pack(const struct sp_conv *conv, const float *weights,
				  const float *bias, void *packed)
{
	size_t taps = (size_t)conv->kernel[0] * conv->kernel[1];
	size_t pitch = sp_tensor_pitch(conv->c);
	float *to = (float *)packed;

	for (size_t i = 0; i < (taps + 1) * pitch; i++) {
		size_t channel = i % pitch, tap = i / pitch;

		if (channel >= conv->c)
			to[i] = 0.0f;
		else if (tap == taps)
			to[i] = bias ? bias[channel] : 0.0f;
		else if (conv->type == SP_TENSOR_BF16)
			to[i] = sp_bf16_to_float(sp_bf16_of(weights[channel * taps + tap]));
		else
			to[i] = weights[channel * taps + tap];
	}
}

static bool is3(const struct sp_conv *conv)
{
	return conv->kernel[0] == 3 && conv->kernel[1] == 3 && conv->dilation[0] == 1 &&
	       conv->dilation[1] == 1 && conv->stride[0] == conv->stride[1] &&
	       (conv->stride[0] == 1 || conv->stride[0] == 2);
}

template <typename Number>
static cudaError_t launch(cudaStream_t stream, const struct sp_conv *conv, struct depthwise *work)
{
	bool three = is3(conv);
	/* As depthwise3 is made for below. */
	uint32_t rows = three ? 4 : 1, columns = !three ? 1 : conv->stride[0] == 1 ? 3 : 2;
	uint32_t runs = work->pitch / LANES;
	dim3 block(runs < THREADS ? runs : (uint32_t)THREADS), grid;

	block.y = THREADS / block.x;
	work->chunks = (runs + block.x - 1) / block.x;
	work->across = (work->ow + columns - 1) / columns;
	work->down = (work->oh + rows - 1) / rows;
	work->beside = (work->across + block.y - 1) / block.y;
	grid.x = work->chunks * work->beside * work->down * work->n;
	if (!three)
		return sp_launch(depthwise_any<Number>, grid, block, 0, stream, *work);
	if (conv->stride[0] == 1)
		return sp_launch(depthwise3<Number, 1, 4, 3>, grid, block, 0, stream, *work);
	return sp_launch(depthwise3<Number, 2, 4, 2>, grid, block, 0, stream, *work);
}

extern "C" cudaError_t sp_depthwise_launch(cudaStream_t stream, const struct sp_device *,
					   const struct sp_conv *conv,
					   const struct sp_conv_run *run)
{
	struct depthwise work = {};

	work.x = run->x->at;
	work.y = run->y->at;
	work.residual = run->residual ? run->residual->at : NULL;
	work.weights = (const float *)run->weights;
	work.n = run->x->n;
	work.h = conv->h;
	work.w = conv->w;
	work.oh = conv->oh;
	work.ow = conv->ow;
	work.c = conv->c;
	work.pitch = sp_tensor_pitch(conv->c);
	for (int i = 0; i < 2; i++) {
		work.kernel[i] = conv->kernel[i];
		work.stride[i] = conv->stride[i];
		work.dilation[i] = conv->dilation[i];
		work.pad[i] = conv->pad[i];
	}
	work.act = conv->act;
	if (!work.n || !work.oh || !work.ow)
		return cudaSuccess;
	return conv->type == SP_TENSOR_BF16 ? launch<uint16_t>(stream, conv, &work)
					    : launch<float>(stream, conv, &work);
}
