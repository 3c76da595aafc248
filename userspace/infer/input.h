/* SPDX-License-Identifier: Apache-2.0 */
/* How levels 0 … 255 of red, green and blue become the three planes of a network's input. */
#ifndef SP_INFER_INPUT_H
#define SP_INFER_INPUT_H

#include <stdbool.h>
#include <stdint.h>

/* Plane i is level × scale[i] + shift[i]; planes are red, green, blue, or the other way round. */
struct sp_input_form {
	bool bgr;
	float scale[3], shift[3];
};

/* YuNet: blue, green, red as they are. */
extern const struct sp_input_form sp_input_levels;
/* MobileFaceNet: red, green, blue of (x / 255 - mean) / deviation, ImageNet's. */
extern const struct sp_input_form sp_input_imagenet;
/* LightQNet: blue, green, red of (x - 128) / 128. */
extern const struct sp_input_form sp_input_signed;

/* @n pixels of red, green, blue into three planes of @n floats. */
void sp_input_fill(const struct sp_input_form *form, const uint8_t *rgb, uint32_t n, float *planes);

#endif
