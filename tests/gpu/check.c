/* SPDX-License-Identifier: Apache-2.0 */
/*
 * On a GPU: networks and the whole backend against what the CPU found (fixtures), in both precisions.
 *	check [TEST…]
 * $SP_GPU_PLUGIN: the plugin to open, else what is linked; $SP_GPU_FIXTURES: where fixtures are.
 * $SP_GPU_SMALL: only what an emulated GPU does in a minute.
 */
#include <errno.h>
#include <math.h>
#include <sys/mman.h>
#include <time.h>

#include "base/diag.h"
#include "base/region.h"
#include "cuda/fixture.h"
#include "cuda/network_check.h"
#include "gpu/host.h"
#include "test.h"

static bool small(void)
{
	return getenv("SP_GPU_SMALL") != NULL;
}

/* ---- networks ------------------------------------------------------------------------------- */

/*
 * float32: the same sums in another order. bfloat16: 8 bits a number, through as many layers as the
 * networks have; the gates of the CPU's own bfloat16 (tests/parity/test_precision.c) are on faces.
 */
static void check_output(const char *name, unsigned int i, enum sp_tensor_type type,
			 const float *got, const float *want, int64_t n)
{
	double largest = 0, off = 0, power = 0, error = 0;

	for (int64_t k = 0; k < n; k++) {
		double delta = fabs((double)got[k] - (double)want[k]);

		/* A NaN is further than anything. */
		if (!(delta <= off))
			off = delta;
		largest = fmax(largest, fabs((double)want[k]));
		power += (double)want[k] * (double)want[k];
		error += delta * delta;
	}
	if (type == SP_TENSOR_F32 && !(off <= 1e-3 * largest + 1e-4))
		FAIL("%s: output %u is off by %g of %g in float32", name, i, off, largest);
	/* A hundredth of the power is a cosine of 0.995. */
	if (type == SP_TENSOR_BF16 && !(error <= 0.01 * power + 1e-4 * (double)n))
		FAIL("%s: output %u has an error of %g beside %g in bfloat16", name, i, sqrt(error),
		     sqrt(power));
}

static void check_case(const struct fixture_network *network, const struct fixture_case *one,
		       enum sp_tensor_type type, uint32_t n, const char *name)
{
	size_t picture = 3 * (size_t)one->h * one->w;
	float *input = malloc(n * picture * sizeof(float));
	struct running running;

	/* All pictures of a batch are alike: none may meet another. */
	for (uint32_t i = 0; i < n; i++)
		fixture_input(&network->card, one->seed, one->h, one->w, input + i * picture);
	running_init(&running, &network->model, type, n, one->h, one->w);
	running_run(&running, input);
	for (unsigned int i = 0; i < one->outputs_n; i++)
		for (uint32_t k = 0; k<n; k += n> 1 ? n - 1 : 1) {
			int64_t numbers;
			float *got = running_output(&running, i, k, &numbers);

			CHECK_EQ(numbers, sp_shape_elements(&one->shapes[i]));
			check_output(name, i, type, got, one->outputs[i], numbers);
			free(got);
		}
	running_uninit(&running);
	free(input);
}

static void check_network(const char *name)
{
	struct fixture_network *network = malloc(sizeof(*network));
	char path[1024], file[128];
	struct sp_err err;
	int rc;

	snprintf(file, sizeof(file), "%s.network", name);
	rc = fixture_network_load(host_fixture(path, file), network, &err);
	if (rc == -ENOENT)
		SKIP("%s", err.text);
	if (rc)
		FAIL("%s", err.text);
	for (unsigned int i = 0; i < network->cases_n; i++)
		for (int type = 0; type < SP_TENSOR_TYPES; type++) {
			if (small() && (i || (type == SP_TENSOR_BF16 && network->cases[i].h > 96)))
				continue;
			check_case(network, &network->cases[i], type, 1, name);
			if (!small())
				check_case(network, &network->cases[i], type, 5, name);
		}
	fixture_network_free(network);
	free(network);
}

TEST(sallyport_detector)
{
	check_network("sallyport_detector");
}

TEST(sallyport_embedder)
{
	check_network("sallyport_embedder");
}

TEST(sallyport_quality)
{
	check_network("sallyport_quality");
}

TEST(yunet)
{
	check_network("yunet_n_dynamic");
}

TEST(mobilefacenet)
{
	check_network("mobilefacenet");
}

TEST(lightqnet)
{
	check_network("lightqnet_dm025");
}

/* ---- the backend ---------------------------------------------------------------------------- */

struct lot {
	struct fixture_frames *frames;
	struct sp_region region;
	struct host_frame of[FIXTURE_FRAMES_MAX];
	struct sp_result *results[FIXTURE_FRAMES_MAX];
};

static void lot_init(struct lot *lot)
{
	uint64_t at = 0;
	char path[1024];
	struct sp_err err;

	memset(lot, 0, sizeof(*lot));
	lot->frames = malloc(sizeof(*lot->frames));
	if (fixture_frames_load(host_fixture(path, "photographs.frames"), lot->frames, &err))
		FAIL("%s", err.text);
	/* Of mosaics in 8, 10 and 12 bits, and with lines padded and packets lost. */
	if (small())
		lot->frames->n = 4;
	for (unsigned int i = 0; i < lot->frames->n; i++)
		lot->region.size += host_frame_bytes(&lot->frames->frames[i]);
	lot->region.size = (lot->region.size + 4095) / 4096 * 4096;
	lot->region.page_size = 4096;
	lot->region.base = mmap(NULL, lot->region.size, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(lot->region.base != MAP_FAILED);
	memset(lot->region.base, 0xA5, lot->region.size);
	for (unsigned int i = 0; i < lot->frames->n; i++) {
		CHECK_EQ(host_frame_init(&lot->of[i], &lot->frames->frames[i], &lot->region, at),
			 0);
		lot->of[i].frame.block_id = i;
		at += host_frame_bytes(&lot->frames->frames[i]);
	}
}

static void lot_uninit(struct lot *lot)
{
	for (unsigned int i = 0; i < lot->frames->n; i++)
		host_frame_uninit(&lot->of[i]);
	munmap(lot->region.base, lot->region.size);
	fixture_frames_free(lot->frames);
	free(lot->frames);
}

/* All frames once; results by frame. */
static void run_lot(struct lot *lot, struct sp_compute *compute)
{
	unsigned int given = 0, back = 0, released = 0, n = lot->frames->n;
	uint64_t end = host_now() + 300ull * 1000000000;
	struct timespec wait = { 0, 100000 };

	while (back < n) {
		struct sp_frame *frame = &lot->of[given].frame, *home[8];
		struct sp_result *result;

		if (given < n)
			given += compute->ops->submit(compute, &frame, 1);
		released += compute->ops->release(compute, home, 8);
		if (compute->ops->poll(compute, &result, 1)) {
			lot->results[result->block_id] = result;
			back++;
		}
		if (host_now() > end)
			FAIL("%u of %u results after 300 s", back, n);
		nanosleep(&wait, NULL);
	}
	(void)released;
}

static double cosine(const float *a, const float *b, unsigned int n)
{
	double sum = 0;

	for (unsigned int i = 0; i < n; i++)
		sum += (double)a[i] * (double)b[i];
	return sum;
}

/* The one of @result whose box is nearest, or NULL. */
static const struct sp_face *nearest(const struct sp_result *result, const struct sp_face *want,
				     double *ret_off)
{
	const struct sp_face *best = NULL;

	*ret_off = INFINITY;
	for (uint32_t i = 0; i < result->faces_n; i++) {
		double off = 0;

		for (int k = 0; k < 4; k++)
			off = fmax(off,
				   fabs((double)result->faces[i].box[k] - (double)want->box[k]));
		if (off < *ret_off) {
			*ret_off = off;
			best = &result->faces[i];
		}
	}
	return best;
}

/*
 * Gates in float32, then in bfloat16: box by its width, landmarks by the eye distance. Embeddings in
 * bfloat16 are of a face that is cut out where bfloat16 found its landmarks.
 */
static const struct gates {
	double box, landmark, score, cosine, quality;
} gates[] = {
	{ 0.01, 0.01, 0.01, 0.9995, 0.02 },
	{ 0.02, 0.015, 0.02, 0.998, 0.05 },
};

static double landmarks_off(const struct sp_face *a, const struct sp_face *b)
{
	double off = 0;

	for (int i = 0; i < 5; i++)
		off = fmax(off, hypot((double)(a->landmark[i][0] - b->landmark[i][0]),
				      (double)(a->landmark[i][1] - b->landmark[i][1])));
	return off;
}

static void check_face(const struct sp_result *result, const struct sp_face *want,
		       const struct gates *gate, unsigned int size, unsigned int frame)
{
	double off, eyes = fmax(1, (double)want->quality.eye_distance);
	const struct sp_face *got = nearest(result, want, &off);

	if (!got || off > gate->box * (double)want->box[2])
		FAIL("frame %u: a face is off by %g pixels, or missing", frame, off);
	for (int i = 0; i < 10; i++)
		CHECK_NEAR((&got->landmark[0][0])[i], (&want->landmark[0][0])[i],
			   gate->landmark * eyes + 0.05);
	CHECK_NEAR(got->score, want->score, gate->score);
	CHECK_EQ(got->embedded, want->embedded);
	printf("# frame %u: box off by %.2f, landmarks by %.2f of %.0f pixels between the eyes, cosine "
	       "%.5f\n",
	       frame, off, landmarks_off(got, want), eyes,
	       cosine(got->embedding, want->embedding, size));
	if (want->embedded && cosine(got->embedding, want->embedding, size) < gate->cosine)
		FAIL("frame %u: an embedding's cosine is %g", frame,
		     cosine(got->embedding, want->embedding, size));
	CHECK_NEAR(got->quality.network, want->quality.network, gate->quality);
	CHECK_NEAR(got->quality.exposure, want->quality.exposure, gate->quality);
	CHECK_NEAR(got->quality.occlusion, want->quality.occlusion, gate->quality);
	CHECK_NEAR(got->quality.aligned_occlusion, want->quality.aligned_occlusion, gate->quality);
}

static void check_backend(enum sp_precision precision)
{
	const struct gates *gate = &gates[precision == SP_PRECISION_BF16];
	char detector[1024], embedder[1024], quality[1024];
	struct sp_compute_config config = {
		.detector = host_fixture(detector, "sallyport_detector.network"),
		.embedder = host_fixture(embedder, "sallyport_embedder.network"),
		.quality = host_fixture(quality, "sallyport_quality.network"),
		.precision = precision,
		.in_flight = FIXTURE_FRAMES_MAX,
		.batch = small() ? 1 : 4,
		.embed_invalid = true,
	};
	const struct sp_compute_ops *ops;
	struct sp_compute *compute;
	struct sp_err err;
	struct lot lot;

	lot_init(&lot);
	config.detect_width = lot.frames->detect_width;
	config.detect_height = lot.frames->detect_height;
	ops = host_plugin(getenv("SP_GPU_PLUGIN"), &err);
	if (!ops || ops->open(&config, &compute, &err) ||
	    ops->register_region(compute, &lot.region, &err))
		FAIL("%s", err.text);
	run_lot(&lot, compute);
	for (unsigned int i = 0; i < lot.frames->n; i++) {
		const struct fixture_frame *want = &lot.frames->frames[i];

		if (lot.results[i]->cause != SP_RESULT_FACES)
			FAIL("frame %u: %s", i, sp_result_cause_name(lot.results[i]->cause));
		if (precision == SP_PRECISION_F32)
			CHECK_EQ(lot.results[i]->faces_n, want->faces_n);
		/* In bfloat16 those near the threshold may be on either side of it, and tiny ones
		 * anywhere. */
		for (uint32_t k = 0; k < want->faces_n; k++)
			if (precision == SP_PRECISION_F32 ||
			    (want->faces[k].score > 0.7f &&
			     want->faces[k].quality.eye_distance > 20))
				check_face(lot.results[i], &want->faces[k], gate,
					   compute->info.embedding_size, i);
		ops->put(compute, lot.results[i]);
	}
	ops->close(compute);
	lot_uninit(&lot);
}

TEST(photographs_in_float32)
{
	check_backend(SP_PRECISION_F32);
}

TEST(photographs_in_bfloat16)
{
	check_backend(SP_PRECISION_BF16);
}

TEST_MAIN()
