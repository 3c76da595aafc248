/* SPDX-License-Identifier: Apache-2.0 */
#include "lanesim/render/mesh.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static uint32_t half(uint32_t side)
{
	return (side + 1) / 2;
}

static uint32_t blocks(uint32_t side)
{
	return (side + LANESIM_HOLE_BLOCK - 1) / LANESIM_HOLE_BLOCK;
}

int lanesim_texture_init(struct lanesim_texture *texture, uint32_t width, uint32_t height)
{
	uint32_t w = width, h = height, levels = 1;
	size_t n = (size_t)w * h;
	uint32_t across = blocks(width), down = blocks(height);
	struct lanesim_texel *texels;

	while (w > 1 || h > 1) {
		w = half(w);
		h = half(h);
		n += (size_t)w * h;
		levels++;
	}
	/* One more: texels are read 16 bytes at a time. */
	texels = calloc(1, (n + 1) * sizeof(*texels) + (size_t)across * down);
	if (!texels)
		return -ENOMEM;
	*texture = (struct lanesim_texture){ .width = width,
					     .height = height,
					     .levels = levels,
					     .holed = (uint8_t *)(texels + n + 1),
					     .texels = texels };
	return 0;
}

void lanesim_texture_uninit(struct lanesim_texture *texture)
{
	free(texture->texels);
	memset(texture, 0, sizeof(*texture));
}

/* Colours count by their cover: what lies in holes does not bleed out. */
static struct lanesim_texel mean(const struct lanesim_texel *const four[4])
{
	struct lanesim_texel texel;
	uint64_t cover = 0, gloss = 0;

	for (int i = 0; i < 4; i++) {
		cover += four[i]->cover;
		gloss += four[i]->gloss;
	}
	for (int band = 0; band < LANESIM_BANDS; band++) {
		uint64_t sum = 0, plain = 0;

		for (int i = 0; i < 4; i++) {
			sum += (uint64_t)four[i]->albedo[band] * four[i]->cover;
			plain += four[i]->albedo[band];
		}
		texel.albedo[band] = (uint16_t)(cover ? (sum + cover / 2) / cover : plain / 4);
	}
	texel.gloss = (uint16_t)((gloss + 2) / 4);
	texel.cover = (uint16_t)((cover + 2) / 4);
	return texel;
}

/* A mean of covers is below one half only if one of them is: level 0 tells for all levels. */
static void find_holes(struct lanesim_texture *texture)
{
	uint32_t across = blocks(texture->width);

	texture->holes = false;
	memset(texture->holed, 0, (size_t)across * blocks(texture->height));
	for (uint32_t y = 0; y < texture->height; y++) {
		const struct lanesim_texel *row = texture->texels + (size_t)y * texture->width;
		uint8_t *holed = texture->holed + (size_t)(y / LANESIM_HOLE_BLOCK) * across;

		for (uint32_t x = 0; x < texture->width; x++) {
			bool hole = row[x].cover < 0x8000;

			holed[x / LANESIM_HOLE_BLOCK] |= hole;
			texture->holes |= hole;
		}
	}
}

void lanesim_texture_reduce(struct lanesim_texture *texture)
{
	struct lanesim_texel *from = texture->texels;
	uint32_t w = texture->width, h = texture->height;

	find_holes(texture);
	for (uint32_t level = 1; level < texture->levels; level++) {
		struct lanesim_texel *to = from + (size_t)w * h;
		uint32_t to_w = half(w), to_h = half(h);

		for (uint32_t y = 0; y < to_h; y++) {
			uint32_t y0 = 2 * y, y1 = 2 * y + 1 < h ? 2 * y + 1 : 2 * y;

			for (uint32_t x = 0; x < to_w; x++) {
				uint32_t x0 = 2 * x, x1 = 2 * x + 1 < w ? 2 * x + 1 : 2 * x;
				const struct lanesim_texel *const four[4] = {
					from + (size_t)y0 * w + x0, from + (size_t)y0 * w + x1,
					from + (size_t)y1 * w + x0, from + (size_t)y1 * w + x1
				};

				to[(size_t)y * to_w + x] = mean(four);
			}
		}
		from = to;
		w = to_w;
		h = to_h;
	}
}
