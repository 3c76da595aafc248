/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration file: YAML, checked against a schema, then against what the appliance can do.
 * docs/sallyport.yaml is the complete, commented example. A field that is absent has its default:
 * every member below is resolved once sp_config_load has returned.
 */
#ifndef SP_APP_CONFIG_H
#define SP_APP_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "infer/precision.h"
#include "infer/tile.h"

struct sp_err;

enum {
	SP_CONFIG_LANES_MAX = 64,
	SP_CONFIG_CAMERAS_MAX = 16, /* a lane */
	SP_CONFIG_QUEUES_MAX = 64,
	SP_CONFIG_QUEUE_CAMERAS_MAX = 64, /* streams that a frame source takes */
	SP_CONFIG_EAL_MAX = 64, /* arguments */
};

struct sp_config_area {
	uint32_t x, y, width, height; /* pixels of the frame */
	double scale; /* as struct sp_tile_area has it; 0: 1 */
};

/* What is looked at of frames, as struct sp_tile_config has it. */
struct sp_config_detect {
	bool *whole; /* NULL: true */
	double eye_distance_min;
	struct sp_config_area *areas;
	uint32_t areas_count;
};

struct sp_config_camera {
	char *name;
	char *address; /* IP address, or an id as `cameras list` prints it */
	uint32_t width, height;
	char *pixel_format;
	double fps;
	uint32_t packet_size;
	/* Who may send: as struct sp_packet_stream has it. */
	char *mac;	       /* "00:11:22:33:44:55", or NULL: any */
	char *vlan;	       /* an id, "untagged", or NULL: any */
	uint32_t source_port;  /* 0: any */
	uint32_t *extra_bytes; /* budget of what comes with the image; never NULL once resolved */
	bool extended_ids;     /* asks the camera for 64-bit block ids */
	struct sp_config_detect *detect; /* NULL: as compute.detect has it */
	/* Resolved. */
	uint8_t mac_bytes[6];
	uint16_t vlan_id;
	uint32_t pixel_format_code;
	uint64_t frame_bytes;
	uint32_t packet_payload;
	uint32_t packets_per_frame;
	uint32_t packets_most; /* of a frame, however it comes: what the assembler may keep */
	uint32_t credit; /* frames that may exist at once */
	struct sp_tile_config tiles;
	unsigned int looks; /* that tiles take of each frame: so many detections */
};

struct sp_config_lane {
	char *name;
	struct sp_config_camera *cameras;
	uint32_t cameras_count;
};

enum sp_config_source { SP_SOURCE_AUTO, SP_SOURCE_UDP, SP_SOURCE_DPDK, SP_SOURCE_REPLAY };
enum sp_config_engine { SP_ENGINE_AUTO, SP_ENGINE_URING, SP_ENGINE_RECVMMSG };

/* As struct sp_dpdk_config has it. */
struct sp_config_dpdk {
	char **eal;
	uint32_t eal_count;
	char *port;
	char *exception;
	char *drop_interface;
	bool no_split, no_flow;
	uint32_t *nap_max_us; /* longest nap of a quiet queue, 0: none; never NULL once resolved */
};

struct sp_config_capture {
	enum sp_config_source source; /* resolved: never auto */
	struct sp_config_dpdk dpdk;
	uint32_t queues;	/* capture threads, each with a share of the cameras */
	uint32_t *cpus;		/* one a queue, to pin its thread to; none: the scheduler's */
	uint32_t cpus_count;
	char *host_address;	/* ours, towards the cameras; NULL: the one that routes to each */
	enum sp_config_engine engine;
	uint32_t frames;	/* credit of each camera, frames; 0: by its rate */
	uint32_t buffers;	/* packet buffers of each queue; 0: what its cameras need */
	bool no_resend;
	uint32_t resend_packets_per_second; /* of each camera */
	uint32_t gap_us, packet_timeout_ms, retention_ms;
	char *replay;		/* a capture file instead of the network */
	double replay_speed;
	uint32_t replay_port;	/* UDP port of the file's first camera, +1 for each further one */
};

struct sp_config_compute {
	char *backend;
	char *detector, *embedder, *quality; /* as sp_models_choose takes them; NULL: its choice */
	enum sp_precision precision;
	uint32_t workers;
	uint32_t detect_width, detect_height;
	struct sp_config_detect detect; /* of cameras that have none */
	double score_min;
	uint32_t queue;		/* frames that may wait for compute, of each camera */
	/* Of a device: which, frames computed at once (0: as many as cameras), how long for company. */
	uint32_t device, batch, batch_wait_us;
	char *cache;		/* directory for what was measured of it */
};

/* Limits as in infer/quality.h; a …_min below 0 is none. */
struct sp_config_validity {
	double eye_distance_min;
	double yaw_max, pitch_max, roll_max;
	double sharpness_min, exposure_min, exposure_max, network_min;
	double underexposed_max, overexposed_max, dynamic_range_min, contrast_min, evenness_min;
	double occlusion_max, margin_min;
};

struct sp_config_encounter {
	uint32_t gap_ms, max_s, deadline_ms;
	double same_similarity; /* 0: by what was measured of the embedder */
	double same_overlap;
	uint32_t jpeg_quality;
};

struct sp_config_policy {
	bool persist_unmatched;
	bool keep_invalid;
};

struct sp_config_journal {
	char *directory;
	uint32_t segment_mib, in_flight;
};

struct sp_config {
	char *purpose;
	char *data_directory;
	char *model_directory;
	char *socket; /* control socket */
	struct sp_config_lane *lanes;
	uint32_t lanes_count;
	struct sp_config_capture capture;
	struct sp_config_compute compute;
	struct sp_config_validity validity;
	struct sp_config_encounter encounter;
	struct sp_config_policy policy;
	struct sp_config_journal journal;
};

/*
 * Reads, checks and resolves @path. 0 with *@ret_config to be freed by sp_config_free, or -errno
 * with @err naming file, line and field.
 */
int sp_config_load(const char *path, struct sp_config **ret_config, struct sp_err *err);
void sp_config_free(struct sp_config *config);

/* What a queue carries when cameras are dealt out in turn. */
struct sp_config_queue_plan {
	uint32_t cameras;
	double bits_per_second, packets_per_second;
	uint32_t buffers_needed; /* to hold what arrives in retention + deadline + gather */
	uint32_t buffers;	 /* as configured, or what the fullest queue needs */
	uint64_t region_bytes;
};

/* What the configuration asks of the machine. */
struct sp_config_plan {
	uint32_t cameras;
	double frames_per_second, bits_per_second, packets_per_second;
	double detections_per_second; /* each frame takes one for every look at it */
	uint32_t buffer_size;	 /* largest UDP payload, bytes */
	uint32_t buffers_needed; /* of all queues */
	uint64_t region_bytes;	 /* of all queues */
	uint32_t queues_n;
	struct sp_config_queue_plan queues[SP_CONFIG_QUEUES_MAX];
};

/*
 * -ENOSPC with @err filled if capture.frames or capture.buffers is too small for what the cameras
 * send; *@ret_plan is filled in any case.
 */
int sp_config_plan(const struct sp_config *config, struct sp_config_plan *ret_plan,
		   struct sp_err *err);

/* Packet buffers that @camera's frames and packets on their way may fill. */
uint32_t sp_config_camera_buffers(const struct sp_config_camera *camera);

#endif
