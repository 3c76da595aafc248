/* SPDX-License-Identifier: Apache-2.0 */
/* TSAN: yes */
/* A made-up device that is lost, and a made-up CPU that stands in: nothing lost, nothing twice. */
#include "infer/failover.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/event.h"
#include "base/random.h"
#include "base/region.h"
#include "frame/frame.h"
#include "infer/compute.h"
#include "test.h"

enum { FRAMES = 64, RESULTS = 16, WORKERS = 2, CPU_WORK = 2 * WORKERS, PATIENCE_S = 30 };

/* ---- a backend that does what a test says --------------------------------------------------------- */

struct fake {
	struct sp_compute base;
	struct sp_result results[RESULTS];
	struct sp_result *free[RESULTS], *inside[RESULTS];
	unsigned int free_n, inside_n, galleries;
	struct sp_frame *released[RESULTS];
	unsigned int released_n;
	bool lost;
	char kernels[8];
};

/* What is told to, and known of, all fakes of a kind. */
static struct kind {
	_Atomic unsigned int opened, closed, regions, refuse_opens;
	_Atomic bool lose; /* the next poll finds the device gone */
	_Atomic bool hold; /* finish nothing */
	uint64_t mark; /* its results carry it as device_ticks */
} device, cpu;

static int fake_open(const struct sp_compute_config *config, const struct sp_compute_ops *ops,
		     struct kind *kind, struct sp_compute **ret_compute, struct sp_err *err)
{
	struct fake *fake;

	if (strcmp(config->detector, "detector") || config->cameras[0].camera != 7)
		return sp_err_set(err, -EINVAL, "the configuration was not kept");
	if (atomic_load(&kind->refuse_opens)) {
		atomic_fetch_sub(&kind->refuse_opens, 1);
		return sp_err_set(err, -ENODEV, "refused");
	}
	fake = calloc(1, sizeof(*fake));
	fake->base.ops = ops;
	fake->base.info.backend = ops->name;
	strcpy(fake->kernels, "fake");
	fake->base.info.kernels = fake->kernels;
	for (unsigned int i = 0; i < RESULTS; i++)
		fake->free[fake->free_n++] = &fake->results[i];
	atomic_fetch_add(&kind->opened, 1);
	*ret_compute = &fake->base;
	return 0;
}

static struct kind *kind_of(struct sp_compute *compute)
{
	return strcmp(compute->info.backend, "device") ? &cpu : &device;
}

static void fake_close(struct sp_compute *compute)
{
	struct fake *fake = (struct fake *)compute;

	/* All results were put, all galleries closed. */
	if (fake->free_n != RESULTS || fake->galleries)
		abort();
	atomic_fetch_add(&kind_of(compute)->closed, 1);
	strcpy(fake->kernels, "gone");
	free(fake);
}

static int fake_register(struct sp_compute *compute, struct sp_region *region, struct sp_err *err)
{
	(void)region;
	(void)err;
	atomic_fetch_add(&kind_of(compute)->regions, 1);
	return 0;
}

static void fake_forget(struct sp_compute *compute, struct sp_region *region)
{
	(void)region;
	atomic_fetch_sub(&kind_of(compute)->regions, 1);
}

static unsigned int fake_submit(struct sp_compute *compute, struct sp_frame *const *frames,
				unsigned int n)
{
	struct fake *fake = (struct fake *)compute;
	unsigned int i;

	for (i = 0; i < n && fake->free_n && !fake->lost; i++) {
		struct sp_result *result = fake->free[--fake->free_n];

		sp_result_begin(result, frames[i]);
		result->device_ticks = kind_of(compute)->mark;
		/* The device copies, and gives every second frame back before its result. */
		if (kind_of(compute) == &device && frames[i]->block_id % 2) {
			fake->released[fake->released_n++] = frames[i];
			result->frame = NULL;
		}
		fake->inside[fake->inside_n++] = result;
	}
	return i;
}

static unsigned int fake_release(struct sp_compute *compute, struct sp_frame **frames,
				 unsigned int max)
{
	struct fake *fake = (struct fake *)compute;
	unsigned int n = 0;

	while (n < max && fake->released_n)
		frames[n++] = fake->released[--fake->released_n];
	return n;
}

static unsigned int fake_poll(struct sp_compute *compute, struct sp_result **results,
			      unsigned int max)
{
	struct fake *fake = (struct fake *)compute;
	unsigned int n = 0;

	if (atomic_exchange(&kind_of(compute)->lose, false))
		fake->lost = true;
	if (atomic_load(&kind_of(compute)->hold) && !fake->lost)
		return 0;
	while (n < max && fake->inside_n) {
		results[n] = fake->inside[--fake->inside_n];
		results[n]->cause = fake->lost ? SP_RESULT_LOST : SP_RESULT_FACES;
		results[n++]->error = fake->lost ? -ENODEV : 0;
	}
	return n;
}

static void fake_put(struct sp_compute *compute, struct sp_result *result)
{
	struct fake *fake = (struct fake *)compute;

	if (result < fake->results || result >= fake->results + RESULTS)
		abort(); /* another's */
	fake->free[fake->free_n++] = result;
}

static int fake_gallery_open(struct sp_compute *compute, const float *rows, uint32_t rows_n,
			     uint32_t size, struct sp_gallery **ret_gallery, struct sp_err *err)
{
	(void)rows;
	(void)rows_n;
	(void)size;
	(void)err;
	((struct fake *)compute)->galleries++;
	*ret_gallery = (struct sp_gallery *)compute;
	return 0;
}

static void fake_gallery_close(struct sp_compute *compute, struct sp_gallery *gallery)
{
	if ((struct sp_compute *)gallery != compute)
		abort();
	((struct fake *)compute)->galleries--;
}

/* Tells itself from the CPU's search by what no search gives. */
static int fake_search(struct sp_compute *compute, const struct sp_gallery *gallery,
		       const float *queries, uint32_t queries_n, uint32_t k, struct sp_hit *hits)
{
	(void)compute;
	(void)gallery;
	(void)queries;
	(void)queries_n;
	(void)k;
	hits[0] = (struct sp_hit){ 77, 7 };
	return 1;
}

static const struct sp_compute_ops device_ops, cpu_ops;

static int device_open(const struct sp_compute_config *config, struct sp_compute **ret_compute,
		       struct sp_err *err)
{
	return fake_open(config, &device_ops, &device, ret_compute, err);
}

static int cpu_open(const struct sp_compute_config *config, struct sp_compute **ret_compute,
		    struct sp_err *err)
{
	return fake_open(config, &cpu_ops, &cpu, ret_compute, err);
}

static const struct sp_compute_ops device_ops = {
	.name = "device",
	.open = device_open,
	.close = fake_close,
	.register_region = fake_register,
	.forget_region = fake_forget,
	.submit = fake_submit,
	.release = fake_release,
	.poll = fake_poll,
	.put = fake_put,
	.gallery_open = fake_gallery_open,
	.gallery_close = fake_gallery_close,
	.search = fake_search,
};

static const struct sp_compute_ops cpu_ops = {
	.name = "cpu",
	.open = cpu_open,
	.close = fake_close,
	.register_region = fake_register,
	.submit = fake_submit,
	.poll = fake_poll,
	.put = fake_put,
};

/* ---- the bench they stand on ----------------------------------------------------------------------- */

static struct bench {
	struct sp_event done;
	struct sp_compute *compute;
	struct sp_region region;
	struct sp_frame frames[FRAMES];
	unsigned int out[FRAMES], back[FRAMES], results[FRAMES], lost;
	struct sp_result *kept[2 * RESULTS];
	unsigned int kept_n;
} bench;

static int open_failover(struct sp_err *err)
{
	char detector[] = "detector";
	struct sp_compute_camera cameras[1] = { { .camera = 7 } };
	struct sp_compute_config config = {
		.detector = detector,
		.cameras = cameras,
		.cameras_n = 1,
		.workers = WORKERS,
		.in_flight = RESULTS,
		.done = &bench.done,
	};
	int rc = sp_failover_open(&device_ops, &cpu_ops, &config, &bench.compute, err);

	/* What it keeps is its own. */
	detector[0] = '\0';
	cameras[0].camera = 0;
	return rc;
}

static void set_up(void)
{
	struct sp_err err;

	memset(&bench, 0, sizeof(bench));
	memset(&device, 0, sizeof(device));
	memset(&cpu, 0, sizeof(cpu));
	device.mark = 1;
	cpu.mark = 2;
	CHECK_EQ(sp_event_init(&bench.done), 0);
	for (unsigned int i = 0; i < FRAMES; i++)
		bench.frames[i].block_id = i;
	if (open_failover(&err))
		FAIL("%s", err.text);
	CHECK_EQ(bench.compute->ops->register_region(bench.compute, &bench.region, NULL), 0);
}

static void tear_down(void)
{
	bench.compute->ops->close(bench.compute);
	CHECK_EQ(device.opened, device.closed);
	CHECK_EQ(cpu.opened, cpu.closed);
	sp_event_uninit(&bench.done);
}

static void put_one(unsigned int i)
{
	bench.compute->ops->put(bench.compute, bench.kept[i]);
	bench.kept[i] = bench.kept[--bench.kept_n];
}

static void take_back(struct sp_frame *frame)
{
	CHECK_EQ(++bench.back[frame->block_id], bench.out[frame->block_id]);
}

static unsigned int collect(void)
{
	struct sp_result *results[RESULTS];
	struct sp_frame *frames[RESULTS];
	unsigned int n;

	while ((n = bench.compute->ops->release(bench.compute, frames, 3)))
		for (unsigned int i = 0; i < n; i++)
			take_back(frames[i]);
	n = bench.compute->ops->poll(bench.compute, results, RESULTS);
	for (unsigned int i = 0; i < n; i++) {
		uint64_t id = results[i]->block_id;

		CHECK_EQ(++bench.results[id], bench.out[id]);
		bench.lost += results[i]->cause == SP_RESULT_LOST;
		if (results[i]->frame)
			take_back(results[i]->frame);
		results[i]->frame = NULL;
		bench.kept[bench.kept_n++] = results[i];
	}
	return n;
}

/* A frame that is not inside. Whether it was taken. */
static bool give(unsigned int i)
{
	struct sp_frame *frame = &bench.frames[i];

	if (bench.results[i] != bench.out[i] || bench.back[i] != bench.out[i])
		return false;
	bench.out[i]++;
	if (bench.compute->ops->submit(bench.compute, &frame, 1))
		return true;
	bench.out[i]--;
	return false;
}

/* Until a frame goes all the way through @kind. */
static void wait_for(const struct kind *kind)
{
	uint64_t end = sp_clock_now() + PATIENCE_S * SP_NS_PER_S;
	bool found = false;

	for (unsigned int next = 0; !found; next++) {
		if (sp_clock_now() > end)
			FAIL("backend %s did not come", kind == &cpu ? "cpu" : "device");
		give(next % FRAMES);
		collect();
		while (bench.kept_n) {
			const struct sp_result *result = bench.kept[bench.kept_n - 1];

			found |= result->cause == SP_RESULT_FACES &&
				 result->device_ticks == kind->mark;
			put_one(bench.kept_n - 1);
		}
		sp_clock_sleep_until(sp_clock_now() + SP_NS_PER_MS);
	}
}

static void lose(unsigned int inside)
{
	atomic_store(&device.hold, true);
	for (unsigned int i = 0; i < inside; i++)
		CHECK(give(i));
	atomic_store(&device.lose, true);
	CHECK_EQ(collect(), inside);
	CHECK_EQ(bench.lost, inside);
	atomic_store(&device.hold, false);
}

TEST(the_second_stands_in_until_the_first_is_back)
{
	set_up();
	CHECK_STR(bench.compute->info.backend, "device");
	CHECK(give(0));
	CHECK_EQ(collect(), 1);
	put_one(0);
	CHECK_EQ(cpu.opened, 0);
	atomic_store(&device.refuse_opens, 1);
	lose(5);
	/* What was inside is with us still: the first cannot be closed before. */
	CHECK(!give(9) || cpu.opened);
	CHECK_EQ(device.closed, 0);
	while (bench.kept_n)
		put_one(0);
	wait_for(&cpu);
	CHECK_EQ(cpu.opened, 1);
	CHECK_EQ(cpu.regions, 1);
	wait_for(&device);
	CHECK_EQ(device.opened, 2);
	CHECK_EQ(device.regions, 2);
	CHECK_EQ(bench.lost, 5);
	/* Of the one that is closed by now nothing is told but what was copied. */
	CHECK_STR(bench.compute->info.kernels, "fake");
	tear_down();
}

TEST(regions_come_and_go_while_the_first_is_on_its_way_back)
{
	uint64_t end = sp_clock_now() + PATIENCE_S * SP_NS_PER_S;
	struct sp_region other = { 0 };

	set_up();
	lose(1);
	put_one(0);
	while (atomic_load(&device.opened) < 2 && sp_clock_now() < end)
		sp_clock_sleep_until(sp_clock_now() + SP_NS_PER_MS);
	/* It is open again, and no frame has been submitted to it yet. */
	CHECK_EQ(device.opened, 2);
	CHECK_EQ(bench.compute->ops->register_region(bench.compute, &other, NULL), 0);
	while (atomic_load(&device.regions) < 3 && sp_clock_now() < end)
		sp_clock_sleep_until(sp_clock_now() + SP_NS_PER_MS);
	CHECK_EQ(device.regions, 3);
	bench.compute->ops->forget_region(bench.compute, &bench.region);
	CHECK_EQ(device.regions, 2);
	tear_down();
}

TEST(the_second_gets_no_more_than_keeps_it_busy)
{
	unsigned int taken = 0;

	set_up();
	lose(1);
	put_one(0);
	wait_for(&cpu);
	atomic_store(&cpu.hold, true);
	atomic_store(&device.refuse_opens, 1000);
	for (unsigned int i = 0; i < FRAMES; i++)
		taken += give(i);
	CHECK_EQ(taken, CPU_WORK);
	atomic_store(&cpu.hold, false);
	CHECK_EQ(collect(), CPU_WORK);
	while (bench.kept_n)
		put_one(0);
	tear_down();
}

TEST(searches_go_on_without_the_device)
{
	static const float rows[] = { 1, 0, 0, 1 }, query[] = { 0, 1 };
	const struct sp_compute_ops *ops;
	struct sp_gallery *gallery;
	struct sp_hit hits[2];

	set_up();
	ops = bench.compute->ops;
	CHECK_EQ(ops->gallery_open(bench.compute, rows, 2, 2, &gallery, NULL), 0);
	CHECK_EQ(ops->search(bench.compute, gallery, query, 1, 1, hits), 1);
	CHECK_EQ(hits[0].index, 77);
	lose(2);
	while (bench.kept_n)
		put_one(0);
	wait_for(&cpu);
	CHECK_EQ(ops->search(bench.compute, gallery, query, 1, 2, hits), 2);
	CHECK_EQ(hits[0].index, 1);
	wait_for(&device);
	CHECK_EQ(ops->search(bench.compute, gallery, query, 1, 1, hits), 1);
	CHECK_EQ(hits[0].index, 77);
	ops->gallery_close(bench.compute, gallery);
	tear_down();
}

TEST(a_first_that_does_not_open_is_told)
{
	struct sp_err err;

	memset(&device, 0, sizeof(device));
	atomic_store(&device.refuse_opens, 1);
	CHECK_EQ(open_failover(&err), -ENODEV);
	CHECK_STR(err.text, "refused");
}

/* Whatever comes when: each frame back once, one result each, put where it belongs (or abort). */
TEST(nothing_is_lost_or_twice)
{
	uint64_t random = 20261125;
	unsigned int losses = 0;

	printf("# seed %" PRIu64 "\n", random);
	set_up();
	for (unsigned int step = 0; step < 20000; step++) {
		unsigned int what = sp_random_next(&random) % 100;

		if (what < 45)
			give(sp_random_next(&random) % FRAMES);
		else if (what < 70)
			collect();
		else if (what < 99 && bench.kept_n)
			put_one(sp_random_next(&random) % bench.kept_n);
		else if (what == 99 && losses < 3 && step > 5000 * losses) {
			atomic_store(&device.lose, true);
			losses++;
		}
		if (step % 256 == 0)
			sp_clock_sleep_until(sp_clock_now() + SP_NS_PER_MS);
	}
	for (uint64_t end = sp_clock_now() + PATIENCE_S * SP_NS_PER_S; sp_clock_now() < end;) {
		unsigned int waiting = 0;

		collect();
		while (bench.kept_n)
			put_one(0);
		for (unsigned int i = 0; i < FRAMES; i++)
			waiting += bench.results[i] != bench.out[i] ||
				   bench.back[i] != bench.out[i];
		if (!waiting)
			break;
	}
	for (unsigned int i = 0; i < FRAMES; i++) {
		CHECK_EQ(bench.results[i], bench.out[i]);
		CHECK_EQ(bench.back[i], bench.out[i]);
	}
	CHECK(bench.lost <= 3 * RESULTS);
	tear_down();
}

TEST_MAIN()
