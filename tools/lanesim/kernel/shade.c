/* SPDX-License-Identifier: Apache-2.0 */
/* Fragments of one material into light, a block at a time: loops over a block become vectors. */
#include "lanesim/kernel/block.h"

#include "lanesim/kernel.h"

/* ---- light on each kind of surface ----------------------------------------------------------- */

struct lights {
	struct vec key, fill, up, eye;
	float key_power[LANESIM_BANDS], fill_power[LANESIM_BANDS];
	float sky[LANESIM_BANDS], ground[LANESIM_BANDS];
};

/* Light that wraps round a body whose surface is @softness blurred: cosine @c → share. */
static inline float wrapped(float c, float softness)
{
	return approx_max((c + softness) / (1 + softness), 0);
}

static inline float fresnel(float least, float cosine)
{
	float x = approx_clamp(1 - cosine, 0, 1), x2 = x * x;

	return least + (1 - least) * x2 * x2 * x;
}

/* Blinn's highlight, of a matte surface's brightness when summed over directions. */
static inline float highlight(float cosine, float exponent)
{
	return (exponent + 8) * 0.125f * approx_pow(cosine, exponent);
}

static inline struct vec lane_normal(const struct block *b, int i)
{
	return vec_scale(
		vec_unit(vec_make(b->attribute[NX][i], b->attribute[NY][i], b->attribute[NZ][i])),
		b->side[i]);
}

static inline struct vec lane_eye(const struct block *b, const struct lights *l, int i)
{
	return vec_unit(vec_sub(
		l->eye, vec_make(b->attribute[PX][i], b->attribute[PY][i], b->attribute[PZ][i])));
}

static void matte(struct block *restrict b, const struct lights *l)
{
	for (int i = 0; i < BLOCK; i++) {
		struct vec n = lane_normal(b, i);
		float key = approx_max(vec_dot(n, l->key), 0) * b->lit[i];
		float fill = wrapped(vec_dot(n, l->fill), 0.5f) *
			     (0.5f + 0.5f * b->attribute[SKY][i]);
		float above = 0.5f + 0.5f * vec_dot(n, l->up), open = b->attribute[SKY][i];

#pragma GCC unroll 4
		for (int band = 0; band < LANESIM_BANDS; band++)
			b->out[band][i] = b->albedo[band][i] *
					  (l->key_power[band] * key + l->fill_power[band] * fill +
					   approx_mix(l->ground[band], l->sky[band], above) * open);
	}
}

static void skin(struct block *restrict b, const struct lights *l)
{
	/* How each band scatters: share of the soft normal, wrap, light bled into shadows. */
	static const float soft[LANESIM_BANDS] = { .7f, .35f, .2f, .85f };
	static const float wrap[LANESIM_BANDS] = { .25f, .1f, .05f, .35f };
	static const float bleed[LANESIM_BANDS] = { .8f, .25f, 0, .9f };

	for (int i = 0; i < BLOCK; i++) {
		struct vec n = lane_normal(b, i), v = lane_eye(b, l, i);
		struct vec s = vec_unit(
			vec_make(b->attribute[SX][i], b->attribute[SY][i], b->attribute[SZ][i]));
		struct vec h = vec_unit(vec_add(v, l->key)), hf = vec_unit(vec_add(v, l->fill));
		float nk = vec_dot(n, l->key), sk = vec_dot(s, l->key), nf = vec_dot(n, l->fill);
		float sf = vec_dot(s, l->fill), nu = vec_dot(n, l->up), su = vec_dot(s, l->up);
		float nv = vec_dot(n, v), nh = vec_dot(n, h), open = b->attribute[SKY][i];
		float lit = b->lit[i], shade = lit * (1 - lit), half_open = 0.5f + 0.5f * open;
		float gloss = b->gloss[i], rim = fresnel(0, nv) * 0.4f * gloss * open;
		float shine = gloss * fresnel(.028f, vec_dot(v, h)) * approx_max(nk, 0) * lit *
			      (0.6f * highlight(nh, 20) + 0.4f * highlight(nh, 70));
		float fill_shine = gloss * fresnel(.028f, vec_dot(v, hf)) * approx_max(nf, 0) *
				   half_open * highlight(vec_dot(n, hf), 14);

#pragma GCC unroll 4
		for (int band = 0; band < LANESIM_BANDS; band++) {
			float key = wrapped(approx_mix(nk, sk, soft[band]), wrap[band]) *
				    (lit + bleed[band] * shade);
			float fill = wrapped(approx_mix(nf, sf, soft[band]), wrap[band] + 0.4f) *
				     half_open;
			float above = 0.5f + 0.5f * approx_mix(nu, su, soft[band]);

			b->out[band][i] =
				b->albedo[band][i] *
					(l->key_power[band] * key + l->fill_power[band] * fill +
					 approx_mix(l->ground[band], l->sky[band], above) * open) +
				l->key_power[band] * shine + l->fill_power[band] * fill_shine +
				l->sky[band] * rim;
		}
	}
}

/* Brightness by the angle to the strand (Kajiya and Kay); two shifted highlights (Marschner). */
static void hair(struct block *restrict b, const struct lights *l)
{
	for (int i = 0; i < BLOCK; i++) {
		struct vec n = lane_normal(b, i), v = lane_eye(b, l, i);
		struct vec t = vec_make(b->strand[0][i], b->strand[1][i], b->strand[2][i]);
		struct vec h = vec_unit(vec_add(v, l->key)), first, second;
		float open = b->attribute[SKY][i], lit = b->lit[i], nk = vec_dot(n, l->key);
		float tk, c1, c2, side, above = 0.5f + 0.5f * vec_dot(n, l->up), key, fill, white,
					own;

		t = vec_unit(vec_along(t, n, -vec_dot(t, n)));
		first = vec_unit(vec_along(t, n, .1f));
		second = vec_unit(vec_along(t, n, -.15f));
		tk = vec_dot(t, l->key);
		c1 = vec_dot(first, h);
		c2 = vec_dot(second, h);
		side = wrapped(nk, 0.3f);
		key = (0.5f * side + 0.5f * sqrtf(approx_max(1 - tk * tk, 0)) * side) * lit;
		fill = wrapped(vec_dot(n, l->fill), 0.5f) * (0.5f + 0.5f * open);
		white = 0.16f * b->gloss[i] * side * lit * approx_pow(1 - c1 * c1, 40);
		own = 0.9f * b->gloss[i] * side * lit * approx_pow(1 - c2 * c2, 9);
#pragma GCC unroll 4
		for (int band = 0; band < LANESIM_BANDS; band++)
			b->out[band][i] =
				b->albedo[band][i] *
					(l->key_power[band] * (key + own) +
					 l->fill_power[band] * fill +
					 approx_mix(l->ground[band], l->sky[band], above) * open) +
				l->key_power[band] * white +
				0.02f * b->gloss[i] * open * l->sky[band];
	}
}

/* Wet and polished things reflect their surroundings. */
static void gloss(struct block *restrict b, const struct lights *l, const struct surroundings *s,
		  const struct rigid *place, float least, float exponent)
{
	for (int i = 0; i < BLOCK; i++) {
		struct vec n = lane_normal(b, i), v = lane_eye(b, l, i);
		struct vec h = vec_unit(vec_add(v, l->key));
		float nv = vec_dot(n, v), nk = vec_dot(n, l->key), open = b->attribute[SKY][i];
		struct vec r = rigid_turn(place, vec_sub(vec_scale(n, 2 * nv), v));
		float key = approx_max(nk, 0) * b->lit[i], above = 0.5f + 0.5f * vec_dot(n, l->up);
		float fill = wrapped(vec_dot(n, l->fill), 0.5f) * (0.5f + 0.5f * open);
		float shine = b->gloss[i] * fresnel(least, vec_dot(v, h)) * key *
			      highlight(vec_dot(n, h), exponent);
		float mirror = b->gloss[i] * fresnel(least, nv) * open, sky, ground;

		reflect(s, r, &sky, &ground);
#pragma GCC unroll 4
		for (int band = 0; band < LANESIM_BANDS; band++)
			b->out[band][i] =
				b->albedo[band][i] *
					(l->key_power[band] * key + l->fill_power[band] * fill +
					 approx_mix(l->ground[band], l->sky[band], above) * open) +
				l->key_power[band] * shine +
				mirror * (sky * l->sky[band] + ground * l->ground[band]);
	}
}

/* ---- clear ----------------------------------------------------------------------------------- */

/* out: what is reflected; albedo: what is let through. */
static void clear(struct block *restrict b, const struct lights *l, const struct surroundings *s,
		  const struct rigid *place)
{
	for (int i = 0; i < BLOCK; i++) {
		struct vec n = lane_normal(b, i), v = lane_eye(b, l, i);
		struct vec h = vec_unit(vec_add(v, l->key));
		float nv = vec_dot(n, v), both = fresnel(.04f, nv), through, sky, ground;
		struct vec r = rigid_turn(place, vec_sub(vec_scale(n, 2 * nv), v));
		float shine = b->gloss[i] * fresnel(.04f, vec_dot(v, h)) * b->lit[i] *
			      approx_max(vec_dot(n, l->key), 0) * highlight(vec_dot(n, h), 500);

		both = 2 * both / (1 + both); /* from either face of the pane */
		through = 1 - both;
		reflect(s, r, &sky, &ground);
#pragma GCC unroll 4
		for (int band = 0; band < LANESIM_BANDS; band++) {
			b->albedo[band][i] *= through;
			b->out[band][i] = l->key_power[band] * shine +
					  b->gloss[i] * both *
						  (sky * l->sky[band] + ground * l->ground[band]);
		}
	}
}

/* ---- entry ----------------------------------------------------------------------------------- */

static void set_lights(struct lights *l, const struct lanesim_light *light,
		       const struct lanesim_material *material)
{
	l->key = material->key;
	l->fill = material->fill;
	l->up = material->up;
	l->eye = material->eye;
	memcpy(l->key_power, light->key_power, sizeof(l->key_power));
	memcpy(l->fill_power, light->fill_power, sizeof(l->fill_power));
	memcpy(l->sky, light->sky, sizeof(l->sky));
	memcpy(l->ground, light->ground, sizeof(l->ground));
}

static void light_block(struct block *b, const struct lights *l, const struct surroundings *s,
			const struct lanesim_material *material)
{
	switch (material->surface->shine) {
	case LANESIM_SKIN:
		skin(b, l);
		break;
	case LANESIM_HAIR:
		hair(b, l);
		break;
	case LANESIM_WET:
		gloss(b, l, s, &material->place, .025f, 300);
		break;
	case LANESIM_POLISH:
		gloss(b, l, s, &material->place, .05f, 400);
		break;
	case LANESIM_CLEAR:
		clear(b, l, s, &material->place);
		break;
	case LANESIM_MATTE:
		matte(b, l);
		break;
	}
}

static void store(const struct block *b, const struct lanesim_material *material,
		  const struct lanesim_strip *strip)
{
	for (uint32_t i = 0; i < b->n; i++) {
		const struct lanesim_fragment *fragment = b->fragment[i];
		float *radiance = strip->radiance + (size_t)fragment->pixel * LANESIM_BANDS;

		for (int band = 0; band < LANESIM_BANDS; band++)
			radiance[band] += fragment->weight * b->out[band][i];
		if (fragment->centre) {
			strip->depth[fragment->pixel] = b->depth[i];
			strip->id[fragment->pixel] = material->id;
		}
	}
}

static void overlay(const struct block *b, const struct lanesim_strip *strip)
{
	for (uint32_t i = 0; i < b->n; i++) {
		const struct lanesim_fragment *fragment = b->fragment[i];
		float *radiance = strip->radiance + (size_t)fragment->pixel * LANESIM_BANDS;
		float w = fragment->weight;

		for (int band = 0; band < LANESIM_BANDS; band++)
			radiance[band] = radiance[band] * (1 - w + w * b->albedo[band][i]) +
					 w * b->out[band][i];
	}
}

void LANESIM_ISA_NAME(lanesim_shade)(const struct lanesim_faces *faces,
				     const struct lanesim_light *light,
				     const struct lanesim_material *material,
				     const struct lanesim_fragment *fragments,
				     const uint32_t *order, uint32_t n,
				     const struct lanesim_strip *strip)
{
	struct surroundings s;
	struct lights l;
	struct block b;

	set_lights(&l, light, material);
	set_surroundings(&s, light);
	for (uint32_t at = 0; at < n; at += BLOCK) {
		b.n = n - at < BLOCK ? n - at : BLOCK;
		for (uint32_t i = 0; i < BLOCK; i++)
			b.fragment[i] = fragments + order[at + (i < b.n ? i : b.n - 1)];
		block_fill(&b, faces, material, light->shadow);
		light_block(&b, &l, &s, material);
		store(&b, material, strip);
	}
}

void LANESIM_ISA_NAME(lanesim_glaze)(const struct lanesim_faces *faces,
				     const struct lanesim_light *light,
				     const struct lanesim_material *material,
				     const struct lanesim_fragment *fragments, uint32_t n,
				     const struct lanesim_strip *strip)
{
	struct surroundings s;
	struct lights l;
	struct block b;

	set_lights(&l, light, material);
	set_surroundings(&s, light);
	for (uint32_t at = 0; at < n; at += BLOCK) {
		b.n = n - at < BLOCK ? n - at : BLOCK;
		for (uint32_t i = 0; i < BLOCK; i++)
			b.fragment[i] = fragments + at + (i < b.n ? i : b.n - 1);
		block_fill(&b, faces, material, light->shadow);
		light_block(&b, &l, &s, material);
		overlay(&b, strip);
	}
}
