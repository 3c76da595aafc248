/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Levels out of the wire's bytes. Packed samples and YUV want shuffles of bytes that compilers do
 * not find, so AVX-512 has its own; what is left of a line, and all of it elsewhere, goes one by
 * one through infer/element.h. Compiled for: base avx2 avx512
 */
#include "infer/cpu/kernel/lines.h"

#include "infer/element.h"

#ifdef __AVX512BW__
#include <immintrin.h>

enum { STEP = 32 }; /* samples */

/*
 * A step of packed samples: words @spread of the bytes put those of eight samples into each quarter
 * of a register, bytes @pick each sample's two bytes into a word of it, @shift its top eight bits
 * into the low byte.
 */
struct packing {
	uint32_t bytes; /* of a step */
	__m512i spread, pick, shift;
};

static inline uint32_t unpack_steps(const struct packing *packing, const uint8_t *wire, uint32_t n,
				    uint8_t *samples)
{
	__mmask64 whole = (1ull << packing->bytes) - 1;
	uint32_t done = 0;

	for (; done + STEP <= n; done += STEP, wire += packing->bytes) {
		__m512i words = _mm512_maskz_loadu_epi8(whole, wire);

		words = _mm512_permutexvar_epi16(packing->spread, words);
		words = _mm512_shuffle_epi8(words, packing->pick);
		words = _mm512_srlv_epi16(words, packing->shift);
		_mm256_storeu_si256((__m256i *)(samples + done), _mm512_cvtepi16_epi8(words));
	}
	return done;
}

/* Words 0 … @used - 1 of each quarter are the next ones. */
static inline __m512i spread_of(unsigned int used)
{
	uint16_t words[32];

	for (unsigned int i = 0; i < 32; i++)
		words[i] = (uint16_t)(i / 8 * used + (i % 8 < used ? i % 8 : 0));
	return _mm512_loadu_si512(words);
}

static uint32_t unpack_10p_steps(const uint8_t *wire, uint32_t n, uint8_t *samples)
{
	const struct packing packing = {
		.bytes = STEP / 4 * 5,
		.spread = spread_of(5),
		/* Sample i of a group of four has bytes i and i + 1. */
		.pick = _mm512_broadcast_i32x4(
			_mm_setr_epi8(0, 1, 1, 2, 2, 3, 3, 4, 5, 6, 6, 7, 7, 8, 8, 9)),
		.shift = _mm512_set1_epi64(0x0008000600040002),
	};

	return unpack_steps(&packing, wire, n, samples);
}

static uint32_t unpack_12p_steps(const uint8_t *wire, uint32_t n, uint8_t *samples)
{
	const struct packing packing = {
		.bytes = STEP / 2 * 3,
		.spread = spread_of(6),
		.pick = _mm512_broadcast_i32x4(
			_mm_setr_epi8(0, 1, 1, 2, 3, 4, 4, 5, 6, 7, 7, 8, 9, 10, 10, 11)),
		.shift = _mm512_set1_epi32(0x00080004),
	};

	return unpack_steps(&packing, wire, n, samples);
}

/* sp_yuyv_to_rgb of 32 pixels as 16-bit numbers that may be below 0 or above 255. */
static inline void convert_yuyv(__m512i yuyv, __m512i rgb[3])
{
	const __m512i high = _mm512_set1_epi32((int)0xFFFF0000), half = _mm512_set1_epi32(32768);
	/* Both words of a pair get the high word of its sum. */
	const __m512i both = _mm512_broadcast_i32x4(
		_mm_setr_epi8(2, 3, 2, 3, 6, 7, 6, 7, 10, 11, 10, 11, 14, 15, 14, 15));
	__m512i luma = _mm512_and_si512(yuyv, _mm512_set1_epi16(0xFF));
	/* Words: blue's and red's difference; none where all four bytes are 0. */
	__m512i chroma = _mm512_maskz_mov_epi32(
		_mm512_test_epi32_mask(yuyv, yuyv),
		_mm512_sub_epi16(_mm512_srli_epi16(yuyv, 8), _mm512_set1_epi16(128)));
	/* 65536ths: 91881 = 65536 + 26345, 46802 = 65536 - 18734, 116130 = 131072 - 14942. */
	__m512i whole_red = _mm512_add_epi32(_mm512_and_si512(chroma, high), half);
	__m512i whole_blue = _mm512_add_epi32(_mm512_slli_epi32(chroma, 17), half);
	__m512i red = _mm512_madd_epi16(chroma, _mm512_set1_epi32(26345 * 65536));
	__m512i green = _mm512_madd_epi16(chroma, _mm512_set1_epi32(-18734 * 65536 + 22553));
	__m512i blue = _mm512_madd_epi16(chroma, _mm512_set1_epi32(65536 - 14942));

	red = _mm512_shuffle_epi8(_mm512_add_epi32(red, whole_red), both);
	green = _mm512_shuffle_epi8(_mm512_add_epi32(green, whole_red), both);
	blue = _mm512_shuffle_epi8(_mm512_add_epi32(blue, whole_blue), both);
	rgb[0] = _mm512_add_epi16(luma, red);
	rgb[1] = _mm512_sub_epi16(luma, green);
	rgb[2] = _mm512_add_epi16(luma, blue);
}

static uint32_t unpack_yuyv_steps(const uint8_t *wire, uint32_t n, uint8_t *const rgb[3])
{
	/* Packing takes turns with the quarters of both registers. */
	const __m512i order = _mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7);
	uint32_t done = 0;

	for (; done + 64 <= n; done += 64, wire += 128) {
		__m512i first[3], second[3];

		convert_yuyv(_mm512_loadu_si512(wire), first);
		convert_yuyv(_mm512_loadu_si512(wire + 64), second);
		for (int c = 0; c < 3; c++) {
			__m512i levels = _mm512_packus_epi16(first[c], second[c]);

			_mm512_storeu_si512(rgb[c] + done, _mm512_permutexvar_epi64(order, levels));
		}
	}
	return done;
}

#else

static uint32_t unpack_10p_steps(const uint8_t *wire, uint32_t n, uint8_t *samples)
{
	(void)wire, (void)n, (void)samples;
	return 0;
}

static uint32_t unpack_12p_steps(const uint8_t *wire, uint32_t n, uint8_t *samples)
{
	(void)wire, (void)n, (void)samples;
	return 0;
}

static uint32_t unpack_yuyv_steps(const uint8_t *wire, uint32_t n, uint8_t *const rgb[3])
{
	(void)wire, (void)n, (void)rgb;
	return 0;
}

#endif

void SP_ISA_NAME(sp_lines_unpack_10p)(const uint8_t *wire, uint32_t n, uint8_t *samples)
{
	uint32_t done = unpack_10p_steps(wire, n, samples);

	for (uint32_t group = done / 4; group < n / 4; group++) {
		for (uint32_t i = 0; i < 4; i++)
			samples[4 * group + i] = sp_sample_10p(wire + 5 * (size_t)group, i);
	}
}

void SP_ISA_NAME(sp_lines_unpack_12p)(const uint8_t *wire, uint32_t n, uint8_t *samples)
{
	uint32_t done = unpack_12p_steps(wire, n, samples);

	for (uint32_t group = done / 2; group < n / 2; group++) {
		for (uint32_t i = 0; i < 2; i++)
			samples[2 * group + i] = sp_sample_12p(wire + 3 * (size_t)group, i);
	}
}

void SP_ISA_NAME(sp_lines_unpack_16)(const uint8_t *wire, uint32_t n, uint32_t bits,
				     uint8_t *samples)
{
	const sp_pair *words = (const sp_pair *)wire;

	for (uint32_t i = 0; i < n; i++)
		samples[i] = (uint8_t)(words[i] >> (bits - 8));
}

void SP_ISA_NAME(sp_lines_unpack_yuyv)(const uint8_t *wire, uint32_t n, uint8_t *const rgb[3])
{
	uint8_t both[6];

	for (uint32_t i = unpack_yuyv_steps(wire, n, rgb); i < n; i += 2) {
		sp_yuyv_to_rgb(wire + 2 * (size_t)i, both);
		for (uint32_t c = 0; c < 3; c++) {
			rgb[c][i] = both[c];
			rgb[c][i + 1] = both[3 + c];
		}
	}
}
