/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

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

static void print(const uint64_t *seeds, uint64_t drawn)
{
	json_t *list;

	if (!o.json) {
		for (uint32_t i = 0; i < o.n; i++)
			printf("%" PRIu64 "\n", seeds[i]);
		fprintf(stderr, "%s: %u of %" PRIu64 " drawn\n", me, o.n, drawn);
		return;
	}
	list = json_array();
	for (uint32_t i = 0; i < o.n; i++)
		json_array_append_new(list, json_integer((json_int_t)seeds[i]));
	sp_command_print_json(
		json_pack("{s:I, s:o}", "drawn", (json_int_t)drawn, "identities", list));
}

int lanesim_cmd_identities(int argc, char **argv)
{
	uint64_t *seeds, drawn = 0;
	struct sp_err err;
	int status = sp_command_parse(options, &usage, &argc, argv);

	if (status >= 0)
		return status;
	if (argc)
		return sp_command_fail(me, SP_EXIT_USAGE, "'%s' is not an option", argv[0]);
	seeds = calloc(o.n, sizeof(*seeds));
	status = seeds ? draw(seeds, &drawn, &err) : sp_err_set(&err, -ENOMEM, "out of memory");
	if (!status)
		print(seeds, drawn);
	free(seeds);
	return status ? sp_command_fail(me, SP_EXIT_FAILED, "%s", err.text) : SP_EXIT_OK;
}
