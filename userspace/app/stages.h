/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pipeline's stages, for the files that make it up: pipeline.c, camera_sockets.c, capture.c,
 * metrics.c, watch.c.
 */
#ifndef SP_APP_STAGES_H
#define SP_APP_STAGES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/event.h"
#include "base/thread.h"
#include "frame/frame_source.h"

struct sp_config;
struct sp_config_camera;

/* A camera and what belongs to it. */
struct sp_pipeline_camera {
	const struct sp_config_camera *config;
	unsigned int lane, camera; /* numbers in the configuration */
	uint32_t ip; /* host order */
	uint32_t host_ip; /* ours, that it sends to, host order; 0: any */
	int fd; /* the stream's socket, -1 in a replay */
	uint16_t port;
	unsigned int queue, stream; /* which queue's, as numbered by its source */
};

/* A packet source, its capture thread, and its resend thread. */
struct sp_pipeline_queue {
	struct sp_packet_source *packets; /* belongs to the source once that is open */
	struct sp_frame_source *source; /* NULL: no camera joined the queue */
	struct sp_thread idle; /* empties a queue that no camera joined */
	struct sp_event resend_wake;
	bool has_resend_wake;
	struct sp_resend *resend;
	unsigned int cameras_n;
};

struct sp_pipeline {
	const struct sp_config *config;
	struct sp_pipeline_camera *cameras;
	unsigned int cameras_n;
	struct sp_pipeline_queue *queues;
	unsigned int queues_n;
	bool replay;
	struct sp_event batch_wake, lane_wake, journal_wake;
	unsigned int events_n; /* how many of these are open */
	struct sp_compute *compute;
	unsigned int work, in_flight; /* frames in the backend at once; results that exist */
	struct sp_journal_writer *writer;
	struct sp_inbox *inbox;
	struct sp_lane **lanes;
	struct sp_batch *batch;
	struct sp_lane_thread *lane_thread;
	struct sp_journal_thread *journal_thread;
	struct sp_supervisor *supervisor;
	struct sp_watch *watch;
	uint64_t watched_ns; /* when it last looked */
	bool stopped;
	unsigned int quiet; /* checks in a row that found a replay at rest */
};

static inline const struct sp_stream_counters *sp_pipeline_stream(const struct sp_pipeline *p,
								  unsigned int camera)
{
	const struct sp_frame_source *source = p->queues[p->cameras[camera].queue].source;

	return source->ops->counters(source, p->cameras[camera].stream);
}

#endif
