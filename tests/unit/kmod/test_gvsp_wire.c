/* SPDX-License-Identifier: Apache-2.0 */
/* The golden vectors are bytes that a camera or libaravis's fake camera really sent. */
#include "gvsp_wire.h"

#include <errno.h>

#include <sallyport/gvsp.h>

#include "unhex.h"

static const struct {
	const char *name, *hex;
	struct sp_gvsp_packet packet;
} headers[] = {
	{ "std leader",
	  "0000 ff79 01 000000",
	  { .block_id = 65401, .format = GVSP_FORMAT_LEADER, .header_bytes = 8 } },
	{ "std trailer",
	  "0000 ff79 02 0000c2",
	  { .block_id = 65401,
	    .packet_id = 194,
	    .format = GVSP_FORMAT_TRAILER,
	    .header_bytes = 8 } },
	{ "std data",
	  "0000 ff79 03 000001",
	  { .block_id = 65401, .packet_id = 1, .format = GVSP_FORMAT_PAYLOAD, .header_bytes = 8 } },
	{ "unavailable",
	  "800c fffa 03 000022",
	  { .status = GVSP_STATUS_UNAVAILABLE,
	    .block_id = 65530,
	    .packet_id = 34,
	    .format = GVSP_FORMAT_PAYLOAD,
	    .header_bytes = 8 } },
	{ "ext leader",
	  "0000 0000 81 0000 00 0000000000000001 00000000",
	  { .block_id = 1, .format = GVSP_FORMAT_LEADER, .header_bytes = 20, .extended = true } },
	{ "ext multi-part leader",
	  "0000 0000 81 0000 02 0000000000000001 00000000",
	  { .block_id = 1,
	    .format = GVSP_FORMAT_LEADER,
	    .parts = 2,
	    .header_bytes = 20,
	    .extended = true } },
	{ "ext trailer",
	  "0000 0000 82 0000 00 0000000000000001 000000d5",
	  { .block_id = 1,
	    .packet_id = 213,
	    .format = GVSP_FORMAT_TRAILER,
	    .header_bytes = 20,
	    .extended = true } },
	{ "ext resent",
	  "0100 0001 83 0000 00 123456789abcdef0 01020304",
	  { .status = GVSP_STATUS_RESENT,
	    .flags = GVSP_FLAG_RESENT,
	    .block_id = 0x123456789abcdef0,
	    .packet_id = 0x01020304,
	    .format = GVSP_FORMAT_PAYLOAD,
	    .header_bytes = 20,
	    .extended = true } },
	{ "largest std ids",
	  "0000 ffff 03 ffffff",
	  { .block_id = 65535,
	    .packet_id = 0xFFFFFF,
	    .format = GVSP_FORMAT_PAYLOAD,
	    .header_bytes = 8 } },
};

TEST(gvsp_headers_both_ways)
{
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		const struct sp_gvsp_packet *want = &headers[i].packet;
		uint8_t wire[64], built[64];
		uint32_t n = unhex(headers[i].hex, wire);
		struct sp_gvsp_packet got;

		CHECK_EQ(sp_gvsp_parse(wire, n, &got), 0);
		if (got.block_id != want->block_id || got.packet_id != want->packet_id ||
		    got.status != want->status || got.flags != want->flags ||
		    got.format != want->format || got.parts != want->parts ||
		    got.header_bytes != want->header_bytes || got.extended != want->extended)
			FAIL("%s: parsed otherwise", headers[i].name);
		CHECK_EQ(sp_gvsp_build(&got, built, sizeof(built)), n);
		CHECK(!memcmp(wire, built, n));
		CHECK_EQ(sp_gvsp_build(&got, built, n - 1), -ENOSPC);
		CHECK_EQ(sp_gvsp_parse(wire, n - 1, &got), -EINVAL);
	}
}

TEST(gvsp_header_refusals)
{
	static const char *const bad[] = {
		"",
		"0000 ff79 01 0000", /* short */
		"0000 ff79 00 000000", /* no format */
		"0000 ff79 09 000000", /* unknown format */
		"0000 ff79 41 000000", /* bits that no format has */
		"0000 0000 83 0000 00 0000000000000001 000000", /* short for an extended one */
		"0000 0000 80 0000 00 0000000000000001 00000000",
	};
	struct sp_gvsp_packet packet = { .block_id = 77 };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint8_t wire[64];

		CHECK_EQ(sp_gvsp_parse(wire, unhex(bad[i], wire), &packet), -EINVAL);
		CHECK_EQ(packet.block_id, 77);
	}
}

TEST(gvsp_status_classes)
{
	struct sp_gvsp_packet packet = { 0 };

	CHECK(!sp_gvsp_status_is_error(GVSP_STATUS_SUCCESS));
	CHECK(!sp_gvsp_status_is_error(GVSP_STATUS_RESENT));
	CHECK(!sp_gvsp_status_is_error(0x4004)); /* a real camera's trailers */
	CHECK(sp_gvsp_status_is_error(0x8FFF));
	CHECK(sp_gvsp_status_is_gone(0x800C) && sp_gvsp_status_is_gone(0x8011));
	CHECK(!sp_gvsp_status_is_gone(0x8010) && sp_gvsp_status_is_not_yet(0x8010));
	CHECK(!sp_gvsp_status_is_gone(0x800D) && !sp_gvsp_status_is_not_yet(0x800D));
	CHECK(!sp_gvsp_is_resent(&packet));
	packet.flags = GVSP_FLAG_RESENT;
	CHECK(sp_gvsp_is_resent(&packet));
}

TEST(gvsp_leader_golden)
{
	static const char hex[] = "0000 ff79 01 000000 00 00 0001 18eab32dce8e8598"
				  "01080001 00000200 00000200 00000000 00000000 0000 0000";
	uint8_t wire[64], built[64];
	uint32_t n = unhex(hex, wire);
	struct sp_gvsp_packet packet;
	struct sp_gvsp_leader leader;

	CHECK_EQ(n, 44);
	CHECK_EQ(sp_gvsp_parse(wire, n, &packet), 0);
	CHECK_EQ(sp_gvsp_parse_leader(wire + 8, n - 8, &leader), 0);
	CHECK_EQ(leader.payload_type, GVSP_PAYLOAD_IMAGE);
	CHECK_EQ(leader.timestamp, 0x18eab32dce8e8598);
	CHECK_EQ(leader.pixel_format, 0x01080001);
	CHECK(leader.has_image && leader.size_x == 512 && leader.size_y == 512);
	CHECK(!leader.offset_x && !leader.offset_y && !leader.padding_x && !leader.padding_y);
	CHECK_EQ(sp_gvsp_build_leader(&packet, &leader, built, sizeof(built)), n);
	CHECK(!memcmp(wire, built, n));
	CHECK_EQ(sp_gvsp_build_leader(&packet, &leader, built, n - 1), -ENOSPC);
	for (uint32_t len = 0; len < n - 8; len++)
		CHECK_EQ(sp_gvsp_parse_leader(wire + 8, len, &leader), -EINVAL);
}

TEST(gvsp_leader_types)
{
	struct sp_gvsp_packet packet = { .block_id = 3, .extended = true };
	struct sp_gvsp_leader leader = {
		.payload_type = GVSP_PAYLOAD_IMAGE | GVSP_PAYLOAD_CHUNKS, .has_image = true,
		.pixel_format = 0x01080009, .size_x = 7, .size_y = 5, .offset_x = 3, .offset_y = 4,
		.padding_x = 1, .padding_y = 2,
	}, got;
	uint8_t wire[64];

	CHECK_EQ(sp_gvsp_build_leader(&packet, &leader, wire, sizeof(wire)), 56);
	CHECK_EQ(sp_gvsp_parse_leader(wire + 20, 36, &got), 0);
	CHECK(got.has_image && got.offset_x == 3 && got.offset_y == 4);
	CHECK(got.padding_x == 1 && got.padding_y == 2);

	/* Chunk data has no geometry in its leader; extended chunk data has. */
	leader.payload_type = GVSP_PAYLOAD_CHUNK;
	leader.has_image = false;
	CHECK_EQ(sp_gvsp_build_leader(&packet, &leader, wire, sizeof(wire)), 32);
	CHECK_EQ(sp_gvsp_parse_leader(wire + 20, 12, &got), 0);
	CHECK(!got.has_image && !got.size_x);
	leader.payload_type = GVSP_PAYLOAD_EXTENDED_CHUNK;
	leader.has_image = true;
	CHECK_EQ(sp_gvsp_build_leader(&packet, &leader, wire, sizeof(wire)), 56);
	CHECK_EQ(sp_gvsp_parse_leader(wire + 20, 36, &got), 0);
	CHECK(got.has_image && got.size_x == 7);
}

TEST(gvsp_trailer_golden)
{
	static const struct {
		const char *hex;
		uint16_t type;
		bool has_size_y;
		uint32_t size_y, chunk_length, layout;
	} cases[] = {
		{ "0000 ff79 02 0000c2 0000 0001 00000000", 1, true, 0, 0, 0 },
		{ "0000 0000 82 0000 00 0000000000000001 000000d5 0000 0001 000001e0", 1, true, 480,
		  0, 0 },
		{ "0000 0000 82 0000 00 0000000000000001 000000d5 0000 4001 000001e0 0004b014 "
		  "00000001",
		  0x4001, true, 480, 0x4b014, 1 },
		{ "0000 0001 02 000005 0000 0002", 2, false, 0, 0, 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t wire[64], built[64];
		uint32_t n = unhex(cases[i].hex, wire);
		struct sp_gvsp_packet packet;
		struct sp_gvsp_trailer trailer;

		CHECK_EQ(sp_gvsp_parse(wire, n, &packet), 0);
		CHECK_EQ(sp_gvsp_parse_trailer(wire + packet.header_bytes, n - packet.header_bytes,
					       &trailer),
			 0);
		CHECK_EQ(trailer.payload_type, cases[i].type);
		CHECK_EQ(trailer.has_size_y, cases[i].has_size_y);
		CHECK_EQ(trailer.size_y, cases[i].size_y);
		CHECK_EQ(trailer.chunk_length, cases[i].chunk_length);
		CHECK_EQ(sp_gvsp_build_trailer(&packet, &trailer, cases[i].layout, built,
					       sizeof(built)),
			 n);
		CHECK(!memcmp(wire, built, n));
		CHECK_EQ(sp_gvsp_build_trailer(&packet, &trailer, 0, built, n - 1), -ENOSPC);
		CHECK_EQ(sp_gvsp_parse_trailer(wire, 3, &trailer), -EINVAL);
	}
}

TEST(gvsp_chunk_trailers)
{
	struct sp_gvsp_trailer trailer;
	uint8_t wire[16];

	unhex("0000 0004 00000100", wire);
	CHECK_EQ(sp_gvsp_parse_trailer(wire, 8, &trailer), 0);
	CHECK(!trailer.has_size_y && trailer.chunk_length == 0x100);
	unhex("0000 0005 00000100 00000030 00000001", wire);
	CHECK_EQ(sp_gvsp_parse_trailer(wire, 16, &trailer), 0);
	CHECK(trailer.has_size_y && trailer.size_y == 48 && trailer.chunk_length == 0x100);
	CHECK_EQ(sp_gvsp_parse_trailer(wire, 4, &trailer), 0);
	CHECK(!trailer.has_size_y && !trailer.chunk_length);
}

TEST_MAIN()
