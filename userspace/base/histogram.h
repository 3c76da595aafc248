/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Durations, kept as counts in buckets an eighth of an octave wide: a percentile is right to 9 %.
 * One writing thread; any thread reads.
 */
#ifndef SP_BASE_HISTOGRAM_H
#define SP_BASE_HISTOGRAM_H

#include <stdint.h>

enum { SP_HISTOGRAM_BUCKETS = 62 * 8 };

struct sp_histogram {
	uint64_t counts[SP_HISTOGRAM_BUCKETS];
	uint64_t total;
	uint64_t max;
};

void sp_histogram_add(struct sp_histogram *histogram, uint64_t value);

/*
 * The value below which @share (0 … 1) of the values lie, as its bucket's upper bound; 0 if empty.
 */
uint64_t sp_histogram_quantile(const struct sp_histogram *histogram, double share);

#endif
