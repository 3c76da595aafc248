/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pipeline's capture: packet sources, one a queue, each with its frame source, and how cameras
 * are dealt out to them.
 *
 * All calls: main, in this order. Addresses and sockets are there before (camera_sockets.h).
 */
#ifndef SP_APP_CAPTURE_H
#define SP_APP_CAPTURE_H

struct sp_err;
struct sp_pipeline;

/* Opens the queues, adds every camera's stream, and registers the regions with the backend. */
int sp_capture_open(struct sp_pipeline *pipeline, struct sp_err *err);
/* From here on packets are received, and lost ones asked for again. */
int sp_capture_start(struct sp_pipeline *pipeline, struct sp_err *err);

/* 0, or the -errno with which a queue broke for good. */
int sp_capture_failed(const struct sp_pipeline *pipeline);

/*
 * No more packets. Frames can still be taken and put back, requests for lost packets are still
 * sent.
 */
void sp_capture_stop(struct sp_pipeline *pipeline);
void sp_capture_stop_resends(struct sp_pipeline *pipeline);
/* Stops what runs; every frame is back. Safe after an open that failed halfway, or none. */
void sp_capture_close(struct sp_pipeline *pipeline);

#endif
