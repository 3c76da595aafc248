/* SPDX-License-Identifier: Apache-2.0 */
/* A contact sheet of travellers: each somebody else, turned, lit and dressed as people are. */
#ifndef LANESIM_SHEET_H
#define LANESIM_SHEET_H

#include <stdint.h>

struct sp_err;
struct sp_image;

struct lanesim_sheet {
	uint64_t seed;
	uint32_t rows, columns;
	uint32_t side; /* of a tile, pixels */
	unsigned int threads;
	const char *label; /* of the progress bar, or NULL */
};

/* 0 with *@ret_image for the caller to uninit, or -errno with @err filled. */
int lanesim_sheet_draw(const struct lanesim_sheet *sheet, struct sp_image *ret_image,
		       struct sp_err *err);

#endif
