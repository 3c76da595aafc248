/* SPDX-License-Identifier: Apache-2.0 */
#include "trap.h"

#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>

#include "device_memory.h"
#include "thread.h"

/* The stack that overflowed cannot be the handler's. */
enum { STACK_BYTES = 64 << 10 };

static struct sigaction before[2];
static const int signals[2] = { SIGSEGV, SIGBUS };
static pthread_key_t stack_key;

static void explain(int number, siginfo_t *info, void *context)
{
	(void)context;
	if (sp_block.running && sp_fiber_overflows(&sp_block.running->fiber, info->si_addr))
		sp_emulator_fault("the thread's stack overflows: too large local arrays");
	if (sp_block.running)
		sp_emulator_fault("touches %p, which is no memory of the device, or beyond its "
				  "shared memory",
				  info->si_addr);
	if (sp_memory_is_device(info->si_addr, 1))
		sp_emulator_fault("the host touches the device's memory at %p", info->si_addr);
	/* Not ours: the same again, to whoever was here before. */
	sigaction(number, &before[number == SIGSEGV ? 0 : 1], NULL);
}

static void release_stack(void *memory)
{
	stack_t none = { .ss_flags = SS_DISABLE };

	sigaltstack(&none, NULL);
	free(memory);
}

static void install(void)
{
	struct sigaction action = { .sa_sigaction = explain, .sa_flags = SA_SIGINFO | SA_ONSTACK };

	if (pthread_key_create(&stack_key, release_stack))
		abort();
	for (unsigned int i = 0; i < 2; i++)
		sigaction(signals[i], &action, &before[i]);
}

void sp_trap_install(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	stack_t stack = { 0 };
	sigset_t ours;

	/* A thread that leaves signals to others would end without a word. */
	sigemptyset(&ours);
	for (unsigned int i = 0; i < 2; i++)
		sigaddset(&ours, signals[i]);
	pthread_sigmask(SIG_UNBLOCK, &ours, NULL);
	pthread_once(&once, install);
	if (pthread_getspecific(stack_key) || sigaltstack(NULL, &stack) ||
	    !(stack.ss_flags & SS_DISABLE))
		return;
	stack.ss_sp = malloc(STACK_BYTES);
	stack.ss_size = STACK_BYTES;
	stack.ss_flags = 0;
	if (!stack.ss_sp || sigaltstack(&stack, NULL) ||
	    pthread_setspecific(stack_key, stack.ss_sp))
		sp_emulator_fault("no memory for a signal's stack");
}
