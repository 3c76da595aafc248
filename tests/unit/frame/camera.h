/* SPDX-License-Identifier: Apache-2.0 */
/* A synthetic camera for the tests of the frame source: what it sends, and what must come out. */
#ifndef SP_TESTS_UNIT_FRAME_CAMERA_H
#define SP_TESTS_UNIT_FRAME_CAMERA_H

#include "base/clock.h"
#include "frame/frame_source.h"
#include "gvsp_wire.h"
#include "sallyport/gvsp.h"
#include "test.h"
#include "wire/pfnc.h"

#define CAMERA 0x7F000002u
#define PATIENCE (20 * SP_NS_PER_S) /* only a failing test waits this long */

enum {
	WIDTH = 60,
	HEIGHT = 50,
	BYTES = WIDTH * HEIGHT,
	PAYLOAD = 256,
	PACKETS = (BYTES + PAYLOAD - 1) / PAYLOAD, /* 12, the last one short */
	DATAGRAM_MAX = 8 + PAYLOAD,
};

static inline uint8_t pixel(unsigned int stream, uint64_t block, uint32_t at)
{
	return (uint8_t)(at * 13 + block * 31 + stream * 101 + (at >> 8));
}

/* Packet @id of a block as a camera would send it: 0 the leader, PACKETS + 1 the trailer. */
static inline size_t make_packet(uint8_t *bytes, unsigned int stream, uint64_t block, uint32_t id,
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

/* What a test wants to be different. */
struct wishes {
	bool no_uring;
	unsigned int buffers;
	uint32_t frames, resend_tries;
	uint64_t gap_ns, packet_timeout_ns, retention_ns;
};

static inline struct sp_stream_config stream_config(const struct wishes *wishes, unsigned int i)
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

/* Every byte is the camera's, or zero where its packet is missing. */
static inline void check_frame(const struct sp_frame *frame, unsigned int stream)
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

#endif
