/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/onnx_reader.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "infer/graph.h"

enum { ATTRIBUTES_MAX = 32 };

void sp_reader_fail(struct sp_reader *reader, int code, const char *fmt, ...)
{
	char why[320];
	va_list ap;

	if (reader->error)
		return;
	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	reader->error = sp_err_set(reader->onnx->err, code, "node '%s' (%s): %s",
				   reader->node->name, reader->node->type, why);
}

void *sp_reader_alloc(struct sp_reader *reader, size_t size)
{
	void *data = sp_graph_alloc(reader->onnx->graph, size);

	if (!data)
		sp_reader_fail(reader, -ENOMEM, "out of memory");
	return data;
}

/* ---- attributes ----------------------------------------------------------------------------- */

const Onnx__AttributeProto *sp_reader_find(struct sp_reader *reader, const char *name,
					   Onnx__AttributeProto__AttributeType type)
{
	for (size_t i = 0; i < reader->proto->n_attribute && i < ATTRIBUTES_MAX; i++) {
		const Onnx__AttributeProto *attribute = reader->proto->attribute[i];

		if (strcmp(sp_onnx_text(attribute->name), name))
			continue;
		reader->used |= 1u << i;
		if (attribute->type == type)
			return attribute;
		sp_reader_fail(reader, -EINVAL,
			       "attribute '%s' has another type; the file is corrupt", name);
	}
	return NULL;
}

int64_t sp_reader_int(struct sp_reader *reader, const char *name, int64_t otherwise)
{
	const Onnx__AttributeProto *attribute =
		sp_reader_find(reader, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT);

	return attribute ? attribute->i : otherwise;
}

float sp_reader_float(struct sp_reader *reader, const char *name, float otherwise)
{
	const Onnx__AttributeProto *attribute =
		sp_reader_find(reader, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT);

	return attribute ? attribute->f : otherwise;
}

unsigned int sp_reader_choice(struct sp_reader *reader, const char *name,
			      const char *const *choices)
{
	const Onnx__AttributeProto *attribute =
		sp_reader_find(reader, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING);

	if (!attribute)
		return 0;
	for (unsigned int i = 0; choices[i]; i++)
		if (attribute->s.len == strlen(choices[i]) &&
		    !memcmp(attribute->s.data, choices[i], attribute->s.len))
			return i;
	sp_reader_fail(reader, -ENOTSUP, "this value of attribute '%s' is not supported", name);
	return 0;
}

void sp_reader_ints(struct sp_reader *reader, const char *name, size_t n, int64_t low, int64_t high,
		    int64_t *values)
{
	const Onnx__AttributeProto *attribute =
		sp_reader_find(reader, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS);

	if (!attribute)
		return;
	if (attribute->n_ints != n) {
		sp_reader_fail(reader, -ENOTSUP, "attribute '%s' has %zu values, %zu are supported",
			       name, attribute->n_ints, n);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		if (attribute->ints[i] < low || attribute->ints[i] > high)
			sp_reader_fail(reader, -ENOTSUP,
				       "attribute '%s': %lld is not supported; %lld to %lld are",
				       name, (long long)attribute->ints[i], (long long)low,
				       (long long)high);
		values[i] = attribute->ints[i];
	}
}

void sp_reader_only_int(struct sp_reader *reader, const char *name, int64_t value)
{
	int64_t got = sp_reader_int(reader, name, value);

	if (got != value)
		sp_reader_fail(reader, -ENOTSUP, "%s = %lld is not supported; %lld is", name,
			       (long long)got, (long long)value);
}

void sp_reader_end(struct sp_reader *reader)
{
	if (reader->proto->n_attribute > ATTRIBUTES_MAX)
		sp_reader_fail(reader, -EINVAL, "%zu attributes; the file is corrupt",
			       reader->proto->n_attribute);
	for (size_t i = 0; i < reader->proto->n_attribute && !reader->error; i++) {
		const char *name;

		if (reader->used & 1u << i)
			continue;
		name = sp_graph_name(reader->onnx->graph,
				     sp_onnx_text(reader->proto->attribute[i]->name));
		sp_reader_fail(reader, -ENOTSUP, "attribute '%s' is not supported",
			       name ? name : "");
	}
}

/* ---- inputs --------------------------------------------------------------------------------- */

void sp_reader_pad_inputs(struct sp_reader *reader, uint32_t n)
{
	uint32_t *inputs = sp_reader_alloc(reader, n * sizeof(*inputs));

	if (!inputs)
		return;
	for (uint32_t i = 0; i < n; i++)
		inputs[i] = i < reader->node->inputs_n ? reader->node->inputs[i] : SP_NONE;
	reader->node->inputs = inputs;
	reader->node->inputs_n = n;
}

const struct sp_tensor *sp_reader_constant(struct sp_reader *reader, uint32_t i)
{
	uint32_t id = i < reader->node->inputs_n ? reader->node->inputs[i] : SP_NONE;
	const struct sp_tensor *tensor;

	if (id == SP_NONE || reader->error)
		return NULL;
	tensor = &reader->onnx->graph->tensors[id];
	if (tensor->floats)
		return tensor;
	sp_reader_fail(reader, -ENOTSUP, "input '%s' must be a constant of float32", tensor->name);
	return NULL;
}

const struct sp_tensor *sp_reader_row(struct sp_reader *reader, uint32_t i, int64_t n)
{
	const struct sp_tensor *tensor = sp_reader_constant(reader, i);

	if (tensor && sp_shape_elements(&tensor->shape) != n) {
		sp_reader_fail(reader, -EINVAL,
			       "input '%s' has not %lld elements; the file is corrupt",
			       tensor->name, (long long)n);
		return NULL;
	}
	return tensor;
}

void sp_reader_ints_input(struct sp_reader *reader, const char *name, uint32_t i)
{
	const Onnx__AttributeProto *attribute =
		sp_reader_find(reader, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS);
	struct sp_shape shape = { .rank = 1 };
	int64_t *data;
	uint32_t id;

	if (!attribute || reader->error)
		return;
	if (attribute->n_ints > SP_RANK_MAX) {
		sp_reader_fail(reader, -ENOTSUP, "attribute '%s' has more than %d values", name,
			       SP_RANK_MAX);
		return;
	}
	shape.dim[0] = (int64_t)attribute->n_ints;
	id = sp_graph_ints(reader->onnx->graph, name, &shape, &data);
	if (id == SP_NONE) {
		sp_reader_fail(reader, -ENOMEM, "out of memory, or too many tensors");
		return;
	}
	if (attribute->n_ints)
		memcpy(data, attribute->ints, attribute->n_ints * sizeof(*data));
	reader->node->inputs[i] = id;
}

void sp_reader_floats_input(struct sp_reader *reader, const char *name, uint32_t i)
{
	const Onnx__AttributeProto *attribute =
		sp_reader_find(reader, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOATS);
	struct sp_shape shape = { .rank = 1 };
	float *data;
	uint32_t id;

	if (!attribute || reader->error)
		return;
	shape.dim[0] = (int64_t)attribute->n_floats;
	id = sp_graph_floats(reader->onnx->graph, name, &shape, &data);
	if (id == SP_NONE) {
		sp_reader_fail(reader, -ENOMEM, "out of memory, or too many tensors");
		return;
	}
	if (attribute->n_floats)
		memcpy(data, attribute->floats, attribute->n_floats * sizeof(*data));
	reader->node->inputs[i] = id;
}
