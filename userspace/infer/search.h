/* SPDX-License-Identifier: Apache-2.0 */
/* Exact search: the rows of a gallery most similar to a query, every row looked at. Pure. */
#ifndef SP_INFER_SEARCH_H
#define SP_INFER_SEARCH_H

#include <stdint.h>

struct sp_err;
struct sp_gallery;
struct sp_hit;

/* The inner product of @size floats; of L2-normalised vectors, their cosine. */
float sp_search_similarity(const float *a, const float *b, uint32_t size);

/*
 * One query, as the compute port's search (infer/compute.h) has it. A similarity that is not a number
 * counts as the least. -EINVAL for @size 0 or an array that is NULL though it has elements.
 */
int sp_search_top(const float *gallery, uint32_t rows, uint32_t size, const float *query,
		  uint32_t k, struct sp_hit *hits);

/* The port's gallery of a backend that searches on the CPU: where the rows are, nothing more. */
int sp_search_gallery_create(const float *rows, uint32_t rows_n, uint32_t size,
			     struct sp_gallery **ret_gallery, struct sp_err *err);
void sp_search_gallery_destroy(struct sp_gallery *gallery);
int sp_search_gallery(const struct sp_gallery *gallery, const float *queries, uint32_t queries_n,
		      uint32_t k, struct sp_hit *hits);

#endif
