/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Simplifies a sorted graph in one walk: identities vanish, an affine (batch normalisation) goes
 * into the weights before it, an addition and an activation become the last steps of the node
 * before them.
 * Only results that a single node reads are changed.
 */
#include "infer/graph.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"

struct fold {
	struct sp_graph *graph;
	uint32_t *alias; /* of a tensor: the tensor that it is */
	uint32_t *producer; /* of a tensor: its node, or SP_NONE */
	uint32_t *uses; /* of a tensor, outputs of the graph counted */
};

/* The node that makes @tensor, if nothing else reads it and its result is still bare. */
static struct sp_node *bare_producer(const struct fold *fold, uint32_t tensor)
{
	uint32_t at = fold->producer[tensor];
	struct sp_node *node = at == SP_NONE ? NULL : &fold->graph->nodes[at];

	if (!node || fold->uses[tensor] != 1 || node->act.kind != SP_ACT_NONE)
		return NULL;
	return node;
}

/* @node's result is now what @output was; @output's own node, at @dead, is gone. */
static void take_over(struct fold *fold, struct sp_node *node, struct sp_node *dead)
{
	node->output = dead->output;
	fold->producer[node->output] = (uint32_t)(node - fold->graph->nodes);
	dead->op = SP_OP_IDENTITY;
}

static int fold_affine(struct fold *fold, struct sp_node *node, struct sp_err *err)
{
	struct sp_graph *graph = fold->graph;
	struct sp_node *before = bare_producer(fold, node->inputs[0]);
	const struct sp_tensor *scale = &graph->tensors[node->inputs[1]];
	const struct sp_tensor *shift = &graph->tensors[node->inputs[2]], *weights, *bias = NULL;
	float *new_weights, *new_bias;
	uint32_t weights_id, bias_id;
	struct sp_shape rows;
	int64_t row;

	/* A Gemm's columns are channels; a MatMul's only where it gives a matrix, not known yet. */
	if (!before || before->residual != SP_NONE ||
	    (before->op != SP_OP_CONV && strcmp(before->type, "Gemm")))
		return 0;
	weights = &graph->tensors[before->inputs[1]];
	rows = (struct sp_shape){ .rank = 1, .dim = { weights->shape.dim[0] } };
	if (!sp_shape_equal(&rows, &scale->shape))
		return sp_err_set(err, -EINVAL,
				  "node '%s' (%s): has %lld channels, its input has %lld; "
				  "the file is corrupt",
				  node->name, node->type, (long long)scale->shape.dim[0],
				  (long long)rows.dim[0]);
	weights_id = sp_graph_floats(graph, weights->name, &weights->shape, &new_weights);
	bias_id = sp_graph_floats(graph, node->name, &rows, &new_bias);
	if (weights_id == SP_NONE || bias_id == SP_NONE)
		return sp_err_set(err, -ENOMEM, "out of memory");
	/* The table of tensors may have moved. */
	weights = &graph->tensors[before->inputs[1]];
	scale = &graph->tensors[node->inputs[1]];
	shift = &graph->tensors[node->inputs[2]];
	if (before->inputs[2] != SP_NONE)
		bias = &graph->tensors[before->inputs[2]];
	row = rows.dim[0] ? sp_shape_elements(&weights->shape) / rows.dim[0] : 0;
	for (int64_t i = 0; i < rows.dim[0]; i++) {
		double factor = scale->floats[i];

		for (int64_t k = 0; k < row; k++)
			new_weights[i * row + k] = (float)(weights->floats[i * row + k] * factor);
		new_bias[i] = (float)((bias ? bias->floats[i] * factor : 0.0) + shift->floats[i]);
	}
	before->inputs[1] = weights_id;
	before->inputs[2] = bias_id;
	take_over(fold, before, node);
	return 0;
}

static void fuse_activation(struct fold *fold, struct sp_node *node)
{
	struct sp_node *before = bare_producer(fold, node->inputs[0]);

	if (!before)
		return;
	switch (before->op) {
	case SP_OP_CONV:
		break;
	case SP_OP_GEMM:
	case SP_OP_ADD:
	case SP_OP_SUB:
	case SP_OP_MUL:
	case SP_OP_AFFINE:
		if (node->act.kind == SP_ACT_PRELU)
			return;
		break;
	default:
		return;
	}
	before->act = node->act;
	take_over(fold, before, node);
}

/* x + conv(y) and x + resize(y) become one node, in the place of the addition. */
static void fuse_residual(struct fold *fold, struct sp_node *node)
{
	struct sp_node *best = NULL;
	uint32_t residual = SP_NONE;

	for (unsigned int i = 0; i < 2; i++) {
		struct sp_node *before = bare_producer(fold, node->inputs[i]);
		uint32_t other = node->inputs[!i];

		if (!before || before->residual != SP_NONE ||
		    sp_tensor_constant(&fold->graph->tensors[other]) ||
		    (before->op != SP_OP_CONV && before->op != SP_OP_RESIZE))
			continue;
		/* An addition inside a resize saves most, then one in the later convolution. */
		if (best && best->op == SP_OP_RESIZE)
			continue;
		if (best && before->op != SP_OP_RESIZE && before < best)
			continue;
		best = before;
		residual = other;
	}
	if (best) {
		uint32_t output = node->output;

		*node = *best;
		node->output = output;
		node->residual = residual;
		best->op = SP_OP_IDENTITY;
	}
}

static int fold_node(struct fold *fold, struct sp_node *node, struct sp_err *err)
{
	int ret = 0;

	for (uint32_t i = 0; i < node->inputs_n; i++)
		if (node->inputs[i] != SP_NONE)
			node->inputs[i] = fold->alias[node->inputs[i]];
	switch (node->op) {
	case SP_OP_IDENTITY:
		fold->alias[node->output] = node->inputs[0];
		return 0;
	case SP_OP_AFFINE:
		ret = fold_affine(fold, node, err);
		break;
	case SP_OP_ACTIVATION:
		fuse_activation(fold, node);
		break;
	case SP_OP_ADD:
		fuse_residual(fold, node);
		break;
	default:
		break;
	}
	if (!ret && node->op != SP_OP_IDENTITY)
		fold->producer[node->output] = (uint32_t)(node - fold->graph->nodes);
	return ret;
}

/* Readers of each tensor, seen through identities. */
static void count_uses(struct fold *fold)
{
	struct sp_graph *graph = fold->graph;

	for (uint32_t i = 0; i < graph->tensors_n; i++)
		fold->alias[i] = i;
	for (uint32_t i = 0; i < graph->nodes_n; i++) {
		const struct sp_node *node = &graph->nodes[i];

		if (node->op == SP_OP_IDENTITY) {
			fold->alias[node->output] = fold->alias[node->inputs[0]];
			continue;
		}
		for (uint32_t k = 0; k < node->inputs_n; k++)
			if (node->inputs[k] != SP_NONE)
				fold->uses[fold->alias[node->inputs[k]]]++;
	}
	for (uint32_t i = 0; i < graph->outputs_n; i++)
		fold->uses[fold->alias[graph->outputs[i]]]++;
}

int sp_graph_fold(struct sp_graph *graph, struct sp_err *err)
{
	uint32_t tensors = graph->tensors_n + 1, kept = 0;
	struct fold fold = { .graph = graph };
	int ret = 0;

	fold.alias = calloc(tensors, sizeof(*fold.alias));
	fold.producer = malloc(tensors * sizeof(*fold.producer));
	fold.uses = calloc(tensors, sizeof(*fold.uses));
	if (!fold.alias || !fold.producer || !fold.uses) {
		ret = sp_err_set(err, -ENOMEM, "out of memory");
		goto out;
	}
	memset(fold.producer, 0xFF, tensors * sizeof(*fold.producer));
	count_uses(&fold);
	for (uint32_t i = 0; !ret && i < graph->nodes_n; i++)
		ret = fold_node(&fold, &graph->nodes[i], err);
	if (ret)
		goto out;
	for (uint32_t i = 0; i < graph->outputs_n; i++)
		graph->outputs[i] = fold.alias[graph->outputs[i]];
	for (uint32_t i = 0; i < graph->nodes_n; i++)
		if (graph->nodes[i].op != SP_OP_IDENTITY)
			graph->nodes[kept++] = graph->nodes[i];
	graph->nodes_n = kept;
out:
	free(fold.alias);
	free(fold.producer);
	free(fold.uses);
	return ret;
}
