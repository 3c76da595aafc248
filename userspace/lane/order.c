/* SPDX-License-Identifier: Apache-2.0 */
#include "lane/order.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "infer/compute.h"

int sp_order_init(struct sp_order *order, unsigned int cameras, unsigned int backlog,
		  uint64_t deadline_ns)
{
	*order = (struct sp_order){
		.waiting = calloc((size_t)backlog + 1, sizeof(*order->waiting)),
		.backlog = backlog,
		.cameras = calloc(cameras, sizeof(*order->cameras)),
		.cameras_n = cameras,
		.deadline_ns = deadline_ns,
	};
	if (!order->waiting || !order->cameras) {
		sp_order_uninit(order);
		return -ENOMEM;
	}
	return 0;
}

void sp_order_uninit(struct sp_order *order)
{
	free(order->waiting);
	free(order->cameras);
	*order = (struct sp_order){ 0 };
}

/* Equal exposures need an order of their own, or it would be that of arrival. */
static bool is_before(const struct sp_result *a, const struct sp_result *b)
{
	if (a->exposure_ns != b->exposure_ns)
		return a->exposure_ns < b->exposure_ns;
	if (a->camera != b->camera)
		return a->camera < b->camera;
	return a->block_id < b->block_id;
}

/* @result leaves for the lane: the camera's next one follows it. */
static void pass_on(struct sp_order *order, const struct sp_result *result)
{
	struct sp_order_camera *camera = &order->cameras[result->camera];

	if (result->exposure_ns < camera->exposure_ns)
		return;
	camera->block_id = result->block_id;
	camera->exposure_ns = result->exposure_ns;
}

bool sp_order_insert(struct sp_order *order, struct sp_result *result)
{
	unsigned int at = order->waiting_n;

	if (result->exposure_ns < order->watermark_ns) {
		pass_on(order, result);
		return false;
	}
	/* Most come nearly in order: the search begins at the end. */
	while (at && is_before(result, order->waiting[at - 1]))
		at--;
	memmove(order->waiting + at + 1, order->waiting + at,
		(order->waiting_n - at) * sizeof(*order->waiting));
	order->waiting[at] = result;
	order->waiting_n++;
	return true;
}

/* GigE Vision ids begin at 1, and those of 16 bits skip 0 when they wrap; V4L2's begin at 0. */
static bool follows(uint64_t block, uint64_t last)
{
	return block == last + 1 || (block == 1 && last == UINT16_MAX) || (!block && !last);
}

void sp_order_advance(struct sp_order *order, uint64_t now_ns)
{
	uint64_t silent_ns = now_ns > order->deadline_ns ? now_ns - order->deadline_ns : 0;
	uint64_t watermark_ns = UINT64_MAX;

	for (unsigned int i = 0; i < order->cameras_n; i++) {
		struct sp_order_camera *camera = &order->cameras[i];

		camera->next_block = camera->block_id;
		camera->vouched_ns = camera->exposure_ns;
		camera->gap = false;
	}
	for (unsigned int i = 0; i < order->waiting_n; i++) {
		const struct sp_result *result = order->waiting[i];
		struct sp_order_camera *camera = &order->cameras[result->camera];

		camera->gap |= !follows(result->block_id, camera->next_block);
		if (camera->gap)
			continue;
		camera->next_block = result->block_id;
		camera->vouched_ns = result->exposure_ns;
	}
	for (unsigned int i = 0; i < order->cameras_n; i++) {
		uint64_t vouched_ns = order->cameras[i].vouched_ns;

		if (vouched_ns < silent_ns)
			vouched_ns = silent_ns;
		if (vouched_ns < watermark_ns)
			watermark_ns = vouched_ns;
	}
	if (watermark_ns > order->watermark_ns)
		order->watermark_ns = watermark_ns;
}

struct sp_result *sp_order_force(struct sp_order *order)
{
	struct sp_result *result;

	if (!order->waiting_n)
		return NULL;
	result = order->waiting[0];
	order->waiting_n--;
	memmove(order->waiting, order->waiting + 1, order->waiting_n * sizeof(*order->waiting));
	pass_on(order, result);
	if (result->exposure_ns > order->watermark_ns)
		order->watermark_ns = result->exposure_ns;
	return result;
}

struct sp_result *sp_order_take(struct sp_order *order)
{
	return sp_order_next_ns(order) <= order->watermark_ns ? sp_order_force(order) : NULL;
}

uint64_t sp_order_next_ns(const struct sp_order *order)
{
	return order->waiting_n ? order->waiting[0]->exposure_ns : UINT64_MAX;
}
