/* SPDX-License-Identifier: Apache-2.0 */
/* What a receiver of bench/capture measures of itself, ours and the peers alike. */
#ifndef SP_BENCH_CAPTURE_FIGURES_H
#define SP_BENCH_CAPTURE_FIGURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { BENCH_LATENCIES_MAX = 1 << 16 };

struct bench_moment {
	uint64_t ns; /* CLOCK_MONOTONIC */
	uint64_t cpu_ns; /* user and system time of this process */
	uint64_t packets; /* received so far */
};

struct bench_figures {
	uint64_t complete, incomplete; /* frames */
	uint64_t packets; /* in all, at the end */
	struct bench_moment first, last; /* frames */
	uint64_t *latencies; /* ns */
	size_t latencies_n;
};

/* 0 or -1. */
int bench_figures_init(struct bench_figures *figures);

/* A frame was handed over; @packets: received so far. */
void bench_figures_frame(struct bench_figures *figures, uint64_t now_ns, bool whole,
			 uint64_t packets);

/* The last packet of a whole frame left at @sent_ns. */
void bench_figures_latency(struct bench_figures *figures, uint64_t now_ns, uint64_t sent_ns);

/* A line of JSON, which bench/capture reads. 0 or -1. */
int bench_figures_print(struct bench_figures *figures, FILE *out);

#endif
