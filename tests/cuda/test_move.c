/* SPDX-License-Identifier: Apache-2.0 */
/* Steps that move numbers, against plain loops. Each in both types, of several pictures. */
#include "test.h"

#include "moves.h"

/* ---- windows -------------------------------------------------------------------------------- */

struct pool_case {
	struct sp_pool pool;
	uint32_t n, h, w, c, oh, ow;
	bool picture;
};

static const struct pool_case pools[] = {
	{ { .kernel = { 2, 2 }, .stride = { 2, 2 } }, 2, 6, 8, 16, 3, 4, false },
	{ { .kernel = { 2, 2 }, .stride = { 2, 2 } }, 1, 7, 5, 3, 3, 2, false },
	{ { .kernel = { 3, 3 }, .stride = { 2, 2 }, .pad = { 1, 1 } }, 1, 9, 9, 24, 5, 5, false },
	{ { .kernel = { 3, 2 }, .stride = { 1, 2 }, .dilation = { 2, 1 } },
	  1,
	  9,
	  6,
	  9,
	  5,
	  3,
	  false },
	{ { .kernel = { 3, 3 }, .stride = { 2, 2 } },
	  1,
	  6,
	  6,
	  8,
	  3,
	  3,
	  false }, /* the last is partial */
	{ { .kernel = { 2, 2 }, .stride = { 2, 2 } }, 2, 4, 6, 3, 2, 3, true },
	{ { .mean = true, .kernel = { 2, 2 }, .stride = { 2, 2 } }, 2, 4, 4, 40, 2, 2, false },
	{ { .mean = true, .kernel = { 3, 3 }, .stride = { 1, 1 }, .pad = { 1, 1 } },
	  1,
	  5,
	  4,
	  5,
	  5,
	  4,
	  false },
	{ { .mean = true,
	    .count_padding = true,
	    .kernel = { 3, 3 },
	    .stride = { 1, 1 },
	    .pad = { 1, 1 } },
	  1,
	  5,
	  4,
	  5,
	  5,
	  4,
	  false },
	{ { .mean = true, .kernel = { 1, 1 }, .stride = { 3, 3 } }, 1, 1, 1, 1, 1, 1, false },
};

static double pool_want(const struct sp_pool *pool, const struct numbers *x, const struct place *at)
{
	double sum = 0, most = -INFINITY;
	uint32_t n = 0;

	for (uint32_t k = 0; k < pool->kernel[0] * pool->kernel[1]; k++) {
		int64_t y = (int64_t)at->y * pool->stride[0] - pool->pad[0] +
			    k / pool->kernel[1] * pool->dilation[0];
		int64_t column = (int64_t)at->x * pool->stride[1] - pool->pad[1] +
				 k % pool->kernel[1] * pool->dilation[1];
		double value;

		if (y < 0 || y >= x->card.h || column < 0 || column >= x->card.w)
			continue;
		value = (double)x
				->host[numbers_at(x, at->n, (uint32_t)y, (uint32_t)column) + at->c];
		sum += value;
		most = fmax(most, value);
		n++;
	}
	if (!pool->mean)
		return most;
	return sum / (pool->count_padding ? pool->kernel[0] * pool->kernel[1] : n);
}

TEST(move_pool)
{
	uint64_t seed = 1;

	EACH_TYPE(type)
	for (size_t k = 0; k < sizeof(pools) / sizeof(pools[0]); k++) {
		struct pool_case of = pools[k];
		struct numbers x = numbers_of(type, of.n, of.h, of.w, of.c,
					      pitch_of(of.c, of.picture), &seed);
		struct numbers y = numbers_empty(type, of.n, of.oh, of.ow, of.c,
						 sp_tensor_pitch(of.c));
		double *want = wanted(&y);
		char what[32];

		for (int i = 0; i < 2; i++)
			of.pool.dilation[i] = of.pool.dilation[i] ? of.pool.dilation[i] : 1;
		for (size_t i = 0; i < y.n; i++) {
			struct place at = place_of(&y, i);

			if (at.c < of.c)
				want[i] = pool_want(&of.pool, &x, &at);
		}
		snprintf(what, sizeof(what), "pool %zu, type %d", k, type);
		CARD(sp_pool_launch(NULL, &of.pool, &x.card, &y.card));
		numbers_fetch(&y);
		numbers_check(&y, want, what);
		numbers_free(&x);
		numbers_free(&y);
		free(want);
	}
}

TEST(move_mean)
{
	static const struct {
		uint32_t n, h, w, c;
		bool picture;
	} cases[] = {
		{ 3, 7, 7, 64, false }, { 1, 1, 1, 8, false },	  { 2, 5, 13, 3, false },
		{ 1, 4, 4, 3, true },	{ 2, 3, 11, 130, false }, { 1, 40, 40, 1, false },
	};
	uint64_t seed = 2;

	EACH_TYPE(type)
	for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
		uint32_t c = cases[k].c;
		struct numbers x = numbers_of(type, cases[k].n, cases[k].h, cases[k].w, c,
					      pitch_of(c, cases[k].picture), &seed);
		struct numbers y = numbers_empty(type, cases[k].n, 1, 1, c, sp_tensor_pitch(c));
		double *want = wanted(&y), pixels = cases[k].h * cases[k].w;

		for (size_t i = 0; i < x.n; i++) {
			struct place at = place_of(&x, i);

			if (at.c < c)
				want[at.n * y.card.pitch + at.c] += (double)x.host[i] / pixels;
		}
		CARD(sp_mean_launch(NULL, &x.card, &y.card));
		numbers_fetch(&y);
		numbers_check(&y, want, "mean");
		numbers_free(&x);
		numbers_free(&y);
		free(want);
	}
}

TEST(move_enlarge)
{
	static const struct {
		uint32_t n, h, w, c, factor_y, factor_x;
		bool add;
	} cases[] = {
		{ 2, 3, 4, 64, 2, 2, true },
		{ 1, 5, 1, 16, 2, 2, false },
		{ 1, 2, 3, 10, 3, 1, true },
		{ 1, 1, 1, 3, 1, 4, false },
	};
	uint64_t seed = 3;

	EACH_TYPE(type)
	for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
		uint32_t c = cases[k].c, pitch = sp_tensor_pitch(c), n = cases[k].n;
		uint32_t h = cases[k].h * cases[k].factor_y, w = cases[k].w * cases[k].factor_x;
		struct numbers x = numbers_of(type, n, cases[k].h, cases[k].w, c, pitch, &seed);
		struct numbers add = numbers_of(type, n, h, w, c, pitch, &seed);
		struct numbers y = numbers_empty(type, n, h, w, c, pitch);
		double *want = wanted(&y);

		for (size_t i = 0; i < y.n; i++) {
			struct place at = place_of(&y, i);

			want[i] = (double)x.host[numbers_at(&x, at.n, at.y / cases[k].factor_y,
							    at.x / cases[k].factor_x) +
						 at.c];
			want[i] += cases[k].add ? (double)add.host[i] : 0;
		}
		CARD(sp_enlarge_launch(NULL, &x.card, cases[k].add ? &add.card : NULL, &y.card));
		numbers_fetch(&y);
		numbers_check(&y, want, "enlarge");
		numbers_free(&x);
		numbers_free(&add);
		numbers_free(&y);
		free(want);
	}
}

/* ---- layouts -------------------------------------------------------------------------------- */

TEST(move_concat)
{
	static const struct {
		uint32_t c[3];
		bool picture; /* the first is one */
	} cases[] = {
		{ { 16, 8, 32 }, false }, { { 3, 5, 9 }, false }, { { 8, 3, 1 }, false },
		{ { 1, 8, 8 }, false },	  { { 3, 4, 2 }, true },  { { 4, 4, 4 }, false },
	};
	uint64_t seed = 6;

	EACH_TYPE(type)
	for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
		const uint32_t *c = cases[k].c, first[3] = { 0, c[0], c[0] + c[1] };
		uint32_t all = c[0] + c[1] + c[2];
		struct numbers x[3], y = numbers_empty(type, 2, 3, 5, all, sp_tensor_pitch(all));
		double *want = wanted(&y);

		/* In no order. */
		for (int part = 2; part >= 0; part--) {
			x[part] = numbers_of(type, 2, 3, 5, c[part],
					     pitch_of(c[part], !part && cases[k].picture), &seed);
			CARD(sp_concat_launch(NULL, &x[part].card, first[part], &y.card));
			for (size_t i = 0; i < x[part].n; i++) {
				struct place at = place_of(&x[part], i);

				if (at.c < c[part])
					want[numbers_at(&y, at.n, at.y, at.x) + first[part] +
					     at.c] = (double)x[part].host[i];
			}
		}
		numbers_fetch(&y);
		numbers_check(&y, want, "concat");
		for (int part = 0; part < 3; part++)
			numbers_free(&x[part]);
		numbers_free(&y);
		free(want);
	}
}

TEST(move_planes)
{
	static const struct {
		uint32_t n, h, w, c;
		bool picture;
	} cases[] = {
		{ 2, 5, 7, 16, false }, { 1, 1, 1, 1, false }, { 1, 8, 9, 70, false },
		{ 3, 4, 4, 10, false }, { 1, 6, 6, 3, true },
	};
	uint64_t seed = 7;

	EACH_TYPE(type)
	for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
		uint32_t n = cases[k].n, h = cases[k].h, w = cases[k].w, c = cases[k].c;
		uint32_t pitch = pitch_of(c, cases[k].picture);
		struct numbers x = numbers_of(type, n, h, w, c, pitch, &seed);
		struct numbers back = numbers_empty(type, n, h, w, c, pitch);
		/* Planes: pixels of one channel. */
		struct numbers planes = numbers_empty(SP_TENSOR_F32, n, 1, c, h * w, h * w);
		double *want = wanted(&planes), *want_back = wanted(&back);

		for (size_t i = 0; i < x.n; i++) {
			struct place at = place_of(&x, i);

			want_back[i] = (double)x.host[i];
			if (at.c < c)
				want[((size_t)at.n * c + at.c) * h * w + at.y * w + at.x] =
					(double)x.host[i];
		}
		CARD(sp_to_planes_launch(NULL, &x.card, planes.card.at));
		CARD(sp_from_planes_launch(NULL, planes.card.at, &back.card));
		numbers_fetch(&planes);
		numbers_fetch(&back);
		for (size_t i = 0; i < planes.n; i++)
			CHECK_NEAR((double)planes.host[i], want[i], 0);
		for (size_t i = 0; i < back.n; i++)
			CHECK_NEAR((double)back.host[i], want_back[i], 0);
		numbers_free(&x);
		numbers_free(&back);
		numbers_free(&planes);
		free(want);
		free(want_back);
	}
}

/* ---- lengths -------------------------------------------------------------------------------- */

static void check_normalised(struct numbers *x, const bool *any)
{
	uint32_t n = x->card.n, size = x->card.c;
	struct numbers to = numbers_empty(SP_TENSOR_F32, n, 1, 1, size, size);
	uint32_t valid[8], *on_card = card_memory(sizeof(valid));
	double *want = wanted(&to);

	for (uint32_t row = 0; row < n; row++) {
		const float *from = x->host + (size_t)row * x->card.pitch;
		double square = 0;

		for (uint32_t i = 0; i < size; i++)
			square += (double)from[i] * (double)from[i];
		for (uint32_t i = 0; i < size && any[row]; i++)
			want[row * size + i] = (double)from[i] / sqrt(square);
	}
	CARD(sp_normalise_launch(NULL, &x->card, to.card.at, on_card));
	numbers_fetch(&to);
	CARD(cudaMemcpy(valid, on_card, n * sizeof(*valid), cudaMemcpyDeviceToHost));
	for (uint32_t row = 0; row < n; row++)
		CHECK_EQ(valid[row], any[row]);
	for (size_t i = 0; i < to.n; i++)
		CHECK_NEAR((double)to.host[i], want[i], 1e-7);
	card_free(on_card);
	numbers_free(&to);
	free(want);
}

TEST(move_normalise)
{
	static const uint32_t sizes[] = { 128, 512, 8, 3, 100 };
	static const bool any[8] = { true, false, true, false, false, true, true };
	uint64_t seed = 8;

	EACH_TYPE(type)
	for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
		uint32_t size = sizes[k], pitch = sp_tensor_pitch(size);
		struct numbers x = numbers_of(type, 7, 1, 1, size, pitch, &seed);

		/* A zero one, one with no number, an infinite one; very long, very short. */
		memset(x.host + pitch, 0, pitch * sizeof(float));
		x.host[3 * pitch + size / 2] = NAN;
		x.host[4 * pitch] = INFINITY;
		for (uint32_t i = 0; i < size; i++) {
			x.host[5 * pitch + i] *= 1e30f;
			x.host[6 * pitch + i] *= 1e-30f;
		}
		numbers_send(&x);
		check_normalised(&x, any);
		numbers_free(&x);
	}
}

TEST_MAIN()
