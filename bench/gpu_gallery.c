/* SPDX-License-Identifier: Apache-2.0 */
/* The best 10 of a gallery, by the clock, since a search waits for the device: what callers see. */
#include <errno.h>
#include <stdlib.h>

#include "base/diag.h"
#include "cuda/similarity.h"
#include "gpu.h"
#include "gpu/host.h"

enum { SIZE = 128, BEST = 10, QUERIES_MAX = 16 };

static const uint32_t queries[] = { 1, 8, QUERIES_MAX };

static void make_unit(float *rows, size_t n)
{
	uint32_t seed = 1;

	for (size_t i = 0; i < n; i++) {
		float sum = 0, scale;

		for (uint32_t k = 0; k < SIZE; k++) {
			seed = seed * 1664525 + 1013904223;
			rows[i * SIZE + k] = (float)(int32_t)seed * 0x1p-31f;
			sum += rows[i * SIZE + k] * rows[i * SIZE + k];
		}
		scale = 1 / __builtin_sqrtf(sum);
		for (uint32_t k = 0; k < SIZE; k++)
			rows[i * SIZE + k] *= scale;
	}
}

static int bench_search(struct gpu_bench *bench, struct sp_device_gallery *gallery,
			const float *rows, uint32_t rows_n, uint32_t n, struct sp_err *err)
{
	static struct sp_hit hits[QUERIES_MAX * BEST];
	double seconds[GPU_ROUNDS], ms[GPU_ROUNDS];
	struct gpu_numbers numbers = { 2.0 * n * rows_n * SIZE, 2.0 * rows_n * SIZE, 0 };
	char label[96];
	int rc = sp_device_gallery_search(gallery, rows, n, BEST, hits, err); /* warms up */

	for (unsigned int i = 0; rc >= 0 && i < bench->rounds; i++) {
		uint64_t begin = host_now();

		rc = sp_device_gallery_search(gallery, rows, n, BEST, hits, err);
		seconds[i] = (double)(host_now() - begin) / 1e9;
		ms[i] = seconds[i] * 1e3;
	}
	if (rc < 0)
		return rc;
	if (hits[0].index != 0 || hits[0].similarity < 0.999f)
		return sp_err_set(err, -EIO, "the first row is not most like itself");
	snprintf(label, sizeof(label), "search %u in %u x %d", n, rows_n, SIZE);
	gpu_record_kernel(bench, label, seconds, &numbers);
	gpu_record(bench, label, "by_the_clock", "ms", ms, bench->rounds);
	return 0;
}

void gpu_gallery(struct gpu_bench *bench)
{
	uint32_t rows_n = bench->small ? 2000 : 1000000;
	float *rows = malloc((size_t)rows_n * SIZE * sizeof(float));
	struct sp_device_gallery *gallery = NULL;
	struct sp_err err = { "out of memory" };
	int rc = rows ? 0 : -ENOMEM;

	if (!rc) {
		make_unit(rows, rows_n);
		rc = sp_device_gallery_create(&bench->device, rows, rows_n, SIZE, &gallery, &err);
	}
	for (size_t i = 0; !rc && i < sizeof(queries) / sizeof(queries[0]); i++)
		rc = bench_search(bench, gallery, rows, rows_n, queries[i], &err);
	if (rc)
		gpu_failed(bench, "gallery", &err);
	if (gallery)
		sp_device_gallery_destroy(gallery);
	free(rows);
}
