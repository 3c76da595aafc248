/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From YuNet's twelve outputs to faces. Per stride 8, 16, 32 the network gives for each cell of the
 * grid (input side / stride), row by row: cls and obj (1 value), bbox (4), kps (10). Pure.
 */
#ifndef SP_INFER_DETECT_H
#define SP_INFER_DETECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	SP_YUNET_LEVELS = 3, /* strides 8, 16, 32 */
	SP_DETECTIONS_MAX = 1024, /* candidates before suppression; more lose their weakest */
};

#define SP_DETECT_SCORE_MIN 0.6f
#define SP_DETECT_OVERLAP_MAX 0.3f
#define SP_DETECT_FAR 1e6f /* pixels; what lies or reaches further is no face */

/* Which of a network's outputs are the heads; all found by sp_yunet_match. */
struct sp_yunet_heads {
	unsigned int cls[SP_YUNET_LEVELS], obj[SP_YUNET_LEVELS], bbox[SP_YUNET_LEVELS],
		kps[SP_YUNET_LEVELS];
};

struct sp_yunet_level {
	const float *cls, *obj, *bbox, *kps;
};

struct sp_detection {
	float box[4]; /* x, y, width, height, in pixels of the network's input */
	float landmark[5][2];
	float score;
	uint32_t cell; /* place among all cells, coarser strides after finer; breaks ties */
};

/*
 * Finds the heads among @n outputs by their names cls_8 … kps_32. On failure false, and
 * *ret_missing is the first name that is not there.
 */
bool sp_yunet_match(const char *const *names, unsigned int n, struct sp_yunet_heads *ret_heads,
		    const char **ret_missing);

/* Cells of a level, and so floats of its cls: (width / stride) × (height / stride). */
static inline size_t sp_yunet_cells(unsigned int level, uint32_t width, uint32_t height)
{
	return (size_t)(width / (8u << level)) * (height / (8u << level));
}

/*
 * Cells that score at least @score_min into @detections (room for SP_DETECTIONS_MAX), in no order.
 * What is empty, no number or beyond SP_DETECT_FAR is left out. Returns how many.
 */
unsigned int sp_yunet_decode(const struct sp_yunet_level levels[SP_YUNET_LEVELS], uint32_t width,
			     uint32_t height, float score_min, struct sp_detection *detections);

/*
 * Sorts by score, best first, equal ones by cell, then keeps of those that overlap by more than
 * @overlap_max (intersection over union) the first. Returns how many are left, in order.
 */
unsigned int sp_detect_suppress(struct sp_detection *detections, unsigned int n, float overlap_max);

#endif
