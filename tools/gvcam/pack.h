/* SPDX-License-Identifier: Apache-2.0 */
/* 8-bit levels as the samples of a wider format, packed as they lie on the wire. */
#ifndef GVCAM_PACK_H
#define GVCAM_PACK_H

#include <stddef.h>
#include <stdint.h>

struct sp_pfnc;

/* @level as a sample of 8 … 16 bits: the whole range, its low bits repeat its high ones. */
static inline uint16_t gvcam_widen(uint8_t level, unsigned int bits)
{
	return (uint16_t)(level * 0x0101u >> (16 - bits));
}

/* @pixels levels, whole groups of a mono or Bayer format, into @out. */
void gvcam_pack(const struct sp_pfnc *format, const uint8_t *levels, size_t pixels, uint8_t *out);

#endif
