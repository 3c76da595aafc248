/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/buffers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"

int sp_packet_buffers_init(struct sp_packet_buffers *buffers, uint32_t total, uint32_t payload,
			   struct sp_err *err)
{
	int error;

	memset(buffers, 0, sizeof(*buffers));
	if (!total || total > SP_PACKET_BUFFERS_MAX)
		return sp_err_set(err, -EINVAL, "%u packet buffers; 1 to %d are possible", total,
				  SP_PACKET_BUFFERS_MAX);
	if (!payload || payload > SP_PACKET_PAYLOAD_MAX)
		return sp_err_set(err, -EINVAL, "packet buffers of %u bytes; 1 to %d are possible",
				  payload, SP_PACKET_PAYLOAD_MAX);
	buffers->total = total;
	buffers->payload = payload;
	buffers->stride = (SP_PACKET_HEADROOM + payload + 63) / 64 * 64;
	buffers->stack = malloc(total * sizeof(*buffers->stack));
	if (!buffers->stack)
		return sp_err_set(err, -ENOMEM, "no memory for %u packet buffers; ask for fewer",
				  total);
	error = sp_region_init(&buffers->region, (size_t)total * buffers->stride, err);
	if (error) {
		free(buffers->stack);
		return error;
	}
	/* The first to be taken is the first in memory. */
	for (uint32_t i = 0; i < total; i++)
		buffers->stack[i] = total - 1 - i;
	buffers->free = total;
	return 0;
}

void sp_packet_buffers_uninit(struct sp_packet_buffers *buffers)
{
	sp_region_uninit(&buffers->region);
	free(buffers->stack);
	buffers->stack = NULL;
}
