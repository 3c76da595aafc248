/* SPDX-License-Identifier: Apache-2.0 */
/* Steering: which queue a stream comes to, by a rule of its own or by the card's hash. */
#include "capture/dpdk.h"

#include <errno.h>
#include <string.h>

#include <rte_thash.h>

#include "base/diag.h"

/*
 * Ours, so that we know where the card's hash leads: the first digits of pi's fraction in
 * hexadecimal, as others use them for constants that hide nothing.
 */
static const uint8_t rss_key[SP_DPDK_RSS_KEY] = {
	0x24, 0x3F, 0x6A, 0x88, 0x85, 0xA3, 0x08, 0xD3, 0x13, 0x19, 0x8A, 0x2E, 0x03,
	0x70, 0x73, 0x44, 0xA4, 0x09, 0x38, 0x22, 0x29, 0x9F, 0x31, 0xD0, 0x08, 0x2E,
	0xFA, 0x98, 0xEC, 0x4E, 0x6C, 0x89, 0x45, 0x28, 0x21, 0xE6, 0x38, 0xD0, 0x13,
	0x77, 0xBE, 0x54, 0x66, 0xCF, 0x34, 0xE9, 0x0C, 0x6C, 0xC0, 0xAC, 0x29, 0xB7,
	0xC9, 0x7C, 0x50, 0xDD, 0x3F, 0x84, 0xD5, 0xB5, 0xB5, 0x47, 0x09, 0x17,
};

uint32_t sp_dpdk_hash(const uint8_t *key, uint32_t source_ip, uint32_t host_ip)
{
	/* rte_softrss takes words in host order, the address that the packet comes from first. */
	uint32_t tuple[2] = { source_ip, host_ip };

	return rte_softrss(tuple, 2, key);
}

static uint8_t key_bytes(const struct sp_dpdk_port *port)
{
	return port->info.hash_key_size ? port->info.hash_key_size : 40;
}

/* UDP ports stay out of the hash: the camera's is often not known. */
static struct rte_eth_rss_conf hash_conf(const struct sp_dpdk_port *port)
{
	return (struct rte_eth_rss_conf){
		.rss_key = (uint8_t *)rss_key, /* read only */
		.rss_key_len = key_bytes(port),
		.rss_hf = RTE_ETH_RSS_IPV4,
	};
}

void sp_dpdk_flow_configure(struct sp_dpdk_port *port, struct rte_eth_conf *conf)
{
	struct rte_flow_error why;

	/*
	 * Isolated, a card that shares its port with the kernel gives us only what a rule names.
	 * With an exception path we want the rest as well.
	 */
	if (port->may_isolate)
		port->isolated = !rte_flow_isolate(port->id, 1, &why);
	port->hashes = port->queues_n > 1 && key_bytes(port) <= SP_DPDK_RSS_KEY &&
		       (port->info.flow_type_rss_offloads & RTE_ETH_RSS_IPV4);
	if (!port->hashes)
		return;
	conf->rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
	conf->rx_adv_conf.rss_conf = hash_conf(port);
}

/* Whether the card hashes with our key. Some drivers take it only now, some do not say. */
static bool set_key(const struct sp_dpdk_port *port)
{
	struct rte_eth_rss_conf conf = hash_conf(port);
	uint8_t key[SP_DPDK_RSS_KEY] = { 0 };

	rte_eth_dev_rss_hash_update(port->id, &conf);
	conf.rss_key = key;
	conf.rss_key_len = key_bytes(port);
	if (rte_eth_dev_rss_hash_conf_get(port->id, &conf))
		return true;
	return !memcmp(key, rss_key, key_bytes(port));
}

/* Hash values lead to the queues in turn. */
static bool set_reta(struct sp_dpdk_port *port)
{
	struct rte_eth_rss_reta_entry64 table[SP_DPDK_RETA / RTE_ETH_RETA_GROUP_SIZE];
	uint16_t n = port->info.reta_size;

	if (!n || n > SP_DPDK_RETA || n % RTE_ETH_RETA_GROUP_SIZE || !rte_is_power_of_2(n))
		return false;
	memset(table, 0, sizeof(table));
	for (uint16_t i = 0; i < n; i++) {
		struct rte_eth_rss_reta_entry64 *group = &table[i / RTE_ETH_RETA_GROUP_SIZE];

		group->mask = UINT64_MAX;
		group->reta[i % RTE_ETH_RETA_GROUP_SIZE] = (uint16_t)(i % port->queues_n);
	}
	return !rte_eth_dev_rss_reta_update(port->id, table, n);
}

unsigned int sp_dpdk_flow_hash_queue(const struct sp_dpdk_port *port,
				     const struct sp_packet_stream *stream)
{
	uint32_t hash = sp_dpdk_hash(rss_key, stream->camera_ip, stream->host_ip);

	return (hash & (port->info.reta_size - 1u)) % port->queues_n;
}

/* ---- rules ---- */

/* A rule for @stream to @queue; @vlan: the pattern names the tag. Validates, or makes it. */
static int rule(const struct sp_dpdk_port *port, const struct sp_packet_stream *stream,
		uint16_t queue, bool vlan, struct rte_flow **ret_rule, struct rte_flow_error *why)
{
	const struct rte_flow_attr attr = { .ingress = 1 };
	const struct rte_flow_item_vlan tag = { .tci = rte_cpu_to_be_16(stream->vlan) };
	const struct rte_flow_item_vlan tag_mask = { .tci = rte_cpu_to_be_16(0x0FFF) };
	const struct rte_flow_item_ipv4 ip = {
		.hdr.src_addr = rte_cpu_to_be_32(stream->camera_ip),
		.hdr.dst_addr = rte_cpu_to_be_32(stream->host_ip),
	};
	const struct rte_flow_item_ipv4 ip_mask = {
		.hdr.src_addr = stream->camera_ip ? UINT32_MAX : 0,
		.hdr.dst_addr = stream->host_ip ? UINT32_MAX : 0,
	};
	const struct rte_flow_item_udp udp = {
		.hdr.dst_port = rte_cpu_to_be_16(stream->host_port),
	};
	const struct rte_flow_item_udp udp_mask = { .hdr.dst_port = UINT16_MAX };
	const struct rte_flow_action_queue to = { .index = queue };
	const struct rte_flow_action actions[] = {
		{ .type = RTE_FLOW_ACTION_TYPE_QUEUE, .conf = &to },
		{ .type = RTE_FLOW_ACTION_TYPE_END },
	};
	struct rte_flow_item pattern[5];
	unsigned int n = 0;

	pattern[n++] = (struct rte_flow_item){ .type = RTE_FLOW_ITEM_TYPE_ETH };
	if (vlan)
		pattern[n++] = (struct rte_flow_item){ .type = RTE_FLOW_ITEM_TYPE_VLAN,
						       .spec = &tag,
						       .mask = &tag_mask };
	pattern[n++] = (struct rte_flow_item){ .type = RTE_FLOW_ITEM_TYPE_IPV4,
					       .spec = &ip,
					       .mask = &ip_mask };
	pattern[n++] = (struct rte_flow_item){ .type = RTE_FLOW_ITEM_TYPE_UDP,
					       .spec = &udp,
					       .mask = &udp_mask };
	pattern[n] = (struct rte_flow_item){ .type = RTE_FLOW_ITEM_TYPE_END };
	memset(why, 0, sizeof(*why));
	if (!ret_rule)
		return rte_flow_validate(port->id, &attr, pattern, actions, why);
	*ret_rule = rte_flow_create(port->id, &attr, pattern, actions, why);
	return *ret_rule ? 0 : -EIO;
}

/* Whether the card takes rules such as ours, to another queue than the first. */
static bool takes_rules(const struct sp_dpdk_port *port)
{
	const struct sp_packet_stream any = {
		.host_port = 49152,
		.host_ip = 0xC0000201, /* 192.0.2.1, reserved for examples */
		.camera_ip = 0xC0000202,
	};
	struct rte_flow_error why;

	return !port->no_flow && !rule(port, &any, 1, false, NULL, &why);
}

int sp_dpdk_flow_started(struct sp_dpdk_port *port, struct sp_err *err)
{
	port->steering = SP_DPDK_ONE_QUEUE;
	if (port->queues_n == 1)
		return 0;
	if (takes_rules(port)) {
		port->steering = SP_DPDK_RULES;
		return 0;
	}
	if (port->hashes && !port->isolated && set_key(port) && set_reta(port)) {
		port->steering = SP_DPDK_HASH;
		return 0;
	}
	return sp_err_set(
		err, -ENOTSUP,
		"dpdk: %s: steers neither by rule nor by a hash that can be set; use one queue",
		port->name);
}

int sp_dpdk_flow_add(struct sp_dpdk *queue, struct sp_err *err)
{
	const struct sp_dpdk_port *port = queue->port;
	bool needed = port->isolated || port->steering == SP_DPDK_RULES;
	struct rte_flow_error why;

	if (!needed)
		return 0;
	for (uint32_t i = 0; i < queue->streams_n; i++) {
		const struct sp_packet_stream *stream = &queue->streams[i];
		bool tagged = stream->vlan && stream->vlan != SP_VLAN_UNTAGGED;

		if (queue->rules[i] ||
		    (tagged && !rule(port, stream, queue->queue, true, &queue->rules[i], &why)) ||
		    !rule(port, stream, queue->queue, false, &queue->rules[i], &why))
			continue;
		/* Without its rule the stream would not come, or come to another queue. */
		return sp_err_set(
			err, -ENOTSUP,
			"dpdk: %s: the card refuses the rule for port %u: %s; set no_flow",
			port->name, stream->host_port,
			why.message ? why.message : "it gives no reason");
	}
	return 0;
}

void sp_dpdk_flow_remove(struct sp_dpdk *queue)
{
	struct rte_flow_error why;

	for (uint32_t i = 0; i < queue->streams_n; i++) {
		if (queue->rules[i])
			rte_flow_destroy(queue->port->id, queue->rules[i], &why);
		queue->rules[i] = NULL;
	}
}
