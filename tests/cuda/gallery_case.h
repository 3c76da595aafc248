/* SPDX-License-Identifier: Apache-2.0 */
/* Galleries that are easy and hard to search, and queries. */
#ifndef SP_TESTS_CUDA_GALLERY_CASE_H
#define SP_TESTS_CUDA_GALLERY_CASE_H

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "card.h"

enum gallery_kind {
	STRANGERS, /* random directions */
	TWINS, /* all nearly one vector: bfloat16 tells none apart */
	SAME, /* all the same: only the index decides */
	FAMILIES, /* eight alike beside each other */
	SIGNS, /* most similarities equal or opposite, of few values */
	LENGTHS, /* from 1e-25 to 1e14 long */
	ODD, /* among strangers some that are no numbers, infinite, huge, of zeros or tiny */
	OPPOSITE, /* all similarities negative */
	GALLERY_KINDS
};

struct gallery_case {
	enum gallery_kind kind;
	uint32_t rows, size, queries, k;
};

static const struct gallery_case gallery_cases[] = {
	{ STRANGERS, 3000, 128, 2, 8 }, { STRANGERS, 611, 512, 2, 64 },
	{ STRANGERS, 200, 1, 2, 5 },	{ STRANGERS, 130, 15, 9, 3 },
	{ STRANGERS, 129, 16, 2, 64 },	{ STRANGERS, 500, 33, 3, 2 },
	{ STRANGERS, 700, 100, 2, 1 },	{ STRANGERS, 300, 48, 17, 10 },
	{ STRANGERS, 1, 128, 1, 1 },	{ STRANGERS, 2, 128, 1, 64 },
	{ STRANGERS, 63, 64, 1, 64 },	{ STRANGERS, 64, 64, 1, 64 },
	{ STRANGERS, 65, 64, 1, 64 },	{ STRANGERS, 0, 128, 3, 5 },
	{ STRANGERS, 100, 128, 0, 5 },	{ STRANGERS, 100, 128, 3, 0 },
	{ TWINS, 1200, 128, 2, 10 },	{ TWINS, 500, 509, 2, 64 },
	{ SAME, 1300, 128, 1, 64 },	{ SAME, 300, 7, 2, 9 },
	{ FAMILIES, 1500, 128, 2, 64 }, { FAMILIES, 1200, 96, 2, 3 },
	{ SIGNS, 1500, 32, 2, 64 },	{ SIGNS, 900, 130, 2, 20 },
	{ LENGTHS, 1500, 128, 2, 10 },	{ LENGTHS, 300, 64, 2, 64 },
	{ ODD, 1500, 128, 6, 20 },	{ ODD, 500, 31, 6, 64 },
	{ OPPOSITE, 1000, 128, 2, 12 },
};

enum { GALLERY_CASES = sizeof(gallery_cases) / sizeof(gallery_cases[0]) };

/* In (-1, 1), more often near 0. */
static inline float gallery_number(uint64_t *random)
{
	float sum = 0;

	for (int i = 0; i < 4; i++)
		sum += (float)(card_random(random) % 65536) / 32768 - 1;
	return sum / 4;
}

/* A random direction, @length long. */
static inline void gallery_direction(float *row, uint32_t size, float length, uint64_t *random)
{
	double square = 0;

	for (uint32_t i = 0; i < size; i++) {
		row[i] = gallery_number(random);
		square += (double)row[i] * (double)row[i];
	}
	for (uint32_t i = 0; i < size && square > 0; i++)
		row[i] = (float)(row[i] / sqrt(square) * (double)length);
}

/* As @near, with @noise on it. */
static inline void gallery_near(float *row, const float *near, uint32_t size, float noise,
				uint64_t *random)
{
	for (uint32_t i = 0; i < size; i++)
		row[i] = near[i] + noise * gallery_number(random);
}

static inline void gallery_odd_row(float *row, uint32_t size, uint64_t *random)
{
	static const float numbers[] = { NAN, INFINITY, -INFINITY, 3e38f, -3e38f, 1e20f };
	uint32_t which = card_random(random) % 8, at = (uint32_t)(card_random(random) % size);

	if (which < 6)
		row[at] = numbers[which];
	else
		for (uint32_t i = 0; i < size; i++)
			row[i] = which == 6 ? 0 : row[i] * 1e-37f;
}

static inline void gallery_row(const struct gallery_case *of, uint32_t i, float *rows,
			       uint64_t *random)
{
	float *row = rows + (size_t)i * of->size;

	switch (of->kind) {
	case TWINS:
	case SAME:
		if (i)
			gallery_near(row, rows, of->size, of->kind == SAME ? 0 : 1e-4f, random);
		else
			gallery_direction(row, of->size, 1, random);
		return;
	case FAMILIES:
		if (i % 8)
			gallery_near(row, row - of->size * (i % 8), of->size, 0.02f, random);
		else
			gallery_direction(row, of->size, 1, random);
		return;
	case SIGNS:
		for (uint32_t c = 0; c < of->size; c++)
			row[c] = card_random(random) % 4 ? 0.125f : -0.125f;
		return;
	case LENGTHS:
		gallery_direction(row, of->size, powf(10, (float)(card_random(random) % 40) - 25),
				  random);
		return;
	case ODD:
		gallery_direction(row, of->size, 1, random);
		if (card_random(random) % 40 == 0)
			gallery_odd_row(row, of->size, random);
		return;
	case OPPOSITE:
		gallery_direction(row, of->size, 1, random);
		for (uint32_t c = 0; c < of->size; c++)
			row[c] = fabsf(row[c]);
		return;
	default:
		gallery_direction(row, of->size, 1, random);
	}
}

/* Queries near rows, or nowhere near. */
static inline void gallery_query(const struct gallery_case *of, uint32_t i, const float *rows,
				 float *query, uint64_t *random)
{
	gallery_direction(query, of->size, 1, random);
	if (of->kind == OPPOSITE)
		for (uint32_t c = 0; c < of->size; c++)
			query[c] = -fabsf(query[c]);
	else if (of->rows && i % 2)
		gallery_near(query, rows + card_random(random) % of->rows * of->size, of->size,
			     0.05f, random);
	if (of->kind == ODD && i % 3 == 2)
		gallery_odd_row(query, of->size, random);
}

/* Both are to be freed. */
static inline void gallery_make(const struct gallery_case *of, uint64_t seed, float **ret_rows,
				float **ret_queries)
{
	float *rows = malloc(((size_t)of->rows * of->size + 1) * sizeof(float));
	float *queries = malloc(((size_t)of->queries * of->size + 1) * sizeof(float));

	for (uint32_t i = 0; i < of->rows; i++)
		gallery_row(of, i, rows, &seed);
	for (uint32_t i = 0; i < of->queries; i++)
		gallery_query(of, i, rows, queries + (size_t)i * of->size, &seed);
	*ret_rows = rows;
	*ret_queries = queries;
}

#endif
