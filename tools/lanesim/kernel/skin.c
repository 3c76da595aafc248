/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Skin as paint: each pass adds to a row of quantities that the last one turns into texels. Loops
 * have no branches, so that the compiler makes vectors of them.
 */
#include "lanesim/person/skin.h"

#include "lanesim/kernel.h"
#include "lanesim/person/face.h"
#include "lanesim/person/skin_tone.h"
#include "lanesim/render/noise.h"

#define GET(name) face_get(identity, LANESIM_P_##name)
#define N LANESIM_SKIN_COLUMNS_MAX

struct paint {
	float ax[N], front[N]; /* |x|; 1 on the face … 0 behind the ears */
	float melanin[N], red[N], shade[N], gloss[N], cover[N];
	float pigment[N]; /* a smooth field, about N(0, 1) */
	float lip[N];  /* share of lip */
	float hair[N]; /* share of hair of the scalp's or the beard's colour */
	float brow[N]; /* share of brow or lash, a little darker */
};

/* Layers of noise, each a field of its own. */
enum { BLOTCH_1 = 1, BLOTCH_2, FLUSH, FRECKLE_1, FRECKLE_2, PORE, WOBBLE, STROKE, STUBBLE, BEARD_1,
       BEARD_2, FRINGE, LIP_LINES };

static float size_of(float x)
{
	return x < 0 ? -x : x;
}

static void ground(const struct lanesim_identity *identity, const struct lanesim_skin_row *row,
		   struct paint *p)
{
	float y = row->y, s = identity->texture_seed, pores = 0.05f * GET(PORES);
	float blotch = 0.035f * GET(BLOTCH), flush = 0.3f * GET(BLOTCH);

	for (uint32_t i = 0; i < row->n; i++) {
		float across = row->angle[i] * 7;
		float b = noise_plane(across * 0.35f + s, y * 0.35f, BLOTCH_1) +
			  0.5f * noise_plane(across * 0.8f + s, y * 0.8f, BLOTCH_2) - 0.75f;
		float f = noise_plane(across * 0.9f + s, y * 0.9f, FLUSH) - 0.5f;

		p->ax[i] = size_of(row->x[i]);
		p->front[i] = approx_step(0, 3, row->z[i]);
		p->melanin[i] = GET(MELANIN) + blotch * b;
		p->red[i] = flush * f;
		p->shade[i] = 1 + pores * (noise_plane(across * 9 + s, y * 9, PORE) - 0.5f);
		p->gloss[i] = 0.45f + 0.4f * GET(OIL);
		p->cover[i] = 1;
		p->lip[i] = p->hair[i] = p->brow[i] = 0;
	}
}

static void flushes(const struct lanesim_identity *identity, const struct lanesim_skin_row *row,
		    struct paint *p)
{
	float y = row->y, red = GET(REDNESS), circles = GET(CIRCLES);
	float cheek = 0.8f * red * approx_bump((y + 3.5f) / 1.6f);
	float nose = 0.7f * red * approx_bump((y + 4.3f) / 0.9f);
	float chin = 0.3f * red * approx_bump((y + 10.2f) / 0.9f);
	float below = (0.05f + 0.09f * circles) * approx_bump((y + 0.85f) / 0.6f);
	float above = (0.08f + 0.04f * circles) * approx_bump((y - 0.5f) / 0.55f);
	float oily = 0.4f * GET(OIL) * approx_bump((y + 2.5f) / 2.8f) +
		     0.25f * approx_bump((y - 4) / 2.2f);

	face_field_row(&identity->pigment, y, row->x, 0, p->pigment, row->n);
	for (uint32_t i = 0; i < row->n; i++) {
		float ax = p->ax[i], f = p->front[i], pigment = p->pigment[i];

		p->melanin[i] += f * (0.03f * pigment + below * approx_bump((ax - 2.8f) / 1.4f) +
				      above * approx_bump((ax - 2.9f) / 1.6f));
		p->red[i] += f * (cheek * approx_bump((ax - 3.9f) / 1.7f) +
				  nose * approx_bump(ax / 1.2f) + chin * approx_bump(ax / 1.4f) +
				  0.1f * pigment);
		p->gloss[i] += f * oily * approx_bump(ax / 2.2f);
	}
}

static void freckles(const struct lanesim_identity *identity, const struct lanesim_skin_row *row,
		     struct paint *p)
{
	float y = row->y, s = identity->texture_seed, amount = 0.09f * GET(FRECKLES);
	float height = approx_bump((y + 2.6f) / 2.2f);

	for (uint32_t i = 0; i < row->n; i++) {
		float n = 0.6f * noise_plane(row->x[i] * 4.2f + s, y * 4.2f, FRECKLE_1) +
			  0.4f * noise_plane(row->x[i] * 8 + s, y * 8, FRECKLE_2);

		p->melanin[i] += amount * p->front[i] * approx_step(0.5f, 0.75f, n) *
				 (0.2f + height * approx_bump((p->ax[i] - 2.4f) / 2.8f));
	}
}

/* Lines of the forehead, between the brows, at the eyes' corners, from nose to mouth. */
static void wrinkles(const struct lanesim_identity *identity, const struct lanesim_skin_row *row,
		     struct paint *p)
{
	float y = row->y, s = identity->texture_seed, age = GET(WRINKLES);
	float lines = 0.2f * approx_step(0.15f, 0.7f, age);
	float frown = 0.2f * approx_step(0.25f, 0.8f, age) * approx_bump((y - 1.9f) / 1);
	float crow = 0.2f * age;
	float fold = 0.16f * GET(NASOLABIAL) * approx_step(-3.9f, -4.8f, y) *
		     approx_step(-8.4f, -7, y);

	for (uint32_t i = 0; i < row->n; i++) {
		float x = row->x[i], ax = p->ax[i], dark = 0;
		float wave = y - 0.35f * noise_plane(x * 0.5f + s, 0, WOBBLE) -
			     0.1f * approx_sin(x * 0.7f);
		float out = ax - 4.75f, centre = approx_step(4.6f, 2.6f, ax);

#pragma GCC unroll 4
		for (int k = 0; k < 4; k++)
			dark += lines * centre * (0.6f + 0.13f * (float)k) *
				approx_bump((wave - 3.3f - 0.95f * (float)k) / 0.11f);
#pragma GCC unroll 4
		for (int k = -1; k <= 1; k++)
			dark += crow * approx_step(0, 0.3f, out) * approx_step(1.4f, 0.7f, out) *
				approx_bump((y + 0.1f - 0.38f * (float)k - 0.35f * (float)k * out) /
					    0.08f);
		dark += frown * approx_bump((ax - 0.45f - 0.08f * y) / 0.1f);
		dark += fold * approx_bump((face_fold(ax, y) + 0.03f) / 0.15f);
		p->shade[i] *= 1 - p->front[i] * approx_min(dark, 0.45f);
	}
}

static void nostrils(const struct lanesim_identity *identity, const struct lanesim_skin_row *row,
		     struct paint *p)
{
	float base = FACE_NOSE_BASE + 0.35f * GET(TIP_TURN), wide = GET(NOSTRIL);
	float at = 0.66f * GET(ALA_WIDTH), y = row->y - base - 0.3f;

	for (uint32_t i = 0; i < row->n; i++) {
		float a = (p->ax[i] - at) / (0.36f * wide),
		      b = (y - 0.12f * (p->ax[i] - at)) / 0.15f;
		float hole = approx_exp2(-1.2f * (a * a * a * a + b * b));
		float crease = approx_bump((p->ax[i] - 1.95f * GET(ALA_WIDTH)) / 0.16f) *
			       approx_bump((row->y + 4.7f) / 0.45f);

		p->shade[i] *= 1 - p->front[i] * (0.8f * hole + 0.18f * crease);
		p->gloss[i] *= 1 - hole;
	}
}

static void lips(const struct lanesim_identity *identity, const struct lanesim_skin_row *row,
		 struct paint *p)
{
	float y = row->y, s = identity->texture_seed;
	float seam = 0.62f * approx_bump((y - FACE_MOUTH) / 0.075f);

	for (uint32_t i = 0; i < row->n; i++) {
		float x = approx_clamp(row->x[i], -FACE_MOUTH_X, FACE_MOUTH_X), ax = p->ax[i];
		float in = approx_min(face_lip_upper(identity, x) - y,
				      y - face_lip_lower(identity, x));
		float m = p->front[i] * approx_step(-0.07f, 0.07f, in) *
			  approx_step(FACE_MOUTH_X + 0.03f, FACE_MOUTH_X - 0.2f, ax);
		float fine = noise_plane(row->x[i] * 5 + s, y * 0.8f, LIP_LINES) - 0.5f;
		float corner = approx_bump((ax - FACE_MOUTH_X) / 0.22f) *
			       approx_bump((y - FACE_MOUTH) / 0.14f);

		p->lip[i] = m;
		p->shade[i] *= 1 - p->front[i] * (0.4f * corner +
						  seam * approx_step(FACE_MOUTH_X,
								     FACE_MOUTH_X - 0.5f, ax));
		p->shade[i] *= 1 + 0.1f * m * fine;
		p->gloss[i] += 0.35f * m;
	}
}

/* The opening between the lids is a hole in the skin; lashes darken its rim. */
static void lids(const struct lanesim_identity *identity, const struct lanesim_skin_row *row,
		 struct paint *p)
{
	float y = row->y, width = GET(EYE_WIDTH);

	for (uint32_t i = 0; i < row->n; i++) {
		float u = (p->ax[i] - FACE_EYE_X) / width, e = approx_clamp(u, -1, 1);
		float up = y - face_lid_upper(identity, e), low = face_lid_lower(identity, e) - y;
		float out = approx_max(approx_max(up, low), (size_of(u) - 1) * width);
		float in_reach = p->front[i] * approx_step(1.12f, 0.96f, size_of(u));
		float lash = approx_bump((up - 0.03f) / 0.11f) * approx_step(-1.05f, -0.6f, u);
		float crease = up - GET(CREASE) * (1 - 0.2f * e);

		p->cover[i] = approx_clamp(0.5f + out * 8, 0, 1);
		p->brow[i] = approx_max(
			p->brow[i],
			in_reach * (0.85f * lash + 0.4f * approx_bump((low - 0.02f) / 0.07f)));
		p->shade[i] *= 1 - 0.22f * in_reach * (1 - GET(HOOD)) * approx_bump(crease / 0.09f);
		p->red[i] += 0.5f * in_reach * approx_bump(out / 0.12f);
	}
}

static void brows(const struct lanesim_identity *identity, const struct lanesim_skin_row *row,
		  struct paint *p)
{
	float y = row->y, s = identity->texture_seed, length = GET(BROW_LENGTH);

	for (uint32_t i = 0; i < row->n; i++) {
		float ax = p->ax[i], t = (ax - GET(BROW_GAP)) / length;
		float bow = approx_bump((t - 0.62f) / 0.5f) - 0.25f;
		float d = y - (1.38f + GET(BROW_OFFSET) + 0.85f * GET(BROW_ARCH) * bow +
			       1.6f * GET(BROW_TILT) * (t - 0.4f));
		float half = GET(BROW_THICK) * (0.35f + 0.65f * approx_step(1, 0.35f, t)) *
			     (0.8f + 0.2f * approx_step(-0.02f, 0.2f, t));
		float lean = ax - d * approx_mix(-0.4f, 1.6f, approx_clamp(t * 1.5f, 0, 1));
		float stroke = noise_plane(lean * 6.5f + s, d * 1.3f + (row->x[i] < 0 ? 40 : 0),
					   STROKE);
		float soft = approx_step(half * 1.35f, half * 0.5f, size_of(d)) *
			     approx_step(-0.05f, 0.12f, t) * approx_step(1.04f, 0.8f, t);
		float m = approx_clamp(soft * 1.5f - 0.55f * (1 - stroke), 0, 1);

		p->brow[i] = approx_max(p->brow[i], p->front[i] * m * GET(BROW_DENSITY));
	}
}

/* How much of each kind of beard is worn. */
struct growth {
	float moustache, goatee, full;
};

/* Where it grows: 0 … 1. */
static inline __attribute__((always_inline)) float
beard_at(const struct lanesim_identity *identity, struct growth growth, float x, float ax, float y,
	 float z)
{
	float on = approx_clamp(x, -FACE_MOUTH_X, FACE_MOUTH_X);
	float below = face_lip_lower(identity, on) - y;
	float off_lips = approx_step(-0.02f, 0.14f,
				     approx_max(y - face_lip_upper(identity, on), below));
	float beside = approx_step(FACE_MOUTH_X - 0.1f, FACE_MOUTH_X + 0.1f, ax);
	float moustache = approx_step(-5.4f, -5.95f, y + 0.2f * approx_step(0.4f, 2.4f, ax)) *
			  approx_step(3.1f, 2.2f, ax + 0.25f * (y + 6)) *
			  approx_step(-8.1f, -7.3f, y);
	float goatee = approx_step(2.6f, 1.8f, ax) * approx_step(-8.2f, -9, y) +
		       approx_step(0.5f, 0.15f, size_of(ax - 2.75f)) *
			       approx_step(-5.9f, -6.7f, y) * approx_step(-10.5f, -9.2f, y);
	float line = approx_mix(-6.4f, -1.6f, approx_step(2.2f, 6.6f, ax));
	float cheek = approx_step(0.5f, -1.3f, y - line) * approx_step(2.2f, 3.2f, ax) *
		      approx_step(0.2f, 1.8f, z);
	float under = approx_step(0.25f, 0.8f, below) * approx_step(0.2f, 2, z) *
		      approx_step(3.7f, 2.9f, ax);
	float m;

	goatee = approx_min(goatee, 1);
	m = approx_max(approx_max(growth.moustache * moustache, growth.goatee * goatee),
		       growth.full * approx_max(cheek, under));
	return m * approx_max(off_lips, beside);
}

static void beard(const struct lanesim_identity *identity, const struct lanesim_skin_row *row,
		  struct paint *p)
{
	/* By enum lanesim_beard: none, shadow, moustache, goatee, full. */
	static const struct growth styles[LANESIM_BEARDS] = {
		{ 0, 0, 0 },	   { .5f, .5f, .5f },	 { .95f, 0, 0 },
		{ .95f, .95f, 0 }, { .95f, .95f, .95f },
	};
	const struct growth grown = styles[identity->beard], all = { 1, 1, 1 };
	float y = row->y, s = identity->texture_seed, shadow = 0.3f * GET(STUBBLE);

	for (uint32_t i = 0; i < row->n; i++) {
		float x = row->x[i], across = row->angle[i] * 7;
		float strand = 0.55f * noise_plane(across * 6 + 0.6f * y + s, y * 1.9f, BEARD_1) +
			       0.45f * noise_plane(across * 12 + s, y * 4, BEARD_2);
		float dots = noise_plane(across * 10 + s, y * 10, STUBBLE);
		float cover =
			approx_clamp(beard_at(identity, grown, x, p->ax[i], y, row->z[i]) * 1.55f -
					     0.45f * (1 - strand) - 0.12f,
				     0, 1);

		cover = approx_max(cover, beard_at(identity, all, x, p->ax[i], y, row->z[i]) *
						  shadow * (0.55f + 0.7f * dots));
		p->hair[i] = approx_max(p->hair[i], cover * approx_step(-1, 1, row->z[i]));
		p->gloss[i] *= 1 - 0.8f * cover;
	}
}

static void scalp(const struct lanesim_identity *identity, const struct lanesim_skin_row *row,
		  struct paint *p)
{
	float s = identity->texture_seed;
	float dense = identity->hair == LANESIM_HAIR_CROPPED ? 0.6f :
		      identity->hair == LANESIM_HAIR_NONE    ? 0.3f : 0.88f;

	for (uint32_t i = 0; i < row->n; i++) {
		float n = noise_plane(row->angle[i] * 70 + s, row->y * 2.2f, FRINGE) - 0.5f;
		float m = dense * approx_step(-0.45f, 0.4f, row->scalp[i] + 0.5f * n);

		p->hair[i] = approx_max(p->hair[i], m);
		p->gloss[i] *= 1 - m;
	}
}

static void moles(const struct lanesim_identity *identity, const struct lanesim_skin_row *row,
		  struct paint *p)
{
	for (int k = 0; k < LANESIM_MOLES; k++) {
		float r = identity->mole[k].radius, dy = row->y - identity->mole[k].y;

		if (r <= 0 || size_of(dy) > 1.5f * r)
			continue;
		for (uint32_t i = 0; i < row->n; i++) {
			float dx = row->x[i] - identity->mole[k].x;
			float m = approx_step(1.3f * r, 0.7f * r, sqrtf(dx * dx + dy * dy));

			p->shade[i] *= 1 - 0.65f * p->front[i] * m;
		}
	}
}

static uint16_t share(float x)
{
	return (uint16_t)(int32_t)(approx_clamp(x, 0, 1) * 65535 + 0.5f);
}

static void compose(const struct lanesim_identity *identity, const struct paint *p, uint32_t n,
		    struct lanesim_texel *out)
{
	const float *hair = identity->hair_albedo;
	float lip_red = GET(LIP_RED), lip_dark = GET(LIP_DARK), yellow = GET(YELLOW);
	/* Brows are darker than light hair, lighter than nothing. */
	float b0 = 0.6f * hair[0] + 0.004f, b1 = 0.55f * hair[1] + 0.003f;
	float b2 = 0.5f * hair[2] + 0.003f, b3 = 0.6f * hair[3] + 0.02f;

	for (uint32_t i = 0; i < n; i++) {
		float lip = p->lip[i], red = p->red[i] + lip * (1.2f + 1.5f * lip_red),
		      k = p->shade[i];
		float m = approx_clamp(p->melanin[i] + 0.16f * lip * lip_dark, 0, 1.05f);
		float r = skin_tone_red(m) * (1 + 0.07f * red - 0.28f * lip) * k;
		float g = skin_tone_green(m) * (1 - 0.14f * approx_min(red, 3) + 0.02f * yellow) *
			  k;
		float b = skin_tone_blue(m) * (1 - 0.12f * approx_min(red, 3) - 0.1f * yellow) * k;
		float nir = skin_tone_nir(m) * (1 - 0.12f * lip) * k;
		float h = p->hair[i], w = p->brow[i];

		r = approx_mix(approx_mix(r, 0.8f * hair[0], h), b0, w);
		g = approx_mix(approx_mix(g, 0.8f * hair[1], h), b1, w);
		b = approx_mix(approx_mix(b, 0.8f * hair[2], h), b2, w);
		nir = approx_mix(approx_mix(nir, 0.8f * hair[3], h), b3, w);
		out[i].albedo[LANESIM_R] = share(r);
		out[i].albedo[LANESIM_G] = share(g);
		out[i].albedo[LANESIM_B] = share(b);
		out[i].albedo[LANESIM_NIR] = share(nir);
		out[i].gloss = share(approx_min(p->gloss[i], 1.6f) * 0.6f * (1 - w));
		out[i].cover = share(p->cover[i]);
	}
}

void LANESIM_ISA_NAME(lanesim_skin_row)(const struct lanesim_identity *identity,
					const struct lanesim_skin_row *row,
					struct lanesim_texel *out)
{
	struct paint p;
	float y = row->y;

	ground(identity, row, &p);
	if (y < 9)
		flushes(identity, row, &p);
	if (GET(FRECKLES) > 0 && y < 5)
		freckles(identity, row, &p);
	if (y < 7.5f)
		wrinkles(identity, row, &p);
	if (y < FACE_NOSE_BASE + 1.5f && y > FACE_NOSE_BASE - 1)
		nostrils(identity, row, &p);
	if (y < FACE_MOUTH + 1.6f && y > FACE_MOUTH - 1.8f)
		lips(identity, row, &p);
	if (y < 2 && y > -1.5f)
		lids(identity, row, &p);
	if (y < 4 && y > 0)
		brows(identity, row, &p);
	if (y < 0 && identity->robust > 0 && identity->age > 0.12f)
		beard(identity, row, &p);
	scalp(identity, row, &p);
	moles(identity, row, &p);
	compose(identity, &p, row->n, out);
}
