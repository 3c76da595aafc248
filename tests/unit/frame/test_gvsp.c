/* SPDX-License-Identifier: Apache-2.0 */
/* TSAN: yes */
/* The GVSP frame source over loopback, every test with both engines of the UDP packet source. */
#include "frame/frame_source.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/event.h"
#include "camera.h"
#include "capture/packet_source.h"
#include "test.h"

#define HOST 0x7F000001u

enum { STREAMS = 2 };

/* Each test is a function of the engine and becomes two tests. */
#define TEST_ENGINES(name)                                                                         \
	static void name(bool no_uring);                                                           \
	TEST(name##_io_uring) { name(false); }                                                     \
	TEST(name##_recvmmsg) { name(true); }                                                      \
	static void name(bool no_uring)

struct rig {
	struct sp_frame_source *source;
	struct sp_packet_source *packets;
	struct sp_event frames;
	int fd[STREAMS], camera;
	uint16_t port[STREAMS];
};

static void set_up(struct rig *rig, const struct wishes *wishes)
{
	const struct sp_udp_config udp = {
		.buffers = wishes->buffers ? wishes->buffers : 4096,
		.buffer_size = DATAGRAM_MAX,
		.no_uring = wishes->no_uring,
	};
	struct sp_gvsp_source_config config = { .cpu = -1, .frames = &rig->frames };
	struct sp_err err;

	if (sp_udp_open(&udp, &rig->packets, &err))
		FAIL("%s", err.text);
	if (!wishes->no_uring && strcmp(rig->packets->ops->name, "io_uring")) {
		rig->packets->ops->close(rig->packets);
		SKIP("io_uring is refused here");
	}
	CHECK_EQ(sp_event_init(&rig->frames), 0);
	config.packets = rig->packets;
	CHECK_EQ(sp_gvsp_source_open(&config, &rig->source, &err), 0);
	for (unsigned int i = 0; i < STREAMS; i++) {
		struct sp_stream_config stream = stream_config(wishes, i);

		rig->fd[i] = sp_udp_socket(HOST, 0, 4 << 20, &rig->port[i], &err);
		if (rig->fd[i] < 0)
			FAIL("%s", err.text);
		stream.fd = rig->fd[i];
		stream.host_port = rig->port[i];
		if (rig->source->ops->add_stream(rig->source, &stream, &err) != (int)i)
			FAIL("%s", err.text);
	}
	rig->camera = sp_udp_socket(CAMERA, 0, 1 << 20, &(uint16_t){ 0 }, &err);
	CHECK(rig->camera >= 0);
	if (rig->source->ops->start(rig->source, &err))
		FAIL("%s", err.text);
}

static void tear_down(struct rig *rig)
{
	rig->source->ops->close(rig->source);
	sp_event_uninit(&rig->frames);
	for (int i = 0; i < STREAMS; i++)
		close(rig->fd[i]);
	close(rig->camera);
}

static void send_packet(const struct rig *rig, unsigned int stream, uint64_t block, uint32_t id,
			bool resent)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons(rig->port[stream]),
		.sin_addr.s_addr = htonl(HOST),
	};
	uint8_t bytes[DATAGRAM_MAX];
	size_t size = make_packet(bytes, stream, block, id, resent);

	CHECK_EQ(sendto(rig->camera, bytes, size, 0, (struct sockaddr *)&to, sizeof(to)), size);
}

static const struct sp_stream_counters *counters(const struct rig *rig, unsigned int stream)
{
	const struct sp_stream_counters *c = rig->source->ops->counters(rig->source, stream);

	CHECK(c);
	return c;
}

/* Waits until the stream's counter says @want; the test fails if it never does. */
static void await(const uint64_t *counter, uint64_t want)
{
	uint64_t start = sp_clock_now();

	while (sp_counter_read(counter) < want && sp_clock_now() - start < PATIENCE)
		sched_yield();
	CHECK_EQ(sp_counter_read(counter), want);
}

/* The next frame, with patience. */
static struct sp_frame *next_frame(struct rig *rig)
{
	uint64_t start = sp_clock_now();
	struct sp_frame *frame = NULL;

	while (!rig->source->ops->get(rig->source, &frame, 1)) {
		if (sp_clock_now() - start > PATIENCE)
			break;
		sp_event_arm(&rig->frames);
		if (!rig->source->ops->get(rig->source, &frame, 1))
			sp_event_wait(&rig->frames, SP_NS_PER_S);
		sp_event_disarm(&rig->frames);
		if (frame)
			break;
	}
	CHECK(frame);
	return frame;
}

TEST_ENGINES(blocks_become_frames_byte_for_byte)
{
	enum { BLOCKS = 100 };
	const struct wishes wishes = { .no_uring = no_uring };
	uint64_t next[STREAMS] = { 1, 1 };
	struct sp_frame *held[STREAMS];
	struct rig rig;

	set_up(&rig, &wishes);
	for (uint64_t block = 1; block <= BLOCKS; block++) {
		for (uint32_t id = 0; id <= PACKETS + 1; id++)
			for (unsigned int s = 0; s < STREAMS; s++)
				send_packet(&rig, s, block, id, false);
		for (int i = 0; i < STREAMS; i++) {
			held[i] = next_frame(&rig);
			CHECK_EQ(held[i]->block_id, next[held[i]->stream]++);
			CHECK_EQ(held[i]->missing_n, 0);
			check_frame(held[i], held[i]->stream);
		}
		for (int i = STREAMS; i--;)
			rig.source->ops->put(rig.source, held[i]);
	}
	rig.source->ops->stop(rig.source);
	for (unsigned int s = 0; s < STREAMS; s++) {
		CHECK_EQ(counters(&rig, s)->expected, BLOCKS * PACKETS);
		CHECK_EQ(counters(&rig, s)->delivered, BLOCKS * PACKETS);
		CHECK_EQ(counters(&rig, s)->frames_complete, BLOCKS);
		CHECK(sp_ledger_adds_up(counters(&rig, s)));
	}
	CHECK(!rig.source->ops->counters(rig.source, STREAMS));
	CHECK(!sp_gvsp_source_ended(rig.source));
	tear_down(&rig);
}

/* The same dice every run. */
static uint32_t roll(uint64_t *seed, uint32_t sides)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*seed >> 33) % sides;
}

TEST_ENGINES(loss_and_duplicates_end_in_an_exact_ledger)
{
	enum { BLOCKS = 60 };
	const struct wishes wishes = { .no_uring = no_uring };
	uint64_t lost[STREAMS] = { 0 }, doubled[STREAMS] = { 0 }, seed = 20261123;
	uint64_t sent[STREAMS] = { 0 }, missing[STREAMS] = { 0 };
	unsigned int frames = 0, n;
	struct sp_frame *frame;
	struct rig rig;

	printf("seed %llu\n", (unsigned long long)seed);
	set_up(&rig, &wishes);
	for (unsigned int s = 0; s < STREAMS; s++) {
		for (uint64_t block = 1; block <= BLOCKS; block++) {
			for (uint32_t id = 0; id <= PACKETS + 1; id++) {
				bool payload = id && id <= PACKETS;
				/* The first and the last block are whole: they are the ends. */
				bool end = block == 1 || block == BLOCKS;
				uint32_t dice = end ? 99 : roll(&seed, 100);

				if (payload && dice < 5) {
					lost[s]++;
					continue;
				}
				send_packet(&rig, s, block, id, false);
				sent[s]++;
				if (payload && dice < 10) {
					send_packet(&rig, s, block, id, false);
					sent[s]++;
					doubled[s]++;
				}
			}
		}
		await(&counters(&rig, s)->packets, sent[s]);
	}
	/* What lacks a packet is closed once it has ended, or by the stop at the latest. */
	rig.source->ops->stop(rig.source);
	while ((n = rig.source->ops->get(rig.source, &frame, 1))) {
		check_frame(frame, frame->stream);
		missing[frame->stream] += frame->missing_n;
		CHECK_EQ(!(frame->flags & SP_FRAME_INCOMPLETE), !frame->missing_n);
		rig.source->ops->put(rig.source, frame);
		frames++;
	}
	CHECK_EQ(frames, BLOCKS * STREAMS);
	for (unsigned int s = 0; s < STREAMS; s++) {
		const struct sp_stream_counters *c = counters(&rig, s);

		CHECK(lost[s] > 0 && doubled[s] > 0);
		CHECK_EQ(missing[s], lost[s]);
		CHECK_EQ(c->expected, BLOCKS * PACKETS);
		CHECK_EQ(c->missing, lost[s]);
		CHECK_EQ(c->delivered, BLOCKS * PACKETS - lost[s]);
		CHECK_EQ(c->duplicate, doubled[s]);
		CHECK(sp_ledger_adds_up(c));
	}
	tear_down(&rig);
}

TEST_ENGINES(resends_make_blocks_whole)
{
	enum { BLOCKS = 40 };
	const struct wishes wishes = {
		.no_uring = no_uring,
		.resend_tries = 10000,
	};
	uint64_t seed = 7, start = sp_clock_now(), answered = 0;
	struct sp_resend_request requests[16];
	unsigned int frames = 0, n;
	struct sp_frame *frame;
	struct rig rig;

	printf("seed %llu\n", (unsigned long long)seed);
	set_up(&rig, &wishes);
	for (uint64_t block = 1; block <= BLOCKS; block++)
		for (uint32_t id = 0; id <= PACKETS + 1; id++)
			if (id == 0 || id == PACKETS + 1 || roll(&seed, 10))
				send_packet(&rig, 0, block, id, false);
	while (frames < BLOCKS && sp_clock_now() - start < PATIENCE) {
		n = rig.source->ops->take_resends(rig.source, requests, 16);
		for (unsigned int i = 0; i < n; i++) {
			CHECK_EQ(requests[i].stream, 0);
			CHECK(!requests[i].extended);
			CHECK(requests[i].first <= requests[i].last);
			for (uint32_t id = requests[i].first; id <= requests[i].last; id++)
				send_packet(&rig, 0, requests[i].block_id, id, true);
			answered++;
		}
		if (rig.source->ops->get(rig.source, &frame, 1)) {
			CHECK_EQ(frame->missing_n, 0);
			check_frame(frame, 0);
			rig.source->ops->put(rig.source, frame);
			frames++;
		}
	}
	CHECK_EQ(frames, BLOCKS);
	CHECK(answered > 0);
	rig.source->ops->stop(rig.source);
	CHECK_EQ(counters(&rig, 0)->delivered, BLOCKS * PACKETS);
	CHECK_EQ(counters(&rig, 0)->missing, 0);
	CHECK_EQ(counters(&rig, 0)->resends_dropped, 0);
	CHECK(counters(&rig, 0)->resent > 0);
	CHECK(sp_ledger_adds_up(counters(&rig, 0)));
	tear_down(&rig);
}

/* A resend thread that is stuck: requests are dropped and counted, nothing waits for it. */
TEST_ENGINES(requests_nobody_takes_are_dropped)
{
	const struct wishes wishes = {
		.no_uring = no_uring,
		.resend_tries = 1000000,
		.gap_ns = 1000,
		.packet_timeout_ns = 1000,
	};
	struct sp_resend_request request;
	unsigned int taken = 0;
	struct sp_frame *frame;
	uint64_t start;
	struct rig rig;

	set_up(&rig, &wishes);
	for (uint64_t block = 1; block <= 20; block++)
		for (uint32_t id = 0; id <= PACKETS + 1; id += id ? 2 : 1)
			send_packet(&rig, 0, block, id, false);
	start = sp_clock_now();
	while (!sp_counter_read(&counters(&rig, 0)->resends_dropped) &&
	       sp_clock_now() - start < PATIENCE)
		sched_yield();
	CHECK(sp_counter_read(&counters(&rig, 0)->resends_dropped) > 0);
	/* It still works: a whole block comes through. */
	for (uint32_t id = 0; id <= PACKETS + 1; id++)
		send_packet(&rig, 0, 21, id, false);
	frame = next_frame(&rig);
	CHECK_EQ(frame->block_id, 21);
	rig.source->ops->put(rig.source, frame);
	rig.source->ops->stop(rig.source);
	while (rig.source->ops->take_resends(rig.source, &request, 1))
		taken++;
	CHECK_EQ(taken, 1024);
	CHECK(sp_ledger_adds_up(counters(&rig, 0)));
	tear_down(&rig);
}

/* A consumer who keeps its frames costs blocks, by the rules, and gets going again. */
TEST_ENGINES(a_slow_consumer_costs_blocks_by_policy)
{
	enum { CREDIT = 4, BLOCKS = 20 };
	const struct wishes wishes = { .no_uring = no_uring, .frames = CREDIT };
	const struct sp_stream_counters *c;
	struct sp_frame *held[BLOCKS];
	struct rig rig;

	set_up(&rig, &wishes);
	c = counters(&rig, 0);
	for (uint64_t block = 1; block <= BLOCKS; block++)
		for (uint32_t id = 0; id <= PACKETS + 1; id++)
			send_packet(&rig, 0, block, id, false);
	await(&c->packets, BLOCKS * (PACKETS + 2));
	CHECK_EQ(rig.source->ops->get(rig.source, held, BLOCKS), CREDIT);
	for (int i = 0; i < CREDIT; i++) {
		check_frame(held[i], 0);
		rig.source->ops->put(rig.source, held[i]);
	}
	/* Returned frames are seen by the next turn: a block sent now may be the last to suffer. */
	for (uint64_t block = BLOCKS + 1, start = sp_clock_now();; block++) {
		for (uint32_t id = 0; id <= PACKETS + 1; id++)
			send_packet(&rig, 0, block, id, false);
		await(&c->packets, block * (PACKETS + 2));
		if (sp_counter_read(&c->frames_complete) > CREDIT)
			break;
		CHECK(sp_clock_now() - start < PATIENCE);
	}
	rig.source->ops->stop(rig.source);
	CHECK(c->blocks_policy >= BLOCKS - CREDIT);
	CHECK_EQ(c->policy, c->blocks_policy * PACKETS);
	CHECK(sp_ledger_adds_up(c));
	tear_down(&rig);
}

/* Checks and gives back what there is; returns how many. */
static unsigned int take_frames(struct rig *rig)
{
	struct sp_frame *frame;
	unsigned int n = 0;

	for (; rig->source->ops->get(rig->source, &frame, 1); n++) {
		check_frame(frame, frame->stream);
		rig->source->ops->put(rig->source, frame);
	}
	return n;
}

/* Fewer buffers than the frames could hold: blocks suffer, nothing stands still, all adds up. */
TEST_ENGINES(few_buffers_stop_nobody)
{
	enum { BLOCKS = 200 };
	const struct wishes wishes = {
		.no_uring = no_uring,
		.buffers = 64,
		.frames = 16,
		.packet_timeout_ns = 600 * SP_NS_PER_S, /* no block is closed by time */
	};
	uint64_t sent = 0, frames = 0;
	struct rig rig;

	set_up(&rig, &wishes);
	for (uint64_t block = 1; block <= BLOCKS; block++) {
		for (unsigned int s = 0; s < STREAMS; s++) {
			for (uint32_t id = 0; id <= PACKETS + 1; id++) {
				/* Never a whole one on stream 1: its blocks must be given up. */
				if (s == 1 && id == 5)
					continue;
				send_packet(&rig, s, block, id, false);
				sent++;
			}
		}
		frames += take_frames(&rig);
	}
	for (uint64_t start = sp_clock_now();; sched_yield()) {
		const struct sp_packet_counters *p = &rig.packets->counters;

		frames += take_frames(&rig);
		if (sp_counter_read(&p->received) + sp_counter_read(&p->socket_overflow) == sent)
			break;
		CHECK(sp_clock_now() - start < PATIENCE);
	}
	rig.source->ops->stop(rig.source);
	frames += take_frames(&rig);
	CHECK(frames > 0);
	for (unsigned int s = 0; s < STREAMS; s++) {
		CHECK(sp_ledger_adds_up(counters(&rig, s)));
		CHECK(counters(&rig, s)->expected > 0);
	}
	CHECK(counters(&rig, 1)->blocks_policy > 0);
	CHECK_EQ(counters(&rig, 0)->frames_complete + counters(&rig, 0)->frames_incomplete +
			 counters(&rig, 1)->frames_complete + counters(&rig, 1)->frames_incomplete,
		 frames);
	tear_down(&rig);
}

TEST_ENGINES(close_takes_back_what_is_out)
{
	const struct wishes wishes = { .no_uring = no_uring };
	struct rig rig;

	set_up(&rig, &wishes);
	for (uint64_t block = 1; block <= 5; block++)
		for (uint32_t id = 0; id <= PACKETS + 1; id++)
			send_packet(&rig, 0, block, id, false);
	(void)next_frame(&rig);
	/* One frame with us, the others in the ring. */
	tear_down(&rig);
}

TEST_MAIN()
