/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's part of a gallery: its memory, the bound on rounding errors, searches one after
 * another.
 */
#include "cuda/gallery.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/diag.h"
#include "cuda/check.h"
#include "cuda/device.h"
#include "cuda/similarity.h"
#include "infer/element.h"

enum {
	ALIGN = 256, /* bytes; of each array */
	QUERIES = SP_SWEEP_QUERIES,
	SPIN_NS = 2000000,
	NAP_NS = 50000,
};

struct sp_device_gallery {
	struct sp_device device;
	cudaStream_t stream;
	struct sp_gallery_memory memory;
	void *base; /* of the device's memory */
	size_t base_bytes, pinned_bytes;
	/*
	 * Of the host, pinned, in one piece: queries, their halves and slack as on the device;
	 * hits.
	 */
	uint8_t *pinned;
	struct sp_hit *hits;
	size_t queries_at, queries_bytes; /* in base: what is copied for a search */
	size_t halves_at, slack_at; /* in there */
	double length, error; /* M and E of similarity.cu */
	uint64_t (*now_ns)(void); /* NULL: the device is waited for however long it takes */
	uint64_t limit_ns;
};

/* ---- memory ---- */

/* Deals out arrays one after the other; without memory only how much they are. */
struct deal {
	uint8_t *base;
	size_t used;
};

static void *deal_out(struct deal *deal, size_t bytes)
{
	size_t at = deal->used;

	deal->used += (bytes + ALIGN - 1) / ALIGN * ALIGN;
	return deal->base ? deal->base + at : NULL;
}

static void lay_out(struct sp_device_gallery *gallery, struct deal *deal)
{
	struct sp_gallery_memory *memory = &gallery->memory;
	size_t groups = memory->groups, columns = memory->columns, halves = 2 * columns;

	/* First what a search copies. */
	gallery->queries_at = deal->used;
	memory->queries = deal_out(deal, QUERIES * sizeof(float) * memory->size);
	gallery->halves_at = deal->used - gallery->queries_at;
	memory->query_halves = deal_out(deal, QUERIES * halves);
	gallery->slack_at = deal->used - gallery->queries_at;
	memory->slack = deal_out(deal, QUERIES * sizeof(double));
	gallery->queries_bytes = deal->used - gallery->queries_at;
	memory->reach = deal_out(deal, 2 * sizeof(uint32_t));
	memory->listed = deal_out(deal, QUERIES * sizeof(uint32_t));
	memory->best = deal_out(deal, (size_t)QUERIES * SP_RESCORE_BLOCKS * SP_HITS_MAX * 8);
	memory->odd = deal_out(deal, groups * sizeof(uint32_t));
	memory->maxima = deal_out(deal, QUERIES * groups * sizeof(float));
	memory->list = deal_out(deal, QUERIES * groups * sizeof(uint32_t));
	memory->rows = deal_out(deal, (size_t)memory->rows_n * memory->size * sizeof(float));
	memory->halves = deal_out(deal, groups * SP_SWEEP_GROUP * halves);
}

static int take_memory(struct sp_device_gallery *gallery, struct sp_err *err)
{
	size_t hits = QUERIES * SP_HITS_MAX * sizeof(struct sp_hit), free_bytes = 0, all;
	struct deal deal = { NULL, 0 };
	cudaError_t status;
	void *device = NULL;
	int rc;

	lay_out(gallery, &deal);
	status = cudaMalloc(&gallery->base, deal.used);
	if (status == cudaErrorMemoryAllocation) {
		(void)cudaGetLastError(); /* it is told below */
		(void)cudaMemGetInfo(&free_bytes, &all);
		return sp_err_set(err, -ENOMEM,
				  "%u templates need %zu MiB of the device's memory, which has %zu "
				  "MiB free; a smaller gallery, or a smaller batch, leaves room",
				  gallery->memory.rows_n, (deal.used >> 20) + 1, free_bytes >> 20);
	}
	rc = SP_CUDA(err, status);
	if (rc)
		return rc;
	gallery->base_bytes = deal.used;
	deal = (struct deal){ gallery->base, 0 };
	lay_out(gallery, &deal);
	gallery->pinned_bytes = gallery->queries_bytes + hits;
	rc = SP_CUDA(err, cudaHostAlloc((void **)&gallery->pinned, gallery->pinned_bytes,
					cudaHostAllocMapped | cudaHostAllocPortable));
	if (rc)
		goto err_device;
	gallery->hits = (struct sp_hit *)(gallery->pinned + gallery->queries_bytes);
	rc = SP_CUDA(err, cudaHostGetDevicePointer(&device, gallery->hits, 0));
	if (rc)
		goto err_pinned;
	gallery->memory.hits = device;
	return 0;

err_pinned:
	cudaFreeHost(gallery->pinned);
err_device:
	cudaFree(gallery->base);
	return rc;
}

/* With zeros where people's templates were. */
static void give_memory(struct sp_device_gallery *gallery)
{
	if (gallery->pinned)
		explicit_bzero(gallery->pinned, gallery->pinned_bytes);
	if (gallery->base)
		(void)SP_CUDA(NULL, cudaMemset(gallery->base, 0, gallery->base_bytes));
	cudaFreeHost(gallery->pinned);
	cudaFree(gallery->base);
}

/* ---- filling ---- */

/* Rounded up: of a sum of squares in float32, each of which may have vanished. */
static double length_of(uint32_t square_bits, uint32_t size)
{
	float square;

	memcpy(&square, &square_bits, sizeof(square));
	return sqrt((double)square * (1 + size * 0x1p-22) + size * 0x1p-148);
}

static int fill(struct sp_device_gallery *gallery, const float *rows, struct sp_err *err)
{
	const struct sp_gallery_memory *memory = &gallery->memory;
	size_t bytes = (size_t)memory->rows_n * memory->size * sizeof(float);
	cudaStream_t stream = gallery->stream;
	uint32_t reach[2] = { 0, 0 };
	int rc = 0;

	if (bytes)
		rc = SP_CUDA(err, cudaMemcpyAsync(memory->rows, rows, bytes, cudaMemcpyHostToDevice,
						  stream));
	if (!rc)
		rc = SP_CUDA(err, sp_gallery_round_launch(stream, memory));
	if (!rc)
		rc = SP_CUDA(err, cudaMemcpyAsync(reach, memory->reach, sizeof(reach),
						  cudaMemcpyDeviceToHost, stream));
	if (!rc)
		rc = SP_CUDA(err, cudaStreamSynchronize(stream));
	gallery->length = length_of(reach[0], memory->size);
	gallery->error = length_of(reach[1], memory->size);
	return rc;
}

int sp_device_gallery_create(const struct sp_device *device, const float *rows, uint32_t rows_n,
			     uint32_t size, struct sp_device_gallery **ret_gallery,
			     struct sp_err *err)
{
	struct sp_device_gallery *gallery;
	int rc;

	if (!size || size > SP_EMBEDDING_MAX || (rows_n && !rows))
		return sp_err_set(err, -EINVAL,
				  "gallery: templates of %u numbers; there are such of 1 … %u",
				  size, (unsigned int)SP_EMBEDDING_MAX);
	gallery = calloc(1, sizeof(*gallery));
	if (!gallery)
		return sp_err_set(err, -ENOMEM, "gallery: out of memory");
	gallery->device = *device;
	gallery->memory.rows_n = rows_n;
	gallery->memory.size = size;
	gallery->memory.columns = (size + SP_SWEEP_COLUMNS - 1) / SP_SWEEP_COLUMNS *
				  SP_SWEEP_COLUMNS;
	gallery->memory.groups =
		(uint32_t)(((uint64_t)rows_n + SP_SWEEP_GROUP - 1) / SP_SWEEP_GROUP);
	rc = SP_CUDA(err, cudaSetDevice(device->index));
	if (rc)
		goto err_free;
	rc = SP_CUDA(err, cudaStreamCreateWithFlags(&gallery->stream, cudaStreamNonBlocking));
	if (rc)
		goto err_free;
	rc = take_memory(gallery, err);
	if (rc)
		goto err_stream;
	rc = fill(gallery, rows, err);
	if (rc)
		goto err_memory;
	*ret_gallery = gallery;
	return 0;

err_memory:
	give_memory(gallery);
err_stream:
	cudaStreamDestroy(gallery->stream);
err_free:
	free(gallery);
	return sp_err_prefix(err, rc, "gallery");
}

void sp_device_gallery_forget(struct sp_device_gallery *gallery)
{
	gallery->base = NULL;
	gallery->pinned = NULL;
	gallery->stream = NULL;
}

void sp_device_gallery_destroy(struct sp_device_gallery *gallery)
{
	if (!gallery)
		return;
	/* What fails here is of a lost device and is told elsewhere; an error told is forgotten. */
	(void)SP_CUDA(NULL, cudaSetDevice(gallery->device.index));
	give_memory(gallery);
	if (gallery->stream)
		cudaStreamDestroy(gallery->stream);
	free(gallery);
}

/* ---- searching ---- */

/*
 * 2 ε of a query (similarity.cu), and its halves. Infinite where sums might overflow or are of no
 * numbers: everything is compared in float32 then, and the halves are zeros.
 */
static double round_query(const struct sp_device_gallery *gallery, const float *query,
			  uint16_t *halves)
{
	uint32_t size = gallery->memory.size, columns = gallery->memory.columns;
	double square = 0, rounded = 0, off = 0, length, longest, products;

	memset(halves, 0, columns * sizeof(*halves));
	for (uint32_t i = 0; i < size; i++) {
		double x = (double)query[i];

		square += x * x;
	}
	if (!(square <= (double)SP_SWEEP_SQUARE_MAX))
		return INFINITY;
	for (uint32_t i = 0; i < size; i++) {
		double x = (double)query[i], half;

		halves[i] = sp_bf16_of(query[i]);
		half = (double)sp_bf16_to_float(halves[i]);
		rounded += half * half;
		off += (x - half) * (x - half);
	}
	rounded = sqrt(rounded);
	off = sqrt(off);
	length = sqrt(square);
	longest = gallery->length + gallery->error; /* of rounded rows */
	/* Sums by tensor cores, then those in float32: each addition, each product. */
	products = (columns + 16) * 0x1p-21 * longest * rounded +
		   (size + 32) * 0x1p-23 * gallery->length * length + columns * 0x1p-125;
	return 2 * (1 + 1e-6) * (gallery->error * rounded + gallery->length * off + products);
}

void sp_device_gallery_watch(struct sp_device_gallery *gallery, uint64_t (*now_ns)(void),
			     uint64_t limit_ns)
{
	gallery->now_ns = now_ns;
	gallery->limit_ns = limit_ns;
}

/* A search is over soon, as a rule: only one that takes longer is worth a nap. */
static int wait_for(const struct sp_device_gallery *gallery, struct sp_err *err)
{
	const struct timespec nap = { .tv_nsec = NAP_NS };
	cudaError_t status;
	uint64_t begin, waited;

	if (!gallery->now_ns)
		return SP_CUDA(err, cudaStreamSynchronize(gallery->stream));
	begin = gallery->now_ns();
	while ((status = cudaStreamQuery(gallery->stream)) == cudaErrorNotReady) {
		waited = gallery->now_ns() - begin;
		if (waited > gallery->limit_ns)
			return sp_err_set(err, -ETIME, "the device has not answered for %llu ms",
					  (unsigned long long)waited / 1000000);
		if (waited > SPIN_NS)
			nanosleep(&nap, NULL);
	}
	return sp_cuda_status(err, status, "cudaStreamQuery(gallery->stream)");
}

/* @n ≤ QUERIES of them. */
static int search_some(struct sp_device_gallery *gallery, const float *queries, uint32_t n,
		       uint32_t k, struct sp_err *err)
{
	const struct sp_gallery_memory *memory = &gallery->memory;
	uint16_t *halves = (uint16_t *)(gallery->pinned + gallery->halves_at);
	double *slack = (double *)(gallery->pinned + gallery->slack_at);
	cudaStream_t stream = gallery->stream;
	int rc;

	memset(gallery->pinned, 0, gallery->queries_bytes);
	memcpy(gallery->pinned, queries, (size_t)n * memory->size * sizeof(float));
	for (uint32_t i = 0; i < n; i++)
		slack[i] = round_query(gallery, queries + (size_t)i * memory->size,
				       halves + (size_t)i * memory->columns);
	rc = SP_CUDA(err, cudaMemcpyAsync((uint8_t *)gallery->base + gallery->queries_at,
					  gallery->pinned, gallery->queries_bytes,
					  cudaMemcpyHostToDevice, stream));
	if (!rc)
		rc = SP_CUDA(err, sp_gallery_search_launch(stream, &gallery->device, memory, n, k));
	return rc ? rc : wait_for(gallery, err);
}

int sp_device_gallery_search(struct sp_device_gallery *gallery, const float *queries,
			     uint32_t queries_n, uint32_t k, struct sp_hit *hits,
			     struct sp_err *err)
{
	uint32_t found = k < gallery->memory.rows_n ? k : gallery->memory.rows_n;
	int rc;

	if (k > SP_HITS_MAX || (found && queries_n && (!queries || !hits)))
		return sp_err_set(err, -EINVAL, "gallery: %u hits of a search; at most %u", k,
				  (unsigned int)SP_HITS_MAX);
	if (!found || !queries_n)
		return (int)found;
	rc = SP_CUDA(err, cudaSetDevice(gallery->device.index));
	for (uint32_t first = 0; first < queries_n && !rc; first += QUERIES) {
		uint32_t n = queries_n - first < QUERIES ? queries_n - first : QUERIES;

		rc = search_some(gallery, queries + (size_t)first * gallery->memory.size, n, k,
				 err);
		for (uint32_t i = 0; i < n && !rc; i++)
			memcpy(hits + (size_t)(first + i) * k, gallery->hits + i * SP_HITS_MAX,
			       found * sizeof(*hits));
	}
	return rc ? sp_err_prefix(err, rc, "gallery") : (int)found;
}
