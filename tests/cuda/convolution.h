/* SPDX-License-Identifier: Apache-2.0 */
/* A convolution by one of the kernels of cuda/conv.h, against plain loops in float64. */
#ifndef SP_TESTS_CUDA_CONVOLUTION_H
#define SP_TESTS_CUDA_CONVOLUTION_H

#include "cuda/conv.h"
#include "cuda/device.h"
#include "tensors.h"

struct convolution_kernel {
	bool (*can)(const struct sp_device *device, const struct sp_conv *conv);
	size_t (*bytes)(const struct sp_conv *conv);
	void (*pack)(const struct sp_conv *conv, const float *weights, const float *bias,
		     void *packed);
	cudaError_t (*launch)(cudaStream_t stream, const struct sp_device *device,
			      const struct sp_conv *conv, const struct sp_conv_run *run);
};

#define CONVOLUTION_KERNEL(name)                                                                   \
	{                                                                                          \
		sp_##name##_can, sp_##name##_bytes, sp_##name##_pack, sp_##name##_launch           \
	}

enum convolution_residual { ALONE, RESIDUAL, RESIDUAL_IS_Y };

struct convolution_case {
	uint32_t n, h, w, c, oc, group;
	uint32_t kernel[2], stride[2], dilation[2];
	uint32_t pad[4]; /* top, left, bottom, right */
	enum sp_activation_kind act;
	enum convolution_residual residual;
	bool picture, no_bias;
};

__attribute__((unused)) static struct sp_conv convolution_of(const struct convolution_case *of,
							     enum sp_tensor_type type)
{
	struct sp_conv conv = {
		.type = type,
		.h = of->h,
		.w = of->w,
		.c = of->c,
		.oc = of->oc,
		.group = of->group ? of->group : 1,
		.picture = of->picture,
		.act = { .kind = of->act, .low = 0.125f, .high = 0.75f },
	};

	for (int i = 0; i < 2; i++) {
		uint32_t size = i ? of->w : of->h;

		conv.kernel[i] = of->kernel[i];
		conv.stride[i] = of->stride[i] ? of->stride[i] : 1;
		conv.dilation[i] = of->dilation[i] ? of->dilation[i] : 1;
		conv.pad[i] = of->pad[i];
		*(i ? &conv.ow : &conv.oh) = (size + of->pad[i] + of->pad[2 + i] -
					      (conv.kernel[i] - 1) * conv.dilation[i] - 1) /
						     conv.stride[i] +
					     1;
	}
	return conv;
}

__attribute__((unused)) static double
convolution_act(const struct sp_conv *conv, const float *slope, uint32_t channel, double x)
{
	switch (conv->act.kind) {
	case SP_ACT_RELU:
		return x > 0 ? x : 0;
	case SP_ACT_CLIP:
		return fmin(fmax(x, (double)conv->act.low), (double)conv->act.high);
	case SP_ACT_SIGMOID:
		return 1 / (1 + exp(-x));
	case SP_ACT_PRELU:
		return x > 0 ? x : x * (double)slope[channel];
	default:
		return x;
	}
}

/* Number (@picture, @oy, @ox, @o) of the result, without residual and activation. */
__attribute__((unused)) static double convolution_sum(const struct sp_conv *conv,
						      const struct numbers *x, const float *weights,
						      uint32_t picture, uint32_t oy, uint32_t ox,
						      uint32_t o)
{
	uint32_t channels = conv->c / conv->group, taps = conv->kernel[0] * conv->kernel[1];
	uint32_t first = o / (conv->oc / conv->group) * channels;
	double sum = 0;

	for (uint32_t tap = 0; tap < taps; tap++) {
		int64_t iy = (int64_t)oy * conv->stride[0] - conv->pad[0] +
			     tap / conv->kernel[1] * conv->dilation[0];
		int64_t ix = (int64_t)ox * conv->stride[1] - conv->pad[1] +
			     tap % conv->kernel[1] * conv->dilation[1];
		const float *in;

		if (iy < 0 || iy >= conv->h || ix < 0 || ix >= conv->w)
			continue;
		in = x->host + numbers_at(x, picture, (uint32_t)iy, (uint32_t)ix) + first;
		for (uint32_t c = 0; c < channels; c++) {
			float by = weights[((size_t)o * channels + c) * taps + tap];

			if (conv->type == SP_TENSOR_BF16)
				by = sp_bf16_to_float(sp_bf16_of(by));
			sum += (double)in[c] * (double)by;
		}
	}
	return sum;
}

__attribute__((unused)) static double *
convolution_want(const struct sp_conv *conv, const struct numbers *x, const struct numbers *y,
		 const float *weights, const float *bias, const float *residual, const float *slope)
{
	double *want = calloc(y->n + 1, sizeof(*want));

	CHECK(want);
	for (size_t i = 0; i < y->n; i++) {
		uint32_t o = (uint32_t)(i % y->card.pitch);
		size_t pixel = i / y->card.pitch;
		uint32_t ox = (uint32_t)(pixel % conv->ow),
			 oy = (uint32_t)(pixel / conv->ow % conv->oh);

		if (o >= conv->oc)
			continue;
		want[i] = convolution_sum(conv, x, weights, (uint32_t)(pixel / conv->ow / conv->oh),
					  oy, ox, o) +
			  (bias ? (double)bias[o] : 0) + (residual ? (double)residual[i] : 0);
		want[i] = convolution_act(conv, slope, o, want[i]);
	}
	return want;
}

__attribute__((unused)) static float *convolution_random(size_t n, float most, uint64_t *seed)
{
	float *floats = malloc((n + 1) * sizeof(*floats));

	CHECK(floats);
	for (size_t i = 0; i < n; i++)
		floats[i] = numbers_random(seed) * most;
	return floats;
}

/* Packs, launches and compares one case. */
__attribute__((unused)) static void convolution_check(const struct convolution_kernel *kernel,
						      const struct convolution_case *of,
						      enum sp_tensor_type type, const char *what)
{
	uint64_t seed = 7;
	struct sp_device device;
	struct sp_conv conv = convolution_of(of, type);
	uint32_t taps = conv.kernel[0] * conv.kernel[1], pitch = sp_tensor_pitch(conv.oc);
	size_t weights_n = (size_t)conv.oc * (conv.c / conv.group) * taps;
	float *weights, *bias = of->no_bias ? NULL : convolution_random(conv.oc, 1, &seed);
	float *slope = convolution_random(pitch, 0.5f, &seed);
	struct numbers x, y, residual;
	struct sp_conv_run run = { 0 };
	void *packed, *on_card, *slope_on_card;
	double *want;

	CHECK_EQ(sp_device_open(0, &device, NULL), 0);
	/* Results of about 1, so that tolerances mean something. */
	weights = convolution_random(weights_n, 2 / sqrtf((float)(weights_n / conv.oc)), &seed);
	x = numbers_of(type, of->n, of->h, of->w, of->c, of->picture ? 4 : sp_tensor_pitch(of->c),
		       &seed);
	residual = numbers_of(type, of->n, conv.oh, conv.ow, conv.oc, pitch, &seed);
	y = of->residual == RESIDUAL_IS_Y
		    ? residual
		    : numbers_empty(type, of->n, conv.oh, conv.ow, conv.oc, pitch);
	want = convolution_want(&conv, &x, &y, weights, bias, of->residual ? residual.host : NULL,
				slope);

	if (!kernel->can(&device, &conv))
		FAIL("%s: refused", what);
	packed = malloc(kernel->bytes(&conv));
	CHECK(packed);
	kernel->pack(&conv, weights, bias, packed);
	on_card = card_memory(kernel->bytes(&conv));
	CARD(cudaMemcpy(on_card, packed, kernel->bytes(&conv), cudaMemcpyHostToDevice));
	slope_on_card = card_memory(pitch * sizeof(*slope));
	CARD(cudaMemcpy(slope_on_card, slope, pitch * sizeof(*slope), cudaMemcpyHostToDevice));
	conv.act.slope = slope_on_card;
	run.x = &x.card;
	run.y = &y.card;
	run.residual = of->residual ? &residual.card : NULL;
	run.weights = on_card;
	CARD(kernel->launch(NULL, &device, &conv, &run));
	numbers_fetch(&y);
	numbers_check(&y, want, what);

	if (of->residual != RESIDUAL_IS_Y)
		numbers_free(&y);
	numbers_free(&residual);
	numbers_free(&x);
	card_free(on_card);
	card_free(slope_on_card);
	free(packed);
	free(want);
	free(weights);
	free(slope);
	free(bias);
}

#endif
