/* SPDX-License-Identifier: Apache-2.0 */
/* One stream and what comes out of it, for tests that send packets one by one. */
#ifndef SP_TESTS_UNIT_FRAME_ONE_STREAM_H
#define SP_TESTS_UNIT_FRAME_ONE_STREAM_H

#include "gvsp_traffic.h"

#define US 1000ull
#define MS 1000000ull

static struct traffic t;
static const struct sp_stream_counters *c;

/* Frames that the test holds; end puts back what is left. */
static struct sp_frame *held[64];
static uint32_t held_n;

/* 40 × 10 Mono8 in packets of 100, and 200 bytes more: six packets, or up to eleven in parts. */
static const struct sp_stream_config config = {
	.packet_payload = 100,
	.pixel_format = SP_PFNC_MONO8,
	.width = 40,
	.height = 10,
	.extra_bytes = 200,
	.frames = 4,
	.packet_timeout_ns = 2 * MS,
	.gap_ns = 1 * MS,
	.retention_ns = 10 * MS,
	.resend_tries = 2,
};

__attribute__((unused)) static void begin_with(const struct sp_stream_config *with)
{
	struct sp_err err;

	held_n = 0;
	traffic_init(&t, 256, 768, 1);
	if (sp_assembler_add_stream(t.assembler, with, 0, &err) != 0)
		FAIL("%s", err.text);
	c = sp_assembler_counters(t.assembler, 0);
}

__attribute__((unused)) static void begin(void)
{
	begin_with(&config);
}

__attribute__((unused)) static struct traffic_block block(uint64_t id)
{
	return (struct traffic_block){
		.id = id,
		.pixel_format = SP_PFNC_MONO8,
		.width = 40,
		.height = 10,
		.payload = 100,
		.timestamp = 1000 + id,
	};
}

/* With extended headers a packet carries 12 bytes less. */
__attribute__((unused)) static struct traffic_block extended_block(uint64_t id)
{
	struct traffic_block b = block(id);

	b.extended = true;
	b.payload = 88;
	return b;
}

__attribute__((unused)) static void push(struct sp_packet packet)
{
	traffic_push(&t, &packet, 1);
	CHECK(sp_ledger_adds_up(c));
}

__attribute__((unused)) static void send_as(const struct traffic_block *b, uint32_t id,
					    uint16_t status, int grow, uint64_t now)
{
	push(traffic_packet(&t, b, id, status, grow, now));
}

__attribute__((unused)) static void send(const struct traffic_block *b, uint32_t id, uint64_t now)
{
	send_as(b, id, 0, 0, now);
}

/* "0 1 2 5": packets of the block in this order. */
__attribute__((unused)) static void send_list(const struct traffic_block *b, const char *ids,
					      uint64_t now)
{
	for (const char *p = ids; *p; p++)
		if (*p != ' ')
			send(b, (uint32_t)(*p - '0'), now);
}

/* Leader, payload, trailer. */
__attribute__((unused)) static void send_block(const struct traffic_block *b, uint64_t now)
{
	for (uint32_t id = 0; id <= traffic_packets(b) + 1; id++)
		send(b, id, now);
}

__attribute__((unused)) static void tick(uint64_t now)
{
	traffic_tick(&t, now);
	CHECK(sp_ledger_adds_up(c));
}

/* The oldest frame that came out; every byte is what @b is. */
__attribute__((unused)) static struct sp_frame *frame_of(const struct traffic_block *b)
{
	struct sp_frame *f = traffic_frame(&t);

	CHECK(f);
	CHECK_EQ(f->block_id, b->id);
	traffic_check_parts(f, b);
	held[held_n++] = f;
	return f;
}

__attribute__((unused)) static void put_all(void)
{
	while (held_n)
		traffic_put(&t, held[--held_n]);
}

/* Closes what is open; every buffer must come back. */
__attribute__((unused)) static void end(void)
{
	struct sp_frame *f;

	sp_assembler_flush(t.assembler, 1000000 * MS);
	traffic_take(&t);
	put_all();
	while ((f = traffic_frame(&t)))
		traffic_put(&t, f);
	CHECK(sp_ledger_adds_up(c));
	traffic_uninit(&t);
}

__attribute__((unused)) static void check_request(uint64_t block_id, uint32_t first, uint32_t last)
{
	struct sp_resend_request r = t.resends[0];

	CHECK(t.resends_n);
	memmove(&t.resends[0], &t.resends[1], --t.resends_n * sizeof(r));
	CHECK_EQ(r.block_id, block_id);
	CHECK_EQ(r.first, first);
	CHECK_EQ(r.last, last);
}

#endif
