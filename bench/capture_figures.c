/* SPDX-License-Identifier: Apache-2.0 */
#include "capture_figures.h"

#include <stdlib.h>
#include <sys/resource.h>

int bench_figures_init(struct bench_figures *figures)
{
	*figures = (struct bench_figures){
		.latencies = calloc(BENCH_LATENCIES_MAX, sizeof(uint64_t)),
	};
	return figures->latencies ? 0 : -1;
}

static uint64_t process_cpu_ns(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000000 +
	       (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000;
}

void bench_figures_frame(struct bench_figures *figures, uint64_t now_ns, bool whole,
			 uint64_t packets)
{
	figures->last = (struct bench_moment){ now_ns, process_cpu_ns(), packets };
	if (!figures->first.ns)
		figures->first = figures->last;
	if (whole)
		figures->complete++;
	else
		figures->incomplete++;
}

void bench_figures_latency(struct bench_figures *figures, uint64_t now_ns, uint64_t sent_ns)
{
	if (figures->latencies_n < BENCH_LATENCIES_MAX && sent_ns <= now_ns)
		figures->latencies[figures->latencies_n++] = now_ns - sent_ns;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

int bench_figures_print(struct bench_figures *figures, FILE *out)
{
	const struct bench_moment *first = &figures->first, *last = &figures->last;
	size_t n = figures->latencies_n;

	qsort(figures->latencies, n, sizeof(figures->latencies[0]), by_value);
	fprintf(out,
		"{\"complete\":%llu,\"incomplete\":%llu,\"packets\":%llu,\"seconds\":%.6f,"
		"\"between\":%llu,\"cpu_ns\":%llu",
		(unsigned long long)figures->complete, (unsigned long long)figures->incomplete,
		(unsigned long long)figures->packets, (double)(last->ns - first->ns) / 1e9,
		(unsigned long long)(last->packets - first->packets),
		(unsigned long long)(last->cpu_ns - first->cpu_ns));
	if (n)
		fprintf(out, ",\"latency_p50_ns\":%llu,\"latency_p99_ns\":%llu",
			(unsigned long long)figures->latencies[n / 2],
			(unsigned long long)figures->latencies[n * 99 / 100]);
	fputs("}\n", out);
	return fflush(out) ? -1 : 0;
}
