/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/cpu/band.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "infer/cpu/executor.h"
#include "infer/cpu/plan.h"

/* A row of zeros as wide as any that is read, and memory for units to compute in. */
static void make_scratch(struct sp_plan *plan, struct sp_band *band)
{
	size_t width = 0, size;

	for (uint32_t i = 0; i < band->rows_n; i++)
		if (width < band->rows[i].width)
			width = band->rows[i].width;
	/* One more than the margins: a window without padding begins one pixel further on. */
	size = (SP_ROW_LEFT + width + SP_ROW_RIGHT + 1) * SP_CELL_BYTES;
	band->zeros = aligned_alloc(SP_CELL_BYTES, size);
	if (!band->zeros) {
		sp_plan_fail(plan, -ENOMEM, "out of memory");
		return;
	}
	memset(band->zeros, 0, size);
	for (uint32_t i = 0; i < band->units_n; i++) {
		const struct sp_unit *unit = &band->units[i];

		if (unit->kind != SP_UNIT_SEPARABLE)
			continue;
		size = band->kernels->separable_bytes(&unit->separable);
		size = (size + SP_CELL_BYTES - 1) / SP_CELL_BYTES * SP_CELL_BYTES;
		if (band->scratch_size < size)
			band->scratch_size = size;
	}
}

static uint64_t conv_macs(const struct sp_plan *plan, const struct sp_node *node)
{
	const struct sp_shape *weights = &plan->graph->tensors[node->inputs[1]].shape;
	const struct sp_shape *out = &plan->shapes->of[node->output];

	return (uint64_t)sp_shape_elements(out) *
	       (uint64_t)(weights->dim[1] * weights->dim[2] * weights->dim[3]);
}

static void count_macs(const struct sp_plan *plan, struct sp_band *band)
{
	for (uint32_t i = 0; i < band->units_n; i++) {
		struct sp_unit *unit = &band->units[i];

		for (uint32_t k = 0; k < unit->parts_n; k++) {
			if (unit->parts[k]->op == SP_OP_CONV && unit->kind != SP_UNIT_ADD)
				unit->macs += conv_macs(plan, unit->parts[k]);
			if (unit->behind[k])
				unit->macs += conv_macs(plan, unit->behind[k]);
		}
	}
}

void sp_band_emit(struct sp_plan *plan, const uint32_t *nodes, uint32_t n)
{
	struct sp_band *band = calloc(1, sizeof(*band));

	plan->node = nodes[0];
	if (!band) {
		sp_plan_fail(plan, -ENOMEM, "out of memory");
		return;
	}
	band->kernels = plan->kernels;
	band->batch = (uint32_t)plan->shapes->of[plan->graph->nodes[nodes[0]].output].dim[0];
	sp_band_build(plan, band, nodes, n);
	for (uint32_t i = 0; i < band->units_n && !plan->error; i++) {
		if (band->units[i].parts_n)
			plan->node = (uint32_t)(band->units[i].parts[0] - plan->graph->nodes);
		sp_unit_pack(plan, band, &band->units[i]);
	}
	plan->node = nodes[n - 1];
	if (!plan->error)
		make_scratch(plan, band);
	if (!plan->error)
		sp_band_schedule(plan, band);
	if (!plan->error && band->work_size > SP_PLAN_BYTES_MAX)
		sp_plan_fail(plan, -EFBIG,
			     "%zu MiB for intermediate results are not supported; use a smaller "
			     "input",
			     band->work_size >> 20);
	if (plan->error) {
		sp_band_destroy(band);
		return;
	}
	count_macs(plan, band);
	sp_plan_band(plan, band);
}

void sp_band_destroy(struct sp_band *band)
{
	if (!band)
		return;
	for (uint32_t i = 0; i < band->units_n; i++)
		free(band->units[i].constants);
	free(band->units);
	free(band->rows);
	free(band->inputs);
	free(band->schedule);
	free(band->zeros);
	free(band);
}

void sp_band_bind(struct sp_band *band, const struct sp_plan *plan)
{
	band->base = sp_plan_address(plan, band->work);
	band->zero = band->zeros + SP_ROW_LEFT * SP_CELL_BYTES;
	for (uint32_t i = 0; i < band->rows_n; i++)
		band->rows[i].at = band->base + band->rows[i].offset + SP_ROW_LEFT * SP_CELL_BYTES;
	for (uint32_t i = 0; i < band->inputs_n; i++)
		band->inputs[i].at = sp_plan_address(plan, band->inputs[i].buffer);
	for (uint32_t i = 0; i < band->units_n; i++)
		for (uint32_t k = 0; k < band->units[i].exports_n; k++)
			band->units[i].exports[k].to =
				sp_plan_address(plan, band->units[i].exports[k].buffer);
}

static void begin_picture(struct sp_band *band, uint32_t picture)
{
	band->picture = picture;
	for (uint32_t i = 0; i < band->units_n; i++)
		band->units[i].next = 0;
}

void sp_band_run(struct sp_band *band)
{
	for (uint32_t picture = 0; picture < band->batch; picture++) {
		begin_picture(band, picture);
		for (uint32_t i = 0; i < band->events_n; i++)
			sp_unit_work(band, &band->units[band->schedule[i]]);
	}
}

void sp_band_measure(struct sp_band *band)
{
	uint64_t before = sp_clock_now(), now;

	for (uint32_t i = 0; i < band->units_n; i++)
		band->units[i].ns = 0;
	for (uint32_t picture = 0; picture < band->batch; picture++) {
		begin_picture(band, picture);
		for (uint32_t i = 0; i < band->events_n; i++) {
			struct sp_unit *unit = &band->units[band->schedule[i]];

			sp_unit_work(band, unit);
			now = sp_clock_now();
			unit->ns += now - before;
			before = now;
		}
	}
}

void sp_band_layer(const struct sp_band *band, const struct sp_unit *unit,
		   struct sp_layer *ret_layer)
{
	static const char *const kinds[] = {
		[SP_UNIT_LOAD] = "load",	   [SP_UNIT_STEM] = "stem",
		[SP_UNIT_POINTWISE] = "pointwise", [SP_UNIT_DEPTHWISE] = "depthwise",
		[SP_UNIT_SEPARABLE] = "separable", [SP_UNIT_WHOLE] = "whole depthwise",
		[SP_UNIT_POOL] = "pool",	   [SP_UNIT_ADD] = "add",
		[SP_UNIT_UPSAMPLE] = "upsample",
	};
	const struct sp_rows *out = &band->rows[unit->out];
	uint32_t last = unit->parts_n - 1;

	*ret_layer = (struct sp_layer){
		.name = "input",
		.kind = kinds[unit->kind],
		.kernels = band->kernels->name,
		.channels = out->channels,
		.height = out->height,
		.width = out->width,
		.macs = unit->macs,
		.ns = unit->ns,
	};
	if (unit->parts_n)
		ret_layer->name = unit->behind[last] ? unit->behind[last]->name
						     : unit->parts[last]->name;
}
