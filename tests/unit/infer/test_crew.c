/* SPDX-License-Identifier: Apache-2.0 */
/* TSAN: yes */
#include "infer/cpu/crew.h"

#include <errno.h>
#include <sched.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "base/event.h"
#include "base/ring.h"
#include "test.h"

enum { WORKERS = 3, JOBS = 8, ROUNDS = 20000 };

/* What a result is to the backend: written by the owner, then by a worker, read by the owner. */
struct job {
	uint64_t given, answer;
	unsigned int by;
	void *extra; /* from the worker's ring, goes home when the owner has read it */
};

struct work {
	struct sp_ring extras[WORKERS];
	uint64_t state[WORKERS]; /* a worker's own */
};

static void square(void *arg, unsigned int worker, void *job)
{
	struct work *w = arg;
	struct job *j = job;

	j->answer = j->given * j->given;
	j->by = worker;
	j->extra = NULL;
	sp_ring_pop(&w->extras[worker], &j->extra, 1);
	w->state[worker]++;
}

/* The whole traffic of the backend with arithmetic in place of networks. */
TEST(crew_does_every_job_once)
{
	struct job jobs[JOBS], *idle[JOBS];
	struct work w = { 0 };
	int extras[WORKERS];
	struct sp_event done;
	struct sp_crew *crew;
	uint64_t given = 0, taken = 0, sum = 0, want = 0;
	unsigned int idle_n = 0, with_extra = 0;

	CHECK_EQ(sp_event_init(&done), 0);
	for (int i = 0; i < WORKERS; i++) {
		void *extra = &extras[i];

		CHECK_EQ(sp_ring_init(&w.extras[i], 1), 0);
		sp_ring_push(&w.extras[i], &extra, 1);
	}
	for (int i = 0; i < JOBS; i++)
		idle[idle_n++] = &jobs[i];

	struct sp_crew_config config = { "test", WORKERS, JOBS, square, &w, &done };

	CHECK_EQ(sp_crew_create(&config, &crew, NULL), 0);
	while (taken < ROUNDS) {
		void *back[JOBS];
		unsigned int n;

		while (idle_n && given < ROUNDS) {
			idle[--idle_n]->given = ++given;
			want += given * given;
			CHECK(sp_crew_give(crew, idle[idle_n]));
		}
		n = sp_crew_take(crew, back, JOBS);
		for (unsigned int i = 0; i < n; i++) {
			struct job *job = back[i];

			sum += job->answer;
			if (job->extra) {
				CHECK(job->extra == &extras[job->by]);
				with_extra++;
				CHECK_EQ(sp_ring_push(&w.extras[job->by], &job->extra, 1), 1);
			}
			idle[idle_n++] = job;
		}
		taken += n;
		if (n)
			continue;
		sp_event_arm(&done);
		n = sp_crew_take(crew, back, 1);
		if (!n)
			sp_event_wait(&done, 30 * SP_NS_PER_S);
		sp_event_disarm(&done);
		if (n) {
			struct job *job = back[0];

			sum += job->answer;
			if (job->extra)
				sp_ring_push(&w.extras[job->by], &job->extra, 1);
			idle[idle_n++] = job;
			taken++;
		}
	}
	sp_crew_destroy(crew);
	CHECK_EQ(sum, want);
	CHECK(with_extra > 0);
	/* Every worker had its share: jobs go to whoever has the fewest. */
	CHECK_EQ(w.state[0] + w.state[1] + w.state[2], ROUNDS);
	for (int i = 0; i < WORKERS; i++) {
		CHECK(w.state[i] > 0);
		sp_ring_uninit(&w.extras[i]);
	}
	sp_event_uninit(&done);
}

struct gate {
	_Atomic bool open;
	_Atomic unsigned int waiting, done;
};

static void wait_at_gate(void *arg, unsigned int worker, void *job)
{
	struct gate *gate = arg;

	(void)worker;
	(void)job;
	atomic_fetch_add(&gate->waiting, 1);
	while (!atomic_load(&gate->open))
		sp_clock_sleep_until(sp_clock_now() + SP_NS_PER_MS);
	atomic_fetch_add(&gate->done, 1);
}

TEST(crew_refuses_more_jobs_than_it_was_made_for)
{
	struct gate gate = { false, 0, 0 };
	struct sp_crew_config config = { "test", 2, 5, wait_at_gate, &gate, NULL };
	struct sp_crew *crew;
	void *back[5];
	int jobs[6];
	unsigned int n = 0;

	CHECK_EQ(sp_crew_create(&config, &crew, NULL), 0);
	for (int i = 0; i < 5; i++)
		CHECK(sp_crew_give(crew, &jobs[i]));
	CHECK(!sp_crew_give(crew, &jobs[5]));
	CHECK_EQ(sp_crew_take(crew, back, 5), 0);
	/* One busy thread does not keep the others from their jobs. */
	while (atomic_load(&gate.waiting) < 2)
		sched_yield();
	atomic_store(&gate.open, true);
	while (n < 5)
		n += sp_crew_take(crew, back + n, 5 - n);
	CHECK(sp_crew_give(crew, &jobs[5]));
	sp_crew_destroy(crew);
}

TEST(crew_ends_without_the_jobs_that_wait)
{
	struct gate gate = { false, 0, 0 };
	struct sp_crew_config config = { "test", 1, 5, wait_at_gate, &gate, NULL };
	struct sp_crew *crew;
	int jobs[5];

	CHECK_EQ(sp_crew_create(&config, &crew, NULL), 0);
	sp_crew_destroy(crew);
	CHECK_EQ(sp_crew_create(&config, &crew, NULL), 0);
	for (int i = 0; i < 5; i++)
		sp_crew_give(crew, &jobs[i]);
	while (!atomic_load(&gate.waiting))
		sched_yield();
	atomic_store(&gate.open, true);
	sp_crew_destroy(crew);
	CHECK_EQ(atomic_load(&gate.waiting), atomic_load(&gate.done));
}

TEST(crew_refuses_impossible_sizes)
{
	struct sp_crew_config none = { "test", 0, 5, square, NULL, NULL };
	struct sp_crew_config many = { "test", SP_CREW_MAX + 1, 5, square, NULL, NULL };
	struct sp_crew *crew;

	CHECK_EQ(sp_crew_create(&none, &crew, NULL), -EINVAL);
	CHECK_EQ(sp_crew_create(&many, &crew, NULL), -EINVAL);
}

TEST_MAIN()
