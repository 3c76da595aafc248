/* SPDX-License-Identifier: Apache-2.0 */
/* Between the parts of the ONNX reader: model.c calls onnx.c, onnx.c calls onnx_node.c. */
#ifndef SP_INFER_ONNX_H
#define SP_INFER_ONNX_H

#include <stdint.h>

#include "onnx.pb-c.h"

struct sp_err;
struct sp_graph;
struct sp_model;
struct sp_names;

struct sp_onnx {
	struct sp_graph *graph;
	struct sp_names *names; /* tensors by name */
	int64_t opset; /* of the standard operators */
	struct sp_err *err;
};

/*
 * Fills @model's graph, inputs and outputs, which end with the graph. Errors lack the file's
 * name.
 */
int sp_onnx_read(const Onnx__ModelProto *proto, struct sp_model *model, struct sp_graph *graph,
		 struct sp_err *err);

/* The tensor of that name, made if it is new; SP_NONE: no memory, or too many. */
uint32_t sp_onnx_tensor(struct sp_onnx *onnx, const char *name);

/* A node that computes something, into graph->nodes[graph->nodes_n++]. 0 or -errno. */
int sp_onnx_node(struct sp_onnx *onnx, const Onnx__NodeProto *proto);

static inline const char *sp_onnx_text(const char *text)
{
	return text ? text : "";
}

#endif
