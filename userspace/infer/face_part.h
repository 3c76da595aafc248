/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The part of an aligned picture (infer/align.h) that is face, and how its levels are told apart:
 * the same for whoever measures it, on the CPU (quality_light.c) or a GPU.
 */
#ifndef SP_INFER_FACE_PART_H
#define SP_INFER_FACE_PART_H

enum {
	/* Columns and lines, and the column between its halves: the template's nose is at 56. */
	SP_FACE_LEFT = 26,
	SP_FACE_MIDDLE = 56,
	SP_FACE_RIGHT = 86,
	SP_FACE_TOP = 36,
	SP_FACE_BOTTOM = 104,
	SP_FACE_PIXELS = (SP_FACE_RIGHT - SP_FACE_LEFT) * (SP_FACE_BOTTOM - SP_FACE_TOP),
	SP_FACE_LEVELS = 256,
	SP_FACE_BLACK_MAX = 25, /* the darkest tenth of the levels */
	SP_FACE_WHITE_MIN = 247, /* the brightest nine */
	/* The halves have 2040 pixels each: bins of 8 levels, for equal light to look equal. */
	SP_FACE_COARSE = 8,
};

#endif
