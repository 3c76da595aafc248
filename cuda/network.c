/* SPDX-License-Identifier: Apache-2.0 */
#include "cuda/network.h"

#include <errno.h>
#include <stdlib.h>

#include "base/diag.h"
#include "cuda/network_lower.h"
#include "cuda/network_weights.h"
#include "cuda/tuner.h"
#include "infer/model.h"

/* ---- models ---------------------------------------------------------------------------------- */

int sp_network_model_create(const struct sp_device *device, const struct sp_model *model,
			    enum sp_tensor_type type, struct sp_tuner *tuner,
			    struct sp_network_model **ret, struct sp_err *err)
{
	struct sp_network_model *made;

	if (model->inputs_n != 1 || model->graph->inputs_n != 1 || model->inputs[0].shape.rank != 4)
		return sp_err_set(err, -ENOTSUP,
				  "%s: anything but one picture as input is not for the CUDA "
				  "backend; use compute.backend: cpu",
				  model->name);
	made = calloc(1, sizeof(*made));
	if (made)
		made->weights = sp_weights_create();
	if (!made || !made->weights) {
		free(made);
		return sp_err_set(err, -ENOMEM, "%s: out of memory", model->name);
	}
	made->device = *device;
	made->model = model;
	made->type = type;
	made->tuner = tuner;
	*ret = made;
	return 0;
}

void sp_network_model_destroy(struct sp_network_model *model)
{
	if (!model)
		return;
	sp_weights_destroy(model->weights);
	free(model);
}

/* ---- building -------------------------------------------------------------------------------- */

/* Our kernel in the place of an engine: what the tuner times and compares with. */
struct ours {
	const struct sp_step *step;
	const struct sp_device *device;
};

static int run_ours(void *arg, cudaStream_t stream, const struct sp_conv_run *run,
		    struct sp_err *err)
{
	const struct ours *ours = arg;

	return sp_step_launch_conv(ours->step, ours->device, stream, run, err);
}

static int tune(struct sp_network *network, struct sp_step *step, struct sp_err *err)
{
	const struct sp_network_model *model = network->model;
	struct ours ours = { step, &model->device };
	const struct sp_tuning tuning = { .model = model->model->sha256,
					  .conv = &step->conv,
					  .n = network->n,
					  .residual = step->also.buffer != SP_NONE,
					  .weights = step->source[0],
					  .bias = step->source[1],
					  .ours = run_ours,
					  .arg = &ours };
	size_t bytes;
	int ret;

	if (!model->tuner || !sp_step_is_conv(step))
		return 0;
	ret = sp_tuner_choose(model->tuner, &tuning, &step->engine, err);
	if (ret || !step->engine)
		return ret;
	bytes = sp_engine_workspace(step->engine);
	if (!bytes)
		return 0;
	return sp_network_buffer(network, bytes, &step->workspace.buffer)
		       ? sp_err_set(err, -ENOMEM, "out of memory")
		       : 0;
}

static void lives(struct sp_network *network, uint32_t buffer, uint32_t from, uint32_t to)
{
	struct sp_lease *lease;

	if (buffer == SP_NONE)
		return;
	lease = &network->buffers[buffer];
	if (lease->first > from)
		lease->first = from;
	if (lease->last < to)
		lease->last = to;
}

/* From the step that first writes a buffer to the last one that reads it. */
static int place_buffers(struct sp_network *network, struct sp_err *err)
{
	uint32_t *order = calloc(network->buffers_n + 1, sizeof(*order));

	if (!order)
		return sp_err_set(err, -ENOMEM, "out of memory");
	for (uint32_t i = 0; i < network->buffers_n; i++) {
		network->buffers[i].first = UINT32_MAX;
		network->buffers[i].last = 0;
	}
	lives(network, network->input.buffer, 0, 0);
	for (uint32_t i = 0; i < network->steps_n; i++) {
		const struct sp_step *step = &network->steps[i];

		lives(network, step->x.buffer, i, i);
		lives(network, step->also.buffer, i, i);
		lives(network, step->y.buffer, i, i);
		lives(network, step->workspace.buffer, i, i);
	}
	for (unsigned int i = 0; i < network->model->model->graph->outputs_n; i++)
		lives(network, network->ends[i].place.buffer, network->steps_n, network->steps_n);
	network->bytes = sp_arena_place(network->buffers, order, network->buffers_n);
	free(order);
	return 0;
}

static int build(struct sp_network *network, struct sp_err *err)
{
	struct sp_network_model *model = network->model;
	int ret = sp_network_lower(network, err);

	if (!ret)
		ret = sp_weights_upload(model->weights, err);
	for (uint32_t i = 0; !ret && i < network->steps_n; i++) {
		struct sp_step *step = &network->steps[i];

		sp_step_resolve(step, model->weights);
		ret = tune(network, step, err);
		if (!ret)
			sp_step_describe(step, model->weights);
	}
	/* Nobody asks for weights on the host any more. */
	for (uint32_t i = 0; i < network->steps_n; i++) {
		free(network->steps[i].reordered);
		network->steps[i].reordered = NULL;
		network->steps[i].source[0] = network->steps[i].source[1] = NULL;
	}
	return ret ? ret : place_buffers(network, err);
}

static int check_input(const struct sp_model *model, uint32_t n, uint32_t h, uint32_t w,
		       struct sp_shape *ret_shape, struct sp_err *err)
{
	const struct sp_shape *wanted = &model->inputs[0].shape;
	struct sp_shape given = { .rank = 4, .dim = { 1, 3, h, w } };
	char want[96], have[96];

	for (unsigned int i = 0; i < 4; i++)
		if (given.dim[i] < 1 || n < 1 ||
		    (wanted->dim[i] >= 0 && wanted->dim[i] != given.dim[i]))
			return sp_err_set(err, -EINVAL, "input '%s' is %s; it cannot be %s",
					  model->inputs[0].name,
					  sp_shape_text(wanted, want, sizeof(want)),
					  sp_shape_text(&given, have, sizeof(have)));
	*ret_shape = given;
	return 0;
}

int sp_network_create(struct sp_network_model *model, uint32_t n, uint32_t h, uint32_t w,
		      struct sp_network **ret_network, struct sp_err *err)
{
	struct sp_network *network = calloc(1, sizeof(*network));
	struct sp_shape input;
	int ret;

	if (!network)
		return sp_err_set(err, -ENOMEM, "%s: out of memory", model->model->name);
	network->model = model;
	network->n = n;
	ret = check_input(model->model, n, h, w, &input, err);
	if (!ret)
		ret = sp_shapes_infer(model->model->graph, &input, &network->shapes, err);
	if (!ret)
		ret = build(network, err);
	if (ret) {
		sp_network_destroy(network);
		return sp_err_prefix(err, ret, "%s", model->model->name);
	}
	*ret_network = network;
	return 0;
}

void sp_network_destroy(struct sp_network *network)
{
	if (!network)
		return;
	for (uint32_t i = 0; i < network->steps_n; i++) {
		free(network->steps[i].reordered);
		sp_engine_destroy(network->steps[i].engine);
	}
	sp_shapes_uninit(&network->shapes);
	free(network->ends);
	free(network->steps);
	free(network->buffers);
	free(network);
}

/* ---- running --------------------------------------------------------------------------------- */

size_t sp_network_bytes(const struct sp_network *network)
{
	return network->bytes;
}

static void *at(const struct sp_network *network, void *memory, uint32_t buffer)
{
	return buffer == SP_NONE ? NULL : (uint8_t *)memory + network->buffers[buffer].offset;
}

void sp_network_bind(struct sp_network *network, void *memory)
{
	network->input.tensor.at = at(network, memory, network->input.buffer);
	for (uint32_t i = 0; i < network->steps_n; i++) {
		struct sp_step *step = &network->steps[i];
		struct sp_operand *all[] = { &step->x, &step->also, &step->y, &step->workspace };

		for (unsigned int k = 0; k < sizeof(all) / sizeof(all[0]); k++)
			all[k]->tensor.at = at(network, memory, all[k]->buffer);
	}
	for (unsigned int i = 0; i < network->model->model->graph->outputs_n; i++) {
		struct sp_network_end *end = &network->ends[i];
		size_t before = end->place.base * sp_tensor_number(end->place.tensor.type);

		end->output.at = (uint8_t *)at(network, memory, end->place.buffer) + before;
	}
}

struct sp_device_tensor sp_network_input(const struct sp_network *network)
{
	return network->input.tensor;
}

struct sp_network_output sp_network_output(const struct sp_network *network, unsigned int i)
{
	return network->ends[i].output;
}

unsigned int sp_network_steps(const struct sp_network *network)
{
	return network->steps_n;
}

const char *sp_network_step(const struct sp_network *network, unsigned int i, uint64_t *ret_macs,
			    uint64_t *ret_bytes)
{
	const struct sp_step *step = &network->steps[i];

	*ret_macs = step->macs;
	*ret_bytes = step->bytes;
	return step->words;
}

int sp_network_run_step(struct sp_network *network, unsigned int i, cudaStream_t stream,
			struct sp_err *err)
{
	const struct sp_step *step = &network->steps[i];
	int ret = sp_step_run(step, &network->model->device, stream, err);

	return ret ? sp_err_prefix(err, ret, "%s: step %u, %s", network->model->model->name, i,
				   step->words)
		   : 0;
}

int sp_network_run(struct sp_network *network, cudaStream_t stream, struct sp_err *err)
{
	for (uint32_t i = 0; i < network->steps_n; i++) {
		int ret = sp_network_run_step(network, i, stream, err);

		if (ret)
			return ret;
	}
	return 0;
}
