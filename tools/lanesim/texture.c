/* SPDX-License-Identifier: Apache-2.0 */
#include "lanesim/mesh.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static uint32_t half(uint32_t side)
{
	return (side + 1) / 2;
}

int lanesim_texture_init(struct lanesim_texture *texture, uint32_t width, uint32_t height)
{
	uint32_t w = width, h = height, levels = 1;
	size_t n = (size_t)w * h;
	struct lanesim_texel *texels;

	while (w > 1 || h > 1) {
		w = half(w);
		h = half(h);
		n += (size_t)w * h;
		levels++;
	}
	texels = calloc(n + 1, sizeof(*texels)); /* one more: texels are read 16 bytes at a time */
	if (!texels)
		return -ENOMEM;
	*texture = (struct lanesim_texture){ width, height, levels, false, texels };
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

void lanesim_texture_reduce(struct lanesim_texture *texture)
{
	struct lanesim_texel *from = texture->texels;
	uint32_t w = texture->width, h = texture->height;

	texture->holes = false;
	for (size_t i = 0; i < (size_t)w * h; i++)
		texture->holes |= from[i].cover < 0xFFFF;
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
