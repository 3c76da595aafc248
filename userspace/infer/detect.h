/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a detector's outputs to faces. A detector looks at its input in grids of cells, one grid a
 * stride (input side / stride, rounded up), and gives for each anchor of each cell scores, a box and
 * five landmarks. How these are written down differs by family: decode_yunet.c, decode_scrfd.c,
 * decode_retinaface.c. Pure.
 */
#ifndef SP_INFER_DETECT_H
#define SP_INFER_DETECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "infer/model_card.h"

enum { SP_DETECTIONS_MAX = 1024 }; /* candidates before suppression; more lose their weakest */

#define SP_DETECT_FAR 1e6f /* pixels; what lies or reaches further is no face */

struct sp_detection {
	float box[4]; /* x, y, width, height, in pixels of the network's input */
	float landmark[5][2];
	float score;
	uint32_t cell; /* place among all anchors, coarser strides after finer; breaks ties */
};

/* Value @v of anchor @a of cell @i lies at [i × cell + a × anchor + v × value]. */
struct sp_head {
	const float *at;
	size_t cell, anchor, value;
	unsigned int values; /* an anchor */
};

static inline const float *sp_head_at(const struct sp_head *head, size_t cell, unsigned int anchor)
{
	return head->at + cell * head->cell + anchor * head->anchor;
}

/* The first @n values of an anchor, side by side. */
static inline void sp_head_read(const struct sp_head *head, size_t cell, unsigned int anchor,
				unsigned int n, float *values)
{
	const float *at = sp_head_at(head, cell, anchor);

	for (unsigned int v = 0; v < n; v++)
		values[v] = at[v * head->value];
}

/* One grid. */
struct sp_detect_level {
	uint32_t stride, columns, rows;
	struct sp_head heads[SP_HEADS];
};

/* The faces that score enough, the best SP_DETECTIONS_MAX of them, in no order. */
struct sp_candidates {
	struct sp_detection *detections; /* room for SP_DETECTIONS_MAX */
	unsigned int n;
};

/* What is empty, no number or beyond SP_DETECT_FAR is left out. */
void sp_candidates_add(struct sp_candidates *candidates, const struct sp_detection *detection);

/*
 * Each family's way: anchors of @levels (card->levels of them) that score at least @score_min become
 * candidates.
 */
void sp_decode_yunet(const struct sp_model_card *card, const struct sp_detect_level *levels,
		     float score_min, struct sp_candidates *candidates);
void sp_decode_scrfd(const struct sp_model_card *card, const struct sp_detect_level *levels,
		     float score_min, struct sp_candidates *candidates);
void sp_decode_retinaface(const struct sp_model_card *card, const struct sp_detect_level *levels,
			  float score_min, struct sp_candidates *candidates);

/* The way of card->decode. Returns how many @detections (room for SP_DETECTIONS_MAX) there are. */
unsigned int sp_detect_decode(const struct sp_model_card *card,
			      const struct sp_detect_level *levels, float score_min,
			      struct sp_detection *detections);

/*
 * Sorts by score, best first, equal ones by cell, then keeps of those that overlap by more than
 * @overlap_max (intersection over union) the first. Returns how many are left, in order.
 */
unsigned int sp_detect_suppress(struct sp_detection *detections, unsigned int n, float overlap_max);

#endif
