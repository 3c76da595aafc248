/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Vehicle after vehicle of one lane, by the lane's seed and the vehicle's number: what `gvcam
 * --lanesim` shows and whose people `lanesim documents` photographs for their documents.
 */
#ifndef LANESIM_TRAFFIC_H
#define LANESIM_TRAFFIC_H

#include <stdint.h>

#include "lanesim/scene/scene.h"

struct sp_err;

enum { LANESIM_TRAFFIC_VEHICLES_MAX = 4096 };

struct lanesim_traffic {
	uint64_t seed;
	uint32_t vehicles;
	uint64_t *identities; /* LANESIM_OCCUPANTS_MAX a vehicle; all kept apart */
	uint8_t *occupants; /* of a vehicle: how many of these sit in it */
};

/* 0 or -errno with @err filled. */
int lanesim_traffic_init(struct lanesim_traffic *traffic, uint64_t seed, uint32_t vehicles,
			 struct sp_err *err);
void lanesim_traffic_uninit(struct lanesim_traffic *traffic);

/* Vehicle @v < vehicles, plain and by day. It points into @traffic. */
void lanesim_traffic_vehicle(const struct lanesim_traffic *traffic, uint32_t v,
			     struct lanesim_scene_config *ret_config);

/* Shares of what a mixed set of scenes has. */
struct lanesim_mix {
	int occupants; /* −1: drawn */
	float empty_vehicles, empty_lanes, night; /* 0 … 1 */
	bool plain;
};

/* Scene @i of such a set: by seed and number alone, people drawn with it. */
void lanesim_mix_scene(const struct lanesim_mix *mix, uint64_t seed, uint64_t i,
		       struct lanesim_scene_config *ret_config);

#endif
