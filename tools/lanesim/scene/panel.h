/* SPDX-License-Identifier: Apache-2.0 */
/* Shapes that vehicles and lanes are made of: curved sheets, bars, pillows. */
#ifndef LANESIM_PANEL_H
#define LANESIM_PANEL_H

#include "lanesim/render/mesh.h"

/*
 * A curved sheet between four corners: top left, top right, bottom right, bottom left as seen from
 * outside. Straight between its corners but for what the middle of each edge is off.
 */
struct lanesim_panel {
	struct vec corner[4];
	struct vec across[2]; /* of the top and the bottom edge */
	struct vec down[2]; /* of the left and the right edge */
};

/* Part of a panel: from where to where along its top and its bottom, as shares. */
struct lanesim_cut {
	float top[2], bottom[2];
};

#define LANESIM_CUT_NONE (&(const struct lanesim_cut){ { 0, 1 }, { 0, 1 } })

struct vec lanesim_panel_at(const struct lanesim_panel *panel, float u, float v);
/* On the vehicle's other side. */
struct lanesim_panel lanesim_panel_mirror(const struct lanesim_panel *panel);
/* @sky: how open its surroundings are (lanesim_vertex). */
void lanesim_panel_add(struct lanesim_mesh *mesh, const struct lanesim_panel *panel,
		       const struct lanesim_cut *cut, uint32_t rows, uint32_t columns, float sky,
		       uint32_t surface);

/* A bar along @n ≥ 2 points of an ellipse-like section with half axes @wide, @thick. */
void lanesim_bar_add(struct lanesim_mesh *mesh, const struct vec *points, uint32_t n,
		     struct vec wide, struct vec thick, float sky, uint32_t surface);

/* A cushion of half sizes @half; @square: 0 an ellipsoid … 1 nearly a box. */
void lanesim_pillow_add(struct lanesim_mesh *mesh, const struct rigid *place, struct vec half,
			float square, float sky, uint32_t surface);

/* Turned about x by @pitch, then about y by @yaw (radians), then moved to @to. */
struct rigid lanesim_place(struct vec to, float yaw, float pitch);

#endif
