/* SPDX-License-Identifier: Apache-2.0 */
/* The light of an hour, and how a camera takes it. */
#ifndef LANESIM_DAYLIGHT_H
#define LANESIM_DAYLIGHT_H

#include <stdbool.h>
#include <stdint.h>

#include "lanesim/render/render.h"
#include "lanesim/render/sensor.h"

/* By @seed a clear or an overcast day or dusk. @night: a near infrared lamp beside the camera. */
void lanesim_daylight(struct lanesim_light *light, const struct lanesim_view *view, bool night,
		      float seconds, uint64_t seed);

/* For pictures of @width pixels; @seed is the camera's, @picture that of one picture's noise. */
void lanesim_daylight_sensor(struct lanesim_sensor *sensor, bool night, bool plain, uint32_t width,
			     uint64_t seed, uint64_t picture);

#endif
