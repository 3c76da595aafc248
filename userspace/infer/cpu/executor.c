/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/cpu/executor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "infer/cpu/band.h"
#include "infer/cpu/emit.h"
#include "infer/cpu/kernel.h"
#include "infer/model.h"

/*
 * Debian's oneDNN runs on GNU OpenMP, which would start a thread for every core at each kernel and
 * keep it spinning. A team of one is no team: nothing is started. The setting belongs to the
 * calling thread. Declared here since clang has no omp.h of GNU's.
 */
void omp_set_num_threads(int n);
int omp_get_max_threads(void);

struct sp_executor {
	const struct sp_model *model;
	struct sp_shapes shapes;
	struct sp_plan plan;
	float *input;
	const float **outputs;
};

/* plan->node, whatever it is. */
static void emit_node(struct sp_plan *plan)
{
	static void (*const emit[])(struct sp_plan * plan, const struct sp_node *node) = {
		[SP_OP_CONV] = sp_emit_conv,
		[SP_OP_GEMM] = sp_emit_gemm,
		[SP_OP_ADD] = sp_emit_binary,
		[SP_OP_SUB] = sp_emit_binary,
		[SP_OP_MUL] = sp_emit_binary,
		[SP_OP_AFFINE] = sp_emit_affine,
		[SP_OP_ACTIVATION] = sp_emit_activation,
		[SP_OP_MAXPOOL] = sp_emit_pool,
		[SP_OP_MEAN] = sp_emit_pool,
		[SP_OP_RESIZE] = sp_emit_resize,
		[SP_OP_SOFTMAX] = sp_emit_softmax,
		[SP_OP_TRANSPOSE] = sp_emit_transpose,
		[SP_OP_RESHAPE] = sp_emit_rename,
		[SP_OP_FLATTEN] = sp_emit_rename,
		[SP_OP_SQUEEZE] = sp_emit_rename,
		[SP_OP_UNSQUEEZE] = sp_emit_rename,
		[SP_OP_CONCAT] = sp_emit_concat,
		[SP_OP_DIV] = sp_emit_binary,
		[SP_OP_FUNCTION] = sp_emit_function,
		[SP_OP_AVGPOOL] = sp_emit_avgpool,
		[SP_OP_REDUCE] = sp_emit_reduce,
		[SP_OP_LAYERNORM] = sp_emit_layernorm,
		[SP_OP_MATMUL] = sp_emit_matmul,
		[SP_OP_SPLIT] = sp_emit_split,
		[SP_OP_EXPAND] = sp_emit_expand,
		[SP_OP_GATHER] = sp_emit_gather,
		[SP_OP_SLICE] = sp_emit_slice,
		/* SHAPE makes integers, IDENTITY is folded away. */
		[SP_OP_IDENTITY] = NULL,
	};
	const struct sp_node *node = &plan->graph->nodes[plan->node];

	/* Integers are shapes, and known already. */
	if (!plan->shapes->ints[node->output] && emit[node->op])
		emit[node->op](plan, node);
}

static int check_input(const struct sp_model *model, const int64_t shape[4],
		       struct sp_shape *ret_shape, struct sp_err *err)
{
	struct sp_shape given = { .rank = 4 };
	const struct sp_shape *wanted;
	char want[96], have[96];

	memcpy(given.dim, shape, 4 * sizeof(shape[0]));
	if (model->inputs_n != 1)
		return sp_err_set(err, -EINVAL,
				  "%s: has %u inputs; only models with one are supported",
				  model->name, model->inputs_n);
	wanted = &model->inputs[0].shape;
	for (unsigned int i = 0; i < 4; i++)
		if (wanted->rank != 4 || given.dim[i] < 1 ||
		    (wanted->dim[i] >= 0 && wanted->dim[i] != given.dim[i]))
			return sp_err_set(err, -EINVAL, "%s: input '%s' is %s; it cannot be %s",
					  model->name, model->inputs[0].name,
					  sp_shape_text(wanted, want, sizeof(want)),
					  sp_shape_text(&given, have, sizeof(have)));
	if (sp_shape_elements(&given) < 0)
		return sp_err_set(err, -EFBIG, "%s: an input of %s is not supported", model->name,
				  sp_shape_text(&given, have, sizeof(have)));
	*ret_shape = given;
	return 0;
}

/* The caller's input: a buffer of its own, so that it stays where it is and as it is. */
static void add_input(struct sp_executor *executor)
{
	struct sp_plan *plan = &executor->plan;
	uint32_t tensor = plan->graph->inputs[0];
	struct sp_operand value;

	sp_plan_plain(&plan->shapes->of[tensor], &value.desc);
	value.buffer = sp_plan_buffer(plan, &value.desc);
	if (plan->error)
		return;
	executor->input = aligned_alloc(64, plan->buffers[value.buffer].size);
	if (!executor->input) {
		sp_plan_fail(plan, -ENOMEM, "out of memory");
		return;
	}
	memset(executor->input, 0, plan->buffers[value.buffer].size);
	plan->buffers[value.buffer].fixed = executor->input;
	plan->buffers[value.buffer].owned = true;
	sp_plan_set(plan, tensor, value);
}

/* All nodes in the order of the islands. */
static void emit(struct sp_plan *plan)
{
	const struct sp_islands *islands = &plan->islands;

	for (uint32_t at = 0, n; at < islands->nodes_n && !plan->error; at += n ? n : 1) {
		n = sp_islands_run(islands, at);
		plan->node = islands->order[at];
		plan->place = islands->place[plan->node];
		if (n)
			sp_band_emit(plan, &islands->order[at], n);
		else
			emit_node(plan);
	}
	plan->node = SP_NONE;
}

static int build(struct sp_executor *executor)
{
	struct sp_plan *plan = &executor->plan;
	const struct sp_graph *graph = plan->graph;
	uint32_t *outputs = calloc(graph->outputs_n, sizeof(*outputs));
	dnnl_memory_desc_t plain;

	if (!outputs)
		sp_plan_fail(plan, -ENOMEM, "out of memory");
	if (!plan->error)
		add_input(executor);
	emit(plan);
	for (uint32_t i = 0; i < graph->outputs_n && !plan->error; i++) {
		sp_plan_plain(&plan->shapes->of[graph->outputs[i]], &plain);
		outputs[i] = sp_plan_in(plan, graph->outputs[i], &plain);
		/* Whatever comes later must not take its place. */
		if (!plan->error)
			plan->buffers[outputs[i]].last = SP_NONE;
	}
	sp_plan_bind(plan);
	for (uint32_t i = 0; i < graph->outputs_n && !plan->error; i++)
		executor->outputs[i] = sp_plan_address(plan, outputs[i]);
	free(outputs);
	return plan->error;
}

int sp_executor_create_by(const struct sp_model *model, const int64_t shape[4],
			  const struct sp_kernels *kernels, struct sp_executor **ret_executor,
			  struct sp_err *err)
{
	int threads = omp_get_max_threads(), ret;
	struct sp_executor *executor;
	struct sp_shape input;

	ret = check_input(model, shape, &input, err);
	if (ret)
		return ret;
	executor = calloc(1, sizeof(*executor));
	if (!executor)
		return sp_err_set(err, -ENOMEM, "out of memory");
	executor->model = model;
	executor->outputs = calloc(model->outputs_n, sizeof(*executor->outputs));
	ret = executor->outputs ? sp_shapes_infer(model->graph, &input, &executor->shapes, err)
				: sp_err_set(err, -ENOMEM, "out of memory");
	if (ret)
		goto err_free;
	omp_set_num_threads(1);
	ret = sp_plan_init(&executor->plan, model->graph, &executor->shapes, kernels, err);
	if (!ret)
		ret = build(executor);
	omp_set_num_threads(threads);
	if (ret)
		goto err_uninit;
	executor->plan.err = NULL; /* the caller's */
	*ret_executor = executor;
	return 0;
err_uninit:
	sp_plan_uninit(&executor->plan);
	sp_shapes_uninit(&executor->shapes);
err_free:
	free(executor->outputs);
	free(executor);
	return sp_err_prefix(err, ret, "%s", model->name);
}

int sp_executor_create(const struct sp_model *model, const int64_t shape[4],
		       const struct sp_executor_options *options, struct sp_executor **ret_executor,
		       struct sp_err *err)
{
	enum sp_precision precision = options ? options->precision : SP_PRECISION_F32;
	const char *name = options ? options->kernels : NULL;
	const struct sp_kernels *kernels = NULL;

	if (!name) {
		kernels = sp_kernels_best(precision);
	} else if (strcmp(name, "onednn")) {
		kernels = sp_kernels_named(name);
		if (!kernels)
			return sp_err_set(err, -EINVAL,
					  "kernels '%s' are not known or not for this CPU; leave "
					  "them out for the best",
					  name);
	}
	return sp_executor_create_by(model, shape, kernels, ret_executor, err);
}

void sp_executor_destroy(struct sp_executor *executor)
{
	if (!executor)
		return;
	sp_plan_uninit(&executor->plan);
	sp_shapes_uninit(&executor->shapes);
	free(executor->outputs);
	free(executor);
}

float *sp_executor_input(struct sp_executor *executor)
{
	return executor->input;
}

int sp_executor_run(struct sp_executor *executor)
{
	int threads = omp_get_max_threads(), ret;

	omp_set_num_threads(1);
	ret = sp_plan_run(&executor->plan);
	omp_set_num_threads(threads);
	return ret;
}

int sp_executor_profile(struct sp_executor *executor, struct sp_layer *layers, unsigned int max)
{
	int threads = omp_get_max_threads(), ret;

	omp_set_num_threads(1);
	ret = sp_plan_profile(&executor->plan, layers, max);
	omp_set_num_threads(threads);
	return ret;
}

unsigned int sp_executor_outputs(const struct sp_executor *executor)
{
	return executor->model->outputs_n;
}

const float *sp_executor_output(const struct sp_executor *executor, unsigned int i,
				const char **ret_name, struct sp_shape *ret_shape)
{
	if (ret_name)
		*ret_name = executor->model->outputs[i].name;
	if (ret_shape)
		*ret_shape = executor->shapes.of[executor->model->graph->outputs[i]];
	return executor->outputs[i];
}
