/* SPDX-License-Identifier: Apache-2.0 */
/* The lane on made-up results: order, grouping, opening and closing, policy, ownership. */
#include <errno.h>

#include "image/image.h"
#include "unit/lane/scene.h"

/* Closes everything and expects @n encounters; returns the first or NULL. */
static struct sp_encounter *finish(struct sp_lane *lane, uint64_t now_ns, unsigned int n)
{
	struct sp_encounter *first = NULL, *encounter;
	unsigned int have = 0;

	sp_lane_flush(lane, now_ns, now_ns + UTC_LESS_NOW);
	scene_drain(lane);
	while ((encounter = sp_lane_take_encounter(lane))) {
		if (have++)
			sp_lane_free_encounter(encounter);
		else
			first = encounter;
	}
	if (have != n)
		FAIL("%u encounters, not %u", have, n);
	return first;
}

TEST(lane_refuses_nonsense)
{
	struct sp_lane_config good = scene_config(1), bad;
	struct sp_lane *lane = NULL;
	struct sp_err err;

#define CHECK_BAD(change, word)                                                                    \
	do {                                                                                       \
		bad = good;                                                                        \
		bad.change;                                                                        \
		CHECK_EQ(sp_lane_create(&bad, &lane, &err), -EINVAL);                              \
		if (!strstr(err.text, word) || strncmp(err.text, "lane north 1: ", 14))            \
			FAIL("'%s'", err.text);                                                    \
	} while (0)
	CHECK_BAD(cameras = 0, "cameras");
	CHECK_BAD(gap_ns = 0, "gap");
	CHECK_BAD(max_ns = 0, "longest");
	CHECK_BAD(backlog = 0, "backlog");
	CHECK_BAD(same_similarity = NAN, "same_similarity");
	CHECK_BAD(same_overlap = 1.5f, "same_overlap");
	CHECK_BAD(jpeg_quality = 0, "quality");
	CHECK_BAD(embedding_size = SP_EMBEDDING_MAX + 1, "templates");
	CHECK(!lane);
}

/*
 * ---- order -------------------------------------------------------------------------------------
 */

enum { CAMERAS = 3, FRAMES = 150, RESULTS = CAMERAS * FRAMES };

/*
 * Three cameras, ten frames a second, 15 s: two vehicles with two and one people, a few frames
 * shed, a few blocks lost without a trace.
 */
static unsigned int make_traffic(struct sp_result *results[RESULTS])
{
	unsigned int n = 0;

	for (uint16_t camera = 0; camera < CAMERAS; camera++) {
		for (uint64_t block = 1; block <= FRAMES; block++) {
			uint64_t at = 10000 * MS + block * 100 * MS + camera * 33 * MS;
			struct sp_result *result;
			float drift = (float)block * 2;

			if (block % 29 == camera)
				continue;
			result = scene_result(camera, block, at);
			if (block % 17 == 3)
				result->cause = SP_RESULT_SHED;
			else if (block > 20 && block < 70) {
				scene_portrait(scene_face(result, 1, 100 + drift,
							  0.3f + (float)(block % 7) / 20),
					       (uint8_t)block);
				if (camera != 1)
					scene_portrait(scene_face(result, 2, 400 + drift,
								  0.2f + (float)(block % 5) / 10),
						       (uint8_t)(block + 100));
			} else if (block > 90 && block < 130) {
				scene_portrait(scene_face(result, 3, 250, 0.5f), (uint8_t)block);
			}
			results[n++] = result;
		}
	}
	return n;
}

struct arrival {
	struct sp_result *result;
	uint64_t at_ns;
};

static int by_arrival(const void *a, const void *b)
{
	uint64_t x = ((const struct arrival *)a)->at_ns, y = ((const struct arrival *)b)->at_ns;

	return x < y ? -1 : x > y;
}

/* Delivers the traffic with latencies up to @latency_ns and writes down all that came of it. */
static char *play(uint64_t seed, uint64_t latency_ns, size_t *ret_size)
{
	static struct sp_result *results[RESULTS];
	static struct arrival arrivals[RESULTS];
	struct sp_lane_config config = scene_config(CAMERAS);
	struct sp_lane *lane = scene_lane(&config);
	unsigned int n = make_traffic(results), done = 0;
	struct sp_encounter *encounter;
	char *text = NULL;
	FILE *out = open_memstream(&text, ret_size);

	for (unsigned int i = 0; i < n; i++) {
		arrivals[i].result = results[i];
		arrivals[i].at_ns = results[i]->exposure_ns +
				    (latency_ns ? scene_random(&seed) % latency_ns : 0);
	}
	qsort(arrivals, n, sizeof(arrivals[0]), by_arrival);
	scene_advance(lane, 10000 * MS);
	for (unsigned int i = 0; i < n; i++) {
		sp_lane_push(lane, arrivals[i].result);
		scene_advance(lane, arrivals[i].at_ns);
		done += scene_drain(lane);
	}
	sp_lane_flush(lane, 26000 * MS, 26000 * MS + UTC_LESS_NOW);
	done += scene_drain(lane);
	CHECK_EQ(done, n);
	CHECK_EQ(sp_lane_counters(lane)->results, n);
	CHECK_EQ(sp_lane_counters(lane)->out_of_order, 0);
	while ((encounter = sp_lane_take_encounter(lane))) {
		struct sp_encounter plain = *encounter;

		for (unsigned int i = 0; i < plain.occupants_n; i++) {
			struct sp_occupant *occupant = &plain.occupants[i];

			fwrite(occupant->jpeg, 1, occupant->jpeg_size, out);
			occupant->jpeg = NULL;
		}
		fwrite(&plain, 1, sizeof(plain), out);
		sp_lane_free_encounter(encounter);
	}
	fclose(out);
	sp_lane_destroy(lane);
	return text;
}

TEST(lane_decides_the_same_in_any_order_of_arrival)
{
	size_t want_size, size;
	char *want = play(0, 0, &want_size);
	const struct sp_encounter *last =
		(const struct sp_encounter *)(want + want_size - sizeof(*last));
	struct sp_encounter copy;

	memcpy(&copy, last, sizeof(copy));
	CHECK_EQ(copy.occupants_n, 1);
	for (uint64_t seed = 1; seed <= 12; seed++) {
		/*
		 * Less than the deadline of 500 ms; frames of a camera overtake each other by
		 * several.
		 */
		char *got = play(seed, 490 * MS, &size);

		if (size != want_size || memcmp(got, want, size))
			FAIL("arrival of seed %" PRIu64 " decided otherwise", seed);
		free(got);
	}
	free(want);
}

TEST(lane_traffic_is_told_apart)
{
	static struct sp_result *results[RESULTS];
	struct sp_lane_config config = scene_config(CAMERAS);
	struct sp_lane *lane = scene_lane(&config);
	unsigned int n = make_traffic(results);
	struct sp_encounter *encounter;

	config.backlog = RESULTS;
	sp_lane_destroy(lane);
	lane = scene_lane(&config);
	for (unsigned int i = 0; i < n; i++)
		sp_lane_push(lane, results[i]);
	scene_advance(lane, 60000 * MS);
	CHECK_EQ(scene_drain(lane), n);
	CHECK(!sp_lane_is_open(lane));

	encounter = sp_lane_take_encounter(lane);
	CHECK(encounter);
	CHECK_STR(encounter->lane, "north 1");
	CHECK_STR(encounter->purpose, "test");
	CHECK_EQ(encounter->embedder_id[2], 3);
	CHECK_EQ(encounter->occupants_n, 2);
	CHECK(!encounter->triggered);
	CHECK_EQ(encounter->begin_ns, 10000 * MS + 2100 * MS);
	CHECK_EQ(encounter->end_ns, 10000 * MS + 6900 * MS + 66 * MS);
	CHECK_EQ(encounter->begin_utc_ns, encounter->begin_ns + UTC_LESS_NOW);
	CHECK_EQ(encounter->end_utc_ns, encounter->end_ns + UTC_LESS_NOW);
	CHECK(encounter->tombstones > 0 && encounter->frames > 100);
	/* The first person was seen by all three cameras, the second by two. */
	CHECK(encounter->occupants[0].shots > encounter->occupants[1].shots);
	CHECK_EQ(encounter->occupants[0].valid_shots, encounter->occupants[0].shots);
	CHECK_NEAR(encounter->occupants[0].quality.score, 0.6, 1e-6);
	CHECK_NEAR(encounter->occupants[1].quality.score, 0.6, 1e-6);
	sp_lane_free_encounter(encounter);

	encounter = sp_lane_take_encounter(lane);
	CHECK(encounter);
	CHECK_EQ(encounter->occupants_n, 1);
	sp_lane_free_encounter(encounter);
	CHECK(!sp_lane_take_encounter(lane));
	CHECK_EQ(sp_lane_counters(lane)->encounters, 2);
	CHECK_EQ(sp_lane_counters(lane)->occupants, 3);
	sp_lane_destroy(lane);
}

/* A backend that broke down halfway leaves faces in its result: nobody was seen there. */
TEST(lane_takes_no_faces_from_a_failed_result)
{
	struct sp_lane_config config = scene_config(1);
	struct sp_lane *lane = scene_lane(&config);
	struct sp_encounter *encounter;
	struct sp_result *result;

	scene_advance(lane, 1000 * MS);
	for (uint64_t block = 1; block <= 9; block++) {
		result = scene_result(0, block, 1000 * MS + block * 100 * MS);
		scene_portrait(
			scene_face(result, 1 + block % 2, 100 + 300 * (float)(block % 2), 0.5f),
			(uint8_t)block);
		/* The even ones are a second person, whom only these have. */
		result->cause = block % 2 ? SP_RESULT_FACES : SP_RESULT_FAILED;
		sp_lane_push(lane, result);
	}
	encounter = finish(lane, 2000 * MS, 1);
	CHECK_EQ(encounter->frames, 5);
	CHECK_EQ(encounter->tombstones, 4);
	CHECK_EQ(encounter->occupants_n, 1);
	CHECK_EQ(encounter->occupants[0].shots, 5);
	CHECK_EQ(sp_lane_counters(lane)->faces, 5);
	CHECK_EQ(sp_lane_counters(lane)->valid_faces, 5);
	sp_lane_free_encounter(encounter);
	/* Nor does it open an encounter. */
	result = scene_result(0, 10, 9000 * MS);
	scene_face(result, 1, 100, 0.5f);
	result->cause = SP_RESULT_FAILED;
	sp_lane_push(lane, result);
	finish(lane, 9100 * MS, 0);
	sp_lane_destroy(lane);
}

TEST(lane_waits_for_a_silent_camera_until_the_deadline)
{
	struct sp_lane_config config = scene_config(2);
	struct sp_lane *lane = scene_lane(&config);

	scene_advance(lane, 1000 * MS);
	sp_lane_push(lane, scene_result(0, 1, 1000 * MS));
	scene_advance(lane, 1100 * MS);
	CHECK_EQ(scene_drain(lane), 0);
	scene_advance(lane, 1499 * MS);
	CHECK_EQ(scene_drain(lane), 0);
	scene_advance(lane, 1500 * MS);
	CHECK_EQ(scene_drain(lane), 1);
	/* With both there, the earlier latest exposure is the mark. */
	sp_lane_push(lane, scene_result(0, 2, 1600 * MS));
	sp_lane_push(lane, scene_result(1, 1, 1610 * MS));
	scene_advance(lane, 1620 * MS);
	CHECK_EQ(scene_drain(lane), 1);
	sp_lane_push(lane, scene_result(0, 3, 1700 * MS));
	scene_advance(lane, 1710 * MS);
	CHECK_EQ(scene_drain(lane), 1);
	finish(lane, 1800 * MS, 0);
	sp_lane_destroy(lane);
}

TEST(lane_waits_for_a_missing_block)
{
	struct sp_lane_config config = scene_config(1);
	struct sp_lane *lane = scene_lane(&config);

	scene_advance(lane, 1000 * MS);
	sp_lane_push(lane, scene_result(0, 1, 1000 * MS));
	sp_lane_push(lane, scene_result(0, 3, 1200 * MS));
	scene_advance(lane, 1210 * MS);
	CHECK_EQ(scene_drain(lane), 1);
	sp_lane_push(lane, scene_result(0, 2, 1100 * MS));
	scene_advance(lane, 1220 * MS);
	CHECK_EQ(scene_drain(lane), 2);
	/* Ids of 16 bits go from 65535 to 1. */
	sp_lane_push(lane, scene_result(0, 65535, 1300 * MS));
	scene_advance(lane, 1310 * MS);
	CHECK_EQ(scene_drain(lane), 0);
	scene_advance(lane, 1800 * MS);
	CHECK_EQ(scene_drain(lane), 1);
	sp_lane_push(lane, scene_result(0, 1, 1900 * MS));
	scene_advance(lane, 1901 * MS);
	CHECK_EQ(scene_drain(lane), 1);
	sp_lane_destroy(lane);
}

TEST(lane_gathers_results_that_come_too_late)
{
	struct sp_lane_config config = scene_config(1);
	struct sp_lane *lane = scene_lane(&config);
	struct sp_encounter *encounter;

	/* A backend that lags 3 s: more than deadline and gap together. */
	scene_advance(lane, 10000 * MS);
	for (uint64_t block = 1; block <= 20; block++) {
		uint64_t at = 10000 * MS + block * 100 * MS;
		struct sp_result *result = scene_result(0, block, at);

		scene_face(result, 5, 100, 0.5f);
		scene_advance(lane, at + 3000 * MS);
		sp_lane_push(lane, result);
	}
	CHECK_EQ(sp_lane_counters(lane)->out_of_order, 20);
	CHECK_EQ(sp_lane_counters(lane)->results, 20);
	encounter = finish(lane, 20000 * MS, 1);
	CHECK_EQ(encounter->occupants_n, 1);
	CHECK_EQ(encounter->occupants[0].shots, 20);
	CHECK_EQ(encounter->begin_ns, 10100 * MS);
	CHECK_EQ(encounter->end_ns, 12000 * MS);
	sp_lane_free_encounter(encounter);
	sp_lane_destroy(lane);
}

TEST(lane_backlog_overflow_takes_the_earliest)
{
	struct sp_lane_config config = scene_config(2);
	struct sp_lane *lane;
	struct sp_result *done[8];

	config.backlog = 4;
	lane = scene_lane(&config);
	scene_advance(lane, 1000 * MS);
	/* Camera 1 is silent: nothing may be taken but for want of room. */
	for (uint64_t block = 5; block >= 1; block--)
		sp_lane_push(lane, scene_result(0, block, 1000 * MS + block * 10 * MS));
	CHECK_EQ(sp_lane_counters(lane)->backlog_full, 1);
	CHECK_EQ(sp_lane_take_done(lane, done, 8), 1);
	CHECK_EQ(done[0]->block_id, 1);
	scene_free(done[0]);
	sp_lane_push(lane, scene_result(0, 6, 1060 * MS));
	CHECK_EQ(sp_lane_take_done(lane, done, 8), 1);
	CHECK_EQ(done[0]->block_id, 2);
	scene_free(done[0]);
	/* What the watermark was pushed past is late, and still comes back. */
	sp_lane_push(lane, scene_result(1, 1, 1005 * MS));
	CHECK_EQ(sp_lane_counters(lane)->out_of_order, 1);
	CHECK_EQ(scene_drain(lane), 1);
	sp_lane_flush(lane, 2000 * MS, UTC_LESS_NOW);
	CHECK_EQ(scene_drain(lane), 4);
	CHECK_EQ(sp_lane_counters(lane)->results, 7);
	sp_lane_destroy(lane);
}

/*
 * ---- encounters --------------------------------------------------------------------------------
 */

/* One camera, a frame each 100 ms; @person 0: nobody. The next block id is kept in *block. */
static void show(struct sp_lane *lane, uint64_t *block, unsigned int frames, uint64_t person)
{
	for (unsigned int i = 0; i < frames; i++) {
		uint64_t at = ++*block * 100 * MS;
		struct sp_result *result = scene_result(0, *block, at);

		if (person)
			scene_face(result, person, 100, 0.5f);
		sp_lane_push(lane, result);
		scene_advance(lane, at + 20 * MS);
		scene_drain(lane);
	}
}

TEST(lane_closes_after_the_gap)
{
	struct sp_lane_config config = scene_config(1);
	struct sp_lane *lane = scene_lane(&config);
	struct sp_encounter *encounter;
	uint64_t block = 0;

	show(lane, &block, 5, 0);
	CHECK(!sp_lane_is_open(lane));
	show(lane, &block, 5, 1);
	CHECK(sp_lane_is_open(lane));
	show(lane, &block, 10, 0); /* 1.0 s: not yet longer than the gap */
	CHECK(sp_lane_is_open(lane));
	CHECK(!sp_lane_take_encounter(lane));
	show(lane, &block, 1, 0);
	CHECK(!sp_lane_is_open(lane));
	encounter = sp_lane_take_encounter(lane);
	CHECK(encounter);
	CHECK_EQ(encounter->begin_ns, 600 * MS);
	CHECK_EQ(encounter->end_ns, 1000 * MS);
	CHECK_EQ(encounter->frames, 15);
	sp_lane_free_encounter(encounter);
	/* A pause shorter than the gap does not part it; silence of the camera does. */
	show(lane, &block, 5, 1);
	show(lane, &block, 8, 0);
	show(lane, &block, 5, 1);
	CHECK(sp_lane_is_open(lane));
	scene_advance(lane, block * 100 * MS + 1400 * MS);
	CHECK(sp_lane_is_open(lane));
	scene_advance(lane, block * 100 * MS + 1600 * MS);
	CHECK(!sp_lane_is_open(lane));
	encounter = finish(lane, block * 100 * MS + 1700 * MS, 1);
	CHECK_EQ(encounter->occupants[0].shots, 10);
	sp_lane_free_encounter(encounter);
	sp_lane_destroy(lane);
}

TEST(lane_closes_after_the_longest_duration)
{
	struct sp_lane_config config = scene_config(1);
	struct sp_lane *lane;
	struct sp_encounter *encounter;
	uint64_t block = 0;

	config.max_ns = 2000 * MS;
	lane = scene_lane(&config);
	show(lane, &block, 50, 1);
	encounter = finish(lane, 6000 * MS, 3);
	CHECK_EQ(encounter->end_ns - encounter->begin_ns, 1900 * MS);
	CHECK_EQ(encounter->occupants[0].shots, 20);
	sp_lane_free_encounter(encounter);
	sp_lane_destroy(lane);
}

TEST(lane_records_empty_triggered_encounters)
{
	struct sp_lane_config config = scene_config(1);
	struct sp_lane *lane = scene_lane(&config);
	struct sp_encounter *encounter;
	uint64_t block = 0;

	show(lane, &block, 10, 0);
	sp_lane_trigger(lane, 1050 * MS, 1050 * MS + UTC_LESS_NOW);
	CHECK(sp_lane_is_open(lane));
	show(lane, &block, 5, 0);
	sp_lane_trigger(lane, 1550 * MS, 1550 * MS + UTC_LESS_NOW); /* prolongs it */
	show(lane, &block, 10, 0);
	CHECK(sp_lane_is_open(lane));
	show(lane, &block, 1, 0);
	CHECK(!sp_lane_is_open(lane));
	encounter = sp_lane_take_encounter(lane);
	CHECK(encounter && encounter->triggered);
	CHECK_EQ(encounter->occupants_n, 0);
	CHECK_EQ(encounter->begin_ns, 1050 * MS);
	CHECK_EQ(encounter->end_ns, 1550 * MS);
	CHECK_EQ(encounter->frames, 15);
	sp_lane_free_encounter(encounter);

	/* Without any camera the deadline opens and closes it. */
	sp_lane_trigger(lane, 10000 * MS, 10000 * MS + UTC_LESS_NOW);
	scene_advance(lane, 11400 * MS);
	CHECK(sp_lane_is_open(lane));
	scene_advance(lane, 11600 * MS);
	CHECK(!sp_lane_is_open(lane));
	encounter = finish(lane, 12000 * MS, 1);
	CHECK(encounter->triggered);
	CHECK_EQ(encounter->begin_ns, 10000 * MS);
	sp_lane_free_encounter(encounter);
	sp_lane_destroy(lane);
}

TEST(lane_trigger_takes_its_place_in_time)
{
	struct sp_lane_config config = scene_config(1);
	struct sp_lane *lane = scene_lane(&config);
	struct sp_encounter *encounter;
	struct sp_result *result;

	/* The trigger is told before the face of 0.1 s earlier has been computed. */
	scene_advance(lane, 1000 * MS);
	sp_lane_trigger(lane, 1100 * MS, 1100 * MS + UTC_LESS_NOW);
	result = scene_result(0, 1, 1000 * MS);
	scene_face(result, 1, 100, 0.5f);
	sp_lane_push(lane, result);
	scene_advance(lane, 1200 * MS);
	encounter = finish(lane, 1300 * MS, 1);
	CHECK(!encounter->triggered);
	CHECK_EQ(encounter->begin_ns, 1000 * MS);
	CHECK_EQ(encounter->end_ns, 1100 * MS);
	sp_lane_free_encounter(encounter);
	/* More triggers than can wait: the last one counts. */
	for (uint64_t i = 0; i < 100; i++)
		sp_lane_trigger(lane, (2000 + i) * MS, UTC_LESS_NOW);
	encounter = finish(lane, 3000 * MS, 1);
	CHECK_EQ(encounter->begin_ns, 2000 * MS);
	CHECK_EQ(encounter->end_ns, 2099 * MS);
	sp_lane_free_encounter(encounter);
	sp_lane_destroy(lane);
}

TEST(lane_ids_differ_and_follow_the_seed)
{
	struct sp_lane_config config = scene_config(1);
	struct sp_encounter_id ids[2][2];

	for (int run = 0; run < 2; run++) {
		struct sp_lane *lane = scene_lane(&config);

		for (int i = 0; i < 2; i++) {
			struct sp_encounter *encounter;

			sp_lane_trigger(lane, 1000 * MS, 1000 * MS + UTC_LESS_NOW);
			encounter = finish(lane, 1100 * MS, 1);
			ids[run][i] = encounter->id;
			sp_lane_free_encounter(encounter);
		}
		sp_lane_destroy(lane);
	}
	CHECK(!memcmp(ids[0], ids[1], sizeof(ids[0])));
	CHECK(memcmp(&ids[0][0], &ids[0][1], sizeof(ids[0][0])));
}

/*
 * ---- policy and best shots ---------------------------------------------------------------------
 */

/* Three shots of one person: a poor one, a good one, an invalid one of the highest score. */
static struct sp_encounter *three_shots(const struct sp_lane_config *config, bool only_invalid)
{
	static const float score[] = { 0.4f, 0.8f, 0.95f };
	struct sp_lane *lane = scene_lane(config);
	struct sp_encounter *encounter;

	scene_advance(lane, 1000 * MS);
	for (unsigned int i = 0; i < 3; i++) {
		struct sp_result *result = scene_result(0, i + 1, (1000 + i * 100) * MS);
		struct sp_face *face = scene_face(result, 9, 100, score[i]);

		scene_portrait(face, (uint8_t)(50 + i * 50));
		if (i == 2 || only_invalid)
			face->reasons = SP_FACE_TURNED;
		sp_lane_push(lane, result);
	}
	encounter = finish(lane, 2000 * MS, 1);
	CHECK_EQ(encounter->occupants_n, 1);
	CHECK_EQ(encounter->occupants[0].shots, 3);
	sp_lane_destroy(lane);
	return encounter;
}

TEST(lane_keeps_the_best_valid_shot)
{
	struct sp_lane_config config = scene_config(1);
	struct sp_encounter *encounter = three_shots(&config, false);
	const struct sp_occupant *occupant = &encounter->occupants[0];
	float embedding[SIZE];
	struct sp_image image;

	CHECK_EQ(occupant->valid_shots, 2);
	CHECK_EQ(occupant->reasons, 0);
	CHECK_EQ(occupant->block_id, 2);
	CHECK_EQ(occupant->seen_utc_ns, 1100 * MS + UTC_LESS_NOW);
	CHECK_EQ(occupant->device_ticks, 1100 * MS / 8);
	CHECK_EQ(occupant->decision, SP_NO_DECISION);
	CHECK_NEAR(occupant->quality.score, 0.8, 1e-6);
	CHECK_EQ(occupant->embedding_size, SIZE);
	scene_embed(embedding, 9, 2 * 16, 0.4f);
	CHECK(!memcmp(occupant->embedding, embedding, sizeof(embedding)));
	CHECK_EQ(sp_image_decode(occupant->jpeg, occupant->jpeg_size, "x", &image, NULL), 0);
	CHECK_EQ(image.width, 24);
	CHECK_EQ(image.height, 32);
	CHECK_EQ(occupant->jpeg_width, 24);
	CHECK_EQ(occupant->jpeg_height, 32);
	CHECK_NEAR(image.rgb[300], 100, 2);
	sp_image_uninit(&image);
	sp_lane_free_encounter(encounter);
}

TEST(lane_policy_table)
{
	static const struct {
		bool persist, keep_invalid, only_invalid, image;
	} cases[] = {
		{ true, false, false, true },
		{ true, false, true, false },
		{ true, true, true, true },
		{ false, true, false, false },
		{ false, true, true, false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sp_lane_config config = scene_config(1);
		struct sp_encounter *encounter;
		const struct sp_occupant *occupant;

		config.persist_unmatched = cases[i].persist;
		config.keep_invalid = cases[i].keep_invalid;
		encounter = three_shots(&config, cases[i].only_invalid);
		occupant = &encounter->occupants[0];
		CHECK_EQ(!!occupant->jpeg, cases[i].image);
		CHECK_EQ(occupant->jpeg_size > 0, cases[i].image);
		CHECK_EQ(occupant->embedding_size, cases[i].image ? SIZE : 0);
		for (int at = 0; at < SP_EMBEDDING_MAX && !cases[i].image; at++)
			CHECK(occupant->embedding[at] == 0);
		CHECK_EQ(occupant->box[2] > 0, cases[i].image);
		CHECK_EQ(occupant->landmark[4][1] > 0, cases[i].image);
		CHECK(occupant->quality.score > 0.7f);
		CHECK_EQ(occupant->reasons, cases[i].only_invalid ? SP_FACE_TURNED : 0);
		sp_lane_free_encounter(encounter);
	}
}

TEST(lane_prefers_a_shot_that_has_a_portrait)
{
	struct sp_lane_config config = scene_config(1);
	struct sp_lane *lane = scene_lane(&config);
	struct sp_result *poor = scene_result(0, 1, 1000 * MS),
			 *good = scene_result(0, 2, 1100 * MS);
	struct sp_encounter *encounter;

	scene_portrait(scene_face(poor, 1, 100, 0.3f), 60);
	scene_face(good, 1, 100, 0.9f); /* the backend's pool was empty */
	scene_advance(lane, 1000 * MS);
	sp_lane_push(lane, poor);
	sp_lane_push(lane, good);
	encounter = finish(lane, 2000 * MS, 1);
	CHECK_EQ(encounter->occupants[0].block_id, 1);
	CHECK(encounter->occupants[0].jpeg);
	sp_lane_free_encounter(encounter);
	sp_lane_destroy(lane);
}

TEST(lane_gives_back_each_result_once)
{
	enum { N = 500 };
	struct sp_lane_config config = scene_config(2);
	struct sp_lane *lane;
	struct sp_result *all[N], *done[64];
	static unsigned char seen[N];
	uint64_t random = 5;
	unsigned int n, total = 0;

	config.backlog = 8;
	lane = scene_lane(&config);
	scene_advance(lane, 1000 * MS);
	for (unsigned int i = 0; i < N; i++) {
		all[i] = scene_result(i % 2, scene_random(&random) % 400,
				      (1000 + scene_random(&random) % 4000) * MS);
		all[i]->stream = i;
		all[i]->cause = scene_random(&random) % SP_RESULT_CAUSES;
		if (all[i]->cause == SP_RESULT_FACES)
			scene_face(all[i], i % 3, 100, 0.5f);
		sp_lane_push(lane, all[i]);
		if (!(i % 7))
			scene_advance(lane, (1000 + i * 10) * MS);
	}
	sp_lane_flush(lane, 9000 * MS, UTC_LESS_NOW);
	while ((n = sp_lane_take_done(lane, done, 64)))
		for (unsigned int i = 0; i < n; i++, total++)
			CHECK_EQ(seen[done[i]->stream]++, 0);
	CHECK_EQ(total, N);
	CHECK_EQ(sp_lane_counters(lane)->results, N);
	for (unsigned int i = 0; i < N; i++)
		scene_free(all[i]);
	sp_lane_destroy(lane); /* with encounters that nobody took */
}

TEST_MAIN()
