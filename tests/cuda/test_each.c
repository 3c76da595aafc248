/* SPDX-License-Identifier: Apache-2.0 */
/* What is done to each number, against plain loops. Each in both types, of several pictures. */
#include "test.h"

#include "moves.h"

enum other { SAME_SIZE, PIXEL, PIXEL_FOR_ALL, CONSTANT };

struct each_case {
	struct sp_each each;
	enum other other;
	uint32_t n, h, w, c;
	bool picture, in_place;
};

static const struct each_case eaches[] = {
	{ { .kind = SP_EACH_ADD }, SAME_SIZE, 2, 5, 3, 16, false, false },
	{ { .kind = SP_EACH_ADD, .act = { .kind = SP_ACT_RELU } },
	  SAME_SIZE,
	  1,
	  3,
	  3,
	  10,
	  false,
	  true },
	{ { .kind = SP_EACH_SUB }, SAME_SIZE, 1, 2, 2, 8, false, false },
	{ { .kind = SP_EACH_SUB, .swapped = true }, SAME_SIZE, 1, 2, 2, 8, false, true },
	{ { .kind = SP_EACH_MUL }, PIXEL, 3, 4, 4, 24, false, false },
	{ { .kind = SP_EACH_MUL, .act = { .kind = SP_ACT_CLIP, .low = 0.25f, .high = 0.5f } },
	  PIXEL_FOR_ALL,
	  3,
	  4,
	  4,
	  5,
	  false,
	  false },
	{ { .kind = SP_EACH_DIV }, CONSTANT, 2, 3, 3, 12, false, false },
	{ { .kind = SP_EACH_DIV, .swapped = true }, PIXEL, 2, 3, 3, 3, false, false },
	{ { .kind = SP_EACH_SUB, .swapped = true }, CONSTANT, 2, 3, 3, 40, false, true },
	{ { .kind = SP_EACH_ADD }, CONSTANT, 2, 3, 3, 3, true, false },
	{ { .kind = SP_EACH_MUL }, SAME_SIZE, 1, 3, 5, 3, true, false },
	{ { .kind = SP_EACH_AFFINE }, CONSTANT, 2, 3, 5, 17, false, false },
	{ { .kind = SP_EACH_AFFINE, .act = { .kind = SP_ACT_PRELU } },
	  CONSTANT,
	  2,
	  3,
	  5,
	  3,
	  true,
	  false },
	{ { .kind = SP_EACH_ACT, .act = { .kind = SP_ACT_SIGMOID } },
	  CONSTANT,
	  1,
	  7,
	  9,
	  9,
	  false,
	  true },
	{ { .kind = SP_EACH_ACT, .act = { .kind = SP_ACT_PRELU } },
	  CONSTANT,
	  2,
	  2,
	  2,
	  64,
	  false,
	  false },
	{ { .kind = SP_EACH_FUNCTION,
	    .function = { SP_FUN_TANH, { 0, 0 } },
	    .act = { .kind = SP_ACT_RELU } },
	  CONSTANT,
	  1,
	  3,
	  3,
	  3,
	  true,
	  false },
};

static double each_of(const struct sp_each *each, double x, double z, double shift)
{
	double first = each->swapped ? z : x, second = each->swapped ? x : z;

	switch (each->kind) {
	case SP_EACH_ADD:
		return first + second;
	case SP_EACH_SUB:
		return first - second;
	case SP_EACH_MUL:
		return first * second;
	case SP_EACH_DIV:
		return first / second;
	case SP_EACH_AFFINE:
		return x * z + shift;
	case SP_EACH_FUNCTION:
		return (double)sp_function_of(each->function.kind, each->function.by[0],
					      each->function.by[1], (float)x);
	default:
		return x;
	}
}

static double act_of(const struct sp_step_act *act, double slope, double x)
{
	switch (act->kind) {
	case SP_ACT_RELU:
		return fmax(x, 0);
	case SP_ACT_CLIP:
		return fmin(fmax(x, (double)act->low), (double)act->high);
	case SP_ACT_SIGMOID:
		return 1 / (1 + exp(-x));
	case SP_ACT_PRELU:
		return x > 0 ? x : x * slope;
	default:
		return x;
	}
}

/* @constants: of x's pitch: factors, shifts, slopes. */
static double *each_want(const struct each_case *of, const struct numbers *x,
			 const struct numbers *z, const struct numbers *y, const float *constants)
{
	uint32_t pitch = x->card.pitch;
	double *want = wanted(y);

	for (size_t i = 0; i < y->n; i++) {
		struct place at = place_of(y, i);
		double other = 0, shift = 0;

		if (at.c >= of->c)
			continue;
		if (of->other == SAME_SIZE)
			other = (double)z->host[numbers_at(z, at.n, at.y, at.x) + at.c];
		else if (of->other == PIXEL)
			other = (double)z->host[numbers_at(z, at.n, 0, 0) + at.c];
		else if (of->other == PIXEL_FOR_ALL)
			other = (double)z->host[at.c];
		else
			other = (double)constants[at.c];
		shift = (double)constants[pitch + at.c];
		want[i] = each_of(&of->each,
				  (double)x->host[numbers_at(x, at.n, at.y, at.x) + at.c], other,
				  shift);
		want[i] = act_of(&of->each.act, (double)constants[2 * pitch + at.c], want[i]);
	}
	return want;
}

static void check_each(struct each_case of, enum sp_tensor_type type, const char *what,
		       uint64_t *seed)
{
	uint32_t pitch = pitch_of(of.c, of.picture);
	bool pixel = of.other == PIXEL || of.other == PIXEL_FOR_ALL;
	struct numbers x = numbers_of(type, of.n, of.h, of.w, of.c, pitch, seed);
	struct numbers z = numbers_of(type, of.other == PIXEL_FOR_ALL ? 1 : of.n, pixel ? 1 : of.h,
				      pixel ? 1 : of.w, of.c, pitch, seed);
	struct numbers y = of.in_place ? x
				       : numbers_empty(type, of.n, of.h, of.w, of.c,
						       sp_tensor_pitch(of.c));
	/* Slopes are read as far as y's pitch. */
	float *constants = calloc(4 * (size_t)sp_tensor_pitch(of.c), sizeof(*constants)), *on_card;
	double *want;

	CHECK(constants);
	for (size_t i = 0; i < 3 * pitch; i++)
		constants[i] = i % pitch < of.c ? numbers_random(seed) : 0.0f;
	/* Divisors far from 0, where a rounded one would be another number. */
	for (size_t i = 0; i < z.n && of.each.kind == SP_EACH_DIV; i++)
		z.host[i] += z.host[i] < 0 ? -0.5f : 0.5f;
	numbers_send(&z);
	want = each_want(&of, &x, &z, &y, constants);
	on_card = card_memory(4 * sp_tensor_pitch(of.c) * sizeof(*constants));
	CARD(cudaMemcpy(on_card, constants, 4 * sp_tensor_pitch(of.c) * sizeof(*constants),
			cudaMemcpyHostToDevice));
	of.each.constant = on_card;
	of.each.act.slope = on_card + 2 * pitch;
	if (of.other == CONSTANT)
		CARD(sp_each_launch(NULL, &of.each, &x.card, &(struct sp_device_tensor){ 0 },
				    &y.card));
	else
		CARD(sp_each_launch(NULL, &of.each, &x.card, &z.card, &y.card));
	numbers_fetch(&y);
	numbers_check(&y, want, what);
	if (!of.in_place)
		numbers_free(&y);
	numbers_free(&x);
	numbers_free(&z);
	card_free(on_card);
	free(constants);
	free(want);
}

TEST(move_each)
{
	uint64_t seed = 4;

	EACH_TYPE(type)
	for (size_t i = 0; i < sizeof(eaches) / sizeof(eaches[0]); i++) {
		char what[32];

		snprintf(what, sizeof(what), "each %zu, type %d", i, type);
		check_each(eaches[i], type, what, &seed);
	}
}

TEST(move_functions)
{
	uint64_t seed = 5;

	EACH_TYPE(type)
	for (int kind = 0; kind < SP_FUNCTIONS; kind++) {
		struct each_case of = { .each = { .kind = SP_EACH_FUNCTION,
						  .function = { (enum sp_function_kind)kind,
								{ 0.5f, 0.25f } } },
					.other = CONSTANT,
					.n = 2,
					.h = 3,
					.w = 5,
					.c = 11 };
		char what[32];

		snprintf(what, sizeof(what), "function %d, type %d", kind, type);
		check_each(of, type, what, &seed);
	}
}

TEST_MAIN()
