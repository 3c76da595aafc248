/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One launch of a kernel on the CPU: block after block in an order by chance, and in each block its
 * threads, each with a stack of its own, in an order by chance from one point where they wait for
 * others to the next. What kernels may do with each other is here; emulator_dialect.h gives it
 * CUDA's names. One launch runs at a time (the runtime's lock).
 */
#ifndef SP_EMULATOR_BLOCK_H
#define SP_EMULATOR_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cuda_runtime_api.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { SP_WARP = 32, SP_BLOCK_THREADS_MAX = 1024 };

struct sp_emulator_index {
	uint32_t x, y, z;
};

/* What a thread knows of itself; the others' are not to be seen. */
struct sp_emulator_place {
	struct sp_emulator_index thread, block, threads, blocks;
};

/* Of the thread that runs now. */
extern struct sp_emulator_place sp_emulator_place;
extern uint8_t *sp_emulator_shared; /* the block's dynamic shared memory */

struct sp_emulator_launch {
	const char *name, *file;
	int line;
	struct sp_emulator_index blocks, threads;
	size_t shared; /* bytes */
	void (*run)(const void *arguments); /* one thread */
	void *arguments;
	size_t arguments_bytes;
};

/* Puts a copy of @launch into @stream (stream.c). */
cudaError_t sp_emulator_enqueue(const struct sp_emulator_launch *launch, cudaStream_t stream);
/* Runs all of it now. Faults of the kernel abort the process with a line that says where. */
void sp_emulator_run(const struct sp_emulator_launch *launch);
/* Ends the process, with the running thread's place if one runs. */
__attribute__((noreturn, format(printf, 1, 2))) void sp_emulator_fault(const char *format, ...);

enum sp_emulator_barrier { SP_BARRIER_PLAIN, SP_BARRIER_OR, SP_BARRIER_AND, SP_BARRIER_COUNT };

/* All threads of the block; the sum of @predicate ? 1 : 0, or its or, its and. */
int sp_emulator_barrier(enum sp_emulator_barrier kind, bool predicate);

enum sp_warp_kind {
	SP_WARP_SYNC,
	SP_WARP_SHUFFLE, /* `from`: the lane whose value this one gets */
	SP_WARP_BALLOT,
	SP_WARP_ADD,
	SP_WARP_MIN_SIGNED,
	SP_WARP_MIN_UNSIGNED,
	SP_WARP_MAX_SIGNED,
	SP_WARP_MAX_UNSIGNED,
	SP_WARP_AND,
	SP_WARP_OR,
	SP_WARP_XOR,
	SP_WARP_MMA,
	SP_WARP_LOAD_MATRICES,
	SP_WARP_KINDS
};

/* What one lane brings. */
struct sp_warp_part {
	enum sp_warp_kind kind;
	uint32_t mask;
	uint32_t from;
	uint64_t value; /* and the result */
	/* MMA, LOAD_MATRICES; on the lane's stack */
	float *d;
	const uint32_t *a, *b;
	uint32_t *to;
	const void *row;
};

/* Returns when all lanes of the mask have come; part->value is the result. */
void sp_emulator_warp(struct sp_warp_part *part);
/* What warp.c does once all have. @parts: [SP_WARP], NULL where a lane is not in the mask. */
void sp_emulator_warp_complete(struct sp_warp_part *const parts[SP_WARP]);
unsigned int sp_emulator_lane(void);

/* Before each atomic operation: lets others run now and then. */
void sp_emulator_pause(void);

/* cuda/async.h; carried out at the wait, or at once in some blocks. */
void sp_emulator_async_copy(void *to, const void *from, bool valid);
void sp_emulator_async_commit(void);
void sp_emulator_async_wait(unsigned int groups);

#ifdef __cplusplus
}
#endif
#endif
