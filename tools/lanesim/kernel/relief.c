/* SPDX-License-Identifier: Apache-2.0 */
/* The shape of a head, a row of points of one height at a time. */
#include "lanesim/kernel.h"

#include "lanesim/person/face.h"
#include "lanesim/render/vec.h"

#define GET(name) face_get(identity, LANESIM_P_##name)

/* Half width, front, widest and back of the head's section at heights y, top down. */
static const float sections[][5] = {
	{ 11.4f, 0, -.8f, -.8f, -.8f },
	{ 11.05f, 2.7f, 2.3f, -.9f, -4 },
	{ 10.1f, 4.7f, 5.1f, -.8f, -6.8f },
	{ 8.6f, 6.1f, 7.05f, -.6f, -8.4f },
	{ 6.6f, 6.95f, 8.2f, -.5f, -9.4f },
	{ 4.6f, 7.2f, 8.85f, -.5f, -9.8f },
	{ 2.6f, 7.2f, 9.1f, -.2f, -9.8f },
	{ 1, 7.1f, 9, .2f, -9.4f },
	{ -.6f, 7.05f, 8.8f, .5f, -8.8f },
	{ -2.6f, 6.95f, 8.65f, .9f, -7.8f },
	{ -4.6f, 6.6f, 8.6f, 1.1f, -6.5f },
	{ -6.5f, 6.15f, 8.58f, 1.3f, -4.9f },
	{ -8.3f, 5.45f, 8.5f, 1.7f, -3 },
	{ -9.7f, 4.55f, 8.3f, 2.4f, -1.2f },
	{ -10.7f, 3.65f, 8, 3.2f, .5f },
	{ -11.4f, 2.6f, 7.4f, 4, 2.1f },
	{ -11.85f, 1.2f, 6.7f, 4.8f, 3.4f },
	{ -12, 0, 5.8f, 5.8f, 5.8f },
};

enum { SECTIONS = sizeof(sections) / sizeof(sections[0]) };

static float slope(int i, int k)
{
	int above = i > 0 ? i - 1 : 0, below = i < SECTIONS - 1 ? i + 1 : i;

	return (sections[below][k] - sections[above][k]) /
	       (sections[below][0] - sections[above][0]);
}

/* Cubic between the sections; a circle's arc in the first and last interval, at the poles. */
static void section_at(float y, float ret[4])
{
	int i = 0;
	float h, t, t2, t3;

	while (i < SECTIONS - 2 && y < sections[i + 1][0])
		i++;
	h = sections[i + 1][0] - sections[i][0];
	t = approx_clamp((y - sections[i][0]) / h, 0, 1);
	t2 = t * t;
	t3 = t2 * t;
	for (int k = 1; k < 5; k++) {
		float a = sections[i][k], b = sections[i + 1][k];

		if (i == 0)
			ret[k - 1] = approx_mix(a, b, sqrtf(t));
		else if (i == SECTIONS - 2)
			ret[k - 1] = approx_mix(a, b, 1 - sqrtf(1 - t));
		else
			ret[k - 1] = (2 * t3 - 3 * t2 + 1) * a +
				     (t3 - 2 * t2 + t) * h * slope(i, k) + (3 * t2 - 2 * t3) * b +
				     (t3 - t2) * h * slope(i + 1, k);
	}
}

/* Superellipses, a little squarer than circles. */
#define SQUARENESS 2.25f

void LANESIM_ISA_NAME(lanesim_skull_row)(float y, const float *angle, float *x, float *z,
					 uint32_t n)
{
	float s[4];

	section_at(y, s);
	for (uint32_t i = 0; i < n; i++) {
		float sn = approx_sin(angle[i]), cs = approx_cos(angle[i]);
		float side = approx_pow(sn < 0 ? -sn : sn, 2 / SQUARENESS);
		float front = approx_pow(approx_max(cs, 0), 2 / SQUARENESS);
		float back = approx_pow(approx_max(-cs, 0), 0.95f);

		x[i] = s[0] * side * (sn < 0 ? -1.0f : 1.0f);
		z[i] = s[2] + (s[1] - s[2]) * front + (s[3] - s[2]) * back;
	}
}

/* ---- features: how far the skin stands out towards +z --------------------------------------- */

static void forehead(const struct lanesim_identity *identity, float y, const float *x, float *d,
		     uint32_t n)
{
	float slant = GET(FOREHEAD_SLOPE) * 0.6f * approx_step(2.2f, 9, y);
	float brow = GET(BROW_RIDGE) * approx_bump((y - 1.75f) / 0.75f);
	float glabella = 0.5f * GET(BROW_RIDGE) * approx_bump((y - 1.6f) / 0.8f);
	float temple = GET(TEMPLE_HOLLOW) * approx_bump((y - 2.2f) / 2.2f);

	for (uint32_t i = 0; i < n; i++) {
		float ax = x[i] < 0 ? -x[i] : x[i];

		d[i] -= slant * approx_step(8, 3, ax);
		d[i] += brow * approx_bump((ax - 2.6f) / 1.9f) + glabella * approx_bump(ax);
		d[i] -= temple * approx_bump((ax - 6.2f) / 1.3f);
	}
}

/* Sockets, and lids that lie on the eyeball: @z is the skull's surface. */
static void eyes(const struct lanesim_identity *identity, float y, const float *x, const float *z,
		 float *d, uint32_t n)
{
	float deep = GET(EYE_DEPTH), centre = face_eye_z(identity);
	float socket = (0.85f + 0.4f * deep) * approx_bump((y - 0.1f) / 1.05f);
	float corner = (0.55f + 0.3f * deep) * approx_bump((y - 0.25f) / 0.85f);
	float radius = FACE_EYE_RADIUS + 0.13f, width = GET(EYE_WIDTH), hood = GET(HOOD);
	float bag = GET(BAG), trough = 0.14f * (1 + bag) * approx_bump((y + 1.55f) / 0.35f);

	for (uint32_t i = 0; i < n; i++) {
		float ax = x[i] < 0 ? -x[i] : x[i], dx = ax - FACE_EYE_X, u = dx / width;
		float s = z[i] + d[i] - socket * approx_bump((ax - 3) / 1.75f) -
			  corner * approx_bump((ax - 1.65f) / 0.6f);
		float ball = radius * radius - dx * dx - y * y;
		float on_ball = centre + sqrtf(approx_max(ball, 0));
		float edge = approx_clamp(u, -0.99f, 0.99f);
		float near_lids = approx_step(1.25f, 0.8f, u < 0 ? -u : u);
		float crease = y - face_lid_upper(identity, edge) -
			       GET(CREASE) * (1 - 0.2f * edge);
		float lower = y - face_lid_lower(identity, edge);

		s = ball > 0 ? approx_smooth_max(s, on_ball, 0.32f) : s;
		s -= near_lids * (1 - hood) * 0.13f * approx_bump(crease / 0.13f);
		s += near_lids * (0.03f + 0.24f * hood) * approx_bump((crease - 0.18f) / 0.3f);
		s += near_lids * (0.04f + 0.15f * bag) * approx_bump((lower + 0.55f) / 0.26f);
		s -= near_lids * (0.035f + 0.12f * bag) * approx_bump((lower + 0.98f) / 0.24f);
		d[i] = s - z[i] - trough * approx_bump((ax - 2.3f) / 0.8f);
	}
}

static void nose(const struct lanesim_identity *identity, float y, const float *x, float *d,
		 uint32_t n)
{
	float tip = FACE_TIP + GET(TIP_TURN), base = FACE_NOSE_BASE + 0.35f * GET(TIP_TURN);
	float t = approx_clamp((0.9f - y) / (0.9f - tip), 0, 1);
	float proj = GET(NOSE_PROJECTION), wing = GET(ALA_WIDTH);
	float ridge = approx_mix(0.6f * GET(BRIDGE_HEIGHT), 1.32f * proj, approx_pow(t, 1.15f)) +
		      0.36f * GET(NOSE_BUMP) * approx_bump((y + 1.2f) / 0.95f);
	float width = approx_mix(0.7f * GET(BRIDGE_WIDTH), 0.8f * approx_mix(1, wing, 0.5f), t * t);
	float ball = 0.9f * proj * approx_bump((y - tip) / 0.66f);
	float ball_width = 0.72f * GET(TIP_SIZE), wing_x = 1.34f * wing;
	float wings = 0.72f * approx_bump((y + 4.62f - 0.3f * GET(TIP_TURN)) / 0.5f);
	float groove = 0.2f * approx_bump((y + 4.75f) / 0.55f);
	float nostril = 0.24f * approx_bump((y - base - 0.26f) / 0.17f);
	/* The columella hangs lower than the wings, so the underside is an arch, not a shelf. */
	float columella = 0.42f * proj * approx_bump((y - base - 0.05f) / 0.34f);

	ridge *= y > 0.9f ? approx_bump((y - 0.9f) / 1.1f) : 1;
	for (uint32_t i = 0; i < n; i++) {
		float ax = x[i] < 0 ? -x[i] : x[i];
		float under = approx_step(tip + 0.35f,
					  base + 0.22f * approx_bump((ax - 0.7f) / 0.5f), y);
		float h = ridge * (1 - under), across = ax / width, wide = across / 1.75f;

		d[i] += h * (approx_exp2(-1.44269504f * across * across) +
			     0.35f * approx_exp2(-1.44269504f * wide * wide));
		d[i] += ball * approx_bump(ax / ball_width);
		d[i] += columella * approx_bump(ax / 0.3f);
		d[i] += wings * approx_bump((ax - wing_x) / 0.47f);
		d[i] -= groove * approx_bump((ax - wing_x - 0.72f) / 0.24f);
		d[i] -= nostril * approx_bump((ax - 0.62f * wing) / 0.28f);
	}
}

static void mouth(const struct lanesim_identity *identity, float y, const float *x, float *d,
		  uint32_t n)
{
	float muzzle = (0.45f + 0.45f * GET(MUZZLE)) * approx_bump((y + 7.1f) / 2);
	float philtrum = approx_bump((y + 5.98f) / 0.5f), full = GET(LIP_FULLNESS);
	float corner = 0.22f * approx_bump((y - FACE_MOUTH) / 0.4f);
	float upper = y > FACE_MOUTH ? (0.15f + 0.26f * GET(LIP_UPPER)) * full : 0;
	float lower = y > FACE_MOUTH ? 0 : (0.15f + 0.28f * GET(LIP_LOWER)) * full;
	float seam = 0.24f * approx_bump((y - FACE_MOUTH) / 0.16f);

	for (uint32_t i = 0; i < n; i++) {
		float ax = x[i] < 0 ? -x[i] : x[i];
		float inside = approx_max(1 - x[i] * x[i] / (FACE_MOUTH_X * FACE_MOUTH_X), 0);
		float at = approx_clamp(x[i], -FACE_MOUTH_X, FACE_MOUTH_X);
		float up = (y - FACE_MOUTH) / (face_lip_upper(identity, at) - FACE_MOUTH + 0.05f);
		float down = (FACE_MOUTH - y) / (FACE_MOUTH - face_lip_lower(identity, at) + 0.05f);
		float lip = upper * approx_bump((up - 0.55f) / 0.5f) +
			    lower * approx_bump((down - 0.55f) / 0.5f);

		d[i] += muzzle * approx_bump(ax / 2.5f);
		d[i] += philtrum * (0.06f * approx_bump((ax - 0.42f) / 0.2f) -
				    0.1f * approx_bump(ax / 0.22f));
		d[i] += lip * inside - seam * sqrtf(inside);
		d[i] -= corner * approx_bump((ax - FACE_MOUTH_X - 0.1f) / 0.35f);
	}
}

static void chin(const struct lanesim_identity *identity, float y, const float *x, float *d,
		 uint32_t n)
{
	float out = GET(CHIN_PROJECTION);
	float dip = (0.32f + 0.25f * out) * approx_bump((y + 9.05f) / 0.55f);
	float ball = (0.42f + 0.55f * out) * approx_bump((y + 10.35f) / 0.95f);
	float cleft = GET(CLEFT) * 0.22f * approx_bump((y + 10.5f) / 0.6f);
	float jowl = 0.45f * GET(JOWL) * approx_bump((y + 9.4f) / 1.1f);

	for (uint32_t i = 0; i < n; i++) {
		float ax = x[i] < 0 ? -x[i] : x[i];

		d[i] += ball * approx_bump(ax / (1.35f * GET(CHIN_WIDTH))) -
			dip * approx_bump(ax / 1.7f) - cleft * approx_bump(ax / 0.2f);
		d[i] += jowl * approx_bump((ax - 3.7f) / 1.2f);
	}
}

static void cheeks(const struct lanesim_identity *identity, float y, const float *x, float *d,
		   uint32_t n)
{
	float bone = (0.25f + 0.42f * GET(CHEEKBONE)) * approx_bump((y + 2.7f) / 1.5f);
	float apple = 0.35f * GET(CHEEK_FULL) * approx_bump((y + 4.2f) / 1.4f);
	float side = (0.65f * GET(CHEEK_FULL) - 0.55f * GET(CHEEK_HOLLOW)) *
		     approx_bump((y + 6.6f) / 1.8f);
	float fold = GET(NASOLABIAL) * approx_step(-3.7f, -4.8f, y) * approx_step(-8.8f, -7.2f, y);

	for (uint32_t i = 0; i < n; i++) {
		float ax = x[i] < 0 ? -x[i] : x[i], f = face_fold(ax, y);

		d[i] += bone * approx_bump((ax - 4.6f) / 1.9f) +
			apple * approx_bump((ax - 3.7f) / 1.5f) +
			side * approx_bump((ax - 4.6f) / 1.5f);
		d[i] += fold * (0.13f * approx_bump((f - 0.45f) / 0.45f) -
				0.14f * approx_bump(f / 0.19f));
	}
}

/* Depth 0 behind the ears. Above the brows only the forehead's shape counts. */
void LANESIM_ISA_NAME(lanesim_features_row)(const struct lanesim_identity *identity, float y,
					    const float *x, const float *z, float *d, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		d[i] = 0;
	forehead(identity, y, x, d, n);
	if (y < 5.5f) {
		eyes(identity, y, x, z, d, n);
		nose(identity, y, x, d, n);
		mouth(identity, y, x, d, n);
		chin(identity, y, x, d, n);
		cheeks(identity, y, x, d, n);
	}
	for (uint32_t i = 0; i < n; i++)
		d[i] *= approx_step(-2.2f, 1.5f, z[i]);
}

/* ---- the warp: from the canonical head to a person's ---------------------------------------- */

/* Slope at knot @i: of the line through its neighbours; level at both ends. */
static float slope_at(const float *knot, const float *value, int n, int i)
{
	return i == 0 || i == n - 1 ? 0 :
				      (value[i + 1] - value[i - 1]) / (knot[i + 1] - knot[i - 1]);
}

/* @value at heights @knot (top down), a cubic between them, constant outside. */
static float between(const float *knot, const float *value, int n, float y)
{
	int i = 0;
	float h, t, t2, t3;

	if (y >= knot[0])
		return value[0];
	while (i < n - 2 && y < knot[i + 1])
		i++;
	h = knot[i + 1] - knot[i];
	t = approx_min((y - knot[i]) / h, 1);
	t2 = t * t;
	t3 = t2 * t;
	return (2 * t3 - 3 * t2 + 1) * value[i] + (3 * t2 - 2 * t3) * value[i + 1] +
	       (t3 - 2 * t2 + t) * h * slope_at(knot, value, n, i) +
	       (t3 - t2) * h * slope_at(knot, value, n, i + 1);
}

/*
 * How much higher a feature lies than in the canonical face. The constants bring nose and mouth to
 * where people have them, about 0.6 and 1 distances between the eyes below the eyes
 * (docs/provenance.md).
 */
static float lift(const struct lanesim_identity *identity, float y)
{
	static const float knot[] = { 11.4f, 7, 1.9f, .3f, -.6f, FACE_TIP, FACE_NOSE_BASE,
				      FACE_MOUTH, FACE_CHIN };
	float nose = 0.58f - GET(NOSE_LENGTH), mouth = 1.38f - GET(NOSE_LENGTH) - GET(PHILTRUM);
	const float value[] = { 1.1f * GET(FOREHEAD_HEIGHT),
				0.9f * GET(FOREHEAD_HEIGHT),
				0.25f * GET(BROW_HEIGHT),
				0,
				0,
				nose,
				nose + 0.2f,
				mouth,
				mouth - 0.85f - GET(CHIN_HEIGHT) };

	return between(knot, value, 9, y);
}

/*
 * The same at the sides of the face, which no feature divides: evenly spread from eyes to chin, or
 * the cheeks would be creased where features lie closer together.
 */
static float lift_aside(const struct lanesim_identity *identity, float y)
{
	static const float knot[] = { 11.4f, 7, 1.9f, .3f, -5.5f, FACE_CHIN };
	float chin = lift(identity, FACE_CHIN);
	const float value[] = { 1.1f * GET(FOREHEAD_HEIGHT), 0.9f * GET(FOREHEAD_HEIGHT),
				0.25f * GET(BROW_HEIGHT), 0, 0.42f * chin, chin };

	return between(knot, value, 6, y);
}

static float widen(const struct lanesim_identity *identity, float y)
{
	static const float knot[] = { 9, 4, -1.5f, -4.5f, -8.2f, -10.8f, -12 };
	float head = GET(HEAD_WIDTH), cheek = GET(CHEEK_WIDTH), jaw = GET(JAW_WIDTH);
	const float value[] = { head,
				head * GET(FOREHEAD_WIDTH),
				head * cheek,
				head * approx_mix(cheek, jaw, 0.35f),
				head * jaw,
				head * approx_mix(jaw, GET(CHIN_WIDTH), 0.8f),
				head * GET(CHIN_WIDTH) };

	return between(knot, value, 7, y);
}

enum { COLUMNS_MAX = 256 };

#define WARP_ALONG 0.19f /* cm: amplitude of the fields along the face … */
#define WARP_DEPTH 0.13f /* … and across */

void LANESIM_ISA_NAME(lanesim_warp_row)(const struct lanesim_identity *identity, float y,
					const float *x, const float *z, const float *depth,
					struct vec *out, uint32_t n)
{
	float wide = widen(identity, y), size = identity->size;
	float up = lift(identity, y), aside = lift_aside(identity, y);
	float eye_y = approx_bump((y - 0.3f) / 1.9f);
	float wing = (GET(ALA_WIDTH) - 1) * 0.35f * approx_bump((y + 4.7f) / 0.9f);
	float lips = (GET(MOUTH_WIDTH) - 1) * approx_bump((y - FACE_MOUTH) / 1.7f);
	float curve = 0.35f * GET(MOUTH_CURVE) * approx_bump((y - FACE_MOUTH) / 0.9f);
	float gonial = 0.45f * GET(GONIAL) * approx_bump((y + 7.6f) / 1.8f);
	float nose_off = 0.18f * GET(ASYMMETRY_NOSE) * approx_bump((y + 3.6f) / 2.4f);
	float jaw_off = 0.22f * GET(ASYMMETRY_JAW) * approx_step(-6, -11, y);
	float eyes_off = 0.1f * GET(ASYMMETRY_EYES) * approx_bump((y - 0.6f) / 2.2f);
	float mouth_off = 0.14f * GET(ASYMMETRY_MOUTH) * approx_bump((y - FACE_MOUTH) / 1.2f);
	float low = approx_step(9, 3.5f, y);
	float vertical[COLUMNS_MAX], lateral[COLUMNS_MAX], deep[COLUMNS_MAX];

	face_field_row(&identity->vertical, y, x, 0, vertical, n);
	face_field_row(&identity->lateral, y, x, 1, lateral, n);
	face_field_row(&identity->depth, y, x, 0, deep, n);
	for (uint32_t i = 0; i < n; i++) {
		float ax = x[i] < 0 ? -x[i] : x[i], side = x[i] < 0 ? -1 : 1;
		float front = approx_step(-2, 3, z[i]), on = front * low, m = ax / FACE_MOUTH_X;
		/* The middle of the face keeps more of its width than the head's outline. */
		float scale = approx_mix(wide, 1 + (wide - 1) * 0.35f,
					 front * approx_bump(ax / 4.2f));
		float X = x[i] * scale, Z = z[i] + depth[i];
		float Y = y + approx_mix(up, aside, approx_step(2, 5, ax));

		X += front * side * GET(EYE_SPACING) * eye_y *
		     approx_bump((ax - FACE_EYE_X) / 1.9f);
		X += front * x[i] * (wing * approx_bump(ax / 2) + lips * approx_bump(ax / 3.6f));
		X += front * (nose_off * approx_bump(x[i] / 1.7f) + jaw_off);
		X += side * gonial * approx_step(4, 5.6f, ax);
		Y += front * curve * (m * m - 0.4f) * approx_bump(ax / 2.8f);
		Y += front * side *
		     (eyes_off * approx_bump((ax - FACE_EYE_X) / 2.2f) +
		      mouth_off * approx_bump((ax - 1.8f) / 1.6f));
		Y += on * WARP_ALONG * vertical[i];
		X += on * WARP_ALONG * lateral[i];
		Z += on * WARP_DEPTH * deep[i];
		Z = Z > 0 ? Z * GET(FACE_DEPTH) : Z;
		out[i] = vec_make(size * X, size * Y, size * Z);
	}
}
