/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/input.h"

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
