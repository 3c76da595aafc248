/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernels that frames and galleries pass through, alone. Gathering: from pinned memory over the bus,
 * with payloads at each distance from an aligned address that changes what is read.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/diag.h"
#include "cuda/check.h"
#include "cuda/gather.h"
#include "cuda/preprocess.h"
#include "cuda/similarity.h"
#include "gpu.h"
#include "gpu/host.h"

enum { STRIDE = 8952, FRAMES_MAX = 16, SIDE = 640, SIZE = 128 };

struct frames {
	uint32_t n, width, height, packets;
	uint64_t bytes, room;
	uint8_t *pinned, *device_view, *linear;
	uint8_t *lists, *lists_view; /* pinned: gather frames, looks, offsets, bitmaps */
	struct sp_gather_frame *gather, *gather_view;
	struct sp_preprocess_look *looks, *looks_view;
	uint64_t *offset, *offset_view, *missing_view;
	struct sp_device_tensor input;
};

static int take_pinned(size_t size, uint8_t **ret, uint8_t **ret_view, struct sp_err *err)
{
	void *at = NULL, *view = NULL;
	int rc = SP_CUDA(err, cudaHostAlloc(&at, size, cudaHostAllocMapped));

	if (!rc)
		rc = SP_CUDA(err, cudaHostGetDevicePointer(&view, at, 0));
	*ret = at;
	*ret_view = view;
	return rc;
}

static int frames_init(struct gpu_bench *bench, struct frames *frames, struct sp_err *err)
{
	size_t list = 1 << 12, offsets, words;
	void *input, *linear;
	int rc;

	frames->n = bench->small ? 2 : FRAMES_MAX;
	frames->width = bench->small ? 128 : 2448;
	frames->height = bench->small ? 96 : 2048;
	frames->bytes = (uint64_t)frames->width * frames->height;
	frames->packets = (uint32_t)((frames->bytes + STRIDE - 1) / STRIDE);
	frames->room = (frames->bytes + SP_GATHER_SLACK + 255) / 256 * 256;
	offsets = frames->packets * sizeof(uint64_t);
	words = (frames->packets + 63) / 64 * sizeof(uint64_t);
	rc = take_pinned((size_t)frames->n * frames->packets * (STRIDE + 64) + 64, &frames->pinned,
			 &frames->device_view, err);
	if (!rc)
		rc = take_pinned(2 * list + offsets * frames->n + words, &frames->lists,
				 &frames->lists_view, err);
	if (!rc)
		rc = SP_CUDA(err, cudaMalloc(&linear, frames->n * frames->room));
	if (rc)
		return rc;
	frames->linear = linear;
	rc = SP_CUDA(err, cudaMalloc(&input, (size_t)frames->n * SIDE * SIDE * 8));
	if (rc)
		return rc;
	memset(frames->lists, 0, 2 * list + offsets * frames->n + words);
	frames->gather = (void *)frames->lists;
	frames->gather_view = (void *)frames->lists_view;
	frames->looks = (void *)(frames->lists + list);
	frames->looks_view = (void *)(frames->lists_view + list);
	frames->offset = (void *)(frames->lists + 2 * list);
	frames->offset_view = (void *)(frames->lists_view + 2 * list);
	frames->missing_view = (void *)(frames->lists_view + 2 * list + offsets * frames->n);
	for (size_t i = 0; i < (size_t)frames->n * frames->packets * (STRIDE + 64); i++)
		frames->pinned[i] = (uint8_t)(i * 2654435761u >> 24);
	frames->input = (struct sp_device_tensor){ .at = input,
						   .type = SP_TENSOR_BF16,
						   .n = frames->n,
						   .h = bench->small ? 64 : SIDE,
						   .w = bench->small ? 64 : SIDE,
						   .c = 3,
						   .pitch = 4 };
	return 0;
}

/* Payloads begin @shift bytes after an aligned address. */
static void describe(struct frames *frames, uint32_t shift)
{
	const struct sp_pfnc *format = sp_pfnc_by_name("BayerRG8");
	const struct sp_scale_rect whole = { 0, 0, frames->width, frames->height };

	for (uint32_t i = 0; i < frames->n; i++) {
		for (uint32_t p = 0; p < frames->packets; p++)
			frames->offset[i * frames->packets + p] =
				(uint64_t)(i * frames->packets + p) * (STRIDE + 56) + shift;
		frames->gather[i] = (struct sp_gather_frame){
			.base = frames->device_view,
			.offset = frames->offset_view + i * frames->packets,
			.missing = frames->missing_view,
			.packets = frames->packets,
			.stride = STRIDE,
			.bytes = frames->bytes,
			.to = frames->linear + i * frames->room,
		};
		frames->looks[i].picture = sp_picture_of(format, frames->width, frames->height, 0,
							 frames->linear + i * frames->room);
		sp_fit_init(&frames->looks[i].fit, &whole, frames->input.w, frames->input.h);
	}
}

static int gather_work(void *arg, cudaStream_t stream, struct sp_err *err)
{
	struct frames *frames = arg;

	return SP_CUDA(err, sp_gather(stream, frames->gather_view, frames->n, frames->bytes));
}

static int preprocess_work(void *arg, cudaStream_t stream, struct sp_err *err)
{
	static const struct sp_input_form levels = { .bgr = true, .scale = { 1, 1, 1 } };
	struct frames *frames = arg;

	return SP_CUDA(err, sp_preprocess_launch(stream, frames->looks_view, frames->n, &levels,
						 &frames->input));
}

static void bench_frames(struct gpu_bench *bench)
{
	static const uint32_t shifts[] = { 0, 1, 2, 4, 8, 13 };
	double seconds[GPU_ROUNDS], roof = bench->bandwidth, bytes;
	struct frames frames = { 0 };
	struct sp_err err;
	char label[96];
	int rc = frames_init(bench, &frames, &err);

	/* Over the bus: the roof of the device's memory says nothing of it. */
	bench->bandwidth = 0;
	for (size_t i = 0; !rc && i < sizeof(shifts) / sizeof(shifts[0]); i++) {
		describe(&frames, shifts[i]);
		rc = gpu_time(bench, gather_work, &frames, 10, seconds, &err);
		snprintf(label, sizeof(label), "gather %u x %ux%u, payloads + %u bytes", frames.n,
			 frames.width, frames.height, shifts[i]);
		if (!rc)
			gpu_record_kernel(bench, label, seconds, 0,
					  2.0 * (double)frames.bytes * frames.n);
	}
	bench->bandwidth = roof;
	if (!rc)
		rc = gpu_time(bench, preprocess_work, &frames, 10, seconds, &err);
	bytes = (double)frames.n * ((double)frames.bytes + 8.0 * frames.input.h * frames.input.w);
	snprintf(label, sizeof(label), "preprocess %u x %ux%u BayerRG8 to %u", frames.n,
		 frames.width, frames.height, frames.input.w);
	if (!rc)
		gpu_record_kernel(bench, label, seconds, 0, bytes);
	else
		gpu_failed(bench, "frames", &err);
	cudaFree(frames.input.at);
	cudaFree(frames.linear);
	cudaFreeHost(frames.lists);
	cudaFreeHost(frames.pinned);
}

/* ---- galleries ------------------------------------------------------------------------------ */

static void make_unit(float *rows, size_t n, uint32_t size)
{
	uint32_t seed = 1;

	for (size_t i = 0; i < n; i++) {
		float sum = 0, scale;

		for (uint32_t k = 0; k < size; k++) {
			seed = seed * 1664525 + 1013904223;
			rows[i * size + k] = (float)(int32_t)seed * 0x1p-31f;
			sum += rows[i * size + k] * rows[i * size + k];
		}
		scale = 1 / __builtin_sqrtf(sum);
		for (uint32_t k = 0; k < size; k++)
			rows[i * size + k] *= scale;
	}
}

/* By the clock, since a search waits for the device: what a caller sees. */
static void bench_gallery(struct gpu_bench *bench)
{
	uint32_t rows_n = bench->small ? 2000 : 1000000, queries[] = { 1, 16 };
	float *rows = malloc((size_t)rows_n * SIZE * sizeof(float));
	struct sp_device_gallery *gallery = NULL;
	static struct sp_hit hits[16 * 10];
	struct sp_err err = { "out of memory" };
	double ms[GPU_ROUNDS];
	char label[96];
	int rc = rows ? 0 : -1;

	if (!rc) {
		make_unit(rows, rows_n, SIZE);
		rc = sp_device_gallery_create(&bench->device, rows, rows_n, SIZE, &gallery, &err);
	}
	for (int q = 0; rc >= 0 && q < 2; q++) {
		for (int i = -1; rc >= 0 && i < GPU_ROUNDS; i++) {
			uint64_t begin = host_now();

			rc = sp_device_gallery_search(gallery, rows, queries[q], 10, hits, &err);
			ms[i < 0 ? 0 : i] = (double)(host_now() - begin) / 1e6;
		}
		snprintf(label, sizeof(label), "search %u in %u x %d", queries[q], rows_n, SIZE);
		if (rc >= 0 && (hits[0].index != 0 || hits[0].similarity < 0.999f))
			rc = sp_err_set(&err, -1, "the first row is not most like itself");
		if (rc >= 0)
			gpu_record(bench, label, "time", "ms", ms, GPU_ROUNDS);
	}
	if (rc < 0)
		gpu_failed(bench, "gallery", &err);
	if (gallery)
		sp_device_gallery_destroy(gallery);
	free(rows);
}

void gpu_kernels(struct gpu_bench *bench)
{
	bench_frames(bench);
	bench_gallery(bench);
}
