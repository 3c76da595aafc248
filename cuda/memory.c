/* SPDX-License-Identifier: Apache-2.0 */
#include "cuda/memory.h"

#include <errno.h>
#include <string.h>

#include "base/diag.h"
#include "base/region.h"
#include "cuda/check.h"

enum { MIB = 1 << 20 };

static size_t mib(size_t bytes)
{
	return (bytes + MIB - 1) / MIB;
}

/* ---- regions --------------------------------------------------------------------------------- */

static int map(const struct sp_region *region, const uint8_t **ret_device, struct sp_err *err)
{
	void *device = NULL;
	int rc = SP_CUDA(err, cudaHostRegister(region->base, region->size,
					       cudaHostRegisterPortable | cudaHostRegisterMapped));

	if (rc)
		return rc;
	rc = SP_CUDA(err, cudaHostGetDevicePointer(&device, region->base, 0));
	if (rc) {
		(void)SP_CUDA(NULL, cudaHostUnregister(region->base));
		return rc;
	}
	*ret_device = device;
	return 0;
}

int sp_regions_add(struct sp_regions *regions, const struct sp_region *region, struct sp_err *err)
{
	const uint8_t *device;
	int rc;

	if (regions->n == SP_REGIONS_MAX)
		return sp_err_set(err, -ENOSPC, "inference: more than %d regions of packets",
				  SP_REGIONS_MAX);
	rc = map(region, &device, err);
	if (rc)
		return sp_err_prefix(err, rc, "inference: a region of %zu MiB for packets",
				     mib(region->size));
	regions->of[regions->n++] = (struct sp_mapped_region){ region, region->base, device };
	return 0;
}

const uint8_t *sp_regions_find(const struct sp_regions *regions, const struct sp_region *region)
{
	for (unsigned int i = 0; i < regions->n; i++)
		if (regions->of[i].region == region)
			return regions->of[i].device;
	return NULL;
}

void sp_regions_forget(struct sp_regions *regions, const struct sp_region *region)
{
	for (unsigned int i = 0; i < regions->n; i++) {
		if (regions->of[i].region != region)
			continue;
		(void)SP_CUDA(NULL, cudaHostUnregister(regions->of[i].base));
		regions->of[i] = regions->of[--regions->n];
		return;
	}
}

void sp_regions_uninit(struct sp_regions *regions)
{
	while (regions->n)
		sp_regions_forget(regions, regions->of[0].region);
}

/* ---- arenas ---------------------------------------------------------------------------------- */

static int take_device(struct sp_device_arena *arena, size_t size, struct sp_err *err)
{
	size_t free_bytes = 0, all = 0;
	void *at = NULL;
	int rc = SP_CUDA(err, cudaMalloc(&at, size));

	arena->base = arena->device = at;
	/* Another error would hide how much there is; that it cannot be asked is no news then. */
	if (rc != -ENOMEM || SP_CUDA(NULL, cudaMemGetInfo(&free_bytes, &all)))
		return rc;
	return sp_err_set(err, rc,
			  "needs %zu MiB of the device's memory, of which %zu MiB of %zu MiB are "
			  "free; take smaller batches or frames, or another device",
			  mib(size), free_bytes / MIB, all / MIB);
}

static int take_pinned(struct sp_device_arena *arena, size_t size, struct sp_err *err)
{
	void *at = NULL, *device = NULL;
	int rc = SP_CUDA(err,
			 cudaHostAlloc(&at, size, cudaHostAllocPortable | cudaHostAllocMapped));

	if (rc)
		return rc == -ENOMEM
			       ? sp_err_set(err, rc,
					    "needs %zu MiB of pinned memory, which the system "
					    "does not give; take smaller batches",
					    mib(size))
			       : rc;
	rc = SP_CUDA(err, cudaHostGetDevicePointer(&device, at, 0));
	if (rc) {
		(void)SP_CUDA(NULL, cudaFreeHost(at));
		return rc;
	}
	memset(at, 0, size);
	arena->base = at;
	arena->device = device;
	return 0;
}

int sp_device_arena_init(struct sp_device_arena *arena, size_t size, int pinned, struct sp_err *err)
{
	int rc;

	memset(arena, 0, sizeof(*arena));
	size = size ? size : SP_ARENA_ALIGN;
	rc = (pinned ? take_pinned : take_device)(arena, size, err);
	if (rc) {
		memset(arena, 0, sizeof(*arena));
		return rc;
	}
	arena->size = size;
	arena->pinned = pinned;
	return 0;
}

void sp_device_arena_erase(struct sp_device_arena *arena)
{
	if (arena->base && arena->pinned)
		explicit_bzero(arena->base, arena->size);
	else if (arena->base)
		(void)SP_CUDA(NULL, cudaMemset(arena->base, 0, arena->size));
}

void sp_device_arena_forget(struct sp_device_arena *arena)
{
	memset(arena, 0, sizeof(*arena));
}

void sp_device_arena_uninit(struct sp_device_arena *arena)
{
	sp_device_arena_erase(arena);
	if (arena->base && arena->pinned)
		(void)SP_CUDA(NULL, cudaFreeHost(arena->base));
	else if (arena->base)
		(void)SP_CUDA(NULL, cudaFree(arena->base));
	memset(arena, 0, sizeof(*arena));
}

void *sp_device_arena_take(struct sp_device_arena *arena, size_t size)
{
	size_t from = arena->used;

	if (size > arena->size || from > arena->size - size)
		return NULL;
	arena->used = from + (size + SP_ARENA_ALIGN - 1) / SP_ARENA_ALIGN * SP_ARENA_ALIGN;
	return arena->base + from;
}

void *sp_device_arena_seen(const struct sp_device_arena *arena, const void *host)
{
	return arena->device + ((const uint8_t *)host - arena->base);
}
