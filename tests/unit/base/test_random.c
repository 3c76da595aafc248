/* SPDX-License-Identifier: Apache-2.0 */
#include "base/random.h"

#include "test.h"

/* The published series of seed 1234567. */
TEST(random_is_splitmix64)
{
	uint64_t state = 1234567;

	CHECK(sp_random_next(&state) == 6457827717110365317ull);
	CHECK(sp_random_next(&state) == 3203168211198807973ull);
	CHECK(sp_random_next(&state) == 9817491932198370423ull);
}

TEST_MAIN()
