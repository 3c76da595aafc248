/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control side of one camera, pure: GVCP bytes and the time go in, the answer and what is to be
 * done about the stream come out. Sockets and threads are farm.c's and sender.c's.
 */
#ifndef GVCAM_CAMERA_H
#define GVCAM_CAMERA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gvcam/registers.h"
#include "wire/gvcp.h"

/* Addresses and ports in host order. */
struct gvcam_peer {
	uint32_t ip;
	uint16_t port;
};

/* What comes with the image where blocks have parts. */
enum gvcam_second { GVCAM_SECOND_CONFIDENCE, GVCAM_SECOND_IMAGE };

struct gvcam_camera_config {
	uint32_t ip, mask, gateway;
	uint8_t mac[6];
	const char *serial;
	const char *user_name;
	uint32_t width, height; /* also the largest that may be set */
	uint32_t pixel_format; /* of sp_pfnc_table */
	double fps;
	uint32_t packet_size; /* SCPS: bytes of IP packet */
	bool resend; /* the capability */
	bool extended_ids, chunks; /* at power-up */
	bool multi_part, all_in; /* there, and on at power-up */
	enum gvcam_second second;
	bool pictures; /* there are pictures, else only the test pattern */
	uint16_t source_port; /* of the stream */
	const char *xml; /* GenICam description; outlives the camera */
	size_t xml_bytes; /* a multiple of 4 */
};

/* What the stream has to know; a snapshot. */
struct gvcam_channel {
	bool acquiring; /* and the channel is open: frames are to be sent */
	uint32_t starts; /* acquisitions so far: another number means start anew */
	uint32_t ip;
	uint16_t port; /* 0: closed */
	uint32_t packet_size; /* SCPS */
	bool do_not_fragment, extended_ids;
	uint64_t delay_ns; /* SCPD */
	uint32_t width, height, pixel_format;
	bool pattern; /* the test pattern, not pictures */
	bool chunks; /* chunk data behind the image, or in a part of their own */
	bool multi_part; /* with extended ids only */
	bool all_in; /* what fits in one packet goes in one */
	enum gvcam_second second; /* of multi_part */
	double fps;
	uint64_t frame_limit; /* of this acquisition; 0: none */
	uint64_t time_base_ns; /* timestamp 0 of the device */
};

enum gvcam_effect {
	GVCAM_CHANNEL_CHANGED = 1, /* ask gvcam_camera_channel() */
	GVCAM_FIRE_TEST = 2, /* one test packet */
	GVCAM_RESEND = 4,
};

struct gvcam_effects {
	unsigned int what; /* of enum gvcam_effect */
	struct sp_gvcp_resend resend;
};

struct gvcam_camera_stats {
	uint64_t commands; /* well-formed ones */
	uint64_t malformed;
	uint64_t denied; /* answered ACCESS_DENIED */
	uint64_t resend_strangers; /* resend requests that did not come from SCDA */
	uint64_t heartbeats_lost;
};

struct gvcam_camera {
	struct gvcam_registers registers;
	bool resend, pictures;
	enum gvcam_second second;
	struct gvcam_peer controller; /* if the privilege register is not 0 */
	uint64_t heard_ns; /* last valid command of the controller */
	uint64_t time_base_ns;
	bool acquiring;
	uint32_t starts;
	struct gvcam_camera_stats stats;
};

void gvcam_camera_init(struct gvcam_camera *camera, const struct gvcam_camera_config *config,
		       uint64_t now_ns);

/*
 * One datagram from @from; @broadcast if it was not sent to this camera alone. Writes the answer to
 * @reply and returns its bytes, 0 for none. @ret_effects is always set.
 */
size_t gvcam_camera_request(struct gvcam_camera *camera, uint64_t now_ns,
			    const struct gvcam_peer *from, bool broadcast, const uint8_t *bytes,
			    size_t size, uint8_t reply[GVCP_MESSAGE_MAX],
			    struct gvcam_effects *ret_effects);

/* When the controller is given up unless it says something; UINT64_MAX: never. */
uint64_t gvcam_camera_deadline(const struct gvcam_camera *camera);
/* True if the controller has just been given up: the channel has changed. */
bool gvcam_camera_tick(struct gvcam_camera *camera, uint64_t now_ns);

/* The stream ended acquisition @starts by itself: its last frame is sent. */
void gvcam_camera_finished(struct gvcam_camera *camera, uint32_t starts);

bool gvcam_camera_controlled(const struct gvcam_camera *camera);
void gvcam_camera_channel(const struct gvcam_camera *camera, struct gvcam_channel *ret);

#endif
