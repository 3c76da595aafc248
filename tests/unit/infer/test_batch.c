/* SPDX-License-Identifier: Apache-2.0 */
/* TSAN: yes */
/* The inference side between a made-up source and a made-up backend: every frame, exactly one result. */
#include "infer/batch.h"

#include <pthread.h>
#include <sched.h>

#include "base/diag.h"
#include "base/event.h"
#include "base/ring.h"
#include "frame/frame_source.h"
#include "infer/compute.h"
#include "test.h"

enum { CAMERAS = 3, FRAMES = 24, IN_FLIGHT = 4, QUEUE = 2 };

/* ---- a source: frames go round between a ring out and a ring back -------------------------------- */

struct fake_source {
	struct sp_frame_source base;
	struct sp_frame frames[FRAMES];
	struct sp_ring out, back;
};

static unsigned int get(struct sp_frame_source *source, struct sp_frame **frames, unsigned int max)
{
	return sp_ring_pop(&((struct fake_source *)source)->out, (void **)frames, max);
}

static void put(struct sp_frame_source *source, struct sp_frame *frame)
{
	void *item = frame;

	CHECK_EQ(sp_ring_push(&((struct fake_source *)source)->back, &item, 1), 1);
}

static const struct sp_frame_source_ops source_ops = { .name = "fake", .get = get, .put = put };

/* ---- a backend: holds up to IN_FLIGHT, finishes when allowed -------------------------------------- */

struct fake_compute {
	struct sp_compute base;
	struct sp_result results[IN_FLIGHT];
	struct sp_result *free[IN_FLIGHT], *done[IN_FLIGHT];
	unsigned int free_n, done_n;
	_Atomic bool held; /* finish nothing */
};

static unsigned int submit(struct sp_compute *compute, struct sp_frame *const *frames,
			   unsigned int n)
{
	struct fake_compute *c = (struct fake_compute *)compute;
	unsigned int i;

	for (i = 0; i < n && c->free_n; i++) {
		struct sp_result *result = c->free[--c->free_n];

		memset(result, 0, offsetof(struct sp_result, faces));
		result->frame = frames[i];
		result->lane = frames[i]->lane;
		result->camera = frames[i]->camera;
		result->block_id = frames[i]->block_id;
		result->faces_n = 1;
		/* Every eighth broke down after its first face. */
		if (result->block_id % 8 == 7)
			result->cause = SP_RESULT_FAILED;
		c->done[c->done_n++] = result;
	}
	return i;
}

static unsigned int poll_done(struct sp_compute *compute, struct sp_result **results,
			      unsigned int max)
{
	struct fake_compute *c = (struct fake_compute *)compute;
	unsigned int n = 0;

	if (atomic_load(&c->held))
		return 0;
	while (n < max && c->done_n)
		results[n++] = c->done[--c->done_n];
	return n;
}

static void put_result(struct sp_compute *compute, struct sp_result *result)
{
	struct fake_compute *c = (struct fake_compute *)compute;

	CHECK(!result->frame);
	c->free[c->free_n++] = result;
}

static const struct sp_compute_ops compute_ops = {
	.name = "fake", .submit = submit, .poll = poll_done, .put = put_result,
};

/* ---- the bench they stand on ------------------------------------------------------------------------ */

struct bench {
	struct fake_source source;
	struct fake_compute compute;
	struct sp_event wake, lane_wake;
	struct sp_batch *batch;
};

static void set_up(struct bench *b)
{
	struct sp_batch_camera cameras[CAMERAS];
	struct sp_batch_config config = {
		.compute = &b->compute.base,
		.in_flight = IN_FLIGHT,
		.work = IN_FLIGHT,
		.cameras = cameras,
		.cameras_n = CAMERAS,
		.queue = QUEUE,
		.wake = &b->wake,
		.lane_wake = &b->lane_wake,
	};
	struct sp_err err;

	memset(b, 0, sizeof(*b));
	b->source.base.ops = &source_ops;
	b->compute.base.ops = &compute_ops;
	for (unsigned int i = 0; i < IN_FLIGHT; i++)
		b->compute.free[b->compute.free_n++] = &b->compute.results[i];
	for (uint16_t i = 0; i < CAMERAS; i++)
		cameras[i] = (struct sp_batch_camera){
			.lane = i / 2,
			.camera = i % 2,
			.source = &b->source.base,
		};
	CHECK_EQ(sp_ring_init(&b->source.out, FRAMES), 0);
	CHECK_EQ(sp_ring_init(&b->source.back, FRAMES), 0);
	CHECK_EQ(sp_event_init(&b->wake), 0);
	CHECK_EQ(sp_event_init(&b->lane_wake), 0);
	if (sp_batch_start(&config, &b->batch, &err))
		FAIL("%s", err.text);
}

static void tear_down(struct bench *b)
{
	sp_batch_destroy(b->batch);
	sp_event_uninit(&b->lane_wake);
	sp_event_uninit(&b->wake);
	sp_ring_uninit(&b->source.back);
	sp_ring_uninit(&b->source.out);
}

static void send_frame(struct bench *b, unsigned int slot, uint64_t block)
{
	struct sp_frame *frame = &b->source.frames[slot];
	unsigned int camera = slot % CAMERAS;
	void *item = frame;

	frame->lane = (uint16_t)(camera / 2);
	frame->camera = (uint16_t)(camera % 2);
	frame->block_id = block;
	CHECK_EQ(sp_ring_push(&b->source.out, &item, 1), 1);
	sp_event_signal(&b->wake);
}

/* Takes a result the lane's way and returns it; false if none waits. */
static bool take_result(struct bench *b, struct sp_result *ret_copy)
{
	void *item;

	if (!sp_ring_pop(sp_batch_results(b->batch), &item, 1))
		return false;
	memcpy(ret_copy, item, offsetof(struct sp_result, faces));
	CHECK_EQ(sp_ring_push(sp_batch_returns(b->batch), &item, 1), 1);
	sp_event_signal(&b->wake);
	return true;
}

TEST(batch_gives_each_frame_one_result)
{
	struct bench b;
	bool seen[4000] = { false };
	unsigned int sent = 0, results = 0, failed = 0;

	set_up(&b);
	while (results < 4000) {
		struct sp_result result;
		void *back;

		if (sent < FRAMES) {
			send_frame(&b, sent, sent);
			sent++;
		}
		while (sent >= FRAMES && sent < 4000 && sp_ring_pop(&b.source.back, &back, 1)) {
			send_frame(&b, (unsigned int)((struct sp_frame *)back - b.source.frames),
				   sent);
			sent++;
		}
		while (take_result(&b, &result)) {
			CHECK(result.block_id < 4000 && !seen[result.block_id]);
			seen[result.block_id] = true;
			results++;
			failed += result.cause == SP_RESULT_FAILED;
		}
		sched_yield();
	}
	sp_batch_stop(b.batch);
	CHECK_EQ(sp_batch_counters(b.batch)->frames, 4000);
	CHECK_EQ(sp_batch_counters(b.batch)->results + sp_batch_counters(b.batch)->shed, 4000);
	CHECK(failed > 0);
	CHECK_EQ(sp_batch_counters(b.batch)->failed, failed);
	CHECK_EQ(sp_batch_counters(b.batch)->faces,
		 sp_batch_counters(b.batch)->results - failed);
	CHECK_EQ(sp_batch_pending(b.batch), 0);
	tear_down(&b);
}

/* A backend that hangs: the oldest frames are shed, tombstones keep their places, nothing is stuck. */
TEST(batch_sheds_the_oldest_and_says_so)
{
	struct bench b;
	unsigned int shed = 0, faces = 0;
	struct sp_result result;
	uint64_t newest_shed = 0;

	set_up(&b);
	atomic_store(&b.compute.held, true);
	for (unsigned int i = 0; i < FRAMES; i++)
		send_frame(&b, i, i);
	/* IN_FLIGHT are in the backend, QUEUE of each camera wait, the others are shed. */
	while (shed < FRAMES - IN_FLIGHT - QUEUE * CAMERAS) {
		if (take_result(&b, &result)) {
			CHECK_EQ(result.cause, SP_RESULT_SHED);
			CHECK(result.block_id >= newest_shed ||
			      newest_shed - result.block_id < CAMERAS);
			newest_shed = result.block_id;
			shed++;
		} else {
			sched_yield();
		}
	}
	atomic_store(&b.compute.held, false);
	sp_event_signal(&b.wake);
	while (faces < IN_FLIGHT + QUEUE * CAMERAS) {
		if (take_result(&b, &result)) {
			CHECK(result.cause != SP_RESULT_SHED);
			faces++;
		} else {
			sched_yield();
		}
	}
	sp_batch_stop(b.batch);
	CHECK_EQ(sp_ring_count(&b.source.back), FRAMES);
	tear_down(&b);
}

TEST(batch_gives_every_frame_back_when_stopped)
{
	struct bench b;

	set_up(&b);
	for (unsigned int i = 0; i < FRAMES; i++)
		send_frame(&b, i, i);
	while (!sp_counter_read(&sp_batch_counters(b.batch)->frames) &&
	       sp_ring_count(&b.source.out))
		sched_yield();
	sp_batch_stop(b.batch);
	CHECK_EQ(sp_ring_count(&b.source.back) + sp_ring_count(&b.source.out), FRAMES);
	tear_down(&b);
}

TEST_MAIN()
