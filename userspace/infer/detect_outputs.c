/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/detect_outputs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "infer/graph.h"
#include "infer/model.h"

static const char *const head_names[SP_HEADS] = { "scores", "boxes", "landmarks", "objectness" };

unsigned int sp_detect_values(enum sp_decode_kind decode, enum sp_head_kind head)
{
	static const unsigned char values[SP_DECODES][SP_HEADS] = {
		[SP_DECODE_YUNET] = { 1, 4, 10, 1 },
		[SP_DECODE_SCRFD] = { 1, 4, 10, 0 },
		[SP_DECODE_RETINAFACE] = { 2, 4, 10, 0 },
	};

	return values[decode][head];
}

/* ---- by name --------------------------------------------------------------------------------- */

/* The name that output @head of @level must have; "": shapes tell. */
static const char *wanted_name(const struct sp_model_card *card, enum sp_head_kind head,
			       unsigned int level, char name[SP_CARD_NAME])
{
	static const char *const yunet[SP_HEADS] = { "cls", "bbox", "kps", "obj" };

	if (*card->output[SP_HEAD_SCORES][0])
		snprintf(name, SP_CARD_NAME, "%s", card->output[head][level]);
	else if (card->decode == SP_DECODE_YUNET)
		snprintf(name, SP_CARD_NAME, "%s_%u", yunet[head], card->stride[level]);
	else
		*name = '\0';
	return name;
}

static int find_named(const struct sp_model *model, const struct sp_model_card *card,
		      const char *name, unsigned int *ret_index, struct sp_err *err)
{
	unsigned int i = 0;

	while (i < model->outputs_n && strcmp(model->outputs[i].name, name))
		i++;
	*ret_index = i;
	if (i < model->outputs_n)
		return 0;
	if (*card->path)
		return sp_err_set(err, -EINVAL,
				  "%s: decode.outputs: %s has no output %s; `sallyport model "
				  "inspect` shows which it has",
				  card->path, model->name, name);
	return sp_err_set(err, -EINVAL,
			  "%s: no output %s; the detector must be a YuNet (cls_8 … kps_32) or have "
			  "a card that says what it is (docs/models.md)",
			  model->name, name);
}

static int match_names(const struct sp_model *model, const struct sp_model_card *card,
		       struct sp_detect_outputs *outputs, struct sp_err *err)
{
	unsigned int n = card->levels;
	char name[SP_CARD_NAME];
	int rc = 0;

	outputs->whole = *card->output[SP_HEAD_SCORES][0] && card->levels > 1 &&
			 !*card->output[SP_HEAD_SCORES][1];
	if (outputs->whole)
		n = 1;
	for (unsigned int h = 0; h < SP_HEADS && !rc; h++)
		for (unsigned int l = 0; l < n && !rc; l++)
			if (sp_detect_values(card->decode, h))
				rc = find_named(model, card, wanted_name(card, h, l, name),
						&outputs->index[h][l], err);
	return rc;
}

/* ---- by shape -------------------------------------------------------------------------------- */

/* Whether an output of @shape can hold @values an anchor. */
static bool holds(const struct sp_shape *shape, unsigned int values, unsigned int anchors)
{
	if (shape->rank == 4)
		return shape->dim[1] == (int64_t)values * anchors;
	return shape->rank && shape->dim[shape->rank - 1] == (int64_t)values;
}

enum { OUTPUTS_MAX = 64, USUAL_SIDE = 640 };

/*
 * What each output is for one picture of the size that the network is made for, or of a usual one:
 * files often leave the shapes of their outputs open. Where it cannot be told, as the file says.
 */
static void find_shapes(const struct sp_model *model, struct sp_shape *ret_shapes)
{
	struct sp_shape input = model->inputs_n == 1 ? model->inputs[0].shape
						     : (struct sp_shape){ 0 };
	struct sp_shapes shapes;

	for (unsigned int i = 0; i < model->outputs_n && i < OUTPUTS_MAX; i++)
		ret_shapes[i] = model->outputs[i].shape;
	for (unsigned int d = 0; d < input.rank; d++)
		if (input.dim[d] < 0)
			input.dim[d] = d == 0 ? 1 : d == 1 ? 3 : USUAL_SIDE;
	if (input.rank != 4 || !model->graph ||
	    sp_shapes_infer(model->graph, &input, &shapes, NULL))
		return;
	for (unsigned int i = 0; i < model->outputs_n && i < OUTPUTS_MAX; i++)
		ret_shapes[i] = shapes.of[model->graph->outputs[i]];
	sp_shapes_uninit(&shapes);
}

/* Larger outputs first; those of unknown size stay in the file's order. */
static void sort_by_size(const struct sp_shape *shapes, unsigned int *index, unsigned int n)
{
	for (unsigned int i = 1; i < n; i++) {
		unsigned int moving = index[i], k = i;
		int64_t size = sp_shape_elements(&shapes[moving]);

		for (; k && size > sp_shape_elements(&shapes[index[k - 1]]); k--)
			index[k] = index[k - 1];
		index[k] = moving;
	}
}

static int match_shapes(const struct sp_model *model, const struct sp_model_card *card,
			struct sp_detect_outputs *outputs, struct sp_err *err)
{
	unsigned int n = model->outputs_n < OUTPUTS_MAX ? model->outputs_n : OUTPUTS_MAX;
	unsigned int found[SP_HEADS] = { 0 };
	struct sp_shape shapes[OUTPUTS_MAX];

	find_shapes(model, shapes);
	for (unsigned int h = 0; h < SP_HEADS; h++) {
		unsigned int values = sp_detect_values(card->decode, h);

		if (!values)
			continue;
		for (unsigned int i = 0; i < n; i++) {
			if (!holds(&shapes[i], values, card->anchors))
				continue;
			if (found[h] < SP_CARD_LEVELS_MAX)
				outputs->index[h][found[h]] = i;
			found[h]++;
		}
		if (found[h] != found[0] || (found[h] != 1 && found[h] != card->levels))
			return sp_err_set(
				err, -EINVAL,
				"%s: %s has %u outputs of %u values an anchor (%s) where %u, or "
				"one for all strides, are expected; name them in decode.outputs",
				card->path, model->name, found[h], values, head_names[h],
				card->levels);
		sort_by_size(shapes, outputs->index[h], found[h]);
	}
	outputs->whole = found[0] == 1 && card->levels > 1;
	return 0;
}

int sp_detect_match(const struct sp_model *model, const struct sp_model_card *card,
		    struct sp_detect_outputs *ret_outputs, struct sp_err *err)
{
	struct sp_detect_outputs outputs = { 0 };
	bool named = card->decode == SP_DECODE_YUNET || *card->output[SP_HEAD_SCORES][0];
	int rc = (named ? match_names : match_shapes)(model, card, &outputs, err);

	if (!rc)
		*ret_outputs = outputs;
	return rc;
}

/* ---- how values lie -------------------------------------------------------------------------- */

void sp_detect_levels(const struct sp_model_card *card, uint32_t width, uint32_t height,
		      struct sp_detect_level *levels)
{
	for (unsigned int l = 0; l < card->levels; l++) {
		uint32_t stride = card->stride[l];

		levels[l] = (struct sp_detect_level){
			.stride = stride,
			.columns = (width + stride - 1) / stride,
			.rows = (height + stride - 1) / stride,
		};
	}
}

static bool is_planes(const struct sp_shape *shape, const struct sp_detect_level *level,
		      int64_t channels)
{
	const struct sp_shape planes = { .rank = 4,
					 .dim = { 1, channels, level->rows, level->columns } };

	return sp_shape_equal(shape, &planes);
}

/* Anchor by anchor: the last dimension is the values of one, or of a cell's. */
static bool is_rows(const struct sp_shape *shape, unsigned int values, unsigned int anchors,
		    size_t cells)
{
	int64_t last = shape->rank ? shape->dim[shape->rank - 1] : 0;

	return sp_shape_elements(shape) == (int64_t)(cells * anchors * values) &&
	       (values == 1 || last == (int64_t)values || last == (int64_t)values * anchors);
}

int sp_detect_bind(const struct sp_model_card *card, enum sp_head_kind head, unsigned int level,
		   bool whole, const float *floats, const struct sp_shape *shape,
		   struct sp_detect_level *levels)
{
	unsigned int values = sp_detect_values(card->decode, head), n = card->anchors;
	unsigned int end = whole ? card->levels : level + 1;
	size_t cells = 0;

	for (unsigned int l = level; l < end; l++)
		cells += (size_t)levels[l].columns * levels[l].rows;
	if (!whole && is_planes(shape, &levels[level], (int64_t)values * n)) {
		levels[level].heads[head] = (struct sp_head){
			.at = floats,
			.cell = 1,
			.anchor = values * cells,
			.value = cells,
			.values = values,
		};
		return 0;
	}
	if (!is_rows(shape, values, n, cells))
		return -EINVAL;
	for (unsigned int l = level; l < end; l++) {
		levels[l].heads[head] = (struct sp_head){
			.at = floats,
			.cell = (size_t)values * n,
			.anchor = values,
			.value = 1,
			.values = values,
		};
		floats += (size_t)levels[l].columns * levels[l].rows * values * n;
	}
	return 0;
}
