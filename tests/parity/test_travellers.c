/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Synthetic travellers before networks. Networks that learned from real faces must take them for
 * faces and for people; ours must know travellers whom no training saw (seeds of their own). The
 * full counts of people belong to SP_LONG.
 */
#include <unistd.h>

#include "base/diag.h"
#include "lanesim/measure.h"
#include "test.h"

/* Photographs of LFW have this mean score (YuNet_n); synthetic ones must come near. */
#define LFW_SCORE 0.933

static uint32_t of(uint32_t small, uint32_t full)
{
	return getenv("SP_LONG") ? full : small;
}

static const char *our_model(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "models/%s", name);
	if (access(path, R_OK))
		SKIP("%s is not there (tools/train/recipe)", path);
	return path;
}

static struct lanesim_detection_figures detect(const char *model, enum lanesim_stage stage,
					       uint64_t seed, uint32_t n)
{
	const struct lanesim_detection_measure measure = {
		.common = { .model = model, .seed = seed, .n = n },
		.stage = stage,
		.score_min = 0.6f,
		.eye_distance_min = 24,
	};
	struct lanesim_detection_figures f;
	struct sp_err err;

	if (lanesim_measure_detector(&measure, &f, &err))
		FAIL("%s", err.text);
	printf("# %s, seed %" PRIu64 ": %u of %u faces in %u pictures, %u false, score %.4f, "
	       "landmarks %.2f %%\n",
	       model, seed, f.found, f.faces, f.pictures, f.false_faces, f.score, 100 * f.landmark);
	CHECK(f.faces > 0);
	return f;
}

static struct lanesim_embedding_figures embed(const char *model, uint64_t seed, uint32_t n)
{
	const struct lanesim_embedding_measure measure = {
		.common = { .model = model, .seed = seed, .n = n },
		.shots = 4,
	};
	struct lanesim_embedding_figures f;
	struct sp_err err;

	if (lanesim_measure_embedder(&measure, &f, &err))
		FAIL("%s", err.text);
	printf("# %s, seed %" PRIu64 ": %u people, TAR %.4f at FAR 1e-3 (threshold %.3f); genuine %.3f, "
	       "impostor %.3f\n",
	       model, seed, f.people, f.accepted[1], f.threshold[1], f.genuine, f.impostor);
	return f;
}

TEST(yunet_finds_travellers)
{
	struct lanesim_detection_figures f =
		detect(sp_test_shared("models/yunet_n_dynamic.onnx"), LANESIM_HEADS, 7001, of(80, 500));

	CHECK(f.found >= 0.99 * f.faces);
	CHECK_NEAR(f.score, LFW_SCORE, 0.02);
	CHECK(f.landmark <= 0.12);
}

TEST(mobilefacenet_tells_travellers_apart)
{
	struct lanesim_embedding_figures f =
		embed(sp_test_shared("models/mobilefacenet.onnx"), 7002, of(60, 500));

	CHECK(f.accepted[1] >= 0.95);
}

TEST(our_detector_finds_travellers_in_lanes)
{
	struct lanesim_detection_figures f =
		detect(our_model("sallyport_detector.onnx"), LANESIM_LANES, 7003, of(10, 120));

	/* What the committed detector does, with room for the small sample: its card has the figures. */
	CHECK(f.found >= 0.96 * f.faces);
	CHECK(f.false_faces <= 0.10 * f.pictures);
	CHECK(f.landmark <= 0.10);
}

TEST(our_embedder_tells_travellers_apart)
{
	struct lanesim_embedding_figures f =
		embed(our_model("sallyport_embedder.onnx"), 7004, of(60, 500));

	CHECK(f.accepted[1] >= 0.95);
}

TEST(models_of_other_kinds_are_refused)
{
	const char *yunet = sp_test_shared("models/yunet_n_dynamic.onnx");
	const char *mobilefacenet = sp_test_shared("models/mobilefacenet.onnx");
	const struct lanesim_detection_measure detection = {
		.common = { .model = mobilefacenet, .n = 1 },
		.score_min = 0.6f,
	};
	const struct lanesim_embedding_measure embedding = {
		.common = { .model = yunet, .n = 2 },
		.shots = 2,
	};
	struct lanesim_detection_figures d;
	struct lanesim_embedding_figures e;
	struct sp_err err;

	CHECK(lanesim_measure_detector(&detection, &d, &err) < 0 && *err.text);
	CHECK(lanesim_measure_embedder(&embedding, &e, &err) < 0 && *err.text);
}

TEST_MAIN()
