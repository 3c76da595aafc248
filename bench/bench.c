/* SPDX-License-Identifier: Apache-2.0 */
#include "bench.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <jansson.h>

struct sp_bench {
	const char *name;
	FILE *file;
	char machine[256];
	bool failed;
};

/* "AMD EPYC 7B13, 2 CPUs, Linux 6.1.0" */
static void describe_machine(char *text, size_t size)
{
	char line[256], model[128] = "unknown CPU";
	FILE *cpuinfo = fopen("/proc/cpuinfo", "r");
	struct utsname os;

	while (cpuinfo && fgets(line, sizeof(line), cpuinfo))
		if (sscanf(line, "model name : %127[^\n]", model) == 1)
			break;
	if (cpuinfo)
		fclose(cpuinfo);
	uname(&os);
	snprintf(text, size, "%s, %ld CPUs, %s %s", model, sysconf(_SC_NPROCESSORS_ONLN),
		 os.sysname, os.release);
}

struct sp_bench *sp_bench_begin(const char *name)
{
	const char *build = getenv("SP_BUILD");
	struct sp_bench *bench = calloc(1, sizeof(*bench));
	char path[1024];

	if (!bench)
		return NULL;
	if (!build || !*build)
		build = "build";
	mkdir(build, 0777);
	snprintf(path, sizeof(path), "%s/bench", build);
	mkdir(path, 0777);
	snprintf(path, sizeof(path), "%s/bench/%s.jsonl", build, name);
	bench->name = name;
	bench->file = fopen(path, "w");
	if (!bench->file) {
		fprintf(stderr, "%s: %s; run it from the repository root\n", path, strerror(errno));
		free(bench);
		return NULL;
	}
	describe_machine(bench->machine, sizeof(bench->machine));
	printf("%s (%s, %s)\n", name, SP_COMMIT, bench->machine);
	return bench;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Sorts. */
static double median(double *values, unsigned int n)
{
	qsort(values, n, sizeof(values[0]), by_value);
	return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

/* Steals @line. */
static void write_line(struct sp_bench *bench, json_t *line)
{
	if (!line || json_dumpf(line, bench->file, JSON_COMPACT | JSON_REAL_PRECISION(6)) ||
	    fputc('\n', bench->file) == EOF)
		bench->failed = true;
	json_decref(line);
}

void sp_bench_write(struct sp_bench *bench, const struct sp_bench_row *row, const double *values,
		    unsigned int rounds)
{
	double sorted[SP_BENCH_ROUNDS_MAX], middle;

	memcpy(sorted, values, rounds * sizeof(sorted[0]));
	middle = median(sorted, rounds);
	write_line(bench, json_pack("{s:s, s:s, s:s, s:s, s:s, s:f, s:f, s:f, s:i, s:s, s:s}",
				    "bench", bench->name, "case", row->label, "engine", row->engine,
				    "metric", row->metric, "unit", row->unit, "median", middle,
				    "min", sorted[0], "max", sorted[rounds - 1], "rounds",
				    (int)rounds, "commit", SP_COMMIT, "machine", bench->machine));
}

void sp_bench_record(struct sp_bench *bench, const struct sp_bench_row *row, const double *values,
		     unsigned int rounds)
{
	double sorted[SP_BENCH_ROUNDS_MAX], middle;

	memcpy(sorted, values, rounds * sizeof(sorted[0]));
	middle = median(sorted, rounds);
	printf("  %-24s %-20s %-20s %12.4g %-8s (%.4g to %.4g, %u rounds)\n", row->label,
	       row->engine, row->metric, middle, row->unit, sorted[0], sorted[rounds - 1], rounds);
	sp_bench_write(bench, row, values, rounds);
}

void sp_bench_compare(struct sp_bench *bench, const struct sp_bench_row *row, const double *values,
		      const double *peer, unsigned int rounds)
{
	double ratios[SP_BENCH_ROUNDS_MAX], ratio;

	for (unsigned int i = 0; i < rounds; i++)
		ratios[i] = values[i] / peer[i];
	ratio = median(ratios, rounds);
	if (!isfinite(ratio)) {
		fprintf(stderr, "%s: %s of %s is 0; measure more work\n", row->label, row->metric,
			row->peer);
		bench->failed = true;
		return;
	}
	printf("  %-24s %s / %s: %.3g (%s is better)\n", row->label, row->engine, row->peer, ratio,
	       row->better);
	write_line(bench, json_pack("{s:s, s:s, s:s, s:s, s:s, s:f, s:s}", "bench", bench->name,
				    "case", row->label, "engine", row->engine, "peer", row->peer,
				    "metric", row->metric, "ratio", ratio, "better", row->better));
}

static size_t find_peer(const struct sp_bench_row *rows, size_t n, const struct sp_bench_row *row)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(rows[i].engine, row->peer) && !strcmp(rows[i].label, row->label) &&
		    !strcmp(rows[i].metric, row->metric))
			return i;
	return n;
}

void sp_bench_run(struct sp_bench *bench, const struct sp_bench_row *rows, size_t n,
		  unsigned int rounds)
{
	static double values[SP_BENCH_ROWS_MAX][SP_BENCH_ROUNDS_MAX];
	bool failed[SP_BENCH_ROWS_MAX] = { false };

	if (n > SP_BENCH_ROWS_MAX || rounds < SP_BENCH_ROUNDS_MIN || rounds > SP_BENCH_ROUNDS_MAX) {
		fprintf(stderr, "%s: %zu rows in %u rounds; see bench.h for the limits\n",
			bench->name, n, rounds);
		bench->failed = true;
		return;
	}
	/* Round 0 warms caches and pages and is overwritten. */
	for (unsigned int round = 0; round <= rounds; round++)
		for (size_t i = 0; i < n; i++) {
			size_t r = (i + round) % n;

			if (failed[r])
				continue;
			values[r][round ? round - 1 : 0] = rows[r].run(rows[r].arg);
			failed[r] = values[r][round ? round - 1 : 0] < 0;
		}
	for (size_t i = 0; i < n; i++) {
		if (!failed[i]) {
			sp_bench_record(bench, &rows[i], values[i], rounds);
			continue;
		}
		fprintf(stderr, "%s: %s by %s failed; left out\n", bench->name, rows[i].label,
			rows[i].engine);
		bench->failed = true;
	}
	for (size_t i = 0; i < n; i++) {
		size_t peer = rows[i].peer ? find_peer(rows, n, &rows[i]) : n;

		if (peer < n && !failed[i] && !failed[peer])
			sp_bench_compare(bench, &rows[i], values[i], values[peer], rounds);
	}
	fflush(stdout);
}

int sp_bench_end(struct sp_bench *bench)
{
	bool failed = bench->failed;

	if (fclose(bench->file)) {
		fprintf(stderr, "%s: cannot write its results: %s\n", bench->name, strerror(errno));
		failed = true;
	}
	free(bench);
	return failed;
}
