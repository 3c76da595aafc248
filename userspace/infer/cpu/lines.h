/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loops over lines of pixels, once for each instruction set: samples out of the wire's bytes,
 * colours out of mosaics, means of areas, a network's planes. All sets give the same integers.
 *
 * A level is 0 … 255; a fine level is one in 256ths, 0 … 65280, in 16 bits. Weights are in 65536ths
 * and add up to one. Each product is cut off at a 256th of a level, so the mean of a few lines and
 * columns is a few 256ths too dark at most, and black stays black.
 */
#ifndef SP_INFER_CPU_LINES_H
#define SP_INFER_CPU_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	SP_LINES_MAX = 4, /* that are weighed in one call */
	SP_ACROSS_GROUP = 32, /* pixels of a result that are made together, at most */
	SP_ACROSS_WINDOW = 128, /* fine levels that they are made from */
};

/*
 * How a line is made shorter: pixel i of group g is the sum over the taps t of the fine level
 * @begin[g] + @index[g][i] + t of the line, times @weight[g @taps + t][i].
 */
struct sp_across {
	uint32_t width; /* of the result */
	uint32_t taps;
	uint32_t group; /* pixels: SP_ACROSS_GROUP or half of it */
	bool half; /* what is used of each window lies in its first half */
	uint32_t eighths; /* times eight fine levels that eight neighbours are made from, at most */
	uint32_t *begin;
	uint16_t (*index)[SP_ACROSS_GROUP]; /* < SP_ACROSS_WINDOW */
	uint16_t (*weight)[SP_ACROSS_GROUP];
};

struct sp_lines {
	const char *name; /* "portable", "avx2", "avx512" */

	/*
	 * The top eight bits of @n samples. Packed ones come in whole groups: of 4 in 5 bytes, of 2
	 * in 3. @bits of 16-bit words are used.
	 */
	void (*unpack_10p)(const uint8_t *wire, uint32_t n, uint8_t *samples);
	void (*unpack_12p)(const uint8_t *wire, uint32_t n, uint8_t *samples);
	void (*unpack_16)(const uint8_t *wire, uint32_t n, uint32_t bits, uint8_t *samples);

	/* @n pixels, an even number, as sp_yuyv_to_rgb has them. */
	void (*unpack_yuyv)(const uint8_t *wire, uint32_t n, uint8_t *const rgb[3]);

	/* Between triples and three lines. */
	void (*split)(const uint8_t *triples, uint32_t n, uint8_t *const lines[3]);
	void (*join)(const uint8_t *const lines[3], uint32_t n, uint8_t *triples);
	void (*split_fine)(const uint16_t *triples, uint32_t n, uint16_t *const lines[3]);

	/*
	 * @pairs × 2 pixels of a mosaic's line between two others, all from an even column on, as
	 * sp_demosaic has them. Reads one sample before and a pair after those. @site: 0 or 1, the
	 * columns that hold the line's own colour; beside them it has green. @ret: the line's own
	 * colour, green, the other one.
	 */
	void (*demosaic)(const uint8_t *up, const uint8_t *mid, const uint8_t *down, uint32_t pairs,
			 unsigned int site, uint8_t *const ret[3]);

	/* The sum of @rows ≤ SP_LINES_MAX lines of @n levels times their weights; @add: to @sum. */
	void (*weigh)(const uint8_t *const *lines, const uint16_t *weights, unsigned int rows,
		      bool add, uint32_t n, uint16_t *sum);

	/*
	 * The same of a mosaic's quads, each the colour of its red, the rounded-up mean of its greens
	 * and its blue. @lines: for each row the line with red, which is in the columns @red_x, and
	 * the one with blue.
	 */
	void (*weigh_quads)(const uint8_t *const *lines, const uint16_t *weights, unsigned int rows,
			    bool add, unsigned int red_x, uint32_t n, uint16_t *const sum[3]);

	/* @sum += @fine × @weight */
	void (*weigh_fine)(const uint16_t *fine, uint16_t weight, uint32_t n, uint16_t *sum);

	/* Reads a window from the beginning of each group, writes whole groups. */
	void (*across)(const struct sp_across *across, const uint16_t *line, uint16_t *ret);

	void (*to_fine)(const uint8_t *levels, uint32_t n, uint16_t *fine);
	void (*to_levels)(const uint16_t *fine, uint32_t n, uint8_t *levels); /* the nearest */

	/* level × @scale + @shift */
	void (*form)(const uint8_t *levels, uint32_t n, float scale, float shift, float *to);
	void (*form_fine)(const uint16_t *fine, uint32_t n, float scale, float shift, float *to);
	void (*fill)(float *to, size_t n, float value);

	/*
	 * As form_fine and fill, past the caches, where it would be written over before it is read
	 * there or pushes out what is wanted more: memory is not read first. After the last one,
	 * stream_end, before others may read.
	 */
	void (*stream_fine)(const uint16_t *fine, uint32_t n, float scale, float shift, float *to);
	void (*stream_fill)(float *to, size_t n, float value);
	void (*stream_end)(void);
};

/* The fastest on this CPU. */
const struct sp_lines *sp_lines_best(void);

/* All that this CPU can run, the fastest first, ending with NULL. */
const struct sp_lines *const *sp_lines_all(void);

#endif
