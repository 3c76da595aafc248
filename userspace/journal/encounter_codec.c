/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An encounter as bytes: a version, then fields {u16 tag, u16 zero, u32 length, value}. The layout
 * of each field is in docs/journal-format.md. A field may grow at its end, and new tags may appear:
 * older readers skip what they do not know, unless the tag has the critical bit. A known tag never
 * changes its meaning.
 */
#include "journal/record.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/le.h"
#include "lane/encounter.h"

enum {
	VERSION = 1,
	FIELD_HEADER = 8,
	CRITICAL = 1 << 15, /* of a tag: who does not know it must not read on */
};

/* Of an encounter. All but the occupants are there exactly once. */
enum {
	TAG_ID = 1,	/* 16 bytes */
	TAG_LANE,	/* text without a NUL */
	TAG_PURPOSE,	/* text without a NUL */
	TAG_EMBEDDER,	/* SP_MODEL_ID_SIZE bytes */
	TAG_TIMES,	/* u64 ×4 */
	TAG_COUNTS,	/* u32 ×5 */
	TAG_OCCUPANT,	/* fields; as often as there are occupants */
	TAGS,
};

/* Of an occupant. Embedding and JPEG may be absent. */
enum {
	TAG_SHOTS = 1,	/* u32 ×5 */
	TAG_SEEN,	/* u64 ×3 */
	TAG_FACE,	/* f32 ×15 */
	TAG_QUALITY,	/* f32 ×9, of older records; ×22 */
	TAG_EMBEDDING,	/* f32 ×n */
	TAG_JPEG,	/* u32 ×2, the file */
	OCCUPANT_TAGS,
};

enum {
	TIMES_SIZE = 32, COUNTS_SIZE = 20, SHOTS_SIZE = 20, SEEN_SIZE = 24,
	FACE_FLOATS = 15, QUALITY_FLOATS = 9, DETAILED_FLOATS = 22, JPEG_HEADER = 8,
};

/* ---- writing: what does not fit is only counted -------------------------------------------- */

struct out {
	uint8_t *bytes;
	size_t size, used;
};

static void put(struct out *out, const void *bytes, size_t n)
{
	if (n && out->used <= out->size && n <= out->size - out->used)
		memcpy(out->bytes + out->used, bytes, n);
	out->used += n;
}

static void put32(struct out *out, uint32_t v)
{
	uint8_t bytes[4];

	sp_le32_put(bytes, v);
	put(out, bytes, sizeof(bytes));
}

static void put64(struct out *out, uint64_t v)
{
	uint8_t bytes[8];

	sp_le64_put(bytes, v);
	put(out, bytes, sizeof(bytes));
}

static void put_floats(struct out *out, const float *v, size_t n)
{
	uint8_t bytes[4];

	for (size_t i = 0; i < n; i++) {
		sp_lef32_put(bytes, v[i]);
		put(out, bytes, sizeof(bytes));
	}
}

static void put_field(struct out *out, uint16_t tag, size_t length)
{
	put32(out, tag);
	put32(out, (uint32_t)length);
}

/* Where a field of unknown length begins; end_field writes it. */
static size_t begin_field(struct out *out, uint16_t tag)
{
	put_field(out, tag, 0);
	return out->used;
}

static void end_field(struct out *out, size_t start)
{
	if (out->used <= out->size)
		sp_le32_put(out->bytes + start - 4, (uint32_t)(out->used - start));
}

static void put_text(struct out *out, uint16_t tag, const char *text)
{
	size_t n = strnlen(text, SP_NAME_MAX);

	put_field(out, tag, n);
	put(out, text, n);
}

/* Returns how many there are. */
static size_t quality_floats(const struct sp_quality *q, float v[DETAILED_FLOATS])
{
	const float all[DETAILED_FLOATS] = {
		q->eye_distance, q->yaw, q->pitch, q->roll, q->sharpness, q->exposure,
		q->occlusion, q->network, q->score,
		q->yaw_error, q->pitch_error, q->roll_error, q->underexposed, q->overexposed,
		q->dynamic_range, q->contrast, q->evenness, q->aligned_occlusion, q->margin_left,
		q->margin_above, q->margin_right, q->margin_below,
	};

	memcpy(v, all, sizeof(all));
	return q->detailed ? DETAILED_FLOATS : QUALITY_FLOATS;
}

static void put_quality(struct out *out, const struct sp_quality *q)
{
	float v[DETAILED_FLOATS];
	size_t n = quality_floats(q, v);

	put_field(out, TAG_QUALITY, n * 4);
	put_floats(out, v, n);
}

static void put_occupant(struct out *out, const struct sp_occupant *o)
{
	size_t start = begin_field(out, TAG_OCCUPANT);

	put_field(out, TAG_SHOTS, SHOTS_SIZE);
	put32(out, o->shots);
	put32(out, o->valid_shots);
	put32(out, o->camera);
	put32(out, o->reasons);
	put32(out, o->decision);
	put_field(out, TAG_SEEN, SEEN_SIZE);
	put64(out, o->block_id);
	put64(out, o->device_ticks);
	put64(out, o->seen_utc_ns);
	put_field(out, TAG_FACE, FACE_FLOATS * 4);
	put_floats(out, o->box, 4);
	put_floats(out, &o->landmark[0][0], 10);
	put_floats(out, &o->score, 1);
	put_quality(out, &o->quality);
	if (o->embedding_size) {
		put_field(out, TAG_EMBEDDING, o->embedding_size * 4);
		put_floats(out, o->embedding, o->embedding_size);
	}
	if (o->jpeg_size) {
		put_field(out, TAG_JPEG, JPEG_HEADER + (size_t)o->jpeg_size);
		put32(out, o->jpeg_width);
		put32(out, o->jpeg_height);
		put(out, o->jpeg, o->jpeg_size);
	}
	end_field(out, start);
}

/* ---- what an encounter may say, in either direction ---------------------------------------- */

static bool all_finite(const float *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!isfinite(v[i]))
			return false;
	return true;
}

/* NULL, or what is wrong. */
static const char *check_occupant(const struct sp_occupant *o)
{
	float quality[DETAILED_FLOATS];

	if (o->decision != SP_NO_DECISION && o->decision != SP_MATCH && o->decision != SP_REFER)
		return "unknown decision";
	if (!all_finite(o->box, 4) || !all_finite(&o->landmark[0][0], 10) || !isfinite(o->score) ||
	    !all_finite(quality, quality_floats(&o->quality, quality)))
		return "a measure is not finite";
	if (o->embedding_size > SP_EMBEDDING_MAX)
		return "embedding too long";
	if (!all_finite(o->embedding, o->embedding_size))
		return "an embedding is not finite";
	if (o->jpeg_size > SP_RECORD_MAX || (o->jpeg_size && !o->jpeg))
		return "bad portrait";
	return NULL;
}

static const char *check_encounter(const struct sp_encounter *e)
{
	const char *wrong = NULL;

	if (strnlen(e->lane, SP_NAME_MAX) == SP_NAME_MAX ||
	    strnlen(e->purpose, SP_NAME_MAX) == SP_NAME_MAX)
		return "a name is too long";
	if (e->occupants_n > SP_OCCUPANTS_MAX)
		return "too many occupants";
	for (unsigned int i = 0; i < e->occupants_n && !wrong; i++)
		wrong = check_occupant(&e->occupants[i]);
	return wrong;
}

int64_t sp_record_encode_encounter(const struct sp_encounter *e, uint8_t *bytes, size_t size,
				   size_t *ret_needed)
{
	struct out out = { bytes, size, 0 };

	if (check_encounter(e))
		return -EINVAL;
	put32(&out, VERSION);
	put_field(&out, TAG_ID, sizeof(e->id.bytes));
	put(&out, e->id.bytes, sizeof(e->id.bytes));
	put_text(&out, TAG_LANE, e->lane);
	put_text(&out, TAG_PURPOSE, e->purpose);
	put_field(&out, TAG_EMBEDDER, SP_MODEL_ID_SIZE);
	put(&out, e->embedder_id, SP_MODEL_ID_SIZE);
	put_field(&out, TAG_TIMES, TIMES_SIZE);
	put64(&out, e->begin_utc_ns);
	put64(&out, e->end_utc_ns);
	put64(&out, e->begin_ns);
	put64(&out, e->end_ns);
	put_field(&out, TAG_COUNTS, COUNTS_SIZE);
	put32(&out, e->triggered);
	put32(&out, e->frames);
	put32(&out, e->tombstones);
	put32(&out, e->occupants_n);
	put32(&out, e->occupants_dropped);
	for (unsigned int i = 0; i < e->occupants_n; i++)
		put_occupant(&out, &e->occupants[i]);
	if (ret_needed)
		*ret_needed = out.used;
	return out.used > size ? -ENOSPC : (int64_t)out.used;
}

/* ---- reading ------------------------------------------------------------------------------- */

struct field {
	uint16_t tag;
	size_t size;
	const uint8_t *bytes;
};

/* Takes the next field off *@bytes. NULL, or what is wrong. */
static const char *take_field(const uint8_t **bytes, size_t *size, struct field *ret_field)
{
	uint32_t length;

	if (*size < FIELD_HEADER)
		return "cut in a field's header";
	length = sp_le32_get(*bytes + 4);
	if (length > *size - FIELD_HEADER)
		return "a field is longer than the record";
	ret_field->tag = sp_le16_get(*bytes);
	ret_field->size = length;
	ret_field->bytes = *bytes + FIELD_HEADER;
	if (sp_le16_get(*bytes + 2))
		return "a field's header has bits of a later version";
	*bytes += FIELD_HEADER + length;
	*size -= FIELD_HEADER + length;
	return NULL;
}

static void get_floats(const uint8_t *bytes, float *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		v[i] = sp_lef32_get(bytes + 4 * i);
}

/* A record from before there were details has none. */
static void get_quality(const struct field *field, struct sp_quality *ret_quality)
{
	bool detailed = field->size >= DETAILED_FLOATS * 4;
	float v[DETAILED_FLOATS] = { 0 };

	get_floats(field->bytes, v, detailed ? DETAILED_FLOATS : QUALITY_FLOATS);
	*ret_quality = (struct sp_quality){
		v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8], detailed,
		v[9], v[10], v[11], v[12], v[13], v[14], v[15], v[16], v[17], v[18],
		v[19], v[20], v[21],
	};
}

static const char *get_jpeg(const struct field *field, struct sp_occupant *o)
{
	size_t n = field->size - JPEG_HEADER;

	if (!n || n > SP_RECORD_MAX)
		return "bad portrait";
	o->jpeg = malloc(n);
	if (!o->jpeg)
		return "no memory for a portrait";
	memcpy(o->jpeg, field->bytes + JPEG_HEADER, n);
	o->jpeg_size = (uint32_t)n;
	o->jpeg_width = sp_le32_get(field->bytes);
	o->jpeg_height = sp_le32_get(field->bytes + 4);
	return NULL;
}

static const char *get_occupant_field(const struct field *field, struct sp_occupant *o)
{
	const uint8_t *p = field->bytes;

	switch (field->tag) {
	case TAG_SHOTS:
		o->shots = sp_le32_get(p);
		o->valid_shots = sp_le32_get(p + 4);
		if (sp_le32_get(p + 8) > UINT16_MAX)
			return "bad camera";
		o->camera = (uint16_t)sp_le32_get(p + 8);
		o->reasons = sp_le32_get(p + 12);
		if (sp_le32_get(p + 16) > SP_REFER)
			return "unknown decision";
		o->decision = (enum sp_decision)sp_le32_get(p + 16);
		break;
	case TAG_SEEN:
		o->block_id = sp_le64_get(p);
		o->device_ticks = sp_le64_get(p + 8);
		o->seen_utc_ns = sp_le64_get(p + 16);
		break;
	case TAG_FACE:
		get_floats(p, o->box, 4);
		get_floats(p + 16, &o->landmark[0][0], 10);
		get_floats(p + 56, &o->score, 1);
		break;
	case TAG_QUALITY:
		if (field->size > QUALITY_FLOATS * 4 && field->size < DETAILED_FLOATS * 4)
			return "some details of quality are missing";
		get_quality(field, &o->quality);
		break;
	case TAG_EMBEDDING:
		if (field->size % 4 || field->size > SP_EMBEDDING_MAX * 4)
			return "bad embedding length";
		o->embedding_size = (uint32_t)(field->size / 4);
		get_floats(p, o->embedding, o->embedding_size);
		break;
	case TAG_JPEG:
		return get_jpeg(field, o);
	}
	return NULL;
}

/* What the fields of one level must be: @least bytes of each tag; which must be there. */
struct rules {
	const size_t *least;
	unsigned int tags;
	uint32_t required, repeated; /* bits by tag */
};

/* NULL if the field is to be read or, with @ret_known false, skipped; or what is wrong. */
static const char *check_field(const struct rules *rules, const struct field *field,
			       uint32_t *seen, bool *ret_known)
{
	*ret_known = field->tag > 0 && field->tag < rules->tags;
	if (!*ret_known)
		return field->tag & CRITICAL || !field->tag ? "a field of a later version" : NULL;
	if (*seen & 1u << field->tag & ~rules->repeated)
		return "a field comes twice";
	*seen |= 1u << field->tag;
	return field->size < rules->least[field->tag] ? "a field is too short" : NULL;
}

static const char *get_occupant(const uint8_t *bytes, size_t size, struct sp_occupant *o)
{
	static const size_t least[OCCUPANT_TAGS] = {
		[TAG_SHOTS] = SHOTS_SIZE, [TAG_SEEN] = SEEN_SIZE, [TAG_FACE] = FACE_FLOATS * 4,
		[TAG_QUALITY] = QUALITY_FLOATS * 4, [TAG_EMBEDDING] = 4, [TAG_JPEG] = JPEG_HEADER,
	};
	static const struct rules rules = {
		least, OCCUPANT_TAGS,
		1 << TAG_SHOTS | 1 << TAG_SEEN | 1 << TAG_FACE | 1 << TAG_QUALITY, 0,
	};
	const char *wrong = NULL;
	struct field field;
	uint32_t seen = 0;
	bool known;

	while (size && !wrong) {
		wrong = take_field(&bytes, &size, &field);
		if (!wrong)
			wrong = check_field(&rules, &field, &seen, &known);
		if (!wrong && known)
			wrong = get_occupant_field(&field, o);
	}
	if (!wrong && (seen & rules.required) != rules.required)
		wrong = "an occupant's field is missing";
	return wrong ? wrong : check_occupant(o);
}

static const char *get_text(const struct field *field, char text[SP_NAME_MAX])
{
	if (field->size >= SP_NAME_MAX || memchr(field->bytes, 0, field->size))
		return "bad name";
	memcpy(text, field->bytes, field->size);
	text[field->size] = 0;
	return NULL;
}

static const char *get_field(const struct field *field, struct sp_encounter *e,
			     uint32_t *ret_occupants)
{
	const uint8_t *p = field->bytes;

	switch (field->tag) {
	case TAG_ID:
		memcpy(e->id.bytes, p, sizeof(e->id.bytes));
		break;
	case TAG_LANE:
		return get_text(field, e->lane);
	case TAG_PURPOSE:
		return get_text(field, e->purpose);
	case TAG_EMBEDDER:
		memcpy(e->embedder_id, p, SP_MODEL_ID_SIZE);
		break;
	case TAG_TIMES:
		e->begin_utc_ns = sp_le64_get(p);
		e->end_utc_ns = sp_le64_get(p + 8);
		e->begin_ns = sp_le64_get(p + 16);
		e->end_ns = sp_le64_get(p + 24);
		break;
	case TAG_COUNTS:
		if (sp_le32_get(p) > 1)
			return "bad trigger mark";
		e->triggered = sp_le32_get(p);
		e->frames = sp_le32_get(p + 4);
		e->tombstones = sp_le32_get(p + 8);
		*ret_occupants = sp_le32_get(p + 12);
		e->occupants_dropped = sp_le32_get(p + 16);
		break;
	case TAG_OCCUPANT:
		if (e->occupants_n == SP_OCCUPANTS_MAX)
			return "too many occupants";
		return get_occupant(p, field->size, &e->occupants[e->occupants_n++]);
	}
	return NULL;
}

static const char *get_encounter(const uint8_t *bytes, size_t size, struct sp_encounter *e)
{
	static const size_t least[TAGS] = {
		[TAG_ID] = 16, [TAG_EMBEDDER] = SP_MODEL_ID_SIZE, [TAG_TIMES] = TIMES_SIZE,
		[TAG_COUNTS] = COUNTS_SIZE,
	};
	static const struct rules rules = {
		least, TAGS,
		1 << TAG_ID | 1 << TAG_LANE | 1 << TAG_PURPOSE | 1 << TAG_EMBEDDER |
			1 << TAG_TIMES | 1 << TAG_COUNTS,
		1 << TAG_OCCUPANT,
	};
	uint32_t seen = 0, occupants = 0;
	const char *wrong = NULL;
	struct field field;
	bool known;

	while (size && !wrong) {
		wrong = take_field(&bytes, &size, &field);
		if (!wrong)
			wrong = check_field(&rules, &field, &seen, &known);
		if (!wrong && known)
			wrong = get_field(&field, e, &occupants);
	}
	if (!wrong && (seen & rules.required) != rules.required)
		wrong = "a field is missing";
	if (!wrong && occupants != e->occupants_n)
		wrong = "an occupant is missing";
	return wrong;
}

int sp_record_decode_encounter(const uint8_t *bytes, size_t size,
			       struct sp_encounter *ret_encounter, struct sp_err *err)
{
	struct sp_encounter *e;
	const char *wrong;

	if (size < 4)
		return sp_err_set(err, -EBADMSG, "encounter record: cut short");
	if (sp_le32_get(bytes) != VERSION)
		return sp_err_set(err, -EBADMSG, "encounter record: version %" PRIu32
				  "; this program reads %d", sp_le32_get(bytes), VERSION);
	e = calloc(1, sizeof(*e));
	if (!e)
		return sp_err_set(err, -ENOMEM, "encounter record: no memory");
	wrong = get_encounter(bytes + 4, size - 4, e);
	if (wrong) {
		sp_encounter_clear(e);
		free(e);
		return sp_err_set(err, -EBADMSG, "encounter record: %s", wrong);
	}
	*ret_encounter = *e;
	free(e);
	return 0;
}
