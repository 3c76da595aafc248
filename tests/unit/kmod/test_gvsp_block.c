/* SPDX-License-Identifier: Apache-2.0 */
#include "gvsp_block.h"

#include "test.h"

TEST(gvsp_block_ids_wrap)
{
	static const struct {
		uint64_t id, from;
		bool extended;
		int64_t distance;
	} cases[] = {
		{ 1, 1, false, 0 },
		{ 2, 1, false, 1 },
		{ 1, 2, false, -1 },
		{ 1, 65535, false, 1 }, /* 0 is left out */
		{ 65535, 1, false, -1 },
		{ 0, 65535, false, 1 }, /* a camera that does not */
		{ 1, 0, false, 1 },
		{ 65535, 0, false, -1 },
		{ 2, 65530, false, 7 },
		{ 65530, 2, false, -7 },
		{ 0, 65534, false, 2 },
		{ 32768, 1, false, 32767 },
		{ 1, 65535, true, -65534 },
		{ 65536, 65535, true, 1 },
		{ 0, UINT64_MAX, true, 1 },
		{ UINT64_MAX, 0, true, -1 },
		{ 1ull << 40, 3, true, (1ll << 40) - 3 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		CHECK_EQ(sp_gvsp_block_distance(cases[i].id, cases[i].from, cases[i].extended),
			 cases[i].distance);
	CHECK_EQ(sp_gvsp_block_next(65535, false), 1);
	CHECK_EQ(sp_gvsp_block_next(0, false), 1);
	CHECK_EQ(sp_gvsp_block_next(65535, true), 65536);
}

TEST(gvsp_block_next_is_at_distance_one)
{
	uint64_t id = 65000;

	for (int i = 0; i < 70000; i++) {
		uint64_t next = sp_gvsp_block_next(id, false);

		CHECK_EQ(sp_gvsp_block_distance(next, id, false), 1);
		CHECK_EQ(sp_gvsp_block_distance(id, next, false), -1);
		id = next;
	}
}

TEST(gvsp_block_places)
{
	__s64 got;

	CHECK_EQ(sp_gvsp_block_place(10, 10, false, 100, &got), SP_GVSP_KNOWN);
	CHECK_EQ(sp_gvsp_block_place(11, 10, false, 100, &got), SP_GVSP_AHEAD);
	CHECK_EQ(got, 1);
	CHECK_EQ(sp_gvsp_block_place(110, 10, false, 100, &got), SP_GVSP_AHEAD);
	CHECK_EQ(sp_gvsp_block_place(111, 10, false, 100, &got), SP_GVSP_RESTART);
	CHECK_EQ(sp_gvsp_block_place(901, 1000, false, 100, &got), SP_GVSP_KNOWN);
	CHECK_EQ(sp_gvsp_block_place(900, 1000, false, 100, &got), SP_GVSP_RESTART);
	CHECK_EQ(sp_gvsp_block_place(65500, 20, false, 100, &got), SP_GVSP_KNOWN);
	CHECK_EQ(sp_gvsp_block_place(20, 65500, false, 100, &got), SP_GVSP_AHEAD);
	CHECK_EQ(sp_gvsp_block_place(1ull << 63, 0, true, 100, &got), SP_GVSP_RESTART);
}

/* Every size up to a few words: runs found by the fast scan are those of a slow one. */
TEST(gvsp_block_receives_and_finds_runs)
{
	uint32_t seed = 1;

	for (uint32_t packets = 1; packets <= 200; packets++) {
		__u64 missing[4] = { ~0ull, ~0ull, ~0ull, ~0ull };
		struct sp_gvsp_block block;
		uint32_t came = 0, from = 0, first, last, seen = 0;

		sp_gvsp_block_init(&block, missing, packets);
		for (uint32_t i = 0; i < packets; i++) {
			seed = seed * 1664525 + 1013904223;
			if (seed >> 31)
				continue;
			CHECK(sp_gvsp_block_receive(&block, i));
			CHECK(!sp_gvsp_block_receive(&block, i));
			came++;
		}
		CHECK_EQ(block.missing_n, packets - came);
		while (sp_gvsp_next_run(missing, from, packets, &first, &last)) {
			CHECK(first >= from && first <= last && last < packets);
			for (uint32_t i = from; i < first; i++)
				CHECK(!sp_gvsp_bit(missing, i));
			for (uint32_t i = first; i <= last; i++)
				CHECK(sp_gvsp_bit(missing, i));
			CHECK(last + 1 == packets || !sp_gvsp_bit(missing, last + 1));
			seen += last - first + 1;
			from = last + 1;
		}
		CHECK_EQ(seen, packets - came);
	}
}

TEST(gvsp_block_shrinks_and_rejects)
{
	for (uint32_t to = 0; to <= 130; to++) {
		__u64 missing[3];
		struct sp_gvsp_block block;
		uint32_t first, last;

		sp_gvsp_block_init(&block, missing, 130);
		CHECK(sp_gvsp_block_receive(&block, 0));
		CHECK(sp_gvsp_block_receive(&block, 129));
		sp_gvsp_block_reject(&block, 129);
		sp_gvsp_block_reject(&block, 129);
		CHECK_EQ(block.missing_n, 129);
		if (!to)
			sp_gvsp_block_reject(&block, 0);
		sp_gvsp_block_shrink(&block, to);
		CHECK_EQ(block.packets, to);
		CHECK_EQ(block.missing_n, to ? to - 1 : 0);
		CHECK_EQ(sp_gvsp_next_run(missing, 0, 130, &first, &last), to > 1);
		if (to > 1)
			CHECK(first == 1 && last == to - 1);
	}
}

TEST_MAIN()
