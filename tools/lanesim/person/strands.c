/* SPDX-License-Identifier: Apache-2.0 */
#include "lanesim/person/strands.h"

#include "lanesim/render/noise.h"

enum { STRAY = LANESIM_STRANDS_SCALES };

void lanesim_strands_init(struct lanesim_strands *strands, uint32_t width, float curl,
			  int32_t layer)
{
	static const float wide[STRAY + 1] = { 1.1f, 3.3f, 11, 38 };
	static const float straight[STRAY + 1] = { 26, 44, 70, 30 };
	static const float weight[STRAY + 1] = { 0.42f, 0.34f, 0.24f, 0 };

	strands->width = width;
	strands->layer = layer;
	for (int i = 0; i <= STRAY; i++) {
		strands->scale[i].wide = wide[i] * (1 + 0.9f * curl);
		strands->scale[i].long_ = approx_mix(straight[i], 0.7f * wide[i] + 0.6f, curl);
		strands->scale[i].weight = weight[i];
		strands->scale[i].knot = -1;
	}
}

/* The last texel is the same place as the first: noise comes round to where it began. */
static void fill_knot(const struct lanesim_strands *strands, int i, int32_t knot, float *row)
{
	int32_t cells = (int32_t)((float)(strands->width - 1) / strands->scale[i].wide);
	float step = (float)cells / (float)(strands->width - 1);
	int32_t layer = strands->layer + i;

	for (uint32_t x = 0; x < strands->width; x++) {
		float at = (float)x * step;
		int32_t cell = approx_floor(at);
		float t = at - (float)cell;
		int32_t left = cell < cells ? cell : 0, right = left + 1 < cells ? left + 1 : 0;

		row[x] = approx_mix(noise_lattice(left, knot, layer),
				    noise_lattice(right, knot, layer), t * t * (3 - 2 * t));
	}
}

/* Row @y of one scale, 0 … 1. */
static void scale_row(struct lanesim_strands *strands, int i, uint32_t y, float *ret_row)
{
	float at = (float)y / strands->scale[i].long_, t;
	int32_t knot = approx_floor(at);

	if (knot != strands->scale[i].knot) {
		fill_knot(strands, i, knot, strands->scale[i].here);
		fill_knot(strands, i, knot + 1, strands->scale[i].next);
		strands->scale[i].knot = knot;
	}
	t = at - (float)knot;
	t = t * t * (3 - 2 * t);
	for (uint32_t x = 0; x < strands->width; x++)
		ret_row[x] = approx_mix(strands->scale[i].here[x], strands->scale[i].next[x], t);
}

#define STRAY_FAR 16.0f /* texels */

void lanesim_strands_row(struct lanesim_strands *strands, uint32_t y,
			 struct lanesim_strands_row *ret_row)
{
	float row[STRAY + 1][LANESIM_STRANDS_WIDTH_MAX];

	for (int i = 0; i <= STRAY; i++)
		scale_row(strands, i, y, row[i]);
	for (uint32_t x = 0; x < strands->width; x++) {
		float at = (float)x + STRAY_FAR * row[STRAY][x];
		uint32_t left = (uint32_t)at, right;
		float t = at - (float)left, fine, middle;

		left = left < strands->width - 1 ? left : left - (strands->width - 1);
		right = left + 1;
		fine = approx_mix(row[0][left], row[0][right], t);
		middle = approx_mix(row[1][left], row[1][right], t);
		ret_row->fine[x] = fine;
		ret_row->lock[x] = approx_mix(middle, approx_mix(row[2][left], row[2][right], t),
					      0.5f);
		ret_row->shade[x] =
			strands->scale[0].weight * fine + strands->scale[1].weight * middle +
			strands->scale[2].weight * approx_mix(row[2][left], row[2][right], t);
	}
}
