/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of units of a picture as a warp reads them, from the top: a unit is what is weighed as one
 * colour, a pixel or a mosaic's quad. Each thread has a few neighbours. The next row is on its way
 * while one is worked on.
 *
 * A thread's samples lie together, at any bit: it reads the aligned 32-bit words around them and
 * shifts. So up to 32 bytes behind the picture are read, and none before it.
 */
#ifndef SP_CUDA_UNITS_H
#define SP_CUDA_UNITS_H

#include "cuda/dialect.h"
#include "cuda/picture.h"
#include "infer/element.h"

enum sp_reading {
	SP_READ_GREY,
	SP_READ_TRIPLES, /* colours in the wire's order */
	SP_READ_YUYV,
	SP_READ_QUADS, /* of a mosaic */
	SP_READ_MOSAIC, /* interpolated */
};

enum { SP_UNIT_VALUES_MAX = 12 };

/* Units of a thread, colours of a unit, levels of a thread (colour by colour). */
#define SP_UNITS(reading) ((reading) == SP_READ_GREY ? 8 : 4)
#define SP_UNIT_COLOURS(reading) ((reading) == SP_READ_GREY ? 1 : 3)
#define SP_UNIT_VALUES(reading) (SP_UNITS(reading) * SP_UNIT_COLOURS(reading))
/* Lines and columns of a unit. */
#define SP_UNIT_SIDE(reading) ((reading) == SP_READ_QUADS ? 2 : 1)
/* Pixels of a line that a thread reads, and words that these are. */
#define SP_UNIT_PIXELS(reading) ((reading) == SP_READ_TRIPLES || (reading) == SP_READ_YUYV ? 4 : 8)
#define SP_UNIT_WORDS(reading, bits) ((SP_UNIT_PIXELS(reading) * (bits) + 31) / 32)

/* Part of a line, on its way: the word after the last one has what a shift brings in. */
struct sp_unit_words {
	uint32_t word[5], shift;
};

/* Levels of eight neighbours, a byte each, the first one lowest. */
struct sp_levels {
	uint32_t low, high;
};

struct sp_unit_reader {
	const struct sp_picture *picture;
	int32_t column; /* of the thread's first unit; of SP_READ_MOSAIC one with red, from -1 on */
	uint32_t line; /* where the row begins that is on its way */
	bool reads; /* whether any of the thread's units is wanted */
	struct sp_unit_words next[2];
	struct sp_levels up, mid; /* SP_READ_MOSAIC: the two lines before */
};

template <int reading, int bits>
static __device__ __forceinline__ void sp_words_fetch(const struct sp_picture *picture, uint32_t y,
						      uint32_t column, struct sp_unit_words *words)
{
	uint64_t line_bits = picture->line_bytes ? 8 * (uint64_t)picture->line_bytes
						 : (uint64_t)picture->width * bits;
	uint64_t line = y * line_bits;
	uint32_t bit = (uint32_t)(line % 32) + column * bits;
	const uint32_t *at = (const uint32_t *)picture->at + line / 32 + bit / 32;

	words->shift = bit % 32;
	SP_UNROLL
	for (int i = 0; i <= SP_UNIT_WORDS(reading, bits); i++)
		words->word[i] = __ldg(at + i);
}

/* The samples from bit 0 on. */
template <int reading, int bits>
static __device__ __forceinline__ void sp_words_align(const struct sp_unit_words *words,
						      uint32_t *aligned)
{
	SP_UNROLL
	for (int i = 0; i < SP_UNIT_WORDS(reading, bits); i++)
		aligned[i] = __funnelshift_r(words->word[i], words->word[i + 1], words->shift);
}

static __device__ __forceinline__ uint32_t sp_byte(uint32_t word, uint32_t shift)
{
	return word >> shift & 0xFF;
}

/* The top eight bits of eight samples. @used: of 16 bits. */
template <int reading, int bits>
static __device__ __forceinline__ struct sp_levels
sp_words_levels(const struct sp_unit_words *words, uint32_t used)
{
	struct sp_levels levels;
	uint32_t a[SP_UNIT_WORDS(reading, bits)];

	sp_words_align<reading, bits>(words, a);
	if constexpr (bits == 10) {
		/* Sample i's are bits 10 i + 2 and on. */
		levels.low = sp_byte(a[0], 2) | sp_byte(a[0], 12) << 8 | sp_byte(a[0], 22) << 16 |
			     a[1] << 24;
		levels.high = sp_byte(a[1], 10) | sp_byte(a[1], 20) << 8 |
			      (a[1] >> 30 | (a[2] & 63) << 2) << 16 | sp_byte(a[2], 8) << 24;
	} else if constexpr (bits == 12) {
		/* 12 i + 4 */
		levels.low = sp_byte(a[0], 4) | sp_byte(a[0], 16) << 8 |
			     (a[0] >> 28 | (a[1] & 15) << 4) << 16 | sp_byte(a[1], 8) << 24;
		levels.high = sp_byte(a[1], 20) | sp_byte(a[2], 0) << 8 | sp_byte(a[2], 12) << 16 |
			      sp_byte(a[2], 24) << 24;
	} else if constexpr (bits == 16) {
		uint32_t down = used - 8;

		SP_UNROLL
		for (int i = 0; i < 4; i++)
			a[i] = sp_byte(a[i], down) | sp_byte(a[i], down + 16) << 8;
		levels.low = a[0] | a[1] << 16;
		levels.high = a[2] | a[3] << 16;
	} else {
		levels.low = a[0];
		levels.high = a[1];
	}
	return levels;
}

/* ---- mosaics: two levels in one word, 16 bits each, so that two units are made at once ---- */

enum { SP_PAIR = 0x00FF00FF, SP_PAIR_ONE = 0x00010001 };

static __device__ __forceinline__ uint32_t sp_pair_mean(uint32_t a, uint32_t b)
{
	return (a + b + SP_PAIR_ONE) >> 1 & SP_PAIR;
}

static __device__ __forceinline__ uint32_t sp_pair_mean_of_four(uint32_t sum)
{
	return (sum + 2 * SP_PAIR_ONE) >> 2 & SP_PAIR;
}

static __device__ __forceinline__ void sp_pair_to(uint32_t pair, float *low, float *high)
{
	*low = (float)(pair & 0xFFFF);
	*high = (float)(pair >> 16);
}

/* Two quads: what two lines have of them; sp_quad_green's mean. */
static __device__ __forceinline__ void sp_quads_of(uint32_t red_line, uint32_t blue_line,
						   uint32_t red_x, float *values)
{
	uint32_t own = 8 * red_x, other = 8 - own;
	uint32_t green = sp_pair_mean(red_line >> other & SP_PAIR, blue_line >> own & SP_PAIR);

	sp_pair_to(red_line >> own & SP_PAIR, &values[0], &values[1]);
	sp_pair_to(green, &values[4], &values[5]);
	sp_pair_to(blue_line >> other & SP_PAIR, &values[8], &values[9]);
}

/* Levels @i and @i + 2 of a window. */
template <int i> static __device__ __forceinline__ uint32_t sp_pair_at(struct sp_levels levels)
{
	if constexpr (i < 2)
		return levels.low >> 8 * i & SP_PAIR;
	else
		return __funnelshift_r(levels.low, levels.high, 8 * i) & SP_PAIR;
}

/* Three neighbouring pairs of three lines. What sp_demosaic makes of them, by where they are. */
struct sp_pair_around {
	uint32_t own, beside, above, cross, corners;
};

template <int i>
static __device__ __forceinline__ struct sp_pair_around
sp_pairs_around(struct sp_levels up, struct sp_levels mid, struct sp_levels down)
{
	uint32_t left = sp_pair_at<i - 1>(mid), right = sp_pair_at<i + 1>(mid);
	uint32_t top = sp_pair_at<i>(up), bottom = sp_pair_at<i>(down);
	struct sp_pair_around around;

	around.own = sp_pair_at<i>(mid);
	around.beside = sp_pair_mean(left, right);
	around.above = sp_pair_mean(top, bottom);
	around.cross = sp_pair_mean_of_four(left + right + top + bottom);
	around.corners = sp_pair_mean_of_four(sp_pair_at<i - 1>(up) + sp_pair_at<i + 1>(up) +
					      sp_pair_at<i - 1>(down) + sp_pair_at<i + 1>(down));
	return around;
}

/* Four pixels in columns 1 … 4 of a window, of which 1 and 3 are ones that hold red samples. */
static __device__ __forceinline__ void sp_mosaic_of(struct sp_levels up, struct sp_levels mid,
						    struct sp_levels down, bool red_line,
						    float *values)
{
	struct sp_pair_around a = sp_pairs_around<1>(up, mid, down);
	struct sp_pair_around b = sp_pairs_around<2>(up, mid, down);

	sp_pair_to(red_line ? a.own : a.above, &values[0], &values[2]);
	sp_pair_to(red_line ? a.cross : a.own, &values[4], &values[6]);
	sp_pair_to(red_line ? a.corners : a.beside, &values[8], &values[10]);
	sp_pair_to(red_line ? b.beside : b.corners, &values[1], &values[3]);
	sp_pair_to(red_line ? b.own : b.cross, &values[5], &values[7]);
	sp_pair_to(red_line ? b.above : b.own, &values[9], &values[11]);
}

/* The window of levels around a thread's pixels of line @y, fetched by sp_window_fetch. */
template <int bits>
static __device__ __forceinline__ struct sp_levels
sp_window_levels(const struct sp_unit_reader *reader, const struct sp_unit_words *words)
{
	struct sp_levels levels = sp_words_levels<SP_READ_MOSAIC, bits>(words, 8);
	/* Where the window begins, and which of its levels is the first one beyond the picture. */
	int32_t column = reader->column - 1, end = (int32_t)reader->picture->width - column;

	/* Column -1 has the level of column 1, as sp_demosaic wants it. */
	if (column < 0) {
		levels.high = __funnelshift_r(levels.low, levels.high, 24);
		levels.low = levels.low << 8 | sp_byte(levels.low, 8);
	}
	if (column < -1) {
		levels.high = __funnelshift_r(levels.low, levels.high, 24);
		levels.low <<= 8;
	}
	if (end >= 2 && end < 6) {
		uint32_t level = sp_byte(levels.low, 8 * (end - 2)), shift = 8 * (end % 4);
		uint32_t word = end < 4 ? levels.low : levels.high;

		word = (word & ~(0xFFu << shift)) | level << shift;
		levels.low = end < 4 ? word : levels.low;
		levels.high = end < 4 ? levels.high : word;
	}
	return levels;
}

/* ---- rows ---- */

template <int reading, int bits>
static __device__ __forceinline__ void sp_units_fetch(struct sp_unit_reader *reader)
{
	const struct sp_picture *picture = reader->picture;
	uint32_t column = (uint32_t)reader->column, line = reader->line;

	if (!reader->reads)
		return;
	if constexpr (reading == SP_READ_QUADS) {
		sp_words_fetch<reading, bits>(picture, line + picture->red_y, column,
					      &reader->next[0]);
		sp_words_fetch<reading, bits>(picture, line + !picture->red_y, column,
					      &reader->next[1]);
	} else if constexpr (reading == SP_READ_MOSAIC) {
		column = (uint32_t)max(reader->column - 1, 0);
		line = line + 1 < picture->height ? line + 1 : picture->height - 2;
		sp_words_fetch<reading, bits>(picture, line, column, &reader->next[0]);
	} else {
		sp_words_fetch<reading, bits>(picture, line, column, &reader->next[0]);
	}
}

/* Turns to the row that begins at line @line. Sets all that is not said where it is read. */
template <int reading, int bits>
static __device__ __forceinline__ void sp_units_begin(struct sp_unit_reader *reader, uint32_t line)
{
	memset(reader->next, 0, sizeof(reader->next));
	if constexpr (reading == SP_READ_MOSAIC) {
		struct sp_unit_words *words = reader->next;
		uint32_t column = (uint32_t)max(reader->column - 1, 0);

		if (reader->reads) {
			sp_words_fetch<reading, bits>(reader->picture, line ? line - 1 : 1, column,
						      &words[0]);
			sp_words_fetch<reading, bits>(reader->picture, line, column, &words[1]);
		}
		reader->up = sp_window_levels<bits>(reader, &words[0]);
		reader->mid = sp_window_levels<bits>(reader, &words[1]);
	}
	reader->line = line;
	sp_units_fetch<reading, bits>(reader);
}

/* The thread's levels of the row that was on its way. @more: the next one is then. */
template <int reading, int bits>
static __device__ __forceinline__ void sp_units_read(struct sp_unit_reader *reader, bool more,
						     float *values)
{
	const struct sp_picture *picture = reader->picture;
	struct sp_levels first, second;
	uint32_t line = reader->line;
	uint32_t a[SP_UNIT_WORDS(reading, bits)];

	if constexpr (reading == SP_READ_TRIPLES || reading == SP_READ_YUYV)
		sp_words_align<reading, bits>(&reader->next[0], a);
	else if constexpr (reading == SP_READ_MOSAIC)
		first = sp_window_levels<bits>(reader, &reader->next[0]);
	else
		first = sp_words_levels<reading, bits>(&reader->next[0], picture->bits);
	if constexpr (reading == SP_READ_QUADS)
		second = sp_words_levels<reading, bits>(&reader->next[1], picture->bits);
	reader->line += SP_UNIT_SIDE(reading);
	if (more)
		sp_units_fetch<reading, bits>(reader);
	if constexpr (reading == SP_READ_GREY) {
		SP_UNROLL
		for (int i = 0; i < 4; i++) {
			values[i] = (float)sp_byte(first.low, 8 * i);
			values[i + 4] = (float)sp_byte(first.high, 8 * i);
		}
	} else if constexpr (reading == SP_READ_TRIPLES) {
		SP_UNROLL
		for (int i = 0; i < 12; i++)
			values[i % 3 * 4 + i / 3] = (float)sp_byte(a[i / 4], i % 4 * 8);
	} else if constexpr (reading == SP_READ_YUYV) {
		SP_UNROLL
		for (int i = 0; i < 2; i++) {
			uint8_t yuyv[4], rgb[6];

			SP_UNROLL
			for (int k = 0; k < 4; k++)
				yuyv[k] = (uint8_t)(a[i] >> 8 * k);
			sp_yuyv_to_rgb(yuyv, rgb);
			SP_UNROLL
			for (int k = 0; k < 6; k++)
				values[k % 3 * 4 + 2 * i + k / 3] = (float)rgb[k];
		}
	} else if constexpr (reading == SP_READ_QUADS) {
		sp_quads_of(first.low, second.low, picture->red_x, values);
		sp_quads_of(first.high, second.high, picture->red_x, values + 2);
	} else {
		sp_mosaic_of(reader->up, reader->mid, first, (line & 1) == picture->red_y, values);
		reader->up = reader->mid;
		reader->mid = first;
	}
}

#endif
