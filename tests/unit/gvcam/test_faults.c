/* SPDX-License-Identifier: Apache-2.0 */
#include "gvcam/faults.h"

#include <errno.h>

#include "base/diag.h"
#include "test.h"

enum { BLOCKS = 200, PACKETS = 500 };

TEST(faults_happen_as_often_as_asked)
{
	struct gvcam_faults faults = {
		.loss = 0.02, .duplicate = 0.01, .resend_loss = 0.3, .seed = 7
	};
	unsigned int lost = 0, twice = 0, resends_lost = 0;
	struct gvcam_fate fate;

	for (uint32_t b = 1; b <= BLOCKS; b++)
		for (uint32_t p = 0; p < PACKETS; p++) {
			gvcam_faults_fate(&faults, 0, b, p, PACKETS, &fate);
			lost += fate.copies == 0;
			twice += fate.copies == 2;
			resends_lost += gvcam_faults_resend_lost(&faults, 0,
								 (uint64_t)b * PACKETS + p);
		}
	/* 100,000 draws by a fixed seed; the bounds are five standard deviations. */
	CHECK_NEAR(lost, 2000, 5 * 45);
	CHECK_NEAR(twice, 980, 5 * 32);
	CHECK_NEAR(resends_lost, 30000, 5 * 145);
}

TEST(faults_are_the_same_for_a_seed_and_differ_by_it)
{
	struct gvcam_faults one = { .loss = 0.5, .seed = 1 }, two = { .loss = 0.5, .seed = 2 };
	unsigned int by_seed = 0, by_camera = 0, by_block = 0;
	struct gvcam_fate a, b;

	for (uint32_t p = 0; p < 1000; p++) {
		gvcam_faults_fate(&one, 0, 1, p, PACKETS, &a);
		gvcam_faults_fate(&one, 0, 1, p, PACKETS, &b);
		CHECK_EQ(a.copies, b.copies);
		gvcam_faults_fate(&two, 0, 1, p, PACKETS, &b);
		by_seed += a.copies != b.copies;
		gvcam_faults_fate(&one, 1, 1, p, PACKETS, &b);
		by_camera += a.copies != b.copies;
		gvcam_faults_fate(&one, 0, 2, p, PACKETS, &b);
		by_block += a.copies != b.copies;
	}
	CHECK_NEAR(by_seed, 500, 80);
	CHECK_NEAR(by_camera, 500, 80);
	CHECK_NEAR(by_block, 500, 80);
}

TEST(faults_of_zero_and_one_are_certain)
{
	struct gvcam_faults none = { .seed = 3 };
	struct gvcam_faults all = { .loss = 1, .resend_loss = 1, .seed = 3 };
	struct gvcam_fate fate;

	for (uint32_t p = 0; p < 1000; p++) {
		gvcam_faults_fate(&none, 0, 1, p, PACKETS, &fate);
		CHECK_EQ(fate.copies, 1);
		CHECK_EQ(fate.late[0], 0);
		CHECK(!gvcam_faults_resend_lost(&none, 0, p));
		gvcam_faults_fate(&all, 0, 1, p, PACKETS, &fate);
		CHECK_EQ(fate.copies, 0);
		CHECK(gvcam_faults_resend_lost(&all, 0, p));
	}
}

TEST(faults_lose_leaders_and_trailers)
{
	struct gvcam_faults faults = { .leader_loss = 0.5, .trailer_loss = 1, .seed = 3 };
	unsigned int leaders = 0;
	struct gvcam_fate fate;

	for (uint32_t b = 1; b <= BLOCKS; b++)
		for (uint32_t p = 0; p < PACKETS; p++) {
			gvcam_faults_fate(&faults, 0, b, p, PACKETS, &fate);
			leaders += p == 0 && !fate.copies;
			if (p)
				CHECK_EQ(fate.copies, p < PACKETS - 1);
		}
	CHECK_NEAR(leaders, BLOCKS / 2, 5 * 7);
}

/* Lost packets come in runs of the length, or longer where two meet; shorter at a block's end. */
TEST(faults_come_in_bursts)
{
	enum { LENGTH = 8 };
	struct gvcam_faults faults = { .burst_loss = 0.01, .burst_length = LENGTH, .seed = 7 };
	unsigned int lost = 0, runs = 0;

	for (uint32_t b = 1; b <= BLOCKS; b++) {
		unsigned int run = 0;

		for (uint32_t p = 0; p < PACKETS; p++) {
			struct gvcam_fate fate;

			gvcam_faults_fate(&faults, 0, b, p, PACKETS, &fate);
			lost += !fate.copies;
			if (!fate.copies) {
				run++;
				continue;
			}
			if (run)
				CHECK(run >= LENGTH);
			runs += run > 0;
			run = 0;
		}
	}
	/* 0.08 of 100,000, less where two overlap: by a window's odds, up to 4 %. */
	CHECK(lost > 7000 && lost < 8400);
	CHECK(runs > 800 && runs < 1050);
}

TEST(faults_read_bursts_from_text)
{
	static const char *const wrong[] = {
		"",	  "0.1",    "0.1,",	     "0.1,0",  "2,1",
		"-0.1,4", "0.1,11", "0.00001,65537", "0.1,4x", "0.1,-1"
	};
	struct gvcam_faults faults = { 0 };
	struct sp_err err;

	CHECK_EQ(gvcam_faults_parse_burst("0.001,32", &faults, &err), 0);
	CHECK_NEAR(faults.burst_loss, 0.001, 0);
	CHECK_EQ(faults.burst_length, 32);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (gvcam_faults_parse_burst(wrong[i], &faults, &err) != -EINVAL)
			FAIL("'%s' was taken", wrong[i]);
}

TEST(reorder_keeps_every_packet_and_its_depth)
{
	enum { DEPTH = 16, N = 5000 };
	struct gvcam_faults faults = { .duplicate = 0.2, .reorder = DEPTH, .seed = 11 };
	static unsigned int wanted[N], seen[N];
	struct gvcam_ref out[4 * (DEPTH + 1)];
	struct gvcam_reorder reorder;
	unsigned int disorder = 0;
	uint32_t highest = 0;

	CHECK_EQ(gvcam_reorder_init(&reorder, DEPTH), 0);
	for (uint32_t p = 0; p < N; p++) {
		struct gvcam_fate fate;
		uint32_t n;

		gvcam_faults_fate(&faults, 0, 1, p, PACKETS, &fate);
		wanted[p] = fate.copies;
		n = gvcam_reorder_step(&reorder, p, &fate, out);
		if (p == N - 1)
			n += gvcam_reorder_flush(&reorder, out + n);
		for (uint32_t i = 0; i < n; i++) {
			seen[out[i].packet]++;
			disorder += out[i].packet < highest;
			/* Nothing is more than DEPTH places late. */
			CHECK(out[i].packet + DEPTH >= p);
			if (out[i].packet > highest)
				highest = out[i].packet;
		}
	}
	CHECK_EQ(reorder.held, 0);
	for (uint32_t p = 0; p < N; p++)
		CHECK_EQ(seen[p], wanted[p]);
	CHECK(disorder > N / 4);
	gvcam_reorder_uninit(&reorder);
}

TEST(reorder_of_depth_0_changes_nothing)
{
	struct gvcam_fate twice = { .copies = 2 }, lost = { 0 };
	struct gvcam_reorder reorder;
	struct gvcam_ref out[4];

	CHECK_EQ(gvcam_reorder_init(&reorder, 0), 0);
	CHECK_EQ(gvcam_reorder_step(&reorder, 5, &twice, out), 2);
	CHECK(out[0].packet == 5 && !out[0].copy && out[1].packet == 5 && out[1].copy);
	CHECK_EQ(gvcam_reorder_step(&reorder, 6, &lost, out), 0);
	gvcam_reorder_uninit(&reorder);
}

TEST_MAIN()
