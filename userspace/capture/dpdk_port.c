/* SPDX-License-Identifier: Apache-2.0 */
/* The port: what the card can do for us, and its own counts of what it lost. */
#include "capture/dpdk.h"

#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_mbuf_ptype.h>

#include "base/diag.h"

enum {
	IP_UDP = 20 + 8, /* bytes of headers that an MTU counts */
	FRAME_OVERHEAD = RTE_ETHER_HDR_LEN + RTE_ETHER_CRC_LEN,
	SEND_DESCRIPTORS = 512,
};

/* ---- what it can do ---- */

/* Whether the card splits behind the UDP header by parsing; others split at a length. */
static bool splits_at_udp(uint16_t port)
{
	enum { KINDS = 64 };
	const uint32_t udp = RTE_PTYPE_L2_ETHER | RTE_PTYPE_L3_IPV4 | RTE_PTYPE_L4_UDP;
	uint32_t kinds[KINDS];
	int n = rte_eth_buffer_split_get_supported_hdr_ptypes(port, kinds, KINDS);

	for (int i = 0; i < n && i < KINDS; i++) {
		if (kinds[i] == udp)
			return true;
	}
	return false;
}

static void plan_split(struct sp_dpdk_port *port, const struct sp_dpdk_config *config)
{
	const struct rte_eth_dev_info *info = &port->info;
	const uint64_t capa = info->rx_offload_capa | info->rx_queue_offload_capa;
	const uint64_t wanted = RTE_ETH_RX_OFFLOAD_BUFFER_SPLIT;

	if (config->no_split || (capa & wanted) != wanted || !info->rx_seg_capa.multi_pools ||
	    info->rx_seg_capa.max_nseg < 2)
		return;
	port->split_at_udp = splits_at_udp(port->id);
	/* At a fixed length a tag would put GVSP bytes of the header behind the split. */
	if (!port->split_at_udp && !(capa & RTE_ETH_RX_OFFLOAD_VLAN_STRIP)) {
		sp_log(SP_LOG_INFO, "dpdk: %s: splits packets but leaves VLAN tags; not split",
		       port->name);
		return;
	}
	port->split = SP_DPDK_HEADERS;
	if (!port->split_at_udp)
		port->split += config->extended_ids ? SP_GVSP_HEADER_EXT_BYTES
						    : SP_GVSP_HEADER_BYTES;
}

bool sp_dpdk_port_is_af_packet(const struct sp_dpdk_port *port)
{
	return !strcmp(port->info.driver_name, "net_af_packet");
}

uint32_t sp_dpdk_port_argument(const struct sp_dpdk_port *port, const struct sp_dpdk_config *config,
			       const char *key, uint32_t otherwise)
{
	char text[16];

	if (!sp_dpdk_device_argument(config, port->name, key, text, sizeof(text)))
		return otherwise;
	return (uint32_t)strtoul(text, NULL, 10);
}

static int packet_socket(const struct sp_dpdk_port *port, const struct sp_dpdk_config *config)
{
	char interface[IF_NAMESIZE];

	if (!sp_dpdk_port_is_af_packet(port) ||
	    !sp_dpdk_device_argument(config, port->name, "iface", interface, sizeof(interface)))
		return -1;
	return sp_dpdk_af_packet_socket(interface);
}

int sp_dpdk_port_plan(struct sp_dpdk_port *port, const struct sp_dpdk_config *config,
		      struct sp_err *err)
{
	uint16_t receive = SP_DPDK_DESCRIPTORS, send = SEND_DESCRIPTORS;
	int error = rte_eth_dev_info_get(port->id, &port->info);

	if (!error)
		error = rte_eth_dev_get_name_by_port(port->id, port->name);
	if (!error)
		error = rte_eth_macaddr_get(port->id, &port->mac);
	if (!error)
		error = rte_eth_dev_adjust_nb_rx_tx_desc(port->id, &receive, &send);
	if (error)
		return sp_err_set(err, error,
				  "dpdk: the port does not say what it can do: %s; restart",
				  strerror(-error));
	if (config->queues > port->info.max_rx_queues)
		return sp_err_set(err, -EINVAL, "dpdk: %s: %u queues; it has %u", port->name,
				  config->queues, port->info.max_rx_queues);
	port->descriptors = receive;
	port->payload = config->buffer_size;
	port->packet_socket = packet_socket(port, config);
	plan_split(port, config);
	return 0;
}

/* ---- configured ---- */

static uint16_t mtu_for(const struct sp_dpdk_port *port)
{
	const struct rte_eth_dev_info *info = &port->info;
	uint32_t mtu = port->payload + IP_UDP, overhead = FRAME_OVERHEAD;

	if (info->max_mtu && info->max_mtu != UINT16_MAX && info->max_rx_pktlen > info->max_mtu)
		overhead = info->max_rx_pktlen - info->max_mtu;
	if (mtu < RTE_ETHER_MTU)
		mtu = RTE_ETHER_MTU;
	if (info->max_mtu && mtu > info->max_mtu)
		mtu = info->max_mtu;
	if (info->max_rx_pktlen > overhead && mtu > info->max_rx_pktlen - overhead)
		mtu = info->max_rx_pktlen - overhead;
	return (uint16_t)mtu;
}

/*
 * The exception path sends what the kernel answers by the first; some drivers want as many as there
 * are to receive.
 */
static uint16_t send_queues(const struct sp_dpdk_port *port)
{
	return (uint16_t)RTE_MIN(port->queues_n, (unsigned int)port->info.max_tx_queues);
}

static int configure(struct sp_dpdk_port *port, struct sp_err *err)
{
	const uint64_t capa = port->info.rx_offload_capa;
	struct rte_eth_conf conf = {
		.rxmode.offloads = capa &
				   (RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_UDP_CKSUM |
				    RTE_ETH_RX_OFFLOAD_VLAN_STRIP),
		.rxmode.mtu = mtu_for(port),
	};
	char text[256];
	int error;

	/* mlx5 wants both for packets in two buffers. */
	if (port->split)
		conf.rxmode.offloads |= capa & (RTE_ETH_RX_OFFLOAD_BUFFER_SPLIT |
						RTE_ETH_RX_OFFLOAD_SCATTER);
	sp_dpdk_flow_configure(port, &conf);
	sp_dpdk_complaint_clear();
	error = rte_eth_dev_configure(port->id, (uint16_t)port->queues_n, send_queues(port), &conf);
	if (error)
		return sp_err_set(
			err, error,
			"dpdk: %s: cannot be configured for %u queues: %s (%s); ask for fewer "
			"queues or smaller packets",
			port->name, port->queues_n, strerror(-error),
			sp_dpdk_complaint(text, sizeof(text)));
	if (conf.rxmode.mtu > RTE_ETHER_MTU) {
		error = rte_eth_dev_set_mtu(port->id, (uint16_t)conf.rxmode.mtu);
		if (error && error != -ENOTSUP)
			sp_log(SP_LOG_INFO, "dpdk: %s: MTU %u is refused: %s; set it with ip link",
			       port->name, conf.rxmode.mtu, strerror(-error));
	}
	return 0;
}

static int set_up_queue(struct sp_dpdk_port *port, struct sp_dpdk *queue)
{
	struct rte_eth_rxconf conf = port->info.default_rxconf;
	union rte_eth_rxseg segments[2] = {
		{ .split = { .mp = queue->memory.headers } },
		{ .split = { .mp = queue->memory.payload } },
	};

	/* One queue that is full shall not hold the others up. */
	conf.rx_drop_en = 1;
	if (!port->split)
		return rte_eth_rx_queue_setup(port->id, queue->queue, port->descriptors,
					      (unsigned int)SOCKET_ID_ANY, &conf,
					      queue->memory.payload);
	if (port->split_at_udp)
		segments[0].split.proto_hdr = RTE_PTYPE_L2_ETHER | RTE_PTYPE_L3_IPV4 |
					      RTE_PTYPE_L4_UDP;
	else
		segments[0].split.length = port->split;
	conf.offloads |= RTE_ETH_RX_OFFLOAD_BUFFER_SPLIT;
	conf.rx_seg = segments;
	conf.rx_nseg = 2;
	return rte_eth_rx_queue_setup(port->id, queue->queue, port->descriptors,
				      (unsigned int)SOCKET_ID_ANY, &conf, NULL);
}

static int set_up_queues(struct sp_dpdk_port *port)
{
	uint16_t receive = port->descriptors, send = SEND_DESCRIPTORS;
	int error = 0;

	for (unsigned int i = 0; i < port->queues_n && !error; i++)
		error = set_up_queue(port, &port->queues[i]);
	if (!error)
		error = rte_eth_dev_adjust_nb_rx_tx_desc(port->id, &receive, &send);
	for (uint16_t i = 0; i < send_queues(port) && !error; i++)
		error = rte_eth_tx_queue_setup(port->id, i, send, (unsigned int)SOCKET_ID_ANY,
					       NULL);
	return error;
}

int sp_dpdk_port_start(struct sp_dpdk_port *port, struct sp_err *err)
{
	char text[256];
	int error = configure(port, err);

	if (error)
		return error;
	sp_dpdk_complaint_clear();
	error = set_up_queues(port);
	if (error)
		return sp_err_set(
			err, error,
			"dpdk: %s: queues cannot be set up: %s (%s); where the driver says "
			"no more, try fewer queues or larger packet buffers",
			port->name, strerror(-error), sp_dpdk_complaint(text, sizeof(text)));
	error = rte_eth_dev_start(port->id);
	if (error)
		return sp_err_set(err, error,
				  "dpdk: %s: does not start: %s (%s); check the card's link "
				  "and driver",
				  port->name, strerror(-error),
				  sp_dpdk_complaint(text, sizeof(text)));
	return sp_dpdk_flow_started(port, err);
}

/* ---- counters ---- */

void sp_dpdk_port_stats_begin(struct sp_dpdk_port *port)
{
	rte_eth_stats_get(port->id, &port->seen);
	sp_dpdk_af_packet_drops(port->packet_socket);
}

/* Drivers' counts can be set back by others; then what is there now is new. */
static uint64_t more(uint64_t now, uint64_t before)
{
	return now >= before ? now - before : now;
}

void sp_dpdk_port_stats(struct sp_dpdk_port *port, struct sp_packet_counters *counters)
{
	struct rte_eth_stats now;

	if (rte_eth_stats_get(port->id, &now))
		return;
	sp_count(&counters->ring_full, more(now.imissed, port->seen.imissed) +
					       sp_dpdk_af_packet_drops(port->packet_socket));
	sp_count(&counters->no_mbuf, more(now.rx_nombuf, port->seen.rx_nombuf));
	sp_count(&counters->card_errors, more(now.ierrors, port->seen.ierrors));
	port->seen = now;
}
