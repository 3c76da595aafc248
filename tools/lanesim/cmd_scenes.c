/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "image/image.h"
#include "lanesim/commands.h"
#include "lanesim/crew.h"
#include "lanesim/output.h"
#include "lanesim/scene/scene.h"
#include "lanesim/traffic.h"

static const char me[] = "lanesim scenes";

enum { DRAWN = UINT32_MAX, FRAMES_MAX = 1000 };

static struct {
	uint64_t seed;
	uint32_t n, frames, width, height, occupants, threads;
	double empty_vehicles, empty_lanes, night;
	const char *post, *directory;
	bool plain, json;
} o = {
	.seed = 1,
	.n = 10,
	.frames = 1,
	.width = 1224,
	.height = 1024,
	.occupants = DRAWN,
	.post = "all",
};

static const struct sp_opt options[] = {
	{ "seed", 's', SP_OPT_U64, &o.seed, "S", "of everything (1)", 0, 0 },
	{ "vehicles", 'n', SP_OPT_U32, &o.n, "N", "how many (10)", 1, 1e6 },
	{ "frames", 0, SP_OPT_U32, &o.frames, "N", "pictures of each, half a second apart (1)", 1,
	  FRAMES_MAX },
	{ "post", 'p', SP_OPT_STRING, &o.post, "NAME",
	  "where the camera stands: windshield-left, windshield-right, side-left, side-right; all (all)",
	  0, 0 },
	{ "width", 0, SP_OPT_U32, &o.width, "PIXELS", "(1224)", 32, SP_IMAGE_SIDE_MAX },
	{ "height", 0, SP_OPT_U32, &o.height, "PIXELS", "(1024)", 32, SP_IMAGE_SIDE_MAX },
	{ "occupants", 0, SP_OPT_U32, &o.occupants, "N", "people in every vehicle (drawn)", 0,
	  LANESIM_OCCUPANTS_MAX },
	{ "empty-vehicles", 0, SP_OPT_DOUBLE, &o.empty_vehicles, "P",
	  "share of vehicles without people (0)", 0, 1 },
	{ "empty-lanes", 0, SP_OPT_DOUBLE, &o.empty_lanes, "P", "share without a vehicle (0)", 0,
	  1 },
	{ "night", 0, SP_OPT_DOUBLE, &o.night, "P", "share by night, in near infrared (0)", 0, 1 },
	{ "plain", 0, SP_OPT_FLAG, &o.plain, NULL,
	  "no masks, sunglasses, tinted glass or hard occlusion", 0, 0 },
	{ "output", 'o', SP_OPT_STRING, &o.directory, "DIR", "where to (needed)", 0, 0 },
	{ "threads", 0, SP_OPT_U32, &o.threads, "N", "(one a CPU)", 1, 256 },
	{ "json", 'j', SP_OPT_FLAG, &o.json, NULL, "the summary as JSON", 0, 0 },
	{ 0 },
};

static const struct sp_opt_usage usage = {
	me,
	"",
	"Pictures of vehicles and the people in them, and the truth about every face.",
	"Writes DIR/*.png and DIR/truth.jsonl, a line a picture. The same seed gives the same bytes.",
};

/* An item of it is a vehicle seen from one post. */
struct job {
	struct lanesim_output output; /* first: lanesim_output_take */
	struct lanesim_mix mix;
	unsigned int first_post, posts;
};

static json_t *truth_line(const char *file, const struct lanesim_scene_config *scene, uint32_t v,
			  enum lanesim_post post, float seconds, const struct lanesim_truth *truths,
			  uint32_t truths_n)
{
	return json_pack("{s:s, s:I, s:I, s:s, s:f, s:b, s:b, s:i, s:i, s:o}", "file", file,
			 "vehicle", (json_int_t)v, "seed", (json_int_t)scene->seed, "post",
			 lanesim_post_name(post), "seconds", (double)seconds, "night",
			 (int)scene->night, "empty_lane", (int)scene->no_vehicle, "width",
			 (int)o.width, "height", (int)o.height, "faces",
			 lanesim_truths_json(truths, truths_n));
}

static int make_frames(struct job *job, struct lanesim_hand *hand,
		       const struct lanesim_scene *scene, const struct lanesim_scene_config *config,
		       uint32_t i, struct lanesim_lines *lines, struct sp_err *err)
{
	enum lanesim_post post = (enum lanesim_post)(job->first_post + i % job->posts);
	struct lanesim_truth truths[LANESIM_OCCUPANTS_MAX];
	struct sp_image *image = lanesim_hand_image(hand, o.width, o.height);

	if (!image)
		return sp_err_set(err, -ENOMEM, "no memory for a picture of %u × %u", o.width,
				  o.height);
	for (uint32_t k = 0; k < o.frames; k++) {
		float seconds = 0.5f * (float)k;
		uint32_t n = 0;
		char name[64];
		int res = lanesim_scene_look(scene, hand->eye, post, seconds, image, truths, &n);

		if (res)
			return sp_err_set(err, res, "out of memory");
		snprintf(name, sizeof(name), "v%03u-%s-%02u.png", i / job->posts,
			 lanesim_post_name(post), k);
		res = lanesim_output_picture(o.directory, name, image, err);
		if (!res)
			res = lanesim_lines_add(
				lines,
				truth_line(name, config, i / job->posts, post, seconds, truths, n),
				err);
		if (res)
			return res;
	}
	return 0;
}

static int make(void *arg, struct lanesim_hand *hand, uint32_t i, void *result, struct sp_err *err)
{
	struct job *job = arg;
	struct lanesim_lines *made = result;
	struct lanesim_scene_config config;
	struct lanesim_scene *scene;
	int res;

	lanesim_mix_scene(&job->mix, o.seed, i / job->posts, &config);
	res = lanesim_scene_create(&config, &scene);
	if (res)
		return sp_err_set(err, res, "out of memory");
	res = make_frames(job, hand, scene, &config, i, made, err);
	if (res)
		json_decref(made->array);
	lanesim_scene_destroy(scene);
	return res;
}

static bool choose_posts(struct job *job)
{
	job->posts = LANESIM_POSTS;
	if (!strcmp(o.post, "all"))
		return true;
	job->posts = 1;
	for (; job->first_post < LANESIM_POSTS; job->first_post++)
		if (!strcmp(o.post, lanesim_post_name((enum lanesim_post)job->first_post)))
			return true;
	return false;
}

int lanesim_cmd_scenes(int argc, char **argv)
{
	static struct job job;
	struct lanesim_crew crew = {
		.label = me,
		.result_bytes = sizeof(struct lanesim_lines),
		.arg = &job,
		.make = make,
		.take = lanesim_output_take,
		.drop = lanesim_output_drop,
	};
	struct sp_err err;
	int status = sp_command_parse(options, &usage, &argc, argv);

	if (status >= 0)
		return status;
	if (argc || !o.directory)
		return sp_command_fail(me, SP_EXIT_USAGE, "give -o DIR and nothing else");
	if (!choose_posts(&job))
		return sp_command_fail(me, SP_EXIT_USAGE,
				       "--post: '%s' is none of windshield-left, windshield-right, "
				       "side-left, side-right, all",
				       o.post);
	if (o.empty_vehicles + o.empty_lanes > 1)
		return sp_command_fail(
			me, SP_EXIT_USAGE,
			"--empty-vehicles and --empty-lanes are more than 1 together");
	job.mix = (struct lanesim_mix){
		.occupants = o.occupants == DRAWN ? -1 : (int)o.occupants,
		.empty_vehicles = (float)o.empty_vehicles,
		.empty_lanes = (float)o.empty_lanes,
		.night = (float)o.night,
		.plain = o.plain,
	};
	crew.n = o.n * job.posts;
	crew.threads = o.threads;
	status = lanesim_output_open(&job.output, o.directory, "truth.jsonl", &err);
	if (status)
		return sp_command_fail(me, SP_EXIT_FAILED, "%s", err.text);
	status = lanesim_crew_run(&crew, &err);
	if (lanesim_output_close(&job.output, status ? NULL : &err) || status)
		return sp_command_fail(me, SP_EXIT_FAILED, "%s", err.text);
	return lanesim_output_report(&job.output, o.directory, o.json);
}
