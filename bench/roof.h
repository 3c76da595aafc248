/* SPDX-License-Identifier: Apache-2.0 */
/* The most that one core of this CPU multiplies and adds, measured with everything in registers. */
#ifndef SP_BENCH_ROOF_H
#define SP_BENCH_ROOF_H

/*
 * Multiply-adds a second of the instructions that the kernels of that name (cpu/kernel.h) live on;
 * "onednn": of the widest float32. The best of some short runs, some milliseconds in all. 0: this
 * CPU does not have them.
 */
double roof_measure(const char *kernels);

#endif
