/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks in parts, and packets whose head lies elsewhere than the rest. */
#include "base/region.h"
#include "one_stream.h"

/* ---- multi-part ---- */

/*
 * A confidence map of 100 bytes, an image of 400, 33 bytes of chunk data; 80 bytes a packet: packet
 * ids 1 and 2, 3 to 7, 8; trailer 9.
 */
static struct traffic_block parts_block(uint64_t id)
{
	struct traffic_block b = extended_block(id);

	b.payload_type = GVSP_PAYLOAD_MULTI_PART;
	b.parts_n = 3;
	b.parts[0] = (struct sp_gvsp_part){
		.length = 100,
		.data_type = GVSP_PART_CONFIDENCE,
		.purpose = 4,
		.region = 5,
		.source = 6,
		.has_image = true,
		.pixel_format = SP_PFNC_MONO8,
		.size_x = 20,
		.size_y = 5,
	};
	b.parts[1] = (struct sp_gvsp_part){
		.length = 400,
		.data_type = GVSP_PART_IMAGE_2D,
		.has_image = true,
		.pixel_format = SP_PFNC_MONO8,
		.size_x = 40,
		.size_y = 10,
		.offset_x = 8,
	};
	b.parts[2] = (struct sp_gvsp_part){ .length = 33, .data_type = GVSP_PART_CHUNKS };
	return b;
}

static void check_whole(const struct traffic_block *b)
{
	struct sp_frame *f = frame_of(b);

	CHECK(!(f->flags & ~(uint32_t)SP_FRAME_NO_LEADER) && f->packets == 8 && f->parts_n == 3);
	CHECK(f->width == 40 && f->height == 10 && f->offset_x == 8);
	CHECK(f->parts[0].kind == SP_FRAME_PART_IMAGE && f->parts[0].first_packet == 2 &&
	      f->parts[0].packets == 5 && f->parts[0].bytes == 400 &&
	      f->parts[0].data_type == GVSP_PART_IMAGE_2D && f->parts[0].stride == 80);
	CHECK(f->parts[1].kind == SP_FRAME_PART_IMAGE && f->parts[1].first_packet == 0 &&
	      f->parts[1].bytes == 100 && f->parts[1].width == 20 && f->parts[1].purpose == 4 &&
	      f->parts[1].region_id == 5 && f->parts[1].source == 6);
	CHECK(f->parts[2].kind == SP_FRAME_PART_CHUNKS && f->parts[2].first_packet == 7 &&
	      f->parts[2].bytes == 33);
}

TEST(parts_make_a_frame)
{
	static const char *const orders[] = { "0123456789", "9876543210", "1234567890",
					      "0897654321" };

	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		struct traffic_block b = parts_block(1);
		uint8_t row[40];

		begin();
		send_list(&b, orders[i], 0);
		check_whole(&b);
		CHECK_EQ(sp_frame_read_row(held[0], 9, 0, 40, row), 0);
		CHECK_EQ(row[39], traffic_byte(1, 100 + 399));
		CHECK(c->expected == 8 && c->delivered == 8 && c->bytes == 533);
		end();
	}
}

TEST(parts_with_packets_lost)
{
	struct traffic_block b = parts_block(1);
	struct sp_frame *f;

	begin();
	send_list(&b, "013 4679", 0); /* 2 and 5 and 8 */
	tick(10 * MS);
	f = frame_of(&b);
	CHECK(f->missing_n == 3 && sp_frame_packet_missing(f, 1) && sp_frame_packet_missing(f, 4) &&
	      sp_frame_packet_missing(f, 7));
	CHECK(c->expected == 8 && c->missing == 3 && c->bytes == 80 + 4 * 80);
	send(&b, 8, 11 * MS);
	CHECK(c->late == 1 && c->missing == 2);
	end();
}

/* Sends packet @id of the block with @change added to byte @at behind its header. */
static void send_changed(const struct traffic_block *b, uint32_t id, uint32_t at, int change)
{
	struct sp_packet packet = traffic_packet(&t, b, id, 0, 0, 0);

	t.region.base[packet.offset + SP_GVSP_HEADER_EXT_BYTES + at] += (uint8_t)change;
	push(packet);
}

TEST(parts_prefix_must_be_as_the_leader_implies)
{
	for (int before = 0; before < 2; before++) { /* whether the leader is known */
		struct traffic_block b = parts_block(1);

		begin();
		if (before)
			send(&b, 0, 0);
		send_changed(&b, 1, 0, 1); /* another part */
		send_changed(&b, 2, 7, 1); /* another offset */
		send_changed(&b, 3, 2, 1); /* high bits of the offset */
		send_as(&b, 4, 0, -1, 0); /* too short, too long, nothing but the prefix */
		send_as(&b, 7, 0, 1, 0);
		send_as(&b, 8, 0, -33, 0);
		if (!before)
			send(&b, 0, 0);
		CHECK_EQ(t.free_n, t.buffers);
		send_list(&b, "3569", 0); /* the third a good copy after a bad one */
		tick(10 * MS);
		CHECK_EQ(frame_of(&b)->missing_n, 5);
		CHECK(c->expected == 8 && c->delivered == 3 && c->bad_packet == 5);
		end();
	}
}

TEST(parts_and_plain_packets_do_not_mix)
{
	struct traffic_block b = parts_block(1), plain = extended_block(1);

	for (int before = 0; before < 2; before++) {
		/* A plain packet as long as one with a prefix. */
		begin();
		if (before)
			send(&b, 0, 0);
		send_as(&plain, 1, 0, -8, 0);
		if (!before)
			send(&b, 0, 0);
		send_list(&b, "23456789", 0);
		tick(10 * MS);
		CHECK(frame_of(&b)->missing_n == 1 && c->bad_packet == 1 && c->expected == 8);
		end();

		/* And the other way round: the plain image ends before packet 5. */
		begin();
		plain.height = 4; /* 160 bytes: 88 and 72 */
		if (before)
			send(&plain, 0, 0);
		send_as(&b, 1, 0, 8, 0);
		if (!before)
			send(&plain, 0, 0);
		send_list(&plain, "23", 0);
		tick(10 * MS);
		CHECK(frame_of(&plain)->missing_n == 1 && c->bad_packet == 1 && c->expected == 2);
		end();
	}
}

TEST(parts_that_are_refused)
{
	struct traffic_block b;
	uint64_t id = 1;

	begin();
	for (int i = 0; i < 8; i++) {
		b = parts_block(id++);
		switch (i) {
		case 0: /* together a byte more than may be */
			b.parts[2].length = 101;
			break;
		case 1: /* the image is larger than the configured one */
			b.parts[0].length = 1;
			b.parts[1].length = 440;
			b.parts[1].size_y = 11;
			break;
		case 2: /* and no longer than its part */
			b.parts[1].size_y = 11;
			break;
		case 3:
			b.parts_n = SP_FRAME_PARTS_MAX + 1;
			break;
		case 4: /* nothing to look at */
			b.parts[1].data_type = GVSP_PART_PLANE_BI;
			break;
		case 5:
			b.parts[1].pixel_format = 0x01080099;
			break;
		case 6:
			b.parts[0].length = (1ull << 48) - 1;
			break;
		case 7:
			b.parts[1].size_x = 0;
			break;
		}
		send(&b, 0, 0);
		CHECK_EQ(c->blocks_discarded, (uint64_t)i + 1);
	}
	CHECK(c->block_discarded == 8 * 5 && c->expected == 8 * 5); /* 400 bytes in 88 each */
	b = parts_block(id);
	send_block(&b, 0);
	check_whole(&b);
	end();
}

TEST(parts_need_extra_bytes)
{
	struct sp_stream_config bare = config;
	struct traffic_block b = parts_block(1);

	bare.extra_bytes = 0;
	begin_with(&bare);
	send_list(&b, "120345", 0);
	CHECK(c->blocks_discarded == 1 && c->block_discarded == 5 && c->expected == 5);
	CHECK_EQ(t.free_n, t.buffers);
	end();
}

TEST(parts_without_leader)
{
	struct traffic_block a = parts_block(1), b = parts_block(2), d = parts_block(3);

	/* As the last leader said, and the prefixes bear it out. */
	begin();
	send_block(&a, 0);
	check_whole(&a);
	send_list(&b, "123456789", 0);
	tick(10 * MS);
	check_whole(&b);
	CHECK_EQ(held[1]->flags, SP_FRAME_NO_LEADER);
	/* The parts are others: nothing is known of them. */
	d.parts[0].length = 180;
	send_list(&d, "123456789", 11 * MS);
	tick(30 * MS);
	CHECK(!t.frames_n && c->blocks_discarded == 1 && c->block_discarded == 5);
	end();

	/* Nothing says what it is: the configured image, of which nothing came in its packets. */
	begin();
	send_list(&a, "123456789", 0);
	tick(10 * MS);
	CHECK(!t.frames_n && c->expected == 5 && c->bad_packet == 5 && c->surplus == 3);
	end();
}

TEST(parts_may_be_empty)
{
	struct traffic_block b = parts_block(1);
	struct sp_frame *f;

	begin();
	b.parts[0].length = 0; /* a confidence map of nothing: 5 + 1 packets */
	send_block(&b, 0);
	f = frame_of(&b);
	CHECK(!f->flags && f->packets == 6 && f->parts_n == 3 && f->parts[1].bytes == 0);
	end();
}

/* ---- split packets ---- */

static void check_in_region(const struct sp_frame *f)
{
	for (uint32_t i = 0; i < f->packets; i++)
		CHECK(f->offset[i] < t.region.size);
}

TEST(split_packets)
{
	/* Within the header, after a standard one, within the leader's fields, after a prefix. */
	static const uint32_t splits[] = { 1, 7, 8, 19, 20, 28, 43, 96 };

	for (size_t i = 0; i < sizeof(splits) / sizeof(splits[0]); i++) {
		uint32_t split = splits[i];

		for (int kind = 0; kind < 3; kind++) {
			struct traffic_block b = kind == 0 ? block(1) :
						 kind == 1 ? extended_block(1) : parts_block(1);
			uint32_t header = kind == 0 ? 8 : kind == 1 ? 20 : 28;

			b.split = split;
			begin();
			send_block(&b, 0);
			if (split <= header) {
				CHECK(frame_of(&b)->flags == 0 && c->delivered == c->expected);
				check_in_region(held[0]);
			} else {
				/* The first pixels are where nobody looks for them. */
				tick(10 * MS);
				CHECK(!t.frames_n && c->bad_packet == c->expected && c->expected);
				CHECK_EQ(t.free_n, t.buffers);
			}
			CHECK_EQ(c->malformed, 0);
			end();
		}
	}
}

TEST(split_all_in_packets)
{
	for (uint32_t split = 1; split < TRAFFIC_HEAD; split += 7) {
		struct traffic_block b = block(1);

		b.height = 2;
		b.split = split;
		begin();
		push(traffic_all_in(&t, &b, 0, 0));
		if (split <= 8 + 36 + 8) { /* header, leader, trailer */
			CHECK_EQ(frame_of(&b)->flags, 0);
			check_in_region(held[0]);
		} else {
			CHECK(c->bad_packet == 1 && c->expected == 1 && !t.frames_n);
		}
		end();
	}
}

TEST(split_packet_that_is_cut_short)
{
	struct traffic_block b = block(1);
	struct sp_packet packet;

	/* Shorter than a header, and a leader that ends within its fields. */
	begin();
	for (uint32_t length = 0; length < 44; length++) {
		packet = traffic_packet(&t, &b, 0, 0, 0, 0);
		packet.length = length;
		traffic_split(&t, &packet, 4);
		push(packet);
	}
	CHECK(c->malformed == 44 && !c->expected);
	end();
}

/* The header is in the region, what is behind it not wholly: nothing of the packet is believed. */
TEST(split_packet_that_leaves_the_region)
{
	enum { LEFT = 20 };
	struct traffic_block b = parts_block(1);

	for (uint32_t id = 0; id < 2; id++) {
		struct sp_packet packet;

		begin();
		packet = traffic_packet(&t, &b, id, 0, 0, 0);
		traffic_split(&t, &packet, 4);
		memmove(t.region.base + t.region.size - LEFT, t.region.base + packet.offset, LEFT);
		packet.offset = t.region.size - LEFT;
		push(packet);
		tick(MS);
		sp_assembler_flush(t.assembler, 2 * MS);
		CHECK(c->malformed == 1 && !c->expected);
		end();
	}
}

TEST_MAIN()
