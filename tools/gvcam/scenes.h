/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pictures of --lanesim: vehicle after vehicle of one lane with its people, and the lane empty
 * in between, seen from each camera's post. All are rendered before the cameras answer, as the
 * cameras send them, and kept in memory.
 */
#ifndef GVCAM_SCENES_H
#define GVCAM_SCENES_H

#include <stdbool.h>
#include <stdint.h>

#include "gvcam/farm.h"
#include "gvcam/picture.h"

struct sp_err;

#define GVCAM_SCENES_BYTES_MAX (4ull << 30)

enum {
	GVCAM_SCENES_LOOKS_MAX = 100,
	GVCAM_SCENES_BETWEEN = 2, /* pictures of the empty lane */
};

struct gvcam_scenes_config {
	uint64_t seed; /* of the lane: lanesim/traffic.h */
	uint32_t vehicles, cameras;
	uint32_t looks; /* pictures of a vehicle, spread over its stay */
	float stay_s; /* how long it stays */
	bool between; /* there is a time between vehicles */
	bool night; /* near infrared */
	uint8_t posts[GVCAM_CAMERAS_MAX]; /* enum lanesim_post of each camera */
	uint32_t width, height, pixel_format;
	unsigned int threads; /* 0: one a CPU */
	/*
	 * NULL, or a file for the truth, a line a picture of a vehicle: {"vehicle", "post", "look",
	 * "looks", "faces"}.
	 */
	const char *truth;
};

/*
 * Turn v × cameras + c is vehicle v as camera c sees it. 0; -E2BIG above GVCAM_SCENES_BYTES_MAX;
 * -errno with @err filled.
 */
int gvcam_scenes_init(struct gvcam_pictures *pictures, const struct gvcam_scenes_config *config,
		      struct sp_err *err);

/* "windshield-left,side-left" into @posts, round and round for @cameras of them. 0 or -EINVAL. */
int gvcam_scenes_parse_posts(const char *text, uint32_t cameras, uint8_t *posts,
			     struct sp_err *err);

#endif
