/* SPDX-License-Identifier: Apache-2.0 */
#include "gvcam/pack.h"

#include <string.h>

#include "wire/pfnc.h"

/* Four samples of ten bits, lowest bit first, in five bytes. */
static void pack_10p(const uint8_t *levels, size_t pixels, uint8_t *out)
{
	for (; pixels; pixels -= 4, levels += 4, out += 5) {
		uint64_t samples = 0;

		for (unsigned int i = 0; i < 4; i++)
			samples |= (uint64_t)gvcam_widen(levels[i], 10) << (10 * i);
		for (unsigned int i = 0; i < 5; i++)
			out[i] = (uint8_t)(samples >> (8 * i));
	}
}

static void pack_12p(const uint8_t *levels, size_t pixels, uint8_t *out)
{
	for (; pixels; pixels -= 2, levels += 2, out += 3) {
		uint32_t samples = gvcam_widen(levels[0], 12);

		samples |= (uint32_t)gvcam_widen(levels[1], 12) << 12;
		for (unsigned int i = 0; i < 3; i++)
			out[i] = (uint8_t)(samples >> (8 * i));
	}
}

/* One sample in two bytes, the low one first. */
static void pack_words(unsigned int bits, const uint8_t *levels, size_t pixels, uint8_t *out)
{
	for (size_t i = 0; i < pixels; i++) {
		uint16_t sample = gvcam_widen(levels[i], bits);

		out[2 * i] = (uint8_t)sample;
		out[2 * i + 1] = (uint8_t)(sample >> 8);
	}
}

void gvcam_pack(const struct sp_pfnc *format, const uint8_t *levels, size_t pixels, uint8_t *out)
{
	switch (format->bits_per_pixel) {
	case 8:
		memcpy(out, levels, pixels);
		break;
	case 10:
		pack_10p(levels, pixels, out);
		break;
	case 12:
		pack_12p(levels, pixels, out);
		break;
	default:
		pack_words(format->bits, levels, pixels, out);
	}
}
