/* SPDX-License-Identifier: Apache-2.0 */
/* Registers, privilege, heartbeat and effects of a simulated camera; no sockets, own time. */
#include "gvcam/camera.h"

#include "base/clock.h"
#include "gvcam/genicam.h"
#include "test.h"
#include "wire/gvcp.h"
#include "wire/pfnc.h"

static const struct gvcam_peer boss = { 0x0A000001, 40000 };
static const struct gvcam_peer boss_stream = { 0x0A000001, 40001 };
static const struct gvcam_peer other = { 0x0A000002, 40000 };

static struct gvcam_camera camera;
static struct gvcam_effects effects;
static struct sp_gvcp_ack ack;
static uint8_t request[GVCP_MESSAGE_MAX + 64], reply[GVCP_MESSAGE_MAX];
static size_t reply_bytes;
static uint64_t now_ns;
static char *xml;

static void setup_with(bool options)
{
	struct gvcam_genicam genicam = { 640, 480, true };
	size_t xml_bytes;

	free(xml);
	CHECK_EQ(gvcam_genicam_create(&genicam, &xml, &xml_bytes), 0);
	now_ns = 5 * SP_NS_PER_S;
	gvcam_camera_init(&camera,
			  &(struct gvcam_camera_config){ .ip = 0x0A000064,
							 .mask = 0xFFFFFF00,
							 .mac = { 2, 0, 10, 0, 0, 100 },
							 .serial = "S1",
							 .user_name = "lane 1",
							 .width = 640,
							 .height = 480,
							 .pixel_format = SP_PFNC_MONO8,
							 .fps = 25,
							 .packet_size = 1500,
							 .resend = true,
							 .extended_ids = options,
							 .chunks = options,
							 .multi_part = options,
							 .all_in = options,
							 .pictures = true,
							 .source_port = 50000,
							 .xml = xml,
							 .xml_bytes = xml_bytes },
			  now_ns);
}

static void setup(void)
{
	setup_with(false);
}

/* The status of the answer; -1: none. */
static int ask(const struct gvcam_peer *from, int n)
{
	CHECK(n > 0);
	reply_bytes = gvcam_camera_request(&camera, now_ns, from, false, request, (size_t)n, reply,
					   &effects);
	if (!reply_bytes)
		return -1;
	CHECK_EQ(sp_gvcp_parse_ack(reply, reply_bytes, &ack), 0);
	CHECK_EQ(ack.id, 77);
	return ack.status;
}

static int rd(const struct gvcam_peer *from, uint32_t address)
{
	return ask(from, sp_gvcp_build_read_registers(request, sizeof(request), 77, &address, 1));
}

static uint32_t value_of(uint32_t address)
{
	CHECK_EQ(rd(&boss, address), GVCP_SUCCESS);
	return ack.registers.value[0];
}

static int wr(const struct gvcam_peer *from, uint32_t address, uint32_t value)
{
	struct sp_gvcp_write write = { address, value };

	return ask(from, sp_gvcp_build_write_registers(request, sizeof(request), 77, &write, 1));
}

static int wr_mem(const struct gvcam_peer *from, uint32_t address, uint32_t value)
{
	uint8_t bytes[4] = { (uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
			     (uint8_t)value };

	return ask(from,
		   sp_gvcp_build_write_memory(request, sizeof(request), 77, address, bytes, 4));
}

TEST(camera_answers_discovery_with_its_registers)
{
	setup();
	CHECK_EQ(ask(&other, sp_gvcp_build_discovery(request, sizeof(request), 77)), 0);
	CHECK_EQ(reply_bytes, 256);
	CHECK_EQ(ack.discovery.ip, 0x0A000064);
	CHECK_STR(ack.discovery.serial, "S1");
	CHECK_STR(ack.discovery.user_name, "lane 1");
	CHECK_EQ(ack.discovery.mac[5], 100);
	CHECK_EQ(ack.discovery.device_mode, GVCP_MODE_BIG_ENDIAN | GVCP_MODE_UTF8);
}

TEST(camera_hears_only_discovery_by_broadcast)
{
	uint32_t address = GVCP_REG_VERSION;
	int n;

	setup();
	n = sp_gvcp_build_discovery(request, sizeof(request), 77);
	CHECK_EQ(gvcam_camera_request(&camera, now_ns, &other, true, request, (size_t)n, reply,
				      &effects),
		 256);
	n = sp_gvcp_build_read_registers(request, sizeof(request), 77, &address, 1);
	CHECK_EQ(gvcam_camera_request(&camera, now_ns, &other, true, request, (size_t)n, reply,
				      &effects),
		 0);
}

TEST(camera_refuses_writes_without_control)
{
	setup();
	CHECK_EQ(wr(&boss, GVCP_REG_SCP, 5000), GVCP_ACCESS_DENIED);
	CHECK_EQ(wr_mem(&boss, GVCP_REG_SCP, 5000), GVCP_ACCESS_DENIED);
	CHECK_EQ(wr(&boss, GVCAM_ACQUISITION_START, 1), GVCP_ACCESS_DENIED);
	CHECK_EQ(effects.what, 0);
	CHECK_EQ(wr(&boss, GVCP_REG_PRIVILEGE, 4), GVCP_INVALID_PARAMETER);
	CHECK_EQ(wr(&boss, GVCP_REG_PRIVILEGE, GVCP_PRIVILEGE_CONTROL), GVCP_SUCCESS);
	CHECK_EQ(value_of(GVCP_REG_PRIMARY_IP), boss.ip);
	CHECK_EQ(value_of(GVCP_REG_PRIMARY_PORT), boss.port);
	CHECK_EQ(wr(&boss, GVCP_REG_SCP, 5000), GVCP_SUCCESS);
	CHECK_EQ(wr(&other, GVCP_REG_SCP, 5001), GVCP_ACCESS_DENIED);
	CHECK_EQ(wr(&boss_stream, GVCP_REG_SCP, 5001), GVCP_ACCESS_DENIED);
	CHECK_EQ(wr(&other, GVCP_REG_PRIVILEGE, 2), GVCP_ACCESS_DENIED);
	CHECK_EQ(wr(&other, GVCP_REG_PRIVILEGE, 0), GVCP_ACCESS_DENIED);
	CHECK_EQ(rd(&other, GVCP_REG_SCP), GVCP_SUCCESS);
	CHECK_EQ(ack.registers.value[0], 5000);
}

TEST(camera_in_exclusive_mode_is_silent_to_others)
{
	setup();
	CHECK_EQ(wr(&boss, GVCP_REG_PRIVILEGE, GVCP_PRIVILEGE_EXCLUSIVE), GVCP_SUCCESS);
	CHECK_EQ(rd(&other, GVCP_REG_VERSION), GVCP_ACCESS_DENIED);
	CHECK_EQ(ask(&other, sp_gvcp_build_read_memory(request, sizeof(request), 77, 0x200, 512)),
		 GVCP_ACCESS_DENIED);
	CHECK_EQ(rd(&boss, GVCP_REG_VERSION), GVCP_SUCCESS);
	CHECK_EQ(ask(&other, sp_gvcp_build_discovery(request, sizeof(request), 77)), 0);
}

TEST(camera_heartbeat_is_kept_by_the_controller_alone)
{
	struct gvcam_channel channel;

	setup();
	CHECK_EQ(gvcam_camera_deadline(&camera), UINT64_MAX);
	wr(&boss, GVCP_REG_PRIVILEGE, 2);
	wr(&boss, GVCP_REG_HEARTBEAT, 1000);
	wr(&boss, GVCP_REG_SCDA, boss.ip);
	wr(&boss, GVCP_REG_SCP, 5000);
	CHECK_EQ(wr(&boss, GVCAM_ACQUISITION_START, 1), GVCP_SUCCESS);
	CHECK_EQ(effects.what, GVCAM_CHANNEL_CHANGED);
	now_ns += 900 * SP_NS_PER_MS;
	CHECK(!gvcam_camera_tick(&camera, now_ns));
	rd(&boss, GVCAM_WIDTH); /* any command counts */
	now_ns += 900 * SP_NS_PER_MS;
	CHECK(!gvcam_camera_tick(&camera, now_ns));
	rd(&other, GVCP_REG_PRIVILEGE); /* a stranger's does not */
	now_ns += 100 * SP_NS_PER_MS;
	gvcam_camera_channel(&camera, &channel);
	CHECK(channel.acquiring);
	CHECK(gvcam_camera_tick(&camera, now_ns));
	CHECK(!gvcam_camera_controlled(&camera));
	gvcam_camera_channel(&camera, &channel);
	CHECK(!channel.acquiring);
	CHECK_EQ(channel.port, 0);
	CHECK_EQ(camera.stats.heartbeats_lost, 1);
	CHECK_EQ(value_of(GVCAM_ACQUISITION_STATUS), 0);
	CHECK_EQ(wr(&other, GVCP_REG_PRIVILEGE, 2), GVCP_SUCCESS);
}

TEST(camera_heartbeat_has_a_floor_and_a_switch)
{
	setup();
	wr(&boss, GVCP_REG_PRIVILEGE, 2);
	CHECK_EQ(wr(&boss, GVCP_REG_HEARTBEAT, 1), GVCP_SUCCESS);
	CHECK_EQ(value_of(GVCP_REG_HEARTBEAT), 500);
	CHECK_EQ(gvcam_camera_deadline(&camera), now_ns + 500 * SP_NS_PER_MS);
	CHECK_EQ(wr(&boss, GVCP_REG_CONFIG, GVCP_CONFIG_HEARTBEAT_DISABLE), GVCP_SUCCESS);
	CHECK_EQ(gvcam_camera_deadline(&camera), UINT64_MAX);
}

TEST(camera_reads_and_writes_several_registers)
{
	uint32_t addresses[3] = { GVCAM_WIDTH, GVCAM_HEIGHT, GVCP_REG_SCPS };
	struct sp_gvcp_write writes[3] = { { GVCAM_WIDTH, 320 },
					   { GVCP_REG_VERSION, 1 },
					   { GVCAM_HEIGHT, 240 } };

	setup();
	CHECK_EQ(ask(&boss,
		     sp_gvcp_build_read_registers(request, sizeof(request), 77, addresses, 3)),
		 0);
	CHECK_EQ(ack.registers.n, 3);
	CHECK_EQ(ack.registers.value[1], 480);
	CHECK_EQ(ack.registers.value[2], 1500);
	addresses[1] = 0x0800; /* nothing there */
	CHECK_EQ(ask(&boss,
		     sp_gvcp_build_read_registers(request, sizeof(request), 77, addresses, 3)),
		 GVCP_INVALID_ADDRESS);
	wr(&boss, GVCP_REG_PRIVILEGE, 2);
	CHECK_EQ(ask(&boss, sp_gvcp_build_write_registers(request, sizeof(request), 77, writes, 3)),
		 GVCP_WRITE_PROTECT);
	CHECK_EQ(ack.index, 1); /* the one that was refused */
	CHECK_EQ(value_of(GVCAM_WIDTH), 320);
	CHECK_EQ(value_of(GVCAM_HEIGHT), 480);
	CHECK_EQ(value_of(GVCAM_PAYLOAD_SIZE), 320 * 480);
	writes[1] = writes[2];
	CHECK_EQ(ask(&boss, sp_gvcp_build_write_registers(request, sizeof(request), 77, writes, 2)),
		 0);
	CHECK_EQ(ack.index, 2);
	CHECK_EQ(value_of(GVCAM_PAYLOAD_SIZE), 320 * 240);
}

/* As libaravis looks for a camera by its address: how many stream channels, with the id 0. */
TEST(camera_answers_a_command_with_id_0)
{
	static const uint8_t bytes[] = { 0x42, 1, 0, 0x80, 0, 4, 0, 0, 0, 0, 0x09, 0x04 };

	setup();
	reply_bytes = gvcam_camera_request(&camera, now_ns, &other, false, bytes, sizeof(bytes),
					   reply, &effects);
	CHECK_EQ(sp_gvcp_parse_ack(reply, reply_bytes, &ack), 0);
	CHECK(ack.code == GVCP_READREG_ACK && ack.id == 0 && ack.registers.value[0] == 1);
}

TEST(camera_serves_its_description_from_memory)
{
	unsigned int base, bytes;
	static char got[65536];
	uint32_t at = 0;

	setup();
	CHECK_EQ(ask(&other,
		     sp_gvcp_build_read_memory(request, sizeof(request), 77, GVCP_REG_URL_1, 512)),
		 0);
	CHECK_EQ(ack.memory.count, 512);
	CHECK_EQ(sscanf((const char *)ack.memory.bytes, "Local:gvcam.xml;%x;%x", &base, &bytes), 2);
	CHECK(bytes < sizeof(got));
	/* In the two sizes that hosts use, the last rounded up to words. */
	while (at < bytes) {
		uint32_t step = at % 1048 ? 512 : 536, left = (bytes - at + 3) / 4 * 4;
		uint16_t n = (uint16_t)(left < step ? left : step);

		CHECK_EQ(ask(&other,
			     sp_gvcp_build_read_memory(request, sizeof(request), 77, base + at, n)),
			 0);
		CHECK_EQ(ack.memory.count, n);
		memcpy(got + at, ack.memory.bytes, n);
		at += n;
	}
	CHECK_STR(got, xml);
	CHECK(strstr(got, "</RegisterDescription>"));
	CHECK_EQ(ask(&other, sp_gvcp_build_read_memory(request, sizeof(request), 77, base + at, 4)),
		 GVCP_INVALID_ADDRESS);
	CHECK_EQ(wr(&boss, GVCP_REG_PRIVILEGE, 2), 0);
	CHECK_EQ(wr_mem(&boss, base, 0), GVCP_INVALID_ADDRESS);
}

TEST(camera_memory_writes_have_the_effects_of_register_writes)
{
	struct gvcam_channel channel;

	setup();
	CHECK_EQ(wr_mem(&boss, GVCP_REG_PRIVILEGE, 2), GVCP_SUCCESS);
	CHECK_EQ(ack.index, 4);
	CHECK_EQ(wr_mem(&boss, GVCP_REG_SCDA, boss.ip), GVCP_SUCCESS);
	CHECK_EQ(wr_mem(&boss, GVCP_REG_SCP, 0xFFF50000 | 5000), GVCP_SUCCESS);
	CHECK_EQ(wr_mem(&boss, GVCP_REG_SCPS, 0xC0000000 | 8000), GVCP_SUCCESS);
	CHECK_EQ(effects.what, GVCAM_CHANNEL_CHANGED | GVCAM_FIRE_TEST);
	CHECK_EQ(value_of(GVCP_REG_SCPS), 0x40000000 | 8000); /* "fire" reads 0 */
	CHECK_EQ(value_of(GVCP_REG_SCP), 5000);
	CHECK_EQ(wr_mem(&boss, GVCAM_ACQUISITION_START, 1), GVCP_SUCCESS);
	gvcam_camera_channel(&camera, &channel);
	CHECK(channel.acquiring);
	CHECK_EQ(channel.ip, boss.ip);
	CHECK_EQ(channel.port, 5000);
	CHECK_EQ(channel.packet_size, 8000);
	CHECK(channel.do_not_fragment);
	/* The shape of a running stream stands still. */
	CHECK_EQ(wr(&boss, GVCAM_WIDTH, 320), GVCP_BUSY);
	CHECK_EQ(wr(&boss, GVCP_REG_SCPS, 1500), GVCP_BUSY);
	CHECK_EQ(wr(&boss, GVCAM_ACQUISITION_STOP, 1), GVCP_SUCCESS);
	CHECK_EQ(wr(&boss, GVCAM_WIDTH, 320), GVCP_SUCCESS);
	CHECK_EQ(wr(&boss, GVCP_REG_PRIVILEGE, 0), GVCP_SUCCESS);
	CHECK_EQ(value_of(GVCP_REG_SCP), 0);
}

TEST(camera_checks_values)
{
	static const struct {
		uint32_t address, value;
		int status;
	} table[] = {
		{ GVCAM_WIDTH, 644, GVCP_INVALID_PARAMETER },
		{ GVCAM_WIDTH, 638, GVCP_INVALID_PARAMETER },
		{ GVCAM_WIDTH, 12, GVCP_INVALID_PARAMETER },
		{ GVCAM_HEIGHT, 482, GVCP_INVALID_PARAMETER },
		{ GVCAM_PIXEL_FORMAT, 0x01080099, GVCP_INVALID_PARAMETER },
		{ GVCAM_PIXEL_FORMAT, SP_PFNC_MONO12P, GVCP_SUCCESS },
		{ GVCAM_PIXEL_FORMAT, SP_PFNC_RGB8, GVCP_SUCCESS },
		{ GVCP_REG_SCPS, 1502, GVCP_INVALID_PARAMETER },
		{ GVCP_REG_SCPS, 100, GVCP_INVALID_PARAMETER },
		{ GVCP_REG_SCPS, 20000, GVCP_INVALID_PARAMETER },
		{ GVCAM_FRAME_RATE, 0x7FC00000, GVCP_INVALID_PARAMETER }, /* NaN */
		{ GVCAM_FRAME_RATE, 0xBF800000, GVCP_INVALID_PARAMETER }, /* -1 */
		{ GVCAM_FRAME_RATE, 0x41F00000, GVCP_SUCCESS }, /* 30 */
		{ GVCAM_ACQUISITION_MODE, 3, GVCP_INVALID_PARAMETER },
		{ GVCAM_TEST_PATTERN, 2, GVCP_INVALID_PARAMETER },
		{ GVCP_REG_SCCFG, 0x40, GVCP_SUCCESS }, /* libaravis writes it unasked */
		{ GVCP_REG_SCCFG + 2, 0, GVCP_BAD_ALIGNMENT },
		{ 0xFFFFFFFC, 0, GVCP_INVALID_ADDRESS },
	};

	setup();
	wr(&boss, GVCP_REG_PRIVILEGE, 2);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		int status = wr(&boss, table[i].address, table[i].value);

		if (status != table[i].status)
			FAIL("row %zu: 0x%04X", i, (unsigned)status);
	}
	CHECK_EQ(value_of(GVCP_REG_SCCFG), 0);
}

/* What is offered can be switched, and PayloadSize says what a block then carries. */
TEST(camera_switches_what_blocks_carry)
{
	struct gvcam_channel channel;

	setup_with(true);
	wr(&boss, GVCP_REG_PRIVILEGE, 2);
	CHECK_EQ(value_of(GVCP_REG_SCC), GVCP_SCC_MULTI_PART | GVCP_SCC_ALL_IN);
	CHECK_EQ(value_of(GVCP_REG_SCCFG), GVCP_SCC_MULTI_PART | GVCP_SCC_ALL_IN);
	/* Image, confidence map, three chunks. */
	CHECK_EQ(value_of(GVCAM_PAYLOAD_SIZE), 2 * 640 * 480 + 48);
	CHECK_EQ(wr(&boss, GVCAM_CHUNK_MODE, 2), GVCP_INVALID_PARAMETER);
	CHECK_EQ(wr(&boss, GVCAM_CHUNK_MODE, 0), GVCP_SUCCESS);
	CHECK_EQ(value_of(GVCAM_PAYLOAD_SIZE), 2 * 640 * 480);
	CHECK_EQ(wr(&boss, GVCP_REG_GVSP_CONFIG, 0), GVCP_SUCCESS); /* no room for parts */
	CHECK_EQ(value_of(GVCAM_PAYLOAD_SIZE), 640 * 480);
	CHECK_EQ(wr(&boss, GVCAM_CHUNK_MODE, 1), GVCP_SUCCESS);
	CHECK_EQ(value_of(GVCAM_PAYLOAD_SIZE), 640 * 480 + 56);
	CHECK(effects.what == 0);
	CHECK_EQ(wr(&boss, GVCP_REG_SCCFG, 0xFFFFFFFB), GVCP_SUCCESS);
	CHECK(effects.what & GVCAM_CHANNEL_CHANGED);
	gvcam_camera_channel(&camera, &channel);
	CHECK(channel.multi_part && !channel.all_in && channel.chunks);
	CHECK_EQ(wr(&boss, GVCAM_ACQUISITION_START, 1), GVCP_SUCCESS);
	CHECK_EQ(wr(&boss, GVCAM_CHUNK_MODE, 0), GVCP_BUSY);
	CHECK_EQ(wr(&boss, GVCP_REG_SCCFG, 0), GVCP_BUSY);
}

TEST(camera_keeps_the_user_defined_name)
{
	static const uint8_t name[16] = "gate 4";

	setup();
	wr(&boss, GVCP_REG_PRIVILEGE, 2);
	CHECK_EQ(ask(&boss, sp_gvcp_build_write_memory(request, sizeof(request), 77,
						       GVCP_REG_USER_NAME, name, 16)),
		 0);
	CHECK_EQ(ack.index, 16);
	CHECK_EQ(ask(&other, sp_gvcp_build_discovery(request, sizeof(request), 77)), 0);
	CHECK_STR(ack.discovery.user_name, "gate 4");
}

TEST(camera_takes_resend_requests_from_the_receiver_only)
{
	struct sp_gvcp_resend want = { .block = 9, .first = 3, .last = 5 };
	int n;

	setup();
	n = sp_gvcp_build_resend(request, sizeof(request), 77, &want);
	CHECK_EQ(ask(&boss_stream, n), -1);
	CHECK_EQ(effects.what, 0);
	wr(&boss, GVCP_REG_PRIVILEGE, 2);
	wr(&boss, GVCP_REG_SCDA, boss.ip);
	n = sp_gvcp_build_resend(request, sizeof(request), 77, &want);
	CHECK_EQ(ask(&other, n), -1);
	CHECK_EQ(effects.what, 0);
	CHECK_EQ(camera.stats.resend_strangers, 2);
	CHECK_EQ(ask(&boss_stream, n), -1); /* no answer was asked for */
	CHECK_EQ(effects.what, GVCAM_RESEND);
	CHECK_EQ(effects.resend.last, 5);
	request[1] |= GVCP_FLAG_ACK;
	CHECK_EQ(ask(&boss_stream, n), 0);
	CHECK_EQ(ack.code, GVCP_PACKETRESEND_ACK);
}

TEST(camera_answers_what_it_does_not_know)
{
	setup();
	memcpy(request, (uint8_t[]){ 0x42, 1, 0x01, 0x42, 0, 0, 0, 77 }, 8);
	CHECK_EQ(ask(&boss, 8), GVCP_NOT_IMPLEMENTED);
	CHECK_EQ(ack.code, 0x0143);
	memcpy(request, (uint8_t[]){ 0x42, 1, 0, 0x80, 0, 8, 0, 77, 0, 0, 0, 0 }, 12);
	CHECK_EQ(ask(&boss, 12), GVCP_INVALID_HEADER);
	CHECK_EQ(camera.stats.malformed, 2);
	request[0] = 0x41;
	CHECK_EQ(ask(&boss, 12), -1);
}

TEST(camera_hears_forceip_only_for_its_own_address)
{
	struct sp_gvcp_force_ip ip = { { 2, 0, 10, 0, 0, 100 }, 0x0A000070, 0xFFFFFF00, 0 };

	setup();
	CHECK_EQ(ask(&boss, sp_gvcp_build_force_ip(request, sizeof(request), 77, &ip)),
		 GVCP_NOT_IMPLEMENTED);
	ip.mac[5]++;
	CHECK_EQ(ask(&boss, sp_gvcp_build_force_ip(request, sizeof(request), 77, &ip)), -1);
}

TEST(camera_latches_and_resets_its_clock)
{
	struct gvcam_channel channel;

	setup();
	wr(&boss, GVCP_REG_PRIVILEGE, 2);
	now_ns += 5 * SP_NS_PER_S;
	CHECK_EQ(wr(&boss, GVCP_REG_TIMESTAMP_CONTROL, GVCP_TIMESTAMP_LATCH), 0);
	CHECK_EQ(value_of(GVCP_REG_TIMESTAMP_HIGH), 1); /* 5e9 = 2^32 + 705032704 */
	CHECK_EQ(value_of(GVCP_REG_TIMESTAMP_LOW), 705032704);
	CHECK_EQ(wr(&boss, GVCP_REG_TIMESTAMP_CONTROL, GVCP_TIMESTAMP_RESET), 0);
	gvcam_camera_channel(&camera, &channel);
	CHECK_EQ(channel.time_base_ns, now_ns);
}

TEST(camera_ends_a_finished_acquisition_once)
{
	setup();
	wr(&boss, GVCP_REG_PRIVILEGE, 2);
	wr(&boss, GVCAM_ACQUISITION_START, 1);
	wr(&boss, GVCAM_ACQUISITION_STOP, 1);
	wr(&boss, GVCAM_ACQUISITION_START, 1);
	gvcam_camera_finished(&camera, 1); /* word of the first comes late */
	CHECK_EQ(value_of(GVCAM_ACQUISITION_STATUS), 1);
	gvcam_camera_finished(&camera, 2);
	CHECK_EQ(value_of(GVCAM_ACQUISITION_STATUS), 0);
}

TEST_MAIN()
