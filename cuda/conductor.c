/* SPDX-License-Identifier: Apache-2.0 */
#include "cuda/conductor.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "base/diag.h"
#include "cuda/backend.h"
#include "cuda/check.h"
#include "cuda/host.h"

enum {
	NS_PER_US = 1000,
	NS_PER_MS = 1000000,
	/* Between looks at events: shorter than any batch. */
	REST_FIRST_US = 10,
	REST_LAST_US = 100,
	IDLE_MS = 100,
};

/* ---- results --------------------------------------------------------------------------------- */

static void tell(struct sp_backend *b)
{
	if (b->ready)
		sp_host->signal(b->ready);
}

static void finish(struct sp_backend *b, struct sp_result *result)
{
	void *item = result;

	result->done_ns = sp_host->now_ns();
	/* Has room: it holds every result. */
	sp_ring_push(&b->finished, &item, 1);
}

static void finish_as(struct sp_backend *b, struct sp_result *result, enum sp_result_cause cause,
		      int error)
{
	result->cause = cause;
	result->error = error;
	finish(b, result);
	if (cause == SP_RESULT_LOST)
		atomic_store(&b->told, true);
}

static void finish_slot(struct sp_backend *b, struct sp_slot *slot, enum sp_result_cause cause,
			int error)
{
	for (unsigned int i = 0; i < slot->n; i++)
		finish_as(b, slot->frames[i].result, cause, error);
	sp_slot_clear(slot);
	tell(b);
}

/* The pixels are on the device. What the ring has no room for goes home with its result. */
static void release(struct sp_backend *b, struct sp_slot *slot)
{
	for (unsigned int i = 0; i < slot->n; i++) {
		void *frame = slot->frames[i].result->frame;

		if (sp_ring_push(&b->released, &frame, 1))
			slot->frames[i].result->frame = NULL;
	}
	slot->released = true;
	tell(b);
}

/* ---- a device that is lost ------------------------------------------------------------------- */

static struct sp_result *take_waiting(struct sp_backend *b)
{
	struct sp_result *result = b->waiting[b->waiting_first];

	b->waiting_first = (b->waiting_first + 1) % b->setup.in_flight;
	b->waiting_n--;
	return result;
}

static void lose_batches(struct sp_backend *b)
{
	for (unsigned int i = 0; i < b->slots_n; i++)
		if (b->slots[i].state != SP_SLOT_FREE)
			finish_slot(b, &b->slots[i], SP_RESULT_LOST, -ENODEV);
}

static void lose(struct sp_backend *b, bool hung, const char *why)
{
	if (hung)
		atomic_store(&b->hung, true);
	if (!atomic_exchange(&b->lost, true))
		sp_host_log(SP_LOG_ERROR,
			    "inference: device %d (%s) is lost: %s; the frames in it are lost",
			    b->setup.device.index, b->setup.device.name, why);
	lose_batches(b);
}

/* ---- batches --------------------------------------------------------------------------------- */

/* 1: it has been reached, 0: not yet; or the device is lost. */
static int reached(struct sp_backend *b, cudaEvent_t event)
{
	cudaError_t status = cudaEventQuery(event);
	struct sp_err err;

	if (status == cudaErrorNotReady)
		return 0;
	if (status == cudaSuccess)
		return 1;
	sp_cuda_status(&err, status, "cudaEventQuery(event)");
	lose(b, false, err.text);
	return 0;
}

static void complain(struct sp_backend *b, const struct sp_slot *slot, const struct sp_err *err)
{
	if (b->complained)
		return;
	b->complained = true;
	sp_host_log(SP_LOG_ERROR, "inference: a batch of %u frames failed: %s", slot->n, err->text);
}

/* After a phase has been put into the stream. */
static void put_in(struct sp_backend *b, struct sp_slot *slot, enum sp_slot_state state, int rc,
		   const struct sp_err *err)
{
	if (rc == -ENODEV) {
		lose(b, false, err->text);
		return;
	}
	if (rc)
		complain(b, slot, err);
	slot->error = rc;
	slot->state = state;
	slot->since_ns = sp_host->now_ns();
}

/* All looks have been made: on to the faces. */
static void go_on(struct sp_backend *b, struct sp_slot *slot)
{
	struct sp_err err;
	int rc;

	if (slot->error) {
		finish_slot(b, slot, SP_RESULT_FAILED, slot->error);
		return;
	}
	sp_slot_find(slot, &b->sightings, &b->portraits, &b->spare_portrait, &b->portraits_memory);
	if (!slot->faces_n) {
		finish_slot(b, slot, SP_RESULT_FACES, 0);
		return;
	}
	slot->state = SP_SLOT_FACING;
	rc = sp_slot_face(slot, &err);
	put_in(b, slot, SP_SLOT_FACING, rc, &err);
}

static void end(struct sp_backend *b, struct sp_slot *slot)
{
	if (slot->error) {
		finish_slot(b, slot, SP_RESULT_FAILED, slot->error);
		return;
	}
	sp_slot_judge(slot);
	finish_slot(b, slot, SP_RESULT_FACES, 0);
}

static void check_hang(struct sp_backend *b, const struct sp_slot *slot)
{
	char why[64];

	if (atomic_load(&b->lost) ||
	    sp_host->now_ns() - slot->since_ns <= (uint64_t)SP_HANG_MS * NS_PER_MS)
		return;
	snprintf(why, sizeof(why), "it has not answered for %d ms", SP_HANG_MS);
	lose(b, true, why);
}

/* Whether anything has come of it since the last time. */
static bool step(struct sp_backend *b, struct sp_slot *slot)
{
	bool moved = false;

	if (slot->state == SP_SLOT_FREE)
		return false;
	if (!slot->released && reached(b, slot->gathered)) {
		release(b, slot);
		moved = true;
	}
	if (atomic_load(&b->lost))
		return true;
	if (!slot->released || !reached(b, slot->done)) {
		check_hang(b, slot);
		return moved;
	}
	if (slot->state == SP_SLOT_LOOKING)
		go_on(b, slot);
	else
		end(b, slot);
	return true;
}

/* ---- frames ---------------------------------------------------------------------------------- */

static bool take_submitted(struct sp_backend *b)
{
	void *item;
	bool any = false;

	/* Has room: there are no more results than that. */
	while (sp_ring_pop(&b->submitted, &item, 1)) {
		unsigned int last = (b->waiting_first + b->waiting_n) % b->setup.in_flight;

		b->waiting[last] = item;
		b->waiting_n++;
		any = true;
	}
	return any;
}

static bool lose_waiting(struct sp_backend *b)
{
	bool any = b->waiting_n;

	while (b->waiting_n)
		finish_as(b, take_waiting(b), SP_RESULT_LOST, -ENODEV);
	if (any)
		tell(b);
	return any;
}

static const uint8_t *seen_at(struct sp_backend *b, const struct sp_frame *frame)
{
	const uint8_t *at = NULL;

	if (!frame->parts_n)
		return NULL;
	pthread_mutex_lock(&b->lock);
	at = sp_regions_find(&b->regions, frame->parts[0].region);
	pthread_mutex_unlock(&b->lock);
	return at;
}

/* It does not come into any batch: its result says why. */
static void turn_away(struct sp_backend *b, struct sp_result *result, const struct sp_err *err)
{
	bool *complained = result->cause == SP_RESULT_UNREADABLE ? &b->complained_unreadable
								 : &b->complained;

	if (!*complained)
		sp_host_log(SP_LOG_ERROR, "inference: stream %u: %s", result->stream, err->text);
	*complained = true;
	finish(b, result);
	tell(b);
}

static unsigned int busy(const struct sp_backend *b)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < b->slots_n; i++)
		n += b->slots[i].state != SP_SLOT_FREE;
	return n;
}

static struct sp_slot *free_slot(struct sp_backend *b)
{
	for (unsigned int i = 0; i < b->slots_n; i++)
		if (b->slots[i].state == SP_SLOT_FREE)
			return &b->slots[i];
	return NULL;
}

/* Nothing is gained by waiting where the device has nothing to do. */
static bool is_due(const struct sp_backend *b)
{
	const struct sp_result *oldest;

	if (!b->waiting_n)
		return false;
	oldest = b->waiting[b->waiting_first];
	return b->waiting_n >= b->setup.batch || !busy(b) ||
	       sp_host->now_ns() - oldest->submitted_ns >= b->setup.wait_ns;
}

/* As many of those that wait as the batch has room for. */
static void fill(struct sp_backend *b, struct sp_slot *slot)
{
	struct sp_err err;

	while (b->waiting_n && slot->n < b->setup.batch) {
		struct sp_result *result = b->waiting[b->waiting_first];
		int rc = sp_slot_add(slot, result, seen_at(b, result->frame), &err);

		if (rc == -EAGAIN)
			return;
		if (rc == -ENODEV) {
			lose(b, false, err.text);
			return;
		}
		take_waiting(b);
		if (rc)
			turn_away(b, result, &err);
	}
}

static bool start(struct sp_backend *b)
{
	struct sp_slot *slot = free_slot(b);
	unsigned int before = b->waiting_n;
	struct sp_err err;
	int rc;

	if (!slot || !is_due(b))
		return false;
	slot->state = SP_SLOT_LOOKING;
	fill(b, slot);
	if (!slot->n)
		slot->state = SP_SLOT_FREE;
	if (slot->state == SP_SLOT_FREE)
		return atomic_load(&b->lost) || b->waiting_n != before;
	rc = sp_slot_look(slot, &err);
	put_in(b, slot, SP_SLOT_LOOKING, rc, &err);
	return true;
}

/* ---- the thread ------------------------------------------------------------------------------ */

static void rest(struct sp_backend *b, struct sp_thread *thread, unsigned int *us)
{
	if (busy(b)) {
		const struct timespec pause = { .tv_nsec = *us * NS_PER_US };

		nanosleep(&pause, NULL);
		*us = 2 * *us < REST_LAST_US ? 2 * *us : REST_LAST_US;
		return;
	}
	sp_event_arm(&b->wake);
	if (!sp_ring_count(&b->submitted) && !sp_thread_should_stop(thread))
		sp_event_wait(&b->wake, IDLE_MS * NS_PER_MS);
	sp_event_disarm(&b->wake);
}

static bool move(struct sp_backend *b, bool stopping)
{
	bool moved = take_submitted(b);

	for (unsigned int i = 0; i < b->slots_n; i++)
		if (step(b, &b->slots[i]))
			moved = true;
	if (atomic_load(&b->lost)) {
		/* A search may have found out, and left the batches to us. */
		lose_batches(b);
		return lose_waiting(b);
	}
	return (!stopping && start(b)) || moved;
}

void sp_conductor_run(struct sp_thread *thread)
{
	struct sp_backend *b = thread->arg;
	unsigned int us = REST_FIRST_US;
	struct sp_err err;

	if (SP_CUDA(&err, cudaSetDevice(b->setup.device.index)))
		lose(b, false, err.text);
	while (!sp_thread_should_stop(thread) || busy(b)) {
		if (move(b, sp_thread_should_stop(thread)))
			us = REST_FIRST_US;
		else
			rest(b, thread, &us);
	}
}
