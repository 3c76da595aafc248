/* SPDX-License-Identifier: Apache-2.0 */
/* Buffers get their places and all that points at them its addresses. */
#include "infer/cpu/plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "infer/cpu/band.h"

enum { ALIGN = 64 }; /* a cache line, and the widest vector */

static int by_size(const void *a, const void *b, void *arg)
{
	const struct sp_buffer *buffers = arg;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	if (buffers[x].size != buffers[y].size)
		return buffers[x].size < buffers[y].size ? 1 : -1;
	return x < y ? -1 : x > y;
}

/*
 * Largest first, each at the lowest place where nothing that lives at the same time lies. Returns
 * the bytes needed.
 */
static size_t place(struct sp_buffer *buffers, uint32_t *order, uint32_t n)
{
	uint32_t placed = 0;
	size_t total = 0;

	/* order[0 … placed) is sorted by offset, the rest by size. */
	for (uint32_t i = 0; i < n; i++) {
		uint32_t id = order[i], at = 0;
		struct sp_buffer *buffer = &buffers[id];
		size_t offset = 0;

		for (; at < placed; at++) {
			const struct sp_buffer *other = &buffers[order[at]];

			if (other->last < buffer->first || buffer->last < other->first)
				continue;
			if (other->offset >= offset + buffer->size)
				break;
			if (offset < other->offset + other->size)
				offset = other->offset + other->size;
		}
		buffer->offset = offset;
		if (total < offset + buffer->size)
			total = offset + buffer->size;
		for (at = 0; at < placed && buffers[order[at]].offset <= offset; at++)
			;
		memmove(&order[at + 1], &order[at], (placed - at) * sizeof(*order));
		order[at] = id;
		placed++;
	}
	return total;
}

static void make_arena(struct sp_plan *plan)
{
	uint32_t *order = calloc(plan->buffers_n + 1, sizeof(*order)), n = 0;
	size_t size;

	if (!order) {
		sp_plan_fail(plan, -ENOMEM, "out of memory");
		return;
	}
	for (uint32_t i = 0; i < plan->buffers_n; i++)
		if (!plan->buffers[i].fixed && plan->buffers[i].first != SP_NONE)
			order[n++] = i;
	qsort_r(order, n, sizeof(*order), by_size, plan->buffers);
	size = place(plan->buffers, order, n);
	free(order);
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
