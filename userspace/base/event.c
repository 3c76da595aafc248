/* SPDX-License-Identifier: Apache-2.0 */
#include "base/event.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

int sp_event_init(struct sp_event *event)
{
	atomic_init(&event->armed, 0);
	event->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return event->fd < 0 ? -errno : 0;
}

void sp_event_uninit(struct sp_event *event)
{
	close(event->fd);
	event->fd = -1;
}

void sp_event_arm(struct sp_event *event)
{
	/*
	 * Sequentially consistent: the store must be seen before the waiter's last look at the
	 * ring.
	 */
	atomic_store(&event->armed, 1);
	atomic_thread_fence(memory_order_seq_cst);
}

void sp_event_disarm(struct sp_event *event)
{
	uint64_t count;

	atomic_store(&event->armed, 0);
	/*
	 * A signal may have come after the time-out; an unread one would make the next wait return.
	 */
	(void)!read(event->fd, &count, sizeof(count));
}

void sp_event_wait(struct sp_event *event, uint64_t timeout_ns)
{
	struct pollfd pfd = { .fd = event->fd, .events = POLLIN };
	uint64_t ms = timeout_ns / 1000000 + (timeout_ns % 1000000 != 0);

	(void)poll(&pfd, 1, ms > 60000 ? 60000 : (int)ms);
}

void sp_event_signal(struct sp_event *event)
{
	uint64_t one = 1;

	atomic_thread_fence(memory_order_seq_cst);
	if (atomic_load_explicit(&event->armed, memory_order_relaxed))
		(void)!write(event->fd, &one, sizeof(one));
}
