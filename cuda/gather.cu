/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two numbers, for a frame of b bytes: operations, about 70 instructions of a thread for 16 bytes
 * (counted in PTX), 4 b in all; bytes, b over the bus, and 8 1/8 for each packet, and b written.
 * The bus is what it waits for.
 *
 * A block has a piece of the frame, its warps a part of that, and these walk through the packets
 * whose payload it is. Where a payload lies has nothing to do with where it goes, so words are read
 * as 16 aligned bytes, 32 that begin with a whole line of 128, and shifted: a thread's word and the
 * one that its neighbour read before it make up one word of the frame. Words in which two packets
 * meet are written by byte.
 */
#include "cuda/gather.h"

#include "cuda/dialect.h"

enum {
	WARP = 32,
	WARPS = 8, /* of a block */
	THREADS = WARPS * WARP,
	WORD = 16, /* bytes that a thread moves */
	LINE_WORDS = 8, /* that a request over the bus may have */
	AHEAD = 4, /* words that a thread has on their way */
	WARP_BYTES = 4096,
	BLOCK_BYTES = WARPS * WARP_BYTES,
};

#define EVERYONE 0xFFFFFFFFu /* of a warp */

/* Bytes [@shift, @shift + 16), @shift < 16, of two words. */
static __device__ __forceinline__ uint4 shifted(uint4 low, uint4 high, uint32_t shift)
{
	uint32_t bits = 8 * (shift % 4);
	uint32_t a[6] = { low.x, low.y, low.z, low.w, high.x, high.y };
	uint32_t b[5];

	if (shift & 8) {
		a[0] = low.z;
		a[1] = low.w;
		a[2] = high.x;
		a[3] = high.y;
		a[4] = high.z;
		a[5] = high.w;
	}
	SP_UNROLL
	for (int i = 0; i < 5; i++)
		b[i] = shift & 4 ? a[i + 1] : a[i];
	return make_uint4(__funnelshift_r(b[0], b[1], bits), __funnelshift_r(b[1], b[2], bits),
			  __funnelshift_r(b[2], b[3], bits), __funnelshift_r(b[3], b[4], bits));
}

/* Byte @i of a word. */
static __device__ __forceinline__ uint8_t byte_of(uint4 word, uint32_t i)
{
	uint32_t low = i & 4 ? word.y : word.x, high = i & 4 ? word.w : word.z;

	return (uint8_t)((i & 8 ? high : low) >> 8 * (i % 4));
}

/* Of the word that goes to @at, an aligned place of @frame, what falls into [@from, @end). */
static __device__ __forceinline__ void store(uint8_t *frame, int64_t at, uint4 word, int64_t from,
					     int64_t end)
{
	if (at >= from && at + WORD <= end) {
		*(uint4 *)(frame + at) = word;
		return;
	}
	if (at >= end || at + WORD <= from)
		return;
	for (uint32_t i = 0; i < WORD; i++)
		if (at + i >= from && at + i < end)
			frame[at + i] = byte_of(word, i);
}

/* Bytes [@from, @end) of @frame are 0. By a warp. */
static __device__ __forceinline__ void clear(uint8_t *frame, int64_t from, int64_t end)
{
	int64_t at = from / WORD * WORD + (int64_t)(threadIdx.x % WARP) * WORD;

	for (; at < end; at += WARP * WORD)
		store(frame, at, make_uint4(0, 0, 0, 0), from, end);
}

static __device__ __forceinline__ uint4 neighbours(uint4 word)
{
	return make_uint4(__shfl_up_sync(EVERYONE, word.x, 1), __shfl_up_sync(EVERYONE, word.y, 1),
			  __shfl_up_sync(EVERYONE, word.z, 1), __shfl_up_sync(EVERYONE, word.w, 1));
}

static __device__ __forceinline__ uint4 last_of_warp(uint4 word)
{
	return make_uint4(
		__shfl_sync(EVERYONE, word.x, WARP - 1), __shfl_sync(EVERYONE, word.y, WARP - 1),
		__shfl_sync(EVERYONE, word.z, WARP - 1), __shfl_sync(EVERYONE, word.w, WARP - 1));
}

/* Bytes [@from, @end) of @frame, not none, from @source on. By a warp. */
static __device__ __forceinline__ void copy(uint8_t *frame, int64_t from, int64_t end,
					    const uint8_t *source)
{
	uint32_t thread = threadIdx.x % WARP;
	/* What goes to byte 0 of the aligned word at `from` would lie here; and in which word. */
	uintptr_t zero = (uintptr_t)source - (uintptr_t)(from % WORD);
	uint32_t shift = (uint32_t)(zero % WORD), skip = (uint32_t)(zero / WORD % LINE_WORDS);
	const uint4 *words = (const uint4 *)(zero - shift);
	uintptr_t first = (uintptr_t)source / WORD * WORD;
	uintptr_t last = ((uintptr_t)source + (uintptr_t)(end - from) - 1) / WORD * WORD;
	/* Words are counted from `words`; a thread with word i has the frame's word i - 1. */
	int32_t n = (int32_t)((end - from / WORD * WORD + WORD - 1) / WORD) + 1;
	int64_t at = from / WORD * WORD - WORD;
	uint4 before = make_uint4(0, 0, 0, 0);

	for (int32_t i = -(int32_t)skip; i < n; i += AHEAD * WARP) {
		uint4 word[AHEAD];

		SP_UNROLL
		for (int k = 0; k < AHEAD; k++) {
			const uint4 *mine = words + i + k * WARP + (int32_t)thread;
			bool is_payload = (uintptr_t)mine >= first && (uintptr_t)mine <= last;

			word[k] = is_payload ? *mine : make_uint4(0, 0, 0, 0);
		}
		SP_UNROLL
		for (int k = 0; k < AHEAD; k++) {
			uint4 low = neighbours(word[k]);

			if (!thread)
				low = before;
			before = last_of_warp(word[k]);
			store(frame, at + (int64_t)(i + k * WARP + (int32_t)thread) * WORD,
			      shifted(low, word[k], shift), from, end);
		}
	}
}

/* So that a warp fetches it in one request over the bus. */
union fetched {
	struct sp_gather_frame frame;
	uint64_t words[sizeof(struct sp_gather_frame) / 8];
};

static_assert(sizeof(union fetched) == sizeof(struct sp_gather_frame), "whole words");

static __global__ void __launch_bounds__(THREADS) gather_kernel(const union fetched *frames)
{
	__shared__ union fetched fetched[1];
	const struct sp_gather_frame *frame = &fetched->frame;
	int64_t at, end, bytes;
	uint32_t packet;

	if (threadIdx.x < sizeof(*fetched) / 8)
		fetched->words[threadIdx.x] = frames[blockIdx.y].words[threadIdx.x];
	__syncthreads();
	bytes = (int64_t)frame->bytes;
	if (!bytes)
		return;
	at = (int64_t)blockIdx.x * BLOCK_BYTES + threadIdx.x / WARP * WARP_BYTES;
	end = at + WARP_BYTES;
	packet = at < bytes ? (uint32_t)(at / frame->stride) : 0;
	while (at < min(end, bytes)) {
		int64_t begin = (int64_t)packet * frame->stride;
		int64_t until = min(min(begin + frame->stride, bytes), end);

		if (frame->missing[packet / 64] >> packet % 64 & 1)
			clear(frame->to, at, until);
		else
			copy(frame->to, at, until,
			     frame->base + frame->offset[packet] + (at - begin));
		at = until;
		packet++;
	}
	if (at < min(end, bytes + SP_GATHER_SLACK))
		clear(frame->to, at, min(end, bytes + SP_GATHER_SLACK));
}

cudaError_t sp_gather(cudaStream_t stream, const struct sp_gather_frame *frames, uint32_t n,
		      uint64_t bytes_max)
{
	uint64_t blocks = (bytes_max + SP_GATHER_SLACK + BLOCK_BYTES - 1) / BLOCK_BYTES;

	if (!n || !bytes_max)
		return cudaSuccess;
	return sp_launch(gather_kernel, dim3((unsigned int)blocks, n), dim3(THREADS), 0, stream,
			 (const union fetched *)frames);
}
