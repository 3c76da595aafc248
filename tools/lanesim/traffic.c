/* SPDX-License-Identifier: Apache-2.0 */
#include "lanesim/traffic.h"

#include <errno.h>
#include <stdlib.h>

#include "base/diag.h"
#include "lanesim/apart.h"
#include "lanesim/render/noise.h"
#include "lanesim/scene/occupant.h"

enum {
	PEOPLE = 0x70656F70, /* purposes of series */
	VEHICLE = 0x76656869,
	MIX = 0x6D697864,
};

/* Size of the head below which nobody drives. */
#define DRIVER_SIZE 0.96f

/* Drivers first, children last, otherwise as they were drawn: seats are given out in this order. */
static void seat_in_order(uint64_t *identities, uint32_t n)
{
	float size[LANESIM_OCCUPANTS_MAX];

	for (uint32_t i = 0; i < n; i++) {
		struct lanesim_identity identity;

		lanesim_identity_draw(&identity, identities[i]);
		size[i] = identity.size;
	}
	for (uint32_t i = 1; i < n; i++) {
		for (uint32_t j = i; j && size[j] >= DRIVER_SIZE && size[j - 1] < DRIVER_SIZE;
		     j--) {
			uint64_t seed = identities[j];
			float swap = size[j];

			identities[j] = identities[j - 1];
			identities[j - 1] = seed;
			size[j] = size[j - 1];
			size[j - 1] = swap;
		}
	}
}

static uint64_t vehicle_seed(uint64_t seed, uint32_t v)
{
	return draw_series(draw_series(seed, VEHICLE), v) % LANESIM_IDENTITY_SEEDS;
}

int lanesim_traffic_init(struct lanesim_traffic *traffic, uint64_t seed, uint32_t vehicles,
			 struct sp_err *err)
{
	uint32_t people = vehicles * LANESIM_OCCUPANTS_MAX;
	struct lanesim_apart apart = {
		.seed = draw_series(seed, PEOPLE),
		.n = people,
		.distance = LANESIM_APART_USUAL,
	};
	int res = -ENOMEM;

	*traffic = (struct lanesim_traffic){ .seed = seed, .vehicles = vehicles };
	if (vehicles > LANESIM_TRAFFIC_VEHICLES_MAX)
		return sp_err_set(err, -EINVAL, "%u vehicles; at most %d can be shown", vehicles,
				  LANESIM_TRAFFIC_VEHICLES_MAX);
	traffic->identities = calloc(people ? people : 1, sizeof(*traffic->identities));
	traffic->occupants = calloc(vehicles ? vehicles : 1, sizeof(*traffic->occupants));
	if (!traffic->identities || !traffic->occupants)
		sp_err_set(err, res, "no memory for the people of %u vehicles", vehicles);
	else
		res = lanesim_apart_draw(&apart, traffic->identities, NULL, err);
	if (res) {
		lanesim_traffic_uninit(traffic);
		return res;
	}
	for (uint32_t v = 0; v < vehicles; v++) {
		traffic->occupants[v] = (uint8_t)lanesim_occupants_draw(vehicle_seed(seed, v));
		seat_in_order(traffic->identities + (size_t)v * LANESIM_OCCUPANTS_MAX,
			      traffic->occupants[v]);
	}
	return 0;
}

void lanesim_traffic_uninit(struct lanesim_traffic *traffic)
{
	free(traffic->identities);
	free(traffic->occupants);
	*traffic = (struct lanesim_traffic){ 0 };
}

void lanesim_traffic_vehicle(const struct lanesim_traffic *traffic, uint32_t v,
			     struct lanesim_scene_config *ret_config)
{
	*ret_config = (struct lanesim_scene_config){
		.seed = vehicle_seed(traffic->seed, v),
		.identities = traffic->identities + (size_t)v * LANESIM_OCCUPANTS_MAX,
		.identities_n = traffic->occupants[v],
		.occupants = traffic->occupants[v],
		.plain = true,
	};
}

void lanesim_mix_scene(const struct lanesim_mix *mix, uint64_t seed, uint64_t i,
		       struct lanesim_scene_config *ret_config)
{
	uint64_t series = draw_series(draw_series(seed, MIX), i);
	float empty = draw_uniform(&series);

	*ret_config = (struct lanesim_scene_config){
		.night = draw_uniform(&series) < mix->night,
		.no_vehicle = empty < mix->empty_lanes,
		.occupants = mix->occupants,
		.plain = mix->plain,
		.seed = sp_random_next(&series) % LANESIM_IDENTITY_SEEDS,
	};
	if (empty < mix->empty_lanes + mix->empty_vehicles)
		ret_config->occupants = 0;
}
