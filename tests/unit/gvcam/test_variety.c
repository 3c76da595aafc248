/* SPDX-License-Identifier: Apache-2.0 */
/* Shapes that change from block to block stay within what was announced. */
#include "gvcam/variety.h"

#include "test.h"
#include "wire/pfnc.h"

enum { EVERY = 7, BLOCKS = 7000, SEED = 5 };

static const struct gvcam_channel channels[] = {
	{ .width = 640, .height = 480, .pixel_format = SP_PFNC_MONO8 },
	{ .width = 640, .height = 480, .pixel_format = SP_PFNC_RGB8 },
	{ .width = 16, .height = 16, .pixel_format = SP_PFNC_MONO10P },
	{ .width = 20, .height = 1024, .pixel_format = SP_PFNC_BAYER_RG12P },
};

static bool same(struct gvcam_shape a, struct gvcam_shape b)
{
	return a.pixel_format == b.pixel_format && a.width == b.width && a.height == b.height;
}

TEST(variety_changes_every_so_many_blocks)
{
	struct gvcam_variety variety = { .seed = SEED, .change_every = EVERY };
	struct gvcam_shape before = gvcam_variety_shape(&variety, 0, 1, &channels[1]);
	unsigned int changes = 0, formats = 0;

	printf("# seed %d\n", SEED);
	CHECK_EQ(before.width, 640);
	CHECK_EQ(before.lines, 480);
	for (uint64_t b = 2; b <= BLOCKS; b++) {
		struct gvcam_shape shape = gvcam_variety_shape(&variety, 0, b, &channels[1]);

		CHECK_EQ(shape.lines, shape.height);
		if (!same(shape, before))
			CHECK_EQ((b - 1) % EVERY, 0);
		changes += !same(shape, before);
		formats += shape.pixel_format != before.pixel_format;
		before = shape;
	}
	CHECK(changes > BLOCKS / EVERY * 9 / 10);
	CHECK(formats > BLOCKS / EVERY * 8 / 10);
}

TEST(variety_stays_within_what_is_announced)
{
	struct gvcam_variety variety = { .seed = SEED, .change_every = 1, .lines = true };

	for (size_t c = 0; c < sizeof(channels) / sizeof(channels[0]); c++)
		for (uint64_t b = 1; b <= BLOCKS; b++) {
			const struct gvcam_channel *channel = &channels[c];
			struct gvcam_shape shape = gvcam_variety_shape(&variety, 3, b, channel);

			CHECK(sp_pfnc_image_bytes(shape.pixel_format, shape.width, shape.height) <=
			      sp_pfnc_image_bytes(channel->pixel_format, channel->width,
						  channel->height));
			CHECK(shape.width >= GVCAM_SIDE_MIN && shape.width <= channel->width);
			CHECK(shape.height >= GVCAM_SIDE_MIN && shape.height <= channel->height);
			CHECK_EQ(shape.width % 4, 0);
			CHECK_EQ(shape.height % 2, 0);
			CHECK(shape.lines >= 2 && shape.lines <= shape.height);
			CHECK_EQ(shape.lines % 2, 0);
		}
}

TEST(variety_is_the_same_for_a_seed_and_differs_by_it)
{
	struct gvcam_variety one = { .seed = 1, .change_every = 1 };
	struct gvcam_variety two = { .seed = 2, .change_every = 1 };
	unsigned int by_seed = 0, by_camera = 0;

	for (uint64_t b = 2; b < 100; b++) {
		struct gvcam_shape shape = gvcam_variety_shape(&one, 0, b, &channels[0]);

		CHECK(same(shape, gvcam_variety_shape(&one, 0, b, &channels[0])));
		by_seed += !same(shape, gvcam_variety_shape(&two, 0, b, &channels[0]));
		by_camera += !same(shape, gvcam_variety_shape(&one, 1, b, &channels[0]));
	}
	CHECK(by_seed > 90 && by_camera > 90);
}

TEST_MAIN()
