/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An island of a network (cpu/islands.h) as one step of a plan, computed band of rows by band of
 * rows, so that what goes from layer to layer stays in the nearest caches.
 *
 * Units do the work: each makes the next band of rows of one tensor by calls of kernels
 * (cpu/kernel.h). A unit is one node, or several: a pointwise convolution and the depthwise one
 * behind it where there is a kernel for both; convolutions of few channels that read the same
 * tensor, as the heads of detectors do, side by side in one block of channels.
 *
 * A tensor is rows of cells: [block of channels][row][pixel]. Where a window reads them, a pixel of
 * zeros lies between two rows, the right margin of one and the left margin of the next; elsewhere
 * rows that follow each other in memory are one long row to kernels without a window. Of rows there
 * are only as many as are wanted at a time: row y lies in place y modulo their number.
 *
 *	      conv 1×1          depthwise 3×3, stride 2       conv 1×1
 *	 ──▶ ┌─────────┐ 3 rows ┌─────────┐ 1 row ──▶ …       pull: a unit that lacks rows of its
 *	     │ y+1     │ ─────▶ │ y/2     │                   source lets that one's unit work first
 *	     └─────────┘        └─────────┘
 *
 * Which unit works when depends on shapes alone. So it is rehearsed once, at create
 * (band_schedule.c): that gives the list of who works, how many rows each tensor needs, and from
 * when to when, by which they share one buffer of the plan's arena. A run just goes down the list,
 * once for each picture of the batch.
 *
 * What an island reads are row-major floats; so is what others read of it, written as it is made,
 * or pixel by pixel where a transposition wants that.
 */
#ifndef SP_INFER_CPU_BAND_H
#define SP_INFER_CPU_BAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "infer/cpu/kernel.h"
#include "infer/graph.h"

struct sp_layer;
struct sp_plan;
struct sp_shapes;

enum {
	SP_PARTS_MAX = 8, /* nodes side by side in a unit */
	SP_BAND_EVENTS_MAX = 1 << 20, /* of a schedule */
};

enum sp_unit_kind {
	SP_UNIT_LOAD, /* an input of the island into cells */
	SP_UNIT_STEM,
	SP_UNIT_POINTWISE,
	SP_UNIT_DEPTHWISE,
	SP_UNIT_SEPARABLE,
	SP_UNIT_WHOLE, /* a depthwise window as large as the picture */
	SP_UNIT_POOL,
	SP_UNIT_ADD, /* also an activation alone: of a row and zeros */
	SP_UNIT_UPSAMPLE, /* twice as large; plus a row, or zeros */
};

/* A tensor inside. */
struct sp_rows {
	uint32_t channels, height, width, blocks;
	enum sp_cell cell;
	uint32_t maker; /* unit */
	bool margins; /* a window reads it */
	uint32_t depth; /* rows in memory */
	size_t row, block; /* bytes to the next */
	size_t offset, size; /* bytes, in the working buffer */
	uint8_t *at; /* pixel 0 of place 0 */
	/* In rehearsal. */
	uint32_t readers; /* the last of a chain: twice the unit, plus 1 if its second source */
	uint32_t ready; /* rows made so far */
	uint32_t first, last; /* events between which it lives */
};

/* What others read of a unit's result. */
struct sp_export {
	uint32_t tensor, buffer; /* of the graph; of the plan */
	uint32_t channel, channels; /* from which on, how many */
	bool pixels; /* channels side by side, else planes */
	float *to;
};

struct sp_unit {
	enum sp_unit_kind kind;
	const struct sp_node *parts[SP_PARTS_MAX]; /* SEPARABLE: pointwise nodes */
	const struct sp_node *behind[SP_PARTS_MAX]; /* SEPARABLE: depthwise nodes */
	uint32_t parts_n;
	uint32_t input; /* LOAD, STEM: which of the band's */
	uint32_t in, also, out; /* rows; SP_NONE: none, zeros */
	uint32_t side, stride, top, left; /* of a window */
	bool joined; /* makes all of its node; else an ADD behind it adds and finishes */
	uint32_t band; /* rows at a time */
	struct sp_finish finish; /* ADD, UPSAMPLE, WHOLE */
	const float *bias, *weights; /* WHOLE */
	union {
		struct sp_pointwise point;
		struct sp_depthwise depth;
		struct sp_stem stem;
		struct sp_separable separable;
	};
	struct sp_export exports[SP_PARTS_MAX];
	uint32_t exports_n;
	uint32_t next; /* row to be made */
	uint32_t chain[2]; /* who else reads its sources */
	void *constants; /* weights and all, packed */
	uint64_t macs, ns;
};

/* What the island reads. */
struct sp_band_input {
	uint32_t tensor, buffer;
	uint32_t channels, height, width;
	const float *at;
};

struct sp_band {
	const struct sp_kernels *kernels;
	struct sp_unit *units;
	struct sp_rows *rows;
	struct sp_band_input *inputs;
	uint32_t units_n, rows_n, inputs_n;
	uint32_t batch, picture; /* how many; at which a run is */
	uint16_t *schedule; /* units, event by event */
	uint32_t events_n;
	uint32_t work; /* the plan's buffer */
	size_t scratch_size, work_size; /* bytes: of units; of units and rows */
	uint8_t *base; /* of the working buffer; begins with the scratch */
	uint8_t *zeros, *zero; /* a row of nothing; its pixel 0 */
};

/* Whether there are units for @node. */
bool sp_band_takes(const struct sp_graph *graph, const struct sp_shapes *shapes,
		   const struct sp_node *node);

/* Whether its unit reads planes of floats, so that its input must come from outside. */
bool sp_band_reads_planes(const struct sp_graph *graph, const struct sp_shapes *shapes,
			  const struct sp_node *node);

/*
 * The island of @n @nodes becomes a step of @plan. Errors stay in plan->error, with the node at
 * fault.
 */
void sp_band_emit(struct sp_plan *plan, const uint32_t *nodes, uint32_t n);

/* NULL is allowed. */
void sp_band_destroy(struct sp_band *band);

/* Addresses, once the plan's buffers have theirs. */
void sp_band_bind(struct sp_band *band, const struct sp_plan *plan);

void sp_band_run(struct sp_band *band);

/* The same with a look at the clock before and after each unit's work; adds to unit->ns. */
void sp_band_measure(struct sp_band *band);

/* What @unit is to people: kind, name, shape, multiply-adds, time. */
void sp_band_layer(const struct sp_band *band, const struct sp_unit *unit,
		   struct sp_layer *ret_layer);

/* ---- inside --------------------------------------------------------------------------------- */

/* Padding before and after along both axes. */
struct sp_edges {
	int64_t before[2], after[2];
};

/* band_takes.c: of @window over @x; the kind of unit that @node, a convolution, is, or -1. */
struct sp_edges sp_band_edges(const struct sp_window *window, const struct sp_shape *x);
int sp_band_conv_kind(const struct sp_graph *graph, const struct sp_shapes *shapes,
		      const struct sp_node *node);

/* band_build.c: units of an island, and which rows they read and make. */
void sp_band_build(struct sp_plan *plan, struct sp_band *band, const uint32_t *nodes, uint32_t n);

/* band_weights.c: what a unit multiplies and adds, packed for its kernel. */
void sp_unit_pack(struct sp_plan *plan, const struct sp_band *band, struct sp_unit *unit);

/* band_schedule.c: who works when, with how much memory. */
void sp_band_schedule(struct sp_plan *plan, struct sp_band *band);

/* band_unit.c: rows [unit->next, …) of the unit's result; their exports too. */
void sp_unit_work(const struct sp_band *band, struct sp_unit *unit);

/*
 * The rows [first, last] of @unit's source (@also: the second one) that rows [y, y + n) of its
 * result are made from, within the source's height.
 */
void sp_unit_reach(const struct sp_band *band, const struct sp_unit *unit, bool also, uint32_t y,
		   uint32_t n, uint32_t *ret_first, uint32_t *ret_last);

#endif
