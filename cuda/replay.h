/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Work that is put into a stream again and again. The first time it goes in as it is, so that
 * whatever the runtime loads or sets up late is there; the second time it is captured into a CUDA
 * graph, which is launched from then on. Where it cannot be captured it goes in as it is for good.
 */
#ifndef SP_CUDA_REPLAY_H
#define SP_CUDA_REPLAY_H

#include <cuda_runtime_api.h>
#include <stdbool.h>
#include <stdint.h>

struct sp_err;

/* Zeroed at first. One thread. */
struct sp_replay {
	cudaGraphExec_t exec;
	bool met, plain;
	/* What the work depends on beside the memory it reads; with another it goes in as it is. */
	uint64_t key;
};

/* Puts the work in; the same each time for one key. 0 or -errno with @err filled. */
typedef int (*sp_replay_fn)(void *arg, cudaStream_t stream, struct sp_err *err);

/* @replay NULL: as it is. 0 or -errno with @err filled; -ENODEV: the device is lost. */
int sp_replay_run(struct sp_replay *replay, uint64_t key, cudaStream_t stream, sp_replay_fn work,
		  void *arg, struct sp_err *err);
void sp_replay_uninit(struct sp_replay *replay);

#endif
