/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/face_input.h"

#include <stddef.h>

#include "infer/align.h"
#include "infer/element.h"

/*
 * Where pixel @i of @side lies among SP_ALIGNED_SIDE, centres at halves: (i + 1/2) · 112 / side -
 * 1/2, which is a whole number of 2 · side parts. Returns the left neighbour, which has one to its
 * right; the weight of that one is in 2048ths.
 */
static uint32_t tap(uint32_t i, uint32_t side, int *ret_weight)
{
	int64_t parts = 2 * (int64_t)side;
	int64_t at = (2 * (int64_t)i + 1) * SP_ALIGNED_SIDE - side;
	int64_t last = SP_ALIGNED_SIDE - 2;

	*ret_weight = 0;
	if (at <= 0)
		return 0;
	if (at / parts > last) {
		*ret_weight = 2048;
		return (uint32_t)last;
	}
	*ret_weight = (int)((at % parts * 2048 + side) / parts);
	return (uint32_t)(at / parts);
}

void sp_face_input(const uint8_t *rgb, uint32_t side, const struct sp_input_form *form,
		   float *input)
{
	if (side == SP_ALIGNED_SIDE) {
		sp_align_to_input(rgb, form, input);
		return;
	}
	for (uint32_t y = 0; y < side; y++) {
		int wy, wx;
		const uint8_t *line = rgb + (size_t)tap(y, side, &wy) * SP_ALIGNED_SIDE * 3;

		for (uint32_t x = 0; x < side; x++) {
			const uint8_t *at = line + 3 * (size_t)tap(x, side, &wx);
			const uint8_t *below = at + 3 * SP_ALIGNED_SIDE;
			float *to = input + (size_t)y * side + x;

			for (unsigned int i = 0; i < 3; i++) {
				unsigned int c = form->bgr ? 2 - i : i;
				int level = sp_bilinear_u8(at[c], at[3 + c], below[c], below[3 + c],
							   wx, wy);

				to[(size_t)i * side * side] = (float)level * form->scale[i] +
							      form->shift[i];
			}
		}
	}
}
