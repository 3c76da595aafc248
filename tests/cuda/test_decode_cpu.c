/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Detectors' outputs to faces: the same bits as the CPU backend's, where both have the same libm.
 */
#include "card.h"
#include "decode_case.h"
#include "infer/detect.h"
#include "test.h"

static void levels_of(const struct sp_decode *decode, size_t picture,
		      struct sp_detect_level *levels)
{
	for (unsigned int l = 0; l < decode->levels; l++) {
		levels[l].stride = decode->level[l].stride;
		levels[l].columns = decode->level[l].columns;
		levels[l].rows = decode->level[l].rows;
		for (unsigned int h = 0; h < SP_HEADS; h++) {
			const struct sp_decode_head *head = &decode->level[l].heads[h];

			levels[l].heads[h] = (struct sp_head){
				.at = head->at ? (const float *)head->at + picture * head->picture
					       : NULL,
				.cell = head->cell,
				.anchor = head->anchor,
				.value = head->value,
			};
		}
	}
}

static struct sp_model_card card_of(const struct sp_decode *decode)
{
	struct sp_model_card card = {
		.decode = decode->kind,
		.levels = decode->levels,
		.anchors = decode->anchors,
		.variance = { decode->variance[0], decode->variance[1] },
		.logits = decode->logits,
	};

	memcpy(card.anchor, decode->anchor, sizeof(card.anchor));
	return card;
}

TEST(faces_are_the_cpus)
{
	static struct sp_detection want[SP_DETECTIONS_MAX];
	static struct sp_decoded got[DECODE_PICTURES];

	for (unsigned int c = 0; c < decode_cases_n; c++) {
		const char *what = decode_cases[c].what;
		struct decode_data data;
		struct sp_model_card card;

		decode_data_init(&data, &decode_cases[c], 1000 + c);
		decode_run(&data, got);
		card = card_of(&data.host);
		for (size_t picture = 0; picture < DECODE_PICTURES; picture++) {
			struct sp_detect_level levels[SP_CARD_LEVELS_MAX];
			unsigned int n;

			levels_of(&data.host, picture, levels);
			n = sp_detect_decode(&card, levels, data.host.score_min, want);
			n = sp_detect_suppress(want, n, data.host.overlap_max);
			if (got[picture].n != n)
				FAIL("%s: %u faces, not %u", what, got[picture].n, n);
			for (unsigned int i = 0; i < n; i++)
				if (memcmp(&got[picture].of[i], &want[i], sizeof(want[i])))
					FAIL("%s: face %u of anchor %u, not %u, or not there", what,
					     i, got[picture].of[i].cell, want[i].cell);
		}
		decode_data_uninit(&data);
	}
}

TEST_MAIN()
