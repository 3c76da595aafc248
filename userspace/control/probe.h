/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SP_CONTROL_PROBE_H
#define SP_CONTROL_PROBE_H

#include <stdint.h>

enum {
	SP_PROBE_TRIES = 5,
	SP_PROBE_WAIT_MS = 500, /* for the answer to each */
};

/*
 * Whether a GigE Vision device answers at @ip (host order, GVCP's port): reads its version register,
 * which needs no control and leaves the heartbeat of whoever controls it alone. A refusal is an
 * answer too. 0, -ETIMEDOUT after SP_PROBE_TRIES, or the errno of the socket (no route to it …).
 */
int sp_gvcp_probe(uint32_t ip);

#endif
