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

enum {
	TRAFFIC_FRAMES = 4096,
	TRAFFIC_RESENDS = 4096,
	TRAFFIC_HEAD = 96, /* bytes that a splitting card can put elsewhere */
};

struct traffic {
	struct sp_region region;
	struct sp_assembler *assembler;
	uint32_t buffers, buffer_size, free_n;
	uint32_t *free;
	uint8_t *lent, *heads;
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
	t->heads = calloc(buffers, TRAFFIC_HEAD);
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
	free(t->heads);
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
	uint32_t payload; /* bytes a packet, with its prefix if it has one */
	uint64_t timestamp;
	uint16_t payload_type;
	uint32_t lines; /* that are sent, as the trailer says; 0: all, and it says so */
	uint32_t chunk_bytes; /* behind the image */
	uint32_t parts_n; /* multi-part: instead of the image */
	struct sp_gvsp_part parts[SP_GVSP_PARTS_MAX];
	uint32_t split; /* bytes of each packet that are not in the region */
};

/* What a payload packet carries: bytes [at, at + n) of the block. */
struct traffic_place {
	uint64_t at;
	uint32_t n;
	uint8_t part;
	bool ends_part;
};

static inline uint64_t traffic_image_bytes(const struct traffic_block *b)
{
	return sp_pfnc_image_bytes(b->pixel_format, b->width, b->lines ? b->lines : b->height);
}

static inline uint32_t traffic_part_packets(const struct traffic_block *b, uint32_t part)
{
	uint32_t stride = b->payload - SP_GVSP_PART_PREFIX_BYTES;

	return (uint32_t)((b->parts[part].length + stride - 1) / stride);
}

static inline uint32_t traffic_packets(const struct traffic_block *b)
{
	uint64_t bytes = traffic_image_bytes(b) + b->chunk_bytes;
	uint32_t packets = 0;

	if (!b->parts_n)
		return (uint32_t)((bytes + b->payload - 1) / b->payload);
	for (uint32_t p = 0; p < b->parts_n; p++)
		packets += traffic_part_packets(b, p);
	return packets;
}

static inline struct traffic_place traffic_place(const struct traffic_block *b, uint32_t packet_id)
{
	uint64_t bytes = traffic_image_bytes(b) + b->chunk_bytes;
	uint32_t stride = b->payload, i = packet_id - 1;
	struct traffic_place place = { 0 };

	if (b->parts_n) {
		stride -= SP_GVSP_PART_PREFIX_BYTES;
		while (i >= traffic_part_packets(b, place.part)) {
			i -= traffic_part_packets(b, place.part);
			place.at += b->parts[place.part++].length;
		}
		bytes = b->parts[place.part].length;
		place.ends_part = i + 1 == traffic_part_packets(b, place.part);
	}
	place.at += (uint64_t)i * stride;
	bytes -= (uint64_t)i * stride;
	place.n = bytes < stride ? (uint32_t)bytes : stride;
	return place;
}

static inline uint32_t traffic_payload_bytes(const struct traffic_block *b, uint32_t packet_id)
{
	return traffic_place(b, packet_id).n;
}

static inline struct sp_gvsp_leader traffic_leader(const struct traffic_block *b)
{
	return (struct sp_gvsp_leader){
		.timestamp = b->timestamp,
		.payload_type = b->payload_type ? b->payload_type : GVSP_PAYLOAD_IMAGE,
		.has_image = true,
		.pixel_format = b->pixel_format,
		.size_x = b->width,
		.size_y = b->height,
	};
}

static inline struct sp_gvsp_trailer traffic_trailer(const struct traffic_block *b)
{
	return (struct sp_gvsp_trailer){
		.payload_type = b->payload_type ? b->payload_type : GVSP_PAYLOAD_IMAGE,
		.has_size_y = true,
		.size_y = b->lines ? b->lines : b->height,
		.chunk_length = b->chunk_bytes,
	};
}

/* As a card that splits packets after @split bytes would have put it. */
__attribute__((unused)) static void traffic_split(struct traffic *t, struct sp_packet *packet,
						  uint32_t split)
{
	uint8_t *data = t->region.base + packet->offset;
	uint8_t *head = t->heads + packet->token * TRAFFIC_HEAD;

	if (!split)
		return;
	if (split > packet->length)
		split = packet->length;
	memcpy(head, data, split);
	memmove(data, data + split, packet->length - split);
	memset(data + packet->length - split, 0xEE, split);
	packet->head = head;
	packet->split = (uint16_t)split;
}

/* Header, prefix and bytes of payload packet @id; @grow changes its length. Returns its length. */
__attribute__((unused)) static int traffic_write(const struct traffic_block *b,
						 const struct sp_gvsp_packet *header, int grow,
						 uint8_t *data, uint32_t size)
{
	struct traffic_place place = traffic_place(b, header->packet_id);
	const struct sp_gvsp_part_prefix prefix = { place.at, place.part, place.ends_part };
	uint32_t n = place.n + (uint32_t)grow;
	int length;

	if (b->parts_n)
		length = sp_gvsp_build_part_prefix(header, &prefix, data, size);
	else
		length = sp_gvsp_build(header, data, size);
	for (uint32_t i = 0; i < n; i++)
		data[(uint32_t)length + i] = traffic_byte(b->id, place.at + i);
	return length + (int)n;
}

/*
 * Packet @id of the block (0 leader, N + 1 trailer); @grow changes the length of a payload packet.
 */
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
	struct sp_gvsp_trailer trailer = traffic_trailer(b);
	struct sp_gvsp_leader leader = traffic_leader(b);
	bool multi = b->parts_n, ends = id == traffic_packets(b) + 1;
	uint32_t size = t->buffer_size;
	struct sp_packet packet;
	uint8_t *data;
	int length;

	packet = traffic_lend(t, b->stream, rx_ns, &data);
	if (id == 0 && multi)
		length = sp_gvsp_build_multi_part_leader(&header, b->timestamp, b->parts,
							 (uint8_t)b->parts_n, data, size);
	else if (id == 0)
		length = sp_gvsp_build_leader(&header, &leader, data, size);
	else if (ends && multi)
		length = sp_gvsp_build_multi_part_trailer(&header, b->parts, (uint8_t)b->parts_n,
							  data, size);
	else if (ends)
		length = sp_gvsp_build_trailer(&header, &trailer, 0, data, size);
	else
		length = traffic_write(b, &header, grow, data, size);
	if (length < 0)
		FAIL("packet %u cannot be built: %d", id, length);
	packet.length = (uint32_t)length;
	traffic_split(t, &packet, b->split);
	return packet;
}

/* The whole block in one packet; @grow changes its length. */
__attribute__((unused)) static struct sp_packet traffic_all_in(struct traffic *t,
							       const struct traffic_block *b,
							       int grow, uint64_t rx_ns)
{
	const struct sp_gvsp_packet header = { .block_id = b->id, .extended = b->extended };
	const struct sp_gvsp_trailer trailer = traffic_trailer(b);
	const struct sp_gvsp_leader leader = traffic_leader(b);
	uint32_t n = (uint32_t)traffic_image_bytes(b) + b->chunk_bytes + (uint32_t)grow;
	struct sp_packet packet;
	uint8_t *data;
	int length;

	packet = traffic_lend(t, b->stream, rx_ns, &data);
	length = sp_gvsp_build_all_in(&header, &leader, &trailer, 0, data, t->buffer_size);
	if (length < 0 || (uint32_t)length + n > t->buffer_size)
		FAIL("the all-in packet cannot be built: %d", length);
	for (uint32_t i = 0; i < n; i++)
		data[(uint32_t)length + i] = traffic_byte(b->id, i);
	packet.length = (uint32_t)length + n;
	traffic_split(t, &packet, b->split);
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

/*
 * Every byte of every part is what its camera sent, or 0 where a packet is missing. @b: as it was
 * sent, with the lines that came.
 */
__attribute__((unused)) static void traffic_check_parts(const struct sp_frame *frame,
							const struct traffic_block *b)
{
	uint32_t missing = 0;

	for (uint32_t i = 0; i < frame->packets; i++)
		missing += sp_frame_packet_missing(frame, i);
	CHECK_EQ(missing, frame->missing_n);
	CHECK_EQ(!!(frame->flags & SP_FRAME_INCOMPLETE), missing > 0);
	for (uint32_t p = 0; p < frame->parts_n; p++) {
		const struct sp_frame_part *part = &frame->parts[p];
		uint64_t at = 0;

		CHECK(part->first_packet + part->packets <= frame->packets);
		if (part->packets && b->parts_n)
			at = traffic_place(b, part->first_packet + 1).at;
		for (uint64_t i = 0; i < part->bytes; i++) {
			uint32_t packet = part->first_packet + (uint32_t)(i / part->stride);
			bool gone = sp_frame_packet_missing(frame, packet);
			uint8_t byte = 0xEE;

			CHECK_EQ(sp_frame_read(frame, p, i, 1, &byte), gone);
			CHECK_EQ(byte, gone ? 0 : traffic_byte(frame->block_id, at + i));
		}
	}
}

#endif
