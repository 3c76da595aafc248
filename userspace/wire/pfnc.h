/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pixel formats as GigE Vision codes them (GenICam PFNC): 0xFF000000 family, 0x00FF0000 bits a
 * pixel, 0x0000FFFF identity. Source of the codes and bit layouts: docs/provenance.md, "Pixel
 * formats".
 */
#ifndef SP_WIRE_PFNC_H
#define SP_WIRE_PFNC_H

#include <stddef.h>
#include <stdint.h>

#define SP_PFNC_MONO8 0x01080001u
#define SP_PFNC_MONO10 0x01100003u
#define SP_PFNC_MONO12 0x01100005u
#define SP_PFNC_MONO16 0x01100007u
#define SP_PFNC_MONO10P 0x010A0046u
#define SP_PFNC_MONO12P 0x010C0047u
#define SP_PFNC_BAYER_GR8 0x01080008u
#define SP_PFNC_BAYER_RG8 0x01080009u
#define SP_PFNC_BAYER_GB8 0x0108000Au
#define SP_PFNC_BAYER_BG8 0x0108000Bu
#define SP_PFNC_BAYER_BG10P 0x010A0052u
#define SP_PFNC_BAYER_GB10P 0x010A0054u
#define SP_PFNC_BAYER_GR10P 0x010A0056u
#define SP_PFNC_BAYER_RG10P 0x010A0058u
#define SP_PFNC_BAYER_BG12P 0x010C0053u
#define SP_PFNC_BAYER_GB12P 0x010C0055u
#define SP_PFNC_BAYER_GR12P 0x010C0057u
#define SP_PFNC_BAYER_RG12P 0x010C0059u
#define SP_PFNC_RGB8 0x02180014u
#define SP_PFNC_BGR8 0x02180015u
#define SP_PFNC_YUV422_8 0x02100032u

enum sp_pfnc_kind { SP_PFNC_MONO, SP_PFNC_BAYER, SP_PFNC_RGB, SP_PFNC_BGR, SP_PFNC_YUYV };

struct sp_pfnc {
	uint32_t code;
	const char *name; /* as GenICam spells it: "BayerRG8" */
	enum sp_pfnc_kind kind;
	uint8_t bits;	     /* of a sample that are used: 8, 10, 12, 16 */
	uint8_t bits_per_pixel; /* in memory: 8, 10, 12, 16, 24 */
	uint8_t group;	     /* pixels that share whole bytes: 1, 2, 4 */
	/* Bayer: where red is in the 2 × 2 quad, x and y. Green is beside it, blue opposite. */
	uint8_t red_x, red_y;
};

/* The format of a code or a name (ASCII case ignored); NULL if unknown. */
const struct sp_pfnc *sp_pfnc_by_code(uint32_t code);
const struct sp_pfnc *sp_pfnc_by_name(const char *name);

/* All of them, for messages and tests. */
extern const struct sp_pfnc sp_pfnc_table[];
extern const size_t sp_pfnc_table_n;

/* Bytes of @width pixels, rounded up to whole bytes. */
static inline uint64_t sp_pfnc_line_bytes(uint32_t code, uint32_t width)
{
	return ((uint64_t)width * (code >> 16 & 0xFF) + 7) / 8;
}

/*
 * Bytes of an image. Lines of packed formats follow each other without padding to bytes (a bit
 * stream), so this rounds once.
 */
static inline uint64_t sp_pfnc_image_bytes(uint32_t code, uint32_t width, uint32_t height)
{
	return ((uint64_t)width * height * (code >> 16 & 0xFF) + 7) / 8;
}

#endif
