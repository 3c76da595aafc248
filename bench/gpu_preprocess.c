/* SPDX-License-Identifier: Apache-2.0 */
/* Kernel B alone: frames of 5 megapixels of every kind of pixel to a detector's input. */
#include <errno.h>

#include "base/diag.h"
#include "cuda/check.h"
#include "cuda/gather.h"
#include "cuda/preprocess.h"
#include "gpu.h"

enum { FRAMES = 16, SIDE = 640, BITS_MAX = 24, OPERATIONS_A_SAMPLE = 2 };

/* The orders of a mosaic differ in nothing that takes time. */
static const char *const formats[] = { "Mono8",	     "Mono10", "Mono10p",  "Mono12",
				       "Mono12p",    "Mono16", "BayerRG8", "BayerRG10p",
				       "BayerRG12p", "RGB8",   "YUV422_8" };

struct looks {
	uint32_t n, width, height;
	uint64_t room;
	uint8_t *pixels;
	struct sp_preprocess_look *at, *view;
	struct sp_device_tensor input;
};

static int init(struct gpu_bench *bench, struct looks *looks, struct gpu_memory *memory,
		struct sp_err *err)
{
	uint32_t side = bench->small ? 64 : SIDE;

	looks->n = bench->small ? 2 : FRAMES;
	looks->width = bench->small ? 128 : 2448;
	looks->height = bench->small ? 96 : 2048;
	looks->room =
		((uint64_t)looks->width * looks->height * BITS_MAX / 8 + SP_GATHER_SLACK + 255) /
		256 * 256;
	looks->pixels = gpu_take(memory, looks->n * looks->room, err);
	if (!looks->pixels || gpu_fill(looks->pixels, looks->n * looks->room, err))
		return -ENOMEM;
	looks->at = gpu_take_pinned(memory, looks->n * sizeof(*looks->at), &looks->view, err);
	if (!looks->at)
		return -ENOMEM;
	looks->input = (struct sp_device_tensor){
		.type = SP_TENSOR_BF16, .n = looks->n, .h = side, .w = side, .c = 3, .pitch = 4
	};
	looks->input.at = gpu_take(memory, sp_tensor_bytes(&looks->input), err);
	return looks->input.at ? 0 : -ENOMEM;
}

static int preprocess(void *arg, cudaStream_t stream, struct sp_err *err)
{
	static const struct sp_input_form levels = { .bgr = true, .scale = { 1, 1, 1 } };
	struct looks *looks = arg;

	return SP_CUDA(err,
		       sp_preprocess_launch(stream, looks->view, looks->n, &levels, &looks->input));
}

static int bench_format(struct gpu_bench *bench, struct looks *looks, const char *name,
			struct sp_err *err)
{
	const struct sp_scale_rect whole = { 0, 0, looks->width, looks->height };
	const struct sp_pfnc *format = sp_pfnc_by_name(name);
	uint64_t pixels = (uint64_t)looks->width * looks->height;
	struct gpu_numbers numbers;
	char label[128];

	if (!format)
		return sp_err_set(err, -EINVAL, "no format %s", name);
	for (uint32_t i = 0; i < looks->n; i++) {
		looks->at[i].picture = sp_picture_of(format, looks->width, looks->height, 0,
						     looks->pixels + i * looks->room);
		sp_fit_init(&looks->at[i].fit, &whole, looks->input.w, looks->input.h);
	}
	numbers = (struct gpu_numbers){
		.operations = (double)OPERATIONS_A_SAMPLE * looks->n * (double)pixels *
			      (format->kind >= SP_PFNC_RGB ? 3 : 1),
		.bytes = (double)sp_pfnc_image_bytes(format->code, looks->width, looks->height) *
				 looks->n +
			 (double)sp_tensor_bytes(&looks->input),
	};
	snprintf(label, sizeof(label), "preprocess %u x %ux%u %s to %u", looks->n, looks->width,
		 looks->height, name, looks->input.w);
	return gpu_measure(bench, label, preprocess, looks, 10, &numbers, err);
}

void gpu_preprocess(struct gpu_bench *bench)
{
	struct gpu_memory memory = { 0 };
	struct looks looks;
	struct sp_err err;
	int rc = init(bench, &looks, &memory, &err);

	for (size_t i = 0; !rc && i < sizeof(formats) / sizeof(formats[0]); i++)
		rc = bench_format(bench, &looks, formats[i], &err);
	if (rc)
		gpu_failed(bench, "preprocess", &err);
	gpu_give_back(&memory);
}
