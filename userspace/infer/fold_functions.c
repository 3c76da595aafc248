/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions that exporters write out for want of an operator of their own, each a pass over the
 * picture: x · hardsigmoid(x) is hardswish, x · ½ (1 + erf(x / √2)) gelu.
 */
#include "infer/fold.h"

#include <math.h>

static bool is_near(double value, double wanted)
{
	return fabs(value - wanted) <= 1e-6 * fabs(wanted);
}

/* The node of operator @op that makes @tensor, if its result is bare. */
static const struct sp_node *made_by(const struct sp_folding *folding, uint32_t tensor,
				     enum sp_op op)
{
	const struct sp_node *node = sp_fold_producer(folding, tensor);

	return node && node->op == op && node->act.kind == SP_ACT_NONE ? node : NULL;
}

/* What @node, of two inputs, has beside the constant @value; SP_NONE if it has none such. */
static uint32_t beside(const struct sp_folding *folding, const struct sp_node *node, double value)
{
	for (unsigned int i = 0; i < 2; i++) {
		const struct sp_tensor *constant = &folding->graph->tensors[node->inputs[!i]];

		/* A quotient's constant is the second; one of more dimensions would widen. */
		if (constant->floats && constant->shape.rank <= 1 &&
		    sp_shape_elements(&constant->shape) == 1 && (i == 0 || node->op != SP_OP_DIV) &&
		    is_near(constant->floats[0], value))
			return node->inputs[i];
	}
	return SP_NONE;
}

/* x of 1 + erf(x / √2), or SP_NONE. */
static uint32_t inside_erf(const struct sp_folding *folding, uint32_t tensor)
{
	const struct sp_node *node = made_by(folding, tensor, SP_OP_ADD), *scaled;

	tensor = node ? beside(folding, node, 1) : SP_NONE;
	node = made_by(folding, tensor, SP_OP_FUNCTION);
	if (!node || node->function.kind != SP_FUN_ERF)
		return SP_NONE;
	scaled = made_by(folding, node->inputs[0], SP_OP_DIV);
	if (scaled)
		return beside(folding, scaled, sqrt(2));
	scaled = made_by(folding, node->inputs[0], SP_OP_MUL);
	return scaled ? beside(folding, scaled, sqrt(0.5)) : SP_NONE;
}

/* x of x · (1 + erf(x / √2)), or SP_NONE. */
static uint32_t twice_gelu(const struct sp_folding *folding, uint32_t tensor)
{
	const struct sp_node *node = made_by(folding, tensor, SP_OP_MUL);

	for (unsigned int i = 0; node && i < 2; i++)
		if (inside_erf(folding, node->inputs[!i]) == node->inputs[i])
			return node->inputs[i];
	return SP_NONE;
}

/* x of gelu(x), whether ½ is multiplied last or first. */
static uint32_t gelu(const struct sp_folding *folding, const struct sp_node *node)
{
	uint32_t half = beside(folding, node, 0.5), x;

	if (half != SP_NONE)
		return twice_gelu(folding, half);
	for (unsigned int i = 0; i < 2; i++) {
		const struct sp_node *halved = made_by(folding, node->inputs[i], SP_OP_MUL);

		x = halved ? beside(folding, halved, 0.5) : SP_NONE;
		if (x != SP_NONE && inside_erf(folding, node->inputs[!i]) == x)
			return x;
	}
	return SP_NONE;
}

static uint32_t hardswish(const struct sp_folding *folding, const struct sp_node *node)
{
	for (unsigned int i = 0; i < 2; i++) {
		const struct sp_node *by = made_by(folding, node->inputs[!i], SP_OP_FUNCTION);

		if (by && by->function.kind == SP_FUN_HARDSIGMOID &&
		    by->inputs[0] == node->inputs[i] && is_near(by->function.by[0], 1.0 / 6) &&
		    is_near(by->function.by[1], 0.5))
			return node->inputs[i];
	}
	return SP_NONE;
}

void sp_fold_functions(struct sp_folding *folding, struct sp_node *node)
{
	struct sp_function function = { .kind = SP_FUN_HARDSWISH };
	uint32_t x = hardswish(folding, node);

	if (x == SP_NONE) {
		function.kind = SP_FUN_GELU;
		x = gelu(folding, node);
	}
	if (x == SP_NONE)
		return;
	sp_fold_input(folding, node, 0, x);
	sp_fold_input(folding, node, 1, SP_NONE);
	node->inputs_n = 1;
	node->op = SP_OP_FUNCTION;
	node->function = function;
}
