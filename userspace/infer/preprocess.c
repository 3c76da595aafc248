/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/preprocess.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "frame/frame.h"
#include "infer/pixels.h"
#include "infer/scale.h"

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

void sp_fit_init(struct sp_fit *fit, uint32_t width, uint32_t height, uint32_t input_width,
		 uint32_t input_height)
{
	double factor = 1;

	memset(fit, 0, sizeof(*fit));
	if (!input_width || !input_height) {
		input_width = width;
		input_height = height;
	}
	fit->input_width = round_up(input_width);
	fit->input_height = round_up(input_height);
	fit->frame_width = width;
	fit->frame_height = height;
	if ((double)fit->input_width / width < factor)
		factor = (double)fit->input_width / width;
	if ((double)fit->input_height / height < factor)
		factor = (double)fit->input_height / height;
	fit->width = shrunk(width, factor, fit->input_width);
	fit->height = shrunk(height, factor, fit->input_height);
	fit->scale_x = (float)fit->width / (float)width;
	fit->scale_y = (float)fit->height / (float)height;
}

struct planes {
	const struct sp_fit *fit;
	float *input;
};

static void emit_planes(void *arg, uint32_t y, const float *rgb, uint32_t width)
{
	const struct planes *planes = arg;
	size_t pitch = planes->fit->input_width, plane = pitch * planes->fit->input_height;
	float *blue = planes->input + y * pitch, *green = blue + plane, *red = green + plane;

	for (uint32_t x = 0; x < width; x++) {
		blue[x] = rgb[3 * (size_t)x + 2];
		green[x] = rgb[3 * (size_t)x + 1];
		red[x] = rgb[3 * (size_t)x];
	}
	for (size_t x = width; x < pitch; x++)
		blue[x] = green[x] = red[x] = 0;
}

int sp_preprocess(struct sp_scale *scale, struct sp_pixels *pixels, const struct sp_fit *fit,
		  float *input)
{
	struct planes planes = { fit, input };
	struct sp_scale_rect all = { 0, 0, fit->frame_width, fit->frame_height };
	size_t pitch = fit->input_width, plane = pitch * fit->input_height;

	if (pixels->frame->width != fit->frame_width || pixels->frame->height != fit->frame_height)
		return -EINVAL;
	for (int c = 0; c < 3; c++)
		memset(input + (size_t)c * plane + fit->height * pitch, 0,
		       (fit->input_height - fit->height) * pitch * sizeof(float));
	return sp_scale_run(scale, pixels, &all, fit->width, fit->height, emit_planes, &planes);
}
