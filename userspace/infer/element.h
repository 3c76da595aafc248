/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The arithmetic of one element, shared by the CPU's loops and the GPU's kernels so that both
 * decide alike: samples, colours, decoding a detector's cell, similarity transforms, interpolation.
 */
#ifndef SP_INFER_ELEMENT_H
#define SP_INFER_ELEMENT_H

#include <math.h>
#include <stdint.h>

#include "infer/graph.h"

#ifdef __CUDACC__
#define SP_HOST_DEVICE static __host__ __device__ __forceinline__
#else
#define SP_HOST_DEVICE static inline
#endif

/*
 * A product that is rounded by itself. Compilers for GPUs make one instruction of a product and a
 * sum, which rounds once; where a CPU's result is to be had to the last bit, they must not.
 */
SP_HOST_DEVICE float sp_product(float a, float b)
{
#ifdef __CUDA_ARCH__
	return __fmul_rn(a, b);
#else
	return a * b;
#endif
}

/* ---- samples: the top eight bits of each ---- */

/* Sample @i of a little-endian stream of 10-bit samples (PFNC …10p: 4 in 5 bytes). */
SP_HOST_DEVICE uint8_t sp_sample_10p(const uint8_t *bytes, uint32_t i)
{
	const uint8_t *at = bytes + i / 4 * 5 + i % 4;

	/* Sample i of its four starts at bit 10 i: byte i, bit 2 i. */
	return (uint8_t)((at[0] | at[1] << 8) >> (2 * (i % 4) + 2));
}

/* Sample @i of a little-endian stream of 12-bit samples (PFNC …12p: 2 in 3 bytes). */
SP_HOST_DEVICE uint8_t sp_sample_12p(const uint8_t *bytes, uint32_t i)
{
	const uint8_t *at = bytes + i / 2 * 3 + i % 2;

	return (uint8_t)((at[0] | at[1] << 8) >> (4 * (i % 2) + 4));
}

/* Sample @i of 16-bit little-endian words of which the low @bits are used. */
SP_HOST_DEVICE uint8_t sp_sample_16(const uint8_t *bytes, uint32_t i, uint32_t bits)
{
	return (uint8_t)((bytes[2 * i] | bytes[2 * i + 1] << 8) >> (bits - 8));
}

/* ---- colours ---- */

SP_HOST_DEVICE float sp_clamp(float x, float low, float high)
{
	/* NaN becomes low. */
	return x > low ? (x < high ? x : high) : low;
}

SP_HOST_DEVICE uint8_t sp_clamp_u8(int x)
{
	return (uint8_t)(x < 0 ? 0 : x > 255 ? 255 : x);
}

/* To the nearest level. */
SP_HOST_DEVICE uint8_t sp_to_u8(float x)
{
	return (uint8_t)(sp_clamp(x, 0.0f, 255.0f) + 0.5f);
}

/*
 * Two pixels Y U Y V. PFNC's YUV is ITU-R BT.601 at full range, chroma offset by 128. Four zero
 * bytes are no colour that a camera can send but what missing packets read as: black.
 */
SP_HOST_DEVICE void sp_yuyv_to_rgb(const uint8_t yuyv[4], uint8_t rgb[6])
{
	/* 1.402, 0.344136, 0.714136 and 1.772 in 65536ths. */
	int cb = yuyv[1] - 128, cr = yuyv[3] - 128;
	int red = (91881 * cr + 32768) >> 16, green = (22553 * cb + 46802 * cr + 32768) >> 16;
	int blue = (116130 * cb + 32768) >> 16;

	if (!(yuyv[0] | yuyv[1] | yuyv[2] | yuyv[3]))
		red = green = blue = 0;
	rgb[0] = sp_clamp_u8(yuyv[0] + red);
	rgb[1] = sp_clamp_u8(yuyv[0] - green);
	rgb[2] = sp_clamp_u8(yuyv[0] + blue);
	rgb[3] = sp_clamp_u8(yuyv[2] + red);
	rgb[4] = sp_clamp_u8(yuyv[2] - green);
	rgb[5] = sp_clamp_u8(yuyv[2] + blue);
}

/* Of a mosaic's quad as one colour: the mean of its two greens, rounded up. */
SP_HOST_DEVICE uint8_t sp_quad_green(uint8_t a, uint8_t b)
{
	return (uint8_t)((a + b + 1) >> 1);
}

/* ITU-R BT.601 luma of gamma-coded RGB, 0 … 255. */
SP_HOST_DEVICE float sp_luma(float r, float g, float b)
{
	return sp_product(0.299f, r) + sp_product(0.587f, g) + sp_product(0.114f, b);
}

/*
 * Bilinear demosaic at (x, y): each missing colour is the rounded mean of its nearest samples. @up,
 * @mid, @down are lines y - 1, y, y + 1; @l, @r the columns x - 1, x + 1. At the image's border the
 * caller gives the line or column on the other side, which has the same colour. @red_line,
 * @red_column: whether y and x are ones that hold red samples.
 */
SP_HOST_DEVICE void sp_demosaic(const uint8_t *up, const uint8_t *mid, const uint8_t *down,
				uint32_t l, uint32_t x, uint32_t r, int red_line, int red_column,
				uint8_t rgb[3])
{
	uint8_t own = mid[x];
	uint8_t beside = (uint8_t)((mid[l] + mid[r] + 1) >> 1);
	uint8_t above = (uint8_t)((up[x] + down[x] + 1) >> 1);

	if (red_line == red_column) {
		uint8_t cross = (uint8_t)((mid[l] + mid[r] + up[x] + down[x] + 2) >> 2);
		uint8_t corners = (uint8_t)((up[l] + up[r] + down[l] + down[r] + 2) >> 2);

		rgb[0] = red_line ? own : corners;
		rgb[1] = cross;
		rgb[2] = red_line ? corners : own;
	} else {
		rgb[0] = red_line ? beside : above;
		rgb[1] = own;
		rgb[2] = red_line ? above : beside;
	}
}

/* ---- YuNet's heads (formulas: github.com/ShiqiYu/libfacedetection.train) ---- */

SP_HOST_DEVICE float sp_yunet_score(float cls, float obj)
{
	return sqrtf(sp_clamp(cls, 0.0f, 1.0f) * sp_clamp(obj, 0.0f, 1.0f));
}

/* @box: x, y of the top left corner, width, height, in pixels of the network's input. */
SP_HOST_DEVICE void sp_yunet_box(const float bbox[4], uint32_t column, uint32_t row, float stride,
				 float box[4])
{
	float width = expf(bbox[2]) * stride, height = expf(bbox[3]) * stride;

	box[0] = sp_product((float)column + bbox[0], stride) - width / 2;
	box[1] = sp_product((float)row + bbox[1], stride) - height / 2;
	box[2] = width;
	box[3] = height;
}

SP_HOST_DEVICE void sp_yunet_landmark(const float kps[2], uint32_t column, uint32_t row,
				      float stride, float point[2])
{
	point[0] = ((float)column + kps[0]) * stride;
	point[1] = ((float)row + kps[1]) * stride;
}

/* ---- SCRFD's heads (github.com/deepinsight/insightface, detection/scrfd) ---- */

SP_HOST_DEVICE float sp_sigmoid(float x)
{
	return 1.0f / (1.0f + expf(-x));
}

/* @distance: to the left, upper, right and lower side, in strides from the cell's corner. */
SP_HOST_DEVICE void sp_scrfd_box(const float distance[4], uint32_t column, uint32_t row,
				 float stride, float box[4])
{
	box[0] = ((float)column - distance[0]) * stride;
	box[1] = ((float)row - distance[1]) * stride;
	box[2] = (distance[0] + distance[2]) * stride;
	box[3] = (distance[1] + distance[3]) * stride;
}

SP_HOST_DEVICE void sp_scrfd_landmark(const float distance[2], uint32_t column, uint32_t row,
				      float stride, float point[2])
{
	point[0] = ((float)column + distance[0]) * stride;
	point[1] = ((float)row + distance[1]) * stride;
}

/* ---- RetinaFace's heads (github.com/biubug6/Pytorch_Retinaface) ---- */

/* A square anchor: its centre and side, in pixels of the network's input. */
struct sp_anchor {
	float x, y, side;
};

SP_HOST_DEVICE void sp_anchor_at(uint32_t column, uint32_t row, float stride, float side,
				 struct sp_anchor *anchor)
{
	anchor->x = ((float)column + 0.5f) * stride;
	anchor->y = ((float)row + 0.5f) * stride;
	anchor->side = side;
}

/* The second of two numbers' softmax. */
SP_HOST_DEVICE float sp_softmax_of_two(float first, float second)
{
	return sp_sigmoid(second - first);
}

/* @offset: of the centre in variances of the side, of width and height as logarithms. */
SP_HOST_DEVICE void sp_retinaface_box(const float offset[4], const struct sp_anchor *anchor,
				      const float variance[2], float box[4])
{
	float width = anchor->side * expf(offset[2] * variance[1]);
	float height = anchor->side * expf(offset[3] * variance[1]);

	box[0] = anchor->x + sp_product(offset[0] * variance[0], anchor->side) - width / 2;
	box[1] = anchor->y + sp_product(offset[1] * variance[0], anchor->side) - height / 2;
	box[2] = width;
	box[3] = height;
}

SP_HOST_DEVICE void sp_retinaface_landmark(const float offset[2], const struct sp_anchor *anchor,
					   const float variance[2], float point[2])
{
	point[0] = anchor->x + sp_product(offset[0] * variance[0], anchor->side);
	point[1] = anchor->y + sp_product(offset[1] * variance[0], anchor->side);
}

/* ---- bfloat16: the upper half of a float32 ---- */

SP_HOST_DEVICE float sp_bf16_to_float(uint16_t half)
{
	union {
		uint32_t bits;
		float value;
	} u = { (uint32_t)half << 16 };

	return u.value;
}

/* To nearest, ties to even; subnormal numbers stay; a NaN stays one. */
SP_HOST_DEVICE uint16_t sp_bf16_of(float x)
{
	union {
		float value;
		uint32_t bits;
	} u = { x };

	if ((u.bits & 0x7FFFFFFF) > 0x7F800000)
		return (uint16_t)(u.bits >> 16 | 1 << 6);
	return (uint16_t)((u.bits + 0x7FFF + (u.bits >> 16 & 1)) >> 16);
}

/* ---- functions of one number ---- */

/* Hendrycks and Gimpel, Gaussian error linear units (2016). */
SP_HOST_DEVICE float sp_gelu(float x)
{
	return 0.5f * x * (1.0f + erff(x * 0.70710678f));
}

SP_HOST_DEVICE float sp_gelu_tanh(float x)
{
	return 0.5f * x * (1.0f + tanhf(0.79788456f * (x + 0.044715f * x * x * x)));
}

/* struct sp_function; @a, @b: its constants. */
SP_HOST_DEVICE float sp_function_of(enum sp_function_kind kind, float a, float b, float x)
{
	switch (kind) {
	case SP_FUN_ABS:
		return fabsf(x);
	case SP_FUN_ELU:
		return x < 0 ? a * expm1f(x) : x;
	case SP_FUN_ERF:
		return erff(x);
	case SP_FUN_EXP:
		return expf(x);
	case SP_FUN_GELU:
		return sp_gelu(x);
	case SP_FUN_GELU_TANH:
		return sp_gelu_tanh(x);
	case SP_FUN_HARDSIGMOID:
		return sp_clamp(a * x + b, 0, 1);
	case SP_FUN_HARDSWISH:
		return x * sp_clamp(x / 6 + 0.5f, 0, 1);
	case SP_FUN_LOG:
		return logf(x);
	case SP_FUN_NEG:
		return -x;
	case SP_FUN_POW:
		return powf(x, a);
	case SP_FUN_RECIPROCAL:
		return 1 / x;
	case SP_FUN_SQRT:
		return sqrtf(x);
	default:
		return tanhf(x);
	}
}

/* ---- boxes ---- */

/* Intersection over union of two boxes x, y, width, height; 0 if either is empty. */
SP_HOST_DEVICE float sp_box_overlap(const float a[4], const float b[4])
{
	float width = fminf(a[0] + a[2], b[0] + b[2]) - fmaxf(a[0], b[0]);
	float height = fminf(a[1] + a[3], b[1] + b[3]) - fmaxf(a[1], b[1]);
	float common = width > 0 && height > 0 ? sp_product(width, height) : 0.0f;
	float both = sp_product(a[2], a[3]) + sp_product(b[2], b[3]) - common;

	return both > 0 ? common / both : 0.0f;
}

/* ---- similarity transforms and interpolation ---- */

/* (x, y) → (a x - b y + tx, b x + a y + ty): turn, scale, shift. Pixel centres at integers. */
struct sp_similarity {
	float a, b, tx, ty;
};

SP_HOST_DEVICE void sp_similarity_apply(const struct sp_similarity *s, float x, float y,
					float *ret_x, float *ret_y)
{
	*ret_x = sp_product(s->a, x) - sp_product(s->b, y) + s->tx;
	*ret_y = sp_product(s->b, x) + sp_product(s->a, y) + s->ty;
}

/* The value at fractions (@fx, @fy) between four neighbours. */
SP_HOST_DEVICE float sp_bilinear(float v00, float v01, float v10, float v11, float fx, float fy)
{
	float top = v00 + sp_product(v01 - v00, fx), bottom = v10 + sp_product(v11 - v10, fx);

	return top + sp_product(bottom - top, fy);
}

/*
 * The same of levels, in the fixed point that OpenCV's 8-bit resize has (weights @wx, @wy in
 * 2048ths, 4 bits dropped across, 16 down, the last 2 rounded). The quality network is so sensitive
 * that the levels this gets differently from an exact interpolation move its score by 0.002; the
 * reference scores were made with these.
 */
SP_HOST_DEVICE int sp_bilinear_u8(int v00, int v01, int v10, int v11, int wx, int wy)
{
	int top = (v00 * (2048 - wx) + v01 * wx) >> 4;
	int bottom = (v10 * (2048 - wx) + v11 * wx) >> 4;

	return ((top * (2048 - wy) >> 16) + (bottom * wy >> 16) + 2) >> 2;
}

#endif
