/* SPDX-License-Identifier: Apache-2.0 */
#include "lanesim/strands.h"

#include "lanesim/noise.h"

void lanesim_strands_init(struct lanesim_strands *strands, uint32_t width, float curl,
			  int32_t layer)
{
	static const float wide[LANESIM_STRANDS_SCALES] = { 1.1f, 3.3f, 11 };
	static const float straight[LANESIM_STRANDS_SCALES] = { 26, 44, 90 };
	static const float weight[LANESIM_STRANDS_SCALES] = { 0.42f, 0.34f, 0.24f };

	strands->width = width;
	strands->layer = layer;
	for (int i = 0; i < LANESIM_STRANDS_SCALES; i++) {
		strands->scale[i].wide = wide[i] * (1 + 0.9f * curl);
		strands->scale[i].long_ = approx_mix(straight[i], 1.2f * wide[i] + 1, curl);
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

void lanesim_strands_row(struct lanesim_strands *strands, uint32_t y, float *ret_shade,
			 float *ret_fine)
{
	for (uint32_t x = 0; x < strands->width; x++)
		ret_shade[x] = 0;
	for (int i = LANESIM_STRANDS_SCALES - 1; i >= 0; i--) {
		float at = (float)y / strands->scale[i].long_, t, weight = strands->scale[i].weight;
		int32_t knot = approx_floor(at);

		if (knot != strands->scale[i].knot) {
			fill_knot(strands, i, knot, strands->scale[i].here);
			fill_knot(strands, i, knot + 1, strands->scale[i].next);
			strands->scale[i].knot = knot;
		}
		t = at - (float)knot;
		t = t * t * (3 - 2 * t);
		for (uint32_t x = 0; x < strands->width; x++) {
			ret_fine[x] = approx_mix(strands->scale[i].here[x], strands->scale[i].next[x], t);
			ret_shade[x] += weight * ret_fine[x];
		}
	}
}
