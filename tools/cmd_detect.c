/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "annotate.h"
#include "app/report.h"
#include "app/stills.h"
#include "base/diag.h"
#include "base/progress.h"
#include "base/table.h"
#include "command.h"
#include "image/image.h"
#include "infer/preprocess.h"

static const char me[] = "sallyport detect";

static struct sp_stills_config stills_config;
static double score_min, eyes_min;
static const char *draw, *precision;
static struct sp_opt_list areas;
static bool json, embedding, draw_areas, quality;

static const struct sp_opt options[] = {
	{ "json", 'j', SP_OPT_FLAG, &json, NULL, "one JSON object a picture", 0, 0 },
	{ "embedding", 0, SP_OPT_FLAG, &embedding, NULL,
	  "with --json: the L2-normalised embeddings too", 0, 0 },
	{ "quality", 'q', SP_OPT_FLAG, &quality, NULL,
	  "a table of all that is measured of a face (docs/quality.md)", 0, 0 },
	{ "draw", 0, SP_OPT_STRING, &draw, "OUT.png",
	  "write the picture with boxes and landmarks (one picture)", 0, 0 },
	{ "areas", 0, SP_OPT_FLAG, &draw_areas, NULL,
	  "with --draw: outline the parts that were looked at too", 0, 0 },
	{ "score", 's', SP_OPT_DOUBLE, &score_min, "S",
	  "weakest face to report (as the detector's card says; YuNet: 0.6)", 0.01, 0.999 },
	{ "max-side", 0, SP_OPT_U32, &stills_config.side_max, "PX",
	  "look at larger pictures reduced to this (1600)", 64, 4096 },
	{ "eyes", 0, SP_OPT_DOUBLE, &eyes_min, "PX",
	  "of such pictures look at tiles too, for faces from PX between the eyes on", 8, 1024 },
	{ "area", 0, SP_OPT_LIST, &areas, "X,Y,W,H[,SCALE]",
	  "look at this part too, at SCALE (1); may be given again", 0, 0 },
	{ "only-areas", 0, SP_OPT_FLAG, &stills_config.tiles.no_whole, NULL,
	  "do not look at the whole picture", 0, 0 },
	{ "precision", 0, SP_OPT_STRING, &precision, "P", "f32, bf16 or auto (auto)", 0, 0 },
	{ "model-dir", 'm', SP_OPT_STRING, &stills_config.model_directory, "DIR",
	  "look for models here first", 0, 0 },
	{ "detector", 0, SP_OPT_STRING, &stills_config.detector, "FILE",
	  "a YuNet-shaped ONNX model", 0, 0 },
	{ "embedder", 0, SP_OPT_STRING, &stills_config.embedder, "FILE",
	  "an ONNX model fed as MobileFaceNet is", 0, 0 },
	{ "backend", 0, SP_OPT_STRING, &stills_config.backend, "NAME",
	  "compute backend: auto, cpu or cuda (auto)", 0, 0 },
	{ 0 },
};

static const struct sp_opt_usage usage = {
	me,
	"IMAGE…",
	"Finds faces in JPEG, PNG, PGM and PPM pictures.",
	"Coordinates are pixels of the picture; landmarks are right eye, left eye, nose, right and left\n"
	"mouth corner, as the person has them. Exit status: 0 faces found, 1 a picture failed, 3 none found.",
};

static void print_json(const char *file, const struct sp_image *image,
		       const struct sp_result *result, uint32_t embedding_size)
{
	json_t *faces = json_array();

	for (uint32_t i = 0; i < result->faces_n; i++)
		json_array_append_new(faces, sp_report_face(&result->faces[i], embedding_size));
	sp_command_print_json(json_pack("{s:s, s:i, s:i, s:o}", "file", file, "width",
					(int)image->width, "height", (int)image->height, "faces",
					faces));
}

static const char summary_columns[] =
	"picture|>face|>score|position|size|>eyes|>yaw|>quality|validity";
static const char quality_columns[] =
	"picture|>face|>eyes|>yaw|>pitch|>roll|>sharpness|>exposure|>dark, white|>range|>contrast|"
	">even|>lost|left, above, right, below|>network|validity";

/* "24° ± 9°"; returns @text. */
static const char *angle(float degrees, float error, char text[32])
{
	snprintf(text, 32, "%.0f° ± %.0f°", (double)degrees, (double)error);
	return text;
}

static void add_quality(struct sp_table *table, const char *file, uint32_t number,
			const struct sp_face *face)
{
	const struct sp_quality *q = &face->quality;
	char validity[160], yaw[32], pitch[32], roll[32];

	sp_report_validity(face->reasons, validity, sizeof(validity));
	if (!q->detailed) {
		sp_table_row(table, "%s|%u|%.0f px|%.0f°|%.0f°|%.0f°||||||||||%s", file, number,
			     q->eye_distance, q->yaw, q->pitch, q->roll, validity);
		return;
	}
	sp_table_row(table,
		     "%s|%u|%.0f px|%s|%s|%s|%.0f|%.2f|%.0f %%, %.0f %%|%.1f bits|%.2f|%.2f|"
		     "%.1f %%|%.1f, %.1f, %.1f, %.1f|%.2f|%s",
		     file, number, q->eye_distance, angle(q->yaw, q->yaw_error, yaw),
		     angle(q->pitch, q->pitch_error, pitch), angle(q->roll, q->roll_error, roll),
		     q->sharpness, q->exposure, 100 * q->underexposed, 100 * q->overexposed,
		     q->dynamic_range, q->contrast, q->evenness, 100 * q->aligned_occlusion,
		     q->margin_left, q->margin_above, q->margin_right, q->margin_below, q->network,
		     validity);
}

static void add_rows(struct sp_table *table, const char *file, const struct sp_result *result)
{
	for (uint32_t i = 0; i < result->faces_n; i++) {
		const struct sp_face *f = &result->faces[i];
		char validity[160];

		if (quality) {
			add_quality(table, file, i + 1, f);
			continue;
		}
		sp_table_row(table, "%s|%u|%.3f|%.0f, %.0f|%.0f × %.0f|%.0f px|%.0f°|%.2f|%s", file,
			     i + 1, f->score, f->box[0], f->box[1], f->box[2], f->box[3],
			     f->quality.eye_distance, f->quality.yaw, f->quality.score,
			     sp_report_validity(f->reasons, validity, sizeof(validity)));
	}
	if (!result->faces_n)
		sp_table_row(table, quality ? "%s|–||||||||||||||no face" : "%s|–|||||||no face",
			     file);
}

static int draw_picture(const struct sp_stills *stills, struct sp_image *image,
			const struct sp_result *result, struct sp_err *err)
{
	struct sp_fit looks[SP_TILE_LOOKS_MAX];
	unsigned int n;
	int status = draw_areas ? sp_stills_plan(stills, image, looks, &n, err) : 0;

	if (status)
		return status;
	if (draw_areas)
		sp_annotate_looks(image, looks, n);
	sp_annotate_faces(image, result);
	return sp_image_write_png(draw, image, err);
}

/* Returns 0 or -errno; counts faces. */
static int look_at(struct sp_stills *stills, const char *file, struct sp_table *table,
		   uint64_t *faces, struct sp_err *err)
{
	const struct sp_result *result;
	struct sp_image image;
	int status = sp_image_read(file, &image, err);

	if (status)
		return status;
	status = sp_stills_analyse(stills, &image, &result, err);
	if (status) {
		sp_err_prefix(err, status, "%s", file);
		goto out;
	}
	*faces += result->faces_n;
	if (json)
		print_json(file, &image, result,
			   embedding ? sp_stills_info(stills)->embedding_size : 0);
	else
		add_rows(table, file, result);
	if (draw)
		status = draw_picture(stills, &image, result, err);
out:
	sp_image_uninit(&image);
	return status;
}

static int read_area(const char *text, struct sp_tile_area *ret_area, struct sp_err *err)
{
	struct sp_tile_area area = { .scale = 1 };
	struct sp_scale_rect *r = &area.rect;
	int used = 0, used_by_scale = 0;

	/* Five digits: a longer number would be taken modulo 2³². */
	if (sscanf(text, "%5u,%5u,%5u,%5u%n,%f%n", &r->x, &r->y, &r->width, &r->height, &used,
		   &area.scale, &used_by_scale) < 4 ||
	    strchr(text, '-') || text[used_by_scale > used ? used_by_scale : used])
		return sp_err_set(err, -EINVAL,
				  "--area %.60s is not X,Y,WIDTH,HEIGHT or X,Y,WIDTH,HEIGHT,SCALE",
				  text);
	if (!r->width || !r->height || !(area.scale > 0 && area.scale <= 1))
		return sp_err_set(err, -EINVAL,
				  "--area %.60s: sides are 1 pixel at least, a scale is above 0 "
				  "and up to 1",
				  text);
	*ret_area = area;
	return 0;
}

/* What the options say of looks and arithmetic, into stills_config. */
static int read_wishes(struct sp_err *err)
{
	struct sp_tile_config *tiles = &stills_config.tiles;
	int status = 0;

	stills_config.score_min = (float)score_min;
	tiles->eyes_min = (float)eyes_min;
	if (precision) {
		stills_config.precision = sp_precision_named(precision);
		if (stills_config.precision == SP_PRECISIONS)
			return sp_err_set(err, -EINVAL,
					  "--precision %.20s is not f32, bf16 or auto", precision);
	}
	if (areas.n > SP_TILE_AREAS_MAX)
		return sp_err_set(err, -EINVAL, "--area is given %u times; at most %d", areas.n,
				  SP_TILE_AREAS_MAX);
	for (; !status && tiles->areas_n < areas.n; tiles->areas_n++)
		status = read_area(areas.items[tiles->areas_n], &tiles->areas[tiles->areas_n], err);
	return status;
}

int cmd_detect(int argc, char **argv)
{
	struct sp_progress progress;
	struct sp_stills *stills;
	struct sp_table table;
	uint64_t faces = 0;
	struct sp_err err;
	int failed = 0;
	int code = sp_command_parse(options, &usage, &argc, argv);

	if (code >= 0)
		return code;
	if (!argc)
		return sp_command_fail(me, SP_EXIT_USAGE, "no picture given; `%s --help` explains",
				       me);
	if (draw && argc > 1)
		return sp_command_fail(me, SP_EXIT_USAGE, "--draw takes one picture, %d are given",
				       argc);
	if (draw_areas && !draw)
		return sp_command_fail(me, SP_EXIT_USAGE,
				       "--areas says what --draw draws; give --draw OUT.png");
	if (read_wishes(&err))
		return sp_command_fail(me, SP_EXIT_USAGE, "%s", err.text);
	if (sp_stills_open(&stills_config, &stills, &err))
		return sp_command_fail(me, SP_EXIT_FAILED, "%s", err.text);
	if (sp_table_init(&table, quality ? quality_columns : summary_columns)) {
		sp_stills_close(stills);
		return sp_command_fail(me, SP_EXIT_FAILED, "out of memory");
	}
	sp_progress_start(&progress, "pictures", (uint64_t)argc);
	for (int i = 0; i < argc; i++) {
		if (look_at(stills, argv[i], &table, &faces, &err)) {
			sp_progress_end(&progress);
			sp_command_fail(me, SP_EXIT_FAILED, "%s", err.text);
			failed++;
		}
		sp_progress_update(&progress, (uint64_t)i + 1, argv[i]);
	}
	sp_progress_end(&progress);
	if (!json && table.rows > 1)
		sp_table_print(&table, stdout);
	sp_table_uninit(&table);
	sp_stills_close(stills);
	if (failed)
		return SP_EXIT_FAILED;
	return faces ? SP_EXIT_OK : SP_EXIT_NOTHING;
}
