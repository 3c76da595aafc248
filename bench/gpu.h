/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Benches on a GPU, with libc alone: rows go to stdout and, as JSON lines by the conventions of
 * bench.h with the device and its driver, to $SP_BUILD/bench/gpu.jsonl.
 */
#ifndef SP_BENCH_GPU_H
#define SP_BENCH_GPU_H

#include <cuda_runtime_api.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "cuda/device.h"

struct sp_err;

enum { GPU_ROUNDS = 7 };

struct gpu_bench {
	FILE *file;
	struct sp_device device;
	cudaStream_t stream;
	cudaEvent_t begin, end;
	bool small; /* an emulated device: sizes that it does; its times mean nothing */
	double bandwidth, tensor; /* roofs, measured: bytes/s, operations/s */
	unsigned int failed;
};

/* Puts the work into the stream once. 0 or -errno with @err filled. */
typedef int (*gpu_work)(void *arg, cudaStream_t stream, struct sp_err *err);

/* Seconds of one run, GPU_ROUNDS times, each the mean of @runs between two events. 0 or -errno. */
int gpu_time(struct gpu_bench *bench, gpu_work work, void *arg, unsigned int runs,
	     double seconds[GPU_ROUNDS], struct sp_err *err);

/* A row; @values are sorted. Returns the median. */
double gpu_record(struct gpu_bench *bench, const char *label, const char *metric, const char *unit,
		  double *values, unsigned int n);
/* Rows of a kernel: its time, and what it has of the roofs that @operations and @bytes meet. */
void gpu_record_kernel(struct gpu_bench *bench, const char *label, const double seconds[GPU_ROUNDS],
		       double operations, double bytes);
/* Says that it failed, and counts it. */
void gpu_failed(struct gpu_bench *bench, const char *label, const struct sp_err *err);

/* gpu_roof.cu. A warp: @rounds × GPU_TENSOR_CHAINS products of 16 × 16 by 16 × 8. */
#ifdef __cplusplus
extern "C" {
#endif
cudaError_t gpu_copy_launch(cudaStream_t stream, const void *from, void *to, uint64_t bytes);
cudaError_t gpu_tensor_launch(cudaStream_t stream, uint32_t blocks, uint32_t rounds, float *to);
#ifdef __cplusplus
}
#endif
enum { GPU_TENSOR_WARPS = 8, GPU_TENSOR_CHAINS = 8 }; /* a block; products a round and warp */

void gpu_roofs(struct gpu_bench *bench);
void gpu_kernels(struct gpu_bench *bench);
void gpu_networks(struct gpu_bench *bench);
void gpu_end_to_end(struct gpu_bench *bench);

#endif
