/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the reference results in $SALLYPORT_SHARED/data (see its README.md). */
#ifndef SP_TESTS_PARITY_GOLDEN_H
#define SP_TESTS_PARITY_GOLDEN_H

#include <isa-l/igzip_lib.h>

#include "base/diag.h"
#include "base/region.h"
#include "frame/frame.h"
#include "image/image.h"
#include "test.h"
#include "wire/pfnc.h"

enum { GOLDEN_ROWS = 442, GOLDEN_EMBEDDING = 128 };

/* A line of lfw_dev_small.yunet_n.csv: the face nearest the centre of an image. */
struct golden_row {
	char image[128]; /* below data/lfw_dev_small */
	int faces; /* in the image */
	float score, box[4], landmark[5][2];
};

/* The file at @path in a malloc'ed buffer, gunzipped if it ends in ".gz". */
__attribute__((unused)) static void *golden_file(const char *path, size_t *ret_size)
{
	FILE *file = fopen(path, "rb");
	struct inflate_state state;
	uint8_t *packed, *bytes;
	size_t n, length = strlen(path);
	uint32_t size;

	if (!file)
		FAIL("%s cannot be opened; tests run in the repository root", path);
	fseek(file, 0, SEEK_END);
	n = (size_t)ftell(file);
	rewind(file);
	packed = malloc(n + 1);
	CHECK(packed && fread(packed, 1, n, file) == n);
	fclose(file);
	*ret_size = n;
	if (length < 3 || strcmp(path + length - 3, ".gz"))
		return packed;
	/* The last four bytes say how much it was. */
	CHECK(n >= 18);
	memcpy(&size, packed + n - 4, sizeof(size));
	bytes = malloc(size);
	CHECK(bytes);
	isal_inflate_init(&state);
	state.crc_flag = ISAL_GZIP;
	state.next_in = packed;
	state.avail_in = (uint32_t)n;
	state.next_out = bytes;
	state.avail_out = size;
	if (isal_inflate(&state) != ISAL_DECOMP_OK || state.avail_out)
		FAIL("%s does not hold the %u bytes that it promises", path, size);
	free(packed);
	*ret_size = size;
	return bytes;
}

/* @name of ../shared, which holds exactly @size bytes. */
__attribute__((unused)) static void *golden_read(const char *name, size_t size)
{
	size_t have;
	void *bytes = golden_file(sp_test_shared(name), &have);

	if (have != size)
		FAIL("%s has %zu bytes, not %zu", name, have, size);
	return bytes;
}

__attribute__((unused)) static struct golden_row *golden_rows(void)
{
	FILE *file = fopen(sp_test_shared("data/golden/lfw_dev_small.yunet_n.csv"), "r");
	struct golden_row *rows = calloc(GOLDEN_ROWS, sizeof(*rows));
	int n = 0;

	for (; n < GOLDEN_ROWS; n++) {
		struct golden_row *r = &rows[n];
		float *l = r->landmark[0];

		if (fscanf(file, " %127[^,],%d,%f,%f,%f,%f,%f,%f,%f,%f,%f,%f,%f,%f,%f,%f,%f",
			   r->image, &r->faces, &r->score, &r->box[0], &r->box[1], &r->box[2],
			   &r->box[3], &l[0], &l[1], &l[2], &l[3], &l[4], &l[5], &l[6], &l[7],
			   &l[8], &l[9]) != 17)
			break;
	}
	fclose(file);
	if (n != GOLDEN_ROWS)
		FAIL("the golden table has %d rows, not %d", n, GOLDEN_ROWS);
	return rows;
}

/* A photograph as a frame in one piece. */
struct photo {
	struct sp_image image;
	struct sp_region region;
	struct sp_frame_wrap wrap;
};

/* @name below data/; @photo stays where it is, since the frame points into it. */
__attribute__((unused)) static void photo_init(struct photo *photo, const char *name)
{
	char path[300];
	struct sp_err err;

	snprintf(path, sizeof(path), "data/%s", name);
	if (sp_image_read(sp_test_shared(path), &photo->image, &err))
		FAIL("%s", err.text);
	photo->region = (struct sp_region){
		.base = photo->image.rgb,
		.size = (size_t)photo->image.width * photo->image.height * 3,
	};
	CHECK_EQ(sp_frame_wrap(&photo->wrap, &photo->region, 0, photo->image.width,
			       photo->image.height, SP_PFNC_RGB8),
		 0);
}

__attribute__((unused)) static void photo_uninit(struct photo *photo)
{
	sp_image_uninit(&photo->image);
}

#endif
