/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/nap.h"

#include "base/clock.h"
#include "base/random.h"
#include "test.h"

#define FOREVER UINT64_MAX
#define US SP_NS_PER_US

enum { RING = 4096 };

TEST(it_polls_busily_and_then_naps_longer_and_longer)
{
	const uint64_t max_ns = 100 * US;
	struct sp_nap nap;
	uint64_t now = 10 * SP_NS_PER_S, last = 0, busy = 0;

	sp_nap_init(&nap, max_ns, RING);
	CHECK_EQ(sp_nap_after(&nap, 8, now, FOREVER), 0);
	while (!last) {
		now += US;
		busy++;
		last = sp_nap_after(&nap, 0, now, FOREVER);
	}
	CHECK(busy >= 20 && busy <= 200); /* µs */
	CHECK(last <= 10 * US);
	for (int i = 0; i < 20; i++) {
		uint64_t next = sp_nap_after(&nap, 0, now += last, FOREVER);

		CHECK(next >= last && next <= max_ns);
		if (last < max_ns / 2)
			CHECK(next > last);
		last = next;
	}
	CHECK_EQ(last, max_ns);
	/* A packet ends it: busy again, and the next nap is short. */
	CHECK_EQ(sp_nap_after(&nap, 1, now += last, FOREVER), 0);
	CHECK_EQ(sp_nap_after(&nap, 0, now += US, FOREVER), 0);
	CHECK(sp_nap_after(&nap, 0, now + SP_NS_PER_MS, FOREVER) <= 10 * US);
}

TEST(it_never_naps_if_told_so_or_past_a_deadline)
{
	struct sp_nap nap;
	uint64_t now = SP_NS_PER_S;

	sp_nap_init(&nap, 0, RING);
	for (int i = 0; i < 1000; i++)
		CHECK_EQ(sp_nap_after(&nap, 0, now += SP_NS_PER_MS, FOREVER), 0);
	sp_nap_init(&nap, SP_NS_PER_MS, RING);
	for (int i = 0; i < 1000; i++)
		CHECK(sp_nap_after(&nap, 0, now += SP_NS_PER_MS, 3 * US) == 3 * US);
	CHECK_EQ(sp_nap_after(&nap, 0, now, 0), 0);
}

/* A burst of @burst_ns, polled every 2 µs; returns the time after it. */
static uint64_t burst(struct sp_nap *nap, uint64_t now, double packets_per_us, uint64_t burst_ns)
{
	double owed = 0;

	for (uint64_t end = now + burst_ns; now < end; now += 2 * US) {
		unsigned int packets;

		owed += 2 * packets_per_us;
		packets = owed > 64 ? 64 : (unsigned int)owed;
		owed -= packets;
		sp_nap_after(nap, packets, now, FOREVER);
	}
	return now;
}

/* The longest nap of a quiet @quiet_ns from @*now on. */
static uint64_t longest_nap(struct sp_nap *nap, uint64_t *now, uint64_t quiet_ns)
{
	uint64_t longest = 0, length;

	for (uint64_t end = *now + quiet_ns; *now < end; *now += length ? length : US) {
		length = sp_nap_after(nap, 0, *now, FOREVER);
		longest = length > longest ? length : longest;
	}
	return longest;
}

TEST(a_fast_stream_shortens_the_naps_between_its_bursts)
{
	static const struct {
		double packets_per_us;
		uint32_t ring;
		uint64_t least, most; /* ns */
	} cases[] = {
		{ 0.01, RING, 500 * US, 500 * US },
		{ 1, RING, 500 * US, 500 * US },      /* fills in 4096 µs: 1024 are allowed */
		{ 4, RING, 200 * US, 330 * US },      /* a quarter of 1024 µs, or so */
		{ 1, 512, 100 * US, 165 * US },
		{ 20, 256, 0, 0 },		      /* 3 µs: not worth a nap */
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sp_nap nap;
		uint64_t now = SP_NS_PER_S, longest = 0;

		sp_nap_init(&nap, 500 * US, cases[i].ring);
		for (int frame = 0; frame < 10; frame++) {
			now = burst(&nap, now, cases[i].packets_per_us, 4 * SP_NS_PER_MS);
			longest = longest_nap(&nap, &now, 20 * SP_NS_PER_MS);
		}
		if (longest < cases[i].least || longest > cases[i].most)
			FAIL("%g packets/µs, ring %u: naps of %" PRIu64 " ns",
			     cases[i].packets_per_us, cases[i].ring, longest);
	}
}

/*
 * Bursts by seed against a queue that drops when it is full: nothing is lost, once the rate was
 * seen, although the sleeper oversleeps by up to 60 µs, and the thread sleeps most of the quiet
 * time.
 */
TEST(nothing_is_lost_and_quiet_time_is_slept)
{
	enum { FRAMES = 200, PACKETS = 3000 };
	uint64_t random = 5, now = SP_NS_PER_S, waiting = 0, lost = 0, slept = 0, quiet = 0;
	const uint64_t packet_ns = 700; /* 1.4 million a second */
	uint64_t next_packet = now;
	unsigned int left = PACKETS, frame = 0;
	struct sp_nap nap;

	printf("# seed %" PRIu64 "\n", random);
	sp_nap_init(&nap, SP_NS_PER_MS, 1024);
	while (frame < FRAMES) {
		unsigned int taken = waiting > 64 ? 64 : (unsigned int)waiting;
		uint64_t length = sp_nap_after(&nap, taken, now, FOREVER);

		waiting -= taken;
		slept += length;
		now += length ? length + sp_random_next(&random) % (60 * US) : US / 2;
		while (next_packet <= now && frame < FRAMES) {
			if (waiting < 1024)
				waiting++;
			else
				lost += frame > 2;
			next_packet += packet_ns;
			if (--left)
				continue;
			left = PACKETS;
			frame++;
			quiet += 20 * SP_NS_PER_MS;
			next_packet += 20 * SP_NS_PER_MS + sp_random_next(&random) % SP_NS_PER_MS;
		}
	}
	CHECK_EQ(lost, 0);
	CHECK(slept > quiet / 2);
}

TEST_MAIN()
