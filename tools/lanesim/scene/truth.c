/* SPDX-License-Identifier: Apache-2.0 */
#include "lanesim/scene/truth.h"

#include "lanesim/render/approx.h"
#include "lanesim/render/render.h"

#define DEGREES (180 / LANESIM_PI)

static const float depth_tolerance = 1.2f; /* cm: lashes, spectacles' rims, rounding of depth */
static const float turned_away = -0.17364818f; /* cosine of 100° */

static bool in_picture(const struct lanesim_view *view, struct vec at)
{
	return at.z > 0 && at.x >= 0 && at.y >= 0 && at.x < (float)view->width &&
	       at.y < (float)view->height;
}

/* Nothing is in front of what @at is the projection of. CLEAR things leave no depth. */
static bool is_seen(const struct lanesim_view *view, const struct lanesim_film *film, struct vec at)
{
	if (!in_picture(view, at))
		return false;
	return film->depth[(size_t)(uint32_t)at.y * film->width + (uint32_t)at.x] >
	       at.z - depth_tolerance;
}

/*
 * @facing and @eyes (from the right to the left one), both unit and in camera space, and the
 * direction to the camera: angles of a head that would look into the camera at 0, 0, 0.
 */
static void measure_turn(struct vec facing, struct vec eyes, struct vec to_camera,
			 struct lanesim_truth *truth)
{
	struct vec right = vec_unit(vec_cross(vec_make(0, 1, 0), to_camera));
	struct vec up = vec_cross(to_camera, right), side, above;
	float x = vec_dot(facing, right), y = vec_dot(facing, up), z = vec_dot(facing, to_camera);
	float flat = sqrtf(x * x + z * z + 1e-9f);

	truth->yaw = DEGREES * approx_atan2(x, z);
	truth->pitch = DEGREES * approx_atan2(y, flat);
	/* Left and crown of an upright head that faces there; roll lowers its right ear. */
	side = vec_along(vec_scale(right, z / flat), to_camera, -x / flat);
	above = vec_cross(facing, side);
	truth->roll = DEGREES * approx_atan2(vec_dot(eyes, above), vec_dot(eyes, side));
}

static void measure_box(const struct lanesim_marks *marks, const struct rigid *place,
			const struct lanesim_view *view, float box[4])
{
	float low_x = INFINITY, low_y = INFINITY, high_x = -INFINITY, high_y = -INFINITY;

	for (unsigned int i = 0; i < sizeof(marks->outline) / sizeof(marks->outline[0]); i++) {
		struct vec at = lanesim_project(view, rigid_apply(place, marks->outline[i]));

		low_x = approx_min(low_x, at.x);
		low_y = approx_min(low_y, at.y);
		high_x = approx_max(high_x, at.x);
		high_y = approx_max(high_y, at.y);
	}
	for (unsigned int i = 0; i < LANESIM_LANDMARKS; i++) { /* a nose in profile sticks out */
		struct vec at = lanesim_project(view, rigid_apply(place, marks->landmark[i]));

		low_x = approx_min(low_x, at.x);
		low_y = approx_min(low_y, at.y);
		high_x = approx_max(high_x, at.x);
		high_y = approx_max(high_y, at.y);
	}
	box[0] = low_x;
	box[1] = low_y;
	box[2] = high_x - low_x;
	box[3] = high_y - low_y;
}

bool lanesim_truth_measure(const struct lanesim_marks *marks, const struct rigid *place,
			   const struct lanesim_view *view, const struct lanesim_film *film,
			   struct lanesim_truth *ret_truth)
{
	struct rigid to_view = rigid_compose(&view->camera, place);
	struct vec middle = vec_scale(vec_add(marks->landmark[0], marks->landmark[1]), .5f);
	struct vec eyes = vec_sub(marks->landmark[1], marks->landmark[0]);
	struct vec from = rigid_apply(&to_view, middle), to_camera = vec_unit(vec_scale(from, -1));
	struct vec facing = rigid_turn(&to_view, marks->facing);
	struct lanesim_truth truth = { .visibility = 0 };
	unsigned int seen = 0, eyes_in = 0;

	if (from.z > -1 || vec_dot(facing, to_camera) < turned_away)
		return false;
	measure_box(marks, place, view, truth.box);
	if (!in_picture(view, vec_make(truth.box[0] + truth.box[2] / 2,
				       truth.box[1] + truth.box[3] / 2, 1)))
		return false;
	for (unsigned int i = 0; i < LANESIM_LANDMARKS; i++) {
		struct vec at = lanesim_project(view, rigid_apply(place, marks->landmark[i]));

		truth.landmark[i][0] = at.x;
		truth.landmark[i][1] = at.y;
		truth.landmark_visible[i] = is_seen(view, film, at);
		eyes_in += i < 2 && in_picture(view, at);
	}
	if (!eyes_in)
		return false;
	for (unsigned int i = 0; i < LANESIM_PROBES; i++)
		seen += is_seen(view, film,
				lanesim_project(view, rigid_apply(place, marks->probe[i])));
	truth.visibility = (float)seen / LANESIM_PROBES;
	truth.eye_distance = vec_length(eyes) * view->focal / -from.z;
	measure_turn(facing, rigid_turn(&to_view, vec_unit(eyes)), to_camera, &truth);
	*ret_truth = truth;
	return true;
}

json_t *lanesim_truth_json(const struct lanesim_truth *truth)
{
	json_t *landmarks = json_array(), *visible = json_array();

	for (unsigned int i = 0; i < LANESIM_LANDMARKS; i++) {
		json_array_append_new(landmarks, json_pack("[ff]", (double)truth->landmark[i][0],
							   (double)truth->landmark[i][1]));
		json_array_append_new(visible, json_boolean(truth->landmark_visible[i]));
	}
	return json_pack("{sI si s[ffff] so so sf sf sf sf sf sb sb}", "identity",
			 (json_int_t)truth->identity, "seat", truth->seat, "box",
			 (double)truth->box[0], (double)truth->box[1], (double)truth->box[2],
			 (double)truth->box[3], "landmarks", landmarks, "landmarks_visible",
			 visible, "visibility", (double)truth->visibility, "eye_distance",
			 (double)truth->eye_distance, "yaw", (double)truth->yaw, "pitch",
			 (double)truth->pitch, "roll", (double)truth->roll, "mask", truth->mask,
			 "sunglasses", truth->sunglasses);
}

json_t *lanesim_truths_json(const struct lanesim_truth *truths, uint32_t n)
{
	json_t *faces = json_array();

	for (uint32_t i = 0; i < n; i++) {
		if (json_array_append_new(faces, lanesim_truth_json(&truths[i]))) {
			json_decref(faces);
			return NULL;
		}
	}
	return faces;
}
