/* SPDX-License-Identifier: Apache-2.0 */
/* The contact sheet: a tile for each person, one for an empty encounter, a bound on all of them. */
#include "app/sheet.h"

#include "app/documents.h"
#include "records.h"

static struct sp_encounter e;

static struct sp_image draw(const struct sp_sheet *sheet)
{
	struct sp_image page;
	struct sp_err err = { "" };

	if (sp_sheet_draw(sheet, "title", &page, &err))
		FAIL("%s", err.text);
	return page;
}

/* Pixels of exactly this colour. */
static unsigned int count(const struct sp_image *page, uint32_t colour)
{
	unsigned int n = 0;

	for (size_t i = 0; i < (size_t)page->width * page->height; i++) {
		const uint8_t *rgb = page->rgb + 3 * i;

		n += (uint32_t)(rgb[0] << 16 | rgb[1] << 8 | rgb[2]) == colour;
	}
	return n;
}

TEST(sheet_of_nothing_says_so)
{
	struct sp_sheet *sheet = sp_sheet_create(false);
	struct sp_image page;

	CHECK(sheet);
	page = draw(sheet);
	CHECK(page.width > 400 && page.height > 100);
	CHECK_EQ(sp_sheet_people(sheet), 0);
	sp_image_uninit(&page);
	sp_sheet_destroy(sheet);
	sp_sheet_destroy(NULL);
}

TEST(sheet_draws_people_and_empty_encounters)
{
	struct sp_sheet *sheet = sp_sheet_create(false);
	struct sp_image page;

	/* A valid person with a photograph: its grey fills most of a tile, the frame is green. */
	records_fill(&e, 0, "lane-1");
	records_jpeg(records_occupant(&e, SP_NO_DECISION), 0x80);
	CHECK_EQ(sp_sheet_add(sheet, &e, NULL), 0);
	sp_encounter_clear(&e);
	page = draw(sheet);
	CHECK(count(&page, 0x808080) > 10000);
	CHECK(count(&page, 0x30D060) > 500);
	CHECK_EQ(count(&page, 0xF0B000), 0);
	sp_image_uninit(&page);
	/* One that is not valid, with a JPEG that is none: a tile without a photograph, amber. */
	records_fill(&e, 1, "lane-1");
	records_occupant(&e, SP_NO_DECISION)->reasons = 1;
	e.occupants[0].jpeg = calloc(1, 64);
	e.occupants[0].jpeg_size = 64;
	CHECK_EQ(sp_sheet_add(sheet, &e, NULL), 0);
	sp_encounter_clear(&e);
	/* A triggered one without anybody. */
	records_fill(&e, 2, "lane-1");
	e.triggered = true;
	CHECK_EQ(sp_sheet_add(sheet, &e, NULL), 0);
	CHECK_EQ(sp_sheet_people(sheet), 2);
	page = draw(sheet);
	CHECK(count(&page, 0xF0B000) > 500);
	sp_image_uninit(&page);
	sp_sheet_destroy(sheet);
}

/* The portrait of a document stands beside the person only if they match. */
TEST(sheet_shows_matching_documents_beside)
{
	static struct sp_document document = { .name = "a-name-without-ending", .has_face = true };
	struct sp_document_match matches[2] = {
		{ &document, { .similarity = 0.7f, .decision = SP_MATCH } },
		{ &document, { .similarity = 0.2f, .decision = SP_NO_DECISION } },
	};
	struct sp_sheet *sheet = sp_sheet_create(true);
	struct sp_image page;

	CHECK_EQ(sp_image_init(&document.portrait, 100, 70), 0);
	memset(document.portrait.rgb, 0x55, 100 * 70 * 3);
	for (unsigned int i = 0; i < 2; i++) {
		records_fill(&e, i, "lane-1");
		records_jpeg(records_occupant(&e, SP_NO_DECISION), 0x80);
		CHECK_EQ(sp_sheet_add(sheet, &e, &matches[i]), 0);
		sp_encounter_clear(&e);
	}
	page = draw(sheet);
	CHECK(count(&page, 0x808080) > 2 * 128 * 150);
	CHECK_EQ(count(&page, 0x555555), 128 * 160);
	CHECK(count(&page, 0x30D060) > 500);
	sp_image_uninit(&page);
	sp_sheet_destroy(sheet);
	sp_image_uninit(&document.portrait);
}

TEST(sheet_is_bounded)
{
	struct sp_sheet *sheet = sp_sheet_create(false);
	struct sp_image page;

	for (unsigned int i = 0; i < SP_SHEET_TILES_MAX + 10; i++) {
		records_fill(&e, i % 8, "a-lane-with-a-name-longer-than-its-caption");
		records_occupant(&e, SP_NO_DECISION);
		CHECK_EQ(sp_sheet_add(sheet, &e, NULL), 0);
	}
	CHECK_EQ(sp_sheet_people(sheet), SP_SHEET_TILES_MAX);
	page = draw(sheet);
	CHECK(page.width < 2000 && page.height < 8000);
	sp_image_uninit(&page);
	sp_sheet_destroy(sheet);
}

TEST_MAIN()
