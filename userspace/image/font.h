/* SPDX-License-Identifier: Apache-2.0 */
/* The built-in font: printable ASCII, 8 × 8 pixels. */
#ifndef SP_IMAGE_FONT_H
#define SP_IMAGE_FONT_H

#include <stdint.h>

enum {
	SP_FONT_FIRST = ' ',
	SP_FONT_LAST = '~',
	SP_FONT_GLYPHS = SP_FONT_LAST - SP_FONT_FIRST + 1,
	SP_FONT_SIDE = 8,
};

extern const uint8_t sp_font[SP_FONT_GLYPHS][SP_FONT_SIDE];

#endif
