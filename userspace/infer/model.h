/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A network read from an ONNX file: checked, folded and fused into the logical graph that every
 * backend executes. Immutable once loaded, so any number of executors and threads may share it.
 */
#ifndef SP_INFER_MODEL_H
#define SP_INFER_MODEL_H

#include <stddef.h>
#include <stdint.h>

#include "infer/shape.h"

struct sp_err;
struct sp_graph;

enum {
	SP_SHA256_SIZE = 32,
	SP_MODEL_FILE_MAX = 512 << 20, /* bytes; a larger file is refused */
};

struct sp_value {
	const char *name; /* as in the file */
	struct sp_shape shape;
};

struct sp_model {
	const char *name; /* the path it was loaded from, for messages */
	uint8_t sha256[SP_SHA256_SIZE]; /* of the file's bytes */
	unsigned int inputs_n, outputs_n;
	const struct sp_value *inputs, *outputs; /* in the file's order, initializers left out */
	const struct sp_graph *graph; /* infer/graph.h; for backends only */
};

/*
 * Reads and checks @path. Refused, each with one line that names the file and the node, tensor or
 * field: a file that is no ONNX model, truncated or too large; an operator, attribute, data type or
 * shape that is not supported; external data; a cyclic graph.
 *
 * 0 with a model that sp_model_free releases; -errno (-ENOENT …, -EINVAL corrupt, -ENOTSUP not
 * supported, -EFBIG too large, -ENOMEM) with @err filled.
 */
int sp_model_load(const char *path, struct sp_model **ret_model, struct sp_err *err);

/* The same from @size bytes in memory, which are not kept; @name stands in messages. */
int sp_model_parse(const void *bytes, size_t size, const char *name, struct sp_model **ret_model,
		   struct sp_err *err);

/* The same with only those simplifications that @folds has (enum sp_fold of graph.h): for tests. */
int sp_model_parse_folded(const void *bytes, size_t size, const char *name, unsigned int folds,
			  struct sp_model **ret_model, struct sp_err *err);

/* After the last executor of the model is destroyed. NULL is allowed. */
void sp_model_free(struct sp_model *model);

#endif
