/* SPDX-License-Identifier: Apache-2.0 */
/* The pipeline's stages, for the files that make up the pipeline: pipeline.c and metrics.c. */
#ifndef SP_APP_STAGES_H
#define SP_APP_STAGES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/event.h"

struct sp_config;
struct sp_config_camera;

/* A camera and what belongs to it; numbered as streams of the source. */
struct sp_pipeline_camera {
	const struct sp_config_camera *config;
	unsigned int lane, camera; /* numbers in the configuration */
	uint32_t ip;		   /* host order */
	int fd;			   /* the stream's socket, -1 in a replay */
	uint16_t port;
};

struct sp_pipeline {
	const struct sp_config *config;
	struct sp_pipeline_camera *cameras;
	unsigned int cameras_n;
	bool replay;
	struct sp_event batch_wake, lane_wake, journal_wake, resend_wake;
	unsigned int events_n; /* how many of these are open */
	struct sp_compute *compute;
	const struct sp_compute_ops *compute_ops;
	unsigned int work, in_flight; /* frames in the backend at once; results that exist */
	struct sp_journal_writer *writer;
	struct sp_inbox *inbox;
	struct sp_packet_source *packets; /* belongs to the source once that is open */
	struct sp_frame_source *source;
	struct sp_lane **lanes;
	struct sp_batch *batch;
	struct sp_lane_thread *lane_thread;
	struct sp_journal_thread *journal_thread;
	struct sp_resend *resend;
	struct sp_supervisor *supervisor;
	bool stopped;
	unsigned int quiet; /* checks in a row that found a replay at rest */
};

#endif
