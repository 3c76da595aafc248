/* SPDX-License-Identifier: Apache-2.0 */
/* Which engine computes a convolution, with cuDNN in software, and as far as it goes the real one. */
#include "cuda/tuner.h"

#include <dlfcn.h>
#include <errno.h>
#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/diag.h"
#include "cuda/card.h"
#include "cuda/cudnn.h"
#include "cuda/device.h"
#include "cuda/tuner_cache.h"
#include "cuda/cudnn_software.h"
#include "infer/element.h"
#include "test.h"

#ifdef SP_CUDA_EMULATED
#include "emulator.h"
#endif

enum { OURS_US = 30, NOTE_NONE = -1, VERSION = 91900 };

/* Of A: one that differs between runs, one that cannot, one that is wrong, one that fails, one too
 * large, a good one, a slower one; of the fallback: one that is slower still. */
static const struct software_engine engines[] = {
	{ .index = 12, .note = SP_CUDNN_NOTE_NONDETERMINISTIC, .knob = 1 },
	{ .index = 50, .note = NOTE_NONE, .unsupported = true },
	{ .index = 34, .note = NOTE_NONE, .wrong = true },
	{ .index = 35, .note = NOTE_NONE, .fails = true },
	{ .index = 60, .note = NOTE_NONE, .workspace = 1 << 30 },
	{ .index = 7, .note = 0, .workspace = 4096, .knob = 13, .us = 2 },
	{ .index = 8, .note = 0, .us = 10 },
	{ .index = 21, .note = NOTE_NONE, .fallback = true, .us = 20 },
};
static const struct software_engine slow_engines[] = {
	{ .index = 7, .note = 0, .us = 60 },
};
#define ENGINES(list) (list), sizeof(list) / sizeof((list)[0])

/* ---- convolutions --------------------------------------------------------------------------- */

static const struct shape {
	uint32_t n, h, w, c, oc, kernel, stride, dilation, pad;
	bool picture, residual, biased;
	enum sp_activation_kind act;
} shapes[] = {
	{ 1, 4, 4, 8, 8, 1, 1, 1, 0, false, false, true, SP_ACT_NONE },
	{ 2, 5, 3, 10, 13, 1, 1, 1, 0, false, true, true, SP_ACT_RELU },
	{ 1, 6, 7, 3, 9, 3, 2, 1, 1, true, false, true, SP_ACT_CLIP },
	{ 1, 7, 6, 3, 8, 3, 2, 1, 0, true, false, false, SP_ACT_RELU },
	{ 2, 5, 5, 9, 5, 3, 1, 2, 2, false, true, false, SP_ACT_NONE },
	{ 1, 1, 1, 8, 1, 1, 1, 1, 0, false, false, true, SP_ACT_CLIP },
};
enum { SHAPES = sizeof(shapes) / sizeof(shapes[0]) };

struct problem {
	struct sp_conv conv;
	struct sp_device_tensor x, residual, y;
	float *weights, *bias; /* rounded to bfloat16 already, and not */
	struct sp_conv_run run;
	struct sp_tuning tuning;
	uint8_t model[32];
	unsigned int ours_runs, ours_us;
	int ours_fails;
};

static float number(uint64_t *random)
{
	return (float)(int32_t)(card_random(random) >> 32) * 0x1p-31f;
}

static float rounded(float x)
{
	return sp_bf16_to_float(sp_bf16_of(x));
}

static struct sp_device_tensor make_tensor(uint32_t n, uint32_t h, uint32_t w, uint32_t c,
					   uint32_t pitch, uint64_t *random)
{
	struct sp_device_tensor tensor = {
		.type = SP_TENSOR_BF16, .n = n, .h = h, .w = w, .c = c, .pitch = pitch
	};
	size_t numbers = sp_tensor_bytes(&tensor) / 2;
	uint16_t *at = malloc(numbers * 2);

	for (size_t i = 0; i < numbers; i++)
		at[i] = i % pitch < c ? sp_bf16_of(number(random)) : 0;
	tensor.at = card_memory(numbers * 2);
	CARD(cudaMemcpy(tensor.at, at, numbers * 2, cudaMemcpyHostToDevice));
	free(at);
	return tensor;
}

/* NULL: the device failed. */
static float *floats_of(const struct sp_device_tensor *tensor)
{
	size_t n = sp_tensor_bytes(tensor) / 2;
	uint16_t *halves = malloc(n * 2);
	float *floats = malloc(n * sizeof(float));

	if (cudaMemcpy(halves, tensor->at, n * 2, cudaMemcpyDeviceToHost)) {
		free(halves);
		free(floats);
		return NULL;
	}
	for (size_t i = 0; i < n; i++)
		floats[i] = sp_bf16_to_float(halves[i]);
	free(halves);
	return floats;
}

static float activated(const struct sp_step_act *act, float x)
{
	if (act->kind == SP_ACT_RELU)
		return x > 0 ? x : 0;
	return act->kind == SP_ACT_CLIP ? sp_clamp(x, act->low, act->high) : x;
}

/* Output @o of pixel (@row, @column) of picture @n, plainly. */
static float plain(const struct problem *problem, const float *x, uint32_t n, uint32_t row,
		   uint32_t column, uint32_t o)
{
	const struct sp_conv *conv = &problem->conv;
	uint32_t k = conv->kernel[0];
	float sum = problem->bias ? problem->bias[o] : 0;

	for (uint32_t r = 0; r < k; r++)
		for (uint32_t s = 0; s < k; s++) {
			int64_t v = (int64_t)row * conv->stride[0] + r * conv->dilation[0] -
				    conv->pad[0];
			int64_t u = (int64_t)column * conv->stride[1] + s * conv->dilation[1] -
				    conv->pad[1];

			if (v < 0 || v >= conv->h || u < 0 || u >= conv->w)
				continue;
			for (uint32_t i = 0; i < conv->c; i++)
				sum += x[((n * conv->h + v) * conv->w + u) * problem->x.pitch + i] *
				       problem->weights[((o * conv->c + i) * k + r) * k + s];
		}
	return sum;
}

/* What y must be; channels that are padding 0. NULL: the device failed. */
static float *expected(const struct problem *problem)
{
	const struct sp_device_tensor *y = &problem->y;
	float *x = floats_of(&problem->x), *to = calloc(sp_tensor_bytes(y), sizeof(float));
	float *residual = problem->tuning.residual ? floats_of(&problem->residual) : NULL;

	if (!x || (problem->tuning.residual && !residual)) {
		free(x);
		free(residual);
		free(to);
		return NULL;
	}
	for (uint32_t n = 0; n < y->n; n++)
		for (uint32_t p = 0; p < y->h * y->w; p++)
			for (uint32_t o = 0; o < y->c; o++) {
				size_t at = ((size_t)n * y->h * y->w + p) * y->pitch + o;
				float sum = plain(problem, x, n, p / y->w, p % y->w, o);

				sum += residual ? residual[at] : 0;
				to[at] = activated(&problem->conv.act, sum);
			}
	free(x);
	free(residual);
	return to;
}

static int ours(void *arg, cudaStream_t stream, const struct sp_conv_run *run, struct sp_err *err)
{
	struct problem *problem = arg, here = *problem;
	size_t n = sp_tensor_bytes(run->y) / 2;
	cudaError_t failed;
	uint16_t *halves;
	float *y;

	problem->ours_runs++;
	if (problem->ours_fails)
		return sp_err_set(err, problem->ours_fails, "ours failed");
	if (cudaStreamSynchronize(stream))
		return sp_err_set(err, -EIO, "the stream failed");
	here.x = *run->x;
	here.y = *run->y;
	if (run->residual)
		here.residual = *run->residual;
	y = expected(&here);
	if (!y)
		return sp_err_set(err, -EIO, "a copy failed");
	halves = malloc(n * 2);
	for (size_t i = 0; i < n; i++)
		halves[i] = sp_bf16_of(y[i]);
	failed = cudaMemcpy(run->y->at, halves, n * 2, cudaMemcpyHostToDevice);
	free(halves);
	free(y);
	if (failed)
		return sp_err_set(err, -EIO, "a copy failed");
	software_take(stream, problem->ours_us);
	return 0;
}

/* Without memory. */
static void describe(struct problem *problem, const struct shape *shape)
{
	uint32_t out[2];

	*problem = (struct problem){ .ours_us = OURS_US };
	for (int i = 0; i < 2; i++)
		out[i] = ((i ? shape->w : shape->h) + 2 * shape->pad -
			  ((shape->kernel - 1) * shape->dilation + 1)) /
				 shape->stride +
			 1;
	problem->conv = (struct sp_conv){
		.type = SP_TENSOR_BF16,
		.h = shape->h,
		.w = shape->w,
		.c = shape->c,
		.oh = out[0],
		.ow = out[1],
		.oc = shape->oc,
		.kernel = { shape->kernel, shape->kernel },
		.stride = { shape->stride, shape->stride },
		.dilation = { shape->dilation, shape->dilation },
		.pad = { shape->pad, shape->pad },
		.group = 1,
		.picture = shape->picture,
		.act = { .kind = shape->act, .low = 0, .high = 0.75f },
	};
}

static void make_problem(struct problem *problem, const struct shape *shape)
{
	uint64_t random = 1 + (uint64_t)(shape - shapes);
	uint32_t pitch = shape->picture ? 4 : sp_tensor_pitch(shape->c), out[2];
	size_t weights = (size_t)shape->oc * shape->c * shape->kernel * shape->kernel;

	describe(problem, shape);
	out[0] = problem->conv.oh;
	out[1] = problem->conv.ow;
	problem->x = make_tensor(shape->n, shape->h, shape->w, shape->c, pitch, &random);
	problem->y = make_tensor(shape->n, out[0], out[1], shape->oc, sp_tensor_pitch(shape->oc),
				 &random);
	problem->residual = make_tensor(shape->n, out[0], out[1], shape->oc,
					sp_tensor_pitch(shape->oc), &random);
	problem->weights = malloc(weights * sizeof(float));
	for (size_t i = 0; i < weights; i++)
		problem->weights[i] = rounded(number(&random));
	problem->bias = shape->biased ? malloc(shape->oc * sizeof(float)) : NULL;
	for (uint32_t i = 0; problem->bias && i < shape->oc; i++)
		problem->bias[i] = number(&random);
	for (int i = 0; i < 32; i++)
		problem->model[i] = (uint8_t)(i * 7);
	problem->tuning = (struct sp_tuning){
		.model = problem->model,
		.conv = &problem->conv,
		.n = shape->n,
		.residual = shape->residual,
		.weights = problem->weights,
		.bias = problem->bias,
		.ours = ours,
		.arg = problem,
	};
	problem->run = (struct sp_conv_run){
		.x = &problem->x,
		.y = &problem->y,
		.residual = shape->residual ? &problem->residual : NULL,
	};
}

static void free_problem(struct problem *problem)
{
	card_free(problem->x.at);
	card_free(problem->y.at);
	card_free(problem->residual.at);
	free(problem->weights);
	free(problem->bias);
}

/* ---- tuners --------------------------------------------------------------------------------- */

static struct sp_device device;
static unsigned int lines_n;
static char last_line[640];

static void keep_line(int level, const char *text)
{
	(void)level;
	lines_n++;
	snprintf(last_line, sizeof(last_line), "%s", text);
}

static struct sp_tuner *begin(const struct software_engine *list, unsigned int n, size_t version,
			      const char *cache)
{
	struct sp_tuner *tuner = NULL;
	struct sp_err err;

	lines_n = 0;
	if (sp_device_open(0, &device, &err))
		FAIL("%s", err.text);
	software_begin(list, n, version);
	if (sp_tuner_create_with(&device, cache, keep_line, &software_cudnn, &tuner, &err))
		FAIL("%s", err.text);
	return tuner;
}

static void end(struct sp_tuner *tuner)
{
	sp_tuner_destroy(tuner);
	if (software_misuse())
		FAIL("cuDNN was misused: %s", software_misuse());
	CHECK_EQ(software_alive(), 0);
}

static struct sp_engine *choose(struct sp_tuner *tuner, struct problem *problem)
{
	struct sp_engine *engine;
	struct sp_err err;

	if (sp_tuner_choose(tuner, &problem->tuning, &engine, &err))
		FAIL("%s", err.text);
	return engine;
}

static void check_run(struct sp_engine *engine, struct problem *problem)
{
	size_t n = sp_tensor_bytes(&problem->y) / 2, workspace = sp_engine_workspace(engine);
	void *memory = workspace ? card_memory(workspace) : NULL;
	float *want = expected(problem), *got;
	cudaStream_t stream;
	struct sp_err err;

	CARD(cudaMemsetAsync(problem->y.at, 0xFF, 2 * n, NULL));
	CARD(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
	if (sp_engine_run(engine, stream, &problem->run, memory, &err))
		FAIL("%s", err.text);
	CARD(cudaStreamSynchronize(stream));
	CARD(cudaStreamDestroy(stream));
	got = floats_of(&problem->y);
	CHECK(want && got);
	for (size_t i = 0; i < n; i++)
		CHECK_NEAR(got[i], want[i], fabsf(want[i]) * 0x1p-8f + 1e-5f);
	free(want);
	free(got);
	if (memory)
		card_free(memory);
}

/* A folder for this test, removed by remove_folder. */
static char folder[64], cache_file[96];

static void make_folder(void)
{
	strcpy(folder, "/tmp/sallyport-tuner-XXXXXX");
	CHECK(mkdtemp(folder));
	snprintf(cache_file, sizeof(cache_file), "%s/convolutions", folder);
}

static void remove_folder(void)
{
	unlink(cache_file);
	CHECK_EQ(rmdir(folder), 0);
}

/* ---- tests ---------------------------------------------------------------------------------- */

TEST(fastest_that_agrees_is_chosen)
{
	for (unsigned int i = 0; i < SHAPES; i++) {
		struct sp_tuner *tuner = begin(ENGINES(engines), VERSION, NULL);
		struct sp_engine *engine;
		struct problem problem;

		make_problem(&problem, &shapes[i]);
		CHECK_STR(sp_tuner_cudnn(tuner), "9.19.0");
		engine = choose(tuner, &problem);
		if (!engine)
			FAIL("shape %u: ours, not cuDNN's; %s", i, last_line);
		CHECK_STR(sp_engine_name(engine), "cudnn engine 7");
		CHECK_EQ(sp_engine_workspace(engine), 4096);
		check_run(engine, &problem);
		sp_engine_destroy(engine);
		end(tuner);
		CHECK_EQ(lines_n, 0);
		free_problem(&problem);
	}
}

TEST(slower_than_ours_is_not_chosen)
{
	struct sp_tuner *tuner = begin(ENGINES(slow_engines), VERSION, NULL);
	struct problem problem;

	make_problem(&problem, &shapes[0]);
	problem.ours_us = 0;
	CHECK(!choose(tuner, &problem));
	CHECK(problem.ours_runs > 0);
	end(tuner);
	free_problem(&problem);
}

/* What cuDNN cannot do in one operation as we do is ours, unasked. */
TEST(ours_where_cudnn_has_nothing)
{
	struct sp_tuner *tuner = begin(ENGINES(engines), VERSION, NULL);
	struct problem problem;

	for (int i = 0; i < 7; i++) {
		make_problem(&problem, &shapes[0]);
		switch (i) {
		case 0:
			problem.conv.type = SP_TENSOR_F32;
			break;
		case 1:
			problem.conv.group = 8;
			break;
		case 2:
			problem.conv.act.kind = SP_ACT_SIGMOID;
			break;
		case 3:
			problem.conv.act.kind = SP_ACT_PRELU;
			break;
		case 4: /* padding would not stay 0 */
			problem.conv.act =
				(struct sp_step_act){ .kind = SP_ACT_CLIP, .low = 1, .high = 6 };
			break;
		case 5:
			problem.conv.act =
				(struct sp_step_act){ .kind = SP_ACT_CLIP, .low = -1, .high = 6 };
			break;
		case 6: /* a last row that is left out */
			problem.conv.oh--;
			break;
		}
		CHECK(!choose(tuner, &problem));
		CHECK_EQ(problem.ours_runs, 0);
		free_problem(&problem);
	}
	end(tuner);
}

TEST(without_cudnn_it_is_ours)
{
	struct sp_tuner *tuner;
	struct problem problem;
	struct sp_err err;

	CHECK_EQ(sp_device_open(0, &device, &err), 0);
	CHECK_EQ(sp_tuner_create_with(&device, NULL, keep_line, NULL, &tuner, &err), 0);
	make_problem(&problem, &shapes[0]);
	CHECK(!sp_tuner_cudnn(tuner));
	CHECK(!choose(tuner, &problem));
	sp_tuner_destroy(tuner);
	free_problem(&problem);
}

/* Each call of cuDNN's once, then all from there on: ours or an engine that works, one line. */
TEST(failures_of_cudnn)
{
	struct problem problem;
	unsigned int calls;

	make_problem(&problem, &shapes[2]);
	problem.ours_us = 6;
	for (int after = 0; after < 2; after++) {
		struct sp_tuner *tuner = begin(ENGINES(engines), VERSION, NULL);
		struct sp_engine *engine = choose(tuner, &problem);

		calls = software_calls();
		sp_engine_destroy(engine);
		end(tuner);
		/* Executions are many and alike: every call up to them, then some. */
		for (unsigned int call = 1; call <= calls; call += call < 200 ? 2 : 397) {
			tuner = begin(ENGINES(engines), VERSION, NULL);
			software_fail(call, after);
			engine = choose(tuner, &problem);
			software_fail(0, false);
			CHECK(lines_n <= 1);
			if (lines_n)
				CHECK(strstr(last_line, "our own kernels compute instead"));
			if (engine)
				check_run(engine, &problem);
			sp_engine_destroy(engine);
			end(tuner);
		}
	}
	free_problem(&problem);
}

TEST(a_library_that_does_not_start)
{
	struct sp_tuner *tuner;
	struct problem problem;
	struct sp_err err;

	CHECK_EQ(sp_device_open(0, &device, &err), 0);
	software_begin(ENGINES(engines), VERSION);
	software_fail(1, false);
	lines_n = 0;
	CHECK_EQ(sp_tuner_create_with(&device, NULL, keep_line, &software_cudnn, &tuner, &err), 0);
	CHECK_EQ(lines_n, 1);
	CHECK(strstr(last_line, "as the test wanted"));
	CHECK(!sp_tuner_cudnn(tuner));
	make_problem(&problem, &shapes[0]);
	CHECK(!choose(tuner, &problem));
	end(tuner);
	free_problem(&problem);
}

TEST(failure_of_ours_is_told)
{
	struct sp_tuner *tuner = begin(ENGINES(engines), VERSION, NULL);
	struct sp_engine *engine;
	struct problem problem;
	struct sp_err err;

	make_problem(&problem, &shapes[0]);
	problem.ours_fails = -EIO;
	CHECK_EQ(sp_tuner_choose(tuner, &problem.tuning, &engine, &err), -EIO);
	CHECK_STR(err.text, "choosing an engine: ours failed");
	end(tuner);
	free_problem(&problem);
}

TEST(what_was_measured_is_kept)
{
	struct problem problem;
	struct sp_engine *engine;
	struct sp_tuner *tuner;
	unsigned int runs;

	make_folder();
	make_problem(&problem, &shapes[1]);
	tuner = begin(ENGINES(engines), VERSION, folder);
	engine = choose(tuner, &problem);
	CHECK_STR(sp_engine_name(engine), "cudnn engine 7");
	sp_engine_destroy(engine);
	end(tuner);

	/* Again: not measured, knobs and all. */
	runs = problem.ours_runs;
	tuner = begin(ENGINES(engines), VERSION, folder);
	engine = choose(tuner, &problem);
	CHECK_STR(sp_engine_name(engine), "cudnn engine 7");
	CHECK_EQ(software_executions(), 0);
	CHECK_EQ(problem.ours_runs, runs);
	check_run(engine, &problem);
	sp_engine_destroy(engine);
	/* Another number of pictures, another model: others. */
	problem.tuning.n = 1;
	problem.model[0]++;
	problem.tuning.n = shapes[1].n;
	engine = choose(tuner, &problem);
	CHECK(problem.ours_runs > runs);
	sp_engine_destroy(engine);
	problem.model[0]--;
	end(tuner);

	/* Another version of cuDNN: measured anew; and ours is kept too. */
	runs = problem.ours_runs;
	tuner = begin(ENGINES(slow_engines), VERSION + 100, folder);
	problem.ours_us = 0;
	CHECK(!choose(tuner, &problem));
	CHECK(problem.ours_runs > runs);
	end(tuner);
	runs = problem.ours_runs;
	tuner = begin(ENGINES(slow_engines), VERSION + 100, folder);
	CHECK(!choose(tuner, &problem));
	CHECK_EQ(problem.ours_runs, runs);
	CHECK_EQ(lines_n, 0);
	end(tuner);

	/* One of an engine that is no more: measured anew. */
	tuner = begin(ENGINES(slow_engines), VERSION, folder);
	CHECK(!choose(tuner, &problem));
	CHECK(problem.ours_runs > runs);
	end(tuner);
	free_problem(&problem);
	remove_folder();
}

/* ---- the file ------------------------------------------------------------------------------- */

static struct sp_tuner_entry entry_of(unsigned int i)
{
	struct sp_tuner_entry entry = { .ours = i % 3 == 0, .ours_us = (float)i, .cudnn_us = 1 };

	snprintf(entry.key, sizeof(entry.key), "key %u on a device, 9.0", i);
	if (!entry.ours) {
		entry.choice.engine = i;
		entry.choice.knobs_n = i % 5;
		for (unsigned int k = 0; k < entry.choice.knobs_n; k++) {
			entry.choice.knobs[k].type = k;
			entry.choice.knobs[k].value = (int64_t)i * 1000 + k;
		}
	}
	return entry;
}

static void check_entry(const struct sp_tuner_cache *cache, unsigned int i)
{
	struct sp_tuner_entry want = entry_of(i);
	const struct sp_tuner_entry *got = sp_tuner_cache_find(cache, want.key);

	CHECK(got);
	CHECK_EQ(got->ours, want.ours);
	CHECK(!memcmp(&got->choice, &want.choice, sizeof(want.choice)));
	CHECK_NEAR(got->ours_us, want.ours_us, 0.01);
}

static struct sp_tuner_cache *open_cache(void)
{
	struct sp_tuner_cache *cache = sp_tuner_cache_open(folder, keep_line);

	CHECK(cache);
	return cache;
}

TEST(damaged_lines_are_left_out)
{
	struct sp_tuner_cache *cache;
	char text[8192];
	size_t size;
	FILE *file;

	make_folder();
	cache = open_cache();
	for (unsigned int i = 0; i < 20; i++) {
		struct sp_tuner_entry entry = entry_of(i);

		sp_tuner_cache_keep(cache, &entry);
	}
	sp_tuner_cache_close(cache);
	file = fopen(cache_file, "r");
	size = fread(text, 1, sizeof(text), file);
	fclose(file);
	/* A byte of it here and there: never a crash, never a wrong entry, at most two lines are lost. */
	for (size_t at = 0; at < size; at += 7) {
		unsigned int found = 0;

		for (int how = 0; how < 2; how++) {
			char kept = text[at];

			text[at] = how ? '|' : (char)(text[at] ^ 0x15);
			file = fopen(cache_file, "w");
			fwrite(text, 1, how ? at + 1 : size, file);
			fclose(file);
			text[at] = kept;
			lines_n = 0;
			cache = open_cache();
			for (unsigned int i = 0; i < 20; i++) {
				struct sp_tuner_entry want = entry_of(i);

				if (!sp_tuner_cache_find(cache, want.key))
					continue;
				check_entry(cache, i);
				found += !how;
			}
			CHECK(lines_n <= 1);
			sp_tuner_cache_close(cache);
		}
		CHECK(found >= 18);
	}
	remove_folder();
}

TEST(a_file_has_an_end)
{
	struct sp_tuner_cache *cache;
	struct sp_tuner_entry entry;
	FILE *file;

	make_folder();
	file = fopen(cache_file, "w");
	CHECK(file);
	for (unsigned int i = 0; i < 2000000; i++)
		fputc('x', file);
	fclose(file);
	cache = open_cache();
	entry = entry_of(1);
	sp_tuner_cache_keep(cache, &entry);
	/* The oldest makes room. In memory alone: a file a time would take long. */
	CHECK_EQ(unlink(cache_file), 0);
	CHECK_EQ(rmdir(folder), 0);
	for (unsigned int i = 2; i < SP_TUNER_ENTRIES_MAX + 2; i++) {
		entry = entry_of(i);
		sp_tuner_cache_keep(cache, &entry);
	}
	entry = entry_of(1);
	CHECK(!sp_tuner_cache_find(cache, entry.key));
	check_entry(cache, 2);
	check_entry(cache, SP_TUNER_ENTRIES_MAX + 1);
	sp_tuner_cache_close(cache);
}

TEST(a_folder_that_is_not_there_is_made_and_is_ours_alone)
{
	struct sp_tuner_entry entry = entry_of(4);
	struct sp_tuner_cache *cache;
	struct stat about;

	make_folder();
	CHECK_EQ(rmdir(folder), 0);
	cache = open_cache();
	CHECK(stat(folder, &about));
	lines_n = 0;
	sp_tuner_cache_keep(cache, &entry);
	CHECK_EQ(lines_n, 0);
	sp_tuner_cache_close(cache);
	CHECK_EQ(stat(folder, &about), 0);
	CHECK_EQ(about.st_mode & 0777, 0700);
	CHECK_EQ(stat(cache_file, &about), 0);
	CHECK_EQ(about.st_mode & 0777, 0600);
	cache = open_cache();
	check_entry(cache, 4);
	sp_tuner_cache_close(cache);
	remove_folder();
}

TEST(a_folder_that_cannot_be_written)
{
	struct sp_tuner_cache *cache = sp_tuner_cache_open("/proc/none", keep_line);
	struct sp_tuner_entry entry = entry_of(4);

	CHECK(cache);
	lines_n = 0;
	sp_tuner_cache_keep(cache, &entry);
	sp_tuner_cache_keep(cache, &entry);
	check_entry(cache, 4);
	CHECK_EQ(lines_n, 1);
	CHECK(strstr(last_line, "/proc/none/convolutions: "));
	sp_tuner_cache_close(cache);
}

/* ---- the device fails ----------------------------------------------------------------------- */

#ifdef SP_CUDA_EMULATED
TEST(failures_of_cuda)
{
	struct problem problem;
	uint64_t calls;

	make_problem(&problem, &shapes[0]);
	problem.ours_us = 0;
	for (uint64_t call = 0, n = 1; call < n; call += call < 40 ? 1 : 211) {
		struct sp_tuner *tuner = begin(ENGINES(engines), VERSION, NULL);
		struct sp_emulator_alive before = sp_emulator_alive(), now;
		struct sp_engine *engine = NULL;
		struct sp_err err = { "" };
		int rc;

		calls = sp_emulator_calls();
		sp_emulator_fail(call, cudaErrorMemoryAllocation);
		rc = sp_tuner_choose(tuner, &problem.tuning, &engine, &err);
		sp_emulator_fail(0, cudaSuccess);
		if (!call)
			n = sp_emulator_calls() - calls;
		CHECK(rc <= 0 && (rc || !err.text[0]));
		CHECK(!rc || (!engine && err.text[0]));
		if (engine)
			check_run(engine, &problem);
		sp_engine_destroy(engine);
		now = sp_emulator_alive();
		CHECK_EQ(now.device_bytes, before.device_bytes);
		CHECK_EQ(now.events, before.events);
		end(tuner);
	}
	free_problem(&problem);
}
#endif

/* ---- the real library ----------------------------------------------------------------------- */

/*
 * From 9.10 or so on it plans for a device that is not there, by a description; what is used of that is
 * here alone. An H100.
 */
enum {
	KIND_DEVICE = 38,
	TYPE_TEXT = 24,
	DEVICE_TEXT = 2702,
	HEURISTICS_DEVICE = 204,
	PLAN_DEVICE = 407,
	ENGINE_DEVICE = 1307,
};
static const char h100[] =
	"{\"deviceVer\":900,\"deviceName\":\"NVIDIA H100 80GB HBM3\",\"multiProcessorCount\":132,"
	"\"driverVer\":13000,\"maxGridSize\":[2147483647,65535,65535],"
	"\"maxBlockSize\":[1024,1024,64],\"regsPerBlock\":65536,\"smClockRateKHz\":1980000,"
	"\"memClockRateKHz\":2619000,\"l2CacheSize\":52428800,\"warpSize\":32,"
	"\"maxSharedMemoryPerBlock\":49152,\"maxSharedMemoryPerBlockOptin\":232448,"
	"\"reservedSharedMemoryPerBlock\":1024,\"maxRegistersPerSM\":65536,\"pciDeviceId\":0,"
	"\"maxCtasPerSM\":32,\"maxThreadsPerBlock\":1024,\"maxThreadsPerSM\":2048,"
	"\"isTccDriver\":0,\"supportCoopLaunch\":1,\"totalGlobalMem\":85000000000,\"cudaDeviceId\":0}";

static struct sp_cudnn real;
static void *real_device;

/* In place of a handle. */
static int real_set(void *descriptor, int attribute, int type, int64_t n, const void *values)
{
	const int of = attribute == SP_CUDNN_HEURISTICS_GRAPH ? HEURISTICS_DEVICE
		       : attribute == SP_CUDNN_ENGINE_GRAPH   ? ENGINE_DEVICE
		       : attribute == SP_CUDNN_PLAN_HANDLE    ? PLAN_DEVICE
							      : 0;

	if (of && real.set(descriptor, of, SP_CUDNN_TYPE_DESCRIPTOR, 1, &real_device))
		return 2000;
	if (attribute == SP_CUDNN_GRAPH_HANDLE || attribute == SP_CUDNN_PLAN_HANDLE)
		return SP_CUDNN_OK;
	return real.set(descriptor, attribute, type, n, values);
}

/*
 * cuDNN compiles for a device only beside a driver; the toolkit's stub of one is enough until what was
 * compiled is loaded. By its own name, it is found by whoever asks for the driver after us.
 */
static bool have_driver(void)
{
	return dlopen("libcuda.so.1", RTLD_NOW) ||
	       dlopen("/usr/local/cuda/lib64/stubs/libcuda.so", RTLD_NOW);
}

/* The fastest choice that it knows, compiled: as far as it goes without a device. */
static void check_plan(struct sp_cudnn_conv *conv, const struct sp_cudnn_choice *choice)
{
	struct sp_cudnn_plan *plan;
	struct sp_err err = { "" };

	if (!sp_cudnn_plan_create(conv, choice, &plan, &err))
		sp_cudnn_plan_destroy(plan);
	else if (!strstr(err.text, "cuLibraryLoadData") && !strstr(err.text, "cuModuleLoad"))
		FAIL("%s", err.text);
}

/* The sanitizer's, where it is: what libraries keep for themselves is no leak of ours. */
void __lsan_disable(void) __attribute__((weak));
void __lsan_enable(void) __attribute__((weak));

/* Tensors, operations, graphs, engines with their knobs and plans: all but running them. */
TEST(the_real_library_plans_our_graphs)
{
	struct sp_cudnn watched;
	struct sp_err err;
	void *library;
	bool driver;

	if (__lsan_disable)
		__lsan_disable();
	driver = have_driver();
	if (sp_cudnn_open(&real, &library, &err))
		SKIP("%s", err.text);
	watched = real;
	watched.set = real_set;
	if (real.create_descriptor(KIND_DEVICE, &real_device) ||
	    real.set(real_device, DEVICE_TEXT, TYPE_TEXT, (int64_t)strlen(h100), h100) ||
	    real.finalize(real_device))
		SKIP("cuDNN %zu plans only for a device that is there", real.version());
	for (unsigned int i = 0; i < SHAPES; i++) {
		struct sp_cudnn_choice choices[4];
		struct sp_cudnn_conv *conv;
		struct problem problem;
		int n;

		describe(&problem, &shapes[i]);
		if (sp_cudnn_conv_create(&watched, NULL, &problem.conv, shapes[i].n,
					 shapes[i].residual, &conv, &err))
			FAIL("shape %u: %s", i, err.text);
		n = sp_cudnn_conv_propose(conv, choices, 4, &err);
		if (driver && n < 1)
			FAIL("shape %u: cuDNN has no engine; %s", i,
			     n < 0 ? err.text : "none fits");
		/* It takes half a second to compile one. */
		if (driver && i == 1)
			check_plan(conv, &choices[0]);
		sp_cudnn_conv_destroy(conv);
	}
	real.destroy_descriptor(real_device);
	sp_cudnn_close(library);
	if (__lsan_enable)
		__lsan_enable();
	if (!driver)
		SKIP("graphs are taken; engines are planned only beside a driver or its stub");
}

TEST_MAIN()
