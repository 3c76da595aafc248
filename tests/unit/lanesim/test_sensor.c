/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "image/image.h"
#include "lanesim/render/approx.h"
#include "lanesim/render/render.h"
#include "lanesim/render/sensor.h"

enum { WIDTH = 70, HEIGHT = 50 };

/* No noise, no blur, no darkening: light in, light out. */
static const struct lanesim_sensor plain = { .target = .18f, .adapt = 1, .contrast = 1 };

static struct lanesim_film film;
static struct sp_image image;

static void set_up(float left, float right)
{
	lanesim_film_uninit(&film);
	sp_image_uninit(&image);
	CHECK_EQ(lanesim_film_init(&film, WIDTH, HEIGHT), 0);
	CHECK_EQ(sp_image_init(&image, WIDTH, HEIGHT), 0);
	for (uint32_t i = 0; i < WIDTH * HEIGHT; i++)
		for (int band = 0; band < LANESIM_BANDS; band++)
			film.radiance[i * LANESIM_BANDS + (uint32_t)band] = i % WIDTH < WIDTH / 2
										    ? left
										    : right;
}

static double linear(uint8_t value)
{
	double s = value / 255.0;

	return s <= .04045 ? s / 12.92 : (double)approx_pow((float)((s + .055) / 1.055), 2.4f);
}

/* Mean light of a channel over columns [from, to). */
static double mean(uint32_t from, uint32_t to, int channel)
{
	double sum = 0;

	for (uint32_t y = 0; y < HEIGHT; y++)
		for (uint32_t x = from; x < to; x++)
			sum += linear(image.rgb[(y * WIDTH + x) * 3 + (uint32_t)channel]);
	return sum / ((to - from) * HEIGHT);
}

TEST(exposure_reaches_its_target)
{
	const float levels[] = { .001f, .05f, 7 };

	for (int i = 0; i < 3; i++) {
		struct lanesim_sensor sensor = plain;

		set_up(levels[i], levels[i]);
		CHECK_EQ(lanesim_expose(&film, &sensor, NULL, &image), 0);
		CHECK_NEAR(mean(0, WIDTH, 1), .18, .004);
		sensor.compensation = 1;
		CHECK_EQ(lanesim_expose(&film, &sensor, NULL, &image), 0);
		CHECK_NEAR(mean(0, WIDTH, 1), .36, .008);
		sensor.target = .1f;
		sensor.compensation = 0;
		CHECK_EQ(lanesim_expose(&film, &sensor, NULL, &image), 0);
		CHECK_NEAR(mean(0, WIDTH, 0), .1, .004);
	}
}

TEST(the_meter_looks_where_it_is_told)
{
	const struct lanesim_meter right = { WIDTH / 2, 0, WIDTH, HEIGHT }; /* reaches outside */

	set_up(.4f, .1f);
	CHECK_EQ(lanesim_expose(&film, &plain, &right, &image), 0);
	CHECK_NEAR(mean(WIDTH / 2, WIDTH, 1), .18, .004);
	CHECK(mean(0, WIDTH / 2, 1) > .6);
}

TEST(without_adaptation_gain_is_one)
{
	struct lanesim_sensor sensor = plain;

	sensor.adapt = 0;
	set_up(.3f, .3f);
	CHECK_EQ(lanesim_expose(&film, &sensor, NULL, &image), 0);
	CHECK_NEAR(mean(0, WIDTH, 1), .3, .005);
}

TEST(near_infrared_is_grey_and_from_its_band)
{
	struct lanesim_sensor sensor = plain;

	sensor.nir = true;
	sensor.adapt = 0;
	sensor.shot = .05f;
	set_up(.3f, .3f);
	for (uint32_t i = 0; i < WIDTH * HEIGHT; i++)
		film.radiance[i * LANESIM_BANDS + LANESIM_NIR] = .1f;
	CHECK_EQ(lanesim_expose(&film, &sensor, NULL, &image), 0);
	CHECK_NEAR(mean(0, WIDTH, 1), .1, .005);
	for (uint32_t i = 0; i < WIDTH * HEIGHT; i++)
		CHECK(image.rgb[3 * i] == image.rgb[3 * i + 1] &&
		      image.rgb[3 * i] == image.rgb[3 * i + 2]);
}

TEST(noise_follows_its_seed)
{
	static uint8_t first[WIDTH * HEIGHT * 3];
	struct lanesim_sensor sensor = plain;
	double sum = 0, squares = 0;
	int n = WIDTH * HEIGHT, differ = 0;

	sensor.adapt = 0;
	sensor.shot = .02f;
	sensor.read = .01f;
	sensor.seed = 7;
	set_up(.25f, .25f);
	CHECK_EQ(lanesim_expose(&film, &sensor, NULL, &image), 0);
	memcpy(first, image.rgb, sizeof(first));
	CHECK_EQ(lanesim_expose(&film, &sensor, NULL, &image), 0);
	CHECK(!memcmp(first, image.rgb, sizeof(first)));
	sensor.seed = 8;
	CHECK_EQ(lanesim_expose(&film, &sensor, NULL, &image), 0);
	for (int i = 0; i < n; i++) {
		double light = linear(image.rgb[3 * i + 1]);

		differ += first[3 * i + 1] != image.rgb[3 * i + 1];
		sum += light;
		squares += light * light;
	}
	CHECK(differ > n / 2);
	CHECK_NEAR(sum / n, .25, .002);
	/* .02² × .25 + .01² */
	CHECK_NEAR(sqrt(squares / n - sum / n * (sum / n)), .0141, .0015);
}

/* Half-way between two levels the edge stays where it was; its width tells the blur. */
TEST(blur_spreads_an_edge_and_keeps_light)
{
	struct lanesim_sensor sensor = plain;
	const uint8_t *row = NULL;
	double before, moved;

	sensor.adapt = 0;
	set_up(.1f, .5f);
	CHECK_EQ(lanesim_expose(&film, &sensor, NULL, &image), 0);
	before = mean(0, WIDTH, 1);
	sensor.blur = 2;
	CHECK_EQ(lanesim_expose(&film, &sensor, NULL, &image), 0);
	CHECK_NEAR(mean(0, WIDTH, 1), before, .002);
	row = image.rgb + HEIGHT / 2 * WIDTH * 3;
	/* One deviation from the edge: 16 % of the step. */
	CHECK_NEAR(.5 * (linear(row[(WIDTH / 2 - 2) * 3]) + linear(row[(WIDTH / 2 - 3) * 3])),
		   .1 + .4 * .16, .01);
	sensor.blur = 0;
	sensor.motion_x = 8;
	set_up(.1f, .5f);
	CHECK_EQ(lanesim_expose(&film, &sensor, NULL, &image), 0);
	moved = linear(image.rgb[(HEIGHT / 2 * WIDTH + WIDTH / 2 - 3) * 3]);
	CHECK(moved > .12 && moved < .3);
	CHECK_NEAR(linear(image.rgb[(HEIGHT / 2 * WIDTH + WIDTH / 2 - 7) * 3]), .1, .005);
	/* Up and down nothing changes along x. */
	sensor.motion_x = 0;
	sensor.motion_y = 8;
	set_up(.1f, .5f);
	CHECK_EQ(lanesim_expose(&film, &sensor, NULL, &image), 0);
	CHECK_NEAR(linear(image.rgb[(HEIGHT / 2 * WIDTH + WIDTH / 2 - 1) * 3]), .1, .003);
}

TEST(tint_and_corners)
{
	struct lanesim_sensor sensor = plain;

	sensor.adapt = 0;
	sensor.warm = 1;
	sensor.vignette = .5f;
	set_up(.3f, .3f);
	CHECK_EQ(lanesim_expose(&film, &sensor, NULL, &image), 0);
	CHECK(mean(0, WIDTH, 0) > mean(0, WIDTH, 2) * 1.2);
	CHECK_NEAR(linear(image.rgb[(HEIGHT / 2 * WIDTH + WIDTH / 2) * 3 + 1]), .3, .005);
	CHECK_NEAR(linear(image.rgb[1]), .15, .012);
}

TEST(a_black_film_is_a_black_picture)
{
	set_up(0, 0);
	CHECK_EQ(lanesim_expose(&film, &plain, NULL, &image), 0);
	CHECK_NEAR(mean(0, WIDTH, 0), 0, 1e-9);
}

TEST_MAIN()
