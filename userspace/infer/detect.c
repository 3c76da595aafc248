/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/detect.h"

#include <math.h>
#include <string.h>

#include "infer/element.h"

/*
 * Better score, or the lower cell: an order without ties, so that results do not depend on chance.
 */
static bool is_better(const struct sp_detection *a, const struct sp_detection *b)
{
	return a->score > b->score || (a->score == b->score && a->cell < b->cell);
}

/*
 * A heap with the weakest on top: what gives way when there are too many, and what goes last when
 * they are sorted (in place, since qsort may take memory).
 */
static void sink(struct sp_detection *heap, unsigned int n, unsigned int i)
{
	struct sp_detection moving = heap[i];

	for (unsigned int child; (child = 2 * i + 1) < n; i = child) {
		if (child + 1 < n && is_better(&heap[child], &heap[child + 1]))
			child++;
		if (!is_better(&moving, &heap[child]))
			break;
		heap[i] = heap[child];
	}
	heap[i] = moving;
}

static void make_heap(struct sp_detection *heap, unsigned int n)
{
	for (unsigned int i = n / 2; i-- > 0;)
		sink(heap, n, i);
}

static void sort(struct sp_detection *detections, unsigned int n)
{
	make_heap(detections, n);
	while (n > 1) {
		struct sp_detection weakest = detections[0];

		detections[0] = detections[--n];
		detections[n] = weakest;
		sink(detections, n, 0);
	}
}

static bool is_near(float x)
{
	return fabsf(x) <= SP_DETECT_FAR; /* false if it is no number */
}

static bool is_usable(const struct sp_detection *d)
{
	for (int i = 0; i < 4; i++)
		if (!is_near(d->box[i]))
			return false;
	for (int i = 0; i < 5; i++)
		if (!is_near(d->landmark[i][0]) || !is_near(d->landmark[i][1]))
			return false;
	return d->box[2] > 0 && d->box[3] > 0;
}

void sp_candidates_add(struct sp_candidates *candidates, const struct sp_detection *detection)
{
	if (!is_usable(detection))
		return;
	if (candidates->n < SP_DETECTIONS_MAX) {
		candidates->detections[candidates->n++] = *detection;
		if (candidates->n == SP_DETECTIONS_MAX)
			make_heap(candidates->detections, candidates->n);
	} else if (is_better(detection, &candidates->detections[0])) {
		candidates->detections[0] = *detection;
		sink(candidates->detections, candidates->n, 0);
	}
}

unsigned int sp_detect_decode(const struct sp_model_card *card,
			      const struct sp_detect_level *levels, float score_min,
			      struct sp_detection *detections)
{
	static void (*const decode[])(const struct sp_model_card *, const struct sp_detect_level *,
				      float, struct sp_candidates *) = {
		[SP_DECODE_YUNET] = sp_decode_yunet,
		[SP_DECODE_SCRFD] = sp_decode_scrfd,
		[SP_DECODE_RETINAFACE] = sp_decode_retinaface,
	};
	struct sp_candidates candidates = { .detections = detections };

	decode[card->decode](card, levels, score_min, &candidates);
	return candidates.n;
}

unsigned int sp_detect_suppress(struct sp_detection *detections, unsigned int n, float overlap_max)
{
	unsigned int kept = 0;

	sort(detections, n);
	for (unsigned int i = 0; i < n; i++) {
		unsigned int k = 0;

		while (k < kept &&
		       sp_box_overlap(detections[i].box, detections[k].box) <= overlap_max)
			k++;
		if (k == kept)
			detections[kept++] = detections[i];
	}
	return kept;
}
