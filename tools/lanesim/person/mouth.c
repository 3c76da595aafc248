/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of the mouth: a pocket between the lips' inner edges, seen when they part. */
#include "lanesim/person/build.h"
#include "lanesim/render/noise.h"

enum { ROWS = LANESIM_MOUTH_ROWS, TEXTURE_WIDTH = 96, TEXTURE_HEIGHT = 24 };

/* Upper teeth, dark, tongue: @down from the upper lip 0 … 1, @across −1 … 1. */
static void paint_texel(float across, float down, struct lanesim_texel *texel)
{
	static const float tooth[LANESIM_BANDS] = { .5f, .46f, .38f, .45f };
	static const float dark[LANESIM_BANDS] = { .03f, .01f, .009f, .04f };
	static const float tongue[LANESIM_BANDS] = { .2f, .065f, .06f, .3f };
	float a = across < 0 ? -across : across;
	float gap = a * 4.2f - (float)approx_floor(a * 4.2f + 0.5f);
	float teeth = approx_step(0.5f, 0.4f, down) * approx_step(0.85f, 0.6f, a) *
		      (0.8f + 0.2f * approx_step(0, 0.12f, gap < 0 ? -gap : gap));
	float soft = approx_step(0.7f, 0.9f, down) * approx_step(0.9f, 0.5f, a);

	for (int b = 0; b < LANESIM_BANDS; b++)
		texel->albedo[b] =
			(uint16_t)(65535 * approx_mix(approx_mix(dark[b], tongue[b], soft),
						      tooth[b], teeth));
	texel->gloss = (uint16_t)(65535 * (0.15f + 0.3f * teeth));
	texel->cover = UINT16_MAX;
}

void lanesim_mouth_build(struct lanesim_build *build, struct lanesim_rig *rig)
{
	struct lanesim_texture *texture = lanesim_build_texture(build, TEXTURE_WIDTH,
								TEXTURE_HEIGHT);
	struct lanesim_surface wet = {
		.shine = LANESIM_WET, .texture = texture, .no_shadow = true, .two_sided = true
	};

	rig->mouth = lanesim_build_vertices(build, ROWS * rig->lip_n, 1);
	if (build->failed)
		return;
	for (int r = 0; r < TEXTURE_HEIGHT; r++)
		for (int c = 0; c < TEXTURE_WIDTH; c++)
			paint_texel(2 * ((float)c + 0.5f) / TEXTURE_WIDTH - 1,
				    ((float)r + 0.5f) / TEXTURE_HEIGHT,
				    &texture->texels[r * TEXTURE_WIDTH + c]);
	lanesim_texture_reduce(texture);
	for (uint32_t i = 0; i < ROWS * rig->lip_n; i++) {
		struct lanesim_vertex *v = &build->mesh.vertices[rig->mouth + i];

		v->u = TEXTURE_WIDTH * (float)(i % rig->lip_n) / (float)(rig->lip_n - 1);
		v->v = TEXTURE_HEIGHT * (float)(i / rig->lip_n) / (ROWS - 1);
	}
	lanesim_mesh_grid(&build->mesh, rig->mouth, ROWS, rig->lip_n, false, false,
			  lanesim_mesh_add_surface(&build->mesh, &wet));
}

void lanesim_mouth_pose(const struct lanesim_rig *rig, const struct lanesim_pose *pose,
			struct lanesim_mesh *mesh)
{
	uint32_t lip = rig->head + rig->lip_row * LANESIM_HEAD_ACROSS + rig->lip_first;

	for (uint32_t j = 0; j < rig->lip_n; j++) {
		struct vec top = mesh->vertices[lip + j].p;
		struct vec bottom = mesh->vertices[lip + j + LANESIM_HEAD_ACROSS].p;

		for (uint32_t i = 0; i < ROWS; i++) {
			float t = (float)i / (ROWS - 1);
			struct lanesim_vertex *v = &mesh->vertices[rig->mouth + i * rig->lip_n + j];

			v->p = vec_mix(top, bottom, t);
			/* Teeth stand 4 mm behind the lips, the rest further back. */
			v->p.z -= i == 0 || i == ROWS - 1 ? 0.05f : 0.25f + 0.5f * pose->open * t;
			v->n = v->soft = vec_make(0, 0, 1);
			v->sky = 0.7f * approx_step(0.03f, 0.4f, pose->open) * (1 - 0.6f * t);
		}
	}
}
