/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What cuda/dialect.h promises to kernels, for a C++ compiler: names and meanings are CUDA's, what
 * they do is in block.h. Where CUDA has no overload there is none here either.
 */
#ifndef SP_EMULATOR_DIALECT_H
#define SP_EMULATOR_DIALECT_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <tuple>
#include <type_traits>
#include <utility>

#include "block.h"
#include "cuda_runtime_api.h"

#define __global__ __attribute__((noinline))
#define __device__
#define __host__
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)
#define __align__(bytes) __attribute__((aligned(bytes)))

/*
 * Blocks run one after the other, so one copy of a block's memory is enough. It is filled anew for
 * each block (block.c); with AddressSanitizer it is not, so that each array has its guards.
 */
#ifdef __SANITIZE_ADDRESS__
#define __shared__ static
#else
#define __shared__ static __attribute__((section("sp_emulator_shared_arrays")))
#endif
#define SP_SHARED(name) uint8_t *const name = sp_emulator_shared

/* ---- vectors ---- */

struct alignas(8) uint2 {
	unsigned int x, y;
};
struct uint3 {
	unsigned int x, y, z;
};
struct alignas(16) uint4 {
	unsigned int x, y, z, w;
};
struct alignas(8) int2 {
	int x, y;
};
struct alignas(16) int4 {
	int x, y, z, w;
};
struct alignas(8) float2 {
	float x, y;
};
struct alignas(16) float4 {
	float x, y, z, w;
};

struct dim3 {
	unsigned int x, y, z;

	constexpr dim3(unsigned int x_ = 1, unsigned int y_ = 1, unsigned int z_ = 1)
	    : x(x_), y(y_), z(z_)
	{
	}
	constexpr dim3(uint3 v) : x(v.x), y(v.y), z(v.z)
	{
	}
};

static inline uint2 make_uint2(unsigned int x, unsigned int y)
{
	return { x, y };
}

static inline uint3 make_uint3(unsigned int x, unsigned int y, unsigned int z)
{
	return { x, y, z };
}

static inline uint4 make_uint4(unsigned int x, unsigned int y, unsigned int z, unsigned int w)
{
	return { x, y, z, w };
}

static inline int2 make_int2(int x, int y)
{
	return { x, y };
}

static inline int4 make_int4(int x, int y, int z, int w)
{
	return { x, y, z, w };
}

static inline float2 make_float2(float x, float y)
{
	return { x, y };
}

static inline float4 make_float4(float x, float y, float z, float w)
{
	return { x, y, z, w };
}

/* ---- places ---- */

static inline uint3 sp_emulator_uint3(struct sp_emulator_index index)
{
	return { index.x, index.y, index.z };
}

#define threadIdx (sp_emulator_uint3(sp_emulator_place.thread))
#define blockIdx (sp_emulator_uint3(sp_emulator_place.block))
#define blockDim (dim3(sp_emulator_uint3(sp_emulator_place.threads)))
#define gridDim (dim3(sp_emulator_uint3(sp_emulator_place.blocks)))
#define warpSize 32

/* ---- launches ---- */

/*
 * Sources have structures of the same name, which kernels take. What is made of these must be each
 * source's own, or the linker takes one for all: only names of this source may be given to the
 * library's templates.
 */
namespace
{
template <typename Parameter> struct sp_emulator_argument {
	Parameter value;
};

template <typename... Parameters> struct sp_emulator_call {
	void (*kernel)(Parameters...);
	std::tuple<sp_emulator_argument<Parameters>...> arguments;

	template <size_t... i>
	static void spread(const sp_emulator_call *call, std::index_sequence<i...>)
	{
		call->kernel(std::get<i>(call->arguments).value...);
	}

	static void run(const void *call)
	{
		spread(static_cast<const sp_emulator_call *>(call),
		       std::index_sequence_for<Parameters...>());
	}
};
} // namespace

template <typename... Parameters, typename... Arguments>
static inline cudaError_t
sp_emulator_start(const char *name, const char *file, int line, void (*kernel)(Parameters...),
		  dim3 grid, dim3 block, size_t shared, cudaStream_t stream, Arguments... arguments)
{
	using call_type = sp_emulator_call<Parameters...>;
	static_assert((std::is_trivially_copyable<Parameters>::value && ...),
		      "kernels take plain values");
	static_assert(alignof(call_type) <= 16,
		      "kernels take values of at most 16 bytes alignment");
	call_type call = { kernel,
			   { sp_emulator_argument<Parameters>{
				   static_cast<Parameters>(arguments) }... } };
	struct sp_emulator_launch launch = {};

	/* What lies between values is looked at as well (check_arguments), and is nothing. */
	__builtin_clear_padding(&call);
	launch.name = name;
	launch.file = file;
	launch.line = line;
	launch.blocks = { grid.x, grid.y, grid.z };
	launch.threads = { block.x, block.y, block.z };
	launch.shared = shared;
	launch.run = call_type::run;
	launch.arguments = &call;
	launch.arguments_bytes = sizeof(call);
	return sp_emulator_enqueue(&launch, stream);
}

/* As in cuda/dialect.h. A macro, so that messages have the kernel's name. */
#define sp_launch(kernel, ...) sp_emulator_start(#kernel, __FILE__, __LINE__, kernel, __VA_ARGS__)

/* ---- the block ---- */

static inline void __syncthreads()
{
	sp_emulator_barrier(SP_BARRIER_PLAIN, false);
}

static inline int __syncthreads_or(int predicate)
{
	return sp_emulator_barrier(SP_BARRIER_OR, predicate != 0);
}

static inline int __syncthreads_and(int predicate)
{
	return sp_emulator_barrier(SP_BARRIER_AND, predicate != 0);
}

static inline int __syncthreads_count(int predicate)
{
	return sp_emulator_barrier(SP_BARRIER_COUNT, predicate != 0);
}

static inline void __threadfence()
{
}

static inline void __threadfence_block()
{
}

/* ---- the warp ---- */

static inline uint64_t sp_emulator_together(enum sp_warp_kind kind, uint32_t mask, uint64_t value,
					    uint32_t from)
{
	struct sp_warp_part part = {};

	part.kind = kind;
	part.mask = mask;
	part.from = from;
	part.value = value;
	sp_emulator_warp(&part);
	return part.value;
}

static inline void __syncwarp(unsigned int mask = 0xffffffff)
{
	sp_emulator_together(SP_WARP_SYNC, mask, 0, 0);
}

template <typename T>
static inline T sp_emulator_shuffle(unsigned int mask, T value, unsigned int from)
{
	static_assert(std::is_arithmetic<T>::value && (sizeof(T) == 4 || sizeof(T) == 8),
		      "shuffles are of 32 or 64 bits");
	uint64_t bits = 0;

	memcpy(&bits, &value, sizeof(T));
	bits = sp_emulator_together(SP_WARP_SHUFFLE, mask, bits, from);
	memcpy(&value, &bits, sizeof(T));
	return value;
}

template <typename T>
static inline T __shfl_sync(unsigned int mask, T value, int source, int width = 32)
{
	unsigned int lane = sp_emulator_lane(), first = lane & ~(unsigned int)(width - 1);

	return sp_emulator_shuffle(mask, value, first + ((unsigned int)source & (width - 1)));
}

template <typename T>
static inline T __shfl_up_sync(unsigned int mask, T value, unsigned int delta, int width = 32)
{
	unsigned int lane = sp_emulator_lane(), in = lane & (width - 1);

	return sp_emulator_shuffle(mask, value, in < delta ? lane : lane - delta);
}

template <typename T>
static inline T __shfl_down_sync(unsigned int mask, T value, unsigned int delta, int width = 32)
{
	unsigned int lane = sp_emulator_lane(), in = lane & (width - 1);

	return sp_emulator_shuffle(mask, value,
				   in + delta >= (unsigned int)width ? lane : lane + delta);
}

template <typename T>
static inline T __shfl_xor_sync(unsigned int mask, T value, int lane_mask, int width = 32)
{
	unsigned int lane = sp_emulator_lane(), from = lane ^ (unsigned int)lane_mask;
	unsigned int end = (lane & ~(unsigned int)(width - 1)) + width;

	return sp_emulator_shuffle(mask, value, from >= end ? lane : from);
}

static inline unsigned int __ballot_sync(unsigned int mask, int predicate)
{
	return (unsigned int)sp_emulator_together(SP_WARP_BALLOT, mask, predicate != 0, 0);
}

static inline int __any_sync(unsigned int mask, int predicate)
{
	return __ballot_sync(mask, predicate) != 0;
}

static inline int __all_sync(unsigned int mask, int predicate)
{
	return __ballot_sync(mask, predicate) == mask;
}

static inline unsigned int __reduce_add_sync(unsigned int mask, unsigned int value)
{
	return (unsigned int)sp_emulator_together(SP_WARP_ADD, mask, value, 0);
}

static inline int __reduce_add_sync(unsigned int mask, int value)
{
	return (int)sp_emulator_together(SP_WARP_ADD, mask, (unsigned int)value, 0);
}

static inline unsigned int __reduce_min_sync(unsigned int mask, unsigned int value)
{
	return (unsigned int)sp_emulator_together(SP_WARP_MIN_UNSIGNED, mask, value, 0);
}

static inline int __reduce_min_sync(unsigned int mask, int value)
{
	return (int)sp_emulator_together(SP_WARP_MIN_SIGNED, mask, (unsigned int)value, 0);
}

static inline unsigned int __reduce_max_sync(unsigned int mask, unsigned int value)
{
	return (unsigned int)sp_emulator_together(SP_WARP_MAX_UNSIGNED, mask, value, 0);
}

static inline int __reduce_max_sync(unsigned int mask, int value)
{
	return (int)sp_emulator_together(SP_WARP_MAX_SIGNED, mask, (unsigned int)value, 0);
}

static inline unsigned int __reduce_and_sync(unsigned int mask, unsigned int value)
{
	return (unsigned int)sp_emulator_together(SP_WARP_AND, mask, value, 0);
}

static inline unsigned int __reduce_or_sync(unsigned int mask, unsigned int value)
{
	return (unsigned int)sp_emulator_together(SP_WARP_OR, mask, value, 0);
}

static inline unsigned int __reduce_xor_sync(unsigned int mask, unsigned int value)
{
	return (unsigned int)sp_emulator_together(SP_WARP_XOR, mask, value, 0);
}

/* ---- cuda/mma.h, cuda/async.h ---- */

static inline void sp_mma(float d[4], const uint32_t a[4], const uint32_t b[2])
{
	struct sp_warp_part part = {};

	part.kind = SP_WARP_MMA;
	part.mask = 0xffffffff;
	part.d = d;
	part.a = a;
	part.b = b;
	sp_emulator_warp(&part);
}

static inline void sp_load_matrices(uint32_t to[4], const void *row)
{
	struct sp_warp_part part = {};

	part.kind = SP_WARP_LOAD_MATRICES;
	part.mask = 0xffffffff;
	part.to = to;
	part.row = row;
	sp_emulator_warp(&part);
}

static inline void sp_async_copy(void *to, const void *from, bool valid)
{
	sp_emulator_async_copy(to, from, valid);
}

static inline void sp_async_commit()
{
	sp_emulator_async_commit();
}

template <int groups> static inline void sp_async_wait()
{
	sp_emulator_async_wait(groups);
}

/* ---- atomic operations: the value before; overloads are CUDA's ---- */

#define SP_EMULATOR_ATOMIC(name, type, after)                                                      \
	static inline type name(type *at, type value)                                              \
	{                                                                                          \
		sp_emulator_pause();                                                               \
		type before = *at;                                                                 \
		*at = after;                                                                       \
		return before;                                                                     \
	}
#define SP_EMULATOR_ATOMICS(name, after)                                                           \
	SP_EMULATOR_ATOMIC(name, int, after)                                                       \
	SP_EMULATOR_ATOMIC(name, unsigned int, after)                                              \
	SP_EMULATOR_ATOMIC(name, unsigned long long, after)

static inline int sp_emulator_sum(int a, int b)
{
	return (int)((unsigned int)a + (unsigned int)b);
}

SP_EMULATOR_ATOMIC(atomicAdd, int, sp_emulator_sum(before, value))
SP_EMULATOR_ATOMIC(atomicAdd, unsigned int, before + value)
SP_EMULATOR_ATOMIC(atomicAdd, unsigned long long, before + value)
SP_EMULATOR_ATOMIC(atomicAdd, float, before + value)
SP_EMULATOR_ATOMICS(atomicMax, before > value ? before : value)
SP_EMULATOR_ATOMIC(atomicMax, long long, before > value ? before : value)
SP_EMULATOR_ATOMICS(atomicMin, before < value ? before : value)
SP_EMULATOR_ATOMIC(atomicMin, long long, before < value ? before : value)
SP_EMULATOR_ATOMICS(atomicExch, value)
SP_EMULATOR_ATOMIC(atomicExch, float, value)
SP_EMULATOR_ATOMICS(atomicOr, before | value)
SP_EMULATOR_ATOMICS(atomicAnd, before &value)

#define SP_EMULATOR_CAS(type)                                                                      \
	static inline type atomicCAS(type *at, type compare, type value)                           \
	{                                                                                          \
		sp_emulator_pause();                                                               \
		type before = *at;                                                                 \
		if (before == compare)                                                             \
			*at = value;                                                               \
		return before;                                                                     \
	}
SP_EMULATOR_CAS(int)
SP_EMULATOR_CAS(unsigned int)
SP_EMULATOR_CAS(unsigned long long)

/* ---- one thread's ---- */

template <typename T> static inline T __ldg(const T *at)
{
	return *at;
}

static inline int __popc(unsigned int x)
{
	return __builtin_popcount(x);
}

static inline int __popcll(unsigned long long x)
{
	return __builtin_popcountll(x);
}

static inline int __clz(int x)
{
	return x ? __builtin_clz((unsigned int)x) : 32;
}

static inline int __clzll(long long x)
{
	return x ? __builtin_clzll((unsigned long long)x) : 64;
}

static inline int __ffs(int x)
{
	return __builtin_ffs(x);
}

static inline int __ffsll(long long x)
{
	return __builtin_ffsll(x);
}

/* The upper, the lower 32 bits of high:low shifted by @shift % 32. */
static inline unsigned int __funnelshift_l(unsigned int low, unsigned int high, unsigned int shift)
{
	return (unsigned int)((((uint64_t)high << 32 | low) << (shift & 31)) >> 32);
}

static inline unsigned int __funnelshift_r(unsigned int low, unsigned int high, unsigned int shift)
{
	return (unsigned int)(((uint64_t)high << 32 | low) >> (shift & 31));
}

/* Each nibble of @select chooses one of the eight bytes of y:x; its top bit: that byte's sign. */
static inline unsigned int __byte_perm(unsigned int x, unsigned int y, unsigned int select)
{
	uint64_t bytes = (uint64_t)y << 32 | x;
	unsigned int result = 0;

	for (int i = 0; i < 4; i++) {
		unsigned int nibble = select >> (4 * i) & 15;
		unsigned int byte = bytes >> (8 * (nibble & 7)) & 255;

		if (nibble & 8)
			byte = byte & 128 ? 255 : 0;
		result |= byte << (8 * i);
	}
	return result;
}

static inline unsigned int __umulhi(unsigned int x, unsigned int y)
{
	return (unsigned int)((uint64_t)x * y >> 32);
}

static inline unsigned int __float_as_uint(float x)
{
	unsigned int bits;

	memcpy(&bits, &x, sizeof(bits));
	return bits;
}

static inline int __float_as_int(float x)
{
	return (int)__float_as_uint(x);
}

static inline float __uint_as_float(unsigned int bits)
{
	float x;

	memcpy(&x, &bits, sizeof(x));
	return x;
}

static inline float __int_as_float(int bits)
{
	return __uint_as_float((unsigned int)bits);
}

static inline float __fmaf_rn(float x, float y, float z)
{
	return fmaf(x, y, z);
}

static inline float __fadd_rn(float x, float y)
{
	return x + y;
}

static inline float __fmul_rn(float x, float y)
{
	return x * y;
}

static inline float rsqrtf(float x)
{
	return 1.0f / sqrtf(x);
}

/* libm declares one. A device's is within a few units in the last place of this. */
#define __expf expf

/* As CUDA has them: of two kinds of integers, the unsigned one of their size. */
#define SP_EMULATOR_MIN_MAX(result, first, second)                                                 \
	static inline result min(first a, second b)                                                \
	{                                                                                          \
		return (result)a < (result)b ? (result)a : (result)b;                              \
	}                                                                                          \
	static inline result max(first a, second b)                                                \
	{                                                                                          \
		return (result)a > (result)b ? (result)a : (result)b;                              \
	}
SP_EMULATOR_MIN_MAX(int, int, int)
SP_EMULATOR_MIN_MAX(unsigned int, unsigned int, unsigned int)
SP_EMULATOR_MIN_MAX(unsigned int, int, unsigned int)
SP_EMULATOR_MIN_MAX(unsigned int, unsigned int, int)
SP_EMULATOR_MIN_MAX(long, long, long)
SP_EMULATOR_MIN_MAX(unsigned long, unsigned long, unsigned long)
SP_EMULATOR_MIN_MAX(unsigned long, long, unsigned long)
SP_EMULATOR_MIN_MAX(unsigned long, unsigned long, long)
SP_EMULATOR_MIN_MAX(long long, long long, long long)
SP_EMULATOR_MIN_MAX(unsigned long long, unsigned long long, unsigned long long)
SP_EMULATOR_MIN_MAX(unsigned long long, long long, unsigned long long)
SP_EMULATOR_MIN_MAX(unsigned long long, unsigned long long, long long)

static inline float min(float a, float b)
{
	return fminf(a, b);
}

static inline float max(float a, float b)
{
	return fmaxf(a, b);
}

#endif
