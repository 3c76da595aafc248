/* SPDX-License-Identifier: Apache-2.0 */
/* Whole networks on the CPU against the outputs of ONNX Runtime 1.30 in ../shared/data/golden. */
#include <math.h>

#include "base/diag.h"
#include "infer/cpu/executor.h"
#include "infer/model.h"

#include "test.h"

/* A model made ready for one input size. */
struct network {
	struct sp_model *model;
	struct sp_executor *executor;
};

static struct network open_network(const char *file, int64_t height, int64_t width)
{
	const int64_t shape[4] = { 1, 3, height, width };
	struct network network;
	struct sp_err err;

	if (sp_model_load(sp_test_shared(file), &network.model, &err))
		FAIL("%s", err.text);
	if (sp_executor_create(network.model, shape, NULL, &network.executor, &err))
		FAIL("%s", err.text);
	return network;
}

static void close_network(struct network *network)
{
	sp_executor_destroy(network->executor);
	sp_model_free(network->model);
}

/* The file's bytes, unpacked if its name ends in .gz; the caller frees them. */
static void *read_shared(const char *file, size_t size)
{
	const char *path = sp_test_shared(file);
	bool packed = !strcmp(path + strlen(path) - 3, ".gz");
	char command[1200];
	void *bytes = malloc(size);
	FILE *stream;
	size_t n;

	snprintf(command, sizeof(command), "gzip -dc '%s'", path);
	stream = packed ? popen(command, "r") : fopen(path, "rb");
	CHECK(stream && bytes);
	n = fread(bytes, 1, size, stream);
	if (packed)
		pclose(stream);
	else
		fclose(stream);
	CHECK_EQ(n, size);
	return bytes;
}

static void check_detector(const char *model, unsigned int side, const char *image,
			   const char *golden, size_t golden_n)
{
	struct network network = open_network(model, side, side);
	uint8_t *bgr = read_shared(image, (size_t)side * side * 3);
	float *want = read_shared(golden, golden_n * sizeof(*want));
	float *input = sp_executor_input(network.executor);
	size_t at = 0, plane = (size_t)side * side;
	double worst = 0;

	for (size_t i = 0; i < plane * 3; i++)
		input[i % 3 * plane + i / 3] = bgr[i];
	CHECK_EQ(sp_executor_outputs(network.executor), 12);
	for (unsigned int round = 0; round < 2; round++) {
		CHECK_EQ(sp_executor_run(network.executor), 0);
		at = 0;
		for (unsigned int k = 0; k < 12; k++) {
			struct sp_shape shape;
			const char *name;
			const float *got = sp_executor_output(network.executor, k, &name, &shape);
			size_t n = (size_t)sp_shape_elements(&shape);

			CHECK(at + n <= golden_n);
			for (size_t i = 0; i < n; i++, at++) {
				double off = fabs(got[i] - want[at]) / fmax(1, fabs(want[at]));

				if (!(off <= 1e-5))
					FAIL("%s[%zu] is %g, not %g", name, i, got[i], want[at]);
				worst = fmax(worst, off);
			}
		}
		CHECK_EQ(at, golden_n);
	}
	for (size_t i = 0; i < plane * 3; i++)
		CHECK(input[i % 3 * plane + i / 3] == bgr[i]);
	printf("# %s at %u: worst difference %.2g\n", model, side, worst);
	free(bgr);
	free(want);
	close_network(&network);
}

TEST(yunet_320)
{
	check_detector("models/yunet_n_dynamic.onnx", 320, "data/golden/obama_320.bgr",
		       "data/golden/obama_320.out.f32", 134400 / 4);
}

TEST(yunet_640)
{
	check_detector("models/yunet_n_dynamic.onnx", 640, "data/golden/two_people_640.bgr.gz",
		       "data/golden/two_people_640.out.f32.gz", 134400);
}

TEST(yunet_640_fixed)
{
	check_detector("models/yunet_n_640_640.onnx", 640, "data/golden/two_people_640.bgr.gz",
		       "data/golden/two_people_640.out.f32.gz", 134400);
}

TEST(yunet_outputs_are_named)
{
	static const char *const kinds[] = { "cls", "obj", "bbox", "kps" };
	static const int64_t columns[] = { 1, 1, 4, 10 };
	struct network network = open_network("models/yunet_n_dynamic.onnx", 96, 160);

	for (unsigned int i = 0; i < 12; i++) {
		unsigned int stride = 8u << i % 3;
		struct sp_shape shape;
		const char *name;
		char want[16];

		sp_executor_output(network.executor, i, &name, &shape);
		snprintf(want, sizeof(want), "%s_%u", kinds[i / 3], stride);
		CHECK_STR(name, want);
		CHECK_EQ(shape.rank, 3);
		CHECK_EQ(shape.dim[0], 1);
		CHECK_EQ(shape.dim[1], 96 / stride * (160 / stride));
		CHECK_EQ(shape.dim[2], columns[i / 3]);
	}
	close_network(&network);
}

TEST(model_id_is_sha256)
{
	static const uint8_t want[4] = { 0x10, 0x4e, 0xe2, 0x6c };
	struct network network = open_network("models/yunet_n_dynamic.onnx", 32, 32);

	CHECK(!memcmp(network.model->sha256, want, sizeof(want)));
	CHECK_STR(network.model->inputs[0].name, "input");
	CHECK_EQ(network.model->inputs[0].shape.dim[2], -1);
	close_network(&network);
}

enum { CROPS = 64, CROP = 112, EMBEDDING = 128 };

static uint8_t *read_crops(void)
{
	return read_shared("data/golden/lfw_dev_small.aligned112_bgr.first64.u8.gz",
			   (size_t)CROPS * CROP * CROP * 3);
}

/* One crop (rows of BGR bytes) as RGB by the ImageNet mean and deviation. */
static void fill_embedder(float *input, const uint8_t *bgr)
{
	static const float mean[3] = { .485f, .456f, .406f },
			   deviation[3] = { .229f, .224f, .225f };

	for (size_t i = 0; i < CROP * CROP; i++)
		for (size_t c = 0; c < 3; c++)
			input[c * CROP * CROP + i] = (bgr[i * 3 + 2 - c] / 255.0f - mean[c]) /
						     deviation[c];
}

static void embed(struct network *network, const uint8_t *bgr, float ret[EMBEDDING])
{
	const float *raw = sp_executor_output(network->executor, 0, NULL, NULL);
	double square = 0;

	fill_embedder(sp_executor_input(network->executor), bgr);
	CHECK_EQ(sp_executor_run(network->executor), 0);
	for (unsigned int i = 0; i < EMBEDDING; i++)
		square += (double)raw[i] * raw[i];
	for (unsigned int i = 0; i < EMBEDDING; i++)
		ret[i] = (float)(raw[i] / sqrt(square));
}

static void check_embedder(const char *model)
{
	struct network network = open_network(model, CROP, CROP);
	uint8_t *crops = read_crops();
	float *want = read_shared("data/golden/lfw_dev_small.emb128.f32", 442 * EMBEDDING * 4);
	double worst = 0;

	for (unsigned int k = 0; k < CROPS; k++) {
		float got[EMBEDDING];

		embed(&network, crops + (size_t)k * CROP * CROP * 3, got);
		for (unsigned int i = 0; i < EMBEDDING; i++)
			worst = fmax(worst, fabs(got[i] - want[k * EMBEDDING + i]));
	}
	printf("# %s: worst difference %.2g\n", model, worst);
	CHECK(worst <= 1e-5);
	free(crops);
	free(want);
	close_network(&network);
}

TEST(mobilefacenet)
{
	check_embedder("models/mobilefacenet.onnx");
}

TEST(mobilefacenet_with_batch_normalisation)
{
	check_embedder("models/mobilefacenet_bn_unfused_testonly.onnx");
}

/*
 * Where pixel @i of 96 lies among 112: the pixel before it, and the next one's weight in 2048ths.
 */
static unsigned int tap(unsigned int i, int *ret_weight)
{
	float at = (float)((i + .5) * CROP / 96 - .5);

	*ret_weight = (int)lrintf((at - floorf(at)) * 2048);
	return (unsigned int)at;
}

/*
 * Bilinear from 112 to 96 a side with pixel centres at halves, in the 8-bit fixed point of OpenCV's
 * resize, which the golden scores were made with: weights of 11 bits, 4 bits dropped after the
 * rows, 16 after each product of the columns, rounded at the last 2. An exact bilinear resize
 * differs by up to 0.002 in the score.
 */
static void fill_quality(float *input, const uint8_t *bgr)
{
	enum { SIDE = 96 };

	for (unsigned int y = 0; y < SIDE; y++)
		for (unsigned int x = 0; x < SIDE; x++) {
			int wx, wy;
			const uint8_t *at = bgr + tap(y, &wy) * CROP * 3 + tap(x, &wx) * 3;

			for (unsigned int c = 0; c < 3; c++, at++) {
				int top = (at[0] * (2048 - wx) + at[3] * wx) >> 4;
				int low = (at[CROP * 3] * (2048 - wx) + at[CROP * 3 + 3] * wx) >> 4;
				int value = ((top * (2048 - wy) >> 16) + (low * wy >> 16) + 2) >> 2;

				input[(c * SIDE + y) * SIDE + x] = ((float)value - 128) / 128;
			}
		}
}

TEST(lightqnet)
{
	struct network network = open_network("models/lightqnet_dm025.onnx", 96, 96);
	uint8_t *crops = read_crops();
	float *want = read_shared("data/golden/lfw_dev_small.quality_dm025.f32", 442 * 4);
	const float *got = sp_executor_output(network.executor, 0, NULL, NULL);
	double worst = 0;

	for (unsigned int k = 0; k < CROPS; k++) {
		fill_quality(sp_executor_input(network.executor),
			     crops + (size_t)k * CROP * CROP * 3);
		CHECK_EQ(sp_executor_run(network.executor), 0);
		worst = fmax(worst, fabs(*got - want[k]));
	}
	printf("# lightqnet: worst difference %.2g\n", worst);
	CHECK(worst <= 1e-3);
	free(crops);
	free(want);
	close_network(&network);
}

TEST_MAIN()
