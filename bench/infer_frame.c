/* SPDX-License-Identifier: Apache-2.0 */
#include "infer_frame.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/models.h"
#include "base/clock.h"
#include "base/diag.h"
#include "base/event.h"
#include "bench.h"
#include "camera_frame.h"
#include "image/image.h"
#include "infer/compute.h"
#include "infer/pixels.h"
#include "infer/preprocess.h"
#include "infer/scale.h"
#include "infer_cpu.h"
#include "wire/pfnc.h"

enum {
	SIDE = 640, /* of the detector's input */
	IN_FLIGHT = 8,
	FRAMES = 16, /* a measurement: 0.1 to 0.3 s a worker */
	CAMERAS = 8, /* frames that take turns, so that none stays in a cache */
	WORKERS_MAX = 2,
};

static struct camera_frame cameras[CAMERAS];

/* ---- pre-processing ------------------------------------------------------------------------- */

static double preprocess_ms(struct sp_pixels *pixels, struct sp_scale *scale, float *input)
{
	uint64_t begin = sp_clock_now();
	struct sp_fit fit;

	for (int i = 0; i < CAMERAS; i++) {
		sp_fit_init(
			&fit,
			&(struct sp_scale_rect){ 0, 0, CAMERA_FRAME_WIDTH, CAMERA_FRAME_HEIGHT },
			SIDE, SIDE);
		if (sp_pixels_begin(pixels, &cameras[i].frame) ||
		    sp_preprocess(scale, pixels, &fit, &sp_input_levels, input))
			return NAN;
	}
	return (double)(sp_clock_now() - begin) / SP_NS_PER_MS / CAMERAS;
}

static double copy_ms(uint8_t *to)
{
	uint64_t begin = sp_clock_now();

	for (int i = 0; i < CAMERAS; i++)
		camera_frame_copy(&cameras[i], to);
	return (double)(sp_clock_now() - begin) / SP_NS_PER_MS / CAMERAS;
}

static void measure_preprocess(struct sp_bench *bench, unsigned int rounds)
{
	struct sp_bench_row row = { .label = "preprocess_5mp_bayerrg8",
				    .engine = "sallyport",
				    .metric = "time_per_frame",
				    .unit = "ms",
				    .peer = "memcpy",
				    .better = "lower" };
	double ours[SP_BENCH_ROUNDS_MAX], copying[SP_BENCH_ROUNDS_MAX];
	struct sp_pixels pixels = { 0 };
	struct sp_scale scale = { 0 };
	float *input = aligned_alloc(64, 3 * SIDE * SIDE * sizeof(float));
	uint8_t *copy = malloc((size_t)CAMERA_FRAME_WIDTH * CAMERA_FRAME_HEIGHT);

	if (!input || !copy || sp_pixels_init(&pixels) || sp_scale_init(&scale)) {
		printf("  pre-processing is left out: no memory\n");
		goto out;
	}
	infer_cpu_pin(0);
	/* Round 0 warms up. */
	for (unsigned int round = 0; round <= rounds; round++) {
		unsigned int at = round ? round - 1 : 0;

		ours[at] = preprocess_ms(&pixels, &scale, input);
		copying[at] = copy_ms(copy);
	}
	sp_bench_record(bench, &row, ours, rounds);
	row.engine = "memcpy";
	sp_bench_record(bench, &row, copying, rounds);
	row.engine = "sallyport";
	sp_bench_compare(bench, &row, ours, copying, rounds);
out:
	free(input);
	free(copy);
	sp_scale_uninit(&scale);
	sp_pixels_uninit(&pixels);
}

/* ---- end to end ----------------------------------------------------------------------------- */

struct backend {
	struct sp_compute *compute;
	struct sp_event done;
};

static int backend_open(struct backend *backend, unsigned int workers, enum sp_precision precision,
			struct sp_err *err)
{
	struct sp_models_wish wish = { 0 };
	struct sp_models models;
	int ret = sp_models_choose(&wish, &models, err);
	const struct sp_compute_config config = {
		.detector = models.detector,
		.embedder = models.embedder,
		.quality = *models.quality ? models.quality : NULL,
		.precision = precision,
		.workers = workers,
		.in_flight = IN_FLIGHT,
		.detect_width = SIDE,
		.detect_height = SIDE,
		.embed_invalid = true,
		.done = &backend->done,
	};

	if (ret)
		return ret;
	ret = sp_event_init(&backend->done);
	if (ret)
		return sp_err_set(err, ret, "no event could be made");
	ret = sp_compute_cpu.open(&config, &backend->compute, err);
	if (ret)
		sp_event_uninit(&backend->done);
	return ret;
}

static void backend_close(struct backend *backend)
{
	if (!backend->compute)
		return;
	backend->compute->ops->close(backend->compute);
	sp_event_uninit(&backend->done);
}

/* NAN: a frame failed, or its two people were not found. */
static double frames_per_s(struct backend *backend)
{
	const struct sp_compute_ops *ops = backend->compute->ops;
	unsigned int given = 0, back = 0, unlike = 0;
	uint64_t begin = sp_clock_now();

	while (back < FRAMES) {
		struct sp_frame *frame = &cameras[given % CAMERAS].frame;
		struct sp_result *result;

		while (given < FRAMES && given - back < IN_FLIGHT &&
		       ops->submit(backend->compute, &frame, 1))
			frame = &cameras[++given % CAMERAS].frame;
		sp_event_arm(&backend->done);
		if (!ops->poll(backend->compute, &result, 1)) {
			sp_event_wait(&backend->done, SP_NS_PER_S);
			sp_event_disarm(&backend->done);
			continue;
		}
		sp_event_disarm(&backend->done);
		unlike += result->cause != SP_RESULT_FACES || result->faces_n != 2;
		ops->put(backend->compute, result);
		back++;
	}
	return unlike ? NAN : FRAMES * (double)SP_NS_PER_S / (double)(sp_clock_now() - begin);
}

static void measure_end_to_end(struct sp_bench *bench, enum sp_precision precision,
			       unsigned int rounds)
{
	static const char *const engines[WORKERS_MAX] = { "sallyport", "sallyport, 2 workers" };
	double values[WORKERS_MAX][SP_BENCH_ROUNDS_MAX];
	struct backend backends[WORKERS_MAX] = { 0 };
	bool failed = false;
	struct sp_err err;
	char label[64];
	struct sp_bench_row row = { .label = label,
				    .metric = "frames_per_s",
				    .unit = "frames/s",
				    .peer = engines[0],
				    .better = "higher" };

	snprintf(label, sizeof(label), "end_to_end_5mp %s", sp_precision_name(precision));
	infer_cpu_use(WORKERS_MAX);
	for (unsigned int w = 0; w < WORKERS_MAX; w++)
		if (backend_open(&backends[w], w + 1, precision, &err)) {
			printf("  %s is left out: %s\n", label, err.text);
			failed = true;
			break;
		}
	for (unsigned int round = 0; round <= rounds && !failed; round++)
		for (unsigned int i = 0; i < WORKERS_MAX; i++) {
			unsigned int w = (i + round) % WORKERS_MAX;
			double *value = &values[w][round ? round - 1 : 0];

			*value = frames_per_s(&backends[w]);
			failed |= isnan(*value);
		}
	for (unsigned int w = 0; w < WORKERS_MAX; w++) {
		backend_close(&backends[w]);
		row.engine = engines[w];
		if (!failed)
			sp_bench_record(bench, &row, values[w], rounds);
	}
	if (!failed)
		sp_bench_compare(bench, &row, values[1], values[0], rounds);
	else if (backends[WORKERS_MAX - 1].compute)
		printf("  %s is left out: not two faces in each frame\n", label);
}

void infer_frame_measure(struct sp_bench *bench, unsigned int rounds)
{
	char path[1024];
	struct sp_image people;
	struct sp_err err;
	int made = 0, ret;

	snprintf(path, sizeof(path), "%s/data/two_people.jpg", sp_models_shared());
	ret = sp_image_read(path, &people, &err);
	if (ret) {
		printf("  frames are left out: %s\n", err.text);
		return;
	}
	for (; made < CAMERAS && !ret; made += !ret) {
		ret = camera_frame_init(&cameras[made], sp_pfnc_by_name("BayerRG8")->code, &err);
		if (!ret && camera_frame_show(&cameras[made], &people)) {
			camera_frame_uninit(&cameras[made]);
			ret = sp_err_set(&err, -ENOMEM, "no memory for a picture");
		}
	}
	sp_image_uninit(&people);
	if (ret) {
		printf("  frames are left out: %s\n", err.text);
	} else {
		measure_preprocess(bench, rounds);
		measure_end_to_end(bench, SP_PRECISION_F32, rounds);
		measure_end_to_end(bench, SP_PRECISION_BF16, rounds);
	}
	while (made--)
		camera_frame_uninit(&cameras[made]);
}
