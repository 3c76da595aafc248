/* SPDX-License-Identifier: Apache-2.0 */
/* Expressions: how far each point of the face moves when it smiles, speaks, wonders or blinks. */
#include <errno.h>
#include <stdlib.h>

#include "lanesim/person/face.h"
#include "lanesim/person/rig.h"

static struct vec smile(float x, float ax, float y)
{
	float side = x < 0 ? -1 : 1;
	float corner = approx_bump2(ax, y, FACE_MOUTH_X, FACE_MOUTH, 1.3f, 1.2f);
	float apple = approx_bump2(ax, y, 3.7f, -4.2f, 1.6f, 1.5f);
	float lid = approx_bump2(ax, y, FACE_EYE_X, -0.45f, 1.2f, 0.35f);
	float lips = approx_bump2(ax, y, 0, FACE_MOUTH, 2, 1);

	return vec_make(side * 0.42f * corner,
			0.45f * corner + 0.2f * apple + 0.08f * lid -
				0.08f * approx_bump2(ax, y, 0, FACE_MOUTH, 1.6f, 0.8f),
			0.22f * apple - 0.3f * corner - 0.2f * lips);
}

/* The jaw goes down and back; the lips part between the corners of the mouth. */
static struct vec open_mouth(float ax, float y)
{
	float u = ax / FACE_MOUTH_X, down = FACE_MOUTH - y;
	float arch = approx_pow(approx_max(1 - u * u, 0), 0.6f);
	float t = approx_step(0, 2, down);

	if (down < 0)
		return vec_make(0, 0.12f * arch * approx_bump(down / 0.9f), 0);
	return vec_make(0, -0.95f * approx_mix(arch, approx_bump(ax / 6.5f), t),
			-0.25f * t * approx_bump(ax / 6.5f));
}

static struct vec raise_brow(float ax, float y)
{
	return vec_make(0, 0.45f * approx_bump2(ax, y, 2.9f, 2.1f, 2.2f, 1.4f), 0);
}

/* The upper lid slides down over the ball until it meets the lower one; its fold follows. */
static struct vec blink(const struct lanesim_identity *identity, float ax, float y)
{
	float dx = ax - FACE_EYE_X, u = dx / face_get(identity, LANESIM_P_EYE_WIDTH);
	float edge = approx_clamp(u, -0.999f, 0.999f);
	float upper = face_lid_upper(identity, edge), lower = face_lid_lower(identity, edge);
	float travel = approx_max(upper - lower - 0.03f, 0), moved;
	float radius = FACE_EYE_RADIUS + 0.13f, flat = radius * radius - dx * dx;

	if (y < lower || y > upper + 1.2f || u < -1.2f || u > 1.2f)
		return vec_make(0, 0, 0);
	moved = y < upper ? travel * (y - lower) / approx_max(upper - lower, 0.01f)
			  : travel * approx_step(upper + 1.2f, upper, y);
	moved *= approx_step(1.2f, 0.95f, u < 0 ? -u : u);
	return vec_make(0, -moved,
			sqrtf(approx_max(flat - (y - moved) * (y - moved), 0.2f)) -
				sqrtf(approx_max(flat - y * y, 0.2f)));
}

int lanesim_morph_build(const struct lanesim_identity *identity, struct lanesim_rig *rig)
{
	uint32_t n = rig->rows * LANESIM_HEAD_ACROSS;

	for (int m = 0; m < LANESIM_MORPHS; m++) {
		rig->morph[m] = calloc(n, sizeof(*rig->morph[m]));
		if (!rig->morph[m])
			return -ENOMEM;
	}
	for (uint32_t k = 0; k < n; k++) {
		float y = rig->y[k / LANESIM_HEAD_ACROSS], x = rig->x[k], ax = x < 0 ? -x : x;
		float front = identity->size * approx_step(-1, 2, rig->z[k]);

		if (front <= 0 || y > 5.5f)
			continue;
		rig->morph[LANESIM_SMILE][k] = vec_scale(smile(x, ax, y), front);
		rig->morph[LANESIM_OPEN][k] = vec_scale(open_mouth(ax, y), front);
		rig->morph[LANESIM_BROW][k] = vec_scale(raise_brow(ax, y), front);
		rig->morph[LANESIM_BLINK][k] = vec_scale(blink(identity, ax, y), front);
	}
	return 0;
}

void lanesim_morph_apply(const struct lanesim_rig *rig, const struct lanesim_pose *pose,
			 const struct lanesim_mesh *rest, struct lanesim_mesh *mesh)
{
	const struct lanesim_vertex *still = &rest->vertices[rig->head];
	const float amount[LANESIM_MORPHS] = { pose->smile, pose->open, pose->brow, pose->blink };
	struct lanesim_vertex *v = &mesh->vertices[rig->head];
	uint32_t n = rig->rows * LANESIM_HEAD_ACROSS;

	for (int m = 0; m < LANESIM_MORPHS; m++)
		for (uint32_t k = 0; amount[m] != 0 && k < n; k++)
			v[k].p = vec_along(v[k].p, rig->morph[m][k], amount[m]);
	lanesim_mesh_grid_normals(mesh, rig->head, rig->rows, LANESIM_HEAD_ACROSS, false, false);
	for (uint32_t k = 0; k < n; k++)
		v[k].soft = still[k].soft;
}
