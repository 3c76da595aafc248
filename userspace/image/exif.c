/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds one tag: JPEG segments up to the scan, the APP1 that begins "Exif\0\0", its TIFF header,
 * tag 0x0112 of the first directory (EXIF 2.3 §4.5.4, §4.6.2; TIFF 6.0 §2). Anything odd means
 * "none": a picture is not refused for what a camera wrote beside it.
 */
#include <stdbool.h>
#include <string.h>

#include "image/codec.h"

enum {
	MARKER_SOS = 0xda,
	MARKER_APP1 = 0xe1,
	TAG_ORIENTATION = 0x0112,
	TYPE_SHORT = 3,
	ENTRY_SIZE = 12,
};

struct tiff {
	const uint8_t *bytes;
	size_t size;
	bool little;
};

static uint32_t read_u16(const struct tiff *tiff, size_t at)
{
	const uint8_t *b = tiff->bytes + at;

	return tiff->little ? (uint32_t)b[1] << 8 | b[0] : (uint32_t)b[0] << 8 | b[1];
}

static uint32_t read_u32(const struct tiff *tiff, size_t at)
{
	uint32_t a = read_u16(tiff, at), b = read_u16(tiff, at + 2);

	return tiff->little ? b << 16 | a : a << 16 | b;
}

static unsigned int tiff_orientation(const uint8_t *bytes, size_t size)
{
	struct tiff tiff = { bytes, size, false };
	size_t at, entries;

	if (size < 8)
		return 1;
	tiff.little = bytes[0] == 'I';
	if (memcmp(bytes, tiff.little ? "II" : "MM", 2) || read_u16(&tiff, 2) != 42)
		return 1;
	at = read_u32(&tiff, 4);
	if (at > size - 2)
		return 1;
	entries = read_u16(&tiff, at);
	for (at += 2; entries && size - at >= ENTRY_SIZE; entries--, at += ENTRY_SIZE) {
		uint32_t value = read_u16(&tiff, at + 8);

		if (read_u16(&tiff, at) != TAG_ORIENTATION)
			continue;
		return read_u16(&tiff, at + 2) == TYPE_SHORT && value >= 1 && value <= 8 ? value
											 : 1;
	}
	return 1;
}

unsigned int sp_exif_orientation(const uint8_t *jpeg, size_t size)
{
	size_t at = 2; /* after the start of image */

	while (size >= 4 && at <= size - 4 && jpeg[at] == 0xff && jpeg[at + 1] != MARKER_SOS) {
		size_t length = (size_t)jpeg[at + 2] << 8 | jpeg[at + 3]; /* counts itself */

		if (jpeg[at + 1] == 0xff) { /* a fill byte */
			at++;
			continue;
		}
		if (length < 2 || length > size - at - 2)
			return 1;
		if (jpeg[at + 1] == MARKER_APP1 && length >= 8 &&
		    !memcmp(jpeg + at + 4, "Exif\0", 6))
			return tiff_orientation(jpeg + at + 10, length - 8);
		at += 2 + length;
	}
	return 1;
}
