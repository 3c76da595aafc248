/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Weighted sums of lines and, across, of their columns. Compiled for: base avx2 avx512
 */
#include "infer/cpu/kernel/lines.h"

#include "infer/cpu/kernel/vector.h"

SP_INLINE void weigh_rows(const uint8_t *const *lines, const uint16_t *weights, unsigned int rows,
			  bool add, uint32_t n, uint16_t *restrict sum)
{
	const uint8_t *line[SP_LINES_MAX];
	uint16_t weight[SP_LINES_MAX];

	for (unsigned int i = 0; i < rows; i++) {
		line[i] = lines[i];
		weight[i] = weights[i];
	}
	for (uint32_t x = 0; x < n; x++) {
		uint16_t all = add ? sum[x] : 0;

		SP_UNROLL
		for (unsigned int i = 0; i < rows; i++)
			all += sp_fine_times((uint16_t)(line[i][x] << 8), weight[i]);
		sum[x] = all;
	}
}

/* One loop for each number of rows, so that their sum stays in registers. */
SP_INLINE void weigh_any_rows(const uint8_t *const *lines, const uint16_t *weights,
			      unsigned int rows, bool add, uint32_t n, uint16_t *sum)
{
	switch (rows) {
	case 1:
		weigh_rows(lines, weights, 1, add, n, sum);
		break;
	case 2:
		weigh_rows(lines, weights, 2, add, n, sum);
		break;
	case 3:
		weigh_rows(lines, weights, 3, add, n, sum);
		break;
	default:
		weigh_rows(lines, weights, 4, add, n, sum);
	}
}

void SP_ISA_NAME(sp_lines_weigh)(const uint8_t *const *lines, const uint16_t *weights,
				 unsigned int rows, bool add, uint32_t n, uint16_t *sum)
{
	if (add)
		weigh_any_rows(lines, weights, rows, true, n, sum);
	else
		weigh_any_rows(lines, weights, rows, false, n, sum);
}

void SP_ISA_NAME(sp_lines_weigh_fine)(const uint16_t *restrict fine, uint16_t weight, uint32_t n,
				      uint16_t *restrict sum)
{
	for (uint32_t i = 0; i < n; i++)
		sum[i] += sp_fine_times(fine[i], weight);
}

#ifdef __AVX512BW__

/* @half: all windows of the line lie in the first half of what a window may be. */
SP_INLINE void across_windows(const struct sp_across *across, const uint16_t *line, bool half,
			      uint16_t *ret)
{
	const __m512i one = _mm512_set1_epi16(1), beyond = _mm512_set1_epi16(64);
	uint32_t group = across->group;

	for (uint32_t g = 0; g * group < across->width; g++) {
		const uint16_t *at = line + across->begin[g];
		const uint16_t(*weight)[SP_ACROSS_GROUP] = across->weight + g * across->taps;
		__m512i a = _mm512_loadu_si512(at), b = _mm512_loadu_si512(at + 32);
		__m512i c = half ? a : _mm512_loadu_si512(at + 64);
		__m512i d = half ? b : _mm512_loadu_si512(at + 96);
		__m512i index = _mm512_loadu_si512(across->index[g]);
		__m512i sum = _mm512_setzero_si512();

		for (uint32_t t = 0; t < across->taps; t++) {
			__m512i fine = _mm512_permutex2var_epi16(a, index, b);

			if (!half) {
				__mmask32 far = _mm512_test_epi16_mask(index, beyond);

				fine = _mm512_mask_mov_epi16(
					fine, far, _mm512_permutex2var_epi16(c, index, d));
			}
			fine = _mm512_mulhi_epu16(fine, _mm512_loadu_si512(weight[t]));
			sum = _mm512_add_epi16(sum, fine);
			index = _mm512_add_epi16(index, one);
		}
		if (group == SP_ACROSS_GROUP)
			_mm512_storeu_si512(ret + g * SP_ACROSS_GROUP, sum);
		else
			_mm256_storeu_si256((__m256i *)(ret + g * SP_ACROSS_GROUP / 2),
					    _mm512_castsi512_si256(sum));
	}
}

void SP_ISA_NAME(sp_lines_across)(const struct sp_across *across, const uint16_t *line,
				  uint16_t *ret)
{
	if (across->half)
		across_windows(across, line, true, ret);
	else
		across_windows(across, line, false, ret);
}

#elif defined(__AVX2__)

enum { EIGHTHS_MAX = SP_ACROSS_WINDOW / 8 };

/*
 * Sixteen pixels, eight in each half of a register. Bytes of a window of eight fine levels can be
 * shuffled at once; those that want another window's get zeros and an or brings all together.
 */
static void across_sixteen(const struct sp_across *across, const uint16_t *line, uint32_t g,
			   uint32_t first, uint16_t *ret)
{
	const uint16_t *index = across->index[g] + first, *at = line + across->begin[g];
	const uint16_t(*weight)[SP_ACROSS_GROUP] = across->weight + g * across->taps;
	/* Of both bytes: 15 becomes the last place, with 16 the high bit says that it is none. */
	const __m256i beyond = _mm256_set1_epi8(0x70), window_bytes = _mm256_set1_epi8(16);
	__m256i window[EIGHTHS_MAX], place, sum = _mm256_setzero_si256();

	for (uint32_t w = 0; w < across->eighths; w++)
		window[w] =
			_mm256_set_m128i(_mm_loadu_si128((const __m128i *)(at + index[8] + 8 * w)),
					 _mm_loadu_si128((const __m128i *)(at + index[0] + 8 * w)));
	place = _mm256_sub_epi16(
		_mm256_loadu_si256((const __m256i *)index),
		_mm256_set_m128i(_mm_set1_epi16((short)index[8]), _mm_set1_epi16((short)index[0])));
	/* Each one's bytes: twice that, and one more. */
	place = _mm256_add_epi16(
		_mm256_and_si256(_mm256_slli_epi16(place, 1), _mm256_set1_epi16(0xFF)),
		_mm256_slli_epi16(place, 9));
	place = _mm256_add_epi8(place, _mm256_set1_epi16(0x100));
	for (uint32_t t = 0; t < across->taps; t++) {
		__m256i fine = _mm256_setzero_si256(), in_window = place;

		for (uint32_t w = 0; w < across->eighths; w++) {
			__m256i pick = _mm256_adds_epu8(in_window, beyond);

			fine = _mm256_or_si256(fine, _mm256_shuffle_epi8(window[w], pick));
			in_window = _mm256_sub_epi8(in_window, window_bytes);
		}
		fine = _mm256_mulhi_epu16(fine,
					  _mm256_loadu_si256((const __m256i *)(weight[t] + first)));
		sum = _mm256_add_epi16(sum, fine);
		place = _mm256_add_epi8(place, _mm256_set1_epi8(2));
	}
	_mm256_storeu_si256((__m256i *)ret, sum);
}

void SP_ISA_NAME(sp_lines_across)(const struct sp_across *across, const uint16_t *line,
				  uint16_t *ret)
{
	for (uint32_t g = 0; g * across->group < across->width; g++)
		for (uint32_t i = 0; i < across->group; i += 16, ret += 16)
			across_sixteen(across, line, g, i, ret);
}

#else

void SP_ISA_NAME(sp_lines_across)(const struct sp_across *across, const uint16_t *line,
				  uint16_t *ret)
{
	uint32_t group = across->group;

	for (uint32_t g = 0; g * group < across->width; g++) {
		const uint16_t *at = line + across->begin[g];
		const uint16_t(*weight)[SP_ACROSS_GROUP] = across->weight + g * across->taps;

		for (uint32_t i = 0; i < group; i++) {
			const uint16_t *first = at + across->index[g][i];
			uint16_t sum = 0;

			for (uint32_t t = 0; t < across->taps; t++)
				sum += sp_fine_times(first[t], weight[t][i]);
			ret[g * group + i] = sum;
		}
	}
}

#endif
