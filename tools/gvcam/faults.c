/* SPDX-License-Identifier: Apache-2.0 */
#include "gvcam/faults.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/diag.h"
#include "base/random.h"

#define NONE UINT32_MAX

enum purpose { LOSS = 1, DUPLICATE, LATE, LATE_COPY, RESEND_LOSS, BURST, BURST_PLACE, EDGE };

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

/*
 * Each window of burst_length packets has one burst or none, which begins at a place of the window
 * and may end in the next one: whether a packet is in a burst takes two windows to know.
 */
static bool in_burst(const struct gvcam_faults *faults, uint32_t camera, uint64_t block,
		     uint32_t packet)
{
	uint32_t length = faults->burst_length, window = packet / length;

	for (uint32_t w = window ? window - 1 : 0; w <= window; w++) {
		uint64_t begin = (uint64_t)w * length +
				 draw(faults, camera, block, w, BURST_PLACE) % length;

		if (packet >= begin && packet - begin < length &&
		    happens(draw(faults, camera, block, w, BURST), faults->burst_loss * length))
			return true;
	}
	return false;
}

static bool is_lost(const struct gvcam_faults *faults, uint32_t camera, uint64_t block,
		    uint32_t packet, uint32_t packets)
{
	double edge = packet == 0	      ? faults->leader_loss
		      : packet == packets - 1 ? faults->trailer_loss
					      : 0;

	if (faults->loss > 0 && happens(draw(faults, camera, block, packet, LOSS), faults->loss))
		return true;
	if (edge > 0 && happens(draw(faults, camera, block, packet, EDGE), edge))
		return true;
	return faults->burst_loss > 0 && in_burst(faults, camera, block, packet);
}

int gvcam_faults_parse_burst(const char *text, struct gvcam_faults *faults, struct sp_err *err)
{
	double probability = -1;
	unsigned int length = 0;
	int end = 0;

	if (sscanf(text, "%lf,%u%n", &probability, &length, &end) != 2 || text[end])
		return sp_err_set(err, -EINVAL,
				  "'%s' is no probability and number of packets such as 0.001,32",
				  text);
	if (!(probability >= 0 && probability <= 1) || length < 1 || length > GVCAM_BURST_MAX ||
	    probability * length > 1)
		return sp_err_set(err, -EINVAL,
				  "'%s': 1 to %d packets, and their number times the probability "
				  "is at most 1",
				  text, GVCAM_BURST_MAX);
	faults->burst_loss = probability;
	faults->burst_length = length;
	return 0;
}

void gvcam_faults_fate(const struct gvcam_faults *faults, uint32_t camera, uint64_t block,
		       uint32_t packet, uint32_t packets, struct gvcam_fate *ret)
{
	*ret = (struct gvcam_fate){ .copies = 1 };
	if (is_lost(faults, camera, block, packet, packets)) {
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
