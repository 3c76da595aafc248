/* SPDX-License-Identifier: Apache-2.0 */
/* What missing packets took of a face. */
#include "infer/quality.h"

#include <math.h>

#include "frame/frame.h"
#include "infer/align.h"
#include "infer/element.h"
#include "infer/pixels.h"
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

/* The pixels that one of the aligned picture is made of, which lies at (@x, @y) of the frame. */
static struct rect sources(const struct sp_pixels *pixels, float x, float y)
{
	/* Four around it, and of a mosaic those around each, which have its other colours. */
	float spread = pixels->format->kind == SP_PFNC_BAYER ? 1 : 0;

	return whole_pixels(floorf(x) - spread, floorf(y) - spread, floorf(x) + 2 + spread,
			    floorf(y) + 2 + spread);
}

static struct rect reach(const struct sp_pixels *pixels, const struct sp_similarity *to_frame)
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

	struct rect first = sources(pixels, left, top), last = sources(pixels, right, bottom);

	return (struct rect){ first.x, first.y, last.x + last.width - first.x,
			      last.y + last.height - first.y };
}

static float aligned_share(const struct sp_pixels *pixels, const struct sp_similarity *to_frame)
{
	struct rect all = reach(pixels, to_frame);
	uint32_t lost = 0;

	if (!is_touched(pixels->frame, &all))
		return 0;
	for (unsigned int i = 0; i < SP_ALIGNED_PIXELS; i++) {
		struct rect from;
		float x, y;

		sp_similarity_apply(to_frame, (float)(i % SP_ALIGNED_SIDE),
				    (float)(i / SP_ALIGNED_SIDE), &x, &y);
		from = sources(pixels, x, y);
		lost += is_touched(pixels->frame, &from);
	}
	return (float)lost / SP_ALIGNED_PIXELS;
}

bool sp_quality_from_damage(struct sp_pixels *pixels, const float box[4],
			    const struct sp_similarity *to_frame, struct sp_quality *quality)
{
	struct rect rect = whole_pixels(box[0], box[1], box[0] + box[2], box[1] + box[3]);
	bool under;

	quality->occlusion = quality->aligned_occlusion = 0;
	if (!pixels->frame->missing_n)
		return false;
	under = is_touched(pixels->frame, &rect);
	if (under)
		quality->occlusion = sp_pixels_missing_share(pixels, rect.x, rect.y, rect.width,
							     rect.height);
	if (to_frame)
		quality->aligned_occlusion = aligned_share(pixels, to_frame);
	return under || quality->aligned_occlusion > 0;
}
