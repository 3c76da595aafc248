/* SPDX-License-Identifier: Apache-2.0 */
#include "base/ring.h"

#include <errno.h>
#include <pthread.h>

#include "base/event.h"
#include "test.h"

static void *number(uintptr_t i)
{
	return (void *)i;
}

TEST(ring_refuses_impossible_sizes)
{
	struct sp_ring ring;

	CHECK_EQ(sp_ring_init(&ring, 0), -EINVAL);
	CHECK_EQ(sp_ring_init(&ring, UINT32_MAX), -EINVAL);
}

TEST(ring_takes_what_fits_and_keeps_order)
{
	struct sp_ring ring;
	void *in[5], *out[5];

	CHECK_EQ(sp_ring_init(&ring, 3), 0);
	for (uintptr_t i = 0; i < 5; i++)
		in[i] = number(i + 1);
	CHECK_EQ(sp_ring_push(&ring, in, 5), 4);
	CHECK_EQ(sp_ring_count(&ring), 4);
	CHECK_EQ(sp_ring_push(&ring, in, 1), 0);
	CHECK_EQ(sp_ring_pop(&ring, out, 2), 2);
	CHECK(out[0] == in[0] && out[1] == in[1]);
	CHECK_EQ(sp_ring_push(&ring, in + 4, 1), 1);
	CHECK_EQ(sp_ring_pop(&ring, out, 5), 3);
	CHECK(out[0] == in[2] && out[1] == in[3] && out[2] == in[4]);
	CHECK_EQ(sp_ring_pop(&ring, out, 1), 0);
	sp_ring_uninit(&ring);
}

TEST(ring_survives_the_wrap_of_its_indices)
{
	struct sp_ring ring;
	void *item;

	CHECK_EQ(sp_ring_init(&ring, 4), 0);
	atomic_store(&ring.head, UINT32_MAX - 1);
	atomic_store(&ring.tail, UINT32_MAX - 1);
	ring.head_seen = ring.tail_seen = UINT32_MAX - 1;
	for (uintptr_t i = 1; i < 10; i++) {
		item = number(i);
		CHECK_EQ(sp_ring_push(&ring, &item, 1), 1);
		CHECK_EQ(sp_ring_count(&ring), 1);
		CHECK_EQ(sp_ring_pop(&ring, &item, 1), 1);
		CHECK(item == number(i));
	}
	sp_ring_uninit(&ring);
}

enum { HANDED_OVER = 200000 };

struct handover {
	struct sp_ring ring;
	struct sp_event event;
};

static void *produce(void *arg)
{
	struct handover *h = arg;

	for (uintptr_t i = 1; i <= HANDED_OVER;) {
		void *burst[7];
		uint32_t n = 0, sent;

		while (n < 7 && i + n <= HANDED_OVER) {
			burst[n] = number(i + n);
			n++;
		}
		sent = sp_ring_push(&h->ring, burst, n);
		i += sent;
		if (sent)
			sp_event_signal(&h->event);
		else
			sched_yield();
	}
	return NULL;
}

/* The whole pattern of event.h: nothing is lost and no signal is slept through. */
TEST(ring_and_event_hand_over_between_threads)
{
	struct handover h;
	pthread_t thread;
	uintptr_t next = 1;

	CHECK_EQ(sp_ring_init(&h.ring, 64), 0);
	CHECK_EQ(sp_event_init(&h.event), 0);
	CHECK_EQ(pthread_create(&thread, NULL, produce, &h), 0);
	while (next <= HANDED_OVER) {
		void *burst[16];
		uint32_t n = sp_ring_pop(&h.ring, burst, 16);

		for (uint32_t i = 0; i < n; i++)
			CHECK(burst[i] == number(next++));
		if (n)
			continue;
		sp_event_arm(&h.event);
		if (!sp_ring_count(&h.ring))
			sp_event_wait(&h.event, 30000000000ull);
		sp_event_disarm(&h.event);
	}
	pthread_join(thread, NULL);
	sp_event_uninit(&h.event);
	sp_ring_uninit(&h.ring);
}

TEST_MAIN()
