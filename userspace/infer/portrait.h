/* SPDX-License-Identifier: Apache-2.0 */
/* The picture of a face that outlives its frame: the box with a margin, for people to look at. */
#ifndef SP_INFER_PORTRAIT_H
#define SP_INFER_PORTRAIT_H

struct sp_pixels;
struct sp_portrait;
struct sp_scale;

/* Around each side of the box, a share of that side: hair, chin and ears come along. */
#define SP_PORTRAIT_MARGIN 0.3f

/*
 * Fills @portrait from the frame that @pixels has begun: @box (x, y, width, height) and its margin,
 * cut at the frame's border, made smaller by area where a side is above SP_PORTRAIT_MAX. 0; -EINVAL
 * if nothing of the box is in the frame.
 */
int sp_portrait_take(struct sp_scale *scale, struct sp_pixels *pixels, const float box[4],
		     struct sp_portrait *portrait);

#endif
