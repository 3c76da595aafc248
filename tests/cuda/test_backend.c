/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The backend's promises, by seeds: every frame comes back once and every result once, however the
 * device goes about it and whatever fails, and nothing is left behind.
 */
#include <errno.h>

#include "backend_scene.h"
#include "card.h"
#include "cuda/conductor.h"
#include "emulator.h"
#include "test.h"

enum { FRAMES = 8, SIDE = 64 };

/* Frames of blurred noise, in which the detector with a low threshold finds a lot. */
struct crowd {
	struct scene scene;
	struct scene_frame frames[FRAMES];
	unsigned int home[FRAMES]; /* how often each has come back */
};

static void crowd_init(struct crowd *crowd, uint64_t seed)
{
	scene_init(&crowd->scene, 1 << 20);
	for (unsigned int i = 0; i < FRAMES; i++) {
		struct sp_image image;

		CHECK_EQ(sp_image_init(&image, SIDE, SIDE), 0);
		for (size_t k = 0; k < SIDE * SIDE * 3; k++)
			image.rgb[k] = (uint8_t)(k >= 3 && card_random(&seed) % 8
							 ? image.rgb[k - 3]
							 : card_random(&seed));
		scene_add(&crowd->scene, &image, i % 2 ? SP_PFNC_RGB8 : SP_PFNC_BAYER_RG8, 0, 700,
			  &crowd->frames[i]);
		crowd->frames[i].frame.block_id = i;
		sp_image_uninit(&image);
	}
}

static void crowd_uninit(struct crowd *crowd)
{
	for (unsigned int i = 0; i < FRAMES; i++)
		scene_frame_uninit(&crowd->frames[i]);
	scene_uninit(&crowd->scene);
}

static struct sp_compute_config small_config(void)
{
	struct sp_compute_config config = scene_config();

	config.detect_width = config.detect_height = SIDE;
	config.embedder = config.quality = NULL;
	config.score_min = 0.02f;
	config.in_flight = 6;
	config.batch = 2;
	config.frame_bytes = 1 << 14;
	return config;
}

static struct sp_compute *open_ready(const struct sp_compute_config *config, struct crowd *crowd)
{
	struct sp_compute *compute;
	struct sp_err err;

	if (scene_backend()->open(config, &compute, &err))
		FAIL("%s", err.text);
	if (compute->ops->register_region(compute, &crowd->scene.region, &err))
		FAIL("%s", err.text);
	return compute;
}

/* How results ended, by cause. */
struct tally {
	unsigned int causes[SP_RESULT_CAUSES], faces, portraits;
};

static void come_home(struct crowd *crowd, const struct sp_frame *frame)
{
	crowd->home[frame->block_id]++;
}

/* Takes what is there, in any order; returns how many results. */
static unsigned int take(struct sp_compute *compute, struct crowd *crowd, struct tally *tally,
			 unsigned int max)
{
	struct sp_result *results[4];
	struct sp_frame *frames[4];
	unsigned int n = compute->ops->release(compute, frames, 4), taken;

	for (unsigned int i = 0; i < n; i++)
		come_home(crowd, frames[i]);
	taken = compute->ops->poll(compute, results, max < 4 ? max : 4);
	for (unsigned int i = 0; i < taken; i++) {
		struct sp_result *result = results[i];

		tally->causes[result->cause]++;
		CHECK((result->cause == SP_RESULT_LOST) == (result->error == -ENODEV));
		if (result->cause == SP_RESULT_FACES)
			tally->faces += result->faces_n;
		for (unsigned int k = 0; k < result->faces_n; k++)
			tally->portraits += result->faces[k].portrait != NULL;
		if (result->frame)
			come_home(crowd, result->frame);
		compute->ops->put(compute, result);
	}
	return taken;
}

/*
 * All frames, submitted a few at a time; those that are no longer taken stay with us. Returns how
 * many were taken.
 */
static unsigned int run(struct sp_compute *compute, struct crowd *crowd, struct tally *tally,
			uint64_t seed)
{
	uint64_t deadline = sp_clock_now() + 60 * SP_NS_PER_S;
	unsigned int submitted = 0, finished = 0;
	struct sp_frame *back[FRAMES];

	memset(crowd->home, 0, sizeof(crowd->home));
	memset(tally, 0, sizeof(*tally));
	while (finished < submitted || (submitted < FRAMES && !tally->causes[SP_RESULT_LOST])) {
		unsigned int n = (unsigned int)(card_random(&seed) % 4);

		for (unsigned int i = 0; i < n && submitted < FRAMES; i++) {
			struct sp_frame *frame = &crowd->frames[submitted].frame;

			submitted += compute->ops->submit(compute, &frame, 1);
		}
		finished += take(compute, crowd, tally, (unsigned int)(card_random(&seed) % 5));
		if (sp_clock_now() > deadline)
			FAIL("seed %llu: %u frames taken, %u results after 60 s",
			     (unsigned long long)seed, submitted, finished);
		sp_clock_sleep_until(sp_clock_now() + SP_NS_PER_MS / 20);
	}
	for (unsigned int n; (n = compute->ops->release(compute, back, FRAMES));)
		for (unsigned int i = 0; i < n; i++)
			come_home(crowd, back[i]);
	for (unsigned int i = 0; i < FRAMES; i++)
		if (crowd->home[i] != (i < submitted))
			FAIL("frame %u of %u came back %u times", i, submitted, crowd->home[i]);
	return submitted;
}

static void close_clean(struct sp_compute *compute)
{
	compute->ops->close(compute);
	CHECK_EQ(sp_emulator_leaks(), 0);
}

TEST(every_frame_and_every_result_once)
{
	struct sp_compute_config config = small_config();
	struct crowd crowd;

	crowd_init(&crowd, 1);
	for (uint64_t seed = 1; seed <= 4; seed += card_long() ? 1 : 3) {
		struct sp_compute *compute;
		struct tally tally;

		sp_emulator_seed(seed);
		/* These take the emulator longest. */
		config.quality = seed > 2 ? "models/sallyport_quality.onnx" : NULL;
		config.embedder = seed == 4 ? "models/sallyport_embedder.onnx" : NULL;
		config.score_min = seed == 4 ? 0.15f : 0.02f;
		compute = open_ready(&config, &crowd);
		CHECK_EQ(run(compute, &crowd, &tally, seed), FRAMES);
		CHECK_EQ(tally.causes[SP_RESULT_FACES], FRAMES);
		printf("# seed %llu: %u faces, %u portraits\n", (unsigned long long)seed,
		       tally.faces, tally.portraits);
		CHECK(tally.faces > 0 && tally.portraits > 0);
		close_clean(compute);
	}
	crowd_uninit(&crowd);
}

/* What is inside at close does not come back, and nothing is left of it. */
TEST(closed_with_work_inside)
{
	struct sp_compute_config config = small_config();
	struct crowd crowd;

	crowd_init(&crowd, 2);
	for (unsigned int n = 1; n <= 5; n++) {
		struct sp_compute *compute = open_ready(&config, &crowd);

		for (unsigned int i = 0; i < n; i++) {
			struct sp_frame *frame = &crowd.frames[i].frame;

			CHECK_EQ(compute->ops->submit(compute, &frame, 1), 1);
		}
		close_clean(compute);
	}
	crowd_uninit(&crowd);
}

TEST(a_lost_device_loses_its_frames_and_comes_back)
{
	struct sp_compute_config config = small_config();
	unsigned int lost = 0;
	struct crowd crowd;

	crowd_init(&crowd, 3);
	for (uint64_t seed = 1; seed <= (card_long() ? 6 : 3); seed++) {
		struct sp_compute *compute = open_ready(&config, &crowd);
		struct sp_frame *frame = &crowd.frames[0].frame;
		unsigned int lines = scene_lines, taken;
		struct tally tally;

		sp_emulator_lose(70 * seed - 70,
				 seed % 2 ? cudaErrorIllegalAddress : cudaErrorECCUncorrectable);
		taken = run(compute, &crowd, &tally, seed);
		CHECK_EQ(tally.causes[SP_RESULT_FACES] + tally.causes[SP_RESULT_LOST] +
				 tally.causes[SP_RESULT_FAILED],
			 taken);
		lost += tally.causes[SP_RESULT_LOST];
		if (tally.causes[SP_RESULT_LOST]) {
			CHECK_EQ(scene_lines - lines, 1);
			CHECK(strstr(scene_line, "is lost"));
			CHECK_EQ(compute->ops->submit(compute, &frame, 1), 0);
		}
		compute->ops->close(compute);
		sp_emulator_reset();
		CHECK_EQ(sp_emulator_leaks(), 0);
	}
	CHECK(lost > 0);
	crowd_uninit(&crowd);
}

TEST(a_hung_device_is_noticed)
{
	struct sp_compute_config config = small_config();
	struct crowd crowd;

	crowd_init(&crowd, 4);
	for (uint64_t seed = 0; seed < 3; seed++) {
		struct sp_compute *compute = open_ready(&config, &crowd);
		struct sp_frame *frame = &crowd.frames[0].frame;
		unsigned int finished = 0;
		struct tally tally = { 0 };

		memset(crowd.home, 0, sizeof(crowd.home));
		sp_emulator_hang(12 * seed);
		CHECK_EQ(compute->ops->submit(compute, &frame, 1), 1);
		while (!finished) {
			/* The host's clock goes on a second each time. */
			atomic_fetch_add(&scene_ahead_ns, SP_NS_PER_S);
			finished = take(compute, &crowd, &tally, 1);
			sp_clock_sleep_until(sp_clock_now() + SP_NS_PER_MS);
		}
		take(compute, &crowd, &tally, 0);
		CHECK_EQ(crowd.home[0], 1);
		CHECK_EQ(tally.causes[SP_RESULT_LOST], 1);
		CHECK(strstr(scene_line, "has not answered"));
		CHECK_EQ(compute->ops->submit(compute, &frame, 1), 0);
		close_clean(compute);
		if (seed && !card_long())
			continue;
		/* Its end was the end of that. */
		compute = open_ready(&config, &crowd);
		CHECK_EQ(run(compute, &crowd, &tally, seed), FRAMES);
		CHECK_EQ(tally.causes[SP_RESULT_FACES], FRAMES);
		close_clean(compute);
	}
	crowd_uninit(&crowd);
}

/*
 * Each call of open fails once, or one in four; open says so in one line and leaves nothing, or does
 * without.
 */
TEST(any_call_of_open_may_fail)
{
	static const cudaError_t statuses[] = { cudaErrorMemoryAllocation, cudaErrorUnknown,
						cudaErrorInvalidValue };
	struct sp_compute_config config = small_config();
	const struct sp_compute_ops *ops = scene_backend();
	struct sp_compute *compute;
	unsigned int refused = 0;
	uint64_t calls, before;
	struct sp_err err;

	config.embedder = "models/sallyport_embedder.onnx";
	config.quality = "models/sallyport_quality.onnx";
	before = sp_emulator_calls();
	CHECK_EQ(ops->open(&config, &compute, &err), 0);
	/* Some may have been the thread's own already. */
	calls = sp_emulator_calls() - before;
	close_clean(compute);
	for (uint64_t n = 1; n <= calls; n += card_long() ? 1 : 4) {
		int rc;

		err.text[0] = '\0';
		compute = NULL;
		sp_emulator_fail(n, statuses[n % 3]);
		rc = ops->open(&config, &compute, &err);
		sp_emulator_fail(0, cudaSuccess);
		if (!rc)
			ops->close(compute);
		else
			CHECK(!compute && *err.text && !strchr(err.text, '\n'));
		refused += rc != 0;
		if (sp_emulator_leaks())
			FAIL("call %llu of %llu: something is left", (unsigned long long)n,
			     (unsigned long long)calls);
	}
	printf("# %llu calls, %u refusals\n", (unsigned long long)calls, refused);
	CHECK(refused > 0);
}

/* A call that fails once while frames are inside costs a batch or the device, never a frame. */
TEST(any_call_at_work_may_fail)
{
	struct sp_compute_config config = small_config();
	unsigned int failed = 0;
	struct crowd crowd;

	crowd_init(&crowd, 5);
	for (uint64_t n = 1; n <= 300; n += card_long() ? 29 : 59) {
		struct sp_compute *compute = open_ready(&config, &crowd);
		struct tally tally;

		sp_emulator_fail(n, n % 2 ? cudaErrorInvalidValue : cudaErrorMemoryAllocation);
		run(compute, &crowd, &tally, n);
		sp_emulator_fail(0, cudaSuccess);
		failed += tally.causes[SP_RESULT_FAILED] + tally.causes[SP_RESULT_LOST];
		close_clean(compute);
	}
	CHECK(failed > 0);
	crowd_uninit(&crowd);
}

TEST(smaller_batches_where_memory_is_short)
{
	struct sp_emulator_device device = sp_emulator_device();
	struct sp_compute_config config = small_config();
	struct crowd crowd;
	unsigned int lines;
	struct sp_compute *compute = NULL;
	struct sp_err err = { "" };
	struct tally tally;

	crowd_init(&crowd, 6);
	config.batch = 4;
	config.in_flight = FRAMES;
	config.frame_bytes = 64 << 20;
	device.memory = 400 << 20;
	sp_emulator_set_device(&device);
	lines = scene_lines;
	compute = open_ready(&config, &crowd);
	CHECK_EQ(scene_lines - lines, 1);
	CHECK(strstr(scene_line, "too little memory for batches of 4"));
	CHECK_EQ(run(compute, &crowd, &tally, 1), FRAMES);
	CHECK_EQ(tally.causes[SP_RESULT_FACES], FRAMES);
	close_clean(compute);
	device.memory = 100 << 20;
	sp_emulator_set_device(&device);
	compute = NULL;
	CHECK_EQ(scene_backend()->open(&config, &compute, &err), -ENOMEM);
	CHECK(!compute);
	if (!strstr(err.text, "MiB") || !strstr(err.text, "free") || strchr(err.text, '\n'))
		FAIL("the message is \"%s\"", err.text);
	sp_emulator_reset();
	CHECK_EQ(sp_emulator_leaks(), 0);
	crowd_uninit(&crowd);
}

TEST(frames_that_the_device_cannot_reach)
{
	struct sp_compute_config config = small_config();
	struct sp_compute *compute;
	struct sp_result *results[3];
	struct sp_frame *frames[3];
	struct crowd crowd, strange;
	struct sp_image image;
	struct scene_frame large;
	unsigned int released;

	crowd_init(&crowd, 7);
	crowd_init(&strange, 8);
	CHECK_EQ(sp_image_init(&image, 128, 128), 0);
	scene_add(&crowd.scene, &image, SP_PFNC_RGB8, 0, 1440, &large);
	compute = open_ready(&config, &crowd);
	frames[0] = &strange.frames[0].frame; /* of a region that was never registered */
	frames[1] = &large.frame;
	crowd.frames[2].offset[3] = crowd.scene.region.size -
				    5; /* a packet that reaches out of it */
	frames[2] = &crowd.frames[2].frame;
	for (unsigned int i = 0; i < 3; i++) {
		scene_run(compute, &frames[i], 1, &results[i], &released);
		CHECK_EQ(results[i]->cause, SP_RESULT_UNREADABLE);
		CHECK_EQ(results[i]->error, i == 0 ? -EFAULT : i == 1 ? -EFBIG : -EINVAL);
		CHECK(results[i]->frame == frames[i]);
		CHECK_EQ(released, 0);
		compute->ops->put(compute, results[i]);
	}
	close_clean(compute);
	scene_frame_uninit(&large);
	sp_image_uninit(&image);
	crowd_uninit(&crowd);
	crowd_uninit(&strange);
}

TEST(a_gallery_is_searched_beside_the_frames)
{
	static const float rows[3][4] = { { 1, 0, 0, 0 }, { 0, 1, 0, 0 }, { 0.6f, 0.8f, 0, 0 } };
	struct sp_compute_config config = small_config();
	struct sp_gallery *gallery;
	struct sp_compute *compute;
	struct sp_hit hits[2];
	struct crowd crowd;
	struct tally tally;
	struct sp_err err;

	crowd_init(&crowd, 9);
	compute = open_ready(&config, &crowd);
	if (compute->ops->gallery_open(compute, rows[0], 3, 4, &gallery, &err))
		FAIL("%s", err.text);
	CHECK_EQ(compute->ops->search(compute, gallery, rows[1], 1, 2, hits), 2);
	CHECK_EQ(hits[0].index, 1);
	CHECK_EQ(hits[1].index, 2);
	CHECK_NEAR(hits[1].similarity, 0.8, 1e-6);
	/* A device that does not answer is not asked. */
	sp_emulator_lose(10, cudaErrorIllegalAddress);
	run(compute, &crowd, &tally, 1);
	CHECK(tally.causes[SP_RESULT_LOST] > 0);
	CHECK_EQ(compute->ops->search(compute, gallery, rows[1], 1, 2, hits), -ENODEV);
	compute->ops->gallery_close(compute, gallery);
	close_clean(compute);
	crowd_uninit(&crowd);
}

TEST(what_the_plugin_says_of_itself)
{
	struct sp_emulator_device device = sp_emulator_device();
	const struct sp_compute_ops *ops = scene_backend();
	struct sp_compute_config config = small_config();
	struct sp_compute *compute = NULL;
	char text[SP_COMPUTE_TEXT];
	struct sp_err err = { "" };

	CHECK(!sp_compute_plugin(SP_COMPUTE_ABI + 1, &scene_host));
	CHECK_EQ(ops->probe(0, text, &err), 0);
	CHECK(strstr(text, "compute capability 9.0"));
	device.count = 0;
	sp_emulator_set_device(&device);
	CHECK(ops->probe(0, text, &err) < 0);
	CHECK(*err.text && !strchr(err.text, '\n'));
	CHECK_EQ(ops->open(&config, &compute, &err), -ENODEV);
	sp_emulator_reset();
	config.detector = "/nowhere.onnx";
	CHECK_EQ(ops->open(&config, &compute, &err), -ENOENT);
	CHECK(strstr(err.text, "sallyport model install"));
	config = small_config();
	config.embedder = config.detector;
	CHECK(ops->open(&config, &compute, &err) < 0);
	CHECK(strstr(err.text, "sallyport_detector"));
	CHECK_EQ(sp_emulator_leaks(), 0);
}

TEST_MAIN()
