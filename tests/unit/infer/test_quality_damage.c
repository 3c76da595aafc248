/* SPDX-License-Identifier: Apache-2.0 */
/* Missing packets count where a face is, and nowhere else. */
#include "infer/quality.h"

#include <math.h>

#include "infer/align.h"
#include "infer/pixels.h"
#include "packet_frame.h"
#include "test.h"

enum { WIDTH = 200, HEIGHT = 160 };

/* Pixels [50, 106) squared: half as large as the aligned picture. */
static const struct sp_similarity to_frame = { 0.5f, 0, 50, 50 };
static const float box[4] = { 60, 60, 36, 40 };

/* A packet is 40 pixels of a line. */
static uint32_t packet_at(uint32_t x, uint32_t y)
{
	return (y * WIDTH + x) / 40;
}

TEST(a_packet_beside_the_face_leaves_it_whole)
{
	struct sp_quality q = { .occlusion = 9, .aligned_occlusion = 9 };
	struct packet_frame pf;

	packet_frame_init(&pf, SP_PFNC_MONO8, WIDTH, HEIGHT, 40, 1);
	CHECK(!sp_quality_from_damage(&pf.frame, box, &to_frame, &q));
	CHECK_NEAR(q.occlusion, 0, 0);
	/* Above, below, to the right and far to the left. */
	packet_frame_lose(&pf, packet_at(80, 49));
	packet_frame_lose(&pf, packet_at(80, 107));
	packet_frame_lose(&pf, packet_at(120, 80));
	packet_frame_lose(&pf, packet_at(0, 80));
	CHECK(!sp_quality_from_damage(&pf.frame, box, &to_frame, &q));
	CHECK_NEAR(q.occlusion, 0, 0);
	CHECK_NEAR(q.aligned_occlusion, 0, 0);
	packet_frame_uninit(&pf);
}

TEST(a_packet_under_the_face_counts_for_its_pixels)
{
	struct packet_frame pf;
	struct sp_quality q;

	packet_frame_init(&pf, SP_PFNC_MONO8, WIDTH, HEIGHT, 40, 2);
	/* Columns [80, 120) of line 70: 16 of the box's 36 × 40 pixels. */
	packet_frame_lose(&pf, packet_at(80, 70));
	CHECK(sp_quality_from_damage(&pf.frame, box, &to_frame, &q));
	CHECK_NEAR(q.occlusion, 16.0 / (36 * 40), 1e-6);
	/*
	 * Aligned pixels are half a pixel apart: those of lines 69, 69.5, 70, 70.5 (the first with
	 * no weight, but a neighbour) and of columns from 79 to 105.5.
	 */
	CHECK_NEAR(q.aligned_occlusion, 4.0 * 54 / SP_ALIGNED_PIXELS, 1e-6);
	/* Without an aligned picture there is only the box. */
	CHECK(sp_quality_from_damage(&pf.frame, box, NULL, &q));
	CHECK_NEAR(q.aligned_occlusion, 0, 0);
	packet_frame_uninit(&pf);
}

/* What the embedder sees beside the box counts: it would take black for skin. */
TEST(a_packet_in_the_aligned_picture_alone_counts)
{
	struct packet_frame pf;
	struct sp_quality q;

	packet_frame_init(&pf, SP_PFNC_MONO8, WIDTH, HEIGHT, 40, 3);
	packet_frame_lose(&pf, packet_at(80, 104));
	CHECK(sp_quality_from_damage(&pf.frame, box, &to_frame, &q));
	CHECK_NEAR(q.occlusion, 0, 0);
	CHECK(q.aligned_occlusion > 0);
	packet_frame_uninit(&pf);
}

TEST(more_packets_never_count_less)
{
	for (uint64_t seed = 1; seed <= 10; seed++) {
		struct sp_quality last = { 0 }, q;
		uint64_t random = seed;
		struct packet_frame pf;

		packet_frame_init(&pf, seed % 2 ? SP_PFNC_BAYER_RG8 : SP_PFNC_RGB8, WIDTH, HEIGHT,
				  96, seed);
		for (int i = 0; i < 60; i++) {
			uint32_t p = next_random(&random) % pf.frame.packets;

			if (!(pf.missing[p / 64] >> (p % 64) & 1))
				packet_frame_lose(&pf, p);
			CHECK_EQ(sp_quality_from_damage(&pf.frame, box, &to_frame, &q),
				 q.occlusion > 0 || q.aligned_occlusion > 0);
			CHECK(q.occlusion >= last.occlusion && q.occlusion <= 1);
			CHECK(q.aligned_occlusion >= last.aligned_occlusion &&
			      q.aligned_occlusion <= 1);
			last = q;
		}
		if (!(last.aligned_occlusion > 0))
			FAIL("seed %" PRIu64 ": 60 packets, none of them under the face", seed);
		packet_frame_uninit(&pf);
	}
}

/* Boxes whose share is known, cut by the frame's border or not. */
TEST(the_share_is_of_the_bytes_that_the_box_has_in_the_frame)
{
	static const struct {
		float box[4];
		double share;
	} cases[] = {
		{ { 0, 0, 20, 10 }, 0.2 },   { { 5, 3, 4, 2 }, 0.5 }, { { 5, 4, 4, 6 }, 0 },
		{ { -5, -5, 100, 9 }, 0.5 }, { { 30, 30, 5, 5 }, 0 },
	};
	struct packet_frame pf;
	struct sp_quality q;

	/* A packet is two lines. */
	packet_frame_init(&pf, SP_PFNC_MONO8, 20, 10, 40, 1);
	packet_frame_lose(&pf, 1);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CHECK_EQ(sp_quality_from_damage(&pf.frame, cases[i].box, NULL, &q),
			 cases[i].share > 0);
		CHECK_NEAR(q.occlusion, cases[i].share, 1e-6);
	}
	packet_frame_uninit(&pf);
}

/* Neither the region nor the places in it are there any more. */
TEST(the_description_is_enough)
{
	struct packet_frame pf;
	struct sp_frame gone;
	struct sp_quality q;

	packet_frame_init(&pf, SP_PFNC_MONO10P, WIDTH, HEIGHT, 40, 1);
	packet_frame_lose(&pf, packet_at(80, 70) * 10 / 8);
	gone = pf.frame;
	gone.offset = NULL;
	gone.parts[0].region = NULL;
	CHECK(sp_quality_from_damage(&gone, box, &to_frame, &q));
	CHECK(q.occlusion > 0 && q.aligned_occlusion > 0);
	packet_frame_uninit(&pf);
}

/* A pixel that the warp changed when a packet was lost is one that counts. */
TEST(pixels_that_change_are_counted)
{
	static uint8_t whole[SP_ALIGNED_PIXELS * 3], damaged[SP_ALIGNED_PIXELS * 3];
	static const uint32_t formats[] = { SP_PFNC_MONO8, SP_PFNC_RGB8, SP_PFNC_BAYER_GB8 };
	struct sp_align_scratch *scratch;
	struct sp_pixels pixels;

	CHECK_EQ(sp_pixels_init(&pixels), 0);
	CHECK_EQ(sp_align_scratch_create(&scratch), 0);
	for (uint64_t seed = 1; seed <= 12; seed++) {
		uint64_t random = seed;
		struct sp_similarity s = {
			0.2f + (float)(next_random(&random) % 100) / 100,
			(float)(next_random(&random) % 100) / 200 - 0.25f,
			(float)(next_random(&random) % 60),
			(float)(next_random(&random) % 60),
		};
		struct packet_frame pf;
		struct sp_quality q;
		int changed = 0;

		packet_frame_init(&pf, formats[seed % 3], WIDTH, HEIGHT, 333, seed);
		CHECK_EQ(sp_pixels_begin(&pixels, &pf.frame), 0);
		CHECK_EQ(sp_align_warp(scratch, &pixels, &s, whole), 0);
		for (int i = 0; i < 10; i++) {
			uint32_t p = next_random(&random) % pf.frame.packets;

			if (!(pf.missing[p / 64] >> (p % 64) & 1))
				packet_frame_lose(&pf, p);
		}
		CHECK_EQ(sp_pixels_begin(&pixels, &pf.frame), 0);
		CHECK_EQ(sp_align_warp(scratch, &pixels, &s, damaged), 0);
		sp_quality_from_damage(&pf.frame, box, &s, &q);
		for (int i = 0; i < SP_ALIGNED_PIXELS; i++)
			changed += memcmp(whole + 3 * i, damaged + 3 * i, 3) != 0;
		if (changed > q.aligned_occlusion * SP_ALIGNED_PIXELS + 0.5f)
			FAIL("seed %" PRIu64 ": %d pixels changed, %.0f counted", seed, changed,
			     (double)(q.aligned_occlusion * SP_ALIGNED_PIXELS));
		CHECK(changed > 0.5 * (double)q.aligned_occlusion * SP_ALIGNED_PIXELS);
		packet_frame_uninit(&pf);
	}
	sp_align_scratch_destroy(scratch);
	sp_pixels_uninit(&pixels);
}

TEST(boxes_from_nowhere_do_no_harm)
{
	static const float boxes[][4] = {
		{ -1e30f, -1e30f, 1e30f, 1e30f },
		{ NAN, NAN, NAN, NAN },
		{ 1e9f, 1e9f, 5, 5 },
		{ 10, 10, -5, -5 },
		{ 0, 0, INFINITY, INFINITY },
	};
	const struct sp_similarity far = { 1e30f, NAN, -1e30f, INFINITY };
	struct packet_frame pf;
	struct sp_quality q;

	packet_frame_init(&pf, SP_PFNC_MONO8, WIDTH, HEIGHT, 40, 4);
	packet_frame_lose(&pf, 300);
	for (int i = 0; i < 5; i++) {
		sp_quality_from_damage(&pf.frame, boxes[i], &far, &q);
		CHECK(q.occlusion >= 0 && q.occlusion <= 1);
		CHECK(q.aligned_occlusion >= 0 && q.aligned_occlusion <= 1);
	}
	packet_frame_uninit(&pf);
}

TEST_MAIN()
