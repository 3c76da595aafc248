/* SPDX-License-Identifier: Apache-2.0 */
/* Single travellers by seeds: dressed for a day, photographed for a document or met in a lane. */
#ifndef LANESIM_TRAVELLER_H
#define LANESIM_TRAVELLER_H

#include "lanesim/scene/portrait.h"

struct lanesim_hand;
struct lanesim_truth;
struct sp_image;

/* Somebody who is photographed over several days. */
struct lanesim_traveller {
	uint64_t identity;
	float share;
	uint64_t day;
	struct lanesim_wear wear; /* of that day */
	struct lanesim_person *person; /* dressed so; NULL at first */
};

/* traveller->person is dressed for @day. 0 or -ENOMEM. */
int lanesim_traveller_meet(struct lanesim_traveller *traveller, uint64_t day);
/*
 * One picture of the traveller that was met, into @image. *@ret_truth (may be NULL) says who it is
 * and what is worn too. 0 or -ENOMEM.
 */
int lanesim_traveller_shoot(const struct lanesim_traveller *traveller,
			    const struct lanesim_shot *shot, struct lanesim_hand *hand,
			    struct sp_image *image, struct lanesim_truth *ret_truth);
void lanesim_traveller_part(struct lanesim_traveller *traveller);

/* The shot with so many pixels between the eyes; what blurs it keeps its share of the face. */
void lanesim_shot_resize(struct lanesim_shot *shot, float eye_distance);

/* However the head is turned, its eyes are in the middle of @side pixels, @y of them down. */
void lanesim_shot_centre(struct lanesim_shot *shot, float y, uint32_t side);

/* The day of a traveller's shot @k: some are of one day. */
static inline uint64_t lanesim_traveller_day(uint32_t k)
{
	return 1 + k / 3;
}

enum { LANESIM_DOCUMENT_SIDE = 256, LANESIM_DOCUMENT_DAY = 0 };

/*
 * The photograph in the person's document, @side pixels a side, in @hand's picture. *@ret_truth
 * (may be NULL) is the face in it. 0 or -ENOMEM.
 */
int lanesim_traveller_document(uint64_t identity, uint32_t side, struct lanesim_hand *hand,
			       struct sp_image **ret_image, struct lanesim_truth *ret_truth);

#endif
