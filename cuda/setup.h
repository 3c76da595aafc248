/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the backend has made of its configuration: checked networks and numbers. Constant once open.
 */
#ifndef SP_CUDA_SETUP_H
#define SP_CUDA_SETUP_H

#include <stdbool.h>
#include <stdint.h>

#include "cuda/device.h"
#include "cuda/tensor.h"
#include "infer/compute.h"
#include "infer/detect_outputs.h"
#include "infer/model_card.h"

struct sp_err;
struct sp_model;
struct sp_network_model;
struct sp_tuner;

enum {
	SP_SLOTS_MAX = 3, /* batches inside at once: one is gathered, one computed, one read */
	SP_BUCKETS = 7, /* sizes of batches that networks are made for: 1, 2, 4 … 64 */
	SP_BATCH_MAX = 1 << (SP_BUCKETS - 1), /* frames, looks or faces at once */
};

/* A network with its card; of a face, what it gives. Not there: model is NULL. */
struct sp_setup_model {
	struct sp_model *model;
	struct sp_model_card card;
	struct sp_network_model *network;
	uint32_t numbers; /* for one face */
	bool own_points; /* its faces are not turned as sp_align_template has it */
};

struct sp_setup {
	struct sp_device device;
	struct sp_tuner *tuner;
	enum sp_tensor_type type;
	struct sp_setup_model detector, embedder, quality;
	struct sp_detect_outputs outputs; /* of the detector */
	uint32_t detect_width, detect_height; /* 0: the frame's own size */
	struct sp_tile_config tiles; /* of all cameras but these */
	struct sp_compute_camera *cameras;
	unsigned int cameras_n;
	float score_min;
	struct sp_quality_limits limits;
	bool embed_invalid;
	unsigned int in_flight;
	unsigned int batch, slots; /* batch: where there is memory enough */
	uint64_t frame_bytes;
	uint32_t packets_max; /* of a frame */
	uint64_t wait_ns; /* for others of a batch */
};

/* Opens the device, loads and checks. 0 or -errno with @err filled; uninit in either case. */
int sp_setup_init(struct sp_setup *setup, const struct sp_compute_config *config,
		  struct sp_err *err);
void sp_setup_uninit(struct sp_setup *setup);

/* What is looked at of the frames of a camera. */
const struct sp_tile_config *sp_setup_tiles(const struct sp_setup *setup, uint16_t lane,
					    uint16_t camera);

/* Whether any camera has more looks than one at a frame. */
bool sp_setup_tiled(const struct sp_setup *setup);

/* The least i with 2^i ≥ @n. */
static inline unsigned int sp_bucket_of(uint32_t n)
{
	unsigned int bucket = 0;

	while (1u << bucket < n)
		bucket++;
	return bucket;
}

#endif
