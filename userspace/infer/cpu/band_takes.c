/* SPDX-License-Identifier: Apache-2.0 */
/* What there are units for. */
#include "infer/cpu/band.h"

#include "infer/shape.h"

struct sp_edges sp_band_edges(const struct sp_window *window, const struct sp_shape *x)
{
	struct sp_edges edges = { 0 };

	for (unsigned int axis = 0; axis < 2; axis++)
		sp_window_out(window, axis, x->dim[2 + axis], &edges.before[axis],
			      &edges.after[axis]);
	return edges;
}

static bool within(const struct sp_edges *edges, int64_t most)
{
	return edges->before[0] >= 0 && edges->before[0] <= most && edges->before[1] >= 0 &&
	       edges->before[1] <= most && edges->after[0] <= most && edges->after[1] <= most;
}

static bool square(const int64_t side[2], int64_t min, int64_t max)
{
	return side[0] == side[1] && side[0] >= min && side[0] <= max;
}

int sp_band_conv_kind(const struct sp_graph *graph, const struct sp_shapes *shapes,
		      const struct sp_node *node)
{
	const struct sp_window *window = &node->window;
	const struct sp_shape *x = &shapes->of[node->inputs[0]];
	const struct sp_shape *weights = &graph->tensors[node->inputs[1]].shape;
	struct sp_edges edges = sp_band_edges(window, x);
	bool depthwise = window->group == x->dim[1] && weights->dim[0] == x->dim[1];

	if (!square(window->stride, 1, 2))
		return -1;
	if (window->group == 1 && square(window->kernel, 1, 1) && window->stride[0] == 1 &&
	    within(&edges, 0))
		return SP_UNIT_POINTWISE;
	if (window->dilation[0] != 1 || window->dilation[1] != 1)
		return -1;
	if (depthwise && square(window->kernel, 3, 3) && within(&edges, 1))
		return SP_UNIT_DEPTHWISE;
	if (depthwise && within(&edges, 0) && window->kernel[0] == x->dim[2] &&
	    window->kernel[1] == x->dim[3])
		return SP_UNIT_WHOLE;
	if (window->group == 1 && x->dim[1] <= SP_STEM_CHANNELS_MAX &&
	    square(window->kernel, 2, SP_STEM_SIDE_MAX) && within(&edges, window->kernel[0] - 1))
		return SP_UNIT_STEM;
	return -1;
}

static bool takes_pool(const struct sp_node *node, const struct sp_shape *x,
		       const struct sp_shape *y)
{
	struct sp_edges edges = sp_band_edges(&node->window, x);

	return node->act.kind == SP_ACT_NONE && square(node->window.kernel, 2, 2) &&
	       square(node->window.stride, 2, 2) && !edges.before[0] && !edges.before[1] &&
	       y->dim[2] * 2 <= x->dim[2] && y->dim[3] * 2 <= x->dim[3];
}

bool sp_band_takes(const struct sp_graph *graph, const struct sp_shapes *shapes,
		   const struct sp_node *node)
{
	const struct sp_shape *x, *y = &shapes->of[node->output];
	const struct sp_shape *input = &shapes->of[graph->inputs[0]];
	uint32_t sources = node->op == SP_OP_ADD ? 2 : 1;

	if (shapes->ints[node->output] || node->act.kind == SP_ACT_SIGMOID)
		return false;
	for (uint32_t k = 0; k < sources; k++) {
		x = &shapes->of[node->inputs[k]];
		if (x->rank != 4 || sp_shape_elements(x) < 1 || x->dim[0] != input->dim[0] ||
		    sp_tensor_constant(&graph->tensors[node->inputs[k]]))
			return false;
	}
	x = &shapes->of[node->inputs[0]];
	if (y->rank != 4 || sp_shape_elements(y) < 1 || y->dim[0] != x->dim[0])
		return false;
	if (node->residual != SP_NONE && (!sp_shape_equal(&shapes->of[node->residual], y) ||
					  sp_tensor_constant(&graph->tensors[node->residual])))
		return false;
	switch (node->op) {
	case SP_OP_CONV:
		return sp_band_conv_kind(graph, shapes, node) >= 0;
	case SP_OP_MAXPOOL:
		return takes_pool(node, x, y);
	case SP_OP_RESIZE:
		return x->dim[1] == y->dim[1] && x->dim[2] * 2 == y->dim[2] &&
		       x->dim[3] * 2 == y->dim[3];
	case SP_OP_ADD:
		return sp_shape_equal(x, y) && sp_shape_equal(&shapes->of[node->inputs[1]], y);
	case SP_OP_ACTIVATION:
		return true;
	default:
		return false;
	}
}

bool sp_band_reads_planes(const struct sp_graph *graph, const struct sp_shapes *shapes,
			  const struct sp_node *node)
{
	return node->op == SP_OP_CONV && sp_band_conv_kind(graph, shapes, node) == SP_UNIT_STEM;
}
