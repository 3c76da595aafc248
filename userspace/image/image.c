/* SPDX-License-Identifier: Apache-2.0 */
#include "image/image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/diag.h"
#include "image/codec.h"

/* More than a picture of the largest sides needs in any of the formats that are read. */
#define FILE_MAX ((off_t)SP_IMAGE_SIDE_MAX * SP_IMAGE_SIDE_MAX * 8)

static uint8_t *pixels_of(uint64_t width, uint64_t height)
{
	return malloc((size_t)(width * height * 3));
}

int sp_image_init(struct sp_image *image, uint32_t width, uint32_t height)
{
	uint8_t *rgb;

	if (!width || !height || width > SP_IMAGE_SIDE_MAX || height > SP_IMAGE_SIDE_MAX)
		return -EINVAL;
	rgb = calloc((size_t)width * height, 3);
	if (!rgb)
		return -ENOMEM;
	*image = (struct sp_image){ width, height, rgb };
	return 0;
}

void sp_image_uninit(struct sp_image *image)
{
	free(image->rgb);
	*image = (struct sp_image){ 0 };
}

int sp_image_prepare(struct sp_image *image, uint64_t width, uint64_t height, const char *format,
		     const char *name, struct sp_err *err)
{
	uint8_t *rgb;

	if (!width || !height)
		return sp_err_set(err, -EBADMSG,
				  "%s: this %s says that it has no pixels; replace the file", name,
				  format);
	if (width > SP_IMAGE_SIDE_MAX || height > SP_IMAGE_SIDE_MAX)
		return sp_err_set(err, -EFBIG,
				  "%s: %llu x %llu pixels are more than %d a side; scale it down",
				  name, (unsigned long long)width, (unsigned long long)height,
				  SP_IMAGE_SIDE_MAX);
	rgb = pixels_of(width, height);
	if (!rgb)
		return sp_err_set(err, -ENOMEM,
				  "%s: no memory for %llu x %llu pixels; scale it down", name,
				  (unsigned long long)width, (unsigned long long)height);
	*image = (struct sp_image){ (uint32_t)width, (uint32_t)height, rgb };
	return 0;
}

int sp_image_decode(const uint8_t *bytes, size_t size, const char *name, struct sp_image *ret_image,
		    struct sp_err *err)
{
	static const uint8_t jpeg[] = { 0xff, 0xd8, 0xff };
	static const uint8_t png[] = { 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n' };

	if (!size)
		return sp_err_set(err, -EBADMSG,
				  "%s: the file is empty; give a JPEG, PNG, PGM or PPM", name);
	if (size >= sizeof(jpeg) && !memcmp(bytes, jpeg, sizeof(jpeg)))
		return sp_image_decode_jpeg(bytes, size, name, ret_image, err);
	if (size >= sizeof(png) && !memcmp(bytes, png, sizeof(png)))
		return sp_image_decode_png(bytes, size, name, ret_image, err);
	if (size >= 2 && bytes[0] == 'P' && (bytes[1] == '5' || bytes[1] == '6'))
		return sp_image_decode_pnm(bytes, size, name, ret_image, err);
	return sp_err_set(
		err, -EBADMSG,
		"%s: not a picture that can be read; give a JPEG, PNG, PGM (P5) or PPM (P6)", name);
}

/* Fills @bytes; a file that shrank meanwhile gives a shorter *ret_size. */
static int read_all(int fd, uint8_t *bytes, size_t size, size_t *ret_size)
{
	size_t have = 0;

	while (have < size) {
		ssize_t n = read(fd, bytes + have, size - have);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			break;
		have += (size_t)n;
	}
	*ret_size = have;
	return 0;
}

static int read_file(int fd, const char *path, struct sp_image *ret_image, struct sp_err *err)
{
	struct stat stat;
	uint8_t *bytes;
	size_t size = 0;
	int rc;

	if (fstat(fd, &stat))
		return sp_err_set(err, -errno, "%s: %s", path, strerror(errno));
	if (S_ISDIR(stat.st_mode))
		return sp_err_set(err, -EISDIR, "%s: this is a folder; name the pictures in it",
				  path);
	if (!S_ISREG(stat.st_mode))
		return sp_err_set(err, -EINVAL, "%s: not an ordinary file; copy it to one", path);
	if (stat.st_size > FILE_MAX)
		return sp_err_set(err, -EFBIG,
				  "%s: %lld bytes are too many for a picture; scale it down", path,
				  (long long)stat.st_size);
	bytes = malloc(stat.st_size ? (size_t)stat.st_size : 1);
	if (!bytes)
		return sp_err_set(err, -ENOMEM, "%s: no memory for %lld bytes; scale it down", path,
				  (long long)stat.st_size);
	rc = read_all(fd, bytes, (size_t)stat.st_size, &size);
	if (rc)
		sp_err_set(err, rc, "%s: %s", path, strerror(-rc));
	else
		rc = sp_image_decode(bytes, size, path, ret_image, err);
	free(bytes);
	return rc;
}

int sp_image_read(const char *path, struct sp_image *ret_image, struct sp_err *err)
{
	/* Without O_NONBLOCK a FIFO would hold the program until someone writes to it. */
	int rc, fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return sp_err_set(err, -errno, "%s: %s", path, strerror(errno));
	rc = read_file(fd, path, ret_image, err);
	close(fd);
	return rc;
}
