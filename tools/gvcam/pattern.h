/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The test pattern: every byte is a function of format, geometry, block id and place, so that a
 * receiver can compute what it should have got.
 *
 * A diagonal grey ramp, t = (x + y + 3 · block) mod 256, that moves with the block; RGB8 has t,
 * t + 85, t + 170. The block id stands on it in white decimal digits on black, from (16, 16).
 */
#ifndef GVCAM_PATTERN_H
#define GVCAM_PATTERN_H

#include <stddef.h>
#include <stdint.h>

/*
 * @bytes of the image from byte @offset on. @pixel_format: SP_PFNC_RGB8, or any format of one byte
 * a pixel. @offset + @bytes stays within width × height × bytes a pixel.
 */
void gvcam_pattern_fill(uint32_t pixel_format, uint32_t width, uint32_t height, uint64_t block,
			uint64_t offset, uint8_t *out, size_t bytes);

/* One byte of it, the slow and plain way: @channel is 0 … 2 for RGB8, else 0. */
uint8_t gvcam_pattern_at(uint32_t pixel_format, uint32_t height, uint64_t block, uint32_t x,
			 uint32_t y, unsigned int channel);

#endif
