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
#include "camera_frame.h"
#include "frame/frame.h"
#include "image/image.h"
#include "infer/compute.h"
#include "infer/pixels.h"
#include "infer/preprocess.h"
#include "infer/scale.h"
#include "infer/search.h"
#include "wire/pfnc.h"

enum {
	SIDE = 640,
	ROWS = 100000,
	SIZE = 128,
	FRAMES = 32, /* a measurement of the backend */
	FORMATS = 5,
};

static const char *const formats[FORMATS] = { "BayerRG8", "BayerRG12p", "Mono8", "RGB8",
					      "YUV422_8" };
static struct camera_frame cameras[FORMATS];
static uint8_t copy[CAMERA_FRAME_WIDTH * CAMERA_FRAME_HEIGHT * 3]; /* of the largest format */
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
	const struct camera_frame *camera = arg;
	double begin = cpu_ms();
	struct sp_fit fit;

	sp_fit_init(&fit, &(struct sp_scale_rect){ 0, 0, CAMERA_FRAME_WIDTH, CAMERA_FRAME_HEIGHT },
		    SIDE, SIDE);
	if (sp_pixels_begin(&pixels, &camera->frame) ||
	    sp_preprocess(&scale, &pixels, &fit, &sp_input_levels, input))
		return -1;
	return cpu_ms() - begin;
}

static double memcpy_ms(void *arg)
{
	double begin = cpu_ms();

	camera_frame_copy(arg, copy);
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
	struct sp_bench_row rows[2 * FORMATS + 1];
	struct sp_bench *bench = sp_bench_begin("faces");
	uint32_t seed = 1;
	struct sp_err err;

	gallery = malloc((size_t)ROWS * SIZE * sizeof(float));
	if (!bench || !gallery || sp_pixels_init(&pixels) || sp_scale_init(&scale))
		return 1;
	for (size_t i = 0; i < (size_t)ROWS * SIZE; i++)
		gallery[i] = (float)((seed = seed * 1664525 + 1013904223) >> 24) - 128;
	for (int i = 0; i < FORMATS; i++) {
		if (camera_frame_init(&cameras[i], sp_pfnc_by_name(formats[i])->code, &err)) {
			fprintf(stderr, "faces: %s\n", err.text);
			return 1;
		}
		rows[2 * i] = (struct sp_bench_row){ .label = formats[i],
						     .engine = "preprocess",
						     .metric = "time_per_frame",
						     .unit = "ms",
						     .run = preprocess_ms,
						     .arg = &cameras[i],
						     .peer = "memcpy",
						     .better = "lower" };
		rows[2 * i + 1] = (struct sp_bench_row){ .label = formats[i],
							 .engine = "memcpy",
							 .metric = "time_per_frame",
							 .unit = "ms",
							 .run = memcpy_ms,
							 .arg = &cameras[i] };
	}
	rows[2 * FORMATS] = (struct sp_bench_row){
		"top10_of_100000x128", "search", "time", "ms", search_ms, NULL, NULL, NULL
	};
	sp_bench_run(bench, rows, 2 * FORMATS + 1, SP_BENCH_ROUNDS);
	measure_backend(bench);
	free(gallery);
	for (int i = 0; i < FORMATS; i++)
		camera_frame_uninit(&cameras[i]);
	sp_scale_uninit(&scale);
	sp_pixels_uninit(&pixels);
	return sp_bench_end(bench);
}
