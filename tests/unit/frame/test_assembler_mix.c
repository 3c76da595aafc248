/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A camera that changes from block to block what it sends: image, fewer lines, chunk data within
 * the budget and beyond it, parts, all in one packet, split or not; packets lost, doubled, out of
 * order, too short or in the wrong place. SP_SEED=N repeats a run.
 *
 * An oracle says of each block what the ledger must gain. It knows what was sent and what of it
 * came.
 */
#include "one_stream.h"
#include "seeded.h"

enum { IDS_MAX = 24 };

enum kind { IMAGE, FEWER_LINES, CHUNKS, CHUNKS_BEYOND, PARTS, KINDS };

/* Bytes of an image of ten lines and of chunk data: no more than 600 together. */
static struct traffic_block random_block(uint64_t id, bool extended, enum kind kind)
{
	struct traffic_block b = extended ? extended_block(id) : block(id);
	static const uint32_t splits[] = { 0, 0, 8, 20, 5 };

	b.split = splits[rnd(5)];
	if (b.split > 8 && !extended)
		b.split = 0;
	if (kind == FEWER_LINES || (kind == CHUNKS && rnd(4) == 0))
		b.lines = 1 + rnd(9);
	if (kind == CHUNKS || kind == CHUNKS_BEYOND)
		b.payload_type = GVSP_PAYLOAD_IMAGE | GVSP_PAYLOAD_CHUNKS;
	if (kind == CHUNKS)
		b.chunk_bytes = 1 + rnd(200);
	if (kind == CHUNKS_BEYOND)
		b.chunk_bytes = 300 + rnd(200);
	if (kind != PARTS)
		return b;
	b.parts_n = 1 + rnd(SP_FRAME_PARTS_MAX);
	for (uint32_t p = 0; p < b.parts_n; p++)
		b.parts[p] = (struct sp_gvsp_part){
			.length = rnd(60),
			.data_type = rnd(2) ? GVSP_PART_CHUNKS : GVSP_PART_JPEG,
		};
	b.parts[rnd(b.parts_n)] = (struct sp_gvsp_part){
		.length = 400,
		.data_type = GVSP_PART_IMAGE_2D,
		.has_image = true,
		.pixel_format = SP_PFNC_MONO8,
		.size_x = 40,
		.size_y = 10,
	};
	return b;
}

struct sent {
	uint32_t packets; /* payload packets */
	bool came[IDS_MAX]; /* usable */
	bool bad[IDS_MAX]; /* only unusable */
};

/* Sends the block out of order and not quite whole. */
static struct sent send_some(const struct traffic_block *b, uint64_t now, uint32_t fault)
{
	struct sent sent = { .packets = traffic_packets(b) };
	uint32_t n = sent.packets + 2, order[IDS_MAX];
	bool any = false;

	CHECK(n <= IDS_MAX);
	for (uint32_t i = 0; i < n; i++)
		order[i] = i;
	for (uint32_t i = 1; i < n && rnd(3) == 0; i++) {
		uint32_t other = rnd(i), id = order[i];

		order[i] = order[other];
		order[other] = id;
	}
	for (uint32_t i = 0; i < n; i++) {
		uint32_t id = order[i];
		bool payload = id && id <= sent.packets;

		/* Something always comes: other tests lose whole blocks. */
		if (per_mille(fault) && (any || i + 1 < n))
			continue;
		any = true;
		if (payload && per_mille(fault)) {
			send_as(b, id, GVSP_STATUS_DATA_OVERRUN, 0, now);
			sent.bad[id] = !sent.came[id];
			continue;
		}
		do {
			send(b, id, now);
			sent.came[id] = true;
			sent.bad[id] = false;
		} while (per_mille(fault));
	}
	return sent;
}

/* What a block with leader and trailer adds to the ledger. */
static void check_known(const struct traffic_block *b, const struct sent *sent, enum kind kind,
			const struct sp_stream_counters *before)
{
	uint32_t packets = sent->packets, came = 0, bad = 0;
	struct traffic_block image = *b;

	image.chunk_bytes = 0;
	if (kind == CHUNKS_BEYOND)
		packets = traffic_packets(&image);
	for (uint32_t id = 1; id <= packets; id++) {
		came += sent->came[id];
		bad += sent->bad[id];
	}
	CHECK_EQ(c->expected - before->expected, packets);
	CHECK_EQ(c->delivered - before->delivered, came);
	CHECK_EQ(c->bad_packet - before->bad_packet, bad);
	CHECK_EQ(c->missing - before->missing, packets - came - bad);
}

static void check_frame(const struct sp_frame *f, const struct traffic_block *b, enum kind kind,
			const struct sent *sent)
{
	bool leader = sent->came[0], trailer = sent->came[sent->packets + 1];

	CHECK_EQ(f->block_id, b->id);
	CHECK_EQ(!(f->flags & SP_FRAME_NO_LEADER), leader);
	CHECK_EQ(!(f->flags & SP_FRAME_NO_TRAILER), trailer);
	if (!leader)
		return; /* taken for another kind, it may be anything */
	traffic_check_parts(f, b);
	if (!trailer)
		return;
	CHECK_EQ(f->height, b->lines ? b->lines : 10);
	CHECK_EQ(f->parts_n, kind == PARTS ? b->parts_n : kind == CHUNKS ? 2 : 1);
	for (uint32_t i = 0; i < f->packets; i++)
		CHECK_EQ(!sp_frame_packet_missing(f, i), sent->came[i + 1]);
}

static void run(bool extended, uint32_t fault, uint64_t blocks)
{
	struct sp_stream_config quiet = config;
	uint64_t now = 0, frames = 0, seen = 0;

	quiet.resend_tries = 0;
	quiet.frames = 64;
	begin_with(&quiet);
	for (uint64_t k = 1; k <= blocks; k++) {
		enum kind kind = (enum kind)rnd(extended ? KINDS : PARTS);
		struct traffic_block b = random_block(k % 60000 + 1, extended, kind);
		struct sp_stream_counters before = *c;
		struct sp_frame *f;
		struct sent sent;

		b.timestamp = k;
		if (rnd(10) == 0 && kind < CHUNKS_BEYOND) {
			push(traffic_all_in(&t, &b, 0, now));
			CHECK(c->expected == before.expected + 1 &&
			      c->delivered == before.delivered + 1);
			f = traffic_frame(&t);
			CHECK(f && f->packets == 1);
			traffic_check_parts(f, &b);
			traffic_put(&t, f);
			frames++;
			continue;
		}
		sent = send_some(&b, now, fault);
		now += 40 * MS;
		tick(now);
		/* Only the leader came: it is waited for. */
		if (c->expected == before.expected)
			sp_assembler_flush(t.assembler, now);
		traffic_take(&t);
		if (sent.came[0] && sent.came[sent.packets + 1]) {
			check_known(&b, &sent, kind, &before);
			seen++;
		}
		f = traffic_frame(&t);
		if (f)
			check_frame(f, &b, kind, &sent);
		if (f)
			traffic_put(&t, f);
		frames += !!f;
		CHECK(!t.frames_n && t.free_n + 8 >= t.buffers);
	}
	CHECK(frames > blocks * 9 / 10 && seen > blocks / 2);
	CHECK_EQ(frames, c->frames_complete + c->frames_incomplete);
	CHECK_EQ(c->restarts, 0);
	if (!fault)
		CHECK(c->frames_complete == blocks && !c->missing && !c->bad_packet);
	end();
}

TEST(mix_standard)
{
	seed_with(1);
	run(false, 20, 8000);
}

TEST(mix_extended)
{
	seed_with(2);
	run(true, 20, 8000);
}

TEST(mix_without_faults)
{
	seed_with(3);
	run(true, 0, 4000);
}

TEST_MAIN()
