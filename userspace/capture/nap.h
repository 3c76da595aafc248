/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Adaptive polling: how long a thread that polls a queue may sleep. It polls busily while packets
 * come and for a while after, then naps, first shortly, then longer up to a bound: a packet that
 * comes into a nap waits no longer than that, and the bound shrinks to a quarter of the time in
 * which the queue would fill at the rate that was seen.
 *
 * Pure: time and counts in, a nap out.
 */
#ifndef SP_CAPTURE_NAP_H
#define SP_CAPTURE_NAP_H

#include <stdint.h>

struct sp_nap {
	uint64_t max_ns;   /* bound on latency; 0: never naps */
	uint32_t ring;	   /* packets that the queue holds */
	uint64_t busy_until_ns;
	uint64_t next_ns;  /* length of the next nap */
	double packets_per_ns; /* smoothed, while packets come */
	uint64_t seen_ns;
};

void sp_nap_init(struct sp_nap *nap, uint64_t max_ns, uint32_t ring);

/*
 * A poll at @now_ns gave @packets. Returns 0: poll again at once, else nanoseconds to sleep.
 * @left_ns: to the caller's deadline, never exceeded.
 */
uint64_t sp_nap_after(struct sp_nap *nap, unsigned int packets, uint64_t now_ns, uint64_t left_ns);

#endif
