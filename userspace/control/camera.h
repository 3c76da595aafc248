/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PORT: camera control. Implementation: aravis.c (libaravis, without an ArvStream).
 *
 * Every call may block for seconds when a camera is silent, so none is made from the capture, lane
 * or journal thread: supervisor.c gives each camera a worker of its own.
 */
#ifndef SP_CONTROL_CAMERA_H
#define SP_CONTROL_CAMERA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sp_err;
struct sp_camera;

struct sp_camera_info {
	char id[128]; /* as `open` takes it */
	char vendor[40], model[40], serial[24], user_name[24];
	char mac[24];
	uint32_t ip; /* host order */
	char interface[24]; /* our side; may be empty */
};

/* What the camera shall send, and where to. */
struct sp_camera_stream {
	uint32_t host_ip; /* host order; 0: the address that reaches the camera */
	uint16_t host_port;
	uint32_t packet_size; /* SCPS: IP + UDP + GVSP headers + payload */
	uint32_t width, height, pixel_format;
	double fps; /* 0: leave as it is */
	uint32_t extra_bytes; /* that may come with an image, chunk data for one */
	bool extended_ids; /* ask for 64-bit block ids; false: leave as it is */
};

struct sp_camera_ops {
	const char *name;
	/* Up to @max cameras that answer; returns how many, or -errno. */
	int (*discover)(struct sp_camera_info *list, unsigned int max, struct sp_err *err);
	/* @address: an IP address, or an id as discover gives it. Takes control of the camera. */
	int (*open)(const char *address, struct sp_camera **ret_camera, struct sp_err *err);
	void (*close)(struct sp_camera *camera);
	/* Features by their GenICam name, values as text. */
	int (*get)(struct sp_camera *camera, const char *feature, char *text, size_t size,
		   struct sp_err *err);
	int (*set)(struct sp_camera *camera, const char *feature, const char *text,
		   struct sp_err *err);
	/* Sets the format, checks what the camera made of it, opens the stream channel, starts. */
	int (*start)(struct sp_camera *camera, const struct sp_camera_stream *stream,
		     struct sp_err *err);
	int (*stop)(struct sp_camera *camera, struct sp_err *err);
	/* False once control is lost (heartbeat unanswered, or another controller). */
	bool (*alive)(struct sp_camera *camera);
};

extern const struct sp_camera_ops sp_camera_aravis;

#endif
