/* SPDX-License-Identifier: Apache-2.0 */
#include "lanesim/scene/daylight.h"

#include "lanesim/render/noise.h"

/* R, G, B and NIR at one strength. */
static void set_bands(float *target, float r, float g, float b, float nir, float power)
{
	target[LANESIM_R] = r * power;
	target[LANESIM_G] = g * power;
	target[LANESIM_B] = b * power;
	target[LANESIM_NIR] = nir * power;
}

static void light_night(struct lanesim_light *light, const struct lanesim_view *view,
			uint64_t *series)
{
	/* The lamp stands a hand or two beside the lens, so shadows hide behind what casts them. */
	struct rigid world = rigid_inverse(&view->camera);
	struct vec lamp = { draw_between(series, -.16f, .16f), draw_between(series, .02f, .18f),
			    1 };

	light->key = vec_unit(rigid_turn(&world, lamp));
	light->fill = vec_unit(rigid_turn(&world, vec_make(-lamp.x, .3f, 1)));
	set_bands(light->key_power, .02f, .02f, .02f, 1, 1);
	set_bands(light->fill_power, .01f, .01f, .01f, 1, .12f);
	set_bands(light->sky, .01f, .01f, .012f, 1, draw_between(series, .02f, .08f));
	set_bands(light->ground, .01f, .01f, .01f, 1, draw_between(series, .02f, .06f));
	light->shadow = .95f;
}

static void light_day(struct lanesim_light *light, uint64_t *series)
{
	float weather = draw_uniform(series), around = draw_uniform(series);
	float height = draw_between(series, .3f, 1.1f), bright = draw_between(series, .7f, 1.2f);
	float flat = approx_cos(height);

	light->key = vec_make(flat * approx_sin_turns(around), approx_sin(height),
			      flat * approx_sin_turns(around + .25f));
	light->fill = vec_unit(vec_make(draw_between(series, -.6f, .6f), .25f, 1));
	light->shadow = .92f;
	if (weather < .5f) { /* clear */
		set_bands(light->key_power, 1, .93f, .82f, .9f, draw_between(series, 1, 1.9f));
		set_bands(light->sky, .78f, .9f, 1.12f, .7f, bright);
		set_bands(light->ground, .36f, .34f, .31f, .4f, bright);
		set_bands(light->fill_power, 1, .96f, .9f, .9f, .4f * bright);
	} else if (weather < .86f) { /* overcast */
		light->key = vec_unit(vec_along(light->key, vec_make(0, 1, 0), 1.5f));
		set_bands(light->key_power, 1, 1, 1, .9f, draw_between(series, .1f, .5f));
		set_bands(light->sky, .98f, 1, 1.04f, .9f, bright * 1.1f);
		set_bands(light->ground, .3f, .3f, .3f, .35f, bright);
		set_bands(light->fill_power, 1, 1, 1, .9f, .3f * bright);
		light->shadow = .6f;
	} else { /* dusk, with the lane's own lamps overhead */
		light->key = vec_unit(vec_make(draw_between(series, -.5f, .5f), 1,
					       draw_between(series, .3f, 1.2f)));
		set_bands(light->key_power, 1, .84f, .62f, .6f, draw_between(series, .2f, .45f));
		set_bands(light->sky, .5f, .58f, .8f, .3f, .35f * bright);
		set_bands(light->ground, .2f, .18f, .16f, .2f, .4f * bright);
		set_bands(light->fill_power, 1, .88f, .7f, .6f, .16f * bright);
	}
}

void lanesim_daylight(struct lanesim_light *light, const struct lanesim_view *view, bool night,
		      float seconds, uint64_t seed)
{
	uint64_t series = draw_series(seed, 'd');

	*light = (struct lanesim_light){ 0 };
	light->reflection_seed = sp_random_next(&series);
	light->reflection_shift = draw_uniform(&series) +
				  seconds * draw_between(&series, -.03f, .03f);
	if (night)
		light_night(light, view, &series);
	else
		light_day(light, &series);
}

void lanesim_daylight_sensor(struct lanesim_sensor *sensor, bool night, bool plain, uint32_t width,
			     uint64_t seed, uint64_t picture)
{
	uint64_t series = draw_series(seed, 'e');
	float scale = (float)width / 1224, wrong = draw_uniform(&series),
	      stops = draw_gauss(&series);

	*sensor = lanesim_sensor_usual;
	sensor->nir = night;
	sensor->target = draw_between(&series, .17f, .22f);
	/* Skin is the brightest there is under a near infrared lamp. */
	sensor->compensation = (night ? -.4f : .1f) + .3f * stops;
	if (wrong < .12f && !plain)
		sensor->compensation += wrong < .06f ? -1.1f : .8f;
	sensor->blur = scale * draw_between(&series, .3f, plain ? .6f : 1.1f);
	sensor->motion_x = scale * draw_between(&series, 0, plain ? .3f : 1.5f);
	sensor->motion_y = scale * draw_between(&series, 0, .5f);
	sensor->shot = draw_between(&series, .004f, plain ? .012f : .03f);
	sensor->read = draw_between(&series, .001f, night ? .012f : .006f);
	sensor->warm = night ? 0 : .22f * draw_gauss(&series);
	sensor->contrast = draw_between(&series, .92f, 1.12f);
	sensor->vignette = draw_between(&series, 0, .25f);
	sensor->seed = draw_series(seed, picture);
}
