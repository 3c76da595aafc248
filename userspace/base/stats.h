/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters: plain u64 members of a struct, described once by a table from which text, JSON and
 * OpenMetrics are made.
 *
 * Each counter has one writing thread; any thread reads. Reads and writes are relaxed atomics: a
 * snapshot taken while packets arrive may be between two additions, one taken at rest is exact.
 */
#ifndef SP_BASE_STATS_H
#define SP_BASE_STATS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

struct sp_counter {
	const char *name; /* snake_case, as scripts see it */
	const char *help; /* one sentence without a full stop */
	size_t offset;	  /* of the u64 in the struct */
};

#define SP_COUNTER(type, member, text) { #member, text, offsetof(type, member) }

/* Single writer. */
static inline void sp_count(uint64_t *counter, uint64_t n)
{
	__atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}

static inline uint64_t sp_counter_read(const uint64_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

/* Adds every counter of @base to @object under its name. 0 or -ENOMEM. */
int sp_stats_json(json_t *object, const struct sp_counter *table, size_t n, const void *base);

/*
 * OpenMetrics text: a "# TYPE" and "# HELP" line and one sample a counter, named
 * sallyport_PREFIX_NAME_total. @labels is what stands between the braces ("stream=\"0\"") or "".
 * For several instances under one family call once per family with all bases.
 */
void sp_stats_openmetrics(FILE *out, const char *prefix, const struct sp_counter *table, size_t n,
			  const void *const *bases, const char *const *labels, size_t instances);

#endif
