/* SPDX-License-Identifier: Apache-2.0 */
/* Small kernels, right and wrong ones, that show what the emulator finds: for test_emulator.c only.
 */
#ifndef SP_EMULATOR_PROBES_H
#define SP_EMULATOR_PROBES_H

#include <stdint.h>

#include "cuda_runtime_api.h"

#ifdef __cplusplus
extern "C" {
#endif

enum sp_probe_fault {
	SP_PROBE_RIGHT,
	SP_PROBE_WITHOUT_BARRIER,
	SP_PROBE_WITHOUT_WAIT, /* for asynchronous copies */
	SP_PROBE_WITHOUT_BARRIER_BEFORE_COPY, /* into what others still read */
	SP_PROBE_BARRIER_BY_SOME,
	SP_PROBE_BARRIER_AFTER_RETURN,
	SP_PROBE_WARP_BY_SOME,
	SP_PROBE_WARP_OTHER_MASKS,
	SP_PROBE_SHARED_BEYOND,
	SP_PROBE_SHARED_FAR_BEYOND,
	SP_PROBE_SHARED_UNSET,
	SP_PROBE_ARRAY_UNSET,
	SP_PROBE_DEVICE_BEYOND,
	SP_PROBE_MISALIGNED_COPY,
	SP_PROBE_MISALIGNED_ROW,
	SP_PROBE_DEEP_STACK,
};

enum { SP_PROBE_THREADS = 64 };

/* to[i] = from[blocks × 64 - 1 - i], by way of shared memory. */
cudaError_t sp_probe_reverse(cudaStream_t stream, enum sp_probe_fault fault, const float *from,
			     float *to, uint32_t blocks);
/* The same through copies of 16 bytes, four stages of a block. */
cudaError_t sp_probe_copy(cudaStream_t stream, enum sp_probe_fault fault, const float *from,
			  float *to, uint32_t blocks);
/* Does what @fault says; @to has 64 floats. */
cudaError_t sp_probe_fault(cudaStream_t stream, enum sp_probe_fault fault, float *to);
/* Each of 64 threads: results of every operation of a warp, SP_PROBE_WARP_RESULTS of them. */
enum { SP_PROBE_WARP_RESULTS = 24 };
cudaError_t sp_probe_warp(cudaStream_t stream, uint32_t *to);
/* What one thread computes of @x, @y, @select. */
enum { SP_PROBE_BIT_RESULTS = 12 };
cudaError_t sp_probe_bits(cudaStream_t stream, uint32_t x, uint32_t y, uint32_t select,
			  uint32_t *to);
/* 32-bit and 64-bit counters: to[0] sum, [1] max, [2] min, [3] or, [4] by compare and swap. */
cudaError_t sp_probe_atomics(cudaStream_t stream, unsigned int *to, unsigned long long *to64,
			     float *sum, uint32_t blocks);
/*
 * d [m × n] = a [m × k] × b [k × n], bfloat16 in row-major order; m, n, k multiples of 16, 8, 16. A
 * warp for 16 × 8.
 */
cudaError_t sp_probe_product(cudaStream_t stream, const uint16_t *a, const uint16_t *b, float *d,
			     uint32_t m, uint32_t n, uint32_t k);
/* counter[0] = counter[0] × factor + term: what comes in which order shows. */
cudaError_t sp_probe_step(cudaStream_t stream, uint32_t *counter, uint32_t factor, uint32_t term);
/* Any launch; no thread does anything. */
cudaError_t sp_probe_nothing(cudaStream_t stream, uint32_t blocks, uint32_t threads, size_t shared,
			     const void *pointer);
/* to[x + y × 4 + z × 12] of 4 × 3 × 2 blocks and threads: where it was. */
cudaError_t sp_probe_places(cudaStream_t stream, uint32_t *to);

#ifdef __cplusplus
}
#endif
#endif
