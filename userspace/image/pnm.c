/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Portable graymaps and pixmaps, raw forms P5 and P6: "P5", width, height and maxval as decimal
 * text parted by blanks and # comments, one blank, then samples of one byte, or of two with the
 * most significant first where maxval exceeds 255 (netpbm's pgm(5) and ppm(5)). Only the first
 * picture of a file is read.
 */
#include <errno.h>
#include <stdbool.h>

#include "base/diag.h"
#include "image/codec.h"
#include "image/image.h"

struct cursor {
	const uint8_t *at, *end;
};

static bool is_blank(uint8_t c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static void skip_blanks(struct cursor *cursor)
{
	while (cursor->at < cursor->end && (is_blank(*cursor->at) || *cursor->at == '#')) {
		if (*cursor->at++ != '#')
			continue;
		while (cursor->at < cursor->end && *cursor->at != '\n' && *cursor->at != '\r')
			cursor->at++;
	}
}

/* False if there is no number or one beyond 32 bits. */
static bool read_number(struct cursor *cursor, uint32_t *ret_number)
{
	uint64_t number = 0;
	const uint8_t *begin;

	skip_blanks(cursor);
	begin = cursor->at;
	for (; cursor->at < cursor->end && *cursor->at >= '0' && *cursor->at <= '9'; cursor->at++) {
		number = number * 10 + (*cursor->at - '0');
		if (number > UINT32_MAX)
			return false;
	}
	if (cursor->at == begin)
		return false;
	*ret_number = (uint32_t)number;
	return true;
}

/* @bytes is 1 or 2, @channels 1 or 3. Samples above @maxval count as white. */
static void convert(struct sp_image *image, const uint8_t *samples, unsigned int channels,
		    unsigned int bytes, uint32_t maxval)
{
	size_t pixels = (size_t)image->width * image->height;

	for (size_t i = 0; i < pixels; i++) {
		for (unsigned int c = 0; c < 3; c++) {
			const uint8_t *sample = samples +
						(i * channels + (channels == 3 ? c : 0)) * bytes;
			uint32_t value = bytes == 2 ? (uint32_t)sample[0] << 8 | sample[1]
						    : sample[0];

			if (value > maxval)
				value = maxval;
			image->rgb[i * 3 + c] = (uint8_t)((value * 255 + maxval / 2) / maxval);
		}
	}
}

int sp_image_decode_pnm(const uint8_t *bytes, size_t size, const char *name,
			struct sp_image *ret_image, struct sp_err *err)
{
	struct cursor cursor = { bytes + 2, bytes + size };
	unsigned int channels = bytes[1] == '6' ? 3 : 1, sample_bytes;
	uint32_t width, height, maxval;
	struct sp_image image;
	uint64_t want;
	int rc;

	if (!read_number(&cursor, &width) || !read_number(&cursor, &height) ||
	    !read_number(&cursor, &maxval) || !maxval || maxval > UINT16_MAX ||
	    cursor.at == cursor.end || !is_blank(*cursor.at))
		return sp_err_set(err, -EBADMSG,
				  "%s: the PNM header is damaged (P%c, width, height, maxval); "
				  "replace the file",
				  name, bytes[1]);
	cursor.at++;
	sample_bytes = maxval > UINT8_MAX ? 2 : 1;
	/* Sides over the cap are refused below; their product could wrap. */
	want = width <= SP_IMAGE_SIDE_MAX && height <= SP_IMAGE_SIDE_MAX
		       ? (uint64_t)width * height * channels * sample_bytes
		       : 0;
	if ((uint64_t)(cursor.end - cursor.at) < want)
		return sp_err_set(
			err, -EBADMSG,
			"%s: the PNM is truncated (%zu of %llu bytes of pixels); replace the file",
			name, (size_t)(cursor.end - cursor.at), (unsigned long long)want);
	rc = sp_image_prepare(&image, width, height, "PNM", name, err);
	if (rc)
		return rc;
	convert(&image, cursor.at, channels, sample_bytes, maxval);
	*ret_image = image;
	return 0;
}
