/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A region: the memory that packets land in and that every stage reads where it lies.
 *
 * Taken once at start: hugepages if the system has them free, ordinary pages otherwise; locked as
 * far as RLIMIT_MEMLOCK allows, with one warning if it does not. Kept out of core dumps, since it
 * holds people's faces.
 */
#ifndef SP_BASE_REGION_H
#define SP_BASE_REGION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sp_err;

struct sp_region {
	uint8_t *base; /* page-aligned */
	size_t size;   /* bytes, a multiple of page_size */
	size_t page_size; /* bytes: of the pages in use */
	bool huge;
	bool locked;
};

/* At least @size bytes, zeroed. 0 or -errno with @err filled. */
int sp_region_init(struct sp_region *region, size_t size, struct sp_err *err);
void sp_region_uninit(struct sp_region *region);

/* Whether [offset, offset + len) lies inside; safe against wrap. */
static inline bool sp_region_holds(const struct sp_region *region, uint64_t offset, uint64_t len)
{
	return offset <= region->size && len <= region->size - offset;
}

#endif
