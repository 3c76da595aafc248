/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cuDNN in software, for tests: holds its callers to what the library requires of descriptors (kinds,
 * attributes, types, counts, what must be set before they are finished, and after) and computes their
 * graphs plainly, on the host.
 */
#ifndef SP_TESTS_CUDNN_SOFTWARE_H
#define SP_TESTS_CUDNN_SOFTWARE_H

#include <stdbool.h>

#include "cuda/cudnn_table.h"

/* An engine that heuristics propose. */
struct software_engine {
	int64_t index;
	bool fallback; /* of the fallback heuristic, else of A */
	int note; /* a numerical note, or -1 */
	bool unsupported; /* no plan can be made of it */
	bool wrong; /* computes something else */
	bool fails; /* execution fails */
	int64_t workspace;
	int64_t knob; /* knob 2 must have this value */
	unsigned int us; /* microseconds that it takes, about */
};

extern const struct sp_cudnn software_cudnn;

/* Before each test. */
void software_begin(const struct software_engine *engines, unsigned int n, size_t version);
/* Call @call (from 1) and all that follow fail, without @after: only that one. 0: none. */
void software_fail(unsigned int call, bool after);
/* Calls since begin, descriptors and handles that are left, executions; the first misuse, or NULL. */
unsigned int software_calls(void);
unsigned int software_alive(void);
unsigned int software_executions(void);
const char *software_misuse(void);

/* Puts work of about @us microseconds into @stream. */
void software_take(cudaStream_t stream, unsigned int us);

#endif
