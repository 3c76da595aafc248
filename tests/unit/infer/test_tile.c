/* SPDX-License-Identifier: Apache-2.0 */
/* Which parts of a frame are looked at. */
#include "infer/tile.h"

#include <errno.h>
#include <math.h>

#include "base/diag.h"
#include "base/random.h"
#include "infer/preprocess.h"
#include "test.h"

static struct sp_fit looks[SP_TILE_LOOKS_MAX];

static unsigned int plan(const struct sp_tile_config *config, uint32_t width, uint32_t height,
			 uint32_t input)
{
	struct sp_err err = { "" };
	unsigned int n = 0;

	if (sp_tile_plan(config, width, height, input, input, looks, &n, &err))
		FAIL("%s", err.text);
	return n;
}

TEST(without_wishes_the_whole_frame_is_looked_at_once)
{
	const struct sp_tile_config none = { 0 };

	CHECK_EQ(plan(&none, 2448, 2048, 640), 1);
	CHECK_EQ(looks[0].from.x, 0);
	CHECK_EQ(looks[0].from.width, 2448);
	CHECK_EQ(looks[0].from.height, 2048);
	CHECK_EQ(looks[0].input_width, 640);
	CHECK_EQ(looks[0].width, 640);
	CHECK_EQ(looks[0].height, 535);
	/* In its own size, rounded up to what the detector takes. */
	CHECK_EQ(plan(&none, 1126, 661, 0), 1);
	CHECK_EQ(looks[0].width, 1126);
	CHECK_EQ(looks[0].input_width, 1152);
}

TEST(an_area_is_cut_into_tiles_that_overlap)
{
	struct sp_tile_config config = { .areas_n = 1,
					 .areas = { { { 1000, 500, 1500, 600 }, 1 } } };

	/*
	 * The whole is at 640 / 4096, so that it misses faces up to 8 x 3.2 x 6.4 = 164 pixels; with
	 * a border of 2 on each side tiles step by at most 640 - 168 = 472: 3 for 1500.
	 */
	CHECK_EQ(plan(&config, 4096, 3000, 640), 4);
	CHECK_EQ(looks[1].from.x, 1000);
	CHECK_EQ(looks[2].from.x, 1430);
	CHECK_EQ(looks[3].from.x, 1860);
	for (int i = 1; i < 4; i++) {
		CHECK_EQ(looks[i].from.width, 640);
		CHECK_EQ(looks[i].from.y, 500);
		CHECK_EQ(looks[i].from.height, 600);
		CHECK_NEAR(looks[i].scale_x, 1, 0);
	}
	/* At half the scale a tile has 1280 of its pixels. */
	config.areas[0].scale = 0.5f;
	CHECK_EQ(plan(&config, 4096, 3000, 640), 3);
	CHECK_EQ(looks[1].from.width, 1280);
	CHECK_NEAR(looks[1].scale_x, 0.5, 1e-6);
	/* Without the whole, the overlap is half a tile. */
	config.areas[0].scale = 1;
	config.no_whole = true;
	CHECK_EQ(plan(&config, 4096, 3000, 640), 4);
	CHECK_EQ(looks[1].from.x - looks[0].from.x, 287);
	/* What is outside of the frame is left out. */
	CHECK_EQ(plan(&config, 1400, 800, 640), 1);
	CHECK_EQ(looks[0].from.width, 400);
	CHECK_EQ(looks[0].from.height, 300);
	CHECK_EQ(looks[0].input_width, 640);
}

TEST(small_faces_bring_tiles_only_where_the_whole_is_too_small)
{
	struct sp_tile_config config = { .eyes_min = 60 };

	CHECK_EQ(plan(&config, 4096, 3000, 640), 1); /* 9.4 pixels of 640 */
	config.eyes_min = 24; /* a third of the frame's pixels: tiles of 1920 */
	CHECK_EQ(plan(&config, 4096, 3000, 640), 1 + 3 * 2);
	CHECK_EQ(looks[1].from.width, 1920);
	CHECK_EQ(looks[6].from.x, 4096 - 1920);
	CHECK_EQ(looks[6].from.y, 3000 - 1920);
	/* More than the frame's own pixels there are not. */
	config.eyes_min = 1;
	CHECK_EQ(plan(&config, 1280, 960, 640), 1 + 3 * 2);
	CHECK_EQ(looks[1].from.width, 640);
	CHECK_EQ(plan(&config, 1280, 960, 0), 1);
}

TEST(what_cannot_be_looked_at_is_refused_with_its_remedy)
{
	const struct sp_tile_area area = { { 0, 0, 9000, 9000 }, 1 };
	static const struct {
		struct sp_tile_config config;
		int code;
		const char *want[2];
	} cases[] = {
		{ { .no_whole = true }, -EINVAL, { "nothing", "look at the whole" } },
		{ { .no_whole = true, .areas_n = 1, .areas = { { { 9000, 0, 10, 10 }, 1 } } },
		  -EINVAL,
		  { "no area lies in it", "9000 x 9000" } },
		{ { .areas_n = 1, .areas = { { { 0, 0, 10, 10 }, 0 } } },
		  -EINVAL,
		  { "areas[0]", "scale of 0" } },
		{ { .areas_n = 2, .areas = { { { 0, 0, 10, 10 }, 1 }, { { 0, 0, 9, 9 }, 1.5f } } },
		  -EINVAL,
		  { "areas[1]", "scale of 1.5" } },
		{ { .areas_n = 1, .areas = { { { 0, 0, 10, 10 }, NAN } } },
		  -EINVAL,
		  { "areas[0]", "scale of" } },
		{ { .eyes_min = 8 }, -E2BIG, { "801 tiles", "larger faces" } },
		{ { .areas_n = 1, .areas = { { { 0, 0, 9000, 9000 }, 1 } } },
		  -E2BIG,
		  { "areas[0]", "801 tiles beside 1 other" } },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sp_err err = { "" };
		unsigned int n = 99;

		CHECK_EQ(sp_tile_plan(&cases[i].config, area.rect.width, area.rect.height, 640, 640,
				      looks, &n, &err),
			 cases[i].code);
		CHECK_EQ(n, 99);
		for (int k = 0; k < 2; k++)
			if (!strstr(err.text, cases[i].want[k]))
				FAIL("case %zu: \"%s\" lacks \"%s\"", i, err.text,
				     cases[i].want[k]);
		if (strchr(err.text, '\n') || strlen(err.text) > 300)
			FAIL("case %zu: \"%s\" is no line", i, err.text);
	}
}

TEST(a_tiny_input_has_no_tiles)
{
	const struct sp_tile_config config = { .eyes_min = 24 };
	struct sp_err err = { "" };
	unsigned int n;

	CHECK_EQ(sp_tile_plan(&config, 640, 480, 96, 640, looks, &n, &err), -EINVAL);
	if (!strstr(err.text, "96 x 640") || !strstr(err.text, "128"))
		FAIL("\"%s\"", err.text);
}

/* Whether a look has the square of @side at (x, y) whole, with a border that is no face's. */
static bool has_whole(const struct sp_fit *look, float x, float y, float side, float width,
		      float height)
{
	float border = SP_TILE_BORDER / look->scale_x;
	float left = (float)look->from.x, right = left + (float)look->from.width;
	float top = (float)look->from.y, bottom = top + (float)look->from.height;

	return (x >= left + border || left == 0) && (y >= top + border || top == 0) &&
	       (x + side <= right - border || right == width) &&
	       (y + side <= bottom - border || bottom == height);
}

static float uniform(uint64_t *state, float from, float to)
{
	return from + (to - from) * (float)(sp_random_next(state) >> 40) / 0x1p24f;
}

/* Faces of any size from eyes_min on, anywhere: some look has each whole and large enough. */
TEST(every_face_is_whole_in_some_look)
{
	uint64_t seed = 20261125, planned = 0, tiled = 0;

	printf("seed %llu\n", (unsigned long long)seed);
	for (int round = 0; round < 3000; round++) {
		uint32_t width = 320 + (uint32_t)(sp_random_next(&seed) % 4800);
		uint32_t height = 240 + (uint32_t)(sp_random_next(&seed) % 3200);
		uint32_t input = 320 << sp_random_next(&seed) % 3;
		struct sp_tile_config config = { .eyes_min = uniform(&seed, SP_TILE_EYES_MIN,
								     120) };
		float eyes, side, x, y;
		struct sp_err err;
		unsigned int n, i = 0;

		if (sp_tile_plan(&config, width, height, input, input, looks, &n, &err))
			continue;
		planned++;
		tiled += n > 1;
		for (unsigned int k = 0; k < n; k++) {
			CHECK(looks[k].from.x + looks[k].from.width <= width);
			CHECK(looks[k].from.y + looks[k].from.height <= height);
			CHECK(looks[k].width <= looks[k].input_width);
			CHECK(looks[k].height <= looks[k].input_height);
		}
		eyes = config.eyes_min * uniform(&seed, 1, 8);
		side = eyes * SP_TILE_FACE_HEIGHT;
		if (side >= (float)width || side >= (float)height)
			continue;
		x = uniform(&seed, 0, (float)width - side);
		y = uniform(&seed, 0, (float)height - side);
		while (i < n && !(eyes * looks[i].scale_x >= SP_TILE_EYES_MIN * 0.99f &&
				  has_whole(&looks[i], x, y, side, (float)width, (float)height)))
			i++;
		if (i == n)
			FAIL("round %d: a face of %g pixels between the eyes at %g, %g of %u x %u is "
			     "whole in none of %u looks",
			     round, (double)eyes, (double)x, (double)y, width, height, n);
	}
	CHECK(planned > 1500 && tiled > 700);
}

TEST_MAIN()
