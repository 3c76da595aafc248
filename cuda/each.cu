/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is done to each number alone, or to two in the same place. A thread has 16 bytes of channels
 * of one pixel; of functions, which are long, two numbers.
 *
 * Operations: one or two a number and its activation; tens for functions. Bytes: x (and z) once, y
 * once. The device's memory is the bound.
 */
#include "cuda/act.h"
#include "cuda/move.h"
#include "cuda/numbers.h"

struct each {
	enum sp_each_kind kind;
	bool swapped;
	const void *x, *z;
	void *y;
	const float *constant; /* instead of z */
	uint32_t c, pixels; /* of a picture */
	uint32_t from, to; /* pitches of x and y */
	uint32_t z_pitch;
	size_t z_picture, z_pixel; /* numbers from one to the next, 0: the same for all */
	size_t n; /* runs */
	struct sp_step_act act;
};

/* What x is taken together with, and what AFFINE adds. */
template <typename Number, int LENGTH>
static __device__ __forceinline__ void other(const struct each *each, size_t pixel,
					     uint32_t channel, float z[LENGTH], float shift[LENGTH])
{
	if (each->z) {
		size_t picture = pixel / each->pixels;

		sp_get_run<LENGTH>((const Number *)each->z + picture * each->z_picture +
					   (pixel - picture * each->pixels) * each->z_pixel +
					   channel,
				   channel, each->z_pitch, z);
		return;
	}
	SP_UNROLL
	for (int i = 0; i < LENGTH; i += 4) {
		const float *constant = each->constant + channel + i;

		sp_get_run<4>(constant, channel, each->from, z + i);
		if (each->kind == SP_EACH_AFFINE)
			sp_get_run<4>(constant + each->from, channel, each->from, shift + i);
	}
}

/* @x = x op z, or z op x. */
template <int n>
static __device__ __forceinline__ void combine(const struct each *each, float x[n],
					       const float z[n], const float shift[n])
{
	SP_UNROLL
	for (int i = 0; i < n; i++) {
		float first = each->swapped ? z[i] : x[i], second = each->swapped ? x[i] : z[i];

		switch (each->kind) {
		case SP_EACH_ADD:
			x[i] = first + second;
			break;
		case SP_EACH_SUB:
			x[i] = first - second;
			break;
		case SP_EACH_MUL:
			x[i] = first * second;
			break;
		case SP_EACH_DIV:
			x[i] = first / second;
			break;
		default:
			x[i] = x[i] * z[i] + shift[i];
		}
	}
}

template <typename Number, int LENGTH>
static __global__ void __launch_bounds__(SP_GRID_THREADS) each_run(struct each each)
{
	uint32_t runs = each.to / LENGTH;

	for (size_t i = sp_grid_first(); i < each.n; i += sp_grid_step()) {
		size_t pixel = i / runs;
		uint32_t channel = (uint32_t)(i - pixel * runs) * LENGTH;
		float x[LENGTH];

		sp_get_run<LENGTH>((const Number *)each.x + pixel * each.from + channel, channel,
				   each.from, x);
		if (each.kind != SP_EACH_ACT) {
			float z[LENGTH], shift[LENGTH];

			other<Number, LENGTH>(&each, pixel, channel, z, shift);
			combine<LENGTH>(&each, x, z, shift);
		}
		sp_act<LENGTH>(&each.act, channel, x);
		sp_pad<LENGTH>(channel, each.c, x);
		sp_put_run<LENGTH>((Number *)each.y + i * LENGTH, x);
	}
}

template <typename Number>
static __global__ void __launch_bounds__(SP_GRID_THREADS)
	each_function(struct each each, struct sp_function function)
{
	uint32_t pairs = each.to / 2;

	for (size_t i = sp_grid_first(); i < each.n; i += sp_grid_step()) {
		size_t pixel = i / pairs;
		uint32_t channel = (uint32_t)(i - pixel * pairs) * 2;
		float x[2] = { 0.0f, 0.0f };

		if (channel < each.from)
			sp_get2((const Number *)each.x + pixel * each.from + channel, x);
		SP_UNROLL
		for (int k = 0; k < 2; k++)
			x[k] = sp_function_of(function.kind, function.by[0], function.by[1], x[k]);
		sp_act<2>(&each.act, channel, x);
		sp_pad<2>(channel, each.c, x);
		sp_put2((Number *)each.y + i * 2, x);
	}
}

template <typename Number, int LENGTH>
static cudaError_t launch(cudaStream_t stream, struct each *each, const struct sp_each *what)
{
	size_t numbers = each->n;

	if (!numbers)
		return cudaSuccess;
	if (each->kind == SP_EACH_FUNCTION) {
		each->n = numbers / 2;
		return sp_launch(each_function<Number>, sp_grid(each->n), dim3(SP_GRID_THREADS), 0,
				 stream, *each, what->function);
	}
	each->n = numbers / LENGTH;
	return sp_launch(each_run<Number, LENGTH>, sp_grid(each->n), dim3(SP_GRID_THREADS), 0,
			 stream, *each);
}

extern "C" cudaError_t sp_each_launch(cudaStream_t stream, const struct sp_each *what,
				      const struct sp_device_tensor *x,
				      const struct sp_device_tensor *z,
				      const struct sp_device_tensor *y)
{
	struct each each = {};

	each.kind = what->kind;
	each.swapped = what->swapped;
	each.x = x->at;
	each.y = y->at;
	each.constant = what->constant;
	each.c = y->c;
	each.from = x->pitch;
	each.to = y->pitch;
	each.pixels = y->h * y->w;
	each.n = y->n * sp_tensor_picture(y);
	each.act = what->act;
	if (z && z->at) {
		each.z = z->at;
		each.z_pitch = z->pitch;
		each.z_picture = z->n > 1 ? sp_tensor_picture(z) : 0;
		each.z_pixel = z->h * z->w > 1 ? z->pitch : 0;
	}
	if (x->type == SP_TENSOR_F32)
		return launch<float, 4>(stream, &each, what);
	return sp_run_length(x, y) == 8 && (!each.z || z->pitch % 8 == 0)
		       ? launch<uint16_t, 8>(stream, &each, what)
		       : launch<uint16_t, 4>(stream, &each, what);
}
