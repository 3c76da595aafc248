/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From packets in pinned memory to embeddings: 64 cameras of 5 megapixels at 30 frames a second, by
 * the clock; and as many as go through. The GPU's share is told by events (gpu_busy.h).
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
#include "gpu_busy.h"

enum {
	CAMERAS = 64,
	RATE = 30,
	ROUND_SECONDS = 3,
	RUN_SECONDS_MAX = 20, /* however slow the device is */
	SAMPLES_MAX = 1 << 16,
	STRIDE = 8952,
};

static const uint64_t NS = 1000000000;

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

	/* What is linked, the plugin's own objects: gpu_busy.h looks into it. */
	lane->ops = host_plugin(NULL, err);
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
 * @n frames, cameras in turn: at their times, or, if not @paced, whenever they are home. A frame
 * that is due while its camera's last one is still away is shed. Returns frames a second: paced, of
 * the time that the cameras take; else of all until the last result.
 */
static double run(struct lane *lane, uint64_t n, bool paced)
{
	uint64_t begin = host_now(), period = NS / (RATE * lane->cameras), given = 0;

	lane->samples = lane->done = lane->faces = lane->shed = lane->failed = 0;
	for (uint64_t i = 0; i < n;) {
		unsigned int camera = (unsigned int)(i % lane->cameras);
		struct sp_frame *one = &lane->frames[camera].frame;

		take_back(lane);
		if (host_now() > begin + RUN_SECONDS_MAX * NS)
			break;
		if (paced ? host_now() < begin + i * period : lane->away[camera])
			continue;
		one->last_ns = one->exposure_ns = paced ? begin + i * period : host_now();
		if (!lane->away[camera] && lane->ops->submit(lane->compute, &one, 1)) {
			lane->away[camera] = true;
			given++;
		} else if (paced) {
			lane->shed++;
		} else {
			continue;
		}
		i++;
	}
	while (lane->done < given && host_now() < begin + 2 * RUN_SECONDS_MAX * NS)
		take_back(lane);
	lane->failed += (unsigned int)given - lane->done;
	return lane->done * 1e9 / (double)(paced ? n * period : host_now() - begin);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Of each round, what it gave. */
struct rounds {
	double most[GPU_ROUNDS], rate[GPU_ROUNDS], share[GPU_ROUNDS], busy[GPU_ROUNDS];
	double most_busy[GPU_ROUNDS], shed[GPU_ROUNDS], faces[GPU_ROUNDS];
	double p50[GPU_ROUNDS], p99[GPU_ROUNDS];
};

/* Without a clock, then by the clock. */
static int run_round(struct lane *lane, uint64_t n, unsigned int i, struct rounds *rounds,
		     struct sp_err *err)
{
	for (int paced = 0; paced < 2; paced++) {
		double *rate = paced ? rounds->rate : rounds->most, seconds, busy;
		int rc = gpu_busy_begin(err);

		if (rc)
			return rc;
		rate[i] = run(lane, n, paced);
		if (lane->failed || !lane->samples)
			return sp_err_set(err, -EIO, "%u frames of %llu failed", lane->failed,
					  (unsigned long long)n);
		busy = gpu_busy_end(err);
		if (busy < 0)
			return (int)busy;
		if (!(busy > 0))
			return sp_err_set(err, -EIO,
					  "no batch was seen; link with --wrap (gpu_busy.h)");
		/* As many as came, at that rate. */
		seconds = lane->done / rate[i];
		(paced ? rounds->busy : rounds->most_busy)[i] = 100 * busy / seconds;
	}
	qsort(lane->ms, lane->samples, sizeof(lane->ms[0]), compare);
	rounds->p50[i] = lane->ms[lane->samples / 2];
	/* The least that 99 of 100 are not above. */
	rounds->p99[i] = lane->ms[(lane->samples * 99ull + 99) / 100 - 1];
	rounds->share[i] = 100 * rounds->rate[i] / rounds->most[i];
	rounds->shed[i] = lane->shed;
	rounds->faces[i] = lane->faces;
	return 0;
}

static void tell(struct gpu_bench *bench, const struct lane *lane, struct rounds *rounds,
		 unsigned int n)
{
	const struct {
		const char *metric, *unit;
		double *values;
	} rows[] = {
		{ "most_frames_per_s", "1/s", rounds->most },
		{ "most_gpu_busy", "%", rounds->most_busy },
		{ "frames_per_s", "1/s", rounds->rate },
		{ "gpu_busy", "%", rounds->busy },
		{ "share_of_most", "%", rounds->share },
		{ "shed", "frames", rounds->shed },
		{ "faces", "1", rounds->faces },
		{ "last_packet_to_embeddings_p50", "ms", rounds->p50 },
		{ "last_packet_to_embeddings_p99", "ms", rounds->p99 },
	};
	char label[96];

	snprintf(label, sizeof(label), "%u cameras x %d, %ux%u BayerRG8", lane->cameras, RATE,
		 lane->picture.width, lane->picture.height);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		gpu_record(bench, label, rows[i].metric, rows[i].unit, rows[i].values, n);
}

void gpu_end_to_end(struct gpu_bench *bench)
{
	struct lane *lane = calloc(1, sizeof(*lane));
	struct sp_err err = { "out of memory" };
	uint64_t n = bench->small ? 4 : CAMERAS * RATE * ROUND_SECONDS;
	unsigned int rounds_n = 0;
	struct rounds rounds;
	int rc = lane ? lane_init(bench, lane, &err) : -ENOMEM;

	if (!rc)
		rc = open_backend(bench, lane, &err);
	if (!rc)
		run(lane, n, false); /* warms up */
	/* Fewer rounds where opening took long. */
	while (!rc && rounds_n < bench->rounds &&
	       (!rounds_n || gpu_left(bench) > ROUND_SECONDS * 3))
		rc = run_round(lane, n, rounds_n++, &rounds, &err);
	if (rc)
		gpu_failed(bench, "end_to_end", &err);
	else
		tell(bench, lane, &rounds, rounds_n);
	if (lane && lane->compute)
		lane->ops->close(lane->compute);
	if (lane)
		lane_uninit(lane);
	free(lane);
}
