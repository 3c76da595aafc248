/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/recall.h"
#include "app/report.h"
#include "app/sheet.h"
#include "app/stills.h"
#include "base/clock.h"
#include "base/table.h"
#include "command.h"
#include "image/image.h"
#include "lane/encounter.h"
#include "place.h"
#include "verdict.h"

static struct sp_place_options place;
static bool json, embedding;
static uint32_t occupant; /* 1, 2, …; 0: not given */

/* Opens nothing: the directory of the journal, or an exit code ≥ 0 after a complaint. */
static int journal_of(const char *me, char *directory, size_t size)
{
	struct sp_err err;

	if (!sp_place_journal(&place, directory, size, &err))
		return -1;
	return sp_command_fail(me, SP_EXIT_FAILED, "%s", err.text);
}

/* ---- list ------------------------------------------------------------------------------------ */

struct listing {
	struct sp_table table;
	uint64_t n;
};

/* "23 %" of the best quality among the occupants would mean nothing to an officer: show each. */
static void qualities(const struct sp_encounter *e, char *text, size_t size)
{
	size_t used = 0;

	text[0] = '\0';
	for (uint32_t i = 0; i < e->occupants_n && used < size; i++)
		used += (size_t)snprintf(text + used, size - used, "%s%.2f%s", i ? " " : "",
					 e->occupants[i].quality.score,
					 e->occupants[i].reasons ? "*" : "");
}

static int list_one(void *arg, const struct sp_encounter *e)
{
	struct listing *listing = arg;
	char id[SP_ENCOUNTER_ID_TEXT], begin[32], quality[160];
	unsigned int images = 0;

	listing->n++;
	if (json) {
		sp_command_print_json(sp_report_encounter(e, embedding));
		return 0;
	}
	for (uint32_t i = 0; i < e->occupants_n; i++)
		images += e->occupants[i].jpeg_size > 0;
	sp_clock_format_utc(e->begin_utc_ns, begin, sizeof(begin));
	begin[19] = '\0'; /* whole seconds */
	qualities(e, quality, sizeof(quality));
	return sp_table_row(&listing->table, "%s|%s|%s|%.1f s|%u|%u|%u|%s%s",
			    sp_encounter_id_format(&e->id, id), e->lane, begin,
			    (double)(e->end_utc_ns - e->begin_utc_ns) / 1e9, e->frames,
			    e->occupants_n, images, quality, e->triggered ? " (triggered)" : "");
}

static int parse_time(const char *me, const char *name, const char *text, uint64_t *ret_utc_ns)
{
	if (!text || !sp_clock_parse_utc(text, sp_clock_utc(), ret_utc_ns))
		return -1;
	return sp_command_fail(me, SP_EXIT_USAGE,
			       "--%s: '%s' is not a time such as 2026-11-23T14:05 or an age "
			       "such as 15m, 12h, 3d",
			       name, text);
}

static bool is_decision(const char *text)
{
	static const enum sp_decision all[] = { SP_NO_DECISION, SP_MATCH, SP_REFER };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (!strcmp(text, sp_report_decision(all[i])))
			return true;
	return false;
}

static int list(int argc, char **argv)
{
	static const char me[] = "sallyport encounters list";
	static struct sp_recall_filter filter;
	static const char *since, *until;
	static const struct sp_opt options[] = {
		SP_PLACE_OPTIONS(place),
		{ "lane", 'l', SP_OPT_STRING, &filter.lane, "NAME", "only of this lane", 0, 0 },
		{ "since", 0, SP_OPT_STRING, &since, "TIME",
		  "ended at or after, UTC or an age (15m, 12h, 3d)", 0, 0 },
		{ "until", 0, SP_OPT_STRING, &until, "TIME", "ended at or before", 0, 0 },
		{ "decision", 0, SP_OPT_STRING, &filter.decision, "WHAT",
		  "match, refer or \"no decision\" of any occupant", 0, 0 },
		{ "json", 'j', SP_OPT_FLAG, &json, NULL, "JSON lines", 0, 0 },
		{ "embedding", 0, SP_OPT_FLAG, &embedding, NULL, "with --json: the templates too",
		  0, 0 },
		{ 0 },
	};
	static const struct sp_opt_usage usage = {
		me,
		"",
		"Lists the recorded encounters, oldest first.",
		"A quality with a * is of a shot that is not valid. Exit status 3 if there is none.",
	};
	struct listing listing = { 0 };
	char directory[4096];
	struct sp_err err = { "out of memory" }; /* all that list_one can fail by */
	int code = sp_command_parse(options, &usage, &argc, argv), status;

	if (code < 0 && argc)
		code = sp_command_fail(me, SP_EXIT_USAGE, "'%s' is not expected", argv[0]);
	if (code < 0 && filter.decision && !is_decision(filter.decision))
		code = sp_command_fail(me, SP_EXIT_USAGE,
				       "--decision: '%s' is not match, refer or \"no decision\"",
				       filter.decision);
	if (code < 0)
		code = parse_time(me, "since", since, &filter.since_utc_ns);
	if (code < 0)
		code = parse_time(me, "until", until, &filter.until_utc_ns);
	if (code < 0)
		code = journal_of(me, directory, sizeof(directory));
	if (code < 0 &&
	    sp_table_init(&listing.table, "encounter|lane|begin (UTC)|>lasted|>frames|>occupants|"
					  ">images|quality"))
		code = sp_command_fail(me, SP_EXIT_FAILED, "out of memory");
	if (code >= 0)
		return code;
	status = sp_recall_each(directory, &filter, list_one, &listing, &err);
	if (!json && listing.n)
		sp_table_print(&listing.table, stdout);
	sp_table_uninit(&listing.table);
	if (status)
		return sp_command_fail(me, SP_EXIT_FAILED, "%s", err.text);
	return listing.n ? SP_EXIT_OK : SP_EXIT_NOTHING;
}

/* ---- one encounter --------------------------------------------------------------------------- */

/* Finds the encounter argv[0]; the caller clears and frees *@ret_encounter. -1, or an exit code. */
static int one(const char *me, const char *id, struct sp_encounter **ret_encounter)
{
	struct sp_encounter *encounter;
	char directory[4096];
	struct sp_err err;
	int code = journal_of(me, directory, sizeof(directory)), status;

	if (code >= 0)
		return code;
	encounter = calloc(1, sizeof(*encounter));
	if (!encounter)
		return sp_command_fail(me, SP_EXIT_FAILED, "out of memory");
	status = sp_recall_one(directory, id, encounter, &err);
	if (status) {
		free(encounter);
		return sp_command_fail(me, status == -ENOENT ? SP_EXIT_NOTHING : SP_EXIT_FAILED,
				       "%s", err.text);
	}
	*ret_encounter = encounter;
	return -1;
}

static void drop(struct sp_encounter *encounter)
{
	sp_encounter_clear(encounter);
	free(encounter);
}

static void print_encounter(const struct sp_encounter *e)
{
	char id[SP_ENCOUNTER_ID_TEXT], begin[32], end[32];
	struct sp_table table;

	printf("encounter %s\n", sp_encounter_id_format(&e->id, id));
	printf("lane      %s, purpose '%s'%s\n", e->lane, e->purpose,
	       e->triggered ? ", triggered" : "");
	printf("time      %s to %s\n", sp_clock_format_utc(e->begin_utc_ns, begin, sizeof(begin)),
	       sp_clock_format_utc(e->end_utc_ns, end, sizeof(end)));
	printf("frames    %u looked at, %u not\n", e->frames, e->tombstones);
	if (!e->occupants_n) {
		printf("occupants none\n");
		return;
	}
	if (sp_table_init(
		    &table,
		    ">occupant|>camera|>shots|>valid|>quality|>eyes|>yaw|validity of the best shot|"
		    "image|template|decision"))
		return;
	for (uint32_t i = 0; i < e->occupants_n; i++) {
		const struct sp_occupant *o = &e->occupants[i];
		char validity[160], image[64] = "not kept";

		if (o->jpeg_size)
			snprintf(image, sizeof(image), "%u × %u", o->jpeg_width, o->jpeg_height);
		sp_table_row(&table, "%u|%u|%u|%u|%.2f|%.0f px|%.0f°|%s|%s|%s|%s", i + 1, o->camera,
			     o->shots, o->valid_shots, o->quality.score, o->quality.eye_distance,
			     o->quality.yaw,
			     sp_report_validity(o->reasons, validity, sizeof(validity)), image,
			     o->embedding_size ? "kept" : "not kept",
			     sp_report_decision(o->decision));
	}
	sp_table_print(&table, stdout);
	sp_table_uninit(&table);
}

static int show(int argc, char **argv)
{
	static const char me[] = "sallyport encounters show";
	static const struct sp_opt options[] = {
		SP_PLACE_OPTIONS(place),
		{ "json", 'j', SP_OPT_FLAG, &json, NULL, "one JSON object", 0, 0 },
		{ "embedding", 0, SP_OPT_FLAG, &embedding, NULL, "with --json: the templates too",
		  0, 0 },
		{ 0 },
	};
	static const struct sp_opt_usage usage = {
		me, "ID", "Shows an encounter.",
		"ID may be shortened as long as it is the only one."
	};
	struct sp_encounter *encounter;
	int code = sp_command_parse(options, &usage, &argc, argv);

	if (code < 0 && argc != 1)
		code = sp_command_fail(me, SP_EXIT_USAGE, "give the id of one encounter");
	if (code < 0)
		code = one(me, argv[0], &encounter);
	if (code >= 0)
		return code;
	if (json)
		sp_command_print_json(sp_report_encounter(encounter, embedding));
	else
		print_encounter(encounter);
	drop(encounter);
	return SP_EXIT_OK;
}

/*
 * Empties or makes a file for faces: nobody but its owner may read it, also if it was there before.
 * The descriptor or -errno.
 */
static int open_private(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct stat st;
	int status;

	if (fd < 0)
		return -errno;
	if (!fstat(fd, &st) && (!S_ISREG(st.st_mode) || !fchmod(fd, 0600)))
		return fd;
	status = -errno;
	close(fd);
	return status;
}

static int write_private(const char *path, const uint8_t *bytes, size_t size)
{
	int fd = !strcmp(path, "-") ? dup(STDOUT_FILENO) : open_private(path), status = 0;

	if (fd < 0)
		return fd;
	while (size && !status) {
		ssize_t n = write(fd, bytes, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			status = -errno;
		else
			bytes += n, size -= (size_t)n;
	}
	if (close(fd) && !status)
		status = -errno;
	return status;
}

static int image(int argc, char **argv)
{
	static const char me[] = "sallyport encounters image";
	static const char *output;
	static const struct sp_opt options[] = {
		SP_PLACE_OPTIONS(place),
		{ "occupant", 'n', SP_OPT_U32, &occupant, "N",
		  "which one, as `show` numbers them (1)", 1, SP_OCCUPANTS_MAX },
		{ "output", 'o', SP_OPT_STRING, &output, "FILE",
		  "where to; - is standard output (ID-N.jpg)", 0, 0 },
		{ 0 },
	};
	static const struct sp_opt_usage usage = { me, "ID",
						   "Writes the best shot of an occupant as JPEG.",
						   "The file is readable by its owner only." };
	char id[SP_ENCOUNTER_ID_TEXT], name[64];
	struct sp_encounter *encounter;
	uint32_t n;
	int code = sp_command_parse(options, &usage, &argc, argv), status;

	if (code < 0 && argc != 1)
		code = sp_command_fail(me, SP_EXIT_USAGE, "give the id of one encounter");
	if (code < 0)
		code = one(me, argv[0], &encounter);
	if (code >= 0)
		return code;
	n = occupant ?: 1;
	snprintf(name, sizeof(name), "%s-%u.jpg", sp_encounter_id_format(&encounter->id, id), n);
	if (n > encounter->occupants_n) {
		code = sp_command_fail(me, SP_EXIT_NOTHING, "%s has %u occupants, there is no %u",
				       id, encounter->occupants_n, n);
	} else if (!encounter->occupants[n - 1].jpeg_size) {
		code = sp_command_fail(me, SP_EXIT_NOTHING, "%s: no image of occupant %u was kept "
				       "(policy.persist_unmatched)", id, n);
	} else {
		const struct sp_occupant *o = &encounter->occupants[n - 1];

		status = write_private(output ?: name, o->jpeg, o->jpeg_size);
		code = status ? sp_command_fail(me, SP_EXIT_FAILED, "%s: %s", output ?: name,
						strerror(-status))
			      : SP_EXIT_OK;
		if (!code && !output)
			printf("%s\n", name);
	}
	drop(encounter);
	return code;
}

/* ---- sheet ----------------------------------------------------------------------------------- */

static int add_to_sheet(void *arg, const struct sp_encounter *encounter)
{
	return sp_sheet_add(arg, encounter);
}

static int write_sheet(const char *me, const struct sp_sheet *drawn, const char *path)
{
	struct sp_image page;
	struct sp_err err;
	int status = sp_sheet_draw(drawn, "sallyport: best shots", &page, &err);

	if (!status) {
		int fd = open_private(path);

		status = fd < 0 ? sp_err_set(&err, fd, "%s: %s", path, strerror(-fd))
				: sp_image_write_png(path, &page, &err);
		if (fd >= 0)
			close(fd);
		sp_image_uninit(&page);
	}
	if (status)
		return sp_command_fail(me, SP_EXIT_FAILED, "%s", err.text);
	printf("%s: %u best shots\n", path, sp_sheet_people(drawn));
	return SP_EXIT_OK;
}

static int sheet(int argc, char **argv)
{
	static const char me[] = "sallyport encounters sheet";
	static struct sp_recall_filter filter;
	static const char *output;
	static const struct sp_opt options[] = {
		SP_PLACE_OPTIONS(place),
		{ "lane", 'l', SP_OPT_STRING, &filter.lane, "NAME", "only of this lane", 0, 0 },
		{ "output", 'o', SP_OPT_STRING, &output, "FILE", "where to (contact-sheet.png)", 0,
		  0 },
		{ 0 },
	};
	static const struct sp_opt_usage usage = {
		me, "", "Draws the best shots of all encounters on one page.",
		"The file is readable by its owner only."
	};
	struct sp_sheet *page;
	char directory[4096];
	struct sp_err err = { "out of memory" }; /* all that add_to_sheet can fail by */
	int code = sp_command_parse(options, &usage, &argc, argv);

	if (code < 0 && argc)
		code = sp_command_fail(me, SP_EXIT_USAGE, "'%s' is not expected", argv[0]);
	if (code < 0)
		code = journal_of(me, directory, sizeof(directory));
	if (code >= 0)
		return code;
	page = sp_sheet_create();
	if (!page)
		return sp_command_fail(me, SP_EXIT_FAILED, "out of memory");
	if (sp_recall_each(directory, &filter, add_to_sheet, page, &err))
		code = sp_command_fail(me, SP_EXIT_FAILED, "%s", err.text);
	else
		code = write_sheet(me, page, output ?: "contact-sheet.png");
	sp_sheet_destroy(page);
	return code;
}

/* ---- compare --------------------------------------------------------------------------------- */

static struct sp_verdict_options verdict_options;
static struct sp_stills_config stills_config;

/* The main face of the photograph at @file. -1, or an exit code. */
static int document_face(const char *me, struct sp_stills *stills, const char *file,
			 const struct sp_face **ret_face)
{
	const struct sp_result *result;
	struct sp_image picture;
	struct sp_err err;
	int status;

	if (sp_image_read(file, &picture, &err))
		return sp_command_fail(me, SP_EXIT_FAILED, "%s", err.text);
	status = sp_stills_analyse(stills, &picture, &result, &err);
	sp_image_uninit(&picture);
	if (status)
		return sp_command_fail(me, SP_EXIT_FAILED, "%s: %s", file, err.text);
	*ret_face = sp_stills_main_face(result);
	return *ret_face ? -1 : sp_command_fail(me, SP_EXIT_NOTHING, "%s: no face found", file);
}

static int compare_occupants(const char *me, const struct sp_encounter *e,
			     const struct sp_template *document, const struct sp_verdict *verdict)
{
	char id[SP_ENCOUNTER_ID_TEXT];
	unsigned int compared = 0;
	struct sp_table table;
	struct sp_err err;

	if (sp_table_init(&table, ">occupant|>similarity|>threshold|outcome"))
		return sp_command_fail(me, SP_EXIT_FAILED, "out of memory");
	sp_encounter_id_format(&e->id, id);
	for (uint32_t i = 0; i < e->occupants_n; i++) {
		const struct sp_occupant *o = &e->occupants[i];
		const struct sp_template seen = { e->embedder_id, o->embedding, o->embedding_size };
		struct sp_comparison c;

		if ((occupant && occupant != i + 1) || !o->embedding_size)
			continue;
		if (sp_match_compare(&seen, document, &verdict->threshold, &c, &err)) {
			sp_table_uninit(&table);
			return sp_command_fail(me, SP_EXIT_FAILED, "%s, occupant %u: %s", id, i + 1,
					       err.text);
		}
		compared++;
		if (json)
			sp_command_print_json(json_pack(
				"{s:s, s:i, s:f, s:f, s:o, s:b, s:s}", "encounter", id, "occupant",
				(int)i + 1, "similarity", c.similarity, "threshold",
				c.threshold.similarity, "fmr",
				c.threshold.fmr > 0 ? json_real(c.threshold.fmr) : json_null(),
				"same", c.decision == SP_MATCH, "meaning", verdict->meaning));
		else
			sp_table_row(&table, "%u|%.3f|%.3f|%s", i + 1, c.similarity,
				     c.threshold.similarity, sp_verdict_word(&c));
	}
	if (compared && !json) {
		sp_table_print(&table, stdout);
		printf("threshold: %s\n", verdict->meaning);
	}
	sp_table_uninit(&table);
	if (!compared)
		return sp_command_fail(me, SP_EXIT_NOTHING,
				       "%s: no template was kept of %s "
				       "(policy.persist_unmatched)",
				       id, occupant ? "this occupant" : "anyone");
	return SP_EXIT_OK;
}

static int compare(int argc, char **argv)
{
	static const char me[] = "sallyport encounters compare";
	static const struct sp_opt options[] = {
		SP_PLACE_OPTIONS(place),
		{ "occupant", 'n', SP_OPT_U32, &occupant, "N",
		  "only this one, as `show` numbers them", 1, SP_OCCUPANTS_MAX },
		{ "json", 'j', SP_OPT_FLAG, &json, NULL, "JSON lines, one an occupant", 0, 0 },
		SP_VERDICT_OPTIONS(verdict_options),
		{ "model-dir", 'm', SP_OPT_STRING, &stills_config.model_directory, "DIR",
		  "look for models here first", 0, 0 },
		{ 0 },
	};
	static const struct sp_opt_usage usage = {
		me,
		"ID IMAGE",
		"Compares the occupants of an encounter with a document photograph, 1:1.",
		"The outcome is \"match\" or \"no decision\"; the decision about a person is an officer's.",
	};
	struct sp_encounter *encounter;
	const struct sp_face *face;
	struct sp_verdict verdict;
	struct sp_stills *stills;
	struct sp_err err;
	int code = sp_command_parse(options, &usage, &argc, argv);

	if (code < 0 && argc != 2)
		code = sp_command_fail(me, SP_EXIT_USAGE,
				       "give the id of an encounter and a picture");
	if (code < 0)
		code = one(me, argv[0], &encounter);
	if (code >= 0)
		return code;
	if (sp_stills_open(&stills_config, &stills, &err)) {
		drop(encounter);
		return sp_command_fail(me, SP_EXIT_FAILED, "%s", err.text);
	}
	if (sp_verdict_prepare(&verdict_options, sp_stills_info(stills)->embedder_id, &verdict,
			       &err))
		code = sp_command_fail(me, SP_EXIT_FAILED, "%s", err.text);
	if (code < 0)
		code = document_face(me, stills, argv[1], &face);
	if (code < 0) {
		const struct sp_template document = { sp_stills_info(stills)->embedder_id,
						      face->embedding,
						      sp_stills_info(stills)->embedding_size };

		code = compare_occupants(me, encounter, &document, &verdict);
	}
	sp_stills_close(stills);
	drop(encounter);
	return code;
}

int cmd_encounters(int argc, char **argv)
{
	static const struct sp_command commands[] = {
		{ "list", "what was recorded", list },
		{ "show", "one encounter and its occupants", show },
		{ "image", "an occupant's best shot as JPEG", image },
		{ "sheet", "the best shots of all encounters on one page", sheet },
		{ "compare", "occupants against a document photograph", compare },
		{ 0 },
	};

	return sp_command_dispatch(commands, "sallyport encounters", "Recorded encounters.", argc,
				   argv);
}
