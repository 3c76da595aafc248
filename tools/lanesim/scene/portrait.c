/* SPDX-License-Identifier: Apache-2.0 */
#include "lanesim/scene/portrait.h"

#include "image/image.h"
#include "lanesim/render/noise.h"
#include "lanesim/scene/eye.h"
#include "lanesim/scene/far.h"
#include "lanesim/scene/truth.h"

#define RADIANS(degrees) ((degrees) * (LANESIM_PI / 180))

void lanesim_shot_document(struct lanesim_shot *shot, uint64_t seed)
{
	uint64_t series = draw_series(seed, 'D');
	float grey = draw_between(&series, .6f, .85f), blue = draw_between(&series, 0, .06f);

	*shot = (struct lanesim_shot){
		.pose = { .yaw = RADIANS(draw_between(&series, -3, 3)),
			  .pitch = RADIANS(draw_between(&series, -3, 3)),
			  .roll = RADIANS(draw_between(&series, -2, 2)),
			  .smile = draw_between(&series, 0, .12f),
			  .brow = draw_between(&series, -.1f, .15f) },
		.eye_distance = 57, /* of 256 pixels: crown and chin are in the picture */
		.distance = draw_between(&series, 110, 160),
		.x = .5f,
		.y = .49f,
		.key = vec_unit(vec_make(draw_between(&series, -.45f, .45f),
					 draw_between(&series, .3f, .6f), 1)),
		.key_power = draw_between(&series, .45f, .65f),
		.fill_power = draw_between(&series, .3f, .45f),
		.ambient = draw_between(&series, .35f, .5f),
		.background = { grey - blue, grey, grey + blue, grey },
		.sensor = lanesim_sensor_usual,
		.seed = sp_random_next(&series),
	};
	shot->sensor.adapt = 0;
	shot->sensor.compensation = draw_between(&series, -.1f, .15f);
	shot->sensor.blur = draw_between(&series, .25f, .5f);
	shot->sensor.seed = shot->seed;
}

static void draw_pose(struct lanesim_pose *pose, float yaw_max, uint64_t *series)
{
	float talk = draw_uniform(series), eyes = draw_uniform(series), shut = draw_uniform(series);

	*pose = (struct lanesim_pose){
		.yaw = yaw_max * draw_between(series, -1, 1),
		.pitch = RADIANS(draw_between(series, -15, 15)),
		.roll = RADIANS(draw_between(series, -15, 15)),
		.smile = approx_clamp(draw_between(series, -.6f, 1), 0, 1),
		.open = talk < .25f ? draw_between(series, .05f, .7f) : 0,
		.brow = draw_between(series, -.5f, .6f),
		.blink = shut < .05f   ? 1
			 : shut < .15f ? draw_between(series, .1f, .7f)
				       : 0,
		.lean_x = RADIANS(draw_between(series, -2, 2)),
		.lean_z = RADIANS(draw_between(series, -2, 2)),
	};
	if (eyes < .5f) { /* into the camera, as far as eyes turn */
		pose->gaze_x = approx_clamp(-pose->yaw, -.3f, .3f);
		pose->gaze_y = approx_clamp(-pose->pitch, -.2f, .2f);
	} else {
		pose->gaze_x = .14f * draw_gauss(series);
		pose->gaze_y = .07f * draw_gauss(series);
	}
}

/* From low before the face to high above it, to either side. */
static struct vec draw_key(uint64_t *series)
{
	float around = RADIANS(draw_between(series, -85, 85)),
	      high = RADIANS(draw_between(series, -25, 75));
	float flat = approx_cos(high);

	return vec_make(flat * approx_sin(around), approx_sin(high), flat * approx_cos(around));
}

static void draw_sensor(struct lanesim_sensor *sensor, float eye_distance, uint64_t *series)
{
	float soft = draw_uniform(series), noisy = draw_uniform(series),
	      moved = draw_uniform(series);
	float scale = eye_distance / 64;

	*sensor = lanesim_sensor_usual;
	sensor->nir = draw_uniform(series) < .15f;
	sensor->target = draw_between(series, .14f, .24f);
	sensor->compensation = .45f * draw_gauss(series);
	sensor->blur = .3f + scale * (soft < .8f ? draw_between(series, 0, .9f)
						 : draw_between(series, .9f, 2.2f));
	if (moved < .2f) {
		sensor->motion_x = scale * draw_between(series, -4, 4);
		sensor->motion_y = scale * draw_between(series, -2, 2);
	}
	sensor->shot = noisy < .8f ? draw_between(series, .003f, .02f)
				   : draw_between(series, .02f, .06f);
	sensor->read = noisy < .8f ? draw_between(series, .001f, .006f)
				   : draw_between(series, .006f, .02f);
	sensor->warm = .3f * draw_gauss(series);
	sensor->contrast = draw_between(series, .85f, 1.2f);
	sensor->vignette = draw_between(series, 0, .4f);
	sensor->seed = sp_random_next(series);
}

void lanesim_shot_draw(struct lanesim_shot *shot, float yaw_max, uint64_t seed)
{
	uint64_t series = draw_series(seed, 'S');
	float plain = draw_uniform(&series), hard = draw_uniform(&series);
	float grey = draw_between(&series, .02f, .8f);

	*shot = (struct lanesim_shot){
		.eye_distance = 64,
		.distance = draw_between(&series, 90, 450),
		.x = draw_between(&series, .46f, .54f),
		.y = draw_between(&series, .42f, .54f),
		.seed = sp_random_next(&series),
	};
	draw_pose(&shot->pose, yaw_max, &series);
	/* Eyes are 10 cm above and 4 before where the head turns: keep the face in view. */
	shot->x -= (4 * approx_sin(shot->pose.yaw) - 10 * approx_sin(shot->pose.roll)) * 64 / 6.3f /
		   256;
	shot->key = draw_key(&series);
	shot->key_power = hard < .3f ? draw_between(&series, .9f, 1.8f)
				     : draw_between(&series, .25f, .9f);
	shot->fill_power = draw_between(&series, .05f, .4f);
	shot->ambient = draw_between(&series, .12f, .6f);
	shot->warm = approx_clamp(.45f * draw_gauss(&series), -1, 1);
	for (unsigned int i = 0; i < LANESIM_BANDS; i++)
		shot->background[i] = grey * draw_between(&series, .7f, 1.3f);
	shot->clutter = plain < .2f ? 0 : draw_uniform(&series);
	draw_sensor(&shot->sensor, shot->eye_distance, &series);
}

static void make_view(const struct lanesim_shot *shot, const struct lanesim_marks *marks,
		      uint32_t width, uint32_t height, struct lanesim_view *view)
{
	*view = (struct lanesim_view){ .width = width, .height = height, .camera = RIGID_IDENTITY };
	view->camera.t.z = -shot->distance;
	view->focal = shot->eye_distance * shot->distance /
		      vec_length(vec_sub(marks->landmark[1], marks->landmark[0]));
	view->cx = shot->x * (float)width;
	view->cy = shot->y * (float)height;
}

static void make_light(const struct lanesim_shot *shot, struct lanesim_light *light)
{
	const float tint[LANESIM_BANDS] = { 1 + .3f * shot->warm, 1, 1 - .4f * shot->warm, 1 };

	*light = (struct lanesim_light){
		.key = shot->key,
		/* From the other side, at the height of the eyes. */
		.fill = vec_unit(vec_make(-shot->key.x, .15f, approx_max(shot->key.z, .5f))),
		.shadow = .9f,
		.reflection_seed = shot->seed,
	};
	for (unsigned int i = 0; i < LANESIM_BANDS; i++) {
		light->key_power[i] = shot->key_power * tint[i];
		light->fill_power[i] = shot->fill_power * (2 - tint[i]);
		light->sky[i] = shot->ambient * approx_mix(1, 2 - tint[i], .4f);
		light->ground[i] = shot->ambient * .55f;
	}
}

int lanesim_portrait(const struct lanesim_person *person, const struct lanesim_shot *shot,
		     struct lanesim_eye *eye, struct sp_image *image,
		     struct lanesim_truth *ret_truth)
{
	struct lanesim_object object = { .mesh = &eye->people[0],
					 .place = RIGID_IDENTITY,
					 .id = 1 };
	/* Exposed for the face, as photographers do. */
	uint32_t half =
		(uint32_t)(approx_clamp(shot->eye_distance * 1.1f, 8, (float)image->width / 2));
	struct lanesim_meter meter = { 0 };
	struct lanesim_view view;
	struct lanesim_light light;
	struct lanesim_marks marks;
	int err = lanesim_eye_resize(eye, image->width, image->height);

	if (!err)
		err = lanesim_person_pose(person, &shot->pose, &eye->people[0], &marks);
	if (err)
		return err;
	make_view(shot, &marks, image->width, image->height, &view);
	make_light(shot, &light);
	err = lanesim_far_wall(eye->background, image->width, image->height, shot->background,
			       shot->clutter, shot->seed);
	if (!err)
		err = lanesim_render(eye->renderer, &object, 1, &view, &light, eye->background,
				     &eye->film);
	if (err)
		return err;
	if (ret_truth) {
		*ret_truth = (struct lanesim_truth){ 0 };
		lanesim_truth_measure(&marks, &object.place, &view, &eye->film, ret_truth);
	}
	meter.x = (uint32_t)approx_clamp(view.cx - (float)half, 0, (float)(image->width - half));
	meter.y = (uint32_t)approx_clamp(view.cy - (float)half * .6f, 0, (float)image->height - 1);
	meter.width = 2 * half < image->width - meter.x ? 2 * half : image->width - meter.x;
	meter.height = 2 * half < image->height - meter.y ? 2 * half : image->height - meter.y;
	return lanesim_expose(&eye->film, &shot->sensor, &meter, image);
}
