/* SPDX-License-Identifier: Apache-2.0 */
#include "image/image.h"

#include <math.h>
#include <string.h>

#include "image/font.h"

/* 64 bits, so that no sum of two ints from a caller wraps. */
static void fill(struct sp_image *image, int64_t x0, int64_t y0, int64_t x1, int64_t y1,
		 uint32_t colour)
{
	if (x0 < 0)
		x0 = 0;
	if (y0 < 0)
		y0 = 0;
	if (x1 > image->width)
		x1 = image->width;
	if (y1 > image->height)
		y1 = image->height;
	for (int64_t y = y0; y < y1; y++) {
		for (int64_t x = x0; x < x1; x++) {
			uint8_t *pixel = image->rgb + ((size_t)y * image->width + (size_t)x) * 3;

			pixel[0] = (uint8_t)(colour >> 16);
			pixel[1] = (uint8_t)(colour >> 8);
			pixel[2] = (uint8_t)colour;
		}
	}
}

void sp_image_draw_rect(struct sp_image *image, int x, int y, int width, int height, int thickness,
			uint32_t colour)
{
	int64_t x0 = x, y0 = y, x1 = x0 + width, y1 = y0 + height, t = thickness;

	fill(image, x0, y0, x1, y0 + t < y1 ? y0 + t : y1, colour);
	fill(image, x0, y1 - t > y0 ? y1 - t : y0, x1, y1, colour);
	fill(image, x0, y0, x0 + t < x1 ? x0 + t : x1, y1, colour);
	fill(image, x1 - t > x0 ? x1 - t : x0, y0, x1, y1, colour);
}

void sp_image_draw_veil(struct sp_image *image, int x, int y, int width, int height, float opacity,
			uint32_t colour)
{
	int64_t x0 = x > 0 ? x : 0, y0 = y > 0 ? y : 0;
	int64_t x1 = (int64_t)x + width, y1 = (int64_t)y + height;
	const int towards[3] = { colour >> 16 & 255, colour >> 8 & 255, colour & 255 };

	if (x1 > image->width)
		x1 = image->width;
	if (y1 > image->height)
		y1 = image->height;
	for (; y0 < y1; y0++) {
		uint8_t *pixel = image->rgb + ((size_t)y0 * image->width + (size_t)x0) * 3;

		for (int64_t i = 0; i < 3 * (x1 - x0); i++)
			pixel[i] = (uint8_t)lrintf((float)pixel[i] +
						   opacity * (float)(towards[i % 3] - pixel[i]));
	}
}

void sp_image_draw_dot(struct sp_image *image, int x, int y, int radius, uint32_t colour)
{
	int64_t r = radius < SP_IMAGE_SIDE_MAX ? radius : SP_IMAGE_SIDE_MAX;
	int64_t half = r;

	if (r < 0)
		return;
	/* Row by row from the middle: the half width only shrinks. */
	for (int64_t dy = 0; dy <= r; dy++) {
		while (half * half + dy * dy > r * r)
			half--;
		fill(image, x - half, y + dy, x + half + 1, y + dy + 1, colour);
		fill(image, x - half, y - dy, x + half + 1, y - dy + 1, colour);
	}
}

void sp_image_draw_text(struct sp_image *image, int x, int y, int scale, uint32_t colour,
			const char *text)
{
	int64_t left = x;

	if (scale < 1)
		scale = 1;
	for (; *text && left < image->width; text++, left += (int64_t)SP_FONT_SIDE * scale) {
		int c = *text >= SP_FONT_FIRST && *text <= SP_FONT_LAST ? *text : '?';
		const uint8_t *glyph = sp_font[c - SP_FONT_FIRST];

		for (int i = 0; i < SP_FONT_SIDE * SP_FONT_SIDE; i++) {
			int64_t px = left + (int64_t)(i % SP_FONT_SIDE) * scale;
			int64_t py = y + (int64_t)(i / SP_FONT_SIDE) * scale;

			if (glyph[i / SP_FONT_SIDE] & 0x80 >> i % SP_FONT_SIDE)
				fill(image, px, py, px + scale, py + scale, colour);
		}
	}
}

void sp_image_draw_image(struct sp_image *image, int x, int y, const struct sp_image *source)
{
	int64_t x0 = x > 0 ? x : 0, y0 = y > 0 ? y : 0;
	int64_t x1 = (int64_t)x + source->width, y1 = (int64_t)y + source->height;

	if (x1 > image->width)
		x1 = image->width;
	if (y1 > image->height)
		y1 = image->height;
	if (x0 >= x1)
		return;
	for (int64_t row = y0; row < y1; row++)
		memcpy(image->rgb + ((size_t)row * image->width + (size_t)x0) * 3,
		       source->rgb + ((size_t)(row - y) * source->width + (size_t)(x0 - x)) * 3,
		       (size_t)(x1 - x0) * 3);
}
