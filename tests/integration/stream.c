/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From libaravis' fake camera to frames, byte for byte: control, packet source, assembler, frames.
 * Run by stream.sh, which says in SP_CAMERA where the camera is.
 */
#include <unistd.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/event.h"
#include "capture/packet_source.h"
#include "control/camera.h"
#include "frame/assembler.h"
#include "frame/frame_source.h"
#include "test.h"
#include "wire/pfnc.h"

#define PATIENCE (60 * SP_NS_PER_S)

enum { WIDTH = 512, HEIGHT = 512, FRAMES = 200, CREDIT = 32 };

/* Opens the camera once it answers. */
static struct sp_camera *open_camera(const char *address)
{
	uint64_t until = sp_clock_now() + PATIENCE;
	struct sp_camera *camera;
	struct sp_err err;

	while (sp_camera_aravis.open(address, &camera, &err))
		if (sp_clock_now() > until)
			FAIL("%s", err.text);
	return camera;
}

static struct sp_frame_source *open_source(const struct sp_stream_config *stream, bool no_uring,
					   struct sp_event *frames,
					   struct sp_packet_source **ret_packets)
{
	const struct sp_udp_config udp = {
		.buffers = CREDIT * sp_assembler_block_packets(stream) + 64,
		.buffer_size = stream->packet_payload + 8,
		.no_uring = no_uring,
	};
	struct sp_gvsp_source_config config = { .cpu = -1, .frames = frames };
	struct sp_frame_source *source;
	struct sp_err err;

	if (sp_udp_open(&udp, &config.packets, &err))
		FAIL("%s", err.text);
	if (!no_uring && strcmp(config.packets->ops->name, "io_uring")) {
		config.packets->ops->close(config.packets);
		SKIP("io_uring is refused here");
	}
	if (sp_gvsp_source_open(&config, &source, &err) ||
	    source->ops->add_stream(source, stream, &err) || source->ops->start(source, &err))
		FAIL("%s", err.text);
	*ret_packets = config.packets;
	return source;
}

/* The fake camera draws (x + y + block) mod 255. */
static void check_frame(const struct sp_frame *frame)
{
	uint8_t line[WIDTH];

	CHECK_EQ(frame->flags, 0);
	CHECK_EQ(frame->width, WIDTH);
	CHECK_EQ(frame->height, HEIGHT);
	CHECK_EQ(frame->pixel_format, SP_PFNC_MONO8);
	for (uint32_t y = 0; y < HEIGHT; y++) {
		CHECK_EQ(sp_frame_read_row(frame, y, 0, WIDTH, line), 0);
		for (uint32_t x = 0; x < WIDTH; x++)
			if (line[x] != (x + y + frame->block_id) % 255)
				FAIL("block %llu: pixel %u, %u is %u",
				     (unsigned long long)frame->block_id, x, y, line[x]);
	}
}

/* Takes FRAMES frames, whose block ids follow each other (16 bits, without 0). */
static void take_frames(struct sp_frame_source *source, struct sp_event *event)
{
	uint64_t until = sp_clock_now() + PATIENCE, last = 0;
	struct sp_frame *frame;

	for (unsigned int taken = 0; taken < FRAMES;) {
		if (!source->ops->get(source, &frame, 1)) {
			CHECK(sp_clock_now() < until);
			sp_event_arm(event);
			sp_event_wait(event, 10 * SP_NS_PER_MS);
			sp_event_disarm(event);
			continue;
		}
		check_frame(frame);
		if (last && frame->block_id != last % 65535 + 1)
			FAIL("block %llu follows %llu", (unsigned long long)frame->block_id,
			     (unsigned long long)last);
		last = frame->block_id;
		source->ops->put(source, frame);
		taken++;
	}
}

static void stream(uint32_t packet_size, bool no_uring)
{
	const char *address = getenv("SP_CAMERA");
	struct sp_stream_config config = {
		.packet_payload = packet_size - 36,
		.pixel_format = SP_PFNC_MONO8,
		.width = WIDTH,
		.height = HEIGHT,
		.frames = CREDIT,
		.packet_timeout_ns = 20 * SP_NS_PER_MS,
		.gap_ns = SP_NS_PER_MS,
		.retention_ns = 10 * SP_NS_PER_S, /* longer than any stall of this machine */
	};
	struct sp_camera_stream to = {
		.packet_size = packet_size,
		.width = WIDTH,
		.height = HEIGHT,
		.pixel_format = SP_PFNC_MONO8,
		.fps = 60,
	};
	const struct sp_stream_counters *c;
	struct sp_packet_source *packets;
	struct sp_frame_source *source;
	struct sp_camera *camera;
	struct sp_event event;
	struct sp_err err;

	if (!address)
		SKIP("SP_CAMERA is not set; stream.sh sets it");
	CHECK_EQ(sp_event_init(&event), 0);
	config.fd = sp_udp_socket(0, 0, 32 << 20, &to.host_port, &err);
	if (config.fd < 0)
		FAIL("%s", err.text);
	config.host_port = to.host_port;
	source = open_source(&config, no_uring, &event, &packets);
	camera = open_camera(address);
	if (sp_camera_aravis.start(camera, &to, &err))
		FAIL("%s", err.text);
	take_frames(source, &event);
	if (sp_camera_aravis.stop(camera, &err))
		FAIL("%s", err.text);
	sp_camera_aravis.close(camera);
	source->ops->stop(source);
	c = source->ops->counters(source, 0);
	CHECK(sp_ledger_adds_up(c));
	CHECK(c->frames_complete >= FRAMES);
	/* Only a block that the stop cut may lack packets. */
	CHECK(c->frames_incomplete + c->blocks_skipped <= 1);
	CHECK_EQ(c->policy + c->bad_packet + c->late + c->block_discarded, 0);
	CHECK_EQ(c->stray + c->malformed + c->duplicate + c->restarts, 0);
	CHECK_EQ(packets->counters.socket_overflow + packets->counters.truncated, 0);
	source->ops->close(source);
	close(config.fd);
	sp_event_uninit(&event);
}

TEST(stream_packets_of_1400_through_io_uring)
{
	stream(1400, false);
}

TEST(stream_packets_of_1400_through_recvmmsg)
{
	stream(1400, true);
}

TEST(stream_packets_of_8900_through_io_uring)
{
	stream(8900, false);
}

TEST(stream_packets_of_8900_through_recvmmsg)
{
	stream(8900, true);
}

TEST_MAIN()
