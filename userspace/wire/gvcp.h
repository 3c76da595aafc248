/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GVCP messages: bytes to host-order values and back. Nothing else looks at the bytes.
 *
 * Every parser takes a whole UDP payload, trusts no length in it, and leaves its result untouched
 * when it fails. Every builder writes at most GVCP_MESSAGE_MAX bytes and returns how many, or
 * -ENOSPC if @room is too small, -EINVAL if a value does not fit the message.
 */
#ifndef SP_WIRE_GVCP_H
#define SP_WIRE_GVCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sallyport/gvcp.h>

struct sp_gvcp_write {
	uint32_t address, value;
};

/* Ask for packets @first … @last of a block again. */
struct sp_gvcp_resend {
	uint16_t channel;
	bool extended; /* 64-bit block and 32-bit packet ids */
	uint64_t block;
	uint32_t first, last; /* inclusive; GVCP_RESEND_TO_END[_EXTENDED]: to the trailer */
};

struct sp_gvcp_force_ip {
	uint8_t mac[6];
	uint32_t ip, mask, gateway;
};

struct sp_gvcp_action {
	uint32_t device_key, group_key, group_mask;
	bool scheduled;
	uint64_t when; /* device ticks, if scheduled */
};

/* One event; EVENT may carry more behind it, EVENTDATA its data. */
struct sp_gvcp_event {
	bool extended;
	uint16_t event, channel;
	uint64_t block, timestamp;
	const uint8_t *data; /* what follows the event, inside the parsed bytes */
	uint16_t data_bytes;
};

struct sp_gvcp_command {
	uint16_t code, id;
	uint8_t flags;
	/*
	 * GVCP_SUCCESS, or what a device answers because the code is unknown or the payload is
	 * malformed; then the union below holds nothing.
	 */
	uint16_t refusal;
	union {
		struct {
			unsigned int n;
			uint32_t address[GVCP_READ_REGISTERS_MAX];
		} read_registers;
		struct {
			unsigned int n;
			struct sp_gvcp_write write[GVCP_WRITE_REGISTERS_MAX];
		} write_registers;
		struct {
			uint32_t address;
			uint16_t count; /* multiple of 4, ≤ GVCP_MEMORY_MAX */
		} read_memory;
		struct {
			uint32_t address;
			uint16_t count;
			const uint8_t *bytes; /* inside the parsed bytes */
		} write_memory;
		struct sp_gvcp_resend resend;
		struct sp_gvcp_force_ip force_ip;
		struct sp_gvcp_action action;
		struct sp_gvcp_event event;
	};
};

/*
 * A command, as the device hears it (or the host, for events). 0, or -EBADMSG if the bytes are no
 * GVCP command at all and deserve no answer. The id may be 0: nobody should send that, but
 * libaravis does where it looks for a camera by its address.
 */
int sp_gvcp_parse_command(const uint8_t *bytes, size_t size, struct sp_gvcp_command *ret);

struct sp_gvcp_discovery {
	uint16_t version_major, version_minor;
	uint32_t device_mode;
	uint8_t mac[6];
	uint32_t ip_supported, ip_current;
	uint32_t ip, mask, gateway;
	char manufacturer[33], model[33], device_version[33], manufacturer_info[49];
	char serial[17], user_name[17];
};

struct sp_gvcp_ack {
	uint16_t status, code, id;
	union { /* by code, and only if @status is no error */
		struct {
			unsigned int n;
			uint32_t value[GVCP_READ_REGISTERS_MAX];
		} registers; /* READREG */
		uint16_t index; /* WRITEREG, WRITEMEM: how much was done, also with an error */
		struct {
			uint32_t address;
			uint16_t count;
			const uint8_t *bytes; /* inside the parsed bytes */
		} memory; /* READMEM */
		uint16_t pending_ms; /* PENDING_ACK */
		struct sp_gvcp_discovery discovery;
	};
};

/* An acknowledge, as the host hears it. 0, or -EBADMSG. Unknown codes pass, with an empty union. */
int sp_gvcp_parse_ack(const uint8_t *bytes, size_t size, struct sp_gvcp_ack *ret);

/* ---- commands: @id ≥ 1; all ask for an acknowledge but the resend ---------------------------- */
int sp_gvcp_build_discovery(uint8_t *out, size_t room, uint16_t id);
int sp_gvcp_build_read_registers(uint8_t *out, size_t room, uint16_t id, const uint32_t *addresses,
				 unsigned int n);
int sp_gvcp_build_write_registers(uint8_t *out, size_t room, uint16_t id,
				  const struct sp_gvcp_write *writes, unsigned int n);
int sp_gvcp_build_read_memory(uint8_t *out, size_t room, uint16_t id, uint32_t address,
			      uint16_t count);
int sp_gvcp_build_write_memory(uint8_t *out, size_t room, uint16_t id, uint32_t address,
			       const uint8_t *bytes, uint16_t count);
/* Standard form: block ≤ 0xFFFF and packet ids ≤ 0xFFFFFF, else -EINVAL. No acknowledge asked. */
int sp_gvcp_build_resend(uint8_t *out, size_t room, uint16_t id,
			 const struct sp_gvcp_resend *resend);
int sp_gvcp_build_force_ip(uint8_t *out, size_t room, uint16_t id,
			   const struct sp_gvcp_force_ip *force_ip);
int sp_gvcp_build_action(uint8_t *out, size_t room, uint16_t id,
			 const struct sp_gvcp_action *action);

/* ---- acknowledges ---------------------------------------------------------------------------- */
/* Without payload: refused reads, and answers to FORCEIP, EVENT, ACTION, PACKETRESEND. */
int sp_gvcp_build_ack(uint8_t *out, size_t room, uint16_t status, uint16_t code, uint16_t id);
int sp_gvcp_build_registers_ack(uint8_t *out, size_t room, uint16_t id, const uint32_t *values,
				unsigned int n);
/* WRITEREG_ACK, WRITEMEM_ACK (@index: how much was done) and PENDING_ACK (@index: milliseconds). */
int sp_gvcp_build_index_ack(uint8_t *out, size_t room, uint16_t status, uint16_t code, uint16_t id,
			    uint16_t index);
int sp_gvcp_build_memory_ack(uint8_t *out, size_t room, uint16_t id, uint32_t address,
			     const uint8_t *bytes, uint16_t count);
/* Longer texts are cut to their fields. */
int sp_gvcp_build_discovery_ack(uint8_t *out, size_t room, uint16_t id,
				const struct sp_gvcp_discovery *discovery);

/* "WRITE_PROTECT" and so on; "status" for one without a name. */
const char *sp_gvcp_status_name(uint16_t status);

#endif
