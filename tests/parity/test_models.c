/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole networks on the CPU, by every set of kernels that it can run: against the outputs of ONNX
 * Runtime 1.30 in ../shared/data/golden, and against oneDNN. The gates are those of docs/models.md:
 * float32 within 1e-5, bfloat16 by what comes out of it, landmarks and likeness.
 */
#include <errno.h>
#include <math.h>

#include "base/diag.h"
#include "infer/cpu/executor.h"
#include "infer/cpu/kernel.h"
#include "infer/model.h"

#include "allocations.h"
#include "test.h"

/* A model made ready for one input size. */
struct network {
	struct sp_model *model;
	struct sp_executor *executor;
};

/* By the kernels of that name; NULL: the best for float32. */
static struct network open_by(const char *path, int64_t height, int64_t width, const char *kernels)
{
	const struct sp_executor_options options = { SP_PRECISION_F32, kernels };
	const int64_t shape[4] = { 1, 3, height, width };
	struct network network;
	struct sp_err err;

	if (sp_model_load(path, &network.model, &err))
		FAIL("%s", err.text);
	if (sp_executor_create(network.model, shape, &options, &network.executor, &err))
		FAIL("%s", err.text);
	return network;
}

static struct network open_network(const char *file, int64_t height, int64_t width)
{
	return open_by(sp_test_shared(file), height, width, NULL);
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

enum { DETECTOR_OUTPUTS = 12 }; /* cls, obj, bbox, kps; each at strides 8, 16, 32 */

static void fill_detector(struct network *network, const uint8_t *bgr, size_t plane)
{
	float *input = sp_executor_input(network->executor);

	for (size_t i = 0; i < plane * 3; i++)
		input[i % 3 * plane + i / 3] = bgr[i];
}

/* Every output of @network, the worst difference from @want returned. */
static double compare_detector(struct network *network, const float *want, size_t want_n)
{
	double worst = 0;
	size_t at = 0;

	CHECK_EQ(sp_executor_outputs(network->executor), DETECTOR_OUTPUTS);
	for (unsigned int k = 0; k < DETECTOR_OUTPUTS; k++) {
		struct sp_shape shape;
		const char *name;
		const float *got = sp_executor_output(network->executor, k, &name, &shape);
		size_t n = (size_t)sp_shape_elements(&shape);

		CHECK(at + n <= want_n);
		for (size_t i = 0; i < n; i++, at++) {
			double off = fabs(got[i] - want[at]) / fmax(1, fabs(want[at]));

			if (!(off <= 1e-5))
				FAIL("%s[%zu] is %g, not %g", name, i, got[i], want[at]);
			worst = fmax(worst, off);
		}
	}
	CHECK_EQ(at, want_n);
	return worst;
}

/*
 * Where the golden network is sure of a face, its landmarks, in pixels: the largest distance along
 * an axis.
 */
static double compare_landmarks(struct network *network, const float *want, unsigned int side)
{
	const float *golden[DETECTOR_OUTPUTS], *got;
	unsigned int sure = 0;
	double worst = 0;

	for (unsigned int k = 0; k < DETECTOR_OUTPUTS; k++) {
		struct sp_shape shape;

		sp_executor_output(network->executor, k, NULL, &shape);
		golden[k] = want;
		want += sp_shape_elements(&shape);
	}
	for (unsigned int level = 0; level < 3; level++) {
		unsigned int stride = 8u << level, cells = (side / stride) * (side / stride);

		got = sp_executor_output(network->executor, 9 + level, NULL, NULL);
		for (unsigned int i = 0; i < cells; i++) {
			if (sqrtf(golden[level][i] * golden[3 + level][i]) < 0.6f)
				continue;
			sure++;
			for (unsigned int k = 0; k < 10; k++)
				worst = fmax(worst, stride * fabs(got[i * 10 + k] -
								  golden[9 + level][i * 10 + k]));
		}
	}
	CHECK(sure > 0);
	return worst;
}

static void check_detector(const char *model, unsigned int side, const char *image,
			   const char *golden, size_t golden_n)
{
	size_t plane = (size_t)side * side;
	uint8_t *bgr = read_shared(image, plane * 3);
	float *want = read_shared(golden, golden_n * sizeof(*want));

	for (const struct sp_kernels *const *all = sp_kernels_all(); *all; all++) {
		struct network network = open_by(sp_test_shared(model), side, side, (*all)->name);
		const float *input = sp_executor_input(network.executor);
		double worst = 0;

		fill_detector(&network, bgr, plane);
		for (unsigned int round = 0; round < 2; round++) {
			CHECK_EQ(sp_executor_run(network.executor), 0);
			worst = (*all)->cell == SP_CELL_F32
					? compare_detector(&network, want, golden_n)
					: compare_landmarks(&network, want, side);
		}
		printf("# %s at %u by %s: worst difference %.2g%s\n", model, side, (*all)->name,
		       worst, (*all)->cell == SP_CELL_F32 ? "" : " pixels");
		CHECK((*all)->cell == SP_CELL_F32 || worst <= 0.25);
		for (size_t i = 0; i < plane * 3; i++)
			CHECK(input[i % 3 * plane + i / 3] == bgr[i]);
		close_network(&network);
	}
	free(bgr);
	free(want);
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
	uint8_t *crops = read_crops();
	float *want = read_shared("data/golden/lfw_dev_small.emb128.f32", 442 * EMBEDDING * 4);

	for (const struct sp_kernels *const *all = sp_kernels_all(); *all; all++) {
		struct network network = open_by(sp_test_shared(model), CROP, CROP, (*all)->name);
		double worst = 0, likeness = 1;

		for (unsigned int k = 0; k < CROPS; k++) {
			float got[EMBEDDING];
			double product = 0;

			embed(&network, crops + (size_t)k * CROP * CROP * 3, got);
			for (unsigned int i = 0; i < EMBEDDING; i++) {
				worst = fmax(worst, fabs(got[i] - want[k * EMBEDDING + i]));
				product += (double)got[i] * want[k * EMBEDDING + i];
			}
			likeness = fmin(likeness, product);
		}
		printf("# %s by %s: worst difference %.2g, least likeness %.5f\n", model,
		       (*all)->name, worst, likeness);
		CHECK((*all)->cell == SP_CELL_F32 ? worst <= 1e-5 : likeness >= 0.998);
		close_network(&network);
	}
	free(crops);
	free(want);
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
	uint8_t *crops = read_crops();
	float *want = read_shared("data/golden/lfw_dev_small.quality_dm025.f32", 442 * 4);

	for (const struct sp_kernels *const *all = sp_kernels_all(); *all; all++) {
		struct network network = open_by(sp_test_shared("models/lightqnet_dm025.onnx"), 96,
						 96, (*all)->name);
		const float *got = sp_executor_output(network.executor, 0, NULL, NULL);
		double worst = 0;

		for (unsigned int k = 0; k < CROPS; k++) {
			fill_quality(sp_executor_input(network.executor),
				     crops + (size_t)k * CROP * CROP * 3);
			CHECK_EQ(sp_executor_run(network.executor), 0);
			worst = fmax(worst, fabs(*got - want[k]));
		}
		printf("# lightqnet by %s: worst difference %.2g\n", (*all)->name, worst);
		CHECK(worst <= ((*all)->cell == SP_CELL_F32 ? 1e-3 : 1e-2));
		close_network(&network);
	}
	free(crops);
	free(want);
}

/* ---- every network, at many sizes ----------------------------------------------------------- */

/* Below $SALLYPORT_SHARED, or in the repository. */
static const struct {
	const char *file;
	bool shared;
	int64_t height, width;
} cases[] = {
	{ "models/yunet_n_dynamic.onnx", true, 320, 320 },
	{ "models/yunet_n_dynamic.onnx", true, 640, 640 },
	{ "models/yunet_n_dynamic.onnx", true, 288, 416 },
	{ "models/yunet_n_dynamic.onnx", true, 32, 32 },
	{ "models/yunet_n_dynamic.onnx", true, 64, 1056 },
	{ "models/yunet_n_dynamic.onnx", true, 800, 32 },
	{ "models/yunet_n_640_640.onnx", true, 640, 640 },
	{ "models/face_detection_yunet_2023mar.onnx", true, 640, 640 },
	{ "models/mobilefacenet.onnx", true, CROP, CROP },
	{ "models/mobilefacenet_bn_unfused_testonly.onnx", true, CROP, CROP },
	{ "models/lightqnet_dm025.onnx", true, 96, 96 },
	{ "models/sallyport_detector.onnx", false, 480, 608 },
	{ "models/sallyport_embedder.onnx", false, CROP, CROP },
	{ "models/sallyport_quality.onnx", false, 96, 96 },
};
enum { CASES = sizeof(cases) / sizeof(cases[0]) };

static struct network open_case(unsigned int i, const char *kernels)
{
	struct network network = open_by(cases[i].shared ? sp_test_shared(cases[i].file)
							 : cases[i].file,
					 cases[i].height, cases[i].width, kernels);
	float *input = sp_executor_input(network.executor);
	bool levels = strstr(cases[i].file, "yunet") || strstr(cases[i].file, "detector");
	uint32_t state = 1; /* the seed */

	/* Grey levels for detectors, about [-2, 2) for the others; not smooth, which is worse. */
	for (int64_t k = 0; k < 3 * cases[i].height * cases[i].width; k++) {
		state = state * 1664525 + 1013904223;
		input[k] = levels ? (float)(state >> 24) : (float)(state >> 24) / 64 - 2;
	}
	return network;
}

/* The worst difference of any output, in parts of max(1, |value|). */
static double difference(const struct network *a, const struct network *b)
{
	double worst = 0;

	for (unsigned int k = 0; k < sp_executor_outputs(a->executor); k++) {
		struct sp_shape shape;
		const float *got = sp_executor_output(a->executor, k, NULL, &shape);
		const float *want = sp_executor_output(b->executor, k, NULL, NULL);

		for (int64_t i = 0; i < sp_shape_elements(&shape); i++) {
			double off = fabs(got[i] - want[i]) / fmax(1, fabs(want[i]));

			worst = off <= worst ? worst : off; /* a NaN stays */
		}
	}
	return worst;
}

TEST(every_network_is_as_onednn_has_it)
{
	for (unsigned int i = 0; i < CASES; i++) {
		struct network peer = open_case(i, "onednn");

		CHECK_EQ(sp_executor_run(peer.executor), 0);
		for (const struct sp_kernels *const *all = sp_kernels_all(); *all; all++) {
			struct network network;
			double off;

			if ((*all)->cell != SP_CELL_F32)
				continue;
			network = open_case(i, (*all)->name);
			CHECK_EQ(sp_executor_run(network.executor), 0);
			off = difference(&network, &peer);
			printf("# %s at %lldx%lld by %s: %.2g\n", cases[i].file,
			       (long long)cases[i].width, (long long)cases[i].height, (*all)->name,
			       off);
			CHECK(off <= 1e-5);
			close_network(&network);
		}
		close_network(&peer);
	}
}

/* All CPUs with fused multiply-add give the same bits. */
TEST(avx2_and_avx512_agree_to_the_bit)
{
	if (!sp_kernels_named("avx512"))
		SKIP("this CPU has no AVX-512");
	for (unsigned int i = 0; i < CASES; i++) {
		struct network a = open_case(i, "avx2"), b = open_case(i, "avx512");

		CHECK_EQ(sp_executor_run(a.executor), 0);
		CHECK_EQ(sp_executor_run(b.executor), 0);
		for (unsigned int k = 0; k < sp_executor_outputs(a.executor); k++) {
			struct sp_shape shape;
			const float *x = sp_executor_output(a.executor, k, NULL, &shape);
			const float *y = sp_executor_output(b.executor, k, NULL, NULL);

			if (memcmp(x, y, (size_t)sp_shape_elements(&shape) * sizeof(*x)))
				FAIL("%s: output %u differs", cases[i].file, k);
		}
		close_network(&a);
		close_network(&b);
	}
}

/* ---- memory --------------------------------------------------------------------------------- */

#if SP_ALLOCATIONS_COUNTED
/* Whoever asks the C library for memory is counted, oneDNN and its C++ too. */
TEST(a_run_allocates_nothing)
{
	sp_allocations.everyone = true;
	sp_allocations.armed = true;
	for (unsigned int i = 0; i < CASES; i++)
		for (const struct sp_kernels *const *all = sp_kernels_all(); *all; all++) {
			struct network network = open_case(i, (*all)->name);

			/* Making it took some, or nothing is counted here. */
			CHECK(sp_allocations.n > 0);
			CHECK_EQ(sp_executor_run(network.executor), 0);
			sp_allocations.n = 0;
			CHECK_EQ(sp_executor_run(network.executor), 0);
			if (sp_allocations.n)
				FAIL("%s by %s: %llu allocations", cases[i].file, (*all)->name,
				     (unsigned long long)sp_allocations.n);
			close_network(&network);
		}
}
#endif

TEST_MAIN()
