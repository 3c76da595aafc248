/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/search.h"

#include <errno.h>
#include <math.h>

#include "infer/compute.h"
#include "packet_frame.h"
#include "test.h"

static struct sp_hit *wanted;

static int by_similarity(const void *a, const void *b)
{
	const struct sp_hit *x = a, *y = b;

	if (x->similarity != y->similarity)
		return x->similarity > y->similarity ? -1 : 1;
	return x->index < y->index ? -1 : 1;
}

/* Small whole numbers: sums are exact in any order and ties are many. */
TEST(search_matches_sorting_everything)
{
	static const uint32_t sizes[] = { 1, 7, 16, 128, 131 };
	uint64_t seed = 3;

	for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
		uint32_t size = sizes[s], rows = 500;
		float *gallery = malloc(rows * size * sizeof(float)),
		      *query = malloc(size * sizeof(float));
		struct sp_hit hits[501];
		const uint32_t counts[] = { 0, 1, 2, 17, 499, 500, 501 };

		wanted = malloc(rows * sizeof(*wanted));
		for (uint32_t i = 0; i < rows * size; i++)
			gallery[i] = (float)(next_random(&seed) % 5) - 2;
		for (uint32_t i = 0; i < size; i++)
			query[i] = (float)(next_random(&seed) % 5) - 2;
		for (uint32_t row = 0; row < rows; row++) {
			double sum = 0;

			for (uint32_t i = 0; i < size; i++)
				sum += (double)gallery[row * size + i] * (double)query[i];
			wanted[row] = (struct sp_hit){ row, (float)sum };
		}
		qsort(wanted, rows, sizeof(*wanted), by_similarity);
		for (size_t c = 0; c < sizeof(counts) / sizeof(counts[0]); c++) {
			uint32_t k = counts[c], n = k < rows ? k : rows;

			CHECK_EQ(sp_search_top(gallery, rows, size, query, k, hits), n);
			for (uint32_t i = 0; i < n; i++) {
				CHECK_EQ(hits[i].index, wanted[i].index);
				CHECK_NEAR(hits[i].similarity, wanted[i].similarity, 0);
			}
		}
		free(wanted);
		free(gallery);
		free(query);
	}
}

TEST(search_ranks_what_is_no_number_last)
{
	const float gallery[] = { NAN, 0.5f, -1, 0.5f }, query[] = { 1 };
	struct sp_hit hits[4];

	CHECK_EQ(sp_search_top(gallery, 4, 1, query, 4, hits), 4);
	CHECK_EQ(hits[0].index, 1);
	CHECK_EQ(hits[1].index, 3);
	CHECK_EQ(hits[2].index, 2);
	CHECK_EQ(hits[3].index, 0);
	CHECK(hits[3].similarity == -INFINITY);
}

TEST(search_knows_its_limits)
{
	const float query[] = { 1 };
	struct sp_hit hits[1];

	CHECK_EQ(sp_search_top(NULL, 0, 1, query, 1, hits), 0);
	CHECK_EQ(sp_search_top(query, 1, 1, query, 0, NULL), 0);
	CHECK_EQ(sp_search_top(query, 1, 0, query, 1, hits), -EINVAL);
	CHECK_EQ(sp_search_top(NULL, 1, 1, query, 1, hits), -EINVAL);
}

TEST_MAIN()
