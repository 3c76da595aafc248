/* SPDX-License-Identifier: Apache-2.0 */
#include "lanesim/person/spectacles.h"

#include "lanesim/person/face.h"
#include "lanesim/person/rod.h"
#include "lanesim/render/approx.h"

enum { RIM_POINTS = 36, LENS_RINGS = 4, TEMPLE_POINTS = 9 };

#define WRAP 0.028f /* z lost by x² */
#define LEAN 0.12f /* z gained upwards */

struct frame {
	const struct lanesim_identity *identity;
	struct lanesim_spectacles look;
	float x, y, z; /* canonical: of a glass's middle; z of the plane at the face's middle */
	uint32_t rim, glass; /* surfaces */
};

/* Of the frame at canonical (@x, @y), person space. */
static struct vec frame_at(const struct frame *frame, float x, float y)
{
	return vec_scale(vec_make(x, y, frame->z - WRAP * x * x + LEAN * (y - frame->y)),
			 frame->identity->size);
}

static void rim_at(const struct frame *frame, float turn, float *ret_x, float *ret_y)
{
	float sn = approx_sin_turns(turn), cs = approx_sin_turns(turn + 0.25f);
	float power = 2 / frame->look.power;

	*ret_x = frame->look.width * approx_pow(cs < 0 ? -cs : cs, power) * (cs < 0 ? -1 : 1);
	*ret_y = frame->look.height * approx_pow(sn < 0 ? -sn : sn, power) * (sn < 0 ? -1 : 1);
	/* Lower halves taper inwards, as cheeks do. */
	*ret_x *= 1 + 0.06f * *ret_y / frame->look.height;
}

/* As close as nose, brows and cheeks allow. */
static void place_frame(struct frame *frame)
{
	float size = frame->identity->size;

	for (int side = -1; side <= 1; side += 2) {
		for (int i = 0; i < 12; i++) {
			float x, y, z;

			rim_at(frame, (float)i / 12, &x, &y);
			x = approx_clamp(x + frame->x, 0.35f, 5.6f) * (float)side;
			y += frame->y;
			z = lanesim_head_face(frame->identity, x, y).z / size + 0.1f +
			    frame->look.thickness + WRAP * x * x - LEAN * (y - frame->y);
			frame->z = approx_max(frame->z, z);
		}
	}
}

static void build_rim(struct lanesim_build *build, const struct frame *frame, float side)
{
	struct vec points[RIM_POINTS];

	for (int i = 0; i < RIM_POINTS; i++) {
		float x, y;

		rim_at(frame, (float)i / RIM_POINTS, &x, &y);
		points[i] = frame_at(frame, side * (frame->x + x), frame->y + y);
	}
	lanesim_rod(build, points, RIM_POINTS, frame->look.thickness * frame->identity->size, true,
		    frame->rim, 1, 0, 0);
}

static void build_glass(struct lanesim_build *build, const struct frame *frame, float side)
{
	uint32_t first = lanesim_build_vertices(build, LENS_RINGS * RIM_POINTS, 1);

	if (build->failed || build->mesh.failed)
		return;
	for (uint32_t ring = 0; ring < LENS_RINGS; ring++) {
		float r = (float)ring / (LENS_RINGS - 1);

		for (uint32_t i = 0; i < RIM_POINTS; i++) {
			uint32_t k = first + ring * RIM_POINTS + i;
			float x, y;

			rim_at(frame, side * (float)i / RIM_POINTS, &x, &y);
			build->mesh.vertices[k].p = frame_at(frame, side * (frame->x + r * x),
							     frame->y + r * y);
			build->mesh.vertices[k].p.z += 0.12f * (1 - r * r);
		}
	}
	lanesim_mesh_grid_normals(&build->mesh, first, LENS_RINGS, RIM_POINTS, true, false);
	lanesim_mesh_grid(&build->mesh, first, LENS_RINGS, RIM_POINTS, true, false, frame->glass);
}

static void build_bridge(struct lanesim_build *build, const struct frame *frame)
{
	struct vec points[7];
	float inner = frame->x - frame->look.width;

	for (int i = 0; i < 7; i++) {
		float t = (float)i / 3 - 1;

		points[i] = frame_at(frame, t * inner,
				     frame->y + 0.35f * frame->look.height + 0.22f * (1 - t * t));
		points[i].z += 0.15f * (1 - t * t) * frame->identity->size;
	}
	lanesim_rod(build, points, 7, 0.9f * frame->look.thickness * frame->identity->size, false,
		    frame->rim, 1, 0, 0);
}

/* From the rim outwards to the hinge, along the head and down behind the ear. */
static void build_temple(struct lanesim_build *build, const struct frame *frame, float side)
{
	const struct lanesim_identity *identity = frame->identity;
	float high = frame->y + 0.45f * frame->look.height, size = identity->size;
	float edge = frame->x + frame->look.width;
	struct vec hinge = frame_at(frame, side * approx_max(edge + 0.15f, 6.5f), high);
	struct vec over = lanesim_head_skull(identity, side * 1.72f, 1.1f);
	struct vec down = lanesim_head_skull(identity, side * 1.95f, -0.8f);
	struct vec points[TEMPLE_POINTS];

	points[0] = frame_at(frame, side * edge, high);
	hinge.z += 0.25f * size;
	over.x += side * 0.3f * size;
	down.x += side * 0.3f * size;
	for (int i = 1; i < 7; i++) {
		float t = (float)(i - 1) / 5;

		/* It gives way to the head. */
		points[i] = vec_mix(hinge, over, t);
		points[i].x += side * 0.5f * t * (1 - t) * size;
	}
	points[7] = vec_mix(over, down, 0.45f);
	points[8] = down;
	/* A scarf covers the rest. */
	lanesim_rod(build, points, build->wear->hat == LANESIM_HAT_SCARF ? 3 : TEMPLE_POINTS,
		    approx_max(0.8f * frame->look.thickness, 0.07f) * size, false, frame->rim, 1, 0,
		    0);
}

static void add_surfaces(struct lanesim_build *build, struct frame *frame)
{
	bool dark = build->wear->sunglasses;
	struct lanesim_surface rim = { .shine = LANESIM_POLISH, .gloss = 0.35f };
	struct lanesim_surface glass = { .shine = LANESIM_CLEAR,
					 .gloss = dark ? 0.8f : 0.45f,
					 .two_sided = true,
					 .no_shadow = !dark };

	for (int b = 0; b < LANESIM_BANDS; b++) {
		rim.albedo[b] = frame->look.colour[b];
		glass.albedo[b] = !dark ? 0.94f : b == LANESIM_NIR ? 0.3f : 0.08f;
	}
	frame->rim = lanesim_mesh_add_surface(&build->mesh, &rim);
	frame->glass = lanesim_mesh_add_surface(&build->mesh, &glass);
}

void lanesim_build_spectacles(struct lanesim_build *build)
{
	const struct lanesim_identity *identity = build->identity;
	struct frame frame = { .identity = identity, .look = identity->spectacles };

	if (build->wear->sunglasses)
		frame.look = (struct lanesim_spectacles){ .worn = true,
							  .width = 2.85f,
							  .height = 2.2f,
							  .power = 2.7f,
							  .thickness = 0.16f,
							  .colour = { .02f, .018f, .017f, .05f } };
	if (!frame.look.worn)
		return;
	frame.x = approx_max(FACE_EYE_X + lanesim_get(identity, LANESIM_P_EYE_SPACING) - 0.1f,
			     frame.look.width + 0.85f);
	frame.y = -0.3f;
	frame.z = 0;
	place_frame(&frame);
	frame.z += build->wear->mask ? 0.5f : 0;
	add_surfaces(build, &frame);
	build_bridge(build, &frame);
	for (int side = -1; side <= 1; side += 2) {
		build_rim(build, &frame, (float)side);
		build_temple(build, &frame, (float)side);
		build_glass(build, &frame, (float)side);
	}
}
