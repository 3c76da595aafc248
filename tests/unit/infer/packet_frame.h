/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A frame whose bytes lie in packets of an odd size, out of order and with gaps, as capture leaves
 * it.
 */
#ifndef SP_TESTS_INFER_PACKET_FRAME_H
#define SP_TESTS_INFER_PACKET_FRAME_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/region.h"
#include "frame/frame.h"
#include "wire/pfnc.h"

struct packet_frame {
	struct sp_frame frame;
	struct sp_region region;
	uint64_t *offset, *missing;
	uint8_t *bytes; /* the image in one piece: what an oracle reads */
	uint64_t size;
};

static inline uint32_t next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(*state >> 33);
}

/* Random pixels of @format, @padding bytes after each line, in packets of @stride bytes. */
static inline void packet_frame_init_padded(struct packet_frame *pf, uint32_t format,
					    uint32_t width, uint32_t height, uint32_t padding,
					    uint32_t stride, uint64_t seed)
{
	uint32_t packets;

	memset(pf, 0, sizeof(*pf));
	pf->size = padding ? height * (sp_pfnc_line_bytes(format, width) + padding)
			   : sp_pfnc_image_bytes(format, width, height);
	pf->bytes = malloc(pf->size);
	packets = (uint32_t)((pf->size + stride - 1) / stride);
	pf->offset = calloc(packets, sizeof(uint64_t));
	pf->missing = calloc((packets + 63) / 64, sizeof(uint64_t));
	pf->region.size = (uint64_t)packets * (stride + 11);
	pf->region.base = malloc(pf->region.size);
	memset(pf->region.base, 0xA5, pf->region.size);
	for (uint64_t i = 0; i < pf->size; i++)
		pf->bytes[i] = (uint8_t)next_random(&seed);
	for (uint32_t p = 0; p < packets; p++) {
		uint64_t left = pf->size - (uint64_t)p * stride;

		/* The last packet lies first. */
		pf->offset[p] = (uint64_t)(packets - 1 - p) * (stride + 11) + 5;
		memcpy(pf->region.base + pf->offset[p], pf->bytes + (uint64_t)p * stride,
		       left < stride ? left : stride);
	}
	pf->frame = (struct sp_frame){
		.pixel_format = format,
		.width = width,
		.height = height,
		.padding_x = padding,
		.parts_n = 1,
		.parts = { { .region = &pf->region, .stride = stride, .bytes = pf->size } },
		.packets = packets,
		.offset = pf->offset,
		.missing = pf->missing,
	};
}

static inline void packet_frame_init(struct packet_frame *pf, uint32_t format, uint32_t width,
				     uint32_t height, uint32_t stride, uint64_t seed)
{
	packet_frame_init_padded(pf, format, width, height, 0, stride, seed);
}

/* Packet @p never came: its bytes are 0 for whoever reads. */
static inline void packet_frame_lose(struct packet_frame *pf, uint32_t p)
{
	uint64_t begin = (uint64_t)p * pf->frame.parts[0].stride;
	uint64_t n = pf->frame.parts[0].stride;

	if (begin + n > pf->size)
		n = pf->size - begin;
	memset(pf->bytes + begin, 0, n);
	memset(pf->region.base + pf->offset[p], 0xEE, n);
	pf->missing[p / 64] |= 1ull << (p % 64);
	pf->frame.missing_n++;
	pf->frame.flags |= SP_FRAME_INCOMPLETE;
}

static inline void packet_frame_uninit(struct packet_frame *pf)
{
	free(pf->bytes);
	free(pf->offset);
	free(pf->missing);
	free(pf->region.base);
}

#endif
