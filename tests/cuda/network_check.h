/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Networks run on the device and their outputs, picture by picture, as dense float32. After test.h.
 */
#ifndef SP_TESTS_CUDA_NETWORK_CHECK_H
#define SP_TESTS_CUDA_NETWORK_CHECK_H

#include "base/diag.h"
#include "cuda/card.h"
#include "cuda/cudnn_software.h"
#include "cuda/device.h"
#include "cuda/network.h"
#include "cuda/tuner.h"
#include "infer/element.h"

struct running {
	struct sp_device device;
	struct sp_network_model *model;
	struct sp_network *network;
	uint8_t *memory, *copy; /* of the device; what was there after a run */
	size_t bytes;
	cudaStream_t stream;
	uint32_t n, h, w;
};

/* Fails the test with the error's text. */
#define RUNS(running, call)                                                                        \
	do {                                                                                       \
		struct sp_err running_err = { { 0 } };                                             \
		struct sp_err *err = &running_err;                                                 \
		int running_ret = (call);                                                          \
		if (running_ret)                                                                   \
			FAIL("%s: %d, %s", #call, running_ret, running_err.text);                  \
	} while (0)

/* @ret_tuner: one of cuDNN in software, which the caller destroys at the end. NULL: no tuner. */
static void running_init_tuned(struct running *running, const struct sp_model *model,
			       enum sp_tensor_type type, uint32_t n, uint32_t h, uint32_t w,
			       const char *cache, struct sp_tuner **ret_tuner)
{
	struct sp_tuner *tuner = NULL;

	memset(running, 0, sizeof(*running));
	running->n = n;
	running->h = h;
	running->w = w;
	RUNS(running, sp_device_open(0, &running->device, err));
	if (ret_tuner) {
		RUNS(running, sp_tuner_create_with(&running->device, cache, NULL, &software_cudnn,
						   &tuner, err));
		*ret_tuner = tuner;
	}
	RUNS(running,
	     sp_network_model_create(&running->device, model, type, tuner, &running->model, err));
	RUNS(running, sp_network_create(running->model, n, h, w, &running->network, err));
	running->bytes = sp_network_bytes(running->network);
	running->memory = card_memory(running->bytes);
	running->copy = malloc(running->bytes);
	CHECK(running->copy);
	CARD(cudaStreamCreateWithFlags(&running->stream, cudaStreamNonBlocking));
	sp_network_bind(running->network, running->memory);
}

static void running_init(struct running *running, const struct sp_model *model,
			 enum sp_tensor_type type, uint32_t n, uint32_t h, uint32_t w)
{
	running_init_tuned(running, model, type, n, h, w, NULL, NULL);
}

static void running_uninit(struct running *running)
{
	CARD(cudaStreamDestroy(running->stream));
	free(running->copy);
	card_free(running->memory);
	sp_network_destroy(running->network);
	sp_network_model_destroy(running->model);
}

/*
 * @pictures: n × 3 × h × w. All else in memory is no number before the run: nothing may be read
 * that was not written.
 */
static void running_give(struct running *running, const float *pictures)
{
	struct sp_device_tensor input = sp_network_input(running->network);
	size_t plane = (size_t)running->h * running->w, bytes = sp_tensor_bytes(&input);
	uint8_t *to = calloc(1, bytes);

	CHECK(to);
	CHECK_EQ(input.pitch, 4);
	CHECK_EQ(input.n, running->n);
	for (size_t i = 0; i < running->n * 3 * plane; i++) {
		size_t at = (i / (3 * plane) * plane + i % plane) * 4 + i / plane % 3;
		uint16_t half = sp_bf16_of(pictures[i]);

		if (input.type == SP_TENSOR_BF16)
			memcpy(to + at * 2, &half, 2);
		else
			memcpy(to + at * 4, &pictures[i], 4);
	}
	CARD(cudaMemsetAsync(running->memory, 0xFF, running->bytes, running->stream));
	CARD(cudaMemcpyAsync(input.at, to, bytes, cudaMemcpyHostToDevice, running->stream));
	CARD(cudaStreamSynchronize(running->stream));
	free(to);
}

static void running_take(struct running *running)
{
	CARD(cudaMemcpyAsync(running->copy, running->memory, running->bytes, cudaMemcpyDeviceToHost,
			     running->stream));
	CARD(cudaStreamSynchronize(running->stream));
}

__attribute__((unused)) static void running_run(struct running *running, const float *pictures)
{
	running_give(running, pictures);
	RUNS(running, sp_network_run(running->network, running->stream, err));
	running_take(running);
}

/* Output @i of picture @picture, dense and row-major; freed by the caller. */
static float *running_output(const struct running *running, unsigned int i, uint32_t picture,
			     int64_t *ret_n)
{
	struct sp_network_output output = sp_network_output(running->network, i);
	int64_t n = sp_shape_elements(&output.shape), last = 1;
	const uint8_t *from = running->copy + ((const uint8_t *)output.at - running->memory);
	float *to = calloc((size_t)n, sizeof(*to));

	CHECK(to);
	if (output.shape.rank)
		last = output.shape.dim[output.shape.rank - 1];
	for (int64_t k = 0; k < n; k++) {
		int64_t plane = last * (output.planes ? output.shape.dim[2] : 1);
		size_t at = (size_t)(k / last) * output.pitch + (size_t)(k % last);
		uint16_t half;

		if (output.planes)
			at = (size_t)(k % plane) * output.pitch + (size_t)(k / plane);
		at += picture * output.picture;
		if (output.type == SP_TENSOR_BF16) {
			memcpy(&half, from + at * 2, 2);
			to[k] = sp_bf16_to_float(half);
		} else {
			memcpy(&to[k], from + at * 4, 4);
		}
	}
	*ret_n = n;
	return to;
}

#endif
