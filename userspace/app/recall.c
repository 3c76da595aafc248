/* SPDX-License-Identifier: Apache-2.0 */
#include "app/recall.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/report.h"
#include "base/diag.h"
#include "journal/journal.h"
#include "lane/encounter.h"

static bool has_decision(const struct sp_encounter *e, const char *decision)
{
	for (uint32_t i = 0; i < e->occupants_n; i++)
		if (!strcmp(sp_report_decision(e->occupants[i].decision), decision))
			return true;
	return false;
}

static bool passes(const struct sp_recall_filter *f, const struct sp_encounter *e)
{
	char id[SP_ENCOUNTER_ID_TEXT];

	if (f->lane && strcmp(f->lane, e->lane))
		return false;
	if (f->id_prefix &&
	    strncmp(f->id_prefix, sp_encounter_id_format(&e->id, id), strlen(f->id_prefix)))
		return false;
	if (f->since_utc_ns && e->end_utc_ns < f->since_utc_ns)
		return false;
	if (f->until_utc_ns && e->end_utc_ns > f->until_utc_ns)
		return false;
	return !f->decision || has_decision(e, f->decision);
}

/* Room for an encounter is large (it holds every occupant's template): one for the whole walk. */
static int walk(struct sp_journal_reader *reader, const struct sp_recall_filter *filter,
		struct sp_encounter *encounter,
		int (*each)(void *arg, const struct sp_encounter *encounter), void *arg,
		struct sp_err *err)
{
	struct sp_record_view view;
	int status;

	while ((status = sp_journal_reader_next(reader, &view, err)) > 0) {
		if (view.type != SP_RECORD_ENCOUNTER)
			continue;
		memset(encounter, 0, sizeof(*encounter));
		status = sp_record_decode_encounter(view.bytes, view.size, encounter, err);
		if (status)
			return sp_err_prefix(err, status, "journal segment %llu, record %llu",
					     (unsigned long long)view.place.segment,
					     (unsigned long long)view.place.index);
		if (passes(filter, encounter))
			status = each(arg, encounter);
		sp_encounter_clear(encounter);
		if (status)
			return status;
	}
	return status;
}

int sp_recall_each(const char *directory, const struct sp_recall_filter *filter,
		   int (*each)(void *arg, const struct sp_encounter *encounter), void *arg,
		   struct sp_err *err)
{
	struct sp_encounter *encounter = malloc(sizeof(*encounter));
	struct sp_journal_reader *reader;
	int status;

	if (!encounter)
		return sp_err_set(err, -ENOMEM, "out of memory");
	status = sp_journal_reader_open(directory, &reader, err);
	if (!status) {
		status = walk(reader, filter, encounter, each, arg, err);
		sp_journal_reader_close(reader);
	}
	free(encounter);
	return status;
}

struct single {
	struct sp_encounter *found;
	unsigned int n;
};

/* Copies the encounter, JPEGs included. */
static int keep(void *arg, const struct sp_encounter *encounter)
{
	struct single *single = arg;
	int status = 0;

	if (single->n++)
		return 0;
	*single->found = *encounter;
	for (uint32_t i = 0; i < encounter->occupants_n; i++) {
		const struct sp_occupant *from = &encounter->occupants[i];
		uint8_t *jpeg = from->jpeg ? malloc(from->jpeg_size) : NULL;

		if (from->jpeg && !jpeg)
			status = -ENOMEM;
		if (jpeg)
			memcpy(jpeg, from->jpeg, from->jpeg_size);
		single->found->occupants[i].jpeg = jpeg;
	}
	return status;
}

int sp_recall_one(const char *directory, const char *id, struct sp_encounter *ret_encounter,
		  struct sp_err *err)
{
	const struct sp_recall_filter filter = { .id_prefix = id };
	struct single single = { ret_encounter, 0 };
	int status = sp_recall_each(directory, &filter, keep, &single, err);

	if (!status && single.n == 1)
		return 0;
	if (single.n)
		sp_encounter_clear(ret_encounter);
	if (status == -ENOMEM)
		return sp_err_set(err, status, "out of memory");
	if (status)
		return status;
	if (!single.n)
		return sp_err_set(err, -ENOENT,
				  "no encounter has the id %s; `sallyport encounters list` "
				  "lists them",
				  id);
	return sp_err_set(err, -ENOTUNIQ,
			  "%u encounters have ids that begin with %s; give more of it", single.n,
			  id);
}
