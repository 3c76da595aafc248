/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/cpu/islands.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "infer/cpu/band.h"
#include "infer/graph.h"
#include "infer/shape.h"

/* A graph on its way to islands. */
struct sort {
	const struct sp_graph *graph;
	const struct sp_shapes *shapes;
	struct sp_islands *islands;
	uint32_t *maker; /* by tensor: its node, or SP_NONE */
	uint32_t *phase; /* by node */
	uint32_t *count; /* by phase: nodes of ours */
};

static void count_readers(struct sort *sort)
{
	const struct sp_graph *graph = sort->graph;
	struct sp_islands *islands = sort->islands;

	for (uint32_t i = 0; i < graph->tensors_n; i++)
		islands->reader[i] = sort->maker[i] = SP_NONE;
	for (uint32_t i = 0; i < graph->nodes_n; i++) {
		const struct sp_node *node = &graph->nodes[i];

		sort->maker[node->output] = i;
		/* Integers are shapes, known by now: nothing of a tensor is read for them. */
		if (sort->shapes->ints[node->output])
			continue;
		for (uint32_t k = 0; k <= node->inputs_n; k++) {
			uint32_t tensor = sp_islands_source(node, k);

			if (tensor != SP_NONE)
				islands->reader[tensor] = islands->uses[tensor]++ ? SP_NONE : i;
		}
	}
	for (uint32_t i = 0; i < graph->outputs_n; i++) {
		islands->uses[graph->outputs[i]]++;
		islands->reader[graph->outputs[i]] = SP_NONE;
	}
}

/* The phase of node @at, and whether it is ours, from those before it. */
static void deal_out(struct sort *sort, uint32_t at)
{
	const struct sp_node *node = &sort->graph->nodes[at];
	uint32_t *island = sort->islands->island, phase = 0, below = 0;

	island[at] = SP_NONE;
	for (uint32_t k = 0; k <= node->inputs_n; k++) {
		uint32_t tensor = sp_islands_source(node, k), maker;

		maker = tensor == SP_NONE ? SP_NONE : sort->maker[tensor];
		if (maker == SP_NONE)
			continue;
		if (phase < sort->phase[maker])
			phase = sort->phase[maker];
		if (island[maker] == SP_NONE && below < sort->phase[maker] + 1)
			below = sort->phase[maker] + 1;
	}
	sort->phase[at] = phase;
	if (!sp_band_takes(sort->graph, sort->shapes, node))
		return;
	if (sp_band_reads_planes(sort->graph, sort->shapes, node) &&
	    sort->maker[node->inputs[0]] != SP_NONE &&
	    island[sort->maker[node->inputs[0]]] != SP_NONE)
		return;
	phase = phase > below ? phase : below;
	while (sort->count[phase] == SP_ISLAND_NODES_MAX)
		phase++;
	sort->count[phase]++;
	sort->phase[at] = island[at] = phase;
}

/*
 * An island pays for its shores: each picture that comes from or goes to another layout is copied,
 * which a convolution or so must win back. Islands that do not are oneDNN's after all.
 */
static void drop_poor(struct sort *sort)
{
	const struct sp_graph *graph = sort->graph;
	uint32_t *island = sort->islands->island;
	int64_t *worth = calloc(graph->nodes_n + 1, sizeof(*worth));

	if (!worth)
		return; /* the islands are right, only perhaps not worth their while */
	for (uint32_t i = 0; i < graph->nodes_n; i++) {
		const struct sp_node *node = &graph->nodes[i];

		if (island[i] != SP_NONE && node->op == SP_OP_CONV)
			worth[island[i]] += 1;
		for (uint32_t k = 0; k <= node->inputs_n; k++) {
			uint32_t tensor = sp_islands_source(node, k), from;

			from = tensor == SP_NONE ? SP_NONE : sort->maker[tensor];
			if (from == SP_NONE || island[from] == island[i] ||
			    node->op == SP_OP_TRANSPOSE || node->op == SP_OP_RESHAPE ||
			    node->op == SP_OP_FLATTEN || node->op == SP_OP_MEAN ||
			    sort->shapes->of[tensor].rank != 4)
				continue;
			if (island[from] != SP_NONE)
				worth[island[from]]--;
			if (island[i] != SP_NONE)
				worth[island[i]]--;
		}
	}
	for (uint32_t i = 0; i < graph->nodes_n; i++)
		if (island[i] != SP_NONE && worth[island[i]] < 1)
			island[i] = SP_NONE;
	free(worth);
}

/* Phase by phase, the island first, in each by number. */
static void bring_to_order(struct sort *sort)
{
	struct sp_islands *islands = sort->islands;
	uint32_t n = sort->graph->nodes_n, *at = sort->count, sum = 0, place;

	/* Two bins a phase: its island, then the others. Phases are no more than nodes. */
	memset(at, 0, (2 * (size_t)n + 2) * sizeof(*at));
	for (uint32_t i = 0; i < n; i++)
		at[2 * sort->phase[i] + (islands->island[i] == SP_NONE)]++;
	for (uint32_t i = 0; i < 2 * n + 2; i++) {
		uint32_t here = at[i];

		at[i] = sum;
		sum += here;
	}
	for (uint32_t i = 0; i < n; i++)
		islands->order[at[2 * sort->phase[i] + (islands->island[i] == SP_NONE)]++] = i;
	for (uint32_t i = n, last = 0; i--;) {
		uint32_t node = islands->order[i];
		uint32_t next = i + 1 < n ? islands->island[islands->order[i + 1]] : SP_NONE;

		place = islands->island[node] != SP_NONE && islands->island[node] == next ? last
											  : i;
		islands->place[node] = last = place;
	}
}

int sp_islands_init(struct sp_islands *islands, const struct sp_graph *graph,
		    const struct sp_shapes *shapes, bool ours)
{
	size_t nodes = (size_t)graph->nodes_n + 1, tensors = (size_t)graph->tensors_n + 1;
	struct sort sort = { .graph = graph, .shapes = shapes, .islands = islands };
	uint32_t *memory = calloc(4 * nodes + 4 * tensors, sizeof(*memory));

	*islands = (struct sp_islands){ .nodes_n = graph->nodes_n, .memory = memory };
	sort.maker = calloc(tensors, sizeof(*sort.maker));
	sort.phase = calloc(nodes, sizeof(*sort.phase));
	sort.count = calloc(2 * nodes, sizeof(*sort.count));
	if (!memory || !sort.maker || !sort.phase || !sort.count) {
		free(sort.maker);
		free(sort.phase);
		free(sort.count);
		return -ENOMEM;
	}
	islands->order = memory;
	islands->place = islands->order + nodes;
	islands->island = islands->place + nodes;
	islands->reader = islands->island + nodes;
	islands->uses = islands->reader + tensors;
	islands->rows = islands->uses + tensors;
	islands->inside = islands->rows + tensors;
	islands->unit = islands->inside + tensors;
	memset(islands->rows, 0xFF, tensors * sizeof(*islands->rows));
	count_readers(&sort);
	for (uint32_t i = 0; i < graph->nodes_n; i++) {
		if (ours)
			deal_out(&sort, i);
		else
			islands->island[i] = SP_NONE;
	}
	if (ours)
		drop_poor(&sort);
	bring_to_order(&sort);
	free(sort.maker);
	free(sort.phase);
	free(sort.count);
	return 0;
}

void sp_islands_uninit(struct sp_islands *islands)
{
	free(islands->memory);
	*islands = (struct sp_islands){ 0 };
}

uint32_t sp_islands_run(const struct sp_islands *islands, uint32_t at)
{
	uint32_t island = islands->island[islands->order[at]], n = 0;

	if (island == SP_NONE)
		return 0;
	while (at + n < islands->nodes_n && islands->island[islands->order[at + n]] == island)
		n++;
	return n;
}
