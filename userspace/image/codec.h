/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The formats behind sp_image_decode. Each decoder is handed whole files whose first bytes already
 * name the format, allocates nothing for a picture that its bytes cannot hold, and leaves
 * @ret_image alone unless it returns 0.
 */
#ifndef SP_IMAGE_CODEC_H
#define SP_IMAGE_CODEC_H

#include <stddef.h>
#include <stdint.h>

struct sp_err;
struct sp_image;

int sp_image_decode_jpeg(const uint8_t *bytes, size_t size, const char *name,
			 struct sp_image *ret_image, struct sp_err *err);
int sp_image_decode_png(const uint8_t *bytes, size_t size, const char *name,
			struct sp_image *ret_image, struct sp_err *err);
int sp_image_decode_pnm(const uint8_t *bytes, size_t size, const char *name,
			struct sp_image *ret_image, struct sp_err *err);

/* sp_image_init without clearing, its refusals in words. @format is for messages: "JPEG". */
int sp_image_prepare(struct sp_image *image, uint64_t width, uint64_t height, const char *format,
		     const char *name, struct sp_err *err);

/* The EXIF orientation, 1 … 8; 1 where the JPEG has none that can be read. */
unsigned int sp_exif_orientation(const uint8_t *jpeg, size_t size);

#endif
