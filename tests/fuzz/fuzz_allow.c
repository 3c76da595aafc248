/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first byte is how much longer the frame was on the wire, the second a VLAN that the card took
 * off (255: none); then the frame.
 */
#include "capture/allow.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct sp_allow *make_allow(void)
{
	const struct sp_packet_stream streams[] = {
		{ .fd = -1, .host_port = 50000, .host_ip = 0x0A0000FE, .camera_ip = 0x0A000001,
		  .camera_port = 49152, .camera_mac = { 2, 0, 0, 0, 0, 12 },
		  .vlan = SP_VLAN_UNTAGGED },
		{ .fd = -1, .host_port = 50000, .camera_ip = 0x0A000003 },
		{ .fd = -1, .host_port = 50001, .vlan = 7 },
	};
	struct sp_allow *allow;

	if (sp_allow_create(&allow, NULL))
		abort();
	for (size_t i = 0; i < sizeof(streams) / sizeof(streams[0]); i++)
		if (sp_allow_add(allow, &streams[i], NULL))
			abort();
	return allow;
}

static uint64_t sum(const struct sp_packet_counters *counters)
{
	uint64_t all = 0;

	for (size_t i = 0; i < sp_packet_counter_table_n; i++) {
		size_t at = sp_packet_counter_table[i].offset;

		all += *(const uint64_t *)((const char *)counters + at);
	}
	return all;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct sp_allow *allow;
	struct sp_packet_counters counters = { 0 };
	struct sp_allowed allowed;
	uint32_t captured, wire;
	enum sp_allow_verdict verdict;

	if (!allow)
		allow = make_allow();
	if (size < 2 || size > 70000)
		return 0;
	captured = (uint32_t)size - 2;
	wire = captured + data[0];
	verdict = sp_allow_look(allow, data + 2, captured, wire, data[1] == 255 ? -1 : data[1],
				&counters, &allowed);
	/* The promises: one count for what is refused, none else; the payload lies on the wire. */
	if (sum(&counters) != (verdict == SP_ALLOW_REFUSED))
		abort();
	if (verdict != SP_ALLOW_STREAM)
		return 0;
	if (allowed.stream > 2 || allowed.payload > captured ||
	    allowed.length > wire - allowed.payload)
		abort();
	return 0;
}
