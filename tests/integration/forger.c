/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forger: puts frames on a wire that a camera never sends, each kind in turn, at a rate or as fast
 * as it goes. Prints how many of each kind left as one JSON object. Run by spoof.sh.
 *
 * All claim the camera's addresses and ports but for what the kind is about. A GVSP payload header
 * with a block id far away is in each, so that one that gets through does not fit either.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/ether.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/opt.h"

enum kind { ADDRESS, MAC, PORT, VLAN, FRAGMENT, LATER, IP_LENGTH, UDP_LENGTH, LONG, STRAY, KINDS };

static const char *const names[KINDS] = {
	[ADDRESS] = "address",	   [MAC] = "mac",
	[PORT] = "port",	   [VLAN] = "vlan",
	[FRAGMENT] = "fragment",   [LATER] = "later_fragment",
	[IP_LENGTH] = "ip_length", [UDP_LENGTH] = "udp_length",
	[LONG] = "long",	   [STRAY] = "stray",
};

enum { PAYLOAD = 64, LONG_PAYLOAD = 1472, FRAME_MAX = 1518, ROUNDS_AT_ONCE = 16 };
enum { BATCH = ROUNDS_AT_ONCE * KINDS };

struct options {
	const char *interface, *from, *to, *from_mac, *to_mac;
	uint32_t from_port, to_port, each, rate;
};

struct frame {
	uint8_t bytes[FRAME_MAX];
	uint32_t n;
};

static void put(struct frame *frame, uint32_t value, int n)
{
	for (int i = n - 1; i >= 0; i--)
		frame->bytes[frame->n++] = (uint8_t)(value >> 8 * i);
}

static void put_checksum(uint8_t *ip)
{
	uint32_t sum = 0;

	for (int i = 0; i < 20; i += 2)
		sum += (uint32_t)ip[i] << 8 | ip[i + 1];
	sum = (sum & 0xFFFF) + (sum >> 16);
	sum = ~(sum + (sum >> 16));
	ip[10] = (uint8_t)(sum >> 8);
	ip[11] = (uint8_t)sum;
}

static void put_ip(const struct options *o, enum kind kind, uint32_t udp, struct frame *frame)
{
	uint32_t at = frame->n, fragment = 0;
	in_addr_t from = inet_addr(o->from), to = inet_addr(o->to);

	if (kind == FRAGMENT)
		fragment = 0x2000; /* more follow */
	else if (kind == LATER)
		fragment = 0x0010; /* 128 bytes in */
	put(frame, 0x4500, 2);
	put(frame, 20 + udp + (kind == IP_LENGTH ? 9 : 0), 2);
	put(frame, 1, 2);
	put(frame, fragment, 2);
	put(frame, 64 << 8 | 17, 2);
	put(frame, 0, 2);
	put(frame, ntohl(from) + (kind == ADDRESS ? 100 : 0), 4);
	put(frame, ntohl(to), 4);
	put_checksum(frame->bytes + at);
}

static int make(const struct options *o, enum kind kind, struct frame *frame)
{
	const uint32_t payload = kind == LONG ? LONG_PAYLOAD : PAYLOAD, udp = 8 + payload;
	struct ether_addr from, to;

	if (!ether_aton_r(o->from_mac, &from) || !ether_aton_r(o->to_mac, &to))
		return -EINVAL;
	if (kind == MAC)
		from.ether_addr_octet[5] ^= 1;
	memcpy(frame->bytes, &to, 6);
	memcpy(frame->bytes + 6, &from, 6);
	frame->n = 12;
	if (kind == VLAN) {
		put(frame, ETH_P_8021Q, 2);
		put(frame, 7, 2);
	}
	put(frame, ETH_P_IP, 2);
	put_ip(o, kind, udp, frame);
	put(frame, o->from_port ^ (kind == PORT), 2);
	put(frame, o->to_port + (kind == STRAY ? 1000 : 0), 2);
	put(frame, udp + (kind == UDP_LENGTH ? 9 : 0), 2);
	put(frame, 0, 2);
	put(frame, 30000, 4); /* status 0, block id */
	put(frame, 0x03000001, 4); /* payload, packet 1 */
	memset(frame->bytes + frame->n, 0xA5, payload - 8);
	frame->n += payload - 8;
	return 0;
}

static int open_wire(const char *interface, struct sp_err *err)
{
	const struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_ifindex = (int)if_nametoindex(interface),
	};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (fd < 0 || !address.sll_ifindex ||
	    bind(fd, (const struct sockaddr *)&address, sizeof(address))) {
		int error = sp_err_set(err, -errno, "%s: %s; give an interface, as root", interface,
				       strerror(errno));

		if (fd >= 0)
			close(fd);
		return error;
	}
	return fd;
}

/* Sends @messages[@n], all of them. */
static int send_all(int fd, struct mmsghdr *messages, unsigned int n, struct sp_err *err)
{
	while (n) {
		int sent = sendmmsg(fd, messages, n, 0);

		if (sent < 0 && errno != ENOBUFS && errno != EINTR)
			return sp_err_set(err, -errno, "send: %s", strerror(errno));
		if (sent > 0) {
			messages += sent;
			n -= (unsigned int)sent;
		}
	}
	return 0;
}

static int run(const struct options *o, struct sp_err *err)
{
	static struct frame frames[KINDS];
	static struct mmsghdr messages[BATCH];
	static struct iovec at[BATCH];
	uint64_t start_ns = sp_clock_now(), took_ns;
	int fd = open_wire(o->interface, err), error = 0;

	if (fd < 0)
		return fd;
	for (int i = 0; i < KINDS && !error; i++)
		if (make(o, (enum kind)i, &frames[i]))
			error = sp_err_set(err, -EINVAL, "--from-mac, --to-mac: no MAC addresses");
	for (int i = 0; i < BATCH; i++) {
		at[i] = (struct iovec){ frames[i % KINDS].bytes, frames[i % KINDS].n };
		messages[i].msg_hdr = (struct msghdr){ .msg_iov = &at[i], .msg_iovlen = 1 };
	}
	for (uint64_t left = o->each, sent = 0; left && !error;) {
		unsigned int rounds = left < ROUNDS_AT_ONCE ? (unsigned int)left : ROUNDS_AT_ONCE;

		error = send_all(fd, messages, rounds * KINDS, err);
		left -= rounds;
		sent += rounds * KINDS;
		if (o->rate)
			sp_clock_sleep_until(start_ns + sent * SP_NS_PER_S / o->rate);
	}
	took_ns = sp_clock_now() - start_ns;
	close(fd);
	if (error)
		return error;
	printf("{");
	for (int i = 0; i < KINDS; i++)
		printf("\"%s\":%" PRIu32 ",", names[i], o->each);
	printf("\"packets_per_s\":%.0f}\n", (double)o->each * KINDS * 1e9 / (double)took_ns);
	return 0;
}

int main(int argc, char **argv)
{
	struct options o = { .each = 1000 };
	const struct sp_opt table[] = {
		{ "interface", 'i', SP_OPT_STRING, &o.interface, "NAME", "to send from", 0, 0 },
		{ "from", 0, SP_OPT_STRING, &o.from, "IP", "the camera's", 0, 0 },
		{ "to", 0, SP_OPT_STRING, &o.to, "IP", "the receiver's", 0, 0 },
		{ "from-mac", 0, SP_OPT_STRING, &o.from_mac, "MAC", "the camera's", 0, 0 },
		{ "to-mac", 0, SP_OPT_STRING, &o.to_mac, "MAC", "the receiver's", 0, 0 },
		{ "from-port", 0, SP_OPT_U32, &o.from_port, "PORT", "of the stream", 1, 65534 },
		{ "to-port", 0, SP_OPT_U32, &o.to_port, "PORT", "of the stream", 1, 64000 },
		{ "each", 0, SP_OPT_U32, &o.each, "N", "frames of each kind (1000)", 1, 1 << 24 },
		{ "rate", 0, SP_OPT_U32, &o.rate, "HZ", "frames a second in all (no bound)", 1,
		  1 << 30 },
		{ 0 },
	};
	const struct sp_opt_usage usage = { "forger", "", "Sends what no camera sends.", NULL };
	struct sp_err err = { "" };
	int operands, parsed = sp_opt_parse(table, argc, argv, &operands, &err);

	if (parsed == SP_OPT_HELP) {
		sp_opt_help(table, &usage, stdout);
		return EXIT_SUCCESS;
	}
	if (!parsed && (!o.interface || !o.from || !o.to || !o.from_mac || !o.to_mac ||
			!o.from_port || !o.to_port))
		parsed = sp_err_set(&err, -EINVAL, "give both ends' addresses and ports");
	if (!parsed)
		parsed = run(&o, &err);
	if (parsed)
		fprintf(stderr, "forger: %s\n", err.text);
	return parsed ? EXIT_FAILURE : EXIT_SUCCESS;
}
