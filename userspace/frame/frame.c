/* SPDX-License-Identifier: Apache-2.0 */
#include "frame/frame.h"

#include <errno.h>
#include <string.h>

#include "base/region.h"
#include "wire/pfnc.h"

static uint32_t bits_per_pixel(const struct sp_frame *frame)
{
	return frame->pixel_format >> 16 & 0xFF;
}

/*
 * Bytes [*ret_begin, *ret_begin + *ret_n) of the first part hold pixels [x0, x0 + n) of line y.
 * Lines of packed formats follow each other as a stream of bits, unless padding makes them whole
 * bytes.
 * @whole: only runs of whole bytes; else the bytes that the run touches.
 */
static int locate(const struct sp_frame *frame, uint32_t y, uint32_t x0, uint32_t n, bool whole,
		  uint64_t *ret_begin, uint64_t *ret_n)
{
	uint64_t bits = bits_per_pixel(frame),
		 line = sp_pfnc_line_bytes(frame->pixel_format, frame->width);
	uint64_t begin, end;

	if (!frame->parts_n || y >= frame->height || x0 > frame->width || n > frame->width - x0)
		return -EINVAL;
	if (frame->padding_x)
		begin = y * (line + frame->padding_x) * 8 + x0 * bits;
	else
		begin = ((uint64_t)y * frame->width + x0) * bits;
	end = begin + n * bits;
	if (whole && (begin % 8 || (end - begin) % 8))
		return -EINVAL;
	begin /= 8;
	end = (end + 7) / 8;
	if (end > frame->parts[0].bytes)
		return -EINVAL;
	*ret_begin = begin;
	*ret_n = end - begin;
	return 0;
}

/* The packet of byte @at of @part, or -EINVAL if the frame has no such packet. */
static int packet_of(const struct sp_frame *frame, const struct sp_frame_part *part, uint64_t at,
		     uint32_t *ret_packet)
{
	uint64_t packet;

	if (!part->stride || at / part->stride >= frame->packets)
		return -EINVAL;
	packet = part->first_packet + at / part->stride;
	if (packet >= frame->packets)
		return -EINVAL;
	*ret_packet = (uint32_t)packet;
	return 0;
}

int sp_frame_read(const struct sp_frame *frame, uint32_t part, uint64_t from, uint32_t n,
		  uint8_t *dst)
{
	const struct sp_frame_part *p;
	uint32_t packet, last, within, missing = 0;

	if (part >= frame->parts_n)
		return -EINVAL;
	p = &frame->parts[part];
	if (n > INT32_MAX || from > p->bytes || n > p->bytes - from)
		return -EINVAL;
	if (!n)
		return 0;
	if (packet_of(frame, p, from, &packet) || packet_of(frame, p, from + n - 1, &last))
		return -EINVAL;
	within = (uint32_t)(from % p->stride);
	for (; packet <= last; packet++) {
		uint32_t run = p->stride - within;

		if (run > n)
			run = n;
		if (sp_frame_packet_missing(frame, packet)) {
			memset(dst, 0, run);
			missing += run;
		} else {
			memcpy(dst, p->region->base + frame->offset[packet] + within, run);
		}
		dst += run;
		n -= run;
		within = 0;
	}
	return (int)missing;
}

int sp_frame_run(const struct sp_frame *frame, uint32_t part, uint64_t from,
		 const uint8_t **ret_at, uint32_t *ret_n)
{
	const struct sp_frame_part *p;
	uint32_t packet, within, n;

	if (part >= frame->parts_n)
		return -EINVAL;
	p = &frame->parts[part];
	if (from >= p->bytes || packet_of(frame, p, from, &packet))
		return -EINVAL;
	within = (uint32_t)(from % p->stride);
	n = p->stride - within;
	*ret_n = n < p->bytes - from ? n : (uint32_t)(p->bytes - from);
	*ret_at = sp_frame_packet_missing(frame, packet)
			  ? NULL
			  : p->region->base + frame->offset[packet] + within;
	return 0;
}

int sp_frame_read_row(const struct sp_frame *frame, uint32_t y, uint32_t x0, uint32_t n,
		      uint8_t *dst)
{
	uint64_t begin, bytes;

	if (locate(frame, y, x0, n, true, &begin, &bytes))
		return -EINVAL;
	return sp_frame_read(frame, 0, begin, (uint32_t)bytes, dst);
}

/* Clips [*from, *from + *n) to [0, limit). False if nothing is left. */
static bool clip(int64_t *from, int64_t *n, int64_t limit)
{
	int64_t end = *from + *n;

	if (*from < 0)
		*from = 0;
	if (end > limit)
		end = limit;
	*n = end - *from;
	return *n > 0;
}

bool sp_frame_rect_damaged(const struct sp_frame *frame, int x, int y, int width, int height)
{
	int64_t x0 = x, y0 = y, w = width, h = height;
	const struct sp_frame_part *part = &frame->parts[0];

	if (!frame->missing_n || !clip(&x0, &w, frame->width) || !clip(&y0, &h, frame->height))
		return false;
	for (int64_t line = y0; line < y0 + h; line++) {
		uint32_t packet, last;
		uint64_t begin, n;

		if (locate(frame, (uint32_t)line, (uint32_t)x0, (uint32_t)w, false, &begin, &n) ||
		    packet_of(frame, part, begin, &packet) ||
		    packet_of(frame, part, begin + n - 1, &last))
			return true;
		for (; packet <= last; packet++)
			if (sp_frame_packet_missing(frame, packet))
				return true;
	}
	return false;
}

int sp_frame_wrap(struct sp_frame_wrap *wrap, const struct sp_region *region, uint64_t offset,
		  uint32_t width, uint32_t height, uint32_t pixel_format)
{
	uint64_t bytes;

	if (!width || !height || width > SP_FRAME_SIDE_MAX || height > SP_FRAME_SIDE_MAX ||
	    !sp_pfnc_by_code(pixel_format))
		return -EINVAL;
	bytes = sp_pfnc_image_bytes(pixel_format, width, height);
	if (bytes > UINT32_MAX || !sp_region_holds(region, offset, bytes))
		return -EINVAL;
	*wrap = (struct sp_frame_wrap){
		.frame = {
			.pixel_format = pixel_format,
			.width = width,
			.height = height,
			.parts_n = 1,
			.parts[0] = {
				.region = region,
				.packets = 1,
				.stride = (uint32_t)bytes,
				.bytes = bytes,
			},
			.packets = 1,
			.offset = &wrap->offset,
			.missing = &wrap->missing,
			.token = &wrap->token,
		},
		.offset = offset,
	};
	return 0;
}
