/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Distances in strides from the corner of a cell to the four sides of the box and to the landmarks;
 * a score an anchor. Formulas: infer/element.h.
 */
#include "infer/detect.h"

#include "infer/element.h"

static void decode_anchor(const struct sp_detect_level *level, size_t cell, unsigned int anchor,
			  struct sp_detection *d)
{
	uint32_t column = (uint32_t)(cell % level->columns);
	uint32_t row = (uint32_t)(cell / level->columns);
	float stride = (float)level->stride, distance[4], points[10];

	sp_head_read(&level->heads[SP_HEAD_BOXES], cell, anchor, 4, distance);
	sp_head_read(&level->heads[SP_HEAD_LANDMARKS], cell, anchor, 10, points);
	sp_scrfd_box(distance, column, row, stride, d->box);
	for (unsigned int k = 0; k < 5; k++)
		sp_scrfd_landmark(points + 2 * k, column, row, stride, d->landmark[k]);
}

void sp_decode_scrfd(const struct sp_model_card *card, const struct sp_detect_level *levels,
		     float score_min, struct sp_candidates *candidates)
{
	uint32_t place = 0;

	for (unsigned int l = 0; l < card->levels; l++) {
		const struct sp_detect_level *level = &levels[l];
		const struct sp_head *scores = &level->heads[SP_HEAD_SCORES];
		size_t cells = (size_t)level->columns * level->rows;

		for (size_t i = 0; i < cells; i++) {
			for (unsigned int a = 0; a < card->anchors; a++, place++) {
				struct sp_detection d = { .cell = place };

				d.score = *sp_head_at(scores, i, a);
				if (card->logits)
					d.score = sp_sigmoid(d.score);
				if (!(d.score >= score_min))
					continue;
				decode_anchor(level, i, a, &d);
				sp_candidates_add(candidates, &d);
			}
		}
	}
}
