/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/preprocess.h"

#include <errno.h>
#include <math.h>

#include "infer/cpu/lines.h"
#include "infer/pixels.h"
#include "infer/scale.h"
#include "naive_pixels.h"
#include "packet_frame.h"
#include "test.h"

TEST(fit_keeps_the_shape_and_maps_back)
{
	struct sp_fit fit;
	float x, y;

	sp_fit_init(&fit, &(struct sp_scale_rect){ 0, 0, 2448, 2048 }, 640, 640);
	CHECK_EQ(fit.width, 640);
	CHECK_EQ(fit.height, 535);
	CHECK_EQ(fit.input_height, 640);
	x = 640, y = 535;
	sp_fit_to_frame(&fit, &x, &y);
	CHECK_NEAR(x, 2448, 1e-3);
	CHECK_NEAR(y, 2048, 1e-3);
	sp_fit_init(&fit, &(struct sp_scale_rect){ 0, 0, 250, 250 }, 0, 0);
	CHECK_EQ(fit.input_width, 256);
	CHECK_EQ(fit.width, 250);
	CHECK_NEAR(fit.scale_x, 1, 0);
	/* Never larger. */
	sp_fit_init(&fit, &(struct sp_scale_rect){ 0, 0, 100, 50 }, 640, 640);
	CHECK_EQ(fit.width, 100);
	CHECK_EQ(fit.input_width, 640);
	/* A sliver keeps a pixel. */
	sp_fit_init(&fit, &(struct sp_scale_rect){ 0, 0, 16000, 1 }, 32, 32);
	CHECK_EQ(fit.height, 1);
}

static const struct sp_input_form *const forms[] = { &sp_input_levels, &sp_input_imagenet,
						     &sp_input_signed };

/* The input of a frame's part against the oracle; @why is filled with the first difference. */
static void compare(const struct packet_frame *pf, const struct sp_fit *fit,
		    const struct sp_input_form *form, const float *input, char why[200])
{
	bool same = fit->width == fit->from.width && fit->height == fit->from.height;
	size_t plane = (size_t)fit->input_width * fit->input_height;
	struct naive_picture picture;

	*why = 0;
	naive_picture_init(&picture, pf, &fit->from, fit->width, fit->height);
	for (size_t i = 0; !*why && i < 3 * plane; i++) {
		uint32_t x = (uint32_t)(i % plane % fit->input_width),
			 y = (uint32_t)(i % plane / fit->input_width);
		int p = (int)(i / plane), c = form->bgr ? 2 - p : p;
		double level = 0, scale = (double)form->scale[p], shift = (double)form->shift[p];
		/* Floats of YUV may round the other way; else pixels as they are are exact. */
		double off = pf->frame.pixel_format == SP_PFNC_YUV422_8 ? 1.1 : same ? 1e-4 : 0.1;
		double got = (double)input[i];

		if (x < fit->width && y < fit->height)
			level = naive_area(&picture, (int)x, (int)y, c);
		if (!(fabs(got - (level * scale + shift)) <= off * scale))
			snprintf(why, 200, "(%u, %u) plane %d is level %g, not %g", x, y, p,
				 (got - shift) / scale, level);
	}
	naive_picture_uninit(&picture);
}

/* A frame, what of it is looked at, and how, by chance. */
static void draw(uint64_t *seed, struct packet_frame *pf, struct sp_fit *fit)
{
	const struct sp_pfnc *f = &sp_pfnc_table[next_random(seed) % sp_pfnc_table_n];
	uint32_t width = 2 + next_random(seed) % 130, height = 2 + next_random(seed) % 60;
	uint32_t padding = next_random(seed) % 4 ? 0 : next_random(seed) % 8;
	uint32_t loss = next_random(seed) % 3 * 20; /* percent */
	struct sp_scale_rect rect = { 0, 0, 0, 0 };

	if (f->kind == SP_PFNC_YUYV)
		width &= ~1u;
	packet_frame_init_padded(pf, f->code, width, height, padding, 1 + next_random(seed) % 600,
				 next_random(seed));
	for (uint32_t p = 0; p < pf->frame.packets; p++)
		if (next_random(seed) % 100 < loss)
			packet_frame_lose(pf, p);
	if (next_random(seed) % 3) {
		rect.x = next_random(seed) % (next_random(seed) % 2 && width > 8 ? 8 : width);
		rect.y = next_random(seed) % (next_random(seed) % 2 && height > 8 ? 8 : height);
	}
	rect.width = width - rect.x;
	rect.height = height - rect.y;
	if (next_random(seed) % 3) {
		rect.width = 1 + next_random(seed) % rect.width;
		rect.height = 1 + next_random(seed) % rect.height;
	}
	if (next_random(seed) % 3)
		sp_fit_init(fit, &rect, 32 * (next_random(seed) % 3), 32 * (next_random(seed) % 3));
	else
		sp_fit_init(fit, &rect, 1 + next_random(seed) % 96, 1 + next_random(seed) % 96);
}

TEST(preprocess_matches_the_oracle)
{
	enum { ROUNDS = 800, SIDE_MAX = 160 };
	const struct sp_lines *const *sets = sp_lines_all();
	float *input = malloc(3 * SIDE_MAX * SIDE_MAX * sizeof(float));
	struct sp_pixels pixels;
	struct sp_scale scale;

	CHECK_EQ(sp_pixels_init(&pixels), 0);
	CHECK_EQ(sp_scale_init(&scale), 0);
	for (uint64_t round = 0; round < ROUNDS; round++) {
		uint64_t seed = round * 1000003 + 17;
		struct packet_frame pf;
		struct sp_fit fit;
		char why[200];

		draw(&seed, &pf, &fit);
		CHECK(fit.input_width % 32 == 0 && fit.input_height % 32 == 0);
		CHECK_EQ(sp_pixels_begin(&pixels, &pf.frame), 0);
		for (int i = 0; sets[i]; i++) {
			const struct sp_input_form *form = forms[(round + (uint64_t)i) % 3];
			size_t bytes = 3 * (size_t)fit.input_width * fit.input_height *
				       sizeof(float);

			pixels.lines = sets[i];
			memset(input, 0xFF, bytes);
			CHECK_EQ(sp_preprocess(&scale, &pixels, &fit, form, input), 0);
			compare(&pf, &fit, form, input, why);
			if (*why)
				FAIL("round %d, %s, %s %u x %u, part %u, %u %u x %u to %u x %u: %s",
				     (int)round, sets[i]->name,
				     sp_pfnc_by_code(pf.frame.pixel_format)->name, pf.frame.width,
				     pf.frame.height, fit.from.x, fit.from.y, fit.from.width,
				     fit.from.height, fit.width, fit.height, why);
		}
		packet_frame_uninit(&pf);
	}
	free(input);
	sp_scale_uninit(&scale);
	sp_pixels_uninit(&pixels);
}

/* Frames of a camera's size, where windows and prefetching run over many packets. */
TEST(preprocess_of_wide_frames_is_the_same_with_every_set_of_instructions)
{
	enum { WIDTH = 2448, HEIGHT = 40, SIDE = 640 };
	const struct sp_lines *const *sets = sp_lines_all();
	float *first = malloc(3 * SIDE * 32 * sizeof(float)),
	      *input = malloc(3 * SIDE * 32 * sizeof(float));
	struct sp_pixels pixels;
	struct sp_scale scale;

	CHECK_EQ(sp_pixels_init(&pixels), 0);
	CHECK_EQ(sp_scale_init(&scale), 0);
	for (size_t f = 0; f < sp_pfnc_table_n; f++) {
		struct packet_frame pf;
		struct sp_fit fit;
		char why[200];

		packet_frame_init(&pf, sp_pfnc_table[f].code, WIDTH, HEIGHT, 1464, f);
		packet_frame_lose(&pf, 7);
		sp_fit_init(&fit, &(struct sp_scale_rect){ 0, 0, WIDTH, HEIGHT }, SIDE, 32);
		CHECK_EQ(sp_pixels_begin(&pixels, &pf.frame), 0);
		for (int i = 0; sets[i]; i++) {
			pixels.lines = sets[i];
			CHECK_EQ(sp_preprocess(&scale, &pixels, &fit, &sp_input_levels,
					       i ? input : first),
				 0);
			/* Integers are the same everywhere, and so are these floats. */
			CHECK(!i || !memcmp(first, input, 3 * SIDE * 32 * sizeof(float)));
		}
		if (!f || sp_pfnc_table[f].kind != sp_pfnc_table[f - 1].kind) {
			compare(&pf, &fit, &sp_input_levels, first, why);
			if (*why)
				FAIL("%s: %s", sp_pfnc_table[f].name, why);
		}
		packet_frame_uninit(&pf);
	}
	free(first);
	free(input);
	sp_scale_uninit(&scale);
	sp_pixels_uninit(&pixels);
}

/* So large that it is written past the caches. */
TEST(preprocess_of_a_large_input_matches_the_oracle)
{
	enum { WIDTH = 701, HEIGHT = 403, ACROSS = 640, DOWN = 320 };
	float *input = malloc(3 * ACROSS * DOWN * sizeof(float));
	struct sp_pixels pixels;
	struct packet_frame pf;
	struct sp_scale scale;
	struct sp_fit fit;
	char why[200];

	CHECK_EQ(sp_pixels_init(&pixels), 0);
	CHECK_EQ(sp_scale_init(&scale), 0);
	packet_frame_init(&pf, SP_PFNC_RGB8, WIDTH, HEIGHT, 8000, 4);
	packet_frame_lose(&pf, 30);
	sp_fit_init(&fit, &(struct sp_scale_rect){ 0, 0, WIDTH, HEIGHT }, ACROSS, DOWN);
	CHECK(fit.width < fit.input_width);
	CHECK_EQ(sp_pixels_begin(&pixels, &pf.frame), 0);
	CHECK_EQ(sp_preprocess(&scale, &pixels, &fit, &sp_input_imagenet, input), 0);
	compare(&pf, &fit, &sp_input_imagenet, input, why);
	if (*why)
		FAIL("%s", why);
	packet_frame_uninit(&pf);
	free(input);
	sp_scale_uninit(&scale);
	sp_pixels_uninit(&pixels);
}

/* Wherever a line begins and ends; what is beside it stays. */
TEST(streamed_lines_are_those_that_are_not)
{
	enum { N = 100 };
	static uint16_t fine[N];
	static float plain[N + 2], streamed[N + 2];
	uint64_t seed = 9;

	for (int i = 0; i < N; i++)
		fine[i] = (uint16_t)(next_random(&seed) % 65281);
	for (const struct sp_lines *const *set = sp_lines_all(); *set; set++) {
		for (uint32_t from = 0; from < 20; from++) {
			for (uint32_t n = 0; n <= N - from; n += 1 + n / 8) {
				for (int i = 0; i < N + 2; i++)
					plain[i] = streamed[i] = -7;
				(*set)->form_fine(fine + from, n, 0.3f, 2, plain + from);
				(*set)->stream_fine(fine + from, n, 0.3f, 2, streamed + from);
				(*set)->stream_end();
				CHECK(!memcmp(plain, streamed, sizeof(plain)));
				(*set)->fill(plain + from, n, 5);
				(*set)->stream_fill(streamed + from, n, 5);
				(*set)->stream_end();
				CHECK(!memcmp(plain, streamed, sizeof(plain)));
			}
		}
	}
}

TEST_MAIN()
