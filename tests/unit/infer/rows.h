/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of cells (cpu/kernel.h) for tests of kernels: memory that ends where a kernel's reach ends,
 * with values that must not show in what it may read and must not change in what it may not write.
 */
#ifndef SP_TESTS_ROWS_H
#define SP_TESTS_ROWS_H

#include <math.h>

#include "base/random.h"
#include "infer/cpu/kernel.h"
#include "test.h"

enum { ROWS_MAX = 2 * SP_BAND_ROWS_MAX + 2, ROWS_UNTOUCHED = 0xab };

/* Finite, so that a weight of zero hides it, and large, so that nothing else does. */
#define ROWS_POISON 1e30f

struct rows {
	enum sp_cell cell;
	uint32_t channels, blocks, n, count;
	uint8_t *memory;
	size_t size;
	struct sp_row row[ROWS_MAX];
};

static inline float random_float(uint64_t *state)
{
	return (float)((double)(sp_random_next(state) >> 40) / (1 << 23) - 1.0);
}

/* In [low, high]. */
static inline uint32_t random_between(uint64_t *state, uint32_t low, uint32_t high)
{
	return low + (uint32_t)(sp_random_next(state) % (high - low + 1));
}

/* To the nearest bfloat16, ties to even. */
static inline float to_bfloat16(float x)
{
	uint32_t bits;

	memcpy(&bits, &x, sizeof(bits));
	bits = (bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000;
	memcpy(&x, &bits, sizeof(x));
	return x;
}

static inline struct rows rows_make(enum sp_cell cell, uint32_t channels, uint32_t n,
				    uint32_t count)
{
	uint32_t a_cell = sp_cell_channels(cell);
	struct rows rows = {
		.cell = cell,
		.channels = channels,
		.blocks = (channels + a_cell - 1) / a_cell,
		.n = n,
		.count = count,
	};
	size_t block = (SP_ROW_LEFT + n + SP_ROW_RIGHT) * (size_t)SP_CELL_BYTES;

	rows.size = count * rows.blocks * block;
	rows.memory = aligned_alloc(SP_CELL_BYTES, rows.size);
	CHECK(rows.memory && count <= ROWS_MAX);
	memset(rows.memory, ROWS_UNTOUCHED, rows.size);
	for (uint32_t y = 0; y < count; y++)
		rows.row[y] = (struct sp_row){
			.at = rows.memory + y * rows.blocks * block + SP_ROW_LEFT * SP_CELL_BYTES,
			.block = block,
		};
	return rows;
}

static inline uint8_t *rows_cell(const struct rows *rows, uint32_t y, uint32_t block, int64_t x)
{
	return (uint8_t *)rows->row[y].at + block * rows->row[y].block + x * SP_CELL_BYTES;
}

static inline void rows_set(const struct rows *rows, uint32_t y, uint32_t channel, int64_t x,
			    float value)
{
	uint32_t a_cell = sp_cell_channels(rows->cell);
	uint8_t *at = rows_cell(rows, y, channel / a_cell, x);
	uint32_t bits;

	if (rows->cell == SP_CELL_F32) {
		memcpy(at + channel % a_cell * 4, &value, 4);
		return;
	}
	value = to_bfloat16(value);
	memcpy(&bits, &value, 4);
	bits >>= 16;
	memcpy(at + channel % a_cell * 2, &bits, 2); /* little-endian */
}

static inline double rows_get(const struct rows *rows, uint32_t y, uint32_t channel, int64_t x)
{
	uint32_t a_cell = sp_cell_channels(rows->cell), bits = 0;
	const uint8_t *at = rows_cell(rows, y, channel / a_cell, x);
	float value;

	if (rows->cell == SP_CELL_F32) {
		memcpy(&value, at + channel % a_cell * 4, 4);
		return value;
	}
	memcpy(&bits, at + channel % a_cell * 2, 2);
	bits <<= 16;
	memcpy(&value, &bits, 4);
	return value;
}

/* Pixels at random, the two beside them zero, everything else poison. */
static inline void rows_fill(const struct rows *rows, uint64_t *state)
{
	uint32_t padded = rows->blocks * sp_cell_channels(rows->cell);

	for (uint32_t y = 0; y < rows->count; y++) {
		for (uint32_t c = 0; c < padded; c++) {
			for (int64_t x = -SP_ROW_LEFT; x < (int64_t)rows->n + SP_ROW_RIGHT; x++) {
				bool inside = x >= 0 && x < (int64_t)rows->n;
				float value = random_float(state);

				if (x == -1 || x == (int64_t)rows->n)
					value = 0;
				else if (!inside || c >= rows->channels)
					value = ROWS_POISON;
				rows_set(rows, y, c, x, value);
			}
		}
	}
}

/* Whether everything but pixels 0 … n - 1 of each block is as rows_make left it. */
static inline bool rows_margins_untouched(const struct rows *rows)
{
	for (uint32_t y = 0; y < rows->count; y++) {
		for (uint32_t b = 0; b < rows->blocks; b++) {
			const uint8_t *from = rows_cell(rows, y, b, -SP_ROW_LEFT);
			const uint8_t *end = rows_cell(rows, y, b, rows->n + SP_ROW_RIGHT);
			const uint8_t *first = rows_cell(rows, y, b, 0);
			const uint8_t *last = rows_cell(rows, y, b, rows->n);

			for (; from < end; from++) {
				if ((from < first || from >= last) && *from != ROWS_UNTOUCHED)
					return false;
			}
		}
	}
	return true;
}

static inline void rows_free(struct rows *rows)
{
	free(rows->memory);
}

#endif
