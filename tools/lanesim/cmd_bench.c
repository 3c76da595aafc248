/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "base/clock.h"
#include "base/thread.h"
#include "command.h"
#include "lanesim/apart.h"
#include "lanesim/commands.h"
#include "lanesim/crew.h"
#include "lanesim/kernel.h"
#include "lanesim/render/noise.h"
#include "lanesim/traveller.h"

static const char me[] = "lanesim bench";

static struct {
	uint64_t seed;
	uint32_t n, side, width, height, threads;
	bool json;
} o = {
	.seed = 1,
	.n = 60,
	.side = LANESIM_DOCUMENT_SIDE,
	.width = 2448,
	.height = 2048,
};

static uint32_t scenes = 4;

static const struct sp_opt options[] = {
	{ "seed", 's', SP_OPT_U64, &o.seed, "S", "of everything (1)", 0, 0 },
	{ "people", 'n', SP_OPT_U32, &o.n, "N", "so many, a new identity each (60)", 1, 1e6 },
	{ "size", 0, SP_OPT_U32, &o.side, "PIXELS", "side of their pictures (256)", 32, 4096 },
	{ "scenes", 0, SP_OPT_U32, &scenes, "N", "so many scenes too, a new vehicle each (4)", 0,
	  1e6 },
	{ "width", 0, SP_OPT_U32, &o.width, "PIXELS", "of a scene (2448)", 32, SP_IMAGE_SIDE_MAX },
	{ "height", 0, SP_OPT_U32, &o.height, "PIXELS", "of a scene (2048)", 32,
	  SP_IMAGE_SIDE_MAX },
	{ "threads", 0, SP_OPT_U32, &o.threads, "N", "(one a CPU)", 1, 256 },
	{ "json", 'j', SP_OPT_FLAG, &o.json, NULL, "one JSON object", 0, 0 },
	{ 0 },
};

static const struct sp_opt_usage usage = {
	me,
	"",
	"Travellers and scenes a second, everything made anew for each.",
	NULL,
};

static int make_head(void *arg, struct lanesim_hand *hand, uint32_t i, void *result,
		     struct sp_err *err)
{
	uint64_t seed = draw_series(o.seed, i) % LANESIM_IDENTITY_SEEDS;
	struct lanesim_traveller traveller = { .identity = seed, .share = 1 };
	struct sp_image *image = lanesim_hand_image(hand, o.side, o.side);
	struct lanesim_shot shot;
	int res = image ? lanesim_traveller_meet(&traveller, 1) : -ENOMEM;

	(void)arg;
	(void)result;
	lanesim_shot_draw(&shot, 40 * LANESIM_PI / 180, seed);
	lanesim_shot_resize(&shot, shot.eye_distance * (float)o.side / LANESIM_DOCUMENT_SIDE);
	if (!res)
		res = lanesim_traveller_shoot(&traveller, &shot, hand, image, NULL);
	lanesim_traveller_part(&traveller);
	return res ? sp_err_set(err, res, "out of memory") : 0;
}

static int make_scene(void *arg, struct lanesim_hand *hand, uint32_t i, void *result,
		      struct sp_err *err)
{
	struct lanesim_scene_config config = {
		.seed = draw_series(o.seed, i) % LANESIM_IDENTITY_SEEDS,
		.occupants = -1,
	};
	struct sp_image *image = lanesim_hand_image(hand, o.width, o.height);
	struct lanesim_truth truths[LANESIM_OCCUPANTS_MAX];
	struct lanesim_scene *scene;
	uint32_t n;
	int res = image ? lanesim_scene_create(&config, &scene) : -ENOMEM;

	(void)arg;
	(void)result;
	if (res)
		return sp_err_set(err, res, "out of memory");
	res = lanesim_scene_look(scene, hand->eye, (enum lanesim_post)(i % LANESIM_POSTS), 1, image,
				 truths, &n);
	lanesim_scene_destroy(scene);
	return res ? sp_err_set(err, res, "out of memory") : 0;
}

/* Pictures a second; 0 for none, below 0 after a failure. */
static double rate(const char *label, uint32_t n,
		   int (*make)(void *arg, struct lanesim_hand *hand, uint32_t i, void *result,
			       struct sp_err *err),
		   struct sp_err *err)
{
	struct lanesim_crew crew = {
		.label = label,
		.n = n,
		.threads = o.threads,
		.make = make,
	};
	uint64_t began_ns = sp_clock_now();

	if (lanesim_crew_run(&crew, err))
		return -1;
	return (double)n * (double)SP_NS_PER_S / (double)(sp_clock_now() - began_ns);
}

int lanesim_cmd_bench(int argc, char **argv)
{
	struct sp_err err;
	double heads, looks;
	int status = sp_command_parse(options, &usage, &argc, argv);

	if (status >= 0)
		return status;
	if (argc)
		return sp_command_fail(me, SP_EXIT_USAGE, "'%s' is not an option", argv[0]);
	heads = rate("lanesim bench: travellers", o.n, make_head, &err);
	looks = heads < 0 ? heads : rate("lanesim bench: scenes", scenes, make_scene, &err);
	if (looks < 0)
		return sp_command_fail(me, SP_EXIT_FAILED, "%s", err.text);
	if (!o.threads)
		o.threads = sp_thread_cpus();
	if (o.json)
		sp_command_print_json(json_pack("{s:s, s:I, s:f, s:f}", "isa",
						lanesim_kernels()->isa, "threads",
						(json_int_t)o.threads, "travellers_per_second",
						heads, "scenes_per_second", looks));
	else
		printf("%.1f travellers of %u × %u and %.2f scenes of %u × %u a second; %u threads, "
		       "%s\n",
		       heads, o.side, o.side, looks, o.width, o.height, o.threads,
		       lanesim_kernels()->isa);
	return SP_EXIT_OK;
}
