/* SPDX-License-Identifier: Apache-2.0 */
#include "lanesim/kernel.h"

#include "lanesim/render/noise.h"
#include "lanesim/render/tone.h"

enum { BLOCK = 64 };

void LANESIM_ISA_NAME(lanesim_blend)(const float *const *rows, const float *weights,
				     uint32_t rows_n, uint32_t n, float *ret_row)
{
	for (uint32_t at = 0; at < n; at += BLOCK) {
		uint32_t end = n - at < BLOCK ? n - at : BLOCK;
		float sum[BLOCK] = { 0 };

		for (uint32_t k = 0; k < rows_n; k++) {
			const float *restrict row = rows[k] + at;
			float weight = weights[k];

			if (end == BLOCK)
				for (int i = 0; i < BLOCK; i++)
					sum[i] += weight * row[i];
			else
				for (uint32_t i = 0; i < end; i++)
					sum[i] += weight * row[i];
		}
		memcpy(ret_row + at, sum, end * sizeof(*sum));
	}
}

/* About normal, deviation 1: four dice of 256 sides. */
static inline float grain(uint32_t x, uint32_t y, uint32_t seed)
{
	uint32_t h = noise_hash((int32_t)x, (int32_t)y, (int32_t)seed);
	int32_t sum = (int32_t)((h & 0xFF) + (h >> 8 & 0xFF) + (h >> 16 & 0xFF) + (h >> 24));

	return (float)(sum - 510) * (1.0f / 147.8f);
}

/* Light of one band of a block into places on the tone curve. */
static void expose(const struct lanesim_tone *tone, const float *radiance, int band, uint32_t x0,
		   uint32_t y, uint16_t *restrict ret_place)
{
	float dy = (float)y + 0.5f - tone->middle_y, gain = tone->gain[band];
	float shot = tone->shot * tone->shot, read = tone->read * tone->read;
	float vignette = tone->vignette * tone->over_corner, middle = tone->middle_x;
	uint32_t seed = tone->seed + (uint32_t)band;

	for (uint32_t i = 0; i < BLOCK; i++) {
		float dx = (float)(int32_t)(x0 + i) + 0.5f - middle;
		float light = radiance[i * LANESIM_BANDS + (uint32_t)band] * gain *
			      (1 - vignette * (dx * dx + dy * dy));

		light += grain(x0 + i, y, seed) * sqrtf(shot * approx_max(light, 0) + read);
		light = approx_clamp(light * (1 / LANESIM_CURVE_TOP), 0, 1);
		ret_place[i] = (uint16_t)(int32_t)(sqrtf(light) * (LANESIM_CURVE - 1) + 0.5f);
	}
}

void LANESIM_ISA_NAME(lanesim_develop)(const struct lanesim_tone *tone, const float *radiance,
				       uint32_t width, uint32_t y, uint8_t *ret_rgb)
{
	for (uint32_t at = 0; at < width; at += BLOCK) {
		uint32_t n = width - at < BLOCK ? width - at : BLOCK;
		float light[BLOCK * LANESIM_BANDS] = { 0 };
		uint16_t place[3][BLOCK];

		memcpy(light, radiance + (size_t)at * LANESIM_BANDS,
		       n * LANESIM_BANDS * sizeof(*light));
		for (int channel = 0; channel < 3; channel++) {
			if (tone->nir && channel)
				memcpy(place[channel], place[0], sizeof(place[0]));
			else
				expose(tone, light, tone->nir ? LANESIM_NIR : channel, at, y,
				       place[channel]);
		}
		for (uint32_t i = 0; i < n; i++)
			for (int channel = 0; channel < 3; channel++)
				ret_rgb[(at + i) * 3 + (uint32_t)channel] =
					tone->curve[place[channel][i]];
	}
}
