/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many pictures on all CPUs: made in any order, taken in their own. What a picture is depends on
 * its number alone, so that the number of threads changes nothing but the time.
 */
#ifndef LANESIM_CREW_H
#define LANESIM_CREW_H

#include <stddef.h>
#include <stdint.h>

#include "image/image.h"

struct lanesim_eye;
struct sp_err;

/* What one thread works with. */
struct lanesim_hand {
	struct lanesim_eye *eye;
	struct sp_image image; /* see lanesim_hand_image */
};

/* The hand's own picture in this size, its content undefined; NULL if there is no memory. */
struct sp_image *lanesim_hand_image(struct lanesim_hand *hand, uint32_t width, uint32_t height);

struct lanesim_crew {
	const char *label; /* of the progress bar; NULL: none */
	uint32_t n;
	unsigned int threads; /* 0: one a CPU */
	size_t result_bytes; /* of what make hands to take */
	void *arg;
	/* Any thread: item @i. @result is zeroed before. 0 or -errno with @err filled. */
	int (*make)(void *arg, struct lanesim_hand *hand, uint32_t i, void *result,
		    struct sp_err *err);
	/*
	 * The caller's thread, in order; may be NULL. Every result that was made whole is either
	 * taken or, after a failure, dropped.
	 */
	int (*take)(void *arg, uint32_t i, void *result, struct sp_err *err);
	void (*drop)(void *arg, void *result); /* may be NULL */
};

/* All of them; 0, or the -errno of the first failure with @err filled. */
int lanesim_crew_run(const struct lanesim_crew *crew, struct sp_err *err);

#endif
