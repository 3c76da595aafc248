/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of parity: every operator that we read, with its attributes, and random chains of them,
 * by every set of kernels that this CPU can run, against what ONNX Runtime gave
 * (tests/parity/make_goldens, operators.gz). A line a network; a column a set: how far its outputs
 * are, in float32 as |Δ| / max(1, |reference|) at most, in bfloat16 as RMS relative to the
 * reference's.
 *
 * Why 2 % in bfloat16: its numbers have 8 bits, so that rounding one is wrong by 2^-9 at most and
 * 2^-9 / √3 in the mean. A layer rounds what it reads and its weights, which makes 2^-9 √(2/3) of
 * its result, errors of D layers being independent √D times that: 0.55 % of 12. Where branches
 * meet, sums may be smaller than what is summed, by which the share grows: twice to three times is
 * allowed for that.
 */
#include <math.h>

#include "golden.h"
#include "infer/cpu/executor.h"
#include "infer/cpu/kernel.h"
#include "infer/model.h"

enum { SETS_MAX = 16, OUTPUTS_MAX = 64, NAME_MAX_BYTES = 80 };
static const double F32_GATE = 1e-5, BF16_GATE = 0.02;

/* ---- the file ------------------------------------------------------------------------------- */

struct reader {
	const uint8_t *at, *end;
};

static const void *take(struct reader *reader, size_t n)
{
	const uint8_t *at = reader->at;

	if ((size_t)(reader->end - at) < n)
		FAIL("operators.gz ends early; make it anew (tests/parity/make_goldens)");
	reader->at += n;
	return at;
}

static uint32_t take_number(struct reader *reader)
{
	uint32_t value;

	memcpy(&value, take(reader, sizeof(value)), sizeof(value));
	return value;
}

static void take_text(struct reader *reader, char *text)
{
	uint32_t n = take_number(reader);

	CHECK(n < NAME_MAX_BYTES);
	memcpy(text, take(reader, n), n);
	text[n] = 0;
}

struct output {
	char name[NAME_MAX_BYTES];
	struct sp_shape shape;
	uint32_t stride, n; /* elements 0, stride, 2 stride, … are known */
	const void *values; /* n floats, not aligned */
};

struct golden {
	char name[NAME_MAX_BYTES], shape_text[NAME_MAX_BYTES];
	const void *model;
	uint32_t model_bytes, seed;
	int64_t shape[4];
	unsigned int outputs_n;
	struct output outputs[OUTPUTS_MAX];
};

static void take_golden(struct reader *reader, struct golden *golden)
{
	take_text(reader, golden->name);
	take_text(reader, golden->shape_text);
	golden->model_bytes = take_number(reader);
	golden->model = take(reader, golden->model_bytes);
	golden->seed = take_number(reader);
	for (int i = 0; i < 4; i++)
		golden->shape[i] = take_number(reader);
	golden->outputs_n = take_number(reader);
	CHECK(golden->outputs_n <= OUTPUTS_MAX);
	for (unsigned int i = 0; i < golden->outputs_n; i++) {
		struct output *output = &golden->outputs[i];

		take_text(reader, output->name);
		output->shape = (struct sp_shape){ .rank = take_number(reader) };
		CHECK(output->shape.rank <= SP_RANK_MAX);
		for (unsigned int k = 0; k < output->shape.rank; k++)
			output->shape.dim[k] = take_number(reader);
		output->stride = take_number(reader);
		output->n = take_number(reader);
		output->values = take(reader, output->n * sizeof(float));
	}
}

/* As make_goldens' numbers(): in [-2, 2), of 24 bits, so that sums are rounded. */
static void draw(uint32_t seed, float *values, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		seed = seed * 1664525 + 1013904223;
		values[i] = ((float)(seed >> 8) - 8388608) / 4194304;
	}
}

/* ---- sets of kernels ------------------------------------------------------------------------ */

/* Every set by name, "onednn" first. */
static unsigned int all_sets(const char *names[SETS_MAX], bool bf16[SETS_MAX])
{
	const struct sp_kernels *const *kernels = sp_kernels_all();
	unsigned int n = 1;

	names[0] = "onednn";
	bf16[0] = false;
	for (; *kernels && n < SETS_MAX; kernels++, n++) {
		names[n] = (*kernels)->name;
		bf16[n] = (*kernels)->cell == SP_CELL_BF16;
	}
	return n;
}

/* How far @got is from the golden: see the head of this file. */
static double distance(const struct output *output, const float *got, bool bf16)
{
	double most = 0, squares = 0, of = 0;

	for (uint32_t i = 0; i < output->n; i++) {
		float want;
		double off;

		memcpy(&want, (const uint8_t *)output->values + i * sizeof(want), sizeof(want));
		off = fabs((double)got[(size_t)i * output->stride] - (double)want);
		/* A maximum would pass over what is no number. */
		if (!isfinite(off))
			return INFINITY;
		most = fmax(most, off / fmax(1, fabs((double)want)));
		squares += off * off;
		of += (double)want * (double)want;
	}
	return bf16 ? sqrt(squares / fmax(of, 1e-6)) : most;
}

/* The worst of the outputs; INFINITY where the network is not taken. */
static double run(const struct golden *golden, const struct sp_model *model, const char *kernels,
		  bool bf16)
{
	const struct sp_executor_options options = { SP_PRECISION_F32, kernels };
	struct sp_executor *executor;
	struct sp_err err;
	double worst = 0;

	if (sp_executor_create(model, golden->shape, &options, &executor, &err)) {
		printf("\n# %s", err.text);
		return INFINITY;
	}
	draw(golden->seed, sp_executor_input(executor),
	     (size_t)(golden->shape[0] * golden->shape[1] * golden->shape[2] * golden->shape[3]));
	/* What the first run leaves behind must not show in the second. */
	CHECK_EQ(sp_executor_run(executor), 0);
	CHECK_EQ(sp_executor_run(executor), 0);
	CHECK_EQ(sp_executor_outputs(executor), golden->outputs_n);
	for (unsigned int i = 0; i < golden->outputs_n; i++) {
		const struct output *output = &golden->outputs[i];
		struct sp_shape shape;
		const char *name;
		const float *got = sp_executor_output(executor, i, &name, &shape);

		CHECK_STR(name, output->name);
		if (!sp_shape_equal(&shape, &output->shape))
			FAIL("%s by %s: output %s has another shape", golden->name, kernels, name);
		worst = fmax(worst, distance(output, got, bf16));
	}
	sp_executor_destroy(executor);
	return worst;
}

TEST(every_operator_gives_what_onnx_runtime_gives)
{
	size_t size;
	uint8_t *bytes = golden_file("tests/parity/operators.gz", &size);
	struct reader reader = { bytes, bytes + size };
	static struct golden golden;
	const char *names[SETS_MAX];
	bool bf16[SETS_MAX];
	unsigned int sets = all_sets(names, bf16), beyond = 0, refused = 0;
	char first[200] = "";

	CHECK(!memcmp(take(&reader, 8), "SPGOLD1\n", 8));
	printf("# %-44s %-12s", "", "");
	for (unsigned int s = 0; s < sets; s++)
		printf(" %11s", names[s]);
	printf("\n");
	for (uint32_t left = take_number(&reader); left; left--) {
		struct sp_model *model;
		struct sp_err err;

		take_golden(&reader, &golden);
		printf("# %-44s %-12s", golden.name, golden.shape_text);
		if (sp_model_parse(golden.model, golden.model_bytes, golden.name, &model, &err)) {
			printf(" %s\n", err.text);
			refused++;
			continue;
		}
		for (unsigned int s = 0; s < sets; s++) {
			double off = run(&golden, model, names[s], bf16[s]);
			bool good = off <= (bf16[s] ? BF16_GATE : F32_GATE);

			if (bf16[s])
				printf(" %9.2f %%%s", 100 * off, good ? "" : "!");
			else
				printf(" %11.1e%s", off, good ? "" : "!");
			if (good)
				continue;
			if (!beyond++)
				snprintf(first, sizeof(first), "%s, %s by %s (seed %u): %g",
					 golden.name, golden.shape_text, names[s], golden.seed,
					 off);
		}
		printf("\n");
		sp_model_free(model);
	}
	CHECK(reader.at == reader.end);
	free(bytes);
	if (refused)
		FAIL("%u are refused", refused);
	if (beyond)
		FAIL("%u beyond the gates, the first: %s", beyond, first);
}

/* ---- folding -------------------------------------------------------------------------------- */

/* The embedding of @file for an input by @seed, of length 1. */
static void embed(const char *file, uint32_t seed, float embedding[GOLDEN_EMBEDDING])
{
	const int64_t shape[4] = { 1, 3, 112, 112 };
	struct sp_executor *executor;
	struct sp_model *model;
	struct sp_err err;
	double length = 0;
	const float *out;

	if (sp_model_load(sp_test_shared(file), &model, &err) ||
	    sp_executor_create(model, shape, NULL, &executor, &err))
		FAIL("%s", err.text);
	draw(seed, sp_executor_input(executor), 3 * 112 * 112);
	CHECK_EQ(sp_executor_run(executor), 0);
	out = sp_executor_output(executor, 0, NULL, NULL);
	for (int i = 0; i < GOLDEN_EMBEDDING; i++)
		length += (double)out[i] * (double)out[i];
	for (int i = 0; i < GOLDEN_EMBEDDING; i++)
		embedding[i] = (float)((double)out[i] / sqrt(length));
	sp_executor_destroy(executor);
	sp_model_free(model);
}

/* The same weights, once with BatchNormalization in the file, once as its author folded it. */
TEST(unfused_and_folded_mobilefacenet_agree)
{
	for (uint32_t seed = 1; seed <= 3; seed++) {
		float folded[GOLDEN_EMBEDDING], unfused[GOLDEN_EMBEDDING];
		double most = 0;

		embed("models/mobilefacenet.onnx", seed, folded);
		embed("models/mobilefacenet_bn_unfused_testonly.onnx", seed, unfused);
		for (int i = 0; i < GOLDEN_EMBEDDING; i++)
			most = fmax(most, fabs((double)(folded[i] - unfused[i])));
		printf("# seed %u: embeddings within %.2g\n", seed, most);
		CHECK(most <= 1e-5);
	}
}

TEST_MAIN()
