/* SPDX-License-Identifier: Apache-2.0 */
#include "cuda/network_weights.h"

#include <cuda_runtime_api.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "cuda/check.h"

enum { WEIGHTS_ALIGN = 256 };

struct weight {
	uint32_t node;
	size_t size; /* bytes */
	void *host;
	const uint8_t *device; /* NULL: not there yet */
};

struct sp_weights {
	struct weight *of;
	uint32_t n, room;
	/* Pieces of the device's memory, one for each upload that brought something new. */
	void **pieces;
	uint32_t pieces_n;
};

struct sp_weights *sp_weights_create(void)
{
	return calloc(1, sizeof(struct sp_weights));
}

void sp_weights_destroy(struct sp_weights *weights)
{
	if (!weights)
		return;
	for (uint32_t i = 0; i < weights->n; i++)
		free(weights->of[i].host);
	for (uint32_t i = 0; i < weights->pieces_n; i++)
		cudaFree(weights->pieces[i]);
	free(weights->pieces);
	free(weights->of);
	free(weights);
}

static size_t aligned(size_t size)
{
	return (size + WEIGHTS_ALIGN - 1) / WEIGHTS_ALIGN * WEIGHTS_ALIGN;
}

void *sp_weights_room(size_t size)
{
	return size > SIZE_MAX / 2 ? NULL : calloc(1, aligned(size ? size : 1));
}

int sp_weights_keep(struct sp_weights *weights, uint32_t node, void *room, size_t size,
		    uint32_t *ret_number)
{
	for (uint32_t i = 0; i < weights->n; i++) {
		const struct weight *have = &weights->of[i];

		if (have->node != node || have->size != size || memcmp(have->host, room, size))
			continue;
		free(room);
		*ret_number = i;
		return 0;
	}
	if (weights->n == weights->room) {
		uint32_t more = weights->room ? 2 * weights->room : 64;
		struct weight *of = realloc(weights->of, more * sizeof(*of));

		if (!of) {
			free(room);
			return -ENOMEM;
		}
		weights->of = of;
		weights->room = more;
	}
	weights->of[weights->n] = (struct weight){ .node = node, .size = size, .host = room };
	*ret_number = weights->n++;
	return 0;
}

static int send(struct sp_weights *weights, uint8_t *piece, struct sp_err *err)
{
	size_t at = 0;
	int ret;

	for (uint32_t i = 0; i < weights->n; i++) {
		struct weight *weight = &weights->of[i];

		if (weight->device)
			continue;
		ret = SP_CUDA(err, cudaMemcpy(piece + at, weight->host, aligned(weight->size),
					      cudaMemcpyHostToDevice));
		if (ret)
			return ret;
		at += aligned(weight->size);
	}
	/* They may be on their way still, from memory that is not pinned; no stream waits for that. */
	ret = SP_CUDA(err, cudaStreamSynchronize(NULL));
	if (ret)
		return ret;
	at = 0;
	for (uint32_t i = 0; i < weights->n; i++) {
		if (weights->of[i].device)
			continue;
		weights->of[i].device = piece + at;
		at += aligned(weights->of[i].size);
	}
	return 0;
}

int sp_weights_upload(struct sp_weights *weights, struct sp_err *err)
{
	size_t total = 0;
	void **pieces, *piece = NULL;
	int ret;

	for (uint32_t i = 0; i < weights->n; i++)
		if (!weights->of[i].device &&
		    __builtin_add_overflow(total, aligned(weights->of[i].size), &total))
			return sp_err_set(err, -EFBIG, "weights are too large");
	if (!total)
		return 0;
	pieces = realloc(weights->pieces, (weights->pieces_n + 1) * sizeof(*pieces));
	if (!pieces)
		return sp_err_set(err, -ENOMEM, "out of memory");
	weights->pieces = pieces;
	ret = SP_CUDA(err, cudaMalloc(&piece, total));
	if (!ret) {
		ret = send(weights, piece, err);
		if (ret)
			cudaFree(piece);
		else
			weights->pieces[weights->pieces_n++] = piece;
	}
	return ret ? sp_err_prefix(err, ret, "%zu KiB of weights", total >> 10) : 0;
}

size_t sp_weights_size(const struct sp_weights *weights, uint32_t number)
{
	return weights->of[number].size;
}

const void *sp_weights_at(const struct sp_weights *weights, uint32_t number)
{
	return weights->of[number].device;
}
