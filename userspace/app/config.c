/* SPDX-License-Identifier: Apache-2.0 */
#include "app/config.h"

#include <cyaml/cyaml.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/config_line.h"
#include "app/config_resolve.h"
#include "base/diag.h"

/* ---- the schema ---------------------------------------------------------------------------- */

#define OPTIONAL CYAML_FLAG_OPTIONAL
#define TEXT(type, key)                                                                            \
	CYAML_FIELD_STRING_PTR(#key, CYAML_FLAG_POINTER | OPTIONAL, struct type, key, 1, 4096)
#define MUST_TEXT(type, key)                                                                       \
	CYAML_FIELD_STRING_PTR(#key, CYAML_FLAG_POINTER, struct type, key, 1, 4096)
#define UINT(type, key) CYAML_FIELD_UINT(#key, OPTIONAL, struct type, key)
#define MUST_UINT(type, key) CYAML_FIELD_UINT(#key, CYAML_FLAG_DEFAULT, struct type, key)
#define UINT_PTR(type, key)                                                                        \
	CYAML_FIELD_UINT_PTR(#key, CYAML_FLAG_POINTER | OPTIONAL, struct type, key)
#define REAL(type, key) CYAML_FIELD_FLOAT(#key, OPTIONAL, struct type, key)
#define BOOL(type, key) CYAML_FIELD_BOOL(#key, OPTIONAL, struct type, key)
#define BOOL_PTR(type, key)                                                                        \
	CYAML_FIELD_BOOL_PTR(#key, CYAML_FLAG_POINTER | OPTIONAL, struct type, key)
#define SECTION(type, key, fields) CYAML_FIELD_MAPPING(#key, OPTIONAL, struct type, key, fields)

static const cyaml_schema_field_t area_fields[] = {
	MUST_UINT(sp_config_area, x),
	MUST_UINT(sp_config_area, y),
	MUST_UINT(sp_config_area, width),
	MUST_UINT(sp_config_area, height),
	REAL(sp_config_area, scale),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t area_value = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct sp_config_area, area_fields),
};

static const cyaml_schema_field_t detect_fields[] = {
	BOOL_PTR(sp_config_detect, whole),
	REAL(sp_config_detect, eye_distance_min),
	CYAML_FIELD_SEQUENCE("areas", CYAML_FLAG_POINTER | OPTIONAL, struct sp_config_detect, areas,
			     &area_value, 0, SP_TILE_AREAS_MAX),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t camera_fields[] = {
	MUST_TEXT(sp_config_camera, name),
	MUST_TEXT(sp_config_camera, address),
	MUST_UINT(sp_config_camera, width),
	MUST_UINT(sp_config_camera, height),
	TEXT(sp_config_camera, pixel_format),
	REAL(sp_config_camera, fps),
	UINT(sp_config_camera, packet_size),
	TEXT(sp_config_camera, mac),
	TEXT(sp_config_camera, vlan),
	UINT(sp_config_camera, source_port),
	UINT_PTR(sp_config_camera, extra_bytes),
	BOOL(sp_config_camera, extended_ids),
	CYAML_FIELD_MAPPING_PTR("detect", CYAML_FLAG_POINTER | OPTIONAL, struct sp_config_camera,
				detect, detect_fields),
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

static const cyaml_strval_t sources[] = {
	{ "auto", SP_SOURCE_AUTO },
	{ "udp", SP_SOURCE_UDP },
	{ "dpdk", SP_SOURCE_DPDK },
	{ "replay", SP_SOURCE_REPLAY },
};

static const cyaml_strval_t engines[] = {
	{ "auto", SP_ENGINE_AUTO },
	{ "io_uring", SP_ENGINE_URING },
	{ "recvmmsg", SP_ENGINE_RECVMMSG },
};

static const cyaml_schema_value_t argument_value = {
	CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char *, 1, 4096),
};

static const cyaml_schema_field_t dpdk_fields[] = {
	CYAML_FIELD_SEQUENCE("eal", CYAML_FLAG_POINTER | OPTIONAL, struct sp_config_dpdk, eal,
			     &argument_value, 0, SP_CONFIG_EAL_MAX),
	TEXT(sp_config_dpdk, port),
	TEXT(sp_config_dpdk, exception),
	TEXT(sp_config_dpdk, drop_interface),
	BOOL(sp_config_dpdk, no_split),
	BOOL(sp_config_dpdk, no_flow),
	UINT_PTR(sp_config_dpdk, nap_max_us),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t cpu_value = {
	CYAML_VALUE_UINT(CYAML_FLAG_DEFAULT, uint32_t),
};

static const cyaml_schema_field_t capture_fields[] = {
	CYAML_FIELD_ENUM("source", OPTIONAL, struct sp_config_capture, source, sources,
			 CYAML_ARRAY_LEN(sources)),
	SECTION(sp_config_capture, dpdk, dpdk_fields),
	UINT(sp_config_capture, queues),
	CYAML_FIELD_SEQUENCE("cpus", CYAML_FLAG_POINTER | OPTIONAL, struct sp_config_capture, cpus,
			     &cpu_value, 0, SP_CONFIG_QUEUES_MAX),
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

static const cyaml_strval_t precisions[] = {
	{ "auto", SP_PRECISION_AUTO },
	{ "f32", SP_PRECISION_F32 },
	{ "bf16", SP_PRECISION_BF16 },
};

static const cyaml_schema_field_t compute_fields[] = {
	TEXT(sp_config_compute, backend),
	TEXT(sp_config_compute, detector),
	TEXT(sp_config_compute, embedder),
	TEXT(sp_config_compute, quality),
	CYAML_FIELD_ENUM("precision", OPTIONAL, struct sp_config_compute, precision, precisions,
			 CYAML_ARRAY_LEN(precisions)),
	UINT(sp_config_compute, workers),
	UINT(sp_config_compute, detect_width),
	UINT(sp_config_compute, detect_height),
	SECTION(sp_config_compute, detect, detect_fields),
	REAL(sp_config_compute, score_min),
	UINT(sp_config_compute, queue),
	UINT(sp_config_compute, device),
	UINT(sp_config_compute, batch),
	UINT(sp_config_compute, batch_wait_us),
	TEXT(sp_config_compute, cache),
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
	REAL(sp_config_validity, underexposed_max),
	REAL(sp_config_validity, overexposed_max),
	REAL(sp_config_validity, dynamic_range_min),
	REAL(sp_config_validity, contrast_min),
	REAL(sp_config_validity, evenness_min),
	REAL(sp_config_validity, occlusion_max),
	REAL(sp_config_validity, margin_min),
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
		return sp_err_set(err, -errno, "%s: %s; a complete example is docs/sallyport.yaml",
				  path, strerror(errno));
	status = cyaml_load_file(path, &parser, &root_value, &data, NULL);
	if (status != CYAML_OK)
		return sp_err_set(err, -EINVAL,
				  "%s: %s%s%s; docs/sallyport.yaml explains every field", path,
				  messages.place, *messages.place ? ": " : "",
				  *messages.problem ? messages.problem : cyaml_strerror(status));
	if (!data)
		return sp_err_set(err, -EINVAL,
				  "%s: the file is empty; a complete example is docs/sallyport.yaml",
				  path);
	*ret_config = (struct sp_config *)data;
	return 0;
}

void sp_config_free(struct sp_config *config)
{
	const cyaml_config_t parser = { .mem_fn = cyaml_mem };

	if (config)
		cyaml_free(&parser, &root_value, config, 0);
}

int sp_config_load(const char *path, struct sp_config **ret_config, struct sp_err *err)
{
	char field[SP_CONFIG_FIELD_MAX] = "";
	struct sp_config *config = NULL;
	unsigned int line;
	int status;

	status = parse(path, &config, err);
	if (status)
		return status;
	status = sp_config_resolve(config, field, err);
	if (status) {
		sp_config_free(config);
		line = *field ? sp_config_line(path, field) : 0;
		return line ? sp_err_prefix(err, status, "%s: line %u", path, line)
			    : sp_err_prefix(err, status, "%s", path);
	}
	*ret_config = config;
	return 0;
}
