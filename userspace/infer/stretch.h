/* SPDX-License-Identifier: Apache-2.0 */
/* Where the pixels of a frame lie among its bytes, by description alone. Pure. */
#ifndef SP_INFER_STRETCH_H
#define SP_INFER_STRETCH_H

#include <stdint.h>

#include "frame/frame.h"
#include "wire/pfnc.h"

/* Bytes of the image's part that hold a run of pixels, from and to a border between groups. */
struct sp_stretch {
	uint64_t from;
	uint32_t bytes; /* in the part; a last group may lack its end */
	uint32_t whole_bytes; /* of the groups */
	uint32_t pixels; /* in the groups … */
	uint32_t skip; /* … and how many of them before the run */
};

/* Of pixels [x, x + n) of line @y. */
static inline struct sp_stretch sp_stretch_of(const struct sp_frame *frame,
					      const struct sp_pfnc *format, uint32_t y, uint32_t x,
					      uint32_t n)
{
	/* 1, 2 or 4. */
	uint32_t group = format->group, shift = group / 2;
	uint32_t group_bytes = group * format->bits_per_pixel / 8;
	uint64_t line = 0, index = (uint64_t)y * frame->width + x, left, first, groups;
	struct sp_stretch stretch;

	/* Without padding all lines are one stream of pixels. */
	if (frame->padding_x) {
		line = sp_pfnc_line_bytes(format->code, frame->width) + frame->padding_x;
		line *= y;
		index = x;
	}
	first = index >> shift;
	groups = ((index + n + group - 1) >> shift) - first;
	stretch.from = line + first * group_bytes;
	stretch.pixels = (uint32_t)groups * group;
	stretch.skip = (uint32_t)(index - first * group);
	stretch.whole_bytes = (uint32_t)groups * group_bytes;
	left = frame->parts_n && frame->parts[0].bytes > stretch.from
		       ? frame->parts[0].bytes - stretch.from
		       : 0;
	stretch.bytes = left < stretch.whole_bytes ? (uint32_t)left : stretch.whole_bytes;
	return stretch;
}

/*
 * Whether a frame's pixels can be read. 0 with its format; -ENOTSUP for a pixel format that is not
 * known; -EINVAL for a geometry that cannot be read: a side of 0 or above SP_PIXELS_SIDE_MAX, fewer
 * bytes than pixels, a mosaic without a whole quad, an odd width where two pixels share their colour.
 */
int sp_stretch_check(const struct sp_frame *frame, const struct sp_pfnc **ret_format);

#endif
