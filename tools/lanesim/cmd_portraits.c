/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "command.h"
#include "image/image.h"
#include "lanesim/apart.h"
#include "lanesim/commands.h"
#include "lanesim/crew.h"
#include "lanesim/output.h"
#include "lanesim/render/noise.h"
#include "lanesim/traveller.h"

static const char me[] = "lanesim portraits";

static struct {
	uint64_t seed;
	uint32_t n, size, shots, threads;
	double yaw, apart;
	const char *directory;
	bool wild, distinct, json;
} o = {
	.seed = 1,
	.n = 10,
	.size = LANESIM_DOCUMENT_SIDE,
	.shots = 1,
	.yaw = 40,
	.apart = LANESIM_APART_USUAL,
};

static const struct sp_opt options[] = {
	{ "seed", 's', SP_OPT_U64, &o.seed, "S", "of everything (1)", 0, 0 },
	{ "people", 'n', SP_OPT_U32, &o.n, "N", "how many (10)", 1, 1e6 },
	{ "size", 0, SP_OPT_U32, &o.size, "PIXELS", "side of a picture (256)", 32, 4096 },
	{ "wild", 'w', SP_OPT_FLAG, &o.wild, NULL,
	  "not for a document: turned, lit, dressed and blurred at will", 0, 0 },
	{ "yaw", 0, SP_OPT_DOUBLE, &o.yaw, "DEGREES", "with --wild: how far turned at most (40)", 0,
	  90 },
	{ "shots", 0, SP_OPT_U32, &o.shots, "K", "with --wild: pictures of each (1)", 1, 10000 },
	{ "distinct", 0, SP_OPT_FLAG, &o.distinct, NULL, "people kept apart", 0, 0 },
	{ "apart", 0, SP_OPT_DOUBLE, &o.apart, "D", "with --distinct: how far", 0, 10 },
	{ "output", 'o', SP_OPT_STRING, &o.directory, "DIR", "where to (needed)", 0, 0 },
	{ "threads", 0, SP_OPT_U32, &o.threads, "N", "(one a CPU)", 1, 256 },
	{ "json", 'j', SP_OPT_FLAG, &o.json, NULL, "the summary as JSON", 0, 0 },
	{ 0 },
};

static const struct sp_opt_usage usage = {
	me,
	"",
	"Pictures of single people: document photographs, or heads met at chance.",
	"Writes DIR/*.png and DIR/truth.jsonl, a line a picture; its identity is the person's seed.",
};

struct job {
	struct lanesim_output output; /* first: lanesim_output_take */
	uint64_t *seeds;
};

static json_t *truth_line(const char *file, uint32_t person, uint32_t shot,
			  const struct lanesim_truth *truth)
{
	json_t *line = lanesim_truth_json(truth);

	json_object_set_new(line, "file", json_string(file));
	json_object_set_new(line, "person", json_integer(person));
	json_object_set_new(line, "shot", json_integer(shot));
	return line;
}

static int make_shot(struct lanesim_traveller *traveller, struct lanesim_hand *hand, uint32_t k,
		     struct sp_image **ret_image, struct lanesim_truth *ret_truth)
{
	struct lanesim_shot shot;
	int res;

	if (!o.wild)
		return lanesim_traveller_document(traveller->identity, o.size, hand, ret_image,
						  ret_truth);
	*ret_image = lanesim_hand_image(hand, o.size, o.size);
	res = *ret_image ? lanesim_traveller_meet(traveller, lanesim_traveller_day(k)) : -ENOMEM;
	if (res)
		return res;
	lanesim_shot_draw(&shot, (float)o.yaw * LANESIM_PI / 180,
			  draw_series(draw_series(o.seed, traveller->identity), k));
	lanesim_shot_resize(&shot, shot.eye_distance * (float)o.size / LANESIM_DOCUMENT_SIDE);
	return lanesim_traveller_shoot(traveller, &shot, hand, *ret_image, ret_truth);
}

static int make(void *arg, struct lanesim_hand *hand, uint32_t i, void *result, struct sp_err *err)
{
	const struct job *job = arg;
	struct lanesim_lines *made = result;
	struct lanesim_traveller traveller = { .identity = job->seeds[i], .share = 1 };
	int res = 0;

	for (uint32_t k = 0; k < o.shots && !res; k++) {
		struct lanesim_truth truth;
		struct sp_image *image;
		char name[64];

		res = make_shot(&traveller, hand, k, &image, &truth);
		if (res) {
			sp_err_set(err, res, "out of memory");
			break;
		}
		snprintf(name, sizeof(name),
			 o.wild ? "p%04u-%012" PRIx64 "-%03u.png" : "p%04u-%012" PRIx64 ".png", i,
			 traveller.identity, k);
		res = lanesim_output_picture(o.directory, name, image, err);
		if (!res)
			res = lanesim_lines_add(made, truth_line(name, i, k, &truth), err);
	}
	lanesim_traveller_part(&traveller);
	if (res)
		json_decref(made->array);
	return res;
}

static int run(struct job *job, struct sp_err *err)
{
	struct lanesim_apart apart = {
		.seed = o.seed,
		.n = o.n,
		.distance = o.distinct ? (float)o.apart : 0,
	};
	struct lanesim_crew crew = {
		.label = me,
		.n = o.n,
		.threads = o.threads,
		.result_bytes = sizeof(struct lanesim_lines),
		.arg = job,
		.make = make,
		.take = lanesim_output_take,
		.drop = lanesim_output_drop,
	};
	int res;

	job->seeds = calloc(o.n, sizeof(*job->seeds));
	if (!job->seeds)
		return sp_err_set(err, -ENOMEM, "out of memory");
	res = lanesim_apart_draw(&apart, job->seeds, NULL, err);
	if (!res)
		res = lanesim_output_open(&job->output, o.directory, "truth.jsonl", err);
	if (res)
		goto out;
	res = lanesim_crew_run(&crew, err);
	if (lanesim_output_close(&job->output, res ? NULL : err))
		res = -EIO;
out:
	free(job->seeds);
	return res;
}

int lanesim_cmd_portraits(int argc, char **argv)
{
	static struct job job;
	struct sp_err err;
	int status = sp_command_parse(options, &usage, &argc, argv);

	if (status >= 0)
		return status;
	if (argc || !o.directory)
		return sp_command_fail(me, SP_EXIT_USAGE, "give -o DIR and nothing else");
	if (!o.wild && o.shots > 1)
		return sp_command_fail(
			me, SP_EXIT_USAGE,
			"--shots needs --wild: there is one photograph in a document");
	if (run(&job, &err))
		return sp_command_fail(me, SP_EXIT_FAILED, "%s", err.text);
	return lanesim_output_report(&job.output, o.directory, o.json);
}
