/* SPDX-License-Identifier: Apache-2.0 */
/* TSAN: yes */
/* The GVSP frame source: synthetic cameras over loopback, and a scripted packet source. */
#include "frame/frame_source.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/event.h"
#include "base/region.h"
#include "capture/packet_source.h"
#include "gvsp_wire.h"
#include "sallyport/gvsp.h"
#include "test.h"
#include "wire/pfnc.h"

#define HOST 0x7F000001u
#define CAMERA 0x7F000002u
#define PATIENCE (20 * SP_NS_PER_S) /* only a failing test waits this long */

enum {
	STREAMS = 2,
	WIDTH = 60,
	HEIGHT = 50,
	BYTES = WIDTH * HEIGHT,
	PAYLOAD = 256,
	PACKETS = (BYTES + PAYLOAD - 1) / PAYLOAD, /* 12, the last one short */
	DATAGRAM_MAX = 8 + PAYLOAD,
};

#define TEST_ENGINES(name)                                                                         \
	static void name(bool no_uring);                                                           \
	TEST(name##_io_uring) { name(false); }                                                     \
	TEST(name##_recvmmsg) { name(true); }                                                      \
	static void name(bool no_uring)

static uint8_t pixel(unsigned int stream, uint64_t block, uint32_t at)
{
	return (uint8_t)(at * 13 + block * 31 + stream * 101 + (at >> 8));
}

/* Packet @id of a block as a camera would send it: 0 the leader, PACKETS + 1 the trailer. */
static size_t make_packet(uint8_t *bytes, unsigned int stream, uint64_t block, uint32_t id,
			  bool resent)
{
	struct sp_gvsp_packet header = {
		.block_id = block,
		.packet_id = id,
		.status = resent ? GVSP_STATUS_RESENT : 0,
		.format = GVSP_FORMAT_PAYLOAD, /* leader and trailer set their own */
	};
	const struct sp_gvsp_leader leader = {
		.timestamp = 1000 + block,
		.payload_type = GVSP_PAYLOAD_IMAGE,
		.has_image = true,
		.pixel_format = SP_PFNC_MONO8,
		.size_x = WIDTH,
		.size_y = HEIGHT,
	};
	const struct sp_gvsp_trailer trailer = {
		.payload_type = GVSP_PAYLOAD_IMAGE,
		.has_size_y = true,
		.size_y = HEIGHT,
	};
	uint32_t from = (id - 1) * PAYLOAD, n = 0;
	int size;

	if (id == 0)
		return (size_t)sp_gvsp_build_leader(&header, &leader, bytes, DATAGRAM_MAX);
	if (id == PACKETS + 1)
		return (size_t)sp_gvsp_build_trailer(&header, &trailer, 0, bytes, DATAGRAM_MAX);
	size = sp_gvsp_build(&header, bytes, DATAGRAM_MAX);
	CHECK_EQ(size, 8);
	for (; n < PAYLOAD && from + n < BYTES; n++)
		bytes[8 + n] = pixel(stream, block, from + n);
	return 8 + n;
}

/* ---- over loopback ---- */

struct rig {
	struct sp_frame_source *source;
	struct sp_packet_source *packets;
	struct sp_event frames;
	int fd[STREAMS], camera;
	uint16_t port[STREAMS];
};

/* What a test wants to be different. */
struct wishes {
	bool no_uring;
	unsigned int buffers;
	uint32_t frames, resend_tries;
	uint64_t gap_ns, packet_timeout_ns, retention_ns;
};

static struct sp_stream_config stream_config(const struct wishes *wishes, unsigned int i)
{
	return (struct sp_stream_config){
		.lane = 3,
		.camera = (uint16_t)i,
		.camera_ip = CAMERA,
		.packet_payload = PAYLOAD,
		.pixel_format = SP_PFNC_MONO8,
		.width = WIDTH,
		.height = HEIGHT,
		.frames = wishes->frames ? wishes->frames : 64,
		.gap_ns = wishes->gap_ns ? wishes->gap_ns : SP_NS_PER_MS,
		.packet_timeout_ns = wishes->packet_timeout_ns ? wishes->packet_timeout_ns :
								 2 * SP_NS_PER_MS,
		/* So long that no stall of the machine closes a block: only what the test says. */
		.retention_ns = wishes->retention_ns ? wishes->retention_ns : 600 * SP_NS_PER_S,
		.resend_tries = wishes->resend_tries,
	};
}

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

	while (!rig->source->ops->get(rig->source, &frame, 1) && sp_clock_now() - start < PATIENCE) {
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

/* Every byte is the camera's, or zero where its packet is missing. */
static void check_frame(const struct sp_frame *frame, unsigned int stream)
{
	uint8_t line[WIDTH];

	CHECK_EQ(frame->stream, stream);
	CHECK_EQ(frame->lane, 3);
	CHECK_EQ(frame->camera, stream);
	CHECK_EQ(frame->width, WIDTH);
	CHECK_EQ(frame->height, HEIGHT);
	CHECK_EQ(frame->packets, PACKETS);
	CHECK(frame->flags & SP_FRAME_NO_LEADER || frame->device_ticks == 1000 + frame->block_id);
	for (uint32_t y = 0; y < HEIGHT; y++) {
		CHECK(sp_frame_read_row(frame, y, 0, WIDTH, line) >= 0);
		for (uint32_t x = 0; x < WIDTH; x++) {
			uint32_t at = y * WIDTH + x;
			bool missing = sp_frame_packet_missing(frame, at / PAYLOAD);

			CHECK_EQ(line[x], missing ? 0 : pixel(stream, frame->block_id, at));
		}
	}
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
				/* The first and the last block come whole: they are the ends. */
				uint32_t dice = block == 1 || block == BLOCKS ? 99 : roll(&seed, 100);

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
	/* Nothing times out: the blocks that lack a packet are closed by the stop. */
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

/* Fewer buffers than the frames could hold: blocks suffer, nothing stands still, all adds up. */
TEST_ENGINES(few_buffers_stop_nobody)
{
	enum { BLOCKS = 200 };
	const struct wishes wishes = { .no_uring = no_uring, .buffers = 64, .frames = 16 };
	struct sp_frame *frame;
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
		while (rig.source->ops->get(rig.source, &frame, 1)) {
			check_frame(frame, frame->stream);
			rig.source->ops->put(rig.source, frame);
			frames++;
		}
	}
	for (uint64_t start = sp_clock_now();; sched_yield()) {
		const struct sp_packet_counters *p = &rig.packets->counters;

		while (rig.source->ops->get(rig.source, &frame, 1)) {
			check_frame(frame, frame->stream);
			rig.source->ops->put(rig.source, frame);
			frames++;
		}
		if (sp_counter_read(&p->received) + sp_counter_read(&p->socket_overflow) == sent)
			break;
		CHECK(sp_clock_now() - start < PATIENCE);
	}
	rig.source->ops->stop(rig.source);
	while (rig.source->ops->get(rig.source, &frame, 1)) {
		check_frame(frame, frame->stream);
		rig.source->ops->put(rig.source, frame);
		frames++;
	}
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

/* ---- with a scripted packet source ---- */

/* Gives @blocks blocks of stream 0 in bursts of any size, then @end for ever. Time is its own. */
struct script {
	struct sp_packet_source source;
	struct sp_region region;
	uint64_t block, blocks, now_ns;
	uint32_t id;
	bool busy[512];
	unsigned int lent;
	int end;
	bool closed_at_rest; /* every buffer was back at close */
};

static void script_close(struct sp_packet_source *source)
{
	struct script *s = (struct script *)source;

	s->closed_at_rest = s->lent == 0;
	sp_region_uninit(&s->region);
}

static int script_add_stream(struct sp_packet_source *source,
			     const struct sp_packet_stream *stream, struct sp_err *err)
{
	(void)source;
	return stream->fd == -2 ? sp_err_set(err, -EBADF, "script: no") : 0;
}

static int script_receive(struct sp_packet_source *source, struct sp_packet *packets,
			  unsigned int max, uint64_t timeout_ns)
{
	struct script *s = (struct script *)source;
	unsigned int n = 0;

	if (s->block > s->blocks)
		return s->end;
	for (uint32_t i = 0; i < source->buffers && n < max && n < 7; i++) {
		if (s->busy[i])
			continue;
		s->busy[i] = true;
		s->lent++;
		packets[n++] = (struct sp_packet){
			.offset = i * 512ull,
			.token = i,
			.rx_ns = s->now_ns += 1000,
			.source_ip = CAMERA,
			.length = (uint32_t)make_packet(s->region.base + i * 512ull, 0, s->block,
							s->id, false),
		};
		if (s->id++ == PACKETS + 1) {
			s->id = 0;
			if (++s->block > s->blocks)
				break;
		}
	}
	if (!n)
		s->now_ns += timeout_ns;
	return (int)n;
}

static void script_release(struct sp_packet_source *source, const uint64_t *tokens, unsigned int n)
{
	struct script *s = (struct script *)source;

	for (unsigned int i = 0; i < n; i++) {
		CHECK(s->busy[tokens[i]]);
		s->busy[tokens[i]] = false;
		s->lent--;
	}
}

static uint64_t script_now(struct sp_packet_source *source)
{
	return ((struct script *)source)->now_ns;
}

static const struct sp_packet_source_ops script_ops = {
	.name = "script",
	.close = script_close,
	.add_stream = script_add_stream,
	.receive = script_receive,
	.release = script_release,
	.now = script_now,
};

static struct sp_frame_source *open_script(struct script *s, uint64_t blocks, int end,
					   unsigned int buffers, struct sp_event *frames)
{
	struct sp_gvsp_source_config config = { .cpu = -1, .frames = frames };
	struct sp_frame_source *source;
	struct sp_err err;

	memset(s, 0, sizeof(*s));
	CHECK(buffers <= 512);
	CHECK_EQ(sp_region_init(&s->region, 512 * 512, &err), 0);
	s->source.ops = &script_ops;
	s->source.region = &s->region;
	s->source.buffers = buffers;
	s->source.patient = true;
	s->block = 1;
	s->blocks = blocks;
	s->now_ns = SP_NS_PER_S;
	s->end = end;
	config.packets = &s->source;
	CHECK_EQ(sp_gvsp_source_open(&config, &source, &err), 0);
	return source;
}

static void add_and_start(struct sp_frame_source *source, uint32_t frames)
{
	const struct wishes wishes = { .frames = frames };
	struct sp_stream_config config = stream_config(&wishes, 0);
	struct sp_err err;

	config.fd = -1;
	CHECK_EQ(source->ops->add_stream(source, &config, &err), 0);
	if (source->ops->start(source, &err))
		FAIL("%s", err.text);
}

/* A file goes as fast as its reader: the slowest reader with the least credit loses nothing. */
TEST(a_patient_source_loses_nothing)
{
	static const struct {
		uint32_t frames;
		unsigned int buffers, hold;
	} cases[] = { { 1, 64, 1 }, { 2, 64, 1 }, { 4, 64, 2 }, { 8, 200, 4 }, { 64, 100, 1 } };
	enum { BLOCKS = 50 };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sp_frame *held[8];
		struct sp_frame_source *source;
		uint64_t next = 1, start = sp_clock_now();
		unsigned int n = 0;
		struct script script;

		source = open_script(&script, BLOCKS, -ENODATA, cases[i].buffers, NULL);
		add_and_start(source, cases[i].frames);
		while (next <= BLOCKS && sp_clock_now() - start < PATIENCE) {
			unsigned int got = source->ops->get(source, held + n, 1);

			if (!got) {
				sched_yield();
				continue;
			}
			CHECK_EQ(held[n]->missing_n, 0);
			CHECK_EQ(held[n]->block_id, next++);
			check_frame(held[n++], 0);
			if (n < cases[i].hold)
				continue;
			while (n)
				source->ops->put(source, held[--n]);
		}
		CHECK_EQ(next, BLOCKS + 1);
		while (n)
			source->ops->put(source, held[--n]);
		while (!sp_gvsp_source_ended(source) && sp_clock_now() - start < PATIENCE)
			sched_yield();
		CHECK(sp_gvsp_source_ended(source));
		CHECK_EQ(source->ops->counters(source, 0)->delivered, BLOCKS * PACKETS);
		CHECK_EQ(source->ops->counters(source, 0)->expected, BLOCKS * PACKETS);
		source->ops->close(source);
	}
}

TEST(the_end_wakes_the_consumer)
{
	struct sp_frame_source *source;
	struct sp_frame *frame;
	struct script script;
	struct sp_event event;

	CHECK_EQ(sp_event_init(&event), 0);
	source = open_script(&script, 0, -ENODATA, 64, &event);
	sp_event_arm(&event);
	add_and_start(source, 4);
	if (!sp_gvsp_source_ended(source))
		sp_event_wait(&event, PATIENCE);
	sp_event_disarm(&event);
	CHECK(sp_gvsp_source_ended(source));
	CHECK_EQ(source->ops->get(source, &frame, 1), 0);
	source->ops->close(source);
	CHECK(script.closed_at_rest);
	sp_event_uninit(&event);
}

TEST(a_broken_source_is_no_end)
{
	struct sp_frame_source *source;
	uint64_t start = sp_clock_now();
	struct sp_frame *frame = NULL;
	struct script script;

	sp_log_set_level(SP_LOG_ERROR - 1);
	source = open_script(&script, 1, -EBADF, 64, NULL);
	add_and_start(source, 4);
	while (!source->ops->get(source, &frame, 1) && sp_clock_now() - start < PATIENCE)
		sched_yield();
	CHECK(frame);
	check_frame(frame, 0);
	source->ops->stop(source);
	sp_log_set_level(SP_LOG_WARNING);
	CHECK(!sp_gvsp_source_ended(source));
	CHECK(sp_ledger_adds_up(source->ops->counters(source, 0)));
	source->ops->put(source, frame);
	source->ops->close(source);
}

TEST(what_cannot_start_says_why)
{
	const struct wishes wishes = { .frames = 4 };
	struct sp_stream_config config = stream_config(&wishes, 0);
	struct sp_frame_source *source;
	struct script script;
	struct sp_err err;

	source = open_script(&script, 0, -ENODATA, 8, NULL);
	CHECK_EQ(source->ops->start(source, &err), -EINVAL);
	CHECK(strstr(err.text, "no streams"));
	CHECK(!source->ops->counters(source, 0));
	config.fd = -2;
	CHECK_EQ(source->ops->add_stream(source, &config, &err), -EBADF);
	config.fd = -1;
	CHECK_EQ(source->ops->add_stream(source, &config, &err), 0);
	/* 8 buffers, one of them spare, cannot hold a frame of 12 packets. */
	CHECK_EQ(source->ops->start(source, &err), -ENOSPC);
	CHECK(strstr(err.text, "stream 0: its share is 7 packet buffers and a frame needs 12"));
	source->ops->close(source);

	source = open_script(&script, 0, -ENODATA, 64, NULL);
	config.pixel_format = 0;
	CHECK_EQ(source->ops->add_stream(source, &config, &err), 0);
	CHECK(source->ops->start(source, &err) < 0);
	CHECK(strstr(err.text, "stream 0: "));
	source->ops->close(source);
}

/* Blocks 65401 … 65404 of 512 × 512 at SCPS 1400; the capture stops in the fourth. */
TEST(the_fake_camera_becomes_frames)
{
	const char *packed = sp_test_shared("data/wire/fake-camera.pcap.gz");
	char path[64], command[2048];
	const struct sp_replay_config replay = { .path = path, .buffers = 2000, .buffer_size = 1500 };
	const struct wishes wishes = { .frames = 8, .retention_ns = 100 * SP_NS_PER_MS };
	struct sp_stream_config stream = stream_config(&wishes, 0);
	struct sp_gvsp_source_config config = { .cpu = -1 };
	const struct sp_stream_counters *c;
	struct sp_frame_source *source;
	struct sp_frame *frames[8];
	uint64_t start;
	struct sp_err err;
	int error;

	snprintf(path, sizeof(path), "/tmp/sallyport-test-%d.pcapng", (int)getpid());
	snprintf(command, sizeof(command), "gunzip -c '%s' >'%s'", packed, path);
	if (system(command))
		SKIP("gunzip fails on %s", packed);
	error = sp_replay_open(&replay, &config.packets, &err);
	unlink(path);
	if (error)
		SKIP("%s", err.text);
	CHECK_EQ(sp_gvsp_source_open(&config, &source, &err), 0);
	stream.fd = -1;
	stream.camera_ip = 0;
	stream.host_port = 51946;
	stream.packet_payload = 1400 - 36;
	stream.width = stream.height = 512;
	CHECK_EQ(source->ops->add_stream(source, &stream, &err), 0);
	if (source->ops->start(source, &err))
		FAIL("%s", err.text);
	for (start = sp_clock_now(); !sp_gvsp_source_ended(source); sched_yield())
		CHECK(sp_clock_now() - start < PATIENCE);
	CHECK_EQ(source->ops->get(source, frames, 8), 4);
	for (int i = 0; i < 4; i++) {
		CHECK_EQ(frames[i]->block_id, 65401 + i);
		CHECK_EQ(frames[i]->packets, 193);
		CHECK_EQ(frames[i]->missing_n, i < 3 ? 0 : 148);
		/* The fake camera draws (x + y + block) mod 255. */
		for (uint32_t y = 0; y < 512; y++) {
			uint8_t line[512];

			CHECK(sp_frame_read_row(frames[i], y, 0, 512, line) >= 0);
			for (uint32_t x = 0; x < 512; x++) {
				uint32_t packet = (y * 512 + x) / (1400 - 36);
				bool missing = sp_frame_packet_missing(frames[i], packet);

				CHECK_EQ(line[x], missing ? 0 : (x + y + 65401 + (unsigned)i) % 255);
			}
		}
	}
	c = source->ops->counters(source, 0);
	CHECK_EQ(c->packets, 631);
	CHECK_EQ(c->expected, 4 * 193);
	CHECK_EQ(c->delivered, 3 * 193 + 45);
	CHECK_EQ(c->missing, 148);
	CHECK(sp_ledger_adds_up(c));
	source->ops->close(source);
}

TEST_MAIN()
