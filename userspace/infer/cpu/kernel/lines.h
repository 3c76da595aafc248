/* SPDX-License-Identifier: Apache-2.0 */
/* Loops over lines (cpu/lines.h), in pieces for lines.c's table. */
#ifndef SP_INFER_CPU_KERNEL_LINES_H
#define SP_INFER_CPU_KERNEL_LINES_H

#include "infer/cpu/kernel/isa.h"
#include "infer/cpu/lines.h"

/* Two samples of a line, the one of the even column in the low byte. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "words of pixels are little-endian");
typedef uint16_t sp_pair __attribute__((may_alias, aligned(1)));

extern const struct sp_lines sp_lines_base;
#ifdef __x86_64__
extern const struct sp_lines sp_lines_avx2;
extern const struct sp_lines sp_lines_avx512;
#endif

/* A fine level (8.8) by a weight in 65536ths. */
static inline uint16_t sp_fine_times(uint16_t fine, uint16_t weight)
{
	return (uint16_t)((uint32_t)fine * weight >> 16);
}

#ifdef SP_ISA
void SP_ISA_NAME(sp_lines_unpack_10p)(const uint8_t *wire, uint32_t n, uint8_t *samples);
void SP_ISA_NAME(sp_lines_unpack_12p)(const uint8_t *wire, uint32_t n, uint8_t *samples);
void SP_ISA_NAME(sp_lines_unpack_16)(const uint8_t *wire, uint32_t n, uint32_t bits,
				     uint8_t *samples);
void SP_ISA_NAME(sp_lines_unpack_yuyv)(const uint8_t *wire, uint32_t n, uint8_t *const rgb[3]);
void SP_ISA_NAME(sp_lines_split)(const uint8_t *triples, uint32_t n, uint8_t *const lines[3]);
void SP_ISA_NAME(sp_lines_join)(const uint8_t *const lines[3], uint32_t n, uint8_t *triples);
void SP_ISA_NAME(sp_lines_split_fine)(const uint16_t *triples, uint32_t n,
				      uint16_t *const lines[3]);
void SP_ISA_NAME(sp_lines_demosaic)(const uint8_t *up, const uint8_t *mid, const uint8_t *down,
				    uint32_t pairs, unsigned int site, uint8_t *const ret[3]);
void SP_ISA_NAME(sp_lines_weigh)(const uint8_t *const *lines, const uint16_t *weights,
				 unsigned int rows, bool add, uint32_t n, uint16_t *sum);
void SP_ISA_NAME(sp_lines_weigh_quads)(const uint8_t *const *lines, const uint16_t *weights,
				       unsigned int rows, bool add, unsigned int red_x, uint32_t n,
				       uint16_t *const sum[3]);
void SP_ISA_NAME(sp_lines_weigh_fine)(const uint16_t *fine, uint16_t weight, uint32_t n,
				      uint16_t *sum);
void SP_ISA_NAME(sp_lines_across)(const struct sp_across *across, const uint16_t *line,
				  uint16_t *ret);
void SP_ISA_NAME(sp_lines_to_fine)(const uint8_t *levels, uint32_t n, uint16_t *fine);
void SP_ISA_NAME(sp_lines_to_levels)(const uint16_t *fine, uint32_t n, uint8_t *levels);
void SP_ISA_NAME(sp_lines_form)(const uint8_t *levels, uint32_t n, float scale, float shift,
				float *to);
void SP_ISA_NAME(sp_lines_form_fine)(const uint16_t *fine, uint32_t n, float scale, float shift,
				     float *to);
void SP_ISA_NAME(sp_lines_fill)(float *to, size_t n, float value);
void SP_ISA_NAME(sp_lines_stream_fine)(const uint16_t *fine, uint32_t n, float scale, float shift,
				       float *to);
void SP_ISA_NAME(sp_lines_stream_fill)(float *to, size_t n, float value);
void SP_ISA_NAME(sp_lines_stream_end)(void);
#endif

#endif
