/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "command.h"
#include "image/image.h"
#include "lanesim/commands.h"
#include "lanesim/crew.h"
#include "lanesim/output.h"
#include "lanesim/render/noise.h"
#include "lanesim/traffic.h"
#include "lanesim/traveller.h"

static const char me[] = "lanesim documents";

static struct {
	uint64_t seed;
	uint32_t vehicles, every, size, threads;
	const char *directory;
	bool json;
} o = {
	.seed = 1,
	.vehicles = 12,
	.every = 1,
	.size = 2 * LANESIM_DOCUMENT_SIDE,
};

static const struct sp_opt options[] = {
	{ "seed", 's', SP_OPT_U64, &o.seed, "S", "of the lane, as gvcam's --lanesim (1)", 0, 0 },
	{ "vehicles", 'n', SP_OPT_U32, &o.vehicles, "N", "the first N that it shows (12)", 1,
	  LANESIM_TRAFFIC_VEHICLES_MAX },
	{ "every", 0, SP_OPT_U32, &o.every, "K",
	  "of about one person in K, chosen by the seed (1: everybody)", 1, 1e6 },
	{ "size", 0, SP_OPT_U32, &o.size, "PIXELS", "side of a picture (512)", 64, 4096 },
	{ "output", 'o', SP_OPT_STRING, &o.directory, "DIR", "where to (needed)", 0, 0 },
	{ "threads", 0, SP_OPT_U32, &o.threads, "N", "(one a CPU)", 1, 256 },
	{ "json", 'j', SP_OPT_FLAG, &o.json, NULL, "the summary as JSON", 0, 0 },
	{ 0 },
};

static const struct sp_opt_usage usage = {
	me,
	"",
	"Document photographs of the people in the vehicles that `gvcam --lanesim S` shows.",
	"Writes DIR/vVEHICLE-seatSEAT-IDENTITY.png and DIR/documents.jsonl.",
};

struct holder {
	uint32_t vehicle;
	int seat;
	uint64_t identity;
};

struct job {
	struct lanesim_output output; /* first: lanesim_output_take */
	struct holder *holders;
	uint32_t n;
};

/* The people who have documents. */
static int find_holders(struct job *job, struct sp_err *err)
{
	struct lanesim_traffic traffic;
	int res = lanesim_traffic_init(&traffic, o.seed, o.vehicles, err);

	if (res)
		return res;
	job->holders = calloc((size_t)o.vehicles * LANESIM_OCCUPANTS_MAX, sizeof(*job->holders));
	for (uint32_t v = 0; v < o.vehicles && job->holders && !res; v++) {
		struct lanesim_scene_config config;
		struct lanesim_scene *scene;

		lanesim_traffic_vehicle(&traffic, v, &config);
		res = lanesim_scene_create(&config, &scene);
		if (res)
			break;
		for (uint32_t k = 0; k < lanesim_scene_occupants(scene); k++) {
			uint64_t identity = lanesim_scene_identity(scene, k);
			uint64_t series = draw_series(draw_series(o.seed, identity), 0x646F6375);

			if (!draw_below(&series, o.every))
				job->holders[job->n++] = (struct holder){
					v, lanesim_scene_seat(scene, k), identity
				};
		}
		lanesim_scene_destroy(scene);
	}
	lanesim_traffic_uninit(&traffic);
	return res || !job->holders ? sp_err_set(err, -ENOMEM, "out of memory") : 0;
}

static int make(void *arg, struct lanesim_hand *hand, uint32_t i, void *result, struct sp_err *err)
{
	const struct job *job = arg;
	const struct holder *holder = &job->holders[i];
	struct lanesim_lines *made = result;
	struct lanesim_truth truth;
	struct sp_image *image;
	char name[64];
	json_t *line;
	int res = lanesim_traveller_document(holder->identity, o.size, hand, &image, &truth);

	if (res)
		return sp_err_set(err, res, "out of memory");
	snprintf(name, sizeof(name), "v%03u-seat%d-%012" PRIx64 ".png", holder->vehicle,
		 holder->seat, holder->identity);
	res = lanesim_output_picture(o.directory, name, image, err);
	if (res)
		return res;
	line = lanesim_truth_json(&truth);
	json_object_set_new(line, "file", json_string(name));
	json_object_set_new(line, "vehicle", json_integer(holder->vehicle));
	json_object_set_new(line, "seat", json_integer(holder->seat));
	return lanesim_lines_add(made, line, err);
}

int lanesim_cmd_documents(int argc, char **argv)
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
	status = find_holders(&job, &err);
	if (!status)
		status = lanesim_output_open(&job.output, o.directory, "documents.jsonl", &err);
	if (status)
		goto out;
	crew.n = job.n;
	crew.threads = o.threads;
	status = lanesim_crew_run(&crew, &err);
	if (lanesim_output_close(&job.output, status ? NULL : &err))
		status = -EIO;
out:
	free(job.holders);
	if (status)
		return sp_command_fail(me, SP_EXIT_FAILED, "%s", err.text);
	return lanesim_output_report(&job.output, o.directory, o.json);
}
