/* SPDX-License-Identifier: Apache-2.0 */
/* Where a lane's cameras stand, and what they aim at. */
#ifndef LANESIM_POST_H
#define LANESIM_POST_H

#include "lanesim/render/render.h"
#include "lanesim/render/sensor.h"
#include "lanesim/scene/scene.h"
#include "lanesim/scene/vehicle.h"

/*
 * The view of the camera at @post, windows filling the width of @width pixels. @ret_meter: where
 * those windows are, for the exposure. @vehicle is what usually stands there, if nothing does.
 */
void lanesim_post_view(const struct lanesim_vehicle *vehicle, enum lanesim_post post, uint64_t seed,
		       uint32_t width, uint32_t height, struct lanesim_view *ret_view,
		       struct lanesim_meter *ret_meter);

#endif
