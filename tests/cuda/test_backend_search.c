/* SPDX-License-Identifier: Apache-2.0 */
/* A search that the device never ends: told, and the device given up, whoever waits for it. */
#include <errno.h>
#include <pthread.h>

#include "backend_scene.h"
#include "emulator.h"

enum { SIDE = 32 };

static void begin(struct scene *scene, struct scene_frame *frame, struct sp_compute **ret_compute)
{
	struct sp_compute_config config = scene_config();
	struct sp_image image;
	struct sp_err err;

	config.embedder = config.quality = NULL;
	config.detect_width = config.detect_height = SIDE;
	config.frame_bytes = 1 << 14;
	scene_init(scene, 1 << 16);
	CHECK_EQ(sp_image_init(&image, SIDE, SIDE), 0);
	scene_add(scene, &image, SP_PFNC_RGB8, 0, 700, frame);
	sp_image_uninit(&image);
	if (scene_backend()->open(&config, ret_compute, &err) ||
	    (*ret_compute)->ops->register_region(*ret_compute, &scene->region, &err))
		FAIL("%s", err.text);
}

static _Atomic bool searched;

/* The host's clock goes on a second at a time. */
static void *hurry(void *unused)
{
	while (!atomic_load(&searched)) {
		atomic_fetch_add(&scene_ahead_ns, SP_NS_PER_S);
		sp_clock_sleep_until(sp_clock_now() + SP_NS_PER_MS);
	}
	return unused;
}

static enum sp_result_cause cause_of_next(struct sp_compute *compute)
{
	struct sp_result *result;
	enum sp_result_cause cause;

	while (!compute->ops->poll(compute, &result, 1))
		sp_clock_sleep_until(sp_clock_now() + SP_NS_PER_MS);
	cause = result->cause;
	compute->ops->put(compute, result);
	return cause;
}

TEST(a_search_that_hangs_loses_the_device)
{
	static const float rows[2][4] = { { 1, 0, 0, 0 }, { 0, 1, 0, 0 } };
	struct sp_gallery *gallery, *refused;
	struct scene_frame scene_frame;
	struct sp_compute *compute;
	struct sp_frame *frame;
	struct scene scene;
	struct sp_hit hits[1];
	struct sp_err err;
	pthread_t clock;

	begin(&scene, &scene_frame, &compute);
	frame = &scene_frame.frame;
	if (compute->ops->gallery_open(compute, rows[0], 2, 4, &gallery, &err))
		FAIL("%s", err.text);
	CHECK_EQ(compute->ops->search(compute, gallery, rows[1], 1, 1, hits), 1);
	sp_emulator_hang(0);
	CHECK_EQ(pthread_create(&clock, NULL, hurry, NULL), 0);
	CHECK_EQ(compute->ops->search(compute, gallery, rows[1], 1, 1, hits), -ENODEV);
	atomic_store(&searched, true);
	pthread_join(clock, NULL);
	CHECK(strstr(scene_line, "is lost: gallery: the device has not answered"));
	/* From then on at once. */
	CHECK_EQ(compute->ops->search(compute, gallery, rows[1], 1, 1, hits), -ENODEV);
	CHECK_EQ(compute->ops->gallery_open(compute, rows[0], 2, 4, &refused, &err), -ENODEV);
	/* No frame was inside; the next one tells its owner. */
	CHECK_EQ(compute->ops->submit(compute, &frame, 1), 1);
	CHECK_EQ(cause_of_next(compute), SP_RESULT_LOST);
	CHECK_EQ(compute->ops->submit(compute, &frame, 1), 0);
	compute->ops->gallery_close(compute, gallery);
	compute->ops->close(compute);
	CHECK_EQ(sp_emulator_leaks(), 0);
	scene_frame_uninit(&scene_frame);
	scene_uninit(&scene);
}

TEST_MAIN()
