/* SPDX-License-Identifier: Apache-2.0 */
/* The pictures that cameras show: the files of --images, and one of them as a camera's pixels. */
#ifndef GVCAM_PICTURE_H
#define GVCAM_PICTURE_H

#include <stddef.h>
#include <stdint.h>

struct sp_err;
struct sp_image;

enum { GVCAM_PICTURES_MAX = 65536, GVCAM_FOLDER_DEPTH = 8 };

struct gvcam_pictures {
	char **paths; /* sorted within each source */
	size_t n;
};

/*
 * @sources are files and folders; a folder gives every *.jpg, *.jpeg, *.png, *.pgm and *.ppm in it
 * and in its folders. -ENOENT and friends if a source cannot be read or a folder has no picture.
 */
int gvcam_pictures_init(struct gvcam_pictures *pictures, const char *const *sources, unsigned int n,
			struct sp_err *err);
void gvcam_pictures_uninit(struct gvcam_pictures *pictures);

/* @out: width × height pixels of @pixel_format, which is Mono8, BayerRG8 or RGB8. */
void gvcam_picture_convert(const struct sp_image *image, uint32_t pixel_format, uint8_t *out);

#endif
