/* SPDX-License-Identifier: Apache-2.0 */
/* TSAN: yes */
/* The UDP packet source over loopback, every test with both engines. */
#include "capture/packet_source.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/region.h"
#include "test.h"

#define HOST 0x7F000001u	/* 127.0.0.1 */
#define CAMERA 0x7F000002u	/* 127.0.0.2 */
#define STRANGER 0x7F000003u	/* 127.0.0.3 */
#define PATIENCE (10 * SP_NS_PER_S) /* only a failing test waits this long */

enum { STREAMS = 3, BURST = 32, SIZE = 1464 };

/* Each test is a function of the engine and becomes two tests. */
#define TEST_ENGINES(name)                                                                         \
	static void name(bool no_uring);                                                           \
	TEST(name##_io_uring) { name(false); }                                                     \
	TEST(name##_recvmmsg) { name(true); }                                                      \
	static void name(bool no_uring)

struct rig {
	struct sp_packet_source *source;
	int fd[STREAMS], camera, other_port, stranger;
	uint16_t port[STREAMS];
};

static int udp_from(uint32_t ip, uint16_t *ret_port)
{
	struct sp_err err;
	int fd = sp_udp_socket(ip, 0, 1 << 20, ret_port, &err);

	if (fd < 0)
		FAIL("%s", err.text);
	return fd;
}

static void set_up(struct rig *rig, bool no_uring, unsigned int buffers, unsigned int size,
		   uint32_t rcvbuf)
{
	const struct sp_udp_config config = {
		.buffers = buffers,
		.buffer_size = size,
		.no_uring = no_uring,
	};
	uint16_t camera_port, any_port;
	struct sp_err err;

	memset(rig, 0, sizeof(*rig));
	if (sp_udp_open(&config, &rig->source, &err))
		FAIL("%s", err.text);
	if (strcmp(rig->source->ops->name, no_uring ? "recvmmsg" : "io_uring")) {
		rig->source->ops->close(rig->source);
		SKIP("io_uring is refused here");
	}
	CHECK_EQ(rig->source->buffers, buffers);
	CHECK(!rig->source->patient);
	rig->camera = udp_from(CAMERA, &camera_port);
	rig->other_port = udp_from(CAMERA, &any_port);
	rig->stranger = udp_from(STRANGER, &any_port);
	/* Stream 0 takes anybody, 1 the camera, 2 the camera's one port. */
	for (int i = 0; i < STREAMS; i++) {
		struct sp_packet_stream stream = {
			.camera_ip = i ? CAMERA : 0,
			.camera_port = i == 2 ? camera_port : 0,
		};

		rig->fd[i] = sp_udp_socket(HOST, 0, rcvbuf, &rig->port[i], &err);
		if (rig->fd[i] < 0)
			FAIL("%s", err.text);
		stream.fd = rig->fd[i];
		stream.host_port = rig->port[i];
		CHECK_EQ(rig->source->ops->add_stream(rig->source, &stream, &err), 0);
	}
}

static void tear_down(struct rig *rig)
{
	rig->source->ops->close(rig->source);
	for (int i = 0; i < STREAMS; i++)
		close(rig->fd[i]);
	close(rig->camera);
	close(rig->other_port);
	close(rig->stranger);
}

static void send_bytes(const struct rig *rig, int fd, int stream, const void *bytes, size_t size)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons(rig->port[stream]),
		.sin_addr.s_addr = htonl(HOST),
	};

	CHECK_EQ(sendto(fd, bytes, size, 0, (struct sockaddr *)&to, sizeof(to)), size);
}

/* Datagram @i of a stream: its own size, bytes that depend on both. */
static size_t make(uint8_t *bytes, unsigned int stream, unsigned int i)
{
	size_t size = 4 + (i * 37 + stream * 11) % (SIZE - 3);

	for (size_t b = 4; b < size; b++)
		bytes[b] = (uint8_t)(b * 7 + i + stream * 101);
	memcpy(bytes, &i, 4);
	return size;
}

static void send_numbered(const struct rig *rig, int fd, unsigned int stream, unsigned int i)
{
	uint8_t bytes[SIZE];
	size_t size = make(bytes, stream, i);

	send_bytes(rig, fd, (int)stream, bytes, size);
}

static unsigned int number_of(const struct rig *rig, const struct sp_packet *packet)
{
	uint8_t bytes[SIZE];
	uint32_t i;

	CHECK(packet->length >= 4);
	CHECK(sp_region_holds(rig->source->region, packet->offset, packet->length));
	memcpy(&i, rig->source->region->base + packet->offset, 4);
	CHECK_EQ(packet->length, make(bytes, packet->stream, i));
	CHECK(!memcmp(bytes, rig->source->region->base + packet->offset, packet->length));
	return i;
}

/* One receive with patience; fails on an error. */
static unsigned int receive(struct rig *rig, struct sp_packet *packets, unsigned int max)
{
	int n = rig->source->ops->receive(rig->source, packets, max, 100 * SP_NS_PER_MS);

	CHECK(n >= 0 && (unsigned)n <= max);
	return (unsigned)n;
}

/* Adds to @held, which has @got, until there are @want. Returns how many there are. */
static unsigned int receive_until(struct rig *rig, struct sp_packet *held, unsigned int got,
				  unsigned int want)
{
	uint64_t start = sp_clock_now();

	while (got < want && sp_clock_now() - start < PATIENCE)
		got += receive(rig, held + got, BURST);
	return got;
}

static void release(struct rig *rig, const struct sp_packet *packets, unsigned int n)
{
	/* Any order will do: the last first. */
	for (unsigned int i = n; i--;)
		rig->source->ops->release(rig->source, &packets[i].token, 1);
}

TEST_ENGINES(streams_come_whole_and_in_order)
{
	enum { EACH = 500 };
	unsigned int next[STREAMS] = { 0 }, sent = 0, got = 0;
	uint64_t start = sp_clock_now(), last_ns = start;
	struct sp_packet packets[BURST];
	struct rig rig;

	set_up(&rig, no_uring, 100, SIZE, 1 << 20);
	while (got < EACH * STREAMS) {
		unsigned int n;

		for (int i = 0; i < 20 && sent < EACH; i++, sent++)
			for (unsigned int s = 0; s < STREAMS; s++)
				send_numbered(&rig, rig.camera, s, sent);
		n = receive(&rig, packets, BURST);
		for (unsigned int i = 0; i < n; i++) {
			const struct sp_packet *packet = &packets[i];

			CHECK(packet->stream < STREAMS);
			CHECK_EQ(packet->source_ip, CAMERA);
			CHECK_EQ(number_of(&rig, packet), next[packet->stream]++);
			CHECK_EQ(packet->offset % 64, 56);
			CHECK(packet->rx_ns >= last_ns && packet->rx_ns <= sp_clock_now());
			last_ns = packet->rx_ns;
		}
		release(&rig, packets, n);
		got += n;
		CHECK(sp_clock_now() - start < PATIENCE);
	}
	CHECK_EQ(rig.source->counters.received, EACH * STREAMS);
	CHECK_EQ(rig.source->counters.socket_overflow, 0);
	tear_down(&rig);
}

TEST_ENGINES(strangers_are_dropped)
{
	struct sp_packet packets[BURST];
	unsigned int got = 0;
	struct rig rig;

	set_up(&rig, no_uring, 8, SIZE, 1 << 20);
	/* Far more strangers than buffers: theirs must come back. */
	for (unsigned int i = 0; i < 100; i++) {
		send_numbered(&rig, rig.stranger, 1, i);
		if (i % 10 == 0)
			send_numbered(&rig, rig.camera, 1, i);
	}
	for (unsigned int i = 0; i < 50; i++)
		send_numbered(&rig, rig.other_port, 2, i);
	send_numbered(&rig, rig.camera, 2, 1);
	send_numbered(&rig, rig.other_port, 1, 1);
	send_numbered(&rig, rig.stranger, 0, 7);
	for (uint64_t start = sp_clock_now(); got < 13 && sp_clock_now() - start < PATIENCE;) {
		unsigned int n = receive(&rig, packets, BURST);

		for (unsigned int i = 0; i < n; i++)
			CHECK_EQ(packets[i].source_ip, packets[i].stream ? CAMERA : STRANGER);
		release(&rig, packets, n);
		got += n;
	}
	while (receive(&rig, packets, BURST))
		FAIL("more than was sent");
	CHECK_EQ(got, 13);
	CHECK_EQ(rig.source->counters.foreign, 100);
	CHECK_EQ(rig.source->counters.foreign_port, 50);
	tear_down(&rig);
}

TEST_ENGINES(what_is_too_long_is_dropped)
{
	uint8_t bytes[3001] = { 0 };
	struct sp_packet packets[BURST];
	unsigned int got = 0;
	struct rig rig;

	set_up(&rig, no_uring, 4, 1000, 1 << 20);
	for (int i = 0; i < 10; i++) {
		send_bytes(&rig, rig.camera, 1, bytes, 1001);
		send_bytes(&rig, rig.camera, 1, bytes, 3001);
	}
	send_bytes(&rig, rig.camera, 1, bytes, 1000);
	send_bytes(&rig, rig.camera, 1, bytes, 0);
	for (uint64_t start = sp_clock_now(); got < 2 && sp_clock_now() - start < PATIENCE;) {
		unsigned int n = receive(&rig, packets, BURST);

		for (unsigned int i = 0; i < n; i++)
			CHECK_EQ(packets[i].length, got + i ? 0 : 1000);
		release(&rig, packets, n);
		got += n;
	}
	CHECK_EQ(got, 2);
	CHECK_EQ(rig.source->counters.truncated, 20);
	tear_down(&rig);
}

TEST_ENGINES(buffers_run_out_and_come_back)
{
	enum { BUFFERS = 8, SENT = 20 };
	struct sp_packet held[SENT + BURST];
	unsigned int got = 0;
	struct rig rig;

	set_up(&rig, no_uring, BUFFERS, SIZE, 1 << 20);
	for (unsigned int i = 0; i < SENT; i++)
		send_numbered(&rig, rig.camera, 2, i);
	got = receive_until(&rig, held, got, BUFFERS);
	CHECK_EQ(got, BUFFERS);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(receive(&rig, held + got, BURST), 0);
	CHECK_EQ(rig.source->counters.no_buffer, 1);
	release(&rig, held, 3);
	got = receive_until(&rig, held, got, BUFFERS + 3);
	release(&rig, held + 3, BUFFERS);
	for (uint64_t start = sp_clock_now(); got < SENT && sp_clock_now() - start < PATIENCE;) {
		unsigned int n = receive(&rig, held + got, BURST);

		for (unsigned int i = 0; i < n; i++)
			CHECK_EQ(number_of(&rig, &held[got + i]), got + i);
		release(&rig, held + got, n);
		got += n;
	}
	CHECK_EQ(got, SENT);
	CHECK(rig.source->counters.no_buffer >= 1 && rig.source->counters.no_buffer <= SENT);
	tear_down(&rig);
}

TEST_ENGINES(kernel_drops_are_counted_exactly)
{
	enum { SENT = 400 };
	const struct sp_packet_counters *counters;
	struct sp_packet packets[BURST];
	struct rig rig;

	set_up(&rig, no_uring, 64, SIZE, 16384);
	counters = &rig.source->counters;
	/* Twice, since the second delta must not count the first again. */
	for (uint64_t round = 1; round <= 2; round++) {
		uint64_t start = sp_clock_now();

		for (unsigned int i = 0; i < SENT; i++)
			send_numbered(&rig, rig.camera, 1, i);
		/* The last drops are seen when the source has been idle. */
		while (counters->received + counters->socket_overflow < round * SENT &&
		       sp_clock_now() - start < PATIENCE) {
			int n = rig.source->ops->receive(rig.source, packets, BURST, SP_NS_PER_MS);

			CHECK(n >= 0);
			release(&rig, packets, (unsigned)n);
		}
		CHECK(counters->socket_overflow > 0);
		CHECK_EQ(counters->received + counters->socket_overflow, round * SENT);
	}
	tear_down(&rig);
}

/* Drops from before the source belong to nobody here. */
TEST_ENGINES(old_drops_are_not_counted)
{
	struct sp_packet packets[BURST];
	struct sp_packet_stream stream = { 0 };
	struct sp_err err;
	struct rig rig;
	int n;

	set_up(&rig, no_uring, 64, SIZE, 16384);
	for (unsigned int i = 0; i < 200; i++)
		send_numbered(&rig, rig.camera, 0, i);
	/* The same socket again as a later stream, whose drops these were not. */
	stream.fd = rig.fd[0];
	CHECK_EQ(rig.source->ops->add_stream(rig.source, &stream, &err), 0);
	do {
		n = rig.source->ops->receive(rig.source, packets, BURST, 5 * SP_NS_PER_MS);
		release(&rig, packets, n > 0 ? (unsigned)n : 0);
	} while (n > 0);
	CHECK(rig.source->counters.socket_overflow > 0);
	CHECK_EQ(rig.source->counters.received + rig.source->counters.socket_overflow, 200);
	tear_down(&rig);
}

TEST_ENGINES(an_idle_receive_waits_its_time)
{
	struct sp_packet packets[BURST];
	uint64_t start;
	struct rig rig;

	set_up(&rig, no_uring, 8, SIZE, 1 << 20);
	CHECK_EQ(rig.source->ops->receive(rig.source, packets, BURST, 0), 0);
	start = rig.source->ops->now(rig.source);
	CHECK_EQ(rig.source->ops->receive(rig.source, packets, BURST, 30 * SP_NS_PER_MS), 0);
	CHECK(rig.source->ops->now(rig.source) - start >= 30 * SP_NS_PER_MS);
	tear_down(&rig);
}

/* io_uring names buffers by 16 bits and holds 32768 in a ring. */
TEST_ENGINES(more_buffers_than_a_ring_holds)
{
	enum { BUFFERS = 40000, ROUNDS = 3 };
	struct sp_packet *held = malloc((BUFFERS + BURST) * sizeof(*held));
	uint64_t start = sp_clock_now();
	struct rig rig;

	CHECK(held);
	set_up(&rig, no_uring, BUFFERS, 64, 1 << 20);
	for (int round = 0; round < ROUNDS; round++) {
		unsigned int got = 0, sent = 0;

		while (got < BUFFERS) {
			for (int i = 0; i < 100 && sent < BUFFERS && sent - got < 200; i++, sent++)
				send_bytes(&rig, rig.camera, 1, &sent, sizeof(sent));
			got += receive(&rig, held + got, BURST);
			CHECK(sp_clock_now() - start < 3 * PATIENCE);
		}
		/* Every packet in a buffer of its own. */
		for (unsigned int i = 0; i < got; i++)
			CHECK(!memcmp(rig.source->region->base + held[i].offset, &i, sizeof(i)));
		release(&rig, held, got);
	}
	CHECK(rig.source->counters.no_buffer <= ROUNDS);
	CHECK_EQ(rig.source->counters.received, BUFFERS * ROUNDS);
	tear_down(&rig);
	free(held);
}

static void *receive_on_thread(void *arg)
{
	struct rig *rig = arg;
	struct sp_packet packet;
	int n = 0;

	for (int i = 0; i < 100 && n == 0; i++)
		n = rig->source->ops->receive(rig->source, &packet, 1, 100 * SP_NS_PER_MS);
	return (void *)(intptr_t)n;
}

/* As in real life: opened and closed by main, used by the capture thread. Then the port is free. */
TEST_ENGINES(a_thread_receives_and_main_closes)
{
	struct sp_err err;
	pthread_t thread;
	struct rig rig;
	uint64_t start;
	uint16_t port;
	int fd = -1;
	void *n;

	set_up(&rig, no_uring, 8, SIZE, 1 << 20);
	port = rig.port[0];
	send_numbered(&rig, rig.camera, 0, 1);
	CHECK_EQ(pthread_create(&thread, NULL, receive_on_thread, &rig), 0);
	CHECK_EQ(pthread_join(thread, &n), 0);
	CHECK_EQ((intptr_t)n, 1);
	tear_down(&rig);
	/* The kernel lets go of an io_uring in the background. */
	for (start = sp_clock_now(); sp_clock_now() - start < PATIENCE;) {
		fd = sp_udp_socket(HOST, port, 4096, &port, &err);
		if (fd >= 0)
			break;
	}
	if (fd < 0)
		FAIL("%s", err.text);
	close(fd);
}

TEST_ENGINES(impossible_configurations_are_refused)
{
	static const struct sp_udp_config impossible[] = {
		{ .buffers = 0, .buffer_size = 1500 },
		{ .buffers = 1u << 30, .buffer_size = 1500 },
		{ .buffers = 10, .buffer_size = 0 },
		{ .buffers = 10, .buffer_size = 70000 },
	};
	struct sp_packet_source *source = NULL;
	struct sp_packet_stream none = { .fd = -1, .host_port = 4000 };
	struct sp_err err = { "" };
	struct rig rig;

	for (size_t i = 0; i < sizeof(impossible) / sizeof(impossible[0]); i++) {
		struct sp_udp_config config = impossible[i];

		config.no_uring = no_uring;
		CHECK_EQ(sp_udp_open(&config, &source, &err), -EINVAL);
		CHECK(!source && !strncmp(err.text, "udp: ", 5));
	}
	set_up(&rig, no_uring, 8, SIZE, 1 << 20);
	CHECK_EQ(rig.source->ops->add_stream(rig.source, &none, &err), -EBADF);
	for (int i = STREAMS; i < 64; i++) {
		struct sp_packet_stream stream = { .fd = rig.fd[0] };

		CHECK_EQ(rig.source->ops->add_stream(rig.source, &stream, &err), 0);
	}
	none.fd = rig.fd[0];
	CHECK_EQ(rig.source->ops->add_stream(rig.source, &none, &err), -ENOSPC);
	tear_down(&rig);
}

TEST(a_socket_says_why_it_cannot_be)
{
	struct sp_err err;
	uint16_t port, again;
	int fd = sp_udp_socket(HOST, 0, 1 << 20, &port, &err);

	CHECK(fd >= 0 && port);
	CHECK_EQ(sp_udp_socket(HOST, port, 1 << 20, &again, &err), -EADDRINUSE);
	CHECK(strstr(err.text, "127.0.0.1:") && strstr(err.text, "; choose another port"));
	CHECK_EQ(sp_udp_socket(0xC0000201u, port, 1 << 20, &again, &err), -EADDRNOTAVAIL);
	CHECK(strstr(err.text, "192.0.2.1:"));
	close(fd);
}

TEST_MAIN()
