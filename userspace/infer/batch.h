/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inference side: one thread that drains the frame sources into a queue a camera, feeds the
 * compute backend, and hands results on to the lanes.
 *
 * Frames wait nowhere else. Where a camera's queue is full its oldest frame is shed, and a
 * tombstone goes to the lane in its place: every frame yields exactly one result.
 */
#ifndef SP_INFER_BATCH_H
#define SP_INFER_BATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/histogram.h"
#include "base/stats.h"

struct sp_batch;
struct sp_compute;
struct sp_err;
struct sp_event;
struct sp_frame_source;
struct sp_ring;

struct sp_batch_camera {
	uint16_t lane, camera; /* as frames carry them */
	struct sp_frame_source *source;
};

struct sp_batch_config {
	struct sp_compute *compute;
	unsigned int in_flight;	     /* results that the backend can hold, as it was opened */
	unsigned int work; /* frames given to it at once: enough to keep it busy, no more, since
				      * what waits here can still be shed */
	const struct sp_batch_camera *cameras; /* copied */
	unsigned int cameras_n;
	unsigned int queue;	     /* frames that may wait, of each camera */
	struct sp_event *wake;	     /* signalled by the sources, the backend and the lane thread */
	struct sp_event *lane_wake;  /* signalled when results were handed on */
};

struct sp_batch_counters {
	uint64_t frames;	/* taken from the sources */
	uint64_t shed;		/* of these, dropped here */
	uint64_t results;	/* from the backend, tombstones included */
	uint64_t faces;
	uint64_t faces_dropped; /* more than a result holds */
	uint64_t unreadable, failed, lost;
};

extern const struct sp_counter sp_batch_counter_table[];
extern const size_t sp_batch_counter_table_n;

int sp_batch_start(const struct sp_batch_config *config, struct sp_batch **ret_batch,
		   struct sp_err *err);
/* Finishes what is in the backend, hands it on, ends the thread. Frames in queues are shed. */
void sp_batch_stop(struct sp_batch *batch);
void sp_batch_destroy(struct sp_batch *batch);

/* For the lane thread: results to take, and the way back. */
struct sp_ring *sp_batch_results(struct sp_batch *batch);
struct sp_ring *sp_batch_returns(struct sp_batch *batch);

/* Frames that are queued or in the backend, results on their way to the lane. Any thread. */
unsigned int sp_batch_pending(const struct sp_batch *batch);

const struct sp_batch_counters *sp_batch_counters(const struct sp_batch *batch);
/* From a frame's last packet to its result, nanoseconds. */
const struct sp_histogram *sp_batch_latency(const struct sp_batch *batch);

#endif
