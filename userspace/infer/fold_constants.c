/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/fold.h"

#include <errno.h>
#include <string.h>

#include "base/diag.h"
#include "infer/fold_known.h"

/*
 * Values of a result. A larger one, or one whose work or memory a hostile file has used up, stays
 * to be computed like everything else.
 */
enum { RESULT_MAX = 1 << 20 };

/* @node's result is the constant that its tensor now is; it reads nothing any more. */
static void settle(struct sp_folding *folding, struct sp_node *node)
{
	for (uint32_t i = 0; i < node->inputs_n; i++)
		if (node->inputs[i] != SP_NONE)
			folding->uses[node->inputs[i]]--;
	node->op = SP_OP_IDENTITY;
}

static int settle_ints(struct sp_folding *folding, struct sp_node *node,
		       const struct sp_known *known)
{
	struct sp_tensor *tensor = &folding->graph->tensors[node->output];
	int64_t *data = sp_graph_alloc(folding->graph, (known->ints_n + 1) * sizeof(*data));

	if (!data)
		return sp_err_set(folding->err, -ENOMEM, "out of memory");
	memcpy(data, known->ints, known->ints_n * sizeof(*data));
	tensor->shape = known->shape;
	tensor->ints = data;
	settle(folding, node);
	return 0;
}

static bool reads_constants(const struct sp_graph *graph, const struct sp_node *node)
{
	bool any = false;

	for (uint32_t i = 0; i < node->inputs_n; i++) {
		if (node->inputs[i] == SP_NONE)
			continue;
		if (!sp_tensor_constant(&graph->tensors[node->inputs[i]]))
			return false;
		any = true;
	}
	return any && graph->tensors[node->inputs[0]].floats;
}

static bool is_fixed(const struct sp_known *known)
{
	for (unsigned int i = 0; i < known->shape.rank; i++)
		if (known->shape.dim[i] < 0)
			return false;
	return known->ranked;
}

int sp_fold_constants(struct sp_folding *folding, struct sp_node *node)
{
	struct sp_graph *graph = folding->graph;
	const struct sp_known *known = sp_fold_known(folding, node->output);
	int64_t n = known->ranked ? sp_shape_elements(&known->shape) : -1;
	char text[96];
	uint64_t work;
	float *data;

	if (sp_known_ints(known))
		return settle_ints(folding, node, known);
	/* Whatever the input's shape, this one is what it is. */
	if (n < 0 && is_fixed(known))
		return sp_err_set(folding->err, -EFBIG,
				  "node '%s' (%s): a result of shape %s is not supported",
				  node->name, node->type,
				  sp_shape_text(&known->shape, text, sizeof(text)));
	if (n < 1 || n > RESULT_MAX || !reads_constants(graph, node))
		return 0;
	work = sp_fold_work(graph, node, &known->shape);
	if (work > folding->work_left)
		return 0;
	folding->work_left -= work;
	data = sp_graph_alloc(graph, (size_t)n * sizeof(*data));
	if (!data || !sp_fold_evaluate(graph, node, &known->shape, data))
		return 0;
	graph->tensors[node->output].shape = known->shape;
	graph->tensors[node->output].floats = data;
	settle(folding, node);
	return 0;
}
