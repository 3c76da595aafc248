/* SPDX-License-Identifier: Apache-2.0 */
#include "lanesim/scene/scene.h"

#include <errno.h>
#include <stdlib.h>

#include "image/image.h"
#include "lanesim/render/noise.h"
#include "lanesim/scene/daylight.h"
#include "lanesim/scene/eye.h"
#include "lanesim/scene/far.h"
#include "lanesim/scene/lane.h"
#include "lanesim/scene/occupant.h"
#include "lanesim/scene/post.h"
#include "lanesim/scene/truth.h"

struct lanesim_scene {
	struct lanesim_scene_config config; /* without its identities */
	struct lanesim_vehicle vehicle;
	struct lanesim_lane lane;
	struct lanesim_mesh car; /* empty where no vehicle stands */
	struct lanesim_occupant occupants[LANESIM_OCCUPANTS_MAX];
	uint32_t occupants_n;
};

static uint32_t count_occupants(const struct lanesim_scene_config *config)
{
	uint32_t n = config->occupants < 0 ? lanesim_occupants_draw(config->seed)
					   : (uint32_t)config->occupants;

	if (config->occupants < 0 && config->identities_n)
		n = config->identities_n;
	return config->no_vehicle ? 0 : n < LANESIM_OCCUPANTS_MAX ? n : LANESIM_OCCUPANTS_MAX;
}

static int seat_occupants(struct lanesim_scene *scene, const struct lanesim_scene_config *config,
			  uint32_t n)
{
	int seats[LANESIM_OCCUPANTS_MAX];

	if (!n)
		return 0;
	lanesim_seats_draw(&scene->vehicle, n, config->plain, config->seed, seats);
	for (uint32_t i = 0; i < n; i++) {
		const uint64_t *who = config->identities && i < config->identities_n
					      ? &config->identities[i]
					      : NULL;
		int err = lanesim_occupant_init(&scene->occupants[i], &scene->vehicle, seats[i],
						who, config->night, config->plain, config->seed);

		if (err)
			return err;
		scene->occupants_n++;
		lanesim_limbs_build(&scene->occupants[i], &scene->car);
	}
	return 0;
}

int lanesim_scene_create(const struct lanesim_scene_config *config,
			 struct lanesim_scene **ret_scene)
{
	struct lanesim_scene *scene = calloc(1, sizeof(*scene));
	uint32_t n = count_occupants(config);

	if (!scene)
		return -ENOMEM;
	scene->config = *config;
	scene->config.identities = NULL;
	if (lanesim_lane_init(&scene->lane, config->seed)) {
		free(scene);
		return -ENOMEM;
	}
	lanesim_mesh_init(&scene->car);
	lanesim_vehicle_draw(&scene->vehicle, n, config->plain, config->seed);
	if (!config->no_vehicle) {
		lanesim_body_build(&scene->vehicle, &scene->car);
		lanesim_cabin_build(&scene->vehicle, &scene->car);
	}
	if (seat_occupants(scene, config, n) || scene->car.failed) {
		lanesim_scene_destroy(scene);
		return -ENOMEM;
	}
	*ret_scene = scene;
	return 0;
}

void lanesim_scene_destroy(struct lanesim_scene *scene)
{
	for (uint32_t i = 0; i < LANESIM_OCCUPANTS_MAX; i++)
		lanesim_occupant_uninit(&scene->occupants[i]);
	lanesim_lane_uninit(&scene->lane);
	lanesim_mesh_uninit(&scene->car);
	free(scene);
}

uint32_t lanesim_scene_occupants(const struct lanesim_scene *scene)
{
	return scene->occupants_n;
}

uint64_t lanesim_scene_identity(const struct lanesim_scene *scene, uint32_t occupant)
{
	return scene->occupants[occupant].identity.seed;
}

int lanesim_scene_seat(const struct lanesim_scene *scene, uint32_t occupant)
{
	return scene->occupants[occupant].seat;
}

/* Under a roof little of the sky is seen: what is lowest gets the least of it. */
static void shade_person(struct lanesim_mesh *mesh)
{
	for (uint32_t i = 0; i < mesh->vertices_n; i++) {
		struct lanesim_vertex *vertex = &mesh->vertices[i];

		vertex->sky *= .7f * approx_step(-48, -8, vertex->p.y) + .1f;
	}
}

/* Poses everybody; objects from @objects on. */
static int pose_people(const struct lanesim_scene *scene, struct lanesim_eye *eye, float seconds,
		       struct lanesim_object *objects, struct lanesim_marks *marks)
{
	for (uint32_t i = 0; i < scene->occupants_n; i++) {
		const struct lanesim_occupant *occupant = &scene->occupants[i];
		struct lanesim_pose pose;
		int err;

		lanesim_occupant_pose(occupant, seconds, &pose);
		err = lanesim_person_pose(occupant->person, &pose, &eye->people[i], &marks[i]);
		if (err)
			return err;
		shade_person(&eye->people[i]);
		objects[i] = (struct lanesim_object){ .mesh = &eye->people[i],
						      .place = RIGID_IDENTITY,
						      .id = (uint16_t)(i + 1) };
		objects[i].place.t = occupant->eyes;
	}
	return 0;
}

static uint32_t tell_truths(const struct lanesim_scene *scene, const struct lanesim_film *film,
			    const struct lanesim_view *view, const struct lanesim_object *people,
			    const struct lanesim_marks *marks, struct lanesim_truth *truths)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < scene->occupants_n; i++) {
		const struct lanesim_occupant *occupant = &scene->occupants[i];
		struct lanesim_truth *truth = &truths[n];

		if (!lanesim_truth_measure(&marks[i], &people[i].place, view, film, truth))
			continue;
		truth->identity = occupant->identity.seed;
		truth->seat = occupant->seat;
		truth->mask = occupant->wear.mask;
		truth->sunglasses = occupant->wear.sunglasses;
		n++;
	}
	return n;
}

int lanesim_scene_look(const struct lanesim_scene *scene, struct lanesim_eye *eye,
		       enum lanesim_post post, float seconds, struct sp_image *image,
		       struct lanesim_truth *truths, uint32_t *ret_truths_n)
{
	const struct lanesim_scene_config *config = &scene->config;
	struct lanesim_object objects[2 + LANESIM_OCCUPANTS_MAX] = {
		{ .mesh = &scene->lane.mesh, .place = RIGID_IDENTITY },
		{ .mesh = &scene->car, .place = RIGID_IDENTITY },
	};
	struct lanesim_marks marks[LANESIM_OCCUPANTS_MAX];
	uint64_t camera = draw_series(config->seed, 768 + (uint64_t)post);
	struct lanesim_view view;
	struct lanesim_light light;
	struct lanesim_meter meter;
	struct lanesim_sensor sensor;
	int err;

	lanesim_post_view(&scene->vehicle, post, config->seed, image->width, image->height, &view,
			  &meter);
	lanesim_daylight(&light, &view, config->night, seconds, config->seed);
	lanesim_daylight_sensor(&sensor, config->night, config->plain, image->width, camera,
				approx_to_bits(seconds));
	err = lanesim_eye_resize(eye, image->width, image->height);
	if (!err)
		err = pose_people(scene, eye, seconds, objects + 2, marks);
	if (!err)
		err = lanesim_far_landscape(eye->background, &view, &light, config->seed);
	if (!err)
		err = lanesim_render(eye->renderer, objects, 2 + scene->occupants_n, &view, &light,
				     eye->background, &eye->film);
	if (err)
		return err;
	*ret_truths_n = tell_truths(scene, &eye->film, &view, objects + 2, marks, truths);
	return lanesim_expose(&eye->film, &sensor, &meter, image);
}
