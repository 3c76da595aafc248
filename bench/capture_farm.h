/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One run of bench/cameras and bench/loss: gvcam at the other end of bench/farm.sh's wire, a
 * receiver here, and what both say of it.
 */
#ifndef SP_BENCH_CAPTURE_FARM_H
#define SP_BENCH_CAPTURE_FARM_H

#include <stdint.h>

#include <jansson.h>

#include "capture_process.h"

#define BENCH_FARM_CAMERA "10.77.1.1"

enum { BENCH_FARM_FAULTS_MAX = 4 };

/* What is sent; a packet is 1500 bytes. */
struct bench_farm_load {
	uint32_t cameras, width, height,
		frames; /* frames of each; 0: until the receiver has enough */
	double fps;
	uint64_t seed;
	const char *faults[BENCH_FARM_FAULTS_MAX]; /* more arguments of gvcam; NULL ends them */
};

/*
 * Runs gvcam with @load, and @receiver (its output is set here) until it ends. *ret_received and
 * *ret_sent: the JSON objects that they print; the caller lets go of both. 0 or -errno with a line
 * on stderr.
 */
int bench_farm_run(const struct bench_farm_load *load, struct bench_command *receiver,
		   json_t **ret_received, json_t **ret_sent);

/* Begins @receiver: tests/integration/farm with what all runs have. */
void bench_farm_receiver(const struct bench_farm_load *load, struct bench_command *receiver);

/* An integer or a real of @object by its key. Negative: it is not there. */
double bench_farm_figure(const json_t *object, const char *key);

/* The sum of all cameras' in what gvcam printed. */
double bench_farm_sent(const json_t *sent, const char *key);

/* Folder of programs. */
const char *bench_farm_build(void);

#endif
