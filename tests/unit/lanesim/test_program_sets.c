/* SPDX-License-Identifier: Apache-2.0 */
/* What sets of travellers are made of: people kept apart, traffic, aligned faces, crops. */
#include <errno.h>
#include <math.h>

#include "base/diag.h"
#include "base/region.h"
#include "frame/frame.h"
#include "image/image.h"
#include "infer/align.h"
#include "infer/pixels.h"
#include "lanesim/aligned.h"
#include "lanesim/apart.h"
#include "lanesim/crop.h"
#include "lanesim/render/noise.h"
#include "lanesim/traffic.h"
#include "test.h"
#include "wire/pfnc.h"

enum { PEOPLE = 60 };

static uint64_t draw_people(uint64_t seed, uint32_t n, float distance, uint64_t *seeds)
{
	struct lanesim_apart apart = { .seed = seed, .n = n, .distance = distance };
	uint64_t drawn;

	CHECK_EQ(lanesim_apart_draw(&apart, seeds, &drawn, NULL), 0);
	return drawn;
}

TEST(people_are_kept_apart)
{
	static struct lanesim_identity people[PEOPLE];
	uint64_t seeds[PEOPLE], drawn;
	const float distance = LANESIM_APART_USUAL * 1.1f;

	drawn = draw_people(3, PEOPLE, distance, seeds);
	CHECK(drawn > PEOPLE);
	for (unsigned int i = 0; i < PEOPLE; i++) {
		CHECK(seeds[i] < LANESIM_IDENTITY_SEEDS);
		lanesim_identity_draw(&people[i], seeds[i]);
		for (unsigned int j = 0; j < i; j++)
			CHECK(lanesim_identity_distance(&people[i], &people[j]) >= distance);
	}
}

TEST(a_longer_list_begins_as_a_shorter_one)
{
	uint64_t few[10], many[PEOPLE], others[10];

	draw_people(4, 10, LANESIM_APART_USUAL, few);
	draw_people(4, PEOPLE, LANESIM_APART_USUAL, many);
	draw_people(5, 10, LANESIM_APART_USUAL, others);
	CHECK(!memcmp(few, many, sizeof(few)));
	CHECK(few[0] != others[0]);
}

TEST(too_far_apart_is_refused)
{
	struct lanesim_apart apart = { .seed = 1, .n = 100, .distance = 5 };
	uint64_t seeds[100];
	struct sp_err err;

	CHECK_EQ(lanesim_apart_draw(&apart, seeds, NULL, &err), -ERANGE);
	CHECK(strstr(err.text, "no more than 1 identities"));
}

static int admit_even(void *arg, const struct lanesim_identity *identity, bool *ret_differs,
		      struct sp_err *err)
{
	(void)arg;
	(void)err;
	*ret_differs = identity->seed % 2 == 0;
	return 0;
}

TEST(a_judge_is_heard)
{
	struct lanesim_apart_judge judge = { NULL, admit_even };
	struct lanesim_apart apart = { .seed = 1, .n = 20, .distance = 0, .judge = &judge };
	uint64_t seeds[20];

	CHECK_EQ(lanesim_apart_draw(&apart, seeds, NULL, NULL), 0);
	for (unsigned int i = 0; i < 20; i++)
		CHECK_EQ(seeds[i] % 2, 0);
}

TEST(traffic_is_the_same_however_long)
{
	struct lanesim_traffic few, many;

	CHECK_EQ(lanesim_traffic_init(&few, 9, 3, NULL), 0);
	CHECK_EQ(lanesim_traffic_init(&many, 9, 8, NULL), 0);
	for (uint32_t v = 0; v < 3; v++) {
		struct lanesim_scene_config a, b;

		lanesim_traffic_vehicle(&few, v, &a);
		lanesim_traffic_vehicle(&many, v, &b);
		CHECK_EQ(a.seed, b.seed);
		CHECK(a.occupants >= 1 && a.occupants <= LANESIM_OCCUPANTS_MAX);
		CHECK_EQ(a.occupants, (int)a.identities_n);
		CHECK(!memcmp(a.identities, b.identities, a.identities_n * sizeof(uint64_t)));
	}
	lanesim_traffic_uninit(&few);
	lanesim_traffic_uninit(&many);
}

TEST(lanes_of_other_seeds_share_no_vehicle)
{
	struct lanesim_scene_config a, b;
	struct lanesim_traffic one, two;

	CHECK_EQ(lanesim_traffic_init(&one, 1, 2, NULL), 0);
	CHECK_EQ(lanesim_traffic_init(&two, 2, 2, NULL), 0);
	lanesim_traffic_vehicle(&one, 1, &a);
	lanesim_traffic_vehicle(&two, 0, &b);
	CHECK(a.seed != b.seed);
	CHECK(a.identities[0] != b.identities[0]);
	lanesim_traffic_uninit(&one);
	lanesim_traffic_uninit(&two);
}

TEST(mixes_have_their_shares)
{
	const struct lanesim_mix mix = {
		.occupants = -1, .empty_vehicles = 0.12f, .empty_lanes = 0.08f, .night = 0.3f
	};
	unsigned int vehicles = 0, lanes = 0, night = 0;
	const unsigned int n = 4000;

	for (unsigned int i = 0; i < n; i++) {
		struct lanesim_scene_config config;

		lanesim_mix_scene(&mix, 7, i, &config);
		lanes += config.no_vehicle;
		vehicles += !config.no_vehicle && config.occupants == 0;
		night += config.night;
	}
	CHECK_NEAR((double)vehicles / n, 0.12, 0.02);
	CHECK_NEAR((double)lanes / n, 0.08, 0.02);
	CHECK_NEAR((double)night / n, 0.3, 0.03);
}

/* ---- pictures ------------------------------------------------------------------------------- */

enum { WIDTH = 200, HEIGHT = 160 };

static void fill(struct sp_image *image)
{
	CHECK_EQ(sp_image_init(image, WIDTH, HEIGHT), 0);
	for (uint32_t i = 0; i < WIDTH * HEIGHT * 3; i++)
		image->rgb[i] = (uint8_t)(255 * noise_at((float)(i / 3 % WIDTH) * 0.1f,
							 (float)(i / 3 / WIDTH) * 0.1f,
							 (float)(i % 3) * 9.5f));
}

/* The appliance's warp, fed with the same pixels and landmarks. */
static void warp(const struct sp_image *image, const float landmark[5][2], uint8_t *rgb)
{
	size_t bytes = WIDTH * HEIGHT * 3;
	struct sp_region region = { .base = image->rgb, .size = bytes };
	struct sp_similarity fit, inverse;
	struct sp_align_scratch *scratch;
	struct sp_frame_wrap wrapped;
	struct sp_pixels pixels;
	float from[5][2];

	for (int i = 0; i < 5; i++)
		for (int c = 0; c < 2; c++)
			from[i][c] = landmark[i][c] - 0.5f;
	CHECK_EQ(sp_align_fit(from, sp_align_template, &fit), 0);
	CHECK_EQ(sp_align_invert(&fit, &inverse), 0);
	CHECK_EQ(sp_align_scratch_create(&scratch), 0);
	CHECK_EQ(sp_pixels_init(&pixels), 0);
	CHECK_EQ(sp_frame_wrap(&wrapped, &region, 0, WIDTH, HEIGHT, SP_PFNC_RGB8), 0);
	CHECK_EQ(sp_pixels_begin(&pixels, &wrapped.frame), 0);
	CHECK_EQ(sp_align_warp(scratch, &pixels, &inverse, rgb), 0);
	sp_pixels_uninit(&pixels);
	sp_align_scratch_destroy(scratch);
}

TEST(faces_are_aligned_as_the_appliance_does)
{
	/* Upright and large; leaning; partly outside. */
	static const float faces[3][5][2] = {
		{ { 70, 60 }, { 120, 61 }, { 94, 90 }, { 74, 118 }, { 117, 117 } },
		{ { 90, 70 }, { 112, 84 }, { 95, 92 }, { 78, 97 }, { 96, 110 } },
		{ { 10, 20 }, { 40, 18 }, { 24, 36 }, { 12, 50 }, { 38, 49 } },
	};
	static uint8_t got[SP_ALIGNED_PIXELS * 3], want[SP_ALIGNED_PIXELS * 3];
	struct sp_image image;

	fill(&image);
	for (unsigned int i = 0; i < 3; i++) {
		CHECK_EQ(lanesim_aligned(&image, faces[i], SP_ALIGNED_SIDE, got), 0);
		warp(&image, faces[i], want);
		CHECK(!memcmp(got, want, sizeof(got)));
	}
	sp_image_uninit(&image);
}

TEST(landmarks_shake_by_their_share)
{
	double square = 0;
	const unsigned int n = 400;

	for (unsigned int seed = 0; seed < n; seed++) {
		float at[5][2] = { { 0, 0 }, { 30, 40 } }; /* 50 between the eyes */

		lanesim_landmarks_shake(at, 0.02f, seed);
		for (unsigned int c = 0; c < 2; c++)
			square += at[2][c] * at[2][c];
	}
	CHECK_NEAR(sqrt(square / (2 * n)), 1, 0.1);
}

TEST(crops_carry_their_truth)
{
	/* Half as large, from (−10, 20): a face at (90, 60) … is at (50, 20) … */
	struct lanesim_crop crop = { -10, 20, 128 };
	struct lanesim_truth truths[2] = {
		{ .box = { 90, 60, 20, 24 }, .eye_distance = 12, .visibility = 0.8f },
		{ .box = { 150, 100, 20, 24 }, .eye_distance = 12, .visibility = 1 },
	};
	static uint8_t rgb[64 * 64 * 3];
	struct sp_image image;
	json_t *line, *face;

	fill(&image);
	memset(rgb, 1, sizeof(rgb));
	CHECK_EQ(lanesim_crop_take(&crop, &image, 64, rgb), 0);
	CHECK_EQ(rgb[0], 0);
	CHECK_NEAR(rgb[(10 * 64 + 20) * 3],
		   (image.rgb[(40 * WIDTH + 30) * 3] + image.rgb[(40 * WIDTH + 31) * 3] +
		    image.rgb[(41 * WIDTH + 30) * 3] + image.rgb[(41 * WIDTH + 31) * 3]) /
			   4.0,
		   1);
	sp_image_uninit(&image);
	truths[0].landmark_visible[0] = truths[0].landmark_visible[1] = true;
	truths[0].landmark[0][0] = 100;
	truths[0].landmark[0][1] = 70;
	truths[0].landmark[1][0] = 130; /* outside */
	line = lanesim_crop_truth(&crop, 64, truths, 2);
	CHECK_EQ(json_array_size(json_object_get(line, "faces")), 1);
	face = json_array_get(json_object_get(line, "faces"), 0);
	CHECK_NEAR(json_number_value(json_array_get(json_object_get(face, "box"), 0)), 50, 1e-4);
	CHECK_NEAR(json_number_value(json_array_get(json_object_get(face, "box"), 3)), 12, 1e-4);
	CHECK_NEAR(json_number_value(json_object_get(face, "eye_distance")), 6, 1e-4);
	CHECK_NEAR(json_number_value(json_object_get(face, "visibility")), 0.8, 1e-4);
	CHECK(json_is_true(json_array_get(json_object_get(face, "visible"), 0)));
	CHECK(json_is_false(json_array_get(json_object_get(face, "visible"), 1)));
	json_decref(line);
}

TEST_MAIN()
