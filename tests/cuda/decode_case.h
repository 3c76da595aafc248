/* SPDX-License-Identifier: Apache-2.0 */
/* Outputs of detectors of all families, as a device has them and as floats of the host. */
#ifndef SP_TESTS_CUDA_DECODE_CASE_H
#define SP_TESTS_CUDA_DECODE_CASE_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "card.h"
#include "cuda/decode.h"
#include "infer/element.h"
#include "test.h"

enum { DECODE_PICTURES = 3 };

struct decode_case {
	const char *what;
	enum sp_decode_kind kind;
	enum sp_tensor_type type;
	uint32_t width, height; /* of the input */
	unsigned int levels, anchors;
	bool logits, planes;
	unsigned int often; /* of 256 anchors, how many have a high score */
	unsigned int odd; /* of 256 numbers, how many are none, infinite or huge */
	float overlap_max;
};

#define F32 SP_TENSOR_F32
#define BF16 SP_TENSOR_BF16
#define YUNET SP_DECODE_YUNET
#define SCRFD SP_DECODE_SCRFD
#define RETINA SP_DECODE_RETINAFACE

static const struct decode_case decode_cases[] = {
	{ "yunet, few", YUNET, F32, 160, 128, 3, 1, false, false, 12, 1, 0.3f },
	{ "yunet, bf16, few", YUNET, BF16, 160, 128, 3, 1, false, false, 12, 1, 0.3f },
	{ "yunet, none", YUNET, F32, 64, 64, 3, 1, false, false, 0, 0, 0.3f },
	{ "yunet, all, more than are kept", YUNET, F32, 320, 256, 3, 1, false, false, 256, 1,
	  0.3f },
	{ "yunet, bf16, all, none are doubles", YUNET, BF16, 320, 256, 3, 1, false, false, 256, 0,
	  1.0f },
	{ "yunet, planes", YUNET, F32, 96, 160, 3, 1, false, true, 30, 2, 0.5f },
	{ "yunet, sides that strides do not divide", YUNET, BF16, 107, 65, 3, 1, false, false, 60,
	  2, 0.4f },
	{ "yunet, one cell", YUNET, F32, 8, 8, 3, 1, false, false, 256, 0, 0.3f },
	{ "yunet, what touches is a double", YUNET, F32, 128, 128, 3, 1, false, false, 128, 0,
	  0.0f },
	{ "scrfd, two anchors", SCRFD, F32, 160, 96, 3, 2, false, false, 40, 2, 0.4f },
	{ "scrfd, logits, bf16", SCRFD, BF16, 160, 96, 3, 2, true, false, 40, 2, 0.4f },
	{ "scrfd, planes, five strides", SCRFD, F32, 256, 128, 5, 1, true, true, 80, 1, 0.4f },
	{ "scrfd, four anchors, all", SCRFD, BF16, 160, 160, 2, 4, false, true, 256, 3, 0.45f },
	{ "retinaface, two anchors", RETINA, F32, 160, 160, 3, 2, true, false, 30, 2, 0.4f },
	{ "retinaface, bf16, planes", RETINA, BF16, 160, 96, 3, 2, true, true, 60, 2, 0.3f },
	{ "retinaface, no logits, all", RETINA, F32, 192, 192, 3, 2, false, false, 256, 1, 0.4f },
};
static const unsigned int decode_cases_n = sizeof(decode_cases) / sizeof(decode_cases[0]);

struct decode_data {
	struct sp_decode device;
	struct sp_decode host; /* of float32, whatever the type is, at the same places */
	void *memory[SP_CARD_LEVELS_MAX][SP_HEADS][2]; /* of both */
};

static const uint32_t values_of[SP_HEADS] = { 1, 4, 10, 1 };

/* Eighths, in [@low, @high]. */
static inline float eighths(uint64_t *random, float low, float high)
{
	return low + (float)(card_random(random) % (uint64_t)((high - low) * 8 + 1)) / 8;
}

static inline float odd_number(uint64_t *random)
{
	static const float numbers[] = {
		NAN, INFINITY, -INFINITY, 1e30f, -1e30f, -0.0f, 200, 1e6f
	};

	return numbers[card_random(random) % 8];
}

static inline float score(const struct decode_case *of, bool high, uint64_t *random)
{
	if (of->logits)
		return high ? eighths(random, 0, 3) : eighths(random, -6, -3);
	return high ? eighths(random, 0.5f, 1) : eighths(random, -0.25f, 0.25f);
}

static inline float number(const struct decode_case *of, enum sp_head_kind head, uint32_t v,
			   bool high, uint64_t *random)
{
	if (head != SP_HEAD_SCORES && head != SP_HEAD_OBJECTNESS &&
	    card_random(random) % 256 < of->odd)
		return odd_number(random);
	switch (head) {
	case SP_HEAD_SCORES:
	case SP_HEAD_OBJECTNESS:
		if (of->kind == RETINA && of->logits)
			return v ? score(of, high, random) : 0.5f;
		return score(of, high, random);
	case SP_HEAD_BOXES:
		return of->kind == SCRFD ? eighths(random, -0.25f, 4)
		       : v < 2		 ? eighths(random, -1, 1)
					 : eighths(random, -1, 2);
	default:
		return eighths(random, -3, 3);
	}
}

/* One head of one level for all pictures, at the same places of both memories. */
static inline void fill_head(struct decode_data *data, const struct decode_case *of, unsigned int l,
			     enum sp_head_kind head, const uint8_t *high, uint64_t *random)
{
	const struct sp_decode_level *level = &data->host.level[l];
	size_t cells = (size_t)level->columns * level->rows;
	uint32_t values = head == SP_HEAD_SCORES && of->kind == RETINA ? 2 : values_of[head];
	uint32_t channels = values * of->anchors, pitch = sp_tensor_pitch(channels);
	struct sp_decode_head place = { NULL, cells * pitch, pitch, values, 1 };
	size_t numbers, bytes;
	uint16_t *halves;
	float *floats;

	if (of->planes)
		place = (struct sp_decode_head){ NULL, cells * channels, 1, values * cells, cells };
	numbers = DECODE_PICTURES * place.picture;
	bytes = numbers * sp_tensor_number(of->type);
	floats = calloc(numbers, sizeof(*floats));
	halves = calloc(numbers, sizeof(*halves));
	for (size_t i = 0; i < DECODE_PICTURES * cells * of->anchors; i++) {
		size_t picture = i / (cells * of->anchors), anchor = i % of->anchors;
		size_t cell = i / of->anchors % cells;

		for (uint32_t v = 0; v < values; v++) {
			size_t at = picture * place.picture + cell * place.cell +
				    anchor * place.anchor + v * place.value;

			floats[at] = number(of, head, v, high[i], random);
			halves[at] = sp_bf16_of(floats[at]);
			if (of->type == SP_TENSOR_BF16)
				floats[at] = sp_bf16_to_float(halves[at]);
		}
	}
	data->memory[l][head][0] = floats;
	data->memory[l][head][1] = card_memory(bytes);
	CARD(cudaMemcpy(data->memory[l][head][1],
			of->type == SP_TENSOR_BF16 ? (const void *)halves : floats, bytes,
			cudaMemcpyHostToDevice));
	free(halves);
	data->host.level[l].heads[head] = data->device.level[l].heads[head] = place;
	data->host.level[l].heads[head].at = floats;
	data->device.level[l].heads[head].at = data->memory[l][head][1];
}

/* Scores are of few values, so that many are equal and the others differ clearly. */
static inline void decode_data_init(struct decode_data *data, const struct decode_case *of,
				    uint64_t seed)
{
	memset(data, 0, sizeof(*data));
	data->host = (struct sp_decode){
		.type = of->type,
		.kind = of->kind,
		.levels = of->levels,
		.anchors = of->anchors,
		.variance = { 0.1f, 0.2f },
		.logits = of->logits,
		.score_min = 0.45f,
		.overlap_max = of->overlap_max,
	};
	for (unsigned int l = 0; l < of->levels; l++) {
		uint32_t stride = 8u << l;

		for (unsigned int a = 0; a < of->anchors; a++)
			data->host.anchor[l][a] = (float)((2 + a) * stride);
		data->host.level[l].stride = stride;
		data->host.level[l].columns = (of->width + stride - 1) / stride;
		data->host.level[l].rows = (of->height + stride - 1) / stride;
	}
	data->device = data->host;
	for (unsigned int l = 0; l < of->levels; l++) {
		size_t n = (size_t)DECODE_PICTURES * of->anchors * data->host.level[l].columns *
			   data->host.level[l].rows;
		uint8_t *high = malloc(n);

		for (size_t i = 0; i < n; i++)
			high[i] = card_random(&seed) % 256 < of->often;
		for (unsigned int h = 0; h < SP_HEADS; h++)
			if (h != SP_HEAD_OBJECTNESS || of->kind == YUNET)
				fill_head(data, of, l, h, high, &seed);
		free(high);
	}
}

static inline void decode_data_uninit(struct decode_data *data)
{
	for (unsigned int l = 0; l < SP_CARD_LEVELS_MAX; l++) {
		for (unsigned int h = 0; h < SP_HEADS; h++) {
			free(data->memory[l][h][0]);
			card_free(data->memory[l][h][1]);
		}
	}
}

/* Runs the kernels on all pictures. @ret_decoded: DECODE_PICTURES. */
static inline void decode_run(const struct decode_data *data, struct sp_decoded *ret_decoded)
{
	size_t bytes = DECODE_PICTURES * sizeof(*ret_decoded);
	void *scratch = card_memory(sp_decode_bytes(&data->device, DECODE_PICTURES));
	struct sp_decoded *there, *here = card_pinned(bytes, &there);

	memset(here, 0xEE, bytes);
	CARD(sp_decode_launch(0, &data->device, DECODE_PICTURES, scratch, there));
	CARD(cudaStreamSynchronize(0));
	memcpy(ret_decoded, here, bytes);
	card_free(scratch);
	card_free_pinned(here);
}

#endif
