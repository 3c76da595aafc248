/* SPDX-License-Identifier: Apache-2.0 */
/* The paint of a head, a row of texels of one canonical height at a time. (kernel/skin.c) */
#ifndef LANESIM_SKIN_H
#define LANESIM_SKIN_H

#include <stdint.h>

enum { LANESIM_SKIN_COLUMNS_MAX = 640 };

/* Where a row's texels lie on the canonical head. */
struct lanesim_skin_row {
	float y;
	uint32_t n; /* ≤ LANESIM_SKIN_COLUMNS_MAX */
	const float *angle, *x, *z;
	const float *scalp; /* lanesim_hair_mask at each */
};

#endif
