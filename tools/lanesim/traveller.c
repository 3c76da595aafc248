/* SPDX-License-Identifier: Apache-2.0 */
#include "lanesim/traveller.h"

#include <errno.h>

#include "lanesim/crew.h"
#include "lanesim/render/noise.h"

enum { STUDIO = 0x73747564 }; /* purpose of a series */

/*
 * How far the eyes' midpoint moves as a head turns and a body leans: fitted to shots, in distances
 * between the eyes for a sine of 1.
 */
#define BY_YAW 1.9f
#define BY_ROLL -1.6f
#define BY_LEAN_ASIDE 10.4f
#define BY_PITCH -1.9f
#define BY_LEAN_FORWARD 2.7f

int lanesim_traveller_meet(struct lanesim_traveller *traveller, uint64_t day)
{
	struct lanesim_identity identity;

	if (traveller->person && traveller->day == day)
		return 0;
	lanesim_traveller_part(traveller);
	traveller->day = day;
	lanesim_identity_draw(&identity, traveller->identity);
	lanesim_dress(&identity, day, traveller->share, &traveller->wear);
	return lanesim_person_create(&identity, &traveller->wear, &traveller->person);
}

int lanesim_traveller_shoot(const struct lanesim_traveller *traveller,
			    const struct lanesim_shot *shot, struct lanesim_hand *hand,
			    struct sp_image *image, struct lanesim_truth *ret_truth)
{
	int res = lanesim_portrait(traveller->person, shot, hand->eye, image, ret_truth);

	if (res || !ret_truth)
		return res;
	ret_truth->identity = traveller->identity;
	ret_truth->mask = traveller->wear.mask;
	ret_truth->sunglasses = traveller->wear.sunglasses;
	return 0;
}

void lanesim_traveller_part(struct lanesim_traveller *traveller)
{
	if (traveller->person)
		lanesim_person_destroy(traveller->person);
	traveller->person = NULL;
}

void lanesim_shot_resize(struct lanesim_shot *shot, float eye_distance)
{
	float scale = eye_distance / shot->eye_distance;

	shot->eye_distance = eye_distance;
	shot->sensor.blur *= scale;
	shot->sensor.motion_x *= scale;
	shot->sensor.motion_y *= scale;
}

void lanesim_shot_centre(struct lanesim_shot *shot, float y, uint32_t side)
{
	const struct lanesim_pose *pose = &shot->pose;
	float unit = shot->eye_distance / (float)side;

	shot->x = 0.5f - unit * (BY_YAW * approx_sin(pose->yaw) + BY_ROLL * approx_sin(pose->roll) +
				 BY_LEAN_ASIDE * approx_sin(pose->lean_x));
	shot->y = y - unit * (BY_PITCH * approx_sin(pose->pitch) +
			      BY_LEAN_FORWARD * approx_sin(pose->lean_z));
}

int lanesim_traveller_document(uint64_t identity, uint32_t side, struct lanesim_hand *hand,
			       struct sp_image **ret_image, struct lanesim_truth *ret_truth)
{
	struct sp_image *image = lanesim_hand_image(hand, side, side);
	struct lanesim_traveller traveller = { .identity = identity };
	struct lanesim_shot shot;
	int res;

	if (!image)
		return -ENOMEM;
	res = lanesim_traveller_meet(&traveller, LANESIM_DOCUMENT_DAY);
	if (res)
		return res;
	lanesim_shot_document(&shot, draw_series(identity, STUDIO));
	/* It is drawn for pictures of the usual side. */
	lanesim_shot_resize(&shot, shot.eye_distance * (float)side / LANESIM_DOCUMENT_SIDE);
	res = lanesim_traveller_shoot(&traveller, &shot, hand, image, ret_truth);
	lanesim_traveller_part(&traveller);
	if (!res)
		*ret_image = image;
	return res;
}
