/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "cuda/check.h"
#include "gpu.h"
#include "gpu/host.h"

/* ---- time ----------------------------------------------------------------------------------- */

int gpu_time_once(struct gpu_bench *bench, gpu_work work, void *arg, unsigned int runs,
		  double *ret_seconds, struct sp_err *err)
{
	float ms = 0;
	int rc = SP_CUDA(err, cudaEventRecord(bench->begin, bench->stream));

	for (unsigned int i = 0; !rc && i < runs; i++)
		rc = work(arg, bench->stream, err);
	if (!rc)
		rc = SP_CUDA(err, cudaEventRecord(bench->end, bench->stream));
	if (!rc)
		rc = SP_CUDA(err, cudaEventSynchronize(bench->end));
	if (!rc)
		rc = SP_CUDA(err, cudaEventElapsedTime(&ms, bench->begin, bench->end));
	if (!rc)
		*ret_seconds = (double)ms / 1e3 / runs;
	return rc;
}

int gpu_time(struct gpu_bench *bench, gpu_work work, void *arg, unsigned int runs,
	     double seconds[GPU_ROUNDS], struct sp_err *err)
{
	unsigned int n = bench->small ? 1 : runs;
	int rc = gpu_time_once(bench, work, arg, n, &seconds[0], err); /* warms up */

	for (unsigned int i = 0; !rc && i < bench->rounds; i++)
		rc = gpu_time_once(bench, work, arg, n, &seconds[i], err);
	return rc;
}

double gpu_left(const struct gpu_bench *bench)
{
	return ((double)bench->end_ns - (double)host_now()) / 1e9;
}

/* ---- rows ----------------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double gpu_median(double *values, unsigned int n)
{
	qsort(values, n, sizeof(values[0]), by_value);
	return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

static double write_row(struct gpu_bench *bench, const char *engine, const char *version,
			const char *label, const char *metric, const char *unit, double *values,
			unsigned int n)
{
	double median = gpu_median(values, n);

	fprintf(bench->file,
		"{\"bench\":\"gpu\",\"case\":\"%s\",\"engine\":\"%s\",\"metric\":\"%s\","
		"\"unit\":\"%s\",\"median\":%.6g,\"min\":%.6g,\"max\":%.6g,\"rounds\":%u,"
		"\"commit\":\"%s\",\"machine\":\"%s%s\"}\n",
		label, engine, metric, unit, median, values[0], values[n - 1], n, SP_COMMIT,
		bench->machine, version);
	fflush(bench->file);
	return median;
}

double gpu_record(struct gpu_bench *bench, const char *label, const char *metric, const char *unit,
		  double *values, unsigned int n)
{
	double median = write_row(bench, "sallyport", "", label, metric, unit, values, n);

	printf("  %-58s %-14s %12.5g %s\n", label, metric, median, unit);
	return median;
}

void gpu_record_peer(struct gpu_bench *bench, const char *peer, const char *version,
		     const char *label, const char *metric, const char *unit, double *values,
		     unsigned int n)
{
	char more[300];
	double median;

	snprintf(more, sizeof(more), ", %s", version);
	median = write_row(bench, peer, more, label, metric, unit, values, n);
	printf("  %-58s %-14s %12.5g %s by %s\n", label, metric, median, unit, peer);
}

void gpu_record_one(struct gpu_bench *bench, const char *label, const char *metric,
		    const char *unit, double value)
{
	gpu_record(bench, label, metric, unit, &value, 1);
}

void gpu_compare(struct gpu_bench *bench, const char *label, const char *peer, const char *metric,
		 double *ratios, unsigned int n, bool higher)
{
	double ratio = gpu_median(ratios, n);

	printf("  %-58s sallyport / %s: %.3g (%s is better)\n", label, peer, ratio,
	       higher ? "higher" : "lower");
	fprintf(bench->file,
		"{\"bench\":\"gpu\",\"case\":\"%s\",\"engine\":\"sallyport\",\"peer\":\"%s\","
		"\"metric\":\"%s\",\"ratio\":%.6g,\"better\":\"%s\"}\n",
		label, peer, metric, ratio, higher ? "higher" : "lower");
	fflush(bench->file);
}

void gpu_record_share(struct gpu_bench *bench, const char *label, const char *metric, double least,
		      const double seconds[GPU_ROUNDS])
{
	double share[GPU_ROUNDS];

	if (!(least > 0))
		return;
	for (unsigned int i = 0; i < bench->rounds; i++)
		share[i] = seconds[i] > 0 ? 100 * least / seconds[i] : 0;
	gpu_record(bench, label, metric, "%", share, bench->rounds);
}

static double least(double work, double rate)
{
	return rate > 0 ? work / rate : 0;
}

void gpu_record_kernel(struct gpu_bench *bench, const char *label, const double seconds[GPU_ROUNDS],
		       const struct gpu_numbers *numbers)
{
	const struct {
		const char *metric;
		double least;
	} roofs[] = {
		{ "of_bandwidth", least(numbers->bytes, bench->roofs->bandwidth) },
		{ "of_tensor_roof", least(numbers->operations, bench->roofs->tensor) },
		{ "of_bus", least(numbers->bus, bench->roofs->bus) },
	};
	double us[GPU_ROUNDS];
	size_t first = 0;

	for (unsigned int i = 0; i < bench->rounds; i++)
		us[i] = seconds[i] * 1e6;
	for (size_t i = 1; i < sizeof(roofs) / sizeof(roofs[0]); i++)
		if (roofs[i].least > roofs[first].least)
			first = i;
	gpu_record(bench, label, "time", "us", us, bench->rounds);
	gpu_record_share(bench, label, roofs[first].metric, roofs[first].least, seconds);
	gpu_record_one(bench, label, "operations", "1", numbers->operations);
	gpu_record_one(bench, label, "bytes", "B", numbers->bytes);
	if (numbers->bus > 0)
		gpu_record_one(bench, label, "bus_bytes", "B", numbers->bus);
}

int gpu_measure(struct gpu_bench *bench, const char *label, gpu_work work, void *arg,
		unsigned int runs, const struct gpu_numbers *numbers, struct sp_err *err)
{
	double seconds[GPU_ROUNDS];
	int rc = gpu_time(bench, work, arg, runs, seconds, err);

	if (!rc)
		gpu_record_kernel(bench, label, seconds, numbers);
	return rc;
}

void gpu_failed(struct gpu_bench *bench, const char *label, const struct sp_err *err)
{
	printf("not ok bench_%s: %s\n", label, err->text);
	bench->failed++;
}

/* ---- memory --------------------------------------------------------------------------------- */

void *gpu_take(struct gpu_memory *memory, size_t size, struct sp_err *err)
{
	void *at = NULL;

	if (memory->device_n == GPU_PIECES_MAX) {
		sp_err_set(err, -ENOSPC, "more than %d pieces of memory", GPU_PIECES_MAX);
		return NULL;
	}
	if (SP_CUDA(err, cudaMalloc(&at, size)))
		return NULL;
	memory->device[memory->device_n++] = at;
	return at;
}

void *gpu_take_pinned(struct gpu_memory *memory, size_t size, void *ret_view, struct sp_err *err)
{
	void *at = NULL, *view = NULL;

	if (memory->pinned_n == GPU_PIECES_MAX) {
		sp_err_set(err, -ENOSPC, "more than %d pieces of memory", GPU_PIECES_MAX);
		return NULL;
	}
	if (SP_CUDA(err, cudaHostAlloc(&at, size, cudaHostAllocMapped)))
		return NULL;
	memory->pinned[memory->pinned_n++] = at;
	if (SP_CUDA(err, cudaHostGetDevicePointer(&view, at, 0)))
		return NULL;
	memset(at, 0, size);
	memcpy(ret_view, &view, sizeof(view)); /* the pointers are of many types */
	return at;
}

void gpu_give_back(struct gpu_memory *memory)
{
	for (unsigned int i = 0; i < memory->device_n; i++)
		cudaFree(memory->device[i]);
	for (unsigned int i = 0; i < memory->pinned_n; i++)
		cudaFreeHost(memory->pinned[i]);
}

int gpu_fill(void *at, size_t size, struct sp_err *err)
{
	static uint8_t piece[1 << 20];
	int rc = 0;

	for (size_t i = 0; !piece[0] && i < sizeof(piece); i++)
		piece[sizeof(piece) - 1 - i] = (uint8_t)((i + 1) * 2654435761u >> 24 | 1);
	for (size_t done = 0; !rc && done < size; done += sizeof(piece)) {
		size_t left = size - done, n = left < sizeof(piece) ? left : sizeof(piece);

		rc = SP_CUDA(err,
			     cudaMemcpy((uint8_t *)at + done, piece, n, cudaMemcpyHostToDevice));
	}
	return rc;
}
