/* SPDX-License-Identifier: Apache-2.0 */
#include "app/capture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/config.h"
#include "app/stages.h"
#include "base/clock.h"
#include "base/diag.h"
#include "capture/packet_source.h"
#include "control/resend.h"
#include "infer/compute.h"

enum {
	RESEND_TRIES = 5,
	IDLE_BURST = 64, /* packets */
};

/* How long a queue without cameras waits for a packet: how late it sees a stop. */
#define IDLE_NS (5 * SP_NS_PER_MS)

/* ---- packet sources -------------------------------------------------------------------------- */

static int open_dpdk(struct sp_pipeline *p, const struct sp_config_plan *plan, struct sp_err *err)
{
	const struct sp_config_dpdk *c = &p->config->capture.dpdk;
	struct sp_packet_source *sources[SP_CONFIG_QUEUES_MAX];
	struct sp_dpdk_config dpdk = {
		.eal = (const char *const *)c->eal,
		.eal_n = c->eal_count,
		.port = c->port,
		.exception = c->exception,
		.drop_interface = c->drop_interface,
		.queues = p->queues_n,
		.buffers = plan->queues[0].buffers,
		.buffer_size = plan->buffer_size,
		.no_split = c->no_split,
		/* Where one header is shorter than the split, its pixels would begin before it. */
		.extended_ids = true,
		.no_flow = c->no_flow,
		.nap_max_ns = *c->nap_max_us * SP_NS_PER_US,
	};
	int status;

	for (unsigned int i = 0; i < p->cameras_n; i++)
		dpdk.extended_ids = dpdk.extended_ids && p->cameras[i].config->extended_ids;
	status = sp_dpdk_open(&dpdk, sources, err);
	for (unsigned int i = 0; !status && i < p->queues_n; i++)
		p->queues[i].packets = sources[i];
	return status;
}

static int open_udp(struct sp_pipeline *p, const struct sp_config_plan *plan, struct sp_err *err)
{
	const struct sp_udp_config udp = {
		.buffers = plan->queues[0].buffers,
		.buffer_size = plan->buffer_size,
		.no_uring = p->config->capture.engine == SP_ENGINE_RECVMMSG,
	};
	int status = 0;

	for (unsigned int i = 0; !status && i < p->queues_n; i++)
		status = sp_udp_open(&udp, &p->queues[i].packets, err);
	return status;
}

static int open_replay(struct sp_pipeline *p, const struct sp_config_plan *plan, struct sp_err *err)
{
	const struct sp_config_capture *capture = &p->config->capture;
	const struct sp_replay_config replay = {
		.path = capture->replay,
		.speed = capture->replay_speed,
		.buffers = plan->queues[0].buffers,
		.buffer_size = plan->buffer_size,
	};

	return sp_replay_open(&replay, &p->queues[0].packets, err);
}

static int open_packets(struct sp_pipeline *p, const struct sp_config_plan *plan,
			struct sp_err *err)
{
	switch (p->config->capture.source) {
	case SP_SOURCE_DPDK:
		return open_dpdk(p, plan, err);
	case SP_SOURCE_REPLAY:
		return open_replay(p, plan, err);
	default:
		return open_udp(p, plan, err);
	}
}

/* ---- who joins which queue ------------------------------------------------------------------- */

static unsigned int queue_of(const struct sp_pipeline *p, unsigned int i)
{
	const struct sp_pipeline_camera *camera = &p->cameras[i];
	struct sp_packet_stream stream = {
		.fd = -1,
		.host_port = camera->port,
		.host_ip = camera->host_ip,
		.camera_ip = camera->ip,
		.camera_port = (uint16_t)camera->config->source_port,
		.vlan = camera->config->vlan_id,
	};

	if (p->config->capture.source != SP_SOURCE_DPDK)
		return i % p->queues_n;
	memcpy(stream.camera_mac, camera->config->mac_bytes, sizeof(stream.camera_mac));
	return sp_dpdk_queue(p->queues[0].packets, &stream) % p->queues_n;
}

/* What hashes lead to one queue may be more than a fair share. */
static void deal_out(struct sp_pipeline *p)
{
	uint64_t needed[SP_CONFIG_QUEUES_MAX] = { 0 };

	for (unsigned int i = 0; i < p->cameras_n; i++) {
		p->cameras[i].queue = queue_of(p, i);
		p->queues[p->cameras[i].queue].cameras_n++;
		needed[p->cameras[i].queue] += sp_config_camera_buffers(p->cameras[i].config);
	}
	for (unsigned int i = 0; i < p->queues_n; i++)
		if (needed[i] > p->queues[i].packets->buffers)
			sp_log(SP_LOG_WARNING,
			       "capture: queue %u carries %u of %u cameras and has %u packet "
			       "buffers; frames are given up (policy) when all of them wait; set "
			       "capture.buffers to %llu",
			       i, p->queues[i].cameras_n, p->cameras_n,
			       p->queues[i].packets->buffers, (unsigned long long)needed[i]);
}

static int open_source(struct sp_pipeline *p, unsigned int i, struct sp_err *err)
{
	struct sp_pipeline_queue *queue = &p->queues[i];
	const struct sp_gvsp_source_config source = {
		.packets = queue->packets,
		.cpu = p->config->capture.cpus_count > i ? (int)p->config->capture.cpus[i] : -1,
		.frames = &p->batch_wake,
		.resends = &queue->resend_wake,
	};
	int status = sp_event_init(&queue->resend_wake);

	if (status)
		return sp_err_set(err, status, "eventfd: %s; raise the limit of open files",
				  strerror(-status));
	queue->has_resend_wake = true;
	return sp_gvsp_source_open(&source, &queue->source, err);
}

static int add_stream(struct sp_pipeline *p, struct sp_pipeline_camera *camera, struct sp_err *err)
{
	const struct sp_config_capture *capture = &p->config->capture;
	struct sp_frame_source *source = p->queues[camera->queue].source;
	struct sp_stream_config stream = {
		.lane = (uint16_t)camera->lane,
		.camera = (uint16_t)camera->camera,
		.camera_ip = camera->ip,
		.camera_port = (uint16_t)camera->config->source_port,
		.vlan = camera->config->vlan_id,
		.host_ip = camera->host_ip,
		.host_port = camera->port,
		.fd = camera->fd,
		.packet_payload = camera->config->packet_payload,
		.pixel_format = camera->config->pixel_format_code,
		.width = camera->config->width,
		.height = camera->config->height,
		.extra_bytes = *camera->config->extra_bytes,
		.frames = camera->config->credit,
		.packet_timeout_ns = capture->packet_timeout_ms * SP_NS_PER_MS,
		.gap_ns = capture->gap_us * SP_NS_PER_US,
		.retention_ns = capture->retention_ms * SP_NS_PER_MS,
		/*
		 * In a replay nobody hears the requests, but blocks close as they did live, and
		 * packets that were sent again find theirs open.
		 */
		.resend_tries = capture->no_resend ? 0 : RESEND_TRIES,
	};
	int index;

	memcpy(stream.camera_mac, camera->config->mac_bytes, sizeof(stream.camera_mac));
	index = source->ops->add_stream(source, &stream, err);
	if (index < 0)
		return sp_err_prefix(err, index, "camera %s", camera->config->name);
	camera->stream = (unsigned int)index;
	return 0;
}

int sp_capture_open(struct sp_pipeline *p, struct sp_err *err)
{
	struct sp_config_plan plan;
	int status = sp_config_plan(p->config, &plan, err);

	if (status)
		return status;
	p->queues = calloc(plan.queues_n, sizeof(*p->queues));
	if (!p->queues)
		return sp_err_set(err, -ENOMEM, "out of memory");
	p->queues_n = plan.queues_n;
	status = open_packets(p, &plan, err);
	if (status)
		return status;
	deal_out(p);
	for (unsigned int i = 0; !status && i < p->queues_n; i++)
		if (p->queues[i].cameras_n)
			status = open_source(p, i, err);
	for (unsigned int i = 0; !status && i < p->cameras_n; i++)
		status = add_stream(p, &p->cameras[i], err);
	for (unsigned int i = 0; !status && i < p->queues_n; i++)
		status = p->compute->ops->register_region(p->compute, p->queues[i].packets->region,
							 err);
	return status;
}

/* ---- running --------------------------------------------------------------------------------- */

static int start_resend(struct sp_pipeline *p, unsigned int i, struct sp_err *err)
{
	const uint32_t rate = p->config->capture.resend_packets_per_second;
	struct sp_pipeline_queue *queue = &p->queues[i];
	/*
	 * Half a second's worth at once; a queue's cameras do not all lose packets at the same
	 * time.
	 */
	const struct sp_bucket_config each = { rate, rate / 2 };
	const struct sp_resend_config config = {
		.source = queue->source,
		.wake = &queue->resend_wake,
		.budget = { rate * (queue->cameras_n + 3) / 4, rate * (queue->cameras_n + 3) / 8 },
		.cpu = -1,
	};
	struct sp_resend_stream *streams = calloc(queue->cameras_n, sizeof(*streams));
	int status;

	if (!streams)
		return sp_err_set(err, -ENOMEM, "out of memory");
	for (unsigned int k = 0; k < p->cameras_n; k++)
		if (p->cameras[k].queue == i)
			streams[p->cameras[k].stream] = (struct sp_resend_stream){
				.fd = p->cameras[k].fd,
				.camera_ip = p->cameras[k].ip,
				.budget = each,
			};
	status = sp_resend_create(&config, streams, queue->cameras_n, &queue->resend, err) ?:
		 sp_resend_start(queue->resend, err);
	free(streams);
	return status;
}

/* What comes to a queue without cameras is counted, or passed on to the kernel, all the same. */
static void empty_idle(struct sp_thread *thread)
{
	struct sp_packet_source *packets = thread->arg;
	struct sp_packet burst[IDLE_BURST];
	uint64_t tokens[IDLE_BURST];
	int n = 0;

	while (n >= 0 && !sp_thread_should_stop(thread)) {
		n = packets->ops->receive(packets, burst, IDLE_BURST, IDLE_NS);
		for (int i = 0; i < n; i++)
			tokens[i] = burst[i].token;
		if (n > 0)
			packets->ops->release(packets, tokens, (unsigned int)n);
	}
	if (n < 0)
		sp_log(SP_LOG_ERROR,
		       "capture: a queue without cameras is read no more: %s; what comes to it is "
		       "lost uncounted until a restart",
		       strerror(-n));
}

static int start_idle(struct sp_pipeline *p, unsigned int i, struct sp_err *err)
{
	struct sp_packet_source *packets = p->queues[i].packets;
	int cpu = p->config->capture.cpus_count > i ? (int)p->config->capture.cpus[i] : -1;
	int status = packets->ops->start ? packets->ops->start(packets, err) : 0;

	if (status)
		return status;
	status = sp_thread_start(&p->queues[i].idle, "capture-idle", cpu, empty_idle, packets,
				 NULL);
	return status ? sp_err_set(err, status, "capture: no thread: %s; end other programs",
				   strerror(-status))
		      : 0;
}

int sp_capture_start(struct sp_pipeline *p, struct sp_err *err)
{
	bool resends = !p->replay && !p->config->capture.no_resend;
	int status = 0;

	for (unsigned int i = 0; !status && i < p->queues_n; i++) {
		struct sp_pipeline_queue *queue = &p->queues[i];

		if (!queue->source) {
			status = start_idle(p, i, err);
			continue;
		}
		if (resends)
			status = start_resend(p, i, err);
		if (!status)
			status = queue->source->ops->start(queue->source, err);
	}
	return status;
}

int sp_capture_failed(const struct sp_pipeline *p)
{
	int failed = 0;

	for (unsigned int i = 0; !failed && i < p->queues_n; i++)
		if (p->queues[i].source)
			failed = sp_gvsp_source_failed(p->queues[i].source);
	return failed;
}

void sp_capture_stop(struct sp_pipeline *p)
{
	for (unsigned int i = 0; i < p->queues_n; i++) {
		if (p->queues[i].source)
			p->queues[i].source->ops->stop(p->queues[i].source);
		sp_thread_stop(&p->queues[i].idle);
	}
}

void sp_capture_stop_resends(struct sp_pipeline *p)
{
	for (unsigned int i = 0; i < p->queues_n; i++)
		if (p->queues[i].resend)
			sp_resend_stop(p->queues[i].resend);
}

void sp_capture_close(struct sp_pipeline *p)
{
	/* All threads first: the queues of one card share it. */
	sp_capture_stop(p);
	for (unsigned int i = 0; i < p->queues_n; i++) {
		struct sp_pipeline_queue *queue = &p->queues[i];

		sp_resend_destroy(queue->resend);
		if (queue->source)
			queue->source->ops->close(queue->source);
		else if (queue->packets)
			queue->packets->ops->close(queue->packets);
		if (queue->has_resend_wake)
			sp_event_uninit(&queue->resend_wake);
	}
	free(p->queues);
	p->queues = NULL;
	p->queues_n = 0;
}
