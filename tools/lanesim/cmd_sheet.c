/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "command.h"
#include "image/image.h"
#include "lanesim/commands.h"
#include "lanesim/output.h"
#include "lanesim/sheet.h"

static const char me[] = "lanesim sheet";

static struct lanesim_sheet sheet = {
	.seed = 1,
	.rows = 6,
	.columns = 8,
	.side = 160,
	.label = me,
};
static const char *file;
static bool json;

static const struct sp_opt options[] = {
	{ "seed", 's', SP_OPT_U64, &sheet.seed, "S", "of everything (1)", 0, 0 },
	{ "rows", 0, SP_OPT_U32, &sheet.rows, "N", "(6)", 1, 64 },
	{ "columns", 0, SP_OPT_U32, &sheet.columns, "N", "(8)", 1, 64 },
	{ "size", 0, SP_OPT_U32, &sheet.side, "PIXELS", "side of a tile (160)", 32, 512 },
	{ "output", 'o', SP_OPT_STRING, &file, "FILE.png", "where to (needed)", 0, 0 },
	{ "threads", 0, SP_OPT_U32, &sheet.threads, "N", "(one a CPU)", 1, 256 },
	{ "json", 'j', SP_OPT_FLAG, &json, NULL, "the summary as JSON", 0, 0 },
	{ 0 },
};

static const struct sp_opt_usage usage = {
	me,
	"",
	"A contact sheet of travellers, each a different person.",
	NULL,
};

int lanesim_cmd_sheet(int argc, char **argv)
{
	struct lanesim_output output = { .pictures = 0 };
	struct sp_image page;
	struct sp_err err;
	int status = sp_command_parse(options, &usage, &argc, argv);

	if (status >= 0)
		return status;
	if (argc || !file)
		return sp_command_fail(me, SP_EXIT_USAGE, "give -o FILE.png and nothing else");
	output.began_ns = sp_clock_now();
	output.pictures = (uint64_t)sheet.rows * sheet.columns;
	if (lanesim_sheet_draw(&sheet, &page, &err))
		return sp_command_fail(me, SP_EXIT_FAILED, "%s", err.text);
	status = sp_image_write_png(file, &page, &err);
	sp_image_uninit(&page);
	if (status)
		return sp_command_fail(me, SP_EXIT_FAILED, "%s", err.text);
	return lanesim_output_report(&output, file, json);
}
