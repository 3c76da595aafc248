/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One batch of frames inside: its stream, its memory, and how far it is.
 *
 *	slot_frame.c	frames come in: checked, described, their looks planned
 *	slot.c		gathered, looked at; faces made
 *	slot_faces.c	on the host: faces out of what was found, results out of what was measured
 *
 * One thread. What the device reads and writes on the host lies in pinned memory, at the same
 * places for every batch, so that launches can be captured once.
 */
#ifndef SP_CUDA_SLOT_H
#define SP_CUDA_SLOT_H

#include <cuda_runtime_api.h>
#include <stdbool.h>
#include <stdint.h>

#include "cuda/detector.h"
#include "cuda/faces.h"
#include "cuda/gather.h"
#include "cuda/memory.h"
#include "frame/frame.h"
#include "infer/compute.h"
#include "infer/preprocess.h"

struct sp_err;
struct sp_ring;
struct sp_sightings;

enum sp_slot_state { SP_SLOT_FREE, SP_SLOT_LOOKING, SP_SLOT_FACING };

struct sp_slot_frame {
	struct sp_result *result;
	struct sp_frame
		frame; /* its image alone, with the batch's own bitmap; pixels may be gone */
	struct sp_picture picture;
	struct sp_fit looks[SP_TILE_LOOKS_MAX];
	uint32_t place[SP_TILE_LOOKS_MAX]; /* of each in the batch's lists */
	unsigned int looks_n;
	uint32_t first_face; /* place of its first face in the batch's lists */
	bool cut[SP_FACES_MAX];
};

struct sp_slot {
	unsigned int index;
	const struct sp_setup *setup;
	struct sp_device_detector *detector;
	struct sp_face_networks *networks;
	cudaStream_t stream;
	cudaEvent_t gathered, done;
	struct sp_device_arena device, pinned;
	/* On the device. */
	uint8_t *pixels; /* [batch × frame_stride] */
	size_t frame_stride;
	struct sp_face_memory memory;
	/* Pinned. */
	struct sp_gather_frame *gather; /* [batch] */
	uint64_t *offsets, *missing; /* [batch × packets], [batch × words] */
	struct sp_preprocess_look *looks; /* [places] */
	struct sp_decoded *decoded; /* [places] */
	struct sp_face_lists lists, seen; /* the same for the host and for the device */
	uint32_t places, faces_max;
	/* The batch. */
	enum sp_slot_state state;
	struct sp_slot_frame *frames;
	unsigned int n;
	struct sp_detect_chunk *chunks; /* [places] */
	unsigned int chunks_n;
	uint32_t places_n, faces_n;
	bool released; /* frames have gone back */
	int error; /* of what was put into the stream */
	uint64_t since_ns; /* when that was */
};

/* 0 or -errno with @err filled; uninit in either case. */
int sp_slot_init(struct sp_slot *slot, unsigned int index, const struct sp_setup *setup,
		 struct sp_device_detector *detector, struct sp_face_networks *networks,
		 struct sp_err *err);
void sp_slot_uninit(struct sp_slot *slot);
/* The device's context is gone, and stream, events and memory with it. */
void sp_slot_forget(struct sp_slot *slot);

/*
 * Takes a frame in, which lies in a region that the device sees at @base (NULL: it does not). 0;
 * -EAGAIN: not into this batch; or, with @err and the result's cause and error filled, another
 * -errno.
 */
int sp_slot_add(struct sp_slot *slot, struct sp_result *result, const uint8_t *base,
		struct sp_err *err);

/*
 * Puts the work of a phase into the stream and records its events. 0; -ENODEV: the device is lost,
 * or it cannot be told when the work ends; another -errno: the batch has failed, and its events
 * tell when what was put in has ended. With @err filled.
 */
int sp_slot_look(struct sp_slot *slot, struct sp_err *err);
int sp_slot_face(struct sp_slot *slot, struct sp_err *err);

/* Faces of all frames from what was found; @portraits waits with empty ones. */
void sp_slot_find(struct sp_slot *slot, struct sp_sightings *sightings, struct sp_ring *portraits,
		  void **spare_portrait, const struct sp_device_arena *portraits_memory);
/* Fills them with what was measured. */
void sp_slot_judge(struct sp_slot *slot);

/* Ready for the next batch. */
void sp_slot_clear(struct sp_slot *slot);

#endif
