/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/portrait.h"

#include <stddef.h>

#include "frame/frame.h"
#include "infer/compute.h"
#include "infer/cpu/lines.h"
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

int sp_portrait_take(struct sp_scale *scale, struct sp_pixels *pixels, const float box[4],
		     struct sp_portrait *portrait)
{
	struct emitted to = { pixels->lines, portrait };
	struct sp_scale_rect rect;
	int rc = sp_portrait_place(box, pixels->frame->width, pixels->frame->height, &rect,
				   &portrait->width, &portrait->height);

	if (rc)
		return rc;
	return sp_scale_run(scale, pixels, &rect, portrait->width, portrait->height, emit_rgb, &to);
}
