/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The DPDK packet source beside the kernel, in a network namespace of the test's own: net_af_packet
 * over a veth pair, net_tap with flow rules and as exception path. Needs root.
 *
 *	this thread's namespace:   camera0 ---- veth ---- host0 = net_af_packet0
 */
#include "capture/dpdk.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <linux/if_ether.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/diag.h"
#include "test.h"
#include "unit/capture/dpdk_frames.h"

enum { JUMBO = 8972 };

static int home = -1; /* the namespace that we came from */
static uint16_t vlan; /* of the stream that the next port gets */
static uint32_t buffer_size = SIZE;
static const char *drop_interface;

static void run(const char *command)
{
	if (system(command))
		FAIL("%s", command);
}

/* The calling thread's alone; everything in it goes with it. */
static void enter_namespace(void)
{
	if (home < 0)
		home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	if (geteuid() || home < 0 || unshare(CLONE_NEWNET))
		SKIP("no right to a network namespace");
	if (system("ip link set lo up 2>/dev/null"))
		SKIP("no ip command");
}

static void leave_namespace(void)
{
	CHECK(!setns(home, CLONE_NEWNET));
}

static void make_veth(unsigned int mtu)
{
	char command[256];

	run("ip link add camera0 address 02:00:00:00:00:0a type veth peer name host0 "
	    "address 02:00:00:00:00:01");
	snprintf(command, sizeof(command),
		 "ip link set camera0 mtu %u up && ip link set host0 mtu %u up && "
		 "ip addr add 192.0.2.10/24 dev camera0",
		 mtu, mtu);
	run(command);
	/* Nobody answers ARP for the host, whose interface has no address. */
	run("ip neigh add 192.0.2.1 lladdr 02:00:00:00:00:01 dev camera0");
}

static int camera_socket(void)
{
	const struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(CAMERA),
	};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	CHECK(fd >= 0);
	CHECK(!bind(fd, (const struct sockaddr *)&address, sizeof(address)));
	return fd;
}

static void send_numbered(int fd, uint16_t port, unsigned int i)
{
	const struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(HOST),
	};
	uint8_t bytes[SIZE];
	uint32_t size = make_payload(bytes, port - PORT, i);

	CHECK_EQ(sendto(fd, bytes, size, 0, (const struct sockaddr *)&to, sizeof(to)), size);
}

static int try_port(const char *const *eal, unsigned int eal_n, const char *port,
		    const char *exception, bool no_flow, struct sp_packet_source **ret_source,
		    struct sp_err *err)
{
	const struct sp_dpdk_config config = {
		.eal = eal,
		.eal_n = eal_n,
		.port = port,
		.exception = exception,
		.queues = 1,
		.buffers = BUFFERS,
		.buffer_size = buffer_size,
		.drop_interface = drop_interface,
		.nap_max_ns = 50 * SP_NS_PER_US,
		.no_flow = no_flow,
	};
	const struct sp_packet_stream stream = {
		.fd = -1,
		.host_port = PORT,
		.host_ip = HOST,
		.camera_ip = CAMERA,
		.camera_mac = { 2, 0, 0, 0, 0, 10 },
		.vlan = vlan,
	};
	struct sp_packet_source *source;
	int error = sp_dpdk_open(&config, &source, err);

	if (error)
		return error;
	error = source->ops->add_stream(source, &stream, err);
	if (!error)
		error = source->ops->start(source, err);
	if (error)
		source->ops->close(source);
	else
		*ret_source = source;
	return error;
}

static struct sp_packet_source *open_port(const char *const *eal, unsigned int eal_n,
					  const char *port, const char *exception)
{
	struct sp_packet_source *source = NULL;
	struct sp_err err;

	if (try_port(eal, eal_n, port, exception, false, &source, &err))
		FAIL("%s", err.text);
	return source;
}

static unsigned int take(struct sp_packet_source *source, unsigned int next, uint64_t timeout_ns)
{
	struct sp_packet packets[BURST];
	int n = source->ops->receive(source, packets, BURST, timeout_ns);

	CHECK(n >= 0);
	for (int i = 0; i < n; i++) {
		CHECK_EQ(number_of(source, &packets[i]), next++);
		source->ops->release(source, &packets[i].token, 1);
	}
	return next;
}

/* Sends in bursts, receives each: @sent packets of the stream, as many that are not. */
static void stream_through(struct sp_packet_source *source, unsigned int sent)
{
	unsigned int next = 0;
	int fd = camera_socket();

	for (unsigned int i = 0; i < sent;) {
		for (unsigned int k = 0; k < BURST && i < sent; k++, i++) {
			send_numbered(fd, PORT, i);
			send_numbered(fd, PORT + 7, i);
		}
		for (uint64_t start = sp_clock_now(); next < i;) {
			next = take(source, next, 10 * SP_NS_PER_MS);
			CHECK(sp_clock_now() - start < PATIENCE);
		}
	}
	CHECK_EQ(take(source, next, SP_NS_PER_MS), sent);
	close(fd);
}

TEST(a_kernel_interface_is_a_port)
{
	enum { SENT = 3000 };
	const char *const eal[] = { "--vdev=net_af_packet0,iface=host0,blocksz=4096,framesz=2048,"
				    "framecnt=1024" };
	struct sp_packet_source *source;

	enter_namespace();
	make_veth(1500);
	source = open_port(eal, 1, NULL, NULL);
	stream_through(source, SENT);
	CHECK_EQ(source->counters.received, SENT);
	CHECK(source->counters.unknown_stream + source->counters.other >= SENT);
	CHECK_EQ(source->counters.no_buffer + source->counters.malformed, 0);
	CHECK_EQ(rte_mempool_in_use_count(sp_dpdk_pool(source)), 0);
	source->ops->close(source);
	leave_namespace();
}

/* Frames of the kernel's ring that are larger than our packets need, and such as just fit. */
TEST(jumbo_frames_come_whole)
{
	static const char *const rings[] = {
		"--vdev=net_af_packet0,iface=host0,blocksz=65536,framesz=16384,framecnt=256",
		"--vdev=net_af_packet0,iface=host0,blocksz=36864,framesz=9216,framecnt=256",
	};
	const struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons(PORT),
		.sin_addr.s_addr = htonl(HOST),
	};
	struct sp_packet_source *source;
	struct sp_packet packet;
	uint8_t bytes[JUMBO];
	int fd;

	for (uint32_t b = 0; b < JUMBO; b++)
		bytes[b] = (uint8_t)(b * 31 >> 3);
	enter_namespace();
	make_veth(9000);
	fd = camera_socket();
	for (int k = 0; k < 2; k++) {
		buffer_size = JUMBO;
		source = open_port(&rings[k], 1, NULL, NULL);
		buffer_size = SIZE;
		for (unsigned int i = 0; i < 20; i++) {
			CHECK_EQ(sendto(fd, bytes, JUMBO, 0, (const struct sockaddr *)&to,
					sizeof(to)),
				 JUMBO);
			CHECK_EQ(source->ops->receive(source, &packet, 1, PATIENCE), 1);
			CHECK_EQ(packet.length, JUMBO);
			CHECK(!memcmp(source->region->base + packet.offset, bytes, JUMBO));
			source->ops->release(source, &packet.token, 1);
		}
		CHECK_EQ(source->counters.truncated + source->counters.malformed, 0);
		source->ops->close(source);
	}
	close(fd);
	leave_namespace();
}

/* More than the kernel's ring holds while nobody looks: what came and what was lost add up. */
TEST(what_the_ring_lost_is_counted)
{
	enum { SENT = 3000, FRAMES = 256 };
	const char *const eal[] = { "--vdev=net_af_packet0,iface=host0,blocksz=4096,framesz=2048,"
				    "framecnt=256" };
	const struct sp_packet_counters *counters;
	struct sp_packet packets[BURST];
	struct sp_packet_source *source;
	int fd, n;

	enter_namespace();
	make_veth(1500);
	source = open_port(eal, 1, NULL, NULL);
	counters = &source->counters;
	fd = camera_socket();
	for (unsigned int i = 0; i < SENT; i++)
		send_numbered(fd, PORT, i);
	for (uint64_t start = sp_clock_now(); sp_clock_now() - start < PATIENCE;) {
		n = source->ops->receive(source, packets, BURST, 10 * SP_NS_PER_MS);
		for (int i = 0; i < n; i++)
			source->ops->release(source, &packets[i].token, 1);
		if (!n && counters->received + counters->ring_full >= SENT)
			break;
	}
	printf("# received %" PRIu64 ", ring full %" PRIu64 "\n", counters->received,
	       counters->ring_full);
	/* The interface carries a few packets of its own: neighbour discovery. */
	CHECK(counters->received > FRAMES / 2 && counters->received <= FRAMES);
	CHECK(counters->received + counters->ring_full >= SENT);
	CHECK(counters->received + counters->ring_full < SENT + 50);
	close(fd);
	source->ops->close(source);
	leave_namespace();
}

/* Frames out of an interface as they are. */
static int raw_socket(void)
{
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	CHECK(fd >= 0);
	return fd;
}

static void send_frame(int fd, const char *interface, const uint8_t *frame, size_t size)
{
	const struct sockaddr_ll to = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = (int)if_nametoindex(interface),
	};

	CHECK_EQ(sendto(fd, frame, size, 0, (const struct sockaddr *)&to, sizeof(to)), size);
}

static void send_untagged(int fd, const char *interface, uint16_t port, unsigned int i)
{
	uint8_t frame[HEADERS + SIZE];
	uint32_t size = make_payload(frame + HEADERS, port - PORT, i);

	make_headers(frame, CAMERA, port, size);
	send_frame(fd, interface, frame, HEADERS + size);
}

static void send_tagged(int fd, const char *interface, uint16_t id, unsigned int i)
{
	uint8_t frame[4 + HEADERS + SIZE];
	uint32_t size = make_payload(frame + 4 + HEADERS, 0, i);
	const uint16_t tag[2] = { htons(ETH_P_8021Q), htons(id) };

	make_headers(frame + 4, CAMERA, PORT, size);
	memmove(frame, frame + 4, 12);
	memcpy(frame + 12, tag, sizeof(tag));
	send_frame(fd, interface, frame, 4 + HEADERS + size);
}

/* How many wait at a socket. */
static unsigned int datagrams(int fd)
{
	unsigned int n = 0;
	char byte;

	while (recv(fd, &byte, 1, MSG_DONTWAIT) >= 0)
		n++;
	return n;
}

/* The kernel takes the tag off and says so; the stream's VLAN is checked all the same. */
TEST(a_vlan_is_told_from_another)
{
	enum { SENT = 20 };
	static const struct {
		uint16_t wanted, sent;
		bool same;
	} cases[] = { { 12, 12, true },
		      { 13, 12, false },
		      { 0, 12, true },
		      { SP_VLAN_UNTAGGED, 12, false } };
	const char *const eal[] = { "--vdev=net_af_packet0,iface=host0,blocksz=4096,framesz=2048,"
				    "framecnt=1024" };
	struct sp_packet_source *source;
	int fd;

	enter_namespace();
	make_veth(1500);
	fd = raw_socket();
	for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
		unsigned int next = 0;

		vlan = cases[k].wanted;
		source = open_port(eal, 1, NULL, NULL);
		vlan = 0;
		for (unsigned int i = 0; i < SENT; i++)
			send_tagged(fd, "camera0", cases[k].sent, i);
		for (uint64_t start = sp_clock_now();
		     source->counters.received + source->counters.foreign_vlan < SENT;) {
			next = take(source, next, SP_NS_PER_MS);
			CHECK(sp_clock_now() - start < PATIENCE);
		}
		CHECK_EQ(source->counters.received, cases[k].same ? SENT : 0);
		CHECK_EQ(source->counters.foreign_vlan, cases[k].same ? 0 : SENT);
		source->ops->close(source);
	}
	close(fd);
	leave_namespace();
}

/* The kernel is spared the stream's packets, gets others, and gets all again at the end. */
TEST(the_kernel_drops_what_we_take)
{
	enum { SENT = 60 }; /* a socket's buffer holds as many */
	const char *const eal[] = { "--vdev=net_af_packet0,iface=host0,blocksz=4096,framesz=2048,"
				    "framecnt=1024" };
	const struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	const struct sockaddr_in other = { .sin_family = AF_INET, .sin_port = htons(PORT + 7) };
	struct sp_packet_source *source = NULL;
	int mine, theirs, fd, error;
	struct sp_err err;

	enter_namespace();
	make_veth(1500);
	/* Local addresses of both ends would shortcut the wire: the camera's is on it alone. */
	run("ip addr add 192.0.2.1/32 dev host0 && sysctl -qw net.ipv4.conf.host0.accept_local=1 "
	    "net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.host0.rp_filter=0");
	mine = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	theirs = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	CHECK(!bind(mine, (const struct sockaddr *)&any, sizeof(any)));
	CHECK(!bind(theirs, (const struct sockaddr *)&other, sizeof(other)));
	drop_interface = "host0";
	error = try_port(eal, 1, NULL, NULL, false, &source, &err);
	drop_interface = NULL;
	if (error) {
		leave_namespace();
		if (error == -ENOSYS || error == -EPERM || error == -EOPNOTSUPP)
			SKIP("%s", err.text);
		FAIL("%s", err.text);
	}
	fd = raw_socket();
	for (unsigned int i = 0; i < SENT; i++) {
		send_untagged(fd, "camera0", PORT, i);
		send_untagged(fd, "camera0", PORT + 7, i);
	}
	for (unsigned int next = 0; next < SENT;)
		next = take(source, next, PATIENCE);
	CHECK_EQ(datagrams(mine), 0);
	CHECK_EQ(datagrams(theirs), SENT);
	source->ops->close(source);
	send_untagged(fd, "camera0", PORT, 0);
	for (uint64_t start = sp_clock_now(); !datagrams(mine);)
		CHECK(sp_clock_now() - start < PATIENCE);
	close(fd);
	close(mine);
	close(theirs);
	leave_namespace();
}

/* ---- net_tap ---- */

static uint64_t statistic(const char *interface, const char *name)
{
	unsigned long long value = 0;
	char command[128];
	FILE *pipe;

	/* By a program of this namespace: /sys is that of another. */
	snprintf(command, sizeof(command), "ip -s -j link show dev %s", interface);
	pipe = popen(command, "r");
	CHECK(pipe);
	for (char text[4096]; fgets(text, sizeof(text), pipe);) {
		const char *at = strstr(text, name);

		at = at ? strstr(at, "\"packets\":") : NULL;
		if (at)
			value = strtoull(at + 10, NULL, 10);
	}
	pclose(pipe);
	return value;
}

static void need_tap(void)
{
	if (access("/dev/net/tun", R_OK | W_OK))
		SKIP("no right to /dev/net/tun");
}

TEST(control_traffic_reaches_the_kernel_and_leaves_it)
{
	enum { SENT = 100 };
	const char *const eal[] = { "--vdev=net_af_packet0,iface=host0",
				    "--vdev=net_tap0,iface=control0" };
	struct sp_packet_source *source;
	uint64_t before;
	int fd;

	need_tap();
	enter_namespace();
	make_veth(1500);
	source = open_port(eal, 2, "net_af_packet0", "net_tap0");
	run("ip link set control0 up && ip link show control0 | grep -q 02:00:00:00:00:01");
	before = statistic("control0", "\"rx\"");
	stream_through(source, SENT);
	CHECK(source->counters.passed_on >= SENT);
	CHECK_EQ(source->counters.not_passed_on, 0);
	CHECK(statistic("control0", "\"rx\"") - before >= SENT);
	before = statistic("camera0", "\"rx\"");
	fd = raw_socket();
	for (unsigned int i = 0; i < SENT; i++)
		send_untagged(fd, "control0", 9, i);
	close(fd);
	for (uint64_t start = sp_clock_now(); statistic("camera0", "\"rx\"") - before < SENT;) {
		take(source, 0, SP_NS_PER_MS);
		CHECK(sp_clock_now() - start < PATIENCE);
	}
	CHECK_EQ(rte_mempool_in_use_count(sp_dpdk_pool(source)), 0);
	source->ops->close(source);
	leave_namespace();
}

/* Frames into a tap as if a wire brought them: out of the kernel, to the host's address. */
static void send_to_tap(const char *interface)
{
	char command[256];

	snprintf(command, sizeof(command),
		 "ip addr add 192.0.2.10/24 dev %s && ip link set %s up && "
		 "ip neigh add 192.0.2.1 lladdr 02:00:00:00:00:01 dev %s",
		 interface, interface, interface);
	run(command);
}

/*
 * net_tap takes rules and can be isolated: only what a rule names comes. The kernel must have tc's
 * multiq and flower for it; without them the refusal is told, and no_flow helps.
 */
TEST(a_port_that_takes_rules_gives_what_they_name)
{
	enum { SENT = 200 };
	const char *const eal[] = { "--vdev=net_tap1,iface=card0,mac=02:00:00:00:00:0a" };
	struct sp_packet_source *source = NULL;
	struct sp_err err;
	bool refused;
	int fd;

	need_tap();
	enter_namespace();
	refused = try_port(eal, 1, NULL, NULL, false, &source, &err) != 0;
	if (refused) {
		CHECK(strstr(err.text, "refuses the rule for port 50000") &&
		      strstr(err.text, "set no_flow"));
		if (try_port(eal, 1, NULL, NULL, true, &source, &err))
			FAIL("%s", err.text);
	}
	CHECK_EQ(((struct sp_dpdk *)source)->rules[0] != NULL, !refused);
	send_to_tap("card0");
	fd = camera_socket();
	for (unsigned int i = 0; i < SENT;) {
		send_numbered(fd, PORT, i++);
		for (uint64_t start = sp_clock_now(); source->counters.received < i;) {
			take(source, i - 1, SP_NS_PER_MS);
			CHECK(sp_clock_now() - start < PATIENCE);
		}
	}
	close(fd);
	source->ops->close(source);
	leave_namespace();
	if (refused)
		SKIP("the kernel has no multiq qdisc: no rules; without them 200 packets came");
}

/* Where rules can be had, cameras are dealt out in turn, whatever their addresses. */
TEST(rules_deal_streams_out_in_turn)
{
	const char *const eal[] = { "--vdev=net_tap2,iface=card1" };
	const struct sp_dpdk_config config = {
		.eal = eal,
		.eal_n = 1,
		.queues = 2,
		.buffers = BUFFERS,
		.buffer_size = SIZE,
	};
	const struct sp_packet_stream any = { .fd = -1, .host_port = PORT };
	struct sp_packet_source *sources[2];
	struct sp_err err;
	int error;

	need_tap();
	enter_namespace();
	error = sp_dpdk_open(&config, sources, &err);
	if (error) {
		leave_namespace();
		FAIL("%s", err.text);
	}
	CHECK_EQ(((struct sp_dpdk *)sources[0])->port->steering, SP_DPDK_RULES);
	for (unsigned int i = 0; i < 6; i++)
		CHECK_EQ(sp_dpdk_queue(sources[i / 3], &any), i % 2);
	sources[1]->ops->close(sources[1]);
	sources[0]->ops->close(sources[0]);
	leave_namespace();
}

TEST_MAIN()
