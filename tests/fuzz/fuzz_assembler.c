/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes as traffic: a run of records "op, argument, …" that send packets well and badly formed, of
 * images, chunk data, parts, all in one, split or not, let time pass and put frames back. Whatever
 * comes, the ledger adds up, every token comes back once, requests name packets that exist, no byte
 * beyond a packet is read, and frames and their chunks can be.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <sallyport/gvsp.h>

#include "base/region.h"
#include "frame/assembler.h"
#include "frame/chunk.h"
#include "gvsp_wire.h"
#include "wire/pfnc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	STREAMS = 2,
	BUFFERS = 96,
	BUFFER = 320,
	PAYLOAD = 64,
	EXTRA = 100,
	BURST = 8,
	FRAMES = 8,
	CHUNKS = 8,
	PACKETS = 29 /* of 32 × 32 + 100 bytes in parts, with extended headers */
};

static struct {
	uint8_t memory[BUFFERS * BUFFER];
	uint8_t lent[BUFFERS];
	uint8_t *heads[BUFFERS]; /* as long as what may be read there */
	struct sp_frame *frames[FRAMES];
	uint32_t frames_n;
	struct sp_packet burst[BURST];
	uint32_t burst_n;
	uint64_t now;
	struct sp_assembler *assembler;
} f;

struct input {
	const uint8_t *at, *end;
};

static void require(int condition)
{
	if (!condition)
		abort();
}

static uint8_t byte(struct input *in)
{
	return in->at < in->end ? *in->at++ : 0;
}

static void read_frame(const struct sp_frame *frame)
{
	struct sp_chunk chunks[CHUNKS];
	uint8_t row[4096];
	int n;

	for (uint32_t y = 0; y < frame->height; y++) {
		uint32_t group = sp_pfnc_by_code(frame->pixel_format)->group;
		uint32_t n = frame->width / group * group;

		if (n <= 512)
			sp_frame_read_row(frame, y, 0, n, row);
	}
	sp_frame_rect_damaged(frame, 0, 0, (int)frame->width, (int)frame->height);
	require(frame->parts_n >= 1 && frame->parts_n <= SP_FRAME_PARTS_MAX);
	for (uint32_t p = 0; p < frame->parts_n; p++) {
		const struct sp_frame_part *part = &frame->parts[p];

		require(part->bytes <= (uint64_t)part->packets * part->stride);
		require(part->first_packet + part->packets <= frame->packets);
		require(part->bytes <= sizeof(row) &&
			sp_frame_read(frame, p, 0, (uint32_t)part->bytes, row) >= 0);
	}
	n = sp_chunk_list(frame, chunks, CHUNKS);
	for (int i = 0; i < n && i < CHUNKS; i++)
		require(!sp_frame_read(frame, chunks[i].part, chunks[i].from, chunks[i].length,
				       row) ||
			frame->missing_n);
}

static void take(void)
{
	struct sp_assembler_out out;

	sp_assembler_take(f.assembler, &out);
	for (uint32_t i = 0; i < out.tokens_n; i++) {
		require(out.tokens[i] < BUFFERS && f.lent[out.tokens[i]]);
		f.lent[out.tokens[i]] = 0;
		free(f.heads[out.tokens[i]]);
	}
	for (uint32_t i = 0; i < out.resends_n; i++)
		require(out.resends[i].first <= out.resends[i].last &&
			out.resends[i].last <= PACKETS + 1);
	for (uint32_t i = 0; i < out.frames_n; i++) {
		require(f.frames_n < FRAMES);
		f.frames[f.frames_n++] = out.frames[i];
		read_frame(out.frames[i]);
	}
	for (uint32_t i = 0; i < STREAMS; i++)
		require(sp_ledger_adds_up(sp_assembler_counters(f.assembler, i)));
}

static void push(void)
{
	sp_assembler_push(f.assembler, f.burst, f.burst_n);
	f.burst_n = 0;
	take();
}

static void put(uint32_t which)
{
	struct sp_frame *frame;

	if (!f.frames_n)
		return;
	which %= f.frames_n;
	frame = f.frames[which];
	f.frames[which] = f.frames[--f.frames_n];
	sp_assembler_put(f.assembler, frame);
	take();
}

static uint16_t payload_type(struct input *in)
{
	uint8_t type = byte(in);

	return (uint16_t)((type & 0x0F) | (type & 0x80 ? GVSP_PAYLOAD_CHUNKS : 0));
}

static struct sp_gvsp_leader leader(struct input *in, uint8_t kind)
{
	return (struct sp_gvsp_leader){
		.payload_type = kind & 0x80 ? payload_type(in) : GVSP_PAYLOAD_IMAGE,
		.has_image = true,
		.timestamp = kind & 0x40 ? byte(in) : 0,
		.pixel_format = sp_pfnc_table[kind & 0x80 ? byte(in) % sp_pfnc_table_n : 0].code,
		.size_x = 32,
		.size_y = byte(in),
		.padding_x = kind & 0x80 ? byte(in) % 8 : 0,
	};
}

static struct sp_gvsp_trailer trailer(struct input *in, uint8_t kind)
{
	return (struct sp_gvsp_trailer){
		.payload_type = kind & 0x80 ? payload_type(in) : GVSP_PAYLOAD_IMAGE,
		.has_size_y = true,
		.size_y = kind & 0x40 ? byte(in) : 0,
		.chunk_length = kind & 0x80 ? byte(in) : 0,
	};
}

static int parts_leader(struct input *in, const struct sp_gvsp_packet *header, uint8_t *data)
{
	struct sp_gvsp_part parts[SP_FRAME_PARTS_MAX];
	uint8_t n = 1 + byte(in) % SP_FRAME_PARTS_MAX;

	for (uint8_t i = 0; i < n; i++)
		parts[i] = (struct sp_gvsp_part){
			.length = (uint64_t)byte(in) << 2,
			.data_type = byte(in) % 13,
			.has_image = true,
			.pixel_format = SP_PFNC_MONO8,
			.size_x = 32,
			.size_y = byte(in) % 33,
		};
	return sp_gvsp_build_multi_part_leader(header, byte(in), parts, n, data, BUFFER);
}

/* Writes a packet with fields from the input. Returns its length. */
static int write_packet(struct input *in, uint8_t kind, struct sp_gvsp_packet *header,
			uint8_t *data)
{
	struct sp_gvsp_part_prefix prefix;
	struct sp_gvsp_trailer end;
	struct sp_gvsp_leader begin;
	int n;

	switch (kind & 7) {
	case 0:
		header->packet_id = 0;
		begin = leader(in, kind);
		return sp_gvsp_build_leader(header, &begin, data, BUFFER);
	case 1:
		end = trailer(in, kind);
		return sp_gvsp_build_trailer(header, &end, 0, data, BUFFER);
	case 2:
		for (n = 0; n < 48; n++)
			data[n] = byte(in);
		return kind >> 3;
	case 3:
		n = sp_gvsp_build(header, data, BUFFER);
		return n + byte(in) % 100;
	case 4:
		header->packet_id = 0;
		begin = leader(in, kind);
		end = trailer(in, kind);
		end.payload_type = begin.payload_type;
		n = sp_gvsp_build_all_in(header, &begin, &end, 0, data, BUFFER);
		return n + byte(in);
	case 5:
		prefix.part = byte(in) % 5;
		prefix.offset = (uint64_t)byte(in) << 2;
		prefix.ends_part = false;
		header->extended = true;
		n = sp_gvsp_build_part_prefix(header, &prefix, data, BUFFER);
		return n + (kind & 0x40 ? byte(in) : PAYLOAD - 20);
	case 6:
		header->packet_id = 0;
		header->extended = true;
		return parts_leader(in, header, data);
	default:
		n = sp_gvsp_build(header, data, BUFFER);
		return n + PAYLOAD - (header->extended ? 12 : 0);
	}
}

/* As the card may have put it: its first @split bytes elsewhere; 0: all in one place. */
static struct sp_packet place(uint32_t buffer, uint32_t n, uint32_t split)
{
	uint8_t *data = f.memory + buffer * BUFFER;
	uint32_t head;

	if (split > n)
		split = n;
	head = split ? split : n;
	f.heads[buffer] = malloc(head ? head : 1);
	memcpy(f.heads[buffer], data, head);
	memmove(data, data + split, n - split);
	return (struct sp_packet){
		.head = f.heads[buffer],
		.offset = buffer * BUFFER,
		.token = buffer,
		.rx_ns = f.now,
		.length = n,
		.split = (uint16_t)split,
	};
}

/* One datagram; its fields come from the input. */
static void send(struct input *in)
{
	struct sp_gvsp_packet header = { 0 };
	uint8_t kind, more, *data;
	uint32_t buffer = 0;
	int n;

	while (buffer < BUFFERS && f.lent[buffer])
		buffer++;
	if (buffer == BUFFERS)
		return;
	data = f.memory + buffer * BUFFER;
	kind = byte(in);
	more = byte(in);
	header.status = kind & 0x08 ? (uint16_t)(0x8000 | byte(in)) : 0;
	header.extended = kind & 0x10;
	header.block_id = kind & 0x20 ? (uint64_t)byte(in) << 8 : 100;
	header.block_id += byte(in);
	header.packet_id = byte(in);
	header.format = GVSP_FORMAT_PAYLOAD;
	n = write_packet(in, kind, &header, data);
	if (n < 0 || n > BUFFER)
		return;
	f.lent[buffer] = 1;
	f.burst[f.burst_n] = place(buffer, (uint32_t)n, more & 0x80 ? more & 0x3F : 0);
	f.burst[f.burst_n++].stream = (uint16_t)(kind & 0x20 ? kind >> 6 : 0);
	if (f.burst_n == BURST)
		push();
}

static void begin(void)
{
	static struct sp_region region = { .base = f.memory, .size = sizeof(f.memory) };
	/* 32 × 32 Mono8: 16 packets, or 20 with extended headers, and some more. */
	const struct sp_stream_config config = {
		.packet_payload = PAYLOAD,
		.pixel_format = SP_PFNC_MONO8,
		.width = 32,
		.height = 32,
		.extra_bytes = EXTRA,
		.frames = 4,
		.packet_timeout_ns = 200,
		.gap_ns = 50,
		.retention_ns = 1000,
		.resend_tries = 3,
	};
	const struct sp_assembler_config assembler = { &region, BUFFERS, STREAMS };

	memset(&f, 0, sizeof(f));
	require(!sp_assembler_create(&assembler, &f.assembler, NULL));
	require(sp_assembler_add_stream(f.assembler, &config, 0, NULL) == 0);
	require(sp_assembler_add_stream(f.assembler, &config, PACKETS, NULL) == 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, data + size };

	begin();
	while (in.at < in.end) {
		uint8_t op = byte(&in);

		if (op < 0xC0) {
			send(&in);
		} else if (op < 0xF0) {
			push();
			f.now += op & 8 ? (uint64_t)byte(&in) << (op & 7) * 4 : op & 7;
			sp_assembler_tick(f.assembler, f.now);
			take();
			/* Asking again at the same time finds nothing to do. */
			require(sp_assembler_next_deadline(f.assembler) > f.now);
		} else {
			put(op);
		}
	}
	push();
	sp_assembler_flush(f.assembler, f.now);
	take();
	while (f.frames_n)
		put(0);
	for (uint32_t i = 0; i < BUFFERS; i++)
		require(!f.lent[i]);
	sp_assembler_destroy(f.assembler);
	return 0;
}
