/* SPDX-License-Identifier: Apache-2.0 */
/* A frame of a 5-megapixel camera as its packets lie in a region: 1464 bytes in each 2048. */
#ifndef SP_BENCH_CAMERA_FRAME_H
#define SP_BENCH_CAMERA_FRAME_H

#include <stdint.h>

#include "base/region.h"
#include "frame/frame.h"

struct sp_err;
struct sp_image;

enum { CAMERA_FRAME_WIDTH = 2448, CAMERA_FRAME_HEIGHT = 2048 };

struct camera_frame {
	struct sp_region region;
	uint64_t *offset, *missing;
	struct sp_frame frame; /* of the region: stays where it is */
};

/* @format: a PFNC code; pixels are noise by a fixed seed. 0 or -ENOMEM with @err filled. */
int camera_frame_init(struct camera_frame *camera, uint32_t format, struct sp_err *err);
void camera_frame_uninit(struct camera_frame *camera);

/* BayerRG8 only: @picture as a sensor of that mosaic would see it, as large as fits. 0 or -errno. */
int camera_frame_show(struct camera_frame *camera, const struct sp_image *picture);

/* Copies every payload into @to, as fast as memory goes: the yardstick. */
void camera_frame_copy(const struct camera_frame *camera, uint8_t *to);

#endif
