/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "app/report.h"
#include "app/stills.h"
#include "command.h"
#include "image/image.h"
#include "verdict.h"

static const char me[] = "sallyport compare";

static struct sp_stills_config stills_config;
static struct sp_verdict_options verdict_options;
static const char *precision;
static bool json;

static const struct sp_opt options[] = {
	{ "json", 'j', SP_OPT_FLAG, &json, NULL, "one JSON object", 0, 0 },
	SP_VERDICT_OPTIONS(verdict_options),
	{ "precision", 0, SP_OPT_STRING, &precision, "P", "f32, bf16 or auto (auto)", 0, 0 },
	{ "model-dir", 'm', SP_OPT_STRING, &stills_config.model_directory, "DIR",
	  "look for models here first", 0, 0 },
	{ "detector", 0, SP_OPT_STRING, &stills_config.detector, "FILE",
	  "a YuNet-shaped ONNX model", 0, 0 },
	{ "embedder", 0, SP_OPT_STRING, &stills_config.embedder, "FILE",
	  "an ONNX model fed as MobileFaceNet is", 0, 0 },
	{ 0 },
};

static const struct sp_opt_usage usage = {
	me,
	"A B",
	"Compares the largest face of two pictures, 1:1.",
	"Exit status: 0 compared (whatever came of it), 1 failed, 3 a picture has no face. The outcome is\n"
	"\"match\" or \"no decision\": a low similarity never says that someone is not a person.",
};

/* Exit code; on 0 *@ret_face holds a copy of the picture's main face. */
static int main_face_of(struct sp_stills *stills, const char *file, struct sp_face *ret_face)
{
	const struct sp_result *result;
	const struct sp_face *face;
	struct sp_image image;
	struct sp_err err;
	int status = sp_image_read(file, &image, &err);

	if (status)
		return sp_command_fail(me, SP_EXIT_FAILED, "%s", err.text);
	status = sp_stills_analyse(stills, &image, &result, &err);
	sp_image_uninit(&image);
	if (status)
		return sp_command_fail(me, SP_EXIT_FAILED, "%s: %s", file, err.text);
	face = sp_stills_main_face(result);
	if (!face)
		return sp_command_fail(me, SP_EXIT_NOTHING, "%s: no face found", file);
	*ret_face = *face;
	return SP_EXIT_OK;
}

static void print(const struct sp_comparison *c, const struct sp_verdict *verdict,
		  const struct sp_face *a, const struct sp_face *b)
{
	char validity[2][160];

	if (json) {
		sp_command_print_json(
			json_pack("{s:f, s:f, s:o, s:b, s:s}", "similarity", c->similarity,
				  "threshold", c->threshold.similarity, "fmr",
				  c->threshold.fmr > 0 ? json_real(c->threshold.fmr) : json_null(),
				  "same", c->decision == SP_MATCH, "meaning", verdict->meaning));
		return;
	}
	printf("similarity %.3f, threshold %.3f: %s\n", c->similarity, c->threshold.similarity,
	       sp_verdict_word(c));
	printf("threshold: %s\n", verdict->meaning);
	printf("faces: %s; %s\n", sp_report_validity(a->reasons, validity[0], sizeof(validity[0])),
	       sp_report_validity(b->reasons, validity[1], sizeof(validity[1])));
}

static int compare(struct sp_stills *stills, char **files)
{
	const struct sp_compute_info *info = sp_stills_info(stills);
	struct sp_template templates[2];
	struct sp_comparison comparison;
	struct sp_verdict verdict;
	static struct sp_face faces[2];
	struct sp_err err;

	if (sp_verdict_prepare(&verdict_options, info->embedder_id, &verdict, &err))
		return sp_command_fail(me, SP_EXIT_FAILED, "%s", err.text);
	for (int i = 0; i < 2; i++) {
		int code = main_face_of(stills, files[i], &faces[i]);

		if (code)
			return code;
		templates[i] = (struct sp_template){ info->embedder_id, faces[i].embedding,
						     info->embedding_size };
	}
	if (sp_match_compare(&templates[0], &templates[1], &verdict.threshold, &comparison, &err))
		return sp_command_fail(me, SP_EXIT_FAILED, "%s", err.text);
	print(&comparison, &verdict, &faces[0], &faces[1]);
	return SP_EXIT_OK;
}

int cmd_compare(int argc, char **argv)
{
	struct sp_stills *stills;
	struct sp_err err;
	int code = sp_command_parse(options, &usage, &argc, argv);

	if (code >= 0)
		return code;
	if (argc != 2)
		return sp_command_fail(me, SP_EXIT_USAGE, "give two pictures, not %d", argc);
	if (precision)
		stills_config.precision = sp_precision_named(precision);
	if (stills_config.precision == SP_PRECISIONS)
		return sp_command_fail(me, SP_EXIT_USAGE,
				       "--precision %.20s is not f32, bf16 or auto", precision);
	if (sp_stills_open(&stills_config, &stills, &err))
		return sp_command_fail(me, SP_EXIT_FAILED, "%s", err.text);
	code = compare(stills, argv);
	sp_stills_close(stills);
	return code;
}
