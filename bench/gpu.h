/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Benches on a GPU, with libc alone: rows go to stdout and, as JSON lines by the conventions of
 * bench.h with the device and its driver, to $SP_BUILD/bench/gpu.jsonl.
 *
 *	gpu.c			parts, each a process of its own
 *	gpu_measure.c		time by events, rows, memory
 *	gpu_roofs.c, .cu	what the card itself can do
 *	gpu_networks.c		networks batched, beside gpu_peer.h
 *	gpu_end.c		from packets to embeddings, with gpu_busy.h
 *	gpu_gather.c, gpu_preprocess.c, gpu_faces.c, gpu_decode.c, gpu_gallery.c: kernels alone
 */
#ifndef SP_BENCH_GPU_H
#define SP_BENCH_GPU_H

#include <cuda_runtime_api.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "cuda/device.h"

struct sp_err;

enum { GPU_ROUNDS = 7, GPU_PIECES_MAX = 24 };

/* Measured, of all parts: 0 until then. */
struct gpu_card {
	double bandwidth; /* bytes/s that a copy on the device reads and writes */
	double tensor; /* operations/s of bfloat16 */
	double bus; /* bytes/s from pinned memory */
};

struct gpu_bench {
	FILE *file;
	struct gpu_card *roofs;
	struct sp_device device;
	char machine[SP_DEVICE_NAME + 128];
	cudaStream_t stream;
	cudaEvent_t begin, end;
	bool small; /* an emulated device: sizes that it does; its times mean nothing */
	unsigned int rounds; /* ≤ GPU_ROUNDS */
	uint64_t end_ns; /* when this part is to be done */
	unsigned int failed;
};

/* ---- gpu_measure.c ---- */

/* Puts the work into the stream once. 0 or -errno with @err filled. */
typedef int (*gpu_work)(void *arg, cudaStream_t stream, struct sp_err *err);

/* Seconds of one of @runs between two events. 0 or -errno. */
int gpu_time_once(struct gpu_bench *bench, gpu_work work, void *arg, unsigned int runs,
		  double *ret_seconds, struct sp_err *err);
/* That bench->rounds times, after one that warms up. On a small device @runs are 1. */
int gpu_time(struct gpu_bench *bench, gpu_work work, void *arg, unsigned int runs,
	     double seconds[GPU_ROUNDS], struct sp_err *err);
/* Sorts. */
double gpu_median(double *values, unsigned int n);

/* A row; sorts @values. Returns the median. */
double gpu_record(struct gpu_bench *bench, const char *label, const char *metric, const char *unit,
		  double *values, unsigned int n);
/* A row of somebody else's, of which @version is told as a part of the machine. */
void gpu_record_peer(struct gpu_bench *bench, const char *peer, const char *version,
		     const char *label, const char *metric, const char *unit, double *values,
		     unsigned int n);
/* A row of one number. */
void gpu_record_one(struct gpu_bench *bench, const char *label, const char *metric,
		    const char *unit, double value);
/* A comparison: the median of @ratios, ours by theirs. */
void gpu_compare(struct gpu_bench *bench, const char *label, const char *peer, const char *metric,
		 double *ratios, unsigned int n, bool higher);

/* What a kernel has to do. */
struct gpu_numbers {
	double operations, bytes; /* bytes of the device's memory */
	double bus; /* bytes over the bus */
};

/* Rows of a kernel: its numbers, its time, and what it has of the roof that it meets first. */
void gpu_record_kernel(struct gpu_bench *bench, const char *label, const double seconds[GPU_ROUNDS],
		       const struct gpu_numbers *numbers);
/* Of one roof: @least are the seconds that it alone would take; no row where it is 0. */
void gpu_record_share(struct gpu_bench *bench, const char *label, const char *metric, double least,
		      const double seconds[GPU_ROUNDS]);
/* gpu_time and gpu_record_kernel. */
int gpu_measure(struct gpu_bench *bench, const char *label, gpu_work work, void *arg,
		unsigned int runs, const struct gpu_numbers *numbers, struct sp_err *err);

/* Says that it failed, and counts it. */
void gpu_failed(struct gpu_bench *bench, const char *label, const struct sp_err *err);
/* Seconds that this part has left. */
double gpu_left(const struct gpu_bench *bench);

/* Memory that is taken piece by piece and goes back together; zeroed: none. */
struct gpu_memory {
	void *device[GPU_PIECES_MAX], *pinned[GPU_PIECES_MAX];
	unsigned int device_n, pinned_n;
};

/* NULL with @err filled. */
void *gpu_take(struct gpu_memory *memory, size_t size, struct sp_err *err);
/* Zeroed. @ret_view: a pointer, where the device sees it. */
void *gpu_take_pinned(struct gpu_memory *memory, size_t size, void *ret_view, struct sp_err *err);
void gpu_give_back(struct gpu_memory *memory);
/* Bytes of no meaning that are not all alike, into memory of the device. Waits. 0 or -errno. */
int gpu_fill(void *at, size_t size, struct sp_err *err);

/* ---- gpu_roofs.c ---- */

/* Products of matrices that keep the device's tensor cores busy for some milliseconds. */
struct gpu_products {
	float *to;
	uint32_t blocks, rounds;
};

int gpu_products_init(struct gpu_products *products, const struct gpu_bench *bench,
		      struct gpu_memory *memory, struct sp_err *err);
int gpu_products_work(void *products, cudaStream_t stream, struct sp_err *err);

/* ---- gpu_roof.cu ---- */

/* A warp: @rounds × GPU_TENSOR_CHAINS products of 16 × 16 by 16 × 8. */
#ifdef __cplusplus
extern "C" {
#endif
cudaError_t gpu_copy_launch(cudaStream_t stream, const void *from, void *to, uint64_t bytes);
cudaError_t gpu_tensor_launch(cudaStream_t stream, uint32_t blocks, uint32_t rounds, float *to);
#ifdef __cplusplus
}
#endif
enum { GPU_TENSOR_WARPS = 8, GPU_TENSOR_CHAINS = 8 }; /* a block; products a round and warp */

/* ---- parts ---- */

void gpu_roofs(struct gpu_bench *bench);
void gpu_networks(struct gpu_bench *bench);
void gpu_end_to_end(struct gpu_bench *bench);
void gpu_gather(struct gpu_bench *bench);
void gpu_preprocess(struct gpu_bench *bench);
void gpu_faces(struct gpu_bench *bench);
void gpu_decode(struct gpu_bench *bench);
void gpu_gallery(struct gpu_bench *bench);

#endif
