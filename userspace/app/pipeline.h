/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The appliance: every stage opened in the order of the data's way, joined by rings, closed in the same
 * order so that what is on its way arrives.
 */
#ifndef SP_APP_PIPELINE_H
#define SP_APP_PIPELINE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct sp_config;
struct sp_err;
struct sp_pipeline;

struct sp_pipeline_options {
	bool allow_unencrypted; /* cameras outside loopback and test namespaces */
	int ack_fd;		/* acknowledged encounter ids go here, a line each; -1: nowhere */
};

/* Opens and starts everything. @config outlives the pipeline. 0 or -errno with @err filled. */
int sp_pipeline_open(const struct sp_config *config, const struct sp_pipeline_options *options,
		     struct sp_pipeline **ret_pipeline, struct sp_err *err);

enum sp_pipeline_state {
	SP_PIPELINE_RUNNING,
	SP_PIPELINE_ENDED,  /* the capture file is at its end and all of it is done */
	/* Records cannot be made durable, or packets cannot be received, any more; @err says why. */
	SP_PIPELINE_BROKEN,
};

/* To be asked a few times a second. */
enum sp_pipeline_state sp_pipeline_check(struct sp_pipeline *pipeline, struct sp_err *err);

/*
 * Stops cameras, then each stage once it is empty; closes open encounters and makes them durable. The
 * counters stay readable until close.
 */
void sp_pipeline_stop(struct sp_pipeline *pipeline);
void sp_pipeline_close(struct sp_pipeline *pipeline);

/* Figures for a progress line and the summary. */
struct sp_pipeline_figures {
	unsigned int cameras, streaming;
	uint64_t frames, incomplete, faces, encounters, acknowledged;
	uint64_t expected, missing, bytes;
	uint64_t unrecorded; /* encounters that were closed and could not be made durable */
	bool ledger_adds_up; /* only after stop */
};

void sp_pipeline_figures(struct sp_pipeline *pipeline, struct sp_pipeline_figures *ret_figures);

/* The document of `sallyport stats --json`. Any thread. */
json_t *sp_pipeline_stats(struct sp_pipeline *pipeline);
/* The document of `sallyport lanes list`: {"lanes": […]}. Any thread. */
json_t *sp_pipeline_lanes(struct sp_pipeline *pipeline);

/* By name. -ENOENT if there is no such lane. Any thread. */
int sp_pipeline_trigger(struct sp_pipeline *pipeline, const char *lane);
int sp_pipeline_close_encounter(struct sp_pipeline *pipeline, const char *lane);

#endif
