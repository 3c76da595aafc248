/* SPDX-License-Identifier: Apache-2.0 */
/* Where vehicles stop: road, kerb, booth, bollards, signs, lamps. */
#ifndef LANESIM_LANE_H
#define LANESIM_LANE_H

#include <stdint.h>

#include "lanesim/mesh.h"

void lanesim_lane_build(struct lanesim_mesh *mesh, uint64_t seed);

#endif
