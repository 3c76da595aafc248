/* SPDX-License-Identifier: Apache-2.0 */
/* A square piece of a picture at a size of its own, and the truth about the faces in it. */
#ifndef LANESIM_CROP_H
#define LANESIM_CROP_H

#include <jansson.h>

#include "lanesim/scene/scene.h"

struct sp_image;

/* In pixels of the picture; may reach over its borders, where all is black. */
struct lanesim_crop {
	int x, y, side;
};

/* @rgb: @size × @size pixels. 0 or -ENOMEM. */
int lanesim_crop_take(const struct lanesim_crop *crop, const struct sp_image *image, uint32_t size,
		      uint8_t *rgb);

/*
 * The faces of which something is inside, in pixels of the crop of @size; visibility is of what the
 * crop shows. {"faces": […]}, a new reference; NULL without memory.
 */
json_t *lanesim_crop_truth(const struct lanesim_crop *crop, uint32_t size,
			   const struct lanesim_truth *truths, uint32_t n);

#endif
