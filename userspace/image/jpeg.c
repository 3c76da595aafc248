/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <turbojpeg.h>

#include "base/diag.h"
#include "image/codec.h"
#include "image/image.h"

/*
 * Pixels that one byte of a JPEG can hold: each 8 × 8 block costs a Huffman code of one bit at the
 * least. Fewer bytes than that is a file cut short, or a small file made to take much memory.
 */
enum { PIXELS_A_BYTE = 8 * 64 };

/*
 * The accurate transform, as other decoders take; a warning ends the work, since TurboJPEG only
 * warns of files cut short and fills them with grey; no endless progressive scans.
 */
enum { DECODE_FLAGS = TJFLAG_ACCURATEDCT | TJFLAG_STOPONWARNING | TJFLAG_LIMITSCANS };

/* The picture as the camera was held: @orientation 2 … 8 of EXIF (its tag 0x0112). */
static int turn(struct sp_image *image, unsigned int orientation, const char *name,
		struct sp_err *err)
{
	bool transposed = orientation >= 5;
	bool mirror_x = orientation == 2 || orientation == 3 || orientation == 6 ||
			orientation == 7;
	bool mirror_y = orientation == 3 || orientation == 4 || orientation == 7 ||
			orientation == 8;
	struct sp_image turned;
	int rc = sp_image_prepare(&turned, transposed ? image->height : image->width,
				  transposed ? image->width : image->height, "JPEG", name, err);

	if (rc)
		return rc;
	for (uint32_t y = 0; y < turned.height; y++) {
		for (uint32_t x = 0; x < turned.width; x++) {
			uint32_t u = mirror_x ? turned.width - 1 - x : x;
			uint32_t v = mirror_y ? turned.height - 1 - y : y;
			size_t from = transposed ? (size_t)u * image->width + v
						 : (size_t)v * image->width + u;

			memcpy(turned.rgb + ((size_t)y * turned.width + x) * 3,
			       image->rgb + from * 3, 3);
		}
	}
	sp_image_uninit(image);
	*image = turned;
	return 0;
}

static int decode(tjhandle handle, const uint8_t *bytes, size_t size, const char *name,
		  struct sp_image *ret_image, struct sp_err *err)
{
	/* A file of tables alone succeeds and leaves these as they are. */
	int width = 0, height = 0, subsampling = -1, colours = -1, rc;
	struct sp_image image;
	unsigned int orientation;

	if (tjDecompressHeader3(handle, bytes, size, &width, &height, &subsampling, &colours))
		return sp_err_set(err, -EBADMSG, "%s: damaged JPEG (%s); replace the file", name,
				  tjGetErrorStr2(handle));
	if (width <= 0 || height <= 0)
		return sp_err_set(err, -EBADMSG, "%s: no picture in this JPEG; replace the file",
				  name);
	if (colours == TJCS_CMYK || colours == TJCS_YCCK)
		return sp_err_set(err, -ENOTSUP,
				  "%s: a CMYK JPEG, made for print; convert it to RGB", name);
	if ((uint64_t)width * (uint64_t)height / PIXELS_A_BYTE > size &&
	    width <= SP_IMAGE_SIDE_MAX && height <= SP_IMAGE_SIDE_MAX)
		return sp_err_set(err, -EBADMSG,
				  "%s: the JPEG is truncated (%zu bytes for %d x %d pixels); "
				  "replace the file",
				  name, size, width, height);
	rc = sp_image_prepare(&image, (uint64_t)width, (uint64_t)height, "JPEG", name, err);
	if (rc)
		return rc;
	if (tjDecompress2(handle, bytes, size, image.rgb, width, 0, height, TJPF_RGB,
			  DECODE_FLAGS)) {
		rc = sp_err_set(err, -EBADMSG, "%s: %s JPEG (%s); replace the file", name,
				tjGetErrorCode(handle) == TJERR_WARNING ? "truncated or damaged"
									: "damaged",
				tjGetErrorStr2(handle));
		goto err_uninit_image;
	}
	orientation = sp_exif_orientation(bytes, size);
	if (orientation > 1) {
		rc = turn(&image, orientation, name, err);
		if (rc)
			goto err_uninit_image;
	}
	*ret_image = image;
	return 0;

err_uninit_image:
	sp_image_uninit(&image);
	return rc;
}

int sp_image_decode_jpeg(const uint8_t *bytes, size_t size, const char *name,
			 struct sp_image *ret_image, struct sp_err *err)
{
	tjhandle handle = tjInitDecompress();
	int rc;

	if (!handle)
		return sp_err_set(err, -ENOMEM, "%s: no memory for the JPEG decoder; free some",
				  name);
	rc = decode(handle, bytes, size, name, ret_image, err);
	tjDestroy(handle);
	return rc;
}

int sp_image_encode_jpeg(const uint8_t *rgb, uint32_t width, uint32_t height, int quality,
			 uint8_t **ret_bytes, size_t *ret_size, struct sp_err *err)
{
	unsigned long size;
	tjhandle handle;
	uint8_t *bytes, *fitted;
	int rc = 0;

	if (!width || !height || width > SP_IMAGE_SIDE_MAX || height > SP_IMAGE_SIDE_MAX ||
	    quality < 1 || quality > 100)
		return sp_err_set(err, -EINVAL,
				  "JPEG: %u x %u pixels at quality %d cannot be written; use 1 to "
				  "%d a side, 1 to 100",
				  width, height, quality, SP_IMAGE_SIDE_MAX);
	handle = tjInitCompress();
	if (!handle)
		return sp_err_set(err, -ENOMEM, "JPEG: no memory for the encoder; free some");
	/* Our own buffer of the worst size, so that the caller may use free(). */
	size = tjBufSize((int)width, (int)height, TJSAMP_420);
	bytes = malloc(size);
	if (!bytes) {
		rc = sp_err_set(err, -ENOMEM, "JPEG: no memory for %lu bytes; free some", size);
		goto err_destroy;
	}
	if (tjCompress2(handle, rgb, (int)width, 0, (int)height, TJPF_RGB, &bytes, &size,
			TJSAMP_420, quality, TJFLAG_NOREALLOC | TJFLAG_ACCURATEDCT)) {
		rc = sp_err_set(err, -EIO, "JPEG: %s; report this", tjGetErrorStr2(handle));
		free(bytes);
		goto err_destroy;
	}
	fitted = realloc(bytes, size);
	*ret_bytes = fitted ? fitted : bytes;
	*ret_size = size;

err_destroy:
	tjDestroy(handle);
	return rc;
}
