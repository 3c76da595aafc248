/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A picture as a well-placed camera takes it by day: what shots at will are, without their
 * extremes.
 */
#include "lanesim/render/noise.h"
#include "lanesim/scene/portrait.h"

void lanesim_shot_fair(struct lanesim_shot *shot, float yaw_max, uint64_t seed)
{
	lanesim_shot_draw(shot, yaw_max, seed);
	shot->pose.pitch *= 0.6f;
	shot->pose.roll *= 0.6f;
	shot->pose.blink = 0;
	shot->pose.open = approx_min(shot->pose.open, 0.4f);
	/* The sun or a lamp from the front half, and enough light from everywhere. */
	shot->key.y = approx_max(shot->key.y, 0.05f);
	shot->key.z = approx_max(shot->key.z, 0.45f);
	shot->key = vec_unit(shot->key);
	shot->key_power = approx_clamp(shot->key_power, 0.3f, 0.9f);
	shot->fill_power = approx_max(shot->fill_power, 0.2f);
	shot->ambient = approx_max(shot->ambient, 0.3f);
	shot->warm *= 0.5f;
	shot->clutter *= 0.6f;
	shot->sensor.nir = false;
	shot->sensor.compensation *= 0.3f;
	shot->sensor.blur = approx_min(shot->sensor.blur, 0.9f);
	shot->sensor.motion_x = shot->sensor.motion_y = 0;
	shot->sensor.shot = approx_min(shot->sensor.shot, 0.012f);
	shot->sensor.read = approx_min(shot->sensor.read, 0.004f);
}
