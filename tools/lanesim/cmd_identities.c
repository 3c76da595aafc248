/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "lanesim/apart.h"
#include "lanesim/commands.h"
#include "lanesim/likeness.h"

static const char me[] = "lanesim identities";

static struct {
	uint64_t seed;
	uint32_t n;
	double apart, cosine;
	const char *model;
	bool json;
} o = {
	.seed = 1,
	.n = 10,
	.apart = LANESIM_APART_USUAL,
	.cosine = 0.45,
};

static const struct sp_opt options[] = {
	{ "seed", 's', SP_OPT_U64, &o.seed, "S", "of the series that they are drawn from (1)", 0,
	  0 },
	{ "people", 'n', SP_OPT_U32, &o.n, "N", "how many (10)", 1, 1e6 },
	{ "apart", 0, SP_OPT_DOUBLE, &o.apart, "D",
	  "least distance of their parameters, strangers being about 1 apart; 0: any", 0, 10 },
	{ "model", 0, SP_OPT_STRING, &o.model, "EMBEDDER.onnx",
	  "keep apart by this network too, which looks at their documents", 0, 0 },
	{ "cosine", 0, SP_OPT_DOUBLE, &o.cosine, "C", "with --model: the largest similarity (0.45)",
	  -1, 1 },
	{ "json", 'j', SP_OPT_FLAG, &o.json, NULL, "one JSON object", 0, 0 },
	{ 0 },
};

static const struct sp_opt_usage usage = {
	me,
	"",
	"Seeds of people who are kept apart, a line each.",
	"On stderr: how many were drawn for them.",
};

static int draw(uint64_t *seeds, uint64_t *ret_drawn, struct sp_err *err)
{
	struct lanesim_apart apart = { .seed = o.seed, .n = o.n, .distance = (float)o.apart };
	struct lanesim_likeness *likeness = NULL;
	struct lanesim_apart_judge judge;
	int res = 0;

	if (o.model) {
		res = lanesim_likeness_create(o.model, o.n, (float)o.cosine, &likeness, err);
		if (res)
			return res;
		judge = lanesim_likeness_judge(likeness);
		apart.judge = &judge;
	}
	res = lanesim_apart_draw(&apart, seeds, ret_drawn, err);
	lanesim_likeness_destroy(likeness);
	return res;
}

int lanesim_cmd_identities(int argc, char **argv)
{
	json_t *list = json_array();
	uint64_t *seeds, drawn = 0;
	struct sp_err err;
	int status = sp_command_parse(options, &usage, &argc, argv);

	if (status < 0 && argc)
		status = sp_command_fail(me, SP_EXIT_USAGE, "'%s' is not an option", argv[0]);
	if (status >= 0) {
		json_decref(list);
		return status;
	}
	seeds = calloc(o.n, sizeof(*seeds));
	if (!seeds)
		sp_err_set(&err, -ENOMEM, "out of memory");
	if (!seeds || draw(seeds, &drawn, &err)) {
		json_decref(list);
		free(seeds);
		return sp_command_fail(me, SP_EXIT_FAILED, "%s", err.text);
	}
	for (uint32_t i = 0; i < o.n; i++) {
		if (o.json)
			json_array_append_new(list, json_integer((json_int_t)seeds[i]));
		else
			printf("%" PRIu64 "\n", seeds[i]);
	}
	free(seeds);
	if (o.json) {
		sp_command_print_json(
			json_pack("{s:I, s:o}", "drawn", (json_int_t)drawn, "identities", list));
	} else {
		json_decref(list);
		fprintf(stderr, "%s: %u of %" PRIu64 " drawn\n", me, o.n, drawn);
	}
	if (fflush(stdout))
		return sp_command_fail(me, SP_EXIT_FAILED, "standard output: %s", strerror(errno));
	return SP_EXIT_OK;
}
