/* SPDX-License-Identifier: Apache-2.0 */
/* The packet source that polls a queue of a network card, or of one of DPDK's software ports. */
#include "capture/dpdk.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#include <rte_lcore.h>
#include <rte_prefetch.h>

#include "base/clock.h"
#include "base/diag.h"
#include "capture/ingress.h"

enum { AHEAD = 4 }; /* packets whose headers are fetched before their turn; mbufs twice as early */

#define STATS_NS (100 * SP_NS_PER_MS) /* between two readings of the card's counters */
/* How long receive naps when no buffer is free: only its caller can free one. */
#define STARVED_NAP_NS (500 * SP_NS_PER_US)

/* ---- the thread ---- */

static pthread_key_t thread_key;
static pthread_once_t thread_once = PTHREAD_ONCE_INIT;

static void leave_thread(void *registered)
{
	(void)registered;
	rte_thread_unregister();
}

static void make_thread_key(void)
{
	pthread_key_create(&thread_key, leave_thread);
}

/* Once a thread: EAL keeps it a cache of buffers, and its naps end on time. */
static void enter_thread(void)
{
	static _Thread_local bool entered;

	if (entered)
		return;
	entered = true;
	prctl(PR_SET_TIMERSLACK, 1); /* ns */
	if (rte_lcore_id() != LCORE_ID_ANY)
		return;
	pthread_once(&thread_once, make_thread_key);
	if (rte_thread_register())
		sp_log(SP_LOG_INFO, "dpdk: no thread number is left; buffers go without a cache");
	else
		pthread_setspecific(thread_key, &entered);
}

static void nap(uint64_t ns)
{
	const struct timespec time = {
		.tv_sec = (time_t)(ns / SP_NS_PER_S),
		.tv_nsec = (long)(ns % SP_NS_PER_S),
	};

	nanosleep(&time, NULL);
}

/* ---- packets ---- */

static bool is_bad(uint64_t flags)
{
	return (flags & RTE_MBUF_F_RX_IP_CKSUM_MASK) == RTE_MBUF_F_RX_IP_CKSUM_BAD ||
	       (flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) == RTE_MBUF_F_RX_L4_CKSUM_BAD;
}

/* Where the payload of an unsplit packet is. Returns the counter of what is wrong, or NULL. */
static uint64_t *place_whole(struct sp_dpdk *queue, const struct rte_mbuf *mbuf,
			     const struct sp_allowed *allowed, struct sp_packet *packet)
{
	packet->head = rte_pktmbuf_mtod_offset(mbuf, const uint8_t *, allowed->payload);
	packet->offset = (uint64_t)(packet->head - queue->memory.region.base);
	packet->split = 0;
	if (mbuf->nb_segs != 1)
		return &queue->source.counters.truncated;
	return NULL;
}

/* The same for one that the card split: headers in @mbuf, the rest in its next. */
static uint64_t *place_split(struct sp_dpdk *queue, const struct rte_mbuf *mbuf,
			     const struct sp_allowed *allowed, struct sp_packet *packet)
{
	const struct rte_mbuf *rest = mbuf->next;
	uint32_t at_head = mbuf->data_len - allowed->payload;

	packet->head = rte_pktmbuf_mtod_offset(mbuf, const uint8_t *, allowed->payload);
	packet->offset = 0;
	if (allowed->length <= at_head) {
		packet->split = (uint16_t)allowed->length;
		return NULL;
	}
	if (mbuf->nb_segs != 2 || rest->data_len < allowed->length - at_head)
		return &queue->source.counters.truncated;
	packet->split = (uint16_t)at_head;
	packet->offset =
		(uint64_t)(rte_pktmbuf_mtod(rest, const uint8_t *) - queue->memory.region.base);
	if (!at_head)
		packet->head = rte_pktmbuf_mtod(rest, const uint8_t *);
	else if (at_head < SP_GVSP_HEADER_BYTES && allowed->length >= SP_GVSP_HEADER_BYTES)
		return &queue->source.counters.malformed; /* IP options: half a header here */
	return NULL;
}

/* Fills @packet but its time; what is refused is counted. */
static enum sp_allow_verdict look(struct sp_dpdk *queue, struct rte_mbuf *mbuf,
				  struct sp_packet *packet)
{
	struct sp_packet_counters *counters = &queue->source.counters;
	int vlan = mbuf->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED ? mbuf->vlan_tci & 0x0FFF : -1;
	enum sp_allow_verdict verdict;
	struct sp_allowed allowed;
	uint64_t *wrong;

	if (is_bad(mbuf->ol_flags)) {
		sp_count(&counters->card_errors, 1);
		return SP_ALLOW_REFUSED;
	}
	verdict = sp_allow_look(queue->allow, rte_pktmbuf_mtod(mbuf, const uint8_t *),
				mbuf->data_len, mbuf->pkt_len, vlan, counters, &allowed);
	if (verdict != SP_ALLOW_STREAM)
		return verdict;
	if (allowed.length > queue->port->payload)
		wrong = &counters->truncated;
	else if (queue->port->split)
		wrong = place_split(queue, mbuf, &allowed, packet);
	else
		wrong = place_whole(queue, mbuf, &allowed, packet);
	if (wrong) {
		sp_count(wrong, 1);
		return SP_ALLOW_REFUSED;
	}
	assert(sp_region_holds(&queue->memory.region, packet->offset,
			       allowed.length - packet->split));
	packet->token = (uint64_t)(uintptr_t)mbuf;
	packet->length = allowed.length;
	packet->source_ip = allowed.source_ip;
	packet->stream = (uint16_t)allowed.stream;
	return SP_ALLOW_STREAM;
}

/* Sorts @mbufs[@n] into @packets and what goes back. Returns how many are lent. */
static unsigned int sort(struct sp_dpdk *queue, struct rte_mbuf **mbufs, unsigned int n,
			 struct sp_packet *packets, uint64_t now_ns)
{
	struct sp_packet_counters *counters = &queue->source.counters;
	struct sp_dpdk_exception *exception = &queue->port->exception;
	struct rte_mbuf *others[SP_DPDK_BURST], *refused[SP_DPDK_BURST];
	unsigned int lent = 0, others_n = 0, refused_n = 0;

	for (unsigned int i = 0; i < n; i++) {
		if (i + 2 * AHEAD < n)
			rte_prefetch0(mbufs[i + 2 * AHEAD]);
		if (i + AHEAD < n)
			rte_prefetch0(rte_pktmbuf_mtod(mbufs[i + AHEAD], void *));
		switch (look(queue, mbufs[i], &packets[lent])) {
		case SP_ALLOW_STREAM:
			packets[lent++].rx_ns = now_ns;
			break;
		case SP_ALLOW_REFUSED:
			refused[refused_n++] = mbufs[i];
			break;
		case SP_ALLOW_OTHER:
			others[others_n++] = mbufs[i];
			break;
		}
	}
	sp_count(&counters->received, lent);
	if (refused_n)
		rte_pktmbuf_free_bulk(refused, refused_n);
	if (others_n) {
		if (exception->open)
			sp_dpdk_exception_pass(exception, others, others_n, counters);
		else
			sp_count(&counters->other, others_n);
		rte_pktmbuf_free_bulk(others, others_n);
	}
	return lent;
}

/* Takes what is there. Returns how many are lent, with *ret_polled how many there were. */
static unsigned int take(struct sp_dpdk *queue, struct sp_packet *packets, unsigned int max,
			 unsigned int *ret_polled, uint64_t *ret_now_ns)
{
	struct rte_mbuf *mbufs[SP_DPDK_BURST];
	unsigned int lent = 0, polled = 0, want, n;

	do {
		want = RTE_MIN(max - lent, (unsigned int)SP_DPDK_BURST);
		n = rte_eth_rx_burst(queue->port->id, queue->queue, mbufs, (uint16_t)want);
		*ret_now_ns = sp_clock_now();
		lent += sort(queue, mbufs, n, packets + lent, *ret_now_ns);
		polled += n;
	} while (n == want && lent < max && polled < max);
	queue->lent += lent;
	*ret_polled = polled;
	return lent;
}

/* What the port wants beside its packets, on the thread of its first queue. */
static void tend(struct sp_dpdk *queue, uint64_t now_ns)
{
	struct sp_dpdk_port *port = queue->port;

	if (queue->queue)
		return;
	if (port->exception.open)
		sp_dpdk_exception_poll(port, now_ns, &queue->source.counters);
	if (now_ns - port->stats_ns < STATS_NS)
		return;
	port->stats_ns = now_ns;
	sp_dpdk_port_stats(port, &queue->source.counters);
}

/* All buffers are lent: the card's ring keeps what comes, and says what it drops. */
static int starve(struct sp_dpdk *queue, uint64_t timeout_ns)
{
	if (!queue->starved)
		sp_count(&queue->source.counters.no_buffer, 1);
	queue->starved = true;
	tend(queue, sp_clock_now());
	nap(RTE_MIN(timeout_ns, STARVED_NAP_NS));
	return 0;
}

static int dpdk_receive(struct sp_packet_source *source, struct sp_packet *packets,
			unsigned int max, uint64_t timeout_ns)
{
	struct sp_dpdk *queue = (struct sp_dpdk *)source;
	uint64_t deadline_ns = 0, now_ns, left_ns, nap_ns;
	unsigned int free_n = source->buffers - queue->lent, lent, polled;

	enter_thread();
	if (!free_n)
		return starve(queue, timeout_ns);
	max = RTE_MIN(max, free_n);
	for (;;) {
		lent = take(queue, packets, max, &polled, &now_ns);
		tend(queue, now_ns);
		if (!deadline_ns)
			deadline_ns = timeout_ns > UINT64_MAX - now_ns ? UINT64_MAX
								       : now_ns + timeout_ns;
		left_ns = deadline_ns > now_ns ? deadline_ns - now_ns : 0;
		nap_ns = sp_nap_after(&queue->nap, polled, now_ns, left_ns);
		if (lent || !left_ns)
			return (int)lent;
		if (nap_ns)
			nap(nap_ns);
		else
			rte_pause();
	}
}

/*
 * Whole packets are one mbuf of our pool each, and nobody else's: they need none of the care that
 * freeing takes of chains and of buffers that are shared.
 */
static void give_back(struct sp_dpdk *queue, struct rte_mbuf **mbufs, unsigned int n)
{
	if (queue->port->split)
		rte_pktmbuf_free_bulk(mbufs, n);
	else
		rte_mempool_put_bulk(queue->memory.payload, (void **)mbufs, n);
}

static void dpdk_release(struct sp_packet_source *source, const uint64_t *tokens, unsigned int n)
{
	struct sp_dpdk *queue = (struct sp_dpdk *)source;
	struct rte_mbuf *mbufs[SP_DPDK_BURST];

	assert(queue->lent >= n);
	queue->lent -= n;
	queue->starved = false;
	while (n) {
		unsigned int some = RTE_MIN(n, (unsigned int)SP_DPDK_BURST);

		for (unsigned int i = 0; i < some; i++)
			mbufs[i] = (struct rte_mbuf *)(uintptr_t)tokens[i];
		give_back(queue, mbufs, some);
		tokens += some;
		n -= some;
	}
}

static uint64_t dpdk_now(struct sp_packet_source *source)
{
	(void)source;
	return sp_clock_now();
}

/* ---- streams ---- */

unsigned int sp_dpdk_queue(struct sp_packet_source *source, const struct sp_packet_stream *stream)
{
	struct sp_dpdk_port *port = ((struct sp_dpdk *)source)->port;

	switch (port->steering) {
	case SP_DPDK_RULES:
		return port->next_queue++ % port->queues_n;
	case SP_DPDK_HASH:
		return sp_dpdk_flow_hash_queue(port, stream);
	case SP_DPDK_ONE_QUEUE:
		break;
	}
	return 0;
}

static int dpdk_add_stream(struct sp_packet_source *source, const struct sp_packet_stream *stream,
			   struct sp_err *err)
{
	struct sp_dpdk *queue = (struct sp_dpdk *)source;
	struct sp_dpdk_port *port = queue->port;
	int error;

	if (port->steering == SP_DPDK_HASH && (!stream->camera_ip || !stream->host_ip))
		return sp_err_set(err, -EINVAL,
				  "dpdk: %s: port %u: the card spreads by IP addresses; give the "
				  "camera's and the host's, or use one queue",
				  port->name, stream->host_port);
	if (port->steering == SP_DPDK_HASH && sp_dpdk_flow_hash_queue(port, stream) != queue->queue)
		return sp_err_set(
			err, -EINVAL,
			"dpdk: %s: port %u: the card's hash leads to queue %u, not %u; ask "
			"sp_dpdk_queue",
			port->name, stream->host_port, sp_dpdk_flow_hash_queue(port, stream),
			queue->queue);
	error = sp_allow_add(queue->allow, stream, err);
	if (!error)
		queue->streams[queue->streams_n++] = *stream;
	return error;
}

/* The kernel drops the packets of all streams of the port that have started. */
static int drop_in_kernel(struct sp_dpdk_port *port, struct sp_err *err)
{
	uint16_t *ports;
	unsigned int n = 0;
	int error;

	ports = malloc(port->queues_n * SP_ALLOW_STREAMS_MAX * sizeof(*ports));
	if (!ports)
		return sp_err_set(err, -ENOMEM, "dpdk: no memory; close other programs");
	for (unsigned int i = 0; i < port->queues_n; i++) {
		for (uint32_t k = 0; k < port->queues[i].streams_n; k++)
			ports[n++] = port->queues[i].streams[k].host_port;
	}
	sp_ingress_undo(port->ingress);
	port->ingress = NULL;
	error = n ? sp_ingress_drop(port->drop_interface, ports, n, &port->ingress, err) : 0;
	free(ports);
	return error;
}

static int dpdk_start(struct sp_packet_source *source, struct sp_err *err)
{
	struct sp_dpdk *queue = (struct sp_dpdk *)source;
	int error = sp_dpdk_flow_add(queue, err);

	if (!error && queue->port->drop_interface)
		error = drop_in_kernel(queue->port, err);
	/* What was lost before belongs to nobody here. */
	if (!error && !queue->queue)
		sp_dpdk_port_stats_begin(queue->port);
	return error;
}

const struct sp_packet_source_ops sp_dpdk_ops = {
	.name = "dpdk",
	.close = sp_dpdk_close,
	.add_stream = dpdk_add_stream,
	.start = dpdk_start,
	.receive = dpdk_receive,
	.release = dpdk_release,
	.now = dpdk_now,
};
