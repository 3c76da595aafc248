/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A network's planes past the caches, by whole registers; the ends of a line that are less, and
 * all without AVX2, go through them. Compiled for: base avx2 avx512
 */
#include "infer/cpu/kernel/lines.h"

#include "infer/cpu/kernel/vector.h"

#ifdef __AVX2__

typedef uint16_t fine_lanes __attribute__((vector_size(2 * SP_LANES)));

enum { REGISTER = sizeof(sp_vector) };

SP_INLINE void stream(float *to, sp_vector x)
{
#ifdef __AVX512F__
	_mm512_stream_ps(to, (__m512)x);
#else
	_mm256_stream_ps(to, (__m256)x);
#endif
}

/* Floats from @to on until a register's border, @n at most. */
static uint32_t before_border(const float *to, size_t n)
{
	size_t floats = (REGISTER - (uintptr_t)to % REGISTER) % REGISTER / sizeof(float);

	return (uint32_t)(floats < n ? floats : n);
}

void SP_ISA_NAME(sp_lines_stream_fine)(const uint16_t *fine, uint32_t n, float scale, float shift,
				       float *to)
{
	sp_vector part = sp_broadcast(scale / 256), all_shift = sp_broadcast(shift);
	uint32_t i = before_border(to, n);

	SP_ISA_NAME(sp_lines_form_fine)(fine, i, scale, shift, to);
	for (; i + SP_LANES <= n; i += SP_LANES) {
		fine_lanes lanes;

		__builtin_memcpy(&lanes, fine + i, sizeof(lanes));
		stream(to + i, sp_fma(__builtin_convertvector(lanes, sp_vector), part, all_shift));
	}
	SP_ISA_NAME(sp_lines_form_fine)(fine + i, n - i, scale, shift, to + i);
}

void SP_ISA_NAME(sp_lines_stream_fill)(float *to, size_t n, float value)
{
	sp_vector values = sp_broadcast(value);
	size_t i = before_border(to, n);

	SP_ISA_NAME(sp_lines_fill)(to, i, value);
	for (; i + SP_LANES <= n; i += SP_LANES)
		stream(to + i, values);
	SP_ISA_NAME(sp_lines_fill)(to + i, n - i, value);
}

void SP_ISA_NAME(sp_lines_stream_end)(void)
{
	_mm_sfence();
}

#else

void SP_ISA_NAME(sp_lines_stream_fine)(const uint16_t *fine, uint32_t n, float scale, float shift,
				       float *to)
{
	SP_ISA_NAME(sp_lines_form_fine)(fine, n, scale, shift, to);
}

void SP_ISA_NAME(sp_lines_stream_fill)(float *to, size_t n, float value)
{
	SP_ISA_NAME(sp_lines_fill)(to, n, value);
}

void SP_ISA_NAME(sp_lines_stream_end)(void)
{
}

#endif
