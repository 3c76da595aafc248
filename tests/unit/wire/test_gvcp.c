/* SPDX-License-Identifier: Apache-2.0 */
/* Golden bytes: captured between libaravis and test cameras, see docs/provenance.md. */
#include "wire/gvcp.h"

#include <errno.h>

#include "test.h"

/* "42 01 …" to bytes. */
static size_t bytes_of(const char *hex, uint8_t *out)
{
	size_t n = 0;
	unsigned int byte;
	int used;

	while (sscanf(hex, " %2x%n", &byte, &used) == 1) {
		out[n++] = (uint8_t)byte;
		hex += used;
	}
	return n;
}

#define CHECK_BYTES(got, size, hex)                                                                \
	do {                                                                                       \
		uint8_t golden[GVCP_MESSAGE_MAX];                                                  \
		size_t golden_bytes = bytes_of(hex, golden);                                       \
		CHECK_EQ(size, golden_bytes);                                                      \
		CHECK(!memcmp(got, golden, golden_bytes));                                         \
	} while (0)

TEST(gvcp_builds_the_captured_commands)
{
	uint8_t out[GVCP_MESSAGE_MAX];
	uint32_t address = 0x0904;
	struct sp_gvcp_write take = { 0x0A00, 2 };
	static const uint8_t value[4] = { 0, 0, 0, 0x40 };
	struct sp_gvcp_resend resend = { .block = 65531, .first = 143, .last = 143 };
	int n;

	n = sp_gvcp_build_discovery(out, sizeof(out), 0xFFFF);
	CHECK_BYTES(out, n, "42 01 00 02 00 00 ff ff");
	n = sp_gvcp_build_read_registers(out, sizeof(out), 0xFF25, &address, 1);
	CHECK_BYTES(out, n, "42 01 00 80 00 04 ff 25 00 00 09 04");
	n = sp_gvcp_build_write_registers(out, sizeof(out), 0xFF18, &take, 1);
	CHECK_BYTES(out, n, "42 01 00 82 00 08 ff 18 00 00 0a 00 00 00 00 02");
	n = sp_gvcp_build_read_memory(out, sizeof(out), 0xFF15, 0x200, 512);
	CHECK_BYTES(out, n, "42 01 00 84 00 08 ff 15 00 00 02 00 00 00 02 00");
	n = sp_gvcp_build_write_memory(out, sizeof(out), 0xFF1E, 0xD24, value, 4);
	CHECK_BYTES(out, n, "42 01 00 86 00 08 ff 1e 00 00 0d 24 00 00 00 40");
	n = sp_gvcp_build_resend(out, sizeof(out), 0xFF15, &resend);
	CHECK_BYTES(out, n, "42 00 00 40 00 0c ff 15 00 00 ff fb 00 00 00 8f 00 00 00 8f");
	resend = (struct sp_gvcp_resend){ .extended = true, .block = 2, .first = 119, .last = 119 };
	n = sp_gvcp_build_resend(out, sizeof(out), 0xFF15, &resend);
	CHECK_BYTES(out, n,
		    "42 10 00 40 00 14 ff 15 00 00 00 00 00 00 00 77 00 00 00 77"
		    "00 00 00 00 00 00 00 02");
}

TEST(gvcp_builds_the_captured_acknowledges)
{
	uint8_t out[GVCP_MESSAGE_MAX];
	uint32_t mode = 0x80000001;
	int n;

	n = sp_gvcp_build_registers_ack(out, sizeof(out), 0xFF19, &mode, 1);
	CHECK_BYTES(out, n, "00 00 00 81 00 04 ff 19 80 00 00 01");
	n = sp_gvcp_build_index_ack(out, sizeof(out), GVCP_SUCCESS, GVCP_WRITEREG_ACK, 0xFF18, 1);
	CHECK_BYTES(out, n, "00 00 00 83 00 04 ff 18 00 00 00 01");
	n = sp_gvcp_build_memory_ack(out, sizeof(out), 0xFF15, 0x200, (const uint8_t *)"Local:xx",
				     8);
	CHECK_BYTES(out, n, "00 00 00 85 00 0c ff 15 00 00 02 00 4c 6f 63 61 6c 3a 78 78");
	n = sp_gvcp_build_index_ack(out, sizeof(out), GVCP_ACCESS_DENIED, GVCP_WRITEMEM_ACK, 0xFF39,
				    0);
	CHECK_BYTES(out, n, "80 06 00 87 00 04 ff 39 00 00 00 00");
	n = sp_gvcp_build_index_ack(out, sizeof(out), GVCP_SUCCESS, GVCP_PENDING_ACK, 0xFF34, 900);
	CHECK_BYTES(out, n, "00 00 00 89 00 04 ff 34 00 00 03 84");
}

TEST(gvcp_parses_the_captured_commands)
{
	uint8_t in[GVCP_MESSAGE_MAX];
	struct sp_gvcp_command c;

#define PARSE(hex) CHECK_EQ(sp_gvcp_parse_command(in, bytes_of(hex, in), &c), 0)
	PARSE("42 01 00 02 00 00 ff ff");
	CHECK_EQ(c.code, GVCP_DISCOVERY);
	CHECK_EQ(c.id, 0xFFFF);
	CHECK_EQ(c.flags, GVCP_FLAG_ACK);
	CHECK_EQ(c.refusal, 0);
	PARSE("42 01 00 80 00 08 ff 25 00 00 09 04 00 00 0d 04");
	CHECK_EQ(c.refusal, 0);
	CHECK_EQ(c.read_registers.n, 2);
	CHECK_EQ(c.read_registers.address[0], 0x0904);
	CHECK_EQ(c.read_registers.address[1], 0x0D04);
	PARSE("42 01 00 82 00 08 ff 18 00 00 0a 00 00 00 00 02");
	CHECK_EQ(c.write_registers.n, 1);
	CHECK_EQ(c.write_registers.write[0].address, 0x0A00);
	CHECK_EQ(c.write_registers.write[0].value, 2);
	PARSE("42 01 00 84 00 08 ff 15 00 00 02 00 00 00 02 00");
	CHECK_EQ(c.read_memory.address, 0x200);
	CHECK_EQ(c.read_memory.count, 512);
	PARSE("42 01 00 86 00 08 ff 1e 00 00 0d 24 00 00 00 40");
	CHECK_EQ(c.write_memory.address, 0xD24);
	CHECK_EQ(c.write_memory.count, 4);
	CHECK_EQ(c.write_memory.bytes[3], 0x40);
	PARSE("42 00 00 40 00 0c ff 15 00 00 ff fb 00 00 00 8f 00 ff ff ff");
	CHECK(!c.resend.extended);
	CHECK_EQ(c.resend.block, 65531);
	CHECK_EQ(c.resend.first, 143);
	CHECK_EQ(c.resend.last, GVCP_RESEND_TO_END);
	PARSE("42 10 00 40 00 14 ff 15 00 00 00 00 00 00 00 77 00 00 00 77 00 00 00 00 00 00 00 "
	      "02");
	CHECK(c.resend.extended);
	CHECK_EQ(c.resend.block, 2);
	CHECK_EQ(c.resend.first, 119);
	/* The length that libaravis wrote before 2022. */
	PARSE("42 10 00 40 00 0c ff 15 00 00 00 00 00 00 00 77 00 00 00 77 00 00 00 00 00 00 00 "
	      "02");
	CHECK_EQ(c.refusal, 0);
	CHECK_EQ(c.resend.block, 2);
#undef PARSE
}

TEST(gvcp_recognises_the_rarer_commands)
{
	uint8_t buf[GVCP_MESSAGE_MAX];
	struct sp_gvcp_force_ip ip = { { 2, 0, 0, 1, 2, 3 }, 0x0A000001, 0xFFFFFF00, 0x0A0000FE };
	struct sp_gvcp_action action = { 1, 2, 4, true, 0x123456789A };
	struct sp_gvcp_command c;
	size_t n;

	n = (size_t)sp_gvcp_build_force_ip(buf, sizeof(buf), 7, &ip);
	CHECK_EQ(n, 64);
	CHECK_EQ(sp_gvcp_parse_command(buf, n, &c), 0);
	CHECK_EQ(c.refusal, 0);
	CHECK(!memcmp(c.force_ip.mac, ip.mac, 6));
	CHECK_EQ(c.force_ip.ip, ip.ip);
	CHECK_EQ(c.force_ip.mask, ip.mask);
	CHECK_EQ(c.force_ip.gateway, ip.gateway);
	n = (size_t)sp_gvcp_build_action(buf, sizeof(buf), 7, &action);
	CHECK_EQ(n, 28);
	CHECK_EQ(sp_gvcp_parse_command(buf, n, &c), 0);
	CHECK_EQ(c.refusal, 0);
	CHECK_EQ(c.action.group_mask, 4);
	CHECK_EQ(c.action.when, action.when);
	n = bytes_of("42 01 00 c0 00 10 00 09 0000 9001 0000 0005 00000000 00000007", buf);
	CHECK_EQ(sp_gvcp_parse_command(buf, n, &c), 0);
	CHECK_EQ(c.refusal, 0);
	CHECK_EQ(c.event.event, 0x9001);
	CHECK_EQ(c.event.block, 5);
	CHECK_EQ(c.event.timestamp, 7);
	CHECK_EQ(c.event.data_bytes, 0);
}

TEST(gvcp_refuses_malformed_commands_with_the_right_status)
{
	static const struct {
		const char *hex;
		int refusal; /* -1: no command at all */
	} table[] = {
		{ "", -1 },
		{ "42 01 00 80 00 04 ff", -1 },
		{ "43 01 00 80 00 04 ff 25 00 00 09 04", -1 },
		{ "42 01 00 80 00 04 00 00 00 00 09 04", 0 }, /* id 0, as libaravis may send */
		{ "42 01 00 99 00 00 00 01", GVCP_NOT_IMPLEMENTED },
		{ "42 01 00 80 00 08 00 01 00 00 09 04", GVCP_INVALID_HEADER },
		{ "42 01 00 80 00 00 00 01", GVCP_INVALID_HEADER },
		{ "42 01 00 80 00 03 00 01 00 00 09", GVCP_INVALID_HEADER },
		{ "42 01 00 82 00 04 00 01 00 00 09 04", GVCP_INVALID_HEADER },
		{ "42 01 00 84 00 08 00 01 00 00 02 01 00 00 00 04", GVCP_BAD_ALIGNMENT },
		{ "42 01 00 84 00 08 00 01 00 00 02 00 00 00 00 06", GVCP_BAD_ALIGNMENT },
		{ "42 01 00 84 00 08 00 01 00 00 02 00 00 00 02 1c", GVCP_INVALID_PARAMETER },
		{ "42 01 00 84 00 08 00 01 00 00 02 00 00 00 02 18", 0 }, /* 536 bytes */
		{ "42 01 00 84 00 08 00 01 00 00 02 00 00 00 00 00", GVCP_INVALID_PARAMETER },
		{ "42 01 00 86 00 04 00 01 00 00 02 00", GVCP_INVALID_HEADER },
		{ "42 01 00 86 00 07 00 01 00 00 02 00 01 02 03", GVCP_INVALID_HEADER },
		{ "42 01 00 86 00 09 00 01 00 00 02 00 01 02 03 04 05", GVCP_BAD_ALIGNMENT },
		{ "42 00 00 40 00 0c 00 01 00 00 00 01 00 00 00 08 00 00 00", GVCP_INVALID_HEADER },
		{ "42 00 00 40 00 0c 00 01 00 00 00 01 00 00 00 08 00 00 00 07",
		  GVCP_INVALID_PARAMETER },
		{ "42 10 00 40 00 0c 00 01 00 00 00 01 00 00 00 08 00 00 00 08",
		  GVCP_INVALID_HEADER },
	};
	uint8_t in[GVCP_MESSAGE_MAX];

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct sp_gvcp_command c;
		int res = sp_gvcp_parse_command(in, bytes_of(table[i].hex, in), &c);

		if (table[i].refusal < 0 ? res != -EBADMSG : res || c.refusal != table[i].refusal)
			FAIL("row %zu: %d, 0x%04X", i, res, res ? 0 : c.refusal);
	}
}

TEST(gvcp_parses_acknowledges_and_survives_short_ones)
{
	uint8_t in[GVCP_MESSAGE_MAX];
	struct sp_gvcp_ack a;

#define PARSE(hex) sp_gvcp_parse_ack(in, bytes_of(hex, in), &a)
	CHECK_EQ(PARSE("00 00 00 81 00 04 ff 19 80 00 00 01"), 0);
	CHECK_EQ(a.code, GVCP_READREG_ACK);
	CHECK_EQ(a.registers.n, 1);
	CHECK_EQ(a.registers.value[0], 0x80000001);
	CHECK_EQ(PARSE("00 00 00 85 00 0c ff 15 00 00 02 00 4c 6f 63 61 6c 3a 78 78"), 0);
	CHECK_EQ(a.memory.address, 0x200);
	CHECK_EQ(a.memory.count, 8);
	CHECK(!memcmp(a.memory.bytes, "Local:xx", 8));
	CHECK_EQ(PARSE("80 06 00 87 00 04 ff 39 00 00 00 00"), 0);
	CHECK_EQ(a.status, GVCP_ACCESS_DENIED);
	CHECK_EQ(a.id, 0xFF39);
	CHECK_EQ(PARSE("80 06 00 87 00 00 ff 39"), 0);
	CHECK_EQ(PARSE("00 00 00 89 00 04 ff 34 00 00 03 84"), 0);
	CHECK_EQ(a.pending_ms, 900);
	a.id = 0x1234;
	CHECK_EQ(PARSE("00 00 00 81 00 08 ff 19 80 00 00 01"), -EBADMSG);
	CHECK_EQ(PARSE("00 00 00 81 00 03 ff 19 80 00 00"), -EBADMSG);
	CHECK_EQ(PARSE("00 00 00 85 00 02 ff 19 80 00"), -EBADMSG);
	CHECK_EQ(PARSE("00 00 00 03 00 04 ff ff 80 00 00 00"), -EBADMSG);
	CHECK_EQ(PARSE("42 00 00 81 00 04 ff 19 80 00 00 01"), -EBADMSG);
	CHECK_EQ(PARSE("00 00 00 81"), -EBADMSG);
	CHECK_EQ(a.id, 0x1234);
#undef PARSE
}

TEST(gvcp_discovery_survives_the_round_trip)
{
	struct sp_gvcp_discovery d = {
		.version_major = 1,
		.version_minor = 2,
		.device_mode = GVCP_MODE_BIG_ENDIAN | GVCP_MODE_UTF8,
		.mac = { 2, 1, 2, 3, 4, 5 },
		.ip_supported = 7,
		.ip_current = 6,
		.ip = 0x7F000001,
		.mask = 0xFF000000,
		.manufacturer = "thirty-two characters fill this!", /* no NUL on the wire */
		.model = "m",
		.serial = "0123456789abcdef",
		.user_name = "lane 1",
	};
	uint8_t out[GVCP_MESSAGE_MAX];
	struct sp_gvcp_ack a;
	int n = sp_gvcp_build_discovery_ack(out, sizeof(out), 0xFFFF, &d);

	CHECK_EQ(n, 256);
	CHECK_EQ(out[8 + 0x0A], 2); /* MAC */
	CHECK_EQ(out[8 + 0x24], 127);
	CHECK_EQ(sp_gvcp_parse_ack(out, (size_t)n, &a), 0);
	CHECK_STR(a.discovery.manufacturer, d.manufacturer);
	CHECK_STR(a.discovery.serial, d.serial);
	CHECK_STR(a.discovery.user_name, "lane 1");
	CHECK_EQ(a.discovery.ip, d.ip);
	CHECK_EQ(a.discovery.version_minor, 2);
	CHECK_EQ(a.discovery.device_mode, d.device_mode);
}

TEST(gvcp_builders_check_room_and_values)
{
	uint8_t out[GVCP_MESSAGE_MAX];
	uint32_t many[GVCP_READ_REGISTERS_MAX + 1] = { 0 };
	struct sp_gvcp_resend resend = { .block = 65536, .first = 1, .last = 1 };

	CHECK_EQ(sp_gvcp_build_discovery(out, 7, 1), -ENOSPC);
	CHECK_EQ(sp_gvcp_build_discovery(out, sizeof(out), 0), -EINVAL);
	CHECK_EQ(sp_gvcp_build_read_registers(out, sizeof(out), 1, many, GVCP_READ_REGISTERS_MAX),
		 GVCP_MESSAGE_MAX);
	CHECK_EQ(sp_gvcp_build_read_registers(out, sizeof(out), 1, many,
					      GVCP_READ_REGISTERS_MAX + 1),
		 -EINVAL);
	CHECK_EQ(sp_gvcp_build_read_memory(out, sizeof(out), 1, 2, 4), -EINVAL);
	CHECK_EQ(sp_gvcp_build_read_memory(out, sizeof(out), 1, 0, 540), -EINVAL);
	CHECK_EQ(sp_gvcp_build_resend(out, sizeof(out), 1, &resend), -EINVAL);
	resend.block = 1;
	resend.last = 1u << 24;
	CHECK_EQ(sp_gvcp_build_resend(out, sizeof(out), 1, &resend), -EINVAL);
	resend.last = 0;
	CHECK_EQ(sp_gvcp_build_resend(out, sizeof(out), 1, &resend), -EINVAL);
	resend.last = 1;
	CHECK_EQ(sp_gvcp_build_resend(out, 19, 1, &resend), -ENOSPC);
	CHECK_STR(sp_gvcp_status_name(0x8006), "ACCESS_DENIED");
	CHECK_STR(sp_gvcp_status_name(0x4004), "status");
}

TEST_MAIN()
