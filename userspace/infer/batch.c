/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/batch.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/event.h"
#include "base/pool.h"
#include "base/ring.h"
#include "base/thread.h"
#include "frame/frame_source.h"
#include "infer/compute.h"

const struct sp_counter sp_batch_counter_table[] = {
	SP_COUNTER(struct sp_batch_counters, frames, "Frames taken from the sources"),
	SP_COUNTER(struct sp_batch_counters, shed, "Frames dropped because too many waited"),
	SP_COUNTER(struct sp_batch_counters, results, "Results of the compute backend"),
	SP_COUNTER(struct sp_batch_counters, faces, "Faces found"),
	SP_COUNTER(struct sp_batch_counters, faces_dropped, "Faces beyond what a result holds"),
	SP_COUNTER(struct sp_batch_counters, unreadable,
		   "Frames in a format the backend cannot read"),
	SP_COUNTER(struct sp_batch_counters, failed, "Frames on which the backend failed"),
	SP_COUNTER(struct sp_batch_counters, lost, "Frames inside a device when it was lost"),
};

const size_t sp_batch_counter_table_n =
	sizeof(sp_batch_counter_table) / sizeof(sp_batch_counter_table[0]);

enum {
	BURST = 32,
	/* The wait is for signals; the bound is only a safety net. */
	WAIT_MS = 100,
};

struct camera_queue {
	struct sp_batch_camera id;
	struct sp_frame **frames; /* a ring of `queue` */
	unsigned int first, n;
};

struct sp_batch {
	struct sp_batch_config config;
	struct camera_queue *cameras;
	struct sp_frame **frames; /* the queues' rings */
	struct sp_frame_source **sources;
	unsigned int sources_n;
	unsigned int turn; /* the camera that is served next */
	unsigned int in_backend;
	_Atomic unsigned int pending;
	struct sp_pool tombstones;
	struct sp_ring results, returns;
	struct sp_thread thread;
	struct sp_batch_counters counters;
	struct sp_histogram latency;
};

static struct camera_queue *queue_of(struct sp_batch *batch, uint16_t lane, uint16_t camera)
{
	for (unsigned int i = 0; i < batch->config.cameras_n; i++)
		if (batch->cameras[i].id.lane == lane && batch->cameras[i].id.camera == camera)
			return &batch->cameras[i];
	return NULL;
}

static void put_frame(struct sp_batch *batch, struct sp_frame *frame)
{
	struct sp_frame_source *source = queue_of(batch, frame->lane, frame->camera)->id.source;

	source->ops->put(source, frame);
}

/* The ring holds every result that exists, so this cannot fail. */
static void hand_on(struct sp_batch *batch, struct sp_result *result)
{
	void *item = result;

	sp_ring_push(&batch->results, &item, 1);
}

static void shed(struct sp_batch *batch, struct sp_frame *frame)
{
	struct sp_result *result = sp_pool_get(&batch->tombstones);

	sp_result_begin(result, frame);
	result->cause = SP_RESULT_SHED;
	result->frame = NULL;
	put_frame(batch, frame);
	sp_count(&batch->counters.shed, 1);
	hand_on(batch, result);
}

static bool is_tombstone(const struct sp_batch *batch, const struct sp_result *result)
{
	const uint8_t *at = (const uint8_t *)result, *base = batch->tombstones.objects;

	return at >= base && at < base + batch->tombstones.size * batch->tombstones.total;
}

static unsigned int take_returns(struct sp_batch *batch)
{
	unsigned int total = 0, n;
	void *items[BURST];

	while ((n = sp_ring_pop(&batch->returns, items, BURST))) {
		for (unsigned int i = 0; i < n; i++) {
			if (is_tombstone(batch, items[i]))
				sp_pool_put(&batch->tombstones, items[i]);
			else
				batch->config.compute->ops->put(batch->config.compute, items[i]);
		}
		total += n;
	}
	return total;
}

/* One frame of each camera in turn, so that a fast camera does not starve a slow one. */
static unsigned int feed(struct sp_batch *batch)
{
	struct sp_compute *compute = batch->config.compute;
	unsigned int idle = 0, total = 0;

	while (idle < batch->config.cameras_n && batch->in_backend < batch->config.work) {
		struct camera_queue *queue = &batch->cameras[batch->turn];

		if (!queue->n) {
			idle++;
		} else {
			if (!compute->ops->submit(compute, &queue->frames[queue->first], 1))
				break;
			queue->first = (queue->first + 1) % batch->config.queue;
			queue->n--;
			batch->in_backend++;
			total++;
			idle = 0;
		}
		batch->turn = (batch->turn + 1) % batch->config.cameras_n;
	}
	return total;
}

static void enqueue(struct sp_batch *batch, struct sp_frame *frame)
{
	struct camera_queue *queue = queue_of(batch, frame->lane, frame->camera);
	unsigned int depth = batch->config.queue;

	/* Only what the backend has no room for is shed. */
	if (queue->n == depth)
		feed(batch);
	if (queue->n == depth) {
		shed(batch, queue->frames[queue->first]);
		queue->first = (queue->first + 1) % depth;
		queue->n--;
	}
	queue->frames[(queue->first + queue->n++) % depth] = frame;
}

/* Takes no more frames than there are tombstones, since each may push another out. */
static unsigned int take_frames(struct sp_batch *batch)
{
	unsigned int total = 0;

	for (unsigned int i = 0; i < batch->sources_n; i++) {
		struct sp_frame_source *source = batch->sources[i];
		struct sp_frame *frames[BURST];
		unsigned int room = batch->tombstones.free < BURST ? batch->tombstones.free : BURST;
		unsigned int n = room ? source->ops->get(source, frames, room) : 0;

		for (unsigned int k = 0; k < n; k++)
			enqueue(batch, frames[k]);
		sp_count(&batch->counters.frames, n);
		total += n;
	}
	return total;
}

static void account(struct sp_batch *batch, const struct sp_result *result)
{
	sp_count(&batch->counters.results, 1);
	/* Where a backend failed halfway, the faces that it had are none to count. */
	if (result->cause == SP_RESULT_FACES) {
		sp_count(&batch->counters.faces, result->faces_n);
		sp_count(&batch->counters.faces_dropped, result->faces_dropped);
	}
	sp_count(&batch->counters.unreadable, result->cause == SP_RESULT_UNREADABLE);
	sp_count(&batch->counters.failed, result->cause == SP_RESULT_FAILED);
	sp_count(&batch->counters.lost, result->cause == SP_RESULT_LOST);
	if (result->done_ns > result->last_ns)
		sp_histogram_add(&batch->latency, result->done_ns - result->last_ns);
}

/* Frames whose pixels the backend has copied. */
static unsigned int release(struct sp_batch *batch)
{
	struct sp_compute *compute = batch->config.compute;
	struct sp_frame *frames[BURST];
	unsigned int total = 0, n;

	while (compute->ops->release && (n = compute->ops->release(compute, frames, BURST))) {
		for (unsigned int i = 0; i < n; i++)
			put_frame(batch, frames[i]);
		total += n;
	}
	return total;
}

static unsigned int collect(struct sp_batch *batch)
{
	struct sp_compute *compute = batch->config.compute;
	struct sp_result *results[BURST];
	unsigned int total = 0, n;

	while ((n = compute->ops->poll(compute, results, BURST))) {
		for (unsigned int i = 0; i < n; i++) {
			if (results[i]->frame)
				put_frame(batch, results[i]->frame);
			results[i]->frame = NULL;
			account(batch, results[i]);
			hand_on(batch, results[i]);
		}
		batch->in_backend -= n;
		total += n;
	}
	return total;
}

static void update_pending(struct sp_batch *batch)
{
	unsigned int pending = batch->in_backend + sp_ring_count(&batch->results);

	for (unsigned int i = 0; i < batch->config.cameras_n; i++)
		pending += batch->cameras[i].n;
	atomic_store_explicit(&batch->pending, pending, memory_order_release);
}

/* Returns whether anything moved. */
static bool turn_once(struct sp_batch *batch)
{
	unsigned int moved = take_returns(batch), handed;
	uint64_t shed_before = batch->counters.shed;

	moved += take_frames(batch);
	moved += feed(batch);
	moved += release(batch);
	handed = collect(batch);
	if (handed || batch->counters.shed != shed_before)
		sp_event_signal(batch->config.lane_wake);
	update_pending(batch);
	return moved || handed;
}

static void run(struct sp_thread *thread)
{
	struct sp_batch *batch = thread->arg;

	while (!sp_thread_should_stop(thread)) {
		if (turn_once(batch))
			continue;
		sp_event_arm(batch->config.wake);
		/*
		 * The sources and the backend have no count to look at: another turn is the last
		 * look.
		 */
		if (!turn_once(batch))
			sp_event_wait(batch->config.wake, WAIT_MS * SP_NS_PER_MS);
		sp_event_disarm(batch->config.wake);
	}
}

static int add_sources(struct sp_batch *batch)
{
	batch->sources = calloc(batch->config.cameras_n, sizeof(struct sp_frame_source *));
	if (!batch->sources)
		return -ENOMEM;
	for (unsigned int i = 0; i < batch->config.cameras_n; i++) {
		unsigned int k = 0;

		while (k < batch->sources_n && batch->sources[k] != batch->cameras[i].id.source)
			k++;
		if (k == batch->sources_n)
			batch->sources[batch->sources_n++] = batch->cameras[i].id.source;
	}
	return 0;
}

/* Everything that the thread will ever need. */
static int take_memory(struct sp_batch *batch)
{
	unsigned int cameras = batch->config.cameras_n, depth = batch->config.queue;
	unsigned int tombstones = cameras * depth + BURST;
	uint32_t existing = batch->config.in_flight + tombstones;

	batch->cameras = calloc(cameras, sizeof(*batch->cameras));
	batch->frames = calloc((size_t)cameras * depth, sizeof(struct sp_frame *));
	if (!batch->cameras || !batch->frames)
		return -ENOMEM;
	for (unsigned int i = 0; i < cameras; i++) {
		batch->cameras[i].id = batch->config.cameras[i];
		batch->cameras[i].frames = batch->frames + (size_t)i * depth;
	}
	return add_sources(batch) ?:
	       sp_pool_init(&batch->tombstones, sizeof(struct sp_result), tombstones) ?:
	       sp_ring_init(&batch->results, existing) ?:
	       sp_ring_init(&batch->returns, existing);
}

int sp_batch_start(const struct sp_batch_config *config, struct sp_batch **ret_batch,
		   struct sp_err *err)
{
	struct sp_batch *batch;
	int status;

	if (!config->cameras_n || !config->queue || !config->work)
		return sp_err_set(err, -EINVAL, "inference: no camera, or no room for its frames");
	/* Its rings are aligned to cache lines, which calloc does not promise. */
	batch = aligned_alloc(_Alignof(struct sp_batch), sizeof(*batch));
	if (!batch)
		return sp_err_set(err, -ENOMEM, "inference: out of memory");
	memset(batch, 0, sizeof(*batch));
	batch->config = *config;
	status = take_memory(batch);
	if (!status)
		status = sp_thread_start(&batch->thread, "inference", -1, run, batch, config->wake);
	if (status) {
		sp_batch_destroy(batch);
		return sp_err_set(err, status, "inference: cannot start: %s", strerror(-status));
	}
	*ret_batch = batch;
	return 0;
}

void sp_batch_stop(struct sp_batch *batch)
{
	sp_thread_stop(&batch->thread);
	/* From here the caller is the thread. What the backend still has comes back. */
	while (batch->in_backend) {
		if (!collect(batch))
			sp_clock_sleep_until(sp_clock_now() + SP_NS_PER_MS);
		release(batch);
		take_returns(batch);
	}
	/* A frame may come back after its result has. */
	release(batch);
	for (unsigned int i = 0; i < batch->config.cameras_n; i++) {
		struct camera_queue *queue = &batch->cameras[i];

		for (; queue->n;
		     queue->n--, queue->first = (queue->first + 1) % batch->config.queue) {
			if (batch->tombstones.free)
				shed(batch, queue->frames[queue->first]);
			else
				put_frame(batch, queue->frames[queue->first]);
		}
	}
	update_pending(batch);
	sp_event_signal(batch->config.lane_wake);
}

void sp_batch_destroy(struct sp_batch *batch)
{
	if (!batch)
		return;
	take_returns(batch);
	sp_ring_uninit(&batch->returns);
	sp_ring_uninit(&batch->results);
	sp_pool_uninit(&batch->tombstones);
	free(batch->sources);
	free(batch->frames);
	free(batch->cameras);
	free(batch);
}

struct sp_ring *sp_batch_results(struct sp_batch *batch)
{
	return &batch->results;
}

struct sp_ring *sp_batch_returns(struct sp_batch *batch)
{
	return &batch->returns;
}

unsigned int sp_batch_pending(const struct sp_batch *batch)
{
	return atomic_load_explicit(&batch->pending, memory_order_acquire);
}

const struct sp_batch_counters *sp_batch_counters(const struct sp_batch *batch)
{
	return &batch->counters;
}

const struct sp_histogram *sp_batch_latency(const struct sp_batch *batch)
{
	return &batch->latency;
}
