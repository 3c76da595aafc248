/* SPDX-License-Identifier: Apache-2.0 */
/* What hats tell the hair below them. */
#ifndef LANESIM_WEAR_H
#define LANESIM_WEAR_H

#include "lanesim/person/person.h"

/* Canonical height of a cap's or a beanie's lower edge at @angle. */
float lanesim_hat_rim(enum lanesim_hat hat, float angle);

#endif
