/* SPDX-License-Identifier: Apache-2.0 */
/* Shapes of tensors. */
#ifndef SP_INFER_SHAPE_H
#define SP_INFER_SHAPE_H

#include <stdint.h>

enum { SP_RANK_MAX = 6 };

struct sp_shape {
	unsigned int rank;	  /* 0: a scalar */
	int64_t dim[SP_RANK_MAX]; /* ≥ 0 once known; -1 in a model: given by the input */
};

#endif
