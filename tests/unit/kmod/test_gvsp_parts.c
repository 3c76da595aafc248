/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Multi-part blocks, all-in packets and the rarer trailers. The golden bytes are written by hand
 * from the layouts of docs/provenance.md's sources, not by the code under test.
 */
#include "gvsp_wire.h"

#include <errno.h>

#include <sallyport/gvsp.h>

#include "unhex.h"

/* An image, a confidence map of a region, chunk data, a JPEG; one length has more than 32 bits. */
static const char multi_part_leader[] =
	"0000 0000 81 0000 04 00000000000000a7 00000000"
	"00 00 000a 0102030405060708"
	"0001 0000 0004b000 01080001 0000 00 00 00000000 0000 0000"
	"00000280 000001e0 00000010 00000020 0004 0002 00000000"
	"0009 0001 00000002 01080005 0000 03 00 00000000 0001 0007"
	"00000140 000000f0 00000000 00000000 0000 0000 00000000"
	"000a 0000 0000001c 00000000 0000 00 00 00000000 0000 0000"
	"00000000 00000000 00000000 00000000 0000 0000 00000000"
	"000b 0000 00001234 00000000 0000 02 00 00000000 0000 0000"
	"00000000 00000000 00000000 00000000 0000 0000 00000000";

static const struct sp_gvsp_part multi_part[4] = {
	{ .length = 0x4b000, .data_type = GVSP_PART_IMAGE_2D, .has_image = true,
	  .pixel_format = 0x01080001, .size_x = 640, .size_y = 480, .offset_x = 16, .offset_y = 32,
	  .padding_x = 4, .padding_y = 2 },
	{ .length = 0x100000002, .data_type = GVSP_PART_CONFIDENCE, .purpose = 1, .region = 7,
	  .source = 3, .has_image = true, .pixel_format = 0x01080005, .size_x = 320,
	  .size_y = 240 },
	{ .length = 28, .data_type = GVSP_PART_CHUNKS },
	{ .length = 0x1234, .data_type = GVSP_PART_JPEG, .source = 2 },
};

static void check_part(const struct sp_gvsp_part *got, const struct sp_gvsp_part *want)
{
	CHECK_EQ(got->length, want->length);
	CHECK_EQ(got->data_type, want->data_type);
	CHECK_EQ(got->purpose, want->purpose);
	CHECK_EQ(got->region, want->region);
	CHECK_EQ(got->source, want->source);
	CHECK_EQ(got->has_image, want->has_image);
	CHECK_EQ(got->pixel_format, want->pixel_format);
	CHECK_EQ(got->size_x, want->size_x);
	CHECK_EQ(got->size_y, want->size_y);
	CHECK_EQ(got->offset_x, want->offset_x);
	CHECK_EQ(got->offset_y, want->offset_y);
	CHECK_EQ(got->padding_x, want->padding_x);
	CHECK_EQ(got->padding_y, want->padding_y);
}

TEST(gvsp_multi_part_leader)
{
	uint8_t wire[256], built[256];
	uint32_t n = unhex(multi_part_leader, wire), fields = n - 20;
	struct sp_gvsp_packet packet;
	struct sp_gvsp_leader leader;
	struct sp_gvsp_part part;

	CHECK_EQ(n, 20 + 12 + 4 * 48);
	CHECK_EQ(sp_gvsp_parse(wire, n, &packet), 0);
	CHECK_EQ(packet.parts, 4);
	CHECK_EQ(sp_gvsp_parse_leader(wire + 20, fields, &leader), 0);
	CHECK(leader.payload_type == GVSP_PAYLOAD_MULTI_PART && !leader.has_image);
	CHECK_EQ(leader.timestamp, 0x0102030405060708);
	for (uint8_t i = 0; i < 4; i++) {
		CHECK_EQ(sp_gvsp_parse_part(wire + 20, fields, 4, i, &part), 0);
		check_part(&part, &multi_part[i]);
	}
	/* Cut anywhere, every part is refused: the header's number of parts is not true. */
	part = multi_part[0];
	for (uint32_t len = 0; len < fields; len++)
		for (uint8_t i = 0; i < 4; i++)
			CHECK_EQ(sp_gvsp_parse_part(wire + 20, len, 4, i, &part), -EINVAL);
	check_part(&part, &multi_part[0]);
	CHECK_EQ(sp_gvsp_parse_part(wire + 20, fields, 4, 4, &part), -EINVAL);
	CHECK_EQ(sp_gvsp_parse_part(wire + 20, fields, 0, 0, &part), -EINVAL);
	CHECK_EQ(sp_gvsp_parse_part(wire + 20, UINT32_MAX, SP_GVSP_PARTS_MAX + 1, 0, &part),
		 -EINVAL);

	CHECK_EQ(sp_gvsp_build_multi_part_leader(&packet, leader.timestamp, multi_part, 4, built,
						 sizeof(built)),
		 n);
	CHECK(!memcmp(built, wire, n));
	for (uint32_t size = 0; size < n; size++)
		CHECK_EQ(sp_gvsp_build_multi_part_leader(&packet, 0, multi_part, 4, built, size),
			 -ENOSPC);
}

TEST(gvsp_multi_part_trailer)
{
	uint8_t wire[128], built[128];
	uint32_t n = unhex("0000 0000 82 0000 00 00000000000000a7 00000123 0000 000a"
			   "0001 0000 0004b000 000001e0 00000000"
			   "0009 0001 00000002 000000f0 00000000", wire);
	struct sp_gvsp_trailer trailer;
	struct sp_gvsp_packet packet;

	CHECK_EQ(sp_gvsp_parse(wire, n, &packet), 0);
	CHECK_EQ(sp_gvsp_parse_trailer(wire + 20, n - 20, &trailer), 0);
	CHECK(trailer.payload_type == GVSP_PAYLOAD_MULTI_PART && !trailer.has_size_y);
	CHECK_EQ(sp_gvsp_build_multi_part_trailer(&packet, multi_part, 2, built, sizeof(built)), n);
	CHECK(!memcmp(built, wire, n));
	for (uint32_t size = 0; size < n; size++)
		CHECK_EQ(sp_gvsp_build_multi_part_trailer(&packet, multi_part, 2, built, size),
			 -ENOSPC);
}

TEST(gvsp_multi_part_prefix)
{
	static const struct {
		const char *hex;
		struct sp_gvsp_part_prefix prefix;
	} cases[] = {
		{ "0000 0000 87 0000 00 00000000000000a7 00000001 00 00 0000 00000000", { 0 } },
		{ "0000 0000 87 0000 00 00000000000000a7 00000031 02 40 0001 0004b002",
		  { .offset = 0x10004b002, .part = 2, .ends_part = true } },
		{ "0000 0000 87 0000 00 00000000000000a7 00000031 ff 40 ffff ffffffff",
		  { .offset = 0xFFFFFFFFFFFF, .part = 255, .ends_part = true } },
	};
	struct sp_gvsp_part_prefix got;
	uint8_t wire[64], built[64];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint32_t n = unhex(cases[i].hex, wire);
		struct sp_gvsp_packet packet;

		CHECK_EQ(sp_gvsp_parse(wire, n, &packet), 0);
		CHECK_EQ(packet.format, GVSP_FORMAT_MULTI_PART);
		CHECK_EQ(sp_gvsp_parse_part_prefix(wire + 20, n - 20, &got), 0);
		CHECK_EQ(got.offset, cases[i].prefix.offset);
		CHECK_EQ(got.part, cases[i].prefix.part);
		CHECK_EQ(got.ends_part, cases[i].prefix.ends_part);
		CHECK_EQ(sp_gvsp_build_part_prefix(&packet, &got, built, sizeof(built)), n);
		CHECK(!memcmp(built, wire, n));
		CHECK_EQ(sp_gvsp_build_part_prefix(&packet, &got, built, n - 1), -ENOSPC);
		for (uint32_t len = 0; len < 8; len++)
			CHECK_EQ(sp_gvsp_parse_part_prefix(wire + 20, len, &got), -EINVAL);
	}
	/* Zones that end, and their numbers, say nothing of the part. */
	unhex("00 3f 0000 00000000", wire);
	CHECK_EQ(sp_gvsp_parse_part_prefix(wire, 8, &got), 0);
	CHECK(!got.ends_part);
}

TEST(gvsp_multi_part_that_the_wire_cannot_say)
{
	struct sp_gvsp_packet standard = { .block_id = 1 }, extended = { .extended = true };
	struct sp_gvsp_part_prefix prefix = { .offset = 1ull << 48 };
	struct sp_gvsp_part parts[SP_GVSP_PARTS_MAX + 1] = { 0 };
	uint8_t built[1024];

	CHECK_EQ(sp_gvsp_build_multi_part_leader(&standard, 0, parts, 1, built, 1024), -EINVAL);
	CHECK_EQ(sp_gvsp_build_multi_part_leader(&extended, 0, parts, 0, built, 1024), -EINVAL);
	CHECK_EQ(sp_gvsp_build_multi_part_leader(&extended, 0, parts, SP_GVSP_PARTS_MAX + 1, built,
						 1024),
		 -EINVAL);
	CHECK_EQ(sp_gvsp_build_multi_part_leader(&extended, 0, parts, SP_GVSP_PARTS_MAX, built,
						 1024),
		 20 + 12 + 48 * SP_GVSP_PARTS_MAX);
	CHECK_EQ(sp_gvsp_build_multi_part_trailer(&standard, parts, 1, built, 1024), -EINVAL);
	CHECK_EQ(sp_gvsp_build_part_prefix(&extended, &prefix, built, 1024), -EINVAL);
	prefix.offset = 0;
	CHECK_EQ(sp_gvsp_build_part_prefix(&standard, &prefix, built, 1024), -EINVAL);
	parts[1].length = 1ull << 48;
	CHECK_EQ(sp_gvsp_build_multi_part_leader(&extended, 0, parts, 2, built, 1024), -EINVAL);
	CHECK_EQ(sp_gvsp_build_multi_part_trailer(&extended, parts, 2, built, 1024), -EINVAL);
}

/* Leader, trailer, chunk length and layout where the type says so; then the data. */
static const struct {
	const char *name, *hex;
	uint32_t data; /* where they begin */
	uint16_t type;
	uint64_t timestamp;
	uint32_t size_x, size_y, chunk_length;
} all_in[] = {
	{ "image", "00 00 0001 00000000000000f1 01080001 00000008 00000004 00000001 00000002"
		   "0000 0000 0000 0001 00000004 aabb", 44, GVSP_PAYLOAD_IMAGE, 0xf1, 8, 4, 0 },
	{ "image and chunks", "00 00 4001 00000000000000f1 01080001 00000008 00000004 00000000"
			      "00000000 0000 0000 0000 4001 00000004 00000030 00000001 aabb",
	  52, GVSP_PAYLOAD_IMAGE | GVSP_PAYLOAD_CHUNKS, 0xf1, 8, 4, 48 },
	{ "raw", "00 00 0002 00000000000000f1 0000000000000002 0000 0002 aabb", 24,
	  GVSP_PAYLOAD_RAW, 0xf1, 0, 0, 0 },
	{ "file", "00 00 0003 00000000000000f1 0000000000000002 612e6200 0000 0003 aabb", 28,
	  GVSP_PAYLOAD_FILE, 0xf1, 0, 0, 0 },
	{ "chunk data", "00 00 0004 00000000000000f1 0000 0004 00000009 aabb", 20,
	  GVSP_PAYLOAD_CHUNK, 0xf1, 0, 0, 9 },
	{ "extended chunk data", "00 00 0005 00000000000000f1 01080001 00000008 00000004 00000000"
				 "00000000 0000 0000 0000 0005 00000009 00000004 00000001 aabb",
	  52, GVSP_PAYLOAD_EXTENDED_CHUNK, 0xf1, 8, 4, 9 },
	{ "JPEG and chunks", "00 00 4006 00000000000000f1 0000000000000002 000000003b9aca00"
			     "00000000 0000 4006 00000005 00000001 aabb",
	  44, GVSP_PAYLOAD_JPEG | GVSP_PAYLOAD_CHUNKS, 0xf1, 0, 0, 5 },
	{ "H.264", "00 00 0008 0000000000000002 00 01 0000 00 42 00 1e 0000 0000 00000000 00000000"
		   "0000 0008 00000000000000f1 aabb", 44, GVSP_PAYLOAD_H264, 0, 0, 0, 0 },
	{ "multi-zone", "00 00 0009 00000000000000f1 00000000 01080001 00000008 00000004 00000000"
			"00000000 0000 0000 0000 0009 00000004 00 01 0000 00000000 aabb",
	  56, GVSP_PAYLOAD_MULTI_ZONE, 0xf1, 0, 0, 0 },
};

TEST(gvsp_all_in_of_every_type)
{
	for (size_t i = 0; i < sizeof(all_in) / sizeof(all_in[0]); i++) {
		uint8_t wire[128];
		uint32_t n = unhex(all_in[i].hex, wire);
		struct sp_gvsp_all_in got = { .data = 77 };

		for (uint32_t len = 0; len < all_in[i].data; len++)
			if (sp_gvsp_parse_all_in(wire, len, &got) != -EINVAL || got.data != 77)
				FAIL("%s: %u bytes are enough?", all_in[i].name, len);
		if (sp_gvsp_parse_all_in(wire, n, &got))
			FAIL("%s is refused", all_in[i].name);
		CHECK_EQ(got.data, all_in[i].data);
		CHECK_EQ(n - got.data, 2);
		CHECK_EQ(wire[got.data], 0xAA);
		CHECK_EQ(got.leader.payload_type, all_in[i].type);
		CHECK_EQ(got.trailer.payload_type, all_in[i].type);
		CHECK_EQ(got.leader.timestamp, all_in[i].timestamp);
		CHECK_EQ(got.leader.has_image, all_in[i].size_x > 0);
		CHECK_EQ(got.leader.size_x, all_in[i].size_x);
		CHECK_EQ(got.leader.size_y, all_in[i].size_y);
		CHECK_EQ(got.trailer.chunk_length, all_in[i].chunk_length);
	}
}

TEST(gvsp_all_in_refusals)
{
	struct sp_gvsp_all_in got;
	uint8_t wire[128];
	uint32_t n;

	/* Multi-part, GenDC and unknown types do not come so. */
	for (uint32_t type = 0; type <= 0xFFFF; type++) {
		uint32_t known = type & GVSP_PAYLOAD_TYPE_MASK;

		memset(wire, 0, sizeof(wire));
		wire[2] = (uint8_t)(type >> 8);
		wire[3] = (uint8_t)type;
		if (!known || known > GVSP_PAYLOAD_MULTI_ZONE)
			CHECK_EQ(sp_gvsp_parse_all_in(wire, sizeof(wire), &got), -EINVAL);
	}
	/* A trailer of another type: where the data begin is anyone's guess. */
	n = unhex("00 00 0001 00000000000000f1 01080001 00000008 00000004 00000001 00000002"
		  "0000 0000 0000 4001 00000004 00000001 00000001 aabb", wire);
	CHECK_EQ(sp_gvsp_parse_all_in(wire, n, &got), -EINVAL);
	/* A file's name without an end. */
	memset(wire, 'a', sizeof(wire));
	unhex("00 00 0003 00000000000000f1 0000000000000002", wire);
	CHECK_EQ(sp_gvsp_parse_all_in(wire, sizeof(wire), &got), -EINVAL);
}

TEST(gvsp_all_in_built)
{
	struct sp_gvsp_packet packet = { .block_id = 3 }, header;

	for (size_t i = 0; i < 2; i++) {
		uint8_t wire[128], built[128];
		uint32_t n = unhex(all_in[i].hex, wire) - 2;
		struct sp_gvsp_all_in got;

		packet.extended = i;
		CHECK_EQ(sp_gvsp_parse_all_in(wire, n, &got), 0);
		CHECK_EQ(sp_gvsp_build_all_in(&packet, &got.leader, &got.trailer, 1, built,
					      sizeof(built)),
			 (i ? 20 : 8) + n);
		CHECK_EQ(sp_gvsp_parse(built, sizeof(built), &header), 0);
		CHECK_EQ(header.format, GVSP_FORMAT_ALL_IN);
		CHECK(!memcmp(built + header.header_bytes, wire, n));
		CHECK_EQ(sp_gvsp_build_all_in(&packet, &got.leader, &got.trailer, 1, built,
					      header.header_bytes + n - 1),
			 -ENOSPC);
		got.trailer.has_size_y = false;
		CHECK_EQ(sp_gvsp_build_all_in(&packet, &got.leader, &got.trailer, 1, built,
					      sizeof(built)),
			 -EINVAL);
	}
}

TEST(gvsp_chunks_behind_bare_trailers)
{
	struct sp_gvsp_trailer trailer, got;
	struct sp_gvsp_packet packet = { .block_id = 3 };
	uint8_t wire[64];

	unhex("0000 4006 00000100 00000001", wire);
	CHECK_EQ(sp_gvsp_parse_trailer(wire, 12, &trailer), 0);
	CHECK(!trailer.has_size_y && trailer.chunk_length == 0x100);
	for (uint32_t len = 4; len < 12; len++) {
		CHECK_EQ(sp_gvsp_parse_trailer(wire, len, &got), 0);
		CHECK(!got.chunk_length);
	}
	CHECK_EQ(sp_gvsp_build_trailer(&packet, &trailer, 1, wire, sizeof(wire)), 20);
	CHECK_EQ(sp_gvsp_parse_trailer(wire + 8, 12, &got), 0);
	CHECK_EQ(got.chunk_length, 0x100);
	/* A multi-part trailer goes on with its parts: what looks like a length there is none. */
	unhex("0000 400a 00010000 0004b000 000001e0 00000000 00000100 00000001", wire);
	CHECK_EQ(sp_gvsp_parse_trailer(wire, 28, &got), 0);
	CHECK(!got.chunk_length);
}

TEST_MAIN()
