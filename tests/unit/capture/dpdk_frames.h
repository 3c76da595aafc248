/* SPDX-License-Identifier: Apache-2.0 */
/* Frames as a camera would send them, each with bytes that its number makes; for the DPDK tests. */
#ifndef SP_TESTS_DPDK_FRAMES_H
#define SP_TESTS_DPDK_FRAMES_H

#include <arpa/inet.h>
#include <stdint.h>
#include <string.h>

#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_udp.h>

#include "base/region.h"
#include "capture/packet_source.h"
#include "test.h"

#define HOST 0xC0000201u /* 192.0.2.1 */
#define CAMERA 0xC000020Au /* 192.0.2.10 */
#define STRANGER 0xC000020Bu /* 192.0.2.11 */
#define PATIENCE (10 * SP_NS_PER_S) /* only a failing test waits this long */

enum { PORT = 50000, BURST = 32, SIZE = 1464, BUFFERS = 256, HEADERS = 42 };

/* Datagram @i of a stream: its own size, bytes that depend on both. */
static inline uint32_t make_payload(uint8_t *bytes, unsigned int stream, unsigned int i)
{
	uint32_t size = 20 + (i * 37 + stream * 11) % (SIZE - 19);

	for (uint32_t b = 4; b < size; b++)
		bytes[b] = (uint8_t)(b * 7 + i + stream * 101);
	memcpy(bytes, &i, 4);
	return size;
}

/* Ethernet, IPv4 and UDP before @size bytes of payload. */
static inline void make_headers(uint8_t *frame, uint32_t from, uint16_t port, uint32_t size)
{
	const struct rte_ether_hdr ethernet = {
		.dst_addr.addr_bytes = { 2, 0, 0, 0, 0, 1 },
		.src_addr.addr_bytes = { 2, 0, 0, 0, 0, 10 },
		.ether_type = htons(RTE_ETHER_TYPE_IPV4),
	};
	struct rte_ipv4_hdr ip = {
		.version_ihl = 0x45,
		.total_length = htons((uint16_t)(28 + size)),
		.time_to_live = 64,
		.next_proto_id = IPPROTO_UDP,
		.src_addr = htonl(from),
		.dst_addr = htonl(HOST),
	};
	const struct rte_udp_hdr udp = {
		.src_port = htons(3956),
		.dst_port = htons(port),
		.dgram_len = htons((uint16_t)(8 + size)),
	};

	ip.hdr_checksum = rte_ipv4_cksum(&ip);
	memcpy(frame, &ethernet, sizeof(ethernet));
	memcpy(frame + 14, &ip, sizeof(ip));
	memcpy(frame + 34, &udp, sizeof(udp));
}

/* The packet's number; each byte is checked where the packet says it lies. */
static inline unsigned int number_of(const struct sp_packet_source *source,
				     const struct sp_packet *packet)
{
	const struct sp_region *region = source->region;
	uint8_t bytes[SIZE];
	uint32_t i;

	CHECK(packet->length >= 4 && packet->split <= packet->length);
	CHECK(sp_region_holds(region, packet->offset, packet->length - packet->split));
	memcpy(&i, packet->head, 4);
	CHECK_EQ(packet->length, make_payload(bytes, packet->stream, i));
	CHECK(!memcmp(bytes, packet->head, packet->split));
	CHECK(!memcmp(bytes + packet->split, region->base + packet->offset,
		      packet->length - packet->split));
	CHECK_EQ(packet->source_ip, CAMERA);
	return i;
}

#endif
