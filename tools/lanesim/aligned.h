/* SPDX-License-Identifier: Apache-2.0 */
/* Faces as embedders see them: what infer/align.h makes of a frame, from the true landmarks. */
#ifndef LANESIM_ALIGNED_H
#define LANESIM_ALIGNED_H

#include <stdint.h>

#include "lanesim/person/person.h"

struct sp_image;

/*
 * @rgb: @side × @side pixels, 112 as sp_align_warp has them. @landmark as in lanesim_truth: centres
 * of pixels at .5. 0; -EINVAL if the landmarks are one point.
 */
int lanesim_aligned(const struct sp_image *image, const float landmark[LANESIM_LANDMARKS][2],
		    uint32_t side, uint8_t *rgb);

/* Moves each landmark by Gaussian noise of deviation @share × the distance between the eyes. */
void lanesim_landmarks_shake(float landmark[LANESIM_LANDMARKS][2], float share, uint64_t seed);

#endif
