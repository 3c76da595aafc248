/* SPDX-License-Identifier: Apache-2.0 */
/* What cameras show of a lane: the right vehicle from the right post at the right time. */
#include "gvcam/scenes.h"

#include <errno.h>

#include "base/clock.h"
#include "base/diag.h"
#include "gvcam/player.h"
#include "image/image.h"
#include "lanesim/traffic.h"
#include "test.h"
#include "wire/pfnc.h"

enum { SEED = 5, WIDTH = 64, HEIGHT = 48, VEHICLES = 2, CAMERAS = 2, LOOKS = 2, HOLD = 4, GAP = 2 };

static struct gvcam_pictures pictures;
static struct gvcam_player players[CAMERAS];
static struct gvcam_loader loader;

static struct gvcam_scenes_config config(void)
{
	return (struct gvcam_scenes_config){
		.seed = SEED,
		.vehicles = VEHICLES,
		.cameras = CAMERAS,
		.looks = LOOKS,
		.stay_s = 4,
		.between = true,
		.posts = { LANESIM_SIDE_LEFT, LANESIM_WINDSHIELD_LEFT },
		.width = WIDTH,
		.height = HEIGHT,
		.pixel_format = SP_PFNC_BAYER_RG8,
	};
}

static void setup(void)
{
	struct gvcam_scenes_config scenes = config();

	printf("seed %d\n", SEED);
	CHECK_EQ(gvcam_scenes_init(&pictures, &scenes, NULL), 0);
	for (uint32_t i = 0; i < CAMERAS; i++) {
		struct gvcam_player_config player = {
			.pictures = &pictures,
			.camera = i,
			.cameras = CAMERAS,
			.hold = HOLD,
			.gap = GAP,
			.width_max = WIDTH,
			.height_max = HEIGHT,
		};

		CHECK_EQ(gvcam_player_init(&players[i], &loader, &player), 0);
	}
	CHECK_EQ(gvcam_loader_start(&loader, players, CAMERAS), 0);
	for (uint32_t i = 0; i < CAMERAS; i++)
		gvcam_player_configure(&players[i], WIDTH, HEIGHT, SP_PFNC_BAYER_RG8);
}

static void teardown(void)
{
	gvcam_loader_stop(&loader);
	for (uint32_t i = 0; i < CAMERAS; i++)
		gvcam_player_uninit(&players[i]);
	gvcam_pictures_uninit(&pictures);
}

/* The bytes that a camera should send: rendered here, alone. */
static void expect(uint32_t vehicle, enum lanesim_post post, float seconds, uint8_t *bytes)
{
	struct lanesim_truth truths[LANESIM_OCCUPANTS_MAX];
	struct lanesim_scene_config scene_config;
	struct lanesim_traffic traffic;
	struct lanesim_scene *scene;
	struct lanesim_eye *eye;
	struct sp_image image;
	uint32_t n;

	CHECK_EQ(lanesim_traffic_init(&traffic, SEED, VEHICLES, NULL), 0);
	lanesim_traffic_vehicle(&traffic, vehicle % VEHICLES, &scene_config);
	scene_config.no_vehicle = vehicle == VEHICLES;
	CHECK_EQ(lanesim_scene_create(&scene_config, &scene), 0);
	CHECK_EQ(lanesim_eye_create(&eye), 0);
	CHECK_EQ(sp_image_init(&image, WIDTH, HEIGHT), 0);
	CHECK_EQ(lanesim_scene_look(scene, eye, post, seconds, &image, truths, &n), 0);
	gvcam_picture_convert(&image, SP_PFNC_BAYER_RG8, bytes);
	sp_image_uninit(&image);
	lanesim_eye_destroy(eye);
	lanesim_scene_destroy(scene);
	lanesim_traffic_uninit(&traffic);
}

static void check_frame(uint32_t camera, uint64_t frame, uint32_t vehicle, float seconds)
{
	const enum lanesim_post posts[] = { LANESIM_SIDE_LEFT, LANESIM_WINDSHIELD_LEFT };
	static uint8_t want[WIDTH * HEIGHT];
	struct gvcam_shot shot;

	CHECK(gvcam_player_frame(&players[camera], frame, &shot));
	CHECK(!shot.empty);
	CHECK(gvcam_player_has(&players[camera], &shot));
	expect(vehicle, posts[camera], seconds, want);
	if (memcmp(shot.bytes, want, sizeof(want)))
		FAIL("camera %u, frame %llu: not vehicle %u at %g s", camera,
		     (unsigned long long)frame, vehicle, (double)seconds);
}

TEST(cameras_show_vehicle_after_vehicle)
{
	setup();
	check_frame(0, 0, 0, 1);
	check_frame(0, 3, 0, 3);
	check_frame(0, HOLD, VEHICLES, 1); /* the empty lane */
	check_frame(0, HOLD + 1, VEHICLES, 3);
	check_frame(0, HOLD + GAP + 2, 1, 3);
	check_frame(0, 2 * (HOLD + GAP), 0, 1); /* again */
	check_frame(1, 1, 0, 1);
	check_frame(1, HOLD + GAP, 1, 1);
	teardown();
}

/* A controller's smaller picture in another format comes from the same pixels. */
TEST(other_geometry_is_loaded)
{
	struct gvcam_shot direct, shot;
	unsigned int different = 0;

	setup();
	CHECK(gvcam_player_frame(&players[0], 0, &direct));
	gvcam_player_configure(&players[0], WIDTH / 2, HEIGHT / 2, SP_PFNC_MONO8);
	CHECK(!gvcam_player_has(&players[0], &direct));
	for (unsigned int tries = 0; !gvcam_player_frame(&players[0], 0, &shot); tries++) {
		CHECK(tries < 10000);
		sp_clock_sleep_until(sp_clock_now() + SP_NS_PER_MS);
	}
	/* Each pixel is about the quad that it stands for. */
	for (unsigned int i = 0; i < WIDTH / 2 * HEIGHT / 2; i++) {
		const uint8_t *quad = direct.bytes + i / (WIDTH / 2) * 2 * WIDTH +
				      i % (WIDTH / 2) * 2;
		double grey = 0.3 * quad[0] + 0.295 * (quad[1] + quad[WIDTH]) +
			      0.11 * quad[WIDTH + 1];

		different += shot.bytes[i] > grey + 25 || shot.bytes[i] < grey - 25;
	}
	CHECK(different < WIDTH * HEIGHT / 4 / 20);
	teardown();
}

TEST(too_much_memory_is_refused)
{
	struct gvcam_scenes_config scenes = config();
	struct sp_err err;

	scenes.width = 2448;
	scenes.height = 2048;
	scenes.vehicles = 1000;
	CHECK_EQ(gvcam_scenes_init(&pictures, &scenes, &err), -E2BIG);
	CHECK(strstr(err.text, "fewer --vehicles"));
}

TEST(posts_are_read)
{
	uint8_t posts[5];
	struct sp_err err;

	CHECK_EQ(gvcam_scenes_parse_posts("side-right,windshield-left", 5, posts, NULL), 0);
	for (unsigned int i = 0; i < 5; i++)
		CHECK_EQ(posts[i], i % 2 ? LANESIM_WINDSHIELD_LEFT : LANESIM_SIDE_RIGHT);
	CHECK_EQ(gvcam_scenes_parse_posts("side-right,roof", 5, posts, &err), -EINVAL);
	CHECK(strstr(err.text, "'roof'"));
	CHECK_EQ(gvcam_scenes_parse_posts("", 5, posts, &err), -EINVAL);
	/* Posts without a camera are read all the same. */
	CHECK_EQ(gvcam_scenes_parse_posts("side-left,side-right", 1, posts, NULL), 0);
	CHECK_EQ(posts[0], LANESIM_SIDE_LEFT);
	CHECK_EQ(gvcam_scenes_parse_posts("side-left,roof", 1, posts, &err), -EINVAL);
}

TEST_MAIN()
