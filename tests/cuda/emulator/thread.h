/* SPDX-License-Identifier: Apache-2.0 */
/* The threads of the block that runs: who is ready, who waits for whom. */
#ifndef SP_EMULATOR_THREAD_H
#define SP_EMULATOR_THREAD_H

#include "block.h"
#include "fiber.h"

/* A copy on its way into shared memory (async.c). */
struct sp_async_copy {
	void *to;
	const void *from;
	bool valid;
	uint32_t group;
};

enum sp_thread_state {
	SP_THREAD_READY,
	SP_THREAD_AT_BARRIER,
	SP_THREAD_IN_WARP,
	SP_THREAD_RETURNED,
	SP_THREAD_STATES
};

struct sp_thread {
	struct sp_fiber fiber;
	struct sp_emulator_index index;
	uint32_t number;
	enum sp_thread_state state;
	enum sp_emulator_barrier barrier;
	bool predicate;
	struct sp_warp_part *part; /* IN_WARP */
	struct sp_async_copy *copies;
	uint32_t copies_n, copies_max, group;
};

enum { SP_WARPS_MAX = SP_BLOCK_THREADS_MAX / SP_WARP };

struct sp_block {
	const struct sp_emulator_launch *launch; /* NULL: none runs */
	struct sp_thread *threads[SP_BLOCK_THREADS_MAX];
	uint32_t threads_n, returned_n, at_barrier_n;
	/* By warp, a bit for each lane: those that are, have returned, wait for others. */
	uint32_t lanes[SP_WARPS_MAX], returned[SP_WARPS_MAX], in_warp[SP_WARPS_MAX];
	struct sp_thread *running;
	uint16_t ready[SP_BLOCK_THREADS_MAX];
	uint32_t ready_n;
	struct sp_fiber host;
	int barrier_result;
	bool async_early; /* copies arrive at once */
	bool async_used;
};

extern struct sp_block sp_block;

void sp_thread_ready(struct sp_thread *thread);
/* Another one's turn, or, if all have returned, the host's. */
void sp_thread_wait(void);
/* All threads of a block of that size, none has begun. */
void sp_threads_begin(struct sp_emulator_index threads);
/* Until all have returned. */
void sp_threads_run(void);

#endif
