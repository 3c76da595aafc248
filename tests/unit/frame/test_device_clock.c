/* SPDX-License-Identifier: Apache-2.0 */
/* A camera whose true clock is known, leaders late by chance, and how far the line is off. */
#include "frame/device_clock.h"

#include <math.h>

#include "test.h"

#define US 1e3
#define MS 1e6
#define SECOND 1e9

struct camera {
	double frequency;  /* ticks a second */
	double off_ppm;	   /* of that, really */
	double jitter;	   /* mean of an exponential delay, ns */
	double burst;	   /* for 300 ms of every 7 s, up to so much more, ns */
	double poll;	   /* packets are looked for so often, ns */
	uint64_t boot_ticks; /* at time 0 */
	uint64_t boot_ns;  /* CLOCK_MONOTONIC then */
	uint32_t seed;
};

struct run {
	struct sp_device_clock clock;
	const struct camera *camera;
	uint64_t random;
	double free_at;	   /* no leader overtakes another */
	uint64_t last_ns;  /* the time given to the leader before */
	/* Of the leaders since begin_judging. */
	unsigned int n, unknown, falling, early;
	double sum2, late2, worst, moved;
};

static double chance(struct run *run)
{
	run->random ^= run->random << 13;
	run->random ^= run->random >> 7;
	run->random ^= run->random << 17;
	return ((double)(run->random >> 11) + 0.5) / 9007199254740992.0;
}

static void begin_judging(struct run *run)
{
	run->n = run->unknown = run->falling = run->early = 0;
	run->sum2 = run->late2 = run->worst = run->moved = 0;
}

static void begin_run(struct run *run, const struct camera *camera)
{
	memset(run, 0, sizeof(*run));
	sp_device_clock_init(&run->clock);
	run->camera = camera;
	run->random = 0x9E3779B97F4A7C15u * (camera->seed + 1);
	begin_judging(run);
}

static uint64_t ticks_at(const struct camera *camera, double at)
{
	return camera->boot_ticks + (uint64_t)(at / SECOND * camera->frequency *
					       (1 + camera->off_ppm * 1e-6));
}

/* A leader sent at @at, ns from time 0, delayed by chance and by @more. Its ticks are @ticks. */
static void leader(struct run *run, double at, double more, uint64_t ticks)
{
	const struct camera *camera = run->camera;
	double came = at + more - camera->jitter * log(chance(run)), off;
	uint64_t before, after, ns;
	bool known;

	if (fmod(at, 7 * SECOND) < 300 * MS)
		came += camera->burst * chance(run);
	if (camera->poll > 0)
		came = ceil(came / camera->poll) * camera->poll;
	if (came < run->free_at)
		came = run->free_at;
	run->free_at = came;
	ns = camera->boot_ns + (uint64_t)came;
	known = sp_device_clock_at(&run->clock, ticks, &before);
	sp_device_clock_see(&run->clock, ticks, ns);
	run->n++;
	if (!sp_device_clock_at(&run->clock, ticks, &after)) {
		run->unknown++;
		return;
	}
	off = (double)(int64_t)(after - camera->boot_ns) - at;
	run->sum2 += off * off;
	run->late2 += (came - at) * (came - at);
	run->worst = fmax(run->worst, fabs(off));
	if (known)
		run->moved = fmax(run->moved, fabs((double)(int64_t)(after - before)));
	run->falling += after <= run->last_ns;
	run->early += after > ns + 1; /* rounding */
	run->last_ns = after;
}

static void shoot(struct run *run, double from, double to, double fps)
{
	for (double at = from; at < to; at += SECOND / fps)
		leader(run, at, 0, ticks_at(run->camera, at));
}

static double rms(const struct run *run)
{
	return sqrt(run->sum2 / (run->n - run->unknown));
}

static double late_rms(const struct run *run)
{
	return sqrt(run->late2 / (run->n - run->unknown));
}

TEST(device_clock_finds_the_line)
{
	static const double frequencies[] = { 1e6, 2.5e7, 125e6, 1e9 }, off[] = { -100, 0, 100 };
	static const struct {
		double fps, gain;
	} rates[] = { { 10, 40 }, { 30, 150 }, { 100, 400 }, { 500, 800 } };

	for (size_t r = 0; r < sizeof(rates) / sizeof(rates[0]); r++) {
		double worst_gain = 1e9, worst_p = 0, moved = 0;

		for (size_t f = 0; f < 4; f++)
			for (size_t o = 0; o < 3; o++)
				for (uint32_t seed = 0; seed < 3; seed++) {
					struct camera camera = {
						.frequency = frequencies[f], .off_ppm = off[o],
						.jitter = 200 * US, .burst = 5 * MS,
						.boot_ticks = 123456789, .seed = seed + 10 * r,
						.boot_ns = 5000000000000,
					};
					struct run run;
					double gain;

					begin_run(&run, &camera);
					shoot(&run, 0, 2 * SECOND, rates[r].fps);
					begin_judging(&run);
					shoot(&run, 2 * SECOND, 40 * SECOND, rates[r].fps);
					CHECK_EQ(run.unknown, 0);
					CHECK_EQ(run.clock.restarts, 0);
					CHECK_EQ(run.early, 0);
					CHECK_EQ(run.falling, 0);
					gain = late_rms(&run) / rms(&run);
					worst_gain = fmin(worst_gain, gain);
					worst_p = fmax(worst_p, run.worst);
					moved = fmax(moved, run.moved);
				}
		printf("# %.0f leaders/s, 36 runs: lateness / error >= %.0f, worst %.1f us, "
		       "a refit moves <= %.1f us\n",
		       rates[r].fps, worst_gain, worst_p / US, moved / US);
		CHECK(worst_gain >= rates[r].gain / 2);
	}
}

TEST(device_clock_wild_jitter)
{
	struct camera camera = { .frequency = 1e9, .off_ppm = 30, .jitter = 20 * MS,
				 .boot_ticks = 1, .boot_ns = 1, .seed = 3 };
	struct run run;

	begin_run(&run, &camera);
	shoot(&run, 0, 5 * SECOND, 60);
	begin_judging(&run);
	shoot(&run, 5 * SECOND, 60 * SECOND, 60);
	printf("# jitter 20 ms at 60/s: error rms %.2f ms, worst %.2f ms\n", rms(&run) / MS,
	       run.worst / MS);
	CHECK_EQ(run.unknown, 0);
	CHECK_EQ(run.clock.restarts, 0);
	CHECK(rms(&run) < camera.jitter / 20);
}

TEST(device_clock_polled)
{
	/* Arrivals are rounded up to naps of a millisecond; batches share a stamp. */
	struct camera camera = { .frequency = 125e6, .off_ppm = -40, .jitter = 50 * US,
				 .poll = 1 * MS, .boot_ns = 77, .boot_ticks = 1, .seed = 5 };
	struct run run;

	begin_run(&run, &camera);
	shoot(&run, 0, 2 * SECOND, 3001);
	begin_judging(&run);
	shoot(&run, 2 * SECOND, 20 * SECOND, 3001);
	printf("# polled each ms: error rms %.1f us\n", rms(&run) / US);
	CHECK_EQ(run.clock.restarts, 0);
	CHECK_EQ(run.falling, 0);
	CHECK(rms(&run) < 20 * US);
}

TEST(device_clock_coarse_ticks)
{
	/* 1 kHz: a tick is a millisecond, several leaders have the same ticks. */
	struct camera camera = { .frequency = 1e3, .off_ppm = 50, .jitter = 100 * US,
				 .boot_ns = 77, .boot_ticks = 1, .seed = 6 };
	struct run run;

	begin_run(&run, &camera);
	shoot(&run, 0, 2 * SECOND, 2503);
	begin_judging(&run);
	shoot(&run, 2 * SECOND, 20 * SECOND, 2503);
	CHECK_EQ(run.clock.restarts, 0);
	CHECK_EQ(run.unknown, 0);
	CHECK(run.worst < 1.1 * MS);
}

TEST(device_clock_reset)
{
	struct camera camera = { .frequency = 1e8, .off_ppm = 80, .jitter = 200 * US,
				 .boot_ns = 900, .boot_ticks = 1000000000, .seed = 7 };
	struct run run;
	uint64_t ns;

	begin_run(&run, &camera);
	shoot(&run, 0, 20 * SECOND, 30);
	/* The camera starts again: ticks from nearly 0, and until that is sure no wrong times. */
	camera.boot_ticks = (uint64_t)(-25 * SECOND / SECOND * 1e8);
	CHECK(!sp_device_clock_at(&run.clock, ticks_at(&camera, 25 * SECOND) + 1, &ns));
	begin_judging(&run);
	shoot(&run, 25 * SECOND + 10, 26 * SECOND, 30);
	CHECK_EQ(run.clock.restarts, 1);
	CHECK(run.unknown >= 2 && run.unknown <= 6);
	begin_judging(&run);
	shoot(&run, 26 * SECOND, 40 * SECOND, 30);
	CHECK_EQ(run.clock.restarts, 1);
	CHECK_EQ(run.unknown, 0);
	CHECK(rms(&run) < 40 * US);
	/* Set to the time of day: forward by half a century. */
	camera.boot_ticks = 1700000000000000000;
	begin_judging(&run);
	shoot(&run, 40 * SECOND, 41 * SECOND, 30);
	CHECK_EQ(run.clock.restarts, 2);
	CHECK(run.unknown >= 2 && run.unknown <= 6);
}

TEST(device_clock_set_by_seconds)
{
	struct camera camera = { .frequency = 1e8, .jitter = 200 * US, .boot_ns = 900,
				 .boot_ticks = 1000000000, .seed = 15 };
	struct run run;

	begin_run(&run, &camera);
	shoot(&run, 0, 20 * SECOND, 30);
	/* Forward by two seconds: no leader can come so early. */
	camera.boot_ticks += 200000000;
	begin_judging(&run);
	shoot(&run, 20 * SECOND, 21 * SECOND, 30);
	CHECK_EQ(run.clock.restarts, 1);
	CHECK(run.unknown >= 2 && run.unknown <= 6);
	shoot(&run, 21 * SECOND, 40 * SECOND, 30);
	/* Back by two in a pause of five: ticks go on rising, all leaders seem to be late. */
	camera.boot_ticks -= 200000000;
	shoot(&run, 45 * SECOND, 47 * SECOND, 30);
	CHECK_EQ(run.clock.restarts, 2);
	begin_judging(&run);
	shoot(&run, 47 * SECOND, 60 * SECOND, 30);
	CHECK_EQ(run.clock.restarts, 2);
	CHECK_EQ(run.unknown, 0);
	CHECK(rms(&run) < 40 * US);
}

TEST(device_clock_counter_wraps)
{
	/* 32 bits at 125 MHz wrap every 34 s. */
	struct camera camera = { .frequency = 125e6, .jitter = 200 * US, .boot_ns = 1,
				 .boot_ticks = 1, .seed = 8 };
	struct run run;

	begin_run(&run, &camera);
	for (double at = 0; at < 100 * SECOND; at += SECOND / 50)
		leader(&run, at, 0, (uint32_t)ticks_at(&camera, at));
	CHECK_EQ(run.clock.restarts, 2);
	CHECK(run.unknown < 25);
	CHECK(run.worst < 3 * MS);
	/* And 64 bits, once. */
	camera.boot_ticks = -(uint64_t)(20 * 125e6);
	begin_run(&run, &camera);
	shoot(&run, 0, 40 * SECOND, 50);
	CHECK_EQ(run.clock.restarts, 1);
	CHECK(run.worst < 3 * MS);
}

TEST(device_clock_single_lies)
{
	/* Broken or forged leaders one by one: no restart, and the others' times stay right. */
	static const uint64_t lies[] = { 1, 1ull << 40, 1ull << 62, UINT64_MAX };
	struct camera camera = { .frequency = 1e9, .off_ppm = 20, .jitter = 100 * US,
				 .boot_ns = 1, .boot_ticks = 1ull << 45, .seed = 9 };
	struct run run;
	unsigned int n = 0;

	begin_run(&run, &camera);
	shoot(&run, 0, 5 * SECOND, 30);
	begin_judging(&run);
	for (double at = 5 * SECOND; at < 25 * SECOND; at += SECOND / 30) {
		leader(&run, at, 0, ticks_at(&camera, at));
		if (++n % 5 == 0) {
			uint64_t ns;

			sp_device_clock_see(&run.clock, lies[n / 5 % 4], run.clock.newest.ns + 1);
			CHECK(!sp_device_clock_at(&run.clock, lies[n / 5 % 4], &ns));
		}
		sp_device_clock_see(&run.clock, 0, run.clock.newest.ns + 1);
	}
	CHECK_EQ(run.clock.restarts, 0);
	CHECK_EQ(run.unknown, 0);
	CHECK(rms(&run) < 20 * US);
}

TEST(device_clock_leaders_out_of_order)
{
	struct camera camera = { .frequency = 1e9, .jitter = 100 * US, .boot_ns = 1,
				 .boot_ticks = 1, .seed = 10 };
	struct run run;

	begin_run(&run, &camera);
	/* Every seventh leader was lost and comes again after the one that follows it. */
	for (int i = 0; i < 1200; i++) {
		double at = i * SECOND / 60;

		if (i == 120)
			begin_judging(&run);
		if (i % 7 == 3) {
			leader(&run, at + SECOND / 60, 0, ticks_at(&camera, at + SECOND / 60));
			sp_device_clock_see(&run.clock, ticks_at(&camera, at),
					    run.clock.newest.ns + 2000000);
			i++;
			continue;
		}
		leader(&run, at, 0, ticks_at(&camera, at));
	}
	CHECK_EQ(run.clock.restarts, 0);
	CHECK_EQ(run.falling, 0);
	CHECK(rms(&run) < 10 * US);
}

TEST(device_clock_host_stalls)
{
	struct camera camera = { .frequency = 1e9, .off_ppm = -70, .jitter = 100 * US,
				 .boot_ns = 1, .boot_ticks = 1, .seed = 11 };
	struct run run;

	begin_run(&run, &camera);
	shoot(&run, 0, 10 * SECOND, 30);
	begin_judging(&run);
	/* Five seconds without us; then what waited comes in a heap, then all is as before. */
	for (double at = 10 * SECOND; at < 15 * SECOND; at += SECOND / 30)
		leader(&run, at, 15 * SECOND - at, ticks_at(&camera, at));
	shoot(&run, 15.1 * SECOND, 40 * SECOND, 30);
	CHECK_EQ(run.clock.restarts, 0);
	CHECK(rms(&run) < 20 * US);
	CHECK(run.unknown <= 100); /* those from more than two seconds ago */
}

TEST(device_clock_steps_are_followed)
{
	struct camera camera = { .frequency = 1e9, .jitter = 50 * US, .boot_ns = 1,
				 .boot_ticks = 1ull << 50, .seed = 12 };
	struct run run;

	/* The path is 3 ms longer from 20 s on, and short again from 60 s on. */
	begin_run(&run, &camera);
	for (double at = 0; at < 100 * SECOND; at += SECOND / 50)
		leader(&run, at, at > 20 * SECOND && at < 60 * SECOND ? 3 * MS : 0,
		       ticks_at(&camera, at));
	CHECK_EQ(run.clock.restarts, 0);
	CHECK(run.worst < 3.3 * MS);
	begin_judging(&run);
	shoot(&run, 100 * SECOND, 110 * SECOND, 50);
	CHECK(rms(&run) < 10 * US);
	/* The clock is set forward by 20 ms. */
	camera.boot_ticks += 20000000;
	begin_judging(&run);
	shoot(&run, 110 * SECOND, 127 * SECOND, 50);
	CHECK(run.worst < 21 * MS);
	begin_judging(&run);
	shoot(&run, 127 * SECOND, 140 * SECOND, 50);
	CHECK_EQ(run.clock.restarts, 0);
	printf("# after steps: error rms %.1f us\n", rms(&run) / US);
	CHECK(rms(&run) < 10 * US);
}

TEST(device_clock_seldom_triggered)
{
	struct camera camera = { .frequency = 1e9, .off_ppm = 60, .jitter = 200 * US,
				 .boot_ns = 1, .boot_ticks = 1, .seed = 13 };
	struct run run;

	begin_run(&run, &camera);
	shoot(&run, 0, 5 * SECOND, 20);
	begin_judging(&run);
	/* A vehicle every few minutes, ten pictures each: the slope is kept, the place found. */
	for (int vehicle = 1; vehicle < 200; vehicle++) {
		double at = vehicle * 200 * SECOND + chance(&run) * 100 * SECOND;

		/* Meanwhile the crystal wanders by ±2 ppm in two hours. */
		for (int i = 0; i < 10; i++, at += SECOND / 20) {
			double gained = 2e-6 * 7200 * SECOND / (2 * M_PI) *
					(1 - cos(2 * M_PI * at / (7200 * SECOND)));

			leader(&run, at, 0, ticks_at(&camera, at) + (uint64_t)gained);
		}
	}
	printf("# triggered: error rms %.0f us of %.0f us\n", rms(&run) / US, late_rms(&run) / US);
	CHECK_EQ(run.clock.restarts, 0);
	CHECK_EQ(run.unknown, 0);
	CHECK_EQ(run.falling, 0);
	CHECK(rms(&run) < late_rms(&run));
}

TEST(device_clock_long_uptime)
{
	/* Ten years of nanoseconds on both sides, and a crystal that follows the warmth. */
	const uint64_t years = 315360000000000000;
	struct camera camera = { .frequency = 1e9, .jitter = 200 * US, .boot_ns = years,
				 .boot_ticks = years, .seed = 14 };
	struct run run;

	begin_run(&run, &camera);
	for (double at = 0; at < 3600 * SECOND; at += SECOND / 30) {
		/* Up to 2 ppm fast, back and forth in ten minutes: what it gained by now. */
		double gained = 1e-6 * (at - 600 * SECOND / (2 * M_PI) *
						     sin(2 * M_PI * at / (600 * SECOND)));

		if (run.n == 150 && at < 6 * SECOND)
			begin_judging(&run);
		leader(&run, at, 0, ticks_at(&camera, at) + (uint64_t)gained);
	}
	printf("# an hour, 0 to 2 ppm: error rms %.1f us, worst %.1f us\n", rms(&run) / US,
	       run.worst / US);
	CHECK_EQ(run.clock.restarts, 0);
	CHECK_EQ(run.unknown, 0);
	CHECK_EQ(run.falling, 0);
	CHECK_EQ(run.early, 0);
	CHECK(rms(&run) < 5 * US);
	CHECK(run.worst < 50 * US);
}

TEST(device_clock_any_numbers)
{
	static const uint64_t steps[] = { 0, 1, 1000, 1000000, 33000000, 1ull << 40, 1ull << 62,
					  UINT64_MAX, UINT64_MAX / 2, -1000ull };
	const uint64_t n = sizeof(steps) / sizeof(steps[0]);

	for (uint64_t seed = 1; seed <= 200; seed++) {
		struct run chances = { .random = seed * 0x9E3779B97F4A7C15u };
		struct sp_device_clock clock;
		uint64_t ticks = 1, ns = 1, got;

		sp_device_clock_init(&clock);
		for (int i = 0; i < 1000; i++) {
			bool calm = chance(&chances) < 0.9;

			ticks += steps[(uint64_t)(chance(&chances) * (double)(calm ? 5 : n))];
			ns += steps[(uint64_t)(chance(&chances) * (double)(calm ? 5 : n))];
			sp_device_clock_see(&clock, ticks, ns);
			sp_device_clock_at(&clock, ticks, &got);
			sp_device_clock_at(&clock, steps[i % 10], &got);
			CHECK(clock.points_n <= SP_DEVICE_CLOCK_BINS && clock.ns_per_tick >= 0);
			for (unsigned int k = 1; k < clock.points_n; k++)
				if (clock.points[k].ticks <= clock.points[k - 1].ticks ||
				    clock.points[k].ns < clock.points[k - 1].ns)
					FAIL("seed %d: points out of order", (int)seed);
		}
	}
}

TEST(device_clock_nothing_yet)
{
	struct sp_device_clock clock;
	uint64_t ns = 77;

	sp_device_clock_init(&clock);
	CHECK(!sp_device_clock_at(&clock, 5, &ns));
	for (uint64_t i = 0; i < 3; i++) {
		sp_device_clock_see(&clock, 1000 + i * 1000000, 50 + i * 1000000);
		CHECK(!sp_device_clock_at(&clock, 1000, &ns));
	}
	/* A clock that stands still, and leaders that all came at once. */
	sp_device_clock_init(&clock);
	for (uint64_t i = 0; i < 1000; i++)
		sp_device_clock_see(&clock, 1000, i * 1000000);
	CHECK(!sp_device_clock_at(&clock, 1000, &ns));
	sp_device_clock_init(&clock);
	for (uint64_t i = 0; i < 1000; i++)
		sp_device_clock_see(&clock, 2000 + i, 2000000000);
	CHECK(!sp_device_clock_at(&clock, 2000, &ns));
	CHECK_EQ(ns, 77);
}

TEST_MAIN()
