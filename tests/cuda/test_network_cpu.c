/* SPDX-License-Identifier: Apache-2.0 */
/* The networks that the product runs, as steps of kernels, against the CPU's executor. */
#include <math.h>

#include "cuda/network.h"
#include "image/image.h"
#include "infer/cpu/executor.h"
#include "infer/model.h"
#include "test.h"
/* After it. */
#include "cuda/network_check.h"

enum { PICTURES = 2, WIDE = 128, HIGH = 96, OUTPUTS_MAX = 16 };

/* A model on both, with pictures that both have seen. */
struct both {
	struct sp_model *model;
	struct running running;
	struct sp_executor *executor;
	float *pictures;
	size_t picture; /* floats */
	/* The CPU's in float32: outputs of each picture. */
	float *wanted[PICTURES][OUTPUTS_MAX];
};

/* Soft hills of light, so that neighbouring pixels are alike as in photographs. */
static void paint(float *picture, uint32_t h, uint32_t w, uint64_t seed, float low, float high)
{
	for (uint32_t c = 0; c < 3; c++) {
		double wave[4][3];

		for (unsigned int i = 0; i < 12; i++)
			wave[i / 3][i % 3] = (double)(card_random(&seed) % 1000) / 1000;
		for (uint32_t k = 0; k < h * w; k++) {
			double sum = 0;

			for (unsigned int i = 0; i < 4; i++)
				sum += sin(wave[i][0] * k / w * 0.4 + wave[i][1] * (k % w) * 0.4 +
					   6.3 * wave[i][2]);
			*picture++ = low + (high - low) * (float)(sum / 8 + 0.5);
		}
	}
}

static void both_init(struct both *both, const char *path, enum sp_tensor_type type, uint32_t h,
		      uint32_t w)
{
	const int64_t shape[4] = { 1, 3, h, w };
	const struct sp_executor_options options = { SP_PRECISION_F32, NULL };
	struct sp_err err;

	memset(both, 0, sizeof(*both));
	if (sp_model_load(path, &both->model, &err))
		FAIL("%s", err.text);
	CHECK(both->model->outputs_n <= OUTPUTS_MAX);
	running_init(&both->running, both->model, type, PICTURES, h, w);
	if (sp_executor_create(both->model, shape, &options, &both->executor, &err))
		FAIL("%s", err.text);
	both->picture = (size_t)3 * h * w;
	both->pictures = calloc(PICTURES * both->picture, sizeof(float));
	CHECK(both->pictures);
}

static void both_run(struct both *both)
{
	running_run(&both->running, both->pictures);
	for (unsigned int k = 0; k < PICTURES; k++) {
		memcpy(sp_executor_input(both->executor), both->pictures + k * both->picture,
		       both->picture * sizeof(float));
		CHECK_EQ(sp_executor_run(both->executor), 0);
		for (unsigned int i = 0; i < both->model->outputs_n; i++) {
			struct sp_shape shape, here;
			const float *from = sp_executor_output(both->executor, i, NULL, &shape);
			size_t bytes = (size_t)sp_shape_elements(&shape) * sizeof(float);

			here = sp_network_output(both->running.network, i).shape;
			CHECK(sp_shape_equal(&shape, &here));
			both->wanted[k][i] = malloc(bytes);
			CHECK(both->wanted[k][i]);
			memcpy(both->wanted[k][i], from, bytes);
		}
	}
}

static void both_uninit(struct both *both)
{
	for (unsigned int i = 0; i < PICTURES * OUTPUTS_MAX; i++)
		free(both->wanted[i / OUTPUTS_MAX][i % OUTPUTS_MAX]);
	free(both->pictures);
	sp_executor_destroy(both->executor);
	running_uninit(&both->running);
	sp_model_free(both->model);
}

/* The farthest of all outputs, in parts of max(1, |wanted|). */
static double farthest(const struct both *both)
{
	double far = 0;

	for (unsigned int k = 0; k < PICTURES; k++)
		for (unsigned int i = 0; i < both->model->outputs_n; i++) {
			const float *want = both->wanted[k][i];
			int64_t n;
			float *got = running_output(&both->running, i, k, &n);

			for (int64_t at = 0; at < n; at++) {
				double off = fabs((double)got[at] - want[at]) /
					     fmax(1, fabs((double)want[at]));

				far = off <= far ? far : off; /* and what is no number */
			}
			free(got);
		}
	return far;
}

/* The same numbers in float32 but for the order of sums. */
static void check_f32(const char *path, uint32_t h, uint32_t w, float low, float high)
{
	struct both both;
	double far;

	both_init(&both, path, SP_TENSOR_F32, h, w);
	for (unsigned int k = 0; k < PICTURES; k++)
		paint(both.pictures + k * both.picture, h, w, 7 + k, low, high);
	both_run(&both);
	far = farthest(&both);
	printf("# %s in f32: %.2g apart\n", path, far);
	both_uninit(&both);
	CHECK(far <= 1e-5);
}

/* The worst cosine of the first output in bfloat16 with the CPU's in float32. */
static double cosine_bf16(const char *path, uint32_t side)
{
	struct both both;
	double worst = 1;

	both_init(&both, path, SP_TENSOR_BF16, side, side);
	for (unsigned int k = 0; k < PICTURES; k++)
		paint(both.pictures + k * both.picture, side, side, 7 + k, -1, 1);
	both_run(&both);
	for (unsigned int k = 0; k < PICTURES; k++) {
		const float *want = both.wanted[k][0];
		double dot = 0, a = 0, b = 0;
		int64_t n;
		float *got = running_output(&both.running, 0, k, &n);

		for (int64_t i = 0; i < n; i++) {
			dot += (double)got[i] * want[i];
			a += (double)got[i] * got[i];
			b += (double)want[i] * want[i];
		}
		free(got);
		worst = fmin(worst, dot / sqrt(a * b));
	}
	printf("# %s in bf16: a cosine of %.5f\n", path, worst);
	both_uninit(&both);
	return worst;
}

TEST(our_detector_in_f32)
{
	check_f32("models/sallyport_detector.onnx", HIGH, WIDE, 0, 255);
}

TEST(our_embedder_in_f32)
{
	check_f32("models/sallyport_embedder.onnx", 112, 112, -1, 1);
}

TEST(our_embedder_in_bf16)
{
	CHECK(cosine_bf16("models/sallyport_embedder.onnx", 112) >= 0.998);
}

TEST(our_quality_in_f32)
{
	check_f32("models/sallyport_quality.onnx", 96, 96, -1, 1);
}

TEST(yunet_in_f32)
{
	check_f32(sp_test_shared("models/yunet_n_dynamic.onnx"), HIGH, WIDE, 0, 255);
}

TEST(mobilefacenet_in_f32)
{
	check_f32(sp_test_shared("models/mobilefacenet.onnx"), 112, 112, -1, 1);
}

TEST(mobilefacenet_in_bf16)
{
	CHECK(cosine_bf16(sp_test_shared("models/mobilefacenet.onnx"), 112) >= 0.998);
}

TEST(mobilefacenet_with_its_norms_in_f32)
{
	if (!card_long())
		SKIP("MobileFaceNet once more, by another way of folding; set SP_LONG=1");
	check_f32(sp_test_shared("models/mobilefacenet_bn_unfused_testonly.onnx"), 112, 112, -1, 1);
}

TEST(lightqnet_in_f32)
{
	check_f32(sp_test_shared("models/lightqnet_dm025.onnx"), 96, 96, -1, 1);
}

/* ---- detectors in bfloat16, where there are faces -------------------------------------------- */

static void look_at(struct both *both, unsigned int picture, const char *name)
{
	struct sp_image photo, small;
	float *to = both->pictures + picture * both->picture;
	struct sp_err err;

	if (sp_image_read(sp_test_shared(name), &photo, &err))
		FAIL("%s", err.text);
	CHECK_EQ(sp_image_init(&small, WIDE, HIGH), 0);
	sp_image_letterbox(&small, &photo);
	/* Blue, green, red. */
	for (uint32_t i = 0; i < 3 * WIDE * HIGH; i++)
		to[i] = small.rgb[i % (WIDE * HIGH) * 3 + 2 - i / (WIDE * HIGH)];
	sp_image_uninit(&small);
	sp_image_uninit(&photo);
}

static unsigned int named(const struct both *both, const char *kind, unsigned int stride)
{
	char name[16];

	snprintf(name, sizeof(name), "%s_%u", kind, stride);
	for (unsigned int i = 0; i < both->model->outputs_n; i++)
		if (!strcmp(both->model->outputs[i].name, name))
			return i;
	FAIL("there is no output %s", name);
}

struct apart {
	unsigned int cells; /* that take part in finding faces: of a score of 0.6 or more */
	double landmark, score; /* pixels of the network's input; at most */
};

static void compare_level(const struct both *both, unsigned int k, unsigned int stride,
			  struct apart *apart)
{
	const char *const kinds[] = { "cls", "obj", "kps" };
	float *got[3];
	const float *want[3];
	int64_t n = 0;

	for (unsigned int i = 0; i < 3; i++) {
		unsigned int output = named(both, kinds[i], stride);
		int64_t all;

		got[i] = running_output(&both->running, output, k, &all);
		want[i] = both->wanted[k][output];
		n = i ? n : all;
	}
	for (int64_t i = 0; i < n; i++) {
		double score = sqrt(fmax(0, (double)want[0][i] * want[1][i]));

		if (score < 0.6)
			continue;
		apart->cells++;
		apart->score = fmax(apart->score,
				    fabs(score - sqrt(fmax(0, (double)got[0][i] * got[1][i]))));
		for (unsigned int p = 0; p < 10; p += 2)
			apart->landmark = fmax(
				apart->landmark,
				stride * hypot((double)got[2][i * 10 + p] - want[2][i * 10 + p],
					       (double)got[2][i * 10 + p + 1] -
						       want[2][i * 10 + p + 1]));
	}
	for (unsigned int i = 0; i < 3; i++)
		free(got[i]);
}

static void check_detector_bf16(const char *path)
{
	struct both both;
	struct apart apart = { 0 };

	both_init(&both, path, SP_TENSOR_BF16, HIGH, WIDE);
	look_at(&both, 0, "data/obama.jpg");
	look_at(&both, 1, "data/two_people.jpg");
	both_run(&both);
	for (unsigned int k = 0; k < PICTURES; k++)
		for (unsigned int stride = 8; stride <= 32; stride *= 2)
			compare_level(&both, k, stride, &apart);
	printf("# %s in bf16: %u cells of faces, landmarks %.3f px apart, scores %.4f\n", path,
	       apart.cells, apart.landmark, apart.score);
	both_uninit(&both);
	CHECK(apart.cells >= PICTURES);
	CHECK(apart.landmark <= 0.25);
}

TEST(our_detector_in_bf16)
{
	check_detector_bf16("models/sallyport_detector.onnx");
}

TEST(yunet_in_bf16)
{
	check_detector_bf16(sp_test_shared("models/yunet_n_dynamic.onnx"));
}

TEST_MAIN()
