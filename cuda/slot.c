/* SPDX-License-Identifier: Apache-2.0 */
#include "cuda/slot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "cuda/check.h"

/* ---- memory ---------------------------------------------------------------------------------- */

struct piece {
	void *at; /* of the pointer that it is for */
	size_t bytes;
};

enum { PIECES_MAX = 16 };

static size_t total_of(const struct piece *pieces, unsigned int n)
{
	size_t total = 0;

	for (unsigned int i = 0; i < n; i++)
		total += (pieces[i].bytes + SP_ARENA_ALIGN - 1) / SP_ARENA_ALIGN * SP_ARENA_ALIGN;
	return total;
}

static int take(struct sp_device_arena *arena, const struct piece *pieces, unsigned int n,
		int pinned, struct sp_err *err)
{
	int rc = sp_device_arena_init(arena, total_of(pieces, n), pinned, err);

	for (unsigned int i = 0; !rc && i < n; i++) {
		void *at = sp_device_arena_take(arena, pieces[i].bytes);

		/* The pointers are of many types. */
		memcpy(pieces[i].at, &at, sizeof(at));
	}
	return rc;
}

static int take_device(struct sp_slot *slot, struct sp_err *err)
{
	size_t faces = (size_t)SP_FACES_AT_ONCE * SP_ALIGNED_BYTES;
	const struct piece pieces[] = {
		{ &slot->pixels, slot->setup->batch * slot->frame_stride },
		{ &slot->memory.aligned, faces },
		{ &slot->memory.other, faces },
		{ &slot->memory.activations, slot->networks->bytes },
	};

	return take(&slot->device, pieces, sizeof(pieces) / sizeof(pieces[0]), 0, err);
}

static int take_pinned(struct sp_slot *slot, struct sp_err *err)
{
	size_t batch = slot->setup->batch, packets = slot->setup->packets_max;
	size_t faces = slot->faces_max, places = slot->places;
	struct sp_face_lists *lists = &slot->lists;
	const struct piece pieces[] = {
		{ &slot->gather, batch * sizeof(*slot->gather) },
		{ &slot->offsets, batch * packets * sizeof(uint64_t) },
		{ &slot->missing, batch * ((packets + 63) / 64) * sizeof(uint64_t) },
		{ &slot->looks, places * sizeof(*slot->looks) },
		{ &slot->decoded, places * sizeof(*slot->decoded) },
		{ &lists->views[SP_VIEW_USUAL], faces * sizeof(struct sp_warp_face) },
		{ &lists->views[SP_VIEW_QUALITY], faces * sizeof(struct sp_warp_face) },
		{ &lists->views[SP_VIEW_EMBEDDER], faces * sizeof(struct sp_warp_face) },
		{ &lists->measures, faces * sizeof(*lists->measures) },
		{ &lists->quality, faces * sizeof(float) },
		{ &lists->embedding, faces * slot->setup->embedder.numbers * sizeof(float) },
		{ &lists->valid, faces * sizeof(uint32_t) },
		{ &lists->portraits, faces * sizeof(*lists->portraits) },
	};
	int rc = take(&slot->pinned, pieces, sizeof(pieces) / sizeof(pieces[0]), 1, err);

	if (rc)
		return rc;
	slot->seen = *lists;
	for (unsigned int v = 0; v < SP_FACE_VIEWS; v++)
		slot->seen.views[v] = sp_device_arena_seen(&slot->pinned, lists->views[v]);
	slot->seen.measures = sp_device_arena_seen(&slot->pinned, lists->measures);
	slot->seen.quality = sp_device_arena_seen(&slot->pinned, lists->quality);
	slot->seen.embedding = sp_device_arena_seen(&slot->pinned, lists->embedding);
	slot->seen.valid = sp_device_arena_seen(&slot->pinned, lists->valid);
	slot->seen.portraits = sp_device_arena_seen(&slot->pinned, lists->portraits);
	return 0;
}

static int make_handles(struct sp_slot *slot, struct sp_err *err)
{
	int rc = SP_CUDA(err, cudaStreamCreateWithFlags(&slot->stream, cudaStreamNonBlocking));

	if (!rc)
		rc = SP_CUDA(err,
			     cudaEventCreateWithFlags(&slot->gathered, cudaEventDisableTiming));
	return rc ? rc
		  : SP_CUDA(err, cudaEventCreateWithFlags(&slot->done, cudaEventDisableTiming));
}

int sp_slot_init(struct sp_slot *slot, unsigned int index, const struct sp_setup *setup,
		 struct sp_device_detector *detector, struct sp_face_networks *networks,
		 struct sp_err *err)
{
	uint32_t batch = setup->batch;
	int rc;

	memset(slot, 0, sizeof(*slot));
	slot->index = index;
	slot->setup = setup;
	slot->detector = detector;
	slot->networks = networks;
	slot->frame_stride = (setup->frame_bytes + SP_GATHER_SLACK + SP_ARENA_ALIGN - 1) /
			     SP_ARENA_ALIGN * SP_ARENA_ALIGN;
	/* All looks at one frame find room, whatever sizes they are of. */
	slot->places = (2 * batch > SP_TILE_LOOKS_MAX ? 2 * batch : SP_TILE_LOOKS_MAX) +
		       SP_DEVICE_SIZES * detector->places;
	slot->faces_max = (batch * SP_FACES_MAX + SP_FACES_AT_ONCE - 1) / SP_FACES_AT_ONCE *
			  SP_FACES_AT_ONCE;
	slot->frames = calloc(batch, sizeof(*slot->frames));
	slot->chunks = calloc(slot->places, sizeof(*slot->chunks));
	if (!slot->frames || !slot->chunks)
		return sp_err_set(err, -ENOMEM, "out of memory for batches of %u frames", batch);
	rc = take_device(slot, err);
	rc = rc ? rc : take_pinned(slot, err);
	return rc ? rc : make_handles(slot, err);
}

void sp_slot_forget(struct sp_slot *slot)
{
	slot->stream = NULL;
	slot->gathered = slot->done = NULL;
	sp_device_arena_forget(&slot->device);
	sp_device_arena_forget(&slot->pinned);
}

void sp_slot_uninit(struct sp_slot *slot)
{
	if (slot->stream)
		(void)SP_CUDA(NULL, cudaStreamDestroy(slot->stream));
	if (slot->gathered)
		(void)SP_CUDA(NULL, cudaEventDestroy(slot->gathered));
	if (slot->done)
		(void)SP_CUDA(NULL, cudaEventDestroy(slot->done));
	sp_device_arena_uninit(&slot->device);
	sp_device_arena_uninit(&slot->pinned);
	free(slot->frames);
	free(slot->chunks);
	memset(slot, 0, sizeof(*slot));
}

/* ---- work ------------------------------------------------------------------------------------ */

/* A failure that leaves no event behind is as bad as a lost device. */
static int record(struct sp_slot *slot, cudaEvent_t event, struct sp_err *err)
{
	return SP_CUDA(err, cudaEventRecord(event, slot->stream)) ? -ENODEV : 0;
}

static int gather(struct sp_slot *slot, struct sp_err *err)
{
	uint64_t bytes_max = 0;

	for (unsigned int i = 0; i < slot->n; i++)
		if (slot->gather[i].bytes > bytes_max)
			bytes_max = slot->gather[i].bytes;
	return SP_CUDA(err,
		       sp_gather(slot->stream, sp_device_arena_seen(&slot->pinned, slot->gather),
				 slot->n, bytes_max));
}

static int run_chunk(struct sp_slot *slot, struct sp_detect_chunk *chunk, struct sp_err *err)
{
	uint32_t n = 1u << sp_bucket_of(chunk->n);

	memset(&slot->looks[chunk->first + chunk->n], 0, (n - chunk->n) * sizeof(*slot->looks));
	chunk->looks = sp_device_arena_seen(&slot->pinned, slot->looks);
	chunk->decoded = sp_device_arena_seen(&slot->pinned, slot->decoded);
	return sp_device_detector_run(slot->detector, chunk, slot->stream, err);
}

int sp_slot_look(struct sp_slot *slot, struct sp_err *err)
{
	int rc = gather(slot, err);

	if (rc == -ENODEV || record(slot, slot->gathered, err))
		return -ENODEV;
	for (unsigned int i = 0; !rc && i < slot->chunks_n; i++)
		rc = run_chunk(slot, &slot->chunks[i], err);
	if (rc == -ENODEV || record(slot, slot->done, err))
		return -ENODEV;
	return rc;
}

/* Places behind the last face, up to the end of its chunk, show nothing. */
static void empty_places(struct sp_slot *slot)
{
	for (uint32_t i = slot->faces_n; i < slot->faces_max && i % SP_FACES_AT_ONCE; i++) {
		for (unsigned int v = 0; v < SP_FACE_VIEWS; v++)
			memset(&slot->lists.views[v][i], 0, sizeof(struct sp_warp_face));
		memset(&slot->lists.portraits[i], 0, sizeof(struct sp_portrait_face));
	}
}

int sp_slot_face(struct sp_slot *slot, struct sp_err *err)
{
	int rc = 0;

	empty_places(slot);
	for (uint32_t first = 0; !rc && first < slot->faces_n; first += SP_FACES_AT_ONCE) {
		uint32_t left = slot->faces_n - first;
		const struct sp_face_chunk chunk = {
			.slot = slot->index,
			.index = first / SP_FACES_AT_ONCE,
			.n = left < SP_FACES_AT_ONCE ? left : SP_FACES_AT_ONCE,
			.lists = &slot->seen,
			.memory = &slot->memory,
		};

		rc = sp_face_networks_run(slot->networks, &chunk, slot->stream, err);
	}
	if (rc == -ENODEV || record(slot, slot->done, err))
		return -ENODEV;
	return rc;
}

void sp_slot_clear(struct sp_slot *slot)
{
	for (unsigned int i = 0; i < slot->chunks_n; i++)
		sp_device_detector_put(slot->chunks[i].size);
	slot->n = slot->chunks_n = 0;
	slot->places_n = slot->faces_n = 0;
	slot->released = false;
	slot->error = 0;
	slot->state = SP_SLOT_FREE;
}
