/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Points, directions and rigid motions. Right-handed: x to the viewer's right, y up, z towards the
 * viewer of a face that looks at him. Lengths in centimetres.
 */
#ifndef LANESIM_VEC_H
#define LANESIM_VEC_H

#include <math.h>

struct vec {
	float x, y, z;
};

/* p → m p + t, m row-major and orthonormal. */
struct rigid {
	float m[9];
	struct vec t;
};

#define RIGID_IDENTITY ((struct rigid){ { 1, 0, 0, 0, 1, 0, 0, 0, 1 }, { 0, 0, 0 } })

static inline struct vec vec_make(float x, float y, float z)
{
	return (struct vec){ x, y, z };
}

static inline struct vec vec_add(struct vec a, struct vec b)
{
	return vec_make(a.x + b.x, a.y + b.y, a.z + b.z);
}

static inline struct vec vec_sub(struct vec a, struct vec b)
{
	return vec_make(a.x - b.x, a.y - b.y, a.z - b.z);
}

static inline struct vec vec_scale(struct vec a, float k)
{
	return vec_make(a.x * k, a.y * k, a.z * k);
}

/* a + k b */
static inline struct vec vec_along(struct vec a, struct vec b, float k)
{
	return vec_make(a.x + k * b.x, a.y + k * b.y, a.z + k * b.z);
}

static inline float vec_dot(struct vec a, struct vec b)
{
	return a.x * b.x + a.y * b.y + a.z * b.z;
}

static inline struct vec vec_cross(struct vec a, struct vec b)
{
	return vec_make(a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x);
}

static inline float vec_length(struct vec a)
{
	return sqrtf(vec_dot(a, a));
}

/* Length 1; the null vector stays near null. */
static inline struct vec vec_unit(struct vec a)
{
	return vec_scale(a, 1.0f / sqrtf(vec_dot(a, a) + 1e-12f));
}

static inline struct vec vec_mix(struct vec a, struct vec b, float t)
{
	return vec_make(a.x + (b.x - a.x) * t, a.y + (b.y - a.y) * t, a.z + (b.z - a.z) * t);
}

static inline struct vec rigid_turn(const struct rigid *r, struct vec a)
{
	return vec_make(r->m[0] * a.x + r->m[1] * a.y + r->m[2] * a.z,
			r->m[3] * a.x + r->m[4] * a.y + r->m[5] * a.z,
			r->m[6] * a.x + r->m[7] * a.y + r->m[8] * a.z);
}

static inline struct vec rigid_apply(const struct rigid *r, struct vec a)
{
	return vec_add(rigid_turn(r, a), r->t);
}

/* First @b, then @a. */
static inline struct rigid rigid_compose(const struct rigid *a, const struct rigid *b)
{
	struct rigid r;

	for (int i = 0; i < 3; i++)
		for (int j = 0; j < 3; j++)
			r.m[3 * i + j] = a->m[3 * i] * b->m[j] + a->m[3 * i + 1] * b->m[3 + j] +
					 a->m[3 * i + 2] * b->m[6 + j];
	r.t = rigid_apply(a, b->t);
	return r;
}

static inline struct rigid rigid_inverse(const struct rigid *a)
{
	struct rigid r = { { a->m[0], a->m[3], a->m[6], a->m[1], a->m[4], a->m[7], a->m[2], a->m[5],
			     a->m[8] },
			   { 0, 0, 0 } };

	r.t = vec_scale(rigid_turn(&r, a->t), -1);
	return r;
}

#endif
