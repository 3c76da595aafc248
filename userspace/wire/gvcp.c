/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/gvcp.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <string.h>

_Static_assert(sizeof(struct gvcp_command_header) == GVCP_HEADER_BYTES, "command header");
_Static_assert(sizeof(struct gvcp_ack_header) == GVCP_HEADER_BYTES, "ack header");
_Static_assert(sizeof(struct gvcp_resend) == 12, "resend");
_Static_assert(sizeof(struct gvcp_resend_extended) == 20, "extended resend");
_Static_assert(sizeof(struct gvcp_force_ip) == 56, "forceip");
_Static_assert(sizeof(struct gvcp_action_scheduled) == 20, "action");
_Static_assert(sizeof(struct gvcp_event) == 16, "event");
_Static_assert(sizeof(struct gvcp_event_extended) == 24, "extended event");
_Static_assert(sizeof(struct gvcp_discovery) == GVCP_REG_DISCOVERY_END, "discovery");

/* Each parses one payload of @size bytes and returns the refusal a device answers. */

static uint16_t parse_read_registers(const uint8_t *payload, size_t size,
				     struct sp_gvcp_command *command)
{
	unsigned int n = (unsigned int)(size / 4);

	if (!n || size % 4 || n > GVCP_READ_REGISTERS_MAX)
		return GVCP_INVALID_HEADER;
	for (unsigned int i = 0; i < n; i++) {
		__be32 address;

		memcpy(&address, payload + 4 * i, 4);
		command->read_registers.address[i] = ntohl(address);
	}
	command->read_registers.n = n;
	return GVCP_SUCCESS;
}

static uint16_t parse_write_registers(const uint8_t *payload, size_t size,
				      struct sp_gvcp_command *command)
{
	unsigned int n = (unsigned int)(size / 8);

	if (!n || size % 8 || n > GVCP_WRITE_REGISTERS_MAX)
		return GVCP_INVALID_HEADER;
	for (unsigned int i = 0; i < n; i++) {
		struct gvcp_write_register wire;

		memcpy(&wire, payload + sizeof(wire) * i, sizeof(wire));
		command->write_registers.write[i].address = ntohl(wire.address);
		command->write_registers.write[i].value = ntohl(wire.value);
	}
	command->write_registers.n = n;
	return GVCP_SUCCESS;
}

static uint16_t parse_read_memory(const uint8_t *payload, size_t size,
				  struct sp_gvcp_command *command)
{
	struct gvcp_read_memory wire;
	uint32_t address;
	uint16_t count;

	if (size != sizeof(wire))
		return GVCP_INVALID_HEADER;
	memcpy(&wire, payload, sizeof(wire));
	address = ntohl(wire.address);
	count = ntohs(wire.count);
	if (address % 4 || count % 4)
		return GVCP_BAD_ALIGNMENT;
	if (!count || count > GVCP_MEMORY_MAX)
		return GVCP_INVALID_PARAMETER;
	command->read_memory.address = address;
	command->read_memory.count = count;
	return GVCP_SUCCESS;
}

static uint16_t parse_write_memory(const uint8_t *payload, size_t size,
				   struct sp_gvcp_command *command)
{
	__be32 address;

	if (size < 8 || size > 4 + GVCP_MEMORY_MAX)
		return GVCP_INVALID_HEADER;
	memcpy(&address, payload, 4);
	if (ntohl(address) % 4 || size % 4)
		return GVCP_BAD_ALIGNMENT;
	command->write_memory.address = ntohl(address);
	command->write_memory.count = (uint16_t)(size - 4);
	command->write_memory.bytes = payload + 4;
	return GVCP_SUCCESS;
}

static uint16_t parse_resend(const uint8_t *payload, size_t size, struct sp_gvcp_command *command)
{
	struct sp_gvcp_resend *resend = &command->resend;
	struct gvcp_resend_extended wire = { 0 };

	resend->extended = command->flags & GVCP_FLAG_EXTENDED_IDS;
	if (size < (resend->extended ? sizeof(wire) : sizeof(wire.standard)))
		return GVCP_INVALID_HEADER;
	memcpy(&wire, payload, resend->extended ? sizeof(wire) : sizeof(wire.standard));
	resend->channel = ntohs(wire.standard.channel);
	resend->first = ntohl(wire.standard.first);
	resend->last = ntohl(wire.standard.last);
	if (resend->extended) {
		resend->block = be64toh(wire.block);
	} else {
		resend->block = ntohs(wire.standard.block);
		/* 24 bits are used; what stands above them is not said. */
		resend->first &= GVCP_RESEND_TO_END;
		resend->last &= GVCP_RESEND_TO_END;
	}
	return resend->first <= resend->last ? GVCP_SUCCESS : GVCP_INVALID_PARAMETER;
}

static uint16_t parse_force_ip(const uint8_t *payload, size_t size, struct sp_gvcp_command *command)
{
	struct gvcp_force_ip wire;

	if (size != sizeof(wire))
		return GVCP_INVALID_HEADER;
	memcpy(&wire, payload, sizeof(wire));
	memcpy(command->force_ip.mac, wire.mac, sizeof(wire.mac));
	command->force_ip.ip = ntohl(wire.ip);
	command->force_ip.mask = ntohl(wire.mask);
	command->force_ip.gateway = ntohl(wire.gateway);
	return GVCP_SUCCESS;
}

static uint16_t parse_action(const uint8_t *payload, size_t size, struct sp_gvcp_command *command)
{
	struct gvcp_action_scheduled wire = { 0 };
	bool scheduled = command->flags & GVCP_FLAG_SCHEDULED;
	size_t want = scheduled ? sizeof(wire) : sizeof(wire.action);

	if (size != want)
		return GVCP_INVALID_HEADER;
	memcpy(&wire, payload, want);
	command->action.device_key = ntohl(wire.action.device_key);
	command->action.group_key = ntohl(wire.action.group_key);
	command->action.group_mask = ntohl(wire.action.group_mask);
	command->action.scheduled = scheduled;
	command->action.when = be64toh(wire.when);
	return GVCP_SUCCESS;
}

static uint16_t parse_event(const uint8_t *payload, size_t size, struct sp_gvcp_command *command)
{
	struct sp_gvcp_event *event = &command->event;
	bool extended = command->flags & GVCP_FLAG_EXTENDED_IDS;
	struct gvcp_event_extended large;
	struct gvcp_event small;
	size_t head = extended ? sizeof(large) : sizeof(small);

	if (size < head)
		return GVCP_INVALID_HEADER;
	if (extended) {
		memcpy(&large, payload, sizeof(large));
		event->event = ntohs(large.event);
		event->channel = ntohs(large.channel);
		event->block = be64toh(large.block);
		event->timestamp = be64toh(large.timestamp);
	} else {
		memcpy(&small, payload, sizeof(small));
		event->event = ntohs(small.event);
		event->channel = ntohs(small.channel);
		event->block = ntohs(small.block);
		event->timestamp = be64toh(small.timestamp);
	}
	event->extended = extended;
	event->data = payload + head;
	event->data_bytes = (uint16_t)(size - head);
	return GVCP_SUCCESS;
}

static uint16_t parse_payload(const uint8_t *payload, size_t size, struct sp_gvcp_command *command)
{
	switch (command->code) {
	case GVCP_DISCOVERY:
		return GVCP_SUCCESS;
	case GVCP_READREG:
		return parse_read_registers(payload, size, command);
	case GVCP_WRITEREG:
		return parse_write_registers(payload, size, command);
	case GVCP_READMEM:
		return parse_read_memory(payload, size, command);
	case GVCP_WRITEMEM:
		return parse_write_memory(payload, size, command);
	case GVCP_PACKETRESEND:
		return parse_resend(payload, size, command);
	case GVCP_FORCEIP:
		return parse_force_ip(payload, size, command);
	case GVCP_ACTION:
		return parse_action(payload, size, command);
	case GVCP_EVENT:
	case GVCP_EVENTDATA:
		return parse_event(payload, size, command);
	default:
		return GVCP_NOT_IMPLEMENTED;
	}
}

int sp_gvcp_parse_command(const uint8_t *bytes, size_t size, struct sp_gvcp_command *ret)
{
	struct gvcp_command_header header;
	size_t length;

	if (size < sizeof(header) || bytes[0] != GVCP_KEY)
		return -EBADMSG;
	memcpy(&header, bytes, sizeof(header));
	ret->flags = header.flags;
	ret->code = ntohs(header.code);
	ret->id = ntohs(header.id);
	length = ntohs(header.length);
	/* Old libaravis says 12 where an extended resend has 20: the datagram's size decides. */
	if (ret->code == GVCP_PACKETRESEND)
		length = size - sizeof(header);
	if (length > size - sizeof(header) || length > GVCP_PAYLOAD_MAX)
		ret->refusal = GVCP_INVALID_HEADER;
	else
		ret->refusal = parse_payload(bytes + sizeof(header), length, ret);
	return 0;
}

/* ---- acknowledges ---------------------------------------------------------------------------- */

static void parse_discovery(const uint8_t *payload, struct sp_gvcp_discovery *ret)
{
	struct gvcp_discovery wire;

	memcpy(&wire, payload, sizeof(wire));
	ret->version_major = ntohs(wire.version_major);
	ret->version_minor = ntohs(wire.version_minor);
	ret->device_mode = ntohl(wire.device_mode);
	memcpy(ret->mac, wire.mac, sizeof(wire.mac));
	ret->ip_supported = ntohl(wire.ip_supported);
	ret->ip_current = ntohl(wire.ip_current);
	ret->ip = ntohl(wire.ip);
	ret->mask = ntohl(wire.mask);
	ret->gateway = ntohl(wire.gateway);
	/* A text that fills its field has no NUL; @ret has one byte more. */
#define TEXT(field)                                                                                \
	do {                                                                                       \
		memcpy(ret->field, wire.field, sizeof(wire.field));                                \
		ret->field[sizeof(wire.field)] = 0;                                                \
	} while (0)
	TEXT(manufacturer);
	TEXT(model);
	TEXT(device_version);
	TEXT(manufacturer_info);
	TEXT(serial);
	TEXT(user_name);
#undef TEXT
}

static int parse_index(const uint8_t *payload, size_t size, uint16_t *ret_index)
{
	struct gvcp_index wire;

	if (size < sizeof(wire))
		return -EBADMSG;
	memcpy(&wire, payload, sizeof(wire));
	*ret_index = ntohs(wire.index);
	return 0;
}

static int parse_registers_ack(const uint8_t *payload, size_t size, struct sp_gvcp_ack *ack)
{
	if (!size || size % 4 || size / 4 > GVCP_READ_REGISTERS_MAX)
		return -EBADMSG;
	ack->registers.n = (unsigned int)(size / 4);
	for (unsigned int i = 0; i < ack->registers.n; i++) {
		__be32 value;

		memcpy(&value, payload + 4 * i, 4);
		ack->registers.value[i] = ntohl(value);
	}
	return 0;
}

static int parse_memory_ack(const uint8_t *payload, size_t size, struct sp_gvcp_ack *ack)
{
	__be32 address;

	if (size < 4 || size - 4 > GVCP_MEMORY_MAX)
		return -EBADMSG;
	memcpy(&address, payload, 4);
	ack->memory.address = ntohl(address);
	ack->memory.count = (uint16_t)(size - 4);
	ack->memory.bytes = payload + 4;
	return 0;
}

int sp_gvcp_parse_ack(const uint8_t *bytes, size_t size, struct sp_gvcp_ack *ret)
{
	struct gvcp_ack_header header;
	struct sp_gvcp_ack ack = { 0 };
	const uint8_t *payload;
	size_t length;
	int res = 0;

	if (size < sizeof(header) || bytes[0] == GVCP_KEY)
		return -EBADMSG;
	memcpy(&header, bytes, sizeof(header));
	payload = bytes + sizeof(header);
	ack.status = ntohs(header.status);
	ack.code = ntohs(header.code);
	ack.id = ntohs(header.id);
	length = ntohs(header.length);
	if (length > size - sizeof(header))
		return -EBADMSG;
	if (ack.code == GVCP_WRITEREG_ACK || ack.code == GVCP_WRITEMEM_ACK) {
		/* A refusal may come without its index. */
		res = parse_index(payload, length, &ack.index);
		if (res && ack.status & GVCP_STATUS_ERROR_BIT)
			res = 0;
	} else if (ack.status & GVCP_STATUS_ERROR_BIT) {
		res = 0;
	} else if (ack.code == GVCP_READREG_ACK) {
		res = parse_registers_ack(payload, length, &ack);
	} else if (ack.code == GVCP_READMEM_ACK) {
		res = parse_memory_ack(payload, length, &ack);
	} else if (ack.code == GVCP_PENDING_ACK) {
		res = parse_index(payload, length, &ack.pending_ms);
	} else if (ack.code == GVCP_DISCOVERY_ACK) {
		if (length < sizeof(struct gvcp_discovery))
			return -EBADMSG;
		parse_discovery(payload, &ack.discovery);
	}
	if (res)
		return res;
	*ret = ack;
	return 0;
}

/* ---- builders -------------------------------------------------------------------------------- */

/* Writes the header of a command and returns the whole length; the caller fills the payload. */
static int begin_command(uint8_t *out, size_t room, uint8_t flags, uint16_t code, uint16_t id,
			 size_t length)
{
	struct gvcp_command_header header = {
		.key = GVCP_KEY,
		.flags = flags,
		.code = htons(code),
		.length = htons((uint16_t)length),
		.id = htons(id),
	};

	if (!id || length > GVCP_PAYLOAD_MAX)
		return -EINVAL;
	if (room < sizeof(header) + length)
		return -ENOSPC;
	memcpy(out, &header, sizeof(header));
	return (int)(sizeof(header) + length);
}

static int begin_ack(uint8_t *out, size_t room, uint16_t status, uint16_t code, uint16_t id,
		     size_t length)
{
	struct gvcp_ack_header header = {
		.status = htons(status),
		.code = htons(code),
		.length = htons((uint16_t)length),
		.id = htons(id),
	};

	if (length > GVCP_PAYLOAD_MAX)
		return -EINVAL;
	if (room < sizeof(header) + length)
		return -ENOSPC;
	memcpy(out, &header, sizeof(header));
	return (int)(sizeof(header) + length);
}

int sp_gvcp_build_discovery(uint8_t *out, size_t room, uint16_t id)
{
	return begin_command(out, room, GVCP_FLAG_ACK, GVCP_DISCOVERY, id, 0);
}

int sp_gvcp_build_read_registers(uint8_t *out, size_t room, uint16_t id, const uint32_t *addresses,
				 unsigned int n)
{
	int size;

	if (!n || n > GVCP_READ_REGISTERS_MAX)
		return -EINVAL;
	size = begin_command(out, room, GVCP_FLAG_ACK, GVCP_READREG, id, 4 * (size_t)n);
	for (unsigned int i = 0; size > 0 && i < n; i++) {
		__be32 address = htonl(addresses[i]);

		memcpy(out + GVCP_HEADER_BYTES + 4 * i, &address, 4);
	}
	return size;
}

int sp_gvcp_build_write_registers(uint8_t *out, size_t room, uint16_t id,
				  const struct sp_gvcp_write *writes, unsigned int n)
{
	int size;

	if (!n || n > GVCP_WRITE_REGISTERS_MAX)
		return -EINVAL;
	size = begin_command(out, room, GVCP_FLAG_ACK, GVCP_WRITEREG, id, 8 * (size_t)n);
	for (unsigned int i = 0; size > 0 && i < n; i++) {
		struct gvcp_write_register wire = {
			.address = htonl(writes[i].address),
			.value = htonl(writes[i].value),
		};

		memcpy(out + GVCP_HEADER_BYTES + sizeof(wire) * i, &wire, sizeof(wire));
	}
	return size;
}

int sp_gvcp_build_read_memory(uint8_t *out, size_t room, uint16_t id, uint32_t address,
			      uint16_t count)
{
	struct gvcp_read_memory wire = {
		.address = htonl(address),
		.count = htons(count),
	};
	int size;

	if (address % 4 || count % 4 || !count || count > GVCP_MEMORY_MAX)
		return -EINVAL;
	size = begin_command(out, room, GVCP_FLAG_ACK, GVCP_READMEM, id, sizeof(wire));
	if (size > 0)
		memcpy(out + GVCP_HEADER_BYTES, &wire, sizeof(wire));
	return size;
}

int sp_gvcp_build_write_memory(uint8_t *out, size_t room, uint16_t id, uint32_t address,
			       const uint8_t *bytes, uint16_t count)
{
	__be32 wire = htonl(address);
	int size;

	if (address % 4 || count % 4 || !count || count > GVCP_MEMORY_MAX)
		return -EINVAL;
	size = begin_command(out, room, GVCP_FLAG_ACK, GVCP_WRITEMEM, id, 4 + (size_t)count);
	if (size > 0) {
		memcpy(out + GVCP_HEADER_BYTES, &wire, 4);
		memcpy(out + GVCP_HEADER_BYTES + 4, bytes, count);
	}
	return size;
}

int sp_gvcp_build_resend(uint8_t *out, size_t room, uint16_t id,
			 const struct sp_gvcp_resend *resend)
{
	struct gvcp_resend_extended wire = {
		.standard.channel = htons(resend->channel),
		.standard.first = htonl(resend->first),
		.standard.last = htonl(resend->last),
	};
	size_t length = resend->extended ? sizeof(wire) : sizeof(wire.standard);
	int size;

	if (resend->first > resend->last)
		return -EINVAL;
	if (resend->extended) {
		wire.block = htobe64(resend->block);
	} else {
		if (resend->block > UINT16_MAX || resend->last > GVCP_RESEND_TO_END)
			return -EINVAL;
		wire.standard.block = htons((uint16_t)resend->block);
	}
	size = begin_command(out, room, resend->extended ? GVCP_FLAG_EXTENDED_IDS : 0,
			     GVCP_PACKETRESEND, id, length);
	if (size > 0)
		memcpy(out + GVCP_HEADER_BYTES, &wire, length);
	return size;
}

int sp_gvcp_build_force_ip(uint8_t *out, size_t room, uint16_t id,
			   const struct sp_gvcp_force_ip *force_ip)
{
	struct gvcp_force_ip wire = {
		.ip = htonl(force_ip->ip),
		.mask = htonl(force_ip->mask),
		.gateway = htonl(force_ip->gateway),
	};
	int size = begin_command(out, room, GVCP_FLAG_ACK, GVCP_FORCEIP, id, sizeof(wire));

	memcpy(wire.mac, force_ip->mac, sizeof(wire.mac));
	if (size > 0)
		memcpy(out + GVCP_HEADER_BYTES, &wire, sizeof(wire));
	return size;
}

int sp_gvcp_build_action(uint8_t *out, size_t room, uint16_t id,
			 const struct sp_gvcp_action *action)
{
	struct gvcp_action_scheduled wire = {
		.action.device_key = htonl(action->device_key),
		.action.group_key = htonl(action->group_key),
		.action.group_mask = htonl(action->group_mask),
		.when = htobe64(action->when),
	};
	size_t length = action->scheduled ? sizeof(wire) : sizeof(wire.action);
	uint8_t flags = GVCP_FLAG_ACK | (action->scheduled ? GVCP_FLAG_SCHEDULED : 0);
	int size = begin_command(out, room, flags, GVCP_ACTION, id, length);

	if (size > 0)
		memcpy(out + GVCP_HEADER_BYTES, &wire, length);
	return size;
}

int sp_gvcp_build_ack(uint8_t *out, size_t room, uint16_t status, uint16_t code, uint16_t id)
{
	return begin_ack(out, room, status, code, id, 0);
}

int sp_gvcp_build_registers_ack(uint8_t *out, size_t room, uint16_t id, const uint32_t *values,
				unsigned int n)
{
	int size;

	if (!n || n > GVCP_READ_REGISTERS_MAX)
		return -EINVAL;
	size = begin_ack(out, room, GVCP_SUCCESS, GVCP_READREG_ACK, id, 4 * (size_t)n);
	for (unsigned int i = 0; size > 0 && i < n; i++) {
		__be32 value = htonl(values[i]);

		memcpy(out + GVCP_HEADER_BYTES + 4 * i, &value, 4);
	}
	return size;
}

int sp_gvcp_build_index_ack(uint8_t *out, size_t room, uint16_t status, uint16_t code, uint16_t id,
			    uint16_t index)
{
	struct gvcp_index wire = { .index = htons(index) };
	int size = begin_ack(out, room, status, code, id, sizeof(wire));

	if (size > 0)
		memcpy(out + GVCP_HEADER_BYTES, &wire, sizeof(wire));
	return size;
}

int sp_gvcp_build_memory_ack(uint8_t *out, size_t room, uint16_t id, uint32_t address,
			     const uint8_t *bytes, uint16_t count)
{
	__be32 wire = htonl(address);
	int size;

	size = begin_ack(out, room, GVCP_SUCCESS, GVCP_READMEM_ACK, id, 4 + (size_t)count);
	if (size > 0) {
		memcpy(out + GVCP_HEADER_BYTES, &wire, 4);
		memcpy(out + GVCP_HEADER_BYTES + 4, bytes, count);
	}
	return size;
}

int sp_gvcp_build_discovery_ack(uint8_t *out, size_t room, uint16_t id,
				const struct sp_gvcp_discovery *discovery)
{
	struct gvcp_discovery wire = {
		.version_major = htons(discovery->version_major),
		.version_minor = htons(discovery->version_minor),
		.device_mode = htonl(discovery->device_mode),
		.ip_supported = htonl(discovery->ip_supported),
		.ip_current = htonl(discovery->ip_current),
		.ip = htonl(discovery->ip),
		.mask = htonl(discovery->mask),
		.gateway = htonl(discovery->gateway),
	};
	int size;

	memcpy(wire.mac, discovery->mac, sizeof(wire.mac));
#define TEXT(field)                                                                                \
	memcpy(wire.field, discovery->field, strnlen(discovery->field, sizeof(wire.field)))
	TEXT(manufacturer);
	TEXT(model);
	TEXT(device_version);
	TEXT(manufacturer_info);
	TEXT(serial);
	TEXT(user_name);
#undef TEXT
	size = begin_ack(out, room, GVCP_SUCCESS, GVCP_DISCOVERY_ACK, id, sizeof(wire));
	if (size > 0)
		memcpy(out + GVCP_HEADER_BYTES, &wire, sizeof(wire));
	return size;
}

const char *sp_gvcp_status_name(uint16_t status)
{
	static const struct {
		uint16_t status;
		const char *name;
	} table[] = {
		{ GVCP_SUCCESS, "SUCCESS" },
		{ GVCP_PACKET_RESENT, "PACKET_RESENT" },
		{ GVCP_NOT_IMPLEMENTED, "NOT_IMPLEMENTED" },
		{ GVCP_INVALID_PARAMETER, "INVALID_PARAMETER" },
		{ GVCP_INVALID_ADDRESS, "INVALID_ADDRESS" },
		{ GVCP_WRITE_PROTECT, "WRITE_PROTECT" },
		{ GVCP_BAD_ALIGNMENT, "BAD_ALIGNMENT" },
		{ GVCP_ACCESS_DENIED, "ACCESS_DENIED" },
		{ GVCP_BUSY, "BUSY" },
		{ GVCP_PACKET_UNAVAILABLE, "PACKET_UNAVAILABLE" },
		{ GVCP_DATA_OVERRUN, "DATA_OVERRUN" },
		{ GVCP_INVALID_HEADER, "INVALID_HEADER" },
		{ GVCP_PACKET_NOT_YET_AVAILABLE, "PACKET_NOT_YET_AVAILABLE" },
		{ GVCP_PACKET_AND_PREVIOUS_REMOVED, "PACKET_AND_PREVIOUS_REMOVED" },
		{ GVCP_PACKET_REMOVED, "PACKET_REMOVED" },
		{ GVCP_NO_REFERENCE_TIME, "NO_REFERENCE_TIME" },
		{ GVCP_PACKET_TEMPORARILY_UNAVAILABLE, "PACKET_TEMPORARILY_UNAVAILABLE" },
		{ GVCP_OVERFLOW, "OVERFLOW" },
		{ GVCP_ACTION_LATE, "ACTION_LATE" },
		{ GVCP_LEADER_TRAILER_OVERFLOW, "LEADER_TRAILER_OVERFLOW" },
		{ GVCP_ERROR, "ERROR" },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i].status == status)
			return table[i].name;
	return "status";
}
