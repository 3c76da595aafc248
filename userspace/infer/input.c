/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/input.h"

#include <stddef.h>

#include "infer/cpu/lines.h"

const struct sp_input_form sp_input_levels = { .bgr = true, .scale = { 1, 1, 1 } };

const struct sp_input_form sp_input_imagenet = {
	.scale = { 1 / (255 * 0.229f), 1 / (255 * 0.224f), 1 / (255 * 0.225f) },
	.shift = { -0.485f / 0.229f, -0.456f / 0.224f, -0.406f / 0.225f },
};

const struct sp_input_form sp_input_signed = {
	.bgr = true,
	.scale = { 1 / 128.0f, 1 / 128.0f, 1 / 128.0f },
	.shift = { -1, -1, -1 },
};

void sp_input_fill(const struct sp_input_form *form, const uint8_t *rgb, uint32_t n, float *planes)
{
	enum { RUN = 256 }; /* pixels that stay in the nearest cache */
	const struct sp_lines *lines = sp_lines_best();
	uint8_t levels[3][RUN];
	uint8_t *const split[3] = { levels[0], levels[1], levels[2] };

	for (uint32_t at = 0; at < n; at += RUN) {
		uint32_t run = n - at < RUN ? n - at : RUN;

		lines->split(rgb + 3 * (size_t)at, run, split);
		for (size_t i = 0; i < 3; i++)
			lines->form(levels[form->bgr ? 2 - i : i], run, form->scale[i],
				    form->shift[i], planes + i * n + at);
	}
}
