/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers in the device's memory. A tensor is N pictures of H × W pixels of C channels, channel by
 * channel side by side (NHWC), a pixel's channels padded to `pitch`, so that what one thread moves
 * is 16 bytes: a multiple of 8, or 4 for the pictures that go into a network. Invariant: channels
 * [c, pitch) of what any kernel writes are 0.
 */
#ifndef SP_CUDA_TENSOR_H
#define SP_CUDA_TENSOR_H

#include <stddef.h>
#include <stdint.h>

enum sp_tensor_type { SP_TENSOR_F32, SP_TENSOR_BF16, SP_TENSOR_TYPES };

struct sp_device_tensor {
	void *at; /* 256-byte aligned */
	enum sp_tensor_type type;
	uint32_t n, h, w, c;
	uint32_t pitch; /* numbers from pixel to pixel */
};

static inline uint32_t sp_tensor_pitch(uint32_t c)
{
	return (c + 7) / 8 * 8;
}

static inline size_t sp_tensor_number(enum sp_tensor_type type)
{
	return type == SP_TENSOR_BF16 ? 2 : 4;
}

/* Numbers from picture to picture. */
static inline size_t sp_tensor_picture(const struct sp_device_tensor *tensor)
{
	return (size_t)tensor->h * tensor->w * tensor->pitch;
}

static inline size_t sp_tensor_bytes(const struct sp_device_tensor *tensor)
{
	return tensor->n * sp_tensor_picture(tensor) * sp_tensor_number(tensor->type);
}

#endif
