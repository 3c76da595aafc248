/* SPDX-License-Identifier: Apache-2.0 */
/* TSAN: yes */
/* Crews: every item made once and taken in order, failures told, nothing lost on the way out. */
#include "lanesim/crew.h"

#include <errno.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/random.h"
#include "test.h"

enum { ITEMS = 500, NEVER = -1 };

struct job {
	_Atomic uint32_t made, held; /* held: made, not yet taken or dropped */
	uint32_t taken;
	int make_fails, take_fails; /* at this item, or NEVER */
	bool in_order;
};

static int make(void *arg, struct lanesim_hand *hand, uint32_t i, void *result, struct sp_err *err)
{
	struct job *job = arg;

	if (!hand->eye)
		return sp_err_set(err, -EFAULT, "no eye");
	if ((int)i == job->make_fails)
		return sp_err_set(err, -EDOM, "item %u", i);
	/* Some take longer than others. */
	sp_clock_sleep_until(sp_clock_now() + sp_random_mix(i) % 100000);
	*(uint32_t *)result = i;
	job->made++;
	job->held++;
	return 0;
}

static int take(void *arg, uint32_t i, void *result, struct sp_err *err)
{
	struct job *job = arg;

	job->held--;
	job->in_order &= i == job->taken && *(uint32_t *)result == i;
	job->taken++;
	return (int)i == job->take_fails ? sp_err_set(err, -ENOSPC, "item %u is not taken", i) : 0;
}

static void drop(void *arg, void *result)
{
	struct job *job = arg;

	(void)result;
	job->held--;
}

static int run(struct job *job, uint32_t n, unsigned int threads, struct sp_err *err)
{
	struct lanesim_crew crew = {
		.n = n,
		.threads = threads,
		.result_bytes = sizeof(uint32_t),
		.arg = job,
		.make = make,
		.take = take,
		.drop = drop,
	};

	return lanesim_crew_run(&crew, err);
}

TEST(crew_takes_everything_in_order)
{
	for (unsigned int threads = 0; threads <= 5; threads++) {
		struct job job = { .make_fails = NEVER, .take_fails = NEVER, .in_order = true };

		CHECK_EQ(run(&job, ITEMS, threads, NULL), 0);
		CHECK_EQ(job.made, ITEMS);
		CHECK_EQ(job.taken, ITEMS);
		CHECK_EQ(job.held, 0);
		CHECK(job.in_order);
	}
}

TEST(crew_of_nothing_does_nothing)
{
	struct job job = { .make_fails = NEVER, .take_fails = NEVER };

	CHECK_EQ(run(&job, 0, 3, NULL), 0);
	CHECK_EQ(job.made, 0);
}

TEST(crew_tells_what_failed)
{
	struct job job = { .make_fails = 137, .take_fails = NEVER, .in_order = true };
	struct sp_err err;

	CHECK_EQ(run(&job, ITEMS, 3, &err), -EDOM);
	CHECK_STR(err.text, "item 137");
	CHECK(job.taken <= 137);
	CHECK_EQ(job.held, 0);
	job = (struct job){ .make_fails = NEVER, .take_fails = 41, .in_order = true };
	CHECK_EQ(run(&job, ITEMS, 3, &err), -ENOSPC);
	CHECK_STR(err.text, "item 41 is not taken");
	CHECK_EQ(job.taken, 42);
	CHECK_EQ(job.held, 0);
}

TEST_MAIN()
