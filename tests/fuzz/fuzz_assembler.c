/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes as traffic: a run of records "op, argument, …" that send packets well and badly formed, let
 * time pass and put frames back. Whatever comes, the ledger adds up, every token comes back once,
 * requests name packets that exist and frames can be read.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <sallyport/gvsp.h>

#include "base/region.h"
#include "frame/assembler.h"
#include "gvsp_wire.h"
#include "wire/pfnc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	STREAMS = 2,
	BUFFERS = 96,
	BUFFER = 160,
	PAYLOAD = 64,
	BURST = 8,
	FRAMES = 8,
	PACKETS = 20 /* of 32 × 32 bytes with extended headers */
};

static struct {
	uint8_t memory[BUFFERS * BUFFER];
	uint8_t lent[BUFFERS];
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
	uint8_t row[4096];

	for (uint32_t y = 0; y < frame->height; y++) {
		uint32_t group = sp_pfnc_by_code(frame->pixel_format)->group;
		uint32_t n = frame->width / group * group;

		if (n <= 512)
			sp_frame_read_row(frame, y, 0, n, row);
	}
	sp_frame_rect_damaged(frame, 0, 0, (int)frame->width, (int)frame->height);
}

static void take(void)
{
	struct sp_assembler_out out;

	sp_assembler_take(f.assembler, &out);
	for (uint32_t i = 0; i < out.tokens_n; i++) {
		require(out.tokens[i] < BUFFERS && f.lent[out.tokens[i]]);
		f.lent[out.tokens[i]] = 0;
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

/* One datagram; its fields come from the input. */
static void send(struct input *in)
{
	struct sp_gvsp_packet header = { 0 };
	uint8_t kind, *data;
	uint32_t buffer = 0;
	int n;

	while (buffer < BUFFERS && f.lent[buffer])
		buffer++;
	if (buffer == BUFFERS)
		return;
	f.lent[buffer] = 1;
	data = f.memory + buffer * BUFFER;
	kind = byte(in);
	header.status = kind & 0x08 ? (uint16_t)(0x8000 | byte(in)) : 0;
	header.extended = kind & 0x10;
	header.block_id = kind & 0x20 ? (uint64_t)byte(in) << 8 : 100;
	header.block_id += byte(in);
	header.packet_id = byte(in);
	header.format = GVSP_FORMAT_PAYLOAD;
	if ((kind & 7) == 0) {
		struct sp_gvsp_leader leader = {
			.payload_type = kind & 0x80 ? byte(in) : GVSP_PAYLOAD_IMAGE,
			.has_image = true,
			.timestamp = kind & 0x40 ? byte(in) : 0,
			.pixel_format =
				sp_pfnc_table[kind & 0x80 ? byte(in) % sp_pfnc_table_n : 0].code,
			.size_x = 32,
			.size_y = byte(in),
			.padding_x = kind & 0x80 ? byte(in) % 8 : 0,
		};

		header.packet_id = 0;
		n = sp_gvsp_build_leader(&header, &leader, data, BUFFER);
	} else if ((kind & 7) == 1) {
		struct sp_gvsp_trailer trailer = { GVSP_PAYLOAD_IMAGE, true, 0, 0 };

		n = sp_gvsp_build_trailer(&header, &trailer, 0, data, BUFFER);
	} else if ((kind & 7) == 2) {
		for (n = 0; n < 48; n++)
			data[n] = byte(in);
		n = kind >> 3;
	} else {
		n = sp_gvsp_build(&header, data, BUFFER);
		n += (kind & 7) == 3 ? byte(in) % 100 : PAYLOAD;
	}
	f.burst[f.burst_n++] = (struct sp_packet){
		.head = data,
		.offset = buffer * BUFFER,
		.token = buffer,
		.rx_ns = f.now,
		.length = (uint32_t)n,
		.stream = (uint16_t)(kind & 0x20 ? kind >> 6 : 0),
	};
	if (f.burst_n == BURST)
		push();
}

static void begin(void)
{
	static struct sp_region region = { .base = f.memory, .size = sizeof(f.memory) };
	/* 32 × 32 Mono8: 16 packets, or 20 with extended headers. */
	const struct sp_stream_config config = {
		.packet_payload = PAYLOAD,
		.pixel_format = SP_PFNC_MONO8,
		.width = 32,
		.height = 32,
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
