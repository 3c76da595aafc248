/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pixels of a frame as 8-bit RGB, a line or a small rectangle at a time: reads the wire's bytes
 * through sp_frame_read_row, unpacks samples to their top eight bits and interpolates Bayer
 * mosaics. Grey is R = G = B. Missing packets are black (in a mosaic, their samples are).
 *
 * Holds a few lines, never an image. One thread.
 */
#ifndef SP_INFER_PIXELS_H
#define SP_INFER_PIXELS_H

#include <stddef.h>
#include <stdint.h>

struct sp_frame;
struct sp_pfnc;

enum { SP_PIXELS_SIDE_MAX = 16384 }; /* wider or higher frames are refused */

struct sp_pixels {
	const struct sp_frame *frame;
	const struct sp_pfnc *format;
	uint8_t *memory; /* holds the following */
	uint8_t *wire; /* a line as it came */
	uint8_t *samples[3]; /* mosaic: samples of line y in [y % 3] … */
	uint32_t line[3]; /* … where this is y … */
	uint32_t first, last; /* … and of these columns: [first, last) */
};

/* Takes all the memory (about 130 KiB). 0 or -ENOMEM. */
int sp_pixels_init(struct sp_pixels *pixels);
void sp_pixels_uninit(struct sp_pixels *pixels);

/*
 * Turns to @frame, which stays readable until the next begin. 0; -ENOTSUP for a pixel format that
 * is not known; -EINVAL for a geometry that cannot be read: a side of 0 or above
 * SP_PIXELS_SIDE_MAX, fewer bytes than pixels, a mosaic without a whole quad, lines that do not
 * start at a byte.
 */
int sp_pixels_begin(struct sp_pixels *pixels, const struct sp_frame *frame);

/* Pixels [x, x + n) of line @y, inside the image, into @rgb (3 n bytes). 0 or -EINVAL. */
int sp_pixels_read_line(struct sp_pixels *pixels, uint32_t y, uint32_t x, uint32_t n, uint8_t *rgb);

/* Grey formats only: the same, one byte a pixel. */
int sp_pixels_read_grey(struct sp_pixels *pixels, uint32_t y, uint32_t x, uint32_t n,
			uint8_t *grey);

/*
 * Mosaics only: 2 × 2 quads [x, x + n) of line @y of quads, each as one colour: its red, the
 * rounded-up mean of its greens, its blue. A last odd column or line is in no quad. 0 or -EINVAL.
 */
int sp_pixels_read_quads(struct sp_pixels *pixels, uint32_t y, uint32_t x, uint32_t n,
			 uint8_t *rgb);

/* Any rectangle into @rgb (@width × @height × 3, rows without padding); black outside the image. */
int sp_pixels_read_rect(struct sp_pixels *pixels, int x, int y, uint32_t width, uint32_t height,
			uint8_t *rgb);

/*
 * The share of the bytes of a rectangle, clipped to the image, that missing packets carried: 0 … 1.
 */
float sp_pixels_missing_share(struct sp_pixels *pixels, int x, int y, int width, int height);

#endif
