/* SPDX-License-Identifier: Apache-2.0 */
/* Searches of galleries: exactly what a sort of all rows gives, whatever bfloat16 makes of them. */
#include "cuda/similarity.h"

#include <errno.h>
#include <math.h>

#include "base/diag.h"
#include "card.h"
#include "cuda/device.h"
#include "cuda/gallery.h"
#include "gallery_case.h"
#include "infer/element.h"
#include "test.h"

static struct sp_device device_of(void)
{
	struct sp_device device;
	struct sp_err err;

	if (sp_device_open(0, &device, &err))
		FAIL("%s", err.text);
	return device;
}

/* Sixteen sums, one after the other (infer/search.c), each product rounded by itself. */
static float similarity(const float *a, const float *b, uint32_t size)
{
	uint32_t whole = size / 16 * 16;
	float total = 0;

	for (uint32_t lane = 0; lane < 16; lane++) {
		float sum = 0;

		for (uint32_t i = lane; i < whole; i += 16)
			sum += sp_product(a[i], b[i]);
		total += sum;
	}
	for (uint32_t i = whole; i < size; i++)
		total += sp_product(a[i], b[i]);
	return isnan(total) ? -INFINITY : total;
}

static int compare(const void *left, const void *right)
{
	const struct sp_hit *a = left, *b = right;

	if (a->similarity != b->similarity)
		return a->similarity > b->similarity ? -1 : 1;
	return a->index < b->index ? -1 : 1;
}

static void check_query(const struct gallery_case *of, uint64_t seed, const float *rows,
			const float *query, const struct sp_hit *got)
{
	struct sp_hit *want = malloc((of->rows + 1) * sizeof(*want));

	for (uint32_t i = 0; i < of->rows; i++)
		want[i] = (struct sp_hit){ i, similarity(rows + (size_t)i * of->size, query,
							 of->size) };
	qsort(want, of->rows, sizeof(*want), compare);
	for (uint32_t i = 0; i < of->k && i < of->rows; i++)
		if (got[i].index != want[i].index || got[i].similarity != want[i].similarity)
			FAIL("kind %d, %u rows of %u, seed %" PRIu64
			     ": hit %u is %u (%.9g), not %u "
			     "(%.9g)",
			     of->kind, of->rows, of->size, seed, i, got[i].index,
			     (double)got[i].similarity, want[i].index, (double)want[i].similarity);
	free(want);
}

static void check_case(const struct sp_device *device, const struct gallery_case *of, uint64_t seed)
{
	struct sp_hit *hits = malloc(((size_t)of->queries * of->k + 1) * sizeof(*hits));
	struct sp_device_gallery *gallery;
	struct sp_err err = { "" };
	float *rows, *queries;

	gallery_make(of, seed, &rows, &queries);
	if (sp_device_gallery_create(device, rows, of->rows, of->size, &gallery, &err))
		FAIL("%s", err.text);
	CHECK_EQ(sp_device_gallery_search(gallery, queries, of->queries, of->k, hits, &err),
		 of->k < of->rows ? of->k : of->rows);
	for (uint32_t i = 0; i < of->queries; i++)
		check_query(of, seed, rows, queries + (size_t)i * of->size,
			    hits + (size_t)i * of->k);
	sp_device_gallery_destroy(gallery);
	free(rows);
	free(queries);
	free(hits);
}

TEST(hits_are_those_of_a_sort_of_all)
{
	struct sp_device device = device_of();

	for (uint32_t c = 0; c < GALLERY_CASES; c++)
		check_case(&device, &gallery_cases[c], 77 + c);
}

/* ---- what the kernels do on the way ---- */

enum { ROWS = 6400, SIZE = 128, QUERIES = SP_SWEEP_QUERIES, GROUPS = ROWS / SP_SWEEP_GROUP, K = 4 };

static void take(struct sp_gallery_memory *memory)
{
	memory->rows_n = ROWS;
	memory->size = memory->columns = SIZE;
	memory->groups = GROUPS;
	memory->rows = card_memory(ROWS * SIZE * sizeof(float));
	memory->halves = card_memory(ROWS * SIZE * sizeof(uint16_t));
	memory->odd = card_memory(GROUPS * sizeof(uint32_t));
	memory->reach = card_memory(2 * sizeof(uint32_t));
	memory->queries = card_memory(QUERIES * SIZE * sizeof(float));
	memory->query_halves = card_memory(QUERIES * SIZE * sizeof(uint16_t));
	memory->slack = card_memory(QUERIES * sizeof(double));
	memory->maxima = card_memory(QUERIES * GROUPS * sizeof(float));
	memory->listed = card_memory(QUERIES * sizeof(uint32_t));
	memory->list = card_memory(QUERIES * GROUPS * sizeof(uint32_t));
	memory->best = card_memory((size_t)QUERIES * SP_RESCORE_BLOCKS * SP_HITS_MAX * 8);
}

static void give(struct sp_gallery_memory *memory)
{
	void *const all[] = { memory->rows,    memory->halves,	     memory->odd,   memory->reach,
			      memory->queries, memory->query_halves, memory->slack, memory->maxima,
			      memory->listed,  memory->list,	     memory->best };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		card_free(all[i]);
}

static void upload(void *to, const void *from, size_t bytes)
{
	CARD(cudaMemcpy(to, from, bytes, cudaMemcpyHostToDevice));
}

static void download(void *to, const void *from, size_t bytes)
{
	CARD(cudaMemcpy(to, from, bytes, cudaMemcpyDeviceToHost));
}

/*
 * Of unit vectors, each group's best is within the bound of the exact one, errors of rounding are
 * as they should be, and far fewer groups than all are compared in float32.
 */
TEST(bfloat16_is_as_near_as_the_bound_says_and_sorts_out_most)
{
	static const struct gallery_case of = { STRANGERS, ROWS, SIZE, QUERIES, K };
	static float maxima[QUERIES * GROUPS];
	static uint16_t halves[QUERIES * SIZE];
	struct sp_gallery_memory memory;
	struct sp_device device = device_of();
	double slack[QUERIES];
	float *rows, *queries, reach[2];
	uint32_t listed[QUERIES];
	struct sp_hit *hits = card_pinned(QUERIES * SP_HITS_MAX * sizeof(*hits), &memory.hits);

	take(&memory);
	gallery_make(&of, 5, &rows, &queries);
	for (uint32_t i = 0; i < QUERIES; i++)
		slack[i] = 2 * 0.0044;
	for (uint32_t i = 0; i < QUERIES * SIZE; i++)
		halves[i] = sp_bf16_of(queries[i]);
	upload(memory.rows, rows, ROWS * SIZE * sizeof(float));
	upload(memory.queries, queries, QUERIES * SIZE * sizeof(float));
	upload(memory.query_halves, halves, sizeof(halves));
	upload(memory.slack, slack, sizeof(slack));
	CARD(sp_gallery_round_launch(0, &memory));
	CARD(sp_gallery_search_launch(0, &device, &memory, QUERIES, K));
	CARD(cudaStreamSynchronize(0));
	download(reach, memory.reach, sizeof(reach));
	download(maxima, memory.maxima, sizeof(maxima));
	download(listed, memory.listed, sizeof(listed));
	CHECK_NEAR(sqrtf(reach[0]), 1, 1e-5);
	CHECK(sqrtf(reach[1]) > 0.0005f && sqrtf(reach[1]) < 0x1p-8f);
	for (uint32_t q = 0; q < QUERIES; q++) {
		for (uint32_t g = 0; g < GROUPS; g++) {
			float best = -INFINITY;

			for (uint32_t i = g * SP_SWEEP_GROUP; i < (g + 1) * SP_SWEEP_GROUP; i++)
				best = fmaxf(best,
					     similarity(rows + i * SIZE, queries + q * SIZE, SIZE));
			CHECK_NEAR(maxima[q * GROUPS + g], best, 0.0044);
		}
		CHECK(listed[q] >= K && listed[q] < GROUPS / 4);
	}
	free(rows);
	free(queries);
	give(&memory);
	card_free_pinned(hits);
}

/* ---- errors ---- */

TEST(what_cannot_be_is_refused)
{
	struct sp_device device = device_of();
	struct sp_device_gallery *gallery = NULL;
	struct sp_hit hits[SP_HITS_MAX];
	static const float row[128] = { 1 };
	struct sp_err err = { "" };

	CHECK_EQ(sp_device_gallery_create(&device, row, 1, 0, &gallery, &err), -EINVAL);
	CHECK_EQ(sp_device_gallery_create(&device, row, 1, SP_EMBEDDING_MAX + 1, &gallery, &err),
		 -EINVAL);
	CHECK_EQ(sp_device_gallery_create(&device, NULL, 1, 128, &gallery, &err), -EINVAL);
	CHECK(strstr(err.text, "gallery"));
	CHECK(!gallery);
	CHECK_EQ(sp_device_gallery_create(&device, row, 1, 128, &gallery, &err), 0);
	CHECK_EQ(sp_device_gallery_search(gallery, row, 1, SP_HITS_MAX + 1, hits, &err), -EINVAL);
	CHECK_EQ(sp_device_gallery_search(gallery, NULL, 1, 1, hits, &err), -EINVAL);
	CHECK_EQ(sp_device_gallery_search(gallery, row, 1, 1, NULL, &err), -EINVAL);
	CHECK_EQ(sp_device_gallery_search(gallery, row, 1, 1, hits, &err), 1);
	CHECK_EQ(hits[0].index, 0);
	CHECK_NEAR(hits[0].similarity, 1, 0);
	sp_device_gallery_destroy(gallery);
	sp_device_gallery_destroy(NULL);
}

/* More than any device has: said in words, and what comes after works. */
TEST(too_large_a_gallery_is_one_clear_line)
{
	struct sp_device device = device_of();
	struct sp_device_gallery *gallery = NULL;
	static const float row[512] = { 1 };
	struct sp_err err = { "" };

	CHECK_EQ(sp_device_gallery_create(&device, row, 2000000000, 512, &gallery, &err), -ENOMEM);
	CHECK(strstr(err.text, "gallery: 2000000000 templates need"));
	CHECK(strstr(err.text, "MiB free"));
	CHECK(!gallery);
	check_case(&device, &gallery_cases[0], 1);
}

TEST_MAIN()
