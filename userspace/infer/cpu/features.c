/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/cpu/features.h"

#ifdef __x86_64__

#include <cpuid.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	/* Parts of a thread's state that the system saves (Intel SDM volume 1, chapter 13). */
	STATE_AVX = 0x6,
	STATE_AVX512 = 0xe0,
	STATE_AMX = 0x60000,
	/* linux/Documentation/arch/x86/xstate.rst */
	ASK_PERMISSION = 0x1023, /* ARCH_REQ_XCOMP_PERM */
	TILE_DATA = 18,
};

/* The feature bits of CPUID leaves 1 and 7 (Intel SDM volume 2, CPUID). */
enum {
	LEAF_1_ECX_FMA = 1 << 12,
	LEAF_1_ECX_OSXSAVE = 1 << 27,
	LEAF_7_EBX_AVX2 = 1 << 5,
	LEAF_7_EBX_AVX512 = 1 << 16 | 1 << 17 | 1 << 30, /* F, DQ, BW */
	LEAF_7_EDX_AMX = 1 << 22 | 1 << 24, /* BF16, TILE */
	LEAF_7_1_EAX_BF16 = 1 << 5,
};
static const uint32_t leaf_7_ebx_vl = 1u << 31;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static unsigned int features;

static bool has(uint32_t bits, uint32_t wanted)
{
	return (bits & wanted) == wanted;
}

static uint32_t saved_states(void)
{
	uint32_t low, high;

	__asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	return low;
}

static void look(void)
{
	uint32_t a, b, c, d, states, fma;

	if (!__get_cpuid(1, &a, &b, &c, &d) || !has(c, LEAF_1_ECX_OSXSAVE))
		return;
	fma = c & LEAF_1_ECX_FMA;
	states = saved_states();
	if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !fma || !has(b, LEAF_7_EBX_AVX2) ||
	    !has(states, STATE_AVX))
		return;
	features |= SP_FEATURE_AVX2;
	if (!has(b, LEAF_7_EBX_AVX512 | leaf_7_ebx_vl) || !has(states, STATE_AVX512))
		return;
	features |= SP_FEATURE_AVX512;
	/* Leaf 7 has a leaf beside it if its EAX says so. */
	if (!a || !__get_cpuid_count(7, 1, &a, &b, &c, &fma) || !has(a, LEAF_7_1_EAX_BF16))
		return;
	features |= SP_FEATURE_AVX512_BF16;
	if (has(d, LEAF_7_EDX_AMX) && has(states, STATE_AMX) &&
	    !syscall(SYS_arch_prctl, ASK_PERMISSION, TILE_DATA))
		features |= SP_FEATURE_AMX;
}

unsigned int sp_features(void)
{
	pthread_once(&once, look);
	return features;
}

#else

unsigned int sp_features(void)
{
	return 0;
}

#endif
