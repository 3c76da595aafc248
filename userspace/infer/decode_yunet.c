/* SPDX-License-Identifier: Apache-2.0 */
/* One anchor a cell; cls, obj, bbox and kps at strides 8, 16, 32 (infer/element.h). */
#include "infer/detect.h"

#include "infer/element.h"

static void decode_cell(const struct sp_detect_level *level, size_t cell, struct sp_detection *d)
{
	uint32_t column = (uint32_t)(cell % level->columns);
	uint32_t row = (uint32_t)(cell / level->columns);
	float stride = (float)level->stride, bbox[4], points[10];

	sp_head_read(&level->heads[SP_HEAD_BOXES], cell, 0, 4, bbox);
	sp_head_read(&level->heads[SP_HEAD_LANDMARKS], cell, 0, 10, points);
	sp_yunet_box(bbox, column, row, stride, d->box);
	for (unsigned int k = 0; k < 5; k++)
		sp_yunet_landmark(points + 2 * k, column, row, stride, d->landmark[k]);
}

void sp_decode_yunet(const struct sp_model_card *card, const struct sp_detect_level *levels,
		     float score_min, struct sp_candidates *candidates)
{
	uint32_t place = 0;

	for (unsigned int l = 0; l < card->levels; l++) {
		const struct sp_detect_level *level = &levels[l];
		const struct sp_head *heads = level->heads;
		size_t cells = (size_t)level->columns * level->rows;

		for (size_t i = 0; i < cells; i++, place++) {
			struct sp_detection d = { .cell = place };

			d.score = sp_yunet_score(*sp_head_at(&heads[SP_HEAD_SCORES], i, 0),
						 *sp_head_at(&heads[SP_HEAD_OBJECTNESS], i, 0));
			if (!(d.score >= score_min))
				continue;
			decode_cell(level, i, &d);
			sp_candidates_add(candidates, &d);
		}
	}
}
