/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/quality.h"

#include <math.h>

#include "head.h"
#include "infer/align.h"
#include "packet_frame.h"
#include "test.h"

TEST(angles_of_a_turned_head_come_back)
{
	struct sp_quality q;
	float landmark[5][2];

	head_turn(landmark, 0, 0, 0, 2);
	sp_quality_from_landmarks(landmark, &q);
	CHECK_NEAR(q.eye_distance, 126, 0.01);
	CHECK_NEAR(q.yaw, 0, 0.1);
	CHECK_NEAR(q.pitch, 0, 0.1);
	CHECK_NEAR(q.roll, 0, 0.1);
	for (int angle = -40; angle <= 40; angle += 10) {
		head_turn(landmark, angle, 0, 0, 1.5);
		sp_quality_from_landmarks(landmark, &q);
		CHECK_NEAR(q.yaw, angle, 0.1);
		head_turn(landmark, 0, angle, 0, 1.5);
		sp_quality_from_landmarks(landmark, &q);
		CHECK_NEAR(q.pitch, angle, 0.1);
		head_turn(landmark, 0, 0, angle, 1.5);
		sp_quality_from_landmarks(landmark, &q);
		CHECK_NEAR(q.roll, angle, 0.1);
		CHECK_NEAR(q.eye_distance, 94.5, 0.01);
		CHECK_NEAR(q.yaw, 0, 0.1);
	}
	head_turn(landmark, 20, 0, 25, 1);
	sp_quality_from_landmarks(landmark, &q);
	CHECK_NEAR(q.yaw, 20, 0.1);
	CHECK_NEAR(q.roll, 25, 0.1);
}

TEST(the_template_is_a_frontal_face)
{
	struct sp_quality q;

	sp_quality_from_landmarks(sp_align_template, &q);
	CHECK_NEAR(q.yaw, 0, 2);
	CHECK_NEAR(q.pitch, 0, 1);
	CHECK_NEAR(q.roll, 0, 1);
}

TEST(points_in_a_heap_are_turned)
{
	float heap[5][2] = { { 5, 5 }, { 5, 5 }, { 5, 5 }, { 5, 5 }, { 5, 5 } };
	float upside[5][2] = { { 0, 10 }, { 10, 10 }, { 5, 5 }, { 0, 0 }, { 10, 0 } };
	struct sp_quality q;

	sp_quality_from_landmarks(heap, &q);
	CHECK_NEAR(q.yaw, 90, 0);
	CHECK_NEAR(q.pitch, 90, 0);
	sp_quality_from_landmarks(upside, &q);
	CHECK_NEAR(q.pitch, 90, 0);
}

TEST(sharpness_and_exposure_of_known_pictures)
{
	uint8_t rgb[SP_ALIGNED_PIXELS * 3];
	struct sp_quality q;
	double sum = 0, square = 0;
	const int n = SP_ALIGNED_SIDE;
	uint64_t seed = 1;

	memset(rgb, 51, sizeof(rgb));
	sp_quality_from_aligned(rgb, &q);
	CHECK_NEAR(q.sharpness, 0, 1e-3);
	CHECK_NEAR(q.exposure, 0.2, 1e-4);
	/* A chequered board of 0 and 100: the Laplacian is ±400 everywhere. */
	for (int i = 0; i < n * n; i++)
		memset(rgb + 3 * i, (i % n + i / n) % 2 ? 100 : 0, 3);
	sp_quality_from_aligned(rgb, &q);
	CHECK_NEAR(q.sharpness, 160000, 10);
	/* Noise, by the definition. */
	for (int i = 0; i < n * n * 3; i++)
		rgb[i] = (uint8_t)next_random(&seed);
	for (int y = 1; y < n - 1; y++) {
		for (int x = 1; x < n - 1; x++) {
			static const int off[5][3] = {
				{ 0, 0, -4 }, { 1, 0, 1 }, { -1, 0, 1 }, { 0, 1, 1 }, { 0, -1, 1 }
			};
			double l = 0;

			for (int k = 0; k < 5; k++) {
				const uint8_t *p = rgb + 3 * ((y + off[k][1]) * n + x + off[k][0]);

				l += off[k][2] * (0.299 * p[0] + 0.587 * p[1] + 0.114 * p[2]);
			}
			sum += l;
			square += l * l;
		}
	}
	sum /= 110 * 110;
	square /= 110 * 110;
	sp_quality_from_aligned(rgb, &q);
	CHECK_NEAR(q.sharpness, square - sum * sum, 1);
	/* What is around the face does not count as light on it. */
	memset(rgb, 255, sizeof(rgb));
	for (int y = 36; y < 104; y++)
		memset(rgb + 3 * (y * n + 26), 0, 3 * 60);
	sp_quality_from_aligned(rgb, &q);
	CHECK_NEAR(q.exposure, 0, 1e-6);
}

static const struct sp_quality good = {
	.eye_distance = 60,
	.sharpness = 200,
	.exposure = 0.5f,
	.network = 0.6f,
	.detailed = 1,
	.dynamic_range = 7,
	.contrast = 0.2f,
	.evenness = 0.9f,
	.margin_left = 2,
	.margin_above = 2,
	.margin_right = 2,
	.margin_below = 2,
};

TEST(each_flaw_lowers_the_rank)
{
	float best = sp_quality_rank(&good, true);
	struct sp_quality q;

	CHECK_NEAR(best, 0.6 * 200 / 250, 1e-5);
	CHECK_NEAR(sp_quality_rank(&good, false), 0.8, 1e-5);
#define WORSE(member, value)                                                                       \
	q = good;                                                                                  \
	q.member = value;                                                                          \
	CHECK(sp_quality_rank(&q, true) < best);                                                   \
	CHECK(sp_quality_rank(&q, true) >= 0)
	WORSE(eye_distance, 30);
	WORSE(yaw, -30);
	WORSE(pitch, 30);
	WORSE(sharpness, 20);
	WORSE(exposure, 0.1f);
	WORSE(exposure, 0.95f);
	WORSE(occlusion, 0.2f);
	WORSE(network, 0.4f);
	WORSE(network, NAN);
	WORSE(sharpness, NAN);
#undef WORSE
	q = good;
	q.eye_distance = 6000, q.sharpness = 1e9f, q.network = 5;
	CHECK(sp_quality_rank(&q, true) <= 1);
}

TEST(each_limit_has_its_reason)
{
	static const struct sp_quality_limits limits = {
		.eye_distance_min = 40,
		.yaw_max = 30,
		.pitch_max = 25,
		.roll_max = 20,
		.sharpness_min = 50,
		.exposure_min = 0.2f,
		.exposure_max = 0.8f,
		.network_min = 0.5f,
		.underexposed_max = 0.3f,
		.overexposed_max = 0.2f,
		.dynamic_range_min = 5,
		.contrast_min = 0.05f,
		.evenness_min = 0.6f,
		.margin_min = 1.5f,
	};
	const struct sp_quality_limits none = { 0 };
	const float inside[4] = { 10, 10, 50, 50 }, cut[4] = { 60, 10, 50, 50 },
		    left[4] = { -1, 9, 5, 5 };
	struct sp_quality_place place = { inside, 100, 100, false, true };
	struct sp_quality q = good;

	CHECK_EQ(sp_quality_reasons(&q, &limits, &place), 0);
#define REASON(member, value, reason)                                                              \
	q = good;                                                                                  \
	q.member = value;                                                                          \
	CHECK_EQ(sp_quality_reasons(&q, &limits, &place), reason);                                 \
	CHECK_EQ(sp_quality_reasons(&q, &none, &place), 0)
	REASON(eye_distance, 39, SP_FACE_TOO_SMALL);
	REASON(yaw, -31, SP_FACE_TURNED);
	REASON(yaw, 31, SP_FACE_TURNED);
	REASON(pitch, -26, SP_FACE_TURNED);
	REASON(roll, 21, SP_FACE_TURNED);
	REASON(roll, NAN, SP_FACE_TURNED);
	REASON(sharpness, 49, SP_FACE_BLURRED);
	REASON(exposure, 0.1f, SP_FACE_DARK);
	REASON(exposure, 0.9f, SP_FACE_BRIGHT);
	REASON(network, 0.4f, SP_FACE_POOR);
	REASON(underexposed, 0.31f, SP_FACE_UNDEREXPOSED);
	REASON(overexposed, 0.21f, SP_FACE_OVEREXPOSED);
	REASON(overexposed, NAN, SP_FACE_OVEREXPOSED);
	REASON(dynamic_range, 4.9f, SP_FACE_FLAT);
	REASON(contrast, 0.04f, SP_FACE_FLAT);
	REASON(evenness, 0.5f, SP_FACE_UNEVEN);
	REASON(margin_left, 1.4f, SP_FACE_NEAR_BORDER);
	REASON(margin_above, 1.4f, SP_FACE_NEAR_BORDER);
	REASON(margin_right, -1, SP_FACE_NEAR_BORDER);
	REASON(margin_below, 1.4f, SP_FACE_NEAR_BORDER);
#undef REASON
	/* What was not measured breaks no limit. */
	q = good;
	q.detailed = 0;
	q.contrast = q.evenness = q.margin_left = 0;
	CHECK_EQ(sp_quality_reasons(&q, &limits, &place), 0);
	q = good;
	q.network = 0;
	place.network = false;
	CHECK_EQ(sp_quality_reasons(&q, &limits, &place), 0);
	place.damaged = true;
	CHECK_EQ(sp_quality_reasons(&q, &limits, &place), SP_FACE_DAMAGED);
	place.box = cut;
	CHECK_EQ(sp_quality_reasons(&q, &limits, &place), SP_FACE_DAMAGED | SP_FACE_CUT);
	place.box = left;
	CHECK_EQ(sp_quality_reasons(&q, &none, &place), SP_FACE_DAMAGED | SP_FACE_CUT);
}

TEST(every_failed_limit_is_named)
{
	const float box[4] = { -1, 5, 50, 50 };
	const struct sp_quality_place place = { box, 100, 100, true, true };
	const struct sp_quality_limits limits = {
		.eye_distance_min = 1, .yaw_max = 1, .sharpness_min = 1, .exposure_min = 0.5f,
		.exposure_max = 0.4f, .network_min = 1, .underexposed_max = 0.1f,
		.overexposed_max = 0.1f, .contrast_min = 0.5f, .evenness_min = 1, .margin_min = 1,
	};
	const struct sp_quality worst = {
		.yaw = 90, .exposure = 0.45f, .detailed = 1, .underexposed = 0.5f,
		.overexposed = 0.5f,
	};

	CHECK_EQ(sp_quality_reasons(&worst, &limits, &place), (1u << SP_FACE_REASONS) - 1);
}

TEST(damage_is_tolerated_up_to_its_limit)
{
	const float box[4] = { 10, 10, 50, 50 };
	const struct sp_quality_place damaged = { box, 100, 100, true, true };
	struct sp_quality_limits limits = { .occlusion_max = 0.1f };
	struct sp_quality q = good;

	q.occlusion = q.aligned_occlusion = 0.09f;
	CHECK_EQ(sp_quality_reasons(&q, &limits, &damaged), 0);
	q.aligned_occlusion = 0.11f;
	CHECK_EQ(sp_quality_reasons(&q, &limits, &damaged), SP_FACE_DAMAGED);
	q.aligned_occlusion = 0, q.occlusion = 0.11f;
	CHECK_EQ(sp_quality_reasons(&q, &limits, &damaged), SP_FACE_DAMAGED);
	/* Without a limit, any loss. */
	limits.occlusion_max = 0;
	q.occlusion = 0;
	CHECK_EQ(sp_quality_reasons(&q, &limits, &damaged), SP_FACE_DAMAGED);
}

TEST(margins_are_in_eye_distances)
{
	const float landmark[5][2] = { { 80, 60 }, { 120, 60 } }, heap[5][2] = { { 0 } };
	struct sp_quality q = { .eye_distance = 40 }, none = { .eye_distance = 0 };

	sp_quality_from_frame(landmark, 200, 120, &q);
	CHECK_NEAR(q.margin_left, 2.5, 1e-6);
	CHECK_NEAR(q.margin_right, 2.5, 1e-6);
	CHECK_NEAR(q.margin_above, 1.5, 1e-6);
	CHECK_NEAR(q.margin_below, 1.5, 1e-6);
	/* A step towards a border lowers that margin and raises the other one. */
	for (float step = 1; step < 90; step++) {
		const float moved[5][2] = { { 80 + step, 60 + step }, { 120 + step, 60 + step } };
		struct sp_quality last = q;

		sp_quality_from_frame(moved, 200, 120, &q);
		CHECK(q.margin_right < last.margin_right && q.margin_left > last.margin_left);
		CHECK(q.margin_below < last.margin_below && q.margin_above > last.margin_above);
	}
	sp_quality_from_frame(heap, 200, 120, &none);
	CHECK_NEAR(none.margin_right, 0, 0);
}

TEST(names_are_told_apart)
{
	for (unsigned int i = 0; i < SP_FACE_REASONS; i++)
		for (unsigned int k = 0; k < i; k++)
			CHECK(strcmp(sp_face_reason_name(i), sp_face_reason_name(k)));
	CHECK_STR(sp_face_reason_name(0), "too_small");
	CHECK_STR(sp_face_reason_name(7), "poor");
	CHECK_STR(sp_face_reason_name(12), "near_border");
	CHECK_STR(sp_face_reason_name(13), "unknown");
	CHECK_STR(sp_result_cause_name(SP_RESULT_SHED), "shed");
	CHECK_STR(sp_result_cause_name(SP_RESULT_CAUSES), "unknown");
}

TEST_MAIN()
