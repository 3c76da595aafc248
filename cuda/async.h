/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies from global into shared memory that go on while a thread computes. A thread's copies up to
 * a commit are a group; groups arrive in order. Others see them after that thread's wait and a
 * __syncthreads().
 */
#ifndef SP_CUDA_ASYNC_H
#define SP_CUDA_ASYNC_H

#include "cuda/dialect.h"

/* The emulator has its own, which copies as late as it may. */
#ifndef SP_CUDA_EMULATED

/* 16 bytes, both aligned; zeros if not @valid, and then @from is not read. */
static __device__ __forceinline__ void sp_async_copy(void *to, const void *from, bool valid)
{
	uint32_t at = (uint32_t)__cvta_generic_to_shared(to);
	uint32_t bytes = valid ? 16 : 0;

	asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(at), "l"(from),
		     "r"(bytes));
}

static __device__ __forceinline__ void sp_async_commit(void)
{
	asm volatile("cp.async.commit_group;");
}

/* Until all but the latest @groups of this thread's groups are there. */
template <int groups> static __device__ __forceinline__ void sp_async_wait(void)
{
	asm volatile("cp.async.wait_group %0;" ::"n"(groups) : "memory");
}

#endif
#endif
