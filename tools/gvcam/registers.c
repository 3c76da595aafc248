/* SPDX-License-Identifier: Apache-2.0 */
#include "gvcam/registers.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <string.h>

/* Ascending, without overlaps. What is between two rows does not exist. */
static const struct row {
	uint32_t address, bytes;
	bool writable;
} rows[] = {
	/* The discovery answer is one piece, reserved words included. */
	{ GVCP_REG_VERSION, GVCP_REG_IP_CURRENT - GVCP_REG_VERSION, false },
	{ GVCP_REG_IP_CURRENT, 4, true },
	{ GVCP_REG_IP_CURRENT + 4, GVCP_REG_USER_NAME - GVCP_REG_IP_CURRENT - 4, false },
	{ GVCP_REG_USER_NAME, 16, true },
	{ GVCP_REG_URL_1, GVCP_URL_BYTES, false },
	{ GVCP_REG_URL_2, GVCP_URL_BYTES, false },
	{ GVCP_REG_INTERFACES, 4, false },
	{ GVCP_REG_PERSISTENT_IP, 4, true },
	{ GVCP_REG_PERSISTENT_MASK, 4, true },
	{ GVCP_REG_PERSISTENT_GATEWAY, 4, true },
	{ GVCP_REG_LINK_SPEED, 4, false },
	{ GVCP_REG_MESSAGE_CHANNELS, 4, false },
	{ GVCP_REG_STREAM_CHANNELS, 4, false },
	{ GVCP_REG_ACTION_SIGNALS, 4, false },
	{ GVCP_REG_ACTIVE_LINKS, 4, false },
	{ GVCP_REG_STREAM_CAPABILITY, 4, false },
	{ GVCP_REG_MESSAGE_CAPABILITY, 4, false },
	{ GVCP_REG_CAPABILITY, 4, false },
	{ GVCP_REG_HEARTBEAT, 4, true },
	{ GVCP_REG_TICKS_HIGH, 8, false },
	{ GVCP_REG_TIMESTAMP_CONTROL, 4, true },
	{ GVCP_REG_TIMESTAMP_HIGH, 8, false },
	{ GVCP_REG_DISCOVERY_DELAY, 4, false },
	{ GVCP_REG_CONFIG, 4, true },
	{ GVCP_REG_PENDING_TIMEOUT, 4, false },
	{ GVCP_REG_GVSP_CONFIG, 4, true },
	{ GVCP_REG_LINK_CAPABILITY, 4, false },
	{ GVCP_REG_LINK_CONFIG, 4, false },
	{ GVCP_REG_PRIVILEGE, 4, true },
	{ GVCP_REG_PRIMARY_PORT, 4, false },
	{ GVCP_REG_PRIMARY_IP, 4, false },
	{ GVCP_REG_SCP, 4, true },
	{ GVCP_REG_SCPS, 4, true },
	{ GVCP_REG_SCPD, 4, true },
	{ GVCP_REG_SCDA, 4, true },
	{ GVCP_REG_SCSP, 4, false },
	{ GVCP_REG_SCC, 4, false },
	{ GVCP_REG_SCCFG, 4, true },
	{ GVCAM_WIDTH, 4, true },
	{ GVCAM_HEIGHT, 4, true },
	{ GVCAM_PIXEL_FORMAT, 4, true },
	{ GVCAM_PAYLOAD_SIZE, 4, false },
	{ GVCAM_WIDTH_MAX, 4, false },
	{ GVCAM_HEIGHT_MAX, 4, false },
	{ GVCAM_ACQUISITION_MODE, 4, true },
	{ GVCAM_ACQUISITION_START, 4, true },
	{ GVCAM_ACQUISITION_STOP, 4, true },
	{ GVCAM_ACQUISITION_COUNT, 4, true },
	{ GVCAM_ACQUISITION_STATUS, 4, false },
	{ GVCAM_FRAME_RATE, 4, true },
	{ GVCAM_TEST_PATTERN, 4, true },
	{ GVCAM_CHUNK_MODE, 4, true },
};

static const struct row *find_row(uint32_t address)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (address >= rows[i].address && address - rows[i].address < rows[i].bytes)
			return &rows[i];
	return NULL;
}

/* Where a word of the map is kept. */
static const uint8_t *word_at(const struct gvcam_registers *registers, uint32_t address)
{
	if (address < GVCAM_BOOTSTRAP_BYTES)
		return registers->bootstrap + address;
	return registers->features + (address - GVCAM_FEATURE_BASE);
}

uint16_t gvcam_registers_read(const struct gvcam_registers *registers, uint32_t address,
			      uint8_t *out, uint32_t count)
{
	if (address >= GVCAM_XML_BASE) {
		uint32_t offset = address - GVCAM_XML_BASE;

		if (offset >= registers->xml_bytes || count > registers->xml_bytes - offset)
			return GVCP_INVALID_ADDRESS;
		memcpy(out, registers->xml + offset, count);
		return GVCP_SUCCESS;
	}
	for (uint32_t i = 0; i < count; i += 4)
		if (!find_row(address + i))
			return GVCP_INVALID_ADDRESS;
	for (uint32_t i = 0; i < count; i += 4)
		memcpy(out + i, word_at(registers, address + i), 4);
	return GVCP_SUCCESS;
}

uint16_t gvcam_registers_writable(uint32_t address)
{
	const struct row *row = find_row(address);

	if (row)
		return row->writable ? GVCP_SUCCESS : GVCP_WRITE_PROTECT;
	return GVCP_INVALID_ADDRESS;
}

uint32_t gvcam_registers_get(const struct gvcam_registers *registers, uint32_t address)
{
	uint32_t wire;

	memcpy(&wire, word_at(registers, address), 4);
	return ntohl(wire);
}

void gvcam_registers_set(struct gvcam_registers *registers, uint32_t address, uint32_t value)
{
	uint32_t wire = htonl(value);

	memcpy((uint8_t *)word_at(registers, address), &wire, 4);
}

void gvcam_registers_set_text(struct gvcam_registers *registers, uint32_t address, size_t field,
			      const char *text)
{
	uint8_t *at = registers->bootstrap + address;

	memset(at, 0, field);
	memcpy(at, text, strnlen(text, field));
}
