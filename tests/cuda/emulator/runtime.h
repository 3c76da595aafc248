/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the runtime's calls share: one lock, failures that tests ask for, and the device as they
 * describe it. Every call is begin, its work, end.
 */
#ifndef SP_EMULATOR_RUNTIME_H
#define SP_EMULATOR_RUNTIME_H

#include <stdbool.h>
#include <stdint.h>

#include "cuda_runtime_api.h"
#include "emulator.h"

enum sp_call_flags {
	SP_CALL_RELEASE = 1, /* gives back: fails only with a lost device */
	SP_CALL_UNSAFE = 2, /* not while a stream captures, see cudaStreamBeginCapture */
	SP_CALL_NO_DEVICE = 4, /* needs none */
};

struct sp_runtime {
	struct sp_emulator_device device;
	uint64_t calls;
	uint64_t fail_at; /* of calls; 0: none */
	cudaError_t fail_status;
	cudaError_t lost; /* the status of every call, or cudaSuccess */
	bool losing, hanging; /* once `done` is at_… */
	uint64_t lose_at, hang_at;
	cudaError_t lose_status;
	bool hung;
	uint64_t done; /* pieces of work */
	uint64_t clock_ns; /* the device's, by what it has done */
	const char *call; /* that is going on */
};

extern struct sp_runtime sp_runtime;

/* Locks. cudaSuccess: go on. */
cudaError_t sp_call_begin(const char *name, unsigned int flags);
/* Unlocks, keeps @status for cudaGetLastError, and returns it. */
cudaError_t sp_call_end(cudaError_t status);

/* Without a call: for emulator.h. */
void sp_runtime_lock(void);
void sp_runtime_unlock(void);

/* One more piece of work begins: false if the device does no more. */
bool sp_runtime_works(void);

/* All that capture.c, stream.c, event.c and graph.c have; called by sp_runtime_clear. */
void sp_captures_clear(void);
void sp_streams_clear(void);
void sp_events_clear(void);
void sp_graphs_clear(void);
/* As cudaDeviceReset does. */
void sp_runtime_clear(void);

#endif
