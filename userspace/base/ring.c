/* SPDX-License-Identifier: Apache-2.0 */
#include "base/ring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int sp_ring_init(struct sp_ring *ring, uint32_t capacity)
{
	uint32_t size = 1;

	if (!capacity || capacity > 1u << 30)
		return -EINVAL;
	while (size < capacity)
		size <<= 1;
	memset(ring, 0, sizeof(*ring));
	ring->slots = calloc(size, sizeof(*ring->slots));
	if (!ring->slots)
		return -ENOMEM;
	ring->mask = size - 1;
	return 0;
}

void sp_ring_uninit(struct sp_ring *ring)
{
	free(ring->slots);
	ring->slots = NULL;
}
