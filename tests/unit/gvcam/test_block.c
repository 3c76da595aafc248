/* SPDX-License-Identifier: Apache-2.0 */
/* Every content in every format: its packets put together are the pattern, parts and chunks. */
#include "gvcam/block.h"

#include <endian.h>

#include <sallyport/gvsp.h>

#include "gvcam/pattern.h"
#include "gvsp_wire.h"
#include "test.h"
#include "wire/pfnc.h"

enum { WIDTH = 132, HEIGHT = 50, SCPS = 1000, BYTES = WIDTH * HEIGHT * 3 };

static uint8_t got[2 * BYTES + 64], want[BYTES], scratch[GVCAM_PACKET_MAX];
static struct gvcam_packet packet = { .scratch = scratch };
static struct gvcam_block block;

static void cut(struct gvcam_channel channel, uint32_t lines)
{
	struct gvcam_shape shape = { channel.pixel_format, WIDTH, HEIGHT, lines };

	if (!channel.packet_size)
		channel.packet_size = SCPS;
	block = (struct gvcam_block){ .id = 70123, .ticks = 0x1122334455667788 };
	gvcam_block_cut(&block, &channel, &shape);
}

static struct sp_gvsp_packet header_of(uint32_t number)
{
	struct sp_gvsp_packet header;

	gvcam_block_packet(&block, number, false, &packet);
	CHECK_EQ(sp_gvsp_parse(packet.head, packet.head_bytes, &header), 0);
	CHECK_EQ(header.packet_id, number);
	CHECK_EQ(header.block_id, block.extended ? 70123 : 70123 & 0xFFFF);
	CHECK_EQ(header.extended, block.extended);
	CHECK(packet.head_bytes + packet.data_bytes + 28 <= SCPS);
	return header;
}

/* What follows the header of the packet made last. */
struct fields {
	const uint8_t *at;
	uint32_t n;
};

static struct fields fields_of(const struct sp_gvsp_packet *header)
{
	return (struct fields){ packet.head + header->header_bytes,
				packet.head_bytes - header->header_bytes };
}

/* The data of all payload packets, each at its place. */
static uint64_t collect(void)
{
	uint32_t stride = SCPS - 28 - (block.extended ? 20 : 8);
	uint64_t bytes = 0;

	memset(got, 0, sizeof(got));
	for (uint32_t i = 1; i < block.packets - 1; i++) {
		struct sp_gvsp_packet header = header_of(i);
		struct sp_gvsp_part_prefix prefix;
		uint64_t at = (uint64_t)(i - 1) * stride;

		if (block.multi_part) {
			struct fields f = fields_of(&header);

			CHECK_EQ(header.format, GVSP_FORMAT_MULTI_PART);
			CHECK_EQ(sp_gvsp_parse_part_prefix(f.at, f.n, &prefix), 0);
			at = prefix.offset;
			CHECK_EQ(prefix.ends_part,
				 at + packet.data_bytes == block.parts[prefix.part].at +
								   block.parts[prefix.part].bytes);
		} else {
			CHECK_EQ(header.format, GVSP_FORMAT_PAYLOAD);
		}
		CHECK(at + packet.data_bytes <= sizeof(got));
		memcpy(got + at, packet.data, packet.data_bytes);
		bytes += packet.data_bytes;
	}
	return bytes;
}

static void check_image(uint32_t format, uint32_t lines)
{
	uint64_t bytes = sp_pfnc_image_bytes(format, WIDTH, lines);

	gvcam_pattern_fill(format, WIDTH, HEIGHT, block.id, 0, want, bytes);
	CHECK(!memcmp(got, want, bytes));
}

/* A chunk that ends at @end; where its data begin. */
static uint64_t check_chunk(uint64_t end, uint32_t id, uint64_t value)
{
	uint32_t tag[2];
	uint64_t is;

	memcpy(tag, got + end - 8, 8);
	CHECK_EQ(be32toh(tag[0]), id);
	CHECK_EQ(be32toh(tag[1]), 8);
	memcpy(&is, got + end - 16, 8);
	CHECK_EQ(be64toh(is), value);
	return end - 16;
}

static uint64_t check_chunks(uint64_t end)
{
	double exposure_us = 1000 + 123;
	uint64_t bits;

	memcpy(&bits, &exposure_us, 8);
	end = check_chunk(end, GVCAM_CHUNK_TIMESTAMP, 0x1122334455667788);
	end = check_chunk(end, GVCAM_CHUNK_EXPOSURE, bits);
	return check_chunk(end, GVCAM_CHUNK_FRAME_ID, 70123);
}

TEST(block_of_an_image_in_every_format)
{
	for (size_t f = 0; f < sp_pfnc_table_n; f++)
		for (int extended = 0; extended < 2; extended++) {
			uint32_t format = sp_pfnc_table[f].code;

			cut((struct gvcam_channel){ .pixel_format = format,
						    .extended_ids = extended },
			    HEIGHT);
			CHECK_EQ(header_of(0).format, GVSP_FORMAT_LEADER);
			CHECK_EQ(collect(), sp_pfnc_image_bytes(format, WIDTH, HEIGHT));
			check_image(format, HEIGHT);
			CHECK_EQ(header_of(block.packets - 1).format, GVSP_FORMAT_TRAILER);
		}
}

/* The image is a chunk too, and the first one: the walk from the end finds it at the beginning. */
TEST(block_with_chunks)
{
	static const uint32_t lines[] = { HEIGHT, 2, 26 };

	for (size_t i = 0; i < 3; i++) {
		uint32_t image = WIDTH * lines[i] * 10 / 8, tag[2];
		struct sp_gvsp_packet header;
		struct sp_gvsp_trailer trailer;
		struct sp_gvsp_leader leader;
		struct fields f;

		cut((struct gvcam_channel){ .pixel_format = SP_PFNC_BAYER_GB10P, .chunks = true },
		    lines[i]);
		CHECK_EQ(collect(), image + 8 + 3 * 16);
		check_image(SP_PFNC_BAYER_GB10P, lines[i]);
		CHECK_EQ(check_chunks(block.bytes), image + 8);
		memcpy(tag, got + image, 8);
		CHECK_EQ(be32toh(tag[0]), GVCAM_CHUNK_IMAGE);
		CHECK_EQ(be32toh(tag[1]), image);
		header = header_of(0);
		f = fields_of(&header);
		CHECK_EQ(sp_gvsp_parse_leader(f.at, f.n, &leader), 0);
		CHECK_EQ(leader.payload_type, GVSP_PAYLOAD_IMAGE | GVSP_PAYLOAD_CHUNKS);
		CHECK_EQ(leader.size_y, HEIGHT);
		header = header_of(block.packets - 1);
		f = fields_of(&header);
		CHECK_EQ(sp_gvsp_parse_trailer(f.at, f.n, &trailer), 0);
		CHECK_EQ(trailer.size_y, lines[i]);
		CHECK_EQ(trailer.chunk_length, block.bytes);
	}
}

static void check_parts(enum gvcam_second second, bool chunks)
{
	uint32_t image = WIDTH * HEIGHT * 3 / 2;
	uint32_t second_bytes = second == GVCAM_SECOND_IMAGE ? image : WIDTH * HEIGHT;
	uint32_t stride = SCPS - 28 - 28, packets = 2;
	struct sp_gvsp_packet header;
	struct sp_gvsp_part part;
	struct fields f;

	cut((struct gvcam_channel){ .pixel_format = SP_PFNC_MONO12P,
				    .extended_ids = true,
				    .multi_part = true,
				    .second = second,
				    .chunks = chunks },
	    HEIGHT);
	CHECK_EQ(collect(), image + second_bytes + (chunks ? 48 : 0));
	CHECK_EQ(collect(), block.bytes);
	packets += (image + stride - 1) / stride + (second_bytes + stride - 1) / stride + chunks;
	CHECK_EQ(block.packets, packets);
	check_image(SP_PFNC_MONO12P, HEIGHT);
	gvcam_pattern_fill(second == GVCAM_SECOND_IMAGE ? SP_PFNC_MONO12P : SP_PFNC_MONO8, WIDTH,
			   HEIGHT, block.id, 0, want, second_bytes);
	for (uint32_t i = 0; i < second_bytes; i++)
		if ((got[image + i] ^ want[i]) != 0xFF)
			FAIL("byte %u of the second part is %u", i, got[image + i]);
	if (chunks)
		CHECK_EQ(check_chunks(block.bytes), image + second_bytes);
	header = header_of(0);
	CHECK_EQ(header.parts, 2 + chunks);
	f = fields_of(&header);
	CHECK_EQ(sp_gvsp_parse_part(f.at, f.n, header.parts, 0, &part), 0);
	CHECK_EQ(part.length, image);
	CHECK_EQ(part.pixel_format, SP_PFNC_MONO12P);
	CHECK_EQ(sp_gvsp_parse_part(f.at, f.n, header.parts, 1, &part), 0);
	CHECK_EQ(part.data_type,
		 second == GVCAM_SECOND_IMAGE ? GVSP_PART_IMAGE_2D : GVSP_PART_CONFIDENCE);
	CHECK_EQ(part.length, second_bytes);
	CHECK_EQ(part.size_y, HEIGHT);
	if (chunks)
		CHECK_EQ(sp_gvsp_parse_part(f.at, f.n, header.parts, 2, &part), 0);
	if (chunks)
		CHECK_EQ(part.data_type, GVSP_PART_CHUNKS);
}

TEST(block_of_parts)
{
	check_parts(GVCAM_SECOND_CONFIDENCE, false);
	check_parts(GVCAM_SECOND_CONFIDENCE, true);
	check_parts(GVCAM_SECOND_IMAGE, true);
}

TEST(block_of_parts_is_an_image_where_headers_have_no_room)
{
	cut((struct gvcam_channel){ .pixel_format = SP_PFNC_MONO8, .multi_part = true }, HEIGHT);
	CHECK(!block.multi_part);
	CHECK_EQ(block.parts_n, 1);
}

TEST(block_goes_all_in_while_it_fits)
{
	struct gvcam_channel channel = { .pixel_format = SP_PFNC_MONO8,
					 .all_in = true,
					 .chunks = true };

	for (int extended = 0; extended < 2; extended++) {
		struct sp_gvsp_packet header;
		struct sp_gvsp_all_in all;
		struct fields f;

		channel.extended_ids = extended;
		cut(channel, 6);
		CHECK_EQ(block.packets, 1);
		header = header_of(0);
		CHECK_EQ(header.format, GVSP_FORMAT_ALL_IN);
		f = fields_of(&header);
		CHECK_EQ(sp_gvsp_parse_all_in(f.at, f.n, &all), 0);
		CHECK_EQ(all.data, packet.head_bytes - header.header_bytes);
		CHECK_EQ(all.leader.size_y, HEIGHT);
		CHECK_EQ(all.trailer.size_y, 6);
		CHECK_EQ(packet.data_bytes, 6 * WIDTH + 56);
		memcpy(got, packet.data, packet.data_bytes);
		check_image(SP_PFNC_MONO8, 6);
		check_chunks(packet.data_bytes);
		cut(channel, 8);
		CHECK(!block.all_in);
		CHECK_EQ(block.packets, 4);
	}
	/* To the byte. */
	channel = (struct gvcam_channel){ .pixel_format = SP_PFNC_MONO8, .all_in = true };
	channel.packet_size = 28 + 8 + 36 + 8 + 2 * WIDTH;
	cut(channel, 2);
	CHECK(block.all_in);
	channel.packet_size -= 4;
	cut(channel, 2);
	CHECK(!block.all_in);
}

TEST(block_says_what_it_carries_at_most)
{
	struct gvcam_channel channel = { .pixel_format = SP_PFNC_MONO16,
					 .packet_size = SCPS,
					 .width = WIDTH,
					 .height = HEIGHT };

	CHECK_EQ(gvcam_block_bytes(&channel), WIDTH * HEIGHT * 2);
	channel.chunks = true;
	CHECK_EQ(gvcam_block_bytes(&channel), WIDTH * HEIGHT * 2 + 56);
	channel.multi_part = channel.extended_ids = true;
	CHECK_EQ(gvcam_block_bytes(&channel), WIDTH * HEIGHT * 3 + 48);
}

TEST_MAIN()
