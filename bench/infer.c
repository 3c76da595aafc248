/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one inference costs on one core, ms, for the networks of ../shared/models: the executor
 * alone, from a filled input to plain outputs. CPU time, one thread, the input touched by nothing
 * else.
 */
#include <stdio.h>
#include <time.h>

#include "app/models.h"
#include "base/diag.h"
#include "bench.h"
#include "infer/cpu/executor.h"
#include "infer/model.h"

struct load {
	const char *label, *file;
	int64_t side;
	unsigned int runs; /* a measurement */
	struct sp_model *model;
	struct sp_executor *executor;
};

static double cpu_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static double measure(void *arg)
{
	struct load *load = arg;
	double begin = cpu_ms();

	for (unsigned int i = 0; i < load->runs; i++)
		if (sp_executor_run(load->executor))
			return -1;
	return (cpu_ms() - begin) / load->runs;
}

static int open_load(struct load *load)
{
	const int64_t shape[4] = { 1, 3, load->side, load->side };
	struct sp_err err;
	char path[1024];
	float *input;
	int ret;

	snprintf(path, sizeof(path), "%s/models/%s", sp_models_shared(), load->file);
	ret = sp_model_load(path, &load->model, &err);
	if (!ret)
		ret = sp_executor_create(load->model, shape, NULL, &load->executor, &err);
	if (ret) {
		fprintf(stderr, "infer: %s\n", err.text);
		return ret;
	}
	input = sp_executor_input(load->executor);
	for (int64_t i = 0; i < 3 * load->side * load->side; i++)
		input[i] = (float)(i * 7919 % 255) / 64 - 2;
	return 0;
}

int main(void)
{
	struct load loads[] = {
		{ .label = "yunet_n_320", .file = "yunet_n_dynamic.onnx", .side = 320, .runs = 10 },
		{ .label = "yunet_n_640", .file = "yunet_n_dynamic.onnx", .side = 640, .runs = 4 },
		{ .label = "mobilefacenet", .file = "mobilefacenet.onnx", .side = 112, .runs = 10 },
		{ .label = "lightqnet", .file = "lightqnet_dm025.onnx", .side = 96, .runs = 100 },
	};
	struct sp_bench_row rows[sizeof(loads) / sizeof(loads[0])];
	struct sp_bench *bench;
	size_t n = 0;
	int ret = 1;

	for (size_t i = 0; i < sizeof(loads) / sizeof(loads[0]); i++)
		if (!open_load(&loads[i]))
			rows[n++] = (struct sp_bench_row){ .label = loads[i].label,
							   .engine = "onednn_f32",
							   .metric = "cpu_time_per_inference",
							   .unit = "ms",
							   .run = measure,
							   .arg = &loads[i] };
	bench = n ? sp_bench_begin("infer") : NULL;
	if (bench) {
		sp_bench_run(bench, rows, n, SP_BENCH_ROUNDS);
		ret = sp_bench_end(bench);
	}
	for (size_t i = 0; i < sizeof(loads) / sizeof(loads[0]); i++) {
		sp_executor_destroy(loads[i].executor);
		sp_model_free(loads[i].model);
	}
	return ret;
}
