/* SPDX-License-Identifier: Apache-2.0 */
#include "control/bucket.h"

#include "base/clock.h"
#include "test.h"

TEST(bucket_starts_full_and_empties)
{
	struct sp_bucket bucket;

	sp_bucket_init(&bucket, &(struct sp_bucket_config){ .rate = 10, .burst = 5 }, 100);
	CHECK_EQ(sp_bucket_fill(&bucket, 100), 5);
	sp_bucket_spend(&bucket, 3);
	CHECK_EQ(sp_bucket_fill(&bucket, 100), 2);
	sp_bucket_spend(&bucket, 2);
	CHECK_EQ(sp_bucket_fill(&bucket, 100), 0);
}

TEST(bucket_refills_at_its_rate_and_no_further_than_its_brim)
{
	static const struct {
		uint64_t after_ns;
		uint32_t want;
	} cases[] = {
		{ 99 * SP_NS_PER_MS, 0 },
		{ 100 * SP_NS_PER_MS, 1 },
		{ 199 * SP_NS_PER_MS, 1 },
		{ 450 * SP_NS_PER_MS, 4 },
		{ 500 * SP_NS_PER_MS, 5 },
		{ 3600 * SP_NS_PER_S, 5 },
		{ UINT64_MAX - 1000, 5 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sp_bucket bucket;

		sp_bucket_init(&bucket, &(struct sp_bucket_config){ .rate = 10, .burst = 5 }, 7);
		sp_bucket_spend(&bucket, 5);
		CHECK_EQ(sp_bucket_fill(&bucket, 7 + cases[i].after_ns), cases[i].want);
	}
}

/* A refill asked for every microsecond must add up to the same as one asked for at the end. */
TEST(bucket_loses_no_fraction_to_frequent_refills)
{
	struct sp_bucket bucket;
	uint64_t granted = 0;

	sp_bucket_init(&bucket, &(struct sp_bucket_config){ .rate = 333, .burst = 10 }, 0);
	sp_bucket_spend(&bucket, 10);
	for (uint64_t us = 1; us <= 1000000; us++) {
		uint32_t n = sp_bucket_fill(&bucket, us * SP_NS_PER_US);

		sp_bucket_spend(&bucket, n);
		granted += n;
	}
	CHECK_EQ(granted, 333);
}

TEST(bucket_ignores_time_that_steps_back)
{
	struct sp_bucket bucket;

	sp_bucket_init(&bucket, &(struct sp_bucket_config){ .rate = 1000, .burst = 4 },
		       SP_NS_PER_S);
	sp_bucket_spend(&bucket, 4);
	CHECK_EQ(sp_bucket_fill(&bucket, 0), 0);
	CHECK_EQ(sp_bucket_fill(&bucket, SP_NS_PER_S + SP_NS_PER_MS), 1);
}

TEST(bucket_without_rate_grants_its_burst_once)
{
	struct sp_bucket bucket;

	sp_bucket_init(&bucket, &(struct sp_bucket_config){ .rate = 0, .burst = 2 }, 0);
	CHECK_EQ(sp_bucket_fill(&bucket, 0), 2);
	sp_bucket_spend(&bucket, 2);
	CHECK_EQ(sp_bucket_fill(&bucket, UINT64_MAX), 0);
	sp_bucket_init(&bucket, &(struct sp_bucket_config){ .rate = 1000, .burst = 0 }, 0);
	CHECK_EQ(sp_bucket_fill(&bucket, UINT64_MAX), 0);
}

TEST(bucket_takes_the_largest_rate_and_burst)
{
	struct sp_bucket bucket;

	sp_bucket_init(&bucket,
		       &(struct sp_bucket_config){ .rate = UINT32_MAX, .burst = UINT32_MAX }, 0);
	CHECK_EQ(sp_bucket_fill(&bucket, UINT64_MAX / 2), UINT32_MAX);
	sp_bucket_spend(&bucket, UINT32_MAX);
	CHECK_EQ(sp_bucket_fill(&bucket, UINT64_MAX / 2 + SP_NS_PER_S), UINT32_MAX);
}

TEST_MAIN()
