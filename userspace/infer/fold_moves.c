/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/fold.h"

#include <string.h>

#include "infer/fold_known.h"

enum { HOPS_MAX = 64 }; /* back from a Reshape; more only in files that want time */

/* ---- transposes ----------------------------------------------------------------------------- */

/* Where axis @i of the result comes from; false: it is not known how many there are. */
static bool permutation(const struct sp_folding *folding, const struct sp_node *node,
			unsigned int *ret_rank, int64_t ret_of[SP_RANK_MAX])
{
	const struct sp_known *x = sp_fold_known(folding, node->inputs[0]);

	/* What is no permutation of its input is not known either. */
	if (!x->ranked || !sp_fold_known(folding, node->output)->ranked)
		return false;
	*ret_rank = x->shape.rank;
	for (unsigned int i = 0; i < x->shape.rank; i++)
		ret_of[i] = node->perm.n ? node->perm.of[i] : x->shape.rank - 1 - i;
	return true;
}

static void fold_transpose(struct sp_folding *folding, struct sp_node *node)
{
	struct sp_node *before = sp_fold_producer(folding, node->inputs[0]);
	int64_t of[SP_RANK_MAX], first[SP_RANK_MAX];
	unsigned int rank, again;
	bool same = true;

	if (!permutation(folding, node, &rank, of))
		return;
	if (before && before->op == SP_OP_TRANSPOSE &&
	    permutation(folding, before, &again, first)) {
		for (unsigned int i = 0; i < rank; i++)
			of[i] = first[of[i]];
		node->perm.n = rank;
		memcpy(node->perm.of, of, sizeof(of));
		sp_fold_input(folding, node, 0, before->inputs[0]);
	}
	for (unsigned int i = 0; i < rank; i++)
		same &= of[i] == i;
	if (same)
		sp_fold_alias(folding, node, node->inputs[0]);
}

/* ---- reshapes ------------------------------------------------------------------------------- */

static bool is_reshape(const struct sp_node *node)
{
	return node->op == SP_OP_RESHAPE || node->op == SP_OP_FLATTEN ||
	       node->op == SP_OP_SQUEEZE || node->op == SP_OP_UNSQUEEZE;
}

/* Whether @node gives its values in the order in which they are, under another shape. */
static bool keeps_order(const struct sp_folding *folding, const struct sp_node *node)
{
	const struct sp_known *x = sp_fold_known(folding, node->inputs[0]);
	int64_t of[SP_RANK_MAX], last = -1;
	unsigned int rank;

	if (is_reshape(node))
		return true;
	if (node->op != SP_OP_TRANSPOSE || !permutation(folding, node, &rank, of))
		return false;
	/* Axes of length 1 may go anywhere. */
	for (unsigned int i = 0; i < rank; i++) {
		if (x->shape.dim[of[i]] == 1)
			continue;
		if (of[i] < last)
			return false;
		last = of[i];
	}
	return true;
}

/* Whether a Reshape's target says the same of any input with as many values. */
static bool is_absolute(const struct sp_known *target)
{
	for (uint32_t i = 0; i < target->ints_n; i++)
		if (target->ints[i] == 0)
			return false;
	return target->integer;
}

/*
 * @node becomes a Reshape to the shape that its result is known to have, if one dimension at most is
 * open. 1: it did; 0 or -errno.
 */
static int make_absolute(struct sp_folding *folding, struct sp_node *node)
{
	const struct sp_known *y = sp_fold_known(folding, node->output);
	struct sp_shape row = { .rank = 1, .dim = { y->shape.rank } };
	unsigned int open = 0;
	int64_t *data;
	uint32_t id;
	int ret;

	for (unsigned int i = 0; i < y->shape.rank; i++)
		open += y->shape.dim[i] < 0;
	if (!y->ranked || open > 1)
		return 0;
	ret = sp_fold_ints(folding, node->name, &row, &id, &data);
	if (ret)
		return ret;
	memcpy(data, y->shape.dim, y->shape.rank * sizeof(*data));
	if (node->inputs_n < 2)
		node->inputs[1] = SP_NONE;
	node->inputs_n = 2;
	sp_fold_input(folding, node, 1, id);
	node->op = SP_OP_RESHAPE;
	return 1;
}

static int fold_reshape(struct sp_folding *folding, struct sp_node *node)
{
	struct sp_node *before = sp_fold_producer(folding, node->inputs[0]);
	const struct sp_known *y = sp_fold_known(folding, node->output);
	int absolute = node->op == SP_OP_RESHAPE &&
		       is_absolute(sp_fold_known(folding, node->inputs[1]));

	/* Integers, and what may be integers, are not moved: their values are known. */
	if (!y->ranked || y->integer)
		return 0;
	if (!absolute && before && keeps_order(folding, before))
		absolute = make_absolute(folding, node);
	if (absolute < 0)
		return absolute;
	for (unsigned int hops = 0;
	     absolute && hops < HOPS_MAX && before && keeps_order(folding, before); hops++) {
		sp_fold_input(folding, node, 0, before->inputs[0]);
		before = sp_fold_producer(folding, node->inputs[0]);
	}
	if (sp_known_same(sp_fold_known(folding, node->inputs[0]), y))
		sp_fold_alias(folding, node, node->inputs[0]);
	return 0;
}

int sp_fold_moves(struct sp_folding *folding, struct sp_node *node)
{
	if (node->op == SP_OP_TRANSPOSE)
		fold_transpose(folding, node);
	else if (is_reshape(node))
		return fold_reshape(folding, node);
	return 0;
}
