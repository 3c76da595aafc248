/* SPDX-License-Identifier: Apache-2.0 */
/* When a frame was exposed: by the camera's clock, as leaders that came in their turn tell it. */
#include "base/clock.h"
#include "one_stream.h"
#include "seeded.h"

enum { BLOCKS = 300, KNOWN_AFTER = 100, NS_PER_TICK = 8 };

static const uint64_t PATH_NS = 2 * MS, JITTER_NS = 5 * MS, PERIOD_NS = 33 * MS;

static uint64_t distance(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

TEST(exposure_is_by_the_fitted_clock)
{
	uint64_t exposed = 5 * SP_NS_PER_S, last = 0, jitter = 0, worst = 0;

	seed_with(20261125);
	begin();
	for (uint64_t k = 1; k <= BLOCKS; k++, exposed += PERIOD_NS) {
		struct traffic_block b = block(k);
		uint64_t came = exposed + PATH_NS + rnd(JITTER_NS);
		bool resent = k % 10 == 0;
		struct sp_frame *f;

		b.timestamp = 77777 + exposed / NS_PER_TICK;
		if (!resent)
			send(&b, 0, came);
		send_list(&b, "1234", came + 1 * MS);
		/* One that was lost and came again says nothing of the path. */
		if (resent)
			send_as(&b, 0, GVSP_STATUS_RESENT, 0, came + 20 * MS);
		send(&b, 5, came + 20 * MS);
		f = frame_of(&b);
		if (k == 1)
			CHECK_EQ(f->exposure_ns, f->first_ns);
		CHECK(f->exposure_ns <= f->last_ns);
		if (k > KNOWN_AFTER) {
			uint64_t off = distance(f->exposure_ns, exposed + PATH_NS);

			worst = off > worst ? off : worst;
			off = distance(f->first_ns, exposed + PATH_NS);
			jitter = off > jitter ? off : jitter;
			CHECK(distance(f->exposure_ns - last, PERIOD_NS) < MS);
		}
		last = f->exposure_ns;
		put_all();
	}
	printf("# exposures within %llu us, arrivals within %llu us\n",
	       (unsigned long long)(worst / 1000), (unsigned long long)(jitter / 1000));
	CHECK(worst < MS && jitter > 4 * MS);
	end();
}

TEST(exposure_without_ticks_is_the_arrival)
{
	seed_with(20261125);
	begin();
	for (uint64_t k = 1; k <= 50; k++) {
		struct traffic_block b = block(k);

		b.timestamp = 0;
		send_block(&b, k * PERIOD_NS + rnd(MS));
		CHECK_EQ(frame_of(&b)->exposure_ns, held[0]->first_ns);
		put_all();
	}
	end();
}

/* A forged leader of the block that is open may lie about the time, not by much. */
TEST(exposure_of_a_lie_is_the_arrival)
{
	struct traffic_block b;

	begin();
	for (uint64_t k = 1; k <= 60; k++) {
		b = block(k);
		b.timestamp = k * PERIOD_NS / NS_PER_TICK;
		if (k == 50)
			b.timestamp += 1000 * SP_NS_PER_S / NS_PER_TICK;
		send_block(&b, SP_NS_PER_S + k * PERIOD_NS);
		CHECK_EQ(distance(frame_of(&b)->exposure_ns, SP_NS_PER_S + k * PERIOD_NS) < 10, 1);
		put_all();
	}
	end();
}

TEST_MAIN()
