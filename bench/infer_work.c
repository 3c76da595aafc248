/* SPDX-License-Identifier: Apache-2.0 */
#include "infer_work.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "onnx.pb-c.h"

enum { MODEL_BYTES_MAX = 64 << 20 };

static int open_batch(Onnx__ValueInfoProto *const *values, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		Onnx__TypeProto *type = values[i]->type;
		Onnx__TensorShapeProto__Dimension *batch;

		if (!type || type->value_case != ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE ||
		    !type->tensor_type->shape || !type->tensor_type->shape->n_dim)
			continue;
		batch = type->tensor_type->shape->dim[0];
		if (batch->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM)
			continue;
		/* Freed with the rest. */
		batch->dim_param = strdup("batch");
		if (!batch->dim_param)
			return -ENOMEM;
		batch->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM;
	}
	return 0;
}

/* Packed again into @file. 0 or -errno. */
static int write_model(const Onnx__ModelProto *model, const char *to)
{
	size_t size = onnx__model_proto__get_packed_size(model);
	uint8_t *bytes = malloc(size);
	FILE *file = bytes ? fopen(to, "wb") : NULL;
	int ret = -EIO;

	if (file) {
		onnx__model_proto__pack(model, bytes);
		ret = fwrite(bytes, 1, size, file) == size ? 0 : -EIO;
		if (fclose(file))
			ret = -EIO;
	}
	free(bytes);
	return ret;
}

int infer_work_open_batch(const char *from, const char *to, struct sp_err *err)
{
	uint8_t *bytes = malloc(MODEL_BYTES_MAX);
	FILE *file = bytes ? fopen(from, "rb") : NULL;
	size_t size = file ? fread(bytes, 1, MODEL_BYTES_MAX, file) : 0;
	Onnx__ModelProto *model;
	int ret;

	if (file)
		fclose(file);
	model = size ? onnx__model_proto__unpack(NULL, size, bytes) : NULL;
	free(bytes);
	if (!model || !model->graph) {
		if (model)
			onnx__model_proto__free_unpacked(model, NULL);
		return sp_err_set(err, -EINVAL, "%s: no ONNX model could be read", from);
	}
	ret = open_batch(model->graph->input, model->graph->n_input);
	if (!ret)
		ret = open_batch(model->graph->output, model->graph->n_output);
	if (!ret)
		ret = write_model(model, to);
	onnx__model_proto__free_unpacked(model, NULL);
	return ret ? sp_err_set(err, ret, "%s: cannot be written", to) : 0;
}
