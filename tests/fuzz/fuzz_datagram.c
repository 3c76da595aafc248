/* SPDX-License-Identifier: Apache-2.0 */
/* The first byte is the link type, the second how much longer the packet was on the wire. */
#include "capture/datagram.h"

#include <stddef.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sp_datagram datagram = { 0 };
	uint32_t captured, sum = 0;

	if (size < 2 || size > 70000)
		return 0;
	captured = (uint32_t)size - 2;
	if (sp_datagram_parse((enum sp_link)(data[0] % (SP_LINK_LOOP + 1)), data + 2, captured,
			      captured + data[1], &datagram) != SP_DATAGRAM_UDP)
		return 0;
	/* The promise: the payload lies inside the captured bytes. */
	if (datagram.payload > captured || datagram.length > captured - datagram.payload)
		abort();
	for (uint32_t i = 0; i < datagram.length; i++)
		sum += data[2 + datagram.payload + i];
	return (int)(sum & 0);
}
