/* SPDX-License-Identifier: Apache-2.0 */
/* A contact sheet: the best shots of many encounters on one page, beside documents if any match. */
#ifndef SP_APP_SHEET_H
#define SP_APP_SHEET_H

#include <stdbool.h>
#include <stdint.h>

struct sp_document_match;
struct sp_encounter;
struct sp_err;
struct sp_image;
struct sp_sheet;

enum {
	/* People and empty encounters; later ones are counted, not drawn. */
	SP_SHEET_TILES_MAX = 240,
};

/* @documents: each tile has room for one beside the best shot. NULL if there is no memory. */
struct sp_sheet *sp_sheet_create(bool documents);
void sp_sheet_destroy(struct sp_sheet *sheet);

/*
 * One tile an occupant, one for an encounter without any. @matches: what sp_documents_match made of
 * it; NULL without documents. 0 or -ENOMEM.
 */
int sp_sheet_add(struct sp_sheet *sheet, const struct sp_encounter *encounter,
		 const struct sp_document_match *matches);

/* Draws the page: 0 with *@ret_image for the caller to uninit, or -errno with @err filled. */
int sp_sheet_draw(const struct sp_sheet *sheet, const char *title, struct sp_image *ret_image,
		  struct sp_err *err);

uint32_t sp_sheet_people(const struct sp_sheet *sheet);

#endif
