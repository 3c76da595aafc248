/* SPDX-License-Identifier: Apache-2.0 */
/* How a part of a frame lies in a detector's input. */
#include "infer/preprocess.h"

#include <string.h>

static uint32_t round_up(uint32_t side)
{
	return (side + SP_DETECT_STEP - 1) / SP_DETECT_STEP * SP_DETECT_STEP;
}

/* The whole pixels of a side that was made smaller; at least one. */
static uint32_t shrunk(uint32_t side, double factor, uint32_t limit)
{
	uint32_t whole = (uint32_t)((double)side * factor + 0.5);

	return whole > limit ? limit : whole ? whole : 1;
}

void sp_fit_init(struct sp_fit *fit, const struct sp_scale_rect *from, uint32_t input_width,
		 uint32_t input_height)
{
	uint32_t width = from->width, height = from->height;
	double factor = 1;

	memset(fit, 0, sizeof(*fit));
	if (!input_width || !input_height) {
		input_width = width;
		input_height = height;
	}
	fit->input_width = round_up(input_width);
	fit->input_height = round_up(input_height);
	fit->from = *from;
	if ((double)fit->input_width / width < factor)
		factor = (double)fit->input_width / width;
	if ((double)fit->input_height / height < factor)
		factor = (double)fit->input_height / height;
	fit->width = shrunk(width, factor, fit->input_width);
	fit->height = shrunk(height, factor, fit->input_height);
	fit->scale_x = (float)fit->width / (float)width;
	fit->scale_y = (float)fit->height / (float)height;
}
