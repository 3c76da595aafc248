/* SPDX-License-Identifier: Apache-2.0 */
/* The table of loops over lines. Compiled for: base avx2 avx512 */
#include "infer/cpu/kernel/lines.h"

#if defined(__AVX512F__)
#define NAME "avx512"
#elif defined(__AVX2__)
#define NAME "avx2"
#else
#define NAME "portable"
#endif

const struct sp_lines SP_ISA_NAME(sp_lines) = {
	.name = NAME,
	.unpack_10p = SP_ISA_NAME(sp_lines_unpack_10p),
	.unpack_12p = SP_ISA_NAME(sp_lines_unpack_12p),
	.unpack_16 = SP_ISA_NAME(sp_lines_unpack_16),
	.unpack_yuyv = SP_ISA_NAME(sp_lines_unpack_yuyv),
	.split = SP_ISA_NAME(sp_lines_split),
	.join = SP_ISA_NAME(sp_lines_join),
	.split_fine = SP_ISA_NAME(sp_lines_split_fine),
	.demosaic = SP_ISA_NAME(sp_lines_demosaic),
	.weigh = SP_ISA_NAME(sp_lines_weigh),
	.weigh_quads = SP_ISA_NAME(sp_lines_weigh_quads),
	.weigh_fine = SP_ISA_NAME(sp_lines_weigh_fine),
	.across = SP_ISA_NAME(sp_lines_across),
	.to_fine = SP_ISA_NAME(sp_lines_to_fine),
	.to_levels = SP_ISA_NAME(sp_lines_to_levels),
	.form = SP_ISA_NAME(sp_lines_form),
	.form_fine = SP_ISA_NAME(sp_lines_form_fine),
	.fill = SP_ISA_NAME(sp_lines_fill),
	.stream_fine = SP_ISA_NAME(sp_lines_stream_fine),
	.stream_fill = SP_ISA_NAME(sp_lines_stream_fill),
	.stream_end = SP_ISA_NAME(sp_lines_stream_end),
};
