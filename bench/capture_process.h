/* SPDX-License-Identifier: Apache-2.0 */
/* The processes that bench/capture starts and ends. */
#ifndef SP_BENCH_CAPTURE_PROCESS_H
#define SP_BENCH_CAPTURE_PROCESS_H

#include <stdint.h>
#include <sys/types.h>

enum { BENCH_ARGUMENTS_MAX = 64 };

struct bench_command {
	const char *arguments[BENCH_ARGUMENTS_MAX]; /* the program first */
	unsigned int n;
	char text[4096]; /* what bench_command_add_text made */
	unsigned int text_n;
	int cpu; /* -1: any */
	const char *network; /* file of a network namespace, or NULL: ours */
	const char *output; /* file that stdout and stderr go to */
	const char *log; /* file that stderr goes to instead, or NULL */
};

struct bench_process {
	pid_t pid; /* 0: none */
	int input; /* its stdin */
	uint64_t cpu_ns; /* user and system time, once it ended */
};

void bench_command_add(struct bench_command *command, const char *argument);
void bench_command_add_text(struct bench_command *command, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* 0 or -errno with a line on stderr. */
int bench_process_start(struct bench_process *process, const struct bench_command *command);

/* Waits for @text in @file. 0, -ETIMEDOUT, or -ECHILD if the process ended without. */
int bench_process_wait_text(struct bench_process *process, const char *file, const char *text,
			    uint64_t timeout_ns);

/* Waits for its end, or kills it. Exit status 0: 0; else -EPROTO or -ETIMEDOUT. Once is enough. */
int bench_process_wait(struct bench_process *process, uint64_t timeout_ns);

/* As SIGTERM asks, then waits. */
int bench_process_end(struct bench_process *process, uint64_t timeout_ns);

/* The first line of @file, without its end, or "". */
void bench_read_line(const char *file, char *line, unsigned int size);

#endif
