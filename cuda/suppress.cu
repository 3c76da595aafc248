/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A block a picture: of its keys the best, sorted, decoded, doubles suppressed, faces written to
 * the host in whole runs.
 *
 * Numbers, of 50 candidates with 10 faces: 256 × 21 comparisons of the sort, at most 50 × 49 / 2
 * overlaps of 20 operations; 50 × (8 + 14 × 32) bytes read, 10 × 64 written. Of 1024 that are all
 * kept: 524,000 overlaps, 10.5 M operations.
 */
#include "cuda/suppress.h"

#include "cuda/decode_anchor.h"
#include "cuda/order.h"

enum {
	THREADS = 256,
	WARPS = THREADS / 32,
	MAX = SP_DETECTIONS_MAX,
	CHUNKS = MAX / 32,
	DIGIT = 8, /* bits */
	DIGITS = 1 << DIGIT,
	WORDS = sizeof(struct sp_detection) / 4,
};

static_assert(sizeof(struct sp_detection) == 64, "detections are copied by words");
static_assert(sizeof(struct sp_detection) * THREADS <= sizeof(float4) * MAX, "boxes make room");
static_assert(CHUNKS == 32 && DIGITS == THREADS, "a thread a chunk, a thread a digit");

/* Shared by the block. */
struct memory {
	float4 box[MAX];
	uint64_t key[MAX];
	uint32_t count[DIGITS];
	uint32_t gone[CHUNKS]; /* bit by candidate */
	uint32_t before[CHUNKS + 1]; /* kept ones in the chunks before each */
	uint16_t kept[MAX];
	uint32_t n, bucket, above;
};

/*
 * The least key of the best MAX of @n > MAX different ones: digit by digit from the top, which
 * values of it the MAXth may have. Only counts decide, so the order of threads does not.
 */
static __device__ uint64_t least_of_best(struct memory *memory, const uint64_t *keys, uint32_t n)
{
	uint32_t t = threadIdx.x, wanted = MAX;
	uint64_t prefix = 0;

	for (int shift = 64 - DIGIT; shift >= 0; shift -= DIGIT) {
		memory->count[t] = 0;
		__syncthreads();
		for (uint32_t i = t; i < n; i += THREADS) {
			uint64_t key = keys[i];

			/* In two steps, for a shift by 64 is none. */
			if (((key ^ prefix) >> shift) >> DIGIT == 0)
				atomicAdd(&memory->count[(key >> shift) & (DIGITS - 1)], 1u);
		}
		__syncthreads();
		/* Thread t: are those above digit t fewer than are wanted, and with t's enough? */
		if (memory->count[t]) {
			uint32_t above = 0;

			for (uint32_t d = t + 1; d < DIGITS; d++)
				above += memory->count[d];
			if (above < wanted && above + memory->count[t] >= wanted) {
				memory->bucket = t;
				memory->above = above;
			}
		}
		__syncthreads();
		prefix |= (uint64_t)memory->bucket << shift;
		wanted -= memory->above;
		__syncthreads();
	}
	return prefix;
}

/* The best keys into shared memory, sorted. Returns how many. */
static __device__ uint32_t gather_best(struct memory *memory, const uint64_t *keys, uint32_t n)
{
	uint32_t t = threadIdx.x, room = 32;
	uint64_t least = 0;

	if (n > MAX) {
		least = least_of_best(memory, keys, n);
		if (!t)
			memory->n = 0;
		__syncthreads();
		for (uint32_t i = t; i < n; i += THREADS) {
			uint64_t key = keys[i];

			if (key >= least)
				memory->key[atomicAdd(&memory->n, 1u)] = key;
		}
		n = room = MAX;
	} else {
		while (room < n)
			room *= 2;
		for (uint32_t i = t; i < room; i += THREADS)
			memory->key[i] = i < n ? keys[i] : 0;
	}
	sp_keys_sort(memory->key, room);
	return n;
}

static __device__ __forceinline__ bool is_double(const struct memory *memory, const float box[4],
						 uint32_t of, float overlap_max)
{
	float4 other = memory->box[of];
	const float kept[4] = { other.x, other.y, other.z, other.w };

	return !(sp_box_overlap(box, kept) <= overlap_max);
}

/* Candidates of one chunk against each other, by its warp. */
static __device__ void settle_chunk(struct memory *memory, uint32_t chunk, uint32_t n,
				    float overlap_max)
{
	uint32_t lane = threadIdx.x % 32, first = 32 * chunk, own = first + lane;
	uint32_t gone = memory->gone[chunk], doubles = 0;
	float4 at = memory->box[own < n ? own : 0];
	const float box[4] = { at.x, at.y, at.z, at.w };

	for (uint32_t k = 0; k < 32; k++)
		if (k < lane && own < n && !(gone >> k & 1) &&
		    is_double(memory, box, first + k, overlap_max))
			doubles |= 1u << k;
	/* In order: whoever is still there when its turn comes takes its doubles away. */
	for (uint32_t k = 0; k < 32; k++) {
		uint32_t of_k = __ballot_sync(0xFFFFFFFF, doubles >> k & 1);

		if (!(gone >> k & 1))
			gone |= of_k;
	}
	if (!lane)
		memory->gone[chunk] = gone;
}

/* Chunk @later against the kept ones of @chunk, by one warp. */
static __device__ void clear_chunk(struct memory *memory, uint32_t later, uint32_t chunk,
				   uint32_t n, float overlap_max)
{
	uint32_t lane = threadIdx.x % 32, own = 32 * later + lane;
	uint32_t gone = memory->gone[later], kept = ~memory->gone[chunk];
	bool goes = gone >> lane & 1;
	float4 at = memory->box[own < n ? own : 0];
	const float box[4] = { at.x, at.y, at.z, at.w };

	for (; kept && !goes; kept &= kept - 1)
		goes = is_double(memory, box, 32 * chunk + __ffs((int)kept) - 1, overlap_max);
	gone = __ballot_sync(0xFFFFFFFF, goes);
	if (!lane)
		memory->gone[later] = gone;
}

/* Marks doubles as gone, as one after the other would, a chunk of 32 at a time. */
static __device__ void suppress(struct memory *memory, uint32_t n, float overlap_max)
{
	uint32_t t = threadIdx.x, warp = t / 32, chunks = (n + 31) / 32;

	if (t < CHUNKS) /* those that are not there are gone */
		memory->gone[t] = t < n / 32 ? 0 : t > n / 32 ? ~0u : ~0u << n % 32;
	__syncthreads();
	for (uint32_t chunk = 0; chunk < chunks; chunk++) {
		if (!warp)
			settle_chunk(memory, chunk, n, overlap_max);
		__syncthreads();
		for (uint32_t later = chunk + 1 + warp; later < chunks; later += WARPS)
			clear_chunk(memory, later, chunk, n, overlap_max);
		__syncthreads();
	}
}

/* Numbers the kept ones in order. Returns how many. */
static __device__ uint32_t number_kept(struct memory *memory, uint32_t n)
{
	uint32_t t = threadIdx.x, lane = t % 32;

	if (t < 32) {
		uint32_t own = (uint32_t)__popc(~memory->gone[t]), sum = own;

		for (uint32_t apart = 1; apart < 32; apart *= 2) {
			uint32_t before = __shfl_up_sync(0xFFFFFFFF, sum, apart);

			sum += lane >= apart ? before : 0;
		}
		memory->before[t] = sum - own;
		if (t == 31)
			memory->before[CHUNKS] = sum;
	}
	__syncthreads();
	for (uint32_t i = t; i < n; i += THREADS) {
		uint32_t kept = ~memory->gone[i / 32];

		if (kept >> lane & 1)
			memory->kept[memory->before[i / 32] + __popc(kept & ((1u << lane) - 1))] =
				(uint16_t)i;
	}
	return memory->before[CHUNKS];
}

template <typename Number>
static __global__ void __launch_bounds__(THREADS)
	best(struct sp_decode decode, uint32_t anchors, const uint32_t *counters,
	     const uint64_t *keys, struct sp_decoded *decoded)
{
	__shared__ struct memory memory;
	uint32_t picture = blockIdx.x, t = threadIdx.x, n, kept;
	/* Where the boxes were, once doubles are gone. */
	struct sp_detection *staged = (struct sp_detection *)memory.box, d;

	decoded += picture;
	n = gather_best(&memory, keys + (size_t)picture * anchors, counters[picture]);
	for (uint32_t i = t; i < n; i += THREADS) {
		sp_anchor_decode<Number>(
			decode, sp_anchor_find(decode, picture, sp_key_index(memory.key[i])), &d);
		memory.box[i] = make_float4(d.box[0], d.box[1], d.box[2], d.box[3]);
	}
	suppress(&memory, n, decode.overlap_max);
	kept = number_kept(&memory, n);
	if (!t)
		decoded->n = kept;
	__syncthreads();
	for (uint32_t first = 0; first < kept; first += THREADS) {
		uint32_t run = min(kept - first, (uint32_t)THREADS);
		uint32_t *to = (uint32_t *)&decoded->of[first];

		if (t < run) {
			uint64_t key = memory.key[memory.kept[first + t]];

			d.score = sp_key_value(key);
			d.cell = sp_key_index(key);
			sp_anchor_decode<Number>(decode, sp_anchor_find(decode, picture, d.cell),
						 &d);
			staged[t] = d;
		}
		__syncthreads();
		for (uint32_t i = t; i < run * WORDS; i += THREADS)
			to[i] = ((const uint32_t *)staged)[i];
		__syncthreads();
	}
}

cudaError_t sp_suppress_launch(cudaStream_t stream, const struct sp_decode *decode,
			       uint32_t anchors, uint32_t n, const uint32_t *counters,
			       const uint64_t *keys, struct sp_decoded *decoded)
{
	if (decode->type == SP_TENSOR_BF16)
		return sp_launch(best<uint16_t>, dim3(n), dim3(THREADS), 0, stream, *decode,
				 anchors, counters, keys, decoded);
	return sp_launch(best<float>, dim3(n), dim3(THREADS), 0, stream, *decode, anchors, counters,
			 keys, decoded);
}
