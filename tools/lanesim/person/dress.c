/* SPDX-License-Identifier: Apache-2.0 */
/* What a person is met with on the road: clothes, and by chance what hides a part of the face. */
#include "lanesim/person/person.h"
#include "lanesim/render/noise.h"

enum { DRESS = 0x64726573 }; /* purpose of a series */

/* Children wear no masks and few sunglasses. */
#define HAT_CHANCE 0.14f
#define SUNGLASSES_CHANCE 0.06f
#define MASK_CHANCE 0.05f
#define CHILD_AGE 0.2f

static void draw_colour(uint64_t *series, float low, float high, float albedo[LANESIM_BANDS])
{
	float grey = draw_between(series, low, high), tint = draw_between(series, 0, 0.6f);

	for (int i = 0; i < LANESIM_NIR; i++)
		albedo[i] = grey * (1 - tint * draw_uniform(series));
	/* Dyes are pale in the near infrared. */
	albedo[LANESIM_NIR] = approx_mix(grey, 0.6f, 0.6f);
}

void lanesim_dress(const struct lanesim_identity *identity, uint64_t day, float share,
		   struct lanesim_wear *ret_wear)
{
	uint64_t series = draw_series(draw_series(identity->seed, DRESS), day);
	float hat = draw_uniform(&series), glasses = draw_uniform(&series);
	float mask = draw_uniform(&series);
	bool child = identity->age < CHILD_AGE;

	lanesim_wear_draw(ret_wear, identity, day);
	ret_wear->hat = LANESIM_HAT_NONE;
	if (hat < share * HAT_CHANCE)
		ret_wear->hat = (enum lanesim_hat)(1 + draw_below(&series, LANESIM_HATS - 1));
	ret_wear->sunglasses = glasses < share * SUNGLASSES_CHANCE * (child ? 0.3f : 1);
	ret_wear->mask = !child && mask < share * MASK_CHANCE;
	draw_colour(&series, 0.02f, 0.6f, ret_wear->hat_albedo);
	draw_colour(&series, 0.3f, 0.85f, ret_wear->mask_albedo);
}
