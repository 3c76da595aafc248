/* SPDX-License-Identifier: Apache-2.0 */
/* Round rods on a person: frames, hems, ties. */
#ifndef LANESIM_ROD_H
#define LANESIM_ROD_H

#include "lanesim/person/build.h"

/* As lanesim_mesh_tube, with the head by @with_head; textured rods take the texel at (@u, @v). */
void lanesim_rod(struct lanesim_build *build, const struct vec *points, uint32_t n, float radius,
		 bool closed, uint32_t surface, float with_head, float u, float v);

#endif
