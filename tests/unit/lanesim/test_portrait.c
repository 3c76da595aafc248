/* SPDX-License-Identifier: Apache-2.0 */
/* Portraits: documents are frontal and plain, shots at will vary, the truth fits. */
#include "image/image.h"
#include "lanesim/scene/portrait.h"
#include "test.h"

enum { SIDE = 256 };

static struct sp_image photograph(const struct lanesim_shot *shot, uint64_t identity_seed,
				  struct lanesim_truth *truth)
{
	struct lanesim_identity identity;
	struct lanesim_wear wear;
	struct lanesim_person *person;
	struct lanesim_eye *eye;
	struct sp_image image;

	lanesim_identity_draw(&identity, identity_seed);
	lanesim_wear_draw(&wear, &identity, 1);
	CHECK_EQ(sp_image_init(&image, SIDE, SIDE), 0);
	CHECK_EQ(lanesim_person_create(&identity, &wear, &person), 0);
	CHECK_EQ(lanesim_eye_create(&eye), 0);
	CHECK_EQ(lanesim_portrait(person, shot, eye, &image, truth), 0);
	lanesim_eye_destroy(eye);
	lanesim_person_destroy(person);
	return image;
}

TEST(documents_are_frontal)
{
	for (uint64_t seed = 1; seed <= 4; seed++) {
		struct lanesim_shot shot;
		struct lanesim_truth truth;
		struct sp_image image;

		printf("seed %" PRIu64 "\n", seed);
		lanesim_shot_document(&shot, seed);
		image = photograph(&shot, seed, &truth);
		CHECK_NEAR(truth.yaw, 0, 5);
		CHECK_NEAR(truth.pitch, 0, 6);
		CHECK_NEAR(truth.roll, 0, 4);
		CHECK_NEAR(truth.eye_distance, SIDE / 4.5, SIDE / 64.);
		CHECK_NEAR((truth.landmark[0][0] + truth.landmark[1][0]) / 2, SIDE / 2, SIDE / 16.);
		CHECK(truth.landmark[0][0] < truth.landmark[1][0]);
		CHECK(truth.visibility > .8f);
		/* Both upper corners are background: light and alike. */
		CHECK(image.rgb[0] > 120);
		CHECK_NEAR(image.rgb[0], image.rgb[(SIDE - 1) * 3], 40);
		sp_image_uninit(&image);
	}
}

TEST(landmarks_lie_in_the_box)
{
	for (uint64_t seed = 20; seed < 24; seed++) {
		struct lanesim_shot shot;
		struct lanesim_truth truth;
		struct sp_image image;

		printf("seed %" PRIu64 "\n", seed);
		lanesim_shot_draw(&shot, .6f, seed);
		image = photograph(&shot, seed, &truth);
		for (unsigned int i = 0; i < LANESIM_LANDMARKS; i++) {
			CHECK(truth.landmark[i][0] >= truth.box[0]);
			CHECK(truth.landmark[i][1] >= truth.box[1]);
			CHECK(truth.landmark[i][0] <= truth.box[0] + truth.box[2]);
			CHECK(truth.landmark[i][1] <= truth.box[1] + truth.box[3]);
		}
		/* The camera is in front: what was posed is what is measured, but for parallax. */
		CHECK_NEAR(truth.yaw, shot.pose.yaw * 57.29578f, 9);
		sp_image_uninit(&image);
	}
}

TEST(shots_differ_and_repeat)
{
	struct lanesim_shot shot, other;
	struct sp_image a, b, c;

	lanesim_shot_draw(&shot, .5f, 7);
	lanesim_shot_draw(&other, .5f, 8);
	a = photograph(&shot, 3, NULL);
	b = photograph(&shot, 3, NULL);
	c = photograph(&other, 3, NULL);
	CHECK(!memcmp(a.rgb, b.rgb, SIDE * SIDE * 3));
	CHECK(memcmp(a.rgb, c.rgb, SIDE * SIDE * 3) != 0);
	sp_image_uninit(&a);
	sp_image_uninit(&b);
	sp_image_uninit(&c);
}

TEST(yaw_stays_within_what_is_asked)
{
	for (uint64_t seed = 0; seed < 200; seed++) {
		struct lanesim_shot shot;

		lanesim_shot_draw(&shot, .3f, seed);
		CHECK(shot.pose.yaw <= .3f && shot.pose.yaw >= -.3f);
		CHECK(shot.key.z > 0);
		CHECK_NEAR(vec_length(shot.key), 1, 1e-4);
	}
}

TEST_MAIN()
