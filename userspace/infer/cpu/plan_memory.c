/* SPDX-License-Identifier: Apache-2.0 */
/* Buffers get their places and all that points at them its addresses. */
#include "infer/cpu/plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "infer/cpu/arena.h"
#include "infer/cpu/band.h"

enum { ALIGN = 64 }; /* a cache line, and the widest vector */

/* Buffers that are not elsewhere share the arena. Returns the bytes needed, 0 after an error. */
static size_t place_buffers(struct sp_plan *plan)
{
	struct sp_lease *leases = calloc(plan->buffers_n + 1, sizeof(*leases));
	uint32_t *order = calloc(plan->buffers_n + 1, sizeof(*order)), n = 0;
	size_t size = 0;

	if (!leases || !order) {
		sp_plan_fail(plan, -ENOMEM, "out of memory");
		goto out;
	}
	for (uint32_t i = 0; i < plan->buffers_n; i++) {
		const struct sp_buffer *buffer = &plan->buffers[i];

		if (!buffer->fixed && buffer->first != SP_NONE)
			leases[n++] = (struct sp_lease){ buffer->size, buffer->first, buffer->last,
							 0 };
	}
	size = sp_arena_place(leases, order, n);
	n = 0;
	for (uint32_t i = 0; i < plan->buffers_n; i++) {
		struct sp_buffer *buffer = &plan->buffers[i];

		if (!buffer->fixed && buffer->first != SP_NONE)
			buffer->offset = leases[n++].offset;
	}
out:
	free(leases);
	free(order);
	return size;
}

static void make_arena(struct sp_plan *plan)
{
	size_t size = place_buffers(plan);

	if (plan->error)
		return;
	if (size > SP_PLAN_BYTES_MAX) {
		sp_plan_fail(plan, -EFBIG,
			     "%zu MiB for intermediate results are not supported; use a "
			     "smaller input",
			     size >> 20);
		return;
	}
	plan->arena = aligned_alloc(ALIGN, size + ALIGN);
	if (!plan->arena)
		sp_plan_fail(plan, -ENOMEM, "out of memory");
	else
		memset(plan->arena, 0, size + ALIGN);
}

void *sp_plan_address(const struct sp_plan *plan, uint32_t id)
{
	const struct sp_buffer *buffer = &plan->buffers[id];

	return buffer->fixed ? buffer->fixed : plan->arena + buffer->offset;
}

int sp_plan_bind(struct sp_plan *plan)
{
	plan->node = SP_NONE;
	if (!plan->error)
		make_arena(plan);
	for (uint32_t i = 0; !plan->error && i < plan->handles_n; i++)
		sp_plan_check(plan, dnnl_memory_set_data_handle(
					    plan->handles[i].memory,
					    sp_plan_address(plan, plan->handles[i].buffer)));
	for (uint32_t i = 0; !plan->error && i < plan->steps_n; i++) {
		struct sp_step *step = &plan->steps[i];

		if (step->band)
			sp_band_bind(step->band, plan);
		if (!step->loop)
			continue;
		step->src = sp_plan_address(plan, step->buffers[0]);
		if (step->buffers[1] != SP_NONE)
			step->also = sp_plan_address(plan, step->buffers[1]);
		step->dst = sp_plan_address(plan, step->buffers[2]);
	}
	return plan->error;
}
