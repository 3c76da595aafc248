/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Claim: the kernels of inference (infer/cpu/kernel.h) reach most of what one core can do: those
 * that multiply, of the multiply-adds that it makes with everything in registers (bench/roof.h);
 * those that move, of what memcpy moves. Rows lie in the nearest caches, as they do in a network.
 *
 * Arguments: cases to measure, by the beginnings of their names; none: all.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "bench.h"
#include "infer/cpu/kernel.h"
#include "roof.h"

enum {
	ROWS = SP_BAND_ROWS_MAX,
	ROWS_IN_MAX = 2 * ROWS + 1,
	RING = ROWS + 2,
	CHANNELS_MAX = 512,
	STEM_LINES = 9,
	REPEATS = 40, /* of which the fastest counts: other work on the machine disturbs */
};

/* YuNet's and MobileFaceNet's layers. */
static const struct shape {
	enum kind { POINTWISE, DEPTHWISE, PAIR, STEM, POOL, ADD, UPSAMPLE_ADD, LOAD, STORE } kind;
	uint32_t in, out, stride, n; /* channels, pixels out */
} shapes[] = {
	{ POINTWISE, 16, 64, 1, 160 },	{ POINTWISE, 64, 64, 1, 160 },
	{ POINTWISE, 64, 64, 1, 80 },	{ POINTWISE, 64, 64, 1, 20 },
	{ POINTWISE, 64, 16, 1, 80 },	{ POINTWISE, 64, 128, 1, 28 },
	{ POINTWISE, 128, 64, 1, 28 },	{ POINTWISE, 128, 128, 1, 28 },
	{ POINTWISE, 128, 128, 1, 14 }, { POINTWISE, 256, 128, 1, 7 },
	{ POINTWISE, 128, 512, 1, 7 },	{ DEPTHWISE, 64, 64, 1, 160 },
	{ DEPTHWISE, 64, 64, 1, 80 },	{ DEPTHWISE, 128, 128, 1, 28 },
	{ DEPTHWISE, 128, 128, 1, 14 }, { DEPTHWISE, 128, 128, 2, 28 },
	{ DEPTHWISE, 64, 64, 2, 80 },	{ PAIR, 64, 64, 1, 160 },
	{ PAIR, 64, 64, 1, 80 },	{ STEM, 3, 16, 2, 320 },
	{ STEM, 3, 64, 2, 56 },		{ POOL, 64, 64, 2, 80 },
	{ ADD, 64, 64, 1, 160 },	{ UPSAMPLE_ADD, 64, 64, 1, 80 },
	{ LOAD, 64, 64, 1, 80 },	{ STORE, 16, 16, 1, 80 },
};

static const char *const kinds[] = { "pointwise", "depthwise",	  "pair", "stem", "pool",
				     "add",	  "upsample_add", "load", "store" };

/* Large and small; of each, as many rows as a band reads or makes. */
struct work {
	const struct sp_kernels *set;
	const struct shape *shape;
	struct sp_row in[ROWS_IN_MAX], also[ROWS], out[ROWS], ring[RING];
	uint32_t next; /* row of the ring */
	const float *lines[STEM_LINES];
	float *planes;
	void *weights, *scratch;
	float *depth_weights, *bias;
	uint8_t *from, *to; /* of the moves' memcpy */
	double amount; /* multiply-adds or bytes written, a run */
};

static void *zeroed(size_t size)
{
	void *memory = aligned_alloc(4096, (size + 4095) / 4096 * 4096);

	if (!memory)
		exit(1);
	return memset(memory, 0, size);
}

/* Values that keep results in range for good. */
static void *small_values(size_t size)
{
	float *memory = zeroed(size);

	for (size_t i = 0; i < size / sizeof(float); i++)
		memory[i] = (float)(i % 7) * 0x1p-8f;
	return memory;
}

static size_t make_rows(enum sp_cell cell, uint32_t channels, uint32_t n, struct sp_row *rows,
			uint32_t count)
{
	uint32_t blocks = (channels + sp_cell_channels(cell) - 1) / sp_cell_channels(cell);
	size_t block = (SP_ROW_LEFT + n + SP_ROW_RIGHT) * (size_t)SP_CELL_BYTES;
	uint8_t *at = zeroed(count * blocks * block);

	for (uint32_t i = 0; i < count; i++)
		rows[i] = (struct sp_row){ at + i * blocks * block + SP_CELL_BYTES, block };
	return (size_t)blocks * n * SP_CELL_BYTES;
}

static const struct sp_finish relu = { NULL, 0, INFINITY };

static void pointwise(struct work *work)
{
	const struct shape *shape = work->shape;
	struct sp_pointwise op = {
		.in_channels = shape->in,
		.out_channels = shape->out,
		.in = work->set->cell,
		.out = SP_CELL_F32, /* for a depthwise one */
		.weights = work->weights,
		.bias = work->bias,
		.finish = relu,
	};

	for (uint32_t y = 0; y < ROWS; y++)
		work->set->pointwise(&op, work->in[y], (struct sp_row){ NULL, 0 }, work->out[y],
				     shape->n);
}

static void depthwise(struct work *work)
{
	struct sp_depthwise op = {
		.channels = work->shape->in,
		.stride = work->shape->stride,
		.in = SP_CELL_F32,
		.out = work->set->cell,
		.weights = work->weights,
		.bias = work->bias,
		.finish = relu,
	};

	work->set->depthwise(&op, work->in, work->out, ROWS, work->shape->n);
}

/*
 * The next band of a picture: pointwise rows into a ring, depthwise from there; or both in one
 * kernel.
 */
static void pair(struct work *work)
{
	const struct shape *shape = work->shape;
	struct sp_separable op = {
		.point = { shape->in, shape->out, work->set->cell, SP_CELL_F32, work->weights,
			   work->bias, relu },
		.depth = { shape->out, 1, SP_CELL_F32, work->set->cell, work->depth_weights,
			   work->bias, relu },
	};
	struct sp_row window[RING];

	if (work->set->separable) {
		work->set->separable(&op, work->in, work->out, ROWS, shape->n, work->scratch);
		return;
	}
	for (uint32_t i = 0; i < ROWS; i++, work->next++)
		work->set->pointwise(&op.point, work->in[i], (struct sp_row){ NULL, 0 },
				     work->ring[work->next % RING], shape->n);
	/* Of the rows made so far, the last RING. */
	for (uint32_t i = 0; i < RING; i++)
		window[i] = work->ring[(work->next + i) % RING];
	work->set->depthwise(&op.depth, window, work->out, ROWS, shape->n);
}

static void stem(struct work *work)
{
	struct sp_stem op = {
		.in_channels = work->shape->in,
		.out_channels = work->shape->out,
		.side = 3,
		.stride = work->shape->stride,
		.left = 1,
		.width = work->shape->n * work->shape->stride,
		.out = work->set->cell,
		.weights = work->weights,
		.bias = work->bias,
		.finish = relu,
	};

	for (uint32_t y = 0; y < ROWS; y++)
		work->set->stem(&op, work->lines, work->out[y], work->shape->n);
}

static void move(struct work *work)
{
	const struct sp_kernels *set = work->set;
	const struct shape *shape = work->shape;
	uint32_t blocks = (shape->in + sp_cell_channels(set->cell) - 1) /
			  sp_cell_channels(set->cell);

	for (uint32_t y = 0; y < ROWS; y++) {
		if (shape->kind == POOL)
			set->pool(work->in + 2 * y, work->out[y], blocks, shape->n);
		else if (shape->kind == ADD)
			set->add(work->in[y], work->also[y], work->out[y], blocks, shape->n, &relu);
		else if (shape->kind == UPSAMPLE_ADD)
			set->upsample_add(work->in[y], work->also[y], work->out[y], blocks,
					  shape->n, &relu);
		else if (shape->kind == LOAD)
			set->load(set->cell, work->planes, shape->n, work->out[y], shape->in,
				  shape->n);
		else
			set->store(set->cell, work->in[y], work->planes, shape->n, shape->in,
				   shape->n);
	}
}

static void copy(struct work *work)
{
	memcpy(work->to, work->from, (size_t)work->amount);
}

/* Billions a second: the amount by the least time of some repeats. */
static double rate(struct work *work, void (*run)(struct work *work))
{
	uint64_t least = UINT64_MAX;

	for (unsigned int i = 0; i < REPEATS; i++) {
		uint64_t from = sp_clock_now(), took;

		run(work);
		took = sp_clock_now() - from;
		least = took < least ? took : least;
	}
	return work->amount / (double)least;
}

static double run_kernel(void *arg)
{
	struct work *work = arg;
	static void (*const runs[])(struct work * work) = {
		[POINTWISE] = pointwise, [DEPTHWISE] = depthwise, [PAIR] = pair,
		[STEM] = stem,		 [POOL] = move,		  [ADD] = move,
		[UPSAMPLE_ADD] = move,	 [LOAD] = move,		  [STORE] = move,
	};

	return rate(work, runs[work->shape->kind]);
}

static double run_roof(void *arg)
{
	struct work *work = arg;

	return roof_measure(work->set->name) / 1e9;
}

static double run_memcpy(void *arg)
{
	return rate(arg, copy);
}

static struct work *prepare(const struct sp_kernels *set, const struct shape *shape)
{
	struct work *work = zeroed(sizeof(*work));
	uint32_t n = shape->n, from = n * shape->stride;
	enum kind kind = shape->kind;
	size_t bytes;

	*work = (struct work){ .set = set, .shape = shape };
	if (kind == PAIR && set->separable) {
		struct sp_separable op = {
			.point = { .in_channels = shape->in, .out_channels = shape->out },
			.depth = { .channels = shape->out, .stride = 1 },
		};

		op.point.in = op.depth.out = set->cell;
		work->scratch = zeroed(set->separable_bytes(&op));
	}
	work->bias = zeroed(CHANNELS_MAX * sizeof(float));
	make_rows(kind == DEPTHWISE ? SP_CELL_F32 : set->cell, shape->in, from, work->in,
		  ROWS_IN_MAX);
	make_rows(set->cell, shape->in, n, work->also, ROWS);
	bytes = make_rows(kind == POINTWISE ? SP_CELL_F32 : set->cell, shape->out, n, work->out,
			  ROWS);
	work->planes = small_values((size_t)shape->in * from * sizeof(float));
	make_rows(SP_CELL_F32, shape->out, n, work->ring, RING);
	if (kind == POINTWISE || kind == PAIR) {
		float *weights = small_values((size_t)shape->in * shape->out * sizeof(float));

		work->weights = zeroed(set->pointwise_bytes(shape->in, shape->out));
		set->pack_pointwise(shape->in, shape->out, weights, work->weights);
		free(weights);
		work->amount = (double)ROWS * n * shape->in * shape->out;
		work->depth_weights = small_values((size_t)shape->out * 9 * sizeof(float));
		work->amount += kind == PAIR ? (double)ROWS * n * shape->out * 9 : 0;
	} else if (kind == DEPTHWISE) {
		work->weights = small_values((size_t)shape->in * 9 * sizeof(float));
		work->amount = (double)ROWS * n * shape->in * 9;
	} else if (kind == STEM) {
		for (uint32_t i = 0; i < STEM_LINES; i++)
			work->lines[i] = work->planes + (size_t)i / 3 * from;
		work->weights =
			small_values((size_t)STEM_LINES * 3 * shape->out * 2 * sizeof(float));
		work->amount = (double)ROWS * n * STEM_LINES * 3 * shape->out;
	} else {
		work->amount = (double)(ROWS * bytes);
		work->from = small_values(ROWS * bytes);
		work->to = zeroed(ROWS * bytes);
	}
	return work;
}

static void put_away(struct work *work)
{
	free((uint8_t *)work->in[0].at - SP_CELL_BYTES);
	free((uint8_t *)work->also[0].at - SP_CELL_BYTES);
	free((uint8_t *)work->out[0].at - SP_CELL_BYTES);
	free((uint8_t *)work->ring[0].at - SP_CELL_BYTES);
	free(work->planes);
	free(work->weights);
	free(work->depth_weights);
	free(work->scratch);
	free(work->bias);
	free(work->from);
	free(work->to);
	free(work);
}

static bool wanted(const char *label, int argc, char **argv)
{
	bool any = argc < 2;

	for (int i = 1; i < argc; i++)
		any |= !strncmp(label, argv[i], strlen(argv[i]));
	return any;
}

/* Every set and what it is measured by, in the same rounds. */
static void measure(struct sp_bench *bench, const struct shape *shape, const char *label)
{
	struct sp_bench_row rows[SP_BENCH_ROWS_MAX];
	struct work *works[SP_BENCH_ROWS_MAX / 2];
	char limits[SP_BENCH_ROWS_MAX / 2][32];
	bool moves = shape->kind >= POOL;
	size_t n = 0;

	for (const struct sp_kernels *const *set = sp_kernels_all(); *set; set++, n++) {
		works[n] = prepare(*set, shape);
		snprintf(limits[n], sizeof(limits[n]), "%s_%s", moves ? "memcpy" : "roof",
			 (*set)->name);
		rows[2 * n] = (struct sp_bench_row){
			.label = label,
			.engine = (*set)->name,
			.metric = moves ? "written" : "multiply_adds",
			.unit = moves ? "GB/s" : "G/s",
			.run = run_kernel,
			.arg = works[n],
			.peer = limits[n],
			.better = "higher",
		};
		rows[2 * n + 1] = rows[2 * n];
		rows[2 * n + 1].engine = limits[n];
		rows[2 * n + 1].run = moves ? run_memcpy : run_roof;
		rows[2 * n + 1].peer = NULL;
	}
	sp_bench_run(bench, rows, 2 * n, SP_BENCH_ROUNDS);
	while (n)
		put_away(works[--n]);
}

int main(int argc, char **argv)
{
	struct sp_bench *bench = sp_bench_begin("kernels");
	bool any = false;
	int ret;

	if (!bench)
		return 1;
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		const struct shape *shape = &shapes[i];
		char label[64];

		snprintf(label, sizeof(label), "%s_%u_%u_%u%s", kinds[shape->kind], shape->in,
			 shape->out, shape->n, shape->stride == 2 ? "_stride_2" : "");
		if (!wanted(label, argc, argv))
			continue;
		measure(bench, shape, label);
		any = true;
	}
	ret = sp_bench_end(bench);
	if (!any)
		fprintf(stderr, "kernels: no case begins like that; without arguments all run\n");
	return any ? ret : 1;
}
