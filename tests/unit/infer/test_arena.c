/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/cpu/arena.h"

#include "base/random.h"
#include "test.h"

enum { LEASES = 60, EVENTS = 40 };

static bool live_together(const struct sp_lease *a, const struct sp_lease *b)
{
	return a->first <= b->last && b->first <= a->last;
}

TEST(what_lives_together_lies_apart)
{
	uint64_t seed = 77;

	printf("# seed %llu\n", (unsigned long long)seed);
	for (int round = 0; round < 500; round++) {
		struct sp_lease leases[LEASES];
		uint32_t order[LEASES], n = (uint32_t)(sp_random_next(&seed) % (LEASES + 1));
		size_t end = 0, total;

		for (uint32_t i = 0; i < n; i++) {
			leases[i].size = sp_random_next(&seed) % 1000;
			leases[i].first = (uint32_t)(sp_random_next(&seed) % EVENTS);
			leases[i].last = leases[i].first +
					 (uint32_t)(sp_random_next(&seed) % EVENTS);
		}
		total = sp_arena_place(leases, order, n);
		for (uint32_t i = 0; i < n; i++) {
			const struct sp_lease *a = &leases[i];

			end = a->offset + a->size > end ? a->offset + a->size : end;
			for (uint32_t k = 0; k < i; k++) {
				const struct sp_lease *b = &leases[k];

				CHECK(!live_together(a, b) || a->offset + a->size <= b->offset ||
				      b->offset + b->size <= a->offset);
			}
		}
		CHECK_EQ(total, end);
	}
}

TEST(what_never_meets_shares)
{
	struct sp_lease leases[3] = { { 100, 0, 1, 7 }, { 300, 2, 3, 7 }, { 200, 1, 2, 7 } };
	uint32_t order[3];

	/* The first and the second never meet; the third meets both. */
	CHECK_EQ(sp_arena_place(leases, order, 3), 500);
	CHECK_EQ(leases[1].offset, 0);
	CHECK_EQ(leases[0].offset, 0);
	CHECK_EQ(leases[2].offset, 300);
	CHECK_EQ(sp_arena_place(leases, order, 0), 0);
}

TEST_MAIN()
