/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The transpose of SP_LANES registers, by exchanging, at distances 1, 2, 4 …, what lies off the
 * diagonal of each pair (J. O. Eklundh, "A fast computer method for matrix transposing", 1972).
 */
#ifndef SP_INFER_CPU_KERNEL_TRANSPOSE_H
#define SP_INFER_CPU_KERNEL_TRANSPOSE_H

#include "infer/cpu/kernel/vector.h"

#define SP_EXCHANGE(distance, low, high)                                                           \
	SP_UNROLL                                                                                  \
	for (int i = 0; i < SP_LANES; i++) {                                                       \
		if (!(i & (distance))) {                                                           \
			sp_vector a = x[i], b = x[i + (distance)];                                 \
                                                                                                   \
			x[i] = __builtin_shufflevector(a, b, low);                                 \
			x[i + (distance)] = __builtin_shufflevector(a, b, high);                   \
		}                                                                                  \
	}
#define SP_LIST(...) __VA_ARGS__

SP_INLINE void sp_transpose(sp_vector x[SP_LANES])
{
#if SP_LANES == 16
	SP_EXCHANGE(1, SP_LIST(0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30),
		    SP_LIST(1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31))
	SP_EXCHANGE(2, SP_LIST(0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29),
		    SP_LIST(2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31))
	SP_EXCHANGE(4, SP_LIST(0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27),
		    SP_LIST(4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31))
	SP_EXCHANGE(8, SP_LIST(0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23),
		    SP_LIST(8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31))
#elif SP_LANES == 8
	SP_EXCHANGE(1, SP_LIST(0, 8, 2, 10, 4, 12, 6, 14), SP_LIST(1, 9, 3, 11, 5, 13, 7, 15))
	SP_EXCHANGE(2, SP_LIST(0, 1, 8, 9, 4, 5, 12, 13), SP_LIST(2, 3, 10, 11, 6, 7, 14, 15))
	SP_EXCHANGE(4, SP_LIST(0, 1, 2, 3, 8, 9, 10, 11), SP_LIST(4, 5, 6, 7, 12, 13, 14, 15))
#else
	SP_EXCHANGE(1, SP_LIST(0, 4, 2, 6), SP_LIST(1, 5, 3, 7))
	SP_EXCHANGE(2, SP_LIST(0, 1, 4, 5), SP_LIST(2, 3, 6, 7))
#endif
}

#endif
