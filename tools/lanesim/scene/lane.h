/* SPDX-License-Identifier: Apache-2.0 */
/* Where vehicles stop: road, kerb, booth, bollards, signs, lamps. */
#ifndef LANESIM_LANE_H
#define LANESIM_LANE_H

#include <stdint.h>

#include "lanesim/render/mesh.h"

struct lanesim_lane {
	struct lanesim_mesh mesh;
	struct lanesim_texture asphalt; /* the mesh points here: a lane stays where it is */
};

/* 0 or -ENOMEM. */
int lanesim_lane_init(struct lanesim_lane *ret_lane, uint64_t seed);
void lanesim_lane_uninit(struct lanesim_lane *lane);

#endif
