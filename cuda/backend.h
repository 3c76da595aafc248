/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The compute port on a CUDA device.
 *
 *	caller's thread            conductor's thread
 *	submit ──▶ submitted ───▶ waiting ─▶ batch (slot.h): gather, look ─▶ find ─▶ faces ─▶ judge
 *	release ◀── released ◀──────────────────┘ pixels are on the device                      │
 *	poll ◀──── finished ◀───────────────────────────────────────────────────────────────────┘
 *	put ─────▶ empty portraits
 *
 * The conductor alone calls CUDA for frames; the caller touches rings only. Regions are registered
 * and galleries searched by whoever asks for it.
 */
#ifndef SP_CUDA_BACKEND_H
#define SP_CUDA_BACKEND_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/event.h"
#include "base/pool.h"
#include "base/ring.h"
#include "base/thread.h"
#include "cuda/slot.h"
#include "infer/compute.h"
#include "infer/sighting.h"

struct sp_device_gallery;

/* A gallery on the device. */
struct sp_gallery {
	struct sp_device_gallery *device;
	pthread_mutex_t lock; /* one search at a time */
	struct sp_gallery *next; /* of those that wait for the device's end */
};

struct sp_backend {
	struct sp_compute compute;
	char kernels[64];
	struct sp_setup setup;
	struct sp_device_detector detector;
	struct sp_face_networks networks;
	struct sp_slot slots[SP_SLOTS_MAX];
	unsigned int slots_n;
	/* The caller's. */
	struct sp_pool results;
	/* Between the threads. */
	struct sp_ring submitted, finished, released, portraits;
	struct sp_event wake; /* the conductor */
	struct sp_event *ready; /* the caller; may be NULL */
	_Atomic bool lost; /* the device */
	_Atomic bool hung; /* it is lost because it does not answer */
	_Atomic bool told; /* of the loss, by a result: no frame is taken any more */
	/* The conductor's. */
	struct sp_thread conductor;
	struct sp_result **waiting; /* [in_flight], a ring */
	unsigned int waiting_first, waiting_n;
	struct sp_sightings sightings;
	struct sp_device_arena portraits_memory;
	void *spare_portrait; /* taken from the ring and not used */
	bool complained; /* of a frame that failed; once is enough */
	bool complained_unreadable;
	/* Anyone's. */
	pthread_mutex_t lock;
	struct sp_regions regions;
	struct sp_gallery *orphans; /* closed while the device did not answer */
};

extern const struct sp_compute_ops sp_cuda_ops;

#endif
