/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Networks batched, as CUDA graphs: batch × latency × throughput, beside the roofs and, round by
 * round, beside a peer; then each step of the largest batch. Engines are chosen by the tuner as the
 * backend does.
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
#include "gpu_peer.h"

enum { RUNS = 20, PEER_START_SECONDS = 30, PEER_COMPILE_SECONDS = 50 };

struct net {
	const char *name;
	uint32_t side, batch_max;
	bool beside_peer;
	double until; /* share of the part's time that is left to those that follow */
};

static const struct net nets[] = {
	{ "yunet_n_dynamic", 640, 64, true, 0.55 },
	{ "mobilefacenet", 112, 512, true, 0.2 },
	{ "sallyport_detector", 640, 64, false, 0.1 },
	{ "sallyport_embedder", 112, 512, false, 0 },
};
static const struct net small_net = { "sallyport_detector", 64, 2, true, 0 };

struct bound {
	struct sp_network *network;
	void *memory;
	cudaGraphExec_t graph;
	unsigned int step;
	uint32_t n;
	char label[96];
};

/* ---- one network, ready to run -------------------------------------------------------------- */

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

static int bind(struct gpu_bench *bench, struct sp_network_model *model, uint32_t side,
		struct bound *bound, struct sp_err *err)
{
	int rc = sp_network_create(model, bound->n, side, side, &bound->network, err);

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

/* ---- rows ----------------------------------------------------------------------------------- */

static int bench_steps(struct gpu_bench *bench, struct bound *bound, struct sp_err *err)
{
	int rc = 0;

	for (bound->step = 0; !rc && bound->step < sp_network_steps(bound->network);
	     bound->step++) {
		uint64_t macs, bytes;
		const char *what = sp_network_step(bound->network, bound->step, &macs, &bytes);
		struct gpu_numbers numbers = { 2.0 * (double)macs, (double)bytes, 0 };
		char label[256];

		snprintf(label, sizeof(label), "%s, step %u: %s", bound->label, bound->step, what);
		rc = gpu_measure(bench, label, step_work, bound, RUNS, &numbers, err);
	}
	return rc;
}

/* All steps' numbers are the network's; it is told what it has of both roofs. */
static void record_whole(struct gpu_bench *bench, const struct bound *bound,
			 const double seconds[GPU_ROUNDS])
{
	double us[GPU_ROUNDS], rate[GPU_ROUNDS], operations = 0, bytes = 0;

	for (unsigned int i = 0; i < sp_network_steps(bound->network); i++) {
		uint64_t step_macs, step_bytes;

		sp_network_step(bound->network, i, &step_macs, &step_bytes);
		operations += 2.0 * (double)step_macs;
		bytes += (double)step_bytes;
	}
	for (unsigned int i = 0; i < bench->rounds; i++) {
		us[i] = seconds[i] * 1e6;
		rate[i] = bound->n / seconds[i];
	}
	gpu_record(bench, bound->label, "latency", "us", us, bench->rounds);
	gpu_record(bench, bound->label, "throughput", "1/s", rate, bench->rounds);
	if (bench->roofs->bandwidth > 0)
		gpu_record_share(bench, bound->label, "of_bandwidth",
				 bytes / bench->roofs->bandwidth, seconds);
	if (bench->roofs->tensor > 0)
		gpu_record_share(bench, bound->label, "of_tensor_roof",
				 operations / bench->roofs->tensor, seconds);
	gpu_record_one(bench, bound->label, "operations", "1", operations);
	gpu_record_one(bench, bound->label, "bytes", "B", bytes);
}

/* Rounds in turn: ours, theirs. What the peer cannot do is told, and no failure of ours. */
static int bench_beside(struct gpu_bench *bench, const struct net *net, struct bound *bound,
			struct gpu_peer *peer, struct sp_err *err)
{
	double ours, theirs = 0, faster[GPU_ROUNDS], rate[GPU_ROUNDS];
	double left = gpu_left(bench);
	struct sp_err why;
	int rc = 0;

	/* Its compiler may not take what is for the next networks. */
	if (left > PEER_COMPILE_SECONDS)
		left = PEER_COMPILE_SECONDS;
	if (gpu_peer_prepare(peer, net->name, net->side, bound->n, left, &why))
		goto no_peer;
	for (unsigned int i = 0; !rc && i < bench->rounds; i++) {
		rc = gpu_time_once(bench, graph_work, bound, RUNS, &ours, err);
		if (!rc && gpu_peer_run(peer, RUNS, &theirs, &why))
			goto no_peer;
		faster[i] = theirs / ours;
		rate[i] = bound->n / theirs;
	}
	if (rc)
		return rc;
	gpu_record_peer(bench, peer->name, peer->version, bound->label, "throughput", "1/s", rate,
			bench->rounds);
	gpu_compare(bench, bound->label, peer->name, "throughput", faster, bench->rounds, true);
	return 0;

no_peer:
	printf("skip bench_peer: %s: %s\n", bound->label, why.text);
	return 0;
}

static int bench_batch(struct gpu_bench *bench, const struct net *net,
		       struct sp_network_model *model, uint32_t n, struct gpu_peer *peer,
		       struct sp_err *err)
{
	double seconds[GPU_ROUNDS];
	struct bound bound = { .n = n };
	int rc;

	snprintf(bound.label, sizeof(bound.label), "%s %u, batch %u", net->name, net->side, n);
	rc = bind(bench, model, net->side, &bound, err);
	if (!rc)
		rc = gpu_time(bench, graph_work, &bound, RUNS, seconds, err);
	if (!rc)
		record_whole(bench, &bound, seconds);
	if (!rc && net->beside_peer && peer->child && (n == 1 || n == net->batch_max))
		rc = bench_beside(bench, net, &bound, peer, err);
	if (!rc && n == net->batch_max)
		rc = bench_steps(bench, &bound, err);
	unbind(&bound);
	return rc;
}

/*
 * The largest batch first, which is what is promised, then from 1 on: a tuner that meets a card for
 * the first time may take longer than there is.
 */
static int bench_batches(struct gpu_bench *bench, const struct net *net,
			 struct sp_network_model *model, double stop, struct gpu_peer *peer,
			 struct sp_err *err)
{
	int rc = bench_batch(bench, net, model, net->batch_max, peer, err);

	for (uint32_t n = 1; !rc && n < net->batch_max; n *= 2) {
		if (gpu_left(bench) < stop) {
			printf("skip bench_%s: no time is left for batches of %u and more\n",
			       net->name, n);
			return 0;
		}
		rc = bench_batch(bench, net, model, n, peer, err);
	}
	return rc;
}

static void log_line(int level, const char *text)
{
	if (level <= SP_LOG_INFO)
		printf("# %s\n", text);
}

static void bench_network(struct gpu_bench *bench, const struct net *net, double seconds,
			  struct gpu_peer *peer)
{
	struct fixture_network *network = calloc(1, sizeof(*network));
	struct sp_network_model *model = NULL;
	struct sp_tuner *tuner = NULL;
	char path[1024], file[128];
	struct sp_err err = { "out of memory" };
	int rc = -ENOMEM;

	snprintf(file, sizeof(file), "%s.network", net->name);
	if (network)
		rc = fixture_network_load(host_fixture(path, file), network, &err);
	if (rc) {
		/* Networks of others are where whoever made the fixtures had them. */
		if (rc == -ENOENT)
			printf("skip bench_%s: %s\n", net->name, err.text);
		else
			gpu_failed(bench, net->name, &err);
		free(network);
		return;
	}
	rc = sp_tuner_create(&bench->device, getenv("SP_BUILD"), log_line, &tuner, &err);
	if (!rc)
		rc = sp_network_model_create(&bench->device, &network->model, SP_TENSOR_BF16, tuner,
					     &model, &err);
	if (!rc)
		rc = bench_batches(bench, net, model, net->until * seconds, peer, &err);
	if (rc)
		gpu_failed(bench, net->name, &err);
	if (model)
		sp_network_model_destroy(model);
	sp_tuner_destroy(tuner);
	fixture_network_free(network);
	free(network);
}

void gpu_networks(struct gpu_bench *bench)
{
	const struct net *all = bench->small ? &small_net : nets;
	size_t n = bench->small ? 1 : sizeof(nets) / sizeof(nets[0]);
	double seconds = gpu_left(bench);
	char path[1024];
	struct gpu_peer peer;
	struct sp_err err;

	if (gpu_peer_start(&peer, host_fixture(path, ""), PEER_START_SECONDS, &err))
		printf("skip bench_peer: %s\n", err.text);
	for (size_t i = 0; i < n; i++)
		bench_network(bench, &all[i], seconds, &peer);
	gpu_peer_stop(&peer);
}
