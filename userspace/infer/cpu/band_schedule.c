/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rehearsal: units pull rows from each other as in a run, with counters instead of rows. What
 * comes of it is the list of who works when, the number of rows that each tensor needs, and when it
 * lives.
 */
#include "infer/cpu/band.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "infer/cpu/arena.h"
#include "infer/cpu/plan.h"

enum {
	LINE = SP_CELL_BYTES,
	NARROW = 256, /* pixels that are worth a band, where rows are short */
	BLOCK_LINES = 64, /* of a way of the nearest cache: 4 KiB */
	BLOCK_STEP =
		20, /* lines between two blocks of a pixel in it, so that they do not collide */
};

/* A rehearsal: units that wait for one another, the latest last. */
struct play {
	struct sp_plan *plan;
	struct sp_band *band;
	uint32_t *waiting, waiting_n;
	uint32_t room; /* of the schedule */
};

/*
 * Rows at a time: few, so that what a band is made from is still near; where rows are short, more,
 * so that kernels have something to chew on.
 */
static uint32_t band_of(const struct sp_band *band, const struct sp_unit *unit)
{
	const struct sp_rows *out = &band->rows[unit->out];
	uint32_t few = band->kernels->cell == SP_CELL_F32 ? 4 : SP_BAND_ROWS_MAX, rows = few;

	while ((uint64_t)rows * out->width < NARROW && rows < out->height)
		rows += few;
	return rows < out->height ? rows : out->height;
}

void sp_unit_reach(const struct sp_band *band, const struct sp_unit *unit, bool also, uint32_t y,
		   uint32_t n, uint32_t *ret_first, uint32_t *ret_last)
{
	const struct sp_rows *in = &band->rows[also ? unit->also : unit->in];
	uint64_t first = y, last = (uint64_t)y + n - 1;

	switch (unit->kind) {
	case SP_UNIT_DEPTHWISE:
	case SP_UNIT_SEPARABLE:
		first = first * unit->stride;
		first = first < unit->top ? 0 : first - unit->top;
		last = last * unit->stride + unit->side - 1;
		last = last < unit->top ? 0 : last - unit->top;
		break;
	case SP_UNIT_WHOLE:
		first = 0;
		last = in->height;
		break;
	case SP_UNIT_POOL:
		first = 2 * first;
		last = 2 * last + 1;
		break;
	case SP_UNIT_UPSAMPLE:
		if (!also) {
			first /= 2;
			last /= 2;
		}
		break;
	default:
		break;
	}
	*ret_first = (uint32_t)(first < in->height ? first : in->height - 1);
	*ret_last = (uint32_t)(last < in->height ? last : in->height - 1);
}

static uint32_t height_of(const struct sp_band *band, const struct sp_unit *unit)
{
	return band->rows[unit->out].height;
}

static uint32_t rows_left(const struct sp_band *band, const struct sp_unit *unit)
{
	uint32_t left = height_of(band, unit) - unit->next;

	return left < unit->band ? left : unit->band;
}

/* The source whose rows @unit lacks for its next band, or SP_NONE. */
static uint32_t lacks(const struct sp_band *band, const struct sp_unit *unit)
{
	uint32_t sources[2] = { unit->in, unit->also }, first, last;

	for (unsigned int i = 0; i < 2; i++) {
		if (sources[i] == SP_NONE)
			continue;
		sp_unit_reach(band, unit, i, unit->next, rows_left(band, unit), &first, &last);
		if (band->rows[sources[i]].ready <= last)
			return sources[i];
	}
	return SP_NONE;
}

/* The first of @rows that somebody may still want. */
static uint32_t oldest_wanted(const struct sp_band *band, const struct sp_rows *rows)
{
	uint32_t oldest = rows->ready, first, last;
	const struct sp_unit *unit;

	for (uint32_t at = rows->readers; at != SP_NONE; at = unit->chain[at % 2]) {
		unit = &band->units[at / 2];
		if (unit->next == height_of(band, unit))
			continue;
		sp_unit_reach(band, unit, at % 2, unit->next, rows_left(band, unit), &first, &last);
		if (first < oldest)
			oldest = first;
	}
	return oldest;
}

static void chain_readers(struct sp_band *band)
{
	for (uint32_t i = 0; i < band->rows_n; i++)
		band->rows[i].readers = SP_NONE;
	for (uint32_t i = 0; i < band->units_n; i++) {
		struct sp_unit *unit = &band->units[i];
		uint32_t sources[2] = { unit->in, unit->also };

		for (uint32_t k = 0; k < 2; k++) {
			if (sources[k] == SP_NONE)
				continue;
			unit->chain[k] = band->rows[sources[k]].readers;
			band->rows[sources[k]].readers = 2 * i + k;
		}
	}
}

/* @unit makes its next rows. */
static void work(struct play *play, struct sp_unit *unit)
{
	struct sp_band *band = play->band;
	struct sp_rows *out = &band->rows[unit->out];
	uint32_t n = rows_left(band, unit), oldest = oldest_wanted(band, out);
	uint32_t event = band->events_n;

	if (event == play->room) {
		uint32_t more = event ? event * 2 : 256;
		uint16_t *bigger = reallocarray(band->schedule, more, sizeof(*bigger));

		if (!bigger || more > SP_BAND_EVENTS_MAX) {
			sp_plan_fail(play->plan, bigger ? -EFBIG : -ENOMEM,
				     bigger ? "a picture of this size has too many bands"
					    : "out of memory");
			band->schedule = bigger ? bigger : band->schedule;
			return;
		}
		band->schedule = bigger;
		play->room = more;
	}
	band->schedule[band->events_n++] = (uint16_t)(unit - band->units);
	if (!out->ready)
		out->first = event;
	out->last = event;
	out->ready += n;
	if (out->ready - oldest > out->depth)
		out->depth = out->ready - oldest;
	if (unit->in != SP_NONE)
		band->rows[unit->in].last = event;
	if (unit->also != SP_NONE)
		band->rows[unit->also].last = event;
	unit->next += n;
}

/* The whole result of unit @sink. */
static void pull(struct play *play, uint32_t sink)
{
	struct sp_band *band = play->band;

	play->waiting[play->waiting_n++] = sink;
	while (play->waiting_n && !play->plan->error) {
		struct sp_unit *unit = &band->units[play->waiting[play->waiting_n - 1]];
		uint32_t lacking = unit->next == height_of(band, unit) ? SP_NONE
								       : lacks(band, unit);
		uint32_t above = play->waiting_n > 1 ? play->waiting[play->waiting_n - 2] : SP_NONE;

		if (lacking != SP_NONE) {
			play->waiting[play->waiting_n++] = band->rows[lacking].maker;
			continue;
		}
		if (unit->next < height_of(band, unit))
			work(play, unit);
		/* Enough for the one that waits? The sink goes on to the end. */
		if (above == SP_NONE ? unit->next == height_of(band, unit)
				     : lacks(band, &band->units[above]) != unit->out)
			play->waiting_n--;
	}
}

/* How rows lie. */
static void lay_out(struct sp_rows *rows)
{
	size_t row = (size_t)rows->width + rows->margins, lines;

	if (rows->depth > rows->height)
		rows->depth = rows->height;
	/* A margin before the first row; what kernels may read after the last one's. */
	lines = SP_ROW_LEFT + rows->depth * row + SP_ROW_RIGHT;
	lines += (BLOCK_STEP + BLOCK_LINES - lines % BLOCK_LINES) % BLOCK_LINES;
	rows->row = row * LINE;
	rows->block = lines * LINE;
	rows->size = rows->block * rows->blocks;
}

/* Rows share the working buffer, behind the units' scratch. @order: a number for each. */
static int place(struct sp_band *band, uint32_t *order)
{
	struct sp_lease *leases = calloc((size_t)band->rows_n + 1, sizeof(*leases));

	if (!leases)
		return -ENOMEM;
	for (uint32_t i = 0; i < band->rows_n; i++) {
		const struct sp_rows *rows = &band->rows[i];

		leases[i] = (struct sp_lease){ rows->size, rows->first, rows->last, 0 };
	}
	band->work_size = band->scratch_size + sp_arena_place(leases, order, band->rows_n);
	for (uint32_t i = 0; i < band->rows_n; i++)
		band->rows[i].offset = band->scratch_size + leases[i].offset;
	free(leases);
	return 0;
}

void sp_band_schedule(struct sp_plan *plan, struct sp_band *band)
{
	struct play play = { .plan = plan, .band = band };
	uint32_t most = band->units_n > band->rows_n ? band->units_n : band->rows_n;

	play.waiting = calloc((size_t)most + 1, sizeof(*play.waiting));
	if (!play.waiting) {
		sp_plan_fail(plan, -ENOMEM, "out of memory");
		return;
	}
	chain_readers(band);
	for (uint32_t i = 0; i < band->units_n; i++)
		band->units[i].band = band_of(band, &band->units[i]);
	for (uint32_t i = 0; i < band->units_n && !plan->error; i++)
		if (band->units[i].exports_n)
			pull(&play, i);
	for (uint32_t i = 0; i < band->rows_n; i++)
		lay_out(&band->rows[i]);
	if (!plan->error && place(band, play.waiting))
		sp_plan_fail(plan, -ENOMEM, "out of memory");
	free(play.waiting);
}
