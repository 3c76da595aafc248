/* SPDX-License-Identifier: Apache-2.0 */
/* A named thread that is asked to stop and then joined. */
#ifndef SP_BASE_THREAD_H
#define SP_BASE_THREAD_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

struct sp_event;

struct sp_thread {
	pthread_t id;
	bool running;
	_Atomic bool stop;
	char name[16];
	void (*run)(struct sp_thread *thread);
	void *arg;
	struct sp_event *wake; /* signalled by stop, if not NULL */
};

/*
 * Starts @run with all signals blocked (signals are main's business). @name is cut to 15 bytes.
 * @cpu ≥ 0 pins the thread there, -1 leaves it to the scheduler; a pin that is refused is not an
 * error. @wake may be NULL. 0 or -errno.
 */
int sp_thread_start(struct sp_thread *thread, const char *name, int cpu,
		    void (*run)(struct sp_thread *thread), void *arg, struct sp_event *wake);

/* The thread itself asks this in its loop. */
static inline bool sp_thread_should_stop(struct sp_thread *thread)
{
	return atomic_load_explicit(&thread->stop, memory_order_acquire);
}

/* Asks and does not wait. Any thread. */
void sp_thread_ask_stop(struct sp_thread *thread);

/* Asks and joins; nothing happens for a thread that was not started. */
void sp_thread_stop(struct sp_thread *thread);

/* CPUs that this process may run on: ≥ 1. */
unsigned int sp_thread_cpus(void);

#endif
