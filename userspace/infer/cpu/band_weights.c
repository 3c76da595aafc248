/* SPDX-License-Identifier: Apache-2.0 */
/* What units multiply and add, packed as kernels want it. One allocation a unit. */
#include "infer/cpu/band.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "infer/cpu/plan.h"

enum { LINE = 64, LANES = 16 };

static size_t align(size_t size, size_t to)
{
	return (size + to - 1) / to * to;
}

/* The allocation as it is dealt out; before there is one, its size is counted. */
struct pack {
	struct sp_plan *plan;
	uint8_t *memory;
	size_t at;
};

static void *take(struct pack *pack, size_t size)
{
	void *here = pack->memory ? pack->memory + pack->at : NULL;

	pack->at += align(size, LINE);
	return here;
}

static float *take_floats(struct pack *pack, size_t n)
{
	return take(pack, n * sizeof(float));
}

static size_t channels_of(const struct pack *pack, const struct sp_node *node)
{
	return (size_t)pack->plan->shapes->of[node->output].dim[1];
}

static size_t padded(const struct pack *pack, const struct sp_node *const *nodes, uint32_t n)
{
	size_t channels = 0;

	for (uint32_t i = 0; i < n; i++)
		channels += channels_of(pack, nodes[i]);
	return align(channels, SP_CHANNELS_ALIGN);
}

static const float *pack_bias(struct pack *pack, const struct sp_node *const *nodes, uint32_t n)
{
	const struct sp_tensor *tensors = pack->plan->graph->tensors;
	float *bias = take_floats(pack, padded(pack, nodes, n));
	size_t at = 0;

	for (uint32_t i = 0; bias && i < n; at += channels_of(pack, nodes[i++]))
		if (nodes[i]->inputs[2] != SP_NONE)
			memcpy(bias + at, tensors[nodes[i]->inputs[2]].floats,
			       channels_of(pack, nodes[i]) * sizeof(*bias));
	return bias;
}

/* @nodes end alike, but for their slopes. */
static struct sp_finish pack_finish(struct pack *pack, const struct sp_node *const *nodes,
				    uint32_t n)
{
	struct sp_finish finish = { .low = -INFINITY, .high = INFINITY };
	const struct sp_activation *act = &nodes[0]->act;
	float *slopes;
	size_t at = 0;

	if (act->kind == SP_ACT_RELU)
		finish.low = 0;
	if (act->kind == SP_ACT_CLIP) {
		finish.low = act->low;
		finish.high = act->high;
	}
	if (act->kind != SP_ACT_PRELU)
		return finish;
	finish.slope = slopes = take_floats(pack, padded(pack, nodes, n));
	for (uint32_t i = 0; slopes && i < n; i++) {
		const struct sp_tensor *slope = &pack->plan->graph->tensors[nodes[i]->act.slope];
		size_t one = sp_shape_elements(&slope->shape) == 1;

		for (size_t c = 0; c < channels_of(pack, nodes[i]); c++)
			slopes[at++] = slope->floats[one ? 0 : c];
	}
	return finish;
}

/* Weights of a window over each channel: [block of 16][place][16]. */
static const float *pack_depthwise(struct pack *pack, const struct sp_node *const *nodes,
				   uint32_t n, size_t places)
{
	float *weights = take_floats(pack, padded(pack, nodes, n) * places);
	size_t channel = 0;

	for (uint32_t i = 0; weights && i < n; i++) {
		const float *from = pack->plan->graph->tensors[nodes[i]->inputs[1]].floats;

		for (size_t c = 0; c < channels_of(pack, nodes[i]); c++, channel++)
			for (size_t k = 0; k < places; k++)
				weights[(channel / LANES * places + k) * LANES + channel % LANES] =
					*from++;
	}
	return weights;
}

/* All from all, the nodes' one after another. */
static const void *pack_pointwise(struct pack *pack, const struct sp_kernels *kernels,
				  const struct sp_node *const *nodes, uint32_t n, uint32_t in,
				  uint32_t out)
{
	void *packed = take(pack, kernels->pointwise_bytes(in, out));
	float *weights, *at;

	if (!packed)
		return NULL;
	weights = at = malloc((size_t)in * out * sizeof(*weights));
	if (!weights) {
		sp_plan_fail(pack->plan, -ENOMEM, "out of memory");
		return NULL;
	}
	for (uint32_t i = 0; i < n; i++) {
		size_t size = channels_of(pack, nodes[i]) * in;

		memcpy(at, pack->plan->graph->tensors[nodes[i]->inputs[1]].floats,
		       size * sizeof(*at));
		at += size;
	}
	kernels->pack_pointwise(in, out, weights, packed);
	free(weights);
	return packed;
}

/* [in channel][row][column][out channel, padded] */
static const float *pack_stem(struct pack *pack, const struct sp_node *node, size_t in,
			      size_t places)
{
	size_t out = channels_of(pack, node), stride = align(out, SP_CHANNELS_ALIGN);
	const float *from = pack->plan->graph->tensors[node->inputs[1]].floats;
	float *weights = take_floats(pack, in * places * stride);

	for (size_t o = 0; weights && o < out; o++)
		for (size_t k = 0; k < in * places; k++)
			weights[k * stride + o] = *from++;
	return weights;
}

static struct sp_pointwise point_op(struct pack *pack, const struct sp_band *band,
				    const struct sp_unit *unit)
{
	const struct sp_rows *in = &band->rows[unit->in], *out = &band->rows[unit->out];
	const struct sp_node *const *nodes = unit->parts;

	return (struct sp_pointwise){
		.in_channels = in->channels,
		.out_channels = out->channels,
		.in = in->cell,
		.out = out->cell,
		.weights = pack_pointwise(pack, band->kernels, nodes, unit->parts_n, in->channels,
					  out->channels),
		.bias = pack_bias(pack, nodes, unit->parts_n),
		.finish = pack_finish(pack, nodes, unit->parts_n),
	};
}

static struct sp_depthwise depth_op(struct pack *pack, const struct sp_band *band,
				    const struct sp_unit *unit, const struct sp_node *const *nodes)
{
	const struct sp_rows *in = &band->rows[unit->in], *out = &band->rows[unit->out];

	return (struct sp_depthwise){
		.channels = out->channels,
		.stride = unit->stride,
		.in = unit->kind == SP_UNIT_SEPARABLE ? SP_CELL_F32 : in->cell,
		.out = out->cell,
		.weights = pack_depthwise(pack, nodes, unit->parts_n, 9),
		.bias = pack_bias(pack, nodes, unit->parts_n),
		.finish = pack_finish(pack, nodes, unit->parts_n),
	};
}

static struct sp_stem stem_op(struct pack *pack, const struct sp_band *band,
			      const struct sp_unit *unit)
{
	const struct sp_band_input *in = &band->inputs[unit->input];
	const struct sp_rows *out = &band->rows[unit->out];

	return (struct sp_stem){
		.in_channels = in->channels,
		.out_channels = out->channels,
		.side = unit->side,
		.stride = unit->stride,
		.left = unit->left,
		.width = in->width,
		.out = out->cell,
		.weights = pack_stem(pack, unit->parts[0], in->channels,
				     (size_t)unit->side * unit->side),
		.bias = pack_bias(pack, unit->parts, 1),
		.finish = pack_finish(pack, unit->parts, 1),
	};
}

/* Where an addition follows in a unit of its own, the activation is that one's. */
static void drop_finish(struct sp_unit *unit)
{
	static const struct sp_finish none = { .low = -INFINITY, .high = INFINITY };

	if (unit->joined)
		return;
	if (unit->kind == SP_UNIT_DEPTHWISE)
		unit->depth.finish = none;
	else if (unit->kind == SP_UNIT_SEPARABLE)
		unit->separable.depth.finish = none;
	else if (unit->kind == SP_UNIT_STEM)
		unit->stem.finish = none;
	else
		unit->finish = none;
}

static void pack_unit(struct pack *pack, const struct sp_band *band, struct sp_unit *unit)
{
	const struct sp_rows *in = unit->in == SP_NONE ? NULL : &band->rows[unit->in];

	switch (unit->kind) {
	case SP_UNIT_STEM:
		unit->stem = stem_op(pack, band, unit);
		break;
	case SP_UNIT_POINTWISE:
		unit->point = point_op(pack, band, unit);
		break;
	case SP_UNIT_DEPTHWISE:
		unit->depth = depth_op(pack, band, unit, unit->parts);
		break;
	case SP_UNIT_SEPARABLE:
		unit->separable.point = point_op(pack, band, unit);
		unit->separable.point.out = SP_CELL_F32;
		unit->separable.depth = depth_op(pack, band, unit, unit->behind);
		break;
	case SP_UNIT_WHOLE:
		unit->weights = pack_depthwise(pack, unit->parts, 1,
					       (size_t)in->height * in->width);
		unit->bias = pack_bias(pack, unit->parts, 1);
		unit->finish = pack_finish(pack, unit->parts, 1);
		break;
	case SP_UNIT_ADD:
	case SP_UNIT_UPSAMPLE:
		unit->finish = pack_finish(pack, unit->parts, 1);
		break;
	case SP_UNIT_LOAD:
	case SP_UNIT_POOL:
		break;
	}
	if (unit->kind != SP_UNIT_LOAD && unit->kind != SP_UNIT_POOL)
		drop_finish(unit);
}

void sp_unit_pack(struct sp_plan *plan, const struct sp_band *band, struct sp_unit *unit)
{
	struct pack pack = { .plan = plan };
	size_t size;

	pack_unit(&pack, band, unit);
	size = pack.at;
	if (plan->error || !size)
		return;
	plan->constant_bytes += size;
	if (plan->constant_bytes > SP_PLAN_BYTES_MAX) {
		sp_plan_fail(plan, -EFBIG, "more than %d MiB of weights are not supported",
			     SP_PLAN_BYTES_MAX >> 20);
		return;
	}
	unit->constants = aligned_alloc(LINE, size);
	if (!unit->constants) {
		sp_plan_fail(plan, -ENOMEM, "out of memory");
		return;
	}
	memset(unit->constants, 0, size);
	pack = (struct pack){ .plan = plan, .memory = unit->constants };
	pack_unit(&pack, band, unit);
}
