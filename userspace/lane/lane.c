/* SPDX-License-Identifier: Apache-2.0 */
#include "lane/lane.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/random.h"
#include "lane/group.h"
#include "lane/order.h"

enum { TRIGGERS_MAX = 16 }; /* that wait for the watermark; more prolong the last of them */

/* A closed encounter on its way to the caller. */
struct closed {
	struct sp_encounter encounter; /* first: the caller holds its address */
	struct closed *next;
};

struct sp_lane {
	struct sp_lane_config config;
	struct sp_order order;
	struct sp_group group;
	struct sp_lane_counters counters;
	uint64_t random; /* state of the generator */
	uint64_t utc_less_ns; /* UTC minus CLOCK_MONOTONIC, modulo 2^64, as of the last call */

	/* The open encounter. Its JPEGs and occupants are made at the close. */
	bool open, triggered;
	uint64_t begin_ns, end_ns; /* exposures: the first and the last face or trigger */
	uint64_t opened_ns, touched_ns; /* the same in the lane's time, which never goes back */
	uint32_t frames, tombstones;

	uint64_t time_ns; /* the lane's: how far it has got */
	uint64_t triggers[TRIGGERS_MAX];
	unsigned int triggers_n;

	struct closed *closed, **closed_end;
	struct sp_result *done[SP_LANE_DONE_MAX]; /* a circle */
	uint32_t done_head, done_tail;
};

const struct sp_counter sp_lane_counter_table[] = {
	SP_COUNTER(struct sp_lane_counters, results, "results taken, tombstones included"),
	SP_COUNTER(struct sp_lane_counters, tombstones, "frames that were not looked at"),
	SP_COUNTER(struct sp_lane_counters, faces, "faces found"),
	SP_COUNTER(struct sp_lane_counters, valid_faces, "faces without a reason against them"),
	SP_COUNTER(struct sp_lane_counters, encounters, "encounters closed"),
	SP_COUNTER(struct sp_lane_counters, occupants, "occupants of closed encounters"),
	SP_COUNTER(struct sp_lane_counters, out_of_order, "results that came after the watermark"),
	SP_COUNTER(struct sp_lane_counters, backlog_full, "results taken early for want of room"),
	SP_COUNTER(struct sp_lane_counters, no_memory,
		   "encounters or portraits given up for want of memory"),
};

const size_t sp_lane_counter_table_n = sizeof(sp_lane_counter_table) /
				       sizeof(sp_lane_counter_table[0]);

static int check(const struct sp_lane_config *config, struct sp_err *err)
{
	const char *wrong = NULL;

	if (!config->cameras || config->cameras > UINT16_MAX)
		wrong = "cameras must be 1 to 65535";
	else if (!config->gap_ns || !config->max_ns)
		wrong = "gap and longest duration must be more than 0";
	else if (!config->backlog || config->backlog > SP_LANE_DONE_MAX)
		wrong = "backlog must be 1 to 4096 results";
	else if (!(config->same_similarity > 0 && config->same_similarity <= 1))
		wrong = "same_similarity must be more than 0, at most 1";
	else if (!(config->same_overlap > 0 && config->same_overlap <= 1))
		wrong = "same_overlap must be more than 0, at most 1";
	else if (config->jpeg_quality < 1 || config->jpeg_quality > 100)
		wrong = "JPEG quality must be 1 to 100";
	else if (config->embedding_size > SP_EMBEDDING_MAX)
		wrong = "templates must have at most 512 floats";
	return wrong ? sp_err_set(err, -EINVAL, "lane %.*s: %s; correct the configuration",
				  SP_NAME_MAX, config->name, wrong)
		     : 0;
}

int sp_lane_create(const struct sp_lane_config *config, struct sp_lane **ret_lane,
		   struct sp_err *err)
{
	struct sp_lane *lane;
	int rc = check(config, err);

	if (rc)
		return rc;
	rc = -ENOMEM;
	lane = calloc(1, sizeof(*lane));
	if (!lane)
		goto err_report;
	lane->config = *config;
	lane->config.name[SP_NAME_MAX - 1] = lane->config.purpose[SP_NAME_MAX - 1] = 0;
	lane->random = config->seed;
	lane->closed_end = &lane->closed;
	if (sp_order_init(&lane->order, config->cameras, config->backlog, config->deadline_ns))
		goto err_free;
	if (sp_group_init(&lane->group, config->cameras, config->embedding_size,
			  config->same_similarity, config->same_overlap, config->persist_unmatched))
		goto err_uninit_order;
	*ret_lane = lane;
	return 0;

err_uninit_order:
	sp_order_uninit(&lane->order);
err_free:
	free(lane);
err_report:
	return sp_err_set(err, rc, "lane %.*s: no memory; have fewer lanes or a shorter backlog",
			  SP_NAME_MAX, config->name);
}

void sp_lane_destroy(struct sp_lane *lane)
{
	struct sp_encounter *encounter;

	if (!lane)
		return;
	while ((encounter = sp_lane_take_encounter(lane)))
		sp_lane_free_encounter(encounter);
	sp_group_uninit(&lane->group);
	sp_order_uninit(&lane->order);
	free(lane);
}

/* Ids need spread, not secrecy. */
static struct sp_encounter_id make_id(struct sp_lane *lane, uint64_t utc_ns)
{
	uint64_t words[2] = { sp_random_next(&lane->random),
			      sp_random_next(&lane->random) };

	return sp_encounter_id_make(utc_ns, (const uint8_t *)words);
}

/* Nobody is matched at this stage: people are kept as the policy for unmatched ones says. */
static void record_person(struct sp_lane *lane, const struct sp_person *person,
			  struct sp_occupant *occupant)
{
	const struct sp_lane_config *config = &lane->config;
	bool keep = config->persist_unmatched &&
		    (config->keep_invalid || !person->best.face.reasons);

	occupant->shots = person->shots;
	occupant->valid_shots = person->valid_shots;
	occupant->decision = SP_NO_DECISION;
	occupant->seen_utc_ns = person->best.exposure_ns + lane->utc_less_ns;
	if (sp_best_shot_record(&person->best, keep, config->embedding_size, config->jpeg_quality,
				occupant, NULL))
		sp_count(&lane->counters.no_memory, 1);
}

static void record(struct sp_lane *lane, struct sp_encounter *encounter)
{
	const struct sp_lane_config *config = &lane->config;

	encounter->begin_ns = lane->begin_ns;
	encounter->end_ns = lane->end_ns;
	encounter->begin_utc_ns = lane->begin_ns + lane->utc_less_ns;
	encounter->end_utc_ns = lane->end_ns + lane->utc_less_ns;
	encounter->id = make_id(lane, encounter->begin_utc_ns);
	memcpy(encounter->lane, config->name, sizeof(encounter->lane));
	memcpy(encounter->purpose, config->purpose, sizeof(encounter->purpose));
	memcpy(encounter->embedder_id, config->embedder_id, sizeof(encounter->embedder_id));
	encounter->triggered = lane->triggered;
	encounter->frames = lane->frames;
	encounter->tombstones = lane->tombstones;
	encounter->occupants_n = lane->group.n;
	encounter->occupants_dropped = lane->group.dropped;
	for (unsigned int i = 0; i < lane->group.n; i++)
		record_person(lane, lane->group.people[i], &encounter->occupants[i]);
}

static void close_encounter(struct sp_lane *lane)
{
	struct closed *closed = calloc(1, sizeof(*closed));

	lane->open = false;
	sp_group_merge(&lane->group);
	if (closed) {
		record(lane, &closed->encounter);
		*lane->closed_end = closed;
		lane->closed_end = &closed->next;
		sp_count(&lane->counters.encounters, 1);
		sp_count(&lane->counters.occupants, lane->group.n);
	} else {
		sp_count(&lane->counters.no_memory, 1);
	}
	sp_group_clear(&lane->group);
}

/* Brings the lane's time to @time_ns and closes the encounter if that is its end. */
static void pass_time(struct sp_lane *lane, uint64_t time_ns)
{
	if (time_ns > lane->time_ns)
		lane->time_ns = time_ns;
	if (lane->open && (lane->time_ns - lane->touched_ns > lane->config.gap_ns ||
			   lane->time_ns - lane->opened_ns >= lane->config.max_ns))
		close_encounter(lane);
}

/* A face or a trigger at @exposure_ns. The lane's time has come to it. */
static void touch(struct sp_lane *lane, uint64_t exposure_ns, bool triggered)
{
	if (!lane->open) {
		lane->open = true;
		lane->triggered = triggered;
		lane->begin_ns = lane->end_ns = exposure_ns;
		lane->opened_ns = lane->time_ns;
		lane->frames = lane->tombstones = 0;
	}
	lane->touched_ns = lane->time_ns;
	if (exposure_ns < lane->begin_ns)
		lane->begin_ns = exposure_ns;
	if (exposure_ns > lane->end_ns)
		lane->end_ns = exposure_ns;
}

/* Those up to @until_ns. */
static void take_triggers(struct sp_lane *lane, uint64_t until_ns)
{
	unsigned int n = 0;

	while (n < lane->triggers_n && lane->triggers[n] <= until_ns) {
		pass_time(lane, lane->triggers[n]);
		touch(lane, lane->triggers[n++], true);
	}
	lane->triggers_n -= n;
	memmove(lane->triggers, lane->triggers + n, lane->triggers_n * sizeof(lane->triggers[0]));
}

/*
 * The lane's time at a result that comes too late is that of the watermark, so a backend that lags
 * behind the deadline still has its faces gathered into encounters rather than each closing the
 * last.
 */
static void take_result(struct sp_lane *lane, struct sp_result *result)
{
	struct sp_lane_counters *counters = &lane->counters;
	bool looked_at = result->cause == SP_RESULT_FACES;

	take_triggers(lane, result->exposure_ns);
	pass_time(lane, result->exposure_ns);
	sp_count(&counters->results, 1);
	sp_count(&counters->tombstones, !looked_at);
	if (looked_at && result->faces_n) {
		touch(lane, result->exposure_ns, false);
		for (unsigned int i = 0; i < result->faces_n; i++)
			sp_count(&counters->valid_faces, !result->faces[i].reasons);
		sp_count(&counters->faces, result->faces_n);
	}
	if (lane->open) {
		lane->frames += looked_at;
		lane->tombstones += !looked_at;
		if (looked_at)
			sp_group_add(&lane->group, result);
	}
	assert(lane->done_head - lane->done_tail < SP_LANE_DONE_MAX);
	lane->done[lane->done_head++ % SP_LANE_DONE_MAX] = result;
}

void sp_lane_push(struct sp_lane *lane, struct sp_result *result)
{
	assert(result->camera < lane->config.cameras);
	if (!sp_order_insert(&lane->order, result)) {
		sp_count(&lane->counters.out_of_order, 1);
		take_result(lane, result);
	} else if (sp_order_is_over(&lane->order)) {
		sp_count(&lane->counters.backlog_full, 1);
		take_result(lane, sp_order_force(&lane->order));
	}
}

void sp_lane_advance(struct sp_lane *lane, uint64_t now_ns, uint64_t utc_ns)
{
	struct sp_result *result;

	lane->utc_less_ns = utc_ns - now_ns;
	sp_order_advance(&lane->order, now_ns);
	while ((result = sp_order_take(&lane->order)))
		take_result(lane, result);
	take_triggers(lane, lane->order.watermark_ns);
	pass_time(lane, lane->order.watermark_ns);
}

void sp_lane_trigger(struct sp_lane *lane, uint64_t now_ns, uint64_t utc_ns)
{
	lane->utc_less_ns = utc_ns - now_ns;
	if (lane->triggers_n == TRIGGERS_MAX)
		lane->triggers_n--;
	lane->triggers[lane->triggers_n++] = now_ns;
}

void sp_lane_flush(struct sp_lane *lane, uint64_t now_ns, uint64_t utc_ns)
{
	struct sp_result *result;

	lane->utc_less_ns = utc_ns - now_ns;
	while ((result = sp_order_force(&lane->order)))
		take_result(lane, result);
	take_triggers(lane, UINT64_MAX);
	if (lane->open)
		close_encounter(lane);
}

unsigned int sp_lane_take_done(struct sp_lane *lane, struct sp_result **results, unsigned int max)
{
	unsigned int n = 0;

	while (n < max && lane->done_tail != lane->done_head)
		results[n++] = lane->done[lane->done_tail++ % SP_LANE_DONE_MAX];
	return n;
}

struct sp_encounter *sp_lane_take_encounter(struct sp_lane *lane)
{
	struct closed *closed = lane->closed;

	if (!closed)
		return NULL;
	lane->closed = closed->next;
	if (!lane->closed)
		lane->closed_end = &lane->closed;
	return &closed->encounter;
}

void sp_lane_free_encounter(struct sp_encounter *encounter)
{
	if (!encounter)
		return;
	sp_encounter_clear(encounter);
	free(encounter);
}

bool sp_lane_is_open(const struct sp_lane *lane)
{
	return lane->open || lane->triggers_n;
}

const struct sp_lane_counters *sp_lane_counters(const struct sp_lane *lane)
{
	return &lane->counters;
}
