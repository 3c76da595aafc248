/* SPDX-License-Identifier: Apache-2.0 */
/* Detectors' outputs to faces: against a list of all, sorted, and each compared with each. */
#include "cuda/decode.h"

#include <math.h>

#include "card.h"
#include "decode_case.h"
#include "infer/element.h"
#include "test.h"

enum { TRIES = 20 };

/* Two machines' functions differ by less: what decides by less than this decides by chance. */
static const float doubt = 1e-5f;

struct list {
	struct sp_detection *of;
	uint32_t n;
	bool clear; /* nothing was decided by chance */
};

static float value(const struct sp_decode *decode, unsigned int l, enum sp_head_kind head,
		   size_t picture, size_t cell, size_t anchor, size_t v)
{
	const struct sp_decode_head *at = &decode->level[l].heads[head];

	return ((const float *)at->at)[picture * at->picture + cell * at->cell +
				       anchor * at->anchor + v * at->value];
}

static float score_of(const struct sp_decode *decode, unsigned int l, size_t picture, size_t cell,
		      size_t anchor)
{
	float first = value(decode, l, SP_HEAD_SCORES, picture, cell, anchor, 0), second;

	if (decode->kind == SP_DECODE_YUNET)
		return sp_yunet_score(
			first, value(decode, l, SP_HEAD_OBJECTNESS, picture, cell, anchor, 0));
	if (decode->kind == SP_DECODE_SCRFD)
		return decode->logits ? sp_sigmoid(first) : first;
	second = value(decode, l, SP_HEAD_SCORES, picture, cell, anchor, 1);
	return decode->logits ? sp_softmax_of_two(first, second) : second;
}

static void place_of(const struct sp_decode *decode, unsigned int l, size_t picture, size_t cell,
		     size_t anchor, struct sp_detection *d)
{
	uint32_t column = (uint32_t)(cell % decode->level[l].columns);
	uint32_t row = (uint32_t)(cell / decode->level[l].columns);
	float stride = (float)decode->level[l].stride, box[4], point[2];
	struct sp_anchor at;

	sp_anchor_at(column, row, stride, decode->anchor[l][anchor], &at);
	for (size_t v = 0; v < 4; v++)
		box[v] = value(decode, l, SP_HEAD_BOXES, picture, cell, anchor, v);
	if (decode->kind == SP_DECODE_YUNET)
		sp_yunet_box(box, column, row, stride, d->box);
	else if (decode->kind == SP_DECODE_SCRFD)
		sp_scrfd_box(box, column, row, stride, d->box);
	else
		sp_retinaface_box(box, &at, decode->variance, d->box);
	for (size_t k = 0; k < 5; k++) {
		for (size_t v = 0; v < 2; v++)
			point[v] = value(decode, l, SP_HEAD_LANDMARKS, picture, cell, anchor,
					 2 * k + v);
		if (decode->kind == SP_DECODE_YUNET)
			sp_yunet_landmark(point, column, row, stride, d->landmark[k]);
		else if (decode->kind == SP_DECODE_SCRFD)
			sp_scrfd_landmark(point, column, row, stride, d->landmark[k]);
		else
			sp_retinaface_landmark(point, &at, decode->variance, d->landmark[k]);
	}
}

static bool is_usable(const struct sp_detection *d)
{
	bool usable = d->box[2] > 0 && d->box[3] > 0;

	for (int i = 0; i < 4; i++)
		usable = usable && fabsf(d->box[i]) <= SP_DETECT_FAR;
	for (int i = 0; i < 10; i++)
		usable = usable && fabsf(d->landmark[i / 2][i % 2]) <= SP_DETECT_FAR;
	return usable;
}

static int compare(const void *left, const void *right)
{
	const struct sp_detection *a = left, *b = right;

	if (a->score != b->score)
		return a->score > b->score ? -1 : 1;
	return a->cell < b->cell ? -1 : 1;
}

static void find_all(const struct sp_decode *decode, size_t picture, struct list *list)
{
	uint32_t cell = 0;

	for (unsigned int l = 0; l < decode->levels; l++) {
		size_t cells = (size_t)decode->level[l].columns * decode->level[l].rows;

		for (size_t i = 0; i < cells * decode->anchors; i++, cell++) {
			size_t at = i / decode->anchors, anchor = i % decode->anchors;
			struct sp_detection d = { .cell = cell };

			d.score = score_of(decode, l, picture, at, anchor);
			list->clear &= !(fabsf(d.score - decode->score_min) < doubt);
			if (!(d.score >= decode->score_min))
				continue;
			place_of(decode, l, picture, at, anchor, &d);
			if (is_usable(&d))
				list->of[list->n++] = d;
		}
	}
}

/* Scores that differ, but hardly, may be the other way round elsewhere. */
static void look_for_doubt(struct list *list)
{
	for (uint32_t i = 1; i < list->n; i++) {
		float apart = list->of[i - 1].score - list->of[i].score;

		list->clear &= !(apart > 0 && apart < doubt);
	}
}

static void suppress(struct list *list, float overlap_max)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < list->n; i++) {
		bool is_double = false;

		for (uint32_t k = 0; k < kept && !is_double; k++) {
			float overlap = sp_box_overlap(list->of[i].box, list->of[k].box);

			list->clear &= !(overlap > 0 && fabsf(overlap - overlap_max) < doubt);
			is_double = overlap > overlap_max;
		}
		if (!is_double)
			list->of[kept++] = list->of[i];
	}
	list->n = kept;
}

static void reference(const struct sp_decode *decode, size_t picture, struct list *list)
{
	list->n = 0;
	find_all(decode, picture, list);
	qsort(list->of, list->n, sizeof(*list->of), compare);
	look_for_doubt(list);
	if (list->n > SP_DETECTIONS_MAX)
		list->n = SP_DETECTIONS_MAX;
	suppress(list, decode->overlap_max);
}

static void check_near(const struct decode_case *of, uint32_t i, const float *got,
		       const float *want, unsigned int n)
{
	for (unsigned int v = 0; v < n; v++)
		if (!(fabsf(got[v] - want[v]) <= 1e-5f * (1 + fabsf(want[v]))))
			FAIL("%s: face %u: %.9g, not %.9g", of->what, i, (double)got[v],
			     (double)want[v]);
}

static void check_case(const struct decode_case *of, const struct sp_decoded *got,
		       const struct list *want)
{
	if (got->n != want->n)
		FAIL("%s: %u faces, not %u", of->what, got->n, want->n);
	for (uint32_t i = 0; i < want->n; i++) {
		if (got->of[i].cell != want->of[i].cell)
			FAIL("%s: face %u is of anchor %u, not %u", of->what, i, got->of[i].cell,
			     want->of[i].cell);
		check_near(of, i, &got->of[i].score, &want->of[i].score, 1);
		check_near(of, i, got->of[i].box, want->of[i].box, 4);
		check_near(of, i, got->of[i].landmark[0], want->of[i].landmark[0], 10);
	}
}

TEST(every_family_and_layout_gives_the_faces_of_the_reference)
{
	static struct sp_decoded got[DECODE_PICTURES];
	struct list want;

	for (unsigned int c = 0; c < decode_cases_n; c++) {
		const struct decode_case *of = &decode_cases[c];
		unsigned int tries = 0;

		want.of = malloc((size_t)of->width * of->height * sizeof(*want.of));
		do {
			struct decode_data data;

			CHECK(tries < TRIES);
			want.clear = true;
			decode_data_init(&data, of, 100 * c + tries++);
			decode_run(&data, got);
			for (size_t picture = 0; picture < DECODE_PICTURES && want.clear;
			     picture++) {
				reference(&data.host, picture, &want);
				if (want.clear)
					check_case(of, &got[picture], &want);
			}
			decode_data_uninit(&data);
		} while (!want.clear);
		free(want.of);
	}
}

/* Nothing is looked at and nothing written where there is nothing to do. */
TEST(no_pictures_and_no_anchors)
{
	struct sp_decoded *there, *here = card_pinned(sizeof(*here), &there);
	struct sp_decode decode = { .levels = 1, .anchors = 1 };
	void *scratch = card_memory(1024);

	here->n = 7;
	CARD(sp_decode_launch(0, &decode, 0, scratch, there));
	CARD(cudaStreamSynchronize(0));
	CHECK_EQ(here->n, 7);
	CARD(sp_decode_launch(0, &decode, 1, scratch, there));
	CARD(cudaStreamSynchronize(0));
	CHECK_EQ(here->n, 0);
	card_free(scratch);
	card_free_pinned(here);
}

/* Captured once, launched again and again: nothing of one run is left for the next. */
TEST(a_captured_graph_gives_the_same_each_time)
{
	static struct sp_decoded want[DECODE_PICTURES];
	struct sp_decoded *there, *here = card_pinned(sizeof(want), &there);
	struct decode_data data;
	cudaStream_t stream;
	cudaGraph_t graph;
	cudaGraphExec_t exec;
	void *scratch;

	decode_data_init(&data, &decode_cases[0], 5);
	decode_run(&data, want);
	scratch = card_memory(sp_decode_bytes(&data.device, DECODE_PICTURES));
	CARD(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
	CARD(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
	CARD(sp_decode_launch(stream, &data.device, DECODE_PICTURES, scratch, there));
	CARD(cudaStreamEndCapture(stream, &graph));
	CARD(cudaGraphInstantiate(&exec, graph, 0));
	for (int round = 0; round < 3; round++) {
		memset(here, 0xEE, sizeof(want));
		CARD(cudaGraphLaunch(exec, stream));
		CARD(cudaStreamSynchronize(stream));
		for (uint32_t i = 0; i < DECODE_PICTURES; i++) {
			CHECK_EQ(here[i].n, want[i].n);
			CHECK(!memcmp(here[i].of, want[i].of, want[i].n * sizeof(want[i].of[0])));
		}
	}
	CARD(cudaGraphExecDestroy(exec));
	CARD(cudaGraphDestroy(graph));
	CARD(cudaStreamDestroy(stream));
	decode_data_uninit(&data);
	card_free(scratch);
	card_free_pinned(here);
}

TEST_MAIN()
