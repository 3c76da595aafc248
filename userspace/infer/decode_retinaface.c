/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Offsets from square anchors, in parts of their sides and variances; two scores an anchor, of
 * background and of a face. Formulas: infer/element.h.
 */
#include "infer/detect.h"

#include "infer/element.h"

static void decode_anchor(const struct sp_model_card *card, const struct sp_detect_level *level,
			  float side, size_t cell, unsigned int anchor, struct sp_detection *d)
{
	struct sp_anchor at;
	float offset[4], points[10];

	sp_anchor_at((uint32_t)(cell % level->columns), (uint32_t)(cell / level->columns),
		     (float)level->stride, side, &at);
	sp_head_read(&level->heads[SP_HEAD_BOXES], cell, anchor, 4, offset);
	sp_head_read(&level->heads[SP_HEAD_LANDMARKS], cell, anchor, 10, points);
	sp_retinaface_box(offset, &at, card->variance, d->box);
	for (unsigned int k = 0; k < 5; k++)
		sp_retinaface_landmark(points + 2 * k, &at, card->variance, d->landmark[k]);
}

void sp_decode_retinaface(const struct sp_model_card *card, const struct sp_detect_level *levels,
			  float score_min, struct sp_candidates *candidates)
{
	uint32_t place = 0;

	for (unsigned int l = 0; l < card->levels; l++) {
		const struct sp_detect_level *level = &levels[l];
		const struct sp_head *scores = &level->heads[SP_HEAD_SCORES];
		size_t cells = (size_t)level->columns * level->rows;

		for (size_t i = 0; i < cells; i++) {
			for (unsigned int a = 0; a < card->anchors; a++, place++) {
				const float *score = sp_head_at(scores, i, a);
				struct sp_detection d = { .cell = place };

				d.score = score[scores->value];
				if (card->logits)
					d.score = sp_softmax_of_two(score[0], d.score);
				if (!(d.score >= score_min))
					continue;
				decode_anchor(card, level, card->anchor[l][a], i, a, &d);
				sp_candidates_add(candidates, &d);
			}
		}
	}
}
