/* SPDX-License-Identifier: Apache-2.0 */
/* Searches of galleries: the CPU backend's hits, bit for bit; and calls that fail. */
#include <errno.h>

#include "base/diag.h"
#include "card.h"
#include "cuda/device.h"
#include "cuda/similarity.h"
#include "emulator.h"
#include "gallery_case.h"
#include "infer/search.h"
#include "test.h"

TEST(hits_are_the_cpus)
{
	struct sp_device device;

	CHECK_EQ(sp_device_open(0, &device, NULL), 0);
	for (uint32_t c = 0; c < GALLERY_CASES; c++) {
		const struct gallery_case *of = &gallery_cases[c];
		size_t n = (size_t)of->queries * of->k;
		struct sp_hit *got = calloc(n + 1, sizeof(*got)),
			      *want = calloc(n + 1, sizeof(*want));
		struct sp_device_gallery *gallery;
		struct sp_gallery *cpu;
		float *rows, *queries;

		gallery_make(of, 900 + c, &rows, &queries);
		CHECK_EQ(sp_search_gallery_create(rows, of->rows, of->size, &cpu, NULL), 0);
		CHECK_EQ(
			sp_device_gallery_create(&device, rows, of->rows, of->size, &gallery, NULL),
			0);
		CHECK_EQ(sp_device_gallery_search(gallery, queries, of->queries, of->k, got, NULL),
			 sp_search_gallery(cpu, queries, of->queries, of->k, want));
		for (size_t i = 0; i < n; i++)
			if (got[i].index != want[i].index ||
			    got[i].similarity != want[i].similarity)
				FAIL("kind %d, %u rows of %u: hit %zu is %u (%.9g), not %u (%.9g)",
				     of->kind, of->rows, of->size, i, got[i].index,
				     (double)got[i].similarity, want[i].index,
				     (double)want[i].similarity);
		sp_device_gallery_destroy(gallery);
		sp_search_gallery_destroy(cpu);
		free(rows);
		free(queries);
		free(got);
		free(want);
	}
}

/* Whatever CUDA call fails, it is told, and nothing is left behind. */
TEST(each_call_may_fail)
{
	static const struct gallery_case of = { STRANGERS, 100, 64, 1, 3 };
	struct sp_device_gallery *gallery;
	struct sp_hit hits[3];
	struct sp_device device;
	float *rows, *queries;
	int rc = -1;

	gallery_make(&of, 3, &rows, &queries);
	sp_emulator_reset();
	CHECK_EQ(sp_device_open(0, &device, NULL), 0);
	for (uint64_t n = 1; rc < 0; n++) {
		struct sp_err err = { "" };

		CHECK(n < 50);
		gallery = NULL;
		sp_emulator_fail(n, n % 2 ? cudaErrorMemoryAllocation : cudaErrorInvalidValue);
		rc = sp_device_gallery_create(&device, rows, of.rows, of.size, &gallery, &err);
		CHECK(!gallery == (rc < 0));
		if (!rc) {
			rc = sp_device_gallery_search(gallery, queries, 1, of.k, hits, &err);
			sp_device_gallery_destroy(gallery);
		}
		CHECK(rc == 3 || (rc < 0 && !strncmp(err.text, "gallery: ", 9)));
		sp_emulator_fail(0, cudaSuccess);
		CHECK_EQ(cudaGetLastError(), cudaSuccess);
		CHECK_EQ(sp_emulator_leaks(), 0);
	}
	free(rows);
	free(queries);
}

/* A device that is lost in the middle of a search. */
TEST(a_lost_device_is_told)
{
	static const struct gallery_case of = { STRANGERS, 100, 64, 1, 3 };
	struct sp_device_gallery *gallery;
	struct sp_hit hits[3];
	struct sp_device device;
	struct sp_err err = { "" };
	float *rows, *queries;

	gallery_make(&of, 3, &rows, &queries);
	sp_emulator_reset();
	CHECK_EQ(sp_device_open(0, &device, NULL), 0);
	CHECK_EQ(sp_device_gallery_create(&device, rows, of.rows, of.size, &gallery, NULL), 0);
	sp_emulator_lose(2, cudaErrorIllegalAddress);
	CHECK_EQ(sp_device_gallery_search(gallery, queries, 1, of.k, hits, &err), -ENODEV);
	CHECK(!strncmp(err.text, "gallery: ", 9));
	sp_device_gallery_destroy(gallery);
	CHECK_EQ(cudaDeviceReset(), cudaSuccess);
	CHECK_EQ(sp_emulator_leaks(), 0);
	free(rows);
	free(queries);
}

TEST_MAIN()
