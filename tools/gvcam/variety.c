/* SPDX-License-Identifier: Apache-2.0 */
#include "gvcam/variety.h"

#include "base/random.h"
#include "wire/pfnc.h"

enum purpose { FORMAT = 101, WIDTH, HEIGHT, LINES };
enum { WIDTH_STEP = 4, HEIGHT_STEP = 2 };

static uint64_t draw(const struct gvcam_variety *variety, uint32_t camera, uint64_t n,
		     enum purpose purpose)
{
	uint64_t x = sp_random_mix(variety->seed);

	x = sp_random_mix(x ^ ((uint64_t)camera << 8 | purpose));
	return sp_random_mix(x ^ n);
}

/* A side of an image: GVCAM_SIDE_MIN … @max, in steps. */
static uint32_t side(uint64_t random, uint32_t max, uint32_t step)
{
	return GVCAM_SIDE_MIN + step * (uint32_t)(random % ((max - GVCAM_SIDE_MIN) / step + 1));
}

static void change(const struct gvcam_variety *variety, uint32_t camera, uint64_t epoch,
		   struct gvcam_shape *shape)
{
	uint64_t budget = sp_pfnc_image_bytes(shape->pixel_format, shape->width, shape->height);
	uint64_t lines, random = draw(variety, camera, epoch, FORMAT);
	uint32_t width = side(draw(variety, camera, epoch, WIDTH), shape->width, WIDTH_STEP);
	const struct sp_pfnc *format = &sp_pfnc_table[random % sp_pfnc_table_n];

	lines = budget / sp_pfnc_line_bytes(format->code, width);
	if (lines > shape->height)
		lines = shape->height;
	shape->width = width;
	/* A small image of a smaller format has no room for this one. */
	if (lines >= GVCAM_SIDE_MIN)
		shape->pixel_format = format->code;
	else
		lines = shape->height;
	shape->height = side(draw(variety, camera, epoch, HEIGHT), (uint32_t)lines, HEIGHT_STEP);
}

struct gvcam_shape gvcam_variety_shape(const struct gvcam_variety *variety, uint32_t camera,
				       uint64_t block, const struct gvcam_channel *channel)
{
	struct gvcam_shape shape = { .pixel_format = channel->pixel_format,
				     .width = channel->width,
				     .height = channel->height };
	uint64_t epoch = variety->change_every ? (block - 1) / variety->change_every : 0;

	if (epoch)
		change(variety, camera, epoch, &shape);
	shape.lines = shape.height;
	if (variety->lines)
		shape.lines = HEIGHT_STEP * (1 + (uint32_t)(draw(variety, camera, block, LINES) %
							    (shape.height / HEIGHT_STEP)));
	return shape;
}
