/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One anchor of a detector's outputs on the device: where it is, its score, its box and landmarks.
 */
#ifndef SP_CUDA_DECODE_ANCHOR_H
#define SP_CUDA_DECODE_ANCHOR_H

#include "cuda/decode.h"
#include "cuda/numbers.h"

struct sp_anchor_place {
	uint32_t picture, level, cell, anchor;
};

/* Levels one after the other, of each its cells, of each its anchors. */
static __device__ __forceinline__ struct sp_anchor_place
sp_anchor_find(const struct sp_decode &decode, uint32_t picture, uint32_t place)
{
	struct sp_anchor_place at = { picture, 0, 0, 0 };

	SP_UNROLL
	for (uint32_t l = 0; l + 1 < SP_CARD_LEVELS_MAX; l++) {
		uint32_t n = decode.level[l].columns * decode.level[l].rows * decode.anchors;

		if (at.level != l || l + 1 >= decode.levels || place < n)
			continue;
		place -= n;
		at.level = l + 1;
	}
	at.cell = place / decode.anchors;
	at.anchor = place % decode.anchors;
	return at;
}

template <typename Number>
static __device__ __forceinline__ float sp_anchor_value(const struct sp_decode &decode,
							const struct sp_anchor_place &at,
							enum sp_head_kind kind, uint32_t v)
{
	const struct sp_decode_head &head = decode.level[at.level].heads[kind];

	return sp_get1((const Number *)head.at + at.picture * head.picture + at.cell * head.cell +
		       at.anchor * head.anchor + v * head.value);
}

template <typename Number>
static __device__ __forceinline__ float sp_anchor_score(const struct sp_decode &decode,
							const struct sp_anchor_place &at)
{
	float first = sp_anchor_value<Number>(decode, at, SP_HEAD_SCORES, 0), second;

	switch (decode.kind) {
	case SP_DECODE_YUNET:
		return sp_yunet_score(first,
				      sp_anchor_value<Number>(decode, at, SP_HEAD_OBJECTNESS, 0));
	case SP_DECODE_SCRFD:
		return decode.logits ? sp_sigmoid(first) : first;
	default:
		second = sp_anchor_value<Number>(decode, at, SP_HEAD_SCORES, 1);
		return decode.logits ? sp_softmax_of_two(first, second) : second;
	}
}

/* Sets box and landmarks. */
template <typename Number>
static __device__ __forceinline__ void sp_anchor_decode(const struct sp_decode &decode,
							const struct sp_anchor_place &at,
							struct sp_detection *d)
{
	const struct sp_decode_level &level = decode.level[at.level];
	uint32_t column = at.cell % level.columns, row = at.cell / level.columns;
	float stride = (float)level.stride, box[4], points[10];
	struct sp_anchor anchor;

	SP_UNROLL
	for (uint32_t v = 0; v < 4; v++)
		box[v] = sp_anchor_value<Number>(decode, at, SP_HEAD_BOXES, v);
	SP_UNROLL
	for (uint32_t v = 0; v < 10; v++)
		points[v] = sp_anchor_value<Number>(decode, at, SP_HEAD_LANDMARKS, v);
	sp_anchor_at(column, row, stride, decode.anchor[at.level][at.anchor], &anchor);
	if (decode.kind == SP_DECODE_YUNET)
		sp_yunet_box(box, column, row, stride, d->box);
	else if (decode.kind == SP_DECODE_SCRFD)
		sp_scrfd_box(box, column, row, stride, d->box);
	else
		sp_retinaface_box(box, &anchor, decode.variance, d->box);
	SP_UNROLL
	for (uint32_t k = 0; k < 5; k++) {
		if (decode.kind == SP_DECODE_YUNET)
			sp_yunet_landmark(points + 2 * k, column, row, stride, d->landmark[k]);
		else if (decode.kind == SP_DECODE_SCRFD)
			sp_scrfd_landmark(points + 2 * k, column, row, stride, d->landmark[k]);
		else
			sp_retinaface_landmark(points + 2 * k, &anchor, decode.variance,
					       d->landmark[k]);
	}
}

#endif
