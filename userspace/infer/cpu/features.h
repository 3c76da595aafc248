/* SPDX-License-Identifier: Apache-2.0 */
/* What this CPU computes with and the operating system lets it: sets of instructions. */
#ifndef SP_INFER_CPU_FEATURES_H
#define SP_INFER_CPU_FEATURES_H

enum sp_feature {
	SP_FEATURE_AVX2 = 1 << 0, /* with fused multiply-add */
	SP_FEATURE_AVX512 = 1 << 1, /* F, BW, DQ and VL */
	SP_FEATURE_AVX512_BF16 = 1 << 2, /* with AVX512 */
	SP_FEATURE_AMX =
		1 << 3, /* tiles of bfloat16, with AVX512_BF16; may be used by all threads */
};

/*
 * Bits of enum sp_feature. The first call asks the kernel for the use of AMX's tiles, which threads
 * that are started later inherit. Any thread.
 */
unsigned int sp_features(void);

#endif
