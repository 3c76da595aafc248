/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/detect.h"

#include <math.h>
#include <string.h>

#include "infer/element.h"

bool sp_yunet_match(const char *const *names, unsigned int n, struct sp_yunet_heads *ret_heads,
		    const char **ret_missing)
{
	static const char *const wanted[4][SP_YUNET_LEVELS] = {
		{ "cls_8", "cls_16", "cls_32" },
		{ "obj_8", "obj_16", "obj_32" },
		{ "bbox_8", "bbox_16", "bbox_32" },
		{ "kps_8", "kps_16", "kps_32" },
	};
	struct sp_yunet_heads heads;
	unsigned int *const places[4] = { heads.cls, heads.obj, heads.bbox, heads.kps };

	for (int kind = 0; kind < 4; kind++) {
		for (int level = 0; level < SP_YUNET_LEVELS; level++) {
			unsigned int i = 0;

			while (i < n && strcmp(names[i], wanted[kind][level]))
				i++;
			if (i == n) {
				*ret_missing = wanted[kind][level];
				return false;
			}
			places[kind][level] = i;
		}
	}
	*ret_heads = heads;
	return true;
}

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

static void keep(struct sp_detection *detections, unsigned int *n, const struct sp_detection *d)
{
	if (*n < SP_DETECTIONS_MAX) {
		detections[(*n)++] = *d;
		if (*n == SP_DETECTIONS_MAX)
			make_heap(detections, *n);
	} else if (is_better(d, &detections[0])) {
		detections[0] = *d;
		sink(detections, *n, 0);
	}
}

unsigned int sp_yunet_decode(const struct sp_yunet_level levels[SP_YUNET_LEVELS], uint32_t width,
			     uint32_t height, float score_min, struct sp_detection *detections)
{
	unsigned int n = 0;
	size_t before = 0;

	for (unsigned int l = 0; l < SP_YUNET_LEVELS; l++) {
		const struct sp_yunet_level *level = &levels[l];
		uint32_t columns = width / (8u << l);
		size_t cells = sp_yunet_cells(l, width, height);
		float stride = (float)(8u << l);

		for (size_t i = 0; i < cells; i++) {
			uint32_t column = (uint32_t)(i % columns), row = (uint32_t)(i / columns);
			struct sp_detection d = { .score = sp_yunet_score(level->cls[i],
									  level->obj[i]) };

			if (!(d.score >= score_min))
				continue;
			d.cell = (uint32_t)(before + i);
			sp_yunet_box(level->bbox + 4 * i, column, row, stride, d.box);
			for (int k = 0; k < 5; k++)
				sp_yunet_landmark(level->kps + 10 * i + 2 * k, column, row, stride,
						  d.landmark[k]);
			if (is_usable(&d))
				keep(detections, &n, &d);
		}
		before += cells;
	}
	return n;
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
