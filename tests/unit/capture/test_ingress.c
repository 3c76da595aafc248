/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The drop rule at an interface's ingress, in a network namespace of the test's own. Needs root.
 *
 *	raw frames → far0 ---- veth ---- near0 192.0.2.1 → tap (packet socket), UDP sockets
 */
#include "capture/ingress.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/diag.h"
#include "test.h"

enum { FIRST = 40001, SECOND = 40002, CONTROL = 40003, SENT = 20 };
enum { PAYLOAD = 64, FRAME = 14 + 20 + 8 + PAYLOAD };

static int home = -1; /* the namespace that we came from */

static void enter_namespace(void)
{
	if (home < 0)
		home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	if (geteuid() || home < 0 || unshare(CLONE_NEWNET))
		SKIP("no right to a network namespace");
	if (system("ip link add near0 address 02:00:00:00:00:01 type veth peer name far0 address "
		   "02:00:00:00:00:02 && ip addr add 192.0.2.1/24 dev near0 && "
		   "ip link set near0 up && ip link set far0 up"))
		SKIP("no veth pair here");
}

static void leave_namespace(void)
{
	CHECK(!setns(home, CLONE_NEWNET));
}

static int packet_socket(const char *interface)
{
	const struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = (int)if_nametoindex(interface),
	};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, htons(ETH_P_ALL));

	CHECK(fd >= 0);
	CHECK(!bind(fd, (const struct sockaddr *)&address, sizeof(address)));
	return fd;
}

static int udp_socket(uint16_t port)
{
	const struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
	};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	CHECK(fd >= 0);
	CHECK(!bind(fd, (const struct sockaddr *)&address, sizeof(address)));
	return fd;
}

static void put_be(uint8_t *at, uint32_t value, int n)
{
	for (int i = 0; i < n; i++)
		at[i] = (uint8_t)(value >> 8 * (n - 1 - i));
}

/* From 192.0.2.2:9 to 192.0.2.1:@port. */
static void send_from_far(int fd, uint16_t port)
{
	uint8_t frame[FRAME] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45 };
	uint8_t *ip = frame + 14;
	uint32_t sum = 0;

	put_be(ip + 2, FRAME - 14, 2);
	ip[8] = 64;
	ip[9] = 17;
	put_be(ip + 12, 0xC0000202, 4);
	put_be(ip + 16, 0xC0000201, 4);
	for (int i = 0; i < 20; i += 2)
		sum += (uint32_t)ip[i] << 8 | ip[i + 1];
	sum = (sum & 0xFFFF) + (sum >> 16);
	put_be(ip + 10, ~(sum + (sum >> 16)), 2);
	put_be(ip + 20, 9, 2);
	put_be(ip + 22, port, 2);
	put_be(ip + 24, 8 + PAYLOAD, 2);
	CHECK_EQ(send(fd, frame, FRAME, 0), FRAME);
}

static unsigned int count(int fd)
{
	uint8_t bytes[2048];
	unsigned int n = 0;

	while (recv(fd, bytes, sizeof(bytes), 0) >= 0)
		n++;
	return n;
}

/* Our frames among what the tap saw: the kernel sends some of its own. */
static unsigned int count_tapped(int fd)
{
	uint8_t bytes[2048];
	unsigned int n = 0;

	for (ssize_t got; (got = recv(fd, bytes, sizeof(bytes), 0)) >= 0;)
		n += got == FRAME && bytes[14] == 0x45 && bytes[14 + 9] == 17;
	return n;
}

struct rig {
	int far, tap, first, second, control;
};

static struct rig open_rig(void)
{
	struct rig rig;

	enter_namespace();
	rig.far = packet_socket("far0");
	rig.tap = packet_socket("near0");
	rig.first = udp_socket(FIRST);
	rig.second = udp_socket(SECOND);
	rig.control = udp_socket(CONTROL);
	return rig;
}

static void close_rig(const struct rig *rig)
{
	close(rig->far);
	close(rig->tap);
	close(rig->first);
	close(rig->second);
	close(rig->control);
	leave_namespace();
}

/* SENT to each port. veth delivers in the sender's context, or soon after on its own CPU. */
static void expect(const struct rig *rig, unsigned int first, unsigned int second)
{
	unsigned int got_first = 0, got_second = 0, got_control = 0, tapped = 0;
	uint64_t until = sp_clock_now() + 5 * SP_NS_PER_S;

	for (int i = 0; i < SENT; i++) {
		send_from_far(rig->far, FIRST);
		send_from_far(rig->far, SECOND);
		send_from_far(rig->far, CONTROL);
	}
	/* Control was sent last; a sender that changes its CPU is overtaken by itself all the same. */
	while ((got_control < SENT || got_first < first || got_second < second ||
		tapped < 3 * SENT) && sp_clock_now() < until) {
		got_control += count(rig->control);
		got_first += count(rig->first);
		got_second += count(rig->second);
		tapped += count_tapped(rig->tap);
	}
	CHECK_EQ(got_control, SENT);
	CHECK_EQ(got_first, first);
	CHECK_EQ(got_second, second);
	CHECK_EQ(tapped, 3 * SENT);
}

static struct sp_ingress *drop(const uint16_t *ports, unsigned int n)
{
	struct sp_ingress *ingress = NULL;
	struct sp_err err;
	int error = sp_ingress_drop("near0", ports, n, &ingress, &err);

	if (error == -ENOSYS || error == -EOPNOTSUPP) {
		leave_namespace();
		SKIP("%s", err.text);
	}
	if (error)
		FAIL("%s", err.text);
	return ingress;
}

TEST(the_kernel_drops_what_the_tap_has_until_undone)
{
	const uint16_t ports[] = { FIRST, SECOND, FIRST };
	struct sp_ingress *ingress;
	struct rig rig = open_rig();

	expect(&rig, SENT, SENT);
	ingress = drop(ports, 3);
	expect(&rig, 0, 0);
	sp_ingress_undo(ingress);
	expect(&rig, SENT, SENT);
	CHECK(!system("test -z \"$(nft list ruleset 2>&1)\""));
	sp_ingress_undo(NULL);
	close_rig(&rig);
}

TEST(a_killed_instances_table_is_replaced)
{
	const uint16_t first = FIRST, second = SECOND;
	struct sp_ingress *ingress;
	struct rig rig = open_rig();
	int status;
	pid_t victim;

	/* Whether there are tables at all here. */
	sp_ingress_undo(drop(&first, 1));
	victim = fork();
	if (!victim)
		_exit(sp_ingress_drop("near0", &first, 1, &ingress, NULL) ? 1 : 0);
	CHECK(waitpid(victim, &status, 0) == victim && !status);
	expect(&rig, 0, SENT);
	ingress = drop(&second, 1);
	expect(&rig, SENT, 0);
	sp_ingress_undo(ingress);
	expect(&rig, SENT, SENT);
	close_rig(&rig);
}

TEST(other_tables_and_interfaces_are_left_alone)
{
	const uint16_t port = FIRST;
	struct sp_ingress *ingress, *other = NULL;
	struct rig rig = open_rig();

	sp_ingress_undo(drop(&port, 1));
	if (system("ip link add site-2.a type veth peer name site-2.b && nft add table netdev site"))
		SKIP("no second veth pair or nft here");
	ingress = drop(&port, 1);
	CHECK_EQ(sp_ingress_drop("site-2.a", &port, 1, &other, NULL), 0);
	CHECK(!system("nft list table netdev sallyport_near0 | grep -q 40001"));
	CHECK(!system("nft list table netdev sallyport_site-2.a | grep -q 40001"));
	sp_ingress_undo(other);
	CHECK(!system("nft list tables | grep -q sallyport_near0"));
	expect(&rig, 0, SENT);
	sp_ingress_undo(ingress);
	CHECK(!system("test \"$(nft list tables)\" = 'table netdev site'"));
	close_rig(&rig);
}

TEST(what_cannot_be_says_why)
{
	const uint16_t port = FIRST;
	struct sp_ingress *ingress = NULL;
	struct sp_err err = { "" };
	struct rig rig = open_rig();
	int status;
	pid_t child;

	sp_ingress_undo(drop(&port, 1));
	CHECK_EQ(sp_ingress_drop("nowhere0", &port, 1, &ingress, &err), -ENODEV);
	CHECK_STR(err.text, "nowhere0: no such interface here; ip link lists them");
	CHECK_EQ(sp_ingress_drop("near0", &port, 0, &ingress, &err), -EINVAL);
	CHECK_EQ(sp_ingress_drop("near*", &port, 1, &ingress, &err), -EINVAL);
	CHECK_EQ(sp_ingress_drop("near0\" drop", &port, 1, &ingress, &err), -EINVAL);
	/* Without the right. */
	child = fork();
	if (!child) {
		if (setgid(65534) || setuid(65534))
			_exit(2);
		if (sp_ingress_drop("near0", &port, 1, &ingress, &err) != -EPERM)
			_exit(3);
		_exit(strstr(err.text, "CAP_NET_ADMIN") ? 0 : 4);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(WEXITSTATUS(status), 0);
	CHECK(!ingress);
	close_rig(&rig);
}

TEST_MAIN()
