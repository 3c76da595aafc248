/* SPDX-License-Identifier: Apache-2.0 */
/* TSAN: yes */
#include "control/resend.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/event.h"
#include "frame/frame_source.h"
#include "test.h"
#include "wire/gvcp.h"

/* ---- a frame source that has nothing but requests -------------------------------------------- */

enum { REQUESTS = 256 };

struct fake_source {
	struct sp_frame_source source;
	pthread_mutex_t lock;
	struct sp_resend_request requests[REQUESTS];
	unsigned int n;
};

static unsigned int take_resends(struct sp_frame_source *source, struct sp_resend_request *requests,
				 unsigned int max)
{
	struct fake_source *fake = (struct fake_source *)source;
	unsigned int n;

	pthread_mutex_lock(&fake->lock);
	n = fake->n < max ? fake->n : max;
	memcpy(requests, fake->requests, n * sizeof(requests[0]));
	fake->n -= n;
	memmove(fake->requests, fake->requests + n, fake->n * sizeof(requests[0]));
	pthread_mutex_unlock(&fake->lock);
	return n;
}

static const struct sp_frame_source_ops fake_ops = { .name = "fake", .take_resends = take_resends };

/* ---- the world of one test: two streams, and the cameras' control port ----------------------- */

struct world {
	struct fake_source source;
	struct sp_event wake;
	int camera_fd, fds[2];
	uint16_t ports[2];
	struct sp_resend *resend;
};

static int udp_socket(uint32_t ip, uint16_t port, uint16_t *ret_port)
{
	struct sockaddr_in in = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(ip),
	};
	socklen_t size = sizeof(in);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&in, sizeof(in)))
		SKIP("no socket on loopback port %u: %s", port, strerror(errno));
	getsockname(fd, (struct sockaddr *)&in, &size);
	*ret_port = ntohs(in.sin_port);
	return fd;
}

/* A loopback address of this process, so that tests may run side by side. */
static uint32_t camera_ip(void)
{
	return 127u << 24 | 77u << 16 | ((uint32_t)getpid() & 0xFFFF);
}

static const struct sp_bucket_config plenty = { .rate = 0, .burst = 1u << 30 };

static void build(struct world *w, struct sp_bucket_config port, struct sp_bucket_config stream)
{
	struct sp_resend_config config = { .wake = &w->wake, .budget = port, .cpu = -1 };
	struct sp_resend_stream streams[2];
	struct sp_err err = { "" };
	uint16_t unused;

	memset(w, 0, sizeof(*w));
	w->source.source.ops = &fake_ops;
	pthread_mutex_init(&w->source.lock, NULL);
	config.source = &w->source.source;
	CHECK_EQ(sp_event_init(&w->wake), 0);
	w->camera_fd = udp_socket(camera_ip(), GVCP_PORT, &unused);
	for (unsigned int i = 0; i < 2; i++) {
		w->fds[i] = udp_socket(INADDR_LOOPBACK, 0, &w->ports[i]);
		streams[i] = (struct sp_resend_stream){
			.fd = w->fds[i],
			.camera_ip = camera_ip(),
			.budget = stream,
		};
	}
	if (sp_resend_create(&config, streams, 2, &w->resend, &err))
		FAIL("%s", err.text);
}

static void tear_down(struct world *w)
{
	sp_resend_destroy(w->resend);
	close(w->camera_fd);
	close(w->fds[0]);
	close(w->fds[1]);
	sp_event_uninit(&w->wake);
	pthread_mutex_destroy(&w->source.lock);
}

static void want(struct world *w, unsigned int stream, uint64_t block, uint32_t first,
		 uint32_t last, bool extended)
{
	pthread_mutex_lock(&w->source.lock);
	if (w->source.n < REQUESTS)
		w->source.requests[w->source.n++] = (struct sp_resend_request){
			.stream = stream,
			.block_id = block,
			.first = first,
			.last = last,
			.extended = extended,
		};
	pthread_mutex_unlock(&w->source.lock);
	sp_event_signal(&w->wake);
}

/* Bytes of the next command that has arrived, 0 if none. */
static size_t hear(struct world *w, uint8_t *bytes, size_t size, uint16_t *ret_from)
{
	struct sockaddr_in from;
	socklen_t from_size = sizeof(from);
	ssize_t n = recvfrom(w->camera_fd, bytes, size, MSG_DONTWAIT, (struct sockaddr *)&from,
			     &from_size);

	if (n <= 0)
		return 0;
	*ret_from = ntohs(from.sin_port);
	return (size_t)n;
}

/* The next command must ask for exactly these packets. */
static void expect(struct world *w, uint64_t block, uint32_t first, uint32_t last)
{
	uint8_t bytes[GVCP_MESSAGE_MAX];
	struct sp_gvcp_command command;
	uint16_t from;
	size_t n = hear(w, bytes, sizeof(bytes), &from);

	CHECK(n);
	CHECK_EQ(sp_gvcp_parse_command(bytes, n, &command), 0);
	CHECK_EQ(command.code, GVCP_PACKETRESEND);
	CHECK_EQ(command.resend.block, block);
	CHECK_EQ(command.resend.first, first);
	CHECK_EQ(command.resend.last, last);
}

static void expect_silence(struct world *w)
{
	uint8_t bytes[GVCP_MESSAGE_MAX];
	uint16_t from;

	CHECK_EQ(hear(w, bytes, sizeof(bytes), &from), 0);
}

/* As captured from libaravis 0.8.26 (docs/provenance.md), but for the request id. */
TEST(resend_sends_what_cameras_know_from_the_streams_own_socket)
{
	static const uint8_t standard[] = {
		0x42, 0x00, 0x00, 0x40, 0x00, 0x0c, 0x00, 0x01, 0x00, 0x00,
		0xff, 0xfb, 0x00, 0x00, 0x00, 0x8f, 0x00, 0x00, 0x00, 0x8f,
	};
	static const uint8_t extended[] = {
		0x42, 0x10, 0x00, 0x40, 0x00, 0x14, 0x00, 0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
		0x00, 0x77, 0x00, 0x00, 0x00, 0x77, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02,
	};
	uint8_t bytes[GVCP_MESSAGE_MAX];
	struct world w;
	uint16_t from;

	build(&w, plenty, plenty);
	want(&w, 0, 65531, 143, 143, false);
	want(&w, 1, 2, 119, 119, true);
	CHECK_EQ(sp_resend_pump(w.resend, 0), 2);
	CHECK_EQ(hear(&w, bytes, sizeof(bytes), &from), sizeof(standard));
	CHECK(!memcmp(bytes, standard, sizeof(standard)));
	CHECK_EQ(from, w.ports[0]);
	CHECK_EQ(hear(&w, bytes, sizeof(bytes), &from), sizeof(extended));
	CHECK(!memcmp(bytes, extended, sizeof(extended)));
	CHECK_EQ(from, w.ports[1]);
	CHECK_EQ(sp_resend_pump(w.resend, 0), 0);
	CHECK_EQ(sp_resend_counters(w.resend, 0)->requests, 1);
	CHECK_EQ(sp_resend_counters(w.resend, 1)->packets, 1);
	CHECK(!sp_resend_counters(w.resend, 2));
	tear_down(&w);
}

TEST(resend_cuts_requests_to_the_streams_budget)
{
	struct world w;

	build(&w, plenty, (struct sp_bucket_config){ .rate = 100, .burst = 10 });
	want(&w, 0, 7, 1, 25, false);
	want(&w, 0, 8, 1, 3, false);
	want(&w, 1, 9, 4, 5, false);
	CHECK_EQ(sp_resend_pump(w.resend, SP_NS_PER_S), 3);
	expect(&w, 7, 1, 10);
	expect(&w, 9, 4, 5);
	expect_silence(&w);
	CHECK_EQ(sp_resend_counters(w.resend, 0)->requests, 1);
	CHECK_EQ(sp_resend_counters(w.resend, 0)->packets, 10);
	CHECK_EQ(sp_resend_counters(w.resend, 0)->refused_packets, 18);
	CHECK_EQ(sp_resend_counters(w.resend, 1)->refused_packets, 0);
	/* 50 ms later there are five more. */
	want(&w, 0, 7, 11, 25, false);
	CHECK_EQ(sp_resend_pump(w.resend, SP_NS_PER_S + 50 * SP_NS_PER_MS), 1);
	expect(&w, 7, 11, 15);
	CHECK_EQ(sp_resend_counters(w.resend, 0)->packets, 15);
	CHECK_EQ(sp_resend_counters(w.resend, 0)->refused_packets, 28);
	tear_down(&w);
}

TEST(resend_shares_the_ports_budget_among_streams)
{
	struct world w;

	build(&w, (struct sp_bucket_config){ .rate = 0, .burst = 6 }, plenty);
	want(&w, 0, 7, 1, 4, false);
	want(&w, 1, 7, 1, 4, false);
	want(&w, 0, 7, 9, 9, false);
	CHECK_EQ(sp_resend_pump(w.resend, 0), 3);
	expect(&w, 7, 1, 4);
	expect(&w, 7, 1, 2);
	expect_silence(&w);
	CHECK_EQ(sp_resend_counters(w.resend, 0)->refused_packets, 1);
	CHECK_EQ(sp_resend_counters(w.resend, 1)->refused_packets, 2);
	tear_down(&w);
}

TEST(resend_counts_what_it_cannot_send)
{
	struct sp_resend_stream stream = { .camera_ip = camera_ip(), .budget = plenty };
	struct sp_resend_config config = { .budget = plenty, .cpu = -1 };
	struct sp_frame_source_ops none = { .name = "none" };
	struct sp_frame_source mute = { .ops = &none };
	struct sp_resend *resend = NULL;
	struct sp_err err = { "" };
	struct world w;

	build(&w, plenty, plenty);
	want(&w, 0, 65536, 1, 2, false);	 /* 16 bits of block id */
	want(&w, 0, 1, 1, 0x1000000, false); /* 24 bits of packet id */
	CHECK_EQ(sp_resend_pump(w.resend, 0), 2);
	expect_silence(&w);
	CHECK_EQ(sp_resend_counters(w.resend, 0)->unsendable, 2 + 0x1000000);
	CHECK_EQ(sp_resend_counters(w.resend, 0)->requests, 0);

	/* A descriptor that is no socket refuses every command. */
	config.source = &w.source.source;
	stream.fd = open("/dev/null", O_RDONLY);
	CHECK_EQ(sp_resend_create(&config, &stream, 1, &resend, &err), 0);
	want(&w, 0, 1, 1, 2, false);
	CHECK_EQ(sp_resend_pump(resend, 0), 1);
	CHECK_EQ(sp_resend_counters(resend, 0)->send_errors, 1);
	CHECK_EQ(sp_resend_counters(resend, 0)->packets, 0);
	sp_resend_destroy(resend);
	close(stream.fd);

	stream.fd = -1;
	CHECK_EQ(sp_resend_create(&config, &stream, 1, &resend, &err), -EINVAL);
	config.source = &mute;
	CHECK_EQ(sp_resend_create(&config, &stream, 0, &resend, &err), -EINVAL);
	CHECK(strstr(err.text, "\"none\""));
	tear_down(&w);
}

TEST(resend_never_uses_request_id_0)
{
	uint8_t bytes[GVCP_MESSAGE_MAX];
	struct world w;
	uint16_t from, last = 0;

	build(&w, plenty, plenty);
	for (uint32_t i = 1; i <= 65540; i++) {
		uint16_t id;

		want(&w, 0, 1, 1, 1, false);
		CHECK_EQ(sp_resend_pump(w.resend, 0), 1);
		CHECK(hear(&w, bytes, sizeof(bytes), &from));
		id = (uint16_t)(bytes[6] << 8 | bytes[7]);
		CHECK_EQ(id, last == 0xFFFF ? 1 : last + 1);
		last = id;
	}
	tear_down(&w);
}

TEST(resend_thread_wakes_for_requests_and_stops)
{
	const struct sp_resend_counters *counters;
	uint64_t until = sp_clock_now() + 20 * SP_NS_PER_S;
	struct world w;

	build(&w, plenty, plenty);
	counters = sp_resend_counters(w.resend, 0);
	CHECK_EQ(sp_resend_start(w.resend, NULL), 0);
	for (unsigned int i = 1; i <= 100; i++) {
		want(&w, 0, i, 1, 3, false);
		while (sp_counter_read(&counters->packets) < 3 * i && sp_clock_now() < until)
			nanosleep(&(struct timespec){ .tv_nsec = 100000 }, NULL);
		CHECK_EQ(sp_counter_read(&counters->packets), 3 * i);
		expect(&w, i, 1, 3);
	}
	sp_resend_stop(w.resend);
	want(&w, 0, 101, 1, 3, false);
	expect_silence(&w);
	tear_down(&w);
}

TEST_MAIN()
