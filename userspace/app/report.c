/* SPDX-License-Identifier: Apache-2.0 */
#include "app/report.h"

#include <stdio.h>

#include "base/clock.h"
#include "infer/compute.h"
#include "lane/encounter.h"

static void add_details(json_t *object, const struct sp_quality *q)
{
	const struct {
		const char *name;
		float value;
	} details[] = {
		{ "yaw_error", q->yaw_error },
		{ "pitch_error", q->pitch_error },
		{ "roll_error", q->roll_error },
		{ "underexposed", q->underexposed },
		{ "overexposed", q->overexposed },
		{ "dynamic_range", q->dynamic_range },
		{ "contrast", q->contrast },
		{ "evenness", q->evenness },
		{ "aligned_occlusion", q->aligned_occlusion },
		{ "margin_left", q->margin_left },
		{ "margin_above", q->margin_above },
		{ "margin_right", q->margin_right },
		{ "margin_below", q->margin_below },
	};

	for (size_t i = 0; i < sizeof(details) / sizeof(details[0]); i++)
		json_object_set_new(object, details[i].name, json_real((double)details[i].value));
}

json_t *sp_report_quality(const struct sp_quality *q)
{
	json_t *object = json_pack("{s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f}", "eye_distance",
				   q->eye_distance, "yaw", q->yaw, "pitch", q->pitch, "roll",
				   q->roll, "sharpness", q->sharpness, "exposure", q->exposure,
				   "occlusion", q->occlusion, "network", q->network, "score",
				   q->score);

	if (q->detailed)
		add_details(object, q);
	return object;
}

json_t *sp_report_reasons(uint32_t reasons)
{
	json_t *array = json_array();

	for (unsigned int i = 0; i < SP_FACE_REASONS; i++)
		if (reasons >> i & 1)
			json_array_append_new(array, json_string(sp_face_reason_name(i)));
	return array;
}

char *sp_report_validity(uint32_t reasons, char *text, size_t size)
{
	size_t used = 0;

	/* Of a record of a later program, perhaps, with reasons of its own. */
	snprintf(text, size, reasons ? "unknown" : "valid");
	for (unsigned int i = 0; i < SP_FACE_REASONS && used < size; i++)
		if (reasons >> i & 1)
			used += (size_t)snprintf(text + used, size - used, "%s%s", used ? ", " : "",
						 sp_face_reason_name(i));
	return text;
}

static json_t *box_of(const float box[4])
{
	return json_pack("[f, f, f, f]", box[0], box[1], box[2], box[3]);
}

static json_t *landmarks_of(const float landmark[5][2])
{
	json_t *array = json_array();

	for (int i = 0; i < 5; i++)
		json_array_append_new(array, json_pack("[f, f]", landmark[i][0], landmark[i][1]));
	return array;
}

static json_t *embedding_of(const float *embedding, uint32_t size)
{
	json_t *array = json_array();

	for (uint32_t i = 0; i < size; i++)
		json_array_append_new(array, json_real(embedding[i]));
	return array;
}

json_t *sp_report_face(const struct sp_face *face, uint32_t embedding_size)
{
	json_t *object = json_pack(
		"{s:f, s:o, s:o, s:b, s:o, s:o}", "score", face->score, "box", box_of(face->box),
		"landmarks", landmarks_of(face->landmark), "valid", !face->reasons, "reasons",
		sp_report_reasons(face->reasons), "quality", sp_report_quality(&face->quality));

	if (embedding_size && face->embedded)
		json_object_set_new(object, "embedding",
				    embedding_of(face->embedding, embedding_size));
	return object;
}

const char *sp_report_decision(int decision)
{
	switch (decision) {
	case SP_MATCH:
		return "match";
	case SP_REFER:
		return "refer";
	default:
		return "no decision";
	}
}

static json_t *occupant_of(const struct sp_occupant *o, bool embeddings)
{
	char seen[32];
	json_t *object;

	object = json_pack("{s:i, s:i, s:i, s:I, s:s, s:f, s:o, s:o, s:b, s:o, s:o, s:s, s:I, s:b}",
			   "shots", (int)o->shots, "valid_shots", (int)o->valid_shots, "camera",
			   (int)o->camera, "block_id", (json_int_t)o->block_id, "seen",
			   sp_clock_format_utc(o->seen_utc_ns, seen, sizeof(seen)), "score",
			   o->score, "box", box_of(o->box), "landmarks", landmarks_of(o->landmark),
			   "valid", !o->reasons, "reasons", sp_report_reasons(o->reasons),
			   "quality", sp_report_quality(&o->quality), "decision",
			   sp_report_decision(o->decision), "image_bytes", (json_int_t)o->jpeg_size,
			   "template", o->embedding_size > 0);
	if (embeddings && o->embedding_size)
		json_object_set_new(object, "embedding",
				    embedding_of(o->embedding, o->embedding_size));
	return object;
}

json_t *sp_report_encounter(const struct sp_encounter *e, bool embeddings)
{
	char id[SP_ENCOUNTER_ID_TEXT], begin[32], end[32];
	json_t *occupants = json_array();

	for (uint32_t i = 0; i < e->occupants_n; i++)
		json_array_append_new(occupants, occupant_of(&e->occupants[i], embeddings));
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:i, s:i, s:i, s:o}", "id",
			 sp_encounter_id_format(&e->id, id), "lane", e->lane, "purpose", e->purpose,
			 "begin", sp_clock_format_utc(e->begin_utc_ns, begin, sizeof(begin)), "end",
			 sp_clock_format_utc(e->end_utc_ns, end, sizeof(end)), "triggered",
			 e->triggered, "frames", (int)e->frames, "tombstones", (int)e->tombstones,
			 "occupants_dropped", (int)e->occupants_dropped, "occupants", occupants);
}
