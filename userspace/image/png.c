/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <png.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "image/codec.h"
#include "image/image.h"

enum {
	INFLATE_RATIO = 1032, /* the most that one byte of a deflate stream can grow to */
	CHUNK_MAX = 4 << 20, /* bytes of an ancillary chunk, unpacked */
	CHUNKS_MAX = 128, /* ancillary chunks kept */
};

/* What libpng's callbacks see. */
struct source {
	const uint8_t *at;
	size_t left;
	char why[128];
};

static void on_error(png_structp png, png_const_charp message)
{
	struct source *source = png_get_error_ptr(png);

	snprintf(source->why, sizeof(source->why), "%s", message);
	png_longjmp(png, 1);
}

/* Warnings are about ancillary chunks: the pixels are whole. */
static void on_warning(png_structp png, png_const_charp message)
{
	(void)png;
	(void)message;
}

static void on_read(png_structp png, png_bytep bytes, size_t size)
{
	struct source *source = png_get_io_ptr(png);

	if (size > source->left)
		png_error(png, "truncated");
	memcpy(bytes, source->at, size);
	source->at += size;
	source->left -= size;
}

/*
 * Whatever the file holds becomes RGB8: 16 bits rounded to 8, grey spread, alpha laid over black.
 */
static void ask_for_rgb(png_structp png, png_infop info)
{
	static const png_color_16 black;

	png_set_expand(png);
	png_set_scale_16(png);
	png_set_gray_to_rgb(png);
	if (png_get_color_type(png, info) & PNG_COLOR_MASK_ALPHA ||
	    png_get_valid(png, info, PNG_INFO_tRNS))
		png_set_background(png, &black, PNG_BACKGROUND_GAMMA_SCREEN, 0, 1);
	png_set_interlace_handling(png);
	png_read_update_info(png, info);
}

/* Everything that is freed when libpng jumps out lives here, not in locals. */
struct reader {
	struct source source;
	png_structp png;
	png_infop info;
	struct sp_image image;
	png_bytep *rows;
};

/* 0, or -errno with @err filled or, from libpng, source.why. */
static int read_pixels(struct reader *reader, size_t size, const char *name, struct sp_err *err)
{
	png_structp png = reader->png;
	uint32_t width, height;
	int rc;

	if (setjmp(png_jmpbuf(png)))
		return sp_err_set(err, -EBADMSG, "%s: damaged PNG (%s); replace the file", name,
				  reader->source.why);
	png_read_info(png, reader->info);
	width = png_get_image_width(png, reader->info);
	height = png_get_image_height(png, reader->info);
	if (width <= SP_IMAGE_SIDE_MAX && height <= SP_IMAGE_SIDE_MAX &&
	    (uint64_t)png_get_rowbytes(png, reader->info) * height / INFLATE_RATIO > size)
		return sp_err_set(
			err, -EBADMSG,
			"%s: the PNG is truncated (%zu bytes for %u x %u pixels); replace the file",
			name, size, width, height);
	rc = sp_image_prepare(&reader->image, width, height, "PNG", name, err);
	if (rc)
		return rc;
	reader->rows = malloc(height * sizeof(*reader->rows));
	if (!reader->rows)
		return sp_err_set(err, -ENOMEM, "%s: no memory for %u rows; scale it down", name,
				  height);
	for (uint32_t y = 0; y < height; y++)
		reader->rows[y] = reader->image.rgb + (size_t)y * width * 3;
	ask_for_rgb(png, reader->info);
	if (png_get_rowbytes(png, reader->info) != (size_t)width * 3)
		png_error(png, "pixels do not convert to RGB");
	png_read_image(png, reader->rows);
	/* Up to IEND, so that a file cut behind its pixels is found out too. */
	png_read_end(png, NULL);
	return 0;
}

int sp_image_decode_png(const uint8_t *bytes, size_t size, const char *name,
			struct sp_image *ret_image, struct sp_err *err)
{
	struct reader reader = { .source = { .at = bytes, .left = size } };
	int rc = -ENOMEM;

	reader.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &reader.source, on_error,
					    on_warning);
	if (reader.png)
		reader.info = png_create_info_struct(reader.png);
	if (!reader.info) {
		sp_err_set(err, rc, "%s: no memory for the PNG decoder; free some", name);
		goto err_destroy;
	}
	/* Larger sides than ours pass here and are refused in our words. */
	png_set_user_limits(reader.png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
	png_set_chunk_malloc_max(reader.png, CHUNK_MAX);
	png_set_chunk_cache_max(reader.png, CHUNKS_MAX);
	png_set_read_fn(reader.png, &reader.source, on_read);
	rc = read_pixels(&reader, size, name, err);
	if (rc)
		sp_image_uninit(&reader.image);
	else
		*ret_image = reader.image;

err_destroy:
	free(reader.rows);
	png_destroy_read_struct(&reader.png, &reader.info, NULL);
	return rc;
}

static int write_pixels(png_structp png, png_infop info, FILE *file, const struct sp_image *image)
{
	if (setjmp(png_jmpbuf(png)))
		return -EIO;
	png_init_io(png, file);
	png_set_IHDR(png, info, image->width, image->height, 8, PNG_COLOR_TYPE_RGB,
		     PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
	png_write_info(png, info);
	for (uint32_t y = 0; y < image->height; y++)
		png_write_row(png, image->rgb + (size_t)y * image->width * 3);
	png_write_end(png, info);
	return 0;
}

int sp_image_write_png(const char *path, const struct sp_image *image, struct sp_err *err)
{
	struct source unused = { 0 };
	png_structp png = NULL;
	png_infop info = NULL;
	FILE *file = fopen(path, "wbe");
	int rc = -ENOMEM, closed;

	if (!file)
		return sp_err_set(err, -errno, "%s: %s", path, strerror(errno));
	png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &unused, on_error, on_warning);
	if (png)
		info = png_create_info_struct(png);
	if (info)
		rc = write_pixels(png, info, file, image);
	png_destroy_write_struct(&png, &info);
	errno = 0;
	closed = fclose(file);
	if (!rc && closed)
		rc = errno ? -errno : -EIO;
	if (rc)
		sp_err_set(err, rc, "%s: cannot write the picture (%s); look at the disk's room",
			   path, unused.why[0] ? unused.why : strerror(-rc));
	return rc;
}
