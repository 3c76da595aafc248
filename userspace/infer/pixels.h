/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pixels of a frame as 8-bit RGB, a line or a small rectangle at a time: finds the wire's bytes,
 * where they lie if they lie together, unpacks samples to their top eight bits and interpolates
 * Bayer mosaics. Grey is R = G = B. Missing packets are black (in a mosaic, their samples are).
 *
 * Lines of packed formats follow each other as a stream of bits (wire/pfnc.h), so one may begin
 * within a byte.
 *
 * Holds a few lines, never an image. One thread.
 */
#ifndef SP_INFER_PIXELS_H
#define SP_INFER_PIXELS_H

#include <stddef.h>
#include <stdint.h>

struct sp_frame;
struct sp_lines;
struct sp_pfnc;

enum {
	SP_PIXELS_SIDE_MAX = 16384, /* wider or higher frames are refused */
	/* Memory for a line of one byte a pixel, and for one of three; more than their pixels. */
	SP_PIXELS_LINE_BYTES = SP_PIXELS_SIDE_MAX + 128,
	SP_PIXELS_PLANES_BYTES = 3 * SP_PIXELS_LINE_BYTES,
};

struct sp_pixels {
	const struct sp_lines *lines; /* the fastest loops that there are */
	const struct sp_frame *frame;
	const struct sp_pfnc *format;
	uint8_t *memory; /* holds the following */
	uint8_t *wire; /* a line as it came */
	uint8_t *planes; /* what becomes triples */
	uint8_t *mosaic[3]; /* memory of line y in [y % 3] … */
	uint8_t *samples[3]; /* … its samples in there … */
	uint32_t line[3]; /* … where this is y … */
	uint32_t first, last; /* … and of these columns: [first, last) */
};

/* Takes all the memory (about 145 KiB). 0 or -ENOMEM. */
int sp_pixels_init(struct sp_pixels *pixels);
void sp_pixels_uninit(struct sp_pixels *pixels);

/* Turns to @frame, which stays readable until the next begin. 0 or -errno of sp_stretch_check. */
int sp_pixels_begin(struct sp_pixels *pixels, const struct sp_frame *frame);

/*
 * The levels of pixels [x, x + n) of line @y, inside the image: their bytes where these lie
 * together, else made in @memory (SP_PIXELS_PLANES_BYTES). Grey and mosaics have one a pixel, RGB
 * and BGR three. NULL if they are not in the image, or for YUV.
 */
const uint8_t *sp_pixels_samples(struct sp_pixels *pixels, uint32_t y, uint32_t x, uint32_t n,
				 uint8_t *memory);

/*
 * The same of any format as a line of red, one of green, one of blue; of a grey format all three
 * are one. 0 or -EINVAL.
 */
int sp_pixels_planes(struct sp_pixels *pixels, uint32_t y, uint32_t x, uint32_t n, uint8_t *memory,
		     const uint8_t *ret_planes[3]);

/* The way ahead of someone who reads columns [x, x + n) of lines [y, end) from the top. */
struct sp_pixels_ahead {
	uint32_t y, end, x, n;
	/* Of the line before y, what is left. */
	uint64_t from;
	uint32_t bytes;
};

/* How many steps a line takes. */
uint32_t sp_pixels_steps(const struct sp_pixels *pixels, uint32_t n);

/*
 * Has the memory of the next @steps × 64 bytes fetched while the CPU does other things. A few at a
 * time, since it waits where too many are on their way.
 */
void sp_pixels_fetch(const struct sp_pixels *pixels, struct sp_pixels_ahead *ahead, uint32_t steps);

/* Pixels [x, x + n) of line @y, inside the image, into @rgb (3 n bytes). 0 or -EINVAL. */
int sp_pixels_read_line(struct sp_pixels *pixels, uint32_t y, uint32_t x, uint32_t n, uint8_t *rgb);

/* Any rectangle into @rgb (@width × @height × 3, rows without padding); black outside the image. */
int sp_pixels_read_rect(struct sp_pixels *pixels, int x, int y, uint32_t width, uint32_t height,
			uint8_t *rgb);

#endif
