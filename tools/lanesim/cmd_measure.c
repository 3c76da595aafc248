/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "command.h"
#include "lanesim/commands.h"
#include "lanesim/measure.h"

static struct {
	struct lanesim_measure common;
	const char *stage, *judge;
	double score_min, eye_distance_min, cosine;
	uint32_t shots;
	bool json;
} o = {
	.common = { .seed = 1, .n = 200, .progress = true },
	.stage = "heads",
	.score_min = 0.6,
	.eye_distance_min = 24,
	.cosine = 0.45,
	.shots = 5,
};

static const char warning[] =
	"Of synthetic people: good for comparing models, no forecast of the field.";

/* ---- detector ---- */

static json_t *numbers(const double *values, unsigned int n)
{
	json_t *array = json_array();

	for (unsigned int i = 0; i < n; i++)
		json_array_append_new(array, json_real(values[i]));
	return array;
}

static void print_detector(const struct lanesim_detection_figures *f)
{
	static const char *const names[] = { "right eye", "left eye", "nose", "right corner",
					     "left corner" };
	double recall = f->faces ? (double)f->found / f->faces : 0;
	double false_faces = f->pictures ? (double)f->false_faces / f->pictures : 0;

	if (o.json) {
		json_t *offset = json_array();

		for (int i = 0; i < 5; i++)
			json_array_append_new(offset, numbers(f->offset[i], 2));
		sp_command_print_json(json_pack(
			"{s:s, s:s, s:I, s:I, s:I, s:I, s:f, s:f, s:f, s:f, s:o, s:o}", "model",
			o.common.model, "stage", o.stage, "seed", (json_int_t)o.common.seed,
			"pictures", (json_int_t)f->pictures, "faces", (json_int_t)f->faces, "found",
			(json_int_t)f->found, "recall", recall, "false_faces_per_picture",
			false_faces, "score", f->score, "landmark_error", f->landmark,
			"landmark_errors", numbers(f->landmarks, 5), "landmark_offsets", offset));
		return;
	}
	printf("%u pictures, %u faces to be found, %u found: %.2f %%\n", f->pictures, f->faces,
	       f->found, 100 * recall);
	printf("%u false faces: %.4f a picture\n", f->false_faces, false_faces);
	printf("mean score %.4f; landmarks off by %.2f %% of the distance between the eyes\n",
	       f->score, 100 * f->landmark);
	for (int i = 0; i < 5; i++)
		printf("  %-12s %5.2f %%, on average %+.1f %% sideways and %+.1f %% down\n",
		       names[i], 100 * f->landmarks[i], 100 * f->offset[i][0],
		       100 * f->offset[i][1]);
	printf("%s\n", warning);
}

static int detector(int argc, char **argv)
{
	static const char me[] = "lanesim measure detector";
	static const struct sp_opt options[] = {
		{ "on", 0, SP_OPT_STRING, &o.stage, "WHAT",
		  "heads: single people by day, 40 to 70 pixels between the eyes, turned up to 30 "
		  "degrees; lanes: vehicles from every side, empty ones and empty lanes too (heads)",
		  0, 0 },
		{ "seed", 's', SP_OPT_U64, &o.common.seed, "S", "of everything (1)", 0, 0 },
		{ "pictures", 'n', SP_OPT_U32, &o.common.n, "N",
		  "so many pictures, or vehicles of four pictures each (200)", 1, 1e6 },
		{ "score", 0, SP_OPT_DOUBLE, &o.score_min, "S", "the least score that counts (0.6)",
		  0, 1 },
		{ "eyes", 0, SP_OPT_DOUBLE, &o.eye_distance_min, "PIXELS",
		  "the least distance between the eyes that counts (24)", 1, 1000 },
		{ "threads", 0, SP_OPT_U32, &o.common.threads, "N", "(one a CPU)", 1, 256 },
		{ "json", 'j', SP_OPT_FLAG, &o.json, NULL, "one JSON object", 0, 0 },
		{ 0 },
	};
	static const struct sp_opt_usage usage = {
		me,
		"MODEL.onnx",
		"What a YuNet-shaped detector finds of synthetic travellers.",
		"A face is to be found if 60 % of it can be seen.",
	};
	struct lanesim_detection_figures figures;
	struct lanesim_detection_measure measure;
	struct sp_err err;
	int status = sp_command_parse(options, &usage, &argc, argv);

	if (status >= 0)
		return status;
	if (argc != 1)
		return sp_command_fail(me, SP_EXIT_USAGE, "give one model");
	if (strcmp(o.stage, "heads") && strcmp(o.stage, "lanes"))
		return sp_command_fail(me, SP_EXIT_USAGE, "--on: '%s' is neither heads nor lanes",
				       o.stage);
	o.common.model = argv[0];
	measure = (struct lanesim_detection_measure){
		.common = o.common,
		.stage = strcmp(o.stage, "heads") ? LANESIM_LANES : LANESIM_HEADS,
		.score_min = (float)o.score_min,
		.eye_distance_min = (float)o.eye_distance_min,
	};
	if (lanesim_measure_detector(&measure, &figures, &err))
		return sp_command_fail(me, SP_EXIT_FAILED, "%s", err.text);
	print_detector(&figures);
	return SP_EXIT_OK;
}

/* ---- embedder ---- */

static void print_embedder(const struct lanesim_embedding_figures *f)
{
	if (o.json) {
		json_t *rates = json_array();

		for (int r = 0; r < LANESIM_RATES; r++)
			json_array_append_new(rates, json_pack("{s:f, s:f, s:f}", "far", f->rate[r],
							       "threshold", f->threshold[r], "tar",
							       f->accepted[r]));
		sp_command_print_json(json_pack("{s:s, s:I, s:I, s:I, s:f, s:f, s:o}", "model",
						o.common.model, "seed", (json_int_t)o.common.seed,
						"people", (json_int_t)f->people, "pictures",
						(json_int_t)f->pictures, "genuine", f->genuine,
						"impostor", f->impostor, "rates", rates));
		return;
	}
	printf("%u people, %u pictures; mean similarity of one person's %.3f, of two people's %.3f\n",
	       f->people, f->pictures, f->genuine, f->impostor);
	for (int r = 0; r < LANESIM_RATES; r++)
		printf("false accepts %.0e: threshold %.3f, true accepts %.4f\n", f->rate[r],
		       f->threshold[r], f->accepted[r]);
	printf("%s\n", warning);
}

static int embedder(int argc, char **argv)
{
	static const char me[] = "lanesim measure embedder";
	static const struct sp_opt options[] = {
		{ "seed", 's', SP_OPT_U64, &o.common.seed, "S", "of everything (1)", 0, 0 },
		{ "people", 'n', SP_OPT_U32, &o.common.n, "N", "so many people (200)", 2, 1e5 },
		{ "shots", 'k', SP_OPT_U32, &o.shots, "K", "pictures of each (5)", 2, 64 },
		{ "judge", 0, SP_OPT_STRING, &o.judge, "EMBEDDER.onnx",
		  "keep people apart by this other network too", 0, 0 },
		{ "cosine", 0, SP_OPT_DOUBLE, &o.cosine, "C",
		  "with --judge: the largest similarity (0.45)", -1, 1 },
		{ "threads", 0, SP_OPT_U32, &o.common.threads, "N", "(one a CPU)", 1, 256 },
		{ "json", 'j', SP_OPT_FLAG, &o.json, NULL, "one JSON object", 0, 0 },
		{ 0 },
	};
	static const struct sp_opt_usage usage = {
		me,
		"MODEL.onnx",
		"How well an embedder tells synthetic travellers apart.",
		"Fair pictures by day, turned up to 15 degrees, aligned by the true landmarks; all pairs.",
	};
	struct lanesim_embedding_figures figures;
	struct lanesim_embedding_measure measure;
	struct sp_err err;
	int status = sp_command_parse(options, &usage, &argc, argv);

	if (status >= 0)
		return status;
	if (argc != 1)
		return sp_command_fail(me, SP_EXIT_USAGE, "give one model");
	if ((uint64_t)o.common.n * o.shots > LANESIM_MEASURED_MAX)
		return sp_command_fail(
			me, SP_EXIT_USAGE,
			"%u people of %u pictures; at most %d pictures can be compared", o.common.n,
			o.shots, LANESIM_MEASURED_MAX);
	o.common.model = argv[0];
	measure = (struct lanesim_embedding_measure){
		.common = o.common,
		.shots = o.shots,
		.judge = o.judge,
		.judge_cosine = (float)o.cosine,
	};
	if (lanesim_measure_embedder(&measure, &figures, &err))
		return sp_command_fail(me, SP_EXIT_FAILED, "%s", err.text);
	print_embedder(&figures);
	return SP_EXIT_OK;
}

int lanesim_cmd_measure(int argc, char **argv)
{
	static const struct sp_command commands[] = {
		{ "detector", "what it finds, and how exactly", detector },
		{ "embedder", "how well it tells people apart", embedder },
		{ 0 },
	};

	return sp_command_dispatch(commands, "lanesim measure",
				   "What models make of synthetic travellers.", argc, argv);
}
