/* SPDX-License-Identifier: Apache-2.0 */
#include "camera_frame.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "image/image.h"
#include "wire/pfnc.h"

enum { STRIDE = 1464, SLOT = 2048 }; /* bytes of a payload, and of where one lies */

int camera_frame_init(struct camera_frame *camera, uint32_t format, struct sp_err *err)
{
	uint64_t bytes = sp_pfnc_image_bytes(format, CAMERA_FRAME_WIDTH, CAMERA_FRAME_HEIGHT);
	uint32_t packets = (uint32_t)((bytes + STRIDE - 1) / STRIDE), seed = 1;

	memset(camera, 0, sizeof(*camera));
	camera->offset = calloc(packets, sizeof(*camera->offset));
	camera->missing = calloc((packets + 63) / 64, sizeof(*camera->missing));
	if (!camera->offset || !camera->missing ||
	    sp_region_init(&camera->region, (size_t)packets * SLOT, NULL)) {
		free(camera->offset);
		free(camera->missing);
		return sp_err_set(err, -ENOMEM, "no memory for a frame of %llu bytes",
				  (unsigned long long)bytes);
	}
	for (size_t i = 0; i < camera->region.size; i++)
		camera->region.base[i] = (uint8_t)((seed = seed * 1664525 + 1013904223) >> 24);
	for (uint32_t p = 0; p < packets; p++)
		camera->offset[p] = (uint64_t)p * SLOT;
	camera->frame = (struct sp_frame){
		.pixel_format = format,
		.width = CAMERA_FRAME_WIDTH,
		.height = CAMERA_FRAME_HEIGHT,
		.parts_n = 1,
		.parts = { { .region = &camera->region, .stride = STRIDE, .bytes = bytes } },
		.packets = packets,
		.offset = camera->offset,
		.missing = camera->missing,
	};
	return 0;
}

void camera_frame_uninit(struct camera_frame *camera)
{
	sp_region_uninit(&camera->region);
	free(camera->offset);
	free(camera->missing);
}

int camera_frame_show(struct camera_frame *camera, const struct sp_image *picture)
{
	/* Red, green; green, blue. */
	static const unsigned int colour[2][2] = { { 0, 1 }, { 1, 2 } };
	struct sp_image seen;
	int ret = sp_image_init(&seen, CAMERA_FRAME_WIDTH, CAMERA_FRAME_HEIGHT);

	if (ret)
		return ret;
	sp_image_letterbox(&seen, picture);
	for (uint32_t y = 0; y < seen.height; y++)
		for (uint32_t x = 0; x < seen.width; x++) {
			uint64_t at = (uint64_t)y * seen.width + x;

			camera->region.base[camera->offset[at / STRIDE] + at % STRIDE] =
				seen.rgb[3 * at + colour[y % 2][x % 2]];
		}
	sp_image_uninit(&seen);
	return 0;
}

void camera_frame_copy(const struct camera_frame *camera, uint8_t *to)
{
	uint64_t bytes = camera->frame.parts[0].bytes;

	for (uint64_t at = 0, p = 0; at < bytes; at += STRIDE, p++)
		memcpy(to + at, camera->region.base + camera->offset[p],
		       bytes - at < STRIDE ? bytes - at : STRIDE);
}
