/* SPDX-License-Identifier: Apache-2.0 */
#include "cuda/detector.h"

#include <errno.h>
#include <string.h>

#include "base/diag.h"
#include "cuda/check.h"
#include "cuda/heads.h"
#include "cuda/network.h"
#include "infer/model.h"

void sp_device_detector_init(struct sp_device_detector *detector, const struct sp_setup *setup,
			     uint32_t places)
{
	memset(detector, 0, sizeof(*detector));
	detector->setup = setup;
	detector->places = places;
}

static void size_uninit(struct sp_device_size *size)
{
	for (unsigned int s = 0; s < SP_SLOTS_MAX; s++)
		for (unsigned int c = 0; c < SP_REPLAYED_CHUNKS; c++)
			for (unsigned int b = 0; b < SP_BUCKETS; b++)
				sp_replay_uninit(&size->replays[s][c][b]);
	for (unsigned int b = 0; b < SP_BUCKETS; b++)
		if (size->networks[b])
			sp_network_destroy(size->networks[b]);
	sp_device_arena_uninit(&size->memory);
	memset(size, 0, sizeof(*size));
}

void sp_device_detector_uninit(struct sp_device_detector *detector)
{
	for (unsigned int i = 0; i < SP_DEVICE_SIZES; i++)
		size_uninit(&detector->sizes[i]);
}

void sp_device_detector_forget(struct sp_device_detector *detector)
{
	for (unsigned int i = 0; i < SP_DEVICE_SIZES; i++) {
		memset(detector->sizes[i].replays, 0, sizeof(detector->sizes[i].replays));
		sp_device_arena_forget(&detector->sizes[i].memory);
	}
}

/* ---- one size -------------------------------------------------------------------------------- */

static int bind(const struct sp_device_detector *detector, const struct sp_device_size *size,
		unsigned int bucket, void *activations, struct sp_decode *decode,
		struct sp_err *err)
{
	const struct sp_setup *setup = detector->setup;

	sp_network_bind(size->networks[bucket], activations);
	return sp_heads_bind(&setup->detector.card, &setup->outputs, setup->detector.model->name,
			     size->networks[bucket], size->width, size->height, setup->score_min,
			     decode, err);
}

/* Bytes that one batch needs. Networks of fewer pictures need no more than the largest. */
static int measure(struct sp_device_detector *detector, struct sp_device_size *size,
		   size_t *ret_activations, size_t *ret_scratch, struct sp_err *err)
{
	size_t activations = 0, scratch = 0;

	for (unsigned int b = 0; 1u << b <= size->places; b++) {
		struct sp_decode decode;
		size_t bytes;
		/* What counts is how things lie; where, is not known yet. */
		int rc = bind(detector, size, b, (void *)SP_ARENA_ALIGN, &decode, err);

		if (rc)
			return rc;
		bytes = sp_network_bytes(size->networks[b]);
		activations = bytes > activations ? bytes : activations;
		bytes = sp_decode_bytes(&decode, 1u << b);
		scratch = bytes > scratch ? bytes : scratch;
	}
	*ret_activations = activations;
	*ret_scratch = scratch;
	return 0;
}

static size_t aligned(size_t bytes)
{
	return (bytes + SP_ARENA_ALIGN - 1) / SP_ARENA_ALIGN * SP_ARENA_ALIGN;
}

static int size_init(struct sp_device_detector *detector, struct sp_device_size *size,
		     uint32_t places, struct sp_err *err)
{
	const struct sp_setup *setup = detector->setup;
	size_t activations, scratch;
	int rc = 0;

	size->places = places;
	for (unsigned int b = 0; !rc && 1u << b <= places; b++)
		rc = sp_network_create(setup->detector.network, 1u << b, size->height, size->width,
				       &size->networks[b], err);
	rc = rc ? rc : measure(detector, size, &activations, &scratch, err);
	if (rc)
		return rc;
	rc = sp_device_arena_init(&size->memory,
				  setup->slots * (aligned(activations) + aligned(scratch)), 0, err);
	for (unsigned int s = 0; !rc && s < setup->slots; s++) {
		size->activations[s] = sp_device_arena_take(&size->memory, activations);
		size->scratch[s] = sp_device_arena_take(&size->memory, scratch);
	}
	return rc;
}

/* With as many places as there is memory for. */
static int make(struct sp_device_detector *detector, struct sp_device_size *size, uint32_t width,
		uint32_t height, struct sp_err *err)
{
	uint32_t places = detector->places;
	int rc;

	do {
		size->width = width;
		size->height = height;
		rc = size_init(detector, size, places, err);
		if (rc)
			size_uninit(size);
		places /= 2;
	} while (rc == -ENOMEM && places);
	return rc ? sp_err_prefix(err, rc, "detector: an input of %u x %u", width, height) : 0;
}

int sp_device_detector_get(struct sp_device_detector *detector, uint32_t width, uint32_t height,
			   struct sp_device_size **ret_size, struct sp_err *err)
{
	struct sp_device_size *oldest = NULL, *size;
	int rc;

	for (unsigned int i = 0; i < SP_DEVICE_SIZES; i++) {
		size = &detector->sizes[i];
		if (size->places && size->width == width && size->height == height)
			goto found;
		if (!size->users && (!oldest || size->used < oldest->used))
			oldest = size;
	}
	if (!oldest)
		return -EAGAIN;
	size = oldest;
	size_uninit(size);
	rc = make(detector, size, width, height, err);
	if (rc)
		return rc;
found:
	size->used = ++detector->uses;
	size->users++;
	*ret_size = size;
	return 0;
}

void sp_device_detector_put(struct sp_device_size *size)
{
	size->users--;
}

/* ---- work ------------------------------------------------------------------------------------ */

struct work {
	struct sp_device_detector *detector;
	const struct sp_detect_chunk *chunk;
};

static int put_in(void *arg, cudaStream_t stream, struct sp_err *err)
{
	const struct work *work = arg;
	const struct sp_setup *setup = work->detector->setup;
	const struct sp_detect_chunk *chunk = work->chunk;
	struct sp_device_size *size = chunk->size;
	unsigned int bucket = sp_bucket_of(chunk->n);
	struct sp_network *network = size->networks[bucket];
	struct sp_device_tensor input;
	struct sp_decode decode;
	int rc = bind(work->detector, size, bucket, size->activations[chunk->slot], &decode, err);

	if (rc)
		return rc;
	input = sp_network_input(network);
	rc = SP_CUDA(err, sp_preprocess_launch(stream, chunk->looks + chunk->first, 1u << bucket,
					       &setup->detector.card.input, &input));
	rc = rc ? rc : sp_network_run(network, stream, err);
	if (rc)
		return rc;
	return SP_CUDA(err,
		       sp_decode_launch(stream, &decode, 1u << bucket, size->scratch[chunk->slot],
					chunk->decoded + chunk->first));
}

int sp_device_detector_run(struct sp_device_detector *detector, const struct sp_detect_chunk *chunk,
			   cudaStream_t stream, struct sp_err *err)
{
	struct work work = { detector, chunk };
	struct sp_replay *replay = NULL;

	if (chunk->index < SP_REPLAYED_CHUNKS)
		replay = &chunk->size->replays[chunk->slot][chunk->index][sp_bucket_of(chunk->n)];
	return sp_replay_run(replay, chunk->first, stream, put_in, &work, err);
}
