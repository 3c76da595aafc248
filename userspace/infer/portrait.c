/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/portrait.h"

#include <errno.h>
#include <stddef.h>

#include "frame/frame.h"
#include "infer/compute.h"
#include "infer/cpu/lines.h"
#include "infer/element.h"
#include "infer/pixels.h"
#include "infer/scale.h"

struct emitted {
	const struct sp_lines *lines;
	struct sp_portrait *portrait;
};

static void emit_rgb(void *arg, uint32_t y, const uint16_t *const fine[3], uint32_t width)
{
	const struct emitted *to = arg;
	uint8_t planes[3][SP_PORTRAIT_MAX];
	const uint8_t *const levels[3] = { planes[0], planes[1], planes[2] };

	for (int c = 0; c < 3; c++)
		to->lines->to_levels(fine[c], width, planes[c]);
	to->lines->join(levels, width, to->portrait->rgb + (size_t)y * width * 3);
}

/* The whole pixels between @from and @to that the frame has. */
static void cut(float from, float to, uint32_t side, uint32_t *ret_first, uint32_t *ret_n)
{
	uint32_t first = (uint32_t)sp_clamp(floorf(from), 0, (float)side);
	uint32_t last = (uint32_t)sp_clamp(ceilf(to), 0, (float)side);

	*ret_first = first;
	*ret_n = last > first ? last - first : 0;
}

int sp_portrait_take(struct sp_scale *scale, struct sp_pixels *pixels, const float box[4],
		     struct sp_portrait *portrait)
{
	float margin_x = box[2] * SP_PORTRAIT_MARGIN, margin_y = box[3] * SP_PORTRAIT_MARGIN;
	struct emitted to = { pixels->lines, portrait };
	struct sp_scale_rect rect;
	uint32_t longest;

	cut(box[0] - margin_x, box[0] + box[2] + margin_x, pixels->frame->width, &rect.x,
	    &rect.width);
	cut(box[1] - margin_y, box[1] + box[3] + margin_y, pixels->frame->height, &rect.y,
	    &rect.height);
	if (!rect.width || !rect.height)
		return -EINVAL;
	portrait->width = rect.width;
	portrait->height = rect.height;
	longest = rect.width > rect.height ? rect.width : rect.height;
	if (longest > SP_PORTRAIT_MAX) {
		portrait->width = (uint32_t)((uint64_t)rect.width * SP_PORTRAIT_MAX / longest);
		portrait->height = (uint32_t)((uint64_t)rect.height * SP_PORTRAIT_MAX / longest);
		portrait->width += !portrait->width;
		portrait->height += !portrait->height;
	}
	return sp_scale_run(scale, pixels, &rect, portrait->width, portrait->height, emit_rgb, &to);
}
