/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A vehicle of no make: dimensions and colours from a seed, and its mesh. World space (scene.h);
 * the windshield's lower edge is near z = 0. Driver's side is the left.
 */
#ifndef LANESIM_VEHICLE_H
#define LANESIM_VEHICLE_H

#include <stdbool.h>
#include <stdint.h>

#include "lanesim/scene/panel.h"

enum lanesim_vehicle_kind {
	LANESIM_HATCHBACK,
	LANESIM_SALOON,
	LANESIM_SUV,
	LANESIM_VAN,
	LANESIM_PICKUP,
	LANESIM_VEHICLE_KINDS,
};

enum { LANESIM_ROWS_MAX = 3 };

struct lanesim_vehicle {
	uint64_t seed;
	enum lanesim_vehicle_kind kind;
	/* cm. Half widths at the belt line (under the side windows) and at the roof's edge. */
	float belt_half, roof_half;
	float cowl, belt; /* heights: the windshield's lower edge, the side windows' */
	float header_y, header_z; /* the windshield's upper edge */
	float roof; /* height at its highest */
	float rear_y, rear_z; /* the roof's end */
	float shelf_y, shelf_z; /* the rear glass's lower edge */
	float nose_z, tail_z;
	uint32_t rows;
	float eyes_y[LANESIM_ROWS_MAX], eyes_z[LANESIM_ROWS_MAX]; /* of adults of usual height */
	float seat_x; /* of outer seats */
	float paint[LANESIM_BANDS], paint_gloss;
	float trim[LANESIM_BANDS], lining[LANESIM_BANDS], cloth[LANESIM_BANDS];
	float windshield, side, rear; /* what the glass lets through, 0 … 1 */
	float reflection; /* of glass: share of Fresnel's */
	bool visor_down[2]; /* before the driver, beside */
	bool headrest_open; /* a frame rather than a cushion */
};

/* @occupants decides how many rows are needed; @plain: weak tint and reflection, visors up. */
void lanesim_vehicle_draw(struct lanesim_vehicle *vehicle, uint32_t occupants, bool plain,
			  uint64_t seed);

/* Where the eyes' midpoint of an adult on seat 0 … LANESIM_SEATS − 1 is. */
struct vec lanesim_vehicle_eyes(const struct lanesim_vehicle *vehicle, int seat);

/* The windshield, from the left edge as seen from before it. */
struct lanesim_panel lanesim_vehicle_windshield(const struct lanesim_vehicle *vehicle);
/* All windows of the left side in one. */
struct lanesim_panel lanesim_vehicle_flank_glass(const struct lanesim_vehicle *vehicle);
/* Where along such glass's top and bottom the pillar at world @z stands, as shares. */
void lanesim_vehicle_pillar(const struct lanesim_vehicle *vehicle, float z, float *ret_top,
			    float *ret_bottom);
float lanesim_vehicle_pillar_b(const struct lanesim_vehicle *vehicle); /* its z */
float lanesim_vehicle_pillar_c(const struct lanesim_vehicle *vehicle);

void lanesim_body_build(const struct lanesim_vehicle *vehicle, struct lanesim_mesh *mesh);
void lanesim_cabin_build(const struct lanesim_vehicle *vehicle, struct lanesim_mesh *mesh);

#endif
