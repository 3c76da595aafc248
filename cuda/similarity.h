/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of a gallery that are most similar to queries. bfloat16 products on tensor cores sort
 * out candidates; theirs are computed again in float32, so that what comes out is as sp_search_top
 * has it.
 */
#ifndef SP_CUDA_SIMILARITY_H
#define SP_CUDA_SIMILARITY_H

#include <cuda_runtime_api.h>

#include "infer/compute.h"

#ifdef __cplusplus
extern "C" {
#endif

struct sp_device;
struct sp_err;
struct sp_device_gallery;

/* Copies @rows × @size floats to the device, in both precisions. 0 or -errno with @err filled. */
int sp_device_gallery_create(const struct sp_device *device, const float *rows, uint32_t rows_n,
			     uint32_t size, struct sp_device_gallery **ret_gallery,
			     struct sp_err *err);
void sp_device_gallery_destroy(struct sp_device_gallery *gallery);
/* The device's context is gone, and stream and memory with it; to be destroyed. */
void sp_device_gallery_forget(struct sp_device_gallery *gallery);

/* From here on a search waits for the device no longer than @limit_ns of @now_ns. */
void sp_device_gallery_watch(struct sp_device_gallery *gallery, uint64_t (*now_ns)(void),
			     uint64_t limit_ns);

/*
 * As the port's search; waits for the device. One thread at a time for each gallery. -ETIME: it
 * does not answer, and may write to the gallery's memory still.
 */
int sp_device_gallery_search(struct sp_device_gallery *gallery, const float *queries,
			     uint32_t queries_n, uint32_t k, struct sp_hit *hits,
			     struct sp_err *err);

#ifdef __cplusplus
}
#endif
#endif
