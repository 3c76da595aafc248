/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one pixel of a smaller line or picture covers of the larger one: spans of units (pixels, or
 * quads of a mosaic), as weights in 65536ths, and as the tables of cpu/lines.h's across. Pure.
 */
#ifndef SP_INFER_SPAN_H
#define SP_INFER_SPAN_H

#include <stdbool.h>
#include <stdint.h>

#include "infer/cpu/lines.h"

/* Units [first, last], and how much of the first and the last. */
struct sp_span {
	uint32_t first, last;
	float of_first, of_last; /* a single unit's is of_first */
	float part; /* of their mean that a whole unit makes up: 1 / sum of all weights */
};

/* Of pixel @i where a pixel is @step ≥ 1 of @units units; a last one may have less. */
struct sp_span sp_span_of(uint32_t i, double step, uint32_t units);

/*
 * Weights are dealt out in order, so that rounding leaves nothing over: of all, @share more goes to
 * the next. *dealt, 0 at first, is what the ones before were to get.
 */
uint16_t sp_span_deal(double share, double *dealt);

/* Of each unit; @weights has room for them all. */
void sp_span_weights(const struct sp_span *span, uint16_t *weights);

/* The mean across a span of fine levels, for those that are too long for tables. */
uint16_t sp_span_mean(const struct sp_span *span, const uint16_t *fine);

enum {
	SP_SPAN_SIDE_MAX = 16384, /* units */
	SP_SPAN_TAPS_MAX = 10, /* of tables */
	SP_SPAN_GROUPS_MAX = SP_SPAN_SIDE_MAX / SP_ACROSS_GROUP,
	SP_SPAN_WEIGHTS_MAX = 4 * SP_SPAN_GROUPS_MAX,
};

/* Memory of tables. */
struct sp_span_table {
	struct sp_across across;
	uint32_t begin[SP_SPAN_GROUPS_MAX];
	uint16_t index[SP_SPAN_GROUPS_MAX][SP_ACROSS_GROUP];
	uint16_t weight[SP_SPAN_WEIGHTS_MAX][SP_ACROSS_GROUP];
};

/*
 * Fills in @table from the spans of a line of @width pixels. False if one of them, or those of a
 * group together, are too long: where a pixel is more than about seven units.
 */
bool sp_span_table_fill(struct sp_span_table *table, const struct sp_span *spans, uint32_t width);

#endif
