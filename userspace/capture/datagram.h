/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the link, IPv4 and UDP headers of a captured packet: bytes in, addresses, ports and the
 * payload's bounds out.
 *
 * Layouts: RFC 791 (IPv4), RFC 768 (UDP), IEEE 802.3 and 802.1Q (Ethernet and its tags), and the
 * tcpdump project's public list of link types (cooked, null, loop).
 */
#ifndef SP_CAPTURE_DATAGRAM_H
#define SP_CAPTURE_DATAGRAM_H

#include <stdint.h>

enum sp_link {
	SP_LINK_ETHERNET,
	SP_LINK_SLL,  /* Linux cooked, 16 bytes */
	SP_LINK_SLL2, /* Linux cooked, version 2, 20 bytes */
	SP_LINK_RAW,  /* begins with the IP header */
	SP_LINK_NULL, /* a protocol family as the capturing machine orders its 4 bytes */
	SP_LINK_LOOP, /* the same in network order */
};

/* More tags than one that name a VLAN. */
#define SP_DATAGRAM_VLANS 0xFFFF

struct sp_datagram {
	const uint8_t *source_mac;   /* 6 of the packet's bytes; NULL: the link is not Ethernet */
	uint32_t source_ip, host_ip; /* host order; from, to */
	uint16_t source_port, host_port;
	uint16_t vlan;	  /* 1 … 4094; 0: none, or a tag for priority alone; SP_DATAGRAM_VLANS */
	uint32_t payload; /* bytes from the packet's begin */
	uint32_t length;  /* bytes of the payload */
};

enum sp_datagram_kind {
	SP_DATAGRAM_UDP,       /* *ret is filled */
	SP_DATAGRAM_OTHER,     /* no UDP over IPv4 */
	SP_DATAGRAM_FRAGMENT,  /* of a larger datagram, the first included */
	SP_DATAGRAM_CUT,       /* whole on the wire, but not in the capture */
	SP_DATAGRAM_MALFORMED, /* lengths that contradict each other, headers cut short */
};

/* The VLAN of a packet that is in @vlan by its other tags and has @tag (priority and id) too. */
uint16_t sp_datagram_add_tag(uint16_t vlan, uint16_t tag);

/*
 * @captured bytes at @bytes of a packet that had @wire bytes. Checksums are not looked at: captures
 * on the sending machine have them empty where the network card fills them in. *ret is untouched
 * unless SP_DATAGRAM_UDP is returned; then its payload lies inside the captured bytes.
 */
enum sp_datagram_kind sp_datagram_parse(enum sp_link link, const uint8_t *bytes, uint32_t captured,
					uint32_t wire, struct sp_datagram *ret);

/*
 * The same by the headers alone: the payload lies inside the @wire bytes, @captured may end
 * anywhere behind the UDP header. Of a fragment *ret has the addresses, and the ports of the first
 * one, else ports of 0. Of other kinds it may be filled in part.
 */
enum sp_datagram_kind sp_datagram_headers(enum sp_link link, const uint8_t *bytes,
					  uint32_t captured, uint32_t wire,
					  struct sp_datagram *ret);

#endif
