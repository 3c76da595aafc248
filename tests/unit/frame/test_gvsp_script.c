/* SPDX-License-Identifier: Apache-2.0 */
/* TSAN: yes */
/* The GVSP frame source over a scripted packet source and over a capture file. */
#include "frame/frame_source.h"

#include <errno.h>
#include <sched.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/event.h"
#include "base/region.h"
#include "camera.h"
#include "capture/packet_source.h"
#include "test.h"

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
			.head = s->region.base + i * 512ull,
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
	CHECK_EQ(sp_gvsp_source_failed(source), 0);
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
	struct sp_event event;

	CHECK_EQ(sp_event_init(&event), 0);
	sp_log_set_level(SP_LOG_ERROR - 1);
	source = open_script(&script, 1, -EBADF, 64, &event);
	CHECK_EQ(sp_gvsp_source_failed(source), 0);
	add_and_start(source, 4);
	/* Whoever waits for frames is woken: a wait that is not ends with its time. */
	while (!sp_gvsp_source_failed(source) && sp_clock_now() - start < PATIENCE) {
		sp_event_arm(&event);
		if (!sp_gvsp_source_failed(source))
			sp_event_wait(&event, PATIENCE);
		sp_event_disarm(&event);
	}
	CHECK(sp_clock_now() - start < PATIENCE);
	CHECK_EQ(sp_gvsp_source_failed(source), -EBADF);
	/* What came before is there. */
	CHECK_EQ(source->ops->get(source, &frame, 1), 1);
	check_frame(frame, 0);
	source->ops->stop(source);
	sp_log_set_level(SP_LOG_WARNING);
	CHECK_EQ(sp_gvsp_source_failed(source), -EBADF);
	CHECK(!sp_gvsp_source_ended(source));
	CHECK(sp_ledger_adds_up(source->ops->counters(source, 0)));
	source->ops->put(source, frame);
	source->ops->close(source);
	sp_event_uninit(&event);
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
	/* 8 buffers, one spare, cannot hold a frame of 12 packets, 13 with extended headers. */
	CHECK_EQ(source->ops->start(source, &err), -ENOSPC);
	CHECK(strstr(err.text, "stream 0: its share is 7 packet buffers and a frame needs 13"));
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
	const struct sp_replay_config replay = {
		.path = path,
		.buffers = 2000,
		.buffer_size = 1500,
	};
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
				uint32_t drawn = (x + y + 65401 + (unsigned)i) % 255;

				if (sp_frame_packet_missing(frames[i], packet))
					drawn = 0;
				CHECK_EQ(line[x], drawn);
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
