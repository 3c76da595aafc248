/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tiles in software, by the operations that the Intel SDM, volume 2, gives for LDTILECFG,
 * TILELOADD, TILESTORED, TDPBF16PS and TILERELEASE. What raises an exception there ends the program
 * here. Included by tile.h.
 */
#ifndef SP_INFER_CPU_KERNEL_TILE_SOFTWARE_H
#define SP_INFER_CPU_KERNEL_TILE_SOFTWARE_H

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* A thread's, as registers are. */
static _Thread_local struct {
	struct sp_tile_shapes shapes;
	uint8_t row[SP_TILES][SP_TILE_ROWS][SP_TILE_ROW];
} sp_software;

static inline void sp_software_require(bool condition)
{
	if (!condition)
		abort();
}

static inline void sp_software_begin(const struct sp_tile_shapes *shapes)
{
	sp_software_require(shapes->palette == 1 && !shapes->start_row);
	for (unsigned int i = 0; i < sizeof(shapes->reserved); i++)
		sp_software_require(!shapes->reserved[i]);
	for (unsigned int i = 0; i < 16; i++) {
		bool used = shapes->rows[i] && shapes->columns[i];

		sp_software_require(used == (shapes->rows[i] || shapes->columns[i]));
		sp_software_require(!used || i < SP_TILES);
		sp_software_require(shapes->rows[i] <= SP_TILE_ROWS &&
				    shapes->columns[i] <= SP_TILE_ROW);
	}
	memset(&sp_software, 0, sizeof(sp_software));
	sp_software.shapes = *shapes;
}

static inline void sp_software_end(void)
{
	memset(&sp_software, 0, sizeof(sp_software));
}

static inline void sp_software_load(unsigned int tile, const void *from, size_t stride)
{
	size_t columns = sp_software.shapes.columns[tile];

	sp_software_require(sp_software.shapes.rows[tile]);
	memset(sp_software.row[tile], 0, sizeof(sp_software.row[tile]));
	for (size_t i = 0; i < sp_software.shapes.rows[tile]; i++)
		memcpy(sp_software.row[tile][i], (const uint8_t *)from + i * stride, columns);
}

static inline void sp_software_store(unsigned int tile, void *to, size_t stride)
{
	size_t columns = sp_software.shapes.columns[tile];

	sp_software_require(sp_software.shapes.rows[tile]);
	for (size_t i = 0; i < sp_software.shapes.rows[tile]; i++)
		memcpy((uint8_t *)to + i * stride, sp_software.row[tile][i], columns);
}

/* Rounded to float32, to nearest even; what is subnormal then is zero. */
static inline float sp_software_flush(double x)
{
	if (fabs(x) < 0x1p-126 - 0x1p-151)
		return copysignf(0, (float)x);
	return (float)x;
}

static inline float sp_software_half(uint16_t half)
{
	uint32_t bits = (uint32_t)half << 16;
	float x;

	memcpy(&x, &bits, sizeof(x));
	return sp_software_flush(x);
}

/*
 * The sums of first and of second products of the pairs are kept apart until the end. In double,
 * a product of two bfloat16 is exact, and its sum with a float32, rounded to that, is as if it had
 * been rounded once: where double is not exact, one of the two is below half a unit of the other.
 */
static inline void sp_software_dot(unsigned int sums, unsigned int a, unsigned int b)
{
	const struct sp_tile_shapes *shapes = &sp_software.shapes;
	unsigned int pairs = shapes->columns[a] / 4u, columns = shapes->columns[sums] / 4u;
	uint16_t left[2], right[SP_TILE_ROW / 4][2];
	float sum[SP_TILE_ROW / 4];

	sp_software_require(sums != a && sums != b && a != b);
	sp_software_require(shapes->rows[sums] && shapes->rows[sums] == shapes->rows[a] &&
			    shapes->columns[sums] == shapes->columns[b] &&
			    pairs == shapes->rows[b] && shapes->columns[a] % 4 == 0 &&
			    shapes->columns[b] % 4 == 0);
	for (unsigned int m = 0; m < shapes->rows[sums]; m++) {
		float part[SP_TILE_ROW / 4][2] = { 0 };

		for (unsigned int k = 0; k < pairs; k++) {
			memcpy(left, sp_software.row[a][m] + 4 * k, sizeof(left));
			memcpy(right, sp_software.row[b][k], sizeof(right));
			for (unsigned int i = 0; i < 2 * columns; i++)
				part[i / 2][i % 2] = sp_software_flush(
					(double)sp_software_half(left[i % 2]) *
						(double)sp_software_half(right[i / 2][i % 2]) +
					(double)part[i / 2][i % 2]);
		}
		memcpy(sum, sp_software.row[sums][m], sizeof(sum));
		for (unsigned int i = 0; i < columns; i++)
			sum[i] = sp_software_flush(
				(double)sp_software_flush(sum[i]) +
				(double)sp_software_flush((double)part[i][0] + (double)part[i][1]));
		memcpy(sp_software.row[sums][m], sum, sizeof(sum));
	}
}

#endif
