/* SPDX-License-Identifier: Apache-2.0 */
#include "gvcam/camera.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "gvcam/block.h"
#include "wire/pfnc.h"

#define GET(address) gvcam_registers_get(&camera->registers, address)
#define SET(address, value) gvcam_registers_set(&camera->registers, address, value)

static float rate_of(uint32_t bits)
{
	float rate;

	memcpy(&rate, &bits, 4);
	return rate;
}

static uint32_t rate_bits(double rate)
{
	float single = (float)rate;
	uint32_t bits;

	memcpy(&bits, &single, 4);
	return bits;
}

static void update_payload_size(struct gvcam_camera *camera)
{
	struct gvcam_channel channel;

	gvcam_camera_channel(camera, &channel);
	SET(GVCAM_PAYLOAD_SIZE, (uint32_t)gvcam_block_bytes(&channel));
}

static void init_identity(struct gvcam_camera *camera, const struct gvcam_camera_config *config)
{
	struct gvcam_registers *r = &camera->registers;
	char url[GVCP_URL_BYTES];

	SET(GVCP_REG_VERSION, 0x00020000);
	SET(GVCP_REG_DEVICE_MODE, GVCP_MODE_BIG_ENDIAN | GVCP_MODE_UTF8);
	SET(GVCP_REG_MAC_HIGH, (uint32_t)config->mac[0] << 8 | config->mac[1]);
	SET(GVCP_REG_MAC_LOW, (uint32_t)config->mac[2] << 24 | (uint32_t)config->mac[3] << 16 |
				      (uint32_t)config->mac[4] << 8 | config->mac[5]);
	SET(GVCP_REG_IP_SUPPORTED, GVCP_IP_LLA | GVCP_IP_DHCP | GVCP_IP_PERSISTENT);
	SET(GVCP_REG_IP_CURRENT, GVCP_IP_LLA | GVCP_IP_PERSISTENT);
	SET(GVCP_REG_IP, config->ip);
	SET(GVCP_REG_MASK, config->mask);
	SET(GVCP_REG_GATEWAY, config->gateway);
	gvcam_registers_set_text(r, GVCP_REG_MANUFACTURER, 32, "Sallyport");
	gvcam_registers_set_text(r, GVCP_REG_MODEL, 32, "gvcam");
	gvcam_registers_set_text(r, GVCP_REG_DEVICE_VERSION, 32, "1");
	gvcam_registers_set_text(r, GVCP_REG_MANUFACTURER_INFO, 48, "simulated camera");
	gvcam_registers_set_text(r, GVCP_REG_SERIAL, 16, config->serial);
	gvcam_registers_set_text(r, GVCP_REG_USER_NAME, 16, config->user_name);
	snprintf(url, sizeof(url), "Local:gvcam.xml;%x;%zx", GVCAM_XML_BASE,
		 strnlen(config->xml, config->xml_bytes));
	gvcam_registers_set_text(r, GVCP_REG_URL_1, GVCP_URL_BYTES, url);
	SET(GVCP_REG_INTERFACES, 1);
	SET(GVCP_REG_PERSISTENT_IP, config->ip);
	SET(GVCP_REG_PERSISTENT_MASK, config->mask);
	SET(GVCP_REG_PERSISTENT_GATEWAY, config->gateway);
	SET(GVCP_REG_LINK_SPEED, 10000);
	SET(GVCP_REG_ACTIVE_LINKS, 1);
	SET(GVCP_REG_LINK_CAPABILITY, 1); /* single link */
	SET(GVCP_REG_LINK_CONFIG, 1);
}

void gvcam_camera_init(struct gvcam_camera *camera, const struct gvcam_camera_config *config,
		       uint64_t now_ns)
{
	*camera = (struct gvcam_camera){
		.registers.xml = (const uint8_t *)config->xml,
		.registers.xml_bytes = config->xml_bytes,
		.resend = config->resend,
		.pictures = config->pictures,
		.second = config->second,
		.time_base_ns = now_ns,
	};
	init_identity(camera, config);
	SET(GVCP_REG_STREAM_CHANNELS, 1);
	SET(GVCP_REG_STREAM_CAPABILITY, GVCP_STREAM_CAP_SOURCE_PORT | GVCP_STREAM_CAP_LEGACY_IDS);
	SET(GVCP_REG_CAPABILITY, GVCP_CAP_CONCATENATION | GVCP_CAP_WRITEMEM |
					 (config->resend ? GVCP_CAP_PACKETRESEND : 0) |
					 GVCP_CAP_PRIMARY_APPLICATION | GVCP_CAP_LINK_SPEED |
					 GVCP_CAP_HEARTBEAT_DISABLE | GVCP_CAP_SERIAL |
					 GVCP_CAP_USER_NAME);
	SET(GVCP_REG_HEARTBEAT, 3000);
	SET(GVCP_REG_TICKS_LOW, SP_NS_PER_S); /* a tick is a nanosecond */
	SET(GVCP_REG_GVSP_CONFIG, config->extended_ids ? GVCP_GVSP_CONFIG_EXTENDED_IDS : 0);
	SET(GVCP_REG_SCPS, config->packet_size);
	SET(GVCP_REG_SCSP, config->source_port);
	SET(GVCAM_WIDTH, config->width);
	SET(GVCAM_HEIGHT, config->height);
	SET(GVCAM_WIDTH_MAX, config->width);
	SET(GVCAM_HEIGHT_MAX, config->height);
	SET(GVCAM_PIXEL_FORMAT, config->pixel_format);
	SET(GVCAM_ACQUISITION_COUNT, 1);
	SET(GVCAM_FRAME_RATE, rate_bits(config->fps));
	SET(GVCAM_TEST_PATTERN, config->pictures ? GVCAM_PICTURES : GVCAM_FRAME_COUNTER);
	SET(GVCAM_CHUNK_MODE, config->chunks);
	SET(GVCP_REG_SCC, (config->multi_part ? GVCP_SCC_MULTI_PART : 0) |
				  (config->all_in ? GVCP_SCC_ALL_IN : 0));
	SET(GVCP_REG_SCCFG, GET(GVCP_REG_SCC));
	update_payload_size(camera);
}

bool gvcam_camera_controlled(const struct gvcam_camera *camera)
{
	return GET(GVCP_REG_PRIVILEGE) != 0;
}

static bool is_controller(const struct gvcam_camera *camera, const struct gvcam_peer *peer)
{
	return gvcam_camera_controlled(camera) && camera->controller.ip == peer->ip &&
	       camera->controller.port == peer->port;
}

static void stop_acquisition(struct gvcam_camera *camera)
{
	camera->acquiring = false;
	SET(GVCAM_ACQUISITION_STATUS, 0);
}

/* Control ends, and the stream with it: the channel has to be opened anew. */
static void release(struct gvcam_camera *camera)
{
	stop_acquisition(camera);
	SET(GVCP_REG_PRIVILEGE, 0);
	SET(GVCP_REG_PRIMARY_PORT, 0);
	SET(GVCP_REG_PRIMARY_IP, 0);
	SET(GVCP_REG_SCP, 0);
	SET(GVCP_REG_SCDA, 0);
}

uint64_t gvcam_camera_deadline(const struct gvcam_camera *camera)
{
	if (!gvcam_camera_controlled(camera) ||
	    GET(GVCP_REG_CONFIG) & GVCP_CONFIG_HEARTBEAT_DISABLE)
		return UINT64_MAX;
	return camera->heard_ns + GET(GVCP_REG_HEARTBEAT) * SP_NS_PER_MS;
}

bool gvcam_camera_tick(struct gvcam_camera *camera, uint64_t now_ns)
{
	if (now_ns < gvcam_camera_deadline(camera))
		return false;
	camera->stats.heartbeats_lost++;
	release(camera);
	return true;
}

void gvcam_camera_finished(struct gvcam_camera *camera, uint32_t starts)
{
	if (camera->starts == starts)
		stop_acquisition(camera);
}

void gvcam_camera_channel(const struct gvcam_camera *camera, struct gvcam_channel *ret)
{
	uint32_t mode = GET(GVCAM_ACQUISITION_MODE);
	uint32_t scps = GET(GVCP_REG_SCPS);

	*ret = (struct gvcam_channel){
		.ip = GET(GVCP_REG_SCDA),
		.port = (uint16_t)(GET(GVCP_REG_SCP) & GVCP_SCP_PORT),
		.starts = camera->starts,
		.packet_size = scps & GVCP_SCPS_SIZE,
		.do_not_fragment = scps & GVCP_SCPS_DO_NOT_FRAGMENT,
		.extended_ids = GET(GVCP_REG_GVSP_CONFIG) & GVCP_GVSP_CONFIG_EXTENDED_IDS,
		.delay_ns = GET(GVCP_REG_SCPD), /* a tick is a nanosecond */
		.width = GET(GVCAM_WIDTH),
		.height = GET(GVCAM_HEIGHT),
		.pixel_format = GET(GVCAM_PIXEL_FORMAT),
		.pattern = GET(GVCAM_TEST_PATTERN) == GVCAM_FRAME_COUNTER,
		.chunks = GET(GVCAM_CHUNK_MODE),
		.multi_part = GET(GVCP_REG_SCCFG) & GVCP_SCC_MULTI_PART,
		.all_in = GET(GVCP_REG_SCCFG) & GVCP_SCC_ALL_IN,
		.second = camera->second,
		.fps = (double)rate_of(GET(GVCAM_FRAME_RATE)),
		.time_base_ns = camera->time_base_ns,
	};
	ret->acquiring = camera->acquiring && ret->ip && ret->port;
	if (mode == GVCAM_SINGLE_FRAME)
		ret->frame_limit = 1;
	else if (mode == GVCAM_MULTI_FRAME)
		ret->frame_limit = GET(GVCAM_ACQUISITION_COUNT);
}

/* ---- writes ---------------------------------------------------------------------------------- */

static uint16_t good_if(bool good)
{
	return good ? GVCP_SUCCESS : GVCP_INVALID_PARAMETER;
}

static uint16_t check_geometry(const struct gvcam_camera *camera, uint32_t address, uint32_t value)
{
	if (camera->acquiring)
		return GVCP_BUSY;
	switch (address) {
	case GVCAM_WIDTH:
		return good_if(value >= GVCAM_SIDE_MIN && value <= GET(GVCAM_WIDTH_MAX) &&
			       value % 4 == 0);
	case GVCAM_HEIGHT:
		return good_if(value >= GVCAM_SIDE_MIN && value <= GET(GVCAM_HEIGHT_MAX) &&
			       value % 2 == 0);
	case GVCAM_CHUNK_MODE:
		return good_if(value <= 1);
	case GVCAM_TEST_PATTERN:
		return good_if(value == GVCAM_FRAME_COUNTER ||
			       (value == GVCAM_PICTURES && camera->pictures));
	default:
		return good_if(sp_pfnc_by_code(value) != NULL);
	}
}

/* Would the register take this value? It is writable, and the writer has the right to. */
static uint16_t check_value(const struct gvcam_camera *camera, uint32_t address, uint32_t value)
{
	uint32_t size = value & GVCP_SCPS_SIZE;
	float rate = rate_of(value);

	switch (address) {
	case GVCAM_WIDTH:
	case GVCAM_HEIGHT:
	case GVCAM_PIXEL_FORMAT:
	case GVCAM_TEST_PATTERN:
	case GVCAM_CHUNK_MODE:
		return check_geometry(camera, address, value);
	case GVCP_REG_SCPS:
		/* A size that jumps while packets are numbered by it would tear a block. */
		if (camera->acquiring && size != (GET(GVCP_REG_SCPS) & GVCP_SCPS_SIZE))
			return GVCP_BUSY;
		return good_if(size >= GVCAM_PACKET_MIN && size <= GVCAM_PACKET_MAX &&
			       size % 4 == 0);
	case GVCP_REG_GVSP_CONFIG:
	case GVCP_REG_SCCFG:
		return camera->acquiring ? GVCP_BUSY : GVCP_SUCCESS;
	case GVCAM_FRAME_RATE:
		return good_if(rate >= (float)GVCAM_RATE_MIN && rate <= (float)GVCAM_RATE_MAX);
	case GVCAM_ACQUISITION_MODE:
		return good_if(value <= GVCAM_MULTI_FRAME);
	case GVCAM_ACQUISITION_COUNT:
		return good_if(value >= 1);
	default:
		return GVCP_SUCCESS;
	}
}

static void write_timestamp_control(struct gvcam_camera *camera, uint32_t value, uint64_t now_ns)
{
	uint64_t ticks = now_ns - camera->time_base_ns;

	if (value & GVCP_TIMESTAMP_LATCH) {
		SET(GVCP_REG_TIMESTAMP_HIGH, (uint32_t)(ticks >> 32));
		SET(GVCP_REG_TIMESTAMP_LOW, (uint32_t)ticks);
	}
	if (value & GVCP_TIMESTAMP_RESET)
		camera->time_base_ns = now_ns;
}

/* Stores a checked value and returns its effects. */
static unsigned int store(struct gvcam_camera *camera, uint32_t address, uint32_t value,
			  uint64_t now_ns)
{
	switch (address) {
	case GVCP_REG_IP_CURRENT:
		/* LLA cannot be switched off. */
		SET(address, (value & (GVCP_IP_DHCP | GVCP_IP_PERSISTENT)) | GVCP_IP_LLA);
		return 0;
	case GVCP_REG_HEARTBEAT:
		SET(address, value < GVCAM_HEARTBEAT_MIN ? GVCAM_HEARTBEAT_MIN : value);
		return 0;
	case GVCP_REG_TIMESTAMP_CONTROL:
		write_timestamp_control(camera, value, now_ns);
		return value & GVCP_TIMESTAMP_RESET ? GVCAM_CHANNEL_CHANGED : 0;
	case GVCP_REG_CONFIG:
		SET(address, value & GVCP_CONFIG_HEARTBEAT_DISABLE);
		return 0;
	case GVCP_REG_GVSP_CONFIG:
		SET(address, value & GVCP_GVSP_CONFIG_EXTENDED_IDS);
		update_payload_size(camera);
		return GVCAM_CHANNEL_CHANGED;
	case GVCP_REG_SCCFG:
		/* Options that are not there read 0. */
		SET(address, value & GET(GVCP_REG_SCC));
		update_payload_size(camera);
		return GVCAM_CHANNEL_CHANGED;
	case GVCP_REG_SCP:
		SET(address, value & GVCP_SCP_PORT);
		return GVCAM_CHANNEL_CHANGED;
	case GVCP_REG_SCPS:
		SET(address, value & (GVCP_SCPS_SIZE | GVCP_SCPS_DO_NOT_FRAGMENT));
		return GVCAM_CHANNEL_CHANGED | (value & GVCP_SCPS_FIRE_TEST ? GVCAM_FIRE_TEST : 0);
	case GVCAM_WIDTH:
	case GVCAM_HEIGHT:
	case GVCAM_PIXEL_FORMAT:
	case GVCAM_CHUNK_MODE:
		SET(address, value);
		update_payload_size(camera);
		return GVCAM_CHANNEL_CHANGED;
	case GVCAM_ACQUISITION_START:
		if (!(value & 1) || camera->acquiring)
			return 0;
		camera->acquiring = true;
		camera->starts++;
		SET(GVCAM_ACQUISITION_STATUS, 1);
		return GVCAM_CHANNEL_CHANGED;
	case GVCAM_ACQUISITION_STOP:
		if (!(value & 1))
			return 0;
		stop_acquisition(camera);
		return GVCAM_CHANNEL_CHANGED;
	default:
		SET(address, value);
		return address >= GVCP_REG_STREAM ? GVCAM_CHANNEL_CHANGED : 0;
	}
}

static uint16_t write_privilege(struct gvcam_camera *camera, const struct gvcam_peer *from,
				uint32_t value, uint64_t now_ns, struct gvcam_effects *effects)
{
	if (gvcam_camera_controlled(camera) && !is_controller(camera, from))
		return GVCP_ACCESS_DENIED;
	if (value & ~(GVCP_PRIVILEGE_EXCLUSIVE | GVCP_PRIVILEGE_CONTROL))
		return GVCP_INVALID_PARAMETER; /* no switchover */
	if (!value) {
		release(camera);
		effects->what |= GVCAM_CHANNEL_CHANGED;
		return GVCP_SUCCESS;
	}
	camera->controller = *from;
	camera->heard_ns = now_ns;
	SET(GVCP_REG_PRIVILEGE, value);
	SET(GVCP_REG_PRIMARY_PORT, from->port);
	SET(GVCP_REG_PRIMARY_IP, from->ip);
	return GVCP_SUCCESS;
}

/* One word, from WRITEREG or WRITEMEM alike: rights, existence, value, then the effects. */
static uint16_t write_word(struct gvcam_camera *camera, const struct gvcam_peer *from,
			   uint32_t address, uint32_t value, uint64_t now_ns,
			   struct gvcam_effects *effects)
{
	uint16_t status;

	if (address % 4)
		return GVCP_BAD_ALIGNMENT;
	if (address == GVCP_REG_PRIVILEGE)
		return write_privilege(camera, from, value, now_ns, effects);
	if (!is_controller(camera, from))
		return GVCP_ACCESS_DENIED;
	status = gvcam_registers_writable(address);
	if (!status)
		status = check_value(camera, address, value);
	if (!status)
		effects->what |= store(camera, address, value, now_ns);
	return status;
}

/* ---- commands -------------------------------------------------------------------------------- */

static int answer_discovery(const struct gvcam_camera *camera, uint16_t id, uint8_t *reply)
{
	struct gvcp_ack_header header = {
		.code = htons(GVCP_DISCOVERY_ACK),
		.length = htons(GVCP_REG_DISCOVERY_END),
		.id = htons(id),
	};

	/* The answer is the beginning of the register map. */
	memcpy(reply, &header, sizeof(header));
	memcpy(reply + sizeof(header), camera->registers.bootstrap, GVCP_REG_DISCOVERY_END);
	return (int)sizeof(header) + GVCP_REG_DISCOVERY_END;
}

static int read_registers(const struct gvcam_camera *camera, const struct sp_gvcp_command *command,
			  uint8_t *reply, uint16_t *ret_status)
{
	uint32_t values[GVCP_READ_REGISTERS_MAX];

	for (unsigned int i = 0; i < command->read_registers.n; i++) {
		uint32_t address = command->read_registers.address[i];
		uint8_t bytes[4];

		*ret_status = address % 4
				      ? GVCP_BAD_ALIGNMENT
				      : gvcam_registers_read(&camera->registers, address, bytes, 4);
		if (*ret_status)
			return 0;
		memcpy(&values[i], bytes, 4);
		values[i] = ntohl(values[i]);
	}
	return sp_gvcp_build_registers_ack(reply, GVCP_MESSAGE_MAX, command->id, values,
					   command->read_registers.n);
}

static int read_memory(const struct gvcam_camera *camera, const struct sp_gvcp_command *command,
		       uint8_t *reply, uint16_t *ret_status)
{
	uint8_t bytes[GVCP_MEMORY_MAX];
	uint32_t address = command->read_memory.address;
	uint16_t count = command->read_memory.count;

	*ret_status = gvcam_registers_read(&camera->registers, address, bytes, count);
	if (*ret_status)
		return 0;
	return sp_gvcp_build_memory_ack(reply, GVCP_MESSAGE_MAX, command->id, address, bytes,
					count);
}

/* The answer's index: registers written, which on an error is the place of the refused one. */
static uint16_t write_registers(struct gvcam_camera *camera, const struct gvcam_peer *from,
				const struct sp_gvcp_command *command, uint64_t now_ns,
				struct gvcam_effects *effects, uint16_t *ret_index)
{
	uint16_t status = GVCP_SUCCESS;
	unsigned int i;

	for (i = 0; i < command->write_registers.n; i++) {
		const struct sp_gvcp_write *write = &command->write_registers.write[i];

		status = write_word(camera, from, write->address, write->value, now_ns, effects);
		if (status)
			break;
	}
	*ret_index = (uint16_t)i;
	return status;
}

/* The answer's index: bytes written. */
static uint16_t write_memory(struct gvcam_camera *camera, const struct gvcam_peer *from,
			     const struct sp_gvcp_command *command, uint64_t now_ns,
			     struct gvcam_effects *effects, uint16_t *ret_index)
{
	uint16_t status = GVCP_SUCCESS;
	uint16_t i;

	for (i = 0; i < command->write_memory.count; i += 4) {
		uint32_t value;

		memcpy(&value, command->write_memory.bytes + i, 4);
		status = write_word(camera, from, command->write_memory.address + i, ntohl(value),
				    now_ns, effects);
		if (status)
			break;
	}
	*ret_index = i;
	return status;
}

static uint16_t resend(struct gvcam_camera *camera, const struct gvcam_peer *from,
		       const struct sp_gvcp_command *command, struct gvcam_effects *effects)
{
	if (!camera->resend)
		return GVCP_NOT_IMPLEMENTED;
	/* From the stream's receiver, whatever its port: hosts ask from the stream's socket. */
	if (!GET(GVCP_REG_SCDA) || from->ip != GET(GVCP_REG_SCDA)) {
		camera->stats.resend_strangers++;
		return GVCP_ACCESS_DENIED;
	}
	if (command->resend.channel)
		return GVCP_INVALID_PARAMETER;
	effects->what |= GVCAM_RESEND;
	effects->resend = command->resend;
	return GVCP_SUCCESS;
}

static bool is_for(const struct gvcam_camera *camera, const uint8_t mac[6])
{
	/* The registers have the six bytes in a row, after two that are reserved. */
	return !memcmp(camera->registers.bootstrap + GVCP_REG_MAC_HIGH + 2, mac, 6);
}

/* Executes and writes the answer of a success; returns its bytes, or 0 with the status to send. */
static int execute(struct gvcam_camera *camera, uint64_t now_ns, const struct gvcam_peer *from,
		   const struct sp_gvcp_command *command, uint8_t *reply, uint16_t *ret_status,
		   uint16_t *ret_index, struct gvcam_effects *effects)
{
	bool exclusive = GET(GVCP_REG_PRIVILEGE) & GVCP_PRIVILEGE_EXCLUSIVE;

	switch (command->code) {
	case GVCP_DISCOVERY:
		return answer_discovery(camera, command->id, reply);
	case GVCP_READREG:
	case GVCP_READMEM:
		if (exclusive && !is_controller(camera, from)) {
			*ret_status = GVCP_ACCESS_DENIED;
			return 0;
		}
		if (command->code == GVCP_READREG)
			return read_registers(camera, command, reply, ret_status);
		return read_memory(camera, command, reply, ret_status);
	case GVCP_WRITEREG:
		*ret_status = write_registers(camera, from, command, now_ns, effects, ret_index);
		return 0;
	case GVCP_WRITEMEM:
		*ret_status = write_memory(camera, from, command, now_ns, effects, ret_index);
		return 0;
	case GVCP_PACKETRESEND:
		*ret_status = resend(camera, from, command, effects);
		return 0;
	default:
		*ret_status = GVCP_NOT_IMPLEMENTED;
		return 0;
	}
}

size_t gvcam_camera_request(struct gvcam_camera *camera, uint64_t now_ns,
			    const struct gvcam_peer *from, bool broadcast, const uint8_t *bytes,
			    size_t size, uint8_t reply[GVCP_MESSAGE_MAX],
			    struct gvcam_effects *ret_effects)
{
	struct sp_gvcp_command command;
	uint16_t status = GVCP_SUCCESS, index = 0, code;
	int n = 0;

	*ret_effects = (struct gvcam_effects){ 0 };
	if (sp_gvcp_parse_command(bytes, size, &command)) {
		camera->stats.malformed++;
		return 0;
	}
	if (broadcast && command.code != GVCP_DISCOVERY && command.code != GVCP_FORCEIP)
		return 0;
	if (command.code == GVCP_FORCEIP && !command.refusal &&
	    !is_for(camera, command.force_ip.mac))
		return 0;
	if (command.refusal) {
		camera->stats.malformed++;
		status = command.refusal;
	} else {
		camera->stats.commands++;
		if (is_controller(camera, from))
			camera->heard_ns = now_ns;
		n = execute(camera, now_ns, from, &command, reply, &status, &index, ret_effects);
	}
	camera->stats.denied += status == GVCP_ACCESS_DENIED;
	if (!(command.flags & GVCP_FLAG_ACK))
		return 0;
	code = (uint16_t)(command.code + 1);
	if (n <= 0 && (command.code == GVCP_WRITEREG || command.code == GVCP_WRITEMEM))
		n = sp_gvcp_build_index_ack(reply, GVCP_MESSAGE_MAX, status, code, command.id,
					    index);
	else if (n <= 0)
		n = sp_gvcp_build_ack(reply, GVCP_MESSAGE_MAX, status, code, command.id);
	return n > 0 ? (size_t)n : 0;
}
