/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Benchmarks: a claim is a set of rows that are measured in turn, round by round, so that whatever
 * else the machine does hits all of them alike. Medians go to a table on stdout and, as JSON lines,
 * to build/bench/NAME.jsonl ($SP_BUILD/bench/ where that is set):
 *
 *	{"bench","case","engine","metric","unit","median","min","max","rounds","commit","machine"}
 *	{"bench","case","engine","peer","metric","ratio","better"}	ratio = engine / peer
 */
#ifndef SP_BENCH_BENCH_H
#define SP_BENCH_BENCH_H

#include <stddef.h>

enum {
	SP_BENCH_ROUNDS = 7,
	SP_BENCH_ROUNDS_MIN = 5,
	SP_BENCH_ROUNDS_MAX = 99,
	SP_BENCH_ROWS_MAX = 64
};

struct sp_bench;

struct sp_bench_row {
	const char *label; /* the case: "1500" */
	const char *engine; /* who does the work: "assembler", "memcpy", "onnxruntime" */
	const char *metric, *unit; /* "time_per_packet", "ns" */
	/* One measurement: does the work and returns the figure. Negative: it failed, the row is left out. */
	double (*run)(void *arg);
	void *arg;
	const char
		*peer; /* engine of the row of the same case and metric to compare with, or NULL */
	const char *better; /* "lower" or "higher"; with a peer */
};

/* Opens the file; NULL with a line on stderr if that fails. */
struct sp_bench *sp_bench_begin(const char *name);

/*
 * Measures the rows (at most SP_BENCH_ROWS_MAX): one round that is not counted, then @rounds (5 … 99),
 * each beginning with another row. Prints and writes the results. Several calls are fine.
 */
void sp_bench_run(struct sp_bench *bench, const struct sp_bench_row *rows, size_t n,
		  unsigned int rounds);

/*
 * For work that gives several figures at once, measured elsewhere in rounds of its own: @rounds
 * values of @row, whose run, arg and peer are not looked at; and their ratios to those of its peer.
 */
void sp_bench_record(struct sp_bench *bench, const struct sp_bench_row *row, const double *values,
		     unsigned int rounds);
/* The same into the file alone, where a table of the caller's shows it. */
void sp_bench_write(struct sp_bench *bench, const struct sp_bench_row *row, const double *values,
		    unsigned int rounds);
void sp_bench_compare(struct sp_bench *bench, const struct sp_bench_row *row, const double *values,
		      const double *peer, unsigned int rounds);

/* Closes the file. An exit status: 0, or 1 if a row failed or the file could not be written. */
int sp_bench_end(struct sp_bench *bench);

#endif
