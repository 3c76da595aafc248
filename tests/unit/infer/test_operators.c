/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Networks in the shape of public face models, with random weights, against what ONNX Runtime made
 * of them (tests/goldens/make_networks.py); and operators one by one against plain loops.
 */
#include "net.h"

#include <errno.h>

#include "infer/cpu/kernel.h"

/* ---- networks ------------------------------------------------------------------------------- */

/* As make_networks.py has them: in [-1, 1). */
static float golden_number(uint64_t *state)
{
	*state = *state * 6364136223846793005ull + 1442695040888963407ull;
	return (float)(*state >> 40) / (1 << 23) - 1;
}

static void read_exactly(FILE *file, void *to, size_t size)
{
	CHECK_EQ(fread(to, 1, size, file), size);
}

/* The largest difference of an output from the golden one, in parts of max(1, |golden|). */
static double compare_output(FILE *golden, const struct sp_executor *executor, unsigned int i)
{
	struct sp_shape shape, want = { 0 };
	const float *got = sp_executor_output(executor, i, NULL, &shape);
	double worst = 0;
	int32_t n;

	read_exactly(golden, &n, sizeof(n));
	CHECK(n >= 0 && n <= SP_RANK_MAX);
	want.rank = (unsigned int)n;
	for (unsigned int d = 0; d < want.rank; d++) {
		read_exactly(golden, &n, sizeof(n));
		want.dim[d] = n;
	}
	CHECK(sp_shape_equal(&shape, &want));
	for (int64_t k = 0; k < sp_shape_elements(&want); k++) {
		float value;

		read_exactly(golden, &value, sizeof(value));
		worst = fmax(worst,
			     fabs((double)got[k] - (double)value) / fmax(1, fabs((double)value)));
	}
	return worst;
}

static double run_network(const char *name, const char *kernels)
{
	const struct sp_executor_options options = { SP_PRECISION_F32, kernels };
	struct sp_executor *executor;
	struct sp_model *model;
	int32_t head[6];
	int64_t shape[4];
	uint64_t state;
	struct sp_err err;
	char path[128];
	double worst = 0;
	float scale;
	FILE *golden;

	snprintf(path, sizeof(path), "tests/goldens/networks/%s.golden", name);
	golden = fopen(path, "rb");
	if (!golden)
		SKIP("%s is not there; run the test at the top of the source tree", path);
	read_exactly(golden, head, sizeof(head));
	read_exactly(golden, &scale, sizeof(scale));
	for (int i = 0; i < 4; i++)
		shape[i] = head[i];
	snprintf(path, sizeof(path), "tests/goldens/networks/%s.onnx", name);
	if (sp_model_load(path, &model, &err) ||
	    sp_executor_create(model, shape, &options, &executor, &err))
		FAIL("%s", err.text);
	state = (uint64_t)head[4];
	for (int64_t i = 0; i < shape[0] * shape[1] * shape[2] * shape[3]; i++)
		sp_executor_input(executor)[i] = golden_number(&state) * scale;
	CHECK_EQ(sp_executor_run(executor), 0);
	CHECK_EQ(sp_executor_outputs(executor), head[5]);
	for (unsigned int i = 0; i < (unsigned int)head[5]; i++)
		worst = fmax(worst, compare_output(golden, executor, i));
	sp_executor_destroy(executor);
	sp_model_free(model);
	fclose(golden);
	return worst;
}

TEST(networks_of_public_shapes_agree_with_onnx_runtime)
{
	static const char *const names[] = { "scrfd",	   "scrfd_any_size",
					     "retinaface", "arcface",
					     "sface",	   "edgeface",
					     "quality",	   "edgeface_old_operators" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		double ours = run_network(names[i], NULL), plain = run_network(names[i], "onednn");

		printf("# %s: within %.1e, by oneDNN %.1e\n", names[i], ours, plain);
		CHECK(ours <= 1e-5 && plain <= 1e-5);
	}
}

TEST_MAIN()
