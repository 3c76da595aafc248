/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "app/known_models.h"
#include "app/model_file.h"
#include "app/models.h"
#include "base/diag.h"
#include "base/table.h"
#include "cmd_model.h"
#include "cmd_model_bench.h"
#include "cmd_model_plan.h"
#include "command.h"
#include "infer/model.h"

static bool json;

/* ---- pictures ------------------------------------------------------------------------------- */

enum { DETECTOR_SIDE = 640, SIDE_MAX = 1 << 14 };

int64_t cmd_model_usual_side(const struct sp_model_card *card)
{
	bool face = card->role == SP_ROLE_EMBEDDER || card->role == SP_ROLE_QUALITY;

	return face ? card->side : DETECTOR_SIDE;
}

int cmd_model_read_size(const char *me, const char *text, int64_t *ret_width, int64_t *ret_height)
{
	long long width, height;
	char rest;

	if (sscanf(text, "%lldx%lld%c", &width, &height, &rest) != 2 || width < 1 || height < 1 ||
	    width > SIDE_MAX || height > SIDE_MAX)
		return sp_command_fail(me, SP_EXIT_USAGE,
				       "--input is WIDTHxHEIGHT of 1 to %d pixels, not '%s'",
				       SIDE_MAX, text);
	*ret_width = width;
	*ret_height = height;
	return 0;
}

/* ---- list ------------------------------------------------------------------------------------ */

static const char demonstration[] =
	"demonstration and tests; synthetic figures do not predict the field's";

struct listing {
	struct sp_table table;
	struct sp_models chosen;
	bool is_chosen;
	uint32_t n, ours;
};

static bool is_default(const struct listing *listing, const char *path)
{
	return listing->is_chosen &&
	       (!strcmp(path, listing->chosen.detector) ||
		!strcmp(path, listing->chosen.embedder) || !strcmp(path, listing->chosen.quality));
}

/* What has room in a column; cards may have whole sentences, with bars. */
static const char *short_licence(const char *licence, char brief[32])
{
	size_t n = strcspn(licence ? licence : "", ",;|");

	n = n < 28 ? n : 28;
	while (n && ((unsigned char)licence[n] & 0xC0) == 0x80)
		n--; /* no half characters */
	snprintf(brief, 32, "%.*s", (int)n, licence ? licence : "");
	return brief;
}

/* A file that the loader refuses is listed too: its refusal is what a person must know. */
static void list_file(struct listing *listing, const char *directory, const char *file)
{
	char path[SP_MODELS_PATH_SIZE], sha256[SP_SHA256_TEXT] = "", brief[32];
	const struct sp_known_model *known = NULL;
	struct sp_model_card card = { .role = SP_ROLES };
	enum sp_model_origin origin;
	struct sp_err err = { "" };
	struct sp_model *model;
	const char *licence;

	if (snprintf(path, sizeof(path), "%s/%s", directory, file) >= (int)sizeof(path))
		return;
	if (!sp_model_load(path, &model, &err)) {
		known = sp_known_model_of(sp_sha256_text(model->sha256, sha256));
		if (sp_model_card_of(model, &card, &err))
			card.role = SP_ROLES;
		sp_model_free(model);
	}
	licence = known ? known->licence : *card.licence ? card.licence : NULL;
	origin = known ? known->origin : SP_MODEL_UNKNOWN;
	listing->n++;
	listing->ours += origin == SP_MODEL_OURS;
	if (json)
		sp_command_print_json(
			json_pack("{s:s, s:s, s:b, s:b, s:s, s:s, s:s, s:s*, s:s*, s:s*, s:s*}",
				  "file", file, "path", path, "present", 1, "default",
				  is_default(listing, path), "kind", sp_model_role_name(card.role),
				  "sha256", sha256, "origin", sp_model_origin_name(origin),
				  "licence", licence, "title", *card.title ? card.title : NULL,
				  "note", origin == SP_MODEL_OURS ? demonstration : NULL, "error",
				  *err.text ? err.text : NULL));
	else
		sp_table_row(&listing->table, "%s%s|%s|%.12s|%s|%s|%s",
			     is_default(listing, path) ? "* " : "  ", file,
			     *err.text ? "refused" : sp_model_role_name(card.role), sha256,
			     sp_model_origin_name(origin), short_licence(licence, brief),
			     directory);
}

static int is_onnx(const struct dirent *entry)
{
	size_t n = strlen(entry->d_name);

	return entry->d_name[0] != '.' && n > 5 && !strcmp(entry->d_name + n - 5, ".onnx");
}

static void list_directory(struct listing *listing, const char *directory)
{
	struct dirent **entries;
	int n = scandir(directory, &entries, is_onnx, alphasort);

	for (int i = 0; i < n; i++) {
		list_file(listing, directory, entries[i]->d_name);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
}

static void list_absent(struct listing *listing, const char *directory)
{
	char path[SP_MODELS_PATH_SIZE];

	for (const struct sp_known_model *m = sp_known_models; m->file; m++) {
		if (!sp_models_find(directory, m->file, path, sizeof(path), NULL) || !*m->sha256)
			continue;
		if (json)
			sp_command_print_json(json_pack(
				"{s:s, s:b, s:b, s:s, s:s, s:s, s:s}", "file", m->file, "present",
				0, "default", 0, "kind", sp_model_role_name(m->role), "sha256",
				m->sha256, "origin", sp_model_origin_name(m->origin), "licence",
				m->licence));
		else
			sp_table_row(&listing->table, "  %s|%s|%.12s|%s|%s|absent%s", m->file,
				     sp_model_role_name(m->role), m->sha256,
				     sp_model_origin_name(m->origin), m->licence,
				     m->path ? "; `sallyport model install` fetches it" : "");
	}
}

static int list(int argc, char **argv)
{
	static const char me[] = "sallyport model list";
	static const char *directory;
	static const struct sp_opt options[] = {
		{ "model-dir", 'm', SP_OPT_STRING, &directory, "DIR", "look for models here first",
		  0, 0 },
		{ "json", 'j', SP_OPT_FLAG, &json, NULL, "JSON lines, one a file", 0, 0 },
		{ 0 },
	};
	static const struct sp_opt_usage usage = {
		me,
		"",
		"Lists the models of the search path, and those known that are not there.",
		"Origin goes by the file's sha256, kind by its card or, without one, its shape.\n"
		"A * marks what is used where neither options nor configuration name a model.\n"
		"Exit status 3 if there is none.",
	};
	struct sp_models_wish wish = { .directory = NULL };
	struct listing listing = { .n = 0 };
	struct sp_models_places places;
	int code = sp_command_parse(options, &usage, &argc, argv);

	if (code >= 0)
		return code;
	if (argc)
		return sp_command_fail(me, SP_EXIT_USAGE, "'%s' is not expected", argv[0]);
	if (sp_table_init(&listing.table, "  model|kind|sha256|origin|licence|where"))
		return sp_command_fail(me, SP_EXIT_FAILED, "out of memory");
	wish.directory = directory;
	listing.is_chosen = !sp_models_choose(&wish, &listing.chosen, NULL);
	sp_models_places(directory, &places);
	for (unsigned int i = 0; i < places.n; i++)
		list_directory(&listing, places.path[i]);
	list_absent(&listing, directory);
	if (!json) {
		sp_table_print(&listing.table, stdout);
		if (listing.ours)
			printf("ours: for %s\n", demonstration);
	}
	sp_table_uninit(&listing.table);
	return listing.n ? SP_EXIT_OK : SP_EXIT_NOTHING;
}

/* ---- inspect --------------------------------------------------------------------------------- */

/* "input 1x3x112x112, …". */
static json_t *values(const struct sp_value *value, unsigned int n)
{
	json_t *array = json_array();
	char shape[64];

	for (unsigned int i = 0; i < n; i++)
		json_array_append_new(
			array, json_pack("{s:s, s:s}", "name", value[i].name, "shape",
					 sp_shape_text(&value[i].shape, shape, sizeof(shape))));
	return array;
}

static void print_values(const char *title, const struct sp_value *value, unsigned int n)
{
	char shape[64];

	for (unsigned int i = 0; i < n; i++)
		printf("%-11s %s %s\n", i ? "" : title, value[i].name,
		       sp_shape_text(&value[i].shape, shape, sizeof(shape)));
}

/* What its card says, or what holds without one. */
static void print_card(const struct sp_model_card *card)
{
	const struct sp_input_form *form = &card->input;

	printf("card        %s\n",
	       *card->path ? card->path : "none; what its kind usually has (docs/models.md)");
	if (*card->title)
		printf("what        %s\n", card->title);
	if (*card->licence)
		printf("licence     %s\n", card->licence);
	if (*card->note)
		printf("use         %s\n", card->note);
	printf("fed         %s, (x - %.6g, %.6g, %.6g) / %.6g, %.6g, %.6g",
	       form->bgr ? "bgr" : "rgb", (double)(0 - form->shift[0] / form->scale[0]),
	       (double)(0 - form->shift[1] / form->scale[1]),
	       (double)(0 - form->shift[2] / form->scale[2]), 1 / (double)form->scale[0],
	       1 / (double)form->scale[1], 1 / (double)form->scale[2]);
	if (card->side)
		printf(", faces of %u x %u\n", card->side, card->side);
	else
		printf(", decoded like %s\n", sp_decode_kind_name(card->decode));
}

static json_t *card_json(const struct sp_model_card *card)
{
	const struct sp_input_form *form = &card->input;
	json_t *object = json_pack(
		"{s:s*, s:s*, s:s*, s:s*, s:s, s:[f,f,f], s:[f,f,f]}", "path",
		*card->path ? card->path : NULL, "title", *card->title ? card->title : NULL,
		"licence", *card->licence ? card->licence : NULL, "use",
		*card->note ? card->note : NULL, "colours", form->bgr ? "bgr" : "rgb", "scale",
		(double)form->scale[0], (double)form->scale[1], (double)form->scale[2], "shift",
		(double)form->shift[0], (double)form->shift[1], (double)form->shift[2]);

	if (card->side)
		json_object_set_new(object, "side", json_integer(card->side));
	else
		json_object_set_new(object, "decode",
				    json_string(sp_decode_kind_name(card->decode)));
	return object;
}

static void print_model(const struct sp_model *model, const struct sp_model_card *card,
			const struct sp_model_figures *figures, uint64_t bytes)
{
	char sha256[SP_SHA256_TEXT];
	const struct sp_known_model *known =
		sp_known_model_of(sp_sha256_text(model->sha256, sha256));

	printf("file        %s, %llu bytes\n", model->name, (unsigned long long)bytes);
	printf("sha256      %s\n", sha256);
	if (known)
		printf("known as    %s, %s, %s\n", known->file, sp_model_origin_name(known->origin),
		       known->licence);
	else
		printf("known as    nothing: neither recommended nor ours\n");
	printf("kind        %s\n", sp_model_role_name(card->role));
	if (card->role != SP_ROLES)
		print_card(card);
	print_values("inputs", model->inputs, model->inputs_n);
	print_values("outputs", model->outputs, model->outputs_n);
	printf("parameters  %llu\n", (unsigned long long)figures->parameters);
	printf("operators   %u, folded and fused:", figures->nodes);
	for (uint32_t i = 0; i < figures->operators_n; i++)
		printf("%s %u %s", i ? "," : "", figures->operators[i].n,
		       figures->operators[i].type);
	putchar('\n');
	if (known && known->origin == SP_MODEL_OURS)
		printf("note        for %s\n", demonstration);
}

static void print_model_json(const struct sp_model *model, const struct sp_model_card *card,
			     const struct sp_model_figures *figures, uint64_t bytes)
{
	char sha256[SP_SHA256_TEXT];
	const struct sp_known_model *known =
		sp_known_model_of(sp_sha256_text(model->sha256, sha256));
	json_t *operators = json_object();

	for (uint32_t i = 0; i < figures->operators_n; i++)
		json_object_set_new(operators, figures->operators[i].type,
				    json_integer(figures->operators[i].n));
	sp_command_print_json(
		json_pack("{s:s, s:I, s:s, s:s, s:s, s:s*, s:o*, s:o, s:o, s:I, s:o}", "file",
			  model->name, "bytes", (json_int_t)bytes, "sha256", sha256, "kind",
			  sp_model_role_name(card->role), "origin",
			  sp_model_origin_name(known ? known->origin : SP_MODEL_UNKNOWN), "licence",
			  known		   ? known->licence
			  : *card->licence ? card->licence
					   : NULL,
			  "card", card->role == SP_ROLES ? NULL : card_json(card), "inputs",
			  values(model->inputs, model->inputs_n), "outputs",
			  values(model->outputs, model->outputs_n), "parameters",
			  (json_int_t)figures->parameters, "operators", operators));
}

static int inspect(int argc, char **argv)
{
	static const char me[] = "sallyport model inspect";
	static const char *directory, *size;
	static bool plan;
	static const struct sp_opt options[] = {
		{ "model-dir", 'm', SP_OPT_STRING, &directory, "DIR",
		  "look for the model here first", 0, 0 },
		{ "plan", 'p', SP_OPT_FLAG, &plan, NULL,
		  "what is computed, step by step, with its shapes and costs", 0, 0 },
		{ "input", 'i', SP_OPT_STRING, &size, "WxH",
		  "with --plan: for pictures of this size (the model's own, or its kind's)", 0, 0 },
		{ "json", 'j', SP_OPT_FLAG, &json, NULL, "one JSON object", 0, 0 },
		{ 0 },
	};
	static const struct sp_opt_usage usage = {
		me,
		"MODEL",
		"Says what a model file is: its card, inputs, outputs, operators, parameters, sha256.",
		"MODEL is a path, or a file name of the search path. A network that cannot be run\n"
		"here is refused by the name of what is not supported.",
	};
	struct sp_model_figures figures;
	struct sp_model_card card;
	char path[SP_MODELS_PATH_SIZE];
	struct sp_model *model;
	struct stat st;
	struct sp_err err;
	int code = sp_command_parse(options, &usage, &argc, argv);

	if (code >= 0)
		return code;
	if (argc != 1)
		return sp_command_fail(me, SP_EXIT_USAGE, "give one model");
	if (size && !plan)
		return sp_command_fail(me, SP_EXIT_USAGE, "--input goes with --plan");
	/* A file of this directory is named without a '/' too. */
	snprintf(path, sizeof(path), "%s", argv[0]);
	if ((stat(path, &st) && sp_models_find(directory, argv[0], path, sizeof(path), &err)) ||
	    sp_model_load(path, &model, &err))
		return sp_command_fail(me, SP_EXIT_FAILED, "%s", err.text);
	if (sp_model_card_of(model, &card, &err))
		code = sp_command_fail(me, SP_EXIT_FAILED, "%s", err.text);
	else if (plan)
		code = cmd_model_plan(me, model, &card, size, json);
	else if (stat(path, &st) || sp_model_figures(model, &figures))
		code = sp_command_fail(me, SP_EXIT_FAILED, "%s: %s", path, strerror(errno));
	else if (json)
		print_model_json(model, &card, &figures, (uint64_t)st.st_size);
	else
		print_model(model, &card, &figures, (uint64_t)st.st_size);
	sp_model_free(model);
	return code < 0 ? SP_EXIT_OK : code;
}

int cmd_model(int argc, char **argv)
{
	static const struct sp_command commands[] = {
		{ "list", "the models that are there, and those known that are not", list },
		{ "inspect", "what a model file is", inspect },
		{ "bench", "how long networks take on this machine", cmd_model_bench },
		{ "install", "fetch the recommended models, or copy them in", cmd_model_install },
		{ 0 },
	};

	return sp_command_dispatch(commands, "sallyport model", "Model files.", argc, argv);
}
