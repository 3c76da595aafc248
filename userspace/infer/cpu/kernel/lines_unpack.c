/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Levels out of the wire's bytes. Packed samples and YUV want shuffles of bytes that compilers do
 * not find; in registers of 256 bits, since wider ones would have to shuffle across quarters. What
 * is left of a line, and all of it without AVX2, goes one by one through infer/element.h.
 * Compiled for: base avx2 avx512
 */
#include "infer/cpu/kernel/lines.h"

#include "infer/element.h"

#ifdef __AVX2__
#include <immintrin.h>

/*
 * Sixteen packed samples, eight in each half of a register: bytes @pick put each one's two bytes
 * into a word, @shift its top eight bits into that word's high byte.
 */
struct packing {
	uint32_t bytes; /* of eight samples */
	__m256i pick, shift;
};

static inline uint32_t unpack_steps(const struct packing *packing, const uint8_t *wire, uint32_t n,
				    uint8_t *samples)
{
	uint32_t done = 0;

	/* Reads up to six bytes that are not its own, so others must follow. */
	for (; done + 32 <= n; done += 16, wire += 2 * packing->bytes) {
		__m128i low = _mm_loadu_si128((const __m128i *)wire);
		__m128i high = _mm_loadu_si128((const __m128i *)(wire + packing->bytes));
		__m256i words = _mm256_shuffle_epi8(_mm256_set_m128i(high, low), packing->pick);

		words = _mm256_srli_epi16(_mm256_mullo_epi16(words, packing->shift), 8);
		words = _mm256_packus_epi16(words, words);
		words = _mm256_permute4x64_epi64(words, 0x08);
		_mm_storeu_si128((__m128i *)(samples + done), _mm256_castsi256_si128(words));
	}
	return done;
}

static uint32_t unpack_10p_steps(const uint8_t *wire, uint32_t n, uint8_t *samples)
{
	const struct packing packing = {
		.bytes = 10,
		/* Sample i of a group of four has bytes i and i + 1, from bit 2 i + 2 on. */
		.pick = _mm256_broadcastsi128_si256(
			_mm_setr_epi8(0, 1, 1, 2, 2, 3, 3, 4, 5, 6, 6, 7, 7, 8, 8, 9)),
		.shift = _mm256_set1_epi64x(1 << 6 | 1ll << (16 + 4) | 1ll << (32 + 2) | 1ll << 48),
	};

	return unpack_steps(&packing, wire, n, samples);
}

static uint32_t unpack_12p_steps(const uint8_t *wire, uint32_t n, uint8_t *samples)
{
	const struct packing packing = {
		.bytes = 12,
		/* Of a group of two, bytes i and i + 1, from bit 4 i + 4 on. */
		.pick = _mm256_broadcastsi128_si256(
			_mm_setr_epi8(0, 1, 1, 2, 3, 4, 4, 5, 6, 7, 7, 8, 9, 10, 10, 11)),
		.shift = _mm256_set1_epi32(1 << 4 | 1 << 16),
	};

	return unpack_steps(&packing, wire, n, samples);
}

/* sp_yuyv_to_rgb of 16 pixels as 16-bit numbers that may be below 0 or above 255. */
static inline void convert_yuyv(const uint8_t *wire, __m256i rgb[3])
{
	const __m256i high = _mm256_set1_epi32((int)0xFFFF0000), half = _mm256_set1_epi32(32768);
	/* Both words of a pair get the high word of its sum. */
	const __m256i both = _mm256_broadcastsi128_si256(
		_mm_setr_epi8(2, 3, 2, 3, 6, 7, 6, 7, 10, 11, 10, 11, 14, 15, 14, 15));
	__m256i yuyv = _mm256_loadu_si256((const __m256i *)wire);
	__m256i luma = _mm256_and_si256(yuyv, _mm256_set1_epi16(0xFF));
	/* Words: blue's and red's difference; none where all four bytes are 0. */
	__m256i chroma = _mm256_andnot_si256(
		_mm256_cmpeq_epi32(yuyv, _mm256_setzero_si256()),
		_mm256_sub_epi16(_mm256_srli_epi16(yuyv, 8), _mm256_set1_epi16(128)));
	/* 65536ths: 91881 = 65536 + 26345, 46802 = 65536 - 18734, 116130 = 131072 - 14942. */
	__m256i whole_red = _mm256_add_epi32(_mm256_and_si256(chroma, high), half);
	__m256i whole_blue = _mm256_add_epi32(_mm256_slli_epi32(chroma, 17), half);
	__m256i red = _mm256_madd_epi16(chroma, _mm256_set1_epi32(26345 * 65536));
	__m256i green = _mm256_madd_epi16(chroma, _mm256_set1_epi32(-18734 * 65536 + 22553));
	__m256i blue = _mm256_madd_epi16(chroma, _mm256_set1_epi32(65536 - 14942));

	red = _mm256_shuffle_epi8(_mm256_add_epi32(red, whole_red), both);
	green = _mm256_shuffle_epi8(_mm256_add_epi32(green, whole_red), both);
	blue = _mm256_shuffle_epi8(_mm256_add_epi32(blue, whole_blue), both);
	rgb[0] = _mm256_add_epi16(luma, red);
	rgb[1] = _mm256_sub_epi16(luma, green);
	rgb[2] = _mm256_add_epi16(luma, blue);
}

static uint32_t unpack_yuyv_steps(const uint8_t *wire, uint32_t n, uint8_t *const rgb[3])
{
	uint32_t done = 0;

	for (; done + 32 <= n; done += 32, wire += 64) {
		__m256i first[3], second[3];

		convert_yuyv(wire, first);
		convert_yuyv(wire + 32, second);
		for (int c = 0; c < 3; c++) {
			/* Packing takes turns with the halves of both registers. */
			__m256i levels = _mm256_packus_epi16(first[c], second[c]);

			_mm256_storeu_si256((__m256i *)(rgb[c] + done),
					    _mm256_permute4x64_epi64(levels, 0xD8));
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
