/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A token bucket: so many tokens a second on average, at most `burst` at once. Pure: the caller
 * passes the time. One thread.
 */
#ifndef SP_CONTROL_BUCKET_H
#define SP_CONTROL_BUCKET_H

#include <stdint.h>

struct sp_bucket_config {
	uint32_t rate;	/* tokens a second; 0: none but the first burst */
	uint32_t burst; /* the bucket's size; 0: nothing is ever granted */
};

struct sp_bucket {
	struct sp_bucket_config config;
	uint64_t level; /* billionths of a token, so that no refill is rounded away */
	uint64_t filled_ns;
};

/* Full at the start. */
void sp_bucket_init(struct sp_bucket *bucket, const struct sp_bucket_config *config,
		    uint64_t now_ns);

/* Whole tokens there are. Time that steps back adds nothing. */
uint32_t sp_bucket_fill(struct sp_bucket *bucket, uint64_t now_ns);

/* Takes @n tokens, at most as many as sp_bucket_fill returned. */
void sp_bucket_spend(struct sp_bucket *bucket, uint32_t n);

#endif
