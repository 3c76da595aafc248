/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <unistd.h>

#include "app/documents.h"
#include "app/recall.h"
#include "app/sheet.h"
#include "command.h"
#include "encounters.h"
#include "image/image.h"
#include "verdict.h"

static const char me[] = "sallyport encounters sheet";

static struct sp_place_options place;
static struct encounters_span span;
static struct sp_verdict_options verdict_options;
static struct sp_stills_config stills_config;
static const char *output, *title;
static struct sp_opt_list given;

static const struct sp_opt options[] = {
	SP_PLACE_OPTIONS(place),
	ENCOUNTERS_SPAN_OPTIONS(span),
	{ "documents", 0, SP_OPT_LIST, &given, "PATH",
	  "a picture or a folder: matched ones stand beside; may be repeated", 0, 0 },
	{ "output", 'o', SP_OPT_STRING, &output, "FILE", "where to (contact-sheet.png)", 0, 0 },
	{ "title", 0, SP_OPT_STRING, &title, "TEXT", "the page's first line", 0, 0 },
	SP_VERDICT_OPTIONS(verdict_options),
	ENCOUNTERS_MODEL_OPTIONS(stills_config),
	{ 0 },
};

static const struct sp_opt_usage usage = {
	me,
	"",
	"Draws the best shots of encounters on one page.",
	"With --documents, an occupant stands beside the document that `encounters compare` finds\n"
	"to match. The file is readable by its owner only.",
};

struct drawing {
	struct sp_sheet *sheet;
	const struct sp_documents *documents; /* NULL: none are given */
	struct sp_match_threshold threshold;
	struct sp_err err;
};

static int add(void *arg, const struct sp_encounter *encounter)
{
	struct sp_document_match matches[SP_OCCUPANTS_MAX];
	struct drawing *d = arg;
	int status = 0;

	if (d->documents)
		status = sp_documents_match(d->documents, encounter, &d->threshold, matches,
					    &d->err);
	if (!status && sp_sheet_add(d->sheet, encounter, d->documents ? matches : NULL))
		status = sp_err_set(&d->err, -1, "out of memory");
	return status;
}

static int write_sheet(const struct sp_sheet *sheet, const char *path)
{
	struct sp_image page;
	struct sp_err err;
	int status = sp_sheet_draw(sheet, title ?: "sallyport: best shots", &page, &err);

	if (!status) {
		int fd = encounters_open_private(path);

		status = fd < 0 ? sp_err_set(&err, fd, "%s: %s", path, strerror(-fd))
				: sp_image_write_png(path, &page, &err);
		if (fd >= 0)
			close(fd);
		sp_image_uninit(&page);
	}
	if (status)
		return sp_command_fail(me, SP_EXIT_FAILED, "%s", err.text);
	printf("%s: %u best shots\n", path, sp_sheet_people(sheet));
	return SP_EXIT_OK;
}

/* Finds and looks at the documents, for the threshold of the models that saw them. */
static int prepare_documents(struct sp_documents *documents, struct sp_match_threshold *threshold)
{
	struct sp_verdict verdict;
	struct sp_stills *stills;
	struct sp_err err;
	int code;

	for (unsigned int i = 0; i < given.n; i++)
		if (sp_documents_add(documents, given.items[i], &err))
			return sp_command_fail(me, SP_EXIT_FAILED, "%s", err.text);
	code = encounters_stills(me, &place, &stills_config, &stills);
	if (code >= 0)
		return code;
	if (sp_verdict_prepare(&verdict_options, sp_stills_info(stills)->embedder_id, &verdict,
			       &err))
		code = sp_command_fail(me, SP_EXIT_FAILED, "%s", err.text);
	else
		code = encounters_look(me, documents, stills);
	sp_stills_close(stills);
	if (code < 0)
		*threshold = verdict.threshold;
	return code;
}

static int draw(struct drawing *d)
{
	struct sp_recall_filter filter;
	char directory[4096];
	struct sp_err err;
	int code = encounters_filter(me, &span, &filter);

	if (code < 0)
		code = encounters_journal(me, &place, directory, sizeof(directory));
	if (code < 0 && sp_recall_each(directory, &filter, add, d, &err))
		code = sp_command_fail(me, SP_EXIT_FAILED, "%s",
				       *d->err.text ? d->err.text : err.text);
	return code < 0 ? write_sheet(d->sheet, output ?: "contact-sheet.png") : code;
}

int cmd_encounters_sheet(int argc, char **argv)
{
	struct sp_documents *documents = NULL;
	struct drawing d = { .err = { "" } };
	int code = sp_command_parse(options, &usage, &argc, argv);

	if (code >= 0)
		return code;
	if (argc)
		return sp_command_fail(me, SP_EXIT_USAGE, "'%s' is not expected", argv[0]);
	d.sheet = sp_sheet_create(given.n > 0);
	if (given.n)
		documents = sp_documents_create();
	if (!d.sheet || (given.n && !documents))
		code = sp_command_fail(me, SP_EXIT_FAILED, "out of memory");
	if (code < 0 && documents)
		code = prepare_documents(documents, &d.threshold);
	d.documents = documents;
	if (code < 0)
		code = draw(&d);
	sp_documents_destroy(documents);
	sp_sheet_destroy(d.sheet);
	return code;
}
