/* SPDX-License-Identifier: Apache-2.0 */
/* What of a camera's frames is looked at: its own `detect` section, or that of all cameras. */
#ifndef SP_APP_CONFIG_DETECT_H
#define SP_APP_CONFIG_DETECT_H

#include "app/config_camera.h"

struct sp_config_camera;
struct sp_config_compute;
struct sp_err;

/*
 * Fills in camera->tiles, once defaults are filled in and the sides of its frame are checked. 0, or
 * -EINVAL with the offending field in @field and @err saying what is wrong with it.
 */
int sp_config_detect_resolve(const struct sp_config_compute *compute,
			     struct sp_config_camera *camera,
			     char field[SP_CONFIG_CAMERA_FIELD_MAX], struct sp_err *err);

#endif
