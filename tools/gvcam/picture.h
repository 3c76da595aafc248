/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PORT: the pictures that cameras show. Implementations: the files of --images (picture.c), the
 * scenes of --lanesim (scenes.c). And one picture as a camera's pixels.
 */
#ifndef GVCAM_PICTURE_H
#define GVCAM_PICTURE_H

#include <stddef.h>
#include <stdint.h>

struct sp_err;
struct sp_image;

enum { GVCAM_PICTURES_MAX = 65536, GVCAM_FOLDER_DEPTH = 8 };

struct gvcam_pictures;

struct gvcam_pictures_ops {
	/* Loader thread: picture @i as RGB of any size, for the loader to uninit. 0 or -errno. */
	int (*load)(const struct gvcam_pictures *pictures, size_t i, struct sp_image *ret_image,
		    struct sp_err *err);
	/*
	 * Any thread; may be NULL: the same in the shape that pictures->width … say, where it lies
	 * until uninit.
	 */
	const uint8_t *(*pixels)(const struct gvcam_pictures *pictures, size_t i);
	void (*uninit)(struct gvcam_pictures *pictures);
};

/*
 * Pictures come in turns: what one camera shows from one arrival to the next. A turn is `stay`
 * pictures of who is there and `between` of the empty lane after that (0: an empty frame).
 */
struct gvcam_pictures {
	const struct gvcam_pictures_ops *ops;
	size_t n; /* whole turns */
	uint32_t stay, between;
	uint32_t width, height, pixel_format; /* of ops->pixels */
	void *own; /* the implementation's */
};

/*
 * Turns of one file each, sorted within each source. @sources are files and folders; a folder gives
 * every *.jpg, *.jpeg, *.png, *.pgm and *.ppm in it and in its folders. -ENOENT and friends if a
 * source cannot be read or a folder has no picture.
 */
int gvcam_pictures_init(struct gvcam_pictures *pictures, const char *const *sources, unsigned int n,
			struct sp_err *err);
/* Any implementation's; what is all zero has nothing to release. */
void gvcam_pictures_uninit(struct gvcam_pictures *pictures);

/*
 * @out: the pixels in any format of sp_pfnc_table; the image's width is a multiple of 4, which is
 * whole groups of each.
 */
void gvcam_picture_convert(const struct sp_image *image, uint32_t pixel_format, uint8_t *out);

#endif
