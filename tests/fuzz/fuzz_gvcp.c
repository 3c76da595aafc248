/* SPDX-License-Identifier: Apache-2.0 */
/* Commands and acknowledges of any bytes; what parses is built again and must parse to the same. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "wire/gvcp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(int condition)
{
	if (!condition)
		abort();
}

static int rebuild(const struct sp_gvcp_command *c, uint8_t *out, size_t room)
{
	switch (c->code) {
	case GVCP_READREG:
		return sp_gvcp_build_read_registers(out, room, c->id, c->read_registers.address,
						    c->read_registers.n);
	case GVCP_WRITEREG:
		return sp_gvcp_build_write_registers(out, room, c->id, c->write_registers.write,
						     c->write_registers.n);
	case GVCP_READMEM:
		return sp_gvcp_build_read_memory(out, room, c->id, c->read_memory.address,
						 c->read_memory.count);
	case GVCP_WRITEMEM:
		return sp_gvcp_build_write_memory(out, room, c->id, c->write_memory.address,
						  c->write_memory.bytes, c->write_memory.count);
	case GVCP_PACKETRESEND:
		return sp_gvcp_build_resend(out, room, c->id, &c->resend);
	case GVCP_FORCEIP:
		return sp_gvcp_build_force_ip(out, room, c->id, &c->force_ip);
	case GVCP_ACTION:
		return sp_gvcp_build_action(out, room, c->id, &c->action);
	default:
		return 0;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sp_gvcp_command c, again;
	struct sp_gvcp_ack ack;
	uint8_t out[GVCP_MESSAGE_MAX];
	volatile uint8_t last;
	int n;

	if (!sp_gvcp_parse_command(data, size, &c) && !c.refusal) {
		if (c.code == GVCP_WRITEMEM)
			last = c.write_memory.bytes[c.write_memory.count - 1];
		if (c.code == GVCP_EVENT && c.event.data_bytes)
			last = c.event.data[c.event.data_bytes - 1];
		n = rebuild(&c, out, sizeof(out));
		/* Heard with the id 0, but not sent. */
		if (!c.id) {
			demand(!n || n == -EINVAL);
		} else if (n) {
			demand(n > 0);
			demand(!sp_gvcp_parse_command(out, (size_t)n, &again));
			demand(!again.refusal && again.code == c.code && again.id == c.id);
		}
	}
	if (!sp_gvcp_parse_ack(data, size, &ack) && ack.code == GVCP_READMEM_ACK &&
	    !(ack.status & GVCP_STATUS_ERROR_BIT) && ack.memory.count)
		last = ack.memory.bytes[ack.memory.count - 1];
	(void)last;
	return 0;
}
