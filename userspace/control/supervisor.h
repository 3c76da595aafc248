/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps cameras streaming: one worker thread a camera connects, starts, watches, and after a loss
 * stops, backs off and connects again. Workers share nothing, so a silent camera delays no other.
 *
 * Threads: create, start, stop, destroy: main. status: any thread. `changed` is called on the
 * camera's worker.
 *
 * Stopping: every worker is asked first, then all are joined. A worker that waits wakes at once;
 * one inside a call of the port cannot be interrupted and ends when that call does. With aravis.c a
 * camera that fell silent unnoticed holds the end up for three of libaravis' time-outs, 7.5 s;
 * cameras stop in parallel, so that is the sum for any number of them.
 */
#ifndef SP_CONTROL_SUPERVISOR_H
#define SP_CONTROL_SUPERVISOR_H

#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "base/stats.h"
#include "control/camera.h"
#include "control/link.h"

struct sp_supervisor;

struct sp_supervised_camera {
	char address[128]; /* as ops->open takes it */
	struct sp_camera_stream stream;
};

struct sp_supervisor_config {
	const struct sp_camera_ops *ops;
	struct sp_link_config link;
	uint64_t seed; /* of the back-off's jitter; each camera draws its own series */
	/* Optional: a camera has entered a state. Must return soon and not call the supervisor. */
	void (*changed)(void *arg, unsigned int camera, enum sp_camera_state state);
	void *arg;
};

struct sp_camera_status {
	enum sp_camera_state state;
	uint64_t since_ns; /* CLOCK_MONOTONIC: when it entered the state */
	uint64_t connects; /* times that it began to stream */
	uint64_t losses;   /* times that control was lost while it streamed */
	uint64_t errors;   /* tries that failed */
	char error[sizeof(((struct sp_err *)0)->text)]; /* of the last failure; "" if none */
};

extern const struct sp_counter sp_camera_counter_table[];
extern const size_t sp_camera_counter_table_n;

/* Copies everything; starts nothing. 0, -ENOMEM, or -EINVAL with @err filled. */
int sp_supervisor_create(const struct sp_supervisor_config *config,
			 const struct sp_supervised_camera *cameras, unsigned int n,
			 struct sp_supervisor **ret_supervisor, struct sp_err *err);
/* 0 or -errno; then none runs. */
int sp_supervisor_start(struct sp_supervisor *supervisor, struct sp_err *err);
/* Stops and closes every camera and joins the workers. May be called again. */
void sp_supervisor_stop(struct sp_supervisor *supervisor);
/* Stops first. NULL is fine. */
void sp_supervisor_destroy(struct sp_supervisor *supervisor);

/* A consistent copy. -EINVAL past the last camera. */
int sp_supervisor_status(struct sp_supervisor *supervisor, unsigned int camera,
			 struct sp_camera_status *ret_status);

#endif
