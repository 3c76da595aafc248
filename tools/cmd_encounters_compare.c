/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/documents.h"
#include "app/recall.h"
#include "base/clock.h"
#include "base/table.h"
#include "command.h"
#include "encounters.h"
#include "verdict.h"

static const char me[] = "sallyport encounters compare";

static struct sp_place_options place;
static struct encounters_span span;
static struct sp_verdict_options verdict_options;
static struct sp_stills_config stills_config;
static bool json;
static uint32_t occupant; /* 1, 2, …; 0: every one */

static const struct sp_opt options[] = {
	SP_PLACE_OPTIONS(place),
	ENCOUNTERS_SPAN_OPTIONS(span),
	{ "occupant", 'n', SP_OPT_U32, &occupant, "N", "only this one, as `show` numbers them", 1,
	  SP_OCCUPANTS_MAX },
	{ "json", 'j', SP_OPT_FLAG, &json, NULL, "JSON lines, one an occupant", 0, 0 },
	SP_VERDICT_OPTIONS(verdict_options),
	ENCOUNTERS_MODEL_OPTIONS(stills_config),
	{ 0 },
};

static const struct sp_opt_usage usage = {
	me,
	"[ID…] DOCUMENT…",
	"Compares occupants with the document photographs at hand, 1:1.",
	"A DOCUMENT is a picture or a folder of pictures, 256 at most: those that travellers\n"
	"handed over, never a watch list. Each occupant is compared with each; an occupant gets at\n"
	"most one document, and a document at most one occupant of an encounter, best first.\n"
	"Which encounters: those of the IDs, or of --lane, --since, --until; documents are not held\n"
	"against everything that was ever recorded. The outcome is \"match\" or \"no decision\"; the\n"
	"decision about a person is an officer's. Exit status 3 if nothing could be compared.",
};

/* ---- what came of it ------------------------------------------------------------------------- */

struct comparing {
	const struct sp_documents *documents;
	struct sp_verdict verdict;
	struct sp_table table;
	bool one; /* one encounter and one document: their names need no column */
	uint32_t faces; /* documents with one */
	uint32_t encounters, compared, matched, without_template;
	struct sp_err err;
};

static void report_json(const struct comparing *c, const struct sp_encounter *e, uint32_t i,
			const struct sp_document_match *match)
{
	char id[SP_ENCOUNTER_ID_TEXT], begin[32];

	sp_command_print_json(json_pack(
		"{s:s, s:s, s:s, s:i, s:s, s:o, s:f, s:o, s:b, s:s}", "encounter",
		sp_encounter_id_format(&e->id, id), "lane", e->lane, "begin",
		sp_clock_format_utc(e->begin_utc_ns, begin, sizeof(begin)), "occupant", (int)i + 1,
		"document", match->document ? match->document->name : "", "similarity",
		match->document ? json_real((double)match->comparison.similarity) : json_null(),
		"threshold", (double)c->verdict.threshold.similarity, "fmr",
		c->verdict.threshold.fmr > 0 ? json_real(c->verdict.threshold.fmr) : json_null(),
		"same", match->document && match->comparison.decision == SP_MATCH, "meaning",
		c->verdict.meaning));
}

static void report_row(struct comparing *c, const struct sp_encounter *e, uint32_t i,
		       const struct sp_document_match *match)
{
	char id[SP_ENCOUNTER_ID_TEXT], begin[32], similarity[16] = "–";

	if (match->document)
		snprintf(similarity, sizeof(similarity), "%.3f",
			 (double)match->comparison.similarity);
	if (c->one) {
		sp_table_row(&c->table, "%u|%s|%.3f|%s", i + 1, similarity,
			     (double)c->verdict.threshold.similarity,
			     sp_verdict_word(&match->comparison));
		return;
	}
	sp_clock_format_utc(e->begin_utc_ns, begin, sizeof(begin));
	begin[19] = '\0'; /* whole seconds */
	sp_table_row(&c->table, "%s|%s|%s|%u|%s|%s|%.3f|%s", sp_encounter_id_format(&e->id, id),
		     e->lane, begin, i + 1, match->document ? match->document->name : "–",
		     similarity, (double)c->verdict.threshold.similarity,
		     sp_verdict_word(&match->comparison));
}

static void report(struct comparing *c, const struct sp_encounter *e, uint32_t i,
		   const struct sp_document_match *match)
{
	c->compared++;
	c->matched += match->comparison.decision == SP_MATCH;
	if (json)
		report_json(c, e, i, match);
	else
		report_row(c, e, i, match);
}

static int compare_encounter(void *arg, const struct sp_encounter *e)
{
	struct sp_document_match matches[SP_OCCUPANTS_MAX];
	struct comparing *c = arg;
	char id[SP_ENCOUNTER_ID_TEXT];
	int status = sp_documents_match(c->documents, e, &c->verdict.threshold, matches, &c->err);

	if (status)
		return sp_err_prefix(&c->err, status, "%s", sp_encounter_id_format(&e->id, id));
	c->encounters++;
	for (uint32_t i = 0; i < e->occupants_n; i++) {
		if (occupant && occupant != i + 1)
			continue;
		if (e->occupants[i].embedding_size)
			report(c, e, i, &matches[i]);
		else
			c->without_template++;
	}
	return 0;
}

/* The one document beside every occupant of the one encounter. */
static int compare_with_one(struct comparing *c, const struct sp_encounter *e)
{
	char id[SP_ENCOUNTER_ID_TEXT];

	c->encounters++;
	for (uint32_t i = 0; i < e->occupants_n; i++) {
		struct sp_document_match match = { .document = &c->documents->document[0] };
		int status;

		if (occupant && occupant != i + 1)
			continue;
		if (!e->occupants[i].embedding_size) {
			c->without_template++;
			continue;
		}
		status = sp_documents_compare(c->documents, 0, e, i, &c->verdict.threshold,
					      &match.comparison, &c->err);
		if (status)
			return sp_err_prefix(&c->err, status, "%s",
					     sp_encounter_id_format(&e->id, id));
		report(c, e, i, &match);
	}
	return 0;
}

static void summarise(const struct comparing *c)
{
	if (json || !c->compared)
		return;
	sp_table_print(&c->table, stdout);
	printf("threshold: %s\n", c->verdict.meaning);
	if (!c->one)
		printf("%u occupants beside %u documents, %u comparisons: %u match, %u no "
		       "decision\n",
		       c->compared, c->faces, c->compared * c->faces, c->matched,
		       c->compared - c->matched);
	if (c->without_template)
		printf("%u more could not be compared: no template of them was kept\n",
		       c->without_template);
}

static int complain_of_nothing(const struct comparing *c)
{
	if (c->without_template)
		return sp_command_fail(me, SP_EXIT_NOTHING,
				       "no template was kept of %s (policy.persist_unmatched)",
				       occupant ? "this occupant" : "anyone");
	if (!c->encounters)
		return sp_command_fail(me, SP_EXIT_NOTHING, "no encounter was recorded");
	if (occupant)
		return sp_command_fail(me, SP_EXIT_NOTHING, "there is no occupant %u", occupant);
	return sp_command_fail(me, SP_EXIT_NOTHING, "nobody was seen");
}

/* ---- what is asked for ----------------------------------------------------------------------- */

/* The beginning of an encounter's id, and no file of that name. */
static bool is_id(const char *text)
{
	return *text && strlen(text) < SP_ENCOUNTER_ID_TEXT &&
	       !text[strspn(text, "0123456789abcdef-")] && access(text, F_OK);
}

static bool is_directory(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISDIR(st.st_mode);
}

static int compare_ids(struct comparing *c, char **ids, int n)
{
	int code = -1;

	for (int i = 0; i < n && code < 0; i++) {
		struct sp_encounter *e;

		code = encounters_one(me, &place, ids[i], &e);
		if (code >= 0)
			return code;
		if (c->one ? compare_with_one(c, e) : compare_encounter(c, e))
			code = sp_command_fail(me, SP_EXIT_FAILED, "%s", c->err.text);
		encounters_drop(e);
	}
	return code;
}

static int compare_span(struct comparing *c)
{
	struct sp_recall_filter filter;
	char directory[4096];
	struct sp_err err = { "" };
	int code = encounters_filter(me, &span, &filter);

	if (code < 0)
		code = encounters_journal(me, &place, directory, sizeof(directory));
	if (code < 0 && sp_recall_each(directory, &filter, compare_encounter, c, &err))
		code = sp_command_fail(me, SP_EXIT_FAILED, "%s",
				       *c->err.text ? c->err.text : err.text);
	return code;
}

static int compare(struct comparing *c, char **ids, int n)
{
	static const char one[] = ">occupant|>similarity|>threshold|outcome";
	static const char many[] = "encounter|lane|begin (UTC)|>occupant|document|>similarity|"
				   ">threshold|outcome";
	int code;

	if (sp_table_init(&c->table, c->one ? one : many))
		return sp_command_fail(me, SP_EXIT_FAILED, "out of memory");
	code = n ? compare_ids(c, ids, n) : compare_span(c);
	if (code < 0) {
		summarise(c);
		code = c->compared ? SP_EXIT_OK : complain_of_nothing(c);
	}
	sp_table_uninit(&c->table);
	return code;
}

/* Looks at the documents, then compares. */
static int look_and_compare(struct sp_documents *documents, char **ids, int n, bool one)
{
	struct comparing c = { .documents = documents, .one = one };
	struct sp_stills *stills;
	struct sp_err err;
	int code = encounters_stills(me, &place, &stills_config, &stills);

	if (code >= 0)
		return code;
	if (sp_verdict_prepare(&verdict_options, sp_stills_info(stills)->embedder_id, &c.verdict,
			       &err))
		code = sp_command_fail(me, SP_EXIT_FAILED, "%s", err.text);
	if (code < 0)
		code = encounters_look(me, documents, stills);
	sp_stills_close(stills);
	for (uint32_t i = 0; i < documents->n; i++)
		c.faces += documents->document[i].has_face;
	if (code < 0 && !c.faces)
		return SP_EXIT_NOTHING; /* each of them was named */
	return code < 0 ? compare(&c, ids, n) : code;
}

int cmd_encounters_compare(int argc, char **argv)
{
	struct sp_documents *documents;
	struct sp_err err;
	int code = sp_command_parse(options, &usage, &argc, argv), ids = 0;
	bool one;

	if (code >= 0)
		return code;
	while (ids < argc && is_id(argv[ids]))
		ids++;
	if (ids == argc)
		return sp_command_fail(me, SP_EXIT_USAGE,
				       "give the id of an encounter and a picture, or pictures or "
				       "a folder of them");
	if (ids && (span.lane || span.since || span.until))
		return sp_command_fail(me, SP_EXIT_USAGE,
				       "give either ids or --lane, --since, --until");
	if (!ids && !span.lane && !span.since && !span.until)
		return sp_command_fail(me, SP_EXIT_USAGE,
				       "say which encounters: ids, --lane, --since or --until");
	documents = sp_documents_create();
	if (!documents)
		return sp_command_fail(me, SP_EXIT_FAILED, "out of memory");
	one = ids == 1 && argc == 2 && !is_directory(argv[1]);
	for (int i = ids; i < argc && code < 0; i++)
		if (sp_documents_add(documents, argv[i], &err))
			code = sp_command_fail(me, SP_EXIT_FAILED, "%s", err.text);
	if (code < 0)
		code = look_and_compare(documents, argv, ids, one);
	sp_documents_destroy(documents);
	return code;
}
