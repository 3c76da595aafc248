/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/fold.h"

static void fuse_activation(struct sp_folding *folding, struct sp_node *node)
{
	struct sp_node *before = sp_fold_producer(folding, node->inputs[0]);

	/* Its residual does no harm: that is added first. */
	if (!before || folding->uses[node->inputs[0]] != 1 || before->act.kind != SP_ACT_NONE)
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
	sp_fold_take_over(folding, before, node);
}

/* x + conv(y) and x + resize(y) become one node, in the place of the addition. */
static void fuse_residual(struct sp_folding *folding, struct sp_node *node)
{
	struct sp_node *best = NULL;
	uint32_t residual = SP_NONE;

	for (unsigned int i = 0; i < 2; i++) {
		struct sp_node *before = sp_fold_bare(folding, node->inputs[i]);
		uint32_t other = node->inputs[!i];

		if (!before || sp_tensor_constant(&folding->graph->tensors[other]) ||
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

void sp_fold_steps(struct sp_folding *folding, struct sp_node *node)
{
	if (node->op == SP_OP_ACTIVATION)
		fuse_activation(folding, node);
	else if (node->op == SP_OP_ADD)
		fuse_residual(folding, node);
	else if (node->op == SP_OP_MUL)
		sp_fold_functions(folding, node);
}
