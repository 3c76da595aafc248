/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From frames to faces on the CPU: what filling the detector's input costs (5-megapixel frames in
 * packets of 1464 bytes, to 640 × 640), beside one memcpy of the same pixels; what an exact search
 * costs (CPU time, one thread); and, where the models are, how many frames of two people a second
 * the backend does.
 * $SALLYPORT_SHARED (default ../shared) has models and the photograph.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/event.h"
#include "base/region.h"
#include "bench.h"
#include "frame/frame.h"
#include "image/image.h"
#include "infer/compute.h"
#include "infer/pixels.h"
#include "infer/preprocess.h"
#include "infer/scale.h"
#include "infer/search.h"
#include "wire/pfnc.h"

enum {
	WIDTH = 2448,
	HEIGHT = 2048,
	STRIDE = 1464,
	PIXEL_BYTES = WIDTH * HEIGHT * 3, /* of the largest format */
	PACKETS = (PIXEL_BYTES + STRIDE - 1) / STRIDE,
	SIDE = 640,
	ROWS = 100000,
	SIZE = 128,
	FRAMES = 32, /* a measurement of the backend */
};

static struct sp_region region;
static uint64_t offset[PACKETS], missing[(PACKETS + 63) / 64];
static uint8_t copy[PIXEL_BYTES];
static float input[3 * SIDE * SIDE];
static struct sp_pixels pixels;
static struct sp_scale scale;
static float *gallery;

/* Of this thread, so that a busy machine does not count. */
static double cpu_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static double preprocess_ms(void *arg)
{
	const struct sp_pfnc *format = arg;
	uint64_t bytes = sp_pfnc_image_bytes(format->code, WIDTH, HEIGHT);
	struct sp_frame frame = {
		.pixel_format = format->code,
		.width = WIDTH,
		.height = HEIGHT,
		.parts_n = 1,
		.parts = { { .region = &region, .stride = STRIDE, .bytes = bytes } },
		.packets = (uint32_t)((bytes + STRIDE - 1) / STRIDE),
		.offset = offset,
		.missing = missing,
	};
	double begin = cpu_ms();
	struct sp_fit fit;

	sp_fit_init(&fit, &(struct sp_scale_rect){ 0, 0, WIDTH, HEIGHT }, SIDE, SIDE);
	if (sp_pixels_begin(&pixels, &frame) ||
	    sp_preprocess(&scale, &pixels, &fit, &sp_input_levels, input))
		return -1;
	return cpu_ms() - begin;
}

static double memcpy_ms(void *arg)
{
	const struct sp_pfnc *format = arg;
	uint64_t bytes = sp_pfnc_image_bytes(format->code, WIDTH, HEIGHT);
	double begin = cpu_ms();

	for (uint64_t at = 0, p = 0; at < bytes; at += STRIDE, p++)
		memcpy(copy + at, region.base + offset[p],
		       bytes - at < STRIDE ? bytes - at : STRIDE);
	return cpu_ms() - begin;
}

static double search_ms(void *arg)
{
	struct sp_hit hits[10];
	double begin = cpu_ms();

	(void)arg;
	if (sp_search_top(gallery, ROWS, SIZE, gallery + 77 * SIZE, 10, hits) != 10)
		return -1;
	return cpu_ms() - begin;
}

/* ---- the backend ---- */

struct backend {
	struct sp_compute *compute;
	struct sp_event done;
	struct sp_image image;
	struct sp_region region;
	struct sp_frame_wrap wrap;
};

static double frames_per_second(void *arg)
{
	struct backend *backend = arg;
	const struct sp_compute_ops *ops = backend->compute->ops;
	struct sp_frame *frame = &backend->wrap.frame;
	unsigned int given = 0, back = 0;
	uint64_t begin = sp_clock_now();

	while (back < FRAMES) {
		struct sp_result *result;

		while (given < FRAMES && ops->submit(backend->compute, &frame, 1))
			given++;
		sp_event_arm(&backend->done);
		if (!ops->poll(backend->compute, &result, 1)) {
			sp_event_wait(&backend->done, SP_NS_PER_S);
			sp_event_disarm(&backend->done);
			continue;
		}
		sp_event_disarm(&backend->done);
		if (result->cause != SP_RESULT_FACES || result->faces_n != 2)
			return -1;
		ops->put(backend->compute, result);
		back++;
	}
	return FRAMES * 1e9 / (double)(sp_clock_now() - begin);
}

static const char *shared(char path[512], const char *name)
{
	const char *root = getenv("SALLYPORT_SHARED");

	snprintf(path, 512, "%s/%s", root && *root ? root : "../shared", name);
	return path;
}

static int backend_init(struct backend *backend, unsigned int workers, struct sp_err *err)
{
	char detector[512], embedder[512], quality[512], photograph[512];
	struct sp_compute_config config = {
		.detector = shared(detector, "models/yunet_n_dynamic.onnx"),
		.embedder = shared(embedder, "models/mobilefacenet.onnx"),
		.quality = shared(quality, "models/lightqnet_dm025.onnx"),
		.workers = workers,
		.in_flight = 16,
		.detect_width = SIDE,
		.detect_height = SIDE,
		.embed_invalid = true,
		.done = &backend->done,
	};
	int rc = sp_image_read(shared(photograph, "data/two_people.jpg"), &backend->image, err);

	if (rc)
		return rc;
	backend->region = (struct sp_region){
		.base = backend->image.rgb,
		.size = (size_t)backend->image.width * backend->image.height * 3,
	};
	rc = sp_frame_wrap(&backend->wrap, &backend->region, 0, backend->image.width,
			   backend->image.height, SP_PFNC_RGB8);
	if (!rc)
		rc = sp_event_init(&backend->done);
	if (rc)
		return sp_err_set(err, rc, "cannot make a frame");
	return sp_compute_cpu.open(&config, &backend->compute, err);
}

static void measure_backend(struct sp_bench *bench)
{
	static struct backend one, all;
	struct sp_err err;

	if (backend_init(&one, 1, &err) || backend_init(&all, 0, &err)) {
		printf("the backend is not measured: %s\n", err.text);
		return;
	}

	const struct sp_bench_row rows[] = {
		{ "two_people_640", "1 worker", "rate", "frames/s", frames_per_second, &one, NULL,
		  NULL },
		{ "two_people_640", "all CPUs", "rate", "frames/s", frames_per_second, &all,
		  "1 worker", "higher" },
	};

	sp_bench_run(bench, rows, 2, SP_BENCH_ROUNDS);
	sp_compute_cpu.close(one.compute);
	sp_compute_cpu.close(all.compute);
	sp_image_uninit(&one.image);
	sp_image_uninit(&all.image);
}

int main(void)
{
	static const char *const formats[] = { "BayerRG8", "BayerRG12p", "Mono8", "RGB8",
					       "YUV422_8" };
	enum { FORMATS = sizeof(formats) / sizeof(formats[0]) };
	struct sp_bench_row rows[2 * FORMATS + 1];
	struct sp_bench *bench = sp_bench_begin("faces");
	uint32_t seed = 1;

	gallery = malloc((size_t)ROWS * SIZE * sizeof(float));
	if (!bench || !gallery || sp_region_init(&region, (size_t)PACKETS * 2048, NULL) ||
	    sp_pixels_init(&pixels) || sp_scale_init(&scale))
		return 1;
	for (size_t i = 0; i < region.size; i++)
		region.base[i] = (uint8_t)((seed = seed * 1664525 + 1013904223) >> 24);
	for (size_t i = 0; i < (size_t)ROWS * SIZE; i++)
		gallery[i] = (float)((seed = seed * 1664525 + 1013904223) >> 24) - 128;
	for (uint32_t p = 0; p < PACKETS; p++)
		offset[p] = (uint64_t)p * 2048;
	for (int i = 0; i < FORMATS; i++) {
		void *format = (void *)sp_pfnc_by_name(formats[i]);

		rows[2 * i] = (struct sp_bench_row){ formats[i], "preprocess",	"time_per_frame",
						     "ms",	 preprocess_ms, format,
						     "memcpy",	 "lower" };
		rows[2 * i + 1] = (struct sp_bench_row){ formats[i], "memcpy",	"time_per_frame",
							 "ms",	     memcpy_ms, format,
							 NULL,	     NULL };
	}
	rows[2 * FORMATS] = (struct sp_bench_row){
		"top10_of_100000x128", "search", "time", "ms", search_ms, NULL, NULL, NULL
	};
	sp_bench_run(bench, rows, 2 * FORMATS + 1, SP_BENCH_ROUNDS);
	measure_backend(bench);
	free(gallery);
	sp_scale_uninit(&scale);
	sp_pixels_uninit(&pixels);
	sp_region_uninit(&region);
	return sp_bench_end(bench);
}
