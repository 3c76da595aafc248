/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sweep reads the gallery once in bfloat16 and keeps of each group of 64 rows the best similarity;
 * choose lists the groups in which one of the k best can be; rescore compares their rows in float32
 * as sp_search_similarity does and keeps the best of each block; merge puts these in order.
 *
 * Why nothing is missed. Let s be a row's similarity in float32, s' the one in bfloat16, and
 * |s - s'| ≤ ε for each row that is not odd. τ is such that k different rows have s' ≥ τ: maxima of
 * different sets of rows are of different rows. These k have s ≥ τ - ε, so the kth best s, and with
 * it every row that is among the k best or equal to one, has s ≥ τ - ε, so s' ≥ τ - 2 ε, and so has
 * its group's maximum. All groups of which that is true, and those with odd rows, are compared
 * again in float32: if rows are so alike that ε does not tell them apart, all of them. No list can
 * be too short.
 *
 * ε. a: row, b: query, a', b': rounded; E ≥ |a - a'| and M ≥ |a| for all rows. Cauchy and Schwarz:
 * |ab - a'b'| ≤ E |b'| + M |b - b'|: about 0.0044 for unit vectors. Products of bfloat16 are exact
 * in float32; a tensor core may cut off what it adds (Fasi et al., Numerical behavior of NVIDIA
 * tensor cores, 2021): K columns make at most K 2^-21 |a'| |b'|. gallery.c adds these up.
 *
 * Numbers of sweep, 1 M rows of 128, 8 queries: 2 G operations of tensor cores, 256 MB read, 0.5 MB
 * written. round: 1 M × 128 × 6 operations, 512 MB read twice, 256 MB written, once a gallery.
 * choose: 16,384 comparisons, 65,536 bytes. rescore: about 100 groups × 64 rows × 256 operations,
 * 3.3 MB. merge: 1024 × 66 comparisons, 16 KB. The last three a query.
 */
#include "cuda/gallery.h"

#include "cuda/device.h"
#include "cuda/dialect.h"
#include "cuda/mma.h"
#include "cuda/order.h"
#include "infer/element.h"

enum {
	THREADS = 256,
	WARPS = THREADS / 32,
	GROUP = SP_SWEEP_GROUP,
	TILE = 16, /* rows of a product */
	PRODUCT = 8, /* queries of one */
	COLUMNS = SP_SWEEP_COLUMNS, /* of which a thread has 8 side by side, for two products */
	AHEAD = 4, /* such pieces that are read at once */
	NAN_HALF = 0x7FC0,
	CHOOSE_THREADS = 1024,
	BLOCKS_A_PROCESSOR = 8,
	CANDIDATES = SP_RESCORE_BLOCKS * SP_HITS_MAX,
	QUERY_MAX = SP_EMBEDDING_MAX,
};

static_assert(THREADS == 4 * GROUP, "four threads a row of a group");
static_assert((int)SP_HITS_MAX == (int)GROUP, "the best and a group are sorted together");

/* ---- round ---- */

static __device__ __forceinline__ float warp_sum(float x)
{
	for (int apart = 16; apart; apart /= 2)
		x += __shfl_xor_sync(0xFFFFFFFF, x, apart);
	return x;
}

/* A warp a row. */
static __global__ void __launch_bounds__(THREADS) round_rows(struct sp_gallery_memory g)
{
	size_t row = (size_t)blockIdx.x * WARPS + threadIdx.x / 32;
	uint32_t lane = threadIdx.x % 32;
	const float *from = g.rows + row * g.size;
	uint16_t *to = g.halves + row * g.columns;
	float square = 0, error = 0;
	bool is_row = row < g.rows_n, is_odd;

	for (uint32_t i = lane; is_row && i < g.size; i += 32) {
		float x = from[i], off = x - sp_bf16_to_float(sp_bf16_of(x));

		square += x * x;
		error += off * off;
	}
	square = warp_sum(square);
	error = warp_sum(error);
	is_odd = is_row && !(square <= SP_SWEEP_SQUARE_MAX);
	for (uint32_t i = lane; i < g.columns; i += 32) {
		uint16_t half = NAN_HALF;

		if (is_row && !is_odd)
			half = i < g.size ? sp_bf16_of(from[i]) : 0;
		to[i] = half;
	}
	if (lane)
		return;
	if (is_odd) {
		atomicMax(&g.odd[row / GROUP], 1u);
	} else if (is_row) {
		atomicMax(&g.reach[0], __float_as_uint(square));
		atomicMax(&g.reach[1], __float_as_uint(error));
	}
}

cudaError_t sp_gallery_round_launch(cudaStream_t stream, const struct sp_gallery_memory *memory)
{
	cudaError_t status = cudaMemsetAsync(memory->reach, 0, 2 * sizeof(uint32_t), stream);

	if (status == cudaSuccess && memory->groups)
		status = cudaMemsetAsync(memory->odd, 0, memory->groups * sizeof(uint32_t), stream);
	if (status != cudaSuccess || !memory->groups)
		return status;
	return sp_launch(round_rows, dim3(memory->groups * (GROUP / WARPS)), dim3(THREADS), 0,
			 stream, *memory);
}

/* ---- sweep ---- */

/* So that eight threads that read 16 bytes each of two queries have all banks. */
static __host__ __device__ __forceinline__ uint32_t query_pitch(uint32_t columns)
{
	return columns / COLUMNS % 2 ? columns : columns + COLUMNS;
}

/*
 * Sums of one tile's products. The order of columns does not matter if it is the same in both
 * factors, so each thread takes eight of a row that lie side by side, as it reads them, where one
 * product wants two and two.
 */
template <int products>
static __device__ __forceinline__ void multiply(const uint16_t *rows, const uint16_t *queries,
						uint32_t columns, float sum[products][4])
{
	uint32_t pitch = query_pitch(columns);

	for (uint32_t c = 0; c < columns; c += AHEAD * COLUMNS) {
		uint4 upper[AHEAD], lower[AHEAD];

		SP_UNROLL
		for (uint32_t i = 0; i < AHEAD; i++) {
			if (c + i * COLUMNS >= columns)
				continue;
			upper[i] = *(const uint4 *)(rows + c + i * COLUMNS);
			lower[i] = *(const uint4 *)(rows + 8 * columns + c + i * COLUMNS);
		}
		SP_UNROLL
		for (uint32_t i = 0; i < AHEAD; i++) {
			if (c + i * COLUMNS >= columns)
				continue;
			const uint32_t first[4] = { upper[i].x, lower[i].x, upper[i].y,
						    lower[i].y };
			const uint32_t second[4] = { upper[i].z, lower[i].z, upper[i].w,
						     lower[i].w };

			SP_UNROLL
			for (int q = 0; q < products; q++) {
				uint4 b = *(const uint4 *)(queries + q * PRODUCT * pitch + c +
							   i * COLUMNS);
				const uint32_t b_first[2] = { b.x, b.y },
					       b_second[2] = { b.z, b.w };

				sp_mma(sum[q], first, b_first);
				sp_mma(sum[q], second, b_second);
			}
		}
	}
}

/*
 * A warp a group. NaN is not greater than anything, so odd rows and those that are none drop out.
 */
template <int products>
static __global__ void __launch_bounds__(THREADS, 3) sweep(struct sp_gallery_memory g)
{
	uint32_t lane = threadIdx.x % 32, row = lane / 4, pitch = query_pitch(g.columns);
	SP_SHARED(shared);
	uint16_t *queries = (uint16_t *)shared;

	for (uint32_t i = threadIdx.x; i < products * PRODUCT * (g.columns / 8); i += THREADS) {
		uint32_t q = i / (g.columns / 8), c = i % (g.columns / 8) * 8;

		*(uint4 *)(queries + q * pitch + c) =
			*(const uint4 *)(g.query_halves + q * g.columns + c);
	}
	__syncthreads();
	for (uint32_t group = blockIdx.x * WARPS + threadIdx.x / 32; group < g.groups;
	     group += gridDim.x * WARPS) {
		const uint16_t *rows = g.halves + ((size_t)group * GROUP + row) * g.columns +
				       lane % 4 * 8;
		float best[products][2];

		/* Not all threads stored what was best of the group before. */
		__syncwarp();
		SP_UNROLL
		for (int q = 0; q < products; q++)
			best[q][0] = best[q][1] = -INFINITY;
		SP_ROLL
		for (uint32_t tile = 0; tile < GROUP; tile += TILE) {
			float sum[products][4];

			SP_UNROLL
			for (int q = 0; q < products; q++)
				sum[q][0] = sum[q][1] = sum[q][2] = sum[q][3] = 0;
			multiply<products>(rows + tile * g.columns,
					   queries + row * pitch + lane % 4 * 8, g.columns, sum);
			SP_UNROLL
			for (int q = 0; q < products; q++)
				for (int i = 0; i < 2; i++)
					best[q][i] = fmaxf(best[q][i],
							   fmaxf(sum[q][i], sum[q][2 + i]));
		}
		SP_UNROLL
		for (int q = 0; q < products; q++) {
			for (int i = 0; i < 2; i++) {
				for (int apart = 4; apart < 32; apart *= 2)
					best[q][i] = fmaxf(
						best[q][i],
						__shfl_xor_sync(0xFFFFFFFF, best[q][i], apart));
				if (lane < 4)
					g.maxima[(size_t)(q * PRODUCT + 2 * lane + i) * g.groups +
						 group] = best[q][i];
			}
		}
	}
}

/* ---- choose ---- */

/*
 * A block a query. τ is the kth best of the maxima that its threads find, each among groups of its
 * own: close below the kth best of all, and no less true.
 */
static __global__ void __launch_bounds__(CHOOSE_THREADS)
	choose(struct sp_gallery_memory g, uint32_t k)
{
	__shared__ uint64_t key[CHOOSE_THREADS];
	__shared__ uint32_t listed;
	uint32_t q = blockIdx.x, t = threadIdx.x;
	const float *maxima = g.maxima + (size_t)q * g.groups;
	uint32_t *list = g.list + (size_t)q * g.groups;
	float own = -INFINITY;
	double least;

	for (uint32_t i = t; i < g.groups; i += CHOOSE_THREADS)
		own = fmaxf(own, maxima[i]);
	key[t] = sp_key(own, t);
	if (!t)
		listed = 0;
	sp_keys_sort(key, CHOOSE_THREADS);
	least = (double)sp_key_value(key[k - 1]) - g.slack[q];
	for (uint32_t i = t; i < g.groups; i += CHOOSE_THREADS)
		if ((double)maxima[i] >= least || g.odd[i])
			list[atomicAdd(&listed, 1u)] = i;
	__syncthreads();
	if (!t)
		g.listed[q] = listed;
}

/* ---- rescore ---- */

/*
 * sp_search_similarity's sixteen sums and their order, by four threads, each with four of the sums:
 * the same bits. Whole warps call; all four get it.
 */
static __device__ __forceinline__ float similarity(const float *row, const float *query,
						   uint32_t size)
{
	uint32_t part = threadIdx.x % 4, i = 0;
	float sum[4] = { 0, 0, 0, 0 }, total = 0;

	for (; i + 16 <= size; i += 16) {
		const float *a = row + i + 4 * part, *b = query + i + 4 * part;
		float4 x = size % 4 ? make_float4(a[0], a[1], a[2], a[3]) : *(const float4 *)a;

		sum[0] += sp_product(x.x, b[0]);
		sum[1] += sp_product(x.y, b[1]);
		sum[2] += sp_product(x.z, b[2]);
		sum[3] += sp_product(x.w, b[3]);
	}
	for (uint32_t turn = 0; turn < 4; turn++) {
		if (part == turn)
			for (int c = 0; c < 4; c++)
				total += sum[c];
		total = __shfl_sync(0xFFFFFFFF, total, turn, 4);
	}
	for (; i < size; i++)
		total += sp_product(row[i], query[i]);
	return total;
}

/* Several blocks a query, each with every so manieth of its groups. */
static __global__ void __launch_bounds__(THREADS) rescore(struct sp_gallery_memory g, uint32_t k)
{
	__shared__ uint64_t key[SP_HITS_MAX + GROUP]; /* the best so far, and a group's */
	__shared__ float query[QUERY_MAX];
	uint32_t q = blockIdx.y, t = threadIdx.x, listed = g.listed[q];
	const uint32_t *list = g.list + (size_t)q * g.groups;

	for (uint32_t i = t; i < g.size; i += THREADS)
		query[i] = g.queries[(size_t)q * g.size + i];
	if (t < SP_HITS_MAX + GROUP)
		key[t] = 0;
	__syncthreads();
	for (uint32_t i = blockIdx.x; i < listed; i += gridDim.x) {
		uint32_t row = list[i] * GROUP + t / 4;
		bool is_row = row < g.rows_n;
		float s = similarity(g.rows + (size_t)(is_row ? row : 0) * g.size, query, g.size);
		uint64_t own = is_row ? sp_key(s == s ? s : -INFINITY, row) : 0;
		bool better = own > key[k - 1];

		if (t % 4 == 0)
			key[SP_HITS_MAX + t / 4] = better ? own : 0;
		if (__syncthreads_or(better))
			sp_keys_sort(key, SP_HITS_MAX + GROUP);
	}
	__syncthreads();
	if (t < SP_HITS_MAX)
		g.best[((size_t)q * SP_RESCORE_BLOCKS + blockIdx.x) * SP_HITS_MAX + t] = key[t];
}

/* ---- merge ---- */

static __global__ void __launch_bounds__(CHOOSE_THREADS)
	merge(struct sp_gallery_memory g, uint32_t k)
{
	__shared__ uint64_t key[CANDIDATES];
	uint32_t q = blockIdx.x, t = threadIdx.x;

	for (uint32_t i = t; i < CANDIDATES; i += CHOOSE_THREADS)
		key[i] = g.best[(size_t)q * CANDIDATES + i];
	sp_keys_sort(key, CANDIDATES);
	if (t < k && t < g.rows_n) {
		g.hits[q * SP_HITS_MAX + t].index = sp_key_index(key[t]);
		g.hits[q * SP_HITS_MAX + t].similarity = sp_key_value(key[t]);
	}
}

cudaError_t sp_gallery_search_launch(cudaStream_t stream, const struct sp_device *device,
				     const struct sp_gallery_memory *memory, uint32_t queries_n,
				     uint32_t k)
{
	uint32_t blocks = (memory->groups + WARPS - 1) / WARPS;
	size_t shared = PRODUCT * query_pitch(memory->columns) * sizeof(uint16_t);
	cudaError_t status;

	if (!queries_n || !memory->groups)
		return cudaSuccess;
	blocks = min(blocks, device->processors * BLOCKS_A_PROCESSOR);
	if (queries_n <= PRODUCT)
		status = sp_launch(sweep<1>, dim3(blocks), dim3(THREADS), shared, stream, *memory);
	else
		status = sp_launch(sweep<2>, dim3(blocks), dim3(THREADS), 2 * shared, stream,
				   *memory);
	if (status == cudaSuccess)
		status = sp_launch(choose, dim3(queries_n), dim3(CHOOSE_THREADS), 0, stream,
				   *memory, k);
	if (status == cudaSuccess)
		status = sp_launch(rescore, dim3(SP_RESCORE_BLOCKS, queries_n), dim3(THREADS), 0,
				   stream, *memory, k);
	if (status == cudaSuccess)
		status = sp_launch(merge, dim3(queries_n), dim3(CHOOSE_THREADS), 0, stream, *memory,
				   k);
	return status;
}
