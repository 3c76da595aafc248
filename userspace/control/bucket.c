/* SPDX-License-Identifier: Apache-2.0 */
#include "control/bucket.h"

#include <assert.h>

#include "base/clock.h"

static uint64_t brim(const struct sp_bucket *bucket)
{
	return bucket->config.burst * SP_NS_PER_S;
}

void sp_bucket_init(struct sp_bucket *bucket, const struct sp_bucket_config *config,
		    uint64_t now_ns)
{
	bucket->config = *config;
	bucket->level = brim(bucket);
	bucket->filled_ns = now_ns;
}

uint32_t sp_bucket_fill(struct sp_bucket *bucket, uint64_t now_ns)
{
	uint64_t rate = bucket->config.rate, room = brim(bucket) - bucket->level;

	if (now_ns > bucket->filled_ns) {
		uint64_t elapsed = now_ns - bucket->filled_ns;

		/* Compared by division: a long pause times the rate could leave 64 bits. */
		if (rate && elapsed > room / rate)
			bucket->level += room;
		else
			bucket->level += elapsed * rate;
		bucket->filled_ns = now_ns;
	}
	return (uint32_t)(bucket->level / SP_NS_PER_S);
}

void sp_bucket_spend(struct sp_bucket *bucket, uint32_t n)
{
	assert(n * SP_NS_PER_S <= bucket->level);
	bucket->level -= n * SP_NS_PER_S;
}
