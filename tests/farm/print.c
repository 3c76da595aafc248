/* SPDX-License-Identifier: Apache-2.0 */
#include "farm/farm.h"

#include <inttypes.h>

#include "base/stats.h"
#include "capture/packet_source.h"
#include "control/resend.h"
#include "frame/frame_source.h"

/* ,"NAME":{…}: every counter of a table, by its name. */
static void print_counters(FILE *out, const char *name, const struct sp_counter *table, size_t n,
			   const void *base)
{
	fprintf(out, ",\"%s\":{", name);
	for (size_t i = 0; i < n; i++)
		fprintf(out, "%s\"%s\":%" PRIu64, i ? "," : "", table[i].name,
			sp_counter_read((const uint64_t *)((const char *)base + table[i].offset)));
	fprintf(out, "}");
}

void farm_print(const struct farm *farm, int64_t allocations, FILE *out)
{
	struct sp_stream_counters sum = { 0 };
	struct sp_resend_counters asked = { 0 };

	for (uint32_t i = 0; i < farm->options.cameras; i++) {
		const struct sp_stream_counters *c = farm->source->ops->counters(farm->source, i);
		const struct sp_resend_counters *r = farm->resend
							     ? sp_resend_counters(farm->resend, i)
							     : NULL;

		for (size_t k = 0; k < sp_stream_counter_table_n; k++) {
			size_t at = sp_stream_counter_table[k].offset;

			*(uint64_t *)((char *)&sum + at) +=
				*(const uint64_t *)((const char *)c + at);
		}
		if (r)
			asked.requests += r->requests, asked.packets += r->packets;
	}
	fprintf(out,
		"{\"source\":\"%s\",\"cameras\":%u,\"frames_complete\":%" PRIu64
		",\"frames_incomplete\":%" PRIu64 ",\"blocks_skipped\":%" PRIu64
		",\"expected\":%" PRIu64 ",\"delivered\":%" PRIu64 ",\"missing\":%" PRIu64
		",\"late\":%" PRIu64 ",\"policy\":%" PRIu64 ",\"duplicate\":%" PRIu64
		",\"payloads_in_region\":%" PRIu64 ",\"received\":%" PRIu64
		",\"resend_requests\":%" PRIu64 ",\"resend_packets\":%" PRIu64
		",\"region_read_only\":%s,\"allocations\":%" PRId64 ",\"resident_growth\":%" PRId64
		",\"cpu_ns_per_packet\":%.1f",
		farm->packets->ops->name, farm->options.cameras, sum.frames_complete,
		sum.frames_incomplete, sum.blocks_skipped, sum.expected, sum.delivered, sum.missing,
		sum.late, sum.policy, sum.duplicate, farm->payloads,
		sp_counter_read(&farm->packets->counters.received), asked.requests, asked.packets,
		farm->options.protect ? "true" : "false", allocations,
		(int64_t)(farm->resident - farm->resident_then),
		farm->counted ? (double)farm->cpu_ns / (double)farm->counted : 0.0);
	print_counters(out, "streams", sp_stream_counter_table, sp_stream_counter_table_n, &sum);
	print_counters(out, "port", sp_packet_counter_table, sp_packet_counter_table_n,
		       &farm->packets->counters);
	fprintf(out, "}\n");
	fflush(out);
}
