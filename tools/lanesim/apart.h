/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The enrolment filter: identities kept apart. Of people drawn one after another from a seed, those
 * stay who differ enough from all that stayed before; so the first of a long list are those of a
 * short one.
 */
#ifndef LANESIM_APART_H
#define LANESIM_APART_H

#include <stdbool.h>
#include <stdint.h>

#include "lanesim/person/identity.h"

struct sp_err;

/* lanesim_identity_distance below which two people are too much alike; see tests. */
#define LANESIM_APART_USUAL 0.68f

/* A second opinion, for instance a network's (likeness.h). */
struct lanesim_apart_judge {
	void *arg;
	/* Whether @identity differs enough from all before; if so it stays. 0 or -errno. */
	int (*admit)(void *arg, const struct lanesim_identity *identity, bool *ret_differs,
		     struct sp_err *err);
};

struct lanesim_apart {
	uint64_t seed;
	uint32_t n;
	float distance; /* 0: everybody stays */
	const struct lanesim_apart_judge *judge; /* or NULL */
};

/* Seeds of identities are below this: JSON readers that count in doubles keep them whole. */
#define LANESIM_IDENTITY_SEEDS (1ull << 48)

/*
 * @seeds has room for n. *ret_drawn (may be NULL): how many were looked at. 0; -ERANGE if the space
 * of faces has no room for so many so far apart; -ENOMEM.
 */
int lanesim_apart_draw(const struct lanesim_apart *apart, uint64_t *seeds, uint64_t *ret_drawn,
		       struct sp_err *err);

#endif
