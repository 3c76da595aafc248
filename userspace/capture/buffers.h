/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A packet source's buffers: equal pieces of one region, and a stack of the free ones. For the
 * capture thread alone.
 *
 * A buffer begins with a headroom that the source uses as it likes; the UDP payload follows at
 * SP_PACKET_HEADROOM. Buffers lie at multiples of 64 bytes, so that the pixels behind a standard
 * 8-byte GVSP header begin on a cache line.
 */
#ifndef SP_CAPTURE_BUFFERS_H
#define SP_CAPTURE_BUFFERS_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/region.h"

enum {
	SP_PACKET_HEADROOM = 56,	 /* bytes */
	SP_PACKET_PAYLOAD_MAX = 65507,	 /* bytes: the largest UDP payload over IPv4 */
	SP_PACKET_BUFFERS_MAX = 1 << 24, /* of one source */
};

struct sp_packet_buffers {
	struct sp_region region;
	uint32_t total;
	uint32_t stride;  /* bytes from one buffer to the next */
	uint32_t payload; /* largest UDP payload, bytes */
	uint32_t free;
	uint32_t *stack; /* [total] indices of the free buffers are below `free` */
	bool starved;	 /* wanted while none was free, and none has come back since */
};

/*
 * @total buffers for payloads of up to @payload bytes. 0, or -EINVAL or -ENOMEM with @err filled,
 * the text beginning with the problem (the caller puts its place before it).
 */
int sp_packet_buffers_init(struct sp_packet_buffers *buffers, uint32_t total, uint32_t payload,
			   struct sp_err *err);
void sp_packet_buffers_uninit(struct sp_packet_buffers *buffers);

/* Bytes from the region's base. */
static inline uint64_t sp_packet_buffers_offset(const struct sp_packet_buffers *buffers,
						uint32_t index)
{
	return (uint64_t)index * buffers->stride;
}

static inline uint8_t *sp_packet_buffers_at(const struct sp_packet_buffers *buffers, uint32_t index)
{
	return buffers->region.base + sp_packet_buffers_offset(buffers, index);
}

/* Only while `free` is not 0. */
static inline uint32_t sp_packet_buffers_take(struct sp_packet_buffers *buffers)
{
	return buffers->stack[--buffers->free];
}

static inline void sp_packet_buffers_give(struct sp_packet_buffers *buffers, uint32_t index)
{
	assert(index < buffers->total && buffers->free < buffers->total);
	buffers->stack[buffers->free++] = index;
	buffers->starved = false;
}

/* True once each time that the buffers run out, for the counter. */
static inline bool sp_packet_buffers_starve(struct sp_packet_buffers *buffers)
{
	bool first = !buffers->starved;

	buffers->starved = true;
	return first;
}

#endif
