/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/pixels.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "frame/frame.h"
#include "infer/element.h"
#include "wire/pfnc.h"

enum {
	NO_LINE = UINT32_MAX,
	WIRE_BYTES = SP_PIXELS_SIDE_MAX * 3,
	SAMPLE_BYTES = SP_PIXELS_SIDE_MAX + 8, /* begins and ends at a group's border */
};

int sp_pixels_init(struct sp_pixels *pixels)
{
	memset(pixels, 0, sizeof(*pixels));
	pixels->memory = malloc(WIRE_BYTES + 3 * SAMPLE_BYTES);
	if (!pixels->memory)
		return -ENOMEM;
	pixels->wire = pixels->memory;
	for (int i = 0; i < 3; i++)
		pixels->samples[i] = pixels->memory + WIRE_BYTES + (size_t)i * SAMPLE_BYTES;
	return 0;
}

void sp_pixels_uninit(struct sp_pixels *pixels)
{
	free(pixels->memory);
	memset(pixels, 0, sizeof(*pixels));
}

static void forget_lines(struct sp_pixels *pixels)
{
	for (int i = 0; i < 3; i++)
		pixels->line[i] = NO_LINE;
}

int sp_pixels_begin(struct sp_pixels *pixels, const struct sp_frame *frame)
{
	const struct sp_pfnc *format = sp_pfnc_by_code(frame->pixel_format);

	if (!format)
		return -ENOTSUP;
	if (!frame->width || !frame->height || frame->width > SP_PIXELS_SIDE_MAX ||
	    frame->height > SP_PIXELS_SIDE_MAX || frame->width % format->group)
		return -EINVAL;
	if (format->kind == SP_PFNC_BAYER && (frame->width < 2 || frame->height < 2))
		return -EINVAL;
	/* The last pixels are there, so all are. */
	if (sp_frame_read_row(frame, frame->height - 1, frame->width - format->group, format->group,
			      pixels->wire) < 0)
		return -EINVAL;
	pixels->frame = frame;
	pixels->format = format;
	forget_lines(pixels);
	return 0;
}

/* Widens [*x, *x + *n) to whole groups; they fit, since the width is a multiple of a group. */
static void widen_to_groups(const struct sp_pfnc *format, uint32_t *x, uint32_t *n)
{
	uint32_t first = *x / format->group * format->group;
	uint32_t last = (*x + *n + format->group - 1) / format->group * format->group;

	*x = first;
	*n = last - first;
}

/* Samples of a line of grey or mosaic; @x and @n are whole groups. */
static int read_samples(struct sp_pixels *pixels, uint32_t y, uint32_t x, uint32_t n,
			uint8_t *samples)
{
	const struct sp_pfnc *format = pixels->format;
	uint8_t *wire = format->bits_per_pixel == 8 ? samples : pixels->wire;
	uint32_t i;

	if (sp_frame_read_row(pixels->frame, y, x, n, wire) < 0)
		return -EINVAL;
	switch (format->bits_per_pixel) {
	case 8:
		break;
	case 10:
		for (i = 0; i < n; i++)
			samples[i] = sp_sample_10p(wire, i);
		break;
	case 12:
		for (i = 0; i < n; i++)
			samples[i] = sp_sample_12p(wire, i);
		break;
	default:
		for (i = 0; i < n; i++)
			samples[i] = sp_sample_16(wire, i, format->bits);
	}
	return 0;
}

/* The samples of line @y, kept from the last call where they are the same columns. */
static const uint8_t *mosaic_line(struct sp_pixels *pixels, uint32_t y)
{
	uint32_t slot = y % 3;

	if (pixels->line[slot] != y) {
		pixels->line[slot] = NO_LINE;
		if (read_samples(pixels, y, pixels->first, pixels->last - pixels->first,
				 pixels->samples[slot]))
			return NULL;
		pixels->line[slot] = y;
	}
	return pixels->samples[slot];
}

/* Makes the kept lines cover the columns [first, last). */
static void cover_columns(struct sp_pixels *pixels, uint32_t first, uint32_t last)
{
	uint32_t n = last - first;

	widen_to_groups(pixels->format, &first, &n);
	if (first == pixels->first && first + n == pixels->last)
		return;
	pixels->first = first;
	pixels->last = first + n;
	forget_lines(pixels);
}

static int read_mosaic(struct sp_pixels *pixels, uint32_t y, uint32_t x, uint32_t n, uint8_t *rgb)
{
	uint32_t width = pixels->frame->width, height = pixels->frame->height;
	uint32_t left = x ? x - 1 : 0, right = x + n < width ? x + n + 1 : width;
	const uint8_t *up, *mid, *down;
	int red_line = (y & 1) == pixels->format->red_y;

	/* At a border the mirrored column is the one before it, which this covers too. */
	cover_columns(pixels, left, right);
	up = mosaic_line(pixels, y ? y - 1 : 1);
	mid = mosaic_line(pixels, y);
	down = mosaic_line(pixels, y + 1 < height ? y + 1 : height - 2);
	if (!up || !mid || !down)
		return -EINVAL;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t at = x + i, l = at ? at - 1 : 1, r = at + 1 < width ? at + 1 : width - 2;

		sp_demosaic(up, mid, down, l - pixels->first, at - pixels->first, r - pixels->first,
			    red_line, (at & 1) == pixels->format->red_x, rgb + 3 * (size_t)i);
	}
	return 0;
}

/* The samples of a run that need not be whole groups; they stay until the next read. */
static const uint8_t *read_grey(struct sp_pixels *pixels, uint32_t y, uint32_t x, uint32_t n)
{
	uint32_t first = x;

	widen_to_groups(pixels->format, &first, &n);
	return read_samples(pixels, y, first, n, pixels->samples[0])
		       ? NULL
		       : pixels->samples[0] + (x - first);
}

static int read_yuyv(struct sp_pixels *pixels, uint32_t y, uint32_t x, uint32_t n, uint8_t *rgb)
{
	uint32_t first = x, wide = n, i = 0;
	const uint8_t *pair = pixels->wire;
	uint8_t both[6];

	widen_to_groups(pixels->format, &first, &wide);
	if (sp_frame_read_row(pixels->frame, y, first, wide, pixels->wire) < 0)
		return -EINVAL;
	/* A run may begin and end within a pair. */
	if (x > first) {
		sp_yuyv_to_rgb(pair, both);
		memcpy(rgb, both + 3, 3);
		pair += 4;
		i = 1;
	}
	for (; i + 2 <= n; i += 2, pair += 4)
		sp_yuyv_to_rgb(pair, rgb + 3 * (size_t)i);
	if (i < n) {
		sp_yuyv_to_rgb(pair, both);
		memcpy(rgb + 3 * (size_t)i, both, 3);
	}
	return 0;
}

static bool is_inside(const struct sp_frame *frame, uint32_t y, uint32_t x, uint32_t n)
{
	return y < frame->height && x <= frame->width && n <= frame->width - x;
}

int sp_pixels_read_grey(struct sp_pixels *pixels, uint32_t y, uint32_t x, uint32_t n, uint8_t *grey)
{
	const uint8_t *samples;

	if (pixels->format->kind != SP_PFNC_MONO || !is_inside(pixels->frame, y, x, n))
		return -EINVAL;
	if (!n)
		return 0;
	samples = read_grey(pixels, y, x, n);
	if (!samples)
		return -EINVAL;
	memcpy(grey, samples, n);
	return 0;
}

static int read_grey_as_rgb(struct sp_pixels *pixels, uint32_t y, uint32_t x, uint32_t n,
			    uint8_t *rgb)
{
	const uint8_t *samples = read_grey(pixels, y, x, n);

	if (!samples)
		return -EINVAL;
	for (uint32_t i = 0; i < n; i++, rgb += 3)
		rgb[0] = rgb[1] = rgb[2] = samples[i];
	return 0;
}

static void swap_red_and_blue(uint8_t *pixels, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++, pixels += 3) {
		uint8_t first = pixels[0];

		pixels[0] = pixels[2];
		pixels[2] = first;
	}
}

int sp_pixels_read_line(struct sp_pixels *pixels, uint32_t y, uint32_t x, uint32_t n, uint8_t *rgb)
{
	if (!is_inside(pixels->frame, y, x, n))
		return -EINVAL;
	if (!n)
		return 0;
	switch (pixels->format->kind) {
	case SP_PFNC_BAYER:
		return read_mosaic(pixels, y, x, n, rgb);
	case SP_PFNC_RGB:
		return sp_frame_read_row(pixels->frame, y, x, n, rgb) < 0 ? -EINVAL : 0;
	case SP_PFNC_BGR:
		if (sp_frame_read_row(pixels->frame, y, x, n, rgb) < 0)
			return -EINVAL;
		swap_red_and_blue(rgb, n);
		return 0;
	case SP_PFNC_YUYV:
		return read_yuyv(pixels, y, x, n, rgb);
	case SP_PFNC_MONO:
		return read_grey_as_rgb(pixels, y, x, n, rgb);
	}
	return -EINVAL;
}

int sp_pixels_read_quads(struct sp_pixels *pixels, uint32_t y, uint32_t x, uint32_t n, uint8_t *rgb)
{
	const struct sp_pfnc *format = pixels->format;
	const uint8_t *line[2];

	if (format->kind != SP_PFNC_BAYER || y >= pixels->frame->height / 2 ||
	    x > pixels->frame->width / 2 || n > pixels->frame->width / 2 - x)
		return -EINVAL;
	if (!n)
		return 0;
	cover_columns(pixels, 2 * x, 2 * (x + n));
	line[0] = mosaic_line(pixels, 2 * y);
	line[1] = mosaic_line(pixels, 2 * y + 1);
	if (!line[0] || !line[1])
		return -EINVAL;

	const uint8_t *red = line[format->red_y] + 2 * x - pixels->first;
	const uint8_t *blue = line[!format->red_y] + 2 * x - pixels->first;
	const uint32_t red_x = format->red_x;

	for (uint32_t i = 0; i < n; i++) {
		rgb[3 * (size_t)i] = red[2 * i + red_x];
		rgb[3 * (size_t)i + 1] =
			(uint8_t)((red[2 * i + !red_x] + blue[2 * i + red_x] + 1) >> 1);
		rgb[3 * (size_t)i + 2] = blue[2 * i + !red_x];
	}
	return 0;
}

/* Clips [*at, *at + *n) to [0, limit); *ret_skip: how much was cut off before it. */
static void clip(int64_t *at, int64_t *n, int64_t limit, int64_t *ret_skip)
{
	int64_t first = *at > 0 ? *at : 0, last = *at + *n < limit ? *at + *n : limit;

	*ret_skip = first - *at;
	*at = first;
	*n = last > first ? last - first : 0;
}

int sp_pixels_read_rect(struct sp_pixels *pixels, int x, int y, uint32_t width, uint32_t height,
			uint8_t *rgb)
{
	int64_t first_x = x, n = width, first_y = y, lines = height, left, top;

	clip(&first_x, &n, pixels->frame->width, &left);
	clip(&first_y, &lines, pixels->frame->height, &top);
	if (n < (int64_t)width || lines < (int64_t)height)
		memset(rgb, 0, (size_t)width * height * 3);
	for (int64_t i = 0; n && i < lines; i++) {
		int err = sp_pixels_read_line(pixels, (uint32_t)(first_y + i), (uint32_t)first_x,
					      (uint32_t)n,
					      rgb + ((size_t)(top + i) * width + (size_t)left) * 3);

		if (err)
			return err;
	}
	return 0;
}

float sp_pixels_missing_share(struct sp_pixels *pixels, int x, int y, int width, int height)
{
	int64_t first = x, n = width, top = y, lines = height, skip;
	uint64_t missing = 0, all = 0;

	if (!pixels->frame->missing_n)
		return 0;
	clip(&first, &n, pixels->frame->width, &skip);
	clip(&top, &lines, pixels->frame->height, &skip);
	if (!n || !lines)
		return 0;
	uint32_t from = (uint32_t)first, wide = (uint32_t)n;

	widen_to_groups(pixels->format, &from, &wide);
	for (int64_t i = 0; i < lines; i++) {
		int gone = sp_frame_read_row(pixels->frame, (uint32_t)(top + i), from, wide,
					     pixels->wire);

		missing += gone > 0 ? (uint64_t)gone : 0;
		all += sp_pfnc_line_bytes(pixels->format->code, wide);
	}
	return (float)missing / (float)all;
}
