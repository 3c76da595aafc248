/* SPDX-License-Identifier: Apache-2.0 */
#include "app/causes.h"

#include <stdio.h>

#include "base/stats.h"
#include "capture/packet_source.h"

/* Takes as much of *@rest as @count, if there is so much. */
static uint64_t take(uint64_t *rest, uint64_t count)
{
	uint64_t taken = count < *rest ? count : *rest;

	*rest -= taken;
	return taken;
}

void sp_causes_charge(struct sp_causes *causes, uint64_t missing, uint64_t unavailable,
		      const struct sp_packet_counters *counters)
{
	uint64_t rest = missing;

	causes->total = missing;
	causes->no_mbuf = take(&rest, sp_counter_read(&counters->no_mbuf));
	causes->ring_full = take(&rest, sp_counter_read(&counters->ring_full));
	causes->socket_overflow = take(&rest, sp_counter_read(&counters->socket_overflow));
	causes->camera_unavailable = take(&rest, unavailable);
	causes->network = rest;
}

json_t *sp_causes_json(const struct sp_causes *c)
{
	const struct {
		const char *name;
		uint64_t count;
	} bounds[] = {
		{ "no_mbuf", c->no_mbuf },
		{ "ring_full", c->ring_full },
		{ "socket_overflow", c->socket_overflow },
	};
	char bound[64] = "";
	size_t used = 0;

	for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++)
		if (bounds[i].count)
			used += (size_t)snprintf(bound + used, sizeof(bound) - used, "%s%s",
						 used ? ", " : "", bounds[i].name);
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:s}", "total", (json_int_t)c->total,
			 "no_mbuf", (json_int_t)c->no_mbuf, "ring_full", (json_int_t)c->ring_full,
			 "socket_overflow", (json_int_t)c->socket_overflow, "camera_unavailable",
			 (json_int_t)c->camera_unavailable, "network", (json_int_t)c->network,
			 "bound", bound);
}
