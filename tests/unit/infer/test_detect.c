/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/detect_outputs.h"

#include <math.h>

#include "infer/element.h"
#include "packet_frame.h"
#include "test.h"

enum { WIDTH = 64, HEIGHT = 96, CELLS_MAX = (WIDTH / 8) * (HEIGHT / 8) };

struct heads {
	float cls[3][CELLS_MAX], obj[3][CELLS_MAX], bbox[3][4 * CELLS_MAX], kps[3][10 * CELLS_MAX];
	struct sp_detect_level levels[3];
};

static struct heads heads;
static struct sp_model_card card;
static struct sp_detection found[SP_DETECTIONS_MAX];

static struct sp_head head(const float *at, unsigned int values)
{
	return (struct sp_head){ at, values, values, 1, values };
}

static void clear_heads(void)
{
	sp_model_card_default(SP_ROLE_DETECTOR, &card);
	memset(&heads, 0, sizeof(heads));
	sp_detect_levels(&card, WIDTH, HEIGHT, heads.levels);
	for (int l = 0; l < 3; l++) {
		heads.levels[l].heads[SP_HEAD_SCORES] = head(heads.cls[l], 1);
		heads.levels[l].heads[SP_HEAD_OBJECTNESS] = head(heads.obj[l], 1);
		heads.levels[l].heads[SP_HEAD_BOXES] = head(heads.bbox[l], 4);
		heads.levels[l].heads[SP_HEAD_LANDMARKS] = head(heads.kps[l], 10);
	}
}

TEST(a_cell_decodes_to_its_box_and_landmarks)
{
	clear_heads();
	/* Stride 16: cell 13 of 4 columns is column 1, line 3. */
	heads.cls[1][13] = 0.81f;
	heads.obj[1][13] = 0.64f;
	heads.bbox[1][4 * 13] = 0.25f;
	heads.bbox[1][4 * 13 + 1] = -0.5f;
	heads.bbox[1][4 * 13 + 2] = logf(3);
	heads.bbox[1][4 * 13 + 3] = logf(2);
	for (int i = 0; i < 10; i++)
		heads.kps[1][10 * 13 + i] = 0.1f * (float)i;
	CHECK_EQ(sp_detect_decode(&card, heads.levels, 0.6f, found), 1);
	CHECK_NEAR(found[0].score, 0.72, 1e-6);
	CHECK_NEAR(found[0].box[0], 1.25 * 16 - 24, 1e-4);
	CHECK_NEAR(found[0].box[1], 2.5 * 16 - 16, 1e-4);
	CHECK_NEAR(found[0].box[2], 48, 1e-4);
	CHECK_NEAR(found[0].box[3], 32, 1e-4);
	CHECK_NEAR(found[0].landmark[0][0], 16, 1e-4);
	CHECK_NEAR(found[0].landmark[0][1], 3.1 * 16, 1e-4);
	CHECK_NEAR(found[0].landmark[4][0], 1.8 * 16, 1e-4);
	CHECK_NEAR(found[0].landmark[4][1], 3.9 * 16, 1e-4);
	CHECK_EQ(found[0].cell, CELLS_MAX + 13);
}

TEST(scores_are_clamped_and_nonsense_is_left_out)
{
	clear_heads();
	heads.cls[0][0] = 1.7f, heads.obj[0][0] = 1.2f; /* counts as 1 */
	heads.cls[0][1] = -0.9f, heads.obj[0][1] = -0.9f; /* no product of negatives */
	heads.cls[0][2] = NAN, heads.obj[0][2] = 1;
	heads.cls[0][3] = 1, heads.obj[0][3] = 1, heads.bbox[0][14] = 1000; /* infinite */
	heads.cls[0][4] = 1, heads.obj[0][4] = 1, heads.kps[0][47] = NAN;
	heads.cls[0][5] = 1, heads.obj[0][5] = 1, heads.bbox[0][23] = -INFINITY; /* no height */
	heads.cls[0][6] = 1, heads.obj[0][6] = 1, heads.bbox[0][26] = 15; /* wide beyond sense */
	CHECK_EQ(sp_detect_decode(&card, heads.levels, 0.5f, found), 1);
	CHECK_NEAR(found[0].score, 1, 0);
	CHECK_EQ(found[0].cell, 0);
}

/* ---- suppression against the plain definition ---- */

static int compare_naive(const void *a, const void *b)
{
	const struct sp_detection *x = a, *y = b;

	if (x->score != y->score)
		return x->score > y->score ? -1 : 1;
	return x->cell < y->cell ? -1 : 1;
}

static unsigned int naive_suppress(struct sp_detection *d, unsigned int n)
{
	unsigned int left = 0;

	qsort(d, n, sizeof(*d), compare_naive);
	for (unsigned int i = 0; i < n; i++) {
		bool keep = true;

		for (unsigned int k = 0; k < left; k++) {
			double w = fmin(d[i].box[0] + d[i].box[2], d[k].box[0] + d[k].box[2]) -
				   fmax(d[i].box[0], d[k].box[0]);
			double h = fmin(d[i].box[1] + d[i].box[3], d[k].box[1] + d[k].box[3]) -
				   fmax(d[i].box[1], d[k].box[1]);
			double both = fmax(w, 0) * fmax(h, 0);
			double all = (double)d[i].box[2] * d[i].box[3] +
				     (double)d[k].box[2] * d[k].box[3] - both;

			keep &= !(both / all > 0.3);
		}
		if (keep)
			d[left++] = d[i];
	}
	return left;
}

TEST(suppression_matches_the_oracle)
{
	static struct sp_detection a[600], b[600];
	uint64_t seed = 11;

	for (unsigned int n = 0; n < 600; n += 1 + n / 3) {
		for (unsigned int i = 0; i < n; i++) {
			struct sp_detection *d = &a[i];

			memset(d, 0, sizeof(*d));
			d->box[0] = (float)(next_random(&seed) % 300);
			d->box[1] = (float)(next_random(&seed) % 300);
			d->box[2] = (float)(20 + next_random(&seed) % 60);
			d->box[3] = (float)(20 + next_random(&seed) % 60);
			/* Few scores: many ties. */
			d->score = 0.6f + 0.02f * (float)(next_random(&seed) % 20);
			d->cell = i;
		}
		memcpy(b, a, sizeof(a));
		/* The order that they come in changes nothing. */
		for (unsigned int i = n; i > 1; i--) {
			unsigned int k = next_random(&seed) % i;
			struct sp_detection swap = a[i - 1];

			a[i - 1] = a[k];
			a[k] = swap;
		}
		unsigned int got = sp_detect_suppress(a, n, 0.3f), want = naive_suppress(b, n);

		CHECK_EQ(got, want);
		for (unsigned int i = 0; i < got; i++)
			CHECK_EQ(a[i].cell, b[i].cell);
	}
}

TEST(overlap_is_intersection_over_union)
{
	float a[4] = { 0, 0, 10, 10 }, b[4] = { 5, 0, 10, 10 }, far[4] = { 50, 50, 1, 1 };
	float empty[4] = { 0, 0, 0, 0 };

	CHECK_NEAR(sp_box_overlap(a, a), 1, 1e-6);
	CHECK_NEAR(sp_box_overlap(a, b), 50.0 / 150, 1e-6);
	CHECK_NEAR(sp_box_overlap(a, far), 0, 0);
	CHECK_NEAR(sp_box_overlap(empty, empty), 0, 0);
}

TEST(too_many_candidates_lose_their_weakest)
{
	enum { W = 512, H = 512, CELLS = (W / 8) * (H / 8) };
	float *cls = calloc(CELLS, sizeof(float)), *obj = calloc(CELLS, sizeof(float));
	float *bbox = calloc(4 * CELLS, sizeof(float)), *kps = calloc(10 * CELLS, sizeof(float));
	struct sp_detect_level level = { .stride = 8, .columns = W / 8, .rows = H / 8 };
	unsigned int n, below = 0;

	sp_model_card_default(SP_ROLE_DETECTOR, &card);
	card.levels = 1;
	level.heads[SP_HEAD_SCORES] = head(cls, 1);
	level.heads[SP_HEAD_OBJECTNESS] = head(obj, 1);
	level.heads[SP_HEAD_BOXES] = head(bbox, 4);
	level.heads[SP_HEAD_LANDMARKS] = head(kps, 10);
	for (unsigned int i = 0; i < CELLS; i++) {
		cls[i] = 1;
		/* A permutation: 1237 is odd. */
		obj[i] = 0.5f + 0.5f * (float)(i * 1237 % CELLS) / CELLS;
	}
	n = sp_detect_decode(&card, &level, 0.6f, found);
	for (unsigned int i = 0; i < n; i++)
		below += obj[found[i].cell] <
			 0.5f + 0.5f * (float)(CELLS - SP_DETECTIONS_MAX) / CELLS;
	free(cls);
	free(obj);
	free(bbox);
	free(kps);
	CHECK_EQ(n, SP_DETECTIONS_MAX);
	CHECK_EQ(below, 0);
}

TEST_MAIN()
