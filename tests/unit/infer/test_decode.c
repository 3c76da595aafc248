/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Detectors' outputs against what a script of ours made of them by the published formulas
 * (tests/goldens/make_decode.py), in each layout; and how outputs are told apart.
 */
#include "infer/detect_outputs.h"

#include <errno.h>
#include <math.h>

#include "base/diag.h"
#include "infer/model.h"
#include "test.h"

enum { WIDTH = 96, HEIGHT = 64, FLOATS_MAX = 1 << 14 };

static struct sp_model_card card;
static struct sp_detect_level levels[SP_CARD_LEVELS_MAX];
static struct sp_detection found[SP_DETECTIONS_MAX];

static void fill(uint64_t seed, float *to, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		seed = seed * 6364136223846793005ull + 1442695040888963407ull;
		to[i] = (float)(seed >> 40) / (1 << 23) - 1;
	}
}

static int by_cell(const void *a, const void *b)
{
	const struct sp_detection *x = a, *y = b;

	return x->cell < y->cell ? -1 : x->cell > y->cell;
}

static void check_golden(const char *name, float score_min)
{
	unsigned int n = sp_detect_decode(&card, levels, score_min, found);
	char path[128];
	int32_t want;
	FILE *file;

	snprintf(path, sizeof(path), "tests/goldens/decode/%s.golden", name);
	file = fopen(path, "rb");
	if (!file)
		SKIP("%s is not there; run the test at the top of the source tree", path);
	CHECK_EQ(fread(&want, sizeof(want), 1, file), 1);
	CHECK_EQ(n, want);
	qsort(found, n, sizeof(found[0]), by_cell);
	for (unsigned int i = 0; i < n; i++) {
		const struct sp_detection *d = &found[i];
		double values[15];

		CHECK_EQ(fread(&want, sizeof(want), 1, file), 1);
		CHECK_EQ(fread(values, sizeof(values), 1, file), 1);
		CHECK_EQ(d->cell, want);
		CHECK_NEAR(d->score, values[0], 1e-6);
		for (unsigned int c = 0; c < 4; c++)
			CHECK_NEAR(d->box[c], values[1 + c], 2e-4);
		for (unsigned int k = 0; k < 10; k++)
			CHECK_NEAR(d->landmark[k / 2][k % 2], values[5 + k], 2e-4);
	}
	fclose(file);
}

/* Rows of anchors to planes of channels. */
static void to_planes(const float *rows, size_t cells, unsigned int channels, float *planes)
{
	for (size_t i = 0; i < cells; i++)
		for (unsigned int c = 0; c < channels; c++)
			planes[c * cells + i] = rows[i * channels + c];
}

enum layout { ROWS, CELLS, PLANES, LAYOUTS };

/* Output @head of level @l, filled by @seed, as a network of this layout gives it. */
static void bind_level(enum sp_head_kind head, unsigned int l, enum layout layout, uint64_t seed)
{
	static float room[SP_CARD_LEVELS_MAX][SP_HEADS][2][FLOATS_MAX];
	unsigned int values = sp_detect_values(card.decode, head), channels = values * card.anchors;
	int64_t rows = levels[l].rows, columns = levels[l].columns;
	struct sp_shape shape = { .rank = 2, .dim = { rows * columns * card.anchors, values } };
	float *floats = room[l][head][0];
	size_t n = (size_t)(rows * columns) * channels;

	CHECK(n <= FLOATS_MAX);
	fill(seed, floats, n);
	for (size_t i = 0; i < n; i++) {
		if (head == SP_HEAD_SCORES)
			floats[i] = card.logits ? floats[i] * 4 : floats[i] / 2 + 0.5f;
		else if (head == SP_HEAD_BOXES)
			floats[i] += 1.5f;
	}
	if (layout == CELLS)
		shape = (struct sp_shape){ .rank = 4, .dim = { 1, rows, columns, channels } };
	if (layout == PLANES) {
		shape = (struct sp_shape){ .rank = 4, .dim = { 1, channels, rows, columns } };
		to_planes(floats, (size_t)(rows * columns), channels, room[l][head][1]);
		floats = room[l][head][1];
	}
	CHECK_EQ(sp_detect_bind(&card, head, l, false, floats, &shape, levels), 0);
	/* Another input's output does not pass for this one's. */
	shape.dim[0]++;
	CHECK_EQ(sp_detect_bind(&card, head, l, false, floats, &shape, levels), -EINVAL);
}

static void check_scrfd(const char *name, uint64_t seed, float score_min)
{
	for (enum layout layout = ROWS; layout < LAYOUTS; layout++) {
		sp_detect_levels(&card, WIDTH, HEIGHT, levels);
		for (unsigned int l = 0; l < card.levels; l++)
			for (unsigned int h = 0; h < 3; h++)
				bind_level(h, l, layout, seed + 10 * l + h);
		check_golden(name, score_min);
	}
}

TEST(scrfd_decodes_as_published)
{
	card = (struct sp_model_card){
		.decode = SP_DECODE_SCRFD, .levels = 3, .stride = { 8, 16, 32 }, .anchors = 2
	};
	check_scrfd("scrfd", 100, 0.8f);
	/* 64 does not divide 96: the last column of cells reaches beyond. */
	card = (struct sp_model_card){ .decode = SP_DECODE_SCRFD,
				       .levels = 4,
				       .stride = { 8, 16, 32, 64 },
				       .anchors = 1,
				       .logits = true };
	check_scrfd("scrfd_logits", 200, 0.9f);
}

static void check_retinaface(const char *name, uint64_t seed, float score_min)
{
	static float room[3][FLOATS_MAX];
	size_t anchors = 0;

	sp_detect_levels(&card, WIDTH, HEIGHT, levels);
	for (unsigned int l = 0; l < card.levels; l++)
		anchors += (size_t)levels[l].columns * levels[l].rows * card.anchors;
	for (unsigned int h = 0; h < 3; h++) {
		unsigned int values = sp_detect_values(card.decode, h);
		struct sp_shape shape = { .rank = 3, .dim = { 1, (int64_t)anchors, values } };

		CHECK(anchors * values <= FLOATS_MAX);
		fill(seed + h, room[h], anchors * values);
		for (size_t i = 0; i < anchors * values && h == SP_HEAD_SCORES; i++)
			room[h][i] = card.logits ? room[h][i] * 3 : room[h][i] / 2 + 0.5f;
		CHECK_EQ(sp_detect_bind(&card, h, 0, true, room[h], &shape, levels), 0);
		shape.dim[1]++;
		CHECK_EQ(sp_detect_bind(&card, h, 0, true, room[h], &shape, levels), -EINVAL);
	}
	check_golden(name, score_min);
}

TEST(retinaface_decodes_as_published)
{
	card = (struct sp_model_card){ .decode = SP_DECODE_RETINAFACE,
				       .levels = 3,
				       .stride = { 8, 16, 32 },
				       .anchors = 2,
				       .anchor = { { 16, 32 }, { 64, 128 }, { 256, 512 } },
				       .variance = { 0.1f, 0.2f } };
	check_retinaface("retinaface", 300, 0.85f);
	card = (struct sp_model_card){ .decode = SP_DECODE_RETINAFACE,
				       .levels = 2,
				       .stride = { 16, 32 },
				       .anchors = 3,
				       .anchor = { { 20, 40, 60 }, { 100, 140, 180 } },
				       .variance = { 0.15f, 0.25f },
				       .logits = true };
	check_retinaface("retinaface_logits", 400, 0.9f);
}

/* What comes of rows is checked by test_detect.c; the other layouts must be no different. */
TEST(yunet_decodes_the_same_in_each_layout)
{
	static struct sp_detection rows[SP_DETECTIONS_MAX];
	unsigned int n = 0;

	sp_model_card_default(SP_ROLE_DETECTOR, &card);
	for (enum layout layout = ROWS; layout < LAYOUTS; layout++) {
		sp_detect_levels(&card, WIDTH, HEIGHT, levels);
		for (unsigned int l = 0; l < card.levels; l++)
			for (unsigned int h = 0; h < SP_HEADS; h++)
				bind_level(h, l, layout, 500 + 10 * l + h);
		CHECK(sp_detect_decode(&card, levels, 0.4f, found) > 20);
		if (layout == ROWS) {
			n = sp_detect_decode(&card, levels, 0.4f, rows);
			continue;
		}
		CHECK_EQ(sp_detect_decode(&card, levels, 0.4f, found), n);
		CHECK(!memcmp(found, rows, n * sizeof(rows[0])));
	}
}

/* ---- which output is what -------------------------------------------------------------------- */

static struct sp_value outputs[16];
static struct sp_model model = { .name = "net.onnx", .outputs = outputs };
static struct sp_detect_outputs match;
static struct sp_err err;

static void add_output(const char *name, unsigned int rank, const int64_t *dim)
{
	struct sp_value *value = &outputs[model.outputs_n++];

	value->name = name;
	value->shape.rank = rank;
	memcpy(value->shape.dim, dim, rank * sizeof(*dim));
}
#define OUTPUT(name, ...)                                                                          \
	add_output(name, sizeof((int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t),                     \
		   (int64_t[]){ __VA_ARGS__ })

static void scrfd_card(void)
{
	memset(&card, 0, sizeof(card));
	strcpy(card.path, "net.yaml");
	card.decode = SP_DECODE_SCRFD;
	card.levels = 3;
	card.anchors = 2;
	card.stride[0] = 8;
	card.stride[1] = 16;
	card.stride[2] = 32;
	model.outputs_n = 0;
}

TEST(heads_are_found_by_their_shapes)
{
	scrfd_card();
	/* Coarse strides first: sizes tell. */
	OUTPUT("a", 800, 1), OUTPUT("b", 3200, 1), OUTPUT("c", 12800, 1);
	OUTPUT("d", 12800, 4), OUTPUT("e", 800, 4), OUTPUT("f", 3200, 4);
	OUTPUT("g", 800, 10), OUTPUT("h", 12800, 10), OUTPUT("i", 3200, 10);
	CHECK_EQ(sp_detect_match(&model, &card, &match, &err), 0);
	CHECK(!match.whole);
	CHECK_EQ(match.index[SP_HEAD_SCORES][0], 2);
	CHECK_EQ(match.index[SP_HEAD_SCORES][2], 0);
	CHECK_EQ(match.index[SP_HEAD_BOXES][1], 5);
	CHECK_EQ(match.index[SP_HEAD_LANDMARKS][0], 7);
	/* Of unknown size: the file's order. */
	for (unsigned int i = 0; i < 9; i++)
		outputs[i].shape.dim[0] = -1;
	CHECK_EQ(sp_detect_match(&model, &card, &match, &err), 0);
	CHECK_EQ(match.index[SP_HEAD_SCORES][0], 0);
	CHECK_EQ(match.index[SP_HEAD_LANDMARKS][2], 8);
	/* Planes. */
	scrfd_card();
	OUTPUT("a", 1, 2, 80, 80), OUTPUT("b", 1, 2, 40, 40), OUTPUT("c", 1, 2, 20, 20);
	OUTPUT("d", 1, 8, 80, 80), OUTPUT("e", 1, 8, 40, 40), OUTPUT("f", 1, 8, 20, 20);
	OUTPUT("g", 1, 20, 80, 80), OUTPUT("h", 1, 20, 40, 40), OUTPUT("i", 1, 20, 20, 20);
	CHECK_EQ(sp_detect_match(&model, &card, &match, &err), 0);
	CHECK_EQ(match.index[SP_HEAD_BOXES][2], 5);
	/* One is missing: what is missing is said. */
	model.outputs_n = 8;
	CHECK_EQ(sp_detect_match(&model, &card, &match, &err), -EINVAL);
	CHECK(strstr(err.text, "2 outputs of 10 values") && strstr(err.text, "decode.outputs"));
}

TEST(heads_are_found_by_the_names_that_the_card_gives)
{
	scrfd_card();
	card.decode = SP_DECODE_RETINAFACE;
	strcpy(card.output[SP_HEAD_SCORES][0], "conf");
	strcpy(card.output[SP_HEAD_BOXES][0], "loc");
	strcpy(card.output[SP_HEAD_LANDMARKS][0], "landms");
	OUTPUT("loc", -1, -1, -1), OUTPUT("landms", -1, -1, -1), OUTPUT("conf", -1, -1, -1);
	CHECK_EQ(sp_detect_match(&model, &card, &match, &err), 0);
	CHECK(match.whole);
	CHECK_EQ(match.index[SP_HEAD_SCORES][0], 2);
	CHECK_EQ(match.index[SP_HEAD_LANDMARKS][0], 1);
	strcpy(card.output[SP_HEAD_BOXES][0], "locations");
	CHECK_EQ(sp_detect_match(&model, &card, &match, &err), -EINVAL);
	CHECK(strstr(err.text, "net.yaml: decode.outputs: net.onnx has no output locations"));
}

TEST(a_yunet_is_known_by_its_names)
{
	static const char *const names[] = { "kps_32",	"cls_16",  "obj_8",  "bbox_8", "other",
					     "cls_8",	"kps_8",   "kps_16", "obj_16", "obj_32",
					     "bbox_16", "bbox_32", "cls_32" };

	sp_model_card_default(SP_ROLE_DETECTOR, &card);
	model.outputs_n = 0;
	for (unsigned int i = 0; i < 13; i++)
		OUTPUT(names[i], 1, -1, -1);
	CHECK_EQ(sp_detect_match(&model, &card, &match, &err), 0);
	CHECK_EQ(match.index[SP_HEAD_SCORES][0], 5);
	CHECK_EQ(match.index[SP_HEAD_SCORES][2], 12);
	CHECK_EQ(match.index[SP_HEAD_OBJECTNESS][0], 2);
	CHECK_EQ(match.index[SP_HEAD_BOXES][2], 11);
	CHECK_EQ(match.index[SP_HEAD_LANDMARKS][2], 0);
	model.outputs_n = 12;
	CHECK_EQ(sp_detect_match(&model, &card, &match, &err), -EINVAL);
	CHECK(strstr(err.text, "no output cls_32"));
}

TEST_MAIN()
