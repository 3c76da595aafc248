/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wakes a thread that sleeps beside an empty ring.
 *
 * The waiter announces itself before it looks at the ring a last time, so a signal between look and
 * sleep is not lost, and a signal to a thread that is awake costs one load.
 *
 *	for (;;) {
 *		while ((n = sp_ring_pop(...)))
 *			...
 *		sp_event_arm(&event);
 *		if (!sp_ring_count(&ring))
 *			sp_event_wait(&event, timeout_ns);
 *		sp_event_disarm(&event);
 *	}
 */
#ifndef SP_BASE_EVENT_H
#define SP_BASE_EVENT_H

#include <stdatomic.h>
#include <stdint.h>

struct sp_event {
	_Atomic int armed;
	int fd; /* an eventfd: also good for poll() */
};

/* 0 or -errno. */
int sp_event_init(struct sp_event *event);
void sp_event_uninit(struct sp_event *event);

/* Waiter only. */
void sp_event_arm(struct sp_event *event);
void sp_event_disarm(struct sp_event *event);
/* Waiter only, armed. Returns at a signal or after @timeout_ns (rounded up to a millisecond). */
void sp_event_wait(struct sp_event *event, uint64_t timeout_ns);

/* Any thread. */
void sp_event_signal(struct sp_event *event);

#endif
