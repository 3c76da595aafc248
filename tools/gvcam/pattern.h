/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The test pattern: every byte is a function of format, geometry, block id and place, so that a
 * receiver can compute what it should have got.
 *
 * A diagonal grey ramp, t = (x + y + 3 · block) mod 256, that moves with the block. RGB8 and BGR8
 * have t, t + 85, t + 170 for red, green, blue; YUV422_8 has the luma t and the chroma t + 85 of
 * its pixel. The block id stands on it in white decimal digits on black, from (16, 16). Wider
 * samples than 8 bits: gvcam/pack.h.
 */
#ifndef GVCAM_PATTERN_H
#define GVCAM_PATTERN_H

#include <stddef.h>
#include <stdint.h>

/*
 * @bytes of the image from byte @offset on. @pixel_format: any of sp_pfnc_table; @width in whole
 * groups of its pixels. @offset + @bytes stays within the image.
 */
void gvcam_pattern_fill(uint32_t pixel_format, uint32_t width, uint32_t height, uint64_t block,
			uint64_t offset, uint8_t *out, size_t bytes);

/*
 * One sample of it, the slow and plain way. @channel counts a pixel's samples as they lie in
 * memory: 0 … 2 for RGB8 and BGR8, 0 luma and 1 chroma for YUV422_8, else 0.
 */
uint16_t gvcam_pattern_sample(uint32_t pixel_format, uint32_t height, uint64_t block, uint32_t x,
			      uint32_t y, unsigned int channel);

#endif
