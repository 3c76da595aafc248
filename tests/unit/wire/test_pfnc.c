/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/pfnc.h"

#include "test.h"

TEST(pfnc_table_is_consistent)
{
	for (size_t i = 0; i < sp_pfnc_table_n; i++) {
		const struct sp_pfnc *f = &sp_pfnc_table[i];

		CHECK_EQ(f->bits_per_pixel, f->code >> 16 & 0xFF);
		CHECK(f->bits <= f->bits_per_pixel);
		CHECK_EQ(f->group * f->bits_per_pixel % 8, 0);
		CHECK(sp_pfnc_by_code(f->code) == f);
		CHECK(sp_pfnc_by_name(f->name) == f);
	}
	CHECK(!sp_pfnc_by_code(0));
	CHECK(!sp_pfnc_by_name("Mono9"));
	CHECK(sp_pfnc_by_name("bayerrg8") == sp_pfnc_by_code(SP_PFNC_BAYER_RG8));
}

TEST(pfnc_sizes)
{
	CHECK_EQ(sp_pfnc_line_bytes(SP_PFNC_MONO12P, 3), 5);
	CHECK_EQ(sp_pfnc_image_bytes(SP_PFNC_MONO10P, 4, 3), 15);
	CHECK_EQ(sp_pfnc_image_bytes(SP_PFNC_RGB8, 640, 480), 921600);
	CHECK_EQ(sp_pfnc_image_bytes(SP_PFNC_MONO16, 65535, 65535), 8589672450ll);
}

TEST_MAIN()
