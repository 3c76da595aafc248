/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/span.h"

#include <string.h>

struct sp_span sp_span_of(uint32_t i, double step, uint32_t units)
{
	double from = i * step, to = (i + 1) * step;
	struct sp_span span;
	double all;

	/* An odd last column or line is in no quad. */
	if (to > units)
		to = units;
	span.first = (uint32_t)from;
	span.last = (uint32_t)to;
	/* The end of a whole unit; rounding leaves slivers that are nothing. */
	if (span.last > span.first && to - span.last < 1e-9)
		span.last--;
	span.of_first = (float)((span.last > span.first ? span.first + 1 : to) - from);
	span.of_last = (float)(to - span.last);
	all = (double)span.of_first;
	if (span.last > span.first)
		all += (double)span.of_last + (span.last - span.first - 1);
	span.part = (float)(1 / all);
	return span;
}

uint16_t sp_span_deal(double share, double *dealt)
{
	double before = *dealt;
	uint32_t weight;

	*dealt += share;
	weight = (uint32_t)(*dealt * 65536 + 0.5) - (uint32_t)(before * 65536 + 0.5);
	return (uint16_t)(weight < 65535 ? weight : 65535);
}

void sp_span_weights(const struct sp_span *span, uint16_t *weights)
{
	double part = (double)span->part, dealt = 0;

	*weights++ = sp_span_deal((double)span->of_first * part, &dealt);
	for (uint32_t i = span->first + 1; i < span->last; i++)
		*weights++ = sp_span_deal(part, &dealt);
	if (span->last > span->first)
		*weights = sp_span_deal((double)span->of_last * part, &dealt);
}

uint16_t sp_span_mean(const struct sp_span *span, const uint16_t *fine)
{
	float sum = span->of_first * (float)fine[span->first];
	uint32_t whole = 0;

	for (uint32_t i = span->first + 1; i < span->last; i++)
		whole += fine[i];
	sum += (float)whole;
	if (span->last > span->first)
		sum += span->of_last * (float)fine[span->last];
	return (uint16_t)(sum * span->part + 0.5f);
}

/* The most units that a group of @group pixels is made from. */
static uint32_t widest(const struct sp_span *spans, uint32_t width, uint32_t group)
{
	uint32_t most = 0;

	for (uint32_t x = 0; x < width; x += group) {
		uint32_t last = x + group < width ? x + group - 1 : width - 1;
		uint32_t units = spans[last].last - spans[x].first + 1;

		most = units > most ? units : most;
	}
	return most;
}

static void fill_group(struct sp_span_table *table, const struct sp_span *spans, uint32_t pixels,
		       uint32_t g)
{
	uint16_t(*weight)[SP_ACROSS_GROUP] = table->weight + g * table->across.taps;

	table->begin[g] = spans[0].first;
	memset(table->index[g], 0, sizeof(table->index[g]));
	memset(weight, 0, table->across.taps * sizeof(*weight));
	for (uint32_t i = 0; i < pixels; i++) {
		uint16_t weights[SP_SPAN_TAPS_MAX];
		uint32_t taps = spans[i].last - spans[i].first + 1;

		table->index[g][i] = (uint16_t)(spans[i].first - spans[0].first);
		sp_span_weights(&spans[i], weights);
		for (uint32_t t = 0; t < taps; t++)
			weight[t][i] = weights[t];
	}
}

bool sp_span_table_fill(struct sp_span_table *table, const struct sp_span *spans, uint32_t width)
{
	struct sp_across *across = &table->across;
	uint32_t units = widest(spans, width, SP_ACROSS_GROUP), taps = 0, groups;

	*across = (struct sp_across){
		.width = width,
		.group = SP_ACROSS_GROUP,
		.begin = table->begin,
		.index = table->index,
		.weight = table->weight,
	};
	if (units > SP_ACROSS_WINDOW) {
		across->group = SP_ACROSS_GROUP / 2;
		units = widest(spans, width, across->group);
	}
	for (uint32_t x = 0; x < width; x++) {
		uint32_t n = spans[x].last - spans[x].first + 1;

		taps = n > taps ? n : taps;
	}
	groups = (width + across->group - 1) / across->group;
	if (units > SP_ACROSS_WINDOW || taps > SP_SPAN_TAPS_MAX || groups > SP_SPAN_GROUPS_MAX ||
	    groups * taps > SP_SPAN_WEIGHTS_MAX)
		return false;
	across->half = units <= SP_ACROSS_WINDOW / 2;
	across->eighths = (widest(spans, width, 8) + 7) / 8;
	across->taps = taps;
	for (uint32_t g = 0; g < groups; g++) {
		uint32_t x = g * across->group, left = width - x;

		fill_group(table, spans + x, left < across->group ? left : across->group, g);
	}
	return true;
}
