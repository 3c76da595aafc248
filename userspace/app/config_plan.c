/* SPDX-License-Identifier: Apache-2.0 */
/* What the configuration asks of the machine: credits, packet buffers, queues. */
#include <errno.h>
#include <math.h>

#include "app/config.h"
#include "app/config_resolve.h"
#include "base/diag.h"

enum {
	/*
	 * Beside the frames' packets, of each camera: what is received before the last burst is
	 * released.
	 */
	BURST_BUFFERS = 64,
	/* Of a buffer beside its datagram: headers and the buffer's own place. */
	BUFFER_OVERHEAD = 256,
};

/* A camera whose rate is its own business is planned as a fast one. */
static double planned_fps(const struct sp_config_camera *camera)
{
	return camera->fps > 0 ? camera->fps : 30;
}

/*
 * A block with a gap may wait for a resend as long as capture.retention_ms, and all that came
 * behind it is open or handed over meanwhile; inference then holds its queue, what it works on and
 * one more.
 */
static uint32_t credit_needed(const struct sp_config *c, const struct sp_config_camera *camera)
{
	return (uint32_t)ceil(planned_fps(camera) * c->capture.retention_ms / 1000.0) +
	       c->compute.queue + 3;
}

void sp_config_resolve_credit(struct sp_config *c)
{
	/* Hiccups of the machine are shorter than this. */
	const double spare_s = 0.25;

	for (uint32_t i = 0; i < c->lanes_count; i++) {
		for (uint32_t k = 0; k < c->lanes[i].cameras_count; k++) {
			struct sp_config_camera *camera = &c->lanes[i].cameras[k];

			camera->credit =
				c->capture.frames
					?: credit_needed(c, camera) +
						   (uint32_t)ceil(planned_fps(camera) * spare_s);
		}
	}
}

uint32_t sp_config_camera_buffers(const struct sp_config_camera *camera)
{
	/* Leader and trailer travel too. */
	uint64_t buffers = (uint64_t)camera->credit * (camera->packets_most + 2) + BURST_BUFFERS;

	return buffers > UINT32_MAX ? UINT32_MAX : (uint32_t)buffers;
}

static void plan_camera(const struct sp_config_camera *camera, struct sp_config_plan *plan)
{
	struct sp_config_queue_plan *queue = &plan->queues[plan->cameras % plan->queues_n];
	double fps = planned_fps(camera);
	double packets = fps * (camera->packets_per_frame + 2);
	double bits = fps * 8 * (double)camera->frame_bytes;
	uint64_t needed = (uint64_t)queue->buffers_needed + sp_config_camera_buffers(camera);

	plan->cameras++;
	plan->frames_per_second += fps;
	plan->detections_per_second += fps * camera->looks;
	plan->packets_per_second += packets;
	plan->bits_per_second += bits;
	if (camera->packet_size > plan->buffer_size)
		plan->buffer_size = camera->packet_size;
	queue->cameras++;
	queue->packets_per_second += packets;
	queue->bits_per_second += bits;
	queue->buffers_needed = needed > UINT32_MAX ? UINT32_MAX : (uint32_t)needed;
}

/* Every queue has the same number of buffers: which cameras it gets is the card's business too. */
static uint32_t plan_queues(const struct sp_config_capture *capture, struct sp_config_plan *plan)
{
	uint64_t needed = 0;
	uint32_t most = 0;

	for (uint32_t i = 0; i < plan->queues_n; i++)
		if (plan->queues[i].buffers_needed > most)
			most = plan->queues[i].buffers_needed;
	for (uint32_t i = 0; i < plan->queues_n; i++) {
		struct sp_config_queue_plan *queue = &plan->queues[i];

		needed += queue->buffers_needed;
		queue->buffers = capture->buffers ?: most;
		queue->region_bytes = (uint64_t)queue->buffers *
				      (plan->buffer_size + BUFFER_OVERHEAD);
		plan->region_bytes += queue->region_bytes;
	}
	plan->buffers_needed = needed > UINT32_MAX ? UINT32_MAX : (uint32_t)needed;
	return most;
}

int sp_config_plan(const struct sp_config *c, struct sp_config_plan *ret_plan, struct sp_err *err)
{
	struct sp_config_plan plan = { .queues_n = c->capture.queues };
	uint32_t credit_least = 0, most;

	for (uint32_t i = 0; i < c->lanes_count; i++) {
		for (uint32_t k = 0; k < c->lanes[i].cameras_count; k++) {
			const struct sp_config_camera *camera = &c->lanes[i].cameras[k];

			plan_camera(camera, &plan);
			if (credit_needed(c, camera) > credit_least)
				credit_least = credit_needed(c, camera);
		}
	}
	most = plan_queues(&c->capture, &plan);
	*ret_plan = plan;
	if (c->capture.frames && c->capture.frames < credit_least)
		return sp_err_set(err, -ENOSPC,
				  "capture.frames: %u frames are too few to wait %u ms for lost "
				  "packets; give %u, or leave the field out",
				  c->capture.frames, c->capture.retention_ms, credit_least);
	if (c->capture.buffers && c->capture.buffers < most)
		return sp_err_set(err, -ENOSPC,
				  "capture.buffers: %u packet buffers are too few for the frames "
				  "that may exist at once; give %u, or leave the field out",
				  c->capture.buffers, most);
	return 0;
}
