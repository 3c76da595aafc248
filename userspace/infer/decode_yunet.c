/* SPDX-License-Identifier: Apache-2.0 */
/* One anchor a cell; cls, obj, bbox and kps at strides 8, 16, 32 (infer/element.h). */
#include "infer/detect.h"

#include "infer/element.h"

void sp_decode_yunet(const struct sp_model_card *card, const struct sp_detect_level *levels,
		     float score_min, struct sp_candidates *candidates)
{
	size_t before = 0;

	for (unsigned int l = 0; l < card->levels; l++) {
		const struct sp_detect_level *level = &levels[l];
		const struct sp_head *heads = level->heads;
		size_t cells = (size_t)level->columns * level->rows;
		float stride = (float)level->stride;

		for (size_t i = 0; i < cells; i++) {
			uint32_t column = (uint32_t)(i % level->columns);
			uint32_t row = (uint32_t)(i / level->columns);
			struct sp_detection d = {
				.score = sp_yunet_score(heads[SP_HEAD_SCORES].at[i],
							heads[SP_HEAD_OBJECTNESS].at[i]),
				.cell = (uint32_t)(before + i),
			};
			const float *kps = heads[SP_HEAD_LANDMARKS].at + 10 * i;

			if (!(d.score >= score_min))
				continue;
			sp_yunet_box(heads[SP_HEAD_BOXES].at + 4 * i, column, row, stride, d.box);
			for (unsigned int k = 0; k < 5; k++)
				sp_yunet_landmark(kps + 2 * k, column, row, stride, d.landmark[k]);
			sp_candidates_add(candidates, &d);
		}
		before += cells;
	}
}
