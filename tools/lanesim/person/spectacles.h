/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LANESIM_SPECTACLES_H
#define LANESIM_SPECTACLES_H

#include "lanesim/person/build.h"

/* Spectacles or, in their place, sunglasses; nothing if neither is worn. */
void lanesim_build_spectacles(struct lanesim_build *build);

#endif
