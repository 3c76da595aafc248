/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A face turned upright: the similarity that brings its five landmarks closest to the embedder's
 * template, and the 112 × 112 picture seen through it. Pure.
 */
#ifndef SP_INFER_ALIGN_H
#define SP_INFER_ALIGN_H

#include <stdint.h>

#include "infer/element.h"
#include "infer/input.h"

struct sp_pixels;

enum {
	SP_ALIGNED_SIDE = 112,
	SP_ALIGNED_PIXELS = SP_ALIGNED_SIDE * SP_ALIGNED_SIDE,
};

/*
 * MobileFaceNet's template (github.com/foamliu/MobileFaceNet), pixels of the aligned picture, in
 * the order of sp_face.landmark.
 */
extern const float sp_align_template[5][2];

/*
 * The similarity that takes @from to @to with the least sum of squared distances. 0; -EINVAL if
 * @from is one point or not finite.
 */
int sp_align_fit(const float from[5][2], const float to[5][2],
		 struct sp_similarity *ret_similarity);

/* 0; -EINVAL if @similarity shrinks everything to a point. */
int sp_align_invert(const struct sp_similarity *similarity, struct sp_similarity *ret_inverse);

struct sp_align_scratch; /* a few lines and an order of pixels; one thread */
int sp_align_scratch_create(struct sp_align_scratch **ret_scratch);
void sp_align_scratch_destroy(struct sp_align_scratch *scratch);

/*
 * The aligned picture (SP_ALIGNED_PIXELS × RGB) of the frame that @pixels has begun: each pixel is
 * the exact bilinear value at the place that @to_frame (the inverse of the fit) takes it to,
 * rounded; black outside the frame. Reads only lines that it needs, each once. 0; -EINVAL.
 */
int sp_align_warp(struct sp_align_scratch *scratch, struct sp_pixels *pixels,
		  const struct sp_similarity *to_frame, uint8_t *rgb);

/* The embedder's input of an aligned picture: 3 × SP_ALIGNED_PIXELS floats in @form. */
void sp_align_to_input(const uint8_t *rgb, const struct sp_input_form *form, float *input);

#endif
