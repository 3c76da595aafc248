/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What synthetic travellers cost: CPU time of one thread to build a person and take a picture of
 * 256 × 256, and to look at a vehicle at 1224 × 1024, by each instruction set beside the portable one; and
 * how many travellers a second all CPUs make.
 */
#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "base/diag.h"
#include "bench.h"
#include "lanesim/apart.h"
#include "lanesim/crew.h"
#include "lanesim/kernel.h"
#include "lanesim/render/noise.h"
#include "lanesim/scene/scene.h"
#include "lanesim/traveller.h"

enum { SIDE = 256, HEADS = 8, CREW_HEADS = 64, WIDTH = 1224, HEIGHT = 1024, SETS_MAX = 3 };

static struct lanesim_hand hand;

static double cpu_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static int draw_head(struct lanesim_hand *with, uint64_t seed)
{
	struct lanesim_traveller traveller = { .identity = seed % LANESIM_IDENTITY_SEEDS, .share = 1 };
	struct sp_image *image = lanesim_hand_image(with, SIDE, SIDE);
	struct lanesim_shot shot;
	int res = image ? lanesim_traveller_meet(&traveller, 1) : -1;

	lanesim_shot_draw(&shot, 40 * LANESIM_PI / 180, seed);
	if (!res)
		res = lanesim_traveller_shoot(&traveller, &shot, with, image, NULL);
	lanesim_traveller_part(&traveller);
	return res;
}

static double head_ms(void *set)
{
	double begin = cpu_ms();

	lanesim_kernels_use(set);
	for (int i = 0; i < HEADS; i++)
		if (draw_head(&hand, draw_series(1, (uint64_t)i)))
			return -1;
	return (cpu_ms() - begin) / HEADS;
}

/* A look at a vehicle whose people are built. */
static double scene_ms(void *set)
{
	const struct lanesim_scene_config config = { .seed = 2, .occupants = 2 };
	struct sp_image *image = lanesim_hand_image(&hand, WIDTH, HEIGHT);
	struct lanesim_truth truths[LANESIM_OCCUPANTS_MAX];
	struct lanesim_scene *scene;
	uint32_t n;
	double begin;
	int res;

	if (!image || lanesim_scene_create(&config, &scene))
		return -1;
	lanesim_kernels_use(set);
	begin = cpu_ms();
	res = lanesim_scene_look(scene, hand.eye, LANESIM_WINDSHIELD_LEFT, 1, image, truths, &n);
	begin = cpu_ms() - begin;
	lanesim_scene_destroy(scene);
	return res ? -1 : begin;
}

static int make(void *arg, struct lanesim_hand *with, uint32_t i, void *result, struct sp_err *err)
{
	int res = draw_head(with, draw_series(*(uint64_t *)arg, i));

	(void)result;
	return res ? sp_err_set(err, res, "out of memory") : 0;
}

static double heads_per_second(void *arg)
{
	uint64_t seed = 3, begin = sp_clock_now();
	const struct lanesim_crew crew = { .n = CREW_HEADS, .arg = &seed, .make = make };
	struct sp_err err;

	(void)arg;
	lanesim_kernels_use(NULL);
	if (lanesim_crew_run(&crew, &err))
		return -1;
	return CREW_HEADS / ((double)(sp_clock_now() - begin) / (double)SP_NS_PER_S);
}

int main(void)
{
	struct sp_bench_row rows[2 * SETS_MAX + 1];
	struct sp_bench *bench = sp_bench_begin("travellers");
	size_t n = 0;

	if (!bench || lanesim_eye_create(&hand.eye))
		return 1;
	for (unsigned int i = 0; i < SETS_MAX && lanesim_kernels_available(i); i++) {
		void *set = (void *)lanesim_kernels_available(i);
		const char *isa = lanesim_kernels_available(i)->isa, *peer = i ? "base" : NULL;

		rows[n++] = (struct sp_bench_row){ "256x256", isa, "time_per_traveller", "ms",
						   head_ms,   set, peer, "lower" };
		rows[n++] = (struct sp_bench_row){ "1224x1024", isa, "time_per_look", "ms",
						   scene_ms,	set, peer, "lower" };
	}
	rows[n++] = (struct sp_bench_row){ "256x256", "all CPUs", "rate", "travellers/s",
					   heads_per_second, NULL, NULL, NULL };
	sp_bench_run(bench, rows, n, SP_BENCH_ROUNDS);
	lanesim_eye_destroy(hand.eye);
	sp_image_uninit(&hand.image);
	return sp_bench_end(bench);
}
