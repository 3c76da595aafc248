/* SPDX-License-Identifier: Apache-2.0 */
#include "app/config_detect.h"

#include <errno.h>
#include <stdio.h>

#include "app/config.h"
#include "base/diag.h"
#include "infer/preprocess.h"

enum { EYE_DISTANCE_MOST = 1024 }; /* larger faces the whole frame shows on any detector */

#define SCALE_MIN 0.01

/* The area as the planner takes it. */
static int resolve_area(const struct sp_config_camera *camera, struct sp_config_area *area,
			struct sp_tile_area *ret_area, struct sp_err *err)
{
	if (area->scale == 0)
		area->scale = 1;
	if (!area->width || !area->height || area->x >= camera->width ||
	    area->y >= camera->height || area->width > camera->width - area->x ||
	    area->height > camera->height - area->y)
		return sp_err_set(
			err, -EINVAL, "%u × %u pixels at %u, %u do not lie in a frame of %u × %u",
			area->width, area->height, area->x, area->y, camera->width, camera->height);
	if (!(area->scale >= SCALE_MIN && area->scale <= 1))
		return sp_err_set(err, -EINVAL, "scale %g is not within %g to 1 (1: every pixel)",
				  area->scale, SCALE_MIN);
	*ret_area = (struct sp_tile_area){ { area->x, area->y, area->width, area->height },
					   (float)area->scale };
	return 0;
}

static int check_eyes(double eyes, struct sp_err *err)
{
	if (eyes == 0 || (eyes >= (double)SP_TILE_EYES_MIN && eyes <= EYE_DISTANCE_MOST))
		return 0;
	return sp_err_set(
		err, -EINVAL,
		"eye_distance_min %g is not within %g to %d pixels: the detector finds no "
		"smaller faces (0: what the whole frame made small shows)",
		eyes, (double)SP_TILE_EYES_MIN, EYE_DISTANCE_MOST);
}

static int resolve(const struct sp_config_compute *compute, struct sp_config_detect *detect,
		   struct sp_config_camera *camera, char field[SP_CONFIG_CAMERA_FIELD_MAX],
		   struct sp_err *err)
{
	struct sp_tile_config *tiles = &camera->tiles;
	struct sp_fit looks[SP_TILE_LOOKS_MAX];
	int status;

	snprintf(field, SP_CONFIG_CAMERA_FIELD_MAX, "detect.eye_distance_min");
	status = check_eyes(detect->eye_distance_min, err);
	for (uint32_t i = 0; !status && i < detect->areas_count; i++) {
		snprintf(field, SP_CONFIG_CAMERA_FIELD_MAX, "detect.areas[%u]", i);
		status = resolve_area(camera, &detect->areas[i], &tiles->areas[i], err);
		if (status)
			return sp_err_prefix(err, status, "areas[%u]", i);
	}
	if (status)
		return status;
	tiles->areas_n = detect->areas_count;
	tiles->eyes_min = (float)detect->eye_distance_min;
	tiles->no_whole = detect->whole && !*detect->whole;
	snprintf(field, SP_CONFIG_CAMERA_FIELD_MAX, "detect");
	status = sp_tile_plan(tiles, camera->width, camera->height, compute->detect_width,
			      compute->detect_height, looks, &camera->looks, err);
	return status ? -EINVAL : 0;
}

int sp_config_detect_resolve(const struct sp_config_compute *compute,
			     struct sp_config_camera *camera,
			     char field[SP_CONFIG_CAMERA_FIELD_MAX], struct sp_err *err)
{
	struct sp_config_detect everybody = compute->detect;
	int status;

	if (camera->detect) {
		status = resolve(compute, camera->detect, camera, field, err);
		return status ? sp_err_prefix(err, status, "detect") : 0;
	}
	status = resolve(compute, &everybody, camera, field, err);
	return status ? sp_err_prefix(err, status, "compute.detect") : 0;
}
