/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Simplifies a sorted graph in one walk. What a node becomes depends on those before it, which are
 * final but for what a later one takes into itself; only results that a single node reads are
 * changed.
 */
#include "infer/fold.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "infer/fold_known.h"

enum { WORK_MAX = 1 << 22 }; /* a tenth of a second, however hostile the file */

/* ---- what the parts call -------------------------------------------------------------------- */

struct sp_node *sp_fold_producer(const struct sp_folding *folding, uint32_t tensor)
{
	uint32_t at = tensor == SP_NONE ? SP_NONE : folding->producer[tensor];

	return at == SP_NONE ? NULL : &folding->graph->nodes[at];
}

struct sp_node *sp_fold_bare(const struct sp_folding *folding, uint32_t tensor)
{
	struct sp_node *node = sp_fold_producer(folding, tensor);

	if (!node || folding->uses[tensor] != 1 || node->act.kind != SP_ACT_NONE ||
	    node->residual != SP_NONE)
		return NULL;
	return node;
}

void sp_fold_take_over(struct sp_folding *folding, struct sp_node *node, struct sp_node *dead)
{
	folding->uses[node->output] = 0;
	node->output = dead->output;
	folding->producer[node->output] = (uint32_t)(node - folding->graph->nodes);
	dead->op = SP_OP_IDENTITY;
}

void sp_fold_alias(struct sp_folding *folding, struct sp_node *node, uint32_t tensor)
{
	folding->uses[tensor] += folding->uses[node->output];
	folding->uses[tensor]--;
	folding->alias[node->output] = tensor;
	node->op = SP_OP_IDENTITY;
}

void sp_fold_input(struct sp_folding *folding, struct sp_node *node, uint32_t i, uint32_t tensor)
{
	if (node->inputs[i] != SP_NONE)
		folding->uses[node->inputs[i]]--;
	if (tensor != SP_NONE)
		folding->uses[tensor]++;
	node->inputs[i] = tensor;
}

/* Room in the tables for @n tensors; new ones are themselves and nobody's. */
static int make_room(struct sp_folding *folding, uint32_t n)
{
	uint32_t room = folding->room,
		 **tables[] = { &folding->alias, &folding->producer, &folding->uses };

	if (n <= room)
		return 0;
	room = n + n / 2;
	for (unsigned int i = 0; i < 3; i++) {
		uint32_t *table = reallocarray(*tables[i], room, sizeof(*table));

		if (!table)
			return sp_err_set(folding->err, -ENOMEM, "out of memory");
		*tables[i] = table;
	}
	for (uint32_t i = folding->room; i < room; i++) {
		folding->alias[i] = i;
		folding->producer[i] = SP_NONE;
		folding->uses[i] = 0;
	}
	folding->room = room;
	return 0;
}

int sp_fold_floats(struct sp_folding *folding, const char *name, const struct sp_shape *shape,
		   uint32_t *ret_id, float **ret_data)
{
	uint32_t id = sp_graph_floats(folding->graph, name, shape, ret_data);

	if (id == SP_NONE)
		return sp_err_set(folding->err, -ENOMEM, "out of memory");
	*ret_id = id;
	return make_room(folding, id + 1);
}

int sp_fold_ints(struct sp_folding *folding, const char *name, const struct sp_shape *shape,
		 uint32_t *ret_id, int64_t **ret_data)
{
	uint32_t id = sp_graph_ints(folding->graph, name, shape, ret_data);

	if (id == SP_NONE)
		return sp_err_set(folding->err, -ENOMEM, "out of memory");
	*ret_id = id;
	return make_room(folding, id + 1);
}

/* ---- the walk ------------------------------------------------------------------------------- */

static void resolve(const struct sp_folding *folding, uint32_t *tensor)
{
	if (*tensor != SP_NONE)
		*tensor = folding->alias[*tensor];
}

static int fold_node(struct sp_folding *folding, struct sp_node *node)
{
	int ret = 0;

	for (uint32_t i = 0; i < node->inputs_n; i++)
		resolve(folding, &node->inputs[i]);
	if (node->op == SP_OP_IDENTITY) {
		folding->alias[node->output] = node->inputs[0];
		return 0;
	}
	sp_fold_know_node(folding, node);
	if (folding->folds & SP_FOLD_CONSTANTS)
		ret = sp_fold_constants(folding, node);
	if (!ret && node->op != SP_OP_IDENTITY && folding->folds & SP_FOLD_MOVES)
		ret = sp_fold_moves(folding, node);
	if (!ret && node->op != SP_OP_IDENTITY && folding->folds & SP_FOLD_WEIGHTS)
		ret = sp_fold_weights(folding, node);
	if (!ret && node->op != SP_OP_IDENTITY && folding->folds & SP_FOLD_STEPS)
		sp_fold_steps(folding, node);
	if (!ret && node->op != SP_OP_IDENTITY)
		folding->producer[node->output] = (uint32_t)(node - folding->graph->nodes);
	return ret;
}

/* Readers of each tensor, seen through identities. */
static void count_uses(struct sp_folding *folding)
{
	struct sp_graph *graph = folding->graph;

	for (uint32_t i = 0; i < graph->nodes_n; i++) {
		const struct sp_node *node = &graph->nodes[i];

		if (node->op == SP_OP_IDENTITY) {
			folding->alias[node->output] = folding->alias[node->inputs[0]];
			continue;
		}
		for (uint32_t k = 0; k < node->inputs_n; k++)
			if (node->inputs[k] != SP_NONE)
				folding->uses[folding->alias[node->inputs[k]]]++;
		if (node->act.slope != SP_NONE)
			folding->uses[node->act.slope]++;
	}
	for (uint32_t i = 0; i < graph->outputs_n; i++)
		folding->uses[folding->alias[graph->outputs[i]]]++;
}

static bool needed(struct sp_folding *folding, const struct sp_node *node)
{
	return node->op != SP_OP_IDENTITY && folding->uses[node->output];
}

static void need(struct sp_folding *folding, uint32_t tensor)
{
	if (tensor != SP_NONE)
		folding->uses[tensor]++;
}

/* Counts anew, from the outputs back, and keeps what is needed. */
static void drop_dead(struct sp_folding *folding)
{
	struct sp_graph *graph = folding->graph;
	uint32_t kept = 0;

	memset(folding->uses, 0, folding->room * sizeof(*folding->uses));
	for (uint32_t i = 0; i < graph->outputs_n; i++)
		need(folding, graph->outputs[i]);
	for (uint32_t i = graph->nodes_n; i--;) {
		const struct sp_node *node = &graph->nodes[i];

		if (!needed(folding, node))
			continue;
		for (uint32_t k = 0; k < node->inputs_n; k++)
			need(folding, node->inputs[k]);
		need(folding, node->residual);
		need(folding, node->act.slope);
	}
	memset(folding->producer, 0xFF, folding->room * sizeof(*folding->producer));
	for (uint32_t i = 0; i < graph->nodes_n; i++) {
		if (!needed(folding, &graph->nodes[i]))
			continue;
		graph->nodes[kept] = graph->nodes[i];
		folding->producer[graph->nodes[kept].output] = kept;
		kept++;
	}
	graph->nodes_n = kept;
}

int sp_graph_fold(struct sp_graph *graph, unsigned int folds, struct sp_err *err)
{
	struct sp_folding folding = {
		.graph = graph, .folds = folds, .work_left = WORK_MAX, .err = err
	};
	int ret = make_room(&folding, graph->tensors_n + 1);

	if (!ret)
		ret = sp_fold_know(&folding);
	if (!ret)
		count_uses(&folding);
	for (uint32_t i = 0; !ret && i < graph->nodes_n; i++)
		ret = fold_node(&folding, &graph->nodes[i]);
	if (!ret) {
		for (uint32_t i = 0; i < graph->outputs_n; i++)
			resolve(&folding, &graph->outputs[i]);
		drop_dead(&folding);
		if (folds & SP_FOLD_PAIRS)
			sp_fold_pairs(&folding);
	}
	free(folding.alias);
	free(folding.producer);
	free(folding.uses);
	free(folding.known);
	return ret;
}
