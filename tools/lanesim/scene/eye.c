/* SPDX-License-Identifier: Apache-2.0 */
#include "lanesim/scene/eye.h"

#include <errno.h>
#include <stdlib.h>

int lanesim_eye_create(struct lanesim_eye **ret_eye)
{
	struct lanesim_eye *eye = calloc(1, sizeof(*eye));

	if (!eye)
		return -ENOMEM;
	for (unsigned int i = 0; i < LANESIM_OCCUPANTS_MAX; i++)
		lanesim_mesh_init(&eye->people[i]);
	if (lanesim_renderer_create(&eye->renderer)) {
		free(eye);
		return -ENOMEM;
	}
	*ret_eye = eye;
	return 0;
}

static void drop_film(struct lanesim_eye *eye)
{
	if (eye->background)
		lanesim_film_uninit(&eye->film);
	free(eye->background);
	eye->background = NULL;
}

void lanesim_eye_destroy(struct lanesim_eye *eye)
{
	for (unsigned int i = 0; i < LANESIM_OCCUPANTS_MAX; i++)
		lanesim_mesh_uninit(&eye->people[i]);
	drop_film(eye);
	lanesim_renderer_destroy(eye->renderer);
	free(eye);
}

int lanesim_eye_resize(struct lanesim_eye *eye, uint32_t width, uint32_t height)
{
	if (eye->background && eye->film.width == width && eye->film.height == height)
		return 0;
	drop_film(eye);
	eye->background = malloc((size_t)width * height * LANESIM_BANDS * sizeof(float));
	if (!eye->background)
		return -ENOMEM;
	if (lanesim_film_init(&eye->film, width, height)) {
		free(eye->background);
		eye->background = NULL;
		return -ENOMEM;
	}
	return 0;
}
