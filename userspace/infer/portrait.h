/* SPDX-License-Identifier: Apache-2.0 */
/* The picture of a face that outlives its frame: the box with a margin, for people to look at. */
#ifndef SP_INFER_PORTRAIT_H
#define SP_INFER_PORTRAIT_H

#include <stdint.h>

#include "infer/scale.h"

struct sp_pixels;
struct sp_portrait;

/* Around each side of the box, a share of that side: hair, chin and ears come along. */
#define SP_PORTRAIT_MARGIN 0.3f

/*
 * What it shows of a frame of @width × @height: @box (x, y, width, height) and its margin, cut at
 * the frame's border; and its own sides, smaller where one is above SP_PORTRAIT_MAX. 0; -EINVAL if
 * nothing of the box is in the frame. Pure.
 */
int sp_portrait_place(const float box[4], uint32_t width, uint32_t height,
		      struct sp_scale_rect *ret_rect, uint32_t *ret_width, uint32_t *ret_height);

/*
 * Fills @portrait from the frame that @pixels has begun, made smaller by area. 0; -EINVAL if nothing
 * of the box is in the frame.
 */
int sp_portrait_take(struct sp_scale *scale, struct sp_pixels *pixels, const float box[4],
		     struct sp_portrait *portrait);

#endif
