/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Faces that have been found, on the device: turned upright, measured, judged by the quality
 * network, embedded, and as portraits. Networks of all batches are the same, as a detector's are.
 */
#ifndef SP_CUDA_FACES_H
#define SP_CUDA_FACES_H

#include <cuda_runtime_api.h>
#include <stdint.h>

#include "cuda/face.h"
#include "cuda/replay.h"
#include "cuda/setup.h"

struct sp_err;
struct sp_network;

enum {
	SP_FACES_AT_ONCE = 32,
	SP_FACE_CHUNKS = SP_BATCH_MAX * SP_FACES_MAX / SP_FACES_AT_ONCE,
	SP_REPLAYED_FACES = 4, /* chunks; what is beyond goes into the stream as it is */
};

/* How a face is turned: for measures and all networks but those with points of their own. */
enum sp_face_view { SP_VIEW_USUAL, SP_VIEW_QUALITY, SP_VIEW_EMBEDDER, SP_FACE_VIEWS };

/* Of the faces of one batch, place by place; in pinned memory. */
struct sp_face_lists {
	struct sp_warp_face *views[SP_FACE_VIEWS];
	struct sp_aligned_measures *measures;
	float *quality; /* as the network gives it */
	float *embedding; /* [numbers] a face */
	uint32_t *valid; /* whether there is one */
	struct sp_portrait_face *portraits;
};

/* What a batch has of the device's memory for its faces. */
struct sp_face_memory {
	uint8_t *aligned, *other; /* SP_FACES_AT_ONCE pictures each */
	void *activations; /* of either network; sp_face_networks.bytes */
};

struct sp_face_networks {
	const struct sp_setup *setup;
	struct sp_network *quality[SP_BUCKETS], *embedder[SP_BUCKETS];
	size_t bytes; /* that the larger one needs */
	struct sp_replay replays[SP_SLOTS_MAX][SP_REPLAYED_FACES][SP_BUCKETS];
};

/* 0 or -errno with @err filled; uninit in either case. */
int sp_face_networks_init(struct sp_face_networks *networks, const struct sp_setup *setup,
			  struct sp_err *err);
void sp_face_networks_uninit(struct sp_face_networks *networks);
/* The device's context is gone, and graphs with it. */
void sp_face_networks_forget_graphs(struct sp_face_networks *networks);

/* Faces that are made together. */
struct sp_face_chunk {
	unsigned int slot, index; /* which batch, and which of its chunks */
	uint32_t n; /* faces from index × SP_FACES_AT_ONCE on */
	const struct sp_face_lists *lists; /* as the device sees them */
	const struct sp_face_memory *memory;
};

/*
 * All of it into @stream. Faces up to the next power of two are worked on and must have no picture.
 * 0 or -errno with @err filled.
 */
int sp_face_networks_run(struct sp_face_networks *networks, const struct sp_face_chunk *chunk,
			 cudaStream_t stream, struct sp_err *err);

#endif
