/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The exception path: a card that DPDK has taken from the kernel still carries control traffic, ARP
 * and the like. What is no stream's goes to the kernel through another port (net_tap, virtio_user),
 * and what the kernel sends there goes out of the card. All of it is copied: it is little, and the
 * buffers of frames must not wait for the kernel.
 */
#include "capture/dpdk.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_errno.h>

#include "base/clock.h"
#include "base/diag.h"

enum {
	BUFFERS = 4095, /* both ways; 2^n - 1 suits a pool */
	DESCRIPTORS = 512,
	BURST = 32,
};

#define POLL_NS (100 * SP_NS_PER_US)

static int set_up(struct sp_dpdk_exception *exception)
{
	const struct rte_eth_conf conf = { 0 };
	uint16_t receive = DESCRIPTORS, send = DESCRIPTORS;
	int error = rte_eth_dev_configure(exception->port, 1, 1, &conf);

	if (!error)
		error = rte_eth_dev_adjust_nb_rx_tx_desc(exception->port, &receive, &send);
	if (!error)
		error = rte_eth_rx_queue_setup(exception->port, 0, receive,
					       (unsigned int)SOCKET_ID_ANY, NULL, exception->pool);
	if (!error)
		error = rte_eth_tx_queue_setup(exception->port, 0, send,
					       (unsigned int)SOCKET_ID_ANY, NULL);
	return error;
}

int sp_dpdk_exception_open(struct sp_dpdk_port *port, const struct sp_dpdk_config *config,
			   struct sp_err *err)
{
	struct sp_dpdk_exception *exception = &port->exception;
	char name[RTE_MEMPOOL_NAMESIZE], text[256];
	struct rte_eth_dev_info info;
	int error;

	error = sp_dpdk_device_add_exception(config, &port->mac, &exception->port, err);
	if (error)
		return error;
	rte_spinlock_init(&exception->send);
	if (!rte_eth_dev_info_get(exception->port, &info))
		exception->device = info.device;
	snprintf(name, sizeof(name), "sp_p%ux", port->id);
	sp_dpdk_complaint_clear();
	exception->pool = rte_pktmbuf_pool_create(name, BUFFERS, SP_DPDK_CACHE, 0,
						  RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	error = exception->pool ? set_up(exception) : -rte_errno;
	if (!error)
		error = rte_eth_dev_start(exception->port);
	if (error) {
		sp_dpdk_exception_close(exception);
		return sp_err_set(
			err, error,
			"dpdk: exception path %s: cannot be set up: %s (%s); give a net_tap or "
			"virtio_user device",
			config->exception, strerror(-error), sp_dpdk_complaint(text, sizeof(text)));
	}
	/* The kernel answers ARP with the address that the card takes frames for. */
	error = rte_eth_dev_default_mac_addr_set(exception->port, &port->mac);
	if (error)
		sp_log(SP_LOG_INFO,
		       "dpdk: exception path %s: its MAC address cannot be set (%s); give "
		       "it the card's, " RTE_ETHER_ADDR_PRT_FMT,
		       config->exception, strerror(-error), RTE_ETHER_ADDR_BYTES(&port->mac));
	exception->open = true;
	return 0;
}

void sp_dpdk_exception_close(struct sp_dpdk_exception *exception)
{
	sp_dpdk_device_close(exception->port);
	rte_mempool_free(exception->pool);
	sp_dpdk_device_remove(exception->device);
	memset(exception, 0, sizeof(*exception));
}

/* A copy as it came over the wire, its VLAN tag back in place. NULL: no buffer. */
static struct rte_mbuf *copy_of(const struct rte_mbuf *mbuf, struct rte_mempool *pool)
{
	struct rte_mbuf *copy = rte_pktmbuf_copy(mbuf, pool, 0, UINT32_MAX);

	if (copy && (mbuf->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED) && rte_vlan_insert(&copy)) {
		rte_pktmbuf_free(copy);
		return NULL;
	}
	if (copy)
		copy->ol_flags = 0; /* nothing of it asks the other port for anything */
	return copy;
}

void sp_dpdk_exception_pass(struct sp_dpdk_exception *exception, struct rte_mbuf *const *mbufs,
			    unsigned int n, struct sp_packet_counters *counters)
{
	struct rte_mbuf *copies[SP_DPDK_BURST];
	unsigned int copied = 0, sent;

	for (unsigned int i = 0; i < n; i++) {
		copies[copied] = copy_of(mbufs[i], exception->pool);
		copied += copies[copied] != NULL;
	}
	rte_spinlock_lock(&exception->send);
	sent = rte_eth_tx_burst(exception->port, 0, copies, (uint16_t)copied);
	rte_spinlock_unlock(&exception->send);
	if (sent < copied)
		rte_pktmbuf_free_bulk(copies + sent, copied - sent);
	sp_count(&counters->passed_on, sent);
	sp_count(&counters->not_passed_on, n - sent);
}

void sp_dpdk_exception_poll(struct sp_dpdk_port *port, uint64_t now_ns,
			    struct sp_packet_counters *counters)
{
	struct sp_dpdk_exception *exception = &port->exception;
	struct rte_mbuf *mbufs[BURST];
	unsigned int n, sent;

	if (now_ns - exception->polled_ns < POLL_NS)
		return;
	exception->polled_ns = now_ns;
	n = rte_eth_rx_burst(exception->port, 0, mbufs, BURST);
	if (!n)
		return;
	sent = rte_eth_tx_burst(port->id, 0, mbufs, (uint16_t)n);
	if (sent == n)
		return;
	rte_pktmbuf_free_bulk(mbufs + sent, n - sent);
	sp_count(&counters->not_passed_on, n - sent);
}
