/* SPDX-License-Identifier: Apache-2.0 */
/* What lies far behind everything: sky, trees, buildings, or a room; out of focus. */
#ifndef LANESIM_FAR_H
#define LANESIM_FAR_H

#include <stdint.h>

struct lanesim_light;
struct lanesim_view;

/* Fills @radiance, the view's width × height × LANESIM_BANDS. 0 or -ENOMEM. */
int lanesim_far_landscape(float *radiance, const struct lanesim_view *view,
			  const struct lanesim_light *light, uint64_t seed);

/*
 * A wall of @albedo behind a portrait, with blobs and edges by @clutter (0 plain … 1): nothing of
 * it looks like a person.
 */
int lanesim_far_wall(float *radiance, uint32_t width, uint32_t height, const float *albedo,
		     float clutter, uint64_t seed);

#endif
