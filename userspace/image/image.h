/* SPDX-License-Identifier: Apache-2.0 */
/* Still pictures: files in, files out. Always 8-bit RGB in memory, rows without padding. */
#ifndef SP_IMAGE_IMAGE_H
#define SP_IMAGE_IMAGE_H

#include <stddef.h>
#include <stdint.h>

struct sp_err;

enum { SP_IMAGE_SIDE_MAX = 16384 };

struct sp_image {
	uint32_t width, height;
	uint8_t *rgb; /* width × height × 3, malloc'ed; owned by the image */
};

/* Black. 0 or -ENOMEM, -EINVAL. */
int sp_image_init(struct sp_image *image, uint32_t width, uint32_t height);
void sp_image_uninit(struct sp_image *image);

/*
 * JPEG, PNG, PGM or PPM (P5, P6), told apart by their content. Damaged, truncated or unknown files
 * are refused with @err naming the file and the reason; -ENOENT and friends if it cannot be opened.
 */
int sp_image_read(const char *path, struct sp_image *ret_image, struct sp_err *err);
/* The same of bytes in memory; @name is for messages. */
int sp_image_decode(const uint8_t *bytes, size_t size, const char *name, struct sp_image *ret_image,
		    struct sp_err *err);

int sp_image_write_png(const char *path, const struct sp_image *image, struct sp_err *err);

/* 4:2:0 JPEG of @rgb into a malloc'ed buffer that the caller frees. @quality 1 … 100. */
int sp_image_encode_jpeg(const uint8_t *rgb, uint32_t width, uint32_t height, int quality,
			 uint8_t **ret_bytes, size_t *ret_size, struct sp_err *err);

/* @source scaled (area average down, bilinear up) to fit @target, centred, borders black. */
void sp_image_letterbox(struct sp_image *target, const struct sp_image *source);

/* Drawing, clipped to the image. @colour is 0xRRGGBB. */
void sp_image_draw_rect(struct sp_image *image, int x, int y, int width, int height, int thickness,
			uint32_t colour);
void sp_image_draw_dot(struct sp_image *image, int x, int y, int radius, uint32_t colour);
/* Takes every pixel of a rectangle by @opacity (0 … 1) of the way towards @colour. */
void sp_image_draw_veil(struct sp_image *image, int x, int y, int width, int height, float opacity,
			uint32_t colour);
/* ASCII in a built-in 8 × 8 font, @scale ≥ 1; other characters become '?'. */
void sp_image_draw_text(struct sp_image *image, int x, int y, int scale, uint32_t colour,
			const char *text);
/* Copies @source with its top left corner at (x, y). */
void sp_image_draw_image(struct sp_image *image, int x, int y, const struct sp_image *source);

#endif
