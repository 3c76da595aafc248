/* SPDX-License-Identifier: Apache-2.0 */
#include "gvcam/faults.h"

#include <errno.h>
#include <stdlib.h>

#include "base/random.h"

#define NONE UINT32_MAX

enum purpose { LOSS = 1, DUPLICATE, LATE, LATE_COPY, RESEND_LOSS };

static uint64_t draw(const struct gvcam_faults *faults, uint32_t camera, uint64_t block,
		     uint32_t packet, enum purpose purpose)
{
	uint64_t x = sp_random_mix(faults->seed);

	x = sp_random_mix(x ^ ((uint64_t)camera << 8 | purpose));
	x = sp_random_mix(x ^ block);
	return sp_random_mix(x ^ packet);
}

static bool happens(uint64_t random, double probability)
{
	/* 53 bits: every double in [0, 1) that is a multiple of 2^-53. */
	return (double)(random >> 11) * 0x1p-53 < probability;
}

void gvcam_faults_fate(const struct gvcam_faults *faults, uint32_t camera, uint64_t block,
		       uint32_t packet, struct gvcam_fate *ret)
{
	*ret = (struct gvcam_fate){ .copies = 1 };
	if (faults->loss > 0 && happens(draw(faults, camera, block, packet, LOSS), faults->loss)) {
		ret->copies = 0;
		return;
	}
	if (faults->duplicate > 0 &&
	    happens(draw(faults, camera, block, packet, DUPLICATE), faults->duplicate))
		ret->copies = 2;
	if (!faults->reorder)
		return;
	ret->late[0] =
		(uint32_t)(draw(faults, camera, block, packet, LATE) % (faults->reorder + 1));
	ret->late[1] =
		(uint32_t)(draw(faults, camera, block, packet, LATE_COPY) % (faults->reorder + 1));
}

bool gvcam_faults_resend_lost(const struct gvcam_faults *faults, uint32_t camera, uint64_t nth)
{
	return faults->resend_loss > 0 &&
	       happens(draw(faults, camera, nth, 0, RESEND_LOSS), faults->resend_loss);
}

int gvcam_reorder_init(struct gvcam_reorder *reorder, uint32_t depth)
{
	uint32_t places = depth + 1, n = GVCAM_COPIES_MAX * places;

	*reorder = (struct gvcam_reorder){ .depth = depth };
	reorder->nodes = calloc(n, sizeof(*reorder->nodes));
	reorder->first = calloc(places, sizeof(*reorder->first));
	reorder->last = calloc(places, sizeof(*reorder->last));
	if (!reorder->nodes || !reorder->first || !reorder->last) {
		gvcam_reorder_uninit(reorder);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < places; i++)
		reorder->first[i] = reorder->last[i] = NONE;
	for (uint32_t i = 0; i < n; i++)
		reorder->nodes[i].next = i + 1 < n ? i + 1 : NONE;
	return 0;
}

void gvcam_reorder_uninit(struct gvcam_reorder *reorder)
{
	free(reorder->nodes);
	free(reorder->first);
	free(reorder->last);
	*reorder = (struct gvcam_reorder){ 0 };
}

static void put(struct gvcam_reorder *reorder, struct gvcam_ref ref, uint32_t late)
{
	uint32_t place = (reorder->place + late) % (reorder->depth + 1);
	uint32_t node = reorder->free;

	/* Each packet is held for at most depth + 1 steps, two copies a step: there is a node. */
	reorder->free = reorder->nodes[node].next;
	reorder->nodes[node] = (struct gvcam_reorder_node){ ref, NONE };
	if (reorder->first[place] == NONE)
		reorder->first[place] = node;
	else
		reorder->nodes[reorder->last[place]].next = node;
	reorder->last[place] = node;
	reorder->held++;
}

static uint32_t take_place(struct gvcam_reorder *reorder, struct gvcam_ref *out)
{
	uint32_t place = reorder->place % (reorder->depth + 1);
	uint32_t node = reorder->first[place], n = 0;

	while (node != NONE) {
		uint32_t next = reorder->nodes[node].next;

		out[n++] = reorder->nodes[node].ref;
		reorder->nodes[node].next = reorder->free;
		reorder->free = node;
		node = next;
	}
	reorder->first[place] = reorder->last[place] = NONE;
	reorder->place = (reorder->place + 1) % (reorder->depth + 1);
	reorder->held -= n;
	return n;
}

uint32_t gvcam_reorder_step(struct gvcam_reorder *reorder, uint32_t packet,
			    const struct gvcam_fate *fate, struct gvcam_ref *out)
{
	for (unsigned int i = 0; i < fate->copies; i++)
		put(reorder, (struct gvcam_ref){ packet, i > 0 }, fate->late[i]);
	return take_place(reorder, out);
}

uint32_t gvcam_reorder_flush(struct gvcam_reorder *reorder, struct gvcam_ref *out)
{
	uint32_t n = 0;

	while (reorder->held)
		n += take_place(reorder, out + n);
	return n;
}
