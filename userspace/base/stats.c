/* SPDX-License-Identifier: Apache-2.0 */
#include "base/stats.h"

#include <errno.h>
#include <inttypes.h>

static uint64_t value(const void *base, const struct sp_counter *counter)
{
	return sp_counter_read((const uint64_t *)((const char *)base + counter->offset));
}

int sp_stats_json(json_t *object, const struct sp_counter *table, size_t n, const void *base)
{
	for (size_t i = 0; i < n; i++) {
		json_t *number = json_integer((json_int_t)value(base, &table[i]));

		if (json_object_set_new(object, table[i].name, number))
			return -ENOMEM;
	}
	return 0;
}

void sp_stats_openmetrics(FILE *out, const char *prefix, const struct sp_counter *table, size_t n,
			  const void *const *bases, const char *const *labels, size_t instances)
{
	for (size_t i = 0; i < n; i++) {
		fprintf(out, "# TYPE sallyport_%s_%s counter\n", prefix, table[i].name);
		fprintf(out, "# HELP sallyport_%s_%s %s.\n", prefix, table[i].name, table[i].help);
		for (size_t j = 0; j < instances; j++)
			fprintf(out, "sallyport_%s_%s_total{%s} %" PRIu64 "\n", prefix,
				table[i].name, labels[j], value(bases[j], &table[i]));
	}
}
