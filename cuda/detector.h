/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The detector on the device: networks for each size of input that it has met, a few of them kept,
 * and for each size as many as there are buckets. All batches share the networks, which are bound
 * to a batch's own memory when its work is put into a stream.
 */
#ifndef SP_CUDA_DETECTOR_H
#define SP_CUDA_DETECTOR_H

#include <cuda_runtime_api.h>
#include <stdint.h>

#include "cuda/decode.h"
#include "cuda/memory.h"
#include "cuda/preprocess.h"
#include "cuda/replay.h"
#include "cuda/setup.h"
#include "infer/detect.h"

struct sp_err;
struct sp_network;

enum {
	SP_DEVICE_SIZES = 4, /* cameras of more sizes than this make networks over and over */
	SP_REPLAYED_CHUNKS = 4, /* of a batch; what is beyond goes into the stream as it is */
};

/* Ready for one size of input. */
struct sp_device_size {
	uint32_t width, height;
	uint32_t places; /* looks at once; 0: not in use */
	struct sp_network *networks[SP_BUCKETS];
	struct sp_device_arena memory; /* of all batches */
	void *activations[SP_SLOTS_MAX], *scratch[SP_SLOTS_MAX];
	struct sp_detect_level levels[SP_CARD_LEVELS_MAX];
	struct sp_replay replays[SP_SLOTS_MAX][SP_REPLAYED_CHUNKS][SP_BUCKETS];
	unsigned int users; /* batches that are inside */
	uint64_t used; /* counts up; the least is the first to go */
};

struct sp_device_detector {
	const struct sp_setup *setup;
	uint32_t places; /* looks at once, at most */
	uint64_t uses;
	struct sp_device_size sizes[SP_DEVICE_SIZES];
};

void sp_device_detector_init(struct sp_device_detector *detector, const struct sp_setup *setup,
			     uint32_t places);
void sp_device_detector_uninit(struct sp_device_detector *detector);
/* The device's context is gone, and graphs and memory with it. */
void sp_device_detector_forget(struct sp_device_detector *detector);

/*
 * Gets ready for an input of @width × @height and counts a user. Takes memory the first time that a
 * size is met; where the device has too little, for fewer places. 0; -EAGAIN: users hold all sizes;
 * or -errno with @err filled.
 */
int sp_device_detector_get(struct sp_device_detector *detector, uint32_t width, uint32_t height,
			   struct sp_device_size **ret_size, struct sp_err *err);
void sp_device_detector_put(struct sp_device_size *size);

/* Looks of one size that are made together. */
struct sp_detect_chunk {
	struct sp_device_size *size;
	unsigned int slot, index; /* which batch, and which of its chunks */
	uint32_t first, n; /* places in these: */
	const struct sp_preprocess_look *looks; /* pinned, as the device sees it */
	struct sp_decoded *decoded; /* pinned, as the device sees it */
};

/*
 * Pictures, network, faces of looks [first, first + n), into @stream. Looks up to the next power of
 * two are worked on and must have no picture. 0 or -errno with @err filled.
 */
int sp_device_detector_run(struct sp_device_detector *detector, const struct sp_detect_chunk *chunk,
			   cudaStream_t stream, struct sp_err *err);

#endif
