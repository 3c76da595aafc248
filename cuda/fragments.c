/* SPDX-License-Identifier: Apache-2.0 */
#include "cuda/fragments.h"

#include "infer/element.h"

enum { LANES = 32, STEP = 16, HALVES = 8 /* bfloat16 in 16 bytes */ };

struct matrix {
	const float *weights;
	uint32_t c, outputs;
};

static float weight(const struct matrix *matrix, uint32_t output, uint32_t channel)
{
	if (output >= matrix->outputs || channel >= matrix->c)
		return 0.0f;
	return matrix->weights[(size_t)output * matrix->c + channel];
}

/*
 * PTX ISA, "Matrix fragments for mma.m16n8k16": b[0] has rows 2t and 2t + 1, b[1] rows 2t + 8 and
 * 2t + 9 of column g, where g = lane / 4 and t = lane % 4. Rows are channels, columns outputs.
 */
static uint16_t *pack_lane(const struct matrix *matrix, uint32_t output, uint32_t channel,
			   uint32_t lane, uint16_t *to)
{
	for (uint32_t i = 0; i < HALVES; i++) {
		uint32_t fragment = i / 4, row = 2 * (lane % 4) + i % 2 + i % 4 / 2 * 8;

		*to++ = sp_bf16_of(weight(matrix, output + 8 * fragment + lane / 4, channel + row));
	}
	return to;
}

void sp_fragments_pack(enum sp_tensor_type type, uint32_t c, uint32_t outputs, uint32_t width,
		       const float *weights, void *packed)
{
	const struct matrix matrix = { weights, c, outputs };
	uint32_t channels = sp_fragments_channels(type, c);
	uint16_t *halves = packed;
	float *floats = packed;

	for (uint32_t piece = 0; piece < outputs; piece += width) {
		if (type == SP_TENSOR_F32) {
			for (uint32_t channel = 0; channel < channels; channel++)
				for (uint32_t i = 0; i < width; i++)
					*floats++ = weight(&matrix, piece + i, channel);
			continue;
		}
		for (uint32_t channel = 0; channel < channels; channel += STEP)
			for (uint32_t i = 0; i < width; i += STEP)
				for (uint32_t lane = 0; lane < LANES; lane++)
					halves = pack_lane(&matrix, piece + i, channel, lane,
							   halves);
	}
}
