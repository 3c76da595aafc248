/* SPDX-License-Identifier: Apache-2.0 */
/* Made-up encounters, and a journal of them in a temporary directory. */
#ifndef SP_TESTS_APP_RECORDS_H
#define SP_TESTS_APP_RECORDS_H

#include "base/clock.h"
#include "image/image.h"
#include "journal/record.h"
#include "lane/encounter.h"
#include "unit/journal/fixture.h"

/* A grey JPEG of 24 × 32 pixels. The caller frees it. */
UNUSED static void records_jpeg(struct sp_occupant *occupant, uint8_t grey)
{
	static uint8_t rgb[24 * 32 * 3];
	struct sp_err err;
	size_t size;

	memset(rgb, grey, sizeof(rgb));
	if (sp_image_encode_jpeg(rgb, 24, 32, 90, &occupant->jpeg, &size, &err))
		FAIL("%s", err.text);
	occupant->jpeg_size = (uint32_t)size;
	occupant->jpeg_width = 24;
	occupant->jpeg_height = 32;
}

/* Encounter @n: id 0x10 + n in its first byte, ended n seconds after 2023-11-14T22:13:20Z. */
UNUSED static void records_fill(struct sp_encounter *e, unsigned int n, const char *lane)
{
	memset(e, 0, sizeof(*e));
	for (unsigned int i = 0; i < sizeof(e->id.bytes); i++)
		e->id.bytes[i] = (uint8_t)(i ? n * 16 + i : 0x10 + n);
	snprintf(e->lane, sizeof(e->lane), "%s", lane);
	snprintf(e->purpose, sizeof(e->purpose), "test");
	e->end_utc_ns = 1700000000 * SP_NS_PER_S + n * SP_NS_PER_S;
	e->begin_utc_ns = e->end_utc_ns - SP_NS_PER_S / 2;
	e->frames = 3;
}

/* Adds an occupant with a template of four floats. */
UNUSED static struct sp_occupant *records_occupant(struct sp_encounter *e,
						   enum sp_decision decision)
{
	struct sp_occupant *o = &e->occupants[e->occupants_n++];

	o->shots = 5;
	o->valid_shots = 4;
	o->score = 0.9f;
	o->quality.score = 0.5f;
	o->decision = decision;
	o->seen_utc_ns = e->end_utc_ns;
	o->embedding_size = 4;
	o->embedding[1] = 1;
	return o;
}

UNUSED static void records_write(struct sp_journal_writer *writer, const struct sp_encounter *e)
{
	static uint8_t bytes[1 << 20];
	size_t needed;
	int64_t size = sp_record_encode_encounter(e, bytes, sizeof(bytes), &needed);
	struct sp_journal_ack ack;
	struct sp_err err;
	int n;

	CHECK(size > 0);
	CHECK_EQ(sp_journal_append(writer, SP_RECORD_ENCOUNTER, bytes, (size_t)size, e->end_utc_ns,
				   0),
		 0);
	while (!(n = sp_journal_poll(writer, &ack, 1, SP_NS_PER_S, &err)))
		;
	if (n < 0)
		FAIL("%s", err.text);
}

#endif
