/* SPDX-License-Identifier: Apache-2.0 */
/* An unpacked ONNX file into a logical graph: names, constants, inputs and outputs. */
#include "infer/onnx.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "infer/graph.h"
#include "infer/model.h"

enum {
	OPSET_MIN = 7, /* broadcasting and BatchNormalization as they are now */
	OPSET_MAX = 23,
	PORTS_MAX = 256, /* inputs, outputs */
};

/* ---- tensors by name ------------------------------------------------------------------------ */

/* Open addressing; the keys belong to the unpacked file. */
struct sp_names {
	uint32_t mask;
	struct {
		const char *key; /* NULL: free */
		uint32_t tensor;
	} slots[];
};

static uint32_t hash(const char *text)
{
	uint32_t h = 2166136261u; /* FNV-1a */

	for (; *text; text++)
		h = (h ^ (uint8_t)*text) * 16777619u;
	return h;
}

static struct sp_names *names_create(const Onnx__GraphProto *proto)
{
	size_t n = proto->n_input + proto->n_output + proto->n_initializer, size = 64;
	struct sp_names *names;

	for (size_t i = 0; i < proto->n_node; i++)
		n += proto->node[i]->n_input + proto->node[i]->n_output;
	if (n > 4 * (size_t)SP_GRAPH_TENSORS_MAX)
		n = 4 * (size_t)SP_GRAPH_TENSORS_MAX;
	while (size < 2 * n)
		size *= 2;
	names = calloc(1, sizeof(*names) + size * sizeof(names->slots[0]));
	if (names)
		names->mask = (uint32_t)size - 1;
	return names;
}

/* The slot of @name: its own, or the free one where it belongs. */
static uint32_t names_find(const struct sp_names *names, const char *name)
{
	uint32_t at = hash(name) & names->mask;

	while (names->slots[at].key && strcmp(names->slots[at].key, name))
		at = (at + 1) & names->mask;
	return at;
}

static uint32_t lookup(const struct sp_onnx *onnx, const char *name)
{
	uint32_t at = names_find(onnx->names, name);

	return onnx->names->slots[at].key ? onnx->names->slots[at].tensor : SP_NONE;
}

/* False: there is one of that name already. */
static bool bind(struct sp_onnx *onnx, const char *name, uint32_t tensor)
{
	uint32_t at = names_find(onnx->names, name);

	if (onnx->names->slots[at].key)
		return false;
	onnx->names->slots[at].key = name;
	onnx->names->slots[at].tensor = tensor;
	return true;
}

uint32_t sp_onnx_tensor(struct sp_onnx *onnx, const char *name)
{
	uint32_t id = lookup(onnx, name);

	/* Fewer tensors than half the slots: a free slot always remains. */
	if (id == SP_NONE) {
		id = sp_graph_tensor(onnx->graph, name);
		if (id != SP_NONE)
			bind(onnx, name, id);
	}
	return id;
}

/* ---- constants ------------------------------------------------------------------------------ */

static int refuse_data(const struct sp_onnx *onnx, const char *name, int64_t n)
{
	return sp_err_set(
		onnx->err, -EINVAL,
		"tensor '%s': its data are not those of %lld elements; the file is corrupt", name,
		(long long)n);
}

static int read_floats(struct sp_onnx *onnx, const Onnx__TensorProto *proto, const char *name,
		       const struct sp_shape *shape, uint32_t *ret_id)
{
	size_t n = (size_t)sp_shape_elements(shape);
	const void *from;
	float *data;

	if (proto->has_raw_data && proto->raw_data.len == n * sizeof(*data))
		from = proto->raw_data.data;
	else if (!proto->has_raw_data && proto->n_float_data == n)
		from = proto->float_data;
	else
		return refuse_data(onnx, name, (int64_t)n);
	*ret_id = sp_graph_floats(onnx->graph, name, shape, &data);
	if (*ret_id == SP_NONE)
		return sp_err_set(onnx->err, -ENOMEM, "out of memory, or too many tensors");
	if (n)
		memcpy(data, from, n * sizeof(*data));
	return 0;
}

static int read_ints(struct sp_onnx *onnx, const Onnx__TensorProto *proto, const char *name,
		     const struct sp_shape *shape, uint32_t *ret_id)
{
	bool wide = proto->data_type == ONNX__TENSOR_PROTO__DATA_TYPE__INT64;
	size_t n = (size_t)sp_shape_elements(shape), size = wide ? 8 : 4;
	const uint8_t *from;
	int64_t *data;

	if (proto->has_raw_data && proto->raw_data.len == n * size)
		from = proto->raw_data.data;
	else if (!proto->has_raw_data && (wide ? proto->n_int64_data : proto->n_int32_data) == n)
		from = wide ? (const void *)proto->int64_data : (const void *)proto->int32_data;
	else
		return refuse_data(onnx, name, (int64_t)n);
	*ret_id = sp_graph_ints(onnx->graph, name, shape, &data);
	if (*ret_id == SP_NONE)
		return sp_err_set(onnx->err, -ENOMEM, "out of memory, or too many tensors");
	for (size_t i = 0; i < n; i++) {
		int32_t narrow;

		if (wide) {
			memcpy(&data[i], from + i * size, size);
		} else {
			memcpy(&narrow, from + i * size, size);
			data[i] = narrow;
		}
	}
	return 0;
}

/*
 * A constant from @proto under a new number, or SP_NONE with *ret_error set and the error filled.
 */
static uint32_t read_constant(struct sp_onnx *onnx, const Onnx__TensorProto *proto,
			      const char *name, int *ret_error)
{
	const char *shown = sp_graph_name(onnx->graph, name);
	struct sp_shape shape = { .rank = (unsigned int)proto->n_dims };
	uint32_t id = SP_NONE;

	*ret_error = 0;
	if (!shown)
		*ret_error = sp_err_set(onnx->err, -ENOMEM, "out of memory");
	else if (proto->n_external_data ||
		 (proto->has_data_location &&
		  proto->data_location == ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL))
		*ret_error = sp_err_set(onnx->err, -ENOTSUP,
					"tensor '%s': its data are in another file, which is not "
					"supported; save the model as one file",
					shown);
	else if (proto->n_dims > SP_RANK_MAX)
		*ret_error = sp_err_set(onnx->err, -ENOTSUP,
					"tensor '%s': %zu dimensions are not supported; %d are",
					shown, proto->n_dims, SP_RANK_MAX);
	if (*ret_error)
		return SP_NONE;
	if (proto->n_dims)
		memcpy(shape.dim, proto->dims, proto->n_dims * sizeof(shape.dim[0]));
	if (sp_shape_elements(&shape) < 0) {
		*ret_error =
			sp_err_set(onnx->err, -EINVAL,
				   "tensor '%s': its dimensions are negative or too large; the "
				   "file is corrupt",
				   shown);
		return SP_NONE;
	}
	switch (proto->data_type) {
	case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT:
		*ret_error = read_floats(onnx, proto, name, &shape, &id);
		break;
	case ONNX__TENSOR_PROTO__DATA_TYPE__INT32:
	case ONNX__TENSOR_PROTO__DATA_TYPE__INT64:
		*ret_error = read_ints(onnx, proto, name, &shape, &id);
		break;
	default:
		*ret_error =
			sp_err_set(onnx->err, -ENOTSUP,
				   "tensor '%s': data type %d is not supported; float32, int32 and "
				   "int64 are",
				   shown, (int)proto->data_type);
	}
	return *ret_error ? SP_NONE : id;
}

static int read_initializers(struct sp_onnx *onnx, const Onnx__GraphProto *proto)
{
	for (size_t i = 0; i < proto->n_initializer; i++) {
		const char *name = sp_onnx_text(proto->initializer[i]->name);
		int ret;
		uint32_t id = read_constant(onnx, proto->initializer[i], name, &ret);

		if (ret)
			return ret;
		if (!bind(onnx, name, id))
			return sp_err_set(onnx->err, -EINVAL,
					  "tensor '%s': there twice; the file is corrupt",
					  onnx->graph->tensors[id].name);
	}
	return 0;
}

/* Constant: the attribute that holds the value. */
static uint32_t constant_value(struct sp_onnx *onnx, const Onnx__NodeProto *node, int *ret_error)
{
	const Onnx__AttributeProto *value = node->n_attribute == 1 ? node->attribute[0] : NULL;
	const char *name = value ? sp_onnx_text(value->name) : "";
	Onnx__TensorProto tensor = ONNX__TENSOR_PROTO__INIT;
	int64_t n;

	if (!strcmp(name, "value") && value->t)
		return read_constant(onnx, value->t, node->output[0], ret_error);
	tensor.data_type = ONNX__TENSOR_PROTO__DATA_TYPE__INT64;
	if (!strcmp(name, "value_float") || !strcmp(name, "value_floats"))
		tensor.data_type = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
	if (!strcmp(name, "value_int") || !strcmp(name, "value_float")) {
		tensor.int64_data = &node->attribute[0]->i;
		tensor.float_data = &node->attribute[0]->f;
		n = 1;
	} else if (!strcmp(name, "value_ints") || !strcmp(name, "value_floats")) {
		tensor.int64_data = value->ints;
		tensor.float_data = value->floats;
		tensor.n_dims = 1;
		tensor.dims = &n;
		n = (int64_t)(name[6] == 'i' ? value->n_ints : value->n_floats);
	} else {
		*ret_error = sp_err_set(onnx->err, -ENOTSUP,
					"node '%s': a Constant without a tensor or numbers is not "
					"supported",
					sp_graph_name(onnx->graph, node->output[0]));
		return SP_NONE;
	}
	tensor.n_int64_data = tensor.n_float_data = (size_t)n;
	return read_constant(onnx, &tensor, node->output[0], ret_error);
}

/* Nodes that only name constants (Constant, Identity of one): 1 if @node was one, 0 or -errno. */
static int read_constant_node(struct sp_onnx *onnx, const Onnx__NodeProto *node)
{
	const char *type = sp_onnx_text(node->op_type);
	uint32_t id = SP_NONE;
	int ret = 0;

	if (*sp_onnx_text(node->domain) || node->n_output != 1)
		return 0;
	if (!strcmp(type, "Identity") && node->n_input == 1) {
		id = lookup(onnx, node->input[0]);
		if (id == SP_NONE || !sp_tensor_constant(&onnx->graph->tensors[id]))
			return 0;
	} else if (!strcmp(type, "Constant")) {
		id = constant_value(onnx, node, &ret);
	} else {
		return 0;
	}
	if (!ret && !bind(onnx, node->output[0], id))
		ret = sp_err_set(onnx->err, -EINVAL,
				 "tensor '%s': there twice; the file is corrupt",
				 onnx->graph->tensors[id].name);
	return ret ? ret : 1;
}

/* ---- inputs and outputs --------------------------------------------------------------------- */

static int read_value(struct sp_onnx *onnx, const Onnx__ValueInfoProto *proto,
		      struct sp_value *ret_value)
{
	const char *name = sp_graph_name(onnx->graph, sp_onnx_text(proto->name));
	const Onnx__TypeProto__Tensor *type = NULL;
	struct sp_shape shape = { 0 };
	int64_t fixed = 1;

	if (!name)
		return sp_err_set(onnx->err, -ENOMEM, "out of memory");
	if (proto->type && proto->type->value_case == ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE)
		type = proto->type->tensor_type;
	if (!type || type->elem_type != ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT)
		return sp_err_set(onnx->err, -ENOTSUP,
				  "'%s': inputs and outputs other than float32 are not supported",
				  name);
	if (type->shape && type->shape->n_dim > SP_RANK_MAX)
		return sp_err_set(onnx->err, -ENOTSUP,
				  "'%s': %zu dimensions are not supported; %d are", name,
				  type->shape->n_dim, SP_RANK_MAX);
	for (size_t i = 0; type->shape && i < type->shape->n_dim; i++) {
		const Onnx__TensorShapeProto__Dimension *dim = type->shape->dim[i];

		shape.dim[i] = -1;
		shape.rank++;
		if (dim->value_case != ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE)
			continue;
		/* Some exporters write 0 or -1 for what is open. */
		if (dim->dim_value < -1)
			return sp_err_set(onnx->err, -EINVAL,
					  "'%s': dimension %zu is %lld; the file is corrupt", name,
					  i, (long long)dim->dim_value);
		if (dim->dim_value > 0)
			shape.dim[i] = dim->dim_value;
		/* Open ones are 1 at least. */
		if (__builtin_mul_overflow(fixed, dim->dim_value > 0 ? dim->dim_value : 1,
					   &fixed) ||
		    fixed > SP_ELEMENTS_MAX)
			return sp_err_set(onnx->err, -EFBIG,
					  "'%s': more than %d values are not supported; export it "
					  "for smaller pictures",
					  name, SP_ELEMENTS_MAX);
	}
	ret_value->name = name;
	ret_value->shape = shape;
	return 0;
}

static int read_ports(struct sp_onnx *onnx, Onnx__ValueInfoProto *const *ports, size_t n,
		      bool inputs, struct sp_value **ret_values, uint32_t **ret_ids,
		      uint32_t *ret_n)
{
	struct sp_value *values;
	uint32_t *ids, kept = 0;
	int ret = 0;

	values = sp_graph_alloc(onnx->graph, PORTS_MAX * sizeof(*values));
	ids = sp_graph_alloc(onnx->graph, PORTS_MAX * sizeof(*ids));
	if (!values || !ids)
		return sp_err_set(onnx->err, -ENOMEM, "out of memory");
	for (size_t i = 0; !ret && i < n; i++) {
		const char *name = sp_onnx_text(ports[i]->name);
		uint32_t id = lookup(onnx, name);

		/* Old files list the weights among the inputs. */
		if (inputs && id != SP_NONE && sp_tensor_constant(&onnx->graph->tensors[id]))
			continue;
		if (kept == PORTS_MAX)
			return sp_err_set(onnx->err, -ENOTSUP,
					  "more than %d inputs or outputs are not supported",
					  PORTS_MAX);
		if (inputs ? id != SP_NONE : id == SP_NONE)
			return sp_err_set(
				onnx->err, -EINVAL,
				"an %s is there twice or comes from nowhere; the file is corrupt",
				inputs ? "input" : "output");
		if (inputs)
			id = sp_onnx_tensor(onnx, name);
		if (id == SP_NONE)
			return sp_err_set(onnx->err, -ENOMEM, "out of memory, or too many tensors");
		ret = read_value(onnx, ports[i], &values[kept]);
		if (inputs && !ret)
			onnx->graph->tensors[id].shape = values[kept].shape;
		ids[kept++] = id;
	}
	*ret_values = values;
	*ret_ids = ids;
	*ret_n = kept;
	return ret;
}

/* ---- the whole ------------------------------------------------------------------------------ */

static int read_opset(struct sp_onnx *onnx, const Onnx__ModelProto *proto)
{
	for (size_t i = 0; i < proto->n_opset_import; i++) {
		const char *domain = sp_onnx_text(proto->opset_import[i]->domain);

		if (!*domain || !strcmp(domain, "ai.onnx"))
			onnx->opset = proto->opset_import[i]->version;
	}
	if (onnx->opset < OPSET_MIN || onnx->opset > OPSET_MAX)
		return sp_err_set(
			onnx->err, -ENOTSUP,
			"operator set %lld is not supported; %d to %d are, export it for one",
			(long long)onnx->opset, OPSET_MIN, OPSET_MAX);
	return 0;
}

static int read_nodes(struct sp_onnx *onnx, const Onnx__GraphProto *proto)
{
	struct sp_graph *graph = onnx->graph;
	size_t room = proto->n_node;
	bool *done;
	int ret = 0;

	/* A Split becomes one node for each of its outputs. */
	for (size_t i = 0; i < proto->n_node; i++)
		if (proto->node[i]->n_output > 1)
			room += proto->node[i]->n_output - 1;
	if (room > SP_GRAPH_NODES_MAX)
		return sp_err_set(onnx->err, -EFBIG, "%zu nodes are not supported; %d are", room,
				  SP_GRAPH_NODES_MAX);
	graph->nodes = sp_graph_alloc(graph, (room + 1) * sizeof(*graph->nodes));
	done = sp_graph_alloc(graph, proto->n_node + 1);
	if (!graph->nodes || !done)
		return sp_err_set(onnx->err, -ENOMEM, "out of memory");
	/* Constants first: operators look at theirs, wherever they stand in the file. */
	for (size_t i = 0; ret >= 0 && i < proto->n_node; i++) {
		ret = read_constant_node(onnx, proto->node[i]);
		done[i] = ret == 1;
	}
	for (size_t i = 0; ret >= 0 && i < proto->n_node; i++)
		if (!done[i])
			ret = sp_onnx_node(onnx, proto->node[i]);
	return ret < 0 ? ret : 0;
}

int sp_onnx_read(const Onnx__ModelProto *proto, struct sp_model *model, struct sp_graph *graph,
		 struct sp_err *err)
{
	struct sp_onnx onnx = { .graph = graph, .err = err };
	struct sp_value *inputs = NULL, *outputs = NULL;
	const Onnx__GraphProto *body = proto->graph;
	int ret;

	if (!body || !body->n_node || !body->n_output)
		return sp_err_set(err, -EINVAL, "no graph inside; not an ONNX model, or cut short");
	if (body->n_sparse_initializer || proto->n_functions)
		return sp_err_set(err, -ENOTSUP, "%s are not supported; export the model without",
				  proto->n_functions ? "functions" : "sparse tensors");
	onnx.names = names_create(body);
	if (!onnx.names)
		return sp_err_set(err, -ENOMEM, "out of memory");
	ret = read_opset(&onnx, proto);
	if (!ret)
		ret = read_initializers(&onnx, body);
	if (!ret)
		ret = read_ports(&onnx, body->input, body->n_input, true, &inputs, &graph->inputs,
				 &graph->inputs_n);
	if (!ret)
		ret = read_nodes(&onnx, body);
	if (!ret)
		ret = read_ports(&onnx, body->output, body->n_output, false, &outputs,
				 &graph->outputs, &graph->outputs_n);
	free(onnx.names);
	model->inputs = inputs;
	model->inputs_n = graph->inputs_n;
	model->outputs = outputs;
	model->outputs_n = graph->outputs_n;
	return ret;
}
