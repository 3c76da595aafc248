/* SPDX-License-Identifier: Apache-2.0 */
/* Which kernel does a dense convolution, and its weights in the order that this one wants. */
#include "cuda/direct.h"

#include <string.h>

#include "infer/element.h"

enum {
	SHARED_GOOD = 48 << 10, /* bytes that leave room for several blocks on a processor */
	SHARED_MOST = 96 << 10, /* which every device from compute capability 8.0 on has */
	LANES = 32,
	STEP = 16, /* channels of a product */
	TILE = 8, /* outputs of a product */
};

static uint32_t parts_of(uint32_t n, uint32_t size)
{
	return (n + size - 1) / size;
}

/* Outputs are dealt to blocks in 16s, 32s or 64s. */
static void deal_outputs(struct sp_direct_plan *plan, uint32_t oc)
{
	plan->tiles = oc <= 16 ? 2 : oc <= 32 ? 4 : 8;
	plan->pieces = parts_of(oc, plan->tiles * TILE);
}

static bool plan_stem(struct sp_direct_plan *plan, const struct sp_conv *conv)
{
	if (!conv->picture || conv->c > 4 || conv->kernel[0] * conv->kernel[1] > SP_STEM_TAPS)
		return false;
	plan->kind = SP_DIRECT_STEM;
	plan->steps = SP_STEM_TAPS * 4 / STEP;
	deal_outputs(plan, conv->oc);
	return true;
}

/* Whether tiles of @plan's columns, and their input, fit into shared memory. */
static bool plan_shared(struct sp_direct_plan *plan, const struct sp_conv *conv)
{
	uint32_t columns = 1U << plan->columns_log, lines = SP_DIRECT_SLOTS / columns;
	uint64_t bytes;

	plan->in_h = (lines - 1) * conv->stride[0] + (plan->kernel[0] - 1) * conv->dilation[0] + 1;
	plan->in_w = (columns - 1) * conv->stride[1] + (plan->kernel[1] - 1) * conv->dilation[1] +
		     1;
	plan->granules_log = plan->c > 32 ? 3 : plan->c > 16 ? 2 : 1;
	bytes = (uint64_t)plan->in_h * plan->in_w * 16 << plan->granules_log;
	while (bytes > SHARED_GOOD && plan->granules_log > 1) {
		plan->granules_log--;
		bytes /= 2;
	}
	plan->parts = parts_of(plan->c, SP_DIRECT_GRANULE << plan->granules_log);
	return bytes <= SHARED_MOST;
}

static bool plan_dense(struct sp_direct_plan *plan, const struct sp_conv *conv)
{
	if (conv->picture || conv->group != 1)
		return false;
	plan->flat = conv->oh == 1 && conv->ow == 1 && !conv->pad[0] && !conv->pad[1] &&
		     conv->kernel[0] == conv->h && conv->kernel[1] == conv->w &&
		     conv->stride[0] == 1 && conv->stride[1] == 1 && conv->dilation[0] == 1 &&
		     conv->dilation[1] == 1;
	if (plan->flat) {
		plan->c = plan->pitch = conv->h * conv->w * plan->pitch;
		plan->h = plan->w = plan->kernel[0] = plan->kernel[1] = 1;
	}
	plan->kind = SP_DIRECT_DENSE;
	/* Of squarish tiles, which share most of their input, those that are filled best. */
	plan->columns_log = plan->flat || conv->oh == 1 ? 7 : conv->ow <= 8 ? 3 : 4;
	deal_outputs(plan, conv->oc);
	if (!plan_shared(plan, conv))
		return false;
	plan->steps = plan->parts * plan->kernel[0] * plan->kernel[1] << (plan->granules_log - 1);
	return true;
}

struct sp_direct_plan sp_direct_plan_of(const struct sp_conv *conv)
{
	struct sp_direct_plan plain = {
		.h = conv->h,
		.w = conv->w,
		.c = conv->c,
		.pitch = conv->picture ? 4 : sp_tensor_pitch(conv->c),
		.oh = conv->oh,
		.ow = conv->ow,
		.kernel = { conv->kernel[0], conv->kernel[1] },
		.group_c = conv->c / conv->group,
		.group_oc = conv->oc / conv->group,
	};
	struct sp_direct_plan plan = plain;

	if (conv->type == SP_TENSOR_BF16 && (plan_stem(&plan, conv) || plan_dense(&plan, conv)))
		return plan;
	plan = plain;
	/* Fours of outputs of one group, from fours of its channels: the last one's are padded. */
	plan.kind = conv->group == 1 || (plan.group_oc % 4 == 0 && plan.group_c % 4 == 0)
			    ? SP_DIRECT_TILED
			    : SP_DIRECT_ANY;
	plan.group_room = parts_of(plan.group_c, 4) * 4;
	return plan;
}

/* ---- packing ---- */

static bool on_tensor_cores(const struct sp_direct_plan *plan)
{
	return plan->kind == SP_DIRECT_STEM || plan->kind == SP_DIRECT_DENSE;
}

/* Outputs that there are weights for. */
static uint32_t outputs_of(const struct sp_direct_plan *plan, const struct sp_conv *conv)
{
	return on_tensor_cores(plan) ? plan->pieces * plan->tiles * TILE
				     : sp_tensor_pitch(conv->oc);
}

static size_t weights_bytes(const struct sp_direct_plan *plan, const struct sp_conv *conv)
{
	size_t outputs = outputs_of(plan, conv);

	if (on_tensor_cores(plan))
		return outputs * plan->steps * STEP * sizeof(uint16_t);
	return outputs * plan->group_room * conv->kernel[0] * conv->kernel[1] * sizeof(float);
}

size_t sp_direct_bytes(const struct sp_conv *conv)
{
	struct sp_direct_plan plan = sp_direct_plan_of(conv);

	return weights_bytes(&plan, conv) + outputs_of(&plan, conv) * sizeof(float);
}

/* Of the network's weights, O × I × kh × kw, that of @channel of the group, @tap; 0 beyond. */
static float weight(const struct sp_conv *conv, const float *weights, uint32_t output,
		    uint32_t channel, uint32_t tap)
{
	uint32_t taps = conv->kernel[0] * conv->kernel[1], channels = conv->c / conv->group;

	if (output >= conv->oc || channel >= channels || tap >= taps)
		return 0.0f;
	return weights[((size_t)output * channels + channel) * taps + tap];
}

/* What number @k of all that is multiplied and added up is: stem: [tap][4 channels]. */
static float stem_weight(const struct sp_conv *conv, const float *weights, uint32_t output,
			 uint32_t k)
{
	return weight(conv, weights, output, k % 4, k / 4);
}

/* dense: [part][tap][channel of the part]; flat: [tap][channel up to the pitch]. */
static float dense_weight(const struct sp_direct_plan *plan, const struct sp_conv *conv,
			  const float *weights, uint32_t output, uint32_t k)
{
	uint32_t size = SP_DIRECT_GRANULE << plan->granules_log;
	uint32_t taps = plan->kernel[0] * plan->kernel[1], pitch = sp_tensor_pitch(conv->c);
	uint32_t part = k / size / taps, tap = k / size % taps;
	uint32_t channel = part * size + k % size;

	if (plan->flat)
		return weight(conv, weights, output, channel % pitch, channel / pitch);
	return weight(conv, weights, output, channel, tap);
}

/* The channel of column @column of tile @tile: see sp_direct_finish_row. */
static uint32_t output_of(const struct sp_direct_plan *plan, uint32_t tile, uint32_t column)
{
	uint32_t together = plan->tiles < 4 ? plan->tiles : 4;

	return tile / together * together * TILE + column / 2 * 2 * together + tile % together * 2 +
	       column % 2;
}

/* [piece][step][two tiles][lane] four words: what a lane has of two B fragments (mma.h). */
static void pack_fragments(const struct sp_direct_plan *plan, const struct sp_conv *conv,
			   const float *weights, uint16_t *to)
{
	uint32_t pairs = plan->tiles / 2;
	size_t n = weights_bytes(plan, conv) / sizeof(*to);

	for (size_t i = 0; i < n; i++) {
		/* A half of a word, the word of two in a tile, the tile of two, the lane, … */
		uint32_t half = i % 2, word = i / 2 % 2, second = i / 4 % 2, lane = i / 8 % LANES;
		uint32_t tile = 2 * (i / (8 * LANES) % pairs) + second;
		uint32_t step = (uint32_t)(i / (8 * LANES) / pairs % plan->steps);
		uint32_t piece = (uint32_t)(i / (8 * LANES) / pairs / plan->steps);
		uint32_t k = step * STEP + lane % 4 * 2 + half + 8 * word;
		uint32_t output = piece * plan->tiles * TILE + output_of(plan, tile, lane / 4);

		to[i] = sp_bf16_of(plan->kind == SP_DIRECT_STEM
					   ? stem_weight(conv, weights, output, k)
					   : dense_weight(plan, conv, weights, output, k));
	}
}

/* [tap][channel of the group][output] */
static void pack_plain(const struct sp_direct_plan *plan, const struct sp_conv *conv,
		       const float *weights, float *to)
{
	uint32_t outputs = outputs_of(plan, conv), taps = conv->kernel[0] * conv->kernel[1];
	size_t n = (size_t)taps * plan->group_room * outputs;

	for (size_t i = 0; i < n; i++) {
		uint32_t output = (uint32_t)(i % outputs);
		uint32_t channel = (uint32_t)(i / outputs % plan->group_room);
		uint32_t tap = (uint32_t)(i / outputs / plan->group_room);

		to[i] = weight(conv, weights, output, channel, tap);
		if (conv->type == SP_TENSOR_BF16)
			to[i] = sp_bf16_to_float(sp_bf16_of(to[i]));
	}
}

void sp_direct_pack(const struct sp_conv *conv, const float *weights, const float *bias,
		    void *packed)
{
	struct sp_direct_plan plan = sp_direct_plan_of(conv);
	size_t bytes = weights_bytes(&plan, conv);
	float *biases = (float *)((uint8_t *)packed + bytes);

	if (on_tensor_cores(&plan))
		pack_fragments(&plan, conv, weights, packed);
	else
		pack_plain(&plan, conv, weights, packed);
	memset(biases, 0, outputs_of(&plan, conv) * sizeof(*biases));
	if (bias)
		memcpy(biases, bias, conv->oc * sizeof(*biases));
}

/* ---- running ---- */

bool sp_direct_can(const struct sp_device *device, const struct sp_conv *conv)
{
	(void)device;
	return conv->group && conv->c % conv->group == 0 && conv->oc % conv->group == 0 &&
	       !(conv->picture && conv->group > 1);
}

cudaError_t sp_direct_launch(cudaStream_t stream, const struct sp_device *device,
			     const struct sp_conv *conv, const struct sp_conv_run *run)
{
	struct sp_direct work = {
		.plan = sp_direct_plan_of(conv),
		.end = { .y = run->y->at,
			 .residual = run->residual ? run->residual->at : NULL,
			 .oc = conv->oc,
			 .pitch = sp_tensor_pitch(conv->oc),
			 .act = conv->act },
		.x = run->x->at,
		.weights = run->weights,
		.n = run->x->n,
		.stride = { conv->stride[0], conv->stride[1] },
		.dilation = { conv->dilation[0], conv->dilation[1] },
		.pad = { conv->pad[0], conv->pad[1] },
	};

	(void)device;
	work.end.bias =
		(const float *)((const uint8_t *)run->weights + weights_bytes(&work.plan, conv));
	if (work.plan.flat) {
		work.plan.w = work.plan.ow = work.n;
		work.n = 1;
	}
	if (!work.n || !work.plan.oh || !work.plan.ow)
		return cudaSuccess;
	switch (work.plan.kind) {
	case SP_DIRECT_STEM:
		return sp_direct_stem(stream, &work);
	case SP_DIRECT_DENSE:
		return sp_direct_dense(stream, &work);
	default:
		return sp_direct_tiled(stream, conv->type, &work);
	}
}
