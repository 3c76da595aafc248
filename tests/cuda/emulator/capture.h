/* SPDX-License-Identifier: Apache-2.0 */
/* Streams whose work becomes a graph instead of being done, and the graphs. */
#ifndef SP_EMULATOR_CAPTURE_H
#define SP_EMULATOR_CAPTURE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "queue.h"

/* Work and what it comes after: numbers of earlier nodes. Shared by a graph and what runs it. */
struct sp_recorded {
	struct sp_work *work;
	uint32_t *after, after_n;
};

struct sp_recording {
	unsigned int references;
	struct sp_recorded *nodes;
	uint32_t nodes_n, nodes_max;
};

struct sp_recording *sp_recording_create(void);
void sp_recording_put(struct sp_recording *graph);
/* A handle that owns it. */
cudaGraph_t sp_recording_publish(struct sp_recording *graph);

struct sp_capture {
	uint64_t number; /* never used again */
	enum cudaStreamCaptureMode mode;
	cudaStream_t origin;
	pthread_t thread;
	cudaError_t broken; /* what invalidated it */
	struct sp_recording *graph;
	struct sp_capture *next;
};

/* What an event that was recorded in a capturing stream stands for. */
struct sp_captured {
	uint64_t capture; /* its number; 0: it was recorded in a stream that runs */
	uint32_t *after, after_n;
};

/* Whether a call that a capture forbids may be made by this thread; breaks the captures if not. */
cudaError_t sp_capture_permits(void);
/* Returns @status, which the capture's end will be reminded of. */
cudaError_t sp_capture_break(struct sp_capture *capture, cudaError_t status);
/* Takes @work. */
cudaError_t sp_capture_put(cudaStream_t stream, struct sp_work *work);
/* Some stream that the default stream waits for captures. */
struct sp_capture *sp_capture_of_blocking(void);
cudaError_t sp_capture_record(cudaStream_t stream, struct sp_captured *captured);
/* @stream, capturing or not, comes after @captured. */
cudaError_t sp_capture_wait(cudaStream_t stream, const struct sp_captured *captured);

uint64_t sp_graphs_alive(void);
uint64_t sp_execs_alive(void);

#endif
