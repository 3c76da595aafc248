/* SPDX-License-Identifier: Apache-2.0 */
/* A head reads the same numbers out of the device's padded outputs as the CPU out of dense ones. */
#include "cuda/heads.h"

#include <errno.h>

#include "test.h"

enum { WIDTH = 96, HEIGHT = 64, PICTURES = 2, NUMBERS_MAX = 1 << 16 };

/* How an output lies: its shape for a level of `cells`, or for all of them. */
enum shape_kind {
	ANCHOR_ROWS, /* 1 × cells · anchors × values */
	CELL_ROWS, /* 1 × cells × anchors · values */
	FLAT, /* 1 × cells · anchors, single values */
	PLANES, /* 1 × anchors · values × rows × columns */
};

struct head_case {
	enum sp_decode_kind decode;
	enum sp_head_kind head;
	unsigned int anchors;
	enum shape_kind shape;
	size_t pad; /* numbers after each row */
	bool whole;
};

static const struct head_case cases[] = {
	{ SP_DECODE_YUNET, SP_HEAD_SCORES, 1, ANCHOR_ROWS, 7, false },
	{ SP_DECODE_YUNET, SP_HEAD_BOXES, 1, ANCHOR_ROWS, 4, false },
	{ SP_DECODE_YUNET, SP_HEAD_LANDMARKS, 1, PLANES, 6, false },
	{ SP_DECODE_YUNET, SP_HEAD_OBJECTNESS, 1, FLAT, 0, false },
	{ SP_DECODE_SCRFD, SP_HEAD_SCORES, 2, ANCHOR_ROWS, 7, false },
	{ SP_DECODE_SCRFD, SP_HEAD_SCORES, 2, CELL_ROWS, 6, false },
	{ SP_DECODE_SCRFD, SP_HEAD_SCORES, 2, FLAT, 3, false },
	{ SP_DECODE_SCRFD, SP_HEAD_BOXES, 2, PLANES, 8, false },
	{ SP_DECODE_SCRFD, SP_HEAD_LANDMARKS, 2, CELL_ROWS, 4, false },
	{ SP_DECODE_RETINAFACE, SP_HEAD_SCORES, 2, ANCHOR_ROWS, 6, true },
	{ SP_DECODE_RETINAFACE, SP_HEAD_BOXES, 2, ANCHOR_ROWS, 0, true },
	{ SP_DECODE_RETINAFACE, SP_HEAD_LANDMARKS, 2, CELL_ROWS, 12, true },
};

static struct sp_model_card card_of(const struct head_case *c)
{
	return (struct sp_model_card){
		.decode = c->decode,
		.levels = 3,
		.stride = { 8, 16, 32 },
		.anchors = c->anchors,
	};
}

static struct sp_shape shape_of(const struct head_case *c, unsigned int values, size_t cells,
				const struct sp_detect_level *level)
{
	int64_t n = (int64_t)cells, a = c->anchors, v = values;

	switch (c->shape) {
	case ANCHOR_ROWS:
		return (struct sp_shape){ 3, { 1, n * a, v } };
	case CELL_ROWS:
		return (struct sp_shape){ 3, { 1, n, a * v } };
	case FLAT:
		return (struct sp_shape){ 2, { 1, n * a } };
	default:
		return (struct sp_shape){ 4, { 1, a * v, level->rows, level->columns } };
	}
}

/* Number @i of the dense output, at its place on the device. */
static size_t padded(const struct head_case *c, const struct sp_shape *shape, size_t i,
		     size_t pitch)
{
	size_t last = (size_t)shape->dim[shape->rank - 1];
	size_t plane = c->shape == PLANES ? (size_t)(shape->dim[2] * shape->dim[3]) : 0;

	return plane ? i % plane * pitch + i / plane : i / last * pitch + i % last;
}

static void check(const struct head_case *c, unsigned int level)
{
	static float dense[NUMBERS_MAX], device[PICTURES * NUMBERS_MAX];
	struct sp_model_card card = card_of(c);
	unsigned int values = sp_detect_values(c->decode, c->head), end;
	struct sp_detect_level levels[SP_CARD_LEVELS_MAX];
	struct sp_network_output output;
	struct sp_decode decode = { .levels = 3 };
	struct sp_shape shape;
	size_t cells = 0, n;

	sp_detect_levels(&card, WIDTH, HEIGHT, levels);
	end = c->whole ? 3 : level + 1;
	for (unsigned int l = 0; l < 3; l++) {
		decode.level[l].columns = levels[l].columns;
		decode.level[l].rows = levels[l].rows;
		if (l >= level && l < end)
			cells += (size_t)levels[l].columns * levels[l].rows;
	}
	shape = shape_of(c, values, cells, &levels[level]);
	n = (size_t)sp_shape_elements(&shape);
	output = (struct sp_network_output){
		.at = device,
		.type = SP_TENSOR_F32,
		.shape = shape,
		.pitch = (c->shape == PLANES ? (size_t)shape.dim[1]
					     : (size_t)shape.dim[shape.rank - 1]) +
			 c->pad,
		.picture = NUMBERS_MAX,
		.planes = c->shape == PLANES,
	};
	for (size_t i = 0; i < n; i++) {
		dense[i] = (float)i;
		device[NUMBERS_MAX + padded(c, &shape, i, output.pitch)] = (float)i;
	}
	CHECK_EQ(sp_detect_bind(&card, c->head, level, c->whole, dense, &shape, levels), 0);
	CHECK_EQ(sp_heads_place(&card, c->head, level, c->whole, &output, &decode), 0);
	for (unsigned int l = level; l < end; l++) {
		const struct sp_decode_head *head = &decode.level[l].heads[c->head];

		for (size_t i = 0; i < (size_t)levels[l].columns * levels[l].rows; i++)
			for (unsigned int a = 0; a < c->anchors; a++)
				for (unsigned int v = 0; v < values; v++)
					CHECK_EQ(((const float *)head
							  ->at)[head->picture + i * head->cell +
								a * head->anchor + v * head->value],
						 sp_head_at(&levels[l].heads[c->head], i,
							    a)[v * levels[l].heads[c->head].value]);
	}
}

TEST(heads_read_what_the_cpu_reads)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (unsigned int level = 0; level < (cases[i].whole ? 1 : 3); level++)
			check(&cases[i], level);
}

TEST(outputs_that_are_no_heads)
{
	const struct head_case c = { SP_DECODE_SCRFD, SP_HEAD_BOXES, 2, ANCHOR_ROWS, 0, false };
	struct sp_model_card card = card_of(&c);
	struct sp_decode decode = { .levels = 3, .level[0] = { 8, 12, 8, { { 0 } } } };
	struct sp_network_output output = { .pitch = 8, .shape = { 3, { 1, 191, 4 } } };

	CHECK_EQ(sp_heads_place(&card, c.head, 0, false, &output, &decode), -EINVAL);
	output.shape = (struct sp_shape){ 4, { 1, 8, 12, 8 } };
	output.planes = true;
	CHECK_EQ(sp_heads_place(&card, c.head, 0, false, &output, &decode), -EINVAL);
	CHECK_EQ(sp_heads_place(&card, c.head, 0, true, &output, &decode), -ENOTSUP);
	/* Single values in padded rows of neither an anchor nor a cell. */
	output = (struct sp_network_output){ .pitch = 16, .shape = { 3, { 1, 8, 24 } } };
	CHECK_EQ(sp_heads_place(&card, SP_HEAD_SCORES, 0, false, &output, &decode), -ENOTSUP);
	output.pitch = 24;
	CHECK_EQ(sp_heads_place(&card, SP_HEAD_SCORES, 0, false, &output, &decode), 0);
	CHECK_EQ(decode.level[0].heads[SP_HEAD_SCORES].cell, 2);
}

TEST_MAIN()
