/* SPDX-License-Identifier: Apache-2.0 */
/* What each layer of a network has of what this CPU can compute. */
#ifndef SP_BENCH_INFER_LAYERS_H
#define SP_BENCH_INFER_LAYERS_H

struct sp_bench;
struct sp_executor;

/*
 * Profiles @rounds runs: a table of the layers, medians, and a JSON line for each that multiplies:
 * the fraction of the measured roof (bench/roof.h) of its arithmetic.
 */
void infer_layers_measure(struct sp_bench *bench, const char *label, struct sp_executor *executor,
			  unsigned int rounds);

#endif
