/* SPDX-License-Identifier: Apache-2.0 */
/* Which of a detector's outputs is what, and how its values lie. Pure. */
#ifndef SP_INFER_DETECT_OUTPUTS_H
#define SP_INFER_DETECT_OUTPUTS_H

#include "infer/detect.h"
#include "infer/shape.h"

struct sp_err;
struct sp_model;

struct sp_detect_outputs {
	bool whole; /* one output a head, level after level in it; else one a level */
	unsigned int index[SP_HEADS][SP_CARD_LEVELS_MAX]; /* of the model's outputs */
};

/* Values of an anchor, and whether the family has this head at all (0: it has not). */
unsigned int sp_detect_values(enum sp_decode_kind decode, enum sp_head_kind head);

/*
 * By the names that the card gives; else YuNet's by the names cls_8 … kps_32, those of other
 * families by their shapes: what has 1 (or 2), 4 and 10 values an anchor, the larger output being
 * the finer stride's. 0, or -EINVAL with @err saying what is missing.
 */
int sp_detect_match(const struct sp_model *model, const struct sp_model_card *card,
		    struct sp_detect_outputs *ret_outputs, struct sp_err *err);

/* Grids of an input of @width × @height, card->levels of them; their heads are not set. */
void sp_detect_levels(const struct sp_model_card *card, uint32_t width, uint32_t height,
		      struct sp_detect_level *levels);

/*
 * Sets the heads of kind @head from an output of @shape at @floats: of level @level, or of all from
 * it on if @whole. Values may lie anchor by anchor (… × anchors × values) or in planes (1 × anchors
 * · values × rows × columns). 0, or -EINVAL: the shape is of another input or anchors.
 */
int sp_detect_bind(const struct sp_model_card *card, enum sp_head_kind head, unsigned int level,
		   bool whole, const float *floats, const struct sp_shape *shape,
		   struct sp_detect_level *levels);

#endif
