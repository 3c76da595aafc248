/* SPDX-License-Identifier: Apache-2.0 */
/* Encounters out of the journal, by what people ask for. */
#ifndef SP_APP_RECALL_H
#define SP_APP_RECALL_H

#include <stdbool.h>
#include <stdint.h>

struct sp_encounter;
struct sp_err;

struct sp_recall_filter {
	const char *lane;	  /* NULL: every lane */
	const char *id_prefix;	  /* NULL: every encounter */
	const char *decision;	  /* "match", "no decision", "refer": of any occupant; NULL: any */
	uint64_t since_utc_ns, until_utc_ns; /* by the encounter's end; 0: open */
};

/*
 * Calls @each for every encounter that passes, oldest first; a non-zero return of it ends the walk
 * and is returned, with @err as it was. 0, or -errno with @err filled (-ENOENT: no journal there).
 */
int sp_recall_each(const char *directory, const struct sp_recall_filter *filter,
		   int (*each)(void *arg, const struct sp_encounter *encounter), void *arg,
		   struct sp_err *err);

/*
 * The one encounter whose id begins with @id, moved into *@ret_encounter (the caller clears it;
 * empty after a failure). -ENOENT if there is none, -ENOTUNIQ if there are several, with @err
 * filled.
 */
int sp_recall_one(const char *directory, const char *id, struct sp_encounter *ret_encounter,
		  struct sp_err *err);

#endif
