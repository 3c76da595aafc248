/* SPDX-License-Identifier: Apache-2.0 */
#include "lanesim/render/sensor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "image/image.h"
#include "lanesim/kernel.h"
#include "lanesim/render/approx.h"
#include "lanesim/render/render.h"
#include "lanesim/render/tone.h"

enum {
	BLUR_MAX = 30, /* pixels either way */
	MOTION_MAX = 60, /* pixels */
	TAPS_MAX = 4 * (2 * MOTION_MAX + 1),
};

const struct lanesim_sensor lanesim_sensor_usual = {
	.target = 0.18f,
	.adapt = 1,
	.blur = 0.5f,
	.shot = 0.01f,
	.read = 0.002f,
	.contrast = 1,
	.vignette = 0.1f,
};

/* ---- exposure -------------------------------------------------------------------------------- */

/* Mean light of the metered part: in NIR, or as the eye weighs it. */
static float measure(const struct lanesim_film *film, bool nir, const struct lanesim_meter *meter)
{
	uint32_t left = 0, top = 0, right = film->width, bottom = film->height;
	double sum = 0;

	if (meter && meter->width) {
		left = meter->x < right ? meter->x : right;
		top = meter->y < bottom ? meter->y : bottom;
		right = meter->width < right - left ? left + meter->width : right;
		bottom = meter->height < bottom - top ? top + meter->height : bottom;
	}
	if (left == right || top == bottom)
		return 0;
	for (uint32_t y = top; y < bottom; y++) {
		const float *p = film->radiance + ((size_t)y * film->width + left) * LANESIM_BANDS;
		float row = 0;

		for (uint32_t x = left; x < right; x++, p += LANESIM_BANDS)
			row += nir ? p[LANESIM_NIR]
				   : .2126f * p[LANESIM_R] + .7152f * p[LANESIM_G] +
					       .0722f * p[LANESIM_B];
		sum += (double)row;
	}
	return (float)(sum / ((double)(right - left) * (double)(bottom - top)));
}

/* ---- blur ------------------------------------------------------------------------------------ */

struct tap {
	int x, y; /* pixels from where it counts */
	float weight;
};

/* Copies a row of the film (beyond the last, the last); its ends go on for @margin pixels. */
static void copy_row(const struct lanesim_film *film, int y, int margin, float *row)
{
	int last = (int)film->height - 1;
	const float *from = film->radiance + (size_t)(y < 0	 ? 0
						      : y > last ? last
								 : y) *
						     film->width * LANESIM_BANDS;
	size_t floats = (size_t)film->width * LANESIM_BANDS;
	float *middle = row + margin * LANESIM_BANDS;

	memcpy(middle, from, floats * sizeof(*row));
	for (int i = 0; i < margin; i++) {
		memcpy(row + i * LANESIM_BANDS, from, LANESIM_BANDS * sizeof(*row));
		memcpy(middle + floats + i * LANESIM_BANDS, from + floats - LANESIM_BANDS,
		       LANESIM_BANDS * sizeof(*row));
	}
}

/* Each pixel becomes a weighted sum of those around it. In place: a ring keeps rows in use. */
static int convolve(struct lanesim_film *film, const struct tap *taps, uint32_t n)
{
	const struct lanesim_kernels *kernels = lanesim_kernels();
	int margin = 0, reach = 0, ring;
	const float *rows[TAPS_MAX];
	float weights[TAPS_MAX], *memory;
	size_t stride;

	for (uint32_t i = 0; i < n; i++) {
		margin = abs(taps[i].x) > margin ? abs(taps[i].x) : margin;
		reach = abs(taps[i].y) > reach ? abs(taps[i].y) : reach;
		weights[i] = taps[i].weight;
	}
	ring = 2 * reach + 1;
	stride = ((size_t)film->width + 2 * (size_t)margin) * LANESIM_BANDS;
	memory = malloc(stride * (size_t)ring * sizeof(*memory));
	if (!memory)
		return -ENOMEM;
	for (int y = -reach; y < reach; y++)
		copy_row(film, y, margin, memory + stride * (size_t)((y + reach) % ring));
	for (int y = 0; y < (int)film->height; y++) {
		copy_row(film, y + reach, margin,
			 memory + stride * (size_t)((y + 2 * reach) % ring));
		for (uint32_t i = 0; i < n; i++)
			rows[i] = memory + stride * (size_t)((y + taps[i].y + reach) % ring) +
				  (margin + taps[i].x) * LANESIM_BANDS;
		kernels->blend(rows, weights, n, film->width * LANESIM_BANDS,
			       film->radiance + (size_t)y * film->width * LANESIM_BANDS);
	}
	free(memory);
	return 0;
}

static int blur(struct lanesim_film *film, float deviation)
{
	int radius = (int)approx_clamp(3 * deviation + 0.999f, 1, BLUR_MAX);
	struct tap taps[2 * BLUR_MAX + 1];
	uint32_t n = (uint32_t)(2 * radius + 1);
	float sum = 0;

	if (deviation < 0.05f)
		return 0;
	for (int i = -radius; i <= radius; i++) {
		float weight = approx_bump((float)i / (deviation * 1.41421356f));

		taps[i + radius] = (struct tap){ i, 0, weight };
		sum += weight;
	}
	for (uint32_t i = 0; i < n; i++)
		taps[i].weight /= sum;
	if (convolve(film, taps, n))
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++)
		taps[i] = (struct tap){ 0, taps[i].x, taps[i].weight };
	return convolve(film, taps, n);
}

/* Along a line, a step a pixel, each between its four neighbours. */
static int smear(struct lanesim_film *film, float along_x, float along_y)
{
	float dx = approx_clamp(along_x, -MOTION_MAX, MOTION_MAX);
	float dy = approx_clamp(along_y, -MOTION_MAX, MOTION_MAX);
	float length = approx_max(dx < 0 ? -dx : dx, dy < 0 ? -dy : dy);
	int steps = (int)(length + 0.999f);
	struct tap taps[TAPS_MAX];
	uint32_t n = 0;

	if (length < 0.05f)
		return 0;
	for (int i = 0; i <= steps; i++) {
		float at = (float)i / (float)steps - 0.5f, x = at * dx, y = at * dy;
		int px = approx_floor(x), py = approx_floor(y);
		float fx = x - (float)px, fy = y - (float)py, weight = 1 / (float)(steps + 1);

		taps[n++] = (struct tap){ px, py, weight * (1 - fx) * (1 - fy) };
		taps[n++] = (struct tap){ px + 1, py, weight * fx * (1 - fy) };
		taps[n++] = (struct tap){ px, py + 1, weight * (1 - fx) * fy };
		taps[n++] = (struct tap){ px + 1, py + 1, weight * fx * fy };
	}
	return convolve(film, taps, n);
}

/* ---- tone ------------------------------------------------------------------------------------ */

/* Highlights bend before they clip; then the sRGB curve, steeper or flatter about its middle. */
static float tone_at(float light, float contrast)
{
	const float knee = 0.7f;
	float x = light <= knee
			  ? light
			  : knee + (1 - knee) * (1 - approx_exp(-(light - knee) / (1 - knee)));
	float s = x <= 0.0031308f ? 12.92f * x : 1.055f * approx_pow(x, 1 / 2.4f) - 0.055f;

	return approx_clamp(0.5f + (s - 0.5f) * contrast, 0, 1);
}

static void set_tone(struct lanesim_tone *tone, const struct lanesim_film *film,
		     const struct lanesim_sensor *sensor, float mean)
{
	/* A black picture stays black rather than noise alone. */
	float full = sensor->target / approx_max(mean, 1e-6f);
	float gain = approx_pow(full, sensor->adapt) * approx_exp2(sensor->compensation);
	float mx = 0.5f * (float)film->width, my = 0.5f * (float)film->height;

	tone->nir = sensor->nir;
	tone->gain[LANESIM_R] = gain * (1 + 0.15f * sensor->warm);
	tone->gain[LANESIM_G] = gain;
	tone->gain[LANESIM_B] = gain * (1 - 0.2f * sensor->warm);
	tone->gain[LANESIM_NIR] = gain;
	tone->vignette = sensor->vignette;
	tone->middle_x = mx;
	tone->middle_y = my;
	tone->over_corner = 1 / (mx * mx + my * my);
	tone->shot = sensor->shot;
	tone->read = sensor->read;
	tone->seed = (uint32_t)sp_random_mix(sensor->seed);
	for (int i = 0; i < LANESIM_CURVE; i++) {
		float root = (float)i / (LANESIM_CURVE - 1);

		tone->curve[i] =
			(uint8_t)(255 * tone_at(root * root * LANESIM_CURVE_TOP, sensor->contrast) +
				  0.5f);
	}
}

int lanesim_expose(struct lanesim_film *film, const struct lanesim_sensor *sensor,
		   const struct lanesim_meter *meter, struct sp_image *image)
{
	const struct lanesim_kernels *kernels = lanesim_kernels();
	struct lanesim_tone tone;

	set_tone(&tone, film, sensor, measure(film, sensor->nir, meter));
	if (blur(film, sensor->blur) || smear(film, sensor->motion_x, sensor->motion_y))
		return -ENOMEM;
	for (uint32_t y = 0; y < film->height; y++)
		kernels->develop(&tone, film->radiance + (size_t)y * film->width * LANESIM_BANDS,
				 film->width, y, image->rgb + (size_t)y * film->width * 3);
	return 0;
}
