/* SPDX-License-Identifier: Apache-2.0 */
/* Cameras on their addresses: the sockets that hear GVCP, and the loop that answers. */
#ifndef GVCAM_FARM_H
#define GVCAM_FARM_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include "base/event.h"
#include "gvcam/camera.h"
#include "gvcam/faults.h"
#include "gvcam/picture.h"
#include "gvcam/player.h"
#include "gvcam/sender.h"

struct sp_err;

enum {
	GVCAM_CAMERAS_MAX = 512,
	GVCAM_BROADCASTS_MAX = 16,
	GVCAM_LINGER_MS = 2000, /* after the last frame of --frames: resends and control go on */
};

struct gvcam_farm_config {
	uint32_t ips[GVCAM_CAMERAS_MAX]; /* host order */
	uint32_t n;
	uint32_t width, height, pixel_format;
	double fps;
	uint32_t packet_size;
	double pacing;
	enum gvcam_gso gso;
	bool stamp; /* see struct gvcam_outlet */
	struct gvcam_faults faults;
	struct gvcam_spoofs spoofs;
	uint32_t spoof_ip; /* what GVCAM_SPOOF_ADDRESS comes from */
	struct gvcam_variety variety;
	bool resend, extended_ids, chunks, multi_part, all_in;
	enum gvcam_second second;
	uint64_t start_block, frames; /* frames 0: no end */
	uint64_t duration_ns; /* 0: no end */
	const struct gvcam_pictures *pictures; /* NULL or none: the test pattern */
	uint32_t hold, gap;
};

struct gvcam_unit {
	struct gvcam_camera camera;
	int control_fd, stream_fd;
	int spoof_fds[GVCAM_WAYS - 1]; /* other port, other address; -1: not spoofed */
	uint32_t finished; /* the last acquisition that the stream ended */
};

struct gvcam_farm {
	struct gvcam_farm_config config;
	struct gvcam_unit units[GVCAM_CAMERAS_MAX];
	struct gvcam_outlet outlets[GVCAM_CAMERAS_MAX];
	struct gvcam_player players[GVCAM_CAMERAS_MAX];
	struct gvcam_loader loader;
	struct gvcam_sender sender;
	struct sp_event done;
	int epoll_fd;
	int broadcast_fds[GVCAM_BROADCASTS_MAX];
	uint32_t broadcast_ips[GVCAM_BROADCASTS_MAX];
	uint32_t broadcasts;
	char *xml;
	size_t xml_bytes;
	bool sending, loading;
};

/* Everything is bound and running when this returns 0; -errno with @err otherwise. */
int gvcam_farm_create(const struct gvcam_farm_config *config, struct gvcam_farm **ret_farm,
		      struct sp_err *err);
void gvcam_farm_destroy(struct gvcam_farm *farm);

/*
 * Answers until @stop_fd becomes readable, the duration is over or all frames are sent. 0 or
 * -errno.
 */
int gvcam_farm_run(struct gvcam_farm *farm, int stop_fd, struct sp_err *err);

/* No packet leaves after this; the figures stand still. */
void gvcam_farm_quiet(struct gvcam_farm *farm);

/* After quiet: a table for people, or {"cameras":[…]}. */
void gvcam_farm_print(const struct gvcam_farm *farm, FILE *out);
json_t *gvcam_farm_json(const struct gvcam_farm *farm);

#endif
