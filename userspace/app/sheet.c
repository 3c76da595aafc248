/* SPDX-License-Identifier: Apache-2.0 */
#include "app/sheet.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/diag.h"
#include "image/image.h"
#include "lane/encounter.h"

enum {
	PHOTO = 144,  /* pixels a side */
	MARGIN = 12,
	LINE = 11,    /* of the 8 pixel font */
	LINES = 3,
	TILE_W = PHOTO + MARGIN,
	TILE_H = PHOTO + LINES * LINE + 10 + MARGIN,
	HEADER = 44,
	COLUMNS = 8,
	CAPTION = PHOTO / 8 + 1,
};

enum colour {
	PAGE = 0x14181D,
	PANEL = 0x20262D,
	TEXT = 0xE8ECEF,
	FAINT = 0x8A949E,
	GOOD = 0x30D060,
	WEAK = 0xF0B000
};

struct tile {
	struct sp_image photo; /* rgb NULL: none was kept, or nobody was there */
	char lines[LINES][CAPTION];
	enum colour frame;
};

struct sp_sheet {
	struct tile *tiles;
	uint32_t n, people, left_out;
};

struct sp_sheet *sp_sheet_create(void)
{
	struct sp_sheet *sheet = calloc(1, sizeof(*sheet));

	if (sheet)
		sheet->tiles = calloc(SP_SHEET_TILES_MAX, sizeof(*sheet->tiles));
	if (sheet && !sheet->tiles) {
		free(sheet);
		return NULL;
	}
	return sheet;
}

void sp_sheet_destroy(struct sp_sheet *sheet)
{
	if (!sheet)
		return;
	for (uint32_t i = 0; i < sheet->n; i++)
		sp_image_uninit(&sheet->tiles[i].photo);
	free(sheet->tiles);
	free(sheet);
}

static struct tile *next_tile(struct sp_sheet *sheet)
{
	if (sheet->n == SP_SHEET_TILES_MAX) {
		sheet->left_out++;
		return NULL;
	}
	return &sheet->tiles[sheet->n++];
}

/* The photograph at the size of the tile. A damaged JPEG leaves the tile without one. */
static int scale_photo(struct tile *tile, const struct sp_occupant *o)
{
	struct sp_image photo;
	int status;

	if (!o->jpeg_size || sp_image_decode(o->jpeg, o->jpeg_size, "best shot", &photo, NULL))
		return 0;
	status = sp_image_init(&tile->photo, PHOTO, PHOTO);
	if (!status)
		sp_image_letterbox(&tile->photo, &photo);
	sp_image_uninit(&photo);
	return status;
}

int sp_sheet_add(struct sp_sheet *sheet, const struct sp_encounter *e)
{
	char begin[32];

	sp_clock_format_utc(e->begin_utc_ns, begin, sizeof(begin));
	begin[19] = '\0';
	for (uint32_t i = 0; i < (e->occupants_n ?: 1); i++) {
		const struct sp_occupant *o = &e->occupants[i];
		struct tile *tile = next_tile(sheet);

		if (!tile)
			return 0;
		snprintf(tile->lines[0], CAPTION, "%.17s", e->lane);
		snprintf(tile->lines[1], CAPTION, "%.17s", begin + 11);
		tile->frame = FAINT;
		if (!e->occupants_n) {
			snprintf(tile->lines[2], CAPTION, "%s",
				 e->triggered ? "triggered" : "nobody");
			continue;
		}
		sheet->people++;
		snprintf(tile->lines[2], CAPTION, "q %.2f  %u shots", o->quality.score, o->shots);
		tile->frame = o->reasons ? WEAK : GOOD;
		if (scale_photo(tile, o))
			return -ENOMEM;
	}
	return 0;
}

static void fill(struct sp_image *image, int x, int y, int width, int height, enum colour colour)
{
	sp_image_draw_rect(image, x, y, width, height, (width < height ? width : height) / 2 + 1,
			   colour);
}

static void draw_tile(struct sp_image *page, const struct tile *tile, int x, int y)
{
	fill(page, x, y, PHOTO, PHOTO, PANEL);
	if (tile->photo.rgb)
		sp_image_draw_image(page, x, y, &tile->photo);
	else
		sp_image_draw_text(page, x + PHOTO / 2 - 32, y + PHOTO / 2 - 4, 1, FAINT,
				   "no image");
	sp_image_draw_rect(page, x - 2, y - 2, PHOTO + 4, PHOTO + 4, 2, tile->frame);
	for (int i = 0; i < LINES; i++)
		sp_image_draw_text(page, x, y + PHOTO + 8 + i * LINE, 1, i ? FAINT : TEXT,
				   tile->lines[i]);
}

int sp_sheet_draw(const struct sp_sheet *sheet, const char *title, struct sp_image *ret_image,
		  struct sp_err *err)
{
	uint32_t columns = sheet->n < COLUMNS ? (sheet->n > 3 ? sheet->n : 3) : COLUMNS;
	uint32_t rows = sheet->n ? (sheet->n + columns - 1) / columns : 1;
	struct sp_image page;
	char line[128];
	int status;

	status = sp_image_init(&page, columns * TILE_W + MARGIN, HEADER + rows * TILE_H + MARGIN);
	if (status)
		return sp_err_set(err, status, "contact sheet: %s", strerror(-status));
	fill(&page, 0, 0, (int)page.width, (int)page.height, PAGE);
	sp_image_draw_text(&page, MARGIN, 10, 2, TEXT, title);
	snprintf(line, sizeof(line), "%u best shots, %u tiles%s", sheet->people, sheet->n,
		 sheet->left_out ? ", more left out" : "");
	sp_image_draw_text(&page, MARGIN, 30, 1, FAINT, line);
	for (uint32_t i = 0; i < sheet->n; i++)
		draw_tile(&page, &sheet->tiles[i], (int)(MARGIN + i % columns * TILE_W),
			  (int)(HEADER + 8 + i / columns * TILE_H));
	if (!sheet->n)
		sp_image_draw_text(&page, MARGIN, HEADER + 8, 1, FAINT,
				   "no encounter was recorded");
	*ret_image = page;
	return 0;
}

uint32_t sp_sheet_people(const struct sp_sheet *sheet)
{
	return sheet->people;
}
