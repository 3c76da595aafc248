/* SPDX-License-Identifier: Apache-2.0 */
/* The ONNX reader, and what follows from a model's shapes for an input of an odd size. */
#include <stdlib.h>

#include "base/diag.h"
#include "infer/graph.h"
#include "infer/model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sp_shape input[4];
	struct sp_shapes shapes;
	struct sp_model *model;
	struct sp_err err;

	if (sp_model_parse(data, size, "fuzz", &model, &err))
		return 0;
	for (unsigned int i = 0; i < model->inputs_n && i < 4; i++) {
		input[i] = model->inputs[i].shape;
		for (unsigned int k = 0; k < input[i].rank; k++)
			if (input[i].dim[k] < 0)
				input[i].dim[k] = 37;
	}
	if (model->inputs_n <= 4 && !sp_shapes_infer(model->graph, input, &shapes, &err))
		sp_shapes_uninit(&shapes);
	sp_model_free(model);
	return 0;
}
