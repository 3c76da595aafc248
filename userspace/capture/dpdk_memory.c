/* SPDX-License-Identifier: Apache-2.0 */
/* A queue's memory: the region, registered with EAL and the device, as the data of its mbufs. */
#include "capture/dpdk.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_memory.h>

#include "base/diag.h"

enum {
	/* Cards count receive buffers in KiB, rounding down: a frame must fit even so. */
	ROOM_UNIT = 1024,
	/* Headers of a frame with two VLAN tags, and a checksum that some cards leave. */
	FRAME_EXTRA = SP_DPDK_HEADERS + 8 + 4,
	USUAL_PAYLOAD = 1472,
	HEADER_ROOM = 128, /* of a split-off header, bytes */
	/* An mbuf, its shared information, the pool's header and a place in its ring. */
	MBUF_BYTES = 384,
};

static size_t round_up(size_t size, size_t to)
{
	return (size + to - 1) / to * to;
}

size_t sp_dpdk_memory_need(uint32_t buffers)
{
	return (size_t)buffers * (MBUF_BYTES + MBUF_BYTES + RTE_PKTMBUF_HEADROOM + HEADER_ROOM);
}

/* EAL learns of the region, and the card's IOMMU lets the card write there. */
static int register_region(struct sp_dpdk_memory *memory, struct sp_err *err)
{
	struct sp_region *region = &memory->region;

	if (rte_extmem_register(region->base, region->size, NULL, 0, region->page_size))
		return sp_err_set(err, -rte_errno,
				  "cannot register %zu MiB with EAL: %s; ask for fewer "
				  "buffers",
				  region->size >> 20, rte_strerror(rte_errno));
	memory->registered = true;
	if (!rte_dev_dma_map(memory->device, region->base, (uint64_t)region->base, region->size))
		memory->mapped = true;
	else if (rte_errno != ENOTSUP)
		return sp_err_set(
			err, -rte_errno,
			"the card may not write to %zu MiB of memory: %s; raise "
			"RLIMIT_MEMLOCK, ask for fewer buffers, or see that the IOMMU has "
			"48 address bits",
			region->size >> 20, rte_strerror(rte_errno));
	return 0;
}

static int create_pools(struct sp_dpdk_memory *memory, const char *id,
			const struct sp_dpdk_layout *layout, uint32_t first, uint16_t room,
			struct sp_err *err)
{
	const struct rte_pktmbuf_extmem extmem = {
		.buf_ptr = memory->region.base + first,
		.buf_iova = (rte_iova_t)(memory->region.base + first),
		.buf_len = memory->region.size - first,
		.elt_size = room,
	};
	char name[RTE_MEMPOOL_NAMESIZE];

	snprintf(name, sizeof(name), "sp_%s", id);
	memory->payload = rte_pktmbuf_pool_create_extbuf(name, layout->buffers, SP_DPDK_CACHE, 0,
							 room, SOCKET_ID_ANY, &extmem, 1);
	if (memory->payload && layout->split) {
		snprintf(name, sizeof(name), "sp_%s_h", id);
		memory->headers = rte_pktmbuf_pool_create(name, layout->buffers, SP_DPDK_CACHE, 0,
							  RTE_PKTMBUF_HEADROOM + HEADER_ROOM,
							  SOCKET_ID_ANY);
	}
	if (!memory->payload || (layout->split && !memory->headers))
		return sp_err_set(
			err, -rte_errno,
			"no EAL memory for %u mbufs: %s; ask for fewer buffers, or for more "
			"with the EAL argument -m MIB",
			layout->buffers, rte_strerror(rte_errno));
	return 0;
}

/* Of one buffer, bytes. Never less than a frame of the usual MTU, which any card may bring. */
static size_t room_of(const struct sp_dpdk_layout *layout)
{
	size_t data = RTE_MAX(layout->payload, (uint32_t)USUAL_PAYLOAD) + FRAME_EXTRA;

	data = round_up(RTE_MAX(data, (size_t)layout->room), ROOM_UNIT);
	return round_up(RTE_PKTMBUF_HEADROOM + data, RTE_CACHE_LINE_SIZE);
}

int sp_dpdk_memory_init(struct sp_dpdk_memory *memory, const char *id, struct rte_device *device,
			const struct sp_dpdk_layout *layout, struct sp_err *err)
{
	size_t room = room_of(layout);
	/* Buffers begin so far into a cache line that pixels begin one. */
	uint32_t first = -(uint32_t)(RTE_PKTMBUF_HEADROOM + layout->before_pixels) %
			 RTE_CACHE_LINE_SIZE;
	int error;

	memset(memory, 0, sizeof(*memory));
	memory->device = device;
	error = sp_region_init(&memory->region, first + layout->buffers * room, err);
	if (error)
		return error;
	error = register_region(memory, err);
	if (!error)
		error = create_pools(memory, id, layout, first, (uint16_t)room, err);
	if (error)
		sp_dpdk_memory_uninit(memory);
	return error;
}

void sp_dpdk_memory_uninit(struct sp_dpdk_memory *memory)
{
	struct sp_region *region = &memory->region;

	rte_mempool_free(memory->headers);
	rte_mempool_free(memory->payload);
	if (memory->mapped)
		rte_dev_dma_unmap(memory->device, region->base, (uint64_t)region->base,
				  region->size);
	if (memory->registered)
		rte_extmem_unregister(region->base, region->size);
	sp_region_uninit(region);
	memset(memory, 0, sizeof(*memory));
}
