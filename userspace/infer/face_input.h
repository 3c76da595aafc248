/* SPDX-License-Identifier: Apache-2.0 */
/* The input of a network that looks at an aligned face, of any side. Pure. */
#ifndef SP_INFER_FACE_INPUT_H
#define SP_INFER_FACE_INPUT_H

#include <stdint.h>

#include "infer/input.h"

/*
 * From an aligned picture (infer/align.h, SP_ALIGNED_PIXELS × RGB) to 3 × @side × @side floats in
 * @form: as it is where @side is SP_ALIGNED_SIDE, else made larger or smaller bilinearly (pixel
 * centres at halves, levels as sp_bilinear_u8 has them).
 */
void sp_face_input(const uint8_t *rgb, uint32_t side, const struct sp_input_form *form,
		   float *input);

#endif
