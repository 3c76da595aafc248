/* SPDX-License-Identifier: Apache-2.0 */
#include "app/model_file.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "infer/align.h"
#include "infer/graph.h"
#include "infer/model.h"
#include "infer/role.h"

char *sp_sha256_text(const uint8_t sha256[32], char text[SP_SHA256_TEXT])
{
	for (int i = 0; i < SP_SHA256_SIZE; i++)
		snprintf(text + 2 * i, 3, "%02x", sha256[i]);
	return text;
}

/* What the shapes of inputs and outputs say. */
static enum sp_model_role shape_role(const struct sp_model *model)
{
	const struct sp_shape *in = &model->inputs[0].shape, *out = &model->outputs[0].shape;
	struct sp_detect_outputs outputs;
	struct sp_model_card card;
	uint32_t width, height;
	int64_t numbers;

	sp_model_card_default(SP_ROLE_DETECTOR, &card);
	if (!sp_detector_check(model, &card, &outputs, &width, &height, NULL))
		return SP_ROLE_DETECTOR;
	if (model->inputs_n != 1 || model->outputs_n != 1 || in->rank != 4 || !out->rank ||
	    in->dim[1] != 3 || in->dim[2] != in->dim[3])
		return SP_ROLES;
	numbers = out->dim[out->rank - 1];
	if (in->dim[2] == SP_ALIGNED_SIDE && numbers > 1)
		return SP_ROLE_EMBEDDER;
	return in->dim[2] == SP_QUALITY_SIDE && numbers == 1 ? SP_ROLE_QUALITY : SP_ROLES;
}

int sp_model_card_of(const struct sp_model *model, struct sp_model_card *ret_card,
		     struct sp_err *err)
{
	struct sp_err why = { "" };
	int status = sp_model_card_load(model, SP_ROLES, ret_card, &why);
	enum sp_model_role role;

	if (status && status != -ENOENT)
		return sp_err_set(err, status, "%s", why.text);
	if (!status)
		return 0;
	role = shape_role(model);
	sp_model_card_default(role, ret_card);
	return 0;
}

static int by_name(const void *a, const void *b)
{
	const struct sp_model_operator *x = a, *y = b;

	return strcmp(x->type, y->type);
}

/* One more of @type. Types beyond the table's room are left out: no network has so many. */
static void count_operator(struct sp_model_figures *figures, const char *type)
{
	uint32_t i = 0;

	while (i < figures->operators_n && strcmp(figures->operators[i].type, type))
		i++;
	if (i == SP_MODEL_OPERATORS_MAX)
		return;
	if (i == figures->operators_n)
		figures->operators[figures->operators_n++] = (struct sp_model_operator){ type, 0 };
	figures->operators[i].n++;
}

/* A constant that many nodes share is counted with the first. */
static void count_constant(struct sp_model_figures *figures, const struct sp_graph *graph,
			   uint32_t tensor, bool *seen)
{
	if (tensor == SP_NONE || !graph->tensors[tensor].floats || seen[tensor])
		return;
	seen[tensor] = true;
	figures->parameters += (uint64_t)sp_shape_elements(&graph->tensors[tensor].shape);
}

int sp_model_figures(const struct sp_model *model, struct sp_model_figures *ret_figures)
{
	const struct sp_graph *graph = model->graph;
	bool *seen = calloc(graph->tensors_n, sizeof(*seen));

	if (!seen)
		return -ENOMEM;
	memset(ret_figures, 0, sizeof(*ret_figures));
	ret_figures->nodes = graph->nodes_n;
	for (uint32_t i = 0; i < graph->nodes_n; i++) {
		const struct sp_node *node = &graph->nodes[i];

		count_operator(ret_figures, node->type);
		for (uint32_t k = 0; k < node->inputs_n; k++)
			count_constant(ret_figures, graph, node->inputs[k], seen);
		if (node->act.kind == SP_ACT_PRELU)
			count_constant(ret_figures, graph, node->act.slope, seen);
	}
	free(seen);
	qsort(ret_figures->operators, ret_figures->operators_n, sizeof(*ret_figures->operators),
	      by_name);
	return 0;
}
