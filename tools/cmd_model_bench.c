/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd_model_bench.h"

#include <errno.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "app/model_file.h"
#include "app/models.h"
#include "base/clock.h"
#include "base/progress.h"
#include "base/table.h"
#include "base/thread.h"
#include "cmd_model.h"
#include "command.h"
#include "infer/cpu/executor.h"
#include "infer/cpu/kernel.h"
#include "infer/model.h"

static const char me[] = "sallyport model bench";

enum {
	WARM_RUNS = 2,
	TIMES_MAX = 1 << 16, /* measured runs a thread; more are not kept */
	THREADS_MAX = 64,
	BATCH_MAX = 256,
	LAYERS_MAX = 2048,
	PROFILES = 5, /* of which the fastest counts, layer by layer */
};

static const char *directory, *precision_name, *kernels, *size;
static uint32_t batch = 1, threads = 1;
static double seconds = 2;
static bool layers, json;

/* One thread's part: an executor of its own and how long each of its runs took. */
struct runner {
	struct sp_thread thread;
	struct sp_executor *executor;
	double *ms; /* [TIMES_MAX] */
	uint32_t runs;
	double rate; /* inferences a second */
	uint64_t end_ns;
	_Atomic uint64_t *done_ms; /* what the first one tells the progress bar */
	int error;
};

struct bench {
	struct sp_model *model;
	struct sp_model_card card;
	int64_t shape[4];
	struct sp_executor_options options;
	const char *kernels; /* that run */
	struct runner runner[THREADS_MAX];
	_Atomic uint64_t done_ms;
	/* Of all threads. */
	double *ms;
	uint32_t runs;
	double rate; /* inferences a second */
};

/* ---- what is run ----------------------------------------------------------------------------- */

/* @batch pictures of --input, of the model's own size, or what is usual for its kind. */
static int choose_shape(struct bench *bench)
{
	const struct sp_shape *have = &bench->model->inputs[0].shape;
	int64_t usual = cmd_model_usual_side(&bench->card);
	int64_t wanted[4] = { batch, 3, usual, usual };
	char text[64];

	for (unsigned int i = 1; i < 4 && have->rank == 4; i++)
		if (have->dim[i] > 0)
			wanted[i] = have->dim[i];
	if (size && cmd_model_read_size(me, size, &wanted[3], &wanted[2]))
		return SP_EXIT_USAGE;
	for (unsigned int i = 0; i < 4; i++)
		if (bench->model->inputs_n != 1 || have->rank != 4 ||
		    (have->dim[i] >= 0 && have->dim[i] != wanted[i]))
			return sp_command_fail(
				me, SP_EXIT_FAILED,
				"%s: its input is %s, which cannot be %lldx%lldx%lldx%lld",
				bench->model->name, sp_shape_text(have, text, sizeof(text)),
				(long long)wanted[0], (long long)wanted[1], (long long)wanted[2],
				(long long)wanted[3]);
	memcpy(bench->shape, wanted, sizeof(wanted));
	return 0;
}

/* Numbers as a network meets them: its form of levels that look like noise. */
static void fill(const struct bench *bench, float *input)
{
	const struct sp_input_form *form = &bench->card.input;
	int64_t plane = bench->shape[2] * bench->shape[3];

	for (int64_t i = 0; i < bench->shape[0] * bench->shape[1] * plane; i++) {
		int64_t c = i / plane % 3;

		input[i] = (float)(i * 7919 % 256) * form->scale[c] + form->shift[c];
	}
}

static void run(struct sp_thread *thread)
{
	struct runner *runner = thread->arg;
	uint64_t begin = sp_clock_now(), before = begin, now = begin;

	while (!runner->error && (now < runner->end_ns || !runner->runs)) {
		runner->error = sp_executor_run(runner->executor);
		now = sp_clock_now();
		if (runner->runs < TIMES_MAX)
			runner->ms[runner->runs] = (double)(now - before) / 1e6;
		runner->runs++;
		before = now;
		if (runner->done_ms)
			atomic_store(runner->done_ms, (now - begin) / SP_NS_PER_MS);
	}
	runner->rate = (double)runner->runs * batch / ((double)(now - begin) / 1e9);
}

static int make_runners(struct bench *bench, struct sp_err *err)
{
	int status = 0;

	for (uint32_t i = 0; i < threads && !status; i++) {
		struct runner *runner = &bench->runner[i];

		status = sp_executor_create(bench->model, bench->shape, &bench->options,
					    &runner->executor, err);
		if (status)
			break;
		fill(bench, sp_executor_input(runner->executor));
		runner->ms = malloc(TIMES_MAX * sizeof(*runner->ms));
		if (!runner->ms)
			return sp_err_set(err, -ENOMEM, "out of memory");
		for (int k = 0; k < WARM_RUNS && !status; k++)
			status = sp_executor_run(runner->executor);
		if (status)
			sp_err_set(err, status, "%s: a run failed", bench->model->name);
	}
	return status;
}

static void free_runners(struct bench *bench)
{
	for (uint32_t i = 0; i < threads; i++) {
		sp_executor_destroy(bench->runner[i].executor);
		free(bench->runner[i].ms);
	}
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* All threads at once, and what they took together. */
static int measure(struct bench *bench, struct sp_err *err)
{
	uint64_t end = sp_clock_now() + (uint64_t)(seconds * 1e9);
	struct sp_progress progress;
	int status = 0;

	bench->runner[0].done_ms = &bench->done_ms;
	for (uint32_t i = 0; i < threads && !status; i++) {
		bench->runner[i].end_ns = end;
		status = sp_thread_start(&bench->runner[i].thread, "bench", -1, run,
					 &bench->runner[i], NULL);
		if (status)
			sp_err_set(err, status, "a thread cannot be started: %s",
				   strerror(-status));
	}
	sp_progress_start(&progress, bench->model->name, (uint64_t)(seconds * 1e3));
	while (!status && sp_clock_now() < end) {
		sp_progress_update(&progress, atomic_load(&bench->done_ms), NULL);
		sp_clock_sleep_until(sp_clock_now() + 50 * SP_NS_PER_MS);
	}
	sp_progress_end(&progress);
	for (uint32_t i = 0; i < threads; i++) {
		struct runner *runner = &bench->runner[i];

		sp_thread_stop(&runner->thread);
		if (runner->error && !status)
			status = sp_err_set(err, runner->error, "%s: a run failed",
					    bench->model->name);
		bench->rate += runner->rate;
		runner->runs = runner->runs < TIMES_MAX ? runner->runs : TIMES_MAX;
		bench->runs += runner->runs;
	}
	bench->ms = malloc((bench->runs + 1) * sizeof(*bench->ms));
	if (status || !bench->ms)
		return status ? status : sp_err_set(err, -ENOMEM, "out of memory");
	for (uint32_t i = 0, at = 0; i < threads; at += bench->runner[i++].runs)
		memcpy(bench->ms + at, bench->runner[i].ms,
		       bench->runner[i].runs * sizeof(*bench->ms));
	qsort(bench->ms, bench->runs, sizeof(*bench->ms), by_value);
	return 0;
}

static double percentile(const struct bench *bench, double share)
{
	return bench->ms[(uint32_t)(share * (double)(bench->runs - 1) + 0.5)];
}

/* ---- layer by layer -------------------------------------------------------------------------- */

/* The fastest of some profiles, layer by layer. How many, or -errno. */
static int profile(struct bench *bench, struct sp_layer *best)
{
	struct sp_layer *again = calloc(LAYERS_MAX, sizeof(*again));
	int n = -ENOMEM;

	for (int i = 0; again && i < PROFILES; i++) {
		n = sp_executor_profile(bench->runner[0].executor, i ? again : best, LAYERS_MAX);
		if (n < 0)
			break;
		n = n < LAYERS_MAX ? n : LAYERS_MAX;
		for (int k = 0; i && k < n; k++)
			best[k].ns = again[k].ns < best[k].ns ? again[k].ns : best[k].ns;
	}
	free(again);
	return n;
}

static double macs_per_ns(const struct sp_layer *layer)
{
	return layer->ns ? (double)layer->macs / (double)layer->ns : 0;
}

static json_t *layers_json(const struct sp_layer *layer, int n)
{
	json_t *array = json_array();

	for (int i = 0; i < n; i++)
		json_array_append_new(
			array,
			json_pack("{s:s, s:s, s:s, s:i, s:i, s:i, s:I, s:f}", "name", layer[i].name,
				  "kind", layer[i].kind, "kernels", layer[i].kernels, "channels",
				  (int)layer[i].channels, "height", (int)layer[i].height, "width",
				  (int)layer[i].width, "multiply_adds", (json_int_t)layer[i].macs,
				  "ms", (double)layer[i].ns / 1e6));
	return array;
}

static int print_layers(const char *model, const struct sp_layer *layer, int n)
{
	struct sp_table table;
	double all = 0;

	if (sp_table_init(&table, "  layer|makes|by|>ms|>share|>Gmul-add/s|name"))
		return -ENOMEM;
	printf("%s\n", model);
	for (int i = 0; i < n; i++)
		all += (double)layer[i].ns;
	for (int i = 0; i < n; i++) {
		const struct sp_layer *l = &layer[i];
		char makes[48] = "", rate[24] = "";

		if (l->channels)
			snprintf(makes, sizeof(makes), "%u x %u x %u", l->channels, l->height,
				 l->width);
		if (l->macs)
			snprintf(rate, sizeof(rate), "%.1f", macs_per_ns(l));
		sp_table_row(&table, "  %s|%s|%s|%.3f|%.1f %%|%s|%s", l->kind, makes, l->kernels,
			     (double)l->ns / 1e6, 100 * (double)l->ns / fmax(all, 1), rate,
			     l->name);
	}
	sp_table_print(&table, stdout);
	sp_table_uninit(&table);
	return 0;
}

/* ---- the command ----------------------------------------------------------------------------- */

static json_t *result_json(const struct bench *bench)
{
	char input[64];

	snprintf(input, sizeof(input), "%lldx%lld", (long long)bench->shape[3],
		 (long long)bench->shape[2]);
	return json_pack("{s:s, s:s, s:s, s:i, s:i, s:s, s:s, s:i, s:f, s:f, s:f, s:f, s:f}",
			 "file", bench->model->name, "kind", sp_model_role_name(bench->card.role),
			 "input", input, "batch", (int)batch, "threads", (int)threads, "precision",
			 sp_precision_name(bench->options.precision), "kernels", bench->kernels,
			 "runs", (int)bench->runs, "ms_median", percentile(bench, 0.5), "ms_p10",
			 percentile(bench, 0.1), "ms_p90", percentile(bench, 0.9), "ms_min",
			 bench->ms[0], "inferences_per_s", bench->rate);
}

static int show(struct bench *bench, struct sp_table *table)
{
	struct sp_layer *layer = layers ? calloc(LAYERS_MAX, sizeof(*layer)) : NULL;
	int n = layer ? profile(bench, layer) : 0;
	json_t *result;

	if (layers && (!layer || n < 0)) {
		free(layer);
		return sp_command_fail(me, SP_EXIT_FAILED, "%s: layers cannot be measured",
				       bench->model->name);
	}
	if (json) {
		result = result_json(bench);
		if (layers)
			json_object_set_new(result, "layers", layers_json(layer, n));
		sp_command_print_json(result);
	} else {
		sp_table_row(table, "%s|%lld x %lld|%u|%u|%s|%.3f|%.3f|%.3f|%.1f|%u",
			     strrchr(bench->model->name, '/') ? strrchr(bench->model->name, '/') + 1
							      : bench->model->name,
			     (long long)bench->shape[3], (long long)bench->shape[2], batch, threads,
			     bench->kernels, percentile(bench, 0.5), percentile(bench, 0.1),
			     percentile(bench, 0.9), bench->rate, bench->runs);
		if (layers)
			n = print_layers(bench->model->name, layer, n);
	}
	free(layer);
	return SP_EXIT_OK;
}

static int bench_file(const char *name, const struct sp_executor_options *options,
		      struct sp_table *table)
{
	struct bench *bench = calloc(1, sizeof(*bench));
	char path[SP_MODELS_PATH_SIZE];
	struct sp_err err = { "out of memory" };
	struct stat st;
	int code = SP_EXIT_FAILED;

	snprintf(path, sizeof(path), "%s", name);
	if (!bench ||
	    (stat(path, &st) && sp_models_find(directory, name, path, sizeof(path), &err)) ||
	    sp_model_load(path, &bench->model, &err) ||
	    sp_model_card_of(bench->model, &bench->card, &err)) {
		sp_command_fail(me, SP_EXIT_FAILED, "%s", err.text);
		goto out;
	}
	bench->options = *options;
	bench->kernels = options->kernels ? options->kernels
					  : sp_kernels_best(options->precision)->name;
	code = choose_shape(bench);
	if (code)
		goto out;
	if (make_runners(bench, &err) || measure(bench, &err))
		code = sp_command_fail(me, SP_EXIT_FAILED, "%s", err.text);
	else
		code = show(bench, table);
	free_runners(bench);
out:
	if (bench) {
		sp_model_free(bench->model);
		free(bench->ms);
	}
	free(bench);
	return code;
}

/* Those that are used where nothing is named. */
static int bench_chosen(const struct sp_executor_options *options, struct sp_table *table)
{
	const struct sp_models_wish wish = { .directory = directory };
	struct sp_models models;
	struct sp_err err;
	int code;

	if (sp_models_choose(&wish, &models, &err))
		return sp_command_fail(me, SP_EXIT_FAILED, "%s", err.text);
	code = bench_file(models.detector, options, table) |
	       bench_file(models.embedder, options, table);
	return *models.quality ? code | bench_file(models.quality, options, table) : code;
}

int cmd_model_bench(int argc, char **argv)
{
	static const struct sp_opt options[] = {
		{ "model-dir", 'm', SP_OPT_STRING, &directory, "DIR", "look for models here first",
		  0, 0 },
		{ "precision", 'p', SP_OPT_STRING, &precision_name, "P", "auto, f32 or bf16 (auto)",
		  0, 0 },
		{ "kernels", 'k', SP_OPT_STRING, &kernels, "NAME",
		  "these instead of the best: portable, avx2, avx512, …, onednn", 0, 0 },
		{ "batch", 'b', SP_OPT_U32, &batch, "N", "pictures an inference (1)", 1,
		  BATCH_MAX },
		{ "threads", 't', SP_OPT_U32, &threads, "N",
		  "threads, each with pictures of its own (1)", 1, THREADS_MAX },
		{ "input", 'i', SP_OPT_STRING, &size, "WxH",
		  "size of a picture (the model's own, or its kind's)", 0, 0 },
		{ "seconds", 's', SP_OPT_DOUBLE, &seconds, "S", "how long a model is run (2)", 0.01,
		  3600 },
		{ "layers", 'l', SP_OPT_FLAG, &layers, NULL, "what each layer takes, too", 0, 0 },
		{ "json", 'j', SP_OPT_FLAG, &json, NULL, "JSON lines, one a model", 0, 0 },
		{ 0 },
	};
	static const struct sp_opt_usage usage = {
		me,
		"[MODEL…]",
		"Measures how long networks take on this machine.",
		"MODEL is a path, or a file name of the search path; without one, the models that are\n"
		"used where nothing is named. Times are of one inference of --batch pictures on one\n"
		"thread: the executor alone, from a filled input to plain outputs.",
	};
	struct sp_executor_options run_options = { .precision = SP_PRECISION_AUTO };
	struct sp_table table;
	int code = sp_command_parse(options, &usage, &argc, argv);

	if (code >= 0)
		return code;
	if (precision_name)
		run_options.precision = sp_precision_named(precision_name);
	run_options.kernels = kernels;
	if (run_options.precision == SP_PRECISIONS)
		return sp_command_fail(me, SP_EXIT_USAGE,
				       "--precision is auto, f32 or bf16, not '%s'",
				       precision_name);
	if (kernels && strcmp(kernels, "onednn") && !sp_kernels_named(kernels))
		return sp_command_fail(me, SP_EXIT_USAGE,
				       "--kernels: '%s' is not known, or not for this CPU",
				       kernels);
	if (sp_table_init(&table, "model|input|>batch|>threads|kernels|>ms median|>p10|>p90|"
				  ">inferences/s|>runs"))
		return sp_command_fail(me, SP_EXIT_FAILED, "out of memory");
	code = argc ? SP_EXIT_OK : bench_chosen(&run_options, &table);
	for (int i = 0; i < argc; i++)
		code |= bench_file(argv[i], &run_options, &table);
	if (!json)
		sp_table_print(&table, stdout);
	sp_table_uninit(&table);
	return code;
}
