/* SPDX-License-Identifier: Apache-2.0 */
#include "gvcam/picture.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/diag.h"
#include "gvcam/pack.h"
#include "image/image.h"
#include "wire/pfnc.h"

static int add_path(struct gvcam_pictures *pictures, const char *path)
{
	char **paths = pictures->own;

	if (pictures->n == GVCAM_PICTURES_MAX)
		return -E2BIG;
	/* Grown by doubling, at powers of two. */
	if (!(pictures->n & (pictures->n - 1))) {
		paths = realloc(paths, (pictures->n ? 2 * pictures->n : 1) * sizeof(*paths));
		if (!paths)
			return -ENOMEM;
		pictures->own = paths;
	}
	paths[pictures->n] = strdup(path);
	if (!paths[pictures->n])
		return -ENOMEM;
	pictures->n++;
	return 0;
}

static bool looks_like_picture(const char *name)
{
	static const char *const endings[] = { "jpg", "jpeg", "png", "pgm", "ppm" };
	const char *dot = strrchr(name, '.');

	for (size_t i = 0; dot && i < sizeof(endings) / sizeof(endings[0]); i++)
		if (!strcasecmp(dot + 1, endings[i]))
			return true;
	return false;
}

static int add_folder(struct gvcam_pictures *pictures, const char *folder, unsigned int depth);

static int add_entry(struct gvcam_pictures *pictures, const char *folder, const char *name,
		     unsigned int depth)
{
	struct stat info;
	char *path;
	int res = 0;

	if (asprintf(&path, "%s/%s", folder, name) < 0)
		return -ENOMEM;
	if (!stat(path, &info)) {
		if (S_ISDIR(info.st_mode) && depth < GVCAM_FOLDER_DEPTH)
			res = add_folder(pictures, path, depth + 1);
		else if (S_ISREG(info.st_mode) && looks_like_picture(name))
			res = add_path(pictures, path);
	}
	free(path);
	return res;
}

static int add_folder(struct gvcam_pictures *pictures, const char *folder, unsigned int depth)
{
	struct dirent **entries;
	int n = scandir(folder, &entries, NULL, alphasort);
	int res = 0;

	if (n < 0)
		return -errno;
	for (int i = 0; i < n; i++) {
		if (!res && entries[i]->d_name[0] != '.')
			res = add_entry(pictures, folder, entries[i]->d_name, depth);
		free(entries[i]);
	}
	free(entries);
	return res;
}

/* A file that is named had better be a picture. Those of a folder are read as they come. */
static int add_file(struct gvcam_pictures *pictures, const char *path, struct sp_err *err)
{
	struct sp_image image;
	int res = sp_image_read(path, &image, err);

	if (res)
		return res;
	sp_image_uninit(&image);
	res = add_path(pictures, path);
	return res ? sp_err_set(err, res, "%s: %s", path, strerror(-res)) : 0;
}

static int add_source(struct gvcam_pictures *pictures, const char *source, struct sp_err *err)
{
	size_t before = pictures->n;
	struct stat info;
	int res;

	if (stat(source, &info))
		return sp_err_set(err, -errno,
				  "%s: %s; give --images a picture or a folder of them", source,
				  strerror(errno));
	if (!S_ISDIR(info.st_mode))
		return add_file(pictures, source, err);
	res = add_folder(pictures, source, 0);
	if (res == -E2BIG)
		return sp_err_set(err, res, "%s: more than %d pictures; give fewer", source,
				  GVCAM_PICTURES_MAX);
	if (res)
		return sp_err_set(err, res, "%s: %s", source, strerror(-res));
	if (pictures->n == before)
		return sp_err_set(err, -ENOENT,
				  "%s: no picture in it; *.jpg, *.png, *.pgm and *.ppm are taken",
				  source);
	return 0;
}

static int load_file(const struct gvcam_pictures *pictures, size_t i, struct sp_image *ret_image,
		     struct sp_err *err)
{
	char *const *paths = pictures->own;

	return sp_image_read(paths[i], ret_image, err);
}

static void forget_files(struct gvcam_pictures *pictures)
{
	char **paths = pictures->own;

	for (size_t i = 0; i < pictures->n; i++)
		free(paths[i]);
	free(paths);
}

static const struct gvcam_pictures_ops file_ops = {
	.load = load_file,
	.uninit = forget_files,
};

int gvcam_pictures_init(struct gvcam_pictures *pictures, const char *const *sources, unsigned int n,
			struct sp_err *err)
{
	*pictures = (struct gvcam_pictures){ .ops = &file_ops, .stay = 1 };
	for (unsigned int i = 0; i < n; i++) {
		int res = add_source(pictures, sources[i], err);

		if (res) {
			gvcam_pictures_uninit(pictures);
			return res;
		}
	}
	return 0;
}

void gvcam_pictures_uninit(struct gvcam_pictures *pictures)
{
	if (pictures->ops)
		pictures->ops->uninit(pictures);
	*pictures = (struct gvcam_pictures){ 0 };
}

enum { PIECE = 512 }; /* pixels that are packed at once */

/* Luma of BT.601, in 256ths: 0.299, 0.587, 0.114. */
static uint8_t luma(const uint8_t *rgb)
{
	return (uint8_t)((77u * rgb[0] + 150u * rgb[1] + 29u * rgb[2] + 128) >> 8);
}

/* What the sensor sees of @n pixels of line @y from @x0 on, through its colour filter, if any. */
static void sense(const struct sp_image *image, const struct sp_pfnc *format, uint32_t y,
		  uint32_t x0, uint32_t n, uint8_t *levels)
{
	const uint8_t *rgb = image->rgb + ((size_t)y * image->width + x0) * 3;

	for (uint32_t x = x0; x < x0 + n; x++, rgb += 3)
		*levels++ = format->kind == SP_PFNC_BAYER
				    ? rgb[((x ^ format->red_x) & 1) + ((y ^ format->red_y) & 1)]
				    : luma(rgb);
}

static void convert_samples(const struct sp_image *image, const struct sp_pfnc *format,
			    uint8_t *out)
{
	uint8_t levels[PIECE];

	for (uint32_t y = 0; y < image->height; y++)
		for (uint32_t x = 0, n; x < image->width; x += n) {
			n = image->width - x < PIECE ? image->width - x : PIECE;
			sense(image, format, y, x, n, levels);
			gvcam_pack(format, levels, n, out);
			out += (size_t)n * format->bits_per_pixel / 8;
		}
}

static uint8_t clamp(int value)
{
	return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

/* Y U Y V, full range as JPEG has it: both chromas are the mean of the pair, in 512ths. */
static void convert_yuyv(const struct sp_image *image, uint8_t *out)
{
	size_t pairs = (size_t)image->width * image->height / 2;
	const uint8_t *rgb = image->rgb;

	for (size_t i = 0; i < pairs; i++, rgb += 6, out += 4) {
		int r = rgb[0] + rgb[3], g = rgb[1] + rgb[4], b = rgb[2] + rgb[5];

		out[0] = luma(rgb);
		out[1] = clamp(128 + (-43 * r - 85 * g + 128 * b) / 512);
		out[2] = luma(rgb + 3);
		out[3] = clamp(128 + (128 * r - 107 * g - 21 * b) / 512);
	}
}

static void convert_bgr(const struct sp_image *image, uint8_t *out)
{
	size_t bytes = (size_t)image->width * image->height * 3;

	for (size_t i = 0; i < bytes; i += 3) {
		out[i] = image->rgb[i + 2];
		out[i + 1] = image->rgb[i + 1];
		out[i + 2] = image->rgb[i];
	}
}

void gvcam_picture_convert(const struct sp_image *image, uint32_t pixel_format, uint8_t *out)
{
	const struct sp_pfnc *format = sp_pfnc_by_code(pixel_format);

	switch (format->kind) {
	case SP_PFNC_RGB:
		memcpy(out, image->rgb, (size_t)image->width * image->height * 3);
		break;
	case SP_PFNC_BGR:
		convert_bgr(image, out);
		break;
	case SP_PFNC_YUYV:
		convert_yuyv(image, out);
		break;
	default:
		convert_samples(image, format, out);
	}
}
