/* SPDX-License-Identifier: Apache-2.0 */
/* What missing packets took of a face, by the frame's description alone: its pixels may be gone. */
#include "infer/quality.h"

#include <math.h>

#include "frame/frame.h"
#include "infer/align.h"
#include "infer/element.h"
#include "infer/pixels.h"
#include "infer/stretch.h"
#include "wire/pfnc.h"

struct rect {
	int x, y, width, height;
};

/* The whole pixels that a box touches, bounded so that every float fits an int. */
static struct rect whole_pixels(float left, float top, float right, float bottom)
{
	const float most = 4 * SP_PIXELS_SIDE_MAX;
	int x = (int)floorf(sp_clamp(left, -most, most));
	int y = (int)floorf(sp_clamp(top, -most, most));

	return (struct rect){ x, y, (int)ceilf(sp_clamp(right, -most, most)) - x,
			      (int)ceilf(sp_clamp(bottom, -most, most)) - y };
}

static bool is_touched(const struct sp_frame *frame, const struct rect *rect)
{
	return sp_frame_rect_damaged(frame, rect->x, rect->y, rect->width, rect->height);
}

static bool is_mosaic(const struct sp_frame *frame)
{
	const struct sp_pfnc *format = sp_pfnc_by_code(frame->pixel_format);

	return format && format->kind == SP_PFNC_BAYER;
}

/* The pixels that one of the aligned picture is made of, which lies at (@x, @y) of the frame. */
static struct rect sources(const struct sp_frame *frame, float x, float y)
{
	/* Four around it, and of a mosaic those around each, which have its other colours. */
	float spread = is_mosaic(frame) ? 1 : 0;

	return whole_pixels(floorf(x) - spread, floorf(y) - spread, floorf(x) + 2 + spread,
			    floorf(y) + 2 + spread);
}

static struct rect reach(const struct sp_frame *frame, const struct sp_similarity *to_frame)
{
	float left = INFINITY, top = INFINITY, right = -INFINITY, bottom = -INFINITY;

	for (unsigned int i = 0; i < 4; i++) {
		float x, y;

		sp_similarity_apply(to_frame, i & 1 ? SP_ALIGNED_SIDE - 1 : 0,
				    i & 2 ? SP_ALIGNED_SIDE - 1 : 0, &x, &y);
		left = fminf(left, x);
		top = fminf(top, y);
		right = fmaxf(right, x);
		bottom = fmaxf(bottom, y);
	}

	struct rect first = sources(frame, left, top), last = sources(frame, right, bottom);

	return (struct rect){ first.x, first.y, last.x + last.width - first.x,
			      last.y + last.height - first.y };
}

static float aligned_share(const struct sp_frame *frame, const struct sp_similarity *to_frame)
{
	struct rect all = reach(frame, to_frame);
	uint32_t lost = 0;

	if (!is_touched(frame, &all))
		return 0;
	for (unsigned int i = 0; i < SP_ALIGNED_PIXELS; i++) {
		struct rect from;
		float x, y;

		sp_similarity_apply(to_frame, (float)(i % SP_ALIGNED_SIDE),
				    (float)(i / SP_ALIGNED_SIDE), &x, &y);
		from = sources(frame, x, y);
		lost += is_touched(frame, &from);
	}
	return (float)lost / SP_ALIGNED_PIXELS;
}

/* Clips [*at, *at + *n) to [0, limit). */
static void clip(int *at, int *n, uint32_t limit)
{
	int last = *at + *n < (int)limit ? *at + *n : (int)limit;

	*at = *at > 0 ? *at : 0;
	*n = last > *at ? last - *at : 0;
}

/* How many bytes of a stretch missing packets carried. */
static uint64_t missing_bytes(const struct sp_frame *frame, const struct sp_stretch *stretch)
{
	const struct sp_frame_part *part = &frame->parts[0];
	uint64_t from = stretch->from, end = from + stretch->bytes, missing = 0;

	while (from < end) {
		uint64_t packet = part->first_packet + from / part->stride;
		uint64_t run = part->stride - from % part->stride;

		if (packet >= frame->packets)
			break;
		run = run < end - from ? run : end - from;
		missing += sp_frame_packet_missing(frame, (uint32_t)packet) ? run : 0;
		from += run;
	}
	return missing;
}

/* The share of the bytes of a rectangle, clipped to the image, that missing packets carried. */
static float missing_share(const struct sp_frame *frame, const struct rect *rect)
{
	const struct sp_pfnc *format = sp_pfnc_by_code(frame->pixel_format);
	struct rect in = *rect;
	uint64_t missing = 0, all = 0;

	clip(&in.x, &in.width, frame->width);
	clip(&in.y, &in.height, frame->height);
	if (!format || !in.width || !frame->parts[0].stride)
		return 0;
	for (int i = 0; i < in.height; i++) {
		struct sp_stretch stretch = sp_stretch_of(frame, format, (uint32_t)(in.y + i),
							  (uint32_t)in.x, (uint32_t)in.width);

		missing += missing_bytes(frame, &stretch);
		all += stretch.bytes;
	}
	return all ? (float)missing / (float)all : 0;
}

bool sp_quality_from_damage(const struct sp_frame *frame, const float box[4],
			    const struct sp_similarity *to_frame, struct sp_quality *quality)
{
	struct rect rect = whole_pixels(box[0], box[1], box[0] + box[2], box[1] + box[3]);
	bool under;

	quality->occlusion = quality->aligned_occlusion = 0;
	if (!frame->missing_n)
		return false;
	under = is_touched(frame, &rect);
	if (under)
		quality->occlusion = missing_share(frame, &rect);
	if (to_frame)
		quality->aligned_occlusion = aligned_share(frame, to_frame);
	return under || quality->aligned_occlusion > 0;
}
