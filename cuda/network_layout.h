/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a tensor of the logical graph lies in one of the device. A device tensor is H × W pixels of C
 * channels side by side; a tensor of the graph is numbers in a row-major order of its own. A place
 * says where the k-th of them is: `runs`, outermost first, are lengths and distances whose nested
 * walk gives the numbers in order. Of a picture 1 × C × H × W there are two, C at distance 1 and H
 * · W at distance `pitch`.
 *
 * Since the runs know nothing of axes, RESHAPE, FLATTEN, SQUEEZE and UNSQUEEZE leave a place as it
 * is, and TRANSPOSE reorders runs: none of them moves a number. What computes on a place asks
 * whether the runs are the ones it can do with. Pictures of a batch follow each other, so runs are
 * of one picture. Pure.
 */
#ifndef SP_CUDA_NETWORK_LAYOUT_H
#define SP_CUDA_NETWORK_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cuda/tensor.h"
#include "infer/shape.h"

enum { SP_PLACE_RUNS_MAX = 2 * SP_RANK_MAX };

struct sp_run {
	size_t length, distance; /* numbers */
};

struct sp_place {
	uint32_t buffer; /* of the network; tensor.at is set when memory is bound */
	struct sp_device_tensor tensor;
	size_t base; /* numbers before the first: where but some of the channels are meant */
	unsigned int runs_n; /* 0: one number */
	struct sp_run runs[SP_PLACE_RUNS_MAX]; /* longer than 1; none continues the one before */
};

/* A picture 1 × C × H × W in @tensor; and 1 × … × H × W × C: pixels by pixels. */
void sp_place_picture(struct sp_place *place, uint32_t buffer,
		      const struct sp_device_tensor *tensor);
void sp_place_pixels(struct sp_place *place, uint32_t buffer,
		     const struct sp_device_tensor *tensor);

/* As @from, in @tensor, which has as many pixels and channels and perhaps another pitch. */
void sp_place_move(struct sp_place *place, const struct sp_place *from, uint32_t buffer,
		   const struct sp_device_tensor *tensor);

/* Numbers of one picture. */
size_t sp_place_elements(const struct sp_place *place);
/* Where number @k lies: numbers from the picture's begin. */
size_t sp_place_offset(const struct sp_place *place, size_t k);

/*
 * Axes of @from in the order of @perm. false: an axis has no end where a run can be cut, or there
 * are too many runs.
 */
bool sp_place_transpose(struct sp_place *place, const struct sp_shape *from, const int64_t *perm);

/* Whether @shape in @place is the picture of a device tensor, and which. */
bool sp_place_is_picture(const struct sp_place *place, const struct sp_shape *shape,
			 struct sp_device_tensor *ret_tensor);
/*
 * Whether rows of the last axis lie channel by channel and follow each other at one distance: true
 * of whatever has h · w rows of c. *ret_pitch: from row to row.
 */
bool sp_place_is_rows(const struct sp_place *place, const struct sp_shape *shape,
		      size_t *ret_pitch);
/* Whether both have the same numbers in the same pixels and channels, whatever their pitches. */
bool sp_place_alike(const struct sp_place *a, const struct sp_place *b);

/*
 * For each channel of @place, which has @shape, the one value of @of (of @of_shape, broadcast) that
 * meets it: @ret [pitch], zeros beyond the channels. false: a channel meets several, or the shapes
 * do not fit.
 */
bool sp_place_channels(const struct sp_place *place, const struct sp_shape *shape, const float *of,
		       const struct sp_shape *of_shape, float *ret);

/*
 * Whether @other, of @other_shape, is of one pixel whose channel meets the same one of @place and
 * no other.
 */
bool sp_place_meets_pixel(const struct sp_place *place, const struct sp_shape *shape,
			  const struct sp_place *other, const struct sp_shape *other_shape);

#endif
