/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The eyeballs: discs bent to the front of a ball, seen through the openings between the lids.
 * Their last ring is a flat rim: the flesh in the corners, where the opening is wider than the
 * ball.
 */
#include <math.h>

#include "lanesim/person/build.h"
#include "lanesim/person/face.h"
#include "lanesim/person/skin_tone.h"
#include "lanesim/render/noise.h"

enum { RINGS = LANESIM_EYE_RINGS, SPOKES = LANESIM_EYE_SPOKES, TEXTURE = 96 };

#define CAP 1.1f /* radians from the gaze to the edge of the ball's part */
#define RIM 0.12f /* cm by which the flat rim is wider than the opening … */
#define BEHIND 0.2f /* … and behind the skin at its corners */
#define PUPIL 0.2f /* cm */

/* Of the iris, from brown to blue-grey. */
static void iris_colour(const struct lanesim_identity *identity, float ret[LANESIM_BANDS])
{
	static const float tones[4][LANESIM_BANDS] = {
		{ .02f, .009f, .004f, .16f }, /* dark brown */
		{ .075f, .035f, .013f, .2f }, /* hazel */
		{ .1f, .105f, .05f, .22f }, /* green */
		{ .13f, .18f, .24f, .24f }, /* blue-grey */
	};
	float melanin = face_get(identity, LANESIM_P_MELANIN);
	float shade = face_get(identity, LANESIM_P_IRIS_SHADE) * (melanin > 0.4f ? 0.25f : 1) *
		      2.999f;
	int i = (int)shade;

	for (int b = 0; b < LANESIM_BANDS; b++)
		ret[b] = approx_mix(tones[i][b], tones[i + 1][b], shade - (float)i);
}

/* @x, @y: cm from the middle of the pupil, along the ball. */
static void paint_eye(const struct lanesim_identity *identity, const float iris[LANESIM_BANDS],
		      float x, float y, struct lanesim_texel *texel)
{
	static const float white[LANESIM_BANDS] = { .52f, .48f, .455f, .45f };
	static const float red[LANESIM_BANDS] = { .4f, .19f, .16f, .4f };
	float seed = identity->texture_seed, size = face_get(identity, LANESIM_P_IRIS_SIZE);
	float melanin = face_get(identity, LANESIM_P_MELANIN);
	float r = sqrtf(x * x + y * y), turn = approx_atan2(y, x);
	float spokes = noise_plane(turn * 6 + 20, r * 3 + seed, 1);
	float veins = noise_plane(x * 5 + seed, y * 5, 2), corner = approx_step(0.7f, 1.2f, r);
	float in_iris = approx_step(size + 0.05f, size - 0.05f, r);
	float ring = 1 - 0.65f * approx_step(size - 0.18f, size, r);
	float flesh = approx_step(CAP * FACE_EYE_RADIUS - 0.12f, CAP * FACE_EYE_RADIUS, r);
	float pupil = approx_step(PUPIL + 0.03f, PUPIL - 0.02f, r);

	for (int b = 0; b < LANESIM_BANDS; b++) {
		/* The white is never as white as skin is dark: it must not glow out of the face. */
		float sclera = white[b] * approx_mix(1, 0.52f, melanin) *
			       (b == LANESIM_R ? 1 : 1 - 0.2f * veins * corner - 0.1f * corner);
		float coloured = iris[b] * (0.7f + 0.6f * spokes) * ring;
		float c = approx_mix(approx_mix(sclera, coloured, in_iris), 0.004f, pupil);

		c = approx_mix(c, red[b] * (1 - 0.6f * melanin), flesh);
		texel->albedo[b] = (uint16_t)(c * 65535 + 0.5f);
	}
	texel->gloss = (uint16_t)(approx_mix(0.25f, 0.9f, in_iris) * 65535);
	texel->cover = UINT16_MAX;
}

static struct lanesim_texture *paint(struct lanesim_build *build)
{
	struct lanesim_texture *texture = lanesim_build_texture(build, TEXTURE, TEXTURE);
	/* Rings are evenly spaced in the texture; all but the last share the ball. */
	const float scale = 2 * CAP * FACE_EYE_RADIUS / TEXTURE * (RINGS - 1) / (RINGS - 2);
	float iris[LANESIM_BANDS];

	if (!texture)
		return NULL;
	iris_colour(build->identity, iris);
	for (int r = 0; r < TEXTURE; r++)
		for (int c = 0; c < TEXTURE; c++)
			paint_eye(build->identity, iris, ((float)c + 0.5f - TEXTURE / 2) * scale,
				  (TEXTURE / 2 - (float)r - 0.5f) * scale,
				  &texture->texels[r * TEXTURE + c]);
	lanesim_texture_reduce(texture);
	return texture;
}

/* The rim lies just behind the skin at both corners of the opening. */
static void set_rim(const struct lanesim_identity *identity, struct lanesim_rig *rig, int k)
{
	float width = face_get(identity, LANESIM_P_EYE_WIDTH) + RIM,
	      at = k ? FACE_EYE_X : -FACE_EYE_X;
	struct vec left = lanesim_head_face(identity, at - width, 0);
	struct vec right = lanesim_head_face(identity, at + width, 0);

	rig->rim_centre[k] = vec_mix(left, right, 0.5f);
	rig->rim_centre[k].z -= BEHIND * identity->size;
	rig->rim_across[k] = vec_scale(vec_sub(right, left), 0.5f);
}

void lanesim_eyes_build(struct lanesim_build *build, struct lanesim_rig *rig)
{
	const struct lanesim_identity *identity = build->identity;
	struct lanesim_surface wet = { .shine = LANESIM_WET, .no_shadow = true };
	float size = identity->size;
	uint32_t surface;

	wet.texture = paint(build);
	if (!wet.texture)
		return;
	surface = lanesim_mesh_add_surface(&build->mesh, &wet);
	rig->eye_radius = size * FACE_EYE_RADIUS;
	rig->lid_upper = size * face_get(identity, LANESIM_P_LID_UPPER);
	rig->lid_lower = size * face_get(identity, LANESIM_P_LID_LOWER);
	for (int k = 0; k < 2; k++) {
		/* The lids were warped with the face; the ball stays behind their middle. */
		struct vec lids = lanesim_head_face(identity, k ? FACE_EYE_X : -FACE_EYE_X, 0);

		rig->eye_centre[k] = vec_make(lids.x, lids.y,
					      lids.z - size * (FACE_EYE_RADIUS + 0.16f));
		set_rim(identity, rig, k);
		rig->eye[k] = lanesim_build_vertices(build, RINGS * SPOKES, 1);
		if (build->failed)
			return;
		for (uint32_t i = 0; i < RINGS * SPOKES; i++) {
			float ring = (float)(i / SPOKES) / (RINGS - 1);
			float spoke = (float)(i % SPOKES) / SPOKES;
			struct lanesim_vertex *v = &build->mesh.vertices[rig->eye[k] + i];

			v->u = TEXTURE * (0.5f + 0.5f * ring * approx_sin_turns(spoke + 0.25f));
			v->v = TEXTURE * (0.5f - 0.5f * ring * approx_sin_turns(spoke));
		}
		/* Rings run outwards, spokes counterclockwise as seen from the front. */
		lanesim_mesh_grid(&build->mesh, rig->eye[k], RINGS, SPOKES, true, false, surface);
	}
}

static void turn_eye(const struct lanesim_rig *rig, int k, struct vec gaze, float open,
		     struct lanesim_mesh *mesh)
{
	struct vec right = vec_unit(vec_cross(vec_make(0, 1, 0), gaze)),
		   up = vec_cross(gaze, right);

	for (uint32_t i = 0; i < RINGS * SPOKES; i++) {
		uint32_t step = i / SPOKES;
		float ring = (float)(step < RINGS - 1 ? step : RINGS - 2) / (RINGS - 2) * CAP;
		float spoke = (float)(i % SPOKES) / SPOKES;
		float out = approx_sin(ring);
		struct lanesim_vertex *v = &mesh->vertices[rig->eye[k] + i];
		struct vec n = vec_scale(gaze, approx_cos(ring));
		float y, under_upper, over_lower;

		n = vec_along(n, right, out * approx_sin_turns(spoke + 0.25f));
		n = vec_along(n, up, out * approx_sin_turns(spoke));
		v->p = vec_along(rig->eye_centre[k], n, rig->eye_radius);
		if (step == RINGS - 1)
			v->p = vec_add(vec_along(rig->rim_centre[k], rig->rim_across[k],
						 approx_sin_turns(spoke + 0.25f)),
				       vec_make(0, rig->eye_radius * approx_sin_turns(spoke), 0));
		v->n = v->soft = n;
		/* The upper lid and its lashes shade the ball, the corners lie deep. */
		y = n.y * rig->eye_radius;
		under_upper = approx_step(-0.04f, 0.42f, rig->lid_upper * open - y);
		over_lower = approx_step(-0.1f, 0.15f, y + rig->lid_lower);
		v->sky = (0.35f + 0.65f * under_upper) * (0.75f + 0.25f * over_lower) *
			 (0.6f + 0.4f * approx_step(0.85f, 0.5f, n.x < 0 ? -n.x : n.x));
	}
}

void lanesim_eyes_pose(const struct lanesim_rig *rig, const struct lanesim_pose *pose,
		       struct lanesim_mesh *mesh)
{
	for (int k = 0; k < 2; k++) {
		/* Eyes that look at something near turn inwards a little. */
		float inwards = k ? -0.03f : 0.03f;
		struct vec gaze = vec_unit(vec_make(pose->gaze_x + inwards, pose->gaze_y, 1));

		turn_eye(rig, k, gaze, 1 - pose->blink, mesh);
	}
}
