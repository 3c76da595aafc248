/* SPDX-License-Identifier: Apache-2.0 */
#include "lanesim/scene/occupant.h"

#include "lanesim/person/person.h"
#include "lanesim/render/noise.h"

uint32_t lanesim_occupants_draw(uint64_t seed)
{
	/* 45 / 29 / 13 / 8 / 5 %, the last shared by five and (in vans) six. */
	static const float up_to[] = { .45f, .74f, .87f, .95f, .99f };
	uint64_t series = draw_series(seed, 'n');
	float chance = draw_uniform(&series);
	uint32_t n = 1;

	while (n < LANESIM_OCCUPANTS_MAX && chance >= up_to[n - 1])
		n++;
	return n;
}

void lanesim_seats_draw(const struct lanesim_vehicle *vehicle, uint32_t n, bool plain,
			uint64_t seed, int ret_seats[LANESIM_OCCUPANTS_MAX])
{
	/* By number of people; the first row of each is the usual one. */
	static const int sets[LANESIM_OCCUPANTS_MAX][4][LANESIM_OCCUPANTS_MAX] = {
		{ { 0 }, { 0 }, { 0 }, { 0 } },
		{ { 0, 1 }, { 0, 1 }, { 0, 1 }, { 0, 2 } },
		{ { 0, 1, 4 }, { 0, 1, 2 }, { 0, 1, 3 }, { 0, 2, 3 } },
		{ { 0, 1, 2, 3 }, { 0, 1, 2, 3 }, { 0, 1, 3, 4 }, { 0, 2, 3, 4 } },
		{ { 0, 1, 2, 3, 4 }, { 0, 1, 2, 3, 4 }, { 0, 1, 2, 3, 4 }, { 0, 1, 2, 3, 4 } },
		{ { 0, 1, 2, 3, 4, 5 },
		  { 0, 1, 2, 3, 4, 5 },
		  { 0, 1, 2, 3, 5, 6 },
		  { 0, 1, 2, 3, 5, 6 } },
	};
	static const int vans[2][LANESIM_OCCUPANTS_MAX] = { { 0, 1, 3, 5 }, { 0, 1, 2, 3, 6 } };
	uint64_t series = draw_series(seed, 's');
	unsigned int which = draw_below(&series, 4);
	const int *set = sets[n - 1][plain ? 0 : which];

	if (vehicle->rows > 2 && !plain && n >= 4 && n <= 5 && draw_uniform(&series) < .6f)
		set = vans[n - 4];
	for (uint32_t i = 0; i < n; i++)
		ret_seats[i] = set[i];
}

int lanesim_occupant_init(struct lanesim_occupant *occupant, const struct lanesim_vehicle *vehicle,
			  int seat, const uint64_t *identity, bool night, bool plain, uint64_t seed)
{
	uint64_t series = draw_series(seed, 256 + (uint64_t)seat);
	float stature, lower;

	*occupant = (struct lanesim_occupant){ .seat = seat, .calm = plain };
	if (identity)
		lanesim_identity_draw(&occupant->identity, *identity);
	else
		do { /* children rarely sit in front; JSON's numbers hold 53 bits */
			lanesim_identity_draw(&occupant->identity, sp_random_next(&series) >> 11);
		} while (occupant->identity.size < .96f &&
			 (seat == 0 || (seat == 1 && draw_uniform(&series) < .8f)));
	lanesim_dress(&occupant->identity, sp_random_next(&series), plain ? 0 : 1, &occupant->wear);
	if (night)
		occupant->wear.sunglasses = false;
	/* Seats are set to suit their sitters, so eyes vary less than statures. */
	stature = approx_clamp(2.2f * draw_gauss(&series) + 1.5f * occupant->identity.robust, -5,
			       5);
	lower = approx_clamp((1 - occupant->identity.size) * 130, 0, 24);
	occupant->eyes = lanesim_vehicle_eyes(vehicle, seat);
	occupant->eyes.x += 1.2f * draw_gauss(&series);
	occupant->eyes.y += stature - lower;
	occupant->eyes.z += draw_between(&series, -1, 4);
	occupant->habit = sp_random_next(&series);
	return lanesim_person_create(&occupant->identity, &occupant->wear, &occupant->person);
}

void lanesim_occupant_uninit(struct lanesim_occupant *occupant)
{
	if (occupant->person)
		lanesim_person_destroy(occupant->person);
	occupant->person = NULL;
}
