/* SPDX-License-Identifier: Apache-2.0 */
#include "control/link.h"

#include "base/clock.h"
#include "test.h"

static const struct sp_link_config config = {
	.first_ns = 500 * SP_NS_PER_MS,
	.max_ns = 30 * SP_NS_PER_S,
	.settle_ns = 10 * SP_NS_PER_S,
	.check_ns = 100 * SP_NS_PER_MS,
};

TEST(link_tries_at_once_and_checks_at_its_period)
{
	struct sp_link link;
	uint64_t wait = 0;

	sp_link_init(&link, &config, 1, 1000);
	CHECK_EQ(link.state, SP_CAMERA_CONNECTING);
	CHECK_EQ(sp_link_next(&link, 1000, &wait), SP_LINK_CONNECT);
	sp_link_connected(&link, 2000);
	CHECK_EQ(link.state, SP_CAMERA_STREAMING);
	CHECK_EQ(sp_link_next(&link, 2000, &wait), SP_LINK_WAIT);
	CHECK_EQ(wait, 100 * SP_NS_PER_MS);
	CHECK_EQ(sp_link_next(&link, 2000 + wait, &wait), SP_LINK_CHECK);
	CHECK_EQ(sp_link_next(&link, 2000 + 100 * SP_NS_PER_MS, &wait), SP_LINK_WAIT);
}

/*
 * Every wait lies in [step / 2, step] and the step doubles from 0.5 s to 30 s, whatever the seed.
 */
TEST(link_backs_off_exponentially_within_bounds)
{
	for (uint64_t seed = 0; seed < 200; seed++) {
		struct sp_link link;
		uint64_t now = 5 * SP_NS_PER_S, wait = 0, step = config.first_ns;

		sp_link_init(&link, &config, seed, now);
		for (int i = 0; i < 12; i++) {
			CHECK_EQ(sp_link_next(&link, now, &wait), SP_LINK_CONNECT);
			CHECK_EQ(link.state, SP_CAMERA_CONNECTING);
			sp_link_failed(&link, now);
			CHECK_EQ(link.state, SP_CAMERA_BACKING_OFF);
			CHECK_EQ(sp_link_next(&link, now, &wait), SP_LINK_WAIT);
			if (wait < step / 2 || wait > step)
				FAIL("seed %" PRIu64 ", try %d: wait %" PRIu64 " of step %" PRIu64,
				     seed, i, wait, step);
			CHECK_EQ(sp_link_next(&link, now + wait - 1, &wait), SP_LINK_WAIT);
			CHECK_EQ(wait, 1);
			now = link.due_ns;
			step = step * 2 > config.max_ns ? config.max_ns : step * 2;
		}
	}
}

TEST(link_jitter_differs_by_seed_and_repeats_for_one)
{
	struct sp_link a, b, c;

	sp_link_init(&a, &config, 1, 0);
	sp_link_init(&b, &config, 2, 0);
	sp_link_init(&c, &config, 1, 0);
	sp_link_failed(&a, 0);
	sp_link_failed(&b, 0);
	sp_link_failed(&c, 0);
	CHECK(a.due_ns != b.due_ns);
	CHECK_EQ(a.due_ns, c.due_ns);
}

/* Connects, is lost after @streamed_ns, and says how long the step then is. */
static uint64_t step_after(uint64_t streamed_ns)
{
	struct sp_link link;
	uint64_t wait = 0, now = 0;

	sp_link_init(&link, &config, 3, now);
	for (int i = 0; i < 3; i++) {
		sp_link_failed(&link, now);
		now = link.due_ns;
	}
	CHECK_EQ(sp_link_next(&link, now, &wait), SP_LINK_CONNECT);
	sp_link_connected(&link, now);
	sp_link_lost(&link, now + streamed_ns);
	CHECK_EQ(link.state, SP_CAMERA_LOST);
	return link.step_ns;
}

TEST(link_starts_its_series_anew_only_once_settled)
{
	CHECK_EQ(step_after(config.settle_ns - 1), 8 * config.first_ns);
	CHECK_EQ(step_after(config.settle_ns), config.first_ns);
}

TEST(link_rests_while_lost_and_when_stopped)
{
	struct sp_link link;
	uint64_t wait = 0;

	sp_link_init(&link, &config, 4, 0);
	sp_link_connected(&link, 0);
	sp_link_lost(&link, 1);
	CHECK_EQ(sp_link_next(&link, SP_NS_PER_S, &wait), SP_LINK_WAIT);
	sp_link_failed(&link, SP_NS_PER_S);
	CHECK_EQ(sp_link_next(&link, 2 * SP_NS_PER_S, &wait), SP_LINK_CONNECT);
	sp_link_stopped(&link, 2 * SP_NS_PER_S);
	CHECK_EQ(sp_link_next(&link, 60 * SP_NS_PER_S, &wait), SP_LINK_WAIT);
	CHECK_STR(sp_camera_state_name(link.state), "stopped");
}

TEST_MAIN()
