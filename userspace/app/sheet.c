/* SPDX-License-Identifier: Apache-2.0 */
#include "app/sheet.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/documents.h"
#include "base/clock.h"
#include "base/diag.h"
#include "image/image.h"
#include "lane/encounter.h"

enum {
	PHOTO_W = 128, /* pixels; upright, as faces are */
	PHOTO_H = 160,
	PAD = 7,    /* between a tile's edge and what is in it */
	MARGIN = 8, /* around tiles and page */
	FONT = 8,
	LINE = 13,
	LINES = 3,
	VERDICT = 12, /* the second line is that much higher where it holds the outcome */
	HEADER = 56,
	COLUMNS = 8,
	TILE_W = PHOTO_W + 2 * PAD,
	STEP = TILE_W + MARGIN,
	/* A best shot with its document takes two columns. */
	CAPTION = (2 * STEP - MARGIN - 2 * PAD) / FONT + 1,
};

enum colour {
	PAGE = 0x15181C,
	TILE = 0x20252B,
	PANEL = 0x2B3138,
	TEXT = 0xE8ECEF,
	FAINT = 0x98A2AC,
	GOOD = 0x30D060,
	WEAK = 0xF0B000,
};

struct tile {
	struct sp_image photo, document; /* rgb NULL: none was kept, nobody was there, no match */
	char lines[LINES][CAPTION];
	enum colour accent;
};

struct sp_sheet {
	struct tile *tiles;
	uint32_t n, people, matched, encounters, left_out;
	bool documents;
};

struct sp_sheet *sp_sheet_create(bool documents)
{
	struct sp_sheet *sheet = calloc(1, sizeof(*sheet));

	if (sheet)
		sheet->tiles = calloc(SP_SHEET_TILES_MAX, sizeof(*sheet->tiles));
	if (sheet && !sheet->tiles) {
		free(sheet);
		return NULL;
	}
	if (sheet)
		sheet->documents = documents;
	return sheet;
}

void sp_sheet_destroy(struct sp_sheet *sheet)
{
	if (!sheet)
		return;
	for (uint32_t i = 0; i < sheet->n; i++) {
		sp_image_uninit(&sheet->tiles[i].photo);
		sp_image_uninit(&sheet->tiles[i].document);
	}
	free(sheet->tiles);
	free(sheet);
}

/* ---- tiles ----------------------------------------------------------------------------------- */

static struct tile *next_tile(struct sp_sheet *sheet)
{
	if (sheet->n == SP_SHEET_TILES_MAX) {
		sheet->left_out++;
		return NULL;
	}
	return &sheet->tiles[sheet->n++];
}

/* The middle of @from, so much of it as has the photograph's shape, at the photograph's size. */
static int cover(struct sp_image *photo, const struct sp_image *from)
{
	uint32_t width = from->width, height = from->height;
	struct sp_image middle, scaled;
	int status;

	if ((uint64_t)width * PHOTO_H > (uint64_t)height * PHOTO_W)
		width = height * PHOTO_W / PHOTO_H ?: 1;
	else
		height = width * PHOTO_H / PHOTO_W ?: 1;
	status = sp_image_init(&middle, width, height);
	if (status)
		return status;
	sp_image_draw_image(&middle, -(int)((from->width - width) / 2),
			    -(int)((from->height - height) / 2), from);
	/* Rounding may leave a black line at the border: a pixel of it is cut off. */
	status = sp_image_init(&scaled, PHOTO_W + 2, PHOTO_H + 2);
	if (!status) {
		sp_image_letterbox(&scaled, &middle);
		status = sp_image_init(photo, PHOTO_W, PHOTO_H);
		if (!status)
			sp_image_draw_image(photo, -1, -1, &scaled);
		sp_image_uninit(&scaled);
	}
	sp_image_uninit(&middle);
	return status;
}

/* A damaged JPEG leaves the tile without a photograph. */
static int decode_photo(struct tile *tile, const struct sp_occupant *o)
{
	struct sp_image photo;
	int status;

	if (!o->jpeg_size || sp_image_decode(o->jpeg, o->jpeg_size, "best shot", &photo, NULL))
		return 0;
	status = cover(&tile->photo, &photo);
	sp_image_uninit(&photo);
	return status;
}

/* Similarity and document under the photographs; the document's portrait if it is a match. */
static int add_document(struct sp_sheet *sheet, struct tile *tile,
			const struct sp_document_match *match)
{
	const struct sp_document *document = match->document;
	bool matches = document && match->comparison.decision == SP_MATCH;

	tile->accent = matches ? GOOD : FAINT;
	if (!matches) {
		snprintf(tile->lines[1], CAPTION, "no decision");
		tile->lines[2][0] = '\0';
		if (document)
			snprintf(tile->lines[2], CAPTION, "best %.2f",
				 (double)match->comparison.similarity);
		return 0;
	}
	sheet->matched++;
	snprintf(tile->lines[1], CAPTION, "match %.2f", (double)match->comparison.similarity);
	/* The name without its ending. */
	snprintf(tile->lines[2], CAPTION, "%.*s",
		 (int)(strrchr(document->name, '.') ? strrchr(document->name, '.') - document->name
						    : CAPTION),
		 document->name);
	return document->portrait.rgb ? cover(&tile->document, &document->portrait) : 0;
}

static int add_occupant(struct sp_sheet *sheet, struct tile *tile, const struct sp_occupant *o,
			const struct sp_document_match *match)
{
	sheet->people++;
	snprintf(tile->lines[2], CAPTION, "q %.2f  %u shots", (double)o->quality.score, o->shots);
	tile->accent = o->reasons ? WEAK : GOOD;
	if (decode_photo(tile, o))
		return -ENOMEM;
	return match ? add_document(sheet, tile, match) : 0;
}

int sp_sheet_add(struct sp_sheet *sheet, const struct sp_encounter *e,
		 const struct sp_document_match *matches)
{
	char begin[32];
	int status = 0;

	sheet->encounters++;
	sp_clock_format_utc(e->begin_utc_ns, begin, sizeof(begin));
	begin[19] = '\0'; /* whole seconds; the date is left out */
	for (uint32_t i = 0; i < (e->occupants_n ?: 1) && !status; i++) {
		struct tile *tile = next_tile(sheet);

		if (!tile)
			continue;
		tile->accent = FAINT;
		snprintf(tile->lines[0], CAPTION, "%.7s %.8s", e->lane, begin + 11);
		snprintf(tile->lines[1], CAPTION, "occupant %u", i + 1);
		if (e->occupants_n)
			status = add_occupant(sheet, tile, &e->occupants[i],
					      matches ? &matches[i] : NULL);
		else
			snprintf(tile->lines[2], CAPTION, "%s",
				 e->triggered ? "triggered" : "nobody");
	}
	return status;
}

/* ---- the page -------------------------------------------------------------------------------- */

static void fill(struct sp_image *image, int x, int y, int width, int height, enum colour colour)
{
	sp_image_draw_rect(image, x, y, width, height, (width < height ? width : height) / 2 + 1,
			   colour);
}

static void draw_photo(struct sp_image *page, const struct sp_image *photo, int x, int y)
{
	static const char without[] = "no image";

	if (photo->rgb) {
		sp_image_draw_image(page, x, y, photo);
		return;
	}
	fill(page, x, y, PHOTO_W, PHOTO_H, PANEL);
	sp_image_draw_text(page, x + (PHOTO_W - FONT * (int)(sizeof(without) - 1)) / 2,
			   y + (PHOTO_H - FONT) / 2, 1, FAINT, without);
}

/* Columns that a tile takes. */
static uint32_t columns_of(const struct tile *tile)
{
	return tile->document.rgb ? 2 : 1;
}

static int tile_height(const struct sp_sheet *sheet)
{
	return PHOTO_H + LINES * LINE + 3 * PAD + (sheet->documents ? VERDICT : 0);
}

static void draw_tile(struct sp_image *page, const struct sp_sheet *sheet, const struct tile *tile,
		      int x, int y)
{
	bool beside = tile->document.rgb;
	int width = (int)columns_of(tile) * STEP - MARGIN, caption = y + PHOTO_H + 2 * PAD + 3;

	fill(page, x, y, width, tile_height(sheet), TILE);
	/* A bar above says at a glance what the captions say. */
	fill(page, x, y, width, 4, tile->accent);
	draw_photo(page, &tile->photo, x + PAD, y + PAD);
	if (beside)
		sp_image_draw_image(page, x + width - PAD - PHOTO_W, y + PAD, &tile->document);
	for (int i = 0; i < LINES; i++) {
		bool verdict = i == 1 && beside;
		char line[CAPTION];

		/* A tile of one column has less room. */
		snprintf(line, sizeof(line), "%.*s", beside ? CAPTION : PHOTO_W / FONT,
			 tile->lines[i]);
		sp_image_draw_text(page, x + PAD, caption, verdict ? 2 : 1,
				   !i ? TEXT : verdict ? tile->accent : FAINT, line);
		caption += LINE + (verdict ? VERDICT : 0);
	}
}

static void draw_header(struct sp_image *page, const struct sp_sheet *sheet, const char *title)
{
	char line[128], beside[48] = "", left[32] = "";

	if (sheet->documents)
		snprintf(beside, sizeof(beside), ", %u beside the document that they match",
			 sheet->matched);
	if (sheet->left_out)
		snprintf(left, sizeof(left), "; %u more left out", sheet->left_out);
	snprintf(line, sizeof(line), "%u best shots of %u encounters%s%s", sheet->people,
		 sheet->encounters, beside, left);
	sp_image_draw_text(page, MARGIN, 12, 2, TEXT, title);
	sp_image_draw_text(page, MARGIN, 36, 1, FAINT, line);
}

/*
 * Goes through the tiles as they fill row after row, and draws them if there is a @page. Returns
 * the rows.
 */
static uint32_t lay_out(const struct sp_sheet *sheet, struct sp_image *page)
{
	uint32_t row = 0, column = 0;

	for (uint32_t i = 0; i < sheet->n; i++) {
		const struct tile *tile = &sheet->tiles[i];

		if (column + columns_of(tile) > COLUMNS) {
			row++;
			column = 0;
		}
		if (page)
			draw_tile(page, sheet, tile, MARGIN + (int)column * STEP,
				  HEADER + (int)row * (tile_height(sheet) + MARGIN));
		column += columns_of(tile);
	}
	return row + 1;
}

int sp_sheet_draw(const struct sp_sheet *sheet, const char *title, struct sp_image *ret_image,
		  struct sp_err *err)
{
	uint32_t rows = lay_out(sheet, NULL);
	struct sp_image page;
	int status;

	status = sp_image_init(&page, COLUMNS * STEP + MARGIN,
			       HEADER + rows * (uint32_t)(tile_height(sheet) + MARGIN));
	if (status)
		return sp_err_set(err, status, "contact sheet: %s", strerror(-status));
	fill(&page, 0, 0, (int)page.width, (int)page.height, PAGE);
	draw_header(&page, sheet, title);
	lay_out(sheet, &page);
	if (!sheet->n)
		sp_image_draw_text(&page, MARGIN, HEADER, 1, FAINT, "no encounter was recorded");
	*ret_image = page;
	return 0;
}

uint32_t sp_sheet_people(const struct sp_sheet *sheet)
{
	return sheet->people;
}
