/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/cpu/arena.h"

#include <stdlib.h>
#include <string.h>

static int by_size(const void *a, const void *b, void *arg)
{
	const struct sp_lease *leases = arg;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	if (leases[x].size != leases[y].size)
		return leases[x].size < leases[y].size ? 1 : -1;
	return x < y ? -1 : x > y;
}

size_t sp_arena_place(struct sp_lease *leases, uint32_t *order, uint32_t n)
{
	size_t total = 0;
	uint32_t at;

	for (uint32_t i = 0; i < n; i++)
		order[i] = i;
	qsort_r(order, n, sizeof(*order), by_size, leases);
	/* order[0 … placed) is sorted by offset, the rest by size. */
	for (uint32_t placed = 0; placed < n; placed++) {
		uint32_t id = order[placed];
		struct sp_lease *lease = &leases[id];

		lease->offset = 0;
		for (at = 0; at < placed; at++) {
			const struct sp_lease *other = &leases[order[at]];

			if (other->last < lease->first || lease->last < other->first)
				continue;
			if (other->offset >= lease->offset + lease->size)
				break;
			if (lease->offset < other->offset + other->size)
				lease->offset = other->offset + other->size;
		}
		if (total < lease->offset + lease->size)
			total = lease->offset + lease->size;
		for (at = 0; at < placed && leases[order[at]].offset <= lease->offset; at++)
			;
		memmove(&order[at + 1], &order[at], (placed - at) * sizeof(*order));
		order[at] = id;
	}
	return total;
}
