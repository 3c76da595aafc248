/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SP_APP_CONFIG_CAMERA_H
#define SP_APP_CONFIG_CAMERA_H

#include <stdint.h>

struct sp_config;
struct sp_err;

enum { SP_CONFIG_CAMERA_FIELD_MAX = 32 };

/*
 * Checks a camera, once defaults are filled in, and resolves what follows from its fields. 0, or
 * -EINVAL with the offending field in @field and @err saying what is wrong with it.
 */
int sp_config_camera_resolve(const struct sp_config *config, uint32_t lane, uint32_t camera,
			     char field[SP_CONFIG_CAMERA_FIELD_MAX], struct sp_err *err);

#endif
