/* SPDX-License-Identifier: Apache-2.0 */
/* Stacks to change between: a thread of a device is one. They belong to the host's thread that
 * runs. */
#ifndef SP_EMULATOR_FIBER_H
#define SP_EMULATOR_FIBER_H

#include <stdbool.h>
#include <stddef.h>

#ifndef __x86_64__
#include <ucontext.h>
#endif

enum { SP_FIBER_GUARD = 64 << 10 }; /* bytes below a stack that must not be touched */

struct sp_fiber {
#ifdef __x86_64__
	void *at; /* of its stack, while it does not run */
#else
	ucontext_t context;
#endif
	/* The stack, for the sanitizer too; NULL: the one that the host gave. */
	void *bottom;
	size_t size;
	void *sanitizer;
};

/*
 * Makes one that runs @enter, which must not return, when it is first changed to. On a stack of its
 * own that lasts as long as the process. Aborts without memory.
 */
void sp_fiber_make(struct sp_fiber *fiber, void (*enter)(void));

/* From the running one, which is @from, to @to. Returns when something changes to @from. */
void sp_fiber_change(struct sp_fiber *from, struct sp_fiber *to);

/* Whether @at lies in the guard below the stack of @fiber. */
bool sp_fiber_overflows(const struct sp_fiber *fiber, const void *at);

#endif
