/* SPDX-License-Identifier: Apache-2.0 */
#include "app/pipeline.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "app/backends.h"
#include "app/config.h"
#include "app/journal_thread.h"
#include "app/lane_thread.h"
#include "app/models.h"
#include "app/privacy.h"
#include "app/stages.h"
#include "base/clock.h"
#include "base/diag.h"
#include "base/thread.h"
#include "capture/packet_source.h"
#include "control/camera.h"
#include "control/resend.h"
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
	SOCKET_BUFFER = 8 << 20,
	/* Frames in the backend for each worker: one at work, one waiting. */
	WORK_PER_WORKER = 2,
	/* Results that wait in the lanes for their watermark: shared, and besides for each lane. */
	LANES_BACKLOG = 256,
	LANE_BACKLOG = 8,
	RESEND_TRIES = 5,
	DISCOVER_MAX = 256,
	/* After the cameras stopped: for packets and resends that are on their way. */
	DRAIN_MS = 150,
	DRAIN_LIMIT_MS = 5000,
	/* A replay is over when this many checks in a row find nothing on its way. */
	QUIET_CHECKS = 3,
};

/* ---- cameras and their sockets --------------------------------------------------------------- */

/* The cameras that answer, asked once however many are named by id: it takes a second. */
struct discovery {
	struct sp_camera_info found[DISCOVER_MAX];
	int n; /* -1: not asked yet */
};

static int discover(struct discovery *discovery, struct sp_err *err)
{
	const struct sp_camera_ops *ops = sp_backend_cameras();
	int n;

	if (discovery->n >= 0)
		return 0;
	n = ops ? ops->discover(discovery->found, DISCOVER_MAX, err) : 0;
	if (n < 0)
		return n;
	discovery->n = n;
	return 0;
}

static int resolve(struct sp_pipeline *p, struct sp_pipeline_camera *camera,
		   struct discovery *discovery, struct sp_err *err)
{
	const char *address = camera->config->address;
	struct in_addr ip;
	int status;

	if (inet_pton(AF_INET, address, &ip) == 1) {
		camera->ip = ntohl(ip.s_addr);
		return 0;
	}
	if (p->replay)
		return sp_err_set(err, -EINVAL, "camera %s: a replay needs its IP address, not '%s'",
				  camera->config->name, address);
	status = discover(discovery, err);
	if (status)
		return status;
	for (int i = 0; i < discovery->n; i++) {
		const struct sp_camera_info *found = &discovery->found[i];

		if (!strcmp(found->id, address) || !strcmp(found->serial, address) ||
		    !strcmp(found->user_name, address)) {
			camera->ip = found->ip;
			return 0;
		}
	}
	return sp_err_set(err, -ENODEV,
			  "camera %s: none of the %d cameras that answer is '%s'; `sallyport "
			  "cameras list` lists them", camera->config->name, discovery->n, address);
}

static int open_sockets(struct sp_pipeline *p, struct sp_err *err)
{
	struct discovery discovery = { .n = -1 };
	struct in_addr host = { 0 };

	if (p->config->capture.host_address &&
	    inet_pton(AF_INET, p->config->capture.host_address, &host) != 1)
		return sp_err_set(err, -EINVAL, "capture.host_address: '%s' is not an IPv4 address",
				  p->config->capture.host_address);
	for (unsigned int i = 0; i < p->cameras_n; i++) {
		struct sp_pipeline_camera *camera = &p->cameras[i];
		int status = resolve(p, camera, &discovery, err);

		if (status)
			return status;
		if (p->replay) {
			camera->port = (uint16_t)(p->config->capture.replay_port + i);
			continue;
		}
		camera->fd = sp_udp_socket(ntohl(host.s_addr), 0, SOCKET_BUFFER, &camera->port, err);
		if (camera->fd < 0)
			return sp_err_prefix(err, camera->fd, "camera %s", camera->config->name);
	}
	return 0;
}

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

/* ---- stages, in the order of the data's way ----------------------------------------------------- */

static int open_events(struct sp_pipeline *p, struct sp_err *err)
{
	struct sp_event *events[] = { &p->batch_wake, &p->lane_wake, &p->journal_wake, &p->resend_wake };

	for (; p->events_n < 4; p->events_n++) {
		int status = sp_event_init(events[p->events_n]);

		if (status)
			return sp_err_set(err, status, "eventfd: %s", strerror(-status));
	}
	return 0;
}

static int open_source(struct sp_pipeline *p, struct sp_err *err)
{
	const struct sp_config_capture *capture = &p->config->capture;
	struct sp_gvsp_source_config source = {
		.cpu = -1,
		.frames = &p->batch_wake,
		.resends = &p->resend_wake,
	};
	struct sp_config_plan plan;
	unsigned int buffer_size = 0, buffers;
	int status = sp_config_plan(p->config, &plan, err);

	if (status)
		return status;
	for (unsigned int i = 0; i < p->cameras_n; i++)
		if (p->cameras[i].config->packet_size > buffer_size)
			buffer_size = p->cameras[i].config->packet_size;
	buffers = capture->buffers ?: plan.buffers_needed;
	if (p->replay) {
		const struct sp_replay_config replay = { capture->replay, capture->replay_speed, buffers,
							 buffer_size };

		status = sp_replay_open(&replay, &p->packets, err);
	} else {
		const struct sp_udp_config udp = { buffers, buffer_size,
						   capture->engine == SP_ENGINE_RECVMMSG };

		status = sp_udp_open(&udp, &p->packets, err);
	}
	if (status)
		return status;
	source.packets = p->packets;
	status = sp_gvsp_source_open(&source, &p->source, err);
	if (status) {
		p->packets->ops->close(p->packets);
		p->packets = NULL;
	}
	return status;
}

static int add_streams(struct sp_pipeline *p, struct sp_err *err)
{
	const struct sp_config_capture *capture = &p->config->capture;

	for (unsigned int i = 0; i < p->cameras_n; i++) {
		const struct sp_pipeline_camera *camera = &p->cameras[i];
		const struct sp_stream_config stream = {
			.lane = (uint16_t)camera->lane,
			.camera = (uint16_t)camera->camera,
			.camera_ip = camera->ip,
			.host_port = camera->port,
			.fd = camera->fd,
			.packet_payload = camera->config->packet_payload,
			.pixel_format = camera->config->pixel_format_code,
			.width = camera->config->width,
			.height = camera->config->height,
			.frames = camera->config->credit,
			.packet_timeout_ns = capture->packet_timeout_ms * SP_NS_PER_MS,
			.gap_ns = capture->gap_us * SP_NS_PER_US,
			.retention_ns = capture->retention_ms * SP_NS_PER_MS,
			/*
			 * In a replay nobody hears the requests, but blocks close as they did live,
			 * and packets that were sent again find theirs open.
			 */
			.resend_tries = capture->no_resend ? 0 : RESEND_TRIES,
		};
		int status = p->source->ops->add_stream(p->source, &stream, err);

		if (status < 0)
			return sp_err_prefix(err, status, "camera %s", camera->config->name);
	}
	return p->compute_ops->register_region(p->compute, p->packets->region, err);
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
		.workers = c->workers,
		.detect_width = c->detect_width,
		.detect_height = c->detect_height,
		.score_min = (float)c->score_min,
		.limits = { (float)v->eye_distance_min, (float)v->yaw_max, (float)v->pitch_max,
			    (float)v->roll_max, (float)v->sharpness_min, (float)v->exposure_min,
			    (float)v->exposure_max, (float)v->network_min },
		.done = &p->batch_wake,
	};
	unsigned int workers = c->workers ?: sp_thread_cpus();
	int status;

	p->compute_ops = sp_backend_compute(c->backend);
	if (p->compute_ops != &sp_compute_none) {
		status = sp_models_choose(&wish, &models, err);
		if (status)
			return status;
		sp_models_warn(&models);
		config.quality = *models.quality ? models.quality : NULL;
	}
	p->work = workers * WORK_PER_WORKER;
	/* Results in the lanes stay the backend's: it must not run out while every lane waits. */
	p->in_flight = p->work + LANES_BACKLOG + LANE_BACKLOG * p->config->lanes_count;
	config.in_flight = p->in_flight;
	return p->compute_ops->open(&config, &p->compute, err);
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
	int directory = sp_directory_make(p->config->data_directory, err);

	if (directory < 0)
		return sp_err_prefix(err, directory, "data_directory");
	close(directory);
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
						       (uint16_t)p->cameras[i].camera, p->source };
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

static int start_resend(struct sp_pipeline *p, struct sp_err *err)
{
	const uint32_t rate = p->config->capture.resend_packets_per_second;
	/* Half a second's worth at once; the port's cameras do not all lose packets at the same time. */
	const struct sp_bucket_config each = { rate, rate / 2 };
	const struct sp_resend_config config = {
		.source = p->source,
		.wake = &p->resend_wake,
		.budget = { rate * (p->cameras_n + 3) / 4, rate * (p->cameras_n + 3) / 8 },
		.cpu = -1,
	};
	struct sp_resend_stream *streams;
	int status;

	if (p->replay || p->config->capture.no_resend)
		return 0;
	streams = calloc(p->cameras_n, sizeof(*streams));
	if (!streams)
		return sp_err_set(err, -ENOMEM, "out of memory");
	for (unsigned int i = 0; i < p->cameras_n; i++)
		streams[i] = (struct sp_resend_stream){
			.fd = p->cameras[i].fd,
			.camera_ip = p->cameras[i].ip,
			.budget = each,
		};
	status = sp_resend_create(&config, streams, p->cameras_n, &p->resend, err) ?:
		 sp_resend_start(p->resend, err);
	free(streams);
	return status;
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
		status = open_events(p, err) ?: list_cameras(p, err) ?: open_compute(p, err) ?:
			 open_journal(p, err) ?: open_sockets(p, err) ?: open_source(p, err) ?:
			 add_streams(p, err) ?: open_lanes(p, err) ?: start_batch(p, err) ?:
			 start_threads(p, options->ack_fd, err) ?: start_resend(p, err) ?:
			 p->source->ops->start(p->source, err) ?: start_cameras(p, err);
	if (status) {
		sp_pipeline_close(p);
		return status;
	}
	*ret_pipeline = p;
	return 0;
}

/* ---- running, stopping -------------------------------------------------------------------------- */

enum sp_pipeline_state sp_pipeline_check(struct sp_pipeline *p, struct sp_err *err)
{
	int failed;

	if (sp_journal_thread_broken(p->journal_thread, err))
		return SP_PIPELINE_BROKEN;
	failed = sp_gvsp_source_failed(p->source);
	if (failed) {
		sp_err_set(err, failed,
			   "capture: no more packets can be received: %s; start again when the "
			   "network is back", strerror(-failed));
		return SP_PIPELINE_BROKEN;
	}
	if (!p->replay || !sp_gvsp_source_ended(p->source) || sp_batch_pending(p->batch)) {
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
	p->source->ops->stop(p->source);
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
	if (p->source && p->batch)
		drain(p);
	if (p->resend)
		sp_resend_stop(p->resend);
	if (p->batch)
		sp_batch_stop(p->batch);
	if (p->lane_thread)
		sp_lane_thread_stop(p->lane_thread);
	if (p->journal_thread)
		sp_journal_thread_stop(p->journal_thread);
}

void sp_pipeline_close(struct sp_pipeline *p)
{
	struct sp_event *events[] = { &p->batch_wake, &p->lane_wake, &p->journal_wake, &p->resend_wake };

	sp_pipeline_stop(p);
	sp_supervisor_destroy(p->supervisor);
	sp_resend_destroy(p->resend);
	sp_lane_thread_destroy(p->lane_thread);
	sp_journal_thread_destroy(p->journal_thread);
	for (uint32_t i = 0; p->lanes && i < p->config->lanes_count; i++)
		sp_lane_destroy(p->lanes[i]);
	free(p->lanes);
	sp_batch_destroy(p->batch);
	/* The source's region outlives the backend that it is registered with. */
	if (p->compute)
		p->compute_ops->close(p->compute);
	if (p->source)
		p->source->ops->close(p->source);
	if (p->writer)
		sp_journal_writer_close(p->writer);
	sp_inbox_destroy(p->inbox);
	for (unsigned int i = 0; p->cameras && i < p->cameras_n; i++)
		if (p->cameras[i].fd >= 0)
			close(p->cameras[i].fd);
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
