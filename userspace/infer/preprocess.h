/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a part of a frame to a detector's input in one pass: unpacked, demosaicked, made smaller by
 * area where the input is smaller, written as planes of floats in the form that the network wants,
 * from the top left corner. What is left of the input, right and below, is as black.
 */
#ifndef SP_INFER_PREPROCESS_H
#define SP_INFER_PREPROCESS_H

#include <stdint.h>

#include "infer/input.h"
#include "infer/scale.h"

struct sp_pixels;

/* Sides of a detector's input are multiples of this, the coarsest stride that is usual. */
enum { SP_DETECT_STEP = 32 };

/* How a part of a frame lies in the detector's input. */
struct sp_fit {
	uint32_t input_width, input_height; /* of the network, multiples of SP_DETECT_STEP */
	struct sp_scale_rect from; /* of the frame */
	uint32_t width, height; /* of the picture in it */
	float scale_x, scale_y; /* input pixels a frame pixel, ≤ 1 */
	float offset_x, offset_y; /* of the picture in the input: 0, 0 */
};

/*
 * The part @from of a frame into an input of @input_width × @input_height, rounded up to
 * multiples of SP_DETECT_STEP: as large as fits with its shape kept, never enlarged. An input of 0
 * × 0 is the part's own size.
 */
void sp_fit_init(struct sp_fit *fit, const struct sp_scale_rect *from, uint32_t input_width,
		 uint32_t input_height);

/* A point of the input in pixels of the frame. */
static inline void sp_fit_to_frame(const struct sp_fit *fit, float *x, float *y)
{
	*x = (*x - fit->offset_x) / fit->scale_x + (float)fit->from.x;
	*y = (*y - fit->offset_y) / fit->scale_y + (float)fit->from.y;
}

/*
 * Fills @input (3 × input_height × input_width floats) from the frame that @pixels has begun.
 * 0; -EINVAL if fit->from is not in it.
 */
int sp_preprocess(struct sp_scale *scale, struct sp_pixels *pixels, const struct sp_fit *fit,
		  const struct sp_input_form *form, float *input);

#endif
