/* SPDX-License-Identifier: Apache-2.0 */
/* What hair tells the other parts of a person. */
#ifndef LANESIM_HAIR_H
#define LANESIM_HAIR_H

#include "lanesim/person/build.h"

enum lanesim_bald {
	LANESIM_BALD_NOT,
	LANESIM_BALD_RIM, /* a wreath is left */
	LANESIM_BALD_SHAVEN, /* a shadow on the skin */
	LANESIM_BALD_ALL,
};

enum lanesim_bald lanesim_hair_bald(const struct lanesim_identity *identity);

/* Ears that hair hides are not built. */
bool lanesim_hair_hides_ears(const struct lanesim_identity *identity);

#endif
