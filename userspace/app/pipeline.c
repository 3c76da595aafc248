/* SPDX-License-Identifier: Apache-2.0 */
#include "app/pipeline.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "app/backends.h"
#include "app/camera_sockets.h"
#include "app/capture.h"
#include "app/config.h"
#include "app/journal_thread.h"
#include "app/lane_thread.h"
#include "app/models.h"
#include "app/privacy.h"
#include "app/stages.h"
#include "app/watch.h"
#include "base/clock.h"
#include "base/diag.h"
#include "base/thread.h"
#include "control/camera.h"
#include "control/supervisor.h"
#include "frame/frame_source.h"
#include "infer/batch.h"
#include "infer/compute.h"
#include "journal/directory.h"
#include "journal/inbox.h"
#include "journal/journal.h"
#include "journal/segment.h"
#include "lane/compare.h"
#include "lane/lane.h"

enum {
	INBOX_SIZE = 32 << 20,
	/* Frames in the backend for each worker: one at work, one waiting. */
	WORK_PER_WORKER = 2,
	/*
	 * A device computes frames of all cameras at once, as they come at the same time or nearly: one
	 * batch in each stage of its work, of which there are three (cuda/backend.c).
	 */
	BATCH_MAX = 64,
	BATCHES = 3,
	/* Results that wait in the lanes for their watermark: shared, and besides for each lane. */
	LANES_BACKLOG = 256,
	LANE_BACKLOG = 8,
	/* After the cameras stopped: for packets and resends that are on their way. */
	DRAIN_MS = 150,
	DRAIN_LIMIT_MS = 5000,
	/* A replay is over when this many checks in a row find nothing on its way. */
	QUIET_CHECKS = 3,
	WATCH_MS = 1000, /* from one look at the refusal counters to the next */
};

/* ---- stages, in the order of the data's way --------------------------------------------------- */

static int list_cameras(struct sp_pipeline *p, struct sp_err *err)
{
	const struct sp_config *config = p->config;

	for (uint32_t i = 0; i < config->lanes_count; i++)
		p->cameras_n += config->lanes[i].cameras_count;
	p->cameras = calloc(p->cameras_n, sizeof(*p->cameras));
	if (!p->cameras)
		return sp_err_set(err, -ENOMEM, "out of memory");
	p->cameras_n = 0;
	for (uint32_t i = 0; i < config->lanes_count; i++)
		for (uint32_t k = 0; k < config->lanes[i].cameras_count; k++)
			p->cameras[p->cameras_n++] = (struct sp_pipeline_camera){
				.config = &config->lanes[i].cameras[k],
				.lane = i,
				.camera = k,
				.fd = -1,
			};
	return 0;
}

static int open_events(struct sp_pipeline *p, struct sp_err *err)
{
	struct sp_event *events[] = { &p->batch_wake, &p->lane_wake, &p->journal_wake };

	for (; p->events_n < 3; p->events_n++) {
		int status = sp_event_init(events[p->events_n]);

		if (status)
			return sp_err_set(err, status, "eventfd: %s", strerror(-status));
	}
	return 0;
}

static uint64_t largest_frame(const struct sp_pipeline *p)
{
	uint64_t most = 0;

	for (unsigned int i = 0; i < p->cameras_n; i++)
		if (p->cameras[i].config->frame_bytes > most)
			most = p->cameras[i].config->frame_bytes;
	return most;
}

/* What is looked at of each camera's frames; NULL: no memory. */
static struct sp_compute_camera *list_tiles(const struct sp_pipeline *p)
{
	struct sp_compute_camera *cameras = calloc(p->cameras_n, sizeof(*cameras));

	for (unsigned int i = 0; cameras && i < p->cameras_n; i++)
		cameras[i] = (struct sp_compute_camera){ (uint16_t)p->cameras[i].lane,
							 (uint16_t)p->cameras[i].camera,
							 p->cameras[i].config->tiles };
	return cameras;
}

static int open_compute(struct sp_pipeline *p, struct sp_err *err)
{
	const struct sp_config_compute *c = &p->config->compute;
	const struct sp_config_validity *v = &p->config->validity;
	const struct sp_models_wish wish = { p->config->model_directory, c->detector, c->embedder,
					     c->quality };
	struct sp_models models = { 0 };
	struct sp_compute_config config = {
		.detector = models.detector,
		.embedder = models.embedder,
		.precision = c->precision,
		.workers = c->workers,
		.detect_width = c->detect_width,
		.detect_height = c->detect_height,
		.score_min = (float)c->score_min,
		.limits = {
			.eye_distance_min = (float)v->eye_distance_min,
			.yaw_max = (float)v->yaw_max,
			.pitch_max = (float)v->pitch_max,
			.roll_max = (float)v->roll_max,
			.sharpness_min = (float)v->sharpness_min,
			.exposure_min = (float)v->exposure_min,
			.exposure_max = (float)v->exposure_max,
			.network_min = (float)v->network_min,
			.underexposed_max = (float)v->underexposed_max,
			.overexposed_max = (float)v->overexposed_max,
			.dynamic_range_min = (float)v->dynamic_range_min,
			.contrast_min = (float)v->contrast_min,
			.evenness_min = (float)v->evenness_min,
			.occlusion_max = (float)v->occlusion_max,
			.margin_min = (float)v->margin_min,
		},
		.frame_bytes = largest_frame(p),
		.batch = c->batch ?: p->cameras_n < BATCH_MAX ? p->cameras_n : BATCH_MAX,
		.batch_wait_us = c->batch_wait_us,
		.device = c->device,
		.cache = c->cache,
		.done = &p->batch_wake,
	};
	unsigned int workers = c->workers ?: sp_thread_cpus(), most;
	const struct sp_compute_ops *ops = sp_backend_compute(c->backend);
	struct sp_compute_camera *cameras;
	int status;

	if (ops != &sp_compute_none) {
		status = sp_models_choose(&wish, &models, err);
		if (status)
			return status;
		sp_models_warn(&models);
		config.quality = *models.quality ? models.quality : NULL;
	}
	p->work = workers * WORK_PER_WORKER;
	/* Which of both computes is known once it is open. */
	most = p->work;
	if (ops == &sp_compute_cuda || ops == &sp_compute_auto)
		most = config.batch * BATCHES > most ? config.batch * BATCHES : most;
	/* Results in the lanes stay the backend's: it must not run out while every lane waits. */
	p->in_flight = most + LANES_BACKLOG + LANE_BACKLOG * p->config->lanes_count;
	config.in_flight = p->in_flight;
	cameras = list_tiles(p);
	if (!cameras)
		return sp_err_set(err, -ENOMEM, "out of memory");
	config.cameras = cameras;
	config.cameras_n = p->cameras_n;
	status = ops->open(&config, &p->compute, err);
	free(cameras);
	if (!status && p->compute->info.work)
		p->work = p->compute->info.work < most ? p->compute->info.work : most;
	return status;
}

static int make_data_directory(struct sp_pipeline *p, struct sp_err *err)
{
	int directory = sp_directory_make(p->config->data_directory, err);

	if (directory < 0)
		return sp_err_prefix(err, directory, "data_directory");
	close(directory);
	return 0;
}

static int open_journal(struct sp_pipeline *p, struct sp_err *err)
{
	const struct sp_journal_config journal = {
		.directory = p->config->journal.directory,
		.segment_size = (uint64_t)p->config->journal.segment_mib << 20,
		.in_flight = p->config->journal.in_flight,
		/* A commit holds the largest record that a lane may close. */
		.batch_size = SP_RECORD_MAX + SP_BLOCK,
	};

	return sp_journal_writer_open(&journal, &p->writer, err) ?:
	       sp_inbox_create(INBOX_SIZE, &p->inbox, err);
}

static int open_lanes(struct sp_pipeline *p, struct sp_err *err)
{
	const struct sp_config *c = p->config;

	p->lanes = calloc(c->lanes_count, sizeof(struct sp_lane *));
	if (!p->lanes)
		return sp_err_set(err, -ENOMEM, "out of memory");
	for (uint32_t i = 0; i < c->lanes_count; i++) {
		struct sp_lane_config lane = {
			.cameras = c->lanes[i].cameras_count,
			.gap_ns = c->encounter.gap_ms * SP_NS_PER_MS,
			.max_ns = c->encounter.max_s * SP_NS_PER_S,
			.deadline_ns = c->encounter.deadline_ms * SP_NS_PER_MS,
			.backlog = LANES_BACKLOG / c->lanes_count + LANE_BACKLOG,
			.same_similarity = (float)c->encounter.same_similarity ?:
					   sp_match_same_similarity(p->compute->info.embedder_id),
			.same_overlap = (float)c->encounter.same_overlap,
			.keep_invalid = c->policy.keep_invalid,
			.persist_unmatched = c->policy.persist_unmatched,
			.jpeg_quality = (int)c->encounter.jpeg_quality,
			.embedding_size = p->compute->info.embedding_size,
		};
		int status;

		/* Lengths were checked by sp_config_load. */
		strncpy(lane.name, c->lanes[i].name, sizeof(lane.name) - 1);
		strncpy(lane.purpose, c->purpose, sizeof(lane.purpose) - 1);
		memcpy(lane.embedder_id, p->compute->info.embedder_id, sizeof(lane.embedder_id));
		if (getrandom(&lane.seed, sizeof(lane.seed), 0) != sizeof(lane.seed))
			return sp_err_set(err, -EIO, "no random numbers: %s", strerror(errno));
		status = sp_lane_create(&lane, &p->lanes[i], err);
		if (status)
			return sp_err_prefix(err, status, "lane %s", lane.name);
	}
	return 0;
}

static int start_batch(struct sp_pipeline *p, struct sp_err *err)
{
	struct sp_batch_camera *cameras = calloc(p->cameras_n, sizeof(*cameras));
	const struct sp_batch_config batch = {
		.compute = p->compute,
		.in_flight = p->in_flight,
		.work = p->work,
		.cameras = cameras,
		.cameras_n = p->cameras_n,
		.queue = p->config->compute.queue,
		.wake = &p->batch_wake,
		.lane_wake = &p->lane_wake,
	};
	int status;

	if (!cameras)
		return sp_err_set(err, -ENOMEM, "out of memory");
	for (unsigned int i = 0; i < p->cameras_n; i++)
		cameras[i] = (struct sp_batch_camera){ (uint16_t)p->cameras[i].lane,
						       (uint16_t)p->cameras[i].camera,
						       p->queues[p->cameras[i].queue].source };
	status = sp_batch_start(&batch, &p->batch, err);
	free(cameras);
	return status;
}

static int start_threads(struct sp_pipeline *p, int ack_fd, struct sp_err *err)
{
	struct sp_lane_thread_config lane_thread = {
		.lanes = p->lanes,
		.lanes_n = p->config->lanes_count,
		.batch = p->batch,
		.inbox = p->inbox,
		.wake = &p->lane_wake,
		.batch_wake = &p->batch_wake,
		.journal_wake = &p->journal_wake,
		.replay = p->replay,
	};
	const struct sp_journal_thread_config journal_thread = {
		.writer = p->writer,
		.inbox = p->inbox,
		.wake = &p->journal_wake,
		.ack_fd = ack_fd,
	};
	int status = sp_journal_thread_start(&journal_thread, &p->journal_thread, err);

	lane_thread.journal = p->journal_thread;
	return status ?: sp_lane_thread_start(&lane_thread, &p->lane_thread, err);
}

static int start_cameras(struct sp_pipeline *p, struct sp_err *err)
{
	struct sp_supervisor_config config = { .ops = sp_backend_cameras(), .link = sp_link_default };
	struct sp_supervised_camera *cameras;
	struct in_addr host = { 0 };
	int status;

	if (p->replay)
		return 0;
	if (!config.ops)
		return sp_err_set(err, -ENOTSUP, "this build cannot control cameras; install libaravis-dev "
				  "(tools/setup) and build again, or set capture.replay");
	cameras = calloc(p->cameras_n, sizeof(*cameras));
	if (!cameras)
		return sp_err_set(err, -ENOMEM, "out of memory");
	if (p->config->capture.host_address)
		inet_pton(AF_INET, p->config->capture.host_address, &host);
	for (unsigned int i = 0; i < p->cameras_n; i++) {
		const struct sp_config_camera *c = p->cameras[i].config;
		const struct in_addr ip = { .s_addr = htonl(p->cameras[i].ip) };

		/* Resolved: the port takes fewer names than the configuration does. */
		inet_ntop(AF_INET, &ip, cameras[i].address, sizeof(cameras[i].address));
		cameras[i].stream = (struct sp_camera_stream){
			.host_ip = ntohl(host.s_addr),
			.host_port = p->cameras[i].port,
			.packet_size = c->packet_size,
			.width = c->width,
			.height = c->height,
			.pixel_format = c->pixel_format_code,
			.fps = c->fps,
			.extra_bytes = *c->extra_bytes,
			.extended_ids = c->extended_ids,
		};
	}
	config.seed = sp_clock_utc();
	status = sp_supervisor_create(&config, cameras, p->cameras_n, &p->supervisor, err) ?:
		 sp_supervisor_start(p->supervisor, err);
	free(cameras);
	return status;
}

int sp_pipeline_open(const struct sp_config *config, const struct sp_pipeline_options *options,
		     struct sp_pipeline **ret_pipeline, struct sp_err *err)
{
	struct sp_pipeline *p = calloc(1, sizeof(*p));
	int status;

	if (!p)
		return sp_err_set(err, -ENOMEM, "out of memory");
	p->config = config;
	p->replay = config->capture.replay != NULL;
	status = options->allow_unencrypted
			 ? 0
			 : sp_privacy_check_cameras(config, sp_privacy_own_namespace(), err);
	if (!status)
		status = open_events(p, err) ?: list_cameras(p, err) ?:
			 make_data_directory(p, err) ?: open_compute(p, err) ?:
			 open_journal(p, err) ?: sp_camera_sockets_open(p, err) ?:
			 sp_capture_open(p, err) ?: open_lanes(p, err) ?: start_batch(p, err) ?:
			 start_threads(p, options->ack_fd, err) ?: sp_capture_start(p, err) ?:
			 sp_watch_create(p, &p->watch, err) ?: start_cameras(p, err);
	if (status) {
		sp_pipeline_close(p);
		return status;
	}
	*ret_pipeline = p;
	return 0;
}

/* ---- running, stopping ------------------------------------------------------------------------ */

/* Looks at the counters unless it did in the last @apart_ms. */
static void watch(struct sp_pipeline *p, unsigned int apart_ms)
{
	uint64_t now = sp_clock_now();

	if (now - p->watched_ns < apart_ms * SP_NS_PER_MS)
		return;
	p->watched_ns = now;
	sp_watch_look(p->watch, now);
}

enum sp_pipeline_state sp_pipeline_check(struct sp_pipeline *p, struct sp_err *err)
{
	int failed;

	if (sp_journal_thread_broken(p->journal_thread, err))
		return SP_PIPELINE_BROKEN;
	watch(p, WATCH_MS);
	failed = sp_capture_failed(p);
	if (failed) {
		sp_err_set(err, failed,
			   "capture: no more packets can be received: %s; start again when the "
			   "network is back", strerror(-failed));
		return SP_PIPELINE_BROKEN;
	}
	if (!p->replay || !sp_gvsp_source_ended(p->queues[0].source) || sp_batch_pending(p->batch)) {
		p->quiet = 0;
		return SP_PIPELINE_RUNNING;
	}
	return ++p->quiet < QUIET_CHECKS ? SP_PIPELINE_RUNNING : SP_PIPELINE_ENDED;
}

/* Frames that were handed over are looked at, for a while. */
static void drain(struct sp_pipeline *p)
{
	uint64_t limit = sp_clock_now() + DRAIN_LIMIT_MS * SP_NS_PER_MS;

	sp_clock_sleep_until(sp_clock_now() + DRAIN_MS * SP_NS_PER_MS);
	sp_capture_stop(p);
	sp_event_signal(&p->batch_wake);
	do
		sp_clock_sleep_until(sp_clock_now() + 20 * SP_NS_PER_MS);
	while (sp_batch_pending(p->batch) && sp_clock_now() < limit);
}

void sp_pipeline_stop(struct sp_pipeline *p)
{
	if (p->stopped)
		return;
	p->stopped = true;
	if (p->supervisor)
		sp_supervisor_stop(p->supervisor);
	if (p->batch)
		drain(p);
	sp_capture_stop_resends(p);
	if (p->batch)
		sp_batch_stop(p->batch);
	if (p->lane_thread)
		sp_lane_thread_stop(p->lane_thread);
	if (p->journal_thread)
		sp_journal_thread_stop(p->journal_thread);
	if (p->watch)
		watch(p, 0);
}

void sp_pipeline_close(struct sp_pipeline *p)
{
	struct sp_event *events[] = { &p->batch_wake, &p->lane_wake, &p->journal_wake };

	sp_pipeline_stop(p);
	sp_watch_destroy(p->watch);
	sp_supervisor_destroy(p->supervisor);
	sp_lane_thread_destroy(p->lane_thread);
	sp_journal_thread_destroy(p->journal_thread);
	for (uint32_t i = 0; p->lanes && i < p->config->lanes_count; i++)
		sp_lane_destroy(p->lanes[i]);
	free(p->lanes);
	sp_batch_destroy(p->batch);
	/* The queues' regions outlive the backend that they are registered with. */
	if (p->compute)
		p->compute->ops->close(p->compute);
	sp_capture_close(p);
	if (p->writer)
		sp_journal_writer_close(p->writer);
	sp_inbox_destroy(p->inbox);
	sp_camera_sockets_close(p);
	free(p->cameras);
	while (p->events_n)
		sp_event_uninit(events[--p->events_n]);
	free(p);
}

static int lane_named(const struct sp_pipeline *p, const char *name)
{
	for (uint32_t i = 0; i < p->config->lanes_count; i++)
		if (!strcmp(p->config->lanes[i].name, name))
			return (int)i;
	return -ENOENT;
}

int sp_pipeline_trigger(struct sp_pipeline *p, const char *lane)
{
	int i = lane_named(p, lane);

	return i < 0 ? i : sp_lane_thread_trigger(p->lane_thread, (unsigned int)i);
}

int sp_pipeline_close_encounter(struct sp_pipeline *p, const char *lane)
{
	int i = lane_named(p, lane);

	return i < 0 ? i : sp_lane_thread_close_encounter(p->lane_thread, (unsigned int)i);
}
