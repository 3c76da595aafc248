/* SPDX-License-Identifier: Apache-2.0 */
/* Strands of hair as a texture: streaks along v of several widths across u, a row at a time. */
#ifndef LANESIM_STRANDS_H
#define LANESIM_STRANDS_H

#include <stdint.h>

enum { LANESIM_STRANDS_WIDTH_MAX = 768, LANESIM_STRANDS_SCALES = 3 };

struct lanesim_strands {
	struct {
		float wide, long_; /* texels across and along */
		float weight; /* they add up to 1 */
		int32_t knot; /* the one that `here` is of */
		float here[LANESIM_STRANDS_WIDTH_MAX], next[LANESIM_STRANDS_WIDTH_MAX];
	} scale[LANESIM_STRANDS_SCALES + 1]; /* the last: how far strands stray sideways */
	uint32_t width;
	int32_t layer; /* of noise */
};

/* @curl: 0 straight strands … 1 ringlets. */
void lanesim_strands_init(struct lanesim_strands *strands, uint32_t width, float curl,
			  int32_t layer);

struct lanesim_strands_row {
	float shade[LANESIM_STRANDS_WIDTH_MAX]; /* how light, 0 … 1, mean ½ */
	float fine[LANESIM_STRANDS_WIDTH_MAX]; /* single strands, 0 … 1 */
	float lock[LANESIM_STRANDS_WIDTH_MAX]; /* what holds together, 0 … 1 */
};

/* Row @y; rows in rising order. */
void lanesim_strands_row(struct lanesim_strands *strands, uint32_t y,
			 struct lanesim_strands_row *ret_row);

#endif
