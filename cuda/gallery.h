/* SPDX-License-Identifier: Apache-2.0 */
/* A gallery's memory on the device, and the kernels that fill and search it (similarity.cu). */
#ifndef SP_CUDA_GALLERY_H
#define SP_CUDA_GALLERY_H

#include <cuda_runtime_api.h>
#include <stdint.h>

#include "infer/compute.h"

#ifdef __cplusplus
extern "C" {
#endif

struct sp_device;

enum {
	SP_SWEEP_QUERIES = 16, /* at once */
	SP_SWEEP_GROUP = 64, /* rows of which the best similarity is kept */
	SP_SWEEP_COLUMNS = 32, /* what rows are padded to a multiple of, in bfloat16 */
	SP_RESCORE_BLOCKS = 32, /* a query */
};

/*
 * Rows whose squared length is above this, or no number, are odd: they are always compared in
 * float32, so that no sum of bfloat16 products can overflow.
 */
#define SP_SWEEP_SQUARE_MAX 1e30f

/* All addresses are the device's. Arrays by query have SP_SWEEP_QUERIES of them. */
struct sp_gallery_memory {
	uint32_t rows_n, size;
	uint32_t columns; /* size, padded */
	uint32_t groups; /* rows in groups; the last one may have fewer */
	float *rows; /* [rows_n × size] */
	uint16_t *halves; /* [groups × SP_SWEEP_GROUP × columns] bfloat16; NaN: odd or no row */
	uint32_t *odd; /* [groups] whether a row of it is odd */
	/*
	 * Bits of float32: of all rows that are not odd, the greatest square of length, of error.
	 */
	uint32_t *reach;

	float *queries; /* [× size] */
	uint16_t *query_halves; /* [× columns], zeros where there is no query */
	double *slack; /* 2 ε: see similarity.cu */
	float *maxima; /* [× groups] */
	uint32_t *listed; /* how many groups are to be compared in float32 … */
	uint32_t *list; /* … [× groups] and which */
	uint64_t *best; /* [× SP_RESCORE_BLOCKS × SP_HITS_MAX] keys */
	struct sp_hit *hits; /* [× SP_HITS_MAX], mapped */
};

/* Fills halves, odd and reach from rows. */
cudaError_t sp_gallery_round_launch(cudaStream_t stream, const struct sp_gallery_memory *memory);

/* The best min(@k, rows_n) hits of each of @queries_n ≤ SP_SWEEP_QUERIES; 0 < k ≤ SP_HITS_MAX. */
cudaError_t sp_gallery_search_launch(cudaStream_t stream, const struct sp_device *device,
				     const struct sp_gallery_memory *memory, uint32_t queries_n,
				     uint32_t k);

#ifdef __cplusplus
}
#endif
#endif
