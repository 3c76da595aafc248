/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/recall.h"
#include "app/report.h"
#include "base/clock.h"
#include "base/table.h"
#include "encounters.h"
#include "command.h"
#include "lane/encounter.h"

static struct sp_place_options place;
static bool json, embedding;
static uint32_t occupant; /* 1, 2, …; 0: not given */

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
	static struct encounters_span span;
	static const char *decision;
	static const struct sp_opt options[] = {
		SP_PLACE_OPTIONS(place),
		ENCOUNTERS_SPAN_OPTIONS(span),
		{ "decision", 0, SP_OPT_STRING, &decision, "WHAT",
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
	struct sp_recall_filter filter = { 0 };
	struct listing listing = { 0 };
	char directory[4096];
	struct sp_err err = { "out of memory" }; /* all that list_one can fail by */
	int code = sp_command_parse(options, &usage, &argc, argv), status;

	if (code < 0 && argc)
		code = sp_command_fail(me, SP_EXIT_USAGE, "'%s' is not expected", argv[0]);
	if (code < 0 && decision && !is_decision(decision))
		code = sp_command_fail(me, SP_EXIT_USAGE,
				       "--decision: '%s' is not match, refer or \"no decision\"",
				       decision);
	if (code < 0)
		code = encounters_filter(me, &span, &filter);
	filter.decision = decision;
	if (code < 0)
		code = encounters_journal(me, &place, directory, sizeof(directory));
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
		code = encounters_one(me, &place, argv[0], &encounter);
	if (code >= 0)
		return code;
	if (json)
		sp_command_print_json(sp_report_encounter(encounter, embedding));
	else
		print_encounter(encounter);
	encounters_drop(encounter);
	return SP_EXIT_OK;
}

static int write_private(const char *path, const uint8_t *bytes, size_t size)
{
	bool standard = !strcmp(path, "-");
	int fd = standard ? dup(STDOUT_FILENO) : encounters_open_private(path), status = 0;

	if (fd < 0)
		return standard ? -errno : fd;
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
		code = encounters_one(me, &place, argv[0], &encounter);
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
	encounters_drop(encounter);
	return code;
}

int cmd_encounters(int argc, char **argv)
{
	static const struct sp_command commands[] = {
		{ "list", "what was recorded", list },
		{ "show", "one encounter and its occupants", show },
		{ "image", "an occupant's best shot as JPEG", image },
		{ "sheet", "the best shots of encounters on one page", cmd_encounters_sheet },
		{ "compare", "occupants beside the document photographs at hand",
		  cmd_encounters_compare },
		{ 0 },
	};

	return sp_command_dispatch(commands, "sallyport encounters", "Recorded encounters.", argc,
				   argv);
}
