/* SPDX-License-Identifier: Apache-2.0 */
#include "gvcam/pattern.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "gvcam/pack.h"
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
	PIECE = 2048, /* pixels that are packed at once: whole groups of each format */
	CHROMA_NONE = 128,
};

/* The samples of a pixel, one byte each, in memory order. */
struct channels {
	uint32_t n;
	uint8_t shift[3]; /* of the ramp */
	bool chroma; /* the second one is */
};

static const struct channels grey = { .n = 1 };

static struct channels channels_of(uint32_t pixel_format)
{
	switch (pixel_format) {
	case SP_PFNC_RGB8:
		return (struct channels){ .n = 3, .shift = { 0, 85, 170 } };
	case SP_PFNC_BGR8:
		return (struct channels){ .n = 3, .shift = { 170, 85, 0 } };
	case SP_PFNC_YUV422_8:
		return (struct channels){ .n = 2, .shift = { 0, 85 }, .chroma = true };
	default:
		return grey;
	}
}

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

/* A channel's level in the box. */
static uint8_t label_level(const struct label *label, const struct channels *channels,
			   unsigned int channel, uint32_t x, uint32_t y)
{
	return channels->chroma && channel ? CHROMA_NONE : label_at(label, x, y);
}

uint16_t gvcam_pattern_sample(uint32_t pixel_format, uint32_t height, uint64_t block, uint32_t x,
			      uint32_t y, unsigned int channel)
{
	struct channels channels = channels_of(pixel_format);
	struct label label;
	uint8_t level;

	label_init(&label, height, block);
	if (label_has(&label, x, y))
		level = label_level(&label, &channels, channel, x, y);
	else
		level = (uint8_t)(x + y + RAMP_STEP * block + channels.shift[channel]);
	return gvcam_widen(level, sp_pfnc_by_code(pixel_format)->bits);
}

/* The ramp from t = @start on, @bytes of it beginning at channel @channel. */
static void fill_ramp(const struct channels *channels, uint8_t start, unsigned int channel,
		      uint8_t *out, size_t bytes)
{
	size_t period = (size_t)RAMP * channels->n, made = 0;

	/* The first period by hand, the rest is a copy of it. */
	for (; made < bytes && made < period; made++) {
		out[made] = (uint8_t)(start + channels->shift[channel]);
		if (++channel == channels->n) {
			channel = 0;
			start++;
		}
	}
	for (; made < bytes; made += period)
		memcpy(out + made, out, bytes - made < period ? bytes - made : period);
}

/* Formats of one byte a sample. */
static void fill_bytes(const struct channels *channels, uint32_t width, uint32_t height,
		       uint64_t block, uint64_t offset, uint8_t *out, size_t bytes)
{
	uint32_t step = channels->n;
	uint64_t line_bytes = (uint64_t)width * step;
	struct label label;

	label_init(&label, height, block);
	while (bytes) {
		uint32_t y = (uint32_t)(offset / line_bytes);
		uint64_t at = offset % line_bytes; /* bytes into the line */
		size_t n = bytes < line_bytes - at ? bytes : (size_t)(line_bytes - at);
		uint64_t left = (uint64_t)ORIGIN * step, right = (uint64_t)label.right * step;

		fill_ramp(channels, (uint8_t)(at / step + y + RAMP_STEP * block),
			  (unsigned int)(at % step), out, n);
		if (y >= ORIGIN && y < label.bottom)
			for (uint64_t i = at > left ? at : left; i < at + n && i < right; i++)
				out[i - at] = label_level(&label, channels,
							  (unsigned int)(i % step),
							  (uint32_t)(i / step), y);
		out += n;
		offset += n;
		bytes -= n;
	}
}

void gvcam_pattern_fill(uint32_t pixel_format, uint32_t width, uint32_t height, uint64_t block,
			uint64_t offset, uint8_t *out, size_t bytes)
{
	const struct sp_pfnc *format = sp_pfnc_by_code(pixel_format);
	struct channels channels = channels_of(pixel_format);
	size_t group_bytes = format->group * format->bits_per_pixel / 8u;
	uint8_t levels[PIECE], packed[2 * PIECE];

	if (format->bits == 8) {
		fill_bytes(&channels, width, height, block, offset, out, bytes);
		return;
	}
	while (bytes) {
		size_t skip = (size_t)(offset % group_bytes);
		size_t groups = (skip + bytes + group_bytes - 1) / group_bytes, n;

		if (groups > PIECE / format->group)
			groups = PIECE / format->group;
		fill_bytes(&grey, width, height, block, offset / group_bytes * format->group,
			   levels, groups * format->group);
		gvcam_pack(format, levels, groups * format->group, packed);
		n = groups * group_bytes - skip;
		if (n > bytes)
			n = bytes;
		memcpy(out, packed + skip, n);
		out += n;
		offset += n;
		bytes -= n;
	}
}
