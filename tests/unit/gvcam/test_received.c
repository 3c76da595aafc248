/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gvcam's stream into the assembler, in memory and in time of its own: whatever blocks carry,
 * however they change, whatever is lost and asked for again, and whoever else sends, each frame
 * comes out whole and each byte is the one that gvcam drew.
 */
#include "gvcam/stream.h"

#include <endian.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/region.h"
#include "frame/assembler.h"
#include "frame/chunk.h"
#include "gvcam/pattern.h"
#include "test.h"
#include "wire/pfnc.h"

enum {
	WIDTH = 160,
	HEIGHT = 100,
	SCPS = 1000,
	BLOCKS = 60,
	BATCH = 32,
	BUFFERS = 2048,
	CHUNKS_MAX = 8,
	EXTRA = 2 * WIDTH * HEIGHT * 3, /* a second image, chunk data, prefixes */
	CAMERA_IP = 0x0A000064,
	ATTACKER_IP = 0x0A000065,
	SPOOF_SEED = 11,
	ALL_SPOOFS = (1 << GVCAM_SPOOFS) - 1,
};

struct run {
	const char *name;
	struct gvcam_channel channel; /* what blocks carry */
	struct gvcam_faults faults;
	struct gvcam_variety variety;
	unsigned int spoofs; /* kinds, as bits 1 << enum gvcam_spoof_kind */
};

static const struct run *run;
static struct gvcam_stream stream;
static struct gvcam_packet packets[BATCH];
static uint8_t scratch[BATCH][GVCAM_PACKET_MAX];
static struct sp_region region;
static struct sp_assembler *assembler;
static uint64_t unused[BUFFERS];
static uint32_t unused_n;
static uint32_t frames;

/* ---- what a frame should be ---- */

static void check_bytes(const struct sp_frame *frame, uint32_t part, uint32_t format, bool inverted)
{
	static uint8_t got[WIDTH * HEIGHT * 3], want[WIDTH * HEIGHT * 3];
	struct gvcam_shape shape = gvcam_variety_shape(&run->variety, 0, frame->block_id,
						       &stream.channel);
	uint64_t bytes = sp_pfnc_image_bytes(format, shape.width, shape.lines);

	CHECK_EQ(frame->parts[part].bytes, bytes);
	CHECK_EQ(frame->parts[part].width, shape.width);
	CHECK_EQ(frame->parts[part].pixel_format, format);
	CHECK_EQ(sp_frame_read(frame, part, 0, (uint32_t)bytes, got), 0);
	gvcam_pattern_fill(format, shape.width, shape.height, frame->block_id, 0, want, bytes);
	for (uint64_t i = 0; i < bytes; i++)
		if ((got[i] ^ want[i]) != (inverted ? 0xFF : 0))
			FAIL("%s: block %llu, part %u: byte %llu is %u", run->name,
			     (unsigned long long)frame->block_id, part, (unsigned long long)i,
			     got[i]);
}

static uint64_t chunk_value(const struct sp_frame *frame, const struct sp_chunk *chunk)
{
	uint64_t value;

	CHECK_EQ(chunk->length, sizeof(value));
	CHECK_EQ(sp_frame_read(frame, chunk->part, chunk->from, sizeof(value), (uint8_t *)&value),
		 0);
	return be64toh(value);
}

static void check_chunks(const struct sp_frame *frame)
{
	struct sp_chunk chunks[CHUNKS_MAX];
	int n = sp_chunk_list(frame, chunks, CHUNKS_MAX), first = run->channel.multi_part ? 0 : 1;

	CHECK_EQ(n, first + 3);
	if (first)
		CHECK_EQ(chunks[0].id, GVCAM_CHUNK_IMAGE);
	CHECK_EQ(chunks[first].id, GVCAM_CHUNK_FRAME_ID);
	CHECK_EQ(chunk_value(frame, &chunks[first]), frame->block_id);
	CHECK_EQ(chunks[first + 2].id, GVCAM_CHUNK_TIMESTAMP);
	CHECK_EQ(chunk_value(frame, &chunks[first + 2]), frame->device_ticks);
}

static void check_frame(const struct sp_frame *frame)
{
	struct gvcam_shape shape = gvcam_variety_shape(&run->variety, 0, frame->block_id,
						       &stream.channel);

	if (frame->missing_n)
		FAIL("%s: block %llu misses %u of %u packets", run->name,
		     (unsigned long long)frame->block_id, frame->missing_n, frame->packets);
	check_bytes(frame, 0, shape.pixel_format, false);
	if (run->channel.multi_part && run->channel.second == GVCAM_SECOND_IMAGE)
		check_bytes(frame, 1, shape.pixel_format, true);
	else if (run->channel.multi_part)
		check_bytes(frame, 1, SP_PFNC_MONO8, true);
	if (run->channel.chunks)
		check_chunks(frame);
}

/* ---- the way between ---- */

static void push(const struct gvcam_packet *packet, uint64_t now_ns)
{
	struct sp_packet in = {
		.length = packet->head_bytes + packet->data_bytes,
		.rx_ns = now_ns,
		.source_ip = packet->way == GVCAM_WAY_OTHER_ADDRESS ? ATTACKER_IP : CAMERA_IP,
	};
	uint8_t *at;

	/* Ports are the packet source's to check. */
	if (packet->way == GVCAM_WAY_OTHER_PORT)
		return;
	CHECK(unused_n > 0);
	in.token = unused[--unused_n];
	in.offset = in.token * SCPS;
	at = region.base + in.offset;
	in.head = at;
	memcpy(at, packet->head, packet->head_bytes);
	if (packet->data_bytes)
		memcpy(at + packet->head_bytes, packet->data, packet->data_bytes);
	sp_assembler_push(assembler, &in, 1);
}

static void take(void)
{
	struct sp_frame *got[BATCH * 4];
	struct sp_assembler_out out;
	uint32_t n;

	sp_assembler_take(assembler, &out);
	for (unsigned int i = 0; i < out.tokens_n; i++)
		unused[unused_n++] = out.tokens[i];
	for (unsigned int i = 0; i < out.resends_n; i++)
		gvcam_stream_resend(&stream,
				    &(struct sp_gvcp_resend){ .extended = out.resends[i].extended,
							      .block = out.resends[i].block_id,
							      .first = out.resends[i].first,
							      .last = out.resends[i].last });
	n = out.frames_n;
	CHECK(n <= sizeof(got) / sizeof(got[0]));
	memcpy(got, out.frames, n * sizeof(got[0]));
	for (uint32_t i = 0; i < n; i++) {
		check_frame(got[i]);
		sp_assembler_put(assembler, got[i]);
		frames++;
	}
}

static void begin(void)
{
	struct gvcam_stream_config config = { .faults = run->faults,
					      .variety = run->variety,
					      .spoofs.seed = SPOOF_SEED,
					      .pacing = 0.5,
					      .start_block = run->channel.extended_ids ? 1 : 65500,
					      .frames = BLOCKS };
	struct sp_stream_config expected = {
		.camera_ip = CAMERA_IP,
		.fd = -1,
		.packet_payload = SCPS - 36,
		.pixel_format = run->channel.pixel_format,
		.width = WIDTH,
		.height = HEIGHT,
		.extra_bytes = EXTRA,
		.frames = 8,
		.gap_ns = SP_NS_PER_MS,
		.packet_timeout_ns = 5 * SP_NS_PER_MS,
		.retention_ns = 200 * SP_NS_PER_MS,
		.resend_tries = 8,
	};
	struct sp_assembler_config with = { .region = &region, .buffers = BUFFERS, .streams = 1 };
	struct gvcam_channel channel = run->channel;
	struct sp_err err;

	for (unsigned int i = 0; i < GVCAM_SPOOFS; i++)
		config.spoofs.rate[i] = run->spoofs >> i & 1 ? 0.3 : 0;
	for (unsigned int i = 0; i < BATCH; i++)
		packets[i].scratch = scratch[i];
	for (unused_n = 0; unused_n < BUFFERS; unused_n++)
		unused[unused_n] = unused_n;
	frames = 0;
	CHECK_EQ(gvcam_stream_init(&stream, &config), 0);
	CHECK_EQ(sp_region_init(&region, (size_t)BUFFERS * SCPS, &err), 0);
	CHECK_EQ(sp_assembler_create(&with, &assembler, &err), 0);
	if (sp_assembler_add_stream(assembler, &expected, 0, &err))
		FAIL("%s", err.text);
	channel.acquiring = true;
	channel.starts = 1;
	channel.ip = 1;
	channel.port = 1;
	channel.packet_size = SCPS;
	channel.width = WIDTH;
	channel.height = HEIGHT;
	channel.pattern = true;
	channel.fps = 100;
	gvcam_stream_set_channel(&stream, &channel, SP_NS_PER_S);
}

/* Until a while after the last frame: @ret_now_ns. */
static void go(uint64_t *ret_now_ns)
{
	uint64_t now_ns = SP_NS_PER_S, end_ns = UINT64_MAX;

	while (now_ns < end_ns) {
		uint64_t next_ns, due_ns;
		uint32_t n = gvcam_stream_fill(&stream, now_ns, packets, BATCH, &next_ns);

		for (uint32_t i = 0; i < n; i++)
			push(&packets[i], now_ns);
		sp_assembler_tick(assembler, now_ns);
		take();
		if (end_ns == UINT64_MAX && gvcam_stream_spent(&stream))
			end_ns = now_ns + SP_NS_PER_S;
		due_ns = sp_assembler_next_deadline(assembler);
		if (stream.requests_at != stream.requests_n)
			due_ns = now_ns;
		next_ns = next_ns < due_ns ? next_ns : due_ns;
		next_ns = next_ns < end_ns ? next_ns : end_ns;
		/* An answer takes 10 µs. */
		now_ns = next_ns > now_ns ? next_ns : now_ns + 10000;
	}
	*ret_now_ns = now_ns;
}

static const struct sp_stream_counters *all_arrive(const struct run *what)
{
	static struct sp_stream_counters counters;
	uint64_t now_ns;

	run = what;
	printf("# %s: seeds %llu, %llu, %d\n", run->name, (unsigned long long)run->faults.seed,
	       (unsigned long long)run->variety.seed, SPOOF_SEED);
	begin();
	go(&now_ns);
	sp_assembler_flush(assembler, now_ns);
	take();
	counters = *sp_assembler_counters(assembler, 0);
	if (frames != BLOCKS)
		FAIL("%s: %u of %u frames", run->name, frames, BLOCKS);
	CHECK(sp_ledger_adds_up(&counters));
	CHECK_EQ(counters.delivered, counters.expected);
	CHECK_EQ(counters.restarts, 0);
	CHECK_EQ(unused_n, BUFFERS);
	sp_assembler_destroy(assembler);
	sp_region_uninit(&region);
	gvcam_stream_uninit(&stream);
	return &counters;
}

#define LOSSY                                                                                      \
	{                                                                                          \
		.loss = 0.02, .burst_loss = 0.002, .burst_length = 6, .leader_loss = 0.1,          \
		.trailer_loss = 0.1, .duplicate = 0.05, .reorder = 8, .seed = 7                    \
	}

TEST(received_whatever_blocks_carry)
{
	static const struct run runs[] = {
		{ .name = "packed", .channel = { .pixel_format = SP_PFNC_MONO10P } },
		{ .name = "extended ids",
		  .channel = { .pixel_format = SP_PFNC_YUV422_8, .extended_ids = true } },
		{ .name = "chunks",
		  .channel = { .pixel_format = SP_PFNC_BAYER_RG8, .chunks = true } },
		{ .name = "chunks, packed",
		  .channel = { .pixel_format = SP_PFNC_BAYER_RG12P,
			       .chunks = true,
			       .extended_ids = true } },
		{ .name = "confidence",
		  .channel = { .pixel_format = SP_PFNC_MONO12P,
			       .multi_part = true,
			       .extended_ids = true } },
		{ .name = "second image, chunks",
		  .channel = { .pixel_format = SP_PFNC_RGB8,
			       .multi_part = true,
			       .second = GVCAM_SECOND_IMAGE,
			       .extended_ids = true,
			       .chunks = true } },
	};

	for (size_t i = 0; i < sizeof(runs) / sizeof(runs[0]); i++) {
		struct run lossy = runs[i];

		all_arrive(&runs[i]);
		lossy.faults = (struct gvcam_faults)LOSSY;
		all_arrive(&lossy);
	}
}

TEST(received_however_blocks_change)
{
	static const struct run runs[] = {
		{ .name = "changing",
		  .channel = { .pixel_format = SP_PFNC_RGB8 },
		  .variety = { .seed = 5, .change_every = 3 } },
		{ .name = "changing, lossy",
		  .channel = { .pixel_format = SP_PFNC_RGB8, .extended_ids = true },
		  .faults = LOSSY,
		  .variety = { .seed = 6, .change_every = 1 } },
		{ .name = "changing parts",
		  .channel = { .pixel_format = SP_PFNC_RGB8,
			       .extended_ids = true,
			       .multi_part = true,
			       .chunks = true },
		  .variety = { .seed = 7, .change_every = 2 } },
		{ .name = "lines",
		  .channel = { .pixel_format = SP_PFNC_MONO8 },
		  .variety = { .seed = 8, .lines = true } },
		{ .name = "lines and chunks",
		  .channel = { .pixel_format = SP_PFNC_MONO8, .chunks = true },
		  .variety = { .seed = 9, .lines = true } },
		/* Lines of 16 to 160 bytes: many of these blocks fit in one packet. */
		{ .name = "all in",
		  .channel = { .pixel_format = SP_PFNC_MONO8, .all_in = true },
		  .variety = { .seed = 10, .change_every = 1, .lines = true } },
	};

	for (size_t i = 0; i < sizeof(runs) / sizeof(runs[0]); i++)
		all_arrive(&runs[i]);
}

TEST(received_beside_spoofers)
{
	static const struct run runs[] = {
		{ .name = "spoofed",
		  .channel = { .pixel_format = SP_PFNC_MONO8 },
		  .spoofs = ALL_SPOOFS },
		{ .name = "spoofed, extended ids",
		  .channel = { .pixel_format = SP_PFNC_BAYER_GR10P, .extended_ids = true },
		  .spoofs = ALL_SPOOFS },
		{ .name = "spoofed, chunks",
		  .channel = { .pixel_format = SP_PFNC_MONO8, .chunks = true },
		  .spoofs = ALL_SPOOFS },
		{ .name = "spoofed, parts",
		  .channel = { .pixel_format = SP_PFNC_MONO8,
			       .extended_ids = true,
			       .multi_part = true },
		  .spoofs = ALL_SPOOFS },
	};

	for (size_t i = 0; i < sizeof(runs) / sizeof(runs[0]); i++) {
		const struct sp_stream_counters *c = all_arrive(&runs[i]);

		CHECK(c->foreign > 100);
		CHECK(c->malformed > 100 || !(runs[i].spoofs >> GVCAM_SPOOF_MALFORMED & 1));
		CHECK(c->stray + c->surplus > 100);
		CHECK(c->duplicate + c->late > 100);
	}
}

TEST_MAIN()
