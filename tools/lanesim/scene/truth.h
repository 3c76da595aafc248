/* SPDX-License-Identifier: Apache-2.0 */
/* From where a person's marks are in the world to the truth about a picture. */
#ifndef LANESIM_TRUTH_H
#define LANESIM_TRUTH_H

#include <stdbool.h>

#include "lanesim/render/vec.h"
#include "lanesim/scene/scene.h"

struct lanesim_film;
struct lanesim_view;

/*
 * Fills all of @ret_truth but seat, identity and what is worn. @film, as rendered, tells what is in
 * front. False, and no truth, where the face is outside the picture or turned away from the camera.
 */
bool lanesim_truth_measure(const struct lanesim_marks *marks, const struct rigid *place,
			   const struct lanesim_view *view, const struct lanesim_film *film,
			   struct lanesim_truth *ret_truth);

#endif
