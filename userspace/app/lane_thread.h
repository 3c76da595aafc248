/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lane thread: takes results from the inference side, moves every lane's watermark, encodes
 * what a lane closes and puts it into the journal's inbox.
 */
#ifndef SP_APP_LANE_THREAD_H
#define SP_APP_LANE_THREAD_H

#include <stdbool.h>
#include <stdint.h>

struct sp_batch;
struct sp_err;
struct sp_event;
struct sp_inbox;
struct sp_journal_thread;
struct sp_lane;
struct sp_lane_thread;

struct sp_lane_thread_config {
	struct sp_lane *const *lanes; /* numbered as results carry them; the caller destroys them */
	unsigned int lanes_n;
	struct sp_batch *batch;
	struct sp_inbox *inbox;
	struct sp_event *wake;	     /* this thread's */
	struct sp_event *batch_wake; /* signalled when results go back */
	struct sp_event *journal_wake;
	/* Empties the inbox, until it is broken; outlives this thread. */
	struct sp_journal_thread *journal;
	/* Time is what the results say (a capture file's), not the clock. */
	bool replay;
};

int sp_lane_thread_start(const struct sp_lane_thread_config *config,
			 struct sp_lane_thread **ret_thread, struct sp_err *err);

/*
 * Takes what the (stopped) inference side handed over, closes every open encounter, waits until the
 * inbox has taken them or the journal is broken, ends.
 */
void sp_lane_thread_stop(struct sp_lane_thread *thread);
void sp_lane_thread_destroy(struct sp_lane_thread *thread);

/* Any thread. -ERANGE if there is no such lane. */
int sp_lane_thread_trigger(struct sp_lane_thread *thread, unsigned int lane);
int sp_lane_thread_close_encounter(struct sp_lane_thread *thread, unsigned int lane);

/* Whether an encounter is open. Any thread. */
bool sp_lane_thread_is_open(const struct sp_lane_thread *thread, unsigned int lane);

/* Encounters that the inbox took: so many will be acknowledged if nothing breaks. Any thread. */
uint64_t sp_lane_thread_handed_over(const struct sp_lane_thread *thread);

/*
 * Closed encounters that the inbox did not take: larger than a record may be, or left at the end
 * because the journal was broken. Any thread.
 */
uint64_t sp_lane_thread_lost(const struct sp_lane_thread *thread);

#endif
