/* SPDX-License-Identifier: Apache-2.0 */
/*
 * find: a thread an anchor; those that score enough and are usable become keys in a list, in no
 * order. best (cuda/suppress.cu) puts the lists in order.
 *
 * Numbers of find, YuNet at 640 × 640, a picture (8400 anchors): 8400 × 6 operations; 8400 × 2
 * scores, each a sector of 32 bytes where heads are padded to 8 channels: 538 KB.
 */
#include "cuda/decode.h"

#include "cuda/decode_anchor.h"
#include "cuda/order.h"
#include "cuda/suppress.h"

enum { THREADS = 256 };

static uint32_t anchors_of(const struct sp_decode *decode)
{
	uint32_t n = 0;

	for (unsigned int l = 0; l < decode->levels; l++)
		n += decode->level[l].columns * decode->level[l].rows * decode->anchors;
	return n;
}

/* Counters of candidates, then room for the keys of all anchors of each picture. */
static size_t counters_bytes(uint32_t n)
{
	return ((size_t)n * sizeof(uint32_t) + 255) / 256 * 256;
}

size_t sp_decode_bytes(const struct sp_decode *decode, uint32_t n)
{
	return counters_bytes(n) + (size_t)n * anchors_of(decode) * sizeof(uint64_t);
}

static __device__ __forceinline__ bool is_near(float x)
{
	return fabsf(x) <= SP_DETECT_FAR; /* false if it is no number */
}

static __device__ __forceinline__ bool is_usable(const struct sp_detection *d)
{
	bool near = true;

	SP_UNROLL
	for (int i = 0; i < 4; i++)
		near &= is_near(d->box[i]);
	SP_UNROLL
	for (int i = 0; i < 5; i++)
		near &= is_near(d->landmark[i][0]) && is_near(d->landmark[i][1]);
	return near && d->box[2] > 0 && d->box[3] > 0;
}

template <typename Number>
static __global__ void __launch_bounds__(THREADS)
	find(struct sp_decode decode, uint32_t anchors, uint32_t n, uint32_t *counters,
	     uint64_t *keys)
{
	uint32_t place = blockIdx.x * THREADS + threadIdx.x, lane = threadIdx.x % 32;

	for (uint32_t picture = blockIdx.y; picture < n; picture += gridDim.y) {
		struct sp_detection d;
		struct sp_anchor_place at;
		bool passes = false;
		uint32_t votes, first = 0;

		if (place < anchors) {
			at = sp_anchor_find(decode, picture, place);
			d.score = sp_anchor_score<Number>(decode, at);
			if (d.score >= decode.score_min) {
				sp_anchor_decode<Number>(decode, at, &d);
				passes = is_usable(&d);
			}
		}
		/* One addition a warp. */
		votes = __ballot_sync(0xFFFFFFFF, passes);
		if (!votes)
			continue;
		if (!lane)
			first = atomicAdd(&counters[picture], (uint32_t)__popc(votes));
		first = __shfl_sync(0xFFFFFFFF, first, 0);
		if (passes)
			keys[(size_t)picture * anchors + first +
			     __popc(votes & ((1u << lane) - 1))] = sp_key(d.score, place);
	}
}

cudaError_t sp_decode_launch(cudaStream_t stream, const struct sp_decode *decode, uint32_t n,
			     void *scratch, struct sp_decoded *decoded)
{
	uint32_t anchors = anchors_of(decode), *counters = (uint32_t *)scratch;
	uint64_t *keys = (uint64_t *)((uint8_t *)scratch + counters_bytes(n));
	dim3 grid((anchors + THREADS - 1) / THREADS, min(n, 65535u));
	cudaError_t status;

	if (!n)
		return cudaSuccess;
	status = cudaMemsetAsync(counters, 0, (size_t)n * sizeof(*counters), stream);
	if (status == cudaSuccess && anchors) {
		if (decode->type == SP_TENSOR_BF16)
			status = sp_launch(find<uint16_t>, grid, dim3(THREADS), 0, stream, *decode,
					   anchors, n, counters, keys);
		else
			status = sp_launch(find<float>, grid, dim3(THREADS), 0, stream, *decode,
					   anchors, n, counters, keys);
	}
	if (status != cudaSuccess)
		return status;
	return sp_suppress_launch(stream, decode, anchors, n, counters, keys, decoded);
}
