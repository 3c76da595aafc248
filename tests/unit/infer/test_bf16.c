/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What kernels of bfloat16 promise beyond test_kernels.c: roundings to the bit, sets that agree to
 * the bit, and products of tiles as Intel's manual (SDM volume 2) gives them: in software and, on
 * machines that have them, in hardware.
 */
#include "infer/cpu/kernel.h"
#include "infer/cpu/kernel/half.h"
#include "infer/cpu/kernel/tile.h"

#include "rows.h"

enum { ROUNDS = 60, CHANNELS_MAX = 100, PADDED_MAX = 128, PIXELS_MAX = 110 };

static float weights[PADDED_MAX * PADDED_MAX], bias[PADDED_MAX], slope[PADDED_MAX];
static float depth_weights[PADDED_MAX * 9], depth_bias[PADDED_MAX];

static const struct sp_kernels *set_named(const char *name)
{
	const struct sp_kernels *set = sp_kernels_named(name);

	if (!set)
		SKIP("this CPU cannot run %s", name);
	return set;
}

static float from_bits(uint32_t bits)
{
	float x;

	memcpy(&x, &bits, sizeof(x));
	return x;
}

static uint32_t to_bits(float x)
{
	uint32_t bits;

	memcpy(&bits, &x, sizeof(bits));
	return bits;
}

/* ---- rounding ------------------------------------------------------------------------------- */

/* The nearer neighbour by distances, not by bits; of equally near ones the even. */
static uint16_t nearest(float x)
{
	uint16_t below = (uint16_t)(to_bits(x) >> 16); /* towards zero */
	double low = from_bits((uint32_t)below << 16), high;

	if (isnan(x))
		return below | 0x40;
	if (isinf(x))
		return below;
	if (fabsf(x) < 0x1p-126f)
		return below & 0x8000;
	/* Beyond the largest lies what would come next. */
	high = (below & 0x7FFF) == 0x7F7F ? copysign(0x1p128, x)
					  : (double)from_bits((below + 1u) << 16);
	if (fabs(x - low) == fabs(high - x))
		return below & 1 ? below + 1 : below;
	return fabs(x - low) < fabs(high - x) ? below : below + 1;
}

static void check_rounding(const char *name)
{
	static const uint32_t lower[] = { 0, 1, 0x7FFF, 0x8000, 0x8001, 0xFFFF, 0x4321, 0xABCD };
	enum { N = sizeof(lower) / sizeof(lower[0]) };
	const struct sp_kernels *set = set_named(name);
	uint16_t cells[(SP_ROW_LEFT + N + SP_ROW_RIGHT) * 32] __attribute__((aligned(64)));
	struct sp_row row = { cells + SP_ROW_LEFT * 32, sizeof(cells) };
	float lines[32][N], back[32][N];

	for (uint32_t upper = 0; upper < 1 << 16; upper += 32) {
		for (uint32_t c = 0; c < 32; c++)
			for (uint32_t i = 0; i < N; i++)
				lines[c][i] = from_bits((upper + c) << 16 | lower[i]);
		set->load(SP_CELL_BF16, lines[0], N, row, 32, N);
		set->store(SP_CELL_BF16, row, back[0], N, 32, N);
		for (uint32_t c = 0; c < 32; c++) {
			for (uint32_t i = 0; i < N; i++) {
				uint16_t want = nearest(lines[c][i]);
				uint16_t got = cells[(SP_ROW_LEFT + i) * 32 + c];

				if (got != want || to_bits(back[c][i]) != (uint32_t)want << 16 ||
				    sp_half(lines[c][i]) != want)
					FAIL("%s: %08x becomes %04x and %08x, not %04x", name,
					     to_bits(lines[c][i]), got, to_bits(back[c][i]), want);
			}
		}
	}
}

TEST(rounding)
{
	check_rounding("bf16");
}

TEST(rounding_by_vectors)
{
	check_rounding("avx512_bf16");
}

/* ---- sets that agree ------------------------------------------------------------------------ */

static struct sp_finish random_finish(uint64_t *state, uint32_t channels)
{
	struct sp_finish finish = { NULL, -INFINITY, INFINITY };
	uint32_t kind = random_between(state, 0, 3);

	for (uint32_t c = 0; c < PADDED_MAX; c++) {
		float b = random_float(state), d = random_float(state), s = random_float(state);

		bias[c] = c < channels ? b : 0;
		depth_bias[c] = c < channels ? d : 0;
		slope[c] = c < channels ? s : 0;
		for (uint32_t k = 0; k < 9; k++) {
			float w = random_float(state);

			depth_weights[(c / 16 * 9 + k) * 16 + c % 16] = c < channels ? w : 0;
		}
	}
	if (kind == 1)
		finish.low = 0;
	if (kind == 2) {
		finish.low = -0.25f;
		finish.high = 0.5f;
	}
	if (kind == 3)
		finish.slope = slope;
	return finish;
}

static void same_rows(const char *where, const struct rows *a, const struct rows *b)
{
	uint32_t padded = a->blocks * sp_cell_channels(a->cell);

	/* With the channels that a last block has beyond the tensor's. */
	for (uint32_t y = 0; y < a->count; y++)
		for (uint32_t c = 0; c < padded; c++)
			for (uint32_t x = 0; x < a->n; x++)
				if (rows_get(a, y, c, x) != rows_get(b, y, c, x))
					FAIL("%s: row %u channel %u pixel %u is %.9g and %.9g",
					     where, y, c, x, rows_get(a, y, c, x),
					     rows_get(b, y, c, x));
	CHECK(rows_margins_untouched(a) && rows_margins_untouched(b));
}

/* A pointwise convolution by two sets. */
struct pair {
	const struct sp_kernels *sets[2];
	struct sp_pointwise op;
	uint8_t *packed[2];
	struct rows from, residual, to[2];
	uint32_t n;
	char where[96];
};

static struct pair *make_pair(const char *one, const char *other, uint64_t seed)
{
	static struct pair pair;
	uint64_t state = seed;
	uint32_t in = random_between(&state, 1, CHANNELS_MAX);
	uint32_t out = random_between(&state, 1, CHANNELS_MAX);

	pair = (struct pair){
		.sets = { set_named(one), set_named(other) },
		.op = { .in_channels = in,
			.out_channels = out,
			.in = SP_CELL_BF16,
			.out = seed % 2 ? SP_CELL_F32 : SP_CELL_BF16,
			.bias = bias },
		.n = random_between(&state, 1, PIXELS_MAX),
	};
	snprintf(pair.where, sizeof(pair.where), "%s, %s: seed %llu: %u to %u, %u pixels", one,
		 other, (unsigned long long)seed, in, out, pair.n);
	pair.op.finish = random_finish(&state, out);
	for (uint32_t i = 0; i < in * out; i++)
		weights[i] = random_float(&state);
	pair.from = rows_make(SP_CELL_BF16, in, pair.n, 1);
	pair.residual = rows_make(pair.op.out, out, pair.n, 1);
	rows_fill(&pair.from, &state);
	rows_fill(&pair.residual, &state);
	for (unsigned int i = 0; i < 2; i++) {
		size_t size = pair.sets[i]->pointwise_bytes(in, out);

		pair.to[i] = rows_make(pair.op.out, out, pair.n, 1);
		pair.packed[i] = aligned_alloc(64, (size + 63) / 64 * 64);
		CHECK(pair.packed[i]);
		pair.sets[i]->pack_pointwise(in, out, weights, pair.packed[i]);
		pair.op.weights = pair.packed[i];
		pair.sets[i]->pointwise(&pair.op, pair.from.row[0],
					seed % 3 ? (struct sp_row){ NULL, 0 }
						 : pair.residual.row[0],
					pair.to[i].row[0], pair.n);
	}
	return &pair;
}

static void end_pair(struct pair *pair)
{
	for (unsigned int i = 0; i < 2; i++) {
		free(pair->packed[i]);
		rows_free(&pair->to[i]);
	}
	rows_free(&pair->from);
	rows_free(&pair->residual);
}

static void check_same_pointwise(const char *one, const char *other)
{
	printf("# seeds 1 … %d\n", ROUNDS);
	for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
		struct pair *pair = make_pair(one, other, seed);

		same_rows(pair->where, &pair->to[0], &pair->to[1]);
		end_pair(pair);
	}
}

/* Products of bfloat16 are exact, and both take them in the same order. */
TEST(portable_has_the_bits_of_vectors)
{
	check_same_pointwise("bf16", "avx512_bf16");
}

TEST(software_has_the_bits_of_amx)
{
	check_same_pointwise("amx_emulated", "amx");
}

/* ---- tiles ---------------------------------------------------------------------------------- */

/* All of @tile. */
static void fill_tile(uint16_t (*tile)[32], uint16_t (*value)(uint64_t *state), uint64_t *state)
{
	for (unsigned int i = 0; i < SP_TILE_ROWS; i++)
		for (unsigned int k = 0; k < 32; k++)
			tile[i][k] = value(state);
}

static uint16_t random_half(uint64_t *state)
{
	return sp_half(random_float(state));
}

/* Products are subnormal, or just not, and so are some of these. */
static uint16_t tiny_half(uint64_t *state)
{
	return sp_half(ldexpf(random_float(state), -(int)random_between(state, 60, 66))) |
	       (random_between(state, 0, 7) ? 0 : 1);
}

static float flushed(float x)
{
	return fabsf(x) < 0x1p-126f ? copysignf(0, x) : x;
}

static float whole(uint16_t half)
{
	return flushed(from_bits((uint32_t)half << 16));
}

/*
 * Of shapes that are not full, so that the rest of a tile must be zero: what is stored is what the
 * manual's loops give. They are written here with fmaf, one number at a time.
 */
static void check_product(uint64_t seed, uint16_t (*value)(uint64_t *state))
{
	uint64_t state = seed;
	unsigned int rows = random_between(&state, 1, 16), pairs = random_between(&state, 1, 16);
	unsigned int columns = random_between(&state, 1, 16);
	struct sp_tile_shapes shapes = { .palette = 1,
					 .columns = { 4 * columns, 4 * pairs, 4 * columns },
					 .rows = { rows, rows, pairs } };
	uint16_t a[16][32], b[16][32];
	float sums[16][16], got[17][16];

	fill_tile(a, value, &state);
	fill_tile(b, value, &state);
	for (unsigned int i = 0; i < 256; i++)
		sums[i / 16][i % 16] = value == tiny_half ? ldexpf(random_float(&state), -125)
							  : random_float(&state);
	memset(got, 0xAB, sizeof(got));
	sp_tile_begin(&shapes);
	sp_tile_load(0, sums, sizeof(sums[0]));
	sp_tile_load(1, a, sizeof(a[0]));
	sp_tile_load(2, b, sizeof(b[0]));
	sp_tile_dot(0, 1, 2);
	sp_tile_store(0, got, sizeof(got[0]));
	sp_tile_end();
	for (unsigned int m = 0; m < 17; m++) {
		for (unsigned int n = 0; n < 16; n++) {
			float part[2] = { 0, 0 }, want = from_bits(0xABABABAB);

			for (unsigned int k = 0; k < 2 * pairs && m < rows && n < columns; k++)
				part[k % 2] = flushed(fmaf(whole(a[m][k]),
							   whole(b[k / 2][2 * n + k % 2]),
							   part[k % 2]));
			if (m < rows && n < columns)
				want = flushed(flushed(sums[m][n]) + flushed(part[0] + part[1]));
			if (to_bits(got[m][n]) != to_bits(want))
				FAIL("seed %llu: %u × %u × %u: row %u column %u is %.9g, not %.9g",
				     (unsigned long long)seed, rows, pairs, columns, m, n,
				     got[m][n], want);
		}
	}
}

TEST(tiles_multiply_as_the_manual_says)
{
	printf("# seeds 1 … %d\n", ROUNDS);
	for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
		check_product(seed, random_half);
		check_product(seed, tiny_half);
	}
}

/*
 * The order in which tiles add is another than that of vectors; each sum's own rounding is below
 * 2^-24 of the sum of magnitudes, which is at most the number of inputs, and there are as many.
 */
TEST(tiles_and_vectors_agree)
{
	printf("# seeds 1 … %d\n", ROUNDS);
	for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
		struct pair *pair = make_pair("amx_emulated", "bf16", seed);
		double in = pair->op.in_channels + 2, much = in * in * 0x1p-24;

		for (uint32_t c = 0; c < pair->op.out_channels; c++) {
			for (uint32_t x = 0; x < pair->n; x++) {
				double a = rows_get(&pair->to[0], 0, c, x);
				double b = rows_get(&pair->to[1], 0, c, x), off = fabs(a - b);

				/* One step of 8 bits where the difference is at a tie. */
				if (off > much + (pair->op.out == SP_CELL_F32 ? 0 : fabs(b) / 128))
					FAIL("%s: channel %u pixel %u is %.9g and %.9g",
					     pair->where, c, x, a, b);
			}
		}
		CHECK(rows_margins_untouched(&pair->to[0]));
		end_pair(pair);
	}
}

/* ---- pointwise and depthwise in one --------------------------------------------------------- */

/* One after the other must give the same bits: the sums and their order are the same. */
static void check_separable(const char *name, uint64_t seed)
{
	const struct sp_kernels *set = set_named(name);
	uint64_t state = seed;
	uint32_t in = random_between(&state, 1, CHANNELS_MAX);
	uint32_t out = random_between(&state, 1, CHANNELS_MAX);
	uint32_t n = random_between(&state, 1, PIXELS_MAX);
	uint32_t rows = random_between(&state, 1, SP_BAND_ROWS_MAX);
	size_t size = set->pointwise_bytes(in, out);
	struct sp_separable op = {
		.point = { in, out, SP_CELL_BF16, SP_CELL_F32, NULL, bias, { NULL, 0, 0 } },
		.depth = { out,
			   1,
			   SP_CELL_F32,
			   seed % 5 ? SP_CELL_BF16 : SP_CELL_F32,
			   depth_weights,
			   depth_bias,
			   { NULL, 0, 0 } },
	};
	struct rows from = rows_make(SP_CELL_BF16, in, n, rows + 2);
	struct rows between = rows_make(SP_CELL_F32, out, n, rows + 2);
	struct rows once = rows_make(op.depth.out, out, n, rows);
	struct rows twice = rows_make(op.depth.out, out, n, rows);
	void *packed = aligned_alloc(64, (size + 63) / 64 * 64), *scratch;
	char where[96];

	snprintf(where, sizeof(where), "%s seed %llu: %u to %u, %u rows of %u pixels", name,
		 (unsigned long long)seed, in, out, rows, n);
	op.point.finish = random_finish(&state, out);
	op.depth.finish = random_finish(&state, out);
	for (uint32_t i = 0; i < in * out; i++)
		weights[i] = random_float(&state) / sqrtf((float)in);
	CHECK(packed);
	set->pack_pointwise(in, out, weights, packed);
	op.point.weights = packed;
	rows_fill(&from, &state);
	rows_fill(&between, &state);
	for (uint32_t y = 0; y < rows + 2; y++) {
		bool outside = (y == 0 && seed % 3 == 0) || (y == rows + 1 && seed % 4 == 0);

		if (outside)
			for (uint32_t c = 0; c < between.blocks * 16; c++)
				for (uint32_t x = 0; x < n; x++)
					rows_set(&between, y, c, x, 0);
		else
			set->pointwise(&op.point, from.row[y], (struct sp_row){ NULL, 0 },
				       between.row[y], n);
		if (outside)
			from.row[y].at = NULL;
	}
	set->depthwise(&op.depth, between.row, twice.row, rows, n);
	size = set->separable_bytes(&op);
	scratch = aligned_alloc(64, (size + 63) / 64 * 64);
	CHECK(scratch);
	memset(scratch, 0xFF, size); /* NaNs */
	set->separable(&op, from.row, once.row, rows, n, scratch);
	same_rows(where, &once, &twice);
	free(packed);
	free(scratch);
	rows_free(&from);
	rows_free(&between);
	rows_free(&once);
	rows_free(&twice);
}

static void check_separables(const char *name)
{
	printf("# seeds 1 … %d\n", ROUNDS);
	for (uint64_t seed = 1; seed <= ROUNDS; seed++)
		check_separable(name, seed);
}

TEST(separable_by_tiles_in_software)
{
	check_separables("amx_emulated");
}

TEST(separable_by_tiles)
{
	check_separables("amx");
}

TEST(software_is_never_chosen)
{
	for (const struct sp_kernels *const *set = sp_kernels_all(); *set; set++)
		CHECK(strcmp((*set)->name, "amx_emulated"));
	CHECK(sp_kernels_named("amx_emulated"));
	CHECK_EQ(sp_kernels_best(SP_PRECISION_BF16)->cell, SP_CELL_BF16);
}

TEST_MAIN()
