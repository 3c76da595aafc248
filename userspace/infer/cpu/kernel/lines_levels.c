/* SPDX-License-Identifier: Apache-2.0 */
/* Levels from one layout or number to another. Compiled for: base avx2 avx512 */
#include "infer/cpu/kernel/lines.h"

#include "infer/cpu/kernel/vector.h"

void SP_ISA_NAME(sp_lines_split)(const uint8_t *triples, uint32_t n, uint8_t *const lines[3])
{
	uint8_t *restrict first = lines[0], *restrict second = lines[1], *restrict third = lines[2];

	for (size_t i = 0; i < n; i++) {
		first[i] = triples[3 * i];
		second[i] = triples[3 * i + 1];
		third[i] = triples[3 * i + 2];
	}
}

void SP_ISA_NAME(sp_lines_join)(const uint8_t *const lines[3], uint32_t n,
				uint8_t *restrict triples)
{
	const uint8_t *first = lines[0], *second = lines[1], *third = lines[2];

	for (size_t i = 0; i < n; i++) {
		triples[3 * i] = first[i];
		triples[3 * i + 1] = second[i];
		triples[3 * i + 2] = third[i];
	}
}

#ifdef __AVX512BW__

/* Number i of the first two of three registers, or of the last one, that is number 3 i + @c. */
static inline __m512i places(unsigned int c, bool last)
{
	uint16_t words[32];

	for (unsigned int i = 0; i < 32; i++) {
		unsigned int from = 3 * i + c;

		words[i] = (uint16_t)(last ? (from < 64 ? i : from - 64 + 32) : from % 64);
	}
	return _mm512_loadu_si512(words);
}

static uint32_t split_fine_steps(const uint16_t *triples, uint32_t n, uint16_t *const lines[3])
{
	uint32_t done = 0;

	for (; done + 32 <= n; done += 32, triples += 96) {
		__m512i a = _mm512_loadu_si512(triples), b = _mm512_loadu_si512(triples + 32);
		__m512i c = _mm512_loadu_si512(triples + 64);

		SP_UNROLL
		for (unsigned int i = 0; i < 3; i++) {
			__m512i line = _mm512_permutex2var_epi16(a, places(i, false), b);

			line = _mm512_permutex2var_epi16(line, places(i, true), c);
			_mm512_storeu_si512(lines[i] + done, line);
		}
	}
	return done;
}

#else

static uint32_t split_fine_steps(const uint16_t *triples, uint32_t n, uint16_t *const lines[3])
{
	(void)triples, (void)n, (void)lines;
	return 0;
}

#endif

void SP_ISA_NAME(sp_lines_split_fine)(const uint16_t *triples, uint32_t n, uint16_t *const lines[3])
{
	for (size_t i = split_fine_steps(triples, n, lines); i < n; i++) {
		for (size_t c = 0; c < 3; c++)
			lines[c][i] = triples[3 * i + c];
	}
}

void SP_ISA_NAME(sp_lines_to_fine)(const uint8_t *levels, uint32_t n, uint16_t *restrict fine)
{
	for (uint32_t i = 0; i < n; i++)
		fine[i] = (uint16_t)(levels[i] << 8);
}

void SP_ISA_NAME(sp_lines_to_levels)(const uint16_t *fine, uint32_t n, uint8_t *restrict levels)
{
	/* 65280 is the most, so this stays within 16 bits. */
	for (uint32_t i = 0; i < n; i++)
		levels[i] = (uint8_t)((uint16_t)(fine[i] + 128) >> 8);
}

void SP_ISA_NAME(sp_lines_form)(const uint8_t *levels, uint32_t n, float scale, float shift,
				float *restrict to)
{
	for (uint32_t i = 0; i < n; i++)
		to[i] = sp_fma_one((float)levels[i], scale, shift);
}

void SP_ISA_NAME(sp_lines_form_fine)(const uint16_t *fine, uint32_t n, float scale, float shift,
				     float *restrict to)
{
	float part = scale / 256;

	for (uint32_t i = 0; i < n; i++)
		to[i] = sp_fma_one((float)fine[i], part, shift);
}

void SP_ISA_NAME(sp_lines_fill)(float *to, size_t n, float value)
{
	for (size_t i = 0; i < n; i++)
		to[i] = value;
}
