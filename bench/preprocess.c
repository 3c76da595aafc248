/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the packets of 5-megapixel frames to a detector's input of 640 × 640, on one thread, for
 * each pixel format, beside memcpy of the same packets to one place. Frames take turns, so that
 * they come from memory as a camera's do; the input and the copy may stay in a cache. Then parts of
 * BayerRG8 frames: a tile in its own size, an aligned face; and the same by other sets of
 * instructions. CPU time, so that a busy machine counts less.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/diag.h"
#include "bench.h"
#include "camera_frame.h"
#include "infer/align.h"
#include "infer/cpu/lines.h"
#include "infer/pixels.h"
#include "infer/preprocess.h"
#include "infer/scale.h"
#include "wire/pfnc.h"

enum {
	SIDE = 640,
	FRAMES = 5, /* that take turns */
	TURNS = 2, /* of each in a measurement */
	ALIGNED = 50, /* faces in a measurement */
};

static const char *const formats[] = {
	"BayerRG8", "BayerGB8", "BayerRG10p", "BayerRG12p", "Mono8", "Mono10p",	 "Mono12p",
	"Mono10",   "Mono12",	"Mono16",     "RGB8",	    "BGR8",  "YUV422_8",
};

static struct camera_frame cameras[FRAMES];
static uint8_t copy[CAMERA_FRAME_WIDTH * CAMERA_FRAME_HEIGHT * 3]; /* of the largest format */
static float input[3 * SIDE * SIDE];
static struct sp_pixels pixels;
static struct sp_scale scale;
static struct sp_align_scratch *scratch;

static double cpu_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Seconds a frame, negative where it failed. @lines: by these loops. */
static double preprocess_s(const struct sp_scale_rect *part, const struct sp_lines *lines)
{
	double begin = cpu_s();
	struct sp_fit fit;

	sp_fit_init(&fit, part, SIDE, SIDE);
	pixels.lines = lines;
	for (int i = 0; i < FRAMES * TURNS; i++)
		if (sp_pixels_begin(&pixels, &cameras[i % FRAMES].frame) ||
		    sp_preprocess(&scale, &pixels, &fit, &sp_input_levels, input))
			return -1;
	return (cpu_s() - begin) / (FRAMES * TURNS);
}

static const struct sp_scale_rect all = { 0, 0, CAMERA_FRAME_WIDTH, CAMERA_FRAME_HEIGHT };

static double gb(void)
{
	return (double)cameras[0].frame.parts[0].bytes / 1e9;
}

static double preprocess_ms(void *arg)
{
	return preprocess_s(&all, arg) * 1e3;
}

static double preprocess_rate(void *arg)
{
	return gb() / preprocess_s(&all, arg); /* negative stays negative */
}

static double tile_ms(void *arg)
{
	/* Begins within a quad. */
	static const struct sp_scale_rect tile = { 1001, 801, SIDE, SIDE };

	return preprocess_s(&tile, arg) * 1e3;
}

static double memcpy_rate(void *arg)
{
	double begin = cpu_s();

	(void)arg;
	for (int i = 0; i < FRAMES * TURNS; i++)
		camera_frame_copy(&cameras[i % FRAMES], copy);
	return gb() * FRAMES * TURNS / (cpu_s() - begin);
}

static double align_us(void *arg)
{
	/* A face of about 200 × 200 pixels, a little turned. */
	static const struct sp_similarity to_frame = { 1.8f, 0.2f, 1000, 700 };
	uint8_t rgb[3 * SP_ALIGNED_PIXELS];
	double begin = cpu_s();

	pixels.lines = arg;
	for (int i = 0; i < ALIGNED; i++) {
		if (sp_pixels_begin(&pixels, &cameras[i % FRAMES].frame) ||
		    sp_align_warp(scratch, &pixels, &to_frame, rgb))
			return -1;
		sp_align_to_input(rgb, &sp_input_imagenet, input);
	}
	return (cpu_s() - begin) / ALIGNED * 1e6;
}

static int take_frames(const char *format)
{
	struct sp_err err;

	for (int i = 0; i < FRAMES; i++) {
		if (camera_frame_init(&cameras[i], sp_pfnc_by_name(format)->code, &err)) {
			fprintf(stderr, "preprocess: %s\n", err.text);
			return -1;
		}
	}
	return 0;
}

static void give_frames_back(void)
{
	for (int i = 0; i < FRAMES; i++)
		camera_frame_uninit(&cameras[i]);
}

static void measure_format(struct sp_bench *bench, const char *format, void *lines)
{
	const struct sp_bench_row rows[] = {
		{ format, "preprocess", "time_per_frame", "ms", preprocess_ms, lines, NULL, NULL },
		{ format, "preprocess", "rate", "GB/s", preprocess_rate, lines, "memcpy",
		  "higher" },
		{ format, "memcpy", "rate", "GB/s", memcpy_rate, NULL, NULL, NULL },
	};

	if (take_frames(format))
		return;
	sp_bench_run(bench, rows, sizeof(rows) / sizeof(rows[0]), SP_BENCH_ROUNDS);
	give_frames_back();
}

static void measure_parts(struct sp_bench *bench)
{
	if (take_frames("BayerRG8"))
		return;
	for (const struct sp_lines *const *set = sp_lines_all(); *set; set++) {
		void *lines = (void *)(uintptr_t)*set;
		const struct sp_bench_row rows[] = {
			{ "BayerRG8 whole", (*set)->name, "time_per_frame", "ms", preprocess_ms,
			  lines, NULL, NULL },
			{ "BayerRG8 tile 640", (*set)->name, "time_per_tile", "ms", tile_ms, lines,
			  NULL, NULL },
			{ "BayerRG8 aligned face", (*set)->name, "time_per_face", "us", align_us,
			  lines, NULL, NULL },
		};

		sp_bench_run(bench, rows, sizeof(rows) / sizeof(rows[0]), SP_BENCH_ROUNDS);
	}
	give_frames_back();
}

int main(void)
{
	struct sp_bench *bench = sp_bench_begin("preprocess");
	void *lines = (void *)(uintptr_t)sp_lines_best();

	if (!bench || sp_pixels_init(&pixels) || sp_scale_init(&scale) ||
	    sp_align_scratch_create(&scratch))
		return 1;
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		measure_format(bench, formats[i], lines);
	measure_parts(bench);
	sp_align_scratch_destroy(scratch);
	sp_scale_uninit(&scale);
	sp_pixels_uninit(&pixels);
	return sp_bench_end(bench);
}
