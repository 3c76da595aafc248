/* SPDX-License-Identifier: Apache-2.0 */
#include "base/histogram.h"

#include "test.h"

TEST(histogram_is_empty_at_first)
{
	struct sp_histogram h = { 0 };

	CHECK_EQ(sp_histogram_quantile(&h, 0.5), 0);
}

TEST(histogram_quantiles_are_right_to_an_eighth_of_an_octave)
{
	struct sp_histogram h = { 0 };

	for (uint64_t i = 1; i <= 100000; i++)
		sp_histogram_add(&h, i * 10);
	for (int percent = 1; percent < 100; percent++) {
		double exact = percent * 10000.0,
		       got = (double)sp_histogram_quantile(&h, percent / 100.0);

		if (got < exact * 0.999 || got > exact * 1.13)
			FAIL("p%d is %.0f, not %.0f", percent, got, exact);
	}
	CHECK_EQ(sp_histogram_quantile(&h, 1), 1000000);
	CHECK_EQ(h.max, 1000000);
}

TEST(histogram_takes_the_extremes)
{
	struct sp_histogram h = { 0 };

	sp_histogram_add(&h, 0);
	CHECK_EQ(sp_histogram_quantile(&h, 0.5), 0);
	sp_histogram_add(&h, UINT64_MAX);
	CHECK(sp_histogram_quantile(&h, 1) == UINT64_MAX);
}

TEST_MAIN()
