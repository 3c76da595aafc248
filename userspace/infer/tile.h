/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which parts of a frame a detector looks at: the whole of it, made as small as the detector's
 * input, and beside that tiles in which small faces keep enough pixels. Pure.
 */
#ifndef SP_INFER_TILE_H
#define SP_INFER_TILE_H

#include <stdbool.h>
#include <stdint.h>

#include "infer/scale.h"

struct sp_err;
struct sp_fit;

enum {
	SP_TILE_AREAS_MAX = 16, /* of a camera */
	SP_TILE_LOOKS_MAX = 64, /* at a frame, the whole one included: each costs one detection */
	SP_TILE_INPUT_MIN = 128, /* a side of the detector's input where there are tiles */
	SP_TILE_SIDE = 640, /* of the detector's input for tiles where it has no size of its own */
};

/*
 * Pixels between the eyes, in the detector's input, that it takes to find a face: of 60 photographs
 * made smaller and put on grey, YuNet_n finds 14 at 4 pixels, 38 at 5, 50 at 6, 58 at 8, 60 at 10;
 * our own detector 8, 20, 39, 52, 58.
 */
#define SP_TILE_EYES_MIN 8.0f
/* The height of a face's box, the longer side, in distances between its eyes: 3.0 on average. */
#define SP_TILE_FACE_HEIGHT 3.2f

/*
 * A face's box that ends closer than this to a tile's border, in pixels of the input, may be a piece
 * of a larger one.
 */
#define SP_TILE_BORDER 2.0f

struct sp_tile_area {
	struct sp_scale_rect rect; /* pixels of the frame; what is outside of it is left out */
	/* Pixels of the detector's input for each of the frame, at least: above 0, at most 1. */
	float scale;
};

/* What is looked at of a frame; zeroed: the whole, once. */
struct sp_tile_config {
	bool no_whole; /* not the whole frame made small */
	/*
	 * Faces are to be found anywhere from these pixels of the frame between the eyes on. 0: what
	 * the whole frame made small shows. At most the frame's own pixels are looked at.
	 */
	float eyes_min;
	unsigned int areas_n;
	struct sp_tile_area areas[SP_TILE_AREAS_MAX];
};

/*
 * Looks at a frame of @width × @height by a detector whose input is @input_width × @input_height (0
 * × 0: the whole frame is looked at in its own size): the whole first, then tiles, line by line,
 * for eyes_min and for each area.
 *
 * Tiles of one area overlap by the largest face that the whole frame made small does not show and a
 * border, so that some tile has it whole. Where that were more than half a tile, tiles of scales
 * between come first. Without the whole frame tiles overlap by half. Faces across an area's own
 * border are its own risk.
 *
 * 0 with @looks (room for SP_TILE_LOOKS_MAX) and *ret_n ≥ 1; with @err filled -EINVAL: nothing to
 * look at, a scale out of range, an input too small for tiles; -E2BIG: too many tiles.
 */
int sp_tile_plan(const struct sp_tile_config *config, uint32_t width, uint32_t height,
		 uint32_t input_width, uint32_t input_height, struct sp_fit *looks,
		 unsigned int *ret_n, struct sp_err *err);

#endif
