/* SPDX-License-Identifier: Apache-2.0 */
/* Scaling and drawing on small pictures whose pixels can be named. */
#include <limits.h>

#include "image/font.h"
#include "image/image.h"
#include "test.h"

static struct sp_image blank(uint32_t width, uint32_t height)
{
	struct sp_image image;

	CHECK_EQ(sp_image_init(&image, width, height), 0);
	return image;
}

/*
 * The red channel as characters, a row a line: '.' 0, '#' 255, digits what lies between in ninths.
 */
static const char *show(const struct sp_image *image)
{
	static char text[4096];
	size_t n = 0;

	for (uint32_t y = 0; y < image->height; y++) {
		for (uint32_t x = 0; x < image->width; x++) {
			uint8_t red = image->rgb[(y * image->width + x) * 3];

			text[n++] = red == 255 ? '#' : red ? (char)('0' + red * 9 / 255) : '.';
		}
		text[n++] = '\n';
	}
	text[n] = 0;
	return text;
}

static void fill(struct sp_image *image, uint32_t colour)
{
	sp_image_draw_rect(image, 0, 0, (int)image->width, (int)image->height, INT_MAX, colour);
}

TEST(a_veil_lets_the_picture_through)
{
	struct sp_image image = blank(6, 3);

	fill(&image, 0x800000);
	sp_image_draw_veil(&image, 4, -5, 100, 7, 1, 0xFF0000);
	sp_image_draw_veil(&image, -2, 1, 4, 1, 0.5f, 0x000000);
	sp_image_draw_veil(&image, 0, 0, 1, 1, 0, 0xFFFFFF);
	sp_image_draw_veil(&image, 7, 7, 9, 9, 1, 0xFFFFFF);
	sp_image_draw_veil(&image, 3, 2, -2, 1, 1, 0xFFFFFF);
	CHECK_STR(show(&image), "4444##\n2244##\n444444\n");
	CHECK_EQ(image.rgb[1], 0);
	sp_image_uninit(&image);
}

TEST(letterbox_centres_and_blackens)
{
	struct sp_image source = blank(4, 2), target = blank(8, 8);

	fill(&source, 0xffffff);
	fill(&target, 0x123456);
	sp_image_letterbox(&target, &source);
	CHECK_STR(show(&target), "........\n........\n########\n########\n"
				 "########\n########\n........\n........\n");
	sp_image_uninit(&target);
	target = blank(9, 2);
	sp_image_letterbox(&target, &source);
	CHECK_STR(show(&target), "..####...\n..####...\n");
	sp_image_uninit(&target);
	sp_image_uninit(&source);
}

TEST(letterbox_of_the_same_size_copies)
{
	struct sp_image source = blank(5, 3), target = blank(5, 3);

	for (size_t i = 0; i < 45; i++)
		source.rgb[i] = (uint8_t)(i * 5);
	sp_image_letterbox(&target, &source);
	CHECK(!memcmp(target.rgb, source.rgb, 45));
	sp_image_uninit(&target);
	sp_image_uninit(&source);
}

TEST(letterbox_averages_areas_down)
{
	struct sp_image source = blank(6, 6), target = blank(2, 2);
	struct sp_image odd = blank(3, 3), two = blank(2, 2);

	/* Rows 0, 1, 2 … hold 0, 10, 20 …; each target pixel is the mean of 3 × 3. */
	for (uint32_t i = 0; i < 36 * 3; i++)
		source.rgb[i] = (uint8_t)(i / 18 * 10);
	sp_image_letterbox(&target, &source);
	CHECK_EQ(target.rgb[0], 10);
	CHECK_EQ(target.rgb[6], 40);
	/* 3 → 2: whole pixel and half of the middle one: (1·0 + 0.5·90) / 1.5 = 30. */
	for (uint32_t i = 0; i < 27; i++)
		odd.rgb[i] = i / 3 % 3 == 1 ? 90 : 0;
	sp_image_letterbox(&two, &odd);
	for (uint32_t i = 0; i < 12; i++)
		CHECK_EQ(two.rgb[i], 30);
	sp_image_uninit(&source);
	sp_image_uninit(&target);
	sp_image_uninit(&odd);
	sp_image_uninit(&two);
}

TEST(letterbox_interpolates_up)
{
	/* 2 → 4: centres lie at -0.25 (clamped), 0.25, 0.75 and 1.25 (clamped) source pixels. */
	static const uint8_t want[4] = { 0, 50, 150, 200 };
	struct sp_image source = blank(2, 1), target = blank(4, 2);

	memset(source.rgb + 3, 200, 3);
	sp_image_letterbox(&target, &source);
	for (uint32_t i = 0; i < 24; i++)
		CHECK_EQ(target.rgb[i], want[i / 3 % 4]);
	sp_image_uninit(&source);
	sp_image_uninit(&target);
}

TEST(letterbox_of_extremes)
{
	struct sp_image wide = blank(SP_IMAGE_SIDE_MAX, 1), small = blank(3, 3), dot = blank(1, 1);

	fill(&wide, 0xffffff);
	sp_image_letterbox(&small, &wide); /* a line that would be 0.0002 pixels high */
	CHECK_STR(show(&small), "...\n###\n...\n");
	fill(&dot, 0xffffff);
	sp_image_letterbox(&wide, &dot);
	CHECK_EQ(wide.rgb[(size_t)(SP_IMAGE_SIDE_MAX / 2 - 1) * 3] +
			 wide.rgb[(size_t)(SP_IMAGE_SIDE_MAX / 2) * 3], 255);
	sp_image_uninit(&wide);
	sp_image_uninit(&small);
	sp_image_uninit(&dot);
}

/* An independent decoder and area average made the golden picture: 256 × 320 at its left, BGR. */
TEST(photograph_scaled_down_is_the_golden_one)
{
	static uint8_t golden[320 * 320 * 3];
	FILE *file = fopen(sp_test_shared("data/golden/obama_320.bgr"), "rb");
	struct sp_image source, target;
	unsigned int differ = 0;

	CHECK(file);
	CHECK_EQ(fread(golden, 1, sizeof(golden), file), sizeof(golden));
	fclose(file);
	CHECK_EQ(sp_image_read(sp_test_shared("data/obama.jpg"), &source, NULL), 0);
	target = blank(256, 320);
	sp_image_letterbox(&target, &source);
	for (uint32_t i = 0; i < 256 * 320 * 3; i++) {
		int want = golden[(i / 768 * 320 + i % 768 / 3) * 3 + 2 - i % 3];

		CHECK_NEAR(target.rgb[i], want, 1);
		differ += target.rgb[i] != want;
	}
	CHECK(differ < 256 * 320 * 3 / 1000);
	sp_image_uninit(&source);
	sp_image_uninit(&target);
}

TEST(rect_has_its_thickness)
{
	struct sp_image image = blank(7, 6);

	sp_image_draw_rect(&image, 1, 1, 5, 4, 1, 0xffffff);
	CHECK_STR(show(&image), ".......\n.#####.\n.#...#.\n.#...#.\n.#####.\n.......\n");
	fill(&image, 0);
	sp_image_draw_rect(&image, 0, 0, 7, 6, 2, 0xff0000);
	CHECK_STR(show(&image), "#######\n#######\n##...##\n##...##\n#######\n#######\n");
	CHECK_EQ(image.rgb[1], 0);
	sp_image_uninit(&image);
}

TEST(drawing_is_clipped)
{
	static const int far[] = { INT_MIN, INT_MIN + 1, -3, 2, INT_MAX - 1, INT_MAX };
	enum { FAR = sizeof(far) / sizeof(far[0]) };
	struct sp_image image = blank(5, 5), source = blank(3, 3);

	for (int i = 0; i < FAR * FAR; i++) {
		int a = far[i / FAR], b = far[i % FAR];

		sp_image_draw_rect(&image, a, b, b, a, a, 0xffffff);
		sp_image_draw_text(&image, a, b, 3, 0xffffff, "abc");
		sp_image_draw_image(&image, a, b, &source);
	}
	sp_image_draw_dot(&image, INT_MAX, INT_MIN, 40, 0xffffff);
	sp_image_draw_dot(&image, 0, 0, -1, 0xffffff);
	fill(&image, 0);
	fill(&source, 0xffffff);
	sp_image_draw_image(&image, -2, 3, &source);
	sp_image_draw_rect(&image, 3, -5, 10, 7, 1, 0xffffff);
	CHECK_STR(show(&image), "...#.\n...##\n.....\n#....\n#....\n");
	sp_image_uninit(&image);
	sp_image_uninit(&source);
}

TEST(dot_is_round)
{
	struct sp_image image = blank(7, 7);

	sp_image_draw_dot(&image, 3, 3, 2, 0xffffff);
	CHECK_STR(show(&image), ".......\n...#...\n..###..\n.#####.\n..###..\n...#...\n.......\n");
	sp_image_draw_dot(&image, 0, 0, 0, 0xffffff);
	CHECK_EQ(image.rgb[0], 255);
	CHECK_EQ(image.rgb[3], 0);
	sp_image_uninit(&image);
}

TEST(text_is_drawn_with_its_scale)
{
	struct sp_image image = blank(8, 8), big = blank(16, 16);

	sp_image_draw_text(&image, 0, 0, 1, 0xffffff, "L");
	CHECK_STR(show(&image), ".#......\n.#......\n.#......\n.#......\n.#......\n.#......\n"
				".#####..\n........\n");
	sp_image_draw_text(&big, 0, 0, 2, 0xffffff, "L");
	for (uint32_t y = 0; y < 16; y++)
		for (uint32_t x = 0; x < 16; x++)
			CHECK_EQ(big.rgb[(y * 16 + x) * 3], image.rgb[(y / 2 * 8 + x / 2) * 3]);
	sp_image_uninit(&image);
	sp_image_uninit(&big);
}

TEST(unknown_characters_become_question_marks)
{
	struct sp_image a = blank(24, 8), b = blank(24, 8);

	sp_image_draw_text(&a, 0, 0, 1, 0xffffff, "\x01\xc3\x7f");
	sp_image_draw_text(&b, 0, 0, 1, 0xffffff, "???");
	CHECK(!memcmp(a.rgb, b.rgb, 24 * 8 * 3));
	sp_image_uninit(&a);
	sp_image_uninit(&b);
}

TEST(glyphs_differ)
{
	for (int i = 0; i < SP_FONT_GLYPHS; i++)
		for (int j = 0; j < i; j++)
			if (!memcmp(sp_font[i], sp_font[j], SP_FONT_SIDE))
				FAIL("'%c' and '%c' look the same", i + ' ', j + ' ');
}

TEST_MAIN()
