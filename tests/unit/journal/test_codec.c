/* SPDX-License-Identifier: Apache-2.0 */
/* Encounters as bytes. */
#include "journal/record.h"

#include <assert.h>
#include <errno.h>
#include <math.h>

#include "base/diag.h"
#include "base/le.h"
#include "lane/encounter.h"
#include "test.h"

enum { ROOM = 256 << 10 };

/* Of struct sp_quality: those that the first records had, and those that came later. */
enum { OLD_FLOATS = 9, NEW_FLOATS = 13 };

static_assert(sizeof(struct sp_quality) == 4 * (OLD_FLOATS + 1 + NEW_FLOATS),
	      "members without a test");

static uint8_t bytes[ROOM];

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static float any_float(uint64_t *random)
{
	return (float)((int64_t)(next_random(random) % 2000001) - 1000000) / 997.0f;
}

static void any_name(uint64_t *random, char name[SP_NAME_MAX])
{
	unsigned int n = (unsigned)(next_random(random) % SP_NAME_MAX);

	for (unsigned int i = 0; i < n; i++)
		name[i] = (char)(1 + next_random(random) % 255);
	name[n] = 0;
}

static void fill_floats(uint64_t *random, float *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		v[i] = any_float(random);
}

static void any_occupant(uint64_t *random, struct sp_occupant *o)
{
	o->shots = (uint32_t)next_random(random);
	o->valid_shots = (uint32_t)next_random(random);
	o->camera = (uint16_t)next_random(random);
	o->block_id = next_random(random);
	o->device_ticks = next_random(random);
	o->seen_utc_ns = next_random(random);
	fill_floats(random, o->box, 4);
	fill_floats(random, &o->landmark[0][0], 10);
	o->score = any_float(random);
	fill_floats(random, &o->quality.eye_distance, OLD_FLOATS);
	o->quality.detailed = next_random(random) & 1;
	if (o->quality.detailed)
		fill_floats(random, &o->quality.yaw_error, NEW_FLOATS);
	o->reasons = (uint32_t)next_random(random);
	o->decision = (enum sp_decision)(next_random(random) % 3);
	if (next_random(random) % 3) {
		o->embedding_size = 1 + (uint32_t)(next_random(random) % SP_EMBEDDING_MAX);
		fill_floats(random, o->embedding, o->embedding_size);
	}
	if (next_random(random) % 3) {
		o->jpeg_size = 1 + (uint32_t)(next_random(random) % 3000);
		o->jpeg = malloc(o->jpeg_size);
		CHECK(o->jpeg);
		for (uint32_t i = 0; i < o->jpeg_size; i++)
			o->jpeg[i] = (uint8_t)next_random(random);
		o->jpeg_width = (uint32_t)next_random(random);
		o->jpeg_height = (uint32_t)next_random(random);
	}
}

/* The caller clears and frees it. */
static struct sp_encounter *any_encounter(uint64_t *random, unsigned int occupants_max)
{
	struct sp_encounter *e = calloc(1, sizeof(*e));

	CHECK(e);
	for (unsigned int i = 0; i < 16; i++)
		e->id.bytes[i] = (uint8_t)next_random(random);
	any_name(random, e->lane);
	any_name(random, e->purpose);
	for (unsigned int i = 0; i < SP_MODEL_ID_SIZE; i++)
		e->embedder_id[i] = (uint8_t)next_random(random);
	e->begin_utc_ns = next_random(random);
	e->end_utc_ns = next_random(random);
	e->begin_ns = next_random(random);
	e->end_ns = next_random(random);
	e->triggered = next_random(random) & 1;
	e->frames = (uint32_t)next_random(random);
	e->tombstones = (uint32_t)next_random(random);
	e->occupants_dropped = (uint32_t)next_random(random);
	e->occupants_n = (uint32_t)(next_random(random) % (occupants_max + 1));
	for (unsigned int i = 0; i < e->occupants_n; i++)
		any_occupant(random, &e->occupants[i]);
	return e;
}

static void done(struct sp_encounter *e)
{
	sp_encounter_clear(e);
	free(e);
}

static size_t encode(const struct sp_encounter *e)
{
	size_t needed = 0;
	int64_t n = sp_record_encode_encounter(e, bytes, ROOM, &needed);

	CHECK(n > 0);
	CHECK_EQ(n, needed);
	return (size_t)n;
}

static void check_same(struct sp_encounter *a, struct sp_encounter *b)
{
	CHECK_EQ(a->occupants_n, b->occupants_n);
	CHECK_STR(a->lane, b->lane);
	CHECK_STR(a->purpose, b->purpose);
	for (unsigned int i = 0; i < a->occupants_n; i++) {
		struct sp_occupant *x = &a->occupants[i], *y = &b->occupants[i];
		uint8_t *jpeg = y->jpeg;

		CHECK_EQ(x->jpeg_size, y->jpeg_size);
		if (x->jpeg_size)
			CHECK(!memcmp(x->jpeg, y->jpeg, x->jpeg_size));
		y->jpeg = x->jpeg;
		/* Both came from calloc, so that the padding is equal too. */
		CHECK(!memcmp(x, y, sizeof(*x)));
		y->jpeg = jpeg;
	}
	CHECK(!memcmp(&a->id, &b->id, sizeof(a->id)));
	CHECK(!memcmp(a->embedder_id, b->embedder_id, SP_MODEL_ID_SIZE));
	CHECK(!memcmp(&a->begin_utc_ns, &b->begin_utc_ns, 4 * sizeof(uint64_t)));
	CHECK_EQ(a->triggered, b->triggered);
	CHECK_EQ(a->frames, b->frames);
	CHECK_EQ(a->tombstones, b->tombstones);
	CHECK_EQ(a->occupants_dropped, b->occupants_dropped);
}

TEST(encounter_round_trip)
{
	struct sp_encounter *back = calloc(1, sizeof(*back));
	struct sp_err err;

	CHECK(back);
	for (uint64_t seed = 1; seed <= 300; seed++) {
		uint64_t random = seed * 0x9E3779B97F4A7C15ull;
		struct sp_encounter *e = any_encounter(&random, SP_OCCUPANTS_MAX);
		size_t n = encode(e);

		if (sp_record_decode_encounter(bytes, n, back, &err))
			FAIL("seed %" PRIu64 ": %s", seed, err.text);
		check_same(e, back);
		sp_encounter_clear(back);
		done(e);
	}
	free(back);
}

TEST(encounter_too_large_for_its_room)
{
	uint64_t random = 4;
	struct sp_encounter *e = any_encounter(&random, 4);
	size_t n = encode(e), needed;
	uint8_t *room = malloc(n);

	CHECK(room);
	for (size_t size = 0; size < n; size++) {
		uint8_t *tight = malloc(size ? size : 1);

		CHECK(tight);
		needed = 0;
		CHECK_EQ(sp_record_encode_encounter(e, tight, size, &needed), -ENOSPC);
		CHECK_EQ(needed, n);
		free(tight);
		size += size / 64;
	}
	CHECK_EQ(sp_record_encode_encounter(e, room, n, NULL), n);
	CHECK(!memcmp(room, bytes, n));
	free(room);
	done(e);
}

TEST(encounter_that_cannot_be_read_is_not_written)
{
	uint64_t random = 21;
	struct sp_encounter *e = any_encounter(&random, 0);

	e->occupants_n = 1;
	any_occupant(&random, &e->occupants[0]);
	CHECK(encode(e));
	e->occupants[0].quality.network = NAN;
	CHECK_EQ(sp_record_encode_encounter(e, bytes, ROOM, NULL), -EINVAL);
	e->occupants[0].quality.network = 0;
	e->occupants[0].landmark[4][1] = INFINITY;
	CHECK_EQ(sp_record_encode_encounter(e, bytes, ROOM, NULL), -EINVAL);
	e->occupants[0].landmark[4][1] = 0;
	e->occupants[0].decision = (enum sp_decision)7;
	CHECK_EQ(sp_record_encode_encounter(e, bytes, ROOM, NULL), -EINVAL);
	e->occupants[0].decision = SP_MATCH;
	memset(e->lane, 'x', SP_NAME_MAX);
	CHECK_EQ(sp_record_encode_encounter(e, bytes, ROOM, NULL), -EINVAL);
	e->lane[0] = 0;
	CHECK(encode(e));
	done(e);
}

/* In exactly as many bytes, so that a sanitizer sees a read behind them. */
static int decode_copy(const uint8_t *from, size_t n)
{
	uint8_t *copy = malloc(n ? n : 1);
	struct sp_encounter *back = calloc(1, sizeof(*back));
	struct sp_err err = { "" };
	int ret;

	CHECK(copy && back);
	memcpy(copy, from, n);
	ret = sp_record_decode_encounter(copy, n, back, &err);
	if (!ret)
		sp_encounter_clear(back);
	else
		CHECK(*err.text);
	free(back);
	free(copy);
	return ret;
}

TEST(every_truncation_is_refused)
{
	for (uint64_t seed = 1; seed <= 5; seed++) {
		uint64_t random = seed * 0x9E3779B97F4A7C15ull;
		struct sp_encounter *e = any_encounter(&random, 3);
		size_t n = encode(e);

		for (size_t cut = 0; cut < n; cut++)
			CHECK_EQ(decode_copy(bytes, cut), -EBADMSG);
		CHECK_EQ(decode_copy(bytes, n), 0);
		done(e);
	}
}

/* A changed value may be read as a value; a changed length or tag never leads out of the record. */
TEST(every_flipped_byte_is_refused_or_harmless)
{
	for (uint64_t seed = 1; seed <= 5; seed++) {
		uint64_t random = seed * 0xD1342543DE82EF95ull;
		struct sp_encounter *e = any_encounter(&random, 3);
		size_t n = encode(e);

		for (size_t at = 0; at < n; at++) {
			uint8_t old = bytes[at], flip = (uint8_t)(1 + next_random(&random) % 255);
			int ret;

			bytes[at] ^= flip;
			ret = decode_copy(bytes, n);
			CHECK(!ret || ret == -EBADMSG);
			bytes[at] = old;
		}
		done(e);
	}
}

/* Appends a field to the record. */
static size_t add_field(size_t n, uint16_t tag, size_t length)
{
	sp_le32_put(bytes + n, tag);
	sp_le32_put(bytes + n + 4, (uint32_t)length);
	memset(bytes + n + 8, 0xAB, length);
	return n + 8 + length;
}

TEST(fields_of_a_later_version)
{
	struct sp_encounter *back = calloc(1, sizeof(*back)), *e;
	uint64_t random = 99;
	size_t n;

	CHECK(back);
	e = any_encounter(&random, 2);
	n = add_field(encode(e), 500, 33);
	CHECK_EQ(sp_record_decode_encounter(bytes, n, back, NULL), 0);
	check_same(e, back);
	sp_encounter_clear(back);
	/* One that must be understood. */
	n = add_field(encode(e), 0x8000 | 500, 33);
	CHECK_EQ(decode_copy(bytes, n), -EBADMSG);
	/* One that comes twice. */
	n = add_field(encode(e), 1, 16);
	CHECK_EQ(decode_copy(bytes, n), -EBADMSG);
	/* Another version of the whole. */
	n = encode(e);
	bytes[0] = 2;
	CHECK_EQ(decode_copy(bytes, n), -EBADMSG);
	free(back);
	done(e);
}

/* A record of before quality had details is read, says so, and is written as it was. */
TEST(a_record_without_details_of_quality)
{
	struct sp_encounter *back = calloc(1, sizeof(*back)), *e = calloc(1, sizeof(*e));
	struct sp_quality *q = &e->occupants[0].quality;
	uint64_t random = 11;
	size_t plain, detailed;
	uint8_t *copy;

	CHECK(back && e);
	e->occupants_n = 1;
	any_occupant(&random, &e->occupants[0]);
	q->detailed = 1;
	fill_floats(&random, &q->yaw_error, NEW_FLOATS);
	detailed = encode(e);
	memset(&q->yaw_error, 0, NEW_FLOATS * sizeof(float));
	q->detailed = 0;
	plain = encode(e);
	CHECK_EQ(detailed - plain, NEW_FLOATS * 4);
	copy = malloc(plain);
	CHECK(copy);
	memcpy(copy, bytes, plain);
	CHECK_EQ(sp_record_decode_encounter(copy, plain, back, NULL), 0);
	CHECK_EQ(back->occupants[0].quality.detailed, 0);
	check_same(e, back);
	CHECK_EQ(encode(back), plain);
	CHECK(!memcmp(copy, bytes, plain));
	sp_encounter_clear(back);
	/* Details that are no numbers are not written; without them nobody looks. */
	q->contrast = NAN;
	CHECK_EQ(encode(e), plain);
	q->detailed = 1;
	CHECK_EQ(sp_record_encode_encounter(e, bytes, ROOM, NULL), -EINVAL);
	free(copy);
	free(back);
	done(e);
}

/* Details come all or none: of a field between the two lengths there is no telling which. */
TEST(some_details_of_quality_are_refused)
{
	struct sp_encounter *back = calloc(1, sizeof(*back)), *e = calloc(1, sizeof(*e));
	size_t n, at = 4, quality;
	uint64_t random = 13;
	struct sp_err err;

	CHECK(back && e);
	e->occupants_n = 1;
	any_occupant(&random, &e->occupants[0]);
	e->occupants[0].quality.detailed = 0;
	n = encode(e);
	/* Quality is a field of the occupant. */
	while (sp_le16_get(bytes + at) != 7)
		at += 8 + sp_le32_get(bytes + at + 4);
	quality = at + 8;
	while (sp_le16_get(bytes + quality) != 4)
		quality += 8 + sp_le32_get(bytes + quality + 4);
	for (unsigned int more = 1; more < NEW_FLOATS; more++) {
		size_t end = quality + 8 + 4 * (OLD_FLOATS + more - 1);

		memmove(bytes + end + 4, bytes + end, n - end);
		n += 4;
		sp_le32_put(bytes + quality + 4, 4 * (OLD_FLOATS + more));
		sp_le32_put(bytes + at + 4, sp_le32_get(bytes + at + 4) + 4);
		CHECK_EQ(sp_record_decode_encounter(bytes, n, back, &err), -EBADMSG);
		CHECK(strstr(err.text, "details"));
	}
	free(back);
	done(e);
}

/* The times, four u64, grow by a fifth that this version does not know. */
TEST(a_field_that_has_grown)
{
	struct sp_encounter *back = calloc(1, sizeof(*back)), *e;
	uint64_t random = 7;
	size_t n, at = 4;

	CHECK(back);
	e = any_encounter(&random, 1);
	n = encode(e);
	while (sp_le16_get(bytes + at) != 5)
		at += 8 + sp_le32_get(bytes + at + 4);
	memmove(bytes + at + 48, bytes + at + 40, n - at - 40);
	sp_le32_put(bytes + at + 4, 40);
	CHECK_EQ(sp_record_decode_encounter(bytes, n + 8, back, NULL), 0);
	check_same(e, back);
	sp_encounter_clear(back);
	free(back);
	done(e);
}

TEST_MAIN()
