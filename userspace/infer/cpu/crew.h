/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A crew: threads that take jobs from one owner, each job to the thread with the fewest, and give
 * them back when they are done. A pair of rings a thread, sized to hold every job that may be out,
 * so they never fill. Knows nothing of what a job is.
 */
#ifndef SP_INFER_CPU_CREW_H
#define SP_INFER_CPU_CREW_H

#include <stdbool.h>

struct sp_crew;
struct sp_err;
struct sp_event;

enum { SP_CREW_MAX = 256 }; /* threads */

struct sp_crew_config {
	const char *name; /* of the threads, with their number after it */
	unsigned int workers; /* 1 … SP_CREW_MAX */
	unsigned int jobs; /* that may be out at once, ≥ 1 */
	void (*work)(void *arg, unsigned int worker, void *job); /* on a thread of the crew */
	void *arg;
	struct sp_event *done; /* signalled when a job is done; may be NULL */
};

int sp_crew_create(const struct sp_crew_config *config, struct sp_crew **ret_crew,
		   struct sp_err *err);

/*
 * Waits for the jobs that are being worked on; those that still wait are not done, and none is
 * given back any more.
 */
void sp_crew_destroy(struct sp_crew *crew);

/* Owner only. False if `jobs` are out already. Never waits. */
bool sp_crew_give(struct sp_crew *crew, void *job);

/* Owner only. Up to @max finished jobs, in no order. Never waits. */
unsigned int sp_crew_take(struct sp_crew *crew, void **jobs, unsigned int max);

#endif
