/* SPDX-License-Identifier: Apache-2.0 */
#include "block.h"

#include <string.h>
#include <sys/mman.h>

#include "chance.h"
#include "thread.h"
#include "trap.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#endif

enum {
	SHARED_ROOM = 256 << 10, /* more than any device has */
	SHARED_ALIGN = 128,
	SHARED_GUARD = 64 << 10,
	/* Arrays of all kernels together: up to so many bytes they are filled before each block. */
	ARRAYS_OFTEN = 32 << 10,
};
static const unsigned char unset = 0xff; /* of floats: a NaN */
#ifndef __SANITIZE_ADDRESS__
static const unsigned char canary = 0xa5;
#endif

uint8_t *sp_emulator_shared;
static uint8_t *room;

/* What kernels declare with __shared__ (emulator_dialect.h), of all of them. */
extern uint8_t arrays_begin[] __asm__("__start_sp_emulator_shared_arrays")
	__attribute__((weak, visibility("hidden")));
extern uint8_t arrays_end[] __asm__("__stop_sp_emulator_shared_arrays")
	__attribute__((weak, visibility("hidden")));

static void make_room(void)
{
	uint8_t *memory = mmap(NULL, SHARED_ROOM + 2 * SHARED_GUARD, PROT_NONE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory == MAP_FAILED ||
	    mprotect(memory + SHARED_GUARD, SHARED_ROOM, PROT_READ | PROT_WRITE))
		sp_emulator_fault("no room for shared memory");
	room = memory + SHARED_GUARD;
}

/* At the end of the room, so that what lies beyond it is a guard. */
static void place_shared(size_t size)
{
	uint8_t *end = room + SHARED_ROOM;

	sp_emulator_shared = end - (size + SHARED_ALIGN - 1) / SHARED_ALIGN * SHARED_ALIGN;
#ifdef __SANITIZE_ADDRESS__
	__asan_poison_memory_region(room, SHARED_ROOM);
	__asan_unpoison_memory_region(sp_emulator_shared, size);
#else
	memset(sp_emulator_shared - SHARED_ALIGN, canary, SHARED_ALIGN);
	memset(sp_emulator_shared + size, canary, (size_t)(end - sp_emulator_shared) - size);
#endif
}

static void check_shared(size_t size)
{
#ifdef __SANITIZE_ADDRESS__
	(void)size;
#else
	const uint8_t *end = room + SHARED_ROOM;

	for (const uint8_t *at = sp_emulator_shared + size; at < end; at++)
		if (*at != canary)
			sp_emulator_fault("byte %zu of shared memory was written, the launch asked "
					  "for %zu",
					  (size_t)(at - sp_emulator_shared), size);
	for (const uint8_t *at = sp_emulator_shared - SHARED_ALIGN; at < sp_emulator_shared; at++)
		if (*at != canary)
			sp_emulator_fault("shared memory was written %zu bytes before its begin",
					  (size_t)(sp_emulator_shared - at));
#endif
}

static void fill_arrays(bool first)
{
	size_t size = (size_t)(arrays_end - arrays_begin);

	if (size && (first || size <= ARRAYS_OFTEN || !sp_chance(16)))
		memset(arrays_begin, unset, size);
}

static void begin_async(void)
{
	sp_block.async_early = !sp_chance(4);
	if (!sp_block.async_used)
		return;
	for (uint32_t i = 0; i < SP_BLOCK_THREADS_MAX && sp_block.threads[i]; i++) {
		sp_block.threads[i]->copies_n = 0;
		sp_block.threads[i]->group = 0;
	}
	sp_block.async_used = false;
}

static uint64_t common_divisor(uint64_t a, uint64_t b)
{
	while (b) {
		uint64_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

void sp_emulator_run(const struct sp_emulator_launch *launch)
{
	struct sp_emulator_index blocks = launch->blocks;
	uint64_t n = (uint64_t)blocks.x * blocks.y * blocks.z;
	uint64_t begin = sp_chance((uint32_t)n), step;

	if (!room)
		make_room();
	sp_trap_install();
	/* begin + i × step modulo n takes every block once. */
	do
		step = 1 + sp_chance((uint32_t)n);
	while (common_divisor(step, n) != 1);
	sp_block.launch = launch;
	sp_emulator_place.threads = launch->threads;
	sp_emulator_place.blocks = blocks;
	place_shared(launch->shared);
	for (uint64_t i = 0; i < n; i++) {
		uint64_t at = (begin + i * step) % n;

		sp_emulator_place.block = (struct sp_emulator_index){
			(uint32_t)(at % blocks.x),
			(uint32_t)(at / blocks.x % blocks.y),
			(uint32_t)(at / blocks.x / blocks.y),
		};
		memset(sp_emulator_shared, unset, launch->shared);
		fill_arrays(!i);
		begin_async();
		sp_threads_begin(launch->threads);
		sp_threads_run();
		check_shared(launch->shared);
	}
	sp_block.launch = NULL;
}
