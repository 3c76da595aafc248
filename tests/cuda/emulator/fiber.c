/* SPDX-License-Identifier: Apache-2.0 */
#include "fiber.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
/* Its frames are several times as large. */
enum { STACK_BYTES = 512 << 10 };
#else
enum { STACK_BYTES = 128 << 10 };
#endif

/* Stacks begin at other places of their pages, or all would want the same lines of the caches. */
enum { COLOURS = 61, COLOUR_BYTES = 320 };

/* What a fiber was changed from: it learns of that one's stack when it first runs. */
static struct sp_fiber *changed_from;

/* The other side has begun to run: tell the sanitizer which stack this is. */
static void arrived(struct sp_fiber *self)
{
#ifdef __SANITIZE_ADDRESS__
	const void *bottom;
	size_t size;

	__sanitizer_finish_switch_fiber(self ? self->sanitizer : NULL, &bottom, &size);
	if (!changed_from->bottom) {
		changed_from->bottom = (void *)(uintptr_t)bottom;
		changed_from->size = size;
	}
#else
	(void)self;
#endif
}

#ifdef __x86_64__
/*
 * void sp_fiber_jump(void **from, void *to): puts what a function must keep on the stack, changes
 * the stack, takes it from there.
 */
__asm__(".text\n"
	".p2align 4\n"
	".globl sp_fiber_jump\n"
	".hidden sp_fiber_jump\n"
	".type sp_fiber_jump, @function\n"
	"sp_fiber_jump:\n"
	"	pushq %rbp\n"
	"	pushq %rbx\n"
	"	pushq %r12\n"
	"	pushq %r13\n"
	"	pushq %r14\n"
	"	pushq %r15\n"
	"	movq %rsp, (%rdi)\n"
	"	movq %rsi, %rsp\n"
	"	popq %r15\n"
	"	popq %r14\n"
	"	popq %r13\n"
	"	popq %r12\n"
	"	popq %rbx\n"
	"	popq %rbp\n"
	"	ret\n"
	".size sp_fiber_jump, . - sp_fiber_jump\n");
void sp_fiber_jump(void **from, void *to);

#endif

static void (*start)(void);

static void begin(void)
{
	arrived(NULL);
	start();
	abort();
}

void sp_fiber_make(struct sp_fiber *fiber, void (*enter)(void))
{
	static unsigned int made;
	size_t size = STACK_BYTES - made++ % COLOURS * COLOUR_BYTES;
	char *memory = mmap(NULL, STACK_BYTES + SP_FIBER_GUARD, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory == MAP_FAILED || mprotect(memory, SP_FIBER_GUARD, PROT_NONE)) {
		fprintf(stderr, "emulator: no memory for the stack of a thread\n");
		abort();
	}
	fiber->bottom = memory + SP_FIBER_GUARD;
	fiber->size = size;
	fiber->sanitizer = NULL;
	start = enter;
#ifdef __x86_64__
	/* As sp_fiber_jump leaves a stack: six registers, where to return to; then 8 modulo 16. */
	void **top = (void **)(memory + SP_FIBER_GUARD + size);

	*--top = NULL;
	*--top = (void *)(uintptr_t)begin;
	for (int i = 0; i < 6; i++)
		*--top = NULL;
	fiber->at = top;
#else
	getcontext(&fiber->context);
	fiber->context.uc_stack.ss_sp = fiber->bottom;
	fiber->context.uc_stack.ss_size = fiber->size;
	fiber->context.uc_link = NULL;
	makecontext(&fiber->context, begin, 0);
#endif
}

void sp_fiber_change(struct sp_fiber *from, struct sp_fiber *to)
{
	changed_from = from;
#ifdef __SANITIZE_ADDRESS__
	__sanitizer_start_switch_fiber(&from->sanitizer, to->bottom, to->size);
#endif
#ifdef __x86_64__
	sp_fiber_jump(&from->at, to->at);
#else
	swapcontext(&from->context, &to->context);
#endif
	arrived(from);
}

bool sp_fiber_overflows(const struct sp_fiber *fiber, const void *at)
{
	uintptr_t bottom = (uintptr_t)fiber->bottom, touched = (uintptr_t)at;

	return touched < bottom && bottom - touched <= SP_FIBER_GUARD;
}
