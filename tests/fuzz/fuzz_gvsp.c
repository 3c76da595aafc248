/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a GVSP packet; what parses is built again and parses to the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <sallyport/gvsp.h>

#include "gvsp_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
	if (!condition)
		abort();
}

static void check_leader(const struct sp_gvsp_packet *packet, const uint8_t *payload, uint32_t len)
{
	struct sp_gvsp_leader leader, again;
	uint8_t built[128];
	int n;

	if (sp_gvsp_parse_leader(payload, len, &leader))
		return;
	require(leader.has_image || (!leader.size_x && !leader.pixel_format));
	n = sp_gvsp_build_leader(packet, &leader, built, sizeof(built));
	require(n > 0 && !sp_gvsp_parse_leader(built + packet->header_bytes,
					       (uint32_t)n - packet->header_bytes, &again));
	require(leader.timestamp == again.timestamp && leader.size_x == again.size_x &&
		leader.size_y == again.size_y && leader.pixel_format == again.pixel_format &&
		leader.padding_x == again.padding_x && leader.padding_y == again.padding_y &&
		leader.payload_type == again.payload_type && leader.field_info == again.field_info);
}

static void check_trailer(const struct sp_gvsp_packet *packet, const uint8_t *payload, uint32_t len)
{
	struct sp_gvsp_trailer trailer, again;
	uint16_t type;
	uint8_t built[128];
	int n;

	if (sp_gvsp_parse_trailer(payload, len, &trailer))
		return;
	type = trailer.payload_type & GVSP_PAYLOAD_TYPE_MASK;
	n = sp_gvsp_build_trailer(packet, &trailer, 1, built, sizeof(built));
	require(n > 0 && !sp_gvsp_parse_trailer(built + packet->header_bytes,
						(uint32_t)n - packet->header_bytes, &again));
	require(trailer.payload_type == again.payload_type);
	/* A trailer cut short before its lines has no faithful copy. */
	if (type == GVSP_PAYLOAD_IMAGE && trailer.has_size_y)
		require(trailer.has_size_y == again.has_size_y && trailer.size_y == again.size_y);
}

/* Every part of a leader; the built leader says the same of each. */
static void check_parts(const struct sp_gvsp_packet *packet, const uint8_t *payload, uint32_t len)
{
	struct sp_gvsp_part parts[SP_GVSP_PARTS_MAX], again;
	uint8_t built[512], parts_n = 0;
	int n;

	for (uint8_t i = 0; i < packet->parts && i < SP_GVSP_PARTS_MAX; i++)
		if (!sp_gvsp_parse_part(payload, len, packet->parts, i, &parts[i]))
			parts_n++;
	require(!parts_n || parts_n == packet->parts);
	if (!parts_n)
		return;
	n = sp_gvsp_build_multi_part_leader(packet, 1, parts, parts_n, built, sizeof(built));
	require(n == 20 + 12 + parts_n * SP_GVSP_PART_BYTES);
	for (uint8_t i = 0; i < parts_n; i++) {
		require(!sp_gvsp_parse_part(built + 20, (uint32_t)n - 20, parts_n, i, &again));
		require(parts[i].length == again.length && parts[i].size_x == again.size_x &&
			parts[i].data_type == again.data_type && parts[i].region == again.region &&
			parts[i].source == again.source && parts[i].padding_y == again.padding_y &&
			parts[i].has_image == again.has_image);
	}
	n = sp_gvsp_build_multi_part_trailer(packet, parts, parts_n, built, sizeof(built));
	require(n == 20 + 4 + parts_n * 16);
}

static void check_prefix(const struct sp_gvsp_packet *packet, const uint8_t *payload, uint32_t len)
{
	struct sp_gvsp_part_prefix prefix, again;
	uint8_t built[64];
	int n;

	if (sp_gvsp_parse_part_prefix(payload, len, &prefix))
		return;
	require(!(prefix.offset >> 48));
	n = sp_gvsp_build_part_prefix(packet, &prefix, built, sizeof(built));
	if (!packet->extended) {
		require(n < 0);
		return;
	}
	require(n == 28 && !sp_gvsp_parse_part_prefix(built + 20, 8, &again));
	require(prefix.offset == again.offset && prefix.part == again.part &&
		prefix.ends_part == again.ends_part);
}

static void check_all_in(const struct sp_gvsp_packet *packet, const uint8_t *payload, uint32_t len)
{
	struct sp_gvsp_all_in all_in, again;
	uint8_t built[128];
	int n;

	if (sp_gvsp_parse_all_in(payload, len, &all_in))
		return;
	require(all_in.data <= len);
	require(all_in.leader.payload_type == all_in.trailer.payload_type);
	n = sp_gvsp_build_all_in(packet, &all_in.leader, &all_in.trailer, 1, built, sizeof(built));
	if ((all_in.leader.payload_type & GVSP_PAYLOAD_TYPE_MASK) != GVSP_PAYLOAD_IMAGE) {
		require(n < 0);
		return;
	}
	require(n > 0 && !sp_gvsp_parse_all_in(built + packet->header_bytes,
					       (uint32_t)n - packet->header_bytes, &again));
	require(again.data == (uint32_t)n - packet->header_bytes && again.data == all_in.data);
	require(all_in.leader.size_x == again.leader.size_x &&
		all_in.leader.timestamp == again.leader.timestamp &&
		all_in.trailer.size_y == again.trailer.size_y &&
		all_in.trailer.chunk_length == again.trailer.chunk_length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Exactly as long as it says, so that reading past the end is seen. */
	uint8_t *bytes = malloc(size ? size : 1), built[64];
	struct sp_gvsp_packet packet, again;
	uint32_t left;
	int n;

	require(bytes != NULL);
	memcpy(bytes, data, size);
	if (sp_gvsp_parse(bytes, (uint32_t)size, &packet))
		goto done;
	require(packet.header_bytes <= size);
	n = sp_gvsp_build(&packet, built, sizeof(built));
	require(n == packet.header_bytes && !sp_gvsp_parse(built, (uint32_t)n, &again));
	require(packet.block_id == again.block_id && packet.packet_id == again.packet_id &&
		packet.status == again.status && packet.flags == again.flags &&
		packet.format == again.format && packet.parts == again.parts &&
		packet.extended == again.extended);
	left = (uint32_t)size - packet.header_bytes;
	check_leader(&packet, bytes + packet.header_bytes, left);
	check_trailer(&packet, bytes + packet.header_bytes, left);
	check_parts(&packet, bytes + packet.header_bytes, left);
	check_prefix(&packet, bytes + packet.header_bytes, left);
	check_all_in(&packet, bytes + packet.header_bytes, left);
done:
	free(bytes);
	return 0;
}
