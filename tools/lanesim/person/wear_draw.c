/* SPDX-License-Identifier: Apache-2.0 */
/* What a person puts on in the morning. */
#include "lanesim/person/person.h"
#include "lanesim/render/noise.h"

#define PURPOSE_WEAR 0x77656172u /* of a series of draws */

/* Linear albedos; dyes hide little in the near infrared. */
static const float dyes[][LANESIM_BANDS] = {
	{ .02f, .021f, .024f, .22f }, /* black */
	{ .025f, .035f, .08f, .3f }, /* navy */
	{ .06f, .1f, .2f, .35f }, /* denim */
	{ .09f, .09f, .1f, .35f }, /* charcoal */
	{ .25f, .25f, .26f, .45f }, /* grey */
	{ .7f, .7f, .68f, .7f }, /* white */
	{ .45f, .36f, .24f, .5f }, /* beige */
	{ .3f, .03f, .03f, .5f }, /* red */
	{ .12f, .018f, .03f, .4f }, /* wine */
	{ .05f, .13f, .06f, .4f }, /* green */
	{ .07f, .08f, .04f, .35f }, /* olive */
	{ .1f, .25f, .42f, .5f }, /* light blue */
	{ .5f, .3f, .05f, .55f }, /* mustard */
	{ .45f, .2f, .24f, .55f }, /* pink */
	{ .12f, .065f, .035f, .4f }, /* brown */
};

static void draw_dye(uint64_t *series, float ret_albedo[LANESIM_BANDS])
{
	const float *dye = dyes[draw_below(series, sizeof(dyes) / sizeof(dyes[0]))];
	float light = draw_between(series, 0.75f, 1.2f);

	for (int b = 0; b < LANESIM_BANDS; b++)
		ret_albedo[b] = approx_min(dye[b] * light, 0.8f);
}

static enum lanesim_hat draw_hat(uint64_t *series, const struct lanesim_identity *identity)
{
	bool grown = identity->hair == LANESIM_HAIR_BOB || identity->hair == LANESIM_HAIR_LONG ||
		     identity->hair == LANESIM_HAIR_TIED;
	float scarf = grown && identity->beard == LANESIM_BEARD_NONE ? 0.12f : 0,
	      at = draw_uniform(series);

	if (at < 0.08f)
		return LANESIM_HAT_CAP;
	if (at < 0.12f)
		return LANESIM_HAT_BEANIE;
	return at < 0.12f + scarf ? LANESIM_HAT_SCARF : LANESIM_HAT_NONE;
}

void lanesim_wear_draw(struct lanesim_wear *wear, const struct lanesim_identity *identity,
		       uint64_t day)
{
	static const float masks[3][LANESIM_BANDS] = { { .28f, .5f, .62f, .7f },
						       { .72f, .73f, .72f, .75f },
						       { .02f, .02f, .022f, .2f } };
	uint64_t series = draw_series(identity->seed ^ draw_series(day, PURPOSE_WEAR),
				      PURPOSE_WEAR);
	unsigned int mask = draw_below(&series, 6);

	*wear = (struct lanesim_wear){ .hat = draw_hat(&series, identity) };
	draw_dye(&series, wear->hat_albedo);
	draw_dye(&series, wear->cloth_albedo);
	wear->mask = draw_uniform(&series) < 0.06f;
	wear->sunglasses = draw_uniform(&series) < (identity->age < 0.083f ? 0.02f : 0.06f);
	/* Mostly light blue, then white, then black. */
	for (int b = 0; b < LANESIM_BANDS; b++)
		wear->mask_albedo[b] = masks[mask < 3 ? 0 : mask < 5 ? 1 : 2][b];
	wear->collar = draw_uniform(&series);
	wear->seed = sp_random_next(&series);
}
