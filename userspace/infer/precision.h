/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What numbers a network is computed in.
 *
 * f32: float32 throughout. Bit-stable: the same CPU gives the same bits however many threads there
 * are, and so do all CPUs with fused multiply-add, AVX2 or AVX-512.
 * bf16: products of bfloat16, sums of float32. Faster where the CPU multiplies bfloat16; gates that
 * it must hold are in tests/parity.
 */
#ifndef SP_INFER_PRECISION_H
#define SP_INFER_PRECISION_H

enum sp_precision {
	SP_PRECISION_AUTO, /* bf16 where the CPU has AMX-BF16 or AVX512-BF16, else f32 */
	SP_PRECISION_F32,
	SP_PRECISION_BF16, /* the same numbers, slower, on a CPU without */
	SP_PRECISIONS,
};

/* "auto", "f32", "bf16". */
const char *sp_precision_name(enum sp_precision precision);

/* The one of that name, or SP_PRECISIONS. */
enum sp_precision sp_precision_named(const char *name);

#endif
