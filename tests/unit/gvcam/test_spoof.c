/* SPDX-License-Identifier: Apache-2.0 */
/* Spoofed packets are what they say, come as often as asked, and never pass for the good ones. */
#include "gvcam/spoof.h"

#include <errno.h>

#include <sallyport/gvsp.h>

#include "base/diag.h"
#include "base/random.h"
#include "gvsp_wire.h"
#include "test.h"
#include "wire/pfnc.h"

enum { SEED = 9, DRAWS = 100000, TRIES = 2000, SCPS = 1000, WIDTH = 320, HEIGHT = 100 };

static uint8_t scratch[GVCAM_PACKET_MAX], good_scratch[GVCAM_PACKET_MAX];
static struct gvcam_packet packet = { .scratch = scratch };
static struct gvcam_packet good = { .scratch = good_scratch };
static struct gvcam_block block, old;

static void setup(bool extended)
{
	struct gvcam_channel channel = { .packet_size = SCPS, .extended_ids = extended };
	struct gvcam_shape shape = { SP_PFNC_MONO8, WIDTH, HEIGHT, HEIGHT };

	block = (struct gvcam_block){ .id = 65500, .ticks = 5000 };
	old = (struct gvcam_block){ .id = 65460, .ticks = 4000 };
	gvcam_block_cut(&block, &channel, &shape);
	gvcam_block_cut(&old, &channel, &shape);
}

static bool make(enum gvcam_spoof_kind kind, uint32_t number, uint64_t random)
{
	struct gvcam_spoof_scene scene = {
		.block = &block,
		.packet = number,
		.leader_left = true,
		.old = &old,
		.random = sp_random_mix(random),
	};

	return gvcam_spoof_make(kind, &scene, &packet);
}

TEST(spoofs_are_read_from_text)
{
	static const char *const wrong[] = { "",	 "adress",	 "all,",
					     "all,2",	 "all,-1",	 "replay,x",
					     "replay 1", "replay,0.5,1", "ALL" };
	struct gvcam_spoofs spoofs = { 0 };
	struct sp_err err;

	CHECK_EQ(gvcam_spoofs_parse("all,0.25", &spoofs, &err), 0);
	CHECK_EQ(gvcam_spoofs_parse("replay", &spoofs, &err), 0);
	CHECK_EQ(gvcam_spoofs_parse("ids,1", &spoofs, &err), 0);
	for (unsigned int i = 0; i < GVCAM_SPOOFS; i++)
		CHECK_NEAR(spoofs.rate[i],
			   i == GVCAM_SPOOF_REPLAY ? 0.01
			   : i == GVCAM_SPOOF_IDS  ? 1
						   : 0.25,
			   0);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (gvcam_spoofs_parse(wrong[i], &spoofs, &err) != -EINVAL)
			FAIL("'%s' was taken", wrong[i]);
}

TEST(spoofs_come_as_often_as_asked)
{
	struct gvcam_spoofs spoofs = { .seed = SEED };
	unsigned int n[GVCAM_SPOOFS] = { 0 };

	printf("# seed %d\n", SEED);
	for (unsigned int i = 0; i < GVCAM_SPOOFS; i++)
		spoofs.rate[i] = i * 0.1;
	for (uint32_t p = 0; p < DRAWS; p++) {
		unsigned int kinds = gvcam_spoofs_after(&spoofs, 2, p / 1000, p % 1000);

		CHECK_EQ(kinds, gvcam_spoofs_after(&spoofs, 2, p / 1000, p % 1000));
		for (unsigned int i = 0; i < GVCAM_SPOOFS; i++)
			n[i] += kinds >> i & 1;
	}
	/* Five standard deviations of at most 158. */
	for (unsigned int i = 0; i < GVCAM_SPOOFS; i++)
		CHECK_NEAR(n[i], DRAWS * 0.1 * i, i ? 790 : 0);
}

/* Same ids as the next packet's, all of its data wrong: taken, it would spoil the block. */
TEST(spoof_of_a_source_comes_before_the_good_packet)
{
	setup(false);
	for (int way = 0; way < 2; way++) {
		CHECK(make(way ? GVCAM_SPOOF_ADDRESS : GVCAM_SPOOF_PORT, 5, 1));
		CHECK_EQ(packet.way, way ? GVCAM_WAY_OTHER_ADDRESS : GVCAM_WAY_OTHER_PORT);
		gvcam_block_packet(&block, 6, false, &good);
		CHECK_EQ(good.way, GVCAM_WAY_OWN);
		CHECK_EQ(packet.head_bytes, good.head_bytes);
		CHECK(!memcmp(packet.head, good.head, good.head_bytes));
		CHECK_EQ(packet.data_bytes, good.data_bytes);
		for (uint32_t i = 0; i < good.data_bytes; i++)
			CHECK_EQ(packet.data[i], (uint8_t)~good.data[i]);
	}
}

TEST(spoof_of_a_payload_has_the_ids_of_the_good_packet)
{
	setup(true);
	CHECK(make(GVCAM_SPOOF_PAYLOAD, 5, 1));
	gvcam_block_packet(&block, 5, false, &good);
	CHECK(!memcmp(packet.head, good.head, good.head_bytes));
	CHECK(packet.data_bytes && (packet.data[7] ^ good.data[7]) == 0xFF);
	/* There is nothing wrong to say about a leader's data. */
	CHECK(!make(GVCAM_SPOOF_PAYLOAD, 0, 1));
	CHECK(!make(GVCAM_SPOOF_PAYLOAD, block.packets - 1, 1));
}

/* What is malformed is seen by its header, its fields or its place in the block. */
TEST(spoof_of_a_header_is_malformed)
{
	unsigned int headers = 0, leaders = 0, places = 0;

	for (int extended = 0; extended < 2; extended++) {
		setup(extended);
		for (unsigned int i = 0; i < TRIES; i++) {
			struct sp_gvsp_packet header;
			struct sp_gvsp_leader leader;
			uint32_t at;

			CHECK(make(GVCAM_SPOOF_MALFORMED, 3, i));
			if (sp_gvsp_parse(packet.head, packet.head_bytes, &header)) {
				headers++;
				continue;
			}
			at = header.header_bytes;
			if (header.format == GVSP_FORMAT_LEADER) {
				CHECK(sp_gvsp_parse_leader(packet.head + at, packet.head_bytes - at,
							   &leader));
				leaders++;
			} else {
				CHECK(header.packet_id >= block.packets);
				places++;
			}
		}
	}
	CHECK(headers > TRIES && leaders > TRIES / 4 && places > TRIES / 4);
}

static uint64_t distance(uint64_t a, uint64_t b, bool extended)
{
	uint64_t up = extended ? a - b : (a + UINT16_MAX - b) % UINT16_MAX;
	uint64_t down = extended ? b - a : (b + UINT16_MAX - a) % UINT16_MAX;

	return up < down ? up : down;
}

TEST(spoof_of_ids_is_far_away)
{
	for (int extended = 0; extended < 2; extended++) {
		setup(extended);
		for (unsigned int i = 0; i < TRIES; i++) {
			struct sp_gvsp_packet header;

			CHECK(make(GVCAM_SPOOF_IDS, 3, i));
			CHECK_EQ(sp_gvsp_parse(packet.head, packet.head_bytes, &header), 0);
			CHECK(header.block_id > 0);
			CHECK(distance(header.block_id, block.id, extended) >= GVCAM_SPOOF_FAR);
			CHECK(header.packet_id < block.packets);
		}
	}
}

TEST(spoof_of_a_size_is_absurd)
{
	unsigned int parts = 0, current = 0;

	for (int extended = 0; extended < 2; extended++) {
		setup(extended);
		for (unsigned int i = 0; i < TRIES; i++) {
			struct sp_gvsp_packet header;
			struct sp_gvsp_leader leader;
			struct sp_gvsp_part part;

			CHECK(make(GVCAM_SPOOF_OVERSIZED, 3, i));
			CHECK_EQ(sp_gvsp_parse(packet.head, packet.head_bytes, &header), 0);
			CHECK_EQ(header.format, GVSP_FORMAT_LEADER);
			current += header.block_id == block.id;
			parts += header.parts > 0;
			if (header.parts) {
				CHECK_EQ(sp_gvsp_parse_part(packet.head + 20,
							    packet.head_bytes - 20, header.parts, 0,
							    &part),
					 0);
				CHECK_EQ(part.length, (1ll << 48) - 1);
				continue;
			}
			CHECK_EQ(sp_gvsp_parse_leader(packet.head + header.header_bytes,
						      packet.head_bytes - header.header_bytes,
						      &leader),
				 0);
			CHECK_EQ(leader.size_x, UINT32_MAX);
		}
	}
	CHECK_NEAR(parts, TRIES / 2, 5 * 23);
	CHECK_NEAR(current, TRIES, 5 * 32);
}

TEST(spoof_of_a_replay_is_the_old_packet)
{
	struct gvcam_spoof_scene first = { .block = &block };

	setup(false);
	CHECK(!gvcam_spoof_make(GVCAM_SPOOF_REPLAY, &first, &packet));
	for (unsigned int i = 0; i < TRIES; i++) {
		struct sp_gvsp_packet header;

		CHECK(make(GVCAM_SPOOF_REPLAY, 3, i));
		CHECK_EQ(sp_gvsp_parse(packet.head, packet.head_bytes, &header), 0);
		CHECK_EQ(header.block_id, old.id);
		gvcam_block_packet(&old, header.packet_id, false, &good);
		CHECK_EQ(packet.data_bytes, good.data_bytes);
		CHECK(!memcmp(packet.head, good.head, good.head_bytes));
		CHECK(!good.data_bytes || !memcmp(packet.data, good.data, good.data_bytes));
	}
}

TEST_MAIN()
