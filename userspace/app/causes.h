/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why packets are missing: Σ missing of a queue's streams, charged to causes that add up to it.
 *
 * What the card, the driver and the socket dropped are counts of packets of any kind, of which some
 * came again as resends, so these three are bounds: as many at most, and no more than are missing.
 * What cameras no longer had is exact unless the bounds leave less. The network is what remains.
 */
#ifndef SP_APP_CAUSES_H
#define SP_APP_CAUSES_H

#include <jansson.h>
#include <stdint.h>

struct sp_packet_counters;

struct sp_causes {
	uint64_t total; /* the sum of the rest */
	uint64_t no_mbuf, ring_full, socket_overflow; /* bounds */
	uint64_t camera_unavailable;
	uint64_t network;
};

void sp_causes_charge(struct sp_causes *causes, uint64_t missing, uint64_t unavailable,
		      const struct sp_packet_counters *counters);

/* {"total", one a cause, "bound": "those that are bounds, and not 0"} */
json_t *sp_causes_json(const struct sp_causes *causes);

#endif
