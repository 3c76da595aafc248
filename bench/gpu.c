/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the GPU path does on this card: kernels and networks beside the card's own roofs, and frames
 * from packets to embeddings. Part of `make gpu-check`.
 *	gpu [roofs|kernels|networks|end]…
 * $SP_GPU_FIXTURES, $SP_GPU_PLUGIN, $SP_GPU_SMALL: as tests/gpu/check.c.
 */
#include "gpu.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/diag.h"
#include "cuda/check.h"

/* ---- measuring ------------------------------------------------------------------------------ */

static int time_once(struct gpu_bench *bench, gpu_work work, void *arg, unsigned int runs,
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
	*ret_seconds = (double)ms / 1e3 / runs;
	return rc;
}

int gpu_time(struct gpu_bench *bench, gpu_work work, void *arg, unsigned int runs,
	     double seconds[GPU_ROUNDS], struct sp_err *err)
{
	unsigned int n = bench->small ? 1 : runs;
	int rc = time_once(bench, work, arg, n, &seconds[0], err); /* warms up */

	for (int i = 0; !rc && i < GPU_ROUNDS; i++)
		rc = time_once(bench, work, arg, n, &seconds[i], err);
	return rc;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double gpu_record(struct gpu_bench *bench, const char *label, const char *metric, const char *unit,
		  double *values, unsigned int n)
{
	double median;

	qsort(values, n, sizeof(values[0]), by_value);
	median = n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
	printf("  %-44s %-22s %12.5g %s\n", label, metric, median, unit);
	fprintf(bench->file,
		"{\"bench\":\"gpu\",\"case\":\"%s\",\"engine\":\"sallyport\",\"metric\":\"%s\","
		"\"unit\":\"%s\",\"median\":%.6g,\"min\":%.6g,\"max\":%.6g,\"rounds\":%u,"
		"\"commit\":\"%s\",\"machine\":\"%s%s, driver for CUDA %d.%d\"}\n",
		label, metric, unit, median, values[0], values[n - 1], n, SP_COMMIT,
		bench->small ? "EMULATED, of no meaning: " : "", bench->device.name,
		bench->device.driver / 1000, bench->device.driver % 1000 / 10);
	return median;
}

void gpu_record_kernel(struct gpu_bench *bench, const char *label, const double seconds[GPU_ROUNDS],
		       double operations, double bytes)
{
	double us[GPU_ROUNDS], share[GPU_ROUNDS];
	/* The time that the roofs alone would take; whichever is longer. */
	double by_bytes = bench->bandwidth > 0 ? bytes / bench->bandwidth : 0;
	double by_operations = bench->tensor > 0 ? operations / bench->tensor : 0;
	bool memory = by_bytes >= by_operations;

	for (int i = 0; i < GPU_ROUNDS; i++) {
		us[i] = seconds[i] * 1e6;
		share[i] = seconds[i] > 0 ? 100 * (memory ? by_bytes : by_operations) / seconds[i]
					  : 0;
	}
	gpu_record(bench, label, "time", "us", us, GPU_ROUNDS);
	if (by_bytes > 0 || by_operations > 0)
		gpu_record(bench, label, memory ? "of_bandwidth" : "of_tensor_roof", "%", share,
			   GPU_ROUNDS);
	gpu_record(bench, label, "operations", "1", &operations, 1);
	gpu_record(bench, label, "bytes", "B", &bytes, 1);
}

void gpu_failed(struct gpu_bench *bench, const char *label, const struct sp_err *err)
{
	printf("not ok bench_%s: %s\n", label, err->text);
	bench->failed++;
}

/* ---- roofs ---------------------------------------------------------------------------------- */

struct roof {
	void *from, *to;
	uint64_t bytes;
	uint32_t blocks, rounds;
};

static int copy_work(void *arg, cudaStream_t stream, struct sp_err *err)
{
	struct roof *roof = arg;

	return SP_CUDA(err, gpu_copy_launch(stream, roof->from, roof->to, roof->bytes));
}

static int tensor_work(void *arg, cudaStream_t stream, struct sp_err *err)
{
	struct roof *roof = arg;

	return SP_CUDA(err, gpu_tensor_launch(stream, roof->blocks, roof->rounds, roof->to));
}

static int measure_roofs(struct gpu_bench *bench, struct roof *roof, struct sp_err *err)
{
	double products = (double)roof->blocks * GPU_TENSOR_WARPS * GPU_TENSOR_CHAINS *
			  roof->rounds * 2 * 16 * 16 * 8;
	double seconds[GPU_ROUNDS], rate[GPU_ROUNDS];
	int rc = gpu_time(bench, copy_work, roof, 20, seconds, err);

	for (int i = 0; !rc && i < GPU_ROUNDS; i++)
		rate[i] = 2 * (double)roof->bytes / seconds[i] / 1e9;
	if (!rc)
		bench->bandwidth = 1e9 * gpu_record(bench, "copy on the device", "bandwidth",
						    "GB/s", rate, GPU_ROUNDS);
	if (!rc)
		rc = gpu_time(bench, tensor_work, roof, 3, seconds, err);
	for (int i = 0; !rc && i < GPU_ROUNDS; i++)
		rate[i] = products / seconds[i] / 1e12;
	if (!rc)
		bench->tensor = 1e12 * gpu_record(bench, "mma of bfloat16 in registers",
						  "operations", "T/s", rate, GPU_ROUNDS);
	return rc;
}

void gpu_roofs(struct gpu_bench *bench)
{
	struct roof roof = {
		.bytes = bench->small ? 1 << 16 : 1ull << 30, /* far beyond the caches */
		.blocks = bench->small ? 1 : bench->device.processors * 4,
		.rounds = bench->small ? 2 : 20000,
	};
	struct sp_err err;
	int rc = SP_CUDA(&err, cudaMalloc(&roof.from, roof.bytes));

	if (!rc)
		rc = SP_CUDA(&err, cudaMalloc(&roof.to, roof.bytes));
	if (!rc)
		rc = SP_CUDA(&err, cudaMemsetAsync(roof.from, 1, roof.bytes, bench->stream));
	if (!rc)
		rc = measure_roofs(bench, &roof, &err);
	if (rc)
		gpu_failed(bench, "roofs", &err);
	cudaFree(roof.from);
	cudaFree(roof.to);
}

/* ---- the program ---------------------------------------------------------------------------- */

static int begin(struct gpu_bench *bench, struct sp_err *err)
{
	const char *build = getenv("SP_BUILD");
	char path[1024];
	int rc = sp_device_open(0, &bench->device, err);

	bench->small = getenv("SP_GPU_SMALL") != NULL;
	if (!rc)
		rc = SP_CUDA(err, cudaStreamCreateWithFlags(&bench->stream, cudaStreamNonBlocking));
	if (!rc)
		rc = SP_CUDA(err, cudaEventCreateWithFlags(&bench->begin, cudaEventDefault));
	if (!rc)
		rc = SP_CUDA(err, cudaEventCreateWithFlags(&bench->end, cudaEventDefault));
	if (rc)
		return rc;
	snprintf(path, sizeof(path), "%s/bench", build && *build ? build : "build");
	mkdir(path, 0777);
	strcat(path, "/gpu.jsonl");
	bench->file = fopen(path, "w");
	return bench->file ? 0 : sp_err_set(err, -errno, "%s: %s", path, strerror(errno));
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(struct gpu_bench *bench);
	} parts[] = {
		{ "roofs", gpu_roofs },
		{ "kernels", gpu_kernels },
		{ "networks", gpu_networks },
		{ "end", gpu_end_to_end },
	};
	struct gpu_bench bench = { 0 };
	struct sp_err err;

	if (begin(&bench, &err)) {
		printf("skip bench: %s\n", err.text);
		return 3;
	}
	printf("gpu (%s, %s)\n", SP_COMMIT, bench.device.name);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		bool wanted = argc < 2;

		for (int k = 1; k < argc; k++)
			wanted |= !strcmp(argv[k], parts[i].name);
		if (wanted)
			parts[i].run(&bench);
	}
	if (fclose(bench.file))
		bench.failed++;
	cudaEventDestroy(bench.begin);
	cudaEventDestroy(bench.end);
	cudaStreamDestroy(bench.stream);
	if (!bench.failed)
		printf("ok bench\n");
	return bench.failed != 0;
}
