/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A model card of any content: refused with one line, or one that a detector can be decoded by and
 * a face network fed by.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "infer/detect_outputs.h"
#include "infer/face_input.h"
#include "infer/model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SIDE = 64, ANCHORS_MAX = (SIDE / 2) * (SIDE / 2) * SP_CARD_ANCHORS_MAX * 2 };

/* Zeros and large numbers as a network might give them. */
static void decode(const struct sp_model_card *card)
{
	static struct sp_detection found[SP_DETECTIONS_MAX];
	struct sp_detect_level levels[SP_CARD_LEVELS_MAX];
	float *floats = calloc(ANCHORS_MAX, 10 * sizeof(*floats));
	unsigned int n;

	if (!floats)
		abort();
	for (size_t i = 0; i < 10 * ANCHORS_MAX; i++)
		floats[i] = (float)(i % 97) - 20;
	sp_detect_levels(card, SIDE, SIDE, levels);
	for (unsigned int l = 0; l < card->levels; l++) {
		for (unsigned int h = 0; h < SP_HEADS; h++) {
			unsigned int values = sp_detect_values(card->decode, h);
			int64_t anchors = (int64_t)levels[l].columns * levels[l].rows *
					  card->anchors;
			struct sp_shape shape = { .rank = 2, .dim = { anchors, values } };

			if (values && sp_detect_bind(card, h, l, false, floats, &shape, levels))
				abort();
		}
	}
	n = sp_detect_decode(card, levels, card->score_min, found);
	n = sp_detect_suppress(found, n, card->overlap_max);
	for (unsigned int i = 0; i < n; i++)
		if (!(found[i].box[2] > 0) || !isfinite(found[i].landmark[4][1]))
			abort();
	free(floats);
}

static void feed(const struct sp_model_card *card)
{
	static uint8_t rgb[112 * 112 * 3];
	static float input[3 * SP_CARD_SIDE_MAX * SP_CARD_SIDE_MAX];
	struct sp_model model = { .sha256 = { 1 } };
	uint8_t id[32];

	memset(rgb, 200, sizeof(rgb));
	sp_face_input(rgb, card->side, &card->input, input);
	if (!isfinite(input[3 * card->side * card->side - 1]))
		abort();
	sp_model_card_identity(card, &model, id);
	if (card->best == card->worst && card->role == SP_ROLE_QUALITY)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sp_model_card card;
	struct sp_err err = { "" };

	if (sp_model_card_parse(data, size, "fuzz", SP_ROLES, &card, &err)) {
		if (!*err.text || strchr(err.text, '\n'))
			abort();
		return 0;
	}
	if (!*card.licence)
		abort();
	if (card.role == SP_ROLE_DETECTOR)
		decode(&card);
	else
		feed(&card);
	return 0;
}
