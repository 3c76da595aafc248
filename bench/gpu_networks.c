/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Networks batched, as CUDA graphs: batch × latency × throughput; then each step of one beside the
 * roofs. Engines are chosen by the tuner as the backend does.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "cuda/check.h"
#include "cuda/fixture.h"
#include "cuda/network.h"
#include "cuda/tuner.h"
#include "gpu.h"
#include "gpu/host.h"

struct bound {
	struct sp_network *network;
	void *memory;
	cudaGraphExec_t graph;
	unsigned int step;
};

static int graph_work(void *arg, cudaStream_t stream, struct sp_err *err)
{
	struct bound *bound = arg;

	return SP_CUDA(err, cudaGraphLaunch(bound->graph, stream));
}

static int step_work(void *arg, cudaStream_t stream, struct sp_err *err)
{
	struct bound *bound = arg;

	return sp_network_run_step(bound->network, bound->step, stream, err);
}

static int capture(struct gpu_bench *bench, struct bound *bound, struct sp_err *err)
{
	cudaGraph_t graph = NULL;
	int rc = SP_CUDA(err, cudaStreamBeginCapture(bench->stream, cudaStreamCaptureModeRelaxed));

	if (!rc)
		rc = sp_network_run(bound->network, bench->stream, err);
	if (!rc)
		rc = SP_CUDA(err, cudaStreamEndCapture(bench->stream, &graph));
	if (!rc)
		rc = SP_CUDA(err, cudaGraphInstantiate(&bound->graph, graph, 0));
	if (graph)
		cudaGraphDestroy(graph);
	return rc;
}

static int bind(struct gpu_bench *bench, struct sp_network_model *model, uint32_t n, uint32_t side,
		struct bound *bound, struct sp_err *err)
{
	int rc = sp_network_create(model, n, side, side, &bound->network, err);

	if (!rc)
		rc = SP_CUDA(err, cudaMalloc(&bound->memory, sp_network_bytes(bound->network)));
	if (rc)
		return rc;
	sp_network_bind(bound->network, bound->memory);
	/* Numbers that are no zeros; what they are makes no difference to the kernels. */
	rc = SP_CUDA(err, cudaMemsetAsync(bound->memory, 0x3C, sp_network_bytes(bound->network),
					  bench->stream));
	return rc ? rc : capture(bench, bound, err);
}

static void unbind(struct bound *bound)
{
	if (bound->graph)
		cudaGraphExecDestroy(bound->graph);
	if (bound->network)
		sp_network_destroy(bound->network);
	cudaFree(bound->memory);
}

static int bench_steps(struct gpu_bench *bench, const char *name, struct bound *bound,
		       struct sp_err *err)
{
	double seconds[GPU_ROUNDS];
	int rc = 0;

	for (bound->step = 0; !rc && bound->step < sp_network_steps(bound->network);
	     bound->step++) {
		uint64_t macs, bytes;
		const char *what = sp_network_step(bound->network, bound->step, &macs, &bytes);
		char label[256];

		snprintf(label, sizeof(label), "%s step %u: %s", name, bound->step, what);
		rc = gpu_time(bench, step_work, bound, 20, seconds, err);
		if (!rc)
			gpu_record_kernel(bench, label, seconds, 2.0 * (double)macs, (double)bytes);
	}
	return rc;
}

static int bench_batches(struct gpu_bench *bench, const char *name, struct sp_network_model *model,
			 uint32_t side, uint32_t batch_max, struct sp_err *err)
{
	int rc = 0;

	for (uint32_t n = 1; !rc && n <= batch_max; n *= 2) {
		double seconds[GPU_ROUNDS], rate[GPU_ROUNDS], us[GPU_ROUNDS];
		struct bound bound = { 0 };
		char label[128];

		rc = bind(bench, model, n, side, &bound, err);
		if (!rc)
			rc = gpu_time(bench, graph_work, &bound, 20, seconds, err);
		snprintf(label, sizeof(label), "%s %u, batch %u", name, side, n);
		for (int i = 0; !rc && i < GPU_ROUNDS; i++) {
			us[i] = seconds[i] * 1e6;
			rate[i] = n / seconds[i];
		}
		if (!rc) {
			gpu_record(bench, label, "latency", "us", us, GPU_ROUNDS);
			gpu_record(bench, label, "throughput", "1/s", rate, GPU_ROUNDS);
		}
		if (!rc && n * 2 > batch_max) {
			snprintf(label, sizeof(label), "%s %u x %u", name, n, side);
			rc = bench_steps(bench, label, &bound, err);
		}
		unbind(&bound);
	}
	return rc;
}

static void log_line(int level, const char *text)
{
	if (level <= SP_LOG_INFO)
		printf("# %s\n", text);
}

static void bench_network(struct gpu_bench *bench, const char *name, uint32_t side,
			  uint32_t batch_max)
{
	struct fixture_network *network = calloc(1, sizeof(*network));
	struct sp_network_model *model = NULL;
	struct sp_tuner *tuner = NULL;
	char path[1024], file[128];
	struct sp_err err;
	int rc;

	snprintf(file, sizeof(file), "%s.network", name);
	rc = fixture_network_load(host_fixture(path, file), network, &err);
	if (rc == -ENOENT) {
		printf("skip bench_%s: %s\n", name, err.text);
		free(network);
		return;
	}
	if (!rc)
		rc = sp_tuner_create(&bench->device, getenv("SP_BUILD"), log_line, &tuner, &err);
	if (!rc)
		rc = sp_network_model_create(&bench->device, &network->model, SP_TENSOR_BF16, tuner,
					     &model, &err);
	if (!rc)
		rc = bench_batches(bench, name, model, side, batch_max, &err);
	if (rc)
		gpu_failed(bench, name, &err);
	if (model)
		sp_network_model_destroy(model);
	sp_tuner_destroy(tuner);
	fixture_network_free(network);
	free(network);
}

void gpu_networks(struct gpu_bench *bench)
{
	if (bench->small) {
		bench_network(bench, "sallyport_detector", 64, 2);
		return;
	}
	bench_network(bench, "yunet_n_dynamic", 640, 64);
	bench_network(bench, "mobilefacenet", 112, 512);
	bench_network(bench, "sallyport_detector", 640, 64);
	bench_network(bench, "sallyport_embedder", 112, 512);
}
