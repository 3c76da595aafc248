/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A frame as the kernels read it: linear in the device's memory, its pixels as the wire had them.
 */
#ifndef SP_CUDA_PICTURE_H
#define SP_CUDA_PICTURE_H

#include <stdint.h>

#include "wire/pfnc.h"

struct sp_picture {
	/*
	 * 16-byte aligned, and SP_GATHER_SLACK bytes behind the picture may be read (cuda/gather.h
	 * makes both so). NULL: no picture, whoever gets it does nothing.
	 */
	const uint8_t *at;
	uint32_t width, height;
	/* Bytes of a line and its padding; 0: lines follow each other as one stream of bits. */
	uint32_t line_bytes;
	uint8_t kind; /* enum sp_pfnc_kind */
	uint8_t bits, bits_per_pixel;
	uint8_t red_x, red_y; /* of a mosaic */
};

/* @padding_x: bytes after each line, as a frame has them. */
static inline struct sp_picture sp_picture_of(const struct sp_pfnc *format, uint32_t width,
					      uint32_t height, uint32_t padding_x,
					      const uint8_t *at)
{
	struct sp_picture picture;

	picture.at = at;
	picture.width = width;
	picture.height = height;
	picture.line_bytes = padding_x
				     ? (uint32_t)sp_pfnc_line_bytes(format->code, width) + padding_x
				     : 0;
	picture.kind = (uint8_t)format->kind;
	picture.bits = format->bits;
	picture.bits_per_pixel = format->bits_per_pixel;
	picture.red_x = format->red_x;
	picture.red_y = format->red_y;
	return picture;
}

#endif
