/* SPDX-License-Identifier: Apache-2.0 */
/* Which part of a frame a portrait shows, and how large it is. */
#include "infer/portrait.h"

#include <errno.h>
#include <math.h>

#include "infer/compute.h"
#include "infer/element.h"

/* The whole pixels between @from and @to that the frame has. */
static void cut(float from, float to, uint32_t side, uint32_t *ret_first, uint32_t *ret_n)
{
	uint32_t first = (uint32_t)sp_clamp(floorf(from), 0, (float)side);
	uint32_t last = (uint32_t)sp_clamp(ceilf(to), 0, (float)side);

	*ret_first = first;
	*ret_n = last > first ? last - first : 0;
}

int sp_portrait_place(const float box[4], uint32_t width, uint32_t height,
		      struct sp_scale_rect *ret_rect, uint32_t *ret_width, uint32_t *ret_height)
{
	float margin_x = box[2] * SP_PORTRAIT_MARGIN, margin_y = box[3] * SP_PORTRAIT_MARGIN;
	struct sp_scale_rect rect;
	uint32_t longest;

	cut(box[0] - margin_x, box[0] + box[2] + margin_x, width, &rect.x, &rect.width);
	cut(box[1] - margin_y, box[1] + box[3] + margin_y, height, &rect.y, &rect.height);
	if (!rect.width || !rect.height)
		return -EINVAL;
	*ret_rect = rect;
	*ret_width = rect.width;
	*ret_height = rect.height;
	longest = rect.width > rect.height ? rect.width : rect.height;
	if (longest > SP_PORTRAIT_MAX) {
		*ret_width = (uint32_t)((uint64_t)rect.width * SP_PORTRAIT_MAX / longest);
		*ret_height = (uint32_t)((uint64_t)rect.height * SP_PORTRAIT_MAX / longest);
		*ret_width += !*ret_width;
		*ret_height += !*ret_height;
	}
	return 0;
}
