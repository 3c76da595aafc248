/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counts what chosen threads allocate while it matters: included by one file of a test program, it
 * stands in front of libc's allocator. The program names the threads, or says that all count, and
 * sets `armed`; main always counts. libaravis' threads take and free memory for each heartbeat,
 * under their creator's name.
 *
 * Sanitizers have such a layer themselves; under them nothing is counted (SP_ALLOCATIONS_COUNTED).
 */
#ifndef SP_TESTS_ALLOCATIONS_H
#define SP_TESTS_ALLOCATIONS_H

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SP_ALLOCATIONS_COUNTED 0
#else
#define SP_ALLOCATIONS_COUNTED 1
#endif

static struct {
	_Atomic bool armed;
	bool everyone; /* whatever a thread is called */
	const char *threads[4]; /* their names; NULL ends them */
	_Atomic uint64_t n;
	char thread[16]; /* of one of them, and where it was asked for */
	void *caller;
} sp_allocations;

#if SP_ALLOCATIONS_COUNTED
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *block, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

void *memalign(size_t alignment, size_t size);

static void sp_allocations_note(void *caller)
{
	char name[16] = "";
	bool counts;

	if (!atomic_load_explicit(&sp_allocations.armed, memory_order_relaxed))
		return;
	counts = sp_allocations.everyone || gettid() == getpid();
	prctl(PR_GET_NAME, name);
	for (unsigned int i = 0; !counts && i < 4 && sp_allocations.threads[i]; i++)
		counts = !strcmp(name, sp_allocations.threads[i]);
	if (!counts)
		return;
	if (!atomic_fetch_add(&sp_allocations.n, 1)) {
		memcpy(sp_allocations.thread, name, sizeof(name));
		sp_allocations.caller = caller;
	}
}

void *malloc(size_t size)
{
	sp_allocations_note(__builtin_return_address(0));
	return __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
	sp_allocations_note(__builtin_return_address(0));
	return __libc_calloc(n, size);
}

void *realloc(void *block, size_t size)
{
	sp_allocations_note(__builtin_return_address(0));
	return __libc_realloc(block, size);
}

void *memalign(size_t alignment, size_t size)
{
	sp_allocations_note(__builtin_return_address(0));
	return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
	sp_allocations_note(__builtin_return_address(0));
	return __libc_memalign(alignment, size);
}

int posix_memalign(void **ret, size_t alignment, size_t size)
{
	sp_allocations_note(__builtin_return_address(0));
	*ret = __libc_memalign(alignment, size);
	return *ret ? 0 : ENOMEM;
}
#endif

#endif
