/* SPDX-License-Identifier: Apache-2.0 */
/* Who sits where in a vehicle, and how they move. */
#ifndef LANESIM_OCCUPANT_H
#define LANESIM_OCCUPANT_H

#include "lanesim/scene/scene.h"
#include "lanesim/scene/vehicle.h"

struct lanesim_occupant {
	struct lanesim_identity identity;
	struct lanesim_wear wear;
	struct lanesim_person *person; /* owned */
	int seat;
	struct vec eyes; /* in the world, at rest */
	uint64_t habit; /* seed of its motion */
	bool calm; /* attends to what is ahead, mostly */
};

/* How many people travel, from the field's statistics: 1 … LANESIM_OCCUPANTS_MAX. */
uint32_t lanesim_occupants_draw(uint64_t seed);
/* Seats @n people, ascending. */
void lanesim_seats_draw(const struct lanesim_vehicle *vehicle, uint32_t n, bool plain,
			uint64_t seed, int ret_seats[LANESIM_OCCUPANTS_MAX]);

/* @identity: who it is, or NULL to draw somebody fit for the seat. 0 or -ENOMEM. */
int lanesim_occupant_init(struct lanesim_occupant *occupant, const struct lanesim_vehicle *vehicle,
			  int seat, const uint64_t *identity, bool night, bool plain,
			  uint64_t seed);
void lanesim_occupant_uninit(struct lanesim_occupant *occupant);

/* Arms and legs, in the world. */
void lanesim_limbs_build(const struct lanesim_occupant *occupant, struct lanesim_mesh *mesh);

/* Slow turns between things to look at, small sways, blinks, words. */
void lanesim_occupant_pose(const struct lanesim_occupant *occupant, float seconds,
			   struct lanesim_pose *ret_pose);

#endif
