/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks that differ from each other by seed: geometry and format change, lines are left out. */
#ifndef GVCAM_VARIETY_H
#define GVCAM_VARIETY_H

#include <stdbool.h>
#include <stdint.h>

#include "gvcam/block.h"

struct gvcam_variety {
	uint64_t seed;
	uint64_t change_every; /* blocks: geometry and format change with the next one; 0: never */
	bool lines; /* a block may end before its image does */
};

/*
 * What block @block of @camera looks like. The first change_every ids have the channel's own shape;
 * later ones are not larger, in bytes, pixels a line or lines.
 */
struct gvcam_shape gvcam_variety_shape(const struct gvcam_variety *variety, uint32_t camera,
				       uint64_t block, const struct gvcam_channel *channel);

#endif
