/* SPDX-License-Identifier: Apache-2.0 */
/* Angles of heads that were turned by known ones, with landmarks as far off as a detector's are. */
#include "infer/quality.h"

#include <math.h>

#include "head.h"
#include "packet_frame.h"
#include "test.h"

/* (0, 1] */
static double uniform(uint64_t *random)
{
	return (next_random(random) + 1.0) / 2147483648.0;
}

/* Box and Muller. */
static double normal(uint64_t *random)
{
	double radius = sqrt(-2 * log(uniform(random)));

	return radius * cos(2 * M_PI * uniform(random));
}

static double within(uint64_t *random, double most)
{
	return (2 * uniform(random) - 1) * most;
}

/* Moves each coordinate by a normal error; the mean distance is then @error eye distances. */
static void move_landmarks(uint64_t *random, float landmark[5][2], double error, double eyes)
{
	for (int i = 0; i < 5; i++)
		for (int c = 0; c < 2; c++)
			landmark[i][c] += (float)(normal(random) * error * eyes * sqrt(2 / M_PI));
}

TEST(angles_are_within_their_errors)
{
	static const double errors[] = { 0.02, 0.04, 0.088 };
	enum { TURNS = 4000 };

	for (int e = 0; e < 3; e++) {
		uint64_t random = 20 + (uint64_t)e;
		int inside[3] = { 0, 0, 0 };

		for (int i = 0; i < TURNS; i++) {
			double yaw = within(&random, 35), pitch = within(&random, 25);
			double roll = within(&random, 35), scale = 0.5 + 2 * uniform(&random);
			struct sp_quality q;
			float landmark[5][2];

			/* One axis at a time beside roll: five points mix the other two. */
			*(i % 2 ? &yaw : &pitch) = 0;
			head_turn(landmark, yaw, pitch, roll, scale);
			sp_quality_from_landmarks(landmark, &q);
			move_landmarks(&random, landmark, errors[e], (double)q.eye_distance);
			sp_quality_from_landmarks(landmark, &q);
			sp_quality_pose_errors(landmark, (float)errors[e], &q);
			inside[0] += fabs((double)q.yaw - yaw) <= (double)q.yaw_error;
			inside[1] += fabs((double)q.pitch - pitch) <= (double)q.pitch_error;
			inside[2] += fabs((double)q.roll - roll) <= (double)q.roll_error;
		}
		printf("# seed %d, landmarks off by %.3f eye distances: of %d heads yaw %.1f %%, "
		       "pitch %.1f %%, roll %.1f %% within their errors\n",
		       20 + e, errors[e], TURNS, 100.0 * inside[0] / TURNS,
		       100.0 * inside[1] / TURNS, 100.0 * inside[2] / TURNS);
		/* Two standard deviations are 95.4 %; first order and foreshortening take some. */
		for (int a = 0; a < 3; a++) {
			CHECK(inside[a] >= 0.92 * TURNS);
			/* A bound that holds always would say nothing. */
			CHECK(inside[a] <= 0.985 * TURNS);
		}
	}
}

/* The spread of many heads is what the error says, so that it is no guess. */
TEST(errors_are_two_standard_deviations)
{
	enum { HEADS = 20000 };
	const double error = 0.02;
	double square[3] = { 0, 0, 0 };
	uint64_t random = 31;
	float landmark[5][2];
	struct sp_quality q, mean;

	printf("# seed 31\n");
	head_turn(landmark, 0, 0, 15, 1);
	sp_quality_from_landmarks(landmark, &mean);
	sp_quality_pose_errors(landmark, (float)error, &mean);
	for (int i = 0; i < HEADS; i++) {
		head_turn(landmark, 0, 0, 15, 1);
		move_landmarks(&random, landmark, error, 63);
		sp_quality_from_landmarks(landmark, &q);
		square[0] += pow((double)q.yaw, 2);
		square[1] += pow((double)q.pitch, 2);
		square[2] += pow((double)q.roll - 15, 2);
	}
	CHECK_NEAR(2 * sqrt(square[0] / HEADS), mean.yaw_error, 0.03 * (double)mean.yaw_error);
	CHECK_NEAR(2 * sqrt(square[1] / HEADS), mean.pitch_error, 0.03 * (double)mean.pitch_error);
	CHECK_NEAR(2 * sqrt(square[2] / HEADS), mean.roll_error, 0.03 * (double)mean.roll_error);
}

TEST(errors_grow_with_the_landmarks_and_not_with_the_picture)
{
	struct sp_quality q, last = { 0 }, larger;
	float landmark[5][2], twice[5][2];

	head_turn(landmark, 12, 5, -8, 1);
	head_turn(twice, 12, 5, -8, 2);
	for (double error = 0.005; error < 0.3; error += 0.005) {
		sp_quality_pose_errors(landmark, (float)error, &q);
		sp_quality_pose_errors(twice, (float)error, &larger);
		CHECK(q.yaw_error > last.yaw_error);
		CHECK(q.pitch_error > last.pitch_error);
		CHECK(q.roll_error > last.roll_error);
		CHECK(q.yaw_error <= 180 && q.pitch_error <= 180 && q.roll_error <= 90);
		CHECK_NEAR(q.yaw_error, larger.yaw_error, 0.01);
		CHECK_NEAR(q.pitch_error, larger.pitch_error, 0.01);
		CHECK_NEAR(q.roll_error, larger.roll_error, 0.01);
		last = q;
	}
}

TEST(points_without_a_pose_have_no_error_to_speak_of)
{
	const float heap[5][2] = { { 5, 5 }, { 5, 5 }, { 5, 5 }, { 5, 5 }, { 5, 5 } };
	const float upside[5][2] = { { 0, 10 }, { 10, 10 }, { 5, 5 }, { 0, 0 }, { 10, 0 } };
	float nowhere[5][2];
	struct sp_quality q;

	sp_quality_pose_errors(heap, 0.04f, &q);
	CHECK_NEAR(q.yaw_error, 90, 0);
	CHECK_NEAR(q.pitch_error, 90, 0);
	CHECK_NEAR(q.roll_error, 90, 0);
	sp_quality_pose_errors(upside, 0.04f, &q);
	CHECK_NEAR(q.pitch_error, 90, 0);
	CHECK(q.yaw_error < 90);
	for (int i = 0; i < 5; i++)
		nowhere[i][0] = nowhere[i][1] = NAN;
	sp_quality_pose_errors(nowhere, 0.04f, &q);
	CHECK_NEAR(q.yaw_error, 90, 0);
}

TEST_MAIN()
