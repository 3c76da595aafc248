/* SPDX-License-Identifier: Apache-2.0 */
#include "lanesim/person/identity.h"

#include <math.h>
#include <string.h>

#include "lanesim/render/noise.h"

struct parameter {
	float mean, deviation, least, most, robust, age;
};

static const struct parameter table[LANESIM_PARAMETERS_N] = {
#define X(name, mean, deviation, least, most, robust, age) \
	{ mean, deviation, least, most, robust, age },
	LANESIM_PARAMETERS(X)
#undef X
};

/*
 * Traits that go together in people, as mixtures: each line moves a parameter by @deviations for
 * each unit of its trait, a number about N(0, 1).
 */
enum { TRAITS = 7 };

static const struct {
	unsigned int trait;
	enum lanesim_parameter parameter;
	float deviations;
} mixtures[] = {
#define M(trait, name, deviations) { trait, LANESIM_P_##name, deviations }
	/* Width of nose against fullness of lips and muzzle. */
	M(0, ALA_WIDTH, .8f), M(0, LIP_UPPER, .6f), M(0, LIP_LOWER, .6f), M(0, MUZZLE, .5f),
	M(0, BRIDGE_HEIGHT, -.4f), M(0, TIP_SIZE, .4f),
	/* Depth of the eyes against the fold over them. */
	M(1, BRIDGE_HEIGHT, .4f), M(1, EYE_DEPTH, .7f), M(1, HOOD, -.6f), M(1, CREASE, .5f),
	M(1, CHEEK_WIDTH, -.4f), M(1, EYE_TILT, -.4f), M(1, NOSE_PROJECTION, .4f),
	/* Length of the face. */
	M(2, NOSE_LENGTH, .5f), M(2, JAW_WIDTH, -.4f), M(2, CHIN_HEIGHT, .5f),
	M(2, FOREHEAD_HEIGHT, .4f), M(2, HEAD_WIDTH, -.4f),
	/* Weight. */
	M(3, CHEEK_FULL, .9f), M(3, JAW_WIDTH, .5f), M(3, CHEEK_HOLLOW, -.8f), M(3, NECK_WIDTH, .7f),
	M(3, CHIN_WIDTH, .4f), M(3, JOWL, .5f), M(3, SHOULDER_WIDTH, .4f), M(3, CHEEK_WIDTH, .4f),
	/* Size of the eyes. */
	M(4, LID_UPPER, .7f), M(4, EYE_WIDTH, .7f), M(4, LID_LOWER, .5f), M(4, IRIS_SIZE, .3f),
	/* Middle of the face against its ends. */
	M(5, NOSE_LENGTH, .6f), M(5, CHIN_HEIGHT, -.4f), M(5, FOREHEAD_HEIGHT, -.4f),
	M(5, PHILTRUM, .5f),
	/* The mouth. */
	M(6, MOUTH_WIDTH, .7f), M(6, LIP_UPPER, .4f), M(6, LIP_LOWER, .4f), M(6, LIP_FULLNESS, .6f),
#undef M
};

enum purpose { SHAPE = 1, PAINT, HAIR, SPECTACLES };

static void draw_field(struct lanesim_field *field, float shortest, float longest, uint64_t *series)
{
	for (int i = 0; i < LANESIM_WAVES; i++) {
		float k = 2 * LANESIM_PI / draw_between(series, shortest, longest);
		float direction = draw_uniform(series);

		field->wave[i].kx = k * approx_sin_turns(direction + 0.25f);
		field->wave[i].ky = k * approx_sin_turns(direction);
		field->wave[i].phase = 2 * LANESIM_PI * draw_uniform(series);
		field->wave[i].tilt = 0.08f * draw_gauss(series);
	}
}

static bool is_paint(unsigned int p)
{
	return p >= LANESIM_P_MELANIN && p < LANESIM_P_HAIR_VOLUME;
}

/* One in twelve looks like a child. */
static void draw_latents(struct lanesim_identity *identity, uint64_t *series)
{
	float robust = 0.35f + 0.65f * draw_uniform(series);

	identity->robust = draw_uniform(series) < 0.5f ? -robust : robust;
	identity->age = draw_uniform(series);
	identity->size = 1 + 0.02f * identity->robust;
	if (identity->age < 0.083f) {
		identity->robust *= 0.25f;
		identity->size = 0.8f + 0.16f * identity->age / 0.083f;
	}
}

static void draw_parameters(struct lanesim_identity *identity, uint64_t *shape, uint64_t *paint,
			    uint64_t *hair)
{
	float trait[TRAITS], *value = identity->parameter;

	for (int t = 0; t < TRAITS; t++)
		trait[t] = draw_gauss(shape);
	for (unsigned int p = 0; p < LANESIM_PARAMETERS_N; p++) {
		uint64_t *series = p < LANESIM_P_MELANIN ? shape : is_paint(p) ? paint : hair;

		value[p] = table[p].mean + table[p].deviation * draw_gauss(series) +
			   table[p].robust * identity->robust +
			   table[p].age * (identity->age - 0.4f);
	}
	for (size_t i = 0; i < sizeof(mixtures) / sizeof(mixtures[0]); i++)
		value[mixtures[i].parameter] += mixtures[i].deviations *
						table[mixtures[i].parameter].deviation *
						trait[mixtures[i].trait];
	value[LANESIM_P_MELANIN] = draw_uniform(paint);
	value[LANESIM_P_IRIS_SHADE] = draw_uniform(paint);
}

/* A child's proportions: @young 0 … 1. */
static void rejuvenate(struct lanesim_identity *identity, float young)
{
	static const struct {
		enum lanesim_parameter parameter;
		float change;
	} changes[] = {
#define C(name, change) { LANESIM_P_##name, change }
		C(NOSE_LENGTH, -.75f), C(NOSE_PROJECTION, -.2f), C(BRIDGE_HEIGHT, -.4f),
		C(CHIN_HEIGHT, -.8f), C(CHIN_PROJECTION, -.3f), C(JAW_WIDTH, -.05f),
		C(LID_UPPER, .1f), C(LID_LOWER, .05f), C(IRIS_SIZE, .07f), C(CHEEK_FULL, .5f),
		C(CHEEK_HOLLOW, -.5f), C(BROW_RIDGE, -.3f), C(FOREHEAD_SLOPE, -.6f),
		C(NASOLABIAL, -.4f), C(BROW_THICK, -.1f), C(NECK_WIDTH, -.14f), C(TIP_TURN, .15f),
		C(HAIR_RECESSION, -.6f), C(CIRCLES, -.4f), C(WRINKLES, -1), C(BAG, -.3f),
		C(GONIAL, -.4f), C(STUBBLE, -1), C(PORES, -.4f), C(TEMPLE_HOLLOW, -.2f),
#undef C
	};

	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++)
		identity->parameter[changes[i].parameter] += young * changes[i].change;
}

static void clamp_parameters(struct lanesim_identity *identity)
{
	for (unsigned int p = 0; p < LANESIM_PARAMETERS_N; p++)
		identity->parameter[p] =
			approx_clamp(identity->parameter[p], table[p].least, table[p].most);
}

/* ---- hair ------------------------------------------------------------------------------------ */

static void draw_styles(struct lanesim_identity *identity, uint64_t *series)
{
	/* Shares of the styles for robust and for gracile builds; of beards for robust ones. */
	static const float robust[LANESIM_HAIRS] = { .1f, .22f, .36f, .16f, .06f, .02f, .04f, .04f };
	static const float gracile[LANESIM_HAIRS] = { .01f, .03f, .1f, .07f, .14f, .2f, .28f, .17f };
	static const float beards[LANESIM_BEARDS] = { .42f, .2f, .1f, .12f, .16f };
	const float *styles = identity->robust > 0 ? robust : gracile;
	float at = draw_uniform(series);
	unsigned int i = 0;

	while (i < LANESIM_HAIRS - 1 && at >= styles[i])
		at -= styles[i++];
	identity->hair = i;
	if (identity->age < 0.083f && i == LANESIM_HAIR_NONE)
		identity->hair = LANESIM_HAIR_SHORT;
	at = draw_uniform(series);
	for (i = 0; i < LANESIM_BEARDS - 1 && at >= beards[i]; i++)
		at -= beards[i];
	identity->beard = identity->robust > 0 && identity->age > 0.12f ? i : LANESIM_BEARD_NONE;
	identity->parting = draw_uniform(series) < 0.5f ? -1 : 1;
}

/* Dark with dark skin, anything with light skin, grey with age. Linear albedos. */
static void draw_hair_colour(struct lanesim_identity *identity, uint64_t *series)
{
	static const float tones[4][LANESIM_BANDS] = {
		{ .012f, .009f, .008f, .07f }, /* black */
		{ .07f, .036f, .02f, .2f },    /* brown */
		{ .36f, .24f, .12f, .42f },    /* blond */
		{ .23f, .075f, .026f, .34f },  /* red */
	};
	static const float grey[LANESIM_BANDS] = { .42f, .41f, .4f, .45f };
	float melanin = lanesim_get(identity, LANESIM_P_MELANIN);
	float shade = draw_uniform(series), reddish = draw_uniform(series);
	float whitening = draw_uniform(series);

	if (melanin > 0.45f)
		shade *= 0.25f;
	shade *= shade;
	whitening = identity->age > 0.6f ? (identity->age - 0.6f) / 0.4f * whitening : 0;
	for (int b = 0; b < LANESIM_BANDS; b++) {
		float c = shade < 0.4f ? approx_mix(tones[0][b], tones[1][b], shade / 0.4f) :
					 approx_mix(tones[1][b], tones[2][b], (shade - 0.4f) / 0.6f);

		if (reddish > 0.93f && melanin < 0.3f)
			c = approx_mix(c, tones[3][b], 0.8f);
		identity->hair_albedo[b] = approx_mix(c, grey[b], whitening);
	}
}

static void draw_moles(struct lanesim_identity *identity, uint64_t *series)
{
	unsigned int n = draw_below(series, 4);

	for (unsigned int i = 0; i < LANESIM_MOLES; i++) {
		identity->mole[i].x = draw_between(series, -5.5f, 5.5f);
		identity->mole[i].y = draw_between(series, -9.5f, 5.5f);
		identity->mole[i].radius =
			draw_between(series, 0.06f, 0.06f + 0.11f * draw_uniform(series));
		if (i >= n)
			identity->mole[i].radius = 0;
	}
}

static void draw_spectacles(struct lanesim_identity *identity, uint64_t *series)
{
	static const float frames[5][LANESIM_BANDS] = {
		{ .015f, .015f, .016f, .04f }, { .02f, .025f, .05f, .06f }, { .11f, .05f, .02f, .25f },
		{ .33f, .31f, .29f, .4f },     { .2f, .03f, .03f, .3f },
	};
	struct lanesim_spectacles *spectacles = &identity->spectacles;

	spectacles->worn = draw_uniform(series) < 0.12f + 0.2f * identity->age;
	spectacles->width = draw_between(series, 2.25f, 2.75f);
	spectacles->height = draw_between(series, 1.55f, 2.15f);
	spectacles->power = draw_between(series, 2, 4.5f);
	spectacles->thickness = draw_between(series, 0.07f, 0.17f);
	memcpy(spectacles->colour, frames[draw_below(series, 5)], sizeof(spectacles->colour));
}

void lanesim_identity_draw(struct lanesim_identity *identity, uint64_t seed)
{
	uint64_t shape = draw_series(seed, SHAPE), paint = draw_series(seed, PAINT);
	uint64_t hair = draw_series(seed, HAIR), spectacles = draw_series(seed, SPECTACLES);

	memset(identity, 0, sizeof(*identity));
	identity->seed = seed;
	draw_latents(identity, &shape);
	draw_parameters(identity, &shape, &paint, &hair);
	if (identity->age < 0.083f)
		rejuvenate(identity, 1 - 0.5f * identity->age / 0.083f);
	clamp_parameters(identity);
	draw_field(&identity->vertical, 5, 10, &shape);
	draw_field(&identity->lateral, 5, 10, &shape);
	draw_field(&identity->depth, 4.5f, 9, &shape);
	draw_field(&identity->pigment, 4, 9, &paint);
	identity->texture_seed = 1000 * draw_uniform(&paint);
	draw_moles(identity, &paint);
	draw_styles(identity, &hair);
	draw_hair_colour(identity, &hair);
	draw_spectacles(identity, &spectacles);
}

/* ---- how far apart -------------------------------------------------------------------------- */

/* A smooth field's amplitude at a few places of the face, as a difference in shape. */
static float field_at(const struct lanesim_field *field, float x, float y)
{
	float sum = 0;

	for (int i = 0; i < LANESIM_WAVES; i++)
		sum += approx_cos(field->wave[i].kx * x + field->wave[i].tilt) *
		       approx_cos(field->wave[i].ky * y + field->wave[i].phase);
	return sum * 0.8165f;
}

static float fields_distance(const struct lanesim_identity *a, const struct lanesim_identity *b)
{
	static const float places[6][2] = { { 0, -2 }, { 3, 0 },  { 3, -4 },
					    { 0, -7 }, { 0, -10 }, { 5, -6 } };
	float sum = 0;

	for (int i = 0; i < 6; i++) {
		float x = places[i][0], y = places[i][1];
		float v = field_at(&a->vertical, x, y) - field_at(&b->vertical, x, y);
		float l = field_at(&a->lateral, x, y) - field_at(&b->lateral, x, y);

		sum += v * v + l * l;
	}
	return sum / 12;
}

float lanesim_identity_distance(const struct lanesim_identity *a, const struct lanesim_identity *b)
{
	float shape = 0, paint = 0, weight_shape = 0, weight_paint = 0, colour = 0;
	float melanin = lanesim_get(a, LANESIM_P_MELANIN) - lanesim_get(b, LANESIM_P_MELANIN);

	for (unsigned int p = 0; p < LANESIM_PARAMETERS_N; p++) {
		/* Both vary by robust and age as well as by the deviation. */
		float spread = table[p].deviation + 0.6f * fabsf(table[p].robust) +
			       0.3f * fabsf(table[p].age);
		float d = spread > 0 ? (a->parameter[p] - b->parameter[p]) / spread : 0;

		if (p < LANESIM_P_MELANIN) {
			shape += d * d;
			weight_shape += 1;
		} else if (is_paint(p)) {
			paint += d * d;
			weight_paint += 1;
		}
	}
	for (int i = 0; i < LANESIM_BANDS - 1; i++)
		colour += fabsf(a->hair_albedo[i] - b->hair_albedo[i]);
	/*
	 * Differences of two unit normals have a mean square of 2: halved, strangers are about 1
	 * apart.
	 */
	return sqrtf(0.5f * (0.45f * shape / weight_shape + 0.25f * fields_distance(a, b) +
			     0.12f * paint / weight_paint) +
		     0.5f * melanin * melanin + 0.2f * approx_min(colour, 1) +
		     (a->beard != b->beard ? 0.05f : 0) + (a->hair != b->hair ? 0.03f : 0));
}
