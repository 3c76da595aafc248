/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Work of the device, in streams or in graphs, and when it is done: only when a call waits for it,
 * and then in any order that streams and events permit.
 */
#ifndef SP_EMULATOR_QUEUE_H
#define SP_EMULATOR_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "block.h"
#include "cuda_runtime_api.h"

struct sp_capture;
struct sp_recording;

/* When an event was recorded: waits are for that moment, wherever the event is recorded later. */
struct sp_moment {
	unsigned int references;
	bool done;
	uint64_t clock_ns;
	cudaStream_t stream; /* where it will come; valid until it is done */
};

enum sp_work_kind {
	SP_WORK_KERNEL,
	SP_WORK_COPY,
	SP_WORK_SET,
	SP_WORK_RECORD,
	SP_WORK_WAIT,
	SP_WORK_GRAPH
};

struct sp_work {
	enum sp_work_kind kind;
	struct sp_emulator_launch launch;
	void *to;
	const void *from;
	int value;
	size_t size;
	struct sp_moment *moment; /* RECORD, WAIT; of GRAPH: when it is done */
	struct sp_moment *before; /* GRAPH: the launch of the same before it, or NULL */
	struct sp_recording *graph;
	uint8_t *node_done; /* GRAPH: [nodes], once begun */
	uint32_t nodes_left;
	uint64_t number; /* in the order of calls */
	struct sp_work *next;
};

struct sp_work *sp_work_create(enum sp_work_kind kind);
void sp_work_destroy(struct sp_work *work);
/* KERNEL, COPY, SET: does it, now. */
void sp_work_do(const struct sp_work *work);

struct sp_moment *sp_moment_create(cudaStream_t stream);
struct sp_moment *sp_moment_get(struct sp_moment *moment);
void sp_moment_put(struct sp_moment *moment);

struct CUstream_st {
	unsigned int flags;
	bool destroyed; /* by the program: lives until its work is done */
	struct sp_work *first, **end;
	/* While it captures: what the next node comes after. */
	struct sp_capture *capture;
	uint32_t *after, after_n;
	struct CUstream_st *next;
};

/* The default stream for NULL; NULL if there is no such stream. */
cudaStream_t sp_stream_find(cudaStream_t stream);
cudaStream_t sp_streams_first(void); /* all of them: → next */

/* Takes @work: into the stream, or into the graph that it captures. */
cudaError_t sp_stream_put(cudaStream_t stream, struct sp_work *work);

/* Until the moment has come, or, of NULL, until @stream is empty, or, of NULL too, until all are.
 */
cudaError_t sp_queue_finish(cudaStream_t stream, const struct sp_moment *moment);
/* As a device goes on by itself: some work, perhaps none. */
void sp_queue_progress(void);

uint64_t sp_streams_alive(void);
uint64_t sp_streams_waiting(void);
uint64_t sp_events_alive(void);

#endif
