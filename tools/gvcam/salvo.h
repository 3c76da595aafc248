/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a batch of packets leaves: one system call, and where the socket segments (UDP GSO), one pass
 * through the kernel for a run of packets of one size instead of one for each.
 *
 * A receiver on a veth pair sees such a run as one packet, unless the sender's end has its
 * segmentation off: ethtool -K DEVICE tx-udp-segmentation off. Cards do it by themselves.
 */
#ifndef GVCAM_SALVO_H
#define GVCAM_SALVO_H

#include <stdbool.h>
#include <stdint.h>

#include "gvcam/stream.h"

struct sockaddr_in;

enum {
	GVCAM_SALVO_MAX = 128, /* packets */
	GVCAM_RUN_MAX = 64, /* packets that Linux segments at once (UDP_MAX_SEGMENTS before 6.9) */
	GVCAM_RUN_BYTES = 65507, /* of them together: what an IPv4 datagram can hold */
};

enum gvcam_gso {
	GVCAM_GSO_AUTO, /* where packets need not be spread over time */
	GVCAM_GSO_ON,
	GVCAM_GSO_OFF,
};

/* "auto", "on" or "off". 0 or -EINVAL. */
int gvcam_gso_parse(const char *text, enum gvcam_gso *ret);

/* How many of the first of @packets can be a run: all of one size, but for a shorter last. */
uint32_t gvcam_salvo_run(const struct gvcam_packet *packets, uint32_t n);

/*
 * Sends @n ≤ GVCAM_SALVO_MAX packets, in order. @gso: whether to send runs; becomes false when
 * the kernel will not, and these packets leave one by one. Returns how many the system did not send.
 */
uint32_t gvcam_salvo_send(int fd, const struct sockaddr_in *target,
			  const struct gvcam_packet *packets, uint32_t n, bool *gso);

#endif
