/* SPDX-License-Identifier: Apache-2.0 */
#include "lane/bestshot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "image/image.h"
#include "lane/encounter.h"

int sp_best_shot_init(struct sp_best_shot *shot, bool with_portrait)
{
	*shot = (struct sp_best_shot){ 0 };
	if (with_portrait)
		shot->portrait = calloc(1, sizeof(*shot->portrait));
	return with_portrait && !shot->portrait ? -ENOMEM : 0;
}

void sp_best_shot_uninit(struct sp_best_shot *shot)
{
	sp_best_shot_clear(shot);
	free(shot->portrait);
	*shot = (struct sp_best_shot){ 0 };
}

static bool is_better(const struct sp_face *a, const struct sp_face *b, bool portraits)
{
	if (!a->reasons != !b->reasons)
		return !a->reasons;
	if (portraits && !a->portrait != !b->portrait)
		return a->portrait;
	return a->quality.score > b->quality.score;
}

bool sp_best_shot_is_better(const struct sp_best_shot *a, const struct sp_best_shot *b)
{
	if (!a->any || !b->any)
		return a->any;
	return is_better(&a->face, &b->face, a->portrait);
}

static size_t portrait_bytes(const struct sp_portrait *portrait)
{
	return (size_t)portrait->width * portrait->height * 3;
}

void sp_best_shot_offer(struct sp_best_shot *shot, const struct sp_result *result,
			const struct sp_face *face)
{
	if (shot->any && !is_better(face, &shot->face, shot->portrait))
		return;
	shot->any = true;
	shot->face = *face;
	shot->face.portrait = NULL;
	if (shot->portrait && face->portrait) {
		shot->portrait->width = face->portrait->width;
		shot->portrait->height = face->portrait->height;
		memcpy(shot->portrait->rgb, face->portrait->rgb, portrait_bytes(face->portrait));
		shot->face.portrait = shot->portrait;
	}
	shot->camera = result->camera;
	shot->block_id = result->block_id;
	shot->device_ticks = result->device_ticks;
	shot->exposure_ns = result->exposure_ns;
}

void sp_best_shot_clear(struct sp_best_shot *shot)
{
	struct sp_portrait *portrait = shot->portrait;

	/* An earlier, larger portrait may lie behind the last one: all of it goes. */
	if (portrait && shot->any)
		explicit_bzero(portrait, sizeof(*portrait));
	explicit_bzero(shot, sizeof(*shot));
	shot->portrait = portrait;
}

int sp_best_shot_record(const struct sp_best_shot *shot, bool keep, uint32_t embedding_size,
			int jpeg_quality, struct sp_occupant *occupant, struct sp_err *err)
{
	const struct sp_face *face = &shot->face;
	size_t size;
	int rc;

	occupant->camera = shot->camera;
	occupant->block_id = shot->block_id;
	occupant->device_ticks = shot->device_ticks;
	occupant->score = face->score;
	occupant->quality = face->quality;
	occupant->reasons = face->reasons;
	if (!keep)
		return 0;
	memcpy(occupant->box, face->box, sizeof(occupant->box));
	memcpy(occupant->landmark, face->landmark, sizeof(occupant->landmark));
	if (face->embedded) {
		occupant->embedding_size = embedding_size;
		memcpy(occupant->embedding, face->embedding, embedding_size * sizeof(float));
	}
	if (!face->portrait)
		return 0;
	rc = sp_image_encode_jpeg(face->portrait->rgb, face->portrait->width,
				  face->portrait->height, jpeg_quality, &occupant->jpeg, &size,
				  err);
	if (rc)
		return rc;
	occupant->jpeg_size = (uint32_t)size;
	occupant->jpeg_width = face->portrait->width;
	occupant->jpeg_height = face->portrait->height;
	return 0;
}
