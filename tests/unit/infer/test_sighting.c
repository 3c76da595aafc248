/* SPDX-License-Identifier: Apache-2.0 */
/* Faces of several looks become one list. */
#include "infer/sighting.h"

#include <math.h>

#include "base/random.h"
#include "infer/element.h"
#include "infer/preprocess.h"
#include "infer/tile.h"
#include "test.h"

enum { WIDTH = 2000, HEIGHT = 1000 };

#define OVERLAP_MAX 0.3f

static struct sp_fit looks[SP_TILE_LOOKS_MAX];
static struct sp_sightings sightings;

/* Look @i is @rect of the frame into 640 × 640. */
static void look_at(int i, struct sp_scale_rect rect)
{
	sp_fit_init(&looks[i], &rect, 640, 640);
}

/* The whole, and two tiles that overlap on [500, 640). */
static void three_looks(void)
{
	look_at(0, (struct sp_scale_rect){ 0, 0, WIDTH, HEIGHT });
	look_at(1, (struct sp_scale_rect){ 0, 0, 640, 640 });
	look_at(2, (struct sp_scale_rect){ 500, 0, 640, 640 });
	sightings.n = 0;
}

/* What a detector says of the box, in pixels of the frame, on look @i. */
static void saw(unsigned int i, float score, float x, float y, float width, float height)
{
	const struct sp_fit *fit = &looks[i];
	struct sp_detection d = { .box = { (x - (float)fit->from.x) * fit->scale_x,
					   (y - (float)fit->from.y) * fit->scale_y,
					   width * fit->scale_x, height * fit->scale_y },
				  .score = score };

	for (int k = 0; k < 5; k++) {
		d.landmark[k][0] = d.box[0] + d.box[2] / 2;
		d.landmark[k][1] = d.box[1] + d.box[3] / 2;
	}
	sp_sightings_add(&sightings, &d, 1, looks, i, WIDTH, HEIGHT);
}

static void merge(void)
{
	sp_sightings_merge(&sightings, looks, OVERLAP_MAX);
}

TEST(a_sighting_is_in_pixels_of_the_frame)
{
	three_looks();
	saw(2, 0.9f, 700, 100, 50, 60);
	CHECK_NEAR(sightings.of[0].face.box[0], 700, 1e-3);
	CHECK_NEAR(sightings.of[0].face.box[1], 100, 1e-3);
	CHECK_NEAR(sightings.of[0].face.box[2], 50, 1e-3);
	CHECK_NEAR(sightings.of[0].face.landmark[4][0], 725, 1e-3);
	saw(0, 0.9f, 700, 100, 50, 60);
	CHECK_NEAR(sightings.of[1].face.box[0], 700, 1e-2);
	CHECK_NEAR(sightings.of[1].face.landmark[0][1], 130, 1e-2);
}

TEST(borders_cut_where_the_frame_goes_on)
{
	three_looks();
	saw(1, 0.9f, 590, 100, 60, 60); /* over the right border of the tile */
	saw(1, 0.9f, 300, 100, 339, 60); /* one pixel before it */
	saw(1, 0.9f, 300, 100, 330, 60);
	saw(1, 0.9f, -5, -5, 60, 60); /* over the frame's own */
	saw(2, 0.9f, 490, 100, 60, 60); /* over the left one */
	saw(2, 0.9f, 800, 600, 60, 60); /* over the lower one */
	saw(0, 0.9f, 1990, 990, 60, 60);
	for (unsigned int i = 0; i < 7; i++)
		if (sightings.of[i].cut != (i == 0 || i == 1 || i == 4 || i == 5))
			FAIL("box %u is %scut", i, sightings.of[i].cut ? "" : "not ");
}

TEST(a_face_that_a_border_cuts_gives_way_to_the_whole_one)
{
	three_looks();
	saw(1, 0.95f, 600, 100, 40, 60); /* its left two thirds, seen surely */
	saw(2, 0.7f, 600, 100, 60, 60);
	merge();
	CHECK_EQ(sightings.n, 1);
	CHECK_EQ(sightings.of[0].look, 2);
	/* A narrow piece overlaps little, and is a part all the same. */
	three_looks();
	saw(1, 0.95f, 630, 100, 9, 60);
	saw(2, 0.7f, 630, 100, 60, 60);
	merge();
	CHECK_EQ(sightings.n, 1);
	CHECK_EQ(sightings.of[0].look, 2);
	/* A detector may think of a piece as larger than the whole is. */
	three_looks();
	saw(1, 0.95f, 595, 95, 70, 70);
	saw(2, 0.7f, 600, 100, 60, 60);
	merge();
	CHECK_EQ(sightings.n, 1);
	CHECK_EQ(sightings.of[0].look, 2);
	/* Where nobody saw the whole, the piece is what there is. */
	three_looks();
	saw(2, 0.8f, 1120, 100, 20, 60);
	merge();
	CHECK_EQ(sightings.n, 1);
	CHECK(sightings.of[0].cut);
}

TEST(scales_agree_on_one_face)
{
	three_looks();
	saw(0, 0.8f, 100, 100, 64, 80);
	saw(1, 0.9f, 104, 97, 60, 78);
	merge();
	CHECK_EQ(sightings.n, 1);
	CHECK_EQ(sightings.of[0].look, 1);
	/* Equal scores: the look that comes first. */
	three_looks();
	saw(2, 0.9f, 550, 100, 60, 80);
	saw(1, 0.9f, 551, 100, 60, 80);
	merge();
	CHECK_EQ(sightings.n, 1);
	CHECK_EQ(sightings.of[0].look, 1);
}

TEST(parts_of_a_face_larger_than_the_tile_go)
{
	three_looks();
	saw(0, 0.7f, 400, 50, 600, 800);
	saw(1, 0.99f, 450, 200, 80, 90); /* an eye, taken for a face by who sees half the face */
	saw(2, 0.99f, 560, 300, 70, 90);
	merge();
	CHECK_EQ(sightings.n, 1);
	CHECK_EQ(sightings.of[0].look, 0);
	/* Who sees all of the larger face knows that the smaller one is another. */
	three_looks();
	saw(0, 0.9f, 100, 100, 300, 400);
	saw(1, 0.9f, 101, 100, 300, 400);
	saw(1, 0.8f, 300, 350, 60, 80);
	merge();
	CHECK_EQ(sightings.n, 2);
	/* So it is with what one look says alone. */
	three_looks();
	saw(0, 0.9f, 100, 100, 300, 400);
	saw(0, 0.8f, 120, 120, 300, 400);
	merge();
	CHECK_EQ(sightings.n, 2);
}

TEST(whole_faces_come_first_then_by_score)
{
	three_looks();
	saw(1, 0.99f, 620, 300, 30, 60); /* cut */
	saw(0, 0.7f, 1500, 100, 60, 60);
	saw(2, 0.9f, 900, 100, 60, 60);
	saw(1, 0.8f, 100, 100, 60, 60);
	merge();
	CHECK_EQ(sightings.n, 4);
	CHECK_NEAR(sightings.of[0].face.score, 0.9, 1e-6);
	CHECK_NEAR(sightings.of[1].face.score, 0.8, 1e-6);
	CHECK_NEAR(sightings.of[2].face.score, 0.7, 1e-6);
	CHECK(sightings.of[3].cut);
}

TEST(too_many_lose_the_weakest)
{
	three_looks();
	for (int i = 0; i < SP_DETECTIONS_MAX + 100; i++)
		saw(0, 0.5f + 0.4f * (float)(i * 37 % 1124) / 1124, (float)(i % 50) * 40,
		    (float)(i / 50) * 40, 20, 20);
	CHECK_EQ(sightings.n, SP_DETECTIONS_MAX);
	for (unsigned int i = 0; i < sightings.n; i++)
		CHECK(sightings.of[i].face.score > 0.5f + 0.4f * 99 / 1124);
}

/* ---- random people, random areas ---- */

enum { PEOPLE_MAX = 12 };

struct person {
	float box[4];
	bool seen; /* whole, by one look at least, with enough pixels */
};

static float uniform(uint64_t *state, float from, float to)
{
	return from + (to - from) * (float)(sp_random_next(state) >> 40) / 0x1p24f;
}

/* People who do not cover each other. Returns how many. */
static int place_people(uint64_t *seed, struct person *people)
{
	int n = 0;

	for (int tries = 0; tries < 2 * PEOPLE_MAX && n < PEOPLE_MAX; tries++) {
		float height = expf(uniform(seed, logf(20), logf(500)));
		struct person p = { { uniform(seed, 0, WIDTH - height), 0, height * 0.75f, height },
				    false };
		int k = 0;

		p.box[1] = uniform(seed, 0, HEIGHT - height);
		while (k < n && sp_box_overlap(p.box, people[k].box) <= 0)
			k++;
		if (k == n)
			people[n++] = p;
	}
	return n;
}

/* A side as a detector says it: off by up to a twentieth. */
static float about(uint64_t *seed, float x, float side)
{
	return x + side * uniform(seed, -0.05f, 0.05f);
}

/*
 * What a detector finds on look @i: whoever has 8 pixels between the eyes there and is in it whole;
 * most times who is in it by two fifths or more, then up to the border or, by guess, beyond it.
 */
static void detect(uint64_t *seed, struct person *people, int n, unsigned int i)
{
	const struct sp_fit *fit = &looks[i];
	float left = (float)fit->from.x, top = (float)fit->from.y;
	float right = left + (float)fit->from.width, bottom = top + (float)fit->from.height;

	for (int k = 0; k < n; k++) {
		const float *b = people[k].box;
		float x0 = fmaxf(b[0], left), y0 = fmaxf(b[1], top);
		float width = fminf(b[0] + b[2], right) - x0,
		      height = fminf(b[1] + b[3], bottom) - y0;
		float share = width > 0 && height > 0 ? width * height / (b[2] * b[3]) : 0;

		if (b[3] * fit->scale_x < SP_TILE_FACE_HEIGHT * SP_TILE_EYES_MIN || share < 0.4f)
			continue;
		if (share < 1) {
			if (sp_random_next(seed) % 4 < 2)
				saw(i, uniform(seed, 0.6f, 1), x0, y0, width, height);
			else if (sp_random_next(seed) % 2)
				saw(i, uniform(seed, 0.6f, 1), b[0], b[1], b[2] * 1.1f, b[3] * 1.1f);
			continue;
		}
		saw(i, uniform(seed, 0.6f, 1), about(seed, b[0], b[2]), about(seed, b[1], b[3]),
		    about(seed, b[2], b[2]), about(seed, b[3], b[3]));
		people[k].seen = true;
	}
}

static int times_reported(const struct person *person)
{
	int times = 0;

	for (unsigned int i = 0; i < sightings.n; i++) {
		const float *box = sightings.of[i].face.box;
		float x = box[0] + box[2] / 2 - person->box[0],
		      y = box[1] + box[3] / 2 - person->box[1];

		times += x > 0 && y > 0 && x < person->box[2] && y < person->box[3];
	}
	return times;
}

TEST(everybody_is_reported_exactly_once)
{
	uint64_t seed = 5112026;
	unsigned int seen = 0, found = 0, rounds = 0;

	printf("seed %llu\n", (unsigned long long)seed);
	for (int round = 0; round < 2000; round++) {
		struct sp_tile_config config = { .areas_n = (unsigned int)(sp_random_next(&seed) %
									   4) };
		struct person people[PEOPLE_MAX];
		int n = place_people(&seed, people);
		unsigned int looks_n;

		if (sp_random_next(&seed) % 2)
			config.eyes_min = uniform(&seed, 8, 40);
		for (unsigned int i = 0; i < config.areas_n; i++)
			config.areas[i] =
				(struct sp_tile_area){ { (uint32_t)uniform(&seed, 0, WIDTH - 100),
							 (uint32_t)uniform(&seed, 0, HEIGHT - 100),
							 (uint32_t)uniform(&seed, 100, 1500),
							 (uint32_t)uniform(&seed, 100, 900) },
						       uniform(&seed, 0.3f, 1) };
		if (sp_tile_plan(&config, WIDTH, HEIGHT, 640, 640, looks, &looks_n, NULL))
			continue;
		rounds++;
		sightings.n = 0;
		for (unsigned int i = 0; i < looks_n; i++)
			detect(&seed, people, n, i);
		found += sightings.n;
		merge();
		for (int k = 0; k < n; k++) {
			int times = times_reported(&people[k]);

			seen += people[k].seen;
			if (people[k].seen ? times != 1 : times > 1)
				FAIL("round %d: a person of %g pixels at %g, %g, %s, is reported %d times",
				     round, (double)people[k].box[3], (double)people[k].box[0],
				     (double)people[k].box[1], people[k].seen ? "seen" : "not seen",
				     times);
		}
	}
	printf("%u rounds, %u people seen %u times\n", rounds, seen, found);
	CHECK(rounds > 1000 && found > 2 * seen);
}

TEST_MAIN()
