/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From packets in pinned memory to embeddings: 64 cameras of 5 megapixels at 30 frames a second, by
 * the clock; and as many as go through, which says what part of the GPU the cameras take.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "base/diag.h"
#include "base/region.h"
#include "cuda/fixture.h"
#include "gpu.h"
#include "gpu/host.h"

enum { CAMERAS = 64, RATE = 30, SAMPLES_MAX = 1 << 16, STRIDE = 8952 };

struct lane {
	struct fixture_frame picture; /* a photograph four times: 2448 × 2048 */
	struct sp_region region;
	struct host_frame frames[CAMERAS];
	bool away[CAMERAS];
	unsigned int cameras;
	struct sp_compute *compute;
	const struct sp_compute_ops *ops;
	double *ms; /* from the last packet to embeddings */
	unsigned int samples, done, faces, shed, failed;
};

/* Two by two of what the fixture has of BayerRG8, whose sides are even. */
static int make_picture(struct gpu_bench *bench, struct lane *lane, struct sp_err *err)
{
	struct fixture_frames *frames = malloc(sizeof(*frames));
	struct fixture_frame *to = &lane->picture;
	const struct fixture_frame *from;
	unsigned int times = bench->small ? 1 : 2;
	char path[1024];
	int rc = fixture_frames_load(host_fixture(path, "photographs.frames"), frames, err);

	if (rc) {
		free(frames);
		return rc;
	}
	from = &frames->frames[0];
	*to = *from;
	to->width *= times;
	to->height *= times;
	to->stride = STRIDE;
	to->bytes = (uint64_t)to->width * to->height;
	to->packets = (uint32_t)((to->bytes + STRIDE - 1) / STRIDE);
	to->payload = malloc(to->bytes);
	to->missing = calloc((to->packets + 63) / 64, sizeof(uint64_t));
	for (uint32_t y = 0; to->payload && y < to->height; y++)
		for (uint32_t x = 0; x < to->width; x++)
			to->payload[(uint64_t)y * to->width + x] =
				from->payload[(uint64_t)(y % from->height) * from->width +
					      x % from->width];
	rc = to->payload && to->missing ? 0 : sp_err_set(err, -ENOMEM, "out of memory");
	fixture_frames_free(frames);
	free(frames);
	return rc;
}

static int lane_init(struct gpu_bench *bench, struct lane *lane, struct sp_err *err)
{
	uint64_t one;
	int rc = make_picture(bench, lane, err);

	if (rc)
		return rc;
	lane->cameras = bench->small ? 2 : CAMERAS;
	lane->ms = malloc(SAMPLES_MAX * sizeof(double));
	one = (host_frame_bytes(&lane->picture) + 63) / 64 * 64;
	lane->region.size = (one * lane->cameras + 4095) / 4096 * 4096;
	lane->region.page_size = 4096;
	lane->region.base = mmap(NULL, lane->region.size, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (lane->region.base == MAP_FAILED || !lane->ms) {
		lane->region.base = NULL;
		return sp_err_set(err, -ENOMEM, "out of memory");
	}
	for (unsigned int i = 0; !rc && i < lane->cameras; i++) {
		rc = host_frame_init(&lane->frames[i], &lane->picture, &lane->region, i * one);
		lane->frames[i].frame.camera = (uint16_t)i;
		lane->frames[i].frame.stream = i;
	}
	return rc ? sp_err_set(err, rc, "out of memory") : 0;
}

static void lane_uninit(struct lane *lane)
{
	for (unsigned int i = 0; i < lane->cameras; i++)
		host_frame_uninit(&lane->frames[i]);
	if (lane->region.base)
		munmap(lane->region.base, lane->region.size);
	free(lane->picture.payload);
	free(lane->picture.missing);
	free(lane->ms);
}

static int open_backend(struct gpu_bench *bench, struct lane *lane, struct sp_err *err)
{
	char detector[1024], embedder[1024], quality[1024];
	struct sp_compute_config config = {
		.detector = host_fixture(detector, "sallyport_detector.network"),
		.embedder = host_fixture(embedder, "sallyport_embedder.network"),
		.quality = host_fixture(quality, "sallyport_quality.network"),
		.precision = SP_PRECISION_BF16,
		.in_flight = 4 * CAMERAS,
		.detect_width = bench->small ? 128 : 640,
		.detect_height = bench->small ? 128 : 640,
		.frame_bytes = lane->picture.bytes,
		.embed_invalid = true,
		.cache = getenv("SP_BUILD"),
	};
	int rc;

	lane->ops = host_plugin(getenv("SP_GPU_PLUGIN"), err);
	if (!lane->ops)
		return -ENOENT;
	rc = lane->ops->open(&config, &lane->compute, err);
	return rc ? rc : lane->ops->register_region(lane->compute, &lane->region, err);
}

/* Frames that came home, and results. */
static void take_back(struct lane *lane)
{
	struct sp_frame *home[16];
	struct sp_result *results[16];
	unsigned int n = lane->ops->release(lane->compute, home, 16);

	for (unsigned int i = 0; i < n; i++)
		lane->away[home[i]->stream] = false;
	n = lane->ops->poll(lane->compute, results, 16);
	for (unsigned int i = 0; i < n; i++) {
		struct sp_result *result = results[i];

		if (result->frame)
			lane->away[result->frame->stream] = false;
		lane->failed += result->cause != SP_RESULT_FACES;
		lane->faces += result->faces_n;
		lane->done++;
		if (lane->samples < SAMPLES_MAX)
			lane->ms[lane->samples++] = (double)(result->done_ns - result->last_ns) /
						    1e6;
		lane->ops->put(lane->compute, result);
	}
}

/*
 * For @seconds, cameras in turn: at their times, or, if not @paced, whenever they are home. A frame
 * that is due while its camera's last one is still away is shed.
 */
static double run(struct lane *lane, double seconds, bool paced)
{
	uint64_t begin = host_now(), period = 1000000000ull / (RATE * lane->cameras), n = 0;
	uint64_t end = begin + (uint64_t)(seconds * 1e9), given = 0;

	lane->samples = lane->done = lane->faces = lane->shed = lane->failed = 0;
	while (host_now() < end) {
		struct host_frame *frame = &lane->frames[n % lane->cameras];
		struct sp_frame *one = &frame->frame;

		take_back(lane);
		if (paced && host_now() < begin + n * period)
			continue;
		if (lane->away[n % lane->cameras]) {
			lane->shed += paced;
			n++;
			continue;
		}
		one->last_ns = one->exposure_ns = paced ? begin + n * period : host_now();
		if (lane->ops->submit(lane->compute, &one, 1)) {
			lane->away[n % lane->cameras] = true;
			given++;
		} else {
			lane->shed += paced;
		}
		n++;
	}
	while (lane->done < given && host_now() < end + 60000000000ull)
		take_back(lane);
	lane->failed += (unsigned int)given - lane->done;
	return (double)lane->done / ((double)(host_now() - begin) / 1e9);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void tell(struct gpu_bench *bench, struct lane *lane, double paced, double most)
{
	double p50, p99, share = 100 * paced / most, shed = lane->shed, faces = lane->faces;
	char label[96];

	snprintf(label, sizeof(label), "%u cameras x %d, %ux%u BayerRG8", lane->cameras, RATE,
		 lane->picture.width, lane->picture.height);
	qsort(lane->ms, lane->samples, sizeof(lane->ms[0]), compare);
	p50 = lane->ms[lane->samples / 2];
	p99 = lane->ms[(size_t)((lane->samples - 1) * 0.99)];
	gpu_record(bench, label, "most_frames_per_s", "1/s", &most, 1);
	gpu_record(bench, label, "frames_per_s", "1/s", &paced, 1);
	gpu_record(bench, label, "share_of_most", "%", &share, 1);
	gpu_record(bench, label, "shed", "frames", &shed, 1);
	gpu_record(bench, label, "faces", "1", &faces, 1);
	gpu_record(bench, label, "last_packet_to_embeddings_p50", "ms", &p50, 1);
	gpu_record(bench, label, "last_packet_to_embeddings_p99", "ms", &p99, 1);
}

void gpu_end_to_end(struct gpu_bench *bench)
{
	struct lane *lane = calloc(1, sizeof(*lane));
	struct sp_err err = { "out of memory" };
	int rc = lane ? lane_init(bench, lane, &err) : -ENOMEM;
	double most = 0, paced = 0;

	if (!rc)
		rc = open_backend(bench, lane, &err);
	if (!rc) {
		run(lane, bench->small ? 0.1 : 1, false); /* warms up */
		most = run(lane, bench->small ? 0.2 : 5, false);
		if (lane->failed)
			rc = sp_err_set(&err, -EIO, "%u frames failed", lane->failed);
	}
	if (!rc) {
		paced = run(lane, bench->small ? 0.5 : 20, true);
		if (lane->failed || !lane->samples)
			rc = sp_err_set(&err, -EIO, "%u frames failed", lane->failed);
	}
	if (rc)
		gpu_failed(bench, "end_to_end", &err);
	else
		tell(bench, lane, paced, most);
	if (lane && lane->compute)
		lane->ops->close(lane->compute);
	if (lane)
		lane_uninit(lane);
	free(lane);
}
