/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/search.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "infer/compute.h"

/* Sixteen sums side by side, whatever vectors the machine has; the order of additions is fixed. */
typedef float lanes __attribute__((vector_size(64)));

float sp_search_similarity(const float *a, const float *b, uint32_t size)
{
	const uint32_t width = sizeof(lanes) / sizeof(float);
	lanes sum = { 0 };
	float total = 0;
	uint32_t i = 0;

	for (; i + width <= size; i += width) {
		lanes x, y;

		memcpy(&x, a + i, sizeof(x));
		memcpy(&y, b + i, sizeof(y));
		sum += x * y;
	}
	for (uint32_t lane = 0; lane < width; lane++)
		total += sum[lane];
	for (; i < size; i++)
		total += a[i] * b[i];
	return total;
}

static bool is_better(struct sp_hit a, struct sp_hit b)
{
	return a.similarity > b.similarity || (a.similarity == b.similarity && a.index < b.index);
}

/* A heap of the best so far with the worst on top. */
static void sink(struct sp_hit *heap, uint32_t n, uint32_t i)
{
	struct sp_hit moving = heap[i];

	for (uint64_t child; (child = 2 * (uint64_t)i + 1) < n; i = (uint32_t)child) {
		if (child + 1 < n && is_better(heap[child], heap[child + 1]))
			child++;
		if (!is_better(moving, heap[child]))
			break;
		heap[i] = heap[child];
	}
	heap[i] = moving;
}

int sp_search_top(const float *gallery, uint32_t rows, uint32_t size, const float *query,
		  uint32_t k, struct sp_hit *hits)
{
	uint32_t n = k < rows ? k : rows;

	if (!size || n > INT32_MAX || (n && (!gallery || !query || !hits)))
		return -EINVAL;
	for (uint32_t row = 0; n && row < rows; row++) {
		float similarity = sp_search_similarity(gallery + (size_t)row * size, query, size);
		struct sp_hit hit = { row, isnan(similarity) ? -INFINITY : similarity };

		if (row < n) {
			hits[row] = hit;
			for (uint32_t i = row + 1 == n ? n / 2 : 0; i-- > 0;)
				sink(hits, n, i);
		} else if (is_better(hit, hits[0])) {
			hits[0] = hit;
			sink(hits, n, 0);
		}
	}
	for (uint32_t last = n; last > 1;) {
		struct sp_hit worst = hits[0];

		hits[0] = hits[--last];
		hits[last] = worst;
		sink(hits, last, 0);
	}
	return (int)n;
}

struct sp_gallery {
	const float *rows;
	uint32_t rows_n, size;
};

int sp_search_gallery_create(const float *rows, uint32_t rows_n, uint32_t size,
			     struct sp_gallery **ret_gallery, struct sp_err *err)
{
	struct sp_gallery *gallery;

	if (!size || (rows_n && !rows))
		return sp_err_set(err, -EINVAL, "gallery: templates without numbers");
	gallery = malloc(sizeof(*gallery));
	if (!gallery)
		return sp_err_set(err, -ENOMEM, "gallery: out of memory");
	*gallery = (struct sp_gallery){ rows, rows_n, size };
	*ret_gallery = gallery;
	return 0;
}

void sp_search_gallery_destroy(struct sp_gallery *gallery)
{
	free(gallery);
}

int sp_search_gallery(const struct sp_gallery *gallery, const float *queries, uint32_t queries_n,
		      uint32_t k, struct sp_hit *hits)
{
	int found = (int)(k < gallery->rows_n ? k : gallery->rows_n);

	if (k > SP_HITS_MAX)
		return -EINVAL;
	for (uint32_t i = 0; i < queries_n; i++) {
		int rc = sp_search_top(gallery->rows, gallery->rows_n, gallery->size,
				       queries + (size_t)i * gallery->size, k,
				       hits + (size_t)i * k);

		if (rc < 0)
			return rc;
	}
	return found;
}
