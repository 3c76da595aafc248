/* SPDX-License-Identifier: Apache-2.0 */
/* From the nodes of an island to units and the rows between them. */
#include "infer/cpu/band.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "infer/cpu/islands.h"
#include "infer/cpu/plan.h"
#include "infer/shape.h"

/* ---- units ---------------------------------------------------------------------------------- */

struct build {
	struct sp_plan *plan;
	struct sp_band *band;
	struct sp_islands *islands;
	const uint32_t *nodes;
	uint32_t n, island;
};

static struct sp_unit *add_unit(struct build *build, enum sp_unit_kind kind)
{
	struct sp_unit *unit = &build->band->units[build->band->units_n++];

	*unit = (struct sp_unit){
		.kind = kind, .in = SP_NONE, .also = SP_NONE, .out = SP_NONE, .side = 1, .stride = 1
	};
	return unit;
}

/* What @unit makes: @channels of a picture like @shape. */
static void add_rows(struct build *build, struct sp_unit *unit, const struct sp_shape *shape,
		     uint32_t channels)
{
	struct sp_band *band = build->band;

	band->rows[band->rows_n] = (struct sp_rows){
		.channels = channels,
		.height = (uint32_t)shape->dim[2],
		.width = (uint32_t)shape->dim[3],
		.maker = (uint32_t)(unit - band->units),
	};
	unit->out = band->rows_n++;
}

/* @tensor, made outside, is the band's input of this number from now on. */
static uint32_t add_input(struct build *build, uint32_t tensor)
{
	struct sp_band *band = build->band;
	const struct sp_shape *shape = &build->plan->shapes->of[tensor];
	dnnl_memory_desc_t plain;

	for (uint32_t i = 0; i < band->inputs_n; i++)
		if (band->inputs[i].tensor == tensor)
			return i;
	sp_plan_plain(shape, &plain);
	band->inputs[band->inputs_n] = (struct sp_band_input){
		.tensor = tensor,
		.buffer = sp_plan_in(build->plan, tensor, &plain),
		.channels = (uint32_t)shape->dim[1],
		.height = (uint32_t)shape->dim[2],
		.width = (uint32_t)shape->dim[3],
	};
	return band->inputs_n++;
}

/* @tensor as rows: a unit's here, or an input that a unit of its own brings in. */
static uint32_t rows_of(struct build *build, uint32_t tensor)
{
	uint32_t *rows = &build->islands->rows[tensor];
	const struct sp_shape *shape = &build->plan->shapes->of[tensor];
	struct sp_unit *unit;

	if (*rows == SP_NONE) {
		unit = add_unit(build, SP_UNIT_LOAD);
		unit->input = add_input(build, tensor);
		add_rows(build, unit, shape, (uint32_t)shape->dim[1]);
		*rows = unit->out;
	}
	return *rows;
}

static void set_window(struct build *build, struct sp_unit *unit, const struct sp_node *node)
{
	struct sp_edges edges = sp_band_edges(&node->window,
					      &build->plan->shapes->of[node->inputs[0]]);

	unit->side = (uint32_t)node->window.kernel[0];
	unit->stride = (uint32_t)node->window.stride[0];
	unit->top = (uint32_t)edges.before[0];
	unit->left = (uint32_t)edges.before[1];
}

/* The result of @unit is @node's, after what the unit itself cannot do: an addition. */
static void finish_node(struct build *build, struct sp_unit *unit, const struct sp_node *node)
{
	const struct sp_shape *shape = &build->plan->shapes->of[node->output];
	struct sp_unit *add;
	uint32_t residual;

	add_rows(build, unit, shape, (uint32_t)shape->dim[1]);
	if (node->residual != SP_NONE && unit->also == SP_NONE) {
		residual = rows_of(build, node->residual);
		add = add_unit(build, SP_UNIT_ADD);
		add->parts[add->parts_n++] = node;
		add->joined = true;
		add->in = unit->out;
		add->also = residual;
		add_rows(build, add, shape, (uint32_t)shape->dim[1]);
		unit = add;
	} else {
		unit->joined = true;
	}
	build->islands->rows[node->output] = unit->out;
}

static const struct sp_node *partner(const struct build *build, const struct sp_node *node)
{
	const struct sp_graph *graph = build->plan->graph;
	const struct sp_node *depth;
	struct sp_edges edges;

	if (node->pair == SP_NONE || node->pair >= graph->nodes_n || node->residual != SP_NONE ||
	    build->islands->island[node->pair] != build->island)
		return NULL;
	depth = &graph->nodes[node->pair];
	if (depth->inputs[0] != node->output ||
	    sp_band_conv_kind(graph, build->plan->shapes, depth) != SP_UNIT_DEPTHWISE)
		return NULL;
	edges = sp_band_edges(&depth->window, &build->plan->shapes->of[depth->inputs[0]]);
	if (depth->window.stride[0] != 1 || edges.before[0] != 1 || edges.before[1] != 1 ||
	    edges.after[0] != 1 || edges.after[1] != 1)
		return NULL;
	return depth;
}

/* ---- heads ---------------------------------------------------------------------------------- */

static bool same_finish(const struct sp_activation *a, const struct sp_activation *b)
{
	return a->kind == b->kind &&
	       (a->kind != SP_ACT_CLIP || (a->low == b->low && a->high == b->high));
}

/*
 * Whether @node is a convolution whose result, or that of the depthwise one behind it, nobody in
 * the island reads.
 */
static bool is_head(const struct build *build, const struct sp_node *node)
{
	const struct sp_node *behind = partner(build, node), *last = behind ? behind : node;
	uint32_t reader = build->islands->reader[last->output];

	return node->op == SP_OP_CONV && node->residual == SP_NONE && last->residual == SP_NONE &&
	       sp_band_conv_kind(build->plan->graph, build->plan->shapes, node) ==
		       SP_UNIT_POINTWISE &&
	       build->islands->uses[last->output] == 1 &&
	       (reader == SP_NONE || build->islands->island[reader] != build->island);
}

/* The heads that read what node @at of the island reads, and end as it does, as far as they fit. */
static uint32_t gather_heads(const struct build *build, uint32_t at,
			     const struct sp_node *heads[SP_PARTS_MAX])
{
	const struct sp_graph *graph = build->plan->graph;
	const struct sp_node *first = &graph->nodes[build->nodes[at]];
	const struct sp_node *behind = partner(build, first);
	int64_t room = sp_cell_channels(build->band->kernels->cell);
	uint32_t n = 0;

	/* Others would be built in its stead. */
	if (build->plan->shapes->of[first->output].dim[1] > room)
		return 0;
	for (uint32_t i = at; i < build->n && n < SP_PARTS_MAX; i++) {
		const struct sp_node *node = &graph->nodes[build->nodes[i]], *other;
		int64_t channels = build->plan->shapes->of[node->output].dim[1];

		if (!is_head(build, node) || build->islands->unit[build->nodes[i]] ||
		    node->inputs[0] != first->inputs[0] || channels > room ||
		    !same_finish(&node->act, &first->act))
			continue;
		other = partner(build, node);
		if (!behind != !other || (behind && !same_finish(&other->act, &behind->act)))
			continue;
		heads[n++] = node;
		room -= channels;
	}
	return n;
}

/* @n heads as one unit, or two where there is no kernel for pointwise and depthwise at once. */
static void build_heads(struct build *build, const struct sp_node *const *heads, uint32_t n)
{
	const struct sp_graph *graph = build->plan->graph;
	const struct sp_shape *shape = &build->plan->shapes->of[heads[0]->output];
	bool deep = partner(build, heads[0]), at_once = deep && build->band->kernels->separable;
	uint32_t in = rows_of(build, heads[0]->inputs[0]), channels = 0;
	struct sp_unit *unit = add_unit(build, at_once ? SP_UNIT_SEPARABLE : SP_UNIT_POINTWISE);
	struct sp_unit *behind = deep && !at_once ? add_unit(build, SP_UNIT_DEPTHWISE) : NULL;

	unit->in = in;
	for (uint32_t i = 0; i < n; i++) {
		const struct sp_node *depth = partner(build, heads[i]);

		build->islands->unit[heads[i] - graph->nodes] = 1;
		channels += (uint32_t)build->plan->shapes->of[heads[i]->output].dim[1];
		unit->parts[unit->parts_n++] = heads[i];
		if (at_once)
			unit->behind[i] = depth;
		if (behind)
			behind->parts[behind->parts_n++] = depth;
		if (depth)
			build->islands->unit[depth - graph->nodes] = 1;
	}
	if (deep)
		set_window(build, behind ? behind : unit, partner(build, heads[0]));
	unit->joined = true;
	add_rows(build, unit, shape, channels);
	if (behind) {
		behind->in = unit->out;
		behind->joined = true;
		add_rows(build, behind, shape, channels);
		unit = behind;
	}
	for (uint32_t i = 0; i < n; i++)
		build->islands->rows[deep ? partner(build, heads[i])->output : heads[i]->output] =
			unit->out;
}

/* ---- node by node --------------------------------------------------------------------------- */

/* The pointwise convolution that runs in one unit with @node, a depthwise one, if any. */
static const struct sp_node *taken_along(const struct build *build, const struct sp_node *node)
{
	const struct sp_graph *graph = build->plan->graph;
	const struct sp_node *point;

	if (!build->band->kernels->separable || node->pair == SP_NONE ||
	    node->pair >= graph->nodes_n || build->islands->island[node->pair] != build->island)
		return NULL;
	point = &graph->nodes[node->pair];
	return point->op == SP_OP_CONV && partner(build, point) == node ? point : NULL;
}

/* Node @at of the island, a convolution. */
static void build_conv(struct build *build, uint32_t at)
{
	const struct sp_graph *graph = build->plan->graph;
	const struct sp_node *node = &graph->nodes[build->nodes[at]], *heads[SP_PARTS_MAX];
	const struct sp_node *point = taken_along(build, node);
	int kind = sp_band_conv_kind(graph, build->plan->shapes, node);
	uint32_t n = is_head(build, node) ? gather_heads(build, at, heads) : 0;
	uint32_t in, also = SP_NONE;
	struct sp_unit *unit;

	if (n > 1) {
		build_heads(build, heads, n);
		return;
	}
	/* Its depthwise one takes this one along. */
	if (build->band->kernels->separable && partner(build, node))
		return;
	in = kind == SP_UNIT_STEM ? add_input(build, node->inputs[0])
				  : rows_of(build, (point ? point : node)->inputs[0]);
	if (kind == SP_UNIT_POINTWISE && node->residual != SP_NONE)
		also = rows_of(build, node->residual);
	unit = add_unit(build, point ? SP_UNIT_SEPARABLE : (enum sp_unit_kind)kind);
	unit->parts[0] = point ? point : node;
	unit->behind[0] = point ? node : NULL;
	unit->parts_n = 1;
	if (kind == SP_UNIT_STEM)
		unit->input = in;
	else
		unit->in = in;
	unit->also = also;
	set_window(build, unit, node);
	finish_node(build, unit, node);
}

static void build_node(struct build *build, uint32_t at)
{
	const struct sp_node *node = &build->plan->graph->nodes[build->nodes[at]];
	struct sp_unit *unit;
	uint32_t in, also = SP_NONE;

	if (node->op == SP_OP_CONV) {
		build_conv(build, at);
		return;
	}
	in = rows_of(build, node->inputs[0]);
	if (node->op == SP_OP_ADD)
		also = rows_of(build, node->inputs[1]);
	else if (node->op == SP_OP_RESIZE && node->residual != SP_NONE)
		also = rows_of(build, node->residual);
	unit = add_unit(build, node->op == SP_OP_MAXPOOL  ? SP_UNIT_POOL
			       : node->op == SP_OP_RESIZE ? SP_UNIT_UPSAMPLE
							  : SP_UNIT_ADD);
	unit->parts[unit->parts_n++] = node;
	unit->in = in;
	unit->also = also;
	finish_node(build, unit, node);
}

/* ---- rows ----------------------------------------------------------------------------------- */

/*
 * Where layers pass bfloat16, what only a depthwise unit or somebody outside reads stays float32:
 * such a sum is not rounded before it is used.
 */
static void choose_cells(struct sp_band *band)
{
	for (uint32_t i = 0; i < band->rows_n; i++) {
		struct sp_unit *maker = &band->units[band->rows[i].maker];
		bool fixed = maker->kind == SP_UNIT_POOL || maker->kind == SP_UNIT_ADD ||
			     maker->kind == SP_UNIT_UPSAMPLE || maker->also != SP_NONE;

		band->rows[i].cell = fixed ? band->kernels->cell : SP_CELL_F32;
	}
	for (uint32_t i = 0; i < band->units_n; i++) {
		const struct sp_unit *unit = &band->units[i];

		if (unit->kind == SP_UNIT_DEPTHWISE)
			band->rows[unit->in].margins = true;
		else if (unit->in != SP_NONE && unit->kind != SP_UNIT_WHOLE)
			band->rows[unit->in].cell = band->kernels->cell;
		if (unit->also != SP_NONE)
			band->rows[unit->also].cell = band->kernels->cell;
	}
	for (uint32_t i = 0; i < band->rows_n; i++) {
		uint32_t block = sp_cell_channels(band->rows[i].cell);

		band->rows[i].blocks = (band->rows[i].channels + block - 1) / block;
	}
}

/* Whether the only reader of @tensor moves its channels behind its pixels. */
static bool wants_pixels(const struct build *build, uint32_t tensor)
{
	static const int64_t last[4] = { 0, 2, 3, 1 };
	uint32_t reader = build->islands->reader[tensor];
	const struct sp_node *node = reader == SP_NONE ? NULL : &build->plan->graph->nodes[reader];

	return node && node->op == SP_OP_TRANSPOSE && node->perm.n == 4 &&
	       !memcmp(node->perm.of, last, sizeof(last));
}

/* Part @channel … of what @unit makes is @tensor, which others may read. */
static void export_tensor(struct build *build, struct sp_unit *unit, uint32_t tensor,
			  uint32_t channel)
{
	struct sp_plan *plan = build->plan;
	const struct sp_shape *shape = &plan->shapes->of[tensor];
	struct sp_operand value;
	struct sp_export *to;

	if (build->islands->uses[tensor] == build->islands->inside[tensor])
		return;
	to = &unit->exports[unit->exports_n++];
	*to = (struct sp_export){ .tensor = tensor,
				  .channel = channel,
				  .channels = (uint32_t)shape->dim[1] };
	to->pixels = build->band->rows[unit->out].cell == SP_CELL_F32 &&
		     wants_pixels(build, tensor);
	if (to->pixels)
		sp_plan_tagged(plan, shape, dnnl_nhwc, &value.desc);
	else
		sp_plan_plain(shape, &value.desc);
	value.buffer = to->buffer = sp_plan_buffer(plan, &value.desc);
	sp_plan_set(plan, tensor, value);
}

static void export_unit(struct build *build, struct sp_unit *unit)
{
	uint32_t channel = 0;

	for (uint32_t i = 0; i < unit->parts_n; i++) {
		const struct sp_node *node = unit->behind[i] ? unit->behind[i] : unit->parts[i];

		/* Without the addition behind it this is not yet the node's result. */
		if (build->islands->rows[node->output] == unit->out)
			export_tensor(build, unit, node->output, channel);
		channel += (uint32_t)build->plan->shapes->of[node->output].dim[1];
	}
}

static void count_inside(struct build *build)
{
	for (uint32_t i = 0; i < build->n; i++) {
		const struct sp_node *node = &build->plan->graph->nodes[build->nodes[i]];

		for (uint32_t k = 0; k <= node->inputs_n; k++)
			if (sp_islands_source(node, k) != SP_NONE)
				build->islands->inside[sp_islands_source(node, k)]++;
	}
}

/* The tables by tensor are as they were before the island. */
static void forget(struct build *build)
{
	for (uint32_t i = 0; i < build->n; i++) {
		const struct sp_node *node = &build->plan->graph->nodes[build->nodes[i]];

		build->islands->rows[node->output] = SP_NONE;
		for (uint32_t k = 0; k <= node->inputs_n; k++)
			if (sp_islands_source(node, k) != SP_NONE) {
				build->islands->rows[sp_islands_source(node, k)] = SP_NONE;
				build->islands->inside[sp_islands_source(node, k)] = 0;
			}
	}
}

void sp_band_build(struct sp_plan *plan, struct sp_band *band, const uint32_t *nodes, uint32_t n)
{
	struct build build = {
		plan, band, &plan->islands, nodes, n, plan->islands.island[nodes[0]]
	};
	/* A node is at most two units, and brings in at most two tensors from outside. */
	size_t most = 4 * (size_t)n;

	band->units = calloc(most, sizeof(*band->units));
	band->rows = calloc(most, sizeof(*band->rows));
	band->inputs = calloc(most, sizeof(*band->inputs));
	if (!band->units || !band->rows || !band->inputs) {
		sp_plan_fail(plan, -ENOMEM, "out of memory");
		return;
	}
	for (uint32_t i = 0; i < n && !plan->error; i++) {
		plan->node = nodes[i];
		if (!plan->islands.unit[nodes[i]])
			build_node(&build, i);
	}
	choose_cells(band);
	count_inside(&build);
	for (uint32_t i = 0; i < band->units_n && !plan->error; i++)
		export_unit(&build, &band->units[i]);
	forget(&build);
}
