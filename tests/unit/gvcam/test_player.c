/* SPDX-License-Identifier: Apache-2.0 */
/* TSAN: yes */
/* Which picture a frame shows, with the loader thread at work on small files. */
#include "gvcam/player.h"

#include <errno.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/diag.h"
#include "test.h"
#include "wire/pfnc.h"

enum { MAX = 20, WIDTH = 32, HEIGHT = 16 };

static char folder[64];
static struct gvcam_pictures pictures;
static struct gvcam_player players[2];
static struct gvcam_loader loader;

static const char *name_of(unsigned int i)
{
	static char path[2][128];
	static unsigned int next;

	snprintf(path[next ^= 1], sizeof(path[0]), "%s/%02u.pgm", folder, i);
	return path[next];
}

/* Picture i is all of level 100 + i; the last of them is no picture. */
static void write_pictures(unsigned int n)
{
	snprintf(folder, sizeof(folder), "/tmp/sp_player_XXXXXX");
	CHECK(mkdtemp(folder) != NULL);
	for (unsigned int i = 0; i < n; i++) {
		FILE *file = fopen(name_of(i), "wb");

		CHECK(file != NULL);
		if (i == MAX - 1) {
			fputs("not a picture", file);
		} else {
			fprintf(file, "P5\n%d %d\n255\n", WIDTH, HEIGHT);
			for (unsigned int p = 0; p < WIDTH * HEIGHT; p++)
				fputc(100 + (int)i, file);
		}
		fclose(file);
	}
}

static void setup(unsigned int n, uint32_t cameras, uint32_t hold, uint32_t gap)
{
	const char *source = folder;

	write_pictures(n);
	CHECK_EQ(gvcam_pictures_init(&pictures, &source, 1, NULL), 0);
	CHECK_EQ(pictures.n, n);
	for (uint32_t i = 0; i < cameras; i++)
		CHECK_EQ(gvcam_player_init(&players[i], &loader,
					   &(struct gvcam_player_config){ .pictures = &pictures,
									  .camera = i,
									  .cameras = cameras,
									  .hold = hold,
									  .gap = gap,
									  .width_max = WIDTH,
									  .height_max = HEIGHT }),
			 0);
	CHECK_EQ(gvcam_loader_start(&loader, players, cameras), 0);
	for (uint32_t i = 0; i < cameras; i++)
		gvcam_player_configure(&players[i], WIDTH, HEIGHT, SP_PFNC_MONO8);
}

static void teardown(unsigned int n, uint32_t cameras)
{
	gvcam_loader_stop(&loader);
	for (uint32_t i = 0; i < cameras; i++)
		gvcam_player_uninit(&players[i]);
	gvcam_pictures_uninit(&pictures);
	for (unsigned int i = 0; i < n; i++)
		unlink(name_of(i));
	rmdir(folder);
}

/* The level of frame @n, as soon as it is loaded; -1: an empty scene. */
static int level(struct gvcam_player *player, uint64_t n, struct gvcam_shot *shot)
{
	for (unsigned int tries = 0; !gvcam_player_frame(player, n, shot); tries++) {
		if (tries == 10000)
			FAIL("frame %llu is not loaded after 10 s", (unsigned long long)n);
		sp_clock_sleep_until(sp_clock_now() + SP_NS_PER_MS);
	}
	return shot->empty ? -1 : shot->bytes[0];
}

TEST(player_holds_each_picture_and_leaves_gaps)
{
	static const int want[] = { 100, 100, -1, 101, 101, -1, 102, 102, -1, 100 };
	struct gvcam_shot shot;

	setup(3, 1, 2, 1);
	for (unsigned int i = 0; i < sizeof(want) / sizeof(want[0]); i++)
		CHECK_EQ(level(&players[0], i, &shot), want[i]);
	CHECK(gvcam_player_has(&players[0], &shot));
	teardown(3, 1);
}

TEST(player_deals_pictures_to_cameras)
{
	struct gvcam_shot shot;

	setup(4, 2, 1, 0);
	for (unsigned int i = 0; i < 6; i++) {
		CHECK_EQ(level(&players[0], i, &shot), 100 + 2 * i % 4);
		CHECK_EQ(level(&players[1], i, &shot), 101 + 2 * i % 4);
	}
	teardown(4, 2);
}

TEST(player_keeps_recent_pictures_of_a_large_folder)
{
	struct gvcam_shot first, shot;

	setup(MAX, 1, 1, 0);
	CHECK_EQ(level(&players[0], 0, &first), 100);
	for (unsigned int i = 1; i < 3 * MAX; i++) {
		int want = i % MAX == MAX - 1 ? GVCAM_EMPTY_LEVEL : 100 + (int)(i % MAX);

		CHECK_EQ(level(&players[0], i, &shot), want);
		/* What may be overwritten is said to be gone. */
		CHECK_EQ(gvcam_player_has(&players[0], &first), i + GVCAM_AHEAD < GVCAM_SLOTS);
		if (i + GVCAM_AHEAD < GVCAM_SLOTS)
			CHECK_EQ(first.bytes[0], 100);
	}
	teardown(MAX, 1);
}

TEST(player_starts_anew_in_another_geometry)
{
	struct gvcam_shot old, shot;

	setup(3, 1, 1, 0);
	CHECK_EQ(level(&players[0], 2, &old), 102);
	gvcam_player_configure(&players[0], WIDTH / 2, HEIGHT / 2, SP_PFNC_RGB8);
	CHECK(!gvcam_player_has(&players[0], &old));
	CHECK_EQ(level(&players[0], 0, &shot), 100);
	CHECK_EQ(shot.bytes[WIDTH / 2 * HEIGHT / 2 * 3 - 1], 100);
	teardown(3, 1);
}

TEST(pictures_say_what_is_wrong_with_a_source)
{
	const char *absent = "/tmp/sp_no_such_folder", *source = folder;
	struct sp_err err;

	CHECK_EQ(gvcam_pictures_init(&pictures, &absent, 1, &err), -ENOENT);
	write_pictures(0);
	CHECK_EQ(gvcam_pictures_init(&pictures, &source, 1, &err), -ENOENT);
	CHECK(strstr(err.text, "no picture in it"));
	rmdir(folder);
}

TEST_MAIN()
