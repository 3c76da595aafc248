/* SPDX-License-Identifier: Apache-2.0 */
#include "app/lane_thread.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "app/journal_thread.h"
#include "base/clock.h"
#include "base/diag.h"
#include "base/event.h"
#include "base/ring.h"
#include "base/stats.h"
#include "base/thread.h"
#include "infer/batch.h"
#include "infer/compute.h"
#include "journal/inbox.h"
#include "journal/record.h"
#include "lane/lane.h"

enum {
	BURST = 32,
	/* Results taken before those that are done go back: fewer than a lane holds (SP_LANE_DONE_MAX). */
	TURN = 1024,
	/* Gaps and deadlines are looked at this often when no result comes. */
	TICK_MS = 20,
};

/* What other threads ask of a lane, and may see of it. */
struct lane_requests {
	_Atomic bool trigger, close;
	_Atomic bool open;
};

struct sp_lane_thread {
	struct sp_lane_thread_config config;
	struct lane_requests *requests;
	struct sp_encounter *held; /* closed, waiting for room in the inbox */
	uint64_t result_ns;	   /* latest time that a result carried */
	uint64_t handed_over, lost;
	struct sp_thread thread;
};

static uint64_t now_ns(const struct sp_lane_thread *t)
{
	return t->config.replay ? t->result_ns : sp_clock_now();
}

/* A capture file's stamps are wall time already. */
static uint64_t now_utc(const struct sp_lane_thread *t)
{
	return t->config.replay ? t->result_ns : sp_clock_utc();
}

static void advance(struct sp_lane_thread *t)
{
	for (unsigned int i = 0; i < t->config.lanes_n; i++) {
		sp_lane_advance(t->config.lanes[i], now_ns(t), now_utc(t));
		atomic_store(&t->requests[i].open, sp_lane_is_open(t->config.lanes[i]));
	}
}

static void take_results(struct sp_lane_thread *t)
{
	struct sp_ring *results = sp_batch_results(t->config.batch);
	void *items[BURST];
	uint32_t n, taken = 0;

	while (taken < TURN && (n = sp_ring_pop(results, items, BURST))) {
		taken += n;
		for (uint32_t i = 0; i < n; i++) {
			struct sp_result *result = items[i];
			bool first = !t->result_ns;

			if (result->last_ns > t->result_ns)
				t->result_ns = result->last_ns;
			/* In a replay the lanes learn the wall time from the first result. */
			if (first && t->config.replay)
				advance(t);
			sp_lane_push(t->config.lanes[result->lane], result);
		}
	}
}

static void give_back(struct sp_lane_thread *t)
{
	struct sp_ring *returns = sp_batch_returns(t->config.batch);
	bool any = false;

	for (unsigned int i = 0; i < t->config.lanes_n; i++) {
		struct sp_result *done[BURST];
		unsigned int n;

		while ((n = sp_lane_take_done(t->config.lanes[i], done, BURST))) {
			/* The ring holds every result that exists. */
			sp_ring_push(returns, (void **)done, n);
			any = true;
		}
	}
	if (any)
		sp_event_signal(t->config.batch_wake);
}

/* Returns false if the inbox has no room now. */
static bool record(struct sp_lane_thread *t, const struct sp_encounter *encounter)
{
	struct sp_inbox_record record = { .type = SP_RECORD_ENCOUNTER,
					  .utc_ns = encounter->end_utc_ns };
	size_t needed = 0;
	uint8_t *room;
	int64_t size;

	(void)sp_record_encode_encounter(encounter, NULL, 0, &needed);
	if (needed > SP_RECORD_MAX) {
		sp_log(SP_LOG_ERROR,
		       "lane %s: an encounter of %zu bytes is larger than a record may be",
		       encounter->lane, needed);
		sp_count(&t->lost, 1);
		return true;
	}
	room = sp_inbox_reserve(t->config.inbox, needed);
	if (!room)
		return false;
	size = sp_record_encode_encounter(encounter, room, needed, &needed);
	if (size < 0) {
		sp_log(SP_LOG_ERROR, "lane %s: encounter cannot be encoded: %s", encounter->lane,
		       strerror((int)-size));
		sp_count(&t->lost, 1);
		return true;
	}
	record.size = (uint32_t)size;
	memcpy(record.id, encounter->id.bytes, sizeof(record.id));
	sp_inbox_commit(t->config.inbox, &record);
	sp_count(&t->handed_over, 1);
	sp_event_signal(t->config.journal_wake);
	return true;
}

/* Returns false while an encounter waits for room. */
static bool hand_over_encounters(struct sp_lane_thread *t)
{
	unsigned int lane = 0;

	for (;;) {
		if (!t->held) {
			while (lane < t->config.lanes_n &&
			       !(t->held = sp_lane_take_encounter(t->config.lanes[lane])))
				lane++;
			if (!t->held)
				return true;
		}
		if (!record(t, t->held))
			return false;
		sp_lane_free_encounter(t->held);
		t->held = NULL;
	}
}

/* The journal is broken: what is closed and not handed over will never be a record. */
static void lose_encounters(struct sp_lane_thread *t)
{
	for (unsigned int lane = 0; lane < t->config.lanes_n;) {
		if (!t->held)
			t->held = sp_lane_take_encounter(t->config.lanes[lane]);
		if (!t->held) {
			lane++;
			continue;
		}
		sp_lane_free_encounter(t->held);
		t->held = NULL;
		sp_count(&t->lost, 1);
	}
}

static void serve_requests(struct sp_lane_thread *t)
{
	for (unsigned int i = 0; i < t->config.lanes_n; i++) {
		if (atomic_exchange(&t->requests[i].trigger, false))
			sp_lane_trigger(t->config.lanes[i], now_ns(t), now_utc(t));
		if (atomic_exchange(&t->requests[i].close, false))
			sp_lane_flush(t->config.lanes[i], now_ns(t), now_utc(t));
	}
}

static void run(struct sp_thread *thread)
{
	struct sp_lane_thread *t = thread->arg;

	/* A lane must know the time before its first result. */
	if (!t->config.replay)
		advance(t);
	while (!sp_thread_should_stop(thread)) {
		take_results(t);
		give_back(t);
		serve_requests(t);
		advance(t);
		give_back(t);
		hand_over_encounters(t);
		sp_event_arm(t->config.wake);
		if (!sp_ring_count(sp_batch_results(t->config.batch)))
			sp_event_wait(t->config.wake, TICK_MS * SP_NS_PER_MS);
		sp_event_disarm(t->config.wake);
	}
	while (sp_ring_count(sp_batch_results(t->config.batch))) {
		take_results(t);
		give_back(t);
	}
	for (unsigned int i = 0; i < t->config.lanes_n; i++)
		sp_lane_flush(t->config.lanes[i], now_ns(t), now_utc(t));
	give_back(t);
	/* The journal thread is still there and makes room, unless it breaks. */
	while (!hand_over_encounters(t)) {
		if (sp_journal_thread_broken(t->config.journal, NULL)) {
			lose_encounters(t);
			break;
		}
		sp_clock_sleep_until(sp_clock_now() + SP_NS_PER_MS);
	}
}

int sp_lane_thread_start(const struct sp_lane_thread_config *config,
			 struct sp_lane_thread **ret_thread, struct sp_err *err)
{
	struct sp_lane_thread *t = calloc(1, sizeof(*t));
	int status = -ENOMEM;

	if (t)
		t->requests = calloc(config->lanes_n, sizeof(*t->requests));
	if (t && t->requests) {
		t->config = *config;
		status = sp_thread_start(&t->thread, "lanes", -1, run, t, config->wake);
	}
	if (status) {
		sp_lane_thread_destroy(t);
		return sp_err_set(err, status, "lane thread: %s", strerror(-status));
	}
	*ret_thread = t;
	return 0;
}

void sp_lane_thread_stop(struct sp_lane_thread *t)
{
	sp_thread_stop(&t->thread);
}

void sp_lane_thread_destroy(struct sp_lane_thread *t)
{
	if (!t)
		return;
	sp_lane_free_encounter(t->held);
	free(t->requests);
	free(t);
}

int sp_lane_thread_trigger(struct sp_lane_thread *t, unsigned int lane)
{
	if (lane >= t->config.lanes_n)
		return -ERANGE;
	atomic_store(&t->requests[lane].trigger, true);
	sp_event_signal(t->config.wake);
	return 0;
}

int sp_lane_thread_close_encounter(struct sp_lane_thread *t, unsigned int lane)
{
	if (lane >= t->config.lanes_n)
		return -ERANGE;
	atomic_store(&t->requests[lane].close, true);
	sp_event_signal(t->config.wake);
	return 0;
}

bool sp_lane_thread_is_open(const struct sp_lane_thread *t, unsigned int lane)
{
	return lane < t->config.lanes_n && atomic_load(&t->requests[lane].open);
}

uint64_t sp_lane_thread_handed_over(const struct sp_lane_thread *t)
{
	return sp_counter_read(&t->handed_over);
}

uint64_t sp_lane_thread_lost(const struct sp_lane_thread *t)
{
	return sp_counter_read(&t->lost);
}
