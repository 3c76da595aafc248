/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/fold.h"

/* One pixel in, one pixel out, every channel into every other. */
static bool is_pointwise(const struct sp_node *node)
{
	const struct sp_window *window = &node->window;
	bool padded = false;

	/* A window of one pixel at stride 1 needs no automatic padding. */
	for (unsigned int i = 0; i < 4 && window->auto_pad == SP_PAD_EXPLICIT; i++)
		padded |= window->pad[i] != 0;
	return node->op == SP_OP_CONV && window->kernel[0] == 1 && window->kernel[1] == 1 &&
	       window->stride[0] == 1 && window->stride[1] == 1 && window->group == 1 && !padded &&
	       node->residual == SP_NONE;
}

/* Each channel for itself: weights of channels × 1 × kh × kw. */
static bool is_depthwise(const struct sp_graph *graph, const struct sp_node *node)
{
	const struct sp_shape *weights;

	if (node->op != SP_OP_CONV)
		return false;
	weights = &graph->tensors[node->inputs[1]].shape;
	return weights->dim[1] == 1 && node->window.group == weights->dim[0];
}

void sp_fold_pairs(struct sp_folding *folding)
{
	struct sp_graph *graph = folding->graph;

	for (uint32_t i = 0; i < graph->nodes_n; i++) {
		struct sp_node *node = &graph->nodes[i], *before;

		if (!is_depthwise(graph, node))
			continue;
		before = sp_fold_producer(folding, node->inputs[0]);
		if (!before || folding->uses[node->inputs[0]] != 1 || !is_pointwise(before) ||
		    graph->tensors[before->inputs[1]].shape.dim[0] != node->window.group)
			continue;
		before->pair = i;
		node->pair = (uint32_t)(before - graph->nodes);
	}
}
