/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks that are more than an image, or less: chunk data, fewer lines, all in one packet. */
#include "one_stream.h"

/* ---- chunk data ---- */

/* 400 bytes of image, 150 of chunk data: packets 1 to 6, the last one short, trailer 7. */
static struct traffic_block chunk_block(uint64_t id)
{
	struct traffic_block b = block(id);

	b.payload_type = GVSP_PAYLOAD_IMAGE | GVSP_PAYLOAD_CHUNKS;
	b.chunk_bytes = 150;
	return b;
}

TEST(chunks_are_kept)
{
	static const char *const orders[] = { "01234567", "76543210", "71234560", "12345067" };

	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		struct traffic_block b = chunk_block(1);
		struct sp_frame *f;

		begin();
		send_list(&b, orders[i], 0);
		f = frame_of(&b);
		CHECK(!f->flags && f->packets == 6 && f->parts_n == 2 && f->height == 10);
		CHECK(f->parts[0].kind == SP_FRAME_PART_IMAGE && f->parts[0].bytes == 400 &&
		      f->parts[0].packets == 4);
		CHECK(f->parts[1].kind == SP_FRAME_PART_CHUNKS && f->parts[1].bytes == 550 &&
		      f->parts[1].packets == 6 && f->parts[1].first_packet == 0);
		CHECK(c->expected == 6 && c->delivered == 6 && c->bytes == 550 && !c->surplus);
		end();
	}
}

TEST(chunks_within_the_last_packet_of_the_image)
{
	struct traffic_block b = chunk_block(1);
	struct sp_frame *f;

	begin();
	b.height = 9; /* 360 bytes, and 40 */
	b.chunk_bytes = 40;
	send_block(&b, 0);
	f = frame_of(&b);
	CHECK(!f->flags && f->packets == 4 && f->parts[0].bytes == 360 && f->parts[1].bytes == 400);
	CHECK(c->expected == 4 && c->bytes == 400);
	end();
}

/* Chunk data are read from their end: without it the rest is worth nothing. */
TEST(chunks_beyond_the_budget_are_surplus)
{
	for (int lost = 0; lost < 2; lost++) {
		struct traffic_block b = chunk_block(1);
		struct sp_frame *f;

		begin();
		b.chunk_bytes = 250;
		send_list(&b, lost ? "01234567" : "012345678", 0);
		tick(10 * MS);
		f = frame_of(&b);
		CHECK(f->packets == 4 && f->parts_n == 1 && !f->missing_n && !lost == !f->flags);
		CHECK(c->expected == 4 && c->delivered == 4 && c->surplus == 3 && c->bytes == 400);
		end();
	}
	/* The one beyond lost: the trailer tells. */
	{
		struct traffic_block b = chunk_block(1);

		begin();
		b.chunk_bytes = 250;
		send_list(&b, "01234568", 0);
		CHECK_EQ(frame_of(&b)->parts_n, 1);
		CHECK(c->expected == 4 && c->surplus == 2);
		end();
	}
}

TEST(chunks_lost)
{
	struct traffic_block b = chunk_block(1);
	struct sp_frame *f;

	/* The trailer says how many there were. */
	begin();
	send_list(&b, "0123457", 0);
	tick(10 * MS);
	f = frame_of(&b);
	CHECK(f->flags == SP_FRAME_INCOMPLETE && f->packets == 6 && f->parts[1].bytes == 500);
	CHECK(c->expected == 6 && c->missing == 1 && c->bytes == 500);
	send(&b, 6, 11 * MS);
	CHECK(c->late == 1 && !c->missing);
	end();

	/* Without it those that came count, and what comes later belongs to nothing expected. */
	begin();
	send_list(&b, "01245", 0);
	tick(10 * MS);
	f = frame_of(&b);
	CHECK(f->flags == (SP_FRAME_INCOMPLETE | SP_FRAME_NO_TRAILER) && f->packets == 5);
	CHECK(f->parts[1].bytes == 500 && c->expected == 5 && c->missing == 1);
	send(&b, 6, 11 * MS);
	CHECK(c->surplus == 1 && c->expected == 5 && !c->late);
	end();
}

TEST(chunks_of_a_wrong_length_are_bad)
{
	struct traffic_block b = chunk_block(1);
	struct sp_frame *f;

	begin();
	send_list(&b, "01234", 0);
	send_as(&b, 5, 0, -10, 0); /* only the last one may be short, and that is known later */
	CHECK_EQ(t.buffers - t.free_n, 5);
	send_list(&b, "67", 0);
	CHECK_EQ(t.buffers - t.free_n, 5);
	tick(10 * MS);
	f = frame_of(&b);
	CHECK(f->missing_n == 1 && c->bad_packet == 1 && c->delivered == 5 && c->expected == 6);
	end();
}

TEST(chunks_tail_is_asked_for_as_far_as_the_last_block_had_it)
{
	struct traffic_block a = chunk_block(1), b = chunk_block(2);

	begin();
	send_block(&a, 0);
	frame_of(&a);
	send_list(&b, "0123", 0);
	tick(2 * MS);
	check_request(2, 4, 7);
	CHECK(!t.resends_n);
	send_list(&b, "4567", 3 * MS);
	CHECK_EQ(frame_of(&b)->flags, SP_FRAME_HAD_RESEND);
	end();
}

TEST(image_is_asked_for_before_chunks_that_are_not_kept)
{
	struct sp_stream_config bare = config;
	struct traffic_block b = chunk_block(1);

	bare.extra_bytes = 0;
	begin_with(&bare);
	send_list(&b, "0123", 0); /* 4 and 5 are lost, 6 is beyond the budget */
	send(&b, 6, 0);
	send(&b, 7, 0);
	tick(1 * MS);
	check_request(1, 4, 4);
	CHECK(!t.resends_n);
	send(&b, 4, 1 * MS);
	CHECK_EQ(frame_of(&b)->parts_n, 1);
	end();
}

TEST(chunks_without_leader)
{
	struct traffic_block a = chunk_block(1), b = chunk_block(2);
	struct sp_frame *f;

	/* As the last leader said. */
	begin();
	send_block(&a, 0);
	frame_of(&a);
	send_list(&b, "1234567", 0);
	tick(10 * MS);
	f = frame_of(&b);
	CHECK(f->flags == SP_FRAME_NO_LEADER && f->packets == 6 && f->parts_n == 2 &&
	      f->parts[1].bytes == 550);
	CHECK(c->expected == 12 && c->delivered == 12);
	end();

	/* Nothing says that there are any. */
	begin();
	send_list(&a, "1234567", 0);
	tick(10 * MS);
	f = frame_of(&a);
	CHECK(f->flags == SP_FRAME_NO_LEADER && f->packets == 4 && f->parts_n == 1);
	CHECK(c->expected == 4 && c->surplus == 2);
	end();
}

TEST(chunks_of_a_block_that_is_given_up)
{
	struct sp_stream_config small = config;
	struct traffic_block a = chunk_block(1), b = chunk_block(2);

	small.frames = 1;
	begin_with(&small);
	send_list(&a, "012345", 0);
	send(&b, 0, 0); /* no credit for both: the older one pays, as its leader implies */
	CHECK(c->policy == 4 && c->expected == 4);
	send_list(&b, "1234576", 0);
	frame_of(&b);
	CHECK(c->delivered == 6);
	end();
}

/* ---- fewer lines than the leader says ---- */

/* Seven of ten lines: 100, 100 and 80 bytes, trailer 4. */
static struct traffic_block short_block(uint64_t id)
{
	struct traffic_block b = block(id);

	b.lines = 7;
	return b;
}

TEST(trailer_ends_the_image)
{
	static const char *const orders[] = { "01234", "01243", "12340", "40123", "43210" };

	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		struct traffic_block b = short_block(1);
		struct sp_frame *f;

		begin();
		send_list(&b, orders[i], 0);
		f = frame_of(&b);
		CHECK(!f->flags && f->height == 7 && f->packets == 3 && f->parts[0].bytes == 280);
		CHECK(c->expected == 3 && c->delivered == 3 && c->bytes == 280 && !c->bad_packet);
		end();
	}
}

/* As many packets as the leader says, only the last one shorter. */
TEST(trailer_ends_the_image_in_its_last_packet)
{
	static const char *const orders[] = { "012345", "123450", "543210" };

	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		struct traffic_block b = block(1);
		struct sp_frame *f;

		begin();
		b.lines = 9;
		send_list(&b, orders[i], 0);
		f = frame_of(&b);
		CHECK(!f->flags && f->height == 9 && f->packets == 4 && f->parts[0].bytes == 360);
		CHECK(c->expected == 4 && c->bytes == 360);
		end();
	}
}

TEST(trailer_that_is_lost_ends_nothing)
{
	struct traffic_block b = short_block(1);
	struct sp_frame *f;

	begin();
	send_list(&b, "0123", 0);
	CHECK_EQ(t.buffers - t.free_n, 3);
	tick(10 * MS);
	f = frame_of(&b);
	CHECK(f->height == 10 && f->packets == 4 && f->missing_n == 2);
	CHECK(c->expected == 4 && c->bad_packet == 1 && c->missing == 1 && c->bytes == 200);
	end();
}

TEST(trailer_ends_the_image_and_something_is_lost)
{
	struct traffic_block b = short_block(1);
	struct sp_frame *f;

	begin();
	send_list(&b, "014", 0);
	CHECK(c->expected == 0);
	tick(1 * MS);
	check_request(1, 2, 3);
	send_as(&b, 3, GVSP_STATUS_RESENT, 0, 2 * MS);
	tick(12 * MS);
	f = frame_of(&b);
	CHECK(f->height == 7 && f->packets == 3 && f->missing_n == 1 && c->missing == 1);
	end();
}

TEST(trailer_that_contradicts_itself_ends_nothing)
{
	static const struct {
		uint32_t lines, id;
		const char *before;
	} cases[] = {
		{ 7, 5, "012" }, /* the id is that of ten lines */
		{ 10, 4, "012" }, /* the lines are */
		{ 0, 4, "012" }, /* says nothing: some cameras do */
		{ 7, 4, "0124" }, /* a packet beyond it came */
		{ 11, 5, "012" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct sp_gvsp_trailer trailer = { GVSP_PAYLOAD_IMAGE, true, cases[i].lines,
							 0 };
		const struct sp_gvsp_packet header = { .block_id = 1, .packet_id = cases[i].id };
		struct traffic_block b = block(1);
		struct sp_packet packet;
		uint8_t *data;

		begin();
		send_list(&b, cases[i].before, 0);
		packet = traffic_lend(&t, 0, 0, &data);
		packet.length = (uint32_t)sp_gvsp_build_trailer(&header, &trailer, 0, data, 256);
		push(packet);
		send_list(&b, i == 3 ? "3" : "34", 0);
		CHECK(frame_of(&b)->height == 10 && c->expected == 4 && c->delivered == 4);
		end();
	}
}

/* A short packet is only held, never in the way of the right one. */
TEST(short_packet_yields_to_the_full_one)
{
	struct traffic_block b = block(1), shorter = short_block(1);

	begin();
	send_list(&b, "01", 0);
	send(&shorter, 3, 0);
	send(&shorter, 3, 0);
	CHECK_EQ(t.buffers - t.free_n, 2);
	CHECK_EQ(c->duplicate, 1);
	send_list(&b, "2345", 0);
	CHECK(frame_of(&b)->height == 10 && !c->bad_packet && c->delivered == 4);
	CHECK_EQ(t.buffers - t.free_n, 4);
	end();

	/* Not even held: no image ends there. */
	begin();
	send_list(&b, "01", 0);
	send_as(&b, 3, 0, -19, 0);
	CHECK_EQ(t.buffers - t.free_n, 1);
	end();
}

TEST(fewer_lines_and_chunks)
{
	static const char *const orders[] = { "012345", "543210", "012354" };

	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		struct traffic_block b = chunk_block(1);
		struct sp_frame *f;

		begin();
		b.lines = 7; /* 280 + 80: packets 1 to 4, of which the third has both */
		b.chunk_bytes = 80;
		send_list(&b, orders[i], 0);
		f = frame_of(&b);
		CHECK(!f->flags && f->height == 7 && f->packets == 4 && f->parts[0].bytes == 280);
		CHECK(f->parts[1].bytes == 360 && c->expected == 4 && c->bytes == 360);
		end();
	}
	/* So few that the block is shorter than the leader's image. */
	{
		struct traffic_block b = chunk_block(1);

		begin();
		b.lines = 3;
		b.chunk_bytes = 30;
		send_list(&b, "0123", 0);
		CHECK(frame_of(&b)->parts[1].bytes == 150 && c->expected == 2 && !c->bad_packet);
		end();
	}
}

/* ---- all in one packet ---- */

static struct traffic_block small_block(uint64_t id, bool extended)
{
	struct traffic_block b = extended ? extended_block(id) : block(id);

	b.height = 2; /* 80 bytes */
	return b;
}

TEST(all_in_packet_is_a_frame)
{
	for (int extended = 0; extended < 2; extended++) {
		struct traffic_block b = small_block(1, extended);
		struct sp_frame *f;

		begin();
		push(traffic_all_in(&t, &b, 0, 7 * MS));
		f = frame_of(&b);
		CHECK(!f->flags && f->height == 2 && f->packets == 1 && f->parts_n == 1 &&
		      f->parts[0].bytes == 80 && f->device_ticks == 1001 &&
		      f->first_ns == 7 * MS);
		CHECK(c->expected == 1 && c->delivered == 1 && c->bytes == 80);
		push(traffic_all_in(&t, &b, 0, 7 * MS));
		CHECK(c->duplicate == 1 && !t.frames_n);
		/* The whole image of the configuration, and the next one. */
		b = extended ? extended_block(2) : block(2);
		push(traffic_all_in(&t, &b, 0, 8 * MS));
		CHECK(frame_of(&b)->parts[0].bytes == 400 && c->frames_complete == 2);
		end();
	}
}

TEST(all_in_with_chunks_and_fewer_lines)
{
	struct traffic_block b = chunk_block(1);
	struct sp_frame *f;

	begin();
	b.lines = 2;
	b.chunk_bytes = 33;
	push(traffic_all_in(&t, &b, 0, 0));
	f = frame_of(&b);
	CHECK(f->height == 2 && f->parts[0].bytes == 80 && f->parts[1].bytes == 113);
	CHECK(c->expected == 1 && c->bytes == 113);
	end();
}

TEST(all_in_that_is_none)
{
	struct traffic_block b = small_block(1, false);
	struct sp_packet packet;

	begin();
	push(traffic_all_in(&t, &b, -1, 0)); /* shorter than its image */
	CHECK(c->expected == 1 && c->bad_packet == 1 && !t.frames_n);
	b.id = 2;
	b.height = 11; /* more than may be */
	push(traffic_all_in(&t, &b, 0, 0));
	CHECK(c->block_discarded == 4 && c->expected == 5);
	b = small_block(3, false);
	packet = traffic_all_in(&t, &b, 0, 0);
	packet.length = 30; /* not even a leader */
	push(packet);
	CHECK(c->malformed == 1 && c->expected == 5);
	send(&b, 1, 0); /* a block that comes in packets cannot come all in one as well */
	push(traffic_all_in(&t, &b, 0, 0));
	CHECK(c->duplicate == 1);
	CHECK_EQ(t.buffers - t.free_n, 1);
	end();
}

TEST(all_in_comes_late)
{
	struct traffic_block a = small_block(1, false), b = small_block(2, false),
			     d = small_block(3, false);

	begin();
	push(traffic_all_in(&t, &a, 0, 0));
	/* Three of what lies ahead are proof that one was lost. */
	push(traffic_all_in(&t, &d, 0, 0));
	CHECK_EQ(t.frames_n, 1);
	d.id = 4;
	push(traffic_all_in(&t, &d, 0, 0));
	d.id = 5;
	push(traffic_all_in(&t, &d, 0, 0));
	CHECK(t.frames_n == 4 && !c->stray);
	tick(10 * MS);
	CHECK(c->blocks_skipped == 1 && c->missing == 4);
	push(traffic_all_in(&t, &b, 0, 11 * MS));
	CHECK(c->late == 1 && c->missing == 3);
	end();
}

/* ---- one after the other ---- */

TEST(format_changes_from_block_to_block)
{
	struct traffic_block blocks[6] = {
		block(65534), block(65535), chunk_block(0), block(1), extended_block(2), block(3),
	};

	blocks[1].pixel_format = SP_PFNC_MONO12P; /* 40 × 6 × 12 bits */
	blocks[1].height = 6;
	blocks[3].width = 20;
	blocks[5].pixel_format = SP_PFNC_BAYER_RG10P; /* 40 × 8 × 10 bits */
	blocks[5].height = 8;
	begin();
	for (uint32_t i = 0; i < 6; i++) {
		struct sp_frame *f;

		blocks[i].timestamp = 1 + i;
		send_block(&blocks[i], i * MS);
		f = frame_of(&blocks[i]);
		CHECK(!f->flags && f->pixel_format == blocks[i].pixel_format &&
		      f->width == blocks[i].width && f->height == blocks[i].height);
		CHECK_EQ(f->parts[0].bytes, traffic_image_bytes(&blocks[i]));
		put_all();
	}
	CHECK(c->restarts == 2 && !c->stray && !c->missing); /* other headers, and back */
	end();
}

TEST_MAIN()
