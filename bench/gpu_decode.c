/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Detections out of YuNet's heads, alone: of each picture a crowd of anchors that score, several at
 * one face, so that there is something to put in order and to suppress.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/diag.h"
#include "cuda/check.h"
#include "cuda/decode.h"
#include "gpu.h"

enum { PICTURES = 64, LEVELS = 3, FACES = 50, AROUND = 4, SECTOR = 32 };

struct heads {
	struct sp_decode decode;
	uint32_t n, anchors, scoring; /* pictures; of one, anchors and those that score */
	void *scratch;
	struct sp_decoded *decoded, *decoded_view;
	struct gpu_memory memory;
};

static uint16_t bf16(float x)
{
	union {
		float f;
		uint32_t bits;
	} as = { .f = x };

	return (uint16_t)(as.bits >> 16);
}

/*
 * Of a level's scores (all at once, else all of one value): faces lie a few cells apart, and the
 * cells beside each score too.
 */
static int make_head(struct heads *heads, unsigned int l, enum sp_head_kind kind,
		     struct sp_err *err)
{
	static const uint32_t values[SP_HEADS] = { 1, 4, 10, 1 };
	struct sp_decode_level *level = &heads->decode.level[l];
	size_t cells = (size_t)level->columns * level->rows, pitch = sp_tensor_pitch(values[kind]);
	size_t apart = cells / (FACES / LEVELS) > 2 * AROUND ? cells / (FACES / LEVELS)
							     : 2 * AROUND;
	size_t bytes = heads->n * cells * pitch * sizeof(uint16_t);
	uint16_t *here = calloc(1, bytes);
	void *there;
	int rc;

	if (!here)
		return sp_err_set(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < heads->n * cells; i++)
		for (uint32_t v = 0; v < values[kind]; v++) {
			bool scores = i % cells % apart < AROUND;

			/* A box: no distance from its cell, e^1 strides wide. */
			if (kind == SP_HEAD_SCORES || kind == SP_HEAD_OBJECTNESS)
				here[i * pitch + v] = bf16(scores ? 0.9f : 0.1f);
			else if (kind == SP_HEAD_BOXES)
				here[i * pitch + v] = bf16(v < 2 ? 0 : 1);
		}
	for (size_t i = 0; kind == SP_HEAD_SCORES && i < cells; i++)
		heads->scoring += i % apart < AROUND;
	there = gpu_take(&heads->memory, bytes, err);
	rc = there ? SP_CUDA(err, cudaMemcpy(there, here, bytes, cudaMemcpyHostToDevice)) : -ENOMEM;
	level->heads[kind] = (struct sp_decode_head){ there, cells * pitch, pitch, values[kind],
						      1 };
	free(here);
	return rc;
}

static int init(struct gpu_bench *bench, struct heads *heads, struct sp_err *err)
{
	uint32_t side = bench->small ? 64 : 640;
	int rc = 0;

	heads->n = bench->small ? 2 : PICTURES;
	heads->decode = (struct sp_decode){ .type = SP_TENSOR_BF16,
					    .kind = SP_DECODE_YUNET,
					    .levels = LEVELS,
					    .anchors = 1,
					    .score_min = 0.6f,
					    .overlap_max = 0.3f };
	for (unsigned int l = 0; !rc && l < LEVELS; l++) {
		struct sp_decode_level *level = &heads->decode.level[l];

		level->stride = 8u << l;
		level->columns = level->rows = side / level->stride;
		heads->anchors += level->columns * level->rows;
		for (unsigned int kind = 0; !rc && kind < SP_HEADS; kind++)
			rc = make_head(heads, l, kind, err);
	}
	if (rc)
		return rc;
	heads->scratch = gpu_take(&heads->memory, sp_decode_bytes(&heads->decode, heads->n), err);
	if (!heads->scratch)
		return -ENOMEM;
	heads->decoded = gpu_take_pinned(&heads->memory, heads->n * sizeof(*heads->decoded),
					 &heads->decoded_view, err);
	return heads->decoded ? 0 : -ENOMEM;
}

static int decode(void *arg, cudaStream_t stream, struct sp_err *err)
{
	struct heads *heads = arg;

	return SP_CUDA(err, sp_decode_launch(stream, &heads->decode, heads->n, heads->scratch,
					     heads->decoded_view));
}

void gpu_decode(struct gpu_bench *bench)
{
	struct heads heads = { 0 };
	struct gpu_numbers numbers;
	char label[96];
	struct sp_err err;
	int rc = init(bench, &heads, &err);

	numbers = (struct gpu_numbers){
		.operations = 6.0 * heads.anchors * heads.n,
		.bytes = 2.0 * SECTOR * heads.anchors * heads.n, /* of two heads each */
	};
	snprintf(label, sizeof(label), "decode and suppress %u x %u anchors", heads.n,
		 heads.anchors);
	if (!rc)
		rc = gpu_measure(bench, label, decode, &heads, 20, &numbers, &err);
	/* What was timed is what was meant to be: faces were found, and doubles suppressed. */
	if (!rc && (!heads.decoded[0].n || heads.decoded[0].n >= heads.scoring))
		rc = sp_err_set(&err, -EIO, "%u faces of %u anchors that score", heads.decoded[0].n,
				heads.scoring);
	if (!rc)
		gpu_record_one(bench, label, "faces", "1", heads.decoded[0].n);
	if (rc)
		gpu_failed(bench, "decode", &err);
	gpu_give_back(&heads.memory);
}
