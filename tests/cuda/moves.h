/* SPDX-License-Identifier: Apache-2.0 */
/* What tests of cuda/move.h have in common. */
#ifndef SP_TESTS_CUDA_MOVES_H
#define SP_TESTS_CUDA_MOVES_H

#include "cuda/move.h"
#include "tensors.h"

__attribute__((unused)) static double *wanted(const struct numbers *y)
{
	double *want = calloc(y->n + 1, sizeof(*want));

	CHECK(want);
	return want;
}

/* Where number @i of @y is. */
struct place {
	uint32_t n, y, x, c;
};

__attribute__((unused)) static struct place place_of(const struct numbers *y, size_t i)
{
	size_t pixel = i / y->card.pitch;

	return (struct place){ (uint32_t)(pixel / y->card.w / y->card.h),
			       (uint32_t)(pixel / y->card.w % y->card.h),
			       (uint32_t)(pixel % y->card.w), (uint32_t)(i % y->card.pitch) };
}

/* Channels of pictures that go into a network lie in fours. */
__attribute__((unused)) static uint32_t pitch_of(uint32_t c, bool picture)
{
	return picture ? 4 : sp_tensor_pitch(c);
}

#define EACH_TYPE(type)                                                                            \
	for (enum sp_tensor_type type = SP_TENSOR_F32; type < SP_TENSOR_TYPES;                     \
	     type = (enum sp_tensor_type)(type + 1))

#endif
