/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SP_CONTROL_PROBE_H
#define SP_CONTROL_PROBE_H

#include <stdint.h>

struct sp_gvcp_discovery;

enum {
	SP_PROBE_TRIES = 5,
	SP_PROBE_WAIT_MS = 500, /* for the answer to each */
};

/*
 * Asks the one address @ip (host order, GVCP's port) for its discovery answer, up to @tries times.
 * That needs no control and leaves the heartbeat of whoever controls the camera alone.
 *
 * 0 with *@ret_discovery filled (zeros if the device answered, but refused), -ETIMEDOUT, or the
 * errno of the socket (no route to it …).
 */
int sp_gvcp_probe(uint32_t ip, unsigned int tries, struct sp_gvcp_discovery *ret_discovery);

#endif
