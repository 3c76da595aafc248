/* SPDX-License-Identifier: Apache-2.0 */
#include "gvcam/pattern.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "wire/pfnc.h"

enum {
	GLYPH_WIDTH = 5,
	GLYPH_HEIGHT = 7,
	CELL_WIDTH = GLYPH_WIDTH + 1,
	MARGIN = 1, /* black cells around the digits */
	ORIGIN = 16, /* pixels: left and top edge of the digits' box */
	LINES_A_DOT = 90, /* a dot of a digit is one pixel for every so many lines of the image */
	RAMP_STEP = 3, /* how far the ramp moves from block to block */
	RAMP = 256,
};

/* Rows from the top, bit 4 is the leftmost dot. */
static const uint8_t glyphs[10][GLYPH_HEIGHT] = {
	{ 0x0E, 0x11, 0x13, 0x15, 0x19, 0x11, 0x0E }, { 0x04, 0x0C, 0x04, 0x04, 0x04, 0x04, 0x0E },
	{ 0x0E, 0x11, 0x01, 0x06, 0x08, 0x10, 0x1F }, { 0x1F, 0x02, 0x04, 0x02, 0x01, 0x11, 0x0E },
	{ 0x02, 0x06, 0x0A, 0x12, 0x1F, 0x02, 0x02 }, { 0x1F, 0x10, 0x1E, 0x01, 0x01, 0x11, 0x0E },
	{ 0x06, 0x08, 0x10, 0x1E, 0x11, 0x11, 0x0E }, { 0x1F, 0x01, 0x02, 0x04, 0x08, 0x08, 0x08 },
	{ 0x0E, 0x11, 0x11, 0x0E, 0x11, 0x11, 0x0E }, { 0x0E, 0x11, 0x11, 0x0F, 0x01, 0x02, 0x0C },
};

/* The digits of a block id and the box they stand in. */
struct label {
	char digits[24];
	unsigned int n;
	uint32_t dot; /* pixels */
	uint32_t right, bottom; /* first column and line after the box */
};

static void label_init(struct label *label, uint32_t height, uint64_t block)
{
	label->n = (unsigned int)snprintf(label->digits, sizeof(label->digits), "%llu",
					  (unsigned long long)block);
	label->dot = height / LINES_A_DOT ? height / LINES_A_DOT : 1;
	label->right = ORIGIN + label->dot * (label->n * CELL_WIDTH - 1 + 2 * MARGIN);
	label->bottom = ORIGIN + label->dot * (GLYPH_HEIGHT + 2 * MARGIN);
}

static bool label_has(const struct label *label, uint32_t x, uint32_t y)
{
	return x >= ORIGIN && x < label->right && y >= ORIGIN && y < label->bottom;
}

/* @x and @y are inside the box. */
static uint8_t label_at(const struct label *label, uint32_t x, uint32_t y)
{
	int column = (int)((x - ORIGIN) / label->dot) - MARGIN;
	int row = (int)((y - ORIGIN) / label->dot) - MARGIN;
	int digit = column / CELL_WIDTH;
	uint8_t dots;

	if (column < 0 || row < 0 || row >= GLYPH_HEIGHT || digit >= (int)label->n ||
	    column % CELL_WIDTH >= GLYPH_WIDTH)
		return 0;
	dots = glyphs[label->digits[digit] - '0'][row];
	return dots >> (GLYPH_WIDTH - 1 - column % CELL_WIDTH) & 1 ? 255 : 0;
}

uint8_t gvcam_pattern_at(uint32_t pixel_format, uint32_t height, uint64_t block, uint32_t x,
			 uint32_t y, unsigned int channel)
{
	struct label label;

	label_init(&label, height, block);
	if (label_has(&label, x, y))
		return label_at(&label, x, y);
	return (uint8_t)(x + y + RAMP_STEP * block +
			 (pixel_format == SP_PFNC_RGB8 ? 85 * channel : 0));
}

/* The ramp from t = @start on, @bytes of it beginning at channel @channel. */
static void fill_ramp(bool rgb, uint8_t start, unsigned int channel, uint8_t *out, size_t bytes)
{
	uint32_t step = rgb ? 3 : 1;
	size_t period = (size_t)RAMP * step, made = 0;

	/* The first period by hand, the rest is a copy of it. */
	for (; made < bytes && made < period; made++) {
		out[made] = (uint8_t)(start + 85 * channel);
		if (++channel == step) {
			channel = 0;
			start++;
		}
	}
	for (; made < bytes; made += period)
		memcpy(out + made, out, bytes - made < period ? bytes - made : period);
}

void gvcam_pattern_fill(uint32_t pixel_format, uint32_t width, uint32_t height, uint64_t block,
			uint64_t offset, uint8_t *out, size_t bytes)
{
	bool rgb = pixel_format == SP_PFNC_RGB8;
	uint32_t step = rgb ? 3 : 1;
	uint64_t line_bytes = (uint64_t)width * step;
	struct label label;

	label_init(&label, height, block);
	while (bytes) {
		uint32_t y = (uint32_t)(offset / line_bytes);
		uint64_t at = offset % line_bytes; /* bytes into the line */
		size_t n = bytes < line_bytes - at ? bytes : (size_t)(line_bytes - at);
		uint64_t left = (uint64_t)ORIGIN * step, right = (uint64_t)label.right * step;

		fill_ramp(rgb, (uint8_t)(at / step + y + RAMP_STEP * block),
			  (unsigned int)(at % step), out, n);
		if (y >= ORIGIN && y < label.bottom)
			for (uint64_t i = at > left ? at : left; i < at + n && i < right; i++)
				out[i - at] = label_at(&label, (uint32_t)(i / step), y);
		out += n;
		offset += n;
		bytes -= n;
	}
}
