/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/nap.h"

#include "base/clock.h"

/* How long a queue stays quiet before the first nap: shorter than the gap between two bursts. */
#define BUSY_NS (50 * SP_NS_PER_US)
/* The first nap; each one without a packet doubles. Shorter ones cost more than they spare. */
#define NAP_MIN_NS (5 * SP_NS_PER_US)
/* The rate is smoothed over this long. */
#define SMOOTH_NS ((double)SP_NS_PER_MS)
/* A quarter of the queue may fill in a nap: sleeps end late. */
#define FILL 0.25

void sp_nap_init(struct sp_nap *nap, uint64_t max_ns, uint32_t ring)
{
	*nap = (struct sp_nap){ .max_ns = max_ns, .ring = ring };
}

/* Packets a time, while they come: quiet times between bursts do not count. */
static void see(struct sp_nap *nap, unsigned int packets, uint64_t now_ns)
{
	double elapsed = 0;

	if (nap->seen_ns && now_ns > nap->seen_ns)
		elapsed = (double)(now_ns - nap->seen_ns);
	if (packets || now_ns < nap->busy_until_ns)
		nap->packets_per_ns += (packets - nap->packets_per_ns * elapsed) /
				       (SMOOTH_NS + elapsed);
	nap->seen_ns = now_ns;
}

/* The longest nap that loses nothing and keeps the latency that was asked for. */
static uint64_t bound(const struct sp_nap *nap)
{
	double fill_ns = FILL * nap->ring;

	if (fill_ns < nap->packets_per_ns * (double)nap->max_ns)
		return (uint64_t)(fill_ns / nap->packets_per_ns);
	return nap->max_ns;
}

uint64_t sp_nap_after(struct sp_nap *nap, unsigned int packets, uint64_t now_ns, uint64_t left_ns)
{
	uint64_t longest, length;

	see(nap, packets, now_ns);
	if (packets) {
		nap->busy_until_ns = now_ns + BUSY_NS;
		nap->next_ns = NAP_MIN_NS;
		return 0;
	}
	if (now_ns < nap->busy_until_ns)
		return 0;
	longest = bound(nap);
	if (longest < NAP_MIN_NS)
		return 0;
	length = nap->next_ns < NAP_MIN_NS ? NAP_MIN_NS : nap->next_ns;
	if (length > longest)
		length = longest;
	nap->next_ns = 2 * length;
	return length < left_ns ? length : left_ns;
}
