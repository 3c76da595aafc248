/* SPDX-License-Identifier: Apache-2.0 */
#include "cuda/heads.h"

#include <errno.h>
#include <string.h>

#include "base/diag.h"

/* How the values of an output lie, from anchor to anchor in the order of cells. */
struct order {
	size_t cell, anchor, value;
};

static size_t cells_of(const struct sp_decode_level *level)
{
	return (size_t)level->columns * level->rows;
}

/* 1 × anchors · values × rows × columns, of which the device has the channels side by side. */
static int order_of_planes(const struct sp_network_output *output,
			   const struct sp_decode_level *level, unsigned int values,
			   unsigned int anchors, struct order *order)
{
	const struct sp_shape want = {
		.rank = 4, .dim = { 1, (int64_t)values * anchors, level->rows, level->columns }
	};

	if (!sp_shape_equal(&output->shape, &want))
		return -EINVAL;
	*order = (struct order){ output->pitch, values, 1 };
	return 0;
}

/*
 * Row-major, anchor by anchor: the last axis has the values of one or of a cell's; of single values
 * it may be any, if then nothing lies between its rows.
 */
static int order_of_rows(const struct sp_network_output *output, size_t cells, unsigned int values,
			 unsigned int anchors, struct order *order)
{
	const struct sp_shape *shape = &output->shape;
	int64_t last = shape->rank ? shape->dim[shape->rank - 1] : 0;
	int64_t all = (int64_t)(cells * anchors * values);

	if (sp_shape_elements(shape) != all)
		return -EINVAL;
	if (last == (int64_t)values)
		*order = (struct order){ output->pitch * anchors, output->pitch, 1 };
	else if (last == (int64_t)values * anchors)
		*order = (struct order){ output->pitch, values, 1 };
	else if (values == 1 && (last == all || output->pitch == (size_t)last))
		*order = (struct order){ anchors, 1, 1 };
	else
		return values == 1 ? -ENOTSUP : -EINVAL;
	return 0;
}

int sp_heads_place(const struct sp_model_card *card, enum sp_head_kind head, unsigned int level,
		   bool whole, const struct sp_network_output *output, struct sp_decode *decode)
{
	unsigned int values = sp_detect_values(card->decode, head);
	unsigned int end = whole ? card->levels : level + 1;
	const uint8_t *at = output->at;
	struct order order;
	size_t cells = 0;
	int rc;

	for (unsigned int l = level; l < end; l++)
		cells += cells_of(&decode->level[l]);
	if (output->planes && whole)
		return -ENOTSUP;
	rc = output->planes
		     ? order_of_planes(output, &decode->level[level], values, card->anchors, &order)
		     : order_of_rows(output, cells, values, card->anchors, &order);
	if (rc)
		return rc;
	for (unsigned int l = level; l < end; l++) {
		decode->level[l].heads[head] = (struct sp_decode_head){
			.at = at,
			.picture = output->picture,
			.cell = order.cell,
			.anchor = order.anchor,
			.value = order.value,
		};
		at += cells_of(&decode->level[l]) * order.cell * sp_tensor_number(output->type);
	}
	return 0;
}

static void describe(const struct sp_model_card *card, uint32_t width, uint32_t height,
		     float score_min, struct sp_decode *decode)
{
	struct sp_detect_level levels[SP_CARD_LEVELS_MAX];

	memset(decode, 0, sizeof(*decode));
	decode->kind = card->decode;
	decode->levels = card->levels;
	decode->anchors = card->anchors;
	memcpy(decode->anchor, card->anchor, sizeof(decode->anchor));
	memcpy(decode->variance, card->variance, sizeof(decode->variance));
	decode->logits = card->logits;
	decode->score_min = score_min;
	decode->overlap_max = card->overlap_max;
	sp_detect_levels(card, width, height, levels);
	for (unsigned int l = 0; l < card->levels; l++) {
		decode->level[l].stride = levels[l].stride;
		decode->level[l].columns = levels[l].columns;
		decode->level[l].rows = levels[l].rows;
	}
}

int sp_heads_bind(const struct sp_model_card *card, const struct sp_detect_outputs *outputs,
		  const char *model, const struct sp_network *network, uint32_t width,
		  uint32_t height, float score_min, struct sp_decode *ret_decode,
		  struct sp_err *err)
{
	unsigned int n = outputs->whole ? 1 : card->levels;
	char text[96];

	describe(card, width, height, score_min, ret_decode);
	for (unsigned int h = 0; h < SP_HEADS; h++) {
		for (unsigned int l = 0; l < n && sp_detect_values(card->decode, h); l++) {
			unsigned int index = outputs->index[h][l];
			struct sp_network_output output = sp_network_output(network, index);
			bool first = !h && !l;
			int rc = first || output.type == ret_decode->type
					 ? sp_heads_place(card, h, l, outputs->whole, &output,
							  ret_decode)
					 : -ENOTSUP;

			ret_decode->type = output.type;
			if (!rc)
				continue;
			return sp_err_set(err, rc,
					  "%s: outputs do not fit an input of %u x %u: output %u "
					  "is %s, which is not what the device can read as the "
					  "heads that its card has (docs/models.md)",
					  model, width, height, index,
					  sp_shape_text(&output.shape, text, sizeof(text)));
		}
	}
	return 0;
}
