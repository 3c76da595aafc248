/* SPDX-License-Identifier: Apache-2.0 */
/* The pipeline's counters as one document: docs/json.md, `stats --json`. */
#include <errno.h>
#include <string.h>

#include "app/causes.h"
#include "app/config.h"
#include "app/journal_thread.h"
#include "app/lane_thread.h"
#include "app/pipeline.h"
#include "app/stages.h"
#include "app/watch.h"
#include "base/histogram.h"
#include "base/stats.h"
#include "capture/packet_source.h"
#include "control/resend.h"
#include "control/supervisor.h"
#include "frame/frame_source.h"
#include "infer/batch.h"
#include "journal/journal.h"
#include "lane/lane.h"

static json_t *camera_control(struct sp_pipeline *p, unsigned int i)
{
	struct sp_camera_status status;

	if (!p->supervisor || sp_supervisor_status(p->supervisor, i, &status))
		return json_null();
	return json_pack("{s:s, s:I, s:I, s:I, s:s}", "state", sp_camera_state_name(status.state),
			 "connects", (json_int_t)status.connects, "losses",
			 (json_int_t)status.losses, "errors", (json_int_t)status.errors, "error",
			 status.error);
}

/* What the assembler wanted (in the stream's own counters), and what was sent. */
static json_t *resend(struct sp_pipeline *p, unsigned int i)
{
	const struct sp_resend *thread = p->queues[p->cameras[i].queue].resend;
	json_t *object = json_object();

	if (thread)
		sp_stats_json(object, sp_resend_counter_table, sp_resend_counter_table_n,
			      sp_resend_counters(thread, p->cameras[i].stream));
	return object;
}

static json_t *streams(struct sp_pipeline *p)
{
	json_t *array = json_array();

	for (unsigned int i = 0; i < p->cameras_n; i++) {
		const struct sp_pipeline_camera *camera = &p->cameras[i];
		json_t *stream = json_pack("{s:i, s:s, s:s, s:i}", "id", (int)i, "lane",
					   p->config->lanes[camera->lane].name, "camera",
					   camera->config->name, "queue", (int)camera->queue);

		sp_stats_json(stream, sp_stream_counter_table, sp_stream_counter_table_n,
			      sp_pipeline_stream(p, i));
		json_object_set_new(stream, "resend", resend(p, i));
		json_object_set_new(stream, "control", camera_control(p, i));
		json_array_append_new(array, stream);
	}
	return array;
}

static json_t *port(struct sp_pipeline *p, unsigned int queue)
{
	const struct sp_packet_source *packets = p->queues[queue].packets;
	json_t *object = json_pack("{s:s, s:i, s:i}", "name", packets->ops->name, "queue",
				   (int)queue, "cameras", (int)p->queues[queue].cameras_n);
	uint64_t missing = 0, unavailable = 0;
	struct sp_causes causes;

	for (unsigned int i = 0; i < p->cameras_n; i++) {
		if (p->cameras[i].queue != queue)
			continue;
		missing += sp_counter_read(&sp_pipeline_stream(p, i)->missing);
		unavailable += sp_counter_read(&sp_pipeline_stream(p, i)->unavailable);
	}
	sp_stats_json(object, sp_packet_counter_table, sp_packet_counter_table_n,
		      &packets->counters);
	sp_causes_charge(&causes, missing, unavailable, &packets->counters);
	json_object_set_new(object, "missing", sp_causes_json(&causes));
	return object;
}

static json_t *ports(struct sp_pipeline *p)
{
	json_t *array = json_array();

	for (unsigned int i = 0; i < p->queues_n; i++)
		json_array_append_new(array, port(p, i));
	return array;
}

static json_t *milliseconds(const struct sp_histogram *h)
{
	return json_pack("{s:f, s:f, s:f, s:I}", "p50", (double)sp_histogram_quantile(h, 0.5) / 1e6,
			 "p99", (double)sp_histogram_quantile(h, 0.99) / 1e6, "max",
			 (double)sp_counter_read(&h->max) / 1e6, "count",
			 (json_int_t)sp_counter_read(&h->total));
}

static json_t *stages(struct sp_pipeline *p)
{
	const struct sp_compute_info *info = &p->compute->info;
	json_t *inference = json_object(), *lanes = json_array();

	sp_stats_json(inference, sp_batch_counter_table, sp_batch_counter_table_n,
		      sp_batch_counters(p->batch));
	json_object_set_new(inference, "backend", json_string(info->backend));
	if (info->kernels) {
		json_object_set_new(inference, "kernels", json_string(info->kernels));
		json_object_set_new(inference, "precision",
				    json_string(sp_precision_name(info->precision)));
	}
	json_object_set_new(inference, "waiting", json_integer(sp_batch_pending(p->batch)));
	json_object_set_new(inference, "latency_ms", milliseconds(sp_batch_latency(p->batch)));
	for (unsigned int i = 0; i < p->config->lanes_count; i++) {
		json_t *lane = json_pack("{s:s}", "lane", p->config->lanes[i].name);

		sp_stats_json(lane, sp_lane_counter_table, sp_lane_counter_table_n,
			      sp_lane_counters(p->lanes[i]));
		json_array_append_new(lanes, lane);
	}
	return json_pack("{s:o, s:o}", "inference", inference, "lanes", lanes);
}

/*
 * Encounters that were closed and will not become durable. What the journal has not acknowledged
 * counts once nothing is at work on it any more.
 */
static uint64_t unrecorded(const struct sp_pipeline *p)
{
	uint64_t lost = sp_lane_thread_lost(p->lane_thread);

	if (p->stopped)
		lost += sp_lane_thread_handed_over(p->lane_thread) -
			sp_journal_thread_acknowledged(p->journal_thread);
	return lost;
}

static json_t *journal(struct sp_pipeline *p)
{
	json_t *object = json_object();

	sp_stats_json(object, sp_journal_counter_table, sp_journal_counter_table_n,
		      sp_journal_writer_counters(p->writer));
	json_object_set_new(
		object, "acknowledged",
		json_integer((json_int_t)sp_journal_thread_acknowledged(p->journal_thread)));
	json_object_set_new(object, "unrecorded",
			    json_integer((json_int_t)unrecorded(p)));
	json_object_set_new(object, "broken",
			    json_boolean(sp_journal_thread_broken(p->journal_thread, NULL)));
	return object;
}

json_t *sp_pipeline_stats(struct sp_pipeline *p)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o}", "streams", streams(p), "ports", ports(p),
			 "stages", stages(p), "journal", journal(p), "alarms",
			 sp_watch_json(p->watch));
}

static unsigned int streaming_in(struct sp_pipeline *p, unsigned int lane)
{
	unsigned int n = 0;

	for (unsigned int i = 0; p->supervisor && i < p->cameras_n; i++) {
		struct sp_camera_status status;

		if ((lane == UINT32_MAX || p->cameras[i].lane == lane) &&
		    !sp_supervisor_status(p->supervisor, i, &status))
			n += status.state == SP_CAMERA_STREAMING;
	}
	return n;
}

json_t *sp_pipeline_lanes(struct sp_pipeline *p)
{
	json_t *array = json_array();

	for (unsigned int i = 0; i < p->config->lanes_count; i++) {
		const struct sp_lane_counters *c = sp_lane_counters(p->lanes[i]);

		json_array_append_new(
			array, json_pack("{s:s, s:i, s:i, s:b, s:I, s:I}", "name",
					 p->config->lanes[i].name, "cameras",
					 (int)p->config->lanes[i].cameras_count, "streaming",
					 (int)streaming_in(p, i), "open",
					 sp_lane_thread_is_open(p->lane_thread, i), "encounters",
					 (json_int_t)sp_counter_read(&c->encounters), "faces",
					 (json_int_t)sp_counter_read(&c->faces)));
	}
	return json_pack("{s:o}", "lanes", array);
}

void sp_pipeline_figures(struct sp_pipeline *p, struct sp_pipeline_figures *ret_figures)
{
	struct sp_pipeline_figures f = { .cameras = p->cameras_n, .ledger_adds_up = p->stopped };

	f.streaming = streaming_in(p, UINT32_MAX);
	for (unsigned int i = 0; i < p->cameras_n; i++) {
		const struct sp_stream_counters *c = sp_pipeline_stream(p, i);

		f.frames += sp_counter_read(&c->frames_complete) +
			    sp_counter_read(&c->frames_incomplete);
		f.incomplete += sp_counter_read(&c->frames_incomplete);
		f.expected += sp_counter_read(&c->expected);
		f.missing += sp_counter_read(&c->missing);
		f.bytes += sp_counter_read(&c->bytes);
		f.ledger_adds_up = f.ledger_adds_up && sp_ledger_adds_up(c);
	}
	for (unsigned int i = 0; i < p->config->lanes_count; i++) {
		f.encounters += sp_counter_read(&sp_lane_counters(p->lanes[i])->encounters);
		f.faces += sp_counter_read(&sp_lane_counters(p->lanes[i])->faces);
	}
	f.acknowledged = sp_journal_thread_acknowledged(p->journal_thread);
	f.unrecorded = unrecorded(p);
	*ret_figures = f;
}
