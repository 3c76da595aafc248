/* SPDX-License-Identifier: Apache-2.0 */
/* One piece of memory shared by what never lives at the same time. Pure. */
#ifndef SP_INFER_CPU_ARENA_H
#define SP_INFER_CPU_ARENA_H

#include <stddef.h>
#include <stdint.h>

struct sp_lease {
	size_t size; /* bytes */
	uint32_t first, last; /* steps or events between which it lives, both included */
	size_t offset; /* bytes; set by sp_arena_place */
};

/*
 * Places @n leases, largest first, each at the lowest place where nothing that lives at the same
 * time lies. @order: room for n numbers. Returns the bytes needed.
 */
size_t sp_arena_place(struct sp_lease *leases, uint32_t *order, uint32_t n);

#endif
