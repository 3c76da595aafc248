/* SPDX-License-Identifier: Apache-2.0 */
/* The same seed gives the same bytes, with whatever instructions and threads. */
#include "lanesim/digest.h"

#include "lanesim/kernel.h"
#include "test.h"

enum { SEED = 11, PEOPLE = 1, SCENES = 1 };

static void digest(unsigned int threads, uint8_t ret_digest[LANESIM_DIGEST_BYTES])
{
	CHECK_EQ(lanesim_digest(SEED, PEOPLE, SCENES, threads, ret_digest, NULL), 0);
}

TEST(every_instruction_set_gives_the_same_bytes)
{
	uint8_t first[LANESIM_DIGEST_BYTES], other[LANESIM_DIGEST_BYTES];
	const struct lanesim_kernels *set;

	printf("seed %d\n", SEED);
	for (unsigned int i = 0; (set = lanesim_kernels_available(i)); i++) {
		lanesim_kernels_use(set);
		/* Another number of threads each time too. */
		digest(1 + i, i ? other : first);
		if (i && memcmp(first, other, sizeof(first)))
			FAIL("%s gives other bytes than base", set->isa);
	}
}

TEST(another_seed_gives_other_bytes)
{
	uint8_t first[LANESIM_DIGEST_BYTES], other[LANESIM_DIGEST_BYTES];

	digest(0, first);
	CHECK_EQ(lanesim_digest(SEED + 1, PEOPLE, SCENES, 0, other, NULL), 0);
	CHECK(memcmp(first, other, sizeof(first)) != 0);
}

TEST_MAIN()
