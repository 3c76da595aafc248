/* SPDX-License-Identifier: Apache-2.0 */
/* What a unit does when its turn comes: calls of kernels, row by row. */
#include "infer/cpu/band.h"

#include <math.h>
#include <string.h>

#include "infer/cpu/kernel/half.h"

enum {
	LANES = 16,
	/*
	 * Pixels that elementwise kernels and convolutions over one pixel get in one call where
	 * rows follow each other in memory: enough to hide a call, few enough to stay in the
	 * nearest cache.
	 */
	SPAN = 256,
};

/* Rows [at, at + n) of a unit's result. */
struct turn {
	const struct sp_band *band;
	const struct sp_unit *unit;
	uint32_t at, n;
};

static uint8_t *row_at(const struct sp_rows *rows, uint32_t y)
{
	return rows->at + y % rows->depth * rows->row;
}

static struct sp_row row_of(const struct sp_rows *rows, uint32_t y)
{
	return (struct sp_row){ row_at(rows, y), rows->block };
}

/* Row @y of rows @id; of none, zeros. */
static struct sp_row row_or_zeros(const struct sp_band *band, uint32_t id, uint32_t y)
{
	return id == SP_NONE ? (struct sp_row){ band->zero, 0 } : row_of(&band->rows[id], y);
}

/* The pixels beside the rows become zero where a window reads them. */
static void clear_margins(const struct turn *turn)
{
	const struct sp_rows *out = &turn->band->rows[turn->unit->out];

	if (!out->margins)
		return;
	for (uint32_t i = 0; i < turn->n; i++) {
		uint8_t *row = row_at(out, turn->at + i) - SP_CELL_BYTES;

		for (uint32_t b = 0; b < out->blocks; b++, row += out->block) {
			memset(row, 0, SP_CELL_BYTES);
			memset(row + out->row, 0, SP_CELL_BYTES);
		}
	}
}

/* How many of rows @id from @y on, @n at most, are one long row: none of zeros or with margins. */
static uint32_t run_of(const struct sp_band *band, uint32_t id, uint32_t y, uint32_t n)
{
	const struct sp_rows *rows = id == SP_NONE ? NULL : &band->rows[id];
	uint32_t left;

	if (!rows || rows->margins)
		return 1;
	left = rows->depth - y % rows->depth;
	return left < n ? left : n;
}

/* The same of all that the unit touches, and no more than a span. */
static uint32_t run_at(const struct turn *turn, uint32_t y, uint32_t n)
{
	const struct sp_band *band = turn->band;
	uint32_t most = SPAN / band->rows[turn->unit->out].width;

	n = n < most ? n : most ? most : 1;
	n = run_of(band, turn->unit->in, y, n);
	if (turn->unit->kind != SP_UNIT_POINTWISE || turn->unit->also != SP_NONE)
		n = run_of(band, turn->unit->also, y, n);
	return run_of(band, turn->unit->out, y, n);
}

static void pointwise(const struct turn *turn)
{
	const struct sp_band *band = turn->band;
	const struct sp_unit *unit = turn->unit;
	const struct sp_rows *in = &band->rows[unit->in], *out = &band->rows[unit->out];
	uint32_t end = turn->at + turn->n, run;
	struct sp_row residual = { 0 };

	for (uint32_t y = turn->at; y < end; y += run) {
		run = run_at(turn, y, end - y);
		if (unit->also != SP_NONE)
			residual = row_of(&band->rows[unit->also], y);
		band->kernels->pointwise(&unit->point, row_of(in, y), residual, row_of(out, y),
					 run * out->width);
	}
}

static void add(const struct turn *turn)
{
	const struct sp_band *band = turn->band;
	const struct sp_unit *unit = turn->unit;
	const struct sp_rows *out = &band->rows[unit->out];
	uint32_t end = turn->at + turn->n, run;

	for (uint32_t y = turn->at; y < end; y += run) {
		run = run_at(turn, y, end - y);
		band->kernels->add(row_of(&band->rows[unit->in], y),
				   row_or_zeros(band, unit->also, y), row_of(out, y), out->blocks,
				   run * out->width, &unit->finish);
	}
}

static void upsample(const struct turn *turn)
{
	const struct sp_band *band = turn->band;
	const struct sp_unit *unit = turn->unit;
	const struct sp_rows *out = &band->rows[unit->out];

	for (uint32_t i = 0, y = turn->at; i < turn->n; i++, y++)
		band->kernels->upsample_add(row_or_zeros(band, unit->also, y),
					    row_of(&band->rows[unit->in], y / 2), row_of(out, y),
					    out->blocks, out->width, &unit->finish);
}

static void pool(const struct turn *turn)
{
	const struct sp_rows *in = &turn->band->rows[turn->unit->in];
	const struct sp_rows *out = &turn->band->rows[turn->unit->out];

	for (uint32_t i = 0, y = turn->at; i < turn->n; i++, y++) {
		struct sp_row pair[2] = { row_of(in, 2 * y), row_of(in, 2 * y + 1) };

		turn->band->kernels->pool(pair, row_of(out, y), out->blocks, out->width);
	}
}

/* Rows of the source around a window, zeros outside; the middle of the first window is @shift. */
static void window_rows(const struct turn *turn, uint32_t y, struct sp_row *rows, uint32_t n,
			uint32_t shift, uint8_t *outside)
{
	const struct sp_rows *in = &turn->band->rows[turn->unit->in];

	for (uint32_t i = 0; i < n; i++) {
		int64_t from = (int64_t)y * turn->unit->stride + i - turn->unit->top;
		bool inside = from >= 0 && from < in->height;

		rows[i] = inside ? row_of(in, (uint32_t)from) : (struct sp_row){ outside, 0 };
		if (rows[i].at)
			rows[i].at = (uint8_t *)rows[i].at + (size_t)shift * SP_CELL_BYTES;
	}
}

enum { WINDOW_ROWS_MAX = 2 * (SP_BAND_ROWS_MAX - 1) + 3 };

static void depthwise(const struct turn *turn)
{
	const struct sp_unit *unit = turn->unit;
	const struct sp_rows *out = &turn->band->rows[unit->out];
	struct sp_row from[WINDOW_ROWS_MAX], to[SP_BAND_ROWS_MAX];
	uint32_t end = turn->at + turn->n, n;

	for (uint32_t y = turn->at; y < end; y += n) {
		n = end - y < SP_BAND_ROWS_MAX ? end - y : SP_BAND_ROWS_MAX;
		window_rows(turn, y, from, unit->stride * (n - 1) + 3, 1 - unit->left,
			    turn->band->zero);
		for (uint32_t i = 0; i < n; i++)
			to[i] = row_of(out, y + i);
		turn->band->kernels->depthwise(&unit->depth, from, to, n, out->width);
	}
}

static void separable(const struct turn *turn)
{
	const struct sp_unit *unit = turn->unit;
	const struct sp_rows *out = &turn->band->rows[unit->out];
	struct sp_row from[SP_BAND_ROWS_MAX + 2], to[SP_BAND_ROWS_MAX];
	uint32_t end = turn->at + turn->n, n;

	for (uint32_t y = turn->at; y < end; y += n) {
		n = end - y < SP_BAND_ROWS_MAX ? end - y : SP_BAND_ROWS_MAX;
		window_rows(turn, y, from, n + 2, 0, NULL);
		for (uint32_t i = 0; i < n; i++)
			to[i] = row_of(out, y + i);
		turn->band->kernels->separable(&unit->separable, from, to, n, out->width,
					       turn->band->base);
	}
}

/* Of picture @picture of the batch: row @y of plane @plane. */
static const float *plane_row(const struct sp_band *band, const struct sp_band_input *input,
			      uint32_t plane, uint32_t y)
{
	size_t planes = (size_t)band->picture * input->channels + plane;

	return input->at + (planes * input->height + y) * input->width;
}

static void stem(const struct turn *turn)
{
	const struct sp_unit *unit = turn->unit;
	const struct sp_band_input *input = &turn->band->inputs[unit->input];
	const struct sp_rows *out = &turn->band->rows[unit->out];
	const float *lines[SP_STEM_CHANNELS_MAX * SP_STEM_SIDE_MAX];

	for (uint32_t i = 0, y = turn->at; i < turn->n; i++, y++) {
		for (uint32_t k = 0; k < input->channels * unit->side; k++) {
			int64_t from = (int64_t)y * unit->stride + k % unit->side - unit->top;

			lines[k] = from < 0 || from >= input->height
					   ? NULL
					   : plane_row(turn->band, input, k / unit->side,
						       (uint32_t)from);
		}
		turn->band->kernels->stem(&unit->stem, lines, row_of(out, y), out->width);
	}
}

static void load(const struct turn *turn)
{
	const struct sp_band_input *input = &turn->band->inputs[turn->unit->input];
	const struct sp_rows *out = &turn->band->rows[turn->unit->out];

	for (uint32_t i = 0, y = turn->at; i < turn->n; i++, y++)
		turn->band->kernels->load(out->cell, plane_row(turn->band, input, 0, y),
					  (size_t)input->height * input->width, row_of(out, y),
					  input->channels, input->width);
}

/* ---- a depthwise window over the whole picture ---------------------------------------------- */

/* 16 channels of pixel @at; they may be half of a cell. */
static void sixteen(const uint8_t *at, enum sp_cell cell, float values[LANES])
{
	if (cell == SP_CELL_F32) {
		memcpy(values, at, LANES * sizeof(*values));
		return;
	}
	for (unsigned int i = 0; i < LANES; i += SP_LANES)
		sp_store(values + i, sp_half_load(at + i * sizeof(uint16_t)));
}

static void put_sixteen(uint8_t *at, enum sp_cell cell, const float values[LANES])
{
	if (cell == SP_CELL_F32) {
		memcpy(at, values, LANES * sizeof(*values));
		return;
	}
	for (unsigned int i = 0; i < LANES; i += SP_LANES)
		sp_half_store(at + i * sizeof(uint16_t), sp_load(values + i));
}

/* Channels [16 × @group, …) of @rows begin here, in row @y. */
static uint8_t *group_at(const struct sp_rows *rows, uint32_t group, uint32_t y)
{
	uint32_t groups = sp_cell_channels(rows->cell) / LANES;

	return row_at(rows, y) + group / groups * rows->block +
	       group % groups * (SP_CELL_BYTES / groups);
}

static void whole(const struct turn *turn)
{
	const struct sp_unit *unit = turn->unit;
	const struct sp_rows *in = &turn->band->rows[unit->in];
	const struct sp_rows *out = &turn->band->rows[unit->out];
	uint32_t groups = out->blocks * (sp_cell_channels(out->cell) / LANES);

	for (uint32_t g = 0; g < groups; g++) {
		const float *weights = unit->weights + (size_t)g * in->height * in->width * LANES;
		float sum[LANES], values[LANES];

		memcpy(sum, unit->bias + g * LANES, sizeof(sum));
		for (uint32_t y = 0; y < in->height; y++)
			for (uint32_t x = 0; x < in->width; x++, weights += LANES) {
				sixteen(group_at(in, g, y) + (size_t)x * SP_CELL_BYTES, in->cell,
					values);
				for (unsigned int i = 0; i < LANES; i++)
					sum[i] += values[i] * weights[i];
			}
		for (unsigned int i = 0; i < LANES; i++) {
			if (unit->finish.slope && sum[i] < 0)
				sum[i] *= unit->finish.slope[g * LANES + i];
			sum[i] = fminf(fmaxf(sum[i], unit->finish.low), unit->finish.high);
		}
		put_sixteen(group_at(out, g, 0), out->cell, sum);
	}
}

/* ---- results for others --------------------------------------------------------------------- */

/*
 * @n pixels of @take channels each from cells to places @stride floats apart. Up to 4 or 16 floats
 * are copied at a time: what goes too far is written over by the next pixels. The last ones, which
 * would write behind the row, and channels that others stand beside are copied one by one.
 */
static void copy_pixels(float *to, size_t stride, const float *from, uint32_t take, uint32_t n)
{
	uint32_t exact = take == stride ? (uint32_t)(LANES / stride) + 1 : n, x = 0;

	exact = exact < n ? exact : n;
	for (; take <= 4 && x < n - exact; x++)
		memcpy(to + x * stride, from + (size_t)x * LANES, 4 * sizeof(*to));
	for (; x < n - exact; x++)
		memcpy(to + x * stride, from + (size_t)x * LANES, LANES * sizeof(*to));
	for (; x < n; x++)
		for (uint32_t i = 0; i < take; i++)
			to[x * stride + i] = from[x * LANES + i];
}

/* Row @y, float32, pixel by pixel, those channels only. */
static void write_pixels(const struct sp_band *band, const struct sp_rows *rows,
			 const struct sp_export *to, uint32_t y)
{
	float *at = to->to +
		    ((size_t)band->picture * rows->height + y) * rows->width * to->channels;

	for (uint32_t done = 0, take; done < to->channels; done += take) {
		uint32_t channel = to->channel + done, lane = channel % LANES;
		const float *from = (const float *)(const void *)group_at(rows, channel / LANES, y);

		take = LANES - lane < to->channels - done ? LANES - lane : to->channels - done;
		copy_pixels(at + done, to->channels, from + lane, take, rows->width);
	}
}

/* Row @y of planes, of which the first is not the row's first channel. */
static void write_planes(const struct sp_rows *rows, const struct sp_export *to, float *at,
			 size_t plane, uint32_t y)
{
	float values[LANES];

	for (uint32_t i = 0; i < to->channels; i++) {
		uint32_t channel = to->channel + i;
		const uint8_t *from = group_at(rows, channel / LANES, y);

		for (uint32_t x = 0; x < rows->width; x++) {
			sixteen(from + (size_t)x * SP_CELL_BYTES, rows->cell, values);
			at[i * plane + x] = values[channel % LANES];
		}
	}
}

static void export(const struct turn *turn, const struct sp_export *to)
{
	const struct sp_band *band = turn->band;
	const struct sp_rows *rows = &band->rows[turn->unit->out];
	size_t plane = (size_t)rows->height * rows->width;

	for (uint32_t i = 0, y = turn->at; i < turn->n; i++, y++) {
		float *at = to->to + band->picture * to->channels * plane + (size_t)y * rows->width;

		if (to->pixels)
			write_pixels(band, rows, to, y);
		else if (to->channel || to->channels != rows->channels)
			write_planes(rows, to, at, plane, y);
		else
			band->kernels->store(rows->cell, row_of(rows, y), at, plane, rows->channels,
					     rows->width);
	}
}

void sp_unit_work(const struct sp_band *band, struct sp_unit *unit)
{
	static void (*const turns[])(const struct turn *turn) = {
		[SP_UNIT_LOAD] = load,		 [SP_UNIT_STEM] = stem,
		[SP_UNIT_POINTWISE] = pointwise, [SP_UNIT_DEPTHWISE] = depthwise,
		[SP_UNIT_SEPARABLE] = separable, [SP_UNIT_WHOLE] = whole,
		[SP_UNIT_POOL] = pool,		 [SP_UNIT_ADD] = add,
		[SP_UNIT_UPSAMPLE] = upsample,
	};
	uint32_t left = band->rows[unit->out].height - unit->next;
	struct turn turn = { band, unit, unit->next, left < unit->band ? left : unit->band };

	turns[unit->kind](&turn);
	clear_margins(&turn);
	for (uint32_t i = 0; i < unit->exports_n; i++)
		export(&turn, &unit->exports[i]);
	unit->next += turn.n;
}
