/* SPDX-License-Identifier: Apache-2.0 */
/* One situation a test; tests/unit/frame/test_assembler_property.c mixes them at random. */
#include "frame/assembler.h"

#include <errno.h>

#include "gvsp_block.h"
#include "gvsp_traffic.h"

#define US 1000ull
#define MS 1000000ull

static struct traffic t;
static const struct sp_stream_counters *c;

/* 40 × 10 Mono8 in packets of 100: four payload packets, trailer id 5. */
static const struct sp_stream_config config = {
	.packet_payload = 100,
	.pixel_format = SP_PFNC_MONO8,
	.width = 40,
	.height = 10,
	.frames = 4,
	.packet_timeout_ns = 2 * MS,
	.gap_ns = 1 * MS,
	.retention_ns = 10 * MS,
	.resend_tries = 2,
	.lane = 3,
	.camera = 7,
};

static uint32_t held_n;

static void begin_with(const struct sp_stream_config *with, uint32_t buffers)
{
	struct sp_err err;

	held_n = 0;
	traffic_init(&t, 256, 256, 1);
	if (sp_assembler_add_stream(t.assembler, with, buffers, &err) != 0)
		FAIL("%s", err.text);
	c = sp_assembler_counters(t.assembler, 0);
}

static void begin(void)
{
	begin_with(&config, 0);
}

static struct traffic_block block(uint64_t id)
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

/* The same packets with extended headers: 12 bytes less in each, so five of them. */
static struct traffic_block extended_block(uint64_t id)
{
	struct traffic_block b = block(id);

	b.extended = true;
	b.payload = 88;
	return b;
}

static void send_as(const struct traffic_block *b, uint32_t id, uint16_t status, int grow,
		    uint64_t now)
{
	struct sp_packet packet = traffic_packet(&t, b, id, status, grow, now);

	traffic_push(&t, &packet, 1);
	CHECK(sp_ledger_adds_up(c));
}

static void send(const struct traffic_block *b, uint32_t id, uint64_t now)
{
	send_as(b, id, 0, 0, now);
}

/* "0 1 2 5": packets of the block in this order. */
static void send_list(const struct traffic_block *b, const char *ids, uint64_t now)
{
	for (const char *p = ids; *p; p++)
		if (*p != ' ')
			send(b, (uint32_t)(*p - '0'), now);
}

static void tick(uint64_t now)
{
	traffic_tick(&t, now);
	CHECK(sp_ledger_adds_up(c));
}

/* Frames that the test holds; end puts back what is left. */
static struct sp_frame *held[16];

/* The oldest frame that came out. */
static struct sp_frame *frame(void)
{
	struct sp_frame *f = traffic_frame(&t);

	CHECK(f);
	traffic_check_pixels(f);
	held[held_n++] = f;
	return f;
}

static void put(struct sp_frame *f)
{
	uint32_t i = 0;

	while (held[i] != f)
		i++;
	held[i] = held[--held_n];
	traffic_put(&t, f);
}

static void end(void)
{
	struct sp_frame *f;

	sp_assembler_flush(t.assembler, 1000000 * MS);
	traffic_take(&t);
	while (held_n)
		put(held[0]);
	while ((f = traffic_frame(&t))) {
		traffic_check_pixels(f);
		traffic_put(&t, f);
	}
	CHECK(sp_ledger_adds_up(c));
	traffic_uninit(&t);
}

static void check_request(uint64_t block_id, uint32_t first, uint32_t last)
{
	struct sp_resend_request r = t.resends[0];

	CHECK(t.resends_n);
	memmove(&t.resends[0], &t.resends[1], --t.resends_n * sizeof(r));
	CHECK_EQ(r.block_id, block_id);
	CHECK_EQ(r.first, first);
	CHECK_EQ(r.last, last);
}

TEST(assembler_refuses_bad_streams)
{
	struct sp_stream_config bad[7];
	struct sp_err err;

	traffic_init(&t, 16, 256, 8);
	for (int i = 0; i < 7; i++)
		bad[i] = config;
	bad[0].packet_payload = 12;
	bad[1].pixel_format = 1;
	bad[2].height = 0;
	bad[3].frames = 0;
	bad[4].gap_ns = 3 * MS;
	bad[5].width = bad[5].height = 1 << 17;
	bad[6].retention_ns = 1;
	for (int i = 0; i < 7; i++) {
		err.text[0] = 0;
		CHECK_EQ(sp_assembler_add_stream(t.assembler, &bad[i], 0, &err), -EINVAL);
		CHECK(strstr(err.text, "stream: "));
	}
	CHECK_EQ(sp_assembler_add_stream(t.assembler, &config, 4, &err), -EINVAL);
	CHECK_EQ(sp_assembler_add_stream(t.assembler, &config, 5, &err), 0);
	CHECK_EQ(sp_assembler_block_packets(&config), 5);
	CHECK(!sp_assembler_counters(t.assembler, 1));
	traffic_uninit(&t);
}

TEST(assembler_complete_frame)
{
	struct traffic_block b = block(9);
	struct sp_frame *f;

	begin();
	send_list(&b, "01234", 5 * MS);
	CHECK(!t.frames_n);
	send(&b, 5, 6 * MS);
	f = frame();
	CHECK_EQ(f->flags, 0);
	CHECK(f->block_id == 9 && f->device_ticks == 1009 && f->lane == 3 && f->camera == 7);
	CHECK(f->first_ns == 5 * MS && f->last_ns == 6 * MS && f->exposure_ns == 5 * MS);
	CHECK(f->width == 40 && f->height == 10 && f->packets == 4 && f->parts[0].bytes == 400);
	CHECK(c->expected == 4 && c->delivered == 4 && c->bytes == 400 && c->frames_complete == 1);
	CHECK_EQ(t.buffers - t.free_n, 4);
	put(f);
	CHECK_EQ(sp_assembler_next_deadline(t.assembler) < UINT64_MAX, true);
	tick(20 * MS);
	CHECK_EQ(sp_assembler_next_deadline(t.assembler), UINT64_MAX);
	end();
}

TEST(assembler_any_order_and_duplicates)
{
	struct traffic_block b = block(1);

	begin();
	send_list(&b, "5 4 4 2 1 5 3 3", 0);
	CHECK(!t.frames_n);
	send(&b, 0, 0);
	CHECK_EQ(frame()->missing_n, 0);
	CHECK_EQ(c->duplicate, 3);
	send_list(&b, "0 3 5", 0); /* after closing as well */
	CHECK_EQ(c->duplicate, 6);
	CHECK(c->expected == 4 && !c->late);
	end();
}

TEST(assembler_first_copy_wins)
{
	struct traffic_block b = block(1), other = block(1);

	begin();
	send_list(&b, "01", 0);
	other.id = 2; /* other bytes under the same id */
	{
		struct sp_packet packet = traffic_packet(&t, &other, 1, 0, 0, 0);

		t.region.base[packet.offset + 3] = 1;
		traffic_push(&t, &packet, 1);
	}
	CHECK_EQ(c->duplicate, 1);
	send_list(&b, "2345", 0);
	put(frame());
	end();
}

TEST(assembler_lost_packet_is_missing_then_late)
{
	struct traffic_block b = block(1);
	struct sp_frame *f;

	begin();
	send_list(&b, "01345", 0);
	tick(9 * MS);
	CHECK(!t.frames_n);
	tick(10 * MS);
	f = frame();
	CHECK(f->flags == SP_FRAME_INCOMPLETE && f->missing_n == 1 &&
	      sp_frame_packet_missing(f, 1));
	CHECK(c->delivered == 3 && c->missing == 1 && c->frames_incomplete == 1);
	send(&b, 2, 12 * MS);
	CHECK(c->late == 1 && !c->missing);
	send(&b, 2, 12 * MS);
	CHECK(c->late == 1 && c->duplicate == 1);
	put(f);
	end();
}

TEST(assembler_wrong_lengths_are_bad)
{
	struct traffic_block b = block(1);
	struct sp_frame *f;

	begin();
	send_list(&b, "01", 0);
	send_as(&b, 2, 0, -1, 0);
	send_as(&b, 3, 0, 1, 0);
	send_as(&b, 4, 0, -100, 0);
	CHECK_EQ(t.buffers - t.free_n, 1);
	send(&b, 3, 0); /* a good copy after the bad one */
	send(&b, 5, 0);
	tick(10 * MS);
	f = frame();
	CHECK(f->missing_n == 2 && c->bad_packet == 2 && c->delivered == 2 && !c->missing);
	send(&b, 2, 11 * MS);
	CHECK(c->bad_packet == 2 && !c->late && c->duplicate == 1);
	put(f);
	end();
}

TEST(assembler_error_status)
{
	struct traffic_block b = block(1);

	begin();
	send_list(&b, "01", 0);
	send_as(&b, 2, GVSP_STATUS_DATA_OVERRUN, 0, 0); /* data that cannot be used */
	send_as(&b, 3, 0x4004, 0, 0); /* odd, but no error */
	send_as(&b, 4, GVSP_STATUS_RESENT, 0, 0);
	send_as(&b, 5, GVSP_STATUS_DATA_OVERRUN, 0, 0);
	CHECK_EQ(c->malformed, 1); /* the trailer is not one */
	tick(10 * MS);
	CHECK_EQ(frame()->flags, SP_FRAME_INCOMPLETE | SP_FRAME_NO_TRAILER | SP_FRAME_HAD_RESEND);
	CHECK(c->bad_packet == 1 && c->delivered == 3 && c->resent == 1);
	end();
}

TEST(assembler_unavailable_is_not_asked_again)
{
	struct traffic_block b = block(1);
	struct sp_packet notice;

	begin();
	send_list(&b, "0145", 0);
	tick(1 * MS);
	check_request(1, 2, 3);
	notice = traffic_notice(&t, &b, 2, GVSP_STATUS_UNAVAILABLE, 1 * MS);
	traffic_push(&t, &notice, 1);
	notice = traffic_notice(&t, &b, 2, GVSP_STATUS_UNAVAILABLE, 1 * MS);
	traffic_push(&t, &notice, 1);
	notice = traffic_notice(&t, &b, 3, GVSP_STATUS_NOT_YET_AVAILABLE, 1 * MS);
	traffic_push(&t, &notice, 1);
	CHECK(c->unavailable == 1 && c->duplicate == 1);
	tick(3 * MS);
	check_request(1, 3, 3);
	CHECK(!t.resends_n);
	tick(10 * MS);
	CHECK(c->missing == 2 && !c->bad_packet);
	/* Notices open no block and move no window. */
	b.id = 2;
	notice = traffic_notice(&t, &b, 2, GVSP_STATUS_UNAVAILABLE, 11 * MS);
	traffic_push(&t, &notice, 1);
	CHECK(c->stray == 1 && c->expected == 4);
	put(frame());
	end();
}

TEST(assembler_previous_removed_covers_all_before)
{
	struct traffic_block b = block(1);
	struct sp_packet notice;

	begin();
	send_list(&b, "25", 0);
	notice = traffic_notice(&t, &b, 3, GVSP_STATUS_PREVIOUS_REMOVED, 0);
	traffic_push(&t, &notice, 1);
	CHECK_EQ(c->unavailable, 3); /* 0, 1, 3 */
	tick(1 * MS);
	check_request(1, 4, 4);
	CHECK(!t.resends_n);
	end();
}

TEST(assembler_asks_for_gaps)
{
	struct traffic_block b = block(1);

	begin();
	send_list(&b, "014", 0);
	tick(1 * MS - 1);
	CHECK(!t.resends_n); /* may be reordering */
	CHECK_EQ(sp_assembler_next_deadline(t.assembler), 1 * MS);
	tick(1 * MS);
	check_request(1, 2, 3);
	send(&b, 3, 1 * MS); /* asked for, so it counts as resent even unmarked */
	CHECK_EQ(c->resent, 1);
	tick(3 * MS); /* the rest again; silence since 1 ms: the tail too */
	check_request(1, 2, 2);
	check_request(1, 5, 5);
	tick(5 * MS);
	check_request(1, 5, 5);
	CHECK(!t.resends_n); /* two tries each */
	tick(7 * MS);
	CHECK(!t.resends_n);
	CHECK(c->resend_requests == 4 && c->resend_packets == 5);
	end();
}

TEST(assembler_asks_for_lost_leader_and_tail)
{
	struct traffic_block b = block(1), next = block(2);

	begin();
	send_list(&b, "12", 0);
	tick(1 * MS);
	check_request(1, 0, 0);
	tick(2 * MS);
	check_request(1, 3, 5);
	CHECK(!t.resends_n);
	tick(4 * MS);
	end();

	/* The next block tells at once that the tail is lost. */
	begin();
	send_list(&b, "012", 0);
	send(&next, 0, 500 * US);
	tick(1500 * US);
	check_request(1, 3, 5);
	CHECK(!t.resends_n);
	end();
}

TEST(assembler_never_asks_for_a_block_of_which_nothing_came)
{
	struct traffic_block first = block(1), third = block(3);

	begin();
	send_list(&first, "012345", 0);
	send_list(&third, "012345", 0);
	put(frame());
	put(frame());
	for (uint64_t now = 0; now <= 12 * MS; now += 500 * US)
		tick(now);
	CHECK(!t.resends_n);
	CHECK(c->blocks_skipped == 1 && c->missing == 4 && c->expected == 12);
	end();
}

TEST(assembler_without_resend)
{
	struct sp_stream_config quiet = config;
	struct traffic_block b = block(1);

	quiet.resend_tries = 0;
	begin_with(&quiet, 0);
	send_list(&b, "14", 0);
	for (uint64_t now = 0; now <= 12 * MS; now += 500 * US)
		tick(now);
	CHECK(!t.resends_n && c->missing == 2);
	end();
}

TEST(assembler_leader_lost)
{
	struct traffic_block b = block(1);
	struct sp_frame *f;

	begin();
	send_list(&b, "12345", 0);
	for (uint64_t now = 1 * MS; now < 5 * MS; now += 500 * US)
		tick(now);
	CHECK(!t.frames_n); /* asked twice, still within the second answer's time */
	tick(5 * MS);
	f = frame();
	CHECK(f->flags == SP_FRAME_NO_LEADER && f->width == 40 && !f->device_ticks);
	CHECK_EQ(c->frames_complete, 1);
	put(f);
	end();
}

TEST(assembler_whole_at_last_is_not_kept_waiting)
{
	struct sp_stream_config quiet = config;
	struct traffic_block b = block(1);

	quiet.resend_tries = 0;
	begin_with(&quiet, 0);
	send_list(&b, "0124", 0);
	tick(2 * MS);
	CHECK_EQ(sp_assembler_next_deadline(t.assembler), 10 * MS);
	send(&b, 3, 5 * MS); /* only the trailer is missing now */
	CHECK_EQ(sp_assembler_next_deadline(t.assembler), 7 * MS);
	tick(7 * MS);
	CHECK_EQ(frame()->flags, SP_FRAME_NO_TRAILER);
	end();
}

TEST(assembler_trailer_lost)
{
	struct traffic_block b = block(1);

	begin();
	send_list(&b, "01234", 0);
	tick(2 * MS - 1);
	CHECK(!t.frames_n);
	tick(2 * MS);
	CHECK(!t.resends_n);
	CHECK_EQ(frame()->flags, SP_FRAME_NO_TRAILER);
	end();
}

/* With nothing more to expect, the rest of the retention would only delay the frame. */
TEST(assembler_what_cannot_get_better_is_not_kept)
{
	struct sp_stream_config quiet = config;
	struct traffic_block b = block(1), next = block(2);
	struct sp_packet notice;

	/* Never asking: the trailer says that all was sent. */
	quiet.resend_tries = 0;
	begin_with(&quiet, 0);
	send_list(&b, "013", 0);
	tick(2 * MS);
	CHECK_EQ(sp_assembler_next_deadline(t.assembler), 10 * MS);
	send(&b, 5, 3 * MS);
	tick(4 * MS);
	CHECK_EQ(sp_assembler_next_deadline(t.assembler), 5 * MS);
	send(&b, 2, 4 * MS); /* only reordered */
	tick(6 * MS - 1);
	CHECK(!t.frames_n);
	tick(6 * MS);
	CHECK(frame()->missing_n == 1 && c->missing == 1 && c->delivered == 3);
	end();

	/* Never asking: the next block says it. */
	begin_with(&quiet, 0);
	send_list(&b, "012", 0);
	tick(2 * MS);
	send(&next, 0, 5 * MS);
	CHECK_EQ(sp_assembler_next_deadline(t.assembler), 6 * MS);
	tick(6 * MS);
	CHECK(frame()->missing_n == 2 && c->missing == 2);
	end();

	/* Asked for as often as may be: the last answer has its time, no more. */
	begin();
	send_list(&b, "0145", 0);
	tick(1 * MS);
	tick(3 * MS);
	tick(5 * MS - 1);
	CHECK(c->resend_requests == 2 && !t.frames_n);
	CHECK_EQ(sp_assembler_next_deadline(t.assembler), 5 * MS);
	tick(5 * MS);
	CHECK(frame()->missing_n == 2 && c->missing == 2);
	end();

	/* The camera has them no more. */
	begin();
	send_list(&b, "0145", 0);
	tick(1 * MS);
	for (uint32_t id = 2; id <= 3; id++) {
		notice = traffic_notice(&t, &b, id, GVSP_STATUS_UNAVAILABLE, 1 * MS);
		traffic_push(&t, &notice, 1);
	}
	tick(3 * MS);
	CHECK(frame()->missing_n == 2 && c->resend_requests == 1);
	end();

	/* A newest block without its trailer may only be slow: it has the whole retention. */
	begin();
	send_list(&b, "012", 0);
	for (uint64_t now = 1 * MS; now < 10 * MS; now += 500 * US)
		tick(now);
	CHECK(!t.frames_n && c->resend_requests == 2);
	tick(10 * MS);
	CHECK_EQ(frame()->missing_n, 2);
	end();
}

/* A replay: requests that nobody hears keep a block open for answers that were recorded. */
TEST(assembler_waits_for_a_second_answer)
{
	struct traffic_block b = block(1);

	begin();
	send_list(&b, "01245", 0);
	for (uint64_t now = 1 * MS; now < 5 * MS; now += 500 * US)
		tick(now);
	CHECK(!t.frames_n && c->resend_requests == 2);
	send_as(&b, 3, GVSP_STATUS_RESENT, 0, 5 * MS - 1);
	CHECK_EQ(frame()->flags, SP_FRAME_HAD_RESEND);
	end();
}

/* Loss in every block, never asked about, and little credit: yet every block becomes a frame. */
TEST(assembler_loss_alone_costs_no_credit)
{
	struct sp_stream_config quiet = config;

	quiet.resend_tries = 0;
	quiet.frames = 2;
	quiet.retention_ns = 100 * MS;
	begin_with(&quiet, 0);
	for (uint64_t id = 1; id <= 20; id++) {
		struct traffic_block b = block(id);

		tick(id * 5 * MS);
		send_list(&b, "01345", id * 5 * MS);
		tick(id * 5 * MS + 2 * MS);
		put(frame());
	}
	CHECK(c->frames_incomplete == 20 && !c->policy && c->missing == 20);
	end();
}

TEST(assembler_smaller_geometry)
{
	struct traffic_block b = block(1);
	struct sp_frame *f;

	begin();
	b.height = 7; /* 280 bytes: 100, 100, 80; trailer 4 */
	send_list(&b, "01234", 0);
	f = frame();
	CHECK(f->height == 7 && f->packets == 3 && !f->flags && c->expected == 3 &&
	      c->bytes == 280);
	put(f);
	/* The leader last: the short packet and the trailer are judged by it. */
	b.id = 2;
	b.timestamp = 0;
	send_list(&b, "12340", 0);
	f = frame();
	CHECK(f->height == 7 && !f->flags && c->expected == 6);
	put(f);
	/* Packets beyond the image and of other lengths, found out by the leader. */
	b.id = 3;
	b.height = 10;
	send_list(&b, "124", 0);
	b.height = 7;
	send_list(&b, "0", 0);
	CHECK_EQ(c->surplus, 1);
	send_list(&b, "34", 0);
	f = frame();
	CHECK(f->packets == 3 && !f->flags);
	put(f);
	end();
}

TEST(assembler_short_packet_without_leader_is_bad)
{
	struct traffic_block b = block(1);

	begin();
	b.height = 7;
	send_list(&b, "1234",
		  0); /* assumed: 4 packets of 100; the third has 80, the fourth never was */
	tick(10 * MS);
	CHECK(c->expected == 4 && c->delivered == 2 && c->bad_packet == 1 && c->missing == 1);
	end();
}

TEST(assembler_impossible_geometry_is_discarded)
{
	struct traffic_block b = block(1);

	begin();
	b.height = 11;
	send_list(&b, "10234", 0);
	CHECK(c->block_discarded == 4 && c->expected == 4 && c->blocks_discarded == 1);
	CHECK_EQ(t.free_n, t.buffers);
	b = block(2);
	b.pixel_format = 0x01080099;
	send_list(&b, "0123", 0);
	b = block(3);
	b.payload_type = GVSP_PAYLOAD_JPEG;
	send_list(&b, "0123", 0);
	b = block(4);
	b.width = b.height = UINT32_MAX;
	send(&b, 0, 0);
	b = block(5);
	b.width = 0;
	send(&b, 0, 0);
	CHECK(c->blocks_discarded == 5 && c->expected == 20 && !c->delivered && !c->duplicate);
	b = block(6);
	send_list(&b, "012345", 0);
	CHECK_EQ(frame()->block_id, 6);
	end();
}

TEST(assembler_chunks_after_the_image)
{
	struct traffic_block b = block(1), longer = block(1);
	struct sp_packet trailer;
	struct sp_frame *f;

	begin();
	b.payload_type = GVSP_PAYLOAD_IMAGE | GVSP_PAYLOAD_CHUNKS;
	b.height = 9; /* 360 bytes of image, 140 of chunks: packets 1 to 5, trailer 6 */
	send_list(&b, "0123", 0);
	send_as(&b, 4, 0, 40, 0); /* the end of the image and the first chunks */
	longer.height = 20;
	send(&longer, 5, 0); /* chunks alone */
	CHECK_EQ(c->surplus, 1);
	trailer = traffic_packet(&t, &b, 5, 0, 0, 0);
	t.region.base[trailer.offset + 7] = 6;
	traffic_push(&t, &trailer, 1);
	f = frame();
	CHECK(f->packets == 4 && f->parts[0].bytes == 360 && !f->flags && c->bytes == 360);
	put(f);
	end();
}

TEST(assembler_leader_of_plain_chunks_has_no_geometry)
{
	struct sp_gvsp_packet header = { .block_id = 1 };
	struct sp_gvsp_leader leader = { .payload_type = GVSP_PAYLOAD_CHUNK, .timestamp = 5 };
	struct traffic_block b = block(1);
	struct sp_packet packet;
	struct sp_frame *f;
	uint8_t *data;

	begin();
	packet = traffic_lend(&t, 0, 0, &data);
	packet.length = (uint32_t)sp_gvsp_build_leader(&header, &leader, data, 256);
	traffic_push(&t, &packet, 1);
	send_list(&b, "12345", 0);
	f = frame();
	CHECK(f->width == 40 && f->device_ticks == 5 && !f->flags);
	put(f);
	end();
}

TEST(assembler_early_leader_is_waited_for)
{
	struct traffic_block b = block(1), next = block(2);

	begin();
	send(&b, 0, 0);
	tick(500 * MS);
	CHECK(!c->expected && !t.resends_n);
	CHECK_EQ(sp_assembler_next_deadline(t.assembler), UINT64_MAX);
	send_list(&b, "123", 600 * MS);
	/* Time counts again: the lost end is asked for. */
	CHECK(sp_assembler_next_deadline(t.assembler) <= 602 * MS);
	tick(602 * MS);
	check_request(1, 4, 5);
	send_list(&b, "45", 603 * MS);
	put(frame());
	/* But not once a newer block is there. */
	send(&next, 0, 700 * MS);
	next = block(3);
	send(&next, 0, 900 * MS);
	tick(909 * MS);
	CHECK_EQ(c->expected, 4);
	tick(910 * MS);
	CHECK(c->expected == 8 && c->blocks_skipped == 1 && !t.frames_n);
	end();
}

TEST(assembler_blocks_overlap_and_come_back)
{
	struct traffic_block a = block(1), b = block(2), d = block(3);

	begin();
	send_list(&a, "01", 0);
	send_list(&d, "01", 0); /* 2 is a gap */
	send_list(&b, "01", 0); /* which was only reordered */
	send_list(&a, "2345", 0);
	send_list(&b, "2345", 0);
	send_list(&d, "2345", 0);
	CHECK(c->frames_complete == 3 && !c->blocks_skipped && c->expected == 12);
	tick(20 * MS);
	CHECK(!c->blocks_skipped && !c->missing);
	end();
}

TEST(assembler_skipped_block_comes_late)
{
	struct traffic_block a = block(1), b = block(2), d = block(3);

	begin();
	send_list(&a, "012345", 0);
	send_list(&d, "012345", 0);
	tick(10 * MS - 1);
	CHECK(!c->blocks_skipped && c->expected == 8);
	tick(10 * MS);
	CHECK(c->blocks_skipped == 1 && c->missing == 4);
	send_list(&b, "0123", 11 * MS);
	CHECK(c->late == 3 && c->missing == 1 && c->expected == 12);
	end();
}

TEST(assembler_wraps)
{
	uint64_t id = 65533;

	begin();
	for (int i = 0; i < 6; i++) {
		struct traffic_block b = block(id);
		struct sp_frame *f;

		send_list(&b, "012345", 0);
		f = frame();
		CHECK_EQ(f->block_id, id);
		put(f);
		id = sp_gvsp_block_next(id, false);
	}
	CHECK(!c->missing && !c->restarts && !c->blocks_skipped);
	end();

	/* A camera that counts through 0, and 64-bit ids. */
	for (int extended = 0; extended < 2; extended++) {
		begin();
		id = 65533;
		for (int i = 0; i < 6; i++) {
			struct traffic_block b = block(id);

			if (extended)
				b = extended_block(id);
			send_list(&b, extended ? "0123456" : "012345", 0);
			put(frame());
			id = extended ? id + 1 : (uint16_t)(id + 1);
		}
		CHECK(!c->missing && !c->restarts && !c->blocks_skipped && c->frames_complete == 6);
		tick(20 * MS);
		CHECK(!c->missing);
		end();
	}
}

TEST(assembler_restarts)
{
	static const struct {
		uint64_t from, to;
		uint64_t gap_ns;
		uint64_t skipped;
		bool restart;
	} cases[] = {
		{ 500, 1, 0, 0, true }, /* far back */
		{ 500, 601, 0, 0, true }, /* far ahead */
		{ 500, 600, 0, 99, false }, /* a long gap */
		{ 5, 2, 0, 0, false }, /* stray: before the first block */
		{ 5, 2, 5000 * MS, 0, true }, /* after a pause no straggler */
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct traffic_block a = block(cases[i].from), b = block(cases[i].to);

		begin();
		send_list(&a, "012345", 0);
		put(frame());
		send_list(&b, "012345", cases[i].gap_ns);
		CHECK_EQ(c->restarts, cases[i].restart);
		tick(cases[i].gap_ns + 10 * MS);
		CHECK_EQ(c->blocks_skipped, cases[i].skipped);
		if (i == 3)
			CHECK(c->stray == 6 && c->expected == 4);
		end();
	}
}

TEST(assembler_restart_at_the_same_ids)
{
	begin();
	for (int round = 0; round < 3; round++)
		for (uint64_t id = 1; id <= 5; id++) {
			struct traffic_block b = block(id);

			b.timestamp += (uint64_t)round * 100000;
			send_list(&b, "012345", (uint64_t)round * 100 * MS);
			put(frame());
		}
	CHECK(c->restarts == 2 && c->frames_complete == 15 && !c->duplicate && !c->missing);
	end();
}

TEST(assembler_header_kind_changes)
{
	struct traffic_block a = block(1), b = extended_block(2);
	struct sp_frame *f;

	begin();
	send_list(&a, "012", 0);
	send_list(&b, "0123456", 0);
	CHECK(c->restarts == 1 && c->frames_complete == 1 && c->missing == 2);
	f = frame();
	CHECK(f->block_id == 1 && f->parts[0].stride == 100);
	f = frame();
	CHECK(f->block_id == 2 && f->parts[0].stride == 88 && f->packets == 5 && !f->flags);
	end();
}

TEST(assembler_frame_credit)
{
	struct traffic_block b;

	begin();
	/* Four frames wait at the consumer: new blocks are refused whole. */
	for (uint64_t id = 1; id <= 6; id++) {
		b = block(id);
		send_list(&b, "012345", 0);
	}
	CHECK(t.frames_n == 4 && c->policy == 8 && c->blocks_policy == 2 && c->delivered == 16);
	put(frame());
	b = block(7);
	send_list(&b, "012345", 0);
	CHECK(t.frames_n == 4 && c->delivered == 20);
	end();

	/* Open blocks: the oldest pays. */
	begin();
	for (uint64_t id = 1; id <= 5; id++) {
		b = block(id);
		send_list(&b, "01", 0);
	}
	CHECK(c->blocks_policy == 1 && c->policy == 4 && c->expected == 4);
	b = block(1);
	send_list(&b, "2345", 0);
	CHECK(!c->late && !t.frames_n);
	b = block(2);
	send_list(&b, "2345", 0);
	CHECK_EQ(frame()->block_id, 2);
	end();
}

TEST(assembler_buffer_credit)
{
	struct traffic_block a = block(1), b = block(2);

	begin_with(&config, 5);
	send_list(&a, "0123", 0);
	send_list(&b, "012", 0);
	CHECK(!c->policy);
	send_list(&b, "3", 0);
	CHECK(c->policy == 4 && c->blocks_policy == 1); /* block 1 paid */
	send_list(&b, "45", 0);
	CHECK_EQ(t.frames_n, 1);
	/* One buffer left: block 3 cannot be held beside the frame and pays itself. */
	a = block(3);
	send_list(&a, "0123", 0);
	CHECK(c->policy == 8 && c->blocks_policy == 2);
	CHECK_EQ(t.buffers - t.free_n, 4);
	end();
}

TEST(assembler_counts_beside_the_ledger)
{
	struct sp_stream_config strict = config;
	struct traffic_block b = block(1);
	struct sp_packet packet;
	uint8_t *data;

	strict.camera_ip = 0x7f000002;
	begin_with(&strict, 0);
	send(&b, 0, 0);
	CHECK(c->foreign == 1 && c->packets == 1);
	packet = traffic_packet(&t, &b, 0, 0, 0, 0);
	packet.source_ip = strict.camera_ip;
	packet.length = 20; /* a leader cut short */
	traffic_push(&t, &packet, 1);
	packet = traffic_lend(&t, 0, 0, &data);
	packet.source_ip = strict.camera_ip;
	packet.length = 5;
	traffic_push(&t, &packet, 1);
	memset(data, 0, 8);
	data[4] = GVSP_FORMAT_PAYLOAD; /* a test packet: payload with id 0 */
	packet = traffic_lend(&t, 0, 0, &data);
	memset(data, 0, 8);
	data[4] = GVSP_FORMAT_PAYLOAD;
	packet.source_ip = strict.camera_ip;
	packet.length = 200;
	traffic_push(&t, &packet, 1);
	CHECK(c->malformed == 3 && !c->expected && c->packets == 4);
	packet = traffic_lend(&t, 9, 0, &data); /* no such stream */
	traffic_push(&t, &packet, 1);
	end();
}

TEST(assembler_many_gaps)
{
	struct sp_stream_config large = config;
	struct traffic_block b = block(1);

	large.height = 500; /* 200 packets */
	large.retention_ns = 100 * MS;
	b.height = 500;
	begin_with(&large, 0);
	for (uint32_t id = 0; id <= 201; id++)
		if (id % 2 == 0)
			send(&b, id, 0);
	tick(1 * MS);
	CHECK_EQ(t.resends_n, 100); /* more gaps than are kept apart: merged, none forgotten */
	for (uint32_t i = 0; i < t.resends_n; i++)
		CHECK(t.resends[i].first == 2 * i + 1 && t.resends[i].last == 2 * i + 1);
	t.resends_n = 0;
	for (uint32_t id = 0; id <= 201; id++)
		if (id % 2)
			send(&b, id, 2 * MS);
	CHECK_EQ(frame()->flags, SP_FRAME_HAD_RESEND);
	CHECK_EQ(c->resent, 100);
	end();
}

/* Loss goes on while requests are out: no gap is put off for ever by the next one. */
TEST(assembler_gaps_do_not_starve)
{
	struct sp_stream_config large = config;
	struct traffic_block b = block(1);
	uint32_t asked = 0;

	large.height = 500;
	large.retention_ns = 1000 * MS;
	large.packet_timeout_ns = 500 * MS;
	b.height = 500;
	begin_with(&large, 0);
	for (uint32_t id = 0; id <= 200; id += 2) {
		uint64_t now = id * 300 * US;

		send(&b, id, now);
		tick(now);
		asked += t.resends_n;
		t.resends_n = 0;
	}
	CHECK(asked >= 90);
	end();
}

TEST(assembler_streams_are_apart)
{
	struct traffic_block a = block(1), b = block(700);
	const struct sp_stream_counters *other;
	struct sp_err err;

	traffic_init(&t, 256, 256, 2);
	CHECK_EQ(sp_assembler_add_stream(t.assembler, &config, 0, &err), 0);
	CHECK_EQ(sp_assembler_add_stream(t.assembler, &config, 0, &err), 1);
	c = sp_assembler_counters(t.assembler, 0);
	other = sp_assembler_counters(t.assembler, 1);
	b.stream = 1;
	for (uint32_t id = 0; id <= 5; id++) {
		send(&a, id, 0);
		send(&b, id, 0);
	}
	CHECK(c->frames_complete == 1 && other->frames_complete == 1);
	CHECK(t.frames[0]->stream == 0 && t.frames[1]->stream == 1 && t.frames[1]->block_id == 700);
	end();
}

TEST_MAIN()
