/* SPDX-License-Identifier: Apache-2.0 */
/* Our alignment against the reference's crops: the same landmarks, another warp. */
#include "infer/align.h"

#include <math.h>

#include "golden.h"
#include "infer/pixels.h"

enum { CROPS = 64 };

/*
 * The reference interpolates with fractions of 1/32 pixel, so an edge of 200 levels may differ by
 * 3; a shift of a quarter of a pixel or a swapped colour is far outside this.
 */
TEST(aligned_faces_match_the_reference)
{
	const size_t size = SP_ALIGNED_PIXELS * 3;
	uint8_t *crops = golden_read("data/golden/lfw_dev_small.aligned112_bgr.first64.u8.gz",
				     CROPS * size);
	struct golden_row *rows = golden_rows();
	struct sp_align_scratch *scratch;
	uint8_t rgb[SP_ALIGNED_PIXELS * 3];
	struct sp_pixels pixels;
	double worst = 0, all = 0;

	CHECK_EQ(sp_align_scratch_create(&scratch), 0);
	CHECK_EQ(sp_pixels_init(&pixels), 0);
	for (int n = 0; n < CROPS; n++) {
		const uint8_t *want = crops + (size_t)n * size;
		struct sp_similarity similarity;
		struct photo photo;
		char name[256];
		double sum = 0;

		snprintf(name, sizeof(name), "lfw_dev_small/%s", rows[n].image);
		photo_init(&photo, name);
		CHECK_EQ(sp_pixels_begin(&pixels, &photo.wrap.frame), 0);
		CHECK_EQ(sp_align_fit(rows[n].landmark, sp_align_template, &similarity), 0);
		CHECK_EQ(sp_align_invert(&similarity, &similarity), 0);
		CHECK_EQ(sp_align_warp(scratch, &pixels, &similarity, rgb), 0);
		for (size_t i = 0; i < size; i++)
			sum += abs(rgb[i] - want[i / 3 * 3 + 2 - i % 3]);
		worst = fmax(worst, sum / (double)size);
		all += sum / (double)size / CROPS;
		photo_uninit(&photo);
	}
	free(crops);
	free(rows);
	sp_pixels_uninit(&pixels);
	sp_align_scratch_destroy(scratch);
	printf("# mean difference %.3f levels, of the worst crop %.3f\n", all, worst);
	CHECK(worst < 0.3);
}

TEST_MAIN()
