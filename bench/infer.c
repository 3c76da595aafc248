/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many inferences a second ours does, beside ONNX Runtime, OpenVINO, OpenCV and plain oneDNN: the
 * same networks, inputs and CPUs, in turn, and only where results agree. Then what each layer has of
 * what the CPU can compute, what a frame's way to the detector costs, and frames to faces.
 *
 * Peers run in processes of their own (bench/peers/infer.py). $SALLYPORT_BENCH_PYTHON: the Python
 * that has onnxruntime and openvino (tools/setup --bench --venv DIR); OpenCV is Debian's.
 * $SP_BENCH_ROUNDS: another number of rounds. $SP_BENCH_NETWORK: only networks with this
 * in their name.
 */
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/models.h"
#include "base/diag.h"
#include "bench.h"
#include "infer/cpu/executor.h"
#include "infer_cpu.h"
#include "infer_frame.h"
#include "infer_layers.h"
#include "infer_ours.h"
#include "infer_peer.h"
#include "infer_work.h"

enum { CASES_MAX = 32, OUTPUTS_MAX = 16 };
/* A measurement's length, seconds: long beside a tick of the scheduler. */
static const double MEASURE_S = 0.15;

/* Networks and what is done with them; a row gives a case for f32 and one for bf16 where asked. */
static const struct {
	const char *label, *model, *opencv_model;
	int64_t batch, side;
	unsigned int threads;
	bool bf16, levels; /* inputs 0 … 255, else about -2 … 2 */
} networks[] = {
	{ "yunet_n_320", "yunet_n_dynamic", "yunet_n_640_640", 1, 320, 1, true, true },
	{ "yunet_n_640", "yunet_n_dynamic", "yunet_n_640_640", 1, 640, 1, true, true },
	{ "yunet_n_1280", "yunet_n_dynamic", "yunet_n_640_640", 1, 1280, 1, true, true },
	{ "mobilefacenet", "mobilefacenet", "mobilefacenet_bn_unfused_testonly", 1, 112, 1, true,
	  false },
	{ "mobilefacenet_batch_8", "mobilefacenet", "mobilefacenet_bn_unfused_testonly", 8, 112, 1,
	  true, false },
	{ "mobilefacenet_batch_32", "mobilefacenet", "mobilefacenet_bn_unfused_testonly", 32, 112,
	  1, true, false },
	{ "lightqnet", "lightqnet_dm025", "lightqnet_dm025", 1, 96, 1, true, false },
	{ "yunet_n_640_2_threads", "yunet_n_dynamic", "yunet_n_640_640", 1, 640, 2, true, true },
};

enum { OURS, ONEDNN, PEERS };
static struct engine {
	const char *name, *kernels; /* ours, by this set of kernels */
	bool debian; /* a peer whose Python is Debian's */
	bool bf16; /* has a precision of its own for it; else its f32 is what bf16 is compared with */
	struct infer_peer *peer[INFER_THREADS_MAX]; /* by threads */
} engines[] = {
	{ .name = "sallyport", .bf16 = true },
	{ .name = "onednn", .kernels = "onednn" },
	{ .name = "onnxruntime" },
	{ .name = "openvino", .bf16 = true },
	{ .name = "openvino_throughput", .bf16 = true },
	{ .name = "opencv", .debian = true },
};
enum { ENGINES = sizeof(engines) / sizeof(engines[0]) };

/* A case by an engine. */
struct cell {
	bool ready;
	unsigned int n; /* inferences a measurement */
	struct infer_ours *ours;
	double values[SP_BENCH_ROUNDS_MAX];
};

static struct work {
	struct infer_work work;
	struct cell cells[ENGINES];
	unsigned int f32; /* the case of the same network in f32 */
} cases[CASES_MAX];
static unsigned int cases_n;
static char folder[] = "/tmp/sallyport-bench-XXXXXX";

/* ---- cases ---------------------------------------------------------------------------------- */

/* Waves under a little noise, from a fixed seed: no two pixels alike, nothing a face. */
static float *make_input(const struct infer_work *work, bool levels)
{
	size_t n = infer_work_elements(work), width = (size_t)work->shape[3];
	float *input = aligned_alloc(64, (n * sizeof(float) + 63) / 64 * 64);
	uint32_t seed = 1;

	for (size_t i = 0; input && i < n; i++) {
		float x = (float)(i % width), y = (float)(i / width);
		float noise = (float)((seed = seed * 1664525 + 1013904223) >> 28);
		float level = floorf(120 + 60 * sinf(x * 0.03f) + 50 * cosf(y * 0.05f) + noise);

		input[i] = levels ? level : (level - 128) / 64;
	}
	return input;
}

static int write_input(const struct infer_work *work)
{
	size_t n = infer_work_elements(work);
	FILE *file = fopen(work->input_file, "wb");
	size_t wrote = file ? fwrite(work->input, sizeof(float), n, file) : 0;

	return !file || fclose(file) || wrote != n;
}

/* The model as it is, or with an open batch where more than one is asked of it. */
static int find_model(struct infer_work *work, const char *name, struct sp_err *err)
{
	char file[128], path[INFER_PATH - 64];
	int ret;

	snprintf(file, sizeof(file), "%s.onnx", name);
	ret = sp_models_find(NULL, file, path, sizeof(path), err);
	snprintf(work->model, sizeof(work->model), "%s", path);
	if (ret || work->shape[0] == 1)
		return ret;
	snprintf(work->model, sizeof(work->model), "%s/%s", folder, file);
	return infer_work_open_batch(path, work->model, err);
}

static void add_cases(unsigned int i)
{
	struct infer_work work = {
		.shape = { networks[i].batch, 3, networks[i].side, networks[i].side },
		.threads = networks[i].threads,
	};
	unsigned int first = cases_n;
	char file[128];
	struct sp_err err;

	snprintf(file, sizeof(file), "%s.onnx", networks[i].opencv_model);
	snprintf(work.input_file, sizeof(work.input_file), "%s/%s.input", folder,
		 networks[i].label);
	work.input = make_input(&work, networks[i].levels);
	if (!work.input || write_input(&work)) {
		printf("  %s is left out: its input cannot be made in %s\n", networks[i].label,
		       folder);
		free((void *)work.input);
		return;
	}
	if (find_model(&work, networks[i].model, &err) ||
	    sp_models_find(NULL, file, work.opencv_model, sizeof(work.opencv_model), &err)) {
		printf("  %s is left out: %s\n", networks[i].label, err.text);
		free((void *)work.input);
		return;
	}
	for (int bf16 = 0; bf16 <= networks[i].bf16; bf16++) {
		struct work *one = &cases[cases_n];

		work.precision = bf16 ? SP_PRECISION_BF16 : SP_PRECISION_F32;
		snprintf(work.label, sizeof(work.label), "%s %s", networks[i].label,
			 sp_precision_name(work.precision));
		*one = (struct work){ .work = work, .f32 = bf16 ? first : cases_n };
		cases_n++;
	}
}

/* ---- engines -------------------------------------------------------------------------------- */

static void start_peers(unsigned int cpus)
{
	const char *venv = getenv("SALLYPORT_BENCH_PYTHON");

	for (unsigned int e = PEERS; e < ENGINES; e++) {
		struct engine *engine = &engines[e];
		const char *python = venv && *venv && !engine->debian ? venv : "/usr/bin/python3";
		struct sp_err err;

		for (unsigned int t = 0; t < INFER_THREADS_MAX && t < cpus; t++) {
			if (!infer_peer_start(engine->name, python, t + 1, &engine->peer[t], &err))
				continue;
			printf("  %s is left out (%s): %s\n", engine->name, err.text,
			       engine->debian
				       ? "tools/setup --bench installs it"
				       : "tools/setup --bench --venv DIR installs it, then set "
					 "SALLYPORT_BENCH_PYTHON=DIR/bin/python");
			break;
		}
		if (engine->peer[0])
			printf("  %s %s\n", engine->name, infer_peer_version(engine->peer[0]));
	}
}

static struct infer_peer *peer_of(unsigned int engine, const struct infer_work *work)
{
	return engines[engine].peer[work->threads - 1];
}

/* How far @values are from @wanted, printed. Whether they are the same but for rounding. */
static bool agree(const struct infer_work *work, const char *engine, const float *values,
		  const float *wanted, size_t n)
{
	/* MobileFaceNet's embeddings are 6 % apart in OpenVINO's bfloat16: a cosine of 0.998. */
	double most = 0, squares = 0, of = 0, share;
	double allowed = work->precision == SP_PRECISION_BF16 ? 0.1 : 1e-4;

	for (size_t i = 0; i < n; i++) {
		double off = (double)values[i] - (double)wanted[i];

		most = fmax(most, fabs(off));
		squares += off * off;
		of += (double)wanted[i] * (double)wanted[i];
	}
	share = sqrt(squares / (of > 0 ? of : 1));
	printf("  %-28s %-20s max |difference| %.2g, relative %.2g%s\n", work->label, engine, most,
	       share, share <= allowed ? "" : ": left out");
	return share <= allowed;
}

/* How many inferences make a measurement, from what one takes after a first that warms up. */
static void calibrate(struct cell *cell, struct infer_peer *peer, unsigned int id)
{
	double seconds = 0;

	cell->n = 1;
	for (int i = 0; i < 2 && seconds >= 0; i++)
		seconds = peer ? infer_peer_run(peer, id, 1) : infer_ours_run(cell->ours, 1);
	if (seconds > 0 && seconds < MEASURE_S)
		cell->n = (unsigned int)ceil(MEASURE_S / seconds);
	cell->ready = seconds > 0;
}

static void prepare_peers(struct work *one, unsigned int id, const float *wanted, size_t n)
{
	struct sp_executor *executor = infer_ours_executor(one->cells[OURS].ours);
	unsigned int outputs = sp_executor_outputs(executor);
	float *values = malloc(n * sizeof(*values));
	const char *names[OUTPUTS_MAX];
	char file[INFER_PATH];
	struct sp_err err;

	if (outputs > OUTPUTS_MAX) {
		printf("  %-28s peers are left out: more than %d outputs\n", one->work.label,
		       OUTPUTS_MAX);
		free(values);
		return;
	}
	snprintf(file, sizeof(file), "%s/outputs", folder);
	for (unsigned int i = 0; i < outputs; i++)
		sp_executor_output(executor, i, &names[i], NULL);
	for (unsigned int e = PEERS; values && e < ENGINES; e++) {
		struct infer_peer *peer = peer_of(e, &one->work);

		if (!peer || (one->work.precision == SP_PRECISION_BF16 && !engines[e].bf16))
			continue;
		if (infer_peer_load(peer, id, &one->work, names, outputs, &err) ||
		    infer_peer_outputs(peer, id, file, values, n, &err))
			printf("  %-28s %-20s left out: %s\n", one->work.label, engines[e].name,
			       err.text);
		else if (agree(&one->work, engines[e].name, values, wanted, n))
			calibrate(&one->cells[e], peer, id);
	}
	free(values);
}

/* What every engine makes of the case is compared with ours in f32. */
static bool prepare(unsigned int id)
{
	struct work *one = &cases[id];
	struct infer_work f32 = one->work;
	struct infer_ours *reference = NULL;
	float *wanted = NULL, *values = NULL;
	size_t n = 0, have = 0;
	struct sp_err err = { 0 };

	f32.precision = SP_PRECISION_F32;
	f32.threads = 1;
	if (!infer_ours_open(&f32, "onednn", &reference, &err))
		wanted = infer_ours_outputs(reference, &n);
	for (unsigned int e = OURS; wanted && e < PEERS; e++) {
		struct cell *cell = &one->cells[e];

		if (one->work.precision == SP_PRECISION_BF16 && !engines[e].bf16)
			continue;
		if (infer_ours_open(&one->work, engines[e].kernels, &cell->ours, &err))
			break;
		values = infer_ours_outputs(cell->ours, &have);
		if (values && have == n && agree(&one->work, engines[e].name, values, wanted, n))
			calibrate(cell, NULL, 0);
		free(values);
	}
	if (one->cells[OURS].ready)
		prepare_peers(one, id, wanted, n);
	else
		printf("  %s is left out: %s\n", one->work.label,
		       *err.text ? err.text : "ours does not compute it");
	free(wanted);
	infer_ours_close(reference);
	return one->cells[OURS].ready;
}

/* ---- measuring ------------------------------------------------------------------------------ */

static void measure(struct work *one, unsigned int id, unsigned int e, unsigned int round)
{
	struct cell *cell = &one->cells[e];
	double seconds;

	if (!cell->ready)
		return;
	infer_cpu_pin(0);
	seconds = e < PEERS ? infer_ours_run(cell->ours, cell->n)
			    : infer_peer_run(peer_of(e, &one->work), id, cell->n);
	cell->ready = seconds > 0;
	/* Round 0 warms up and is overwritten. */
	cell->values[round ? round - 1 : 0] = cell->n * one->work.threads *
					      (double)one->work.shape[0] / seconds;
}

/* Ours to each peer, of which those without bfloat16 are compared in what they have. */
static void compare(struct sp_bench *bench, const struct work *one, unsigned int rounds)
{
	struct sp_bench_row row = { .label = one->work.label,
				    .engine = engines[OURS].name,
				    .metric = "inferences_per_s",
				    .unit = "1/s",
				    .better = "higher" };

	for (unsigned int e = OURS + 1; e < ENGINES; e++) {
		const struct cell *peer = engines[e].bf16 ? &one->cells[e]
							  : &cases[one->f32].cells[e];

		row.peer = engines[e].name;
		if (one->cells[OURS].ready && peer->ready)
			sp_bench_compare(bench, &row, one->cells[OURS].values, peer->values,
					 rounds);
	}
	/* Two threads beside one. */
	for (unsigned int i = 0; i < cases_n && one->work.threads > 1; i++) {
		const struct work *other = &cases[i];

		row.peer = "one thread";
		if (other->work.threads == 1 && other->work.precision == one->work.precision &&
		    !strcmp(other->work.model, one->work.model) &&
		    !memcmp(other->work.shape, one->work.shape, sizeof(one->work.shape)) &&
		    one->cells[OURS].ready && other->cells[OURS].ready)
			sp_bench_compare(bench, &row, one->cells[OURS].values,
					 other->cells[OURS].values, rounds);
	}
}

static void measure_all(struct sp_bench *bench, unsigned int rounds)
{
	for (unsigned int round = 0; round <= rounds; round++)
		for (unsigned int i = 0; i < cases_n; i++)
			for (unsigned int e = 0; e < ENGINES; e++)
				measure(&cases[i], i, (e + round) % ENGINES, round);
	for (unsigned int i = 0; i < cases_n; i++) {
		for (unsigned int e = 0; e < ENGINES; e++) {
			const struct sp_bench_row row = { .label = cases[i].work.label,
							  .engine = engines[e].name,
							  .metric = "inferences_per_s",
							  .unit = "1/s" };

			if (cases[i].cells[e].ready)
				sp_bench_record(bench, &row, cases[i].cells[e].values, rounds);
		}
		compare(bench, &cases[i], rounds);
	}
}

static unsigned int rounds_wanted(void)
{
	const char *text = getenv("SP_BENCH_ROUNDS");
	long rounds = text && *text ? strtol(text, NULL, 10) : SP_BENCH_ROUNDS;

	if (rounds >= 1 && rounds <= SP_BENCH_ROUNDS_MAX)
		return (unsigned int)rounds;
	fprintf(stderr, "infer: SP_BENCH_ROUNDS must be 1 to %d; taking %d\n", SP_BENCH_ROUNDS_MAX,
		SP_BENCH_ROUNDS);
	return SP_BENCH_ROUNDS;
}

static void end(void)
{
	char command[sizeof(folder) + 16];

	for (unsigned int e = PEERS; e < ENGINES; e++)
		for (unsigned int t = 0; t < INFER_THREADS_MAX; t++)
			infer_peer_end(engines[e].peer[t]);
	for (unsigned int i = 0; i < cases_n; i++) {
		for (unsigned int e = 0; e < PEERS; e++)
			infer_ours_close(cases[i].cells[e].ours);
		if (cases[i].f32 == i)
			free((void *)cases[i].work.input);
	}
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	if (system(command))
		fprintf(stderr, "infer: %s could not be removed\n", folder);
}

int main(void)
{
	unsigned int cpus = infer_cpu_begin(), rounds = rounds_wanted();
	const char *only = getenv("SP_BENCH_NETWORK");
	struct sp_bench *bench;
	bool failed = false;

	/* The end of a peer is an answer that does not come. */
	signal(SIGPIPE, SIG_IGN);
	bench = mkdtemp(folder) ? sp_bench_begin("infer") : NULL;
	if (!bench)
		return 1;
	start_peers(cpus);
	infer_cpu_pin(0);
	for (unsigned int i = 0; i < sizeof(networks) / sizeof(networks[0]); i++)
		if (networks[i].threads <= cpus && (!only || strstr(networks[i].label, only)))
			add_cases(i);
	if (only && !cases_n) {
		fprintf(stderr, "infer: no network with '%s' in its name (SP_BENCH_NETWORK)\n", only);
		failed = true;
	}
	for (unsigned int i = 0; i < cases_n; i++)
		failed |= !prepare(i);
	measure_all(bench, rounds);
	for (unsigned int i = 0; i < cases_n; i++)
		if (cases[i].cells[OURS].ready && cases[i].work.threads == 1)
			infer_layers_measure(bench, cases[i].work.label,
					     infer_ours_executor(cases[i].cells[OURS].ours),
					     rounds);
	infer_frame_measure(bench, rounds);
	end();
	return sp_bench_end(bench) | failed;
}
