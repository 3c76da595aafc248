/* SPDX-License-Identifier: Apache-2.0 */
#include "lanesim/crop.h"

#include <errno.h>
#include <string.h>

#include "image/image.h"
#include "lanesim/render/approx.h"

/* A face of which less than this is inside is none. */
#define SHARE_MIN 0.05f

static void copy_row(const struct lanesim_crop *crop, const struct sp_image *image, int row,
		     uint8_t *out)
{
	int y = crop->y + row;
	int left = crop->x < 0 ? 0 : crop->x;
	int right = crop->x + crop->side < (int)image->width ? crop->x + crop->side
							     : (int)image->width;

	if (y < 0 || y >= (int)image->height || left >= right)
		return;
	memcpy(out + (size_t)(left - crop->x) * 3,
	       image->rgb + ((size_t)y * image->width + (size_t)left) * 3,
	       (size_t)(right - left) * 3);
}

int lanesim_crop_take(const struct lanesim_crop *crop, const struct sp_image *image, uint32_t size,
		      uint8_t *rgb)
{
	struct sp_image piece, target = { size, size, rgb };
	int res = sp_image_init(&piece, (uint32_t)crop->side, (uint32_t)crop->side);

	if (res)
		return res;
	for (int row = 0; row < crop->side; row++)
		copy_row(crop, image, row, piece.rgb + (size_t)row * (size_t)crop->side * 3);
	sp_image_letterbox(&target, &piece);
	sp_image_uninit(&piece);
	return 0;
}

/* The part of [at, at + length) that is in [0, size), as a share. */
static float inside(float at, float length, float size)
{
	float end = approx_min(at + length, size), begin = approx_max(at, 0);

	return length > 0 ? approx_max(end - begin, 0) / length : 0;
}

/* In pixels of the crop; false if it shows too little of the face. */
static bool move_truth(const struct lanesim_crop *crop, float size, struct lanesim_truth *truth)
{
	float scale = size / (float)crop->side, origin[2] = { (float)crop->x, (float)crop->y };
	float share = 1;

	for (int c = 0; c < 2; c++) {
		truth->box[c] = (truth->box[c] - origin[c]) * scale;
		truth->box[2 + c] *= scale;
		share *= inside(truth->box[c], truth->box[2 + c], size);
	}
	for (int i = 0; i < LANESIM_LANDMARKS; i++) {
		for (int c = 0; c < 2; c++) {
			float *at = &truth->landmark[i][c];

			*at = (*at - origin[c]) * scale;
			truth->landmark_visible[i] &= *at >= 0 && *at < size;
		}
	}
	truth->eye_distance *= scale;
	truth->visibility *= share;
	return share >= SHARE_MIN;
}

json_t *lanesim_crop_truth(const struct lanesim_crop *crop, uint32_t size,
			   const struct lanesim_truth *truths, uint32_t n)
{
	json_t *faces = json_array();

	for (uint32_t i = 0; i < n; i++) {
		struct lanesim_truth truth = truths[i];
		json_t *face;

		if (!move_truth(crop, (float)size, &truth))
			continue;
		face = lanesim_truth_json(&truth);
		json_object_set(face, "visible", json_object_get(face, "landmarks_visible"));
		json_object_del(face, "landmarks_visible");
		if (json_array_append_new(faces, face)) {
			json_decref(faces);
			return NULL;
		}
	}
	return json_pack("{s:o}", "faces", faces);
}
