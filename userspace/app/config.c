/* SPDX-License-Identifier: Apache-2.0 */
#include "app/config.h"

#include <cyaml/cyaml.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "app/backends.h"
#include "base/diag.h"
#include "infer/quality.h"
#include "lane/encounter.h"
#include "wire/pfnc.h"

/* ---- the schema ---------------------------------------------------------------------------- */

#define OPTIONAL CYAML_FLAG_OPTIONAL
#define TEXT(type, key) CYAML_FIELD_STRING_PTR(#key, CYAML_FLAG_POINTER | OPTIONAL, struct type, key, 1, 4096)
#define MUST_TEXT(type, key) CYAML_FIELD_STRING_PTR(#key, CYAML_FLAG_POINTER, struct type, key, 1, 4096)
#define UINT(type, key) CYAML_FIELD_UINT(#key, OPTIONAL, struct type, key)
#define MUST_UINT(type, key) CYAML_FIELD_UINT(#key, CYAML_FLAG_DEFAULT, struct type, key)
#define REAL(type, key) CYAML_FIELD_FLOAT(#key, OPTIONAL, struct type, key)
#define BOOL(type, key) CYAML_FIELD_BOOL(#key, OPTIONAL, struct type, key)
#define SECTION(type, key, fields) CYAML_FIELD_MAPPING(#key, OPTIONAL, struct type, key, fields)

static const cyaml_schema_field_t camera_fields[] = {
	MUST_TEXT(sp_config_camera, name),
	MUST_TEXT(sp_config_camera, address),
	MUST_UINT(sp_config_camera, width),
	MUST_UINT(sp_config_camera, height),
	TEXT(sp_config_camera, pixel_format),
	REAL(sp_config_camera, fps),
	UINT(sp_config_camera, packet_size),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t camera_value = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct sp_config_camera, camera_fields),
};

static const cyaml_schema_field_t lane_fields[] = {
	MUST_TEXT(sp_config_lane, name),
	CYAML_FIELD_SEQUENCE("cameras", CYAML_FLAG_POINTER, struct sp_config_lane, cameras,
			     &camera_value, 1, SP_CONFIG_CAMERAS_MAX),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t lane_value = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct sp_config_lane, lane_fields),
};

static const cyaml_strval_t engines[] = {
	{ "auto", SP_ENGINE_AUTO },
	{ "io_uring", SP_ENGINE_URING },
	{ "recvmmsg", SP_ENGINE_RECVMMSG },
};

static const cyaml_schema_field_t capture_fields[] = {
	TEXT(sp_config_capture, host_address),
	CYAML_FIELD_ENUM("engine", OPTIONAL, struct sp_config_capture, engine, engines,
			 CYAML_ARRAY_LEN(engines)),
	UINT(sp_config_capture, frames),
	UINT(sp_config_capture, buffers),
	BOOL(sp_config_capture, no_resend),
	UINT(sp_config_capture, resend_packets_per_second),
	UINT(sp_config_capture, gap_us),
	UINT(sp_config_capture, packet_timeout_ms),
	UINT(sp_config_capture, retention_ms),
	TEXT(sp_config_capture, replay),
	REAL(sp_config_capture, replay_speed),
	UINT(sp_config_capture, replay_port),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t compute_fields[] = {
	TEXT(sp_config_compute, backend),
	TEXT(sp_config_compute, detector),
	TEXT(sp_config_compute, embedder),
	TEXT(sp_config_compute, quality),
	UINT(sp_config_compute, workers),
	UINT(sp_config_compute, detect_width),
	UINT(sp_config_compute, detect_height),
	REAL(sp_config_compute, score_min),
	UINT(sp_config_compute, queue),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t validity_fields[] = {
	REAL(sp_config_validity, eye_distance_min),
	REAL(sp_config_validity, yaw_max),
	REAL(sp_config_validity, pitch_max),
	REAL(sp_config_validity, roll_max),
	REAL(sp_config_validity, sharpness_min),
	REAL(sp_config_validity, exposure_min),
	REAL(sp_config_validity, exposure_max),
	REAL(sp_config_validity, network_min),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t encounter_fields[] = {
	UINT(sp_config_encounter, gap_ms),
	UINT(sp_config_encounter, max_s),
	UINT(sp_config_encounter, deadline_ms),
	REAL(sp_config_encounter, same_similarity),
	REAL(sp_config_encounter, same_overlap),
	UINT(sp_config_encounter, jpeg_quality),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t policy_fields[] = {
	BOOL(sp_config_policy, persist_unmatched),
	BOOL(sp_config_policy, keep_invalid),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t journal_fields[] = {
	TEXT(sp_config_journal, directory),
	UINT(sp_config_journal, segment_mib),
	UINT(sp_config_journal, in_flight),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t root_fields[] = {
	MUST_TEXT(sp_config, purpose),
	TEXT(sp_config, data_directory),
	TEXT(sp_config, model_directory),
	TEXT(sp_config, socket),
	CYAML_FIELD_SEQUENCE("lanes", CYAML_FLAG_POINTER, struct sp_config, lanes, &lane_value, 1,
			     SP_CONFIG_LANES_MAX),
	SECTION(sp_config, capture, capture_fields),
	SECTION(sp_config, compute, compute_fields),
	SECTION(sp_config, validity, validity_fields),
	SECTION(sp_config, encounter, encounter_fields),
	SECTION(sp_config, policy, policy_fields),
	SECTION(sp_config, journal, journal_fields),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t root_value = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct sp_config, root_fields),
};

/* ---- the parser's messages, as one line ------------------------------------------------------ */

struct messages {
	char problem[256]; /* the first error */
	char place[128];   /* the innermost line of its backtrace */
};

/* libcyaml says what is wrong in one message and where in those that follow, innermost first. */
static void collect(cyaml_log_t level, void *arg, const char *fmt, va_list args)
{
	struct messages *messages = arg;
	char line[256], *text = line;

	if (level < CYAML_LOG_ERROR)
		return;
	vsnprintf(line, sizeof(line), fmt, args);
	line[strcspn(line, "\n")] = '\0';
	if (!strncmp(text, "Load: ", 6))
		text += 6;
	text += strspn(text, " ");
	if (!strncmp(text, "Backtrace", 9))
		return;
	if (!messages->problem[0])
		snprintf(messages->problem, sizeof(messages->problem), "%s", text);
	else if (!messages->place[0])
		snprintf(messages->place, sizeof(messages->place), "%.127s", text);
}

static int parse(const char *path, struct sp_config **ret_config, struct sp_err *err)
{
	struct messages messages = { 0 };
	const cyaml_config_t parser = {
		.log_fn = collect,
		.log_ctx = &messages,
		.mem_fn = cyaml_mem,
		.log_level = CYAML_LOG_ERROR,
		.flags = CYAML_CFG_NO_ALIAS,
	};
	cyaml_data_t *data = NULL;
	cyaml_err_t status;

	if (access(path, R_OK))
		return sp_err_set(err, -errno, "%s: %s; a complete example is docs/sallyport.yaml", path,
				  strerror(errno));
	status = cyaml_load_file(path, &parser, &root_value, &data, NULL);
	if (status != CYAML_OK)
		return sp_err_set(err, -EINVAL, "%s: %s%s%s; docs/sallyport.yaml explains every field", path,
				  messages.place, *messages.place ? ": " : "",
				  *messages.problem ? messages.problem : cyaml_strerror(status));
	if (!data)
		return sp_err_set(err, -EINVAL, "%s: the file is empty; a complete example is "
				  "docs/sallyport.yaml", path);
	*ret_config = (struct sp_config *)data;
	return 0;
}

void sp_config_free(struct sp_config *config)
{
	const cyaml_config_t parser = { .mem_fn = cyaml_mem };

	if (config)
		cyaml_free(&parser, &root_value, config, 0);
}

/* ---- defaults and checks --------------------------------------------------------------------- */

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
}

static int fill_defaults(struct sp_config *c)
{
	default_validity(&c->validity);
	default_uint(&c->capture.resend_packets_per_second, 4000);
	default_uint(&c->capture.gap_us, 1000);
	default_uint(&c->capture.packet_timeout_ms, 20);
	default_uint(&c->capture.retention_ms, 100);
	default_uint(&c->compute.detect_width, 640);
	default_uint(&c->compute.detect_height, 640);
	default_real(&c->compute.score_min, 0.6);
	default_uint(&c->compute.queue, 4);
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
	       default_text(&c->compute.backend, "cpu");
}

enum {
	SIDE_MAX = 16384,
	PACKET_SIZE_MIN = 220,
	PACKET_SIZE_MAX = 16404,
	/* IPv4 (20), UDP (8) and GVSP (8) headers count in the packet size: docs/provenance.md. */
	PACKET_HEADERS = 36,
	/* Beside the frames' packets, of each camera: what is received before the last burst is released. */
	BURST_BUFFERS = 64,
};

static int resolve_camera(struct sp_config_camera *camera, struct sp_err *err)
{
	const struct sp_pfnc *format;

	if (default_text(&camera->pixel_format, "BayerRG8"))
		return sp_err_set(err, -ENOMEM, "out of memory");
	default_uint(&camera->packet_size, 1400);
	if (!camera->width || camera->width > SIDE_MAX || !camera->height || camera->height > SIDE_MAX)
		return sp_err_set(err, -EINVAL, "width × height %u × %u is not within 1 to %d",
				  camera->width, camera->height, SIDE_MAX);
	format = sp_pfnc_by_name(camera->pixel_format);
	if (!format)
		return sp_err_set(err, -EINVAL, "pixel_format '%s' is unknown; Mono8, BayerRG8 and RGB8 are "
				  "common ones", camera->pixel_format);
	if (camera->packet_size < PACKET_SIZE_MIN || camera->packet_size > PACKET_SIZE_MAX ||
	    camera->packet_size % 4)
		return sp_err_set(err, -EINVAL, "packet_size %u is not a multiple of 4 within %d to %d",
				  camera->packet_size, PACKET_SIZE_MIN, PACKET_SIZE_MAX);
	if (!(camera->fps >= 0 && camera->fps <= 10000))
		return sp_err_set(err, -EINVAL, "fps %g is not within 0 to 10000 (0: as the camera is set)",
				  camera->fps);
	camera->pixel_format_code = format->code;
	camera->frame_bytes = sp_pfnc_image_bytes(format->code, camera->width, camera->height);
	camera->packet_payload = camera->packet_size - PACKET_HEADERS;
	camera->packets_per_frame =
		(uint32_t)((camera->frame_bytes + camera->packet_payload - 1) / camera->packet_payload);
	return 0;
}

/* A camera obeys one controller only, so the second of the same address would never stream. */
static int check_address(const struct sp_config *c, uint32_t lane, uint32_t camera, struct sp_err *err)
{
	const char *address = c->lanes[lane].cameras[camera].address;

	for (uint32_t i = 0; i <= lane; i++)
		for (uint32_t k = 0; k < (i < lane ? c->lanes[i].cameras_count : camera); k++)
			if (!strcmp(address, c->lanes[i].cameras[k].address))
				return sp_err_set(err, -EINVAL, "the address %s is taken by "
						  "lanes[%u].cameras[%u]; give each camera its own", address,
						  i, k);
	return 0;
}

static int resolve_lanes(struct sp_config *c, struct sp_err *err)
{
	for (uint32_t i = 0; i < c->lanes_count; i++) {
		struct sp_config_lane *lane = &c->lanes[i];

		if (strlen(lane->name) >= SP_NAME_MAX)
			return sp_err_set(err, -EINVAL, "lanes[%u]: name '%.20s…' is longer than %d bytes", i,
					  lane->name, SP_NAME_MAX - 1);
		for (uint32_t j = 0; j < i; j++)
			if (!strcmp(lane->name, c->lanes[j].name))
				return sp_err_set(err, -EINVAL, "lanes[%u]: the name '%s' is taken by "
						  "lanes[%u]; names tell records apart", i, lane->name, j);
		for (uint32_t k = 0; k < lane->cameras_count; k++) {
			int status = resolve_camera(&lane->cameras[k], err);

			/* In a capture file ports tell streams apart. */
			if (!status && !c->capture.replay)
				status = check_address(c, i, k, err);
			if (status)
				return sp_err_prefix(err, status, "lanes[%u].cameras[%u] ('%s')", i, k,
						     lane->cameras[k].name);
		}
	}
	return 0;
}

static int check_ranges(const struct sp_config *c, struct sp_err *err)
{
	const struct {
		const char *field;
		double value, min, max;
	} ranges[] = {
		{ "capture.frames", c->capture.frames, 0, 1024 },
		{ "capture.buffers", c->capture.buffers, 0, 1 << 22 },
		{ "capture.resend_packets_per_second", c->capture.resend_packets_per_second, 1, 1000000 },
		{ "capture.gap_us", c->capture.gap_us, 1, 1000000 },
		{ "capture.packet_timeout_ms", c->capture.packet_timeout_ms, 1, 10000 },
		{ "capture.retention_ms", c->capture.retention_ms, 1, 10000 },
		{ "capture.replay_speed", c->capture.replay_speed, 0, 1000 },
		{ "capture.replay_port", c->capture.replay_port, 0, 65535 },
		{ "compute.workers", c->compute.workers, 0, 1024 },
		{ "compute.detect_width", c->compute.detect_width, 32, 4096 },
		{ "compute.detect_height", c->compute.detect_height, 32, 4096 },
		{ "compute.score_min", c->compute.score_min, 0.01, 0.999 },
		{ "compute.queue", c->compute.queue, 1, 1024 },
		{ "validity.eye_distance_min", c->validity.eye_distance_min, -1, SIDE_MAX },
		{ "validity.yaw_max", c->validity.yaw_max, 0, 180 },
		{ "validity.pitch_max", c->validity.pitch_max, 0, 180 },
		{ "validity.roll_max", c->validity.roll_max, 0, 180 },
		{ "validity.sharpness_min", c->validity.sharpness_min, -1, 1e6 },
		{ "validity.exposure_min", c->validity.exposure_min, -1, 1 },
		{ "validity.exposure_max", c->validity.exposure_max, 0, 1 },
		{ "validity.network_min", c->validity.network_min, -1, 1 },
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
			return sp_err_set(err, -EINVAL, "%s: %g is not within %g to %g", ranges[i].field,
					  ranges[i].value, ranges[i].min, ranges[i].max);
	if (strlen(c->purpose) >= SP_NAME_MAX)
		return sp_err_set(err, -EINVAL, "purpose: longer than %d bytes", SP_NAME_MAX - 1);
	if (strlen(c->socket) >= sizeof(((struct sockaddr_un *)0)->sun_path))
		return sp_err_set(err, -EINVAL,
				  "socket: '%s' is longer than the %zu bytes of a socket's path; "
				  "set it to a shorter one", c->socket,
				  sizeof(((struct sockaddr_un *)0)->sun_path) - 1);
	if (!sp_backend_compute(c->compute.backend))
		return sp_err_set(err, -EINVAL, "compute.backend: '%s' is not in this build; it has: %s",
				  c->compute.backend, sp_backend_compute_names());
	return 0;
}

/* A camera whose rate is its own business is planned as a fast one. */
static double planned_fps(const struct sp_config_camera *camera)
{
	return camera->fps > 0 ? camera->fps : 30;
}

/*
 * A block with a gap may wait for a resend as long as capture.retention_ms, and all that came behind it is
 * open or handed over meanwhile; inference then holds its queue, what it works on and one more.
 */
static uint32_t credit_needed(const struct sp_config *c, const struct sp_config_camera *camera)
{
	return (uint32_t)ceil(planned_fps(camera) * c->capture.retention_ms / 1000.0) + c->compute.queue + 3;
}

static void resolve_credit(struct sp_config *c)
{
	/* Hiccups of the machine are shorter than this. */
	const double spare_s = 0.25;

	for (uint32_t i = 0; i < c->lanes_count; i++) {
		for (uint32_t k = 0; k < c->lanes[i].cameras_count; k++) {
			struct sp_config_camera *camera = &c->lanes[i].cameras[k];

			camera->credit = c->capture.frames ?:
					 credit_needed(c, camera) +
						 (uint32_t)ceil(planned_fps(camera) * spare_s);
		}
	}
}

int sp_config_load(const char *path, struct sp_config **ret_config, struct sp_err *err)
{
	struct sp_config *config = NULL;
	int status;

	status = parse(path, &config, err);
	if (status)
		return status;
	status = fill_defaults(config);
	if (status)
		sp_err_set(err, status, "%s", strerror(-status));
	if (!status)
		status = resolve_lanes(config, err);
	if (!status)
		status = check_ranges(config, err);
	if (!status)
		resolve_credit(config);
	if (status) {
		sp_config_free(config);
		return sp_err_prefix(err, status, "%s", path);
	}
	*ret_config = config;
	return 0;
}

int sp_config_plan(const struct sp_config *c, struct sp_config_plan *ret_plan, struct sp_err *err)
{
	struct sp_config_plan plan = { 0 };
	uint64_t buffers = 0, largest = 0;
	uint32_t credit_least = 0;

	for (uint32_t i = 0; i < c->lanes_count; i++) {
		for (uint32_t k = 0; k < c->lanes[i].cameras_count; k++) {
			const struct sp_config_camera *camera = &c->lanes[i].cameras[k];
			double fps = planned_fps(camera);

			/* Leader and trailer travel too. */
			plan.cameras++;
			plan.frames_per_second += fps;
			plan.packets_per_second += fps * (camera->packets_per_frame + 2);
			plan.bits_per_second += fps * 8 * (double)camera->frame_bytes;
			buffers += (uint64_t)camera->credit * (camera->packets_per_frame + 2) + BURST_BUFFERS;
			if (camera->packet_size > largest)
				largest = camera->packet_size;
			if (credit_needed(c, camera) > credit_least)
				credit_least = credit_needed(c, camera);
		}
	}
	plan.buffers_needed = buffers > UINT32_MAX ? UINT32_MAX : (uint32_t)buffers;
	plan.region_bytes = (uint64_t)(c->capture.buffers ?: plan.buffers_needed) * (largest + 256);
	*ret_plan = plan;
	if (c->capture.frames && c->capture.frames < credit_least)
		return sp_err_set(err, -ENOSPC,
				  "capture.frames: %u frames are too few to wait %u ms for lost "
				  "packets; give %u, or leave the field out",
				  c->capture.frames, c->capture.retention_ms, credit_least);
	if (c->capture.buffers && c->capture.buffers < plan.buffers_needed)
		return sp_err_set(err, -ENOSPC,
				  "capture.buffers: %u packet buffers are too few for the frames "
				  "that may exist at once; give %u, or leave the field out",
				  c->capture.buffers, plan.buffers_needed);
	return 0;
}
