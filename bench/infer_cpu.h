/* SPDX-License-Identifier: Apache-2.0 */
/* Which CPUs bench/infer works on: the first ones that it may use. */
#ifndef SP_BENCH_INFER_CPU_H
#define SP_BENCH_INFER_CPU_H

/* Looks which there are; before the others, once. How many. */
unsigned int infer_cpu_begin(void);

/* The calling thread onto the CPU of that number, counted among those there are. */
void infer_cpu_pin(unsigned int cpu);

/* The calling thread onto any of the first @n. */
void infer_cpu_use(unsigned int n);

#endif
