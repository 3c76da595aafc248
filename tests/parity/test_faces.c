/* SPDX-License-Identifier: Apache-2.0 */
/* Frames to faces through the CPU backend, against the reference's faces, embeddings and scores. */
#include <math.h>

#include "base/clock.h"
#include "base/event.h"
#include "golden.h"
#include "infer/align.h"
#include "infer/compute.h"
#include "infer/cpu/executor.h"
#include "infer/face_input.h"
#include "infer/model.h"
#include "infer/model_card.h"
#include "infer/quality.h"

enum { IN_FLIGHT = 16, CROPS = 64 };

/* What came of an image, copied from its result. */
struct seen {
	uint32_t faces_n;
	struct sp_face face; /* nearest the centre */
};

static struct sp_compute *open_cpu(struct sp_event *done, unsigned int side,
				   enum sp_precision precision)
{
	struct sp_compute_config config = {
		.detector = sp_test_shared("models/yunet_n_dynamic.onnx"),
		.embedder = sp_test_shared("models/mobilefacenet.onnx"),
		.quality = sp_test_shared("models/lightqnet_dm025.onnx"),
		.in_flight = IN_FLIGHT,
		.detect_width = side,
		.detect_height = side,
		.precision = precision,
		.embed_invalid = true,
		.done = done,
	};
	struct sp_compute *compute;
	struct sp_err err;

	if (sp_compute_cpu.open(&config, &compute, &err))
		FAIL("%s", err.text);
	return compute;
}

/* Up to @max results, at least one. */
static unsigned int wait_for(struct sp_compute *compute, struct sp_event *done,
			     struct sp_result **results, unsigned int max)
{
	for (;;) {
		unsigned int n = compute->ops->poll(compute, results, max);

		if (n)
			return n;
		sp_event_arm(done);
		n = compute->ops->poll(compute, results, max);
		if (!n)
			sp_event_wait(done, 10 * SP_NS_PER_S);
		sp_event_disarm(done);
		if (n)
			return n;
	}
}

static const struct sp_face *nearest_centre(const struct sp_result *result)
{
	const struct sp_face *best = NULL;
	float least = INFINITY;

	for (uint32_t i = 0; i < result->faces_n; i++) {
		const struct sp_face *face = &result->faces[i];
		float dx = face->box[0] + face->box[2] / 2 - (float)result->width / 2;
		float dy = face->box[1] + face->box[3] / 2 - (float)result->height / 2;

		if (dx * dx + dy * dy < least) {
			least = dx * dx + dy * dy;
			best = face;
		}
	}
	return best;
}

/* The photographs of all rows through one backend, several at a time. */
static struct seen *see_all(const struct golden_row *rows, enum sp_precision precision)
{
	struct photo *photos = calloc(GOLDEN_ROWS, sizeof(*photos));
	struct seen *seen = calloc(GOLDEN_ROWS, sizeof(*seen));
	struct sp_compute *compute;
	struct sp_event done;
	unsigned int given = 0, back = 0;

	CHECK_EQ(sp_event_init(&done), 0);
	compute = open_cpu(&done, 0, precision);
	CHECK_EQ(compute->info.embedding_size, GOLDEN_EMBEDDING);
	while (back < GOLDEN_ROWS) {
		struct sp_result *results[IN_FLIGHT];
		unsigned int n;

		for (; given < GOLDEN_ROWS; given++) {
			struct sp_frame *frame = &photos[given].wrap.frame;
			char name[256];

			snprintf(name, sizeof(name), "lfw_dev_small/%s", rows[given].image);
			if (!photos[given].image.rgb)
				photo_init(&photos[given], name);
			frame->block_id = given;
			if (!compute->ops->submit(compute, &frame, 1))
				break;
		}
		n = wait_for(compute, &done, results, IN_FLIGHT);
		for (unsigned int i = 0; i < n; i++) {
			struct sp_result *result = results[i];
			struct seen *s = &seen[result->block_id];

			CHECK_EQ(result->cause, SP_RESULT_FACES);
			CHECK(result->frame == &photos[result->block_id].wrap.frame);
			s->faces_n = result->faces_n;
			if (result->faces_n)
				s->face = *nearest_centre(result);
			photo_uninit(&photos[result->block_id]);
			compute->ops->put(compute, result);
		}
		back += n;
	}
	compute->ops->close(compute);
	sp_event_uninit(&done);
	free(photos);
	return seen;
}

/* What see_all gives, seen once for each precision. */
static const struct seen *seen_in(enum sp_precision precision)
{
	static struct seen *seen[SP_PRECISIONS];

	if (!seen[precision]) {
		struct golden_row *rows = golden_rows();

		seen[precision] = see_all(rows, precision);
		free(rows);
	}
	return seen[precision];
}

/* How far the faces of all rows are from the reference's. */
struct figures {
	int without, other_count; /* rows without a face, with another number of them */
	int near; /* rows whose landmarks are within LANDMARK_FAR */
	double farthest; /* landmark, pixels */
	double least, least_near; /* cosine, of all rows and of those */
	double off; /* network quality */
};

#define LANDMARK_FAR 0.25 /* pixels */

static double farthest_landmark(const struct sp_face *face, const struct golden_row *row)
{
	double farthest = 0;

	for (int i = 0; i < 5; i++)
		farthest = fmax(farthest,
				hypot((double)(face->landmark[i][0] - row->landmark[i][0]),
				      (double)(face->landmark[i][1] - row->landmark[i][1])));
	return farthest;
}

static struct figures measure(enum sp_precision precision)
{
	struct golden_row *rows = golden_rows();
	float *embeddings = golden_read("data/golden/lfw_dev_small.emb128.f32",
					GOLDEN_ROWS * GOLDEN_EMBEDDING * sizeof(float));
	float *scores = golden_read("data/golden/lfw_dev_small.quality_dm025.f32",
				    GOLDEN_ROWS * sizeof(float));
	const struct seen *seen = seen_in(precision);
	struct figures f = { .least = 1, .least_near = 1 };

	for (int r = 0; r < GOLDEN_ROWS; r++) {
		const struct sp_face *face = &seen[r].face;
		double cosine = 0, far;

		if (!seen[r].faces_n) {
			f.without++;
			continue;
		}
		f.other_count += seen[r].faces_n != (uint32_t)rows[r].faces;
		CHECK(face->embedded);
		for (int i = 0; i < GOLDEN_EMBEDDING; i++)
			cosine += (double)face->embedding[i] *
				  (double)embeddings[r * GOLDEN_EMBEDDING + i];
		far = farthest_landmark(face, &rows[r]);
		f.farthest = fmax(f.farthest, far);
		f.least = fmin(f.least, cosine);
		f.off = fmax(f.off, fabs((double)(face->quality.network - scores[r])));
		if (far <= LANDMARK_FAR) {
			f.near++;
			f.least_near = fmin(f.least_near, cosine);
		}
	}
	printf("# %s, of %d: %d without a face, %d with another number of faces; landmarks within "
	       "%.3f px, of %d within %.2f; cosine >= %.5f, of those %.5f; network quality within "
	       "%.4f\n",
	       sp_precision_name(precision), GOLDEN_ROWS, f.without, f.other_count, f.farthest,
	       f.near, LANDMARK_FAR, f.least, f.least_near, f.off);
	free(rows);
	free(embeddings);
	free(scores);
	return f;
}

/* Issue: 442 of 442, landmarks within 0.25 px, our own alignment's embeddings at cosine ≥ 0.998. */
TEST(every_golden_face_is_found_and_embedded)
{
	struct figures f = measure(SP_PRECISION_F32);

	CHECK_EQ(f.without, 0);
	CHECK_EQ(f.other_count, 0);
	CHECK_EQ(f.near, GOLDEN_ROWS);
	CHECK(f.least >= 0.998);
	CHECK(f.off <= 0.01);
}

/*
 * Of one face several cells of the detector's grid tell, with scores that often differ by 0.0001 and
 * landmarks by pixels; the best is taken. In bfloat16 another one may win: that is no error of its
 * landmarks, and what the embedder makes of these it would make of them in float32 too.
 */
TEST(every_golden_face_is_found_in_bfloat16)
{
	struct figures f = measure(SP_PRECISION_BF16);

	CHECK_EQ(f.without, 0);
	CHECK_EQ(f.other_count, 0);
	CHECK(f.near >= 0.95 * GOLDEN_ROWS);
	CHECK(f.least_near >= 0.998);
	CHECK(f.least >= 0.95);
	CHECK(f.off <= 0.02);
}

static double similarity(const struct sp_face *a, const struct sp_face *b)
{
	double sum = 0;

	for (int i = 0; i < GOLDEN_EMBEDDING; i++)
		sum += (double)a->embedding[i] * (double)b->embedding[i];
	return sum;
}

/* Pairs of faces of one person, and of two, whose cosine reaches a threshold. */
struct accepts {
	int same, other, of_same, of_other;
};

static struct accepts accepts_in(enum sp_precision precision, double threshold)
{
	const struct seen *seen = seen_in(precision);
	struct golden_row *rows = golden_rows();
	struct accepts a = { 0 };

	for (int r = 0; r < GOLDEN_ROWS; r++)
		for (int q = 0; q < r; q++) {
			/* Photographs lie in a folder a person. */
			size_t name = strcspn(rows[r].image, "/") + 1;
			bool same = !strncmp(rows[r].image, rows[q].image, name);
			bool taken = similarity(&seen[r].face, &seen[q].face) >= threshold;

			*(same ? &a.of_same : &a.of_other) += 1;
			*(same ? &a.same : &a.other) += taken;
		}
	free(rows);
	return a;
}

/*
 * Issue: in bfloat16 as many pairs of one person are accepted as in float32, within 0.3 points, at
 * the thresholds that lane/compare.c has for false accepts of 1e-3, 1e-4 and 1e-5.
 */
TEST(bfloat16_accepts_whom_float32_accepts)
{
	static const double thresholds[] = { 0.339, 0.413, 0.483 };

	for (int i = 0; i < 3; i++) {
		struct accepts f32 = accepts_in(SP_PRECISION_F32, thresholds[i]);
		struct accepts bf16 = accepts_in(SP_PRECISION_BF16, thresholds[i]);
		double true_f32 = (double)f32.same / f32.of_same;
		double true_bf16 = (double)bf16.same / bf16.of_same;

		printf("# cosine >= %.3f: of %d pairs of one person %.2f %% in f32, %.2f %% in bf16; "
		       "of %d of two %d and %d\n",
		       thresholds[i], f32.of_same, 100 * true_f32, 100 * true_bf16, f32.of_other,
		       f32.other, bf16.other);
		CHECK(f32.of_same > 200 && f32.of_other > 90000);
		CHECK(true_f32 > 0.9);
		CHECK(true_bf16 >= true_f32 - 0.003);
		CHECK(bf16.other <= f32.other + 1e-4 * f32.of_other);
	}
}

static struct sp_executor *open_network(const char *name, int64_t side, struct sp_model **ret_model)
{
	const int64_t shape[4] = { 1, 3, side, side };
	struct sp_executor *executor;
	struct sp_err err;

	if (sp_model_load(sp_test_shared(name), ret_model, &err) ||
	    sp_executor_create(*ret_model, shape, NULL, &executor, &err))
		FAIL("%s", err.text);
	return executor;
}

/* The networks and what is fed to them, alone: the reference's own crops. */
TEST(golden_crops_embed_and_score_alike)
{
	const size_t size = SP_ALIGNED_PIXELS * 3;
	uint8_t *crops = golden_read("data/golden/lfw_dev_small.aligned112_bgr.first64.u8.gz",
				     CROPS * size);
	float *embeddings = golden_read("data/golden/lfw_dev_small.emb128.f32",
					GOLDEN_ROWS * GOLDEN_EMBEDDING * sizeof(float));
	float *scores = golden_read("data/golden/lfw_dev_small.quality_dm025.f32",
				    GOLDEN_ROWS * sizeof(float));
	struct sp_model *embedder_model, *quality_model;
	struct sp_executor *embedder, *quality;
	double off_embedding = 0, off_score = 0;

	embedder = open_network("models/mobilefacenet.onnx", SP_ALIGNED_SIDE, &embedder_model);
	quality = open_network("models/lightqnet_dm025.onnx", SP_QUALITY_SIDE, &quality_model);
	for (int n = 0; n < CROPS; n++) {
		uint8_t *crop = crops + (size_t)n * size;
		const float *out;
		double length = 0;

		for (size_t i = 0; i < size; i += 3) {
			uint8_t blue = crop[i];

			crop[i] = crop[i + 2];
			crop[i + 2] = blue;
		}
		sp_align_to_input(crop, &sp_input_imagenet, sp_executor_input(embedder));
		CHECK_EQ(sp_executor_run(embedder), 0);
		out = sp_executor_output(embedder, 0, NULL, NULL);
		for (int i = 0; i < GOLDEN_EMBEDDING; i++)
			length += (double)out[i] * (double)out[i];
		for (int i = 0; i < GOLDEN_EMBEDDING; i++)
			off_embedding = fmax(off_embedding,
					     fabs((double)out[i] / sqrt(length) -
						  (double)embeddings[n * GOLDEN_EMBEDDING + i]));
		sp_face_input(crop, SP_QUALITY_SIDE, &sp_input_signed,
			      sp_executor_input(quality));
		CHECK_EQ(sp_executor_run(quality), 0);
		out = sp_executor_output(quality, 0, NULL, NULL);
		off_score = fmax(off_score, fabs((double)(out[0] - scores[n])));
	}
	sp_executor_destroy(embedder);
	sp_executor_destroy(quality);
	sp_model_free(embedder_model);
	sp_model_free(quality_model);
	free(crops);
	free(embeddings);
	free(scores);
	printf("# of %d crops: embeddings within %.2g, scores within %.2g\n", CROPS, off_embedding,
	       off_score);
	CHECK(off_embedding <= 1e-5);
	CHECK(off_score <= 1e-3);
}

/* Faces of one photograph of data/ into @faces; returns how many. */
static uint32_t faces_of(const char *name, unsigned int side, struct sp_face faces[SP_FACES_MAX])
{
	struct sp_compute *compute;
	struct sp_result *result;
	struct sp_event done;
	struct photo photo;
	struct sp_frame *frame = &photo.wrap.frame;
	uint32_t n;

	CHECK_EQ(sp_event_init(&done), 0);
	photo_init(&photo, name);
	compute = open_cpu(&done, side, SP_PRECISION_F32);
	CHECK_EQ(compute->ops->submit(compute, &frame, 1), 1);
	CHECK_EQ(wait_for(compute, &done, &result, 1), 1);
	CHECK_EQ(result->cause, SP_RESULT_FACES);
	n = result->faces_n;
	memcpy(faces, result->faces, n * sizeof(*faces));
	for (uint32_t i = 0; i < n; i++)
		CHECK(faces[i].portrait && faces[i].portrait->width && faces[i].portrait->height);
	compute->ops->put(compute, result);
	compute->ops->close(compute);
	sp_event_uninit(&done);
	photo_uninit(&photo);
	return n;
}

TEST(two_people_are_two_faces)
{
	static struct sp_face native[SP_FACES_MAX], small[SP_FACES_MAX], other[SP_FACES_MAX];

	CHECK_EQ(faces_of("two_people.jpg", 0, native), 2);
	CHECK_EQ(faces_of("two_people.jpg", 640, small), 2);
	CHECK_EQ(faces_of("obama.jpg", 0, other), 1);
	/* Two people, and one of them is in the other photograph. */
	double apart = similarity(&native[0], &native[1]);
	double same = fmax(similarity(&native[0], &other[0]), similarity(&native[1], &other[0]));

	printf("# two people %.3f, the same person %.3f\n", apart, same);
	CHECK(apart < 0.3);
	CHECK(same > 0.483);
}

/* A smaller input finds the same face, and its landmarks come back in pixels of the frame. */
TEST(a_smaller_input_maps_back_to_the_frame)
{
	static struct sp_face native[SP_FACES_MAX], small[SP_FACES_MAX];
	float eyes;

	CHECK_EQ(faces_of("obama.jpg", 0, native), 1);
	CHECK_EQ(faces_of("obama.jpg", 640, small), 1);
	eyes = native->quality.eye_distance;
	for (int i = 0; i < 5; i++)
		for (int c = 0; c < 2; c++)
			CHECK_NEAR(small->landmark[i][c], native->landmark[i][c], 0.15 * eyes);
	CHECK(similarity(native, small) > 0.9);
}

TEST_MAIN()
