/* SPDX-License-Identifier: Apache-2.0 */
#include "infer_layers.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "infer/cpu/executor.h"
#include "roof.h"

enum { LAYERS_MAX = 256, ROOFS_MAX = 8 };

static struct sp_layer layers[SP_BENCH_ROUNDS_MAX][LAYERS_MAX];

static int by_ns(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Of layer @i over the rounds, ns. */
static uint64_t median_ns(unsigned int i, unsigned int rounds)
{
	uint64_t ns[SP_BENCH_ROUNDS_MAX];

	for (unsigned int round = 0; round < rounds; round++)
		ns[round] = layers[round][i].ns;
	qsort(ns, rounds, sizeof(ns[0]), by_ns);
	return ns[(rounds - 1) / 2];
}

/*
 * Multiply-adds a second of the instructions that a layer lives on. In bfloat16, windows over single
 * channels and the first layer are computed in float32: there are no sums of products of pairs.
 */
static double roof_of(const struct sp_layer *layer)
{
	static char names[ROOFS_MAX][32];
	static double roofs[ROOFS_MAX];
	bool pairs = !strcmp(layer->kind, "pointwise") || !strcmp(layer->kind, "separable");
	const char *name = pairs ? layer->kernels : "onednn";
	unsigned int i = 0;

	while (i < ROOFS_MAX - 1 && *names[i] && strcmp(names[i], name))
		i++;
	if (strcmp(names[i], name)) {
		snprintf(names[i], sizeof(names[i]), "%s", name);
		roofs[i] = roof_measure(name);
	}
	return roofs[i];
}

/* Of the roof, in a run of @ns. */
static double fraction(const struct sp_layer *layer, uint64_t ns)
{
	double roof = roof_of(layer);

	return roof > 0 && ns ? (double)layer->macs * 1e9 / (double)ns / roof : 0;
}

static void record(struct sp_bench *bench, const char *label, unsigned int i, unsigned int rounds)
{
	const struct sp_layer *layer = &layers[0][i];
	double shares[SP_BENCH_ROUNDS_MAX];
	char text[256];
	const struct sp_bench_row row = {
		.label = text, .engine = layer->kernels, .metric = "fraction_of_roof", .unit = ""
	};

	for (unsigned int round = 0; round < rounds; round++)
		shares[round] = fraction(layer, layers[round][i].ns);
	snprintf(text, sizeof(text), "%s, %s %s", label, layer->kind, layer->name);
	sp_bench_write(bench, &row, shares, rounds);
}

void infer_layers_measure(struct sp_bench *bench, const char *label, struct sp_executor *executor,
			  unsigned int rounds)
{
	uint64_t all = 0, macs = 0;
	int n = 0;

	/* Round 0 warms up and is overwritten. */
	for (unsigned int round = 0; round <= rounds; round++) {
		n = sp_executor_profile(executor, layers[round ? round - 1 : 0], LAYERS_MAX);
		if (n < 0 || n > LAYERS_MAX) {
			printf("  layers of %s are left out: %s\n", label,
			       n < 0 ? "a step failed" : "too many");
			return;
		}
	}
	printf("\n  layers of %s\n  %-44s %-22s %-12s %-14s %9s %8s %8s %6s\n", label, "layer",
	       "kind", "kernels", "makes", "us", "MMAC", "GMAC/s", "roof");
	for (unsigned int i = 0; i < (unsigned int)n; i++) {
		const struct sp_layer *layer = &layers[0][i];
		uint64_t ns = median_ns(i, rounds);
		char makes[48] = "";

		all += ns;
		macs += layer->macs;
		if (layer->channels)
			snprintf(makes, sizeof(makes), "%ux%ux%u", layer->channels, layer->height,
				 layer->width);
		printf("  %-44.44s %-22s %-12s %-14s %9.1f", layer->name, layer->kind,
		       layer->kernels, makes, (double)ns / 1e3);
		if (layer->macs) {
			printf(" %8.2f %8.1f %4.0f %%", (double)layer->macs / 1e6,
			       (double)layer->macs / (double)(ns + 1), 100 * fraction(layer, ns));
			record(bench, label, i, rounds);
		}
		printf("\n");
	}
	printf("  %-95s %9.1f %8.2f %8.1f\n", "all", (double)all / 1e3, (double)macs / 1e6,
	       (double)macs / (double)(all + 1));
}
