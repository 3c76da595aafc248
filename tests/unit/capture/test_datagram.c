/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/datagram.h"

#include "test.h"

enum { IP_AT_MAX = 40, SIZE_MAX_BYTES = 256 };

struct bytes {
	uint8_t at[SIZE_MAX_BYTES];
	uint32_t n;
};

static void put(struct bytes *b, const void *from, uint32_t n)
{
	memcpy(b->at + b->n, from, n);
	b->n += n;
}

static void put16(struct bytes *b, unsigned int value)
{
	const uint8_t be[2] = { (uint8_t)(value >> 8), (uint8_t)value };

	put(b, be, 2);
}

/* 10.0.0.1:3956 → 10.0.0.2:50000 "abcd", with @options words of IP options. */
static void put_ip(struct bytes *b, unsigned int options)
{
	const uint8_t addresses[8] = { 10, 0, 0, 1, 10, 0, 0, 2 }, nothing[40] = { 0 };
	const uint8_t ttl_udp[2] = { 64, 17 };

	put16(b, (0x45 + options) << 8);
	put16(b, 20 + options * 4 + 8 + 4);
	put16(b, 7); /* identification */
	put16(b, 0x4000); /* do not fragment */
	put(b, ttl_udp, 2);
	put16(b, 0);
	put(b, addresses, 8);
	put(b, nothing, options * 4);
	put16(b, 3956);
	put16(b, 50000);
	put16(b, 12);
	put16(b, 0);
	put(b, "abcd", 4);
}

struct link_case {
	const char *name;
	enum sp_link link;
	uint8_t header[24];
	uint32_t n;
};

static const struct link_case links[] = {
	{ "Ethernet", SP_LINK_ETHERNET, { [12] = 0x08, 0x00 }, 14 },
	{ "a tag", SP_LINK_ETHERNET, { [12] = 0x81, 0x00, 0x00, 0x05, 0x08, 0x00 }, 18 },
	{ "two tags", SP_LINK_ETHERNET,
	  { [12] = 0x88, 0xA8, 0x00, 0x05, 0x81, 0x00, 0x00, 0x06, 0x08, 0x00 }, 22 },
	{ "cooked", SP_LINK_SLL, { [14] = 0x08, 0x00 }, 16 },
	{ "cooked 2", SP_LINK_SLL2, { 0x08, 0x00 }, 20 },
	{ "raw", SP_LINK_RAW, { 0 }, 0 },
	{ "null, little-endian", SP_LINK_NULL, { 2, 0, 0, 0 }, 4 },
	{ "null, big-endian", SP_LINK_NULL, { 0, 0, 0, 2 }, 4 },
	{ "loop", SP_LINK_LOOP, { 0, 0, 0, 2 }, 4 },
};

static enum sp_datagram_kind parse(const struct bytes *b, enum sp_link link, uint32_t captured,
				   uint32_t wire, struct sp_datagram *ret)
{
	/* A copy of exactly that size, so that the sanitizer sees a read past the end. */
	uint8_t *copy = malloc(captured ? captured : 1);
	enum sp_datagram_kind kind;

	CHECK(copy);
	memcpy(copy, b->at, captured);
	kind = sp_datagram_parse(link, copy, captured, wire, ret);
	free(copy);
	return kind;
}

TEST(every_link_is_read)
{
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		for (unsigned int options = 0; options <= 10; options += 5) {
			struct sp_datagram d = { 0 };
			struct bytes b = { .n = 0 };

			put(&b, links[i].header, links[i].n);
			put_ip(&b, options);
			put(&b, "padding", 7);
			if (parse(&b, links[i].link, b.n, b.n, &d) != SP_DATAGRAM_UDP)
				FAIL("%s, %u options", links[i].name, options);
			CHECK_EQ(d.source_ip, 0x0A000001);
			CHECK_EQ(d.host_ip, 0x0A000002);
			CHECK_EQ(d.source_port, 3956);
			CHECK_EQ(d.host_port, 50000);
			CHECK_EQ(d.payload, links[i].n + 20 + options * 4 + 8);
			CHECK_EQ(d.length, 4);
			CHECK_EQ(!!d.source_mac, links[i].link == SP_LINK_ETHERNET);
		}
	}
}

TEST(the_tag_that_names_a_vlan_is_read)
{
	static const struct {
		uint16_t tags[3];
		uint16_t vlan;
	} cases[] = {
		{ { 0 }, 0 },
		{ { 0xE000 }, 0 },
		{ { 0xFFFE }, 0xFFE },
		{ { 0x2000, 5 }, 5 },
		{ { 5, 0x2000 }, 5 },
		{ { 5, 6 }, SP_DATAGRAM_VLANS },
		{ { 5, 5, 7 }, SP_DATAGRAM_VLANS },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const uint8_t macs[12] = { [6] = 2, [11] = 9 };
		struct sp_datagram d = { 0 };
		struct bytes b = { .n = 0 };

		put(&b, macs, 12);
		for (int k = 0; k < 3 && cases[i].tags[k]; k++) {
			put16(&b, 0x8100);
			put16(&b, cases[i].tags[k]);
		}
		put16(&b, 0x0800);
		put_ip(&b, 0);
		CHECK_EQ(sp_datagram_headers(SP_LINK_ETHERNET, b.at, b.n, b.n, &d), SP_DATAGRAM_UDP);
		CHECK_EQ(d.vlan, cases[i].vlan);
		CHECK(d.source_mac == b.at + 6 && d.source_mac[5] == 9);
	}
}

TEST(headers_are_enough)
{
	struct sp_datagram d = { 0 };
	struct bytes b = { .n = 0 };

	put_ip(&b, 0);
	CHECK_EQ(sp_datagram_headers(SP_LINK_RAW, b.at, 28, b.n, &d), SP_DATAGRAM_UDP);
	CHECK_EQ(d.payload, 28);
	CHECK_EQ(d.length, 4);
	CHECK_EQ(sp_datagram_headers(SP_LINK_RAW, b.at, 27, b.n, &d), SP_DATAGRAM_CUT);
	/* Fragments: the first has the ports, the others begin with anything. */
	b.at[6] = 0x20;
	CHECK_EQ(sp_datagram_headers(SP_LINK_RAW, b.at, 28, b.n, &d), SP_DATAGRAM_FRAGMENT);
	CHECK_EQ(d.source_ip, 0x0A000001);
	CHECK_EQ(d.host_port, 50000);
	b.at[7] = 2;
	CHECK_EQ(sp_datagram_headers(SP_LINK_RAW, b.at, 28, b.n, &d), SP_DATAGRAM_FRAGMENT);
	CHECK_EQ(d.source_ip, 0x0A000001);
	CHECK_EQ(d.host_port, 0);
}

/* However short the capture, never UDP, never a read past it; and CUT once the link was read. */
TEST(every_cut_is_seen)
{
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		struct bytes b = { .n = 0 };

		put(&b, links[i].header, links[i].n);
		put_ip(&b, 2);
		for (uint32_t captured = 0; captured < b.n; captured++) {
			struct sp_datagram d = { .length = 77 };
			enum sp_link link = links[i].link;

			CHECK_EQ(parse(&b, link, captured, b.n, &d),
				 captured < links[i].n ? SP_DATAGRAM_MALFORMED : SP_DATAGRAM_CUT);
			CHECK_EQ(parse(&b, link, captured, captured, &d), SP_DATAGRAM_MALFORMED);
			CHECK_EQ(d.length, 77);
		}
	}
}

TEST(what_is_wrong_is_told_apart)
{
	static const struct {
		const char *what;
		uint32_t at; /* from the IP header */
		uint8_t value;
		enum sp_datagram_kind kind;
	} cases[] = {
		{ "version 5", 0, 0x55, SP_DATAGRAM_MALFORMED },
		{ "version 6", 0, 0x65, SP_DATAGRAM_OTHER },
		{ "a header of 16 bytes", 0, 0x44, SP_DATAGRAM_MALFORMED },
		{ "a header longer than the packet", 0, 0x4F, SP_DATAGRAM_MALFORMED },
		{ "a total length of 19", 3, 19, SP_DATAGRAM_MALFORMED },
		{ "a total length past the end", 3, 33, SP_DATAGRAM_MALFORMED },
		{ "a total length without room for UDP", 3, 27, SP_DATAGRAM_MALFORMED },
		{ "TCP", 9, 6, SP_DATAGRAM_OTHER },
		{ "more fragments", 6, 0x20, SP_DATAGRAM_FRAGMENT },
		{ "a later fragment", 7, 0x01, SP_DATAGRAM_FRAGMENT },
		{ "a UDP length of 7", 25, 7, SP_DATAGRAM_MALFORMED },
		{ "a UDP length past the IP packet", 25, 13, SP_DATAGRAM_MALFORMED },
		{ "a UDP length short of the IP packet", 25, 10, SP_DATAGRAM_UDP },
		{ "no payload", 25, 8, SP_DATAGRAM_UDP },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sp_datagram d;
		struct bytes b = { .n = 0 };

		put_ip(&b, 0);
		b.at[cases[i].at] = cases[i].value;
		if (parse(&b, SP_LINK_RAW, b.n, b.n, &d) != cases[i].kind)
			FAIL("%s", cases[i].what);
	}
}

TEST(other_links_and_protocols_are_other)
{
	struct link_case others[] = {
		{ "ARP", SP_LINK_ETHERNET, { [12] = 0x08, 0x06 }, 14 },
		{ "IPv6 behind a tag", SP_LINK_ETHERNET, { [12] = 0x81, 0, 0, 0, 0x86, 0xDD }, 18 },
		{ "IPv6 on loopback", SP_LINK_NULL, { 10, 0, 0, 0 }, 4 },
		{ "little-endian loop", SP_LINK_LOOP, { 2, 0, 0, 0 }, 4 },
	};
	struct sp_datagram d;
	struct bytes tags = { .n = 12 };

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		struct bytes b = { .n = 0 };

		put(&b, others[i].header, others[i].n);
		put_ip(&b, 0);
		if (parse(&b, others[i].link, b.n, b.n, &d) != SP_DATAGRAM_OTHER)
			FAIL("%s", others[i].name);
	}
	for (int i = 0; i < 20; i++)
		put16(&tags, 0x8100);
	CHECK_EQ(parse(&tags, SP_LINK_ETHERNET, tags.n, tags.n, &d), SP_DATAGRAM_MALFORMED);
}

TEST_MAIN()
