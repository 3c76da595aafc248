/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every kernel of every set that this CPU can run, on seeded random shapes, against plain loops in
 * double. What a kernel gets is exact in its cells, so only its own roundings are left:
 *
 * float32: sums of at most some hundred products of numbers below 1: 1e-5 · max(1, |sum|).
 * bfloat16 results: the same, and once to 8 significant bits: 2^-8 · |result|.
 *
 * Sets with fused multiply-add must have the same bits of float32.
 */
#include "infer/cpu/kernel.h"

#include "rows.h"

enum {
	ROUNDS = 40,
	CHANNELS_MAX = 130,
	PIXELS_MAX = 70,
	PADDED_MAX = 160,
	/* More than a pointwise convolution has. */
	STEM_WEIGHTS_MAX = SP_STEM_CHANNELS_MAX * SP_STEM_SIDE_MAX * SP_STEM_SIDE_MAX * PADDED_MAX,
};

static float bias[PADDED_MAX], slope[PADDED_MAX], weights[STEM_WEIGHTS_MAX];
static uint8_t packed[4 * PADDED_MAX * PADDED_MAX] __attribute__((aligned(64)));
static char where[128]; /* set, shape and seed */

#define LABEL(set, seed, fmt, ...)                                                                 \
	snprintf(where, sizeof(where), "%s seed %llu: " fmt, (set)->name,                          \
		 (unsigned long long)(seed), ##__VA_ARGS__)

static void near(double got, double want, enum sp_cell cell, uint32_t y, uint32_t c, uint32_t x)
{
	double off = fabs(got - want), much = 1e-5 * fmax(1, fabs(want));

	if (cell == SP_CELL_BF16)
		much += fabs(want) / 256;
	if (!(off <= much))
		FAIL("%s: row %u channel %u pixel %u is %.9g, not %.9g ± %.3g", where, y, c, x, got,
		     want, much);
}

/* Random ones, with nothing for channels that are not there. */
static struct sp_finish random_finish(uint64_t *state, uint32_t channels)
{
	struct sp_finish finish = { NULL, -INFINITY, INFINITY };
	uint32_t kind = random_between(state, 0, 4);

	for (uint32_t c = 0; c < PADDED_MAX; c++) {
		float b = random_float(state), s = random_float(state);

		bias[c] = c < channels ? b : 0;
		slope[c] = c < channels ? s : 0;
	}
	if (kind == 1 || kind == 2)
		finish.low = kind == 1 ? 0 : -0.25f;
	if (kind == 2)
		finish.high = 0.5f;
	if (kind >= 3)
		finish.slope = slope;
	if (kind == 4) {
		finish.low = -0.125f;
		finish.high = 1.5f;
	}
	return finish;
}

static double finished(const struct sp_finish *finish, uint32_t channel, double x)
{
	if (finish->slope && x < 0)
		x *= finish->slope[channel];
	return fmin(fmax(x, finish->low), finish->high);
}

/* Results of the sets that must agree to the bit, of one seed. */
static struct kept {
	const char *name;
	uint8_t *bytes;
	size_t size;
} kept;

static void forget(void)
{
	free(kept.bytes);
	memset(&kept, 0, sizeof(kept));
}

static void same_bits(const struct sp_kernels *set, const void *bytes, size_t size)
{
	if (strcmp(set->name, "avx2") && strcmp(set->name, "avx512"))
		return;
	if (!kept.bytes) {
		kept = (struct kept){ set->name, malloc(size), size };
		CHECK(kept.bytes);
		memcpy(kept.bytes, bytes, size);
	} else if (kept.size != size || memcmp(kept.bytes, bytes, size)) {
		FAIL("%s: not the bits of %s", where, kept.name);
	}
}

static void written(const struct sp_kernels *set, const struct rows *out)
{
	if (!rows_margins_untouched(out))
		FAIL("%s: written beyond the row", where);
	same_bits(set, out->memory, out->size);
}

static void every_set(void (*check)(const struct sp_kernels *set, uint64_t seed))
{
	for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
		forget(); /* also what a test that failed has left */
		for (const struct sp_kernels *const *set = sp_kernels_all(); *set; set++)
			check(*set, seed);
	}
	forget();
	printf("# seeds 1 … %d\n", ROUNDS);
}

static void check_pointwise(const struct sp_kernels *set, uint64_t seed)
{
	uint64_t state = seed;
	uint32_t in = random_between(&state, 1, CHANNELS_MAX);
	uint32_t out = random_between(&state, 1, CHANNELS_MAX);
	uint32_t n = random_between(&state, 1, PIXELS_MAX);
	bool with_residual = seed % 2;
	struct sp_pointwise op = {
		.in_channels = in,
		.out_channels = out,
		.in = set->cell,
		/* Only depthwise kernels read float32 in sets of bfloat16. */
		.out = seed % 3 ? set->cell : SP_CELL_F32,
		.weights = packed,
		.bias = bias,
	};
	struct rows from = rows_make(op.in, in, n, 1), to = rows_make(op.out, out, n, 1);
	struct rows residual = rows_make(op.out, out, n, 1);

	LABEL(set, seed, "pointwise %u to %u, %u pixels", in, out, n);
	op.finish = random_finish(&state, out);
	for (uint32_t i = 0; i < in * out; i++) {
		float weight = random_float(&state) / sqrtf((float)in);

		weights[i] = set->cell == SP_CELL_BF16 ? to_bfloat16(weight) : weight;
	}
	CHECK(set->pointwise_bytes(in, out) <= sizeof(packed));
	memset(packed, ROWS_UNTOUCHED, sizeof(packed));
	set->pack_pointwise(in, out, weights, packed);
	for (size_t i = set->pointwise_bytes(in, out); i < sizeof(packed); i++)
		CHECK_EQ(packed[i], ROWS_UNTOUCHED);
	rows_fill(&from, &state);
	rows_fill(&residual, &state);
	set->pointwise(&op, from.row[0],
		       with_residual ? residual.row[0] : (struct sp_row){ NULL, 0 }, to.row[0], n);
	for (uint32_t o = 0; o < out; o++) {
		for (uint32_t x = 0; x < n; x++) {
			double sum = bias[o];

			for (uint32_t c = 0; c < in; c++)
				sum += weights[o * in + c] * rows_get(&from, 0, c, x);
			if (with_residual)
				sum += rows_get(&residual, 0, o, x);
			near(rows_get(&to, 0, o, x), finished(&op.finish, o, sum), op.out, 0, o, x);
		}
	}
	written(set, &to);
	rows_free(&from);
	rows_free(&to);
	rows_free(&residual);
}

/* Weights as struct sp_depthwise has them: [padded channels / 16][9][16]. */
static float depth_weights[PADDED_MAX * 9];

static void random_depth_weights(uint64_t *state, uint32_t channels)
{
	for (uint32_t c = 0; c < PADDED_MAX; c++) {
		for (uint32_t k = 0; k < 9; k++) {
			float weight = random_float(state);

			depth_weights[(c / 16 * 9 + k) * 16 + c % 16] = c < channels ? weight : 0;
		}
	}
}

static float depth_weight(uint32_t channel, uint32_t k)
{
	return depth_weights[(channel / 16 * 9 + k) * 16 + channel % 16];
}

static void check_depthwise(const struct sp_kernels *set, uint64_t seed)
{
	uint64_t state = seed;
	uint32_t channels = random_between(&state, 1, CHANNELS_MAX);
	uint32_t n = random_between(&state, 1, PIXELS_MAX / 2);
	uint32_t rows = random_between(&state, 1, SP_BAND_ROWS_MAX), stride = 1 + seed % 2;
	struct sp_depthwise op = {
		.channels = channels,
		.stride = stride,
		.in = seed % 3 ? set->cell : SP_CELL_F32,
		.out = set->cell,
		.weights = depth_weights,
		.bias = bias,
	};
	/* The last window ends with the picture, or with the zeros beside it. */
	uint32_t wide = stride * n - (stride == 2 && random_between(&state, 0, 1));
	struct rows from = rows_make(op.in, channels, wide, stride * (rows - 1) + 3);
	struct rows to = rows_make(op.out, channels, n, rows);

	LABEL(set, seed, "depthwise %u channels, stride %u, %u rows of %u pixels", channels, stride,
	      rows, n);
	op.finish = random_finish(&state, channels);
	random_depth_weights(&state, channels);
	rows_fill(&from, &state);
	set->depthwise(&op, from.row, to.row, rows, n);
	for (uint32_t y = 0; y < rows; y++) {
		for (uint32_t c = 0; c < channels; c++) {
			for (uint32_t x = 0; x < n; x++) {
				double sum = bias[c];

				for (uint32_t k = 0; k < 9; k++)
					sum += depth_weight(c, k) *
					       rows_get(&from, stride * y + k / 3, c,
							(int64_t)stride * x + k % 3 - 1);
				near(rows_get(&to, y, c, x), finished(&op.finish, c, sum), op.out,
				     y, c, x);
			}
		}
	}
	written(set, &to);
	rows_free(&from);
	rows_free(&to);
}

/* The planes' lines end where their memory ends. */
static void check_stem(const struct sp_kernels *set, uint64_t seed)
{
	uint64_t state = seed;
	struct sp_stem op = {
		.in_channels = random_between(&state, 1, SP_STEM_CHANNELS_MAX),
		.out_channels = random_between(&state, 1, CHANNELS_MAX),
		.side = random_between(&state, 1, SP_STEM_SIDE_MAX),
		.stride = 1 + seed % 2,
		.width = random_between(&state, 1, 2 * PIXELS_MAX),
		.out = set->cell,
		.weights = weights,
		.bias = bias,
	};
	uint32_t lines_n = op.in_channels * op.side, padded = (op.out_channels + 31) / 32 * 32, n;
	float *lines[SP_STEM_CHANNELS_MAX * SP_STEM_SIDE_MAX] = { NULL };
	struct rows to;

	op.left = random_between(&state, 0, op.side - 1);
	n = (op.width + op.left + random_between(&state, 0, op.side - 1)) / op.stride;
	n = n ? n : 1;
	to = rows_make(op.out, op.out_channels, n, 1);
	LABEL(set, seed, "stem %u to %u, side %u, stride %u, left %u, width %u, %u pixels",
	      op.in_channels, op.out_channels, op.side, op.stride, op.left, op.width, n);
	op.finish = random_finish(&state, op.out_channels);
	/* Exact in bfloat16, so that sets may multiply that. */
	for (uint32_t i = 0; i < lines_n * op.side * padded; i++) {
		float weight = to_bfloat16(random_float(&state));

		weights[i] = i % padded < op.out_channels ? weight : 0;
	}
	for (uint32_t i = 0; i < lines_n; i++) {
		if (!random_between(&state, 0, 7))
			continue;
		lines[i] = malloc(op.width * sizeof(float));
		CHECK(lines[i]);
		for (uint32_t x = 0; x < op.width; x++)
			lines[i][x] = to_bfloat16(random_float(&state));
	}
	set->stem(&op, (const float *const *)lines, to.row[0], n);
	for (uint32_t o = 0; o < op.out_channels; o++) {
		for (uint32_t x = 0; x < n; x++) {
			double sum = bias[o];

			for (uint32_t i = 0; i < lines_n * op.side; i++) {
				uint32_t at = x * op.stride + i % op.side - op.left;

				if (lines[i / op.side] && at < op.width)
					sum += weights[i * padded + o] * lines[i / op.side][at];
			}
			near(rows_get(&to, 0, o, x), finished(&op.finish, o, sum), op.out, 0, o, x);
		}
	}
	written(set, &to);
	for (uint32_t i = 0; i < lines_n; i++)
		free(lines[i]);
	rows_free(&to);
}

/* The reference's rows between the two; outside of the picture zero. */
static double between[SP_BAND_ROWS_MAX + 2][CHANNELS_MAX][PIXELS_MAX + 2];

static void check_separable(const struct sp_kernels *set, uint64_t seed)
{
	uint64_t state = seed;
	uint32_t in = random_between(&state, 1, CHANNELS_MAX);
	uint32_t out = random_between(&state, 1, CHANNELS_MAX);
	uint32_t n = random_between(&state, 1, PIXELS_MAX);
	uint32_t rows = random_between(&state, 1, SP_BAND_ROWS_MAX);
	struct sp_separable op = {
		.point = { in, out, set->cell, SP_CELL_F32, packed, bias, { NULL, 0, 0 } },
		.depth = { out, 1, SP_CELL_F32, set->cell, depth_weights, bias, { NULL, 0, 0 } },
	};
	struct rows from = rows_make(set->cell, in, n, rows + 2);
	struct rows to = rows_make(set->cell, out, n, rows);
	void *scratch;

	LABEL(set, seed, "separable %u to %u, %u rows of %u pixels", in, out, rows, n);
	op.depth.finish = random_finish(&state, out);
	op.point.finish = random_finish(&state, out);
	for (uint32_t i = 0; i < in * out; i++)
		weights[i] = to_bfloat16(random_float(&state) / sqrtf((float)in));
	set->pack_pointwise(in, out, weights, packed);
	random_depth_weights(&state, out);
	rows_fill(&from, &state);
	if (seed % 3 == 0)
		from.row[0].at = NULL;
	if (seed % 4 == 0)
		from.row[rows + 1].at = NULL;
	memset(between, 0, sizeof(between));
	for (uint32_t y = 0; y < rows + 2; y++) {
		for (uint32_t o = 0; from.row[y].at && o < out; o++) {
			for (uint32_t x = 0; x < n; x++) {
				double sum = bias[o];

				for (uint32_t c = 0; c < in; c++)
					sum += weights[o * in + c] * rows_get(&from, y, c, x);
				between[y][o][x + 1] = finished(&op.point.finish, o, sum);
			}
		}
	}
	scratch = aligned_alloc(64, (set->separable_bytes(&op) + 63) / 64 * 64);
	CHECK(scratch);
	set->separable(&op, from.row, to.row, rows, n, scratch);
	for (uint32_t y = 0; y < rows; y++) {
		for (uint32_t o = 0; o < out; o++) {
			for (uint32_t x = 0; x < n; x++) {
				double sum = bias[o];

				for (uint32_t k = 0; k < 9; k++)
					sum += depth_weight(o, k) *
					       between[y + k / 3][o][x + k % 3];
				near(rows_get(&to, y, o, x), finished(&op.depth.finish, o, sum),
				     set->cell, y, o, x);
			}
		}
	}
	written(set, &to);
	free(scratch);
	rows_free(&from);
	rows_free(&to);
}

static void check_pool(const struct sp_kernels *set, uint64_t seed)
{
	uint64_t state = seed;
	uint32_t channels = random_between(&state, 1, CHANNELS_MAX);
	uint32_t n = random_between(&state, 1, PIXELS_MAX / 2);
	struct rows from = rows_make(set->cell, channels, 2 * n, 2);
	struct rows to = rows_make(set->cell, channels, n, 1);

	LABEL(set, seed, "pool %u channels, %u pixels", channels, n);
	rows_fill(&from, &state);
	set->pool(from.row, to.row[0], to.blocks, n);
	for (uint32_t c = 0; c < channels; c++) {
		for (uint32_t x = 0; x < n; x++) {
			double most = -INFINITY;

			for (uint32_t k = 0; k < 4; k++)
				most = fmax(most, rows_get(&from, k / 2, c, 2 * x + k % 2));
			if (rows_get(&to, 0, c, x) != most)
				FAIL("%s: channel %u pixel %u is %g, not %g", where, c, x,
				     rows_get(&to, 0, c, x), most);
		}
	}
	written(set, &to);
	rows_free(&from);
	rows_free(&to);
}

static void check_sum(const struct sp_kernels *set, uint64_t seed, uint32_t each_used)
{
	uint64_t state = seed;
	uint32_t channels = random_between(&state, 1, CHANNELS_MAX);
	uint32_t n = random_between(&state, 1, PIXELS_MAX / 2) * each_used;
	struct rows a = rows_make(set->cell, channels, n, 1);
	struct rows b = rows_make(set->cell, channels, n / each_used, 1);
	struct rows to = rows_make(set->cell, channels, n, 1);
	struct sp_finish finish = random_finish(&state, channels);

	LABEL(set, seed, "sum of %u channels, %u pixels, each used %u times", channels, n,
	      each_used);
	rows_fill(&a, &state);
	rows_fill(&b, &state);
	if (each_used == 2)
		set->upsample_add(a.row[0], b.row[0], to.row[0], to.blocks, n, &finish);
	else
		set->add(a.row[0], b.row[0], to.row[0], to.blocks, n, &finish);
	for (uint32_t c = 0; c < channels; c++) {
		for (uint32_t x = 0; x < n; x++) {
			double sum = rows_get(&a, 0, c, x) + rows_get(&b, 0, c, x / each_used);

			near(rows_get(&to, 0, c, x), finished(&finish, c, sum), set->cell, 0, c, x);
		}
	}
	written(set, &to);
	rows_free(&a);
	rows_free(&b);
	rows_free(&to);
}

static void check_add(const struct sp_kernels *set, uint64_t seed)
{
	check_sum(set, seed, 1);
}

static void check_upsample_add(const struct sp_kernels *set, uint64_t seed)
{
	check_sum(set, seed, 2);
}

/* Lines of floats of exactly the pixels, with more between them than that. */
static void check_planes(const struct sp_kernels *set, uint64_t seed)
{
	uint64_t state = seed;
	enum sp_cell cell = seed % 3 ? set->cell : SP_CELL_F32;
	uint32_t channels = random_between(&state, 1, CHANNELS_MAX);
	uint32_t n = random_between(&state, 1, PIXELS_MAX), plane = n + (uint32_t)seed % 5;
	size_t size = ((size_t)(channels - 1) * plane + n) * sizeof(float);
	struct rows cells = rows_make(cell, channels, n, 1);
	float *from = malloc(size), *to = malloc(size);

	LABEL(set, seed, "planes of %u channels, %u pixels", channels, n);
	CHECK(from && to);
	for (size_t i = 0; i < size / sizeof(float); i++) {
		from[i] = random_float(&state);
		to[i] = ROWS_POISON;
	}
	set->load(cell, from, plane, cells.row[0], channels, n);
	set->store(cell, cells.row[0], to, plane, channels, n);
	for (uint32_t c = 0; c < channels; c++) {
		for (uint32_t x = 0; x < plane && c * plane + x < size / sizeof(float); x++) {
			float value = from[c * plane + x];
			float want = cell == SP_CELL_BF16 ? to_bfloat16(value) : value;

			want = x < n ? want : ROWS_POISON;
			if ((x < n && rows_get(&cells, 0, c, x) != want) ||
			    to[c * plane + x] != want)
				FAIL("%s: channel %u pixel %u is %g there and %g back, not %g",
				     where, c, x, rows_get(&cells, 0, c, x), to[c * plane + x],
				     want);
		}
	}
	written(set, &cells);
	free(from);
	free(to);
	rows_free(&cells);
}

TEST(pointwise)
{
	every_set(check_pointwise);
}

TEST(depthwise)
{
	every_set(check_depthwise);
}

TEST(stem)
{
	every_set(check_stem);
}

TEST(separable)
{
	unsigned int n = 0;

	for (const struct sp_kernels *const *set = sp_kernels_all(); *set; set++) {
		for (uint64_t seed = 1; (*set)->separable && seed <= ROUNDS; seed++, n++)
			check_separable(*set, seed);
	}
	if (!n)
		SKIP("no set that this CPU can run has one");
}

TEST(pool)
{
	every_set(check_pool);
}

TEST(add)
{
	every_set(check_add);
}

TEST(upsample_add)
{
	every_set(check_upsample_add);
}

TEST(planes_and_back)
{
	every_set(check_planes);
}

TEST(sets_by_name)
{
	const struct sp_kernels *const *set = sp_kernels_all();

	CHECK(*set);
	for (; *set; set++)
		CHECK(sp_kernels_named((*set)->name) == *set);
	CHECK(!sp_kernels_named("abacus"));
	CHECK(sp_kernels_named("portable"));
	CHECK_EQ(sp_kernels_best(SP_PRECISION_F32)->cell, SP_CELL_F32);
	CHECK(sp_kernels_best(SP_PRECISION_F32) == *sp_kernels_all() ||
	      (*sp_kernels_all())->cell == SP_CELL_BF16);
	for (int p = 0; p < SP_PRECISIONS; p++)
		CHECK(sp_kernels_best(p));
}

TEST_MAIN()
