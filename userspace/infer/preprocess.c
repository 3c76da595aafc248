/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/preprocess.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "frame/frame.h"
#include "infer/cpu/lines.h"
#include "infer/pixels.h"
#include "infer/scale.h"

/*
 * An input that is larger than a CPU's own cache has left it before the network reads it. Written
 * past the caches it need not be read first, which is what it costs to read it from memory later.
 */
enum { STREAM_BYTES = 2 << 20 };

struct planes {
	const struct sp_lines *lines;
	const struct sp_fit *fit;
	const struct sp_input_form *form;
	float *input;
	bool stream;
};

static void fill(const struct planes *planes, float *to, size_t n, float value)
{
	(planes->stream ? planes->lines->stream_fill : planes->lines->fill)(to, n, value);
}

static void emit_planes(void *arg, uint32_t y, const uint16_t *const fine[3], uint32_t width)
{
	const struct planes *planes = arg;
	const struct sp_lines *lines = planes->lines;
	const struct sp_input_form *form = planes->form;
	size_t pitch = planes->fit->input_width, plane = pitch * planes->fit->input_height;
	float *line = planes->input + y * pitch;

	for (unsigned int i = 0; i < 3; i++, line += plane) {
		(planes->stream ? lines->stream_fine : lines->form_fine)(
			fine[form->bgr ? 2 - i : i], width, form->scale[i], form->shift[i], line);
		fill(planes, line + width, pitch - width, form->shift[i]);
	}
}

int sp_preprocess(struct sp_scale *scale, struct sp_pixels *pixels, const struct sp_fit *fit,
		  const struct sp_input_form *form, float *input)
{
	size_t pitch = fit->input_width, plane = pitch * fit->input_height;
	struct planes planes = {
		.lines = pixels->lines,
		.fit = fit,
		.form = form,
		.input = input,
		.stream = 3 * plane * sizeof(*input) > STREAM_BYTES,
	};
	int rc;

	/* Black is level 0. */
	for (unsigned int i = 0; i < 3; i++)
		fill(&planes, input + i * plane + fit->height * pitch,
		     (fit->input_height - fit->height) * pitch, form->shift[i]);
	rc = sp_scale_run(scale, pixels, &fit->from, fit->width, fit->height, emit_planes, &planes);
	if (planes.stream)
		pixels->lines->stream_end();
	return rc;
}
