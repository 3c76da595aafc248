/* SPDX-License-Identifier: Apache-2.0 */
#include "base/thread.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/event.h"

static void *enter(void *arg)
{
	struct sp_thread *thread = arg;

	pthread_setname_np(pthread_self(), thread->name);
	thread->run(thread);
	return NULL;
}

int sp_thread_start(struct sp_thread *thread, const char *name, int cpu,
		    void (*run)(struct sp_thread *thread), void *arg, struct sp_event *wake)
{
	sigset_t all, old;
	int err;

	memset(thread, 0, sizeof(*thread));
	snprintf(thread->name, sizeof(thread->name), "%s", name);
	thread->run = run;
	thread->arg = arg;
	thread->wake = wake;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&thread->id, NULL, enter, thread);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (err)
		return -err;
	thread->running = true;
	if (cpu >= 0 && cpu < CPU_SETSIZE) {
		cpu_set_t set;

		CPU_ZERO(&set);
		CPU_SET((unsigned)cpu, &set);
		pthread_setaffinity_np(thread->id, sizeof(set), &set);
	}
	return 0;
}

void sp_thread_ask_stop(struct sp_thread *thread)
{
	if (!thread->running)
		return;
	atomic_store_explicit(&thread->stop, true, memory_order_release);
	if (thread->wake)
		sp_event_signal(thread->wake);
}

void sp_thread_stop(struct sp_thread *thread)
{
	if (!thread->running)
		return;
	sp_thread_ask_stop(thread);
	pthread_join(thread->id, NULL);
	thread->running = false;
}

unsigned int sp_thread_cpus(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set))
		return 1;
	return (unsigned)CPU_COUNT(&set);
}
