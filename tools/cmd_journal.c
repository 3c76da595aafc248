/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/progress.h"
#include "command.h"
#include "journal/journal.h"
#include "place.h"

static const char me[] = "sallyport journal verify";

static struct sp_place_options place;
static bool json;

static const struct sp_opt options[] = {
	SP_PLACE_OPTIONS(place),
	{ "json", 'j', SP_OPT_FLAG, &json, NULL, "one JSON object", 0, 0 },
	{ 0 },
};

static const struct sp_opt_usage usage = {
	me,
	"",
	"Reads every byte of the journal and checks it.",
	"A torn tail is what a crash leaves behind acknowledged records: nothing is lost by it. Damage\n"
	"before valid data is corruption: exit status 1 and the place.",
};

static void show_progress(void *arg, uint64_t done, uint64_t total)
{
	struct sp_progress *progress = arg;

	progress->total = total;
	sp_progress_update(progress, done, "");
}

static int verify(int argc, char **argv)
{
	struct sp_journal_report report = { 0 };
	struct sp_progress progress;
	char directory[4096];
	struct sp_err err;
	int status;
	int code = sp_command_parse(options, &usage, &argc, argv);

	if (code >= 0)
		return code;
	if (argc)
		return sp_command_fail(me, SP_EXIT_USAGE, "'%s' is not expected", argv[0]);
	if (sp_place_journal(&place, directory, sizeof(directory), &err))
		return sp_command_fail(me, SP_EXIT_FAILED, "%s", err.text);
	sp_progress_start(&progress, "journal", 1);
	status = sp_journal_verify(directory, &report, show_progress, &progress, &err);
	sp_progress_end(&progress);
	if (json)
		sp_command_print_json(json_pack(
			"{s:b, s:I, s:I, s:I, s:I, s:I, s:s?}", "ok", status == 0, "segments",
			(json_int_t)report.segments, "records", (json_int_t)report.records, "bytes",
			(json_int_t)report.bytes, "torn_segments", (json_int_t)report.torn_segments,
			"corrupt_segments", (json_int_t)report.corrupt_segments, "error",
			status ? err.text : NULL));
	else if (!status)
		printf("%s: %" PRIu64 " records in %" PRIu64 " segments are sound (%" PRIu64
		       " bytes; %" PRIu64 " torn tails)\n",
		       directory, report.records, report.segments, report.bytes,
		       report.torn_segments);
	if (status)
		return sp_command_fail(me, SP_EXIT_FAILED, "%s", err.text);
	return SP_EXIT_OK;
}

int cmd_journal(int argc, char **argv)
{
	static const struct sp_command commands[] = {
		{ "verify", "read and check every byte", verify },
		{ 0 },
	};

	return sp_command_dispatch(commands, "sallyport journal", "The journal on disk.", argc,
				   argv);
}
