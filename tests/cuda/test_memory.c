/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Regions that the device sees, arenas that are dealt out, and what is said where there is too
 * little.
 */
#include "cuda/memory.h"

#include <errno.h>
#include <sys/mman.h>

#include "base/diag.h"
#include "base/region.h"
#include "cuda/check.h"
#include "card.h"
#include "test.h"

enum { REGION = 1 << 16 };

static struct sp_region region_of(size_t size)
{
	struct sp_region region = { .size = size };

	region.base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(region.base != MAP_FAILED);
	return region;
}

TEST(a_region_is_seen_until_it_is_forgotten)
{
	static struct sp_regions regions;
	struct sp_region first = region_of(REGION), second = region_of(2 * REGION);
	uint8_t back[4];
	struct sp_err err;

	CHECK(!sp_regions_find(&regions, &first));
	if (sp_regions_add(&regions, &first, &err) || sp_regions_add(&regions, &second, &err))
		FAIL("%s", err.text);
	CHECK(sp_regions_find(&regions, &first) && sp_regions_find(&regions, &second));
	/* The device reads what the host has written there. */
	memcpy(first.base + 100, "1234", 4);
	CHECK_EQ(cudaMemcpy(back, sp_regions_find(&regions, &first) + 100, 4, cudaMemcpyDefault),
		 cudaSuccess);
	CHECK(!memcmp(back, "1234", 4));
	sp_regions_forget(&regions, &first);
	CHECK(!sp_regions_find(&regions, &first));
	CHECK(sp_regions_find(&regions, &second));
	/* It can be had again, and what was never added is no matter. */
	sp_regions_forget(&regions, &first);
	CHECK_EQ(sp_regions_add(&regions, &first, &err), 0);
	sp_regions_uninit(&regions);
	CHECK_EQ(regions.n, 0);
	munmap(first.base, first.size);
	munmap(second.base, second.size);
}

TEST(more_regions_than_fit_are_refused)
{
	static struct sp_regions regions;
	static struct sp_region all[SP_REGIONS_MAX + 1];
	struct sp_err err = { "" };

	for (unsigned int i = 0; i <= SP_REGIONS_MAX; i++)
		all[i] = region_of(4096);
	for (unsigned int i = 0; i < SP_REGIONS_MAX; i++)
		CHECK_EQ(sp_regions_add(&regions, &all[i], &err), 0);
	CHECK_EQ(sp_regions_add(&regions, &all[SP_REGIONS_MAX], &err), -ENOSPC);
	CHECK(strstr(err.text, "64 regions"));
	sp_regions_uninit(&regions);
	for (unsigned int i = 0; i <= SP_REGIONS_MAX; i++)
		munmap(all[i].base, all[i].size);
}

TEST(an_arena_deals_out_aligned_pieces_until_it_is_full)
{
	static const size_t sizes[] = { 1, 255, 256, 257, 0, 1000 };

	for (int pinned = 0; pinned < 2; pinned++) {
		struct sp_device_arena arena;
		struct sp_err err;
		uint8_t *last = NULL;

		if (sp_device_arena_init(&arena, 4096, pinned, &err))
			FAIL("%s", err.text);
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			uint8_t *at = sp_device_arena_take(&arena, sizes[i]);

			CHECK(at);
			CHECK_EQ((uintptr_t)at % SP_ARENA_ALIGN, 0);
			CHECK(!last || at >= last + sizes[i - 1]);
			last = at;
		}
		/* 256 + 256 + 256 + 512 + 0 + 1024 are taken. */
		CHECK(!sp_device_arena_take(&arena, 4096 - 2304 + 1));
		CHECK(sp_device_arena_take(&arena, 4096 - 2304));
		CHECK(!sp_device_arena_take(&arena, 1));
		sp_device_arena_uninit(&arena);
		CHECK(!arena.base && !arena.size);
	}
}

TEST(the_device_sees_a_pinned_arena)
{
	struct sp_device_arena arena;
	struct sp_err err;
	uint32_t *host, back = 0;

	if (sp_device_arena_init(&arena, 1024, 1, &err))
		FAIL("%s", err.text);
	host = sp_device_arena_take(&arena, 300);
	host = sp_device_arena_take(&arena, 300);
	CHECK_EQ(host[7], 0);
	host[7] = 4711;
	CHECK_EQ(cudaMemcpy(&back, (uint32_t *)sp_device_arena_seen(&arena, host) + 7, 4,
			    cudaMemcpyDefault),
		 cudaSuccess);
	CHECK_EQ(back, 4711);
	sp_device_arena_uninit(&arena);
}

TEST(an_arena_is_erased_with_all_that_was_in_it)
{
	static const uint8_t nothing[600];
	uint8_t bytes[600];

	for (int pinned = 0; pinned < 2; pinned++) {
		struct sp_device_arena arena;
		struct sp_err err;

		if (sp_device_arena_init(&arena, sizeof(bytes), pinned, &err))
			FAIL("%s", err.text);
		memset(bytes, 7, sizeof(bytes));
		CHECK_EQ(cudaMemcpy(arena.base, bytes, sizeof(bytes), cudaMemcpyDefault),
			 cudaSuccess);
		sp_device_arena_erase(&arena);
		CHECK_EQ(cudaMemcpy(bytes, arena.base, sizeof(bytes), cudaMemcpyDefault),
			 cudaSuccess);
		CHECK(!memcmp(bytes, nothing, sizeof(bytes)));
		sp_device_arena_uninit(&arena);
	}
}

/* And the next call does not hear of it. */
TEST(too_little_memory_is_told_with_both_figures)
{
	struct sp_device_arena arena;
	struct sp_err err = { "" };
	size_t free_bytes, all;

	CHECK_EQ(cudaMemGetInfo(&free_bytes, &all), cudaSuccess);
	CHECK_EQ(sp_device_arena_init(&arena, all + (1 << 20), 0, &err), -ENOMEM);
	CHECK(!arena.base && !arena.size);
	if (!strstr(err.text, "needs ") || !strstr(err.text, " free; ") || strchr(err.text, '\n'))
		FAIL("the message is \"%s\"", err.text);
	CHECK_EQ(cudaGetLastError(), cudaSuccess);
	CHECK_EQ(sp_device_arena_init(&arena, 1024, 0, &err), 0);
	sp_device_arena_uninit(&arena);
}

TEST_MAIN()
