/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ONNX reader, folding, and the plan for inputs of an odd size and of another. What infers as it
 * stands in the file must infer to the same shapes when it is folded.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/diag.h"
#include "infer/graph.h"
#include "infer/model.h"
#include "infer/plan_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void compare(const struct sp_model *plain, const struct sp_model *folded, int64_t open)
{
	struct sp_plan_text text;
	struct sp_shape input[4];
	struct sp_shapes shapes;
	struct sp_err err;

	for (unsigned int i = 0; i < plain->inputs_n; i++) {
		input[i] = plain->inputs[i].shape;
		for (unsigned int k = 0; k < input[i].rank; k++)
			if (input[i].dim[k] < 0)
				input[i].dim[k] = open;
	}
	if (sp_shapes_infer(plain->graph, input, &shapes, &err)) {
		if (!sp_plan_text_init(folded, input, &text, &err))
			sp_plan_text_uninit(&text);
		return;
	}
	if (sp_plan_text_init(folded, input, &text, &err)) {
		fprintf(stderr, "folding breaks it: %s\n", err.text);
		abort();
	}
	for (unsigned int i = 0; i < plain->outputs_n; i++)
		if (!sp_shape_equal(&shapes.of[plain->graph->outputs[i]],
				    &text.shapes.of[folded->graph->outputs[i]]))
			abort();
	sp_plan_text_uninit(&text);
	sp_shapes_uninit(&shapes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sp_model *plain, *folded;
	struct sp_err err;

	if (sp_model_parse_folded(data, size, "fuzz", 0, &plain, &err))
		return 0;
	if (!sp_model_parse(data, size, "fuzz", &folded, &err)) {
		if (plain->inputs_n <= 4) {
			compare(plain, folded, 37);
			compare(plain, folded, 64);
		}
		sp_model_free(folded);
	}
	sp_model_free(plain);
	return 0;
}
