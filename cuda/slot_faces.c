/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's share of a batch: one list of faces from all looks at a frame, and from what the
 * device measured the results. What cpu/worker.c does for one frame, with the same rules.
 */
#include "cuda/slot.h"

#include <string.h>

#include "base/ring.h"
#include "infer/align.h"
#include "infer/element.h"
#include "infer/portrait.h"
#include "infer/quality.h"
#include "infer/sighting.h"

/* ---- faces ----------------------------------------------------------------------------------- */

/* Where in the frame the picture lies that has the face's landmarks at @points. 0 or -errno. */
static int place(const struct sp_face *face, const float points[5][2],
		 struct sp_similarity *ret_to_frame)
{
	struct sp_similarity to_points;
	int rc = sp_align_fit(face->landmark, points, &to_points);

	return rc ? rc : sp_align_invert(&to_points, ret_to_frame);
}

/* Without a picture where the points are in a heap: whatever becomes of it is not looked at. */
static void turn(struct sp_slot *slot, const struct sp_slot_frame *frame,
		 const struct sp_face *face, uint32_t at)
{
	const float(*points[SP_FACE_VIEWS])[2] = {
		sp_align_template,
		slot->setup->quality.card.points,
		slot->setup->embedder.card.points,
	};
	const bool wanted[SP_FACE_VIEWS] = { true, slot->setup->quality.own_points,
					     slot->setup->embedder.own_points };

	for (unsigned int v = 0; v < SP_FACE_VIEWS; v++) {
		struct sp_warp_face *warp = &slot->lists.views[v][at];

		memset(warp, 0, sizeof(*warp));
		if (wanted[v] && !place(face, points[v], &warp->to_frame))
			warp->picture = frame->picture;
	}
}

static bool is_turned(const struct sp_slot *slot, enum sp_face_view view, uint32_t at)
{
	return slot->lists.views[view][at].picture.at;
}

/* A box that is wholly outside has no portrait, nor has any face once there are no empty ones. */
static void take_portrait(struct sp_slot *slot, const struct sp_slot_frame *frame,
			  struct sp_face *face, uint32_t at, struct sp_ring *portraits,
			  void **spare, const struct sp_device_arena *memory)
{
	struct sp_portrait_face *to = &slot->lists.portraits[at];
	struct sp_portrait *portrait;

	memset(to, 0, sizeof(*to));
	face->portrait = NULL;
	if (!*spare && !sp_ring_pop(portraits, spare, 1))
		return;
	if (sp_portrait_place(face->box, frame->frame.width, frame->frame.height, &to->rect,
			      &to->width, &to->height))
		return;
	portrait = *spare;
	*spare = NULL;
	portrait->width = to->width;
	portrait->height = to->height;
	to->picture = frame->picture;
	to->rgb = sp_device_arena_seen(memory, portrait->rgb);
	face->portrait = portrait;
}

static void begin_face(const struct sp_sighting *sighting, struct sp_face *face)
{
	memcpy(face->box, sighting->face.box, sizeof(face->box));
	memcpy(face->landmark, sighting->face.landmark, sizeof(face->landmark));
	face->score = sighting->face.score;
	memset(&face->quality, 0, sizeof(face->quality));
	face->reasons = 0;
	face->embedded = false;
	sp_quality_from_landmarks(face->landmark, &face->quality);
}

static void gather_sightings(struct sp_slot *slot, const struct sp_slot_frame *frame,
			     struct sp_sightings *sightings)
{
	sightings->n = 0;
	for (unsigned int i = 0; i < frame->looks_n; i++) {
		const struct sp_decoded *decoded = &slot->decoded[frame->place[i]];

		sp_sightings_add(sightings, decoded->of, decoded->n, frame->looks, i,
				 frame->frame.width, frame->frame.height);
	}
	sp_sightings_merge(sightings, frame->looks, slot->setup->detector.card.overlap_max);
}

void sp_slot_find(struct sp_slot *slot, struct sp_sightings *sightings, struct sp_ring *portraits,
		  void **spare_portrait, const struct sp_device_arena *portraits_memory)
{
	for (unsigned int f = 0; f < slot->n; f++) {
		struct sp_slot_frame *frame = &slot->frames[f];
		struct sp_result *result = frame->result;

		gather_sightings(slot, frame, sightings);
		frame->first_face = slot->faces_n;
		for (unsigned int i = 0; i < sightings->n && i < SP_FACES_MAX; i++) {
			struct sp_face *face = &result->faces[i];
			uint32_t at = slot->faces_n++;

			begin_face(&sightings->of[i], face);
			frame->cut[i] = sightings->of[i].cut;
			turn(slot, frame, face, at);
			take_portrait(slot, frame, face, at, portraits, spare_portrait,
				      portraits_memory);
			result->faces_n++;
		}
		result->faces_dropped = sightings->n - result->faces_n;
	}
}

/* ---- what was measured ----------------------------------------------------------------------- */

static void measure(const struct sp_slot *slot, const struct sp_slot_frame *frame,
		    struct sp_face *face, uint32_t at)
{
	const struct sp_aligned_measures *measures = &slot->lists.measures[at];
	const struct sp_model_card *card = &slot->setup->quality.card;
	struct sp_quality *quality = &face->quality;

	quality->sharpness = measures->sharpness;
	quality->exposure = measures->exposure;
	quality->contrast = measures->contrast;
	quality->underexposed = measures->underexposed;
	quality->overexposed = measures->overexposed;
	quality->dynamic_range = measures->dynamic_range;
	quality->evenness = measures->evenness;
	sp_quality_pose_errors(face->landmark, slot->setup->detector.card.landmark_error, quality);
	sp_quality_from_frame(face->landmark, frame->frame.width, frame->frame.height, quality);
	quality->detailed = 1;
	if (slot->setup->quality.model)
		quality->network = sp_clamp(
			(slot->lists.quality[at] - card->worst) / (card->best - card->worst), 0, 1);
}

static uint32_t judge(const struct sp_slot *slot, const struct sp_slot_frame *frame,
		      struct sp_face *face, uint32_t at)
{
	const struct sp_similarity *to_frame = &slot->lists.views[SP_VIEW_USUAL][at].to_frame;
	struct sp_quality_place where = {
		.box = face->box,
		.width = frame->frame.width,
		.height = frame->frame.height,
		.network = slot->setup->quality.model,
	};

	where.damaged = sp_quality_from_damage(&frame->frame, face->box,
					       is_turned(slot, SP_VIEW_USUAL, at) ? to_frame : NULL,
					       &face->quality);
	face->quality.score = sp_quality_rank(&face->quality, where.network);
	return sp_quality_reasons(&face->quality, &slot->setup->limits, &where);
}

static void embed(const struct sp_slot *slot, struct sp_face *face, uint32_t at)
{
	const struct sp_setup_model *model = &slot->setup->embedder;
	enum sp_face_view view = model->own_points ? SP_VIEW_EMBEDDER : SP_VIEW_USUAL;

	/* A vector without a direction is no template. */
	face->embedded = is_turned(slot, view, at) && slot->lists.valid[at];
	if (face->embedded)
		memcpy(face->embedding, slot->lists.embedding + (size_t)at * model->numbers,
		       model->numbers * sizeof(float));
}

static void judge_face(const struct sp_slot *slot, const struct sp_slot_frame *frame,
		       struct sp_face *face, bool cut, uint32_t at)
{
	const struct sp_setup *setup = slot->setup;
	bool turned = is_turned(slot, SP_VIEW_USUAL, at);

	if (turned && setup->quality.own_points)
		turned = is_turned(slot, SP_VIEW_QUALITY, at);
	if (turned)
		measure(slot, frame, face, at);
	face->reasons = judge(slot, frame, face, at) | (cut ? SP_FACE_CUT : 0);
	if (!turned)
		face->reasons |= SP_FACE_TURNED; /* five points in one place are no face to use */
	else if (setup->embedder.model && (!face->reasons || setup->embed_invalid))
		embed(slot, face, at);
}

void sp_slot_judge(struct sp_slot *slot)
{
	for (unsigned int f = 0; f < slot->n; f++) {
		const struct sp_slot_frame *frame = &slot->frames[f];
		struct sp_result *result = frame->result;

		for (uint32_t i = 0; i < result->faces_n; i++)
			judge_face(slot, frame, &result->faces[i], frame->cut[i],
				   frame->first_face + i);
	}
}
