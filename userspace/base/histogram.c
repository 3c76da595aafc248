/* SPDX-License-Identifier: Apache-2.0 */
#include "base/histogram.h"

#include "base/stats.h"

/* Values below 8 have a bucket each; above, the top bit and the three bits after it choose. */
static unsigned int bucket_of(uint64_t value)
{
	unsigned int top;

	if (value < 8)
		return (unsigned int)value;
	top = 63 - (unsigned int)__builtin_clzll(value);
	return (top - 2) * 8 + (unsigned int)(value >> (top - 3) & 7);
}

static uint64_t upper_bound(unsigned int bucket)
{
	unsigned int top = bucket / 8 + 2;

	if (bucket < 8)
		return bucket;
	return ((8ull + bucket % 8) << (top - 3)) + ((1ull << (top - 3)) - 1);
}

void sp_histogram_add(struct sp_histogram *histogram, uint64_t value)
{
	sp_count(&histogram->counts[bucket_of(value)], 1);
	sp_count(&histogram->total, 1);
	if (value > sp_counter_read(&histogram->max))
		__atomic_store_n(&histogram->max, value, __ATOMIC_RELAXED);
}

uint64_t sp_histogram_quantile(const struct sp_histogram *histogram, double share)
{
	uint64_t total = sp_counter_read(&histogram->total);
	uint64_t wanted = (uint64_t)(share * (double)total), seen = 0;
	uint64_t max = sp_counter_read(&histogram->max);

	if (!total)
		return 0;
	if (wanted >= total)
		return max;
	for (unsigned int i = 0; i < SP_HISTOGRAM_BUCKETS; i++) {
		seen += sp_counter_read(&histogram->counts[i]);
		if (seen > wanted)
			return upper_bound(i) < max ? upper_bound(i) : max;
	}
	return max;
}
