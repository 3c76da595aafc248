/* SPDX-License-Identifier: Apache-2.0 */
/* Networks that are refused, that fail, that share weights and memory, that others compute. */
#include "cuda/network.h"

#include <errno.h>
#include <unistd.h>

#include "cuda/tuner_cache.h"
#include "test.h"
/* After it. */
#include "cuda/network_compare.h"

#ifdef SP_CUDA_EMULATED
#include "emulator.h"
#endif

static const struct build_conv stem = {
	.oc = 12, .kernel = { 3, 3 }, .stride = 2, .pad = { 1, 1, 1, 1 }, .act = SP_ACT_RELU
};

/* ---- what is not ----------------------------------------------------------------------------- */

static void refused(struct build *build, const char *why)
{
	struct sp_network_model *model;
	struct sp_network *network;
	struct sp_device device;
	struct sp_err err = { { 0 } };

	CHECK_EQ(sp_device_open(0, &device, &err), 0);
	CHECK_EQ(sp_network_model_create(&device, &build->model, SP_TENSOR_F32, NULL, &model, &err),
		 0);
	CHECK_EQ(sp_network_create(model, 1, (uint32_t)build->input.shape.dim[2],
				   (uint32_t)build->input.shape.dim[3], &network, &err),
		 -ENOTSUP);
	if (!strstr(err.text, why) || strncmp(err.text, "built: ", 7) ||
	    !strstr(err.text, "is not for the CUDA backend; use compute.backend: cpu"))
		FAIL("\"%s\" is not about \"%s\"", err.text, why);
	sp_network_model_destroy(model);
	build_uninit(build);
}

TEST(what_it_cannot_do_is_said)
{
	static const int64_t perm[] = { 0, 2, 1, 3 };
	struct build build;
	uint32_t x, y;

	build_init(&build, 1300, 6, 6);
	x = build_conv(&build, 0, &stem);
	build_output(&build, build_node(&build, SP_OP_SOFTMAX, 1, &x, NULL, NULL));
	refused(&build, "node 'node1' (Built): this operator");

	build_init(&build, 1301, 6, 6);
	x = build_conv(&build, 0, &stem);
	build_output(&build, build_reshape(&build, x, &BUILD_SHAPE(12, 9)));
	refused(&build, "a result of 12x9, whose first dimension");

	build_init(&build, 1302, 6, 6);
	x = build_conv(&build, 0, &stem);
	y = build_transpose(&build, x, perm);
	build_output(&build, build_conv(&build, y, &(struct build_conv){ .oc = 4 }));
	refused(&build, "an input of 1x3x12x3 that is no picture as it lies");

	build_init(&build, 1303, 6, 6);
	x = build_conv(&build, 0, &stem);
	y = build_constant(&build, &BUILD_SHAPE(1, 12, 3, 3), 1);
	build_output(&build, build_binary(&build, SP_OP_ADD, x, y, SP_ACT_NONE));
	refused(&build, "a constant of 1x12x3x3 that is not one value a channel");

	build_init(&build, 1304, 6, 6);
	x = build_conv(&build, 0, &stem);
	build_output(&build, build_transpose(&build, x, perm));
	refused(&build, "an output in an order that is none of a picture's");

	build_init(&build, 1305, 6, 6);
	x = build_conv(&build, 0, &stem);
	build_output(&build, build_concat(&build, 2, (uint32_t[]){ x, x }, 2));
	refused(&build, "a concatenation of what is not channels");

	build_init(&build, 1306, 6, 6);
	x = build_conv(&build, 0, &stem);
	build_output(&build, build_constant(&build, &BUILD_SHAPE(1, 4), 1));
	build_output(&build, x);
	refused(&build, "output 'constant' is a constant, which");

	build_init(&build, 1307, 6, 6);
	x = build_conv(&build, 0, &(struct build_conv){ .oc = 1 });
	y = build_conv(&build, 0, &stem);
	build_output(&build,
		     build_binary(&build, SP_OP_MUL, x,
				  build_node(&build, SP_OP_MEAN, 1, &y, NULL, NULL), SP_ACT_NONE));
	refused(&build, "an operation whose operands both grow");
}

TEST(sizes_that_do_not_fit)
{
	struct sp_network_model *model;
	struct sp_network *network;
	struct sp_device device;
	struct sp_err err = { { 0 } };
	struct build build;

	build_init(&build, 1400, 6, 6);
	build_output(&build, build_conv(&build, 0, &stem));
	CHECK_EQ(sp_device_open(0, &device, &err), 0);
	CHECK_EQ(sp_network_model_create(&device, &build.model, SP_TENSOR_F32, NULL, &model, &err),
		 0);
	CHECK_EQ(sp_network_create(model, 1, 6, 8, &network, &err), -EINVAL);
	CHECK_STR(err.text, "built: input 'picture' is ?x3x6x6; it cannot be 1x3x6x8");
	CHECK_EQ(sp_network_create(model, 0, 6, 6, &network, &err), -EINVAL);
	build.input.shape.dim[2] = build.input.shape.dim[3] = -1;
	CHECK_EQ(sp_network_create(model, UINT32_MAX, 4096, 4096, &network, &err), -EFBIG);
	CHECK(strstr(err.text, "are too large"));
	CHECK_EQ(sp_network_create(model, 1, UINT32_MAX, UINT32_MAX, &network, &err), -EFBIG);
	build.model.inputs_n = 2;
	sp_network_model_destroy(model);
	CHECK_EQ(sp_network_model_create(&device, &build.model, SP_TENSOR_F32, NULL, &model, &err),
		 -ENOTSUP);
	build_uninit(&build);
}

/* ---- running --------------------------------------------------------------------------------- */

/* Steps recorded once give the same again and again, and the same as step by step. */
TEST(a_run_may_be_captured)
{
	struct build build;
	struct running running;
	cudaGraph_t graph;
	cudaGraphExec_t exec;
	uint32_t x, steps;

	build_init(&build, 1500, 12, 8);
	x = build_conv(&build, 0, &stem);
	x = build_separable(&build, x, 16, 1, SP_ACT_RELU);
	build_output(&build, build_act(&build, x, SP_ACT_SIGMOID));
	running_init(&running, &build.model, SP_TENSOR_F32, 2, 12, 8);
	CARD(cudaStreamBeginCapture(running.stream, cudaStreamCaptureModeThreadLocal));
	RUNS(&running, sp_network_run(running.network, running.stream, err));
	CARD(cudaStreamEndCapture(running.stream, &graph));
	CARD(cudaGraphInstantiate(&exec, graph, 0));
	for (unsigned int i = 0; i < 3; i++) {
		float *pictures = pictures_of(&build, 2, false);

		running_give(&running, pictures);
		CARD(cudaGraphLaunch(exec, running.stream));
		running_take(&running);
		for (uint32_t k = 0; k < 2; k++) {
			build_run(&build, pictures + k * 3 * 12 * 8);
			compare(&build, &running, k, 1e-5);
		}
		free(pictures);
	}
	CARD(cudaGraphExecDestroy(exec));
	CARD(cudaGraphDestroy(graph));
	steps = sp_network_steps(running.network);
	for (uint32_t i = 0; i < steps; i++)
		RUNS(&running, sp_network_run_step(running.network, i, running.stream, err));
	CARD(cudaStreamSynchronize(running.stream));
	running_uninit(&running);
	build_uninit(&build);
}

/* Networks of one model for other sizes and numbers of pictures have the same weights. */
TEST(weights_go_up_once)
{
	struct sp_network_model *model;
	struct sp_network *networks[3];
	struct sp_device device;
	struct sp_err err = { { 0 } };
	size_t before, after, total;
	struct build build;
	uint32_t x;

	build_init(&build, 1600, 12, 8);
	x = build_conv(&build, 0, &stem);
	x = build_separable(&build, x, 16, 1, SP_ACT_PRELU);
	build_output(&build, build_conv(&build, x, &(struct build_conv){ .oc = 8 }));
	build.input.shape.dim[2] = build.input.shape.dim[3] = -1;
	CHECK_EQ(sp_device_open(0, &device, &err), 0);
	CHECK_EQ(sp_network_model_create(&device, &build.model, SP_TENSOR_BF16, NULL, &model, &err),
		 0);
	CHECK_EQ(sp_network_create(model, 1, 12, 8, &networks[0], &err), 0);
	CARD(cudaMemGetInfo(&before, &total));
	CHECK_EQ(sp_network_create(model, 4, 12, 8, &networks[1], &err), 0);
	CARD(cudaMemGetInfo(&after, &total));
	CHECK_EQ(before, after);
	CHECK_EQ(sp_network_create(model, 1, 32, 16, &networks[2], &err), 0);
	CHECK(sp_network_bytes(networks[1]) > sp_network_bytes(networks[0]));
	for (unsigned int i = 0; i < 3; i++)
		sp_network_destroy(networks[i]);
	sp_network_model_destroy(model);
	build_uninit(&build);
}

/*
 * Engine 7 for every convolution that was measured: what the tuner would have found on another
 * card.
 */
static void prefer_engine(const char *directory)
{
	struct sp_tuner_entry entries[8] = { 0 };
	struct sp_tuner_cache *cache = sp_tuner_cache_open(directory, NULL);
	unsigned int n = 0;
	char path[64], line[1024], *end;
	FILE *file;

	snprintf(path, sizeof(path), "%s/convolutions", directory);
	file = fopen(path, "r");
	CHECK(cache && file);
	while (n < 8 && fgets(line, sizeof(line), file)) {
		end = strstr(line, " | ");
		if (!end)
			continue;
		*end = 0;
		snprintf(entries[n].key, sizeof(entries[n].key), "%.511s", line);
		entries[n++].choice = (struct sp_cudnn_choice){ .engine = 7,
								.knobs_n = 1,
								.knobs = { { 2, 0 } } };
	}
	fclose(file);
	for (unsigned int i = 0; i < n; i++)
		sp_tuner_cache_keep(cache, &entries[i]);
	sp_tuner_cache_close(cache);
	CHECK_EQ(n, 3);
}

/* With cuDNN (in software) in the place of kernels of ours: the same numbers. */
TEST(engines_may_compute)
{
	static const struct software_engine engine = { .index = 7, .note = 0, .workspace = 4096 };
	char directory[] = "/tmp/test_network.XXXXXX", path[64];
	struct sp_tuner *tuner;
	struct running running;
	struct build build;
	uint64_t macs, bytes;
	float *pictures;
	uint32_t x;

	CHECK(mkdtemp(directory));
	build_init(&build, 1620, 12, 8);
	x = build_conv(&build, 0, &stem);
	x = build_conv(&build, x, &(struct build_conv){ .oc = 12, .residual = x + 1 });
	build_output(&build,
		     build_conv(&build, x, &(struct build_conv){ .oc = 4, .kernel = { 3, 3 } }));
	software_begin(&engine, 1, 91900);
	pictures = pictures_of(&build, 2, true);
	/* Whatever it finds, and then the engine. */
	for (unsigned int i = 0; i < 2; i++) {
		running_init_tuned(&running, &build.model, SP_TENSOR_BF16, 2, 12, 8, directory,
				   &tuner);
		for (uint32_t k = 0; i && k < sp_network_steps(running.network); k++)
			CHECK(strstr(sp_network_step(running.network, k, &macs, &bytes),
				     ", cudnn engine 7"));
		running_run(&running, pictures);
		for (uint32_t k = 0; k < 2; k++) {
			build_run(&build, pictures + k * 3 * 12 * 8);
			compare(&build, &running, k, 4.0 / 256);
		}
		running_uninit(&running);
		sp_tuner_destroy(tuner);
		if (!i)
			prefer_engine(directory);
	}
	free(pictures);
	build_uninit(&build);
	snprintf(path, sizeof(path), "%s/convolutions", directory);
	CHECK(!unlink(path) && !rmdir(directory));
	CHECK(!software_misuse());
	CHECK_EQ(software_alive(), 0);
}

#ifdef SP_CUDA_EMULATED
/* Whichever call fails, it is said, nothing stays behind, and the next try succeeds. */
TEST(what_fails_leaves_nothing)
{
	struct sp_network_model *model;
	struct sp_network *network;
	struct sp_device device;
	struct sp_err err = { { 0 } };
	struct build build;
	uint64_t alive = sp_emulator_alive().device;
	uint32_t x;

	build_init(&build, 1650, 12, 8);
	x = build_conv(&build, 0, &stem);
	build_output(&build, build_separable(&build, x, 16, 1, SP_ACT_PRELU));
	CHECK_EQ(sp_device_open(0, &device, &err), 0);
	for (uint64_t n = 1, failed = 1; failed; n++) {
		int ret;

		CHECK_EQ(sp_network_model_create(&device, &build.model, SP_TENSOR_BF16, NULL,
						 &model, &err),
			 0);
		sp_emulator_fail(n, cudaErrorMemoryAllocation);
		ret = sp_network_create(model, 1, 12, 8, &network, &err);
		sp_emulator_fail(0, cudaSuccess);
		failed = ret != 0;
		CHECK(failed || n > 2);
		if (failed) {
			CHECK_EQ(ret, -ENOMEM);
			CHECK(!strncmp(err.text, "built: ", 7) && strstr(err.text, "of weights"));
			CHECK_EQ(sp_network_create(model, 1, 12, 8, &network, &err), 0);
		}
		sp_network_destroy(network);
		sp_network_model_destroy(model);
		CHECK_EQ(sp_emulator_alive().device, alive);
	}
	build_uninit(&build);
}

/* A launch that fails is told of with its step. */
TEST(a_launch_that_fails_is_named)
{
	struct running running;
	struct sp_err err = { { 0 } };
	struct build build;

	build_init(&build, 1660, 12, 8);
	build_output(&build, build_conv(&build, 0, &stem));
	running_init(&running, &build.model, SP_TENSOR_F32, 1, 12, 8);
	sp_emulator_fail(1, cudaErrorLaunchOutOfResources);
	CHECK(sp_network_run(running.network, running.stream, &err) < 0);
	sp_emulator_fail(0, cudaSuccess);
	CHECK(!strncmp(err.text, "built: step 0, convolution 3 → 12 3x3/2 6x4 f32: ", 50));
	running_uninit(&running);
	build_uninit(&build);
}
#endif

/* What does not live at the same time lies in the same place. */
TEST(memory_is_shared_by_when_it_lives)
{
	struct build build;
	struct running running;
	float *pictures;
	uint32_t x;

	build_init(&build, 1700, 16, 16);
	x = build_conv(&build, 0, &(struct build_conv){ .oc = 8 });
	for (unsigned int i = 0; i < 10; i++)
		x = build_conv(&build, x, &(struct build_conv){ .oc = 8 });
	build_output(&build, x);
	running_init(&running, &build.model, SP_TENSOR_F32, 1, 16, 16);
	CHECK_EQ(running.bytes, 2 * 16 * 16 * 8 * 4);
	pictures = pictures_of(&build, 1, false);
	running_run(&running, pictures);
	build_run(&build, pictures);
	compare(&build, &running, 0, 1e-5);
	free(pictures);
	running_uninit(&running);
	build_uninit(&build);
}

TEST(steps_have_words)
{
	struct build build;
	struct running running;
	uint64_t macs, bytes;
	uint32_t x;

	build_init(&build, 1800, 16, 16);
	x = build_conv(&build, 0, &stem);
	x = build_separable(&build, x, 16, 1, SP_ACT_RELU);
	build_output(&build,
		     build_conv(&build, x, &(struct build_conv){ .oc = 16, .residual = x + 1 }));
	running_init(&running, &build.model, SP_TENSOR_BF16, 2, 16, 16);
	CHECK_STR(sp_network_step(running.network, 0, &macs, &bytes),
		  "convolution 3 → 12 3x3/2 8x8 bf16");
	CHECK_EQ(macs, 2 * 8 * 8 * 12 * 3 * 9);
	CHECK_STR(sp_network_step(running.network, 1, &macs, &bytes),
		  "separable 12 → 16 3x3 8x8 bf16");
	CHECK_EQ(macs, 2 * 8 * 8 * (12 * 16 + 16 * 9));
	CHECK_STR(sp_network_step(running.network, 2, &macs, &bytes),
		  "pointwise 16 → 16 1x1 8x8 bf16 + add");
	CHECK(bytes >= 3 * 2 * 8 * 8 * 16 * 2 + 16 * 16 * 2);
	running_uninit(&running);
	build_uninit(&build);
}

TEST_MAIN()
