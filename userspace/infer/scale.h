/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A rectangle of a frame made smaller by area: each pixel of the result is the mean of what it
 * covers, fractions of pixels included, to a few 256ths of a level. At the same size it is the
 * pixels themselves, exactly. Never enlarges. Reads each line of the frame once and holds four.
 */
#ifndef SP_INFER_SCALE_H
#define SP_INFER_SCALE_H

#include <stdint.h>

struct sp_pixels;
struct sp_scale_memory;

struct sp_scale {
	struct sp_scale_memory *memory;
};

struct sp_scale_rect {
	uint32_t x, y, width, height; /* inside the frame */
};

/*
 * Line @y of the result: @width levels of red, green, blue in 256ths, 0 … 65280. Of a grey format
 * all three are one.
 */
typedef void (*sp_scale_emit)(void *arg, uint32_t y, const uint16_t *const fine[3], uint32_t width);

/* Takes all the memory (about 970 KiB). 0 or -ENOMEM. */
int sp_scale_init(struct sp_scale *scale);
void sp_scale_uninit(struct sp_scale *scale);

/*
 * Calls @emit for each of the @height lines of the result, from the top. A mosaic that shrinks to
 * half or less is read by quads, each as one colour, the mean of its greens rounded up; else it is
 * interpolated first. 0; -EINVAL if the rectangle is empty or not in the frame, or the result is
 * empty or larger than it.
 */
int sp_scale_run(struct sp_scale *scale, struct sp_pixels *pixels, const struct sp_scale_rect *rect,
		 uint32_t width, uint32_t height, sp_scale_emit emit, void *arg);

#endif
