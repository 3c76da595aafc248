/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/model.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "base/diag.h"
#include "infer/graph.h"
#include "infer/onnx.h"

enum {
	DEPTH_MAX = 32, /* messages within messages; real models use 9 */
	/*
	 * Bytes that unpacking, and then the graph, may take beside these multiples of the file's.
	 */
	MEMORY_EXTRA = 64 << 20,
	UNPACK_TIMES = 4,
	/* Weights as they are, transposed and folded make three; integers of 32 bits become 64. */
	GRAPH_TIMES = 8,
};

/* ---- protobuf, with bounds that the library lacks ------------------------------------------- */

static bool read_varint(const uint8_t **at, const uint8_t *end, uint64_t *ret)
{
	uint64_t value = 0;

	for (unsigned int shift = 0; shift < 64 && *at < end; shift += 7) {
		uint8_t byte = *(*at)++;

		value |= (uint64_t)(byte & 0x7F) << shift;
		if (!(byte & 0x80)) {
			*ret = value;
			return true;
		}
	}
	return false;
}

/*
 * The library unpacks messages within messages by recursion, as deep as the file says: this walks
 * the same fields first. Wire format: protobuf's public encoding document. Malformed bytes are left
 * to the library to refuse.
 */
static bool too_deep(const ProtobufCMessageDescriptor *descriptor, const uint8_t *at,
		     const uint8_t *end, unsigned int depth)
{
	const ProtobufCFieldDescriptor *field;
	uint64_t key, n;

	if (depth > DEPTH_MAX)
		return true;
	while (at < end) {
		if (!read_varint(&at, end, &key))
			return false;
		switch (key & 7) {
		case 0:
			if (!read_varint(&at, end, &n))
				return false;
			continue;
		case 1:
			n = 8;
			break;
		case 2:
			if (!read_varint(&at, end, &n))
				return false;
			break;
		case 5:
			n = 4;
			break;
		default:
			return false;
		}
		if (n > (uint64_t)(end - at))
			return false;
		field = protobuf_c_message_descriptor_get_field(descriptor, (uint32_t)(key >> 3));
		if ((key & 7) == 2 && field && field->type == PROTOBUF_C_TYPE_MESSAGE &&
		    too_deep(field->descriptor, at, at + n, depth + 1))
			return true;
		at += n;
	}
	return false;
}

/* An allocator with an end: small messages in a file take a hundred times their size in memory. */
struct budget {
	size_t left;
};

static void *budget_alloc(void *data, size_t size)
{
	struct budget *budget = data;

	if (size > budget->left)
		return NULL;
	budget->left -= size;
	return malloc(size);
}

static void budget_free(void *data, void *pointer)
{
	(void)data;
	free(pointer);
}

static int read_graph(const void *bytes, size_t size, struct sp_model *model,
		      struct sp_graph *graph, struct sp_err *err)
{
	struct budget budget = { MEMORY_EXTRA + UNPACK_TIMES * size };
	ProtobufCAllocator allocator = { budget_alloc, budget_free, &budget };
	Onnx__ModelProto *proto;
	int ret;

	if (too_deep(&onnx__model_proto__descriptor, bytes, (const uint8_t *)bytes + size, 0))
		return sp_err_set(err, -EINVAL,
				  "messages nested deeper than %d; the file is corrupt", DEPTH_MAX);
	proto = onnx__model_proto__unpack(&allocator, size, bytes);
	if (!proto)
		return sp_err_set(err, -EINVAL,
				  "not an ONNX model, or cut short; download it again");
	ret = sp_onnx_read(proto, model, graph, err);
	onnx__model_proto__free_unpacked(proto, &allocator);
	return ret;
}

/* ---- the model ------------------------------------------------------------------------------ */

/*
 * With every input dimension fixed by the file, what does not fit is found now, not at first use.
 */
static int check_shapes(const struct sp_model *model, struct sp_err *err)
{
	struct sp_shape *inputs;
	struct sp_shapes shapes;
	bool known = true;
	int ret = 0;

	inputs = calloc(model->inputs_n, sizeof(*inputs));
	if (!inputs)
		return sp_err_set(err, -ENOMEM, "out of memory");
	for (unsigned int i = 0; i < model->inputs_n; i++) {
		inputs[i] = model->inputs[i].shape;
		known &= sp_shape_elements(&inputs[i]) > 0;
	}
	if (known)
		ret = sp_shapes_infer(model->graph, inputs, &shapes, err);
	if (known && !ret)
		sp_shapes_uninit(&shapes);
	free(inputs);
	return ret;
}

int sp_model_parse_folded(const void *bytes, size_t size, const char *name, unsigned int folds,
			  struct sp_model **ret_model, struct sp_err *err)
{
	struct sp_model *model;
	struct sp_graph *graph;
	int ret = -ENOMEM;

	if (size > SP_MODEL_FILE_MAX)
		return sp_err_set(err, -EFBIG,
				  "%s: larger than %d MiB; not a model that is supported", name,
				  SP_MODEL_FILE_MAX >> 20);
	model = calloc(1, sizeof(*model));
	graph = sp_graph_create(MEMORY_EXTRA + GRAPH_TIMES * size);
	if (!model || !graph) {
		sp_err_set(err, ret, "out of memory");
		goto err_destroy;
	}
	model->graph = graph;
	model->name = strdup(name);
	if (!model->name || EVP_Digest(bytes, size, model->sha256, NULL, EVP_sha256(), NULL) != 1) {
		sp_err_set(err, ret, "out of memory");
		goto err_destroy;
	}
	ret = read_graph(bytes, size, model, graph, err);
	if (!ret)
		ret = sp_graph_sort(graph, err);
	if (!ret)
		ret = sp_graph_fold(graph, folds, err);
	if (!ret)
		ret = check_shapes(model, err);
	if (ret)
		goto err_destroy;
	*ret_model = model;
	return 0;
err_destroy:
	sp_err_prefix(err, ret, "%s", name);
	if (model)
		free((char *)model->name);
	free(model);
	sp_graph_destroy(graph);
	return ret;
}

int sp_model_parse(const void *bytes, size_t size, const char *name, struct sp_model **ret_model,
		   struct sp_err *err)
{
	return sp_model_parse_folded(bytes, size, name, SP_FOLD_ALL, ret_model, err);
}

int sp_model_load(const char *path, struct sp_model **ret_model, struct sp_err *err)
{
	struct stat st;
	void *bytes;
	/* Without O_NONBLOCK a FIFO would hold the program until someone writes to it. */
	int ret, fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "rb");

	if (!file) {
		ret = sp_err_set(err, -errno, "%s: %s; check the path, or install the model", path,
				 strerror(errno));
		if (fd >= 0)
			close(fd);
		return ret;
	}
	if (fstat(fileno(file), &st) || !S_ISREG(st.st_mode)) {
		ret = sp_err_set(err, -EINVAL, "%s: not a regular file; name the model's",
				 path);
		goto out_close;
	}
	if (st.st_size > SP_MODEL_FILE_MAX) {
		ret = sp_err_set(err, -EFBIG,
				 "%s: larger than %d MiB; not a model that is supported", path,
				 SP_MODEL_FILE_MAX >> 20);
		goto out_close;
	}
	bytes = malloc((size_t)st.st_size + 1);
	if (!bytes) {
		ret = sp_err_set(err, -ENOMEM, "%s: out of memory", path);
		goto out_close;
	}
	if (fread(bytes, 1, (size_t)st.st_size, file) != (size_t)st.st_size)
		ret = sp_err_set(err, -EIO, "%s: cannot be read; look at its disk", path);
	else
		ret = sp_model_parse(bytes, (size_t)st.st_size, path, ret_model, err);
	free(bytes);
out_close:
	fclose(file);
	return ret;
}

void sp_model_free(struct sp_model *model)
{
	if (!model)
		return;
	sp_graph_destroy((struct sp_graph *)model->graph);
	free((char *)model->name);
	free(model);
}
