/* SPDX-License-Identifier: Apache-2.0 */
/* One thread's renderer, film and meshes. */
#ifndef LANESIM_EYE_H
#define LANESIM_EYE_H

#include "lanesim/render/render.h"
#include "lanesim/scene/scene.h"

struct lanesim_eye {
	struct lanesim_renderer *renderer;
	struct lanesim_film film;
	float *background; /* of the film's size */
	struct lanesim_mesh people[LANESIM_OCCUPANTS_MAX];
};

/* Film and background of a picture's size. 0 or -ENOMEM. */
int lanesim_eye_resize(struct lanesim_eye *eye, uint32_t width, uint32_t height);

#endif
