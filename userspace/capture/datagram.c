/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/datagram.h"

#include <stdbool.h>
#include <stddef.h>

#include "base/be.h"

enum {
	ETHERTYPE_IPV4 = 0x0800,
	ETHERTYPE_VLAN = 0x8100,  /* 802.1Q */
	ETHERTYPE_QINQ = 0x88A8,  /* 802.1ad */
	ETHERTYPE_QINQ_OLD = 0x9100,
	TAGS_MAX = 4,
	FAMILY_IPV4 = 2, /* AF_INET is 2 on every system that writes null captures */
	IP_PROTOCOL_UDP = 17,
	IP_HEADER = 20,
	UDP_HEADER = 8,
	IP_FRAGMENT = 0x3FFF, /* more fragments, or an offset */
	IP_OFFSET = 0x1FFF,
	SOURCE_MAC_AT = 6,
	VLAN_ID = 0x0FFF, /* of a tag; above are priority and drop eligibility */
};

/* Where the link header ends and where in it the ethertype is. */
static const struct {
	uint8_t bytes, type_at;
} ethertyped[] = {
	[SP_LINK_ETHERNET] = { 14, 12 },
	[SP_LINK_SLL] = { 16, 14 },
	[SP_LINK_SLL2] = { 20, 0 },
};

uint16_t sp_datagram_add_tag(uint16_t vlan, uint16_t tag)
{
	uint16_t id = tag & VLAN_ID;

	return !id ? vlan : !vlan ? id : SP_DATAGRAM_VLANS;
}

/* *ret_at: where the IP header is. Kind UDP means: as far as the link header tells. */
static enum sp_datagram_kind parse_link(enum sp_link link, const uint8_t *bytes, uint32_t captured,
					uint32_t *ret_at, uint16_t *ret_vlan)
{
	uint32_t at;
	uint16_t type;

	*ret_vlan = 0;
	if (link == SP_LINK_RAW) {
		*ret_at = 0;
		return SP_DATAGRAM_UDP;
	}
	if (link == SP_LINK_NULL || link == SP_LINK_LOOP) {
		if (captured < 4)
			return SP_DATAGRAM_MALFORMED;
		*ret_at = 4;
		return sp_be32_get(bytes) == FAMILY_IPV4 ||
				       (link == SP_LINK_NULL &&
					sp_be32_get(bytes) == (uint32_t)FAMILY_IPV4 << 24) ?
			       SP_DATAGRAM_UDP :
			       SP_DATAGRAM_OTHER;
	}
	at = ethertyped[link].bytes;
	if (captured < at)
		return SP_DATAGRAM_MALFORMED;
	type = sp_be16_get(bytes + ethertyped[link].type_at);
	for (int tags = 0; type == ETHERTYPE_VLAN || type == ETHERTYPE_QINQ ||
			   type == ETHERTYPE_QINQ_OLD; tags++) {
		if (captured - at < 4 || tags == TAGS_MAX)
			return SP_DATAGRAM_MALFORMED;
		*ret_vlan = sp_datagram_add_tag(*ret_vlan, sp_be16_get(bytes + at));
		type = sp_be16_get(bytes + at + 2);
		at += 4;
	}
	*ret_at = at;
	return type == ETHERTYPE_IPV4 ? SP_DATAGRAM_UDP : SP_DATAGRAM_OTHER;
}

/* What a packet is that ends too soon: in the capture, or already on the wire. */
static enum sp_datagram_kind short_of(uint32_t captured, uint32_t wire)
{
	return wire > captured ? SP_DATAGRAM_CUT : SP_DATAGRAM_MALFORMED;
}

/* Where the IP header is and how long; *ret_room: bytes of the IP packet behind it. */
static enum sp_datagram_kind parse_ip(const uint8_t *ip, uint32_t captured, uint32_t wire,
				      bool is_raw, uint32_t *ret_header, uint32_t *ret_room)
{
	uint32_t header, total;

	if (captured < 1)
		return short_of(captured, wire);
	if (ip[0] >> 4 != 4)
		return is_raw && ip[0] >> 4 == 6 ? SP_DATAGRAM_OTHER : SP_DATAGRAM_MALFORMED;
	if (captured < IP_HEADER)
		return short_of(captured, wire);
	header = (ip[0] & 15u) * 4;
	total = sp_be16_get(ip + 2);
	/* Ethernet pads short packets, so the packet may be longer than `total`, never shorter. */
	if (header < IP_HEADER || total < header || total > wire)
		return SP_DATAGRAM_MALFORMED;
	if (ip[9] != IP_PROTOCOL_UDP)
		return SP_DATAGRAM_OTHER;
	*ret_header = header;
	*ret_room = total - header;
	return SP_DATAGRAM_UDP;
}

/* The ports, if they are here: of a first fragment. */
static void read_ports(const uint8_t *udp, uint32_t captured, uint32_t room, uint32_t fragment,
		       struct sp_datagram *ret)
{
	bool are_here = !(fragment & IP_OFFSET) && room >= 4 && captured >= 4;

	ret->source_port = are_here ? sp_be16_get(udp) : 0;
	ret->host_port = are_here ? sp_be16_get(udp + 2) : 0;
}

enum sp_datagram_kind sp_datagram_headers(enum sp_link link, const uint8_t *bytes,
					  uint32_t captured, uint32_t wire, struct sp_datagram *ret)
{
	uint32_t at, header, room, fragment, length;
	enum sp_datagram_kind kind = parse_link(link, bytes, captured, &at, &ret->vlan);
	const uint8_t *ip, *udp;

	if (kind != SP_DATAGRAM_UDP)
		return kind;
	if (wire < captured)
		return SP_DATAGRAM_MALFORMED;
	ip = bytes + at;
	kind = parse_ip(ip, captured - at, wire - at, link == SP_LINK_RAW, &header, &room);
	if (kind != SP_DATAGRAM_UDP)
		return kind;
	ret->source_mac = link == SP_LINK_ETHERNET ? bytes + SOURCE_MAC_AT : NULL;
	ret->source_ip = sp_be32_get(ip + 12);
	ret->host_ip = sp_be32_get(ip + 16);
	udp = ip + header;
	captured = captured - at < header ? 0 : captured - at - header;
	fragment = sp_be16_get(ip + 6) & IP_FRAGMENT;
	if (fragment) {
		read_ports(udp, captured, room, fragment, ret);
		return SP_DATAGRAM_FRAGMENT;
	}
	if (room < UDP_HEADER)
		return SP_DATAGRAM_MALFORMED;
	if (captured < UDP_HEADER)
		return SP_DATAGRAM_CUT;
	length = sp_be16_get(udp + 4);
	if (length < UDP_HEADER || length > room)
		return SP_DATAGRAM_MALFORMED;
	ret->source_port = sp_be16_get(udp);
	ret->host_port = sp_be16_get(udp + 2);
	ret->payload = at + header + UDP_HEADER;
	ret->length = length - UDP_HEADER;
	return SP_DATAGRAM_UDP;
}

enum sp_datagram_kind sp_datagram_parse(enum sp_link link, const uint8_t *bytes, uint32_t captured,
					uint32_t wire, struct sp_datagram *ret)
{
	struct sp_datagram datagram;
	enum sp_datagram_kind kind = sp_datagram_headers(link, bytes, captured, wire, &datagram);

	if (kind != SP_DATAGRAM_UDP)
		return kind;
	if (datagram.length > captured - datagram.payload)
		return SP_DATAGRAM_CUT;
	*ret = datagram;
	return SP_DATAGRAM_UDP;
}
