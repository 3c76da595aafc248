/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A forger whose packets pass the address filter, beside a good stream: what the window of block
 * ids and "the first copy stays" are for. SP_SEED=N repeats a run.
 */
#include "gvsp_block.h"
#include "one_stream.h"
#include "seeded.h"

/* One packet, wherever it claims to belong, closes nothing and is stray in the end. */
TEST(one_packet_proves_nothing)
{
	static const struct {
		uint64_t id;
		bool extended;
		uint32_t packet;
		uint64_t timestamp; /* 0: that of the block */
	} strays[] = {
		{ 503, false, 1, 0 }, /* ahead */
		{ 550, false, 0, 0 },
		{ 600, false, 5, 0 },
		{ 601, false, 2, 0 }, /* beyond what may be ahead */
		{ 30000, false, 3, 0 },
		{ 1, false, 0, 0 }, /* back */
		{ 501, true, 1, 0 }, /* the other headers */
		{ 1ull << 40, true, 0, 0 },
		{ 500, false, 0, 77 }, /* a known block's leader of another time */
		{ 499, false, 0, 1 << 30 },
	};

	for (size_t i = 0; i < sizeof(strays) / sizeof(strays[0]); i++) {
		struct traffic_block old = block(499), good = block(500), next = block(501), forged;

		begin();
		send_block(&old, 0);
		send_list(&good, "012", 0);
		forged = strays[i].extended ? extended_block(strays[i].id) : block(strays[i].id);
		if (strays[i].timestamp)
			forged.timestamp = strays[i].timestamp;
		send(&forged, strays[i].packet, 0);
		CHECK_EQ(t.buffers - t.free_n, 4 + 2 + 1); /* held */
		send_list(&good, "345", 0);
		send_block(&next, 0);
		CHECK(c->frames_complete == 3 && !c->restarts && !c->missing);
		tick(10 * MS - 1);
		/* One of a known id is judged again as soon as the window moves. */
		CHECK_EQ(c->stray, i >= 8);
		tick(10 * MS);
		CHECK_EQ(c->stray, 1);
		CHECK_EQ(t.buffers - t.free_n, 12);
		CHECK_EQ(c->blocks_skipped, 0);
		end();
	}
}

/* What was held is taken first, so the third packet costs nothing. */
TEST(three_packets_are_proof)
{
	for (int i = 0; i < 4; i++) {
		static const char *const orders[] = { "012345", "210345", "534102", "543210" };
		struct traffic_block a = block(500), b = block(i % 2 ? 700 : 503);

		begin();
		send_block(&a, 0);
		send_list(&b, orders[i], 1 * MS);
		frame_of(&a);
		CHECK_EQ(frame_of(&b)->first_ns, 1 * MS);
		CHECK(c->restarts == (uint64_t)(i % 2) && !c->stray && c->frames_complete == 2);
		end();
	}
}

TEST(proof_spread_over_neighbours)
{
	struct traffic_block a = block(500), blocks[3];

	begin();
	send_block(&a, 0);
	for (uint32_t i = 0; i < 3; i++) {
		blocks[i] = block(802 - i); /* the last one first */
		send(&blocks[i], 1, 0);
	}
	CHECK_EQ(c->restarts, 1);
	for (uint32_t i = 0; i < 3; i++) {
		send_list(&blocks[i], "02345", 0);
		CHECK_EQ(c->frames_complete, i + 2);
	}
	CHECK(!c->stray && !c->missing);
	end();
}

TEST(proof_must_come_in_time)
{
	struct traffic_block a = block(500), b = block(700);

	begin();
	send_block(&a, 0);
	send_list(&b, "12", 0);
	send(&b, 3, 10 * MS); /* the others are forgotten */
	CHECK(c->stray == 2 && !c->restarts);
	send_list(&b, "45", 10 * MS);
	CHECK_EQ(c->restarts, 1);
	end();
}

/* Someone who sends as many as it takes: while the good stream goes on it is believed. */
TEST(proof_against_a_stream_that_goes_on)
{
	struct traffic_block forged = block(700);

	begin();
	for (uint64_t id = 1; id <= 20; id++) {
		struct traffic_block b = block(id);

		for (uint32_t i = 0; i <= 5; i++) {
			send(&b, i, id * MS);
			send(&forged, i, id * MS);
		}
		frame_of(&b);
		put_all();
	}
	CHECK(c->frames_complete == 20 && !c->restarts && !c->missing);
	end();
}

TEST(proof_by_a_leader_after_silence)
{
	struct traffic_block a = block(500), b = block(1), next;

	/* The camera's clock went on: silence of the retention is enough. */
	begin();
	send_block(&a, 0);
	b.timestamp = a.timestamp + 1;
	send(&b, 0, 10 * MS); /* not yet */
	CHECK_EQ(c->restarts, 0);
	end();
	begin();
	send_block(&a, 0);
	send(&b, 0, 10 * MS + 1);
	CHECK_EQ(c->restarts, 1);
	send_list(&b, "12345", 600 * MS); /* an early leader is still waited for */
	CHECK_EQ(c->frames_complete, 2);
	end();

	/* It began anew: that takes a while. */
	begin();
	send_block(&a, 0);
	b.timestamp = 1;
	send(&b, 0, 500 * MS);
	CHECK_EQ(c->restarts, 0);
	tick(600 * MS);
	CHECK_EQ(c->stray, 1);
	send(&b, 0, 1100 * MS);
	CHECK_EQ(c->restarts, 1);
	next = block(2);
	send_list(&b, "12345", 1101 * MS);
	send_block(&next, 1102 * MS);
	CHECK(c->frames_complete == 3 && c->stray == 1);
	end();
}

TEST(suspects_stay_within_the_credit)
{
	struct sp_stream_config tight = config;
	struct traffic_block a = block(500);
	struct sp_err err;

	held_n = 0;
	traffic_init(&t, 256, 768, 1);
	CHECK_EQ(sp_assembler_add_stream(t.assembler, &tight, 11, &err), 0);
	c = sp_assembler_counters(t.assembler, 0);
	send_list(&a, "01", 0);
	for (uint64_t i = 0; i < 40; i++) {
		struct traffic_block forged = block(5000 + 500 * i);

		send_list(&forged, "12", 0);
		CHECK(t.buffers - t.free_n <= 1 + 8);
	}
	CHECK_EQ(t.buffers - t.free_n, 9);
	CHECK_EQ(c->stray, 72);
	send_list(&a, "2345", 0); /* who is known goes before who is not */
	CHECK(c->frames_complete == 1 && !c->policy);
	send_block(&a, 0);
	for (uint64_t id = 501; id < 503; id++) {
		a = block(id);
		send_list(&a, "1234", 0);
	}
	CHECK(c->stray == 80 && c->blocks_policy == 1);
	end();
}

/* ---- one in ten ---- */

/* A forged packet: a leader, a trailer or pixels, of any block but the one that is being sent. */
static void send_forged(const struct traffic_block *good, uint64_t now)
{
	struct traffic_block forged = *good;
	__s64 ahead;

	forged.id = good->extended ? rnd64() : rnd64() % 65536;
	/*
	 * Who guesses what is open, or will be before the retention is over, is taken for the
	 * camera.
	 */
	ahead = sp_gvsp_block_distance(forged.id, good->id, good->extended);
	if (ahead >= -1 && ahead < 200)
		return;
	forged.timestamp = rnd64();
	send(&forged, (uint32_t)(rnd64() % (traffic_packets(&forged) + 2)), now);
}

static void run_beside_a_forger(bool extended, uint64_t blocks)
{
	uint64_t id = 65000, now = 0, sent = 0;

	begin();
	for (uint64_t k = 0; k < blocks; k++) {
		struct traffic_block b = extended ? extended_block(id) : block(id);
		struct sp_frame *f;

		b.timestamp = 1 + k;
		for (uint32_t i = 0; i <= traffic_packets(&b) + 1; i++) {
			send(&b, i, now);
			if (rnd64() % 9 == 0) {
				send_forged(&b, now);
				sent++;
			}
			tick(now += 10 * US);
		}
		f = frame_of(&b);
		CHECK(f->flags == 0 && f->device_ticks == 1 + k);
		put_all();
		id = sp_gvsp_block_next(id, extended);
	}
	tick(now + 20 * MS);
	CHECK(sent > blocks / 4);
	CHECK(c->frames_complete == blocks && !c->frames_incomplete && !c->restarts);
	CHECK(!c->missing && !c->late && !c->bad_packet && !c->blocks_skipped && !c->policy);
	/* Each refusal is counted; a few hit ids of the window whose packets are all there. */
	CHECK(c->stray + c->duplicate <= sent && c->stray * 100 > sent * 95);
	end();
}

TEST(one_in_ten_is_forged)
{
	seed_with(1);
	run_beside_a_forger(false, 6000);
}

TEST(one_in_ten_is_forged_extended)
{
	seed_with(2);
	run_beside_a_forger(true, 6000);
}

/* The camera begins anew while the forger goes on. */
TEST(restarts_beside_a_forger)
{
	uint64_t id = 40000, now = 0, complete = 0;

	seed_with(3);
	begin();
	for (uint64_t k = 0; k < 2000; k++) {
		struct traffic_block b;

		if (k % 50 == 49)
			id = (id + 20000) % 65536;
		b = block(id);
		b.timestamp = 1 + k;
		for (uint32_t i = 0; i <= 5; i++) {
			/* The very first packet is believed. */
			if (k && rnd64() % 9 == 0)
				send_forged(&b, now);
			send(&b, i, now);
			tick(now += 10 * US);
		}
		if (t.frames_n) {
			held[held_n++] = traffic_frame(&t);
			traffic_check_parts(held[held_n - 1], &b);
			complete += !(held[held_n - 1]->flags & SP_FRAME_INCOMPLETE);
		}
		put_all();
		id = sp_gvsp_block_next(id, false);
	}
	CHECK_EQ(c->restarts, 40);
	/* A block that begins among forged packets may lose some of its own. */
	CHECK(complete >= 2000 - 10 && c->frames_complete == complete);
	end();
}

/* Else one packet from a forger would have the camera send the rest of the block twice. */
TEST(ids_beyond_the_block_ask_for_nothing)
{
	const struct traffic_block b = block(1);

	begin();
	send_list(&b, "0 1 9", 0);
	tick(15 * MS / 10);
	CHECK(!t.resends_n && c->surplus == 1);
	/* A gap that its own packets show is asked for as ever. */
	send(&b, 3, 2 * MS);
	tick(35 * MS / 10);
	check_request(1, 2, 2);
	CHECK(!t.resends_n);
	send_list(&b, "2 4 5", 4 * MS);
	CHECK_EQ(frame_of(&b)->missing_n, 0);
	end();
}

/* ---- the first copy stays ---- */

TEST(second_copies_replace_nothing)
{
	static const uint16_t statuses[] = { 0, GVSP_STATUS_RESENT };

	for (int asked = 0; asked < 2; asked++)
		for (size_t i = 0; i < 2; i++) {
			struct traffic_block b = block(1), forged = block(1);
			struct sp_packet packet;

			begin();
			send_list(&b, "013", 0);
			if (asked) {
				tick(1 * MS);
				check_request(1, 2, 2);
				send_as(&b, 2, statuses[i], 0, 1 * MS);
			}
			forged.id = 9; /* other bytes under the same id */
			for (uint32_t id = 1; id <= 3; id += 2 - (uint32_t)asked) {
				packet = traffic_packet(&t, &forged, id, statuses[i], 0, 1 * MS);
				t.region.base[packet.offset + 3] = 1;
				push(packet);
			}
			CHECK_EQ(c->duplicate, asked ? 3 : 2);
			send_list(&b, asked ? "45" : "245", 1 * MS);
			frame_of(&b);
			CHECK(c->frames_complete == 1 && c->delivered == 4);
			end();
		}
}

/* A packet beyond the end of an open block does not make the rest of it a gap. */
TEST(packets_beyond_the_end_are_no_gap)
{
	struct traffic_block b = block(1), forged = block(1);

	begin();
	send_list(&b, "01", 0);
	forged.height = 1000; /* so that it has a packet 50 */
	send(&forged, 50, 0);
	tick(1 * MS);
	CHECK(!t.resends_n && c->surplus == 1);
	send_list(&b, "2345", 1 * MS);
	CHECK_EQ(frame_of(&b)->flags, 0);
	end();
}

/* Nor do a second leader and a second trailer. */
TEST(second_leader_changes_nothing)
{
	struct traffic_block b = block(1), forged = block(1);

	begin();
	send_list(&b, "012", 0);
	forged.height = 5;
	send(&forged, 0, 0);
	forged = block(1);
	forged.lines = 1;
	send_list(&b, "34", 0);
	send(&forged, 2, 0); /* a trailer that says one line */
	CHECK(c->duplicate == 1);
	tick(2 * MS);
	CHECK_EQ(frame_of(&b)->height, 10);
	end();
}

TEST_MAIN()
