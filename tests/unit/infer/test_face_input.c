/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/face_input.h"

#include <math.h>

#include "infer/align.h"
#include "packet_frame.h"
#include "test.h"

enum { SIDE_MAX = 256 };

static uint8_t rgb[SP_ALIGNED_PIXELS * 3];
static float input[3 * SIDE_MAX * SIDE_MAX];

/* Level @c at a place of the aligned picture, whose border goes on beyond it. */
static double at(double x, double y, int c)
{
	double fx, fy;
	int column, row;

	x = fmin(fmax(x, 0), SP_ALIGNED_SIDE - 1);
	y = fmin(fmax(y, 0), SP_ALIGNED_SIDE - 1);
	column = x < SP_ALIGNED_SIDE - 1 ? (int)x : SP_ALIGNED_SIDE - 2;
	row = y < SP_ALIGNED_SIDE - 1 ? (int)y : SP_ALIGNED_SIDE - 2;
	fx = x - column;
	fy = y - row;
#define AT(dx, dy) rgb[3 * ((row + dy) * SP_ALIGNED_SIDE + column + dx) + c]
	return (1 - fy) * ((1 - fx) * AT(0, 0) + fx * AT(1, 0)) +
	       fy * ((1 - fx) * AT(0, 1) + fx * AT(1, 1));
#undef AT
}

static void check_side(int side, const struct sp_input_form *form)
{
	sp_face_input(rgb, (uint32_t)side, form, input);
	for (int i = 0; i < side * side; i++) {
		double x = (i % side + 0.5) * SP_ALIGNED_SIDE / side - 0.5;
		double y = (i / side + 0.5) * SP_ALIGNED_SIDE / side - 0.5;

		for (int plane = 0; plane < 3; plane++) {
			double level = at(x, y, form->bgr ? 2 - plane : plane);
			double want = level * (double)form->scale[plane] +
				      (double)form->shift[plane];

			/* Within a level. */
			CHECK_NEAR(input[plane * side * side + i], want,
				   1.001 * (double)form->scale[plane]);
		}
	}
}

TEST(planes_of_any_side)
{
	static const struct sp_input_form forms[] = {
		{ .bgr = true, .scale = { 1, 1, 1 } },
		{ .scale = { 0.5f, 0.25f, 2 }, .shift = { -1, 3, 0 } },
	};
	static const int sides[] = { 32, 96, 111, 112, 113, 128, 160, 224, 256 };
	uint64_t seed = 2;

	printf("# seed 2\n");
	for (int i = 0; i < SP_ALIGNED_PIXELS * 3; i++)
		rgb[i] = (uint8_t)next_random(&seed);
	for (unsigned int s = 0; s < sizeof(sides) / sizeof(sides[0]); s++)
		check_side(sides[s], &forms[s % 2]);
}

TEST(the_picture_as_it_is)
{
	const struct sp_input_form form = { .scale = { 1, 1, 1 } };

	for (int i = 0; i < SP_ALIGNED_PIXELS * 3; i++)
		rgb[i] = (uint8_t)(i * 7);
	sp_face_input(rgb, SP_ALIGNED_SIDE, &form, input);
	for (int i = 0; i < SP_ALIGNED_PIXELS; i++)
		for (int c = 0; c < 3; c++)
			CHECK_EQ(input[c * SP_ALIGNED_PIXELS + i], rgb[3 * i + c]);
}

TEST_MAIN()
