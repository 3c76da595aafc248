/* SPDX-License-Identifier: Apache-2.0 */
#include "lanesim/scene/post.h"

#include "lanesim/render/noise.h"

enum { TARGETS = 8 };

static const char *const names[LANESIM_POSTS] = {
	[LANESIM_WINDSHIELD_LEFT] = "windshield-left",
	[LANESIM_WINDSHIELD_RIGHT] = "windshield-right",
	[LANESIM_SIDE_LEFT] = "side-left",
	[LANESIM_SIDE_RIGHT] = "side-right",
};

const char *lanesim_post_name(enum lanesim_post post)
{
	return names[post];
}

static bool is_side(enum lanesim_post post)
{
	return post == LANESIM_SIDE_LEFT || post == LANESIM_SIDE_RIGHT;
}

static struct vec place_camera(const struct lanesim_vehicle *vehicle, enum lanesim_post post,
			       uint64_t *series)
{
	float side = post == LANESIM_WINDSHIELD_LEFT || post == LANESIM_SIDE_LEFT ? 1 : -1;

	/*
	 * Over the bonnet and under the line that would put the roof's edge before the second row's
	 * faces; beside the vehicle well ahead of the driver, where faces turn to and neither the A
	 * nor the B pillar is before them.
	 */
	if (is_side(post))
		return vec_make(side * (vehicle->belt_half + draw_between(series, 105, 140)),
				vehicle->eyes_y[0] + draw_between(series, 4, 30),
				vehicle->eyes_z[0] + draw_between(series, 120, 170));
	return vec_make(side * draw_between(series, 60, 100),
			approx_max(vehicle->header_y + draw_between(series, 8, 30), 154),
			vehicle->header_z * .5f + draw_between(series, 250, 345));
}

/* What must be in the picture: the windshield, or, beside it, where heads of two rows are. */
static void find_targets(const struct lanesim_vehicle *vehicle, enum lanesim_post post,
			 struct vec targets[TARGETS])
{
	struct lanesim_panel glass = lanesim_vehicle_windshield(vehicle);

	for (unsigned int i = 0; i < TARGETS; i++) {
		unsigned int row = i >> 1 & 1;

		if (is_side(post))
			targets[i] = vec_make(i & 4 ? vehicle->seat_x + 8 : -vehicle->seat_x - 8,
					      vehicle->eyes_y[row] + (i & 1 ? 17 : -30),
					      vehicle->eyes_z[row] + (row ? -13 : 15));
		else
			targets[i] = lanesim_panel_at(&glass, (float)(i & 3) / 3, i & 4 ? 1 : 0);
	}
}

/* A camera at @from that looks along @axis, its picture turned by @roll. */
static struct rigid look_along(struct vec from, struct vec axis, float roll)
{
	struct vec back = vec_scale(axis, -1), right = vec_unit(vec_cross(vec_make(0, 1, 0), back));
	struct vec up = vec_cross(back, right);
	float c = approx_cos(roll), s = approx_sin(roll);
	struct vec x = vec_along(vec_scale(right, c), up, s),
		   y = vec_along(vec_scale(up, c), right, -s);
	struct rigid camera = { { x.x, x.y, x.z, y.x, y.y, y.z, back.x, back.y, back.z },
				{ 0, 0, 0 } };

	camera.t = vec_scale(rigid_turn(&camera, from), -1);
	return camera;
}

/* Bounds of the targets' tangents: x low, x high, y low (up), y high. */
static void find_bounds(const struct rigid *camera, const struct vec targets[TARGETS],
			float bounds[4])
{
	bounds[0] = bounds[2] = INFINITY;
	bounds[1] = bounds[3] = -INFINITY;
	for (unsigned int i = 0; i < TARGETS; i++) {
		struct vec p = rigid_apply(camera, targets[i]);

		bounds[0] = approx_min(bounds[0], p.x / -p.z);
		bounds[1] = approx_max(bounds[1], p.x / -p.z);
		bounds[2] = approx_min(bounds[2], p.y / -p.z);
		bounds[3] = approx_max(bounds[3], p.y / -p.z);
	}
}

/* The targets' bounds in the picture, clipped to it. */
static struct lanesim_meter meter_of(const struct lanesim_view *view, const float bounds[4])
{
	float left = approx_clamp(view->cx + bounds[0] * view->focal, 0, (float)view->width - 1);
	float right = approx_clamp(view->cx + bounds[1] * view->focal, left + 1,
				   (float)view->width);
	float top = approx_clamp(view->cy - bounds[3] * view->focal, 0, (float)view->height - 1);
	float low = approx_clamp(view->cy - bounds[2] * view->focal, top + 1, (float)view->height);

	return (struct lanesim_meter){ (uint32_t)left, (uint32_t)top, (uint32_t)(right - left),
				       (uint32_t)(low - top) };
}

void lanesim_post_view(const struct lanesim_vehicle *vehicle, enum lanesim_post post, uint64_t seed,
		       uint32_t width, uint32_t height, struct lanesim_view *ret_view,
		       struct lanesim_meter *ret_meter)
{
	uint64_t series = draw_series(seed, 512 + (uint64_t)post);
	struct vec from = place_camera(vehicle, post, &series), targets[TARGETS],
		   axis = { 0, 0, 0 };
	float fill = is_side(post) ? draw_between(&series, .9f, 1.02f)
				   : draw_between(&series, 1, 1.14f);
	float roll = .012f * draw_gauss(&series), bounds[4];
	struct lanesim_view view = { .width = width, .height = height };

	find_targets(vehicle, post, targets);
	for (unsigned int i = 0; i < TARGETS; i++)
		axis = vec_add(axis, vec_sub(targets[i], from));
	axis = vec_unit(axis);
	for (unsigned int i = 0; i < 3; i++) { /* until the targets are in the middle */
		struct vec middle;

		view.camera = look_along(from, axis, roll);
		find_bounds(&view.camera, targets, bounds);
		middle = vec_make((bounds[0] + bounds[1]) / 2, (bounds[2] + bounds[3]) / 2, -1);
		view.camera.t = vec_make(0, 0, 0);
		view.camera = rigid_inverse(&view.camera);
		axis = vec_unit(rigid_turn(&view.camera, middle));
	}
	view.camera = look_along(from, axis, roll);
	find_bounds(&view.camera, targets, bounds);
	view.focal = fill * (float)width / (bounds[1] - bounds[0]);
	view.cx = (float)width * (.5f + .012f * draw_gauss(&series));
	view.cy = (float)height * (.5f + .02f * draw_gauss(&series));
	*ret_view = view;
	*ret_meter = meter_of(&view, bounds);
}
