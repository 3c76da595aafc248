/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory: regions that packets land in, registered so that the device reads them where they lie;
 * and arenas, of the device or pinned on the host, that are taken once and dealt out.
 */
#ifndef SP_CUDA_MEMORY_H
#define SP_CUDA_MEMORY_H

#include <stddef.h>
#include <stdint.h>

struct sp_err;
struct sp_region;

enum { SP_REGIONS_MAX = 64, SP_ARENA_ALIGN = 256 };

/* Where the device sees a region. */
struct sp_mapped_region {
	const struct sp_region *region;
	void *base; /* the region's: that may be another's by the time it is forgotten */
	const uint8_t *device;
};

struct sp_regions {
	struct sp_mapped_region of[SP_REGIONS_MAX];
	unsigned int n;
};

/* cudaHostRegister, portable and mapped. 0 or -errno with @err filled. */
int sp_regions_add(struct sp_regions *regions, const struct sp_region *region, struct sp_err *err);
/* NULL: it was never added. */
const uint8_t *sp_regions_find(const struct sp_regions *regions, const struct sp_region *region);
/* Nothing reads it any more. Of one that was never added nothing happens. */
void sp_regions_forget(struct sp_regions *regions, const struct sp_region *region);
void sp_regions_uninit(struct sp_regions *regions);

struct sp_device_arena {
	uint8_t *base; /* host's address if pinned, else the device's */
	size_t size, used;
	int pinned; /* mapped: the device sees it at the same offsets from `device` */
	uint8_t *device;
};

/* 0 or -errno with @err filled: "… needs N MiB, the device has M free; …". */
int sp_device_arena_init(struct sp_device_arena *arena, size_t size, int pinned,
			 struct sp_err *err);
/* Erases it first. */
void sp_device_arena_uninit(struct sp_device_arena *arena);
/* People's faces were there: zeros over them, on the device where that still works. */
void sp_device_arena_erase(struct sp_device_arena *arena);
/* In place of uninit: the device's context is gone, and this went with it. */
void sp_device_arena_forget(struct sp_device_arena *arena);

/* SP_ARENA_ALIGN-aligned, NULL if it is full. Of a pinned one: the host's address. */
void *sp_device_arena_take(struct sp_device_arena *arena, size_t size);
/* What the device calls @host of a pinned arena. */
void *sp_device_arena_seen(const struct sp_device_arena *arena, const void *host);

#endif
