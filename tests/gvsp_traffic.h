/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GVSP packets for tests of the assembler: a packet source of plain memory that knows which buffers
 * are lent, and images whose every byte tells its block and place.
 */
#ifndef SP_TESTS_GVSP_TRAFFIC_H
#define SP_TESTS_GVSP_TRAFFIC_H

#include <sallyport/gvsp.h>

#include "base/diag.h"
#include "base/region.h"
#include "frame/assembler.h"
#include "gvsp_wire.h"
#include "test.h"
#include "wire/pfnc.h"

enum { TRAFFIC_FRAMES = 4096, TRAFFIC_RESENDS = 4096 };

struct traffic {
	struct sp_region region;
	struct sp_assembler *assembler;
	uint32_t buffers, buffer_size, free_n;
	uint32_t *free;
	uint8_t *lent;
	/* What came out and was not looked at yet. */
	struct sp_frame *frames[TRAFFIC_FRAMES];
	uint32_t frames_n;
	struct sp_resend_request resends[TRAFFIC_RESENDS];
	uint32_t resends_n;
};

static inline uint8_t traffic_byte(uint64_t block_id, uint64_t at)
{
	return (uint8_t)(block_id * 31 + at * 7 + (at >> 8) * 13 + 1);
}

__attribute__((unused)) static void traffic_init(struct traffic *t, uint32_t buffers,
						 uint32_t buffer_size, uint32_t streams)
{
	struct sp_assembler_config config;
	struct sp_err err;

	memset(t, 0, sizeof(*t));
	t->buffers = buffers;
	t->buffer_size = buffer_size;
	t->region.size = (size_t)buffers * buffer_size;
	t->region.base = malloc(t->region.size);
	t->free = malloc(buffers * sizeof(t->free[0]));
	t->lent = calloc(buffers, 1);
	for (uint32_t i = 0; i < buffers; i++)
		t->free[t->free_n++] = buffers - 1 - i;
	config = (struct sp_assembler_config){ &t->region, buffers, streams };
	if (sp_assembler_create(&config, &t->assembler, &err))
		FAIL("%s", err.text);
}

/* Every buffer must have come back, once the frames have. */
__attribute__((unused)) static void traffic_uninit(struct traffic *t)
{
	uint32_t left = t->buffers - t->free_n;

	sp_assembler_destroy(t->assembler);
	free(t->region.base);
	free(t->free);
	free(t->lent);
	CHECK_EQ(left, 0);
}

/* A datagram of @length bytes of memory to write into. */
__attribute__((unused)) static struct sp_packet traffic_lend(struct traffic *t, uint32_t stream,
							     uint64_t rx_ns, uint8_t **ret_data)
{
	uint32_t buffer;

	if (!t->free_n)
		FAIL("the packet source ran out of buffers");
	buffer = t->free[--t->free_n];
	t->lent[buffer] = 1;
	*ret_data = t->region.base + (size_t)buffer * t->buffer_size;
	return (struct sp_packet){
		.head = *ret_data,
		.offset = (uint64_t)buffer * t->buffer_size,
		.token = buffer,
		.rx_ns = rx_ns,
		.stream = (uint16_t)stream,
	};
}

struct traffic_block {
	uint32_t stream;
	uint64_t id;
	bool extended;
	uint32_t pixel_format, width, height;
	uint32_t payload; /* bytes a packet */
	uint64_t timestamp;
	uint16_t payload_type;
};

static inline uint32_t traffic_packets(const struct traffic_block *b)
{
	uint64_t bytes = sp_pfnc_image_bytes(b->pixel_format, b->width, b->height);

	return (uint32_t)((bytes + b->payload - 1) / b->payload);
}

static inline uint32_t traffic_payload_bytes(const struct traffic_block *b, uint32_t packet_id)
{
	uint64_t bytes = sp_pfnc_image_bytes(b->pixel_format, b->width, b->height);
	uint64_t left = bytes - (uint64_t)(packet_id - 1) * b->payload;

	return left < b->payload ? (uint32_t)left : b->payload;
}

/* Packet @id of the block (0 leader, N + 1 trailer); @grow changes the length of a payload packet. */
__attribute__((unused)) static struct sp_packet traffic_packet(struct traffic *t,
							       const struct traffic_block *b,
							       uint32_t id, uint16_t status,
							       int grow, uint64_t rx_ns)
{
	struct sp_gvsp_packet header = {
		.status = status,
		.block_id = b->id,
		.packet_id = id,
		.format = GVSP_FORMAT_PAYLOAD,
		.extended = b->extended,
	};
	uint32_t packets = traffic_packets(b);
	struct sp_packet packet;
	uint8_t *data;
	int length;

	packet = traffic_lend(t, b->stream, rx_ns, &data);
	if (id == 0) {
		struct sp_gvsp_leader leader = {
			.timestamp = b->timestamp,
			.payload_type = b->payload_type ? b->payload_type : GVSP_PAYLOAD_IMAGE,
			.has_image = true,
			.pixel_format = b->pixel_format,
			.size_x = b->width,
			.size_y = b->height,
		};

		length = sp_gvsp_build_leader(&header, &leader, data, t->buffer_size);
	} else if (id == packets + 1) {
		struct sp_gvsp_trailer trailer = { GVSP_PAYLOAD_IMAGE, true, b->height, 0 };

		length = sp_gvsp_build_trailer(&header, &trailer, 0, data, t->buffer_size);
	} else {
		uint32_t n = traffic_payload_bytes(b, id) + (uint32_t)grow;

		length = sp_gvsp_build(&header, data, t->buffer_size);
		for (uint32_t i = 0; i < n; i++)
			data[length + i] = traffic_byte(b->id, (uint64_t)(id - 1) * b->payload + i);
		length += (int)n;
	}
	packet.length = (uint32_t)length;
	return packet;
}

/* A header alone, as cameras answer requests that they cannot serve. */
__attribute__((unused)) static struct sp_packet traffic_notice(struct traffic *t,
							       const struct traffic_block *b,
							       uint32_t id, uint16_t status,
							       uint64_t rx_ns)
{
	struct sp_gvsp_packet header = {
		.status = status,
		.block_id = b->id,
		.packet_id = id,
		.format = GVSP_FORMAT_PAYLOAD,
		.extended = b->extended,
	};
	struct sp_packet packet;
	uint8_t *data;

	packet = traffic_lend(t, b->stream, rx_ns, &data);
	packet.length = (uint32_t)sp_gvsp_build(&header, data, t->buffer_size);
	return packet;
}

/* Takes what the assembler has for us; every token must be one that is lent. */
__attribute__((unused)) static void traffic_take(struct traffic *t)
{
	struct sp_assembler_out out;

	sp_assembler_take(t->assembler, &out);
	for (uint32_t i = 0; i < out.tokens_n; i++) {
		if (out.tokens[i] >= t->buffers || !t->lent[out.tokens[i]])
			FAIL("token %llu came back but was not lent",
			     (unsigned long long)out.tokens[i]);
		t->lent[out.tokens[i]] = 0;
		/* Nobody may read it any more. */
		memset(t->region.base + out.tokens[i] * t->buffer_size, 0xEE, t->buffer_size);
		t->free[t->free_n++] = (uint32_t)out.tokens[i];
	}
	for (uint32_t i = 0; i < out.frames_n; i++) {
		if (t->frames_n == TRAFFIC_FRAMES)
			FAIL("more frames than the test looks at");
		t->frames[t->frames_n++] = out.frames[i];
	}
	for (uint32_t i = 0; i < out.resends_n; i++) {
		if (t->resends_n == TRAFFIC_RESENDS)
			FAIL("more resend requests than the test looks at");
		t->resends[t->resends_n++] = out.resends[i];
	}
}

__attribute__((unused)) static void traffic_push(struct traffic *t, const struct sp_packet *packets,
						 unsigned int n)
{
	sp_assembler_push(t->assembler, packets, n);
	traffic_take(t);
}

__attribute__((unused)) static void traffic_tick(struct traffic *t, uint64_t now_ns)
{
	sp_assembler_tick(t->assembler, now_ns);
	traffic_take(t);
}

/* The oldest frame that came out. */
__attribute__((unused)) static struct sp_frame *traffic_frame(struct traffic *t)
{
	struct sp_frame *frame;

	if (!t->frames_n)
		return NULL;
	frame = t->frames[0];
	memmove(&t->frames[0], &t->frames[1], --t->frames_n * sizeof(t->frames[0]));
	return frame;
}

__attribute__((unused)) static void traffic_put(struct traffic *t, struct sp_frame *frame)
{
	sp_assembler_put(t->assembler, frame);
	traffic_take(t);
}

/* Every byte of a Mono8 frame is what its camera drew, or 0 where a packet is missing. */
__attribute__((unused)) static void traffic_check_pixels(const struct sp_frame *frame)
{
	uint32_t stride = frame->parts[0].stride, missing = 0;
	uint8_t row[4096];

	for (uint32_t i = 0; i < frame->packets; i++)
		missing += sp_frame_packet_missing(frame, i);
	CHECK_EQ(missing, frame->missing_n);
	CHECK_EQ(!!(frame->flags & SP_FRAME_INCOMPLETE), missing > 0);
	for (uint32_t y = 0; y < frame->height; y++) {
		CHECK(sp_frame_read_row(frame, y, 0, frame->width, row) >= 0);
		for (uint32_t x = 0; x < frame->width; x++) {
			uint64_t at = (uint64_t)y * frame->width + x;
			bool gone = sp_frame_packet_missing(frame, (uint32_t)(at / stride));

			CHECK_EQ(row[x], gone ? 0 : traffic_byte(frame->block_id, at));
		}
	}
}

#endif
