/* SPDX-License-Identifier: Apache-2.0 */
#include "cuda/network_step.h"

#include <errno.h>
#include <stdio.h>

#include "base/diag.h"
#include "cuda/check.h"
#include "cuda/network_weights.h"
#include "cuda/tuner.h"

static const void *at(const struct sp_weights *weights, uint32_t number)
{
	return number == SP_NONE ? NULL : sp_weights_at(weights, number);
}

void sp_step_resolve(struct sp_step *step, const struct sp_weights *weights)
{
	step->packed = at(weights, step->weights);
	if (step->kind == SP_STEP_SEPARABLE) {
		step->separable.pointwise.act.slope = at(weights, step->inner_slope);
		step->separable.depthwise.act.slope = at(weights, step->slope);
	} else if (sp_step_is_conv(step)) {
		step->conv.act.slope = at(weights, step->slope);
	} else if (step->kind == SP_STEP_EACH) {
		step->each.constant = step->packed;
		step->each.act.slope = at(weights, step->slope);
	}
}

/* ---- words ----------------------------------------------------------------------------------- */

struct words {
	char *text;
	size_t n;
};

static void say(struct words *words, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void say(struct words *words, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(words->text + words->n, SP_STEP_WORDS - words->n, fmt, ap);
	va_end(ap);
	if (n > 0)
		words->n += (size_t)n;
	if (words->n >= SP_STEP_WORDS)
		words->n = SP_STEP_WORDS - 1;
}

static void say_window(struct words *words, const uint32_t kernel[2], const uint32_t stride[2])
{
	say(words, " %ux%u", kernel[0], kernel[1]);
	if (stride[0] != stride[1])
		say(words, "/%ux%u", stride[0], stride[1]);
	else if (stride[0] != 1)
		say(words, "/%u", stride[0]);
}

static const char *each_name(const struct sp_each *each)
{
	static const char *const kinds[] = {
		[SP_EACH_ADD] = "add",		 [SP_EACH_SUB] = "subtract",
		[SP_EACH_MUL] = "multiply",	 [SP_EACH_DIV] = "divide",
		[SP_EACH_AFFINE] = "affine",	 [SP_EACH_ACT] = "activation",
		[SP_EACH_FUNCTION] = "function",
	};

	return kinds[each->kind];
}

static uint64_t conv_macs(const struct sp_conv *conv)
{
	return (uint64_t)conv->oh * conv->ow * conv->oc * (conv->c / conv->group) *
	       conv->kernel[0] * conv->kernel[1];
}

static void say_conv(struct words *words, const char *kind, uint32_t c, const struct sp_conv *conv)
{
	say(words, "%s %u → %u", kind, c, conv->oc);
	say_window(words, conv->kernel, conv->stride);
}

static void say_kind(struct words *words, const struct sp_step *step)
{
	static const char *const convs[] = {
		[SP_STEP_POINTWISE] = "pointwise",
		[SP_STEP_DEPTHWISE] = "depthwise",
		[SP_STEP_DIRECT] = "convolution",
	};

	switch (step->kind) {
	case SP_STEP_SEPARABLE:
		say_conv(words, "separable", step->separable.pointwise.c,
			 &step->separable.depthwise);
		say(words, step->separable.pool ? " + pool" : "");
		break;
	case SP_STEP_POINTWISE:
	case SP_STEP_DEPTHWISE:
	case SP_STEP_DIRECT:
		say_conv(words, convs[step->kind], step->conv.c, &step->conv);
		break;
	case SP_STEP_POOL:
		say(words, "%s-pool %u", step->pool.mean ? "mean" : "max", step->x.tensor.c);
		say_window(words, step->pool.kernel, step->pool.stride);
		break;
	case SP_STEP_MEAN:
		say(words, "mean %u %ux%u →", step->x.tensor.c, step->x.tensor.h, step->x.tensor.w);
		break;
	case SP_STEP_ENLARGE:
		say(words, "enlarge %u %ux%u →", step->x.tensor.c, step->x.tensor.h,
		    step->x.tensor.w);
		break;
	case SP_STEP_EACH:
		say(words, "%s %u", each_name(&step->each), step->x.tensor.c);
		break;
	case SP_STEP_CONCAT:
		say(words, "concat %u into %u at %u", step->x.tensor.c, step->y.tensor.c,
		    step->first);
		break;
	case SP_STEP_PLANES:
		say(words, "planes %u", step->x.tensor.c);
		break;
	}
}

void sp_step_describe(struct sp_step *step, const struct sp_weights *weights)
{
	struct words words = { .text = step->words };
	bool bf16 = step->x.tensor.type == SP_TENSOR_BF16;

	say_kind(&words, step);
	say(&words, " %ux%u %s", step->y.tensor.h, step->y.tensor.w, bf16 ? "bf16" : "f32");
	if (step->also.buffer != SP_NONE && step->kind != SP_STEP_EACH)
		say(&words, " + add");
	if (step->engine)
		say(&words, ", %s", sp_engine_name(step->engine));
	step->macs = 0;
	if (step->kind == SP_STEP_SEPARABLE)
		step->macs = conv_macs(&step->separable.pointwise) +
			     conv_macs(&step->separable.depthwise);
	else if (sp_step_is_conv(step))
		step->macs = conv_macs(&step->conv);
	step->macs *= step->x.tensor.n;
	step->bytes = sp_tensor_bytes(&step->x.tensor) + sp_tensor_bytes(&step->y.tensor);
	/* A concatenation writes no more than it reads. */
	if (step->kind == SP_STEP_CONCAT)
		step->bytes = 2 * sp_tensor_bytes(&step->x.tensor);
	if (step->also.buffer != SP_NONE)
		step->bytes += sp_tensor_bytes(&step->also.tensor);
	if (step->weights != SP_NONE)
		step->bytes += sp_weights_size(weights, step->weights);
}

/* ---- running --------------------------------------------------------------------------------- */

int sp_step_launch_conv(const struct sp_step *step, const struct sp_device *device,
			cudaStream_t stream, const struct sp_conv_run *given, struct sp_err *err)
{
	struct sp_conv_run run = *given;

	run.weights = step->packed;
	switch (step->kind) {
	case SP_STEP_SEPARABLE:
		return SP_CUDA(err, sp_separable_launch(stream, device, &step->separable, &run));
	case SP_STEP_POINTWISE:
		return SP_CUDA(err, sp_pointwise_launch(stream, device, &step->conv, &run));
	case SP_STEP_DEPTHWISE:
		return SP_CUDA(err, sp_depthwise_launch(stream, device, &step->conv, &run));
	default:
		return SP_CUDA(err, sp_direct_launch(stream, device, &step->conv, &run));
	}
}

int sp_step_run(const struct sp_step *step, const struct sp_device *device, cudaStream_t stream,
		struct sp_err *err)
{
	const struct sp_device_tensor *x = &step->x.tensor, *y = &step->y.tensor;
	const struct sp_device_tensor *also = step->also.buffer == SP_NONE ? NULL
									   : &step->also.tensor;
	const struct sp_device_tensor none = { .type = x->type };
	const struct sp_conv_run run = { .x = x, .y = y, .residual = also };

	if (step->engine)
		return sp_engine_run(step->engine, stream, &run, step->workspace.tensor.at, err);
	switch (step->kind) {
	case SP_STEP_POOL:
		return SP_CUDA(err, sp_pool_launch(stream, &step->pool, x, y));
	case SP_STEP_MEAN:
		return SP_CUDA(err, sp_mean_launch(stream, x, y));
	case SP_STEP_ENLARGE:
		return SP_CUDA(err, sp_enlarge_launch(stream, x, also, y));
	case SP_STEP_EACH:
		return SP_CUDA(err, sp_each_launch(stream, &step->each, x, also ? also : &none, y));
	case SP_STEP_CONCAT:
		return SP_CUDA(err, sp_concat_launch(stream, x, step->first, y));
	case SP_STEP_PLANES:
		return SP_CUDA(err, sp_to_planes_launch(stream, x, y->at));
	default:
		return sp_step_launch_conv(step, device, stream, &run, err);
	}
}
