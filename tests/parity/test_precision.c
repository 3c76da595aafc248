/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What bfloat16 changes of a detector's own answers, cell by cell: the same cell's score and
 * landmarks in both precisions. (Which cell of a face wins is another question: test_faces.c.)
 */
#include <math.h>

#include "golden.h"
#include "infer/cpu/executor.h"
#include "infer/model.h"

enum { SIDE = 256, PLANE = SIDE * SIDE }; /* photographs are 250 × 250 */

struct looks {
	struct sp_model *model;
	struct sp_executor *f32, *bf16;
};

static struct sp_executor *open_in(const struct sp_model *model, enum sp_precision precision)
{
	const struct sp_executor_options options = { precision, NULL };
	const int64_t shape[4] = { 1, 3, SIDE, SIDE };
	struct sp_executor *executor;
	struct sp_err err;

	if (sp_executor_create(model, shape, &options, &executor, &err))
		FAIL("%s", err.text);
	return executor;
}

/* Blue, green, red from the top left corner, black beyond: what YuNet reads. */
static void fill(struct sp_executor *executor, const struct sp_image *image)
{
	float *input = sp_executor_input(executor);

	memset(input, 0, 3 * PLANE * sizeof(*input));
	for (uint32_t y = 0; y < image->height && y < SIDE; y++)
		for (uint32_t x = 0; x < image->width && x < SIDE; x++)
			for (int c = 0; c < 3; c++)
				input[(2 - c) * PLANE + y * SIDE + x] =
					image->rgb[(y * image->width + x) * 3 + c];
	CHECK_EQ(sp_executor_run(executor), 0);
}

static const float *output(struct sp_executor *executor, const char *kind, unsigned int stride)
{
	char wanted[16];

	snprintf(wanted, sizeof(wanted), "%s_%u", kind, stride);
	for (unsigned int i = 0; i < sp_executor_outputs(executor); i++) {
		const char *name;
		const float *values = sp_executor_output(executor, i, &name, NULL);

		if (!strcmp(name, wanted))
			return values;
	}
	FAIL("YuNet has no output %s", wanted);
}

struct apart {
	int cells, beyond; /* of these with a landmark more than a quarter of a pixel off */
	double landmark, squares, score; /* pixels, at most and squared in all; at most */
	double best,
		best_landmark; /* of one photograph: score of its best cell, that one's farthest */
};

/* Cells that take part in finding faces: of a score of 0.6 or more in float32. */
static void compare(const struct looks *looks, unsigned int stride, struct apart *apart)
{
	const float *cls[2] = { output(looks->f32, "cls", stride),
				output(looks->bf16, "cls", stride) };
	const float *obj[2] = { output(looks->f32, "obj", stride),
				output(looks->bf16, "obj", stride) };
	const float *kps[2] = { output(looks->f32, "kps", stride),
				output(looks->bf16, "kps", stride) };

	for (unsigned int i = 0; i < SIDE / stride * (SIDE / stride); i++) {
		double score[2], farthest = 0;

		for (int p = 0; p < 2; p++)
			score[p] = sqrt(fmax(0, (double)cls[p][i] * (double)obj[p][i]));
		if (score[0] < 0.6)
			continue;
		apart->cells++;
		apart->score = fmax(apart->score, fabs(score[1] - score[0]));
		for (int k = 0; k < 5; k++) {
			double x = kps[1][i * 10 + 2 * k] - kps[0][i * 10 + 2 * k];
			double y = kps[1][i * 10 + 2 * k + 1] - kps[0][i * 10 + 2 * k + 1];
			double far = hypot(x, y) * stride;

			farthest = fmax(farthest, far);
			apart->squares += far * far;
		}
		apart->landmark = fmax(apart->landmark, farthest);
		apart->beyond += farthest > 0.25;
		if (score[0] > apart->best) {
			apart->best = score[0];
			apart->best_landmark = farthest;
		}
	}
}

TEST(a_cell_places_landmarks_alike_in_both_precisions)
{
	struct golden_row *rows = golden_rows();
	struct apart all = { 0 };
	double farthest = 0;
	struct looks looks;
	int within = 0;
	struct sp_err err;

	if (sp_model_load(sp_test_shared("models/yunet_n_dynamic.onnx"), &looks.model, &err))
		FAIL("%s", err.text);
	looks.f32 = open_in(looks.model, SP_PRECISION_F32);
	looks.bf16 = open_in(looks.model, SP_PRECISION_BF16);
	for (int r = 0; r < GOLDEN_ROWS; r++) {
		struct photo photo;
		char name[256];

		snprintf(name, sizeof(name), "lfw_dev_small/%s", rows[r].image);
		photo_init(&photo, name);
		fill(looks.f32, &photo.image);
		fill(looks.bf16, &photo.image);
		all.best = 0;
		for (unsigned int stride = 8; stride <= 32; stride *= 2)
			compare(&looks, stride, &all);
		farthest = fmax(farthest, all.best_landmark);
		within += all.best_landmark <= 0.25;
		photo_uninit(&photo);
	}
	printf("# %d cells: landmarks apart %.3f px at most, %.3f RMS, %d beyond 0.25; scores %.4f\n",
	       all.cells, all.landmark, sqrt(all.squares / (5.0 * all.cells)), all.beyond,
	       all.score);
	printf("# the best cells of %d photographs: %.3f px at most, %d within 0.25\n", GOLDEN_ROWS,
	       farthest, within);
	sp_executor_destroy(looks.f32);
	sp_executor_destroy(looks.bf16);
	sp_model_free(looks.model);
	free(rows);
	CHECK(all.cells >= GOLDEN_ROWS);
	/* That there are two precisions. */
	CHECK(all.landmark > 0);
	CHECK(sqrt(all.squares / (5.0 * all.cells)) <= 0.1);
	CHECK(all.beyond <= 0.03 * all.cells);
	CHECK_EQ(within, GOLDEN_ROWS);
}

TEST_MAIN()
