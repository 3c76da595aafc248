/* SPDX-License-Identifier: Apache-2.0 */
#include "device_memory.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "block.h"
#include "chance.h"
#include "queue.h"
#include "runtime.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#endif

#define RANGE_BYTES ((size_t)1 << 37) /* of addresses, hardly any of memory */
enum {
	ALIGN = 256,
	GUARD = 256, /* at least so many bytes after each piece of the device's */
	PAGE = 4096,
	/* Shutting costs time by the page: more than this is shut only now and then. */
	SHUT_BYTES = 4 << 20,
};
static const unsigned char unset = 0xff, canary = 0xa5;

enum piece_kind { DEVICE, PINNED, REGISTERED };

struct piece {
	enum piece_kind kind;
	uint8_t *at;
	size_t size;
	unsigned int flags;
	struct piece *next; /* of the device's: by address */
};

static struct piece *pieces;
static uint8_t *range; /* of the device's addresses */
static size_t used; /* bytes of it that may be touched when open */
static bool open;

bool sp_memory_is_device(const void *at, size_t size)
{
	const uint8_t *byte = at;

	return range && byte + size > range && byte < range + RANGE_BYTES;
}

static struct piece *find(const void *at, size_t size, bool device)
{
	const uint8_t *byte = at;

	for (struct piece *piece = pieces; piece; piece = piece->next)
		if ((piece->kind == DEVICE) == device && byte >= piece->at &&
		    byte + size <= piece->at + piece->size)
			return piece;
	return NULL;
}

bool sp_memory_of_device(const void *at, size_t size)
{
	return find(at, size, true);
}

bool sp_memory_of_host(const void *at, size_t size)
{
	return find(at, size, false);
}

struct sp_memory_alive sp_memory_alive(void)
{
	struct sp_memory_alive alive = { 0 };

	for (const struct piece *piece = pieces; piece; piece = piece->next) {
		alive.device += piece->kind == DEVICE;
		alive.device_bytes += piece->kind == DEVICE ? piece->size : 0;
		alive.pinned += piece->kind == PINNED;
		alive.registered += piece->kind == REGISTERED;
	}
	return alive;
}

/* ---- guards ---- */

/* Bytes to the next piece that can be. */
static size_t room_of(size_t size)
{
	return (size + ALIGN - 1) / ALIGN * ALIGN + GUARD;
}

static void guard(const struct piece *piece)
{
	uint8_t *end = piece->at + piece->size;
	size_t size = room_of(piece->size) - piece->size;

	memset(end, canary, size);
#ifdef __SANITIZE_ADDRESS__
	__asan_poison_memory_region(end, size);
#endif
}

static void unguard(uint8_t *at, size_t size)
{
#ifdef __SANITIZE_ADDRESS__
	__asan_unpoison_memory_region(at, size);
#else
	(void)at;
	(void)size;
#endif
}

/* The sanitizer says so itself, and where it happens. */
static void check_guards(void)
{
#ifndef __SANITIZE_ADDRESS__
	for (const struct piece *piece = pieces; piece; piece = piece->next) {
		const uint8_t *end = piece->at + piece->size;

		if (piece->kind != DEVICE)
			continue;
		for (size_t i = 0; i < room_of(piece->size) - piece->size; i++)
			if (end[i] != canary)
				sp_emulator_fault("something wrote %zu bytes behind %zu bytes of "
						  "device memory at %p",
						  i, piece->size, (void *)piece->at);
	}
#endif
}

void sp_memory_open(void)
{
	if (open)
		return;
	open = true;
	if (used && mprotect(range, used, PROT_READ | PROT_WRITE))
		sp_emulator_fault("cannot open the device's memory");
}

void sp_memory_shut(void)
{
	if (!open)
		return;
	check_guards();
	if (used > SHUT_BYTES && sp_chance((uint32_t)(used / SHUT_BYTES) + 1))
		return;
	open = false;
	if (used && mprotect(range, used, PROT_NONE))
		sp_emulator_fault("cannot shut the device's memory");
}

/* ---- the device's ---- */

/* The first gap that is large enough. */
static struct piece **place(size_t size, uint8_t **ret_at)
{
	struct piece **link = &pieces;
	uint8_t *at = range;

	while (*link) {
		struct piece *piece = *link;

		if (piece->kind == DEVICE) {
			if (at + room_of(size) <= piece->at)
				break;
			at = piece->at + room_of(piece->size);
		}
		link = &piece->next;
	}
	*ret_at = at;
	return link;
}

static struct piece *add(struct piece **link, enum piece_kind kind, void *at, size_t size)
{
	struct piece *piece = calloc(1, sizeof(*piece));

	if (!piece)
		sp_emulator_fault("no memory");
	piece->kind = kind;
	piece->at = at;
	piece->size = size;
	piece->next = *link;
	*link = piece;
	return piece;
}

static void *allocate(size_t size)
{
	struct piece **link;
	uint8_t *at;

	if (!range) {
		range = mmap(NULL, RANGE_BYTES, PROT_NONE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (range == MAP_FAILED)
			sp_emulator_fault("no addresses for the device's memory");
	}
	link = place(size, &at);
	if (at + room_of(size) > range + used) {
		size_t more = (size_t)(at - range) + room_of(size);

		used = (more + PAGE - 1) / PAGE * PAGE;
		open = false; /* what is new is not yet open */
	}
	sp_memory_open();
	unguard(at, room_of(size));
	memset(at, unset, size);
	guard(add(link, DEVICE, at, size));
	return at;
}

cudaError_t cudaMalloc(void **at, size_t size)
{
	cudaError_t status = sp_call_begin("cudaMalloc", SP_CALL_UNSAFE);

	if (status == cudaSuccess && !at)
		status = cudaErrorInvalidValue;
	if (status == cudaSuccess &&
	    (size > sp_runtime.device.memory ||
	     sp_memory_alive().device_bytes > sp_runtime.device.memory - size))
		status = cudaErrorMemoryAllocation;
	if (status == cudaSuccess)
		*at = size ? allocate(size) : NULL;
	return sp_call_end(status);
}

static void release(struct piece **link)
{
	struct piece *piece = *link;

	*link = piece->next;
	if (piece->kind == DEVICE) {
		uint8_t *first = (uint8_t *)(((uintptr_t)piece->at + PAGE - 1) / PAGE * PAGE);
		uint8_t *last = (uint8_t *)((uintptr_t)(piece->at + piece->size) / PAGE * PAGE);

		/* For whoever still reads it. */
		memset(piece->at, unset, piece->size);
		if (last > first)
			madvise(first, (size_t)(last - first), MADV_DONTNEED);
#ifdef __SANITIZE_ADDRESS__
		__asan_poison_memory_region(piece->at, piece->size);
#endif
	} else if (piece->kind == PINNED) {
#ifdef __SANITIZE_ADDRESS__
		free(piece->at);
#else
		munmap(piece->at, (piece->size + PAGE - 1) / PAGE * PAGE + PAGE);
#endif
	}
	free(piece);
}

static cudaError_t give_back(enum piece_kind kind, void *at, cudaError_t unknown)
{
	for (struct piece **link = &pieces; *link; link = &(*link)->next) {
		if ((*link)->kind != kind || (*link)->at != at)
			continue;
		sp_memory_open();
		check_guards();
		release(link);
		return cudaSuccess;
	}
	return unknown;
}

/* As a card does it: when all that was put into streams before is done. */
static cudaError_t give_back_later(enum piece_kind kind, void *at)
{
	cudaError_t status = at ? sp_queue_finish(NULL, NULL) : cudaSuccess;

	if (at && status == cudaSuccess)
		status = give_back(kind, at, cudaErrorInvalidValue);
	return status;
}

cudaError_t cudaFree(void *at)
{
	cudaError_t status = sp_call_begin("cudaFree", SP_CALL_RELEASE | SP_CALL_UNSAFE);

	if (status == cudaSuccess)
		status = give_back_later(DEVICE, at);
	return sp_call_end(status);
}

cudaError_t cudaMemGetInfo(size_t *free_bytes, size_t *total)
{
	cudaError_t status = sp_call_begin("cudaMemGetInfo", 0);

	if (status == cudaSuccess) {
		*total = sp_runtime.device.memory;
		*free_bytes = *total - sp_memory_alive().device_bytes;
	}
	return sp_call_end(status);
}

/* ---- the host's ---- */

static void *allocate_pinned(size_t size)
{
	void *at;
#ifdef __SANITIZE_ADDRESS__
	if (posix_memalign(&at, PAGE, size))
		return NULL;
#else
	size_t pages = (size + PAGE - 1) / PAGE * PAGE;

	at = mmap(NULL, pages + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (at == MAP_FAILED)
		return NULL;
	mprotect((uint8_t *)at + pages, PAGE, PROT_NONE);
#endif
	memset(at, unset, size);
	return at;
}

cudaError_t cudaHostAlloc(void **at, size_t size, unsigned int flags)
{
	cudaError_t status = sp_call_begin("cudaHostAlloc", SP_CALL_UNSAFE);
	const unsigned int known = cudaHostAllocPortable | cudaHostAllocMapped |
				   cudaHostAllocWriteCombined;
	void *memory = NULL;

	if (status == cudaSuccess && (!at || flags & ~known))
		status = cudaErrorInvalidValue;
	if (status == cudaSuccess && size) {
		memory = allocate_pinned(size);
		if (!memory)
			status = cudaErrorMemoryAllocation;
		else
			add(&pieces, PINNED, memory, size)->flags = flags;
	}
	if (status == cudaSuccess)
		*at = memory;
	return sp_call_end(status);
}

cudaError_t cudaFreeHost(void *at)
{
	cudaError_t status = sp_call_begin("cudaFreeHost", SP_CALL_RELEASE | SP_CALL_UNSAFE);

	if (status == cudaSuccess)
		status = give_back_later(PINNED, at);
	return sp_call_end(status);
}

cudaError_t cudaHostRegister(void *at, size_t size, unsigned int flags)
{
	cudaError_t status = sp_call_begin("cudaHostRegister", SP_CALL_UNSAFE);

	if (status == cudaSuccess && (!at || !size || sp_memory_is_device(at, size)))
		status = cudaErrorInvalidValue;
	for (const struct piece *piece = pieces; piece && status == cudaSuccess;
	     piece = piece->next)
		if (piece->kind != DEVICE && (uint8_t *)at < piece->at + piece->size &&
		    piece->at < (uint8_t *)at + size)
			status = cudaErrorHostMemoryAlreadyRegistered;
	if (status == cudaSuccess)
		add(&pieces, REGISTERED, at, size)->flags = flags;
	return sp_call_end(status);
}

cudaError_t cudaHostUnregister(void *at)
{
	cudaError_t status = sp_call_begin("cudaHostUnregister", SP_CALL_RELEASE | SP_CALL_UNSAFE);

	if (status == cudaSuccess)
		status = sp_queue_finish(NULL, NULL);
	if (status == cudaSuccess)
		status = give_back(REGISTERED, at, cudaErrorHostMemoryNotRegistered);
	return sp_call_end(status);
}

cudaError_t cudaHostGetDevicePointer(void **device, void *host, unsigned int flags)
{
	cudaError_t status = sp_call_begin("cudaHostGetDevicePointer", 0);

	if (status == cudaSuccess && (flags || !find(host, 1, false)))
		status = cudaErrorInvalidValue;
	if (status == cudaSuccess)
		*device = host;
	return sp_call_end(status);
}

void sp_memory_reset(void)
{
	sp_memory_open();
	check_guards();
	while (pieces)
		release(&pieces);
	if (used && mprotect(range, used, PROT_NONE))
		sp_emulator_fault("cannot shut the device's memory");
	used = 0;
	open = false;
}

bool sp_emulator_peek(const void *device, void *to, size_t size)
{
	bool is;

	sp_runtime_lock();
	is = sp_memory_of_device(device, size);
	if (is) {
		sp_memory_open();
		memcpy(to, device, size);
	}
	sp_runtime_unlock();
	return is;
}
