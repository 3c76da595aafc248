/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a machine with a GPU and little else is given to check with: networks as they are after folding,
 * with their cards and what the CPU made of some inputs; and frames with the faces that the CPU found.
 * Files of `make gpu-fixtures`, read with libc alone. They hold structures as the headers of one
 * commit have them: other headers, and they are refused.
 *
 *	8 bytes "SPGPUFX1", u64 ABI (plugin.h), the content, u64 FNV-1a of all before
 */
#ifndef SP_TESTS_CUDA_FIXTURE_H
#define SP_TESTS_CUDA_FIXTURE_H

#include <stdint.h>

#include "infer/compute.h"
#include "infer/model.h"
#include "infer/model_card.h"
#include "infer/shape.h"

struct sp_err;

enum { FIXTURE_CASES_MAX = 4, FIXTURE_OUTPUTS_MAX = 24, FIXTURE_FRAMES_MAX = 16 };

/* A network's outputs for the picture that fixture_input makes of @seed. */
struct fixture_case {
	uint32_t h, w;
	uint64_t seed;
	unsigned int outputs_n;
	struct sp_shape shapes[FIXTURE_OUTPUTS_MAX];
	float *outputs[FIXTURE_OUTPUTS_MAX]; /* row-major */
};

struct fixture_network {
	struct sp_model model;
	struct sp_model_card card;
	uint8_t id[SP_MODEL_ID_SIZE];
	unsigned int cases_n;
	struct fixture_case cases[FIXTURE_CASES_MAX];
};

struct fixture_frame {
	uint32_t pixel_format, width, height, padding_x;
	uint32_t stride, packets;
	uint64_t bytes; /* of all packets, one after the other */
	uint8_t *payload;
	uint64_t *missing;
	/* How far embeddings of the CPU's bfloat16, from landmarks of its own, are from these: 1 - cosine. */
	float bf16_apart;
	uint32_t faces_n;
	struct sp_face faces[SP_FACES_MAX]; /* without portraits */
};

/* Frames, and how they were looked at: by our own networks in float32. */
struct fixture_frames {
	uint32_t detect_width, detect_height;
	unsigned int n;
	struct fixture_frame frames[FIXTURE_FRAMES_MAX];
};

/* 3 × @h × @w floats: waves and noise by @seed in the form that the card says. */
void fixture_input(const struct sp_model_card *card, uint64_t seed, uint32_t h, uint32_t w,
		   float *planes);

/* 0 or -errno with @err filled. */
int fixture_network_save(const char *path, const struct fixture_network *network,
			 struct sp_err *err);
int fixture_network_load(const char *path, struct fixture_network *ret_network, struct sp_err *err);
void fixture_network_free(struct fixture_network *network);
int fixture_frames_save(const char *path, const struct fixture_frames *frames, struct sp_err *err);
int fixture_frames_load(const char *path, struct fixture_frames *ret_frames, struct sp_err *err);
void fixture_frames_free(struct fixture_frames *frames);

#endif
