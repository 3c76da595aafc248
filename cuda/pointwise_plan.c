/* SPDX-License-Identifier: Apache-2.0 */
#include "cuda/pointwise_plan.h"

#include "cuda/fragments.h"

/* So that the bytes of a piece's weights and the rows of a tensor are counted in 32 bits. */
enum { CHANNELS_MAX = 16384, WASTE_MAX = 32 };

static uint32_t up(uint32_t x, uint32_t to)
{
	return (x + to - 1) / to;
}

uint32_t sp_pointwise_width(const struct sp_conv *conv)
{
	bool half = conv->type == SP_TENSOR_BF16;

	if (conv->oc <= 32)
		return conv->oc <= 16 ? 16 : 32;
	return half && conv->oc > 64 && up(conv->oc, 128) * 128 - conv->oc <= WASTE_MAX ? 128 : 64;
}

bool sp_pointwise_can(const struct sp_device *device, const struct sp_conv *conv)
{
	return conv->kernel[0] == 1 && conv->kernel[1] == 1 && conv->stride[0] == 1 &&
	       conv->stride[1] == 1 && !conv->pad[0] && !conv->pad[1] && conv->group == 1 &&
	       !conv->picture && conv->oh == conv->h && conv->ow == conv->w &&
	       conv->c <= CHANNELS_MAX && conv->oc <= CHANNELS_MAX &&
	       device->threads_max >= SP_POINTWISE_THREADS;
}

static uint32_t outputs_packed(const struct sp_conv *conv)
{
	uint32_t width = sp_pointwise_width(conv);

	return up(conv->oc, width) * width;
}

size_t sp_pointwise_bytes(const struct sp_conv *conv)
{
	uint32_t outputs = outputs_packed(conv);

	return sp_fragments_piece(conv->type, conv->c, outputs) + sizeof(float) * outputs;
}

void sp_pointwise_pack(const struct sp_conv *conv, const float *weights, const float *bias,
		       void *packed)
{
	uint32_t outputs = outputs_packed(conv);
	float *floats =
		(float *)((uint8_t *)packed + sp_fragments_piece(conv->type, conv->c, outputs));

	sp_fragments_pack(conv->type, conv->c, conv->oc, sp_pointwise_width(conv), weights, packed);
	for (uint32_t i = 0; i < outputs; i++)
		floats[i] = bias && i < conv->oc ? bias[i] : 0.0f;
}
