/* SPDX-License-Identifier: Apache-2.0 */
/* Steps, one after another; with a clock beside them where somebody wants to know. */
#include "infer/cpu/plan.h"

#include <errno.h>

#include "base/clock.h"
#include "infer/cpu/band.h"
#include "infer/cpu/executor.h"

/* 0 or -EIO. */
static int run_step(struct sp_plan *plan, const struct sp_step *step)
{
	if (step->band)
		sp_band_run(step->band);
	else if (step->loop)
		step->loop(step);
	else if (dnnl_primitive_execute(step->primitive, plan->stream, step->args_n, step->args) !=
		 dnnl_success)
		return -EIO;
	return 0;
}

int sp_plan_run(struct sp_plan *plan)
{
	for (uint32_t i = 0; i < plan->steps_n; i++)
		if (run_step(plan, &plan->steps[i]))
			return -EIO;
	return dnnl_stream_wait(plan->stream) == dnnl_success ? 0 : -EIO;
}

/* What @step is to people. */
static void describe(const struct sp_plan *plan, const struct sp_step *step, uint64_t ns,
		     struct sp_layer *layer)
{
	const struct sp_node *node = step->node < plan->graph->nodes_n
					     ? &plan->graph->nodes[step->node]
					     : NULL;
	const struct sp_shape *shape = node ? &plan->shapes->of[node->output] : NULL;

	*layer = (struct sp_layer){
		.name = node ? node->name : "output",
		.kind = step->kind,
		.kernels = step->primitive ? "onednn" : "portable",
		.macs = step->macs,
		.ns = ns,
	};
	if (shape && shape->rank == 4) {
		layer->channels = (uint32_t)shape->dim[1];
		layer->height = (uint32_t)shape->dim[2];
		layer->width = (uint32_t)shape->dim[3];
	}
}

int sp_plan_profile(struct sp_plan *plan, struct sp_layer *layers, unsigned int max)
{
	unsigned int n = 0;

	for (uint32_t i = 0; i < plan->steps_n; i++) {
		const struct sp_step *step = &plan->steps[i];
		uint64_t begin = sp_clock_now();

		if (step->band) {
			sp_band_measure(step->band);
			for (uint32_t k = 0; k < step->band->units_n; k++, n++)
				if (n < max)
					sp_band_layer(step->band, &step->band->units[k],
						      &layers[n]);
			continue;
		}
		if (run_step(plan, step) || dnnl_stream_wait(plan->stream) != dnnl_success)
			return -EIO;
		if (n < max)
			describe(plan, step, sp_clock_now() - begin, &layers[n]);
		n++;
	}
	return (int)n;
}
