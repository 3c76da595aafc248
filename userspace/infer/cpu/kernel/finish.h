/* SPDX-License-Identifier: Apache-2.0 */
/* struct sp_finish in registers: its kind is looked at once, outside of loops. */
#ifndef SP_INFER_CPU_KERNEL_FINISH_H
#define SP_INFER_CPU_KERNEL_FINISH_H

#include <math.h>

#include "infer/cpu/kernel.h"
#include "infer/cpu/kernel/vector.h"

enum sp_finish_kind {
	SP_FINISH_NONE,
	SP_FINISH_LOW, /* ReLU */
	SP_FINISH_RANGE,
	SP_FINISH_SLOPE, /* PReLU */
	SP_FINISH_BOTH, /* slope, then range */
};

static inline enum sp_finish_kind sp_finish_kind(const struct sp_finish *finish)
{
	bool high = finish->high != INFINITY, low = finish->low != -INFINITY;

	if (finish->slope)
		return high || low ? SP_FINISH_BOTH : SP_FINISH_SLOPE;
	return high ? SP_FINISH_RANGE : low ? SP_FINISH_LOW : SP_FINISH_NONE;
}

/* What a vector of one kind needs; @slope is not read unless @kind has one. */
struct sp_finishing {
	sp_vector slope, low, high;
};

SP_INLINE struct sp_finishing sp_finish_load(const struct sp_finish *finish,
					     enum sp_finish_kind kind, uint32_t channel)
{
	bool slope = kind == SP_FINISH_SLOPE || kind == SP_FINISH_BOTH;

	return (struct sp_finishing){
		.slope = slope ? sp_load(finish->slope + channel) : (sp_vector){ 0 },
		.low = sp_broadcast(finish->low),
		.high = sp_broadcast(finish->high),
	};
}

SP_INLINE sp_vector sp_finish_apply(sp_vector x, enum sp_finish_kind kind,
				    const struct sp_finishing *with)
{
	if (kind == SP_FINISH_SLOPE || kind == SP_FINISH_BOTH)
		x = sp_slope(x, with->slope);
	if (kind == SP_FINISH_LOW || kind == SP_FINISH_RANGE || kind == SP_FINISH_BOTH)
		x = sp_max(x, with->low);
	if (kind == SP_FINISH_RANGE || kind == SP_FINISH_BOTH)
		x = sp_min(x, with->high);
	return x;
}

#endif
