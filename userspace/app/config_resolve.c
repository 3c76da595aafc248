/* SPDX-License-Identifier: Apache-2.0 */
#include "app/config_resolve.h"

#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "app/backends.h"
#include "app/config.h"
#include "app/config_camera.h"
#include "base/diag.h"
#include "infer/quality.h"
#include "lane/encounter.h"

/* ---- defaults -------------------------------------------------------------------------------- */

enum {
	SIDE_MAX = 16384,
	PACKET_SIZE = 1400, /* IP, UDP and GVSP headers count: fits every path */
	EXTRA_BYTES = 4096, /* chunk data that cameras send is far below that */
	NAP_MAX_US = 100, /* some ten packets at 1 Gb/s */
	NAP_MAX_US_MOST = 100000,
};

/* Strings belong to libcyaml's allocator, which is realloc and free: strdup fits. */
static int default_text(char **text, const char *value)
{
	if (!*text)
		*text = strdup(value);
	return *text ? 0 : -ENOMEM;
}

static void default_uint(uint32_t *number, uint32_t value)
{
	if (!*number)
		*number = value;
}

static int default_pointer(uint32_t **number, uint32_t value)
{
	if (*number)
		return 0;
	*number = malloc(sizeof(**number));
	if (!*number)
		return -ENOMEM;
	**number = value;
	return 0;
}

static void default_real(double *number, double value)
{
	if (*number == 0)
		*number = value;
}

static int default_path(char **text, const char *directory, const char *name)
{
	char path[4096];

	if (*text)
		return 0;
	if (snprintf(path, sizeof(path), "%s/%s", directory, name) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	*text = strdup(path);
	return *text ? 0 : -ENOMEM;
}

static void default_validity(struct sp_config_validity *v)
{
	const struct sp_quality_limits *limits = &sp_quality_default_limits;

	default_real(&v->eye_distance_min, (double)limits->eye_distance_min);
	default_real(&v->yaw_max, (double)limits->yaw_max);
	default_real(&v->pitch_max, (double)limits->pitch_max);
	default_real(&v->roll_max, (double)limits->roll_max);
	default_real(&v->sharpness_min, (double)limits->sharpness_min);
	default_real(&v->exposure_min, (double)limits->exposure_min);
	default_real(&v->exposure_max, (double)limits->exposure_max);
	default_real(&v->network_min, (double)limits->network_min);
	default_real(&v->underexposed_max, (double)limits->underexposed_max);
	default_real(&v->overexposed_max, (double)limits->overexposed_max);
	default_real(&v->dynamic_range_min, (double)limits->dynamic_range_min);
	default_real(&v->contrast_min, (double)limits->contrast_min);
	default_real(&v->evenness_min, (double)limits->evenness_min);
	default_real(&v->occlusion_max, (double)limits->occlusion_max);
	default_real(&v->margin_min, (double)limits->margin_min);
}

/* What auto means; a capture file is one queue. */
static void default_source(struct sp_config_capture *c)
{
	if (c->source == SP_SOURCE_AUTO)
		c->source = c->replay		? SP_SOURCE_REPLAY
			    : c->dpdk.eal_count ? SP_SOURCE_DPDK
						: SP_SOURCE_UDP;
	default_uint(&c->queues, 1);
	if (c->source == SP_SOURCE_REPLAY)
		c->queues = 1;
}

static int default_cameras(struct sp_config *c)
{
	int status = 0;

	for (uint32_t i = 0; i < c->lanes_count; i++) {
		for (uint32_t k = 0; k < c->lanes[i].cameras_count; k++) {
			struct sp_config_camera *camera = &c->lanes[i].cameras[k];

			default_uint(&camera->packet_size, PACKET_SIZE);
			status = status ?: default_text(&camera->pixel_format, "BayerRG8") ?:
				 default_pointer(&camera->extra_bytes, EXTRA_BYTES);
		}
	}
	return status;
}

static int fill_defaults(struct sp_config *c)
{
	default_validity(&c->validity);
	default_source(&c->capture);
	default_uint(&c->capture.resend_packets_per_second, 4000);
	default_uint(&c->capture.gap_us, 1000);
	default_uint(&c->capture.packet_timeout_ms, 20);
	default_uint(&c->capture.retention_ms, 100);
	default_uint(&c->compute.detect_width, 640);
	default_uint(&c->compute.detect_height, 640);
	default_uint(&c->compute.queue, 4);
	default_uint(&c->compute.batch_wait_us, 2000);
	default_uint(&c->encounter.gap_ms, 1500);
	default_uint(&c->encounter.max_s, 120);
	default_uint(&c->encounter.deadline_ms, 500);
	default_real(&c->encounter.same_overlap, 0.35);
	default_uint(&c->encounter.jpeg_quality, 90);
	default_uint(&c->journal.segment_mib, 64);
	default_uint(&c->journal.in_flight, 4);
	return default_text(&c->data_directory, "/var/lib/sallyport") ?:
	       default_path(&c->journal.directory, c->data_directory, "journal") ?:
	       default_path(&c->socket, c->data_directory, "control.sock") ?:
	       default_path(&c->compute.cache, c->data_directory, "cache") ?:
	       default_text(&c->compute.backend, "auto") ?:
	       default_pointer(&c->capture.dpdk.nap_max_us, NAP_MAX_US) ?: default_cameras(c);
}

/* ---- checks ---------------------------------------------------------------------------------- */

struct fault {
	char *field; /* SP_CONFIG_FIELD_MAX */
	struct sp_err *err;
};

/* "FIELD: PROBLEM; REMEDY" */
__attribute__((format(printf, 3, 4))) static int refuse(const struct fault *fault,
							const char *field, const char *fmt, ...)
{
	char text[sizeof(fault->err->text)];
	va_list args;

	snprintf(fault->field, SP_CONFIG_FIELD_MAX, "%s", field);
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	return sp_err_set(fault->err, -EINVAL, "%s: %s", field, text);
}

static int resolve_cameras(const struct sp_config *c, uint32_t lane, const struct fault *fault)
{
	char leaf[SP_CONFIG_CAMERA_FIELD_MAX], *field = fault->field;
	struct sp_err *err = fault->err;

	for (uint32_t k = 0; k < c->lanes[lane].cameras_count; k++) {
		struct sp_config_camera *camera = &c->lanes[lane].cameras[k];
		int status = sp_config_camera_resolve(c, lane, k, leaf, err);

		if (!status)
			continue;
		snprintf(field, SP_CONFIG_FIELD_MAX, "lanes[%u].cameras[%u].%s", lane, k, leaf);
		return sp_err_prefix(err, status, "lanes[%u].cameras[%u] ('%s')", lane, k,
				     camera->name);
	}
	return 0;
}

static int resolve_lanes(struct sp_config *c, const struct fault *fault)
{
	char field[SP_CONFIG_FIELD_MAX];
	int status = 0;

	for (uint32_t i = 0; !status && i < c->lanes_count; i++) {
		struct sp_config_lane *lane = &c->lanes[i];

		snprintf(field, sizeof(field), "lanes[%u].name", i);
		if (strlen(lane->name) >= SP_NAME_MAX)
			return refuse(fault, field, "'%.20s…' is longer than %d bytes", lane->name,
				      SP_NAME_MAX - 1);
		for (uint32_t j = 0; j < i; j++)
			if (!strcmp(lane->name, c->lanes[j].name))
				return refuse(fault, field,
					      "the name '%s' is taken by lanes[%u]; names tell "
					      "records apart",
					      lane->name, j);
		status = resolve_cameras(c, i, fault);
	}
	return status;
}

/* The source, its queues and their CPUs. */
static int check_capture(const struct sp_config *config, const struct fault *fault)
{
	const struct sp_config_capture *c = &config->capture;
	uint32_t cameras = 0;
	char field[32];

	if (c->replay && c->source != SP_SOURCE_REPLAY)
		return refuse(fault, "capture.source",
			      "contradicts capture.replay; take one of the two out");
	if (!c->replay && c->source == SP_SOURCE_REPLAY)
		return refuse(fault, "capture.source",
			      "replay needs a file; name it in capture.replay");
	if (c->source == SP_SOURCE_DPDK && !sp_backend_dpdk())
		return refuse(fault, "capture.source",
			      "dpdk is not in this build; install libdpdk-dev "
			      "(tools/setup) and build again, or say udp");
	for (uint32_t i = 0; i < config->lanes_count; i++)
		cameras += config->lanes[i].cameras_count;
	if (c->queues > cameras || c->queues > SP_CONFIG_QUEUES_MAX)
		return refuse(fault, "capture.queues",
			      "%u queues for %u cameras; give at most one a "
			      "camera, and %d at all",
			      c->queues, cameras, SP_CONFIG_QUEUES_MAX);
	if (c->source == SP_SOURCE_REPLAY && cameras > SP_CONFIG_QUEUE_CAMERAS_MAX)
		return refuse(fault, "capture.replay",
			      "is one queue, and %u cameras are more than its %d; leave some out",
			      cameras, SP_CONFIG_QUEUE_CAMERAS_MAX);
	if ((cameras + c->queues - 1) / c->queues > SP_CONFIG_QUEUE_CAMERAS_MAX)
		return refuse(
			fault, "capture.queues", "%u cameras are more than %d a queue; give %u",
			cameras, SP_CONFIG_QUEUE_CAMERAS_MAX,
			(cameras + SP_CONFIG_QUEUE_CAMERAS_MAX - 1) / SP_CONFIG_QUEUE_CAMERAS_MAX);
	if (c->cpus_count && c->source != SP_SOURCE_REPLAY && c->cpus_count != c->queues)
		return refuse(fault, "capture.cpus",
			      "%u CPUs for %u queues; name one a queue, or leave "
			      "the field out",
			      c->cpus_count, c->queues);
	for (uint32_t i = 0; i < c->cpus_count; i++) {
		snprintf(field, sizeof(field), "capture.cpus[%u]", i);
		if (c->cpus[i] >= CPU_SETSIZE)
			return refuse(fault, field, "CPU %u is not within 0 to %d", c->cpus[i],
				      CPU_SETSIZE - 1);
		for (uint32_t k = 0; k < i; k++)
			if (c->cpus[i] == c->cpus[k])
				return refuse(fault, field,
					      "CPU %u is given to two queues, which would "
					      "wait for each other; name another",
					      c->cpus[i]);
	}
	return 0;
}

static int check_dpdk(const struct sp_config_dpdk *c, const struct fault *fault)
{
	if (c->drop_interface &&
	    (strlen(c->drop_interface) >= IFNAMSIZ || strchr(c->drop_interface, '/')))
		return refuse(fault, "capture.dpdk.drop_interface",
			      "'%.40s' is no interface's name; `ip link` lists them",
			      c->drop_interface);
	if (c->port && c->exception && !strcmp(c->port, c->exception))
		return refuse(fault, "capture.dpdk.exception",
			      "'%.40s' is the port itself; name the "
			      "device that leads to the kernel, such as net_tap0",
			      c->exception);
	if (*c->nap_max_us > NAP_MAX_US_MOST)
		return refuse(fault, "capture.dpdk.nap_max_us",
			      "%u is not within 0 to %d; 0: never naps", *c->nap_max_us,
			      NAP_MAX_US_MOST);
	return 0;
}

static int check_ranges(const struct sp_config *c, const struct fault *fault)
{
	const struct {
		const char *field;
		double value, min, max;
	} ranges[] = {
		{ "capture.frames", c->capture.frames, 0, 1024 },
		{ "capture.buffers", c->capture.buffers, 0, 1 << 22 },
		{ "capture.resend_packets_per_second", c->capture.resend_packets_per_second, 1,
		  1000000 },
		{ "capture.gap_us", c->capture.gap_us, 1, 1000000 },
		{ "capture.packet_timeout_ms", c->capture.packet_timeout_ms, 1, 10000 },
		{ "capture.retention_ms", c->capture.retention_ms, 1, 10000 },
		{ "capture.replay_speed", c->capture.replay_speed, 0, 1000 },
		{ "capture.replay_port", c->capture.replay_port, 0, 65535 },
		{ "compute.workers", c->compute.workers, 0, 1024 },
		{ "compute.detect_width", c->compute.detect_width, 32, 4096 },
		{ "compute.detect_height", c->compute.detect_height, 32, 4096 },
		{ "compute.score_min", c->compute.score_min, 0, 0.999 },
		{ "compute.queue", c->compute.queue, 1, 1024 },
		{ "compute.device", c->compute.device, 0, 63 },
		{ "compute.batch", c->compute.batch, 0, 64 },
		{ "compute.batch_wait_us", c->compute.batch_wait_us, 1, 1000000 },
		{ "validity.eye_distance_min", c->validity.eye_distance_min, -1, SIDE_MAX },
		{ "validity.yaw_max", c->validity.yaw_max, 0, 180 },
		{ "validity.pitch_max", c->validity.pitch_max, 0, 180 },
		{ "validity.roll_max", c->validity.roll_max, 0, 180 },
		{ "validity.sharpness_min", c->validity.sharpness_min, -1, 1e6 },
		{ "validity.exposure_min", c->validity.exposure_min, -1, 1 },
		{ "validity.exposure_max", c->validity.exposure_max, 0, 1 },
		{ "validity.network_min", c->validity.network_min, -1, 1 },
		{ "validity.underexposed_max", c->validity.underexposed_max, 0, 1 },
		{ "validity.overexposed_max", c->validity.overexposed_max, 0, 1 },
		{ "validity.dynamic_range_min", c->validity.dynamic_range_min, -1, 8 },
		{ "validity.contrast_min", c->validity.contrast_min, -1, 0.5 },
		{ "validity.evenness_min", c->validity.evenness_min, -1, 1 },
		{ "validity.occlusion_max", c->validity.occlusion_max, 0, 1 },
		{ "validity.margin_min", c->validity.margin_min, -1, 100 },
		{ "encounter.gap_ms", c->encounter.gap_ms, 10, 600000 },
		{ "encounter.max_s", c->encounter.max_s, 1, 3600 },
		{ "encounter.deadline_ms", c->encounter.deadline_ms, 10, 60000 },
		{ "encounter.same_similarity", c->encounter.same_similarity, 0, 1 },
		{ "encounter.same_overlap", c->encounter.same_overlap, 0.01, 1 },
		{ "encounter.jpeg_quality", c->encounter.jpeg_quality, 1, 100 },
		{ "journal.segment_mib", c->journal.segment_mib, 8, 65536 },
		{ "journal.in_flight", c->journal.in_flight, 1, 4 },
	};

	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		if (!(ranges[i].value >= ranges[i].min && ranges[i].value <= ranges[i].max))
			return refuse(fault, ranges[i].field, "%g is not within %g to %g",
				      ranges[i].value, ranges[i].min, ranges[i].max);
	if (strlen(c->purpose) >= SP_NAME_MAX)
		return refuse(fault, "purpose", "longer than %d bytes", SP_NAME_MAX - 1);
	if (strlen(c->socket) >= sizeof(((struct sockaddr_un *)0)->sun_path))
		return refuse(fault, "socket",
			      "'%s' is longer than the %zu bytes of a socket's path; "
			      "set it to a shorter one",
			      c->socket, sizeof(((struct sockaddr_un *)0)->sun_path) - 1);
	if (!sp_backend_compute(c->compute.backend))
		return refuse(fault, "compute.backend", "'%s' is not in this build; it has: %s",
			      c->compute.backend, sp_backend_compute_names());
	return 0;
}

int sp_config_resolve(struct sp_config *config, char field[SP_CONFIG_FIELD_MAX], struct sp_err *err)
{
	const struct fault fault = { field, err };
	int status = fill_defaults(config);

	*field = '\0';
	if (status)
		return sp_err_set(err, status, "%s", strerror(-status));
	status = check_ranges(config, &fault) ?: resolve_lanes(config, &fault) ?:
		 check_capture(config, &fault) ?: check_dpdk(&config->capture.dpdk, &fault);
	if (!status)
		sp_config_resolve_credit(config);
	return status;
}
