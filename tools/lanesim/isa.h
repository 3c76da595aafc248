/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files in kernel/ are compiled once for each instruction set (Makefile) and export their functions
 * under LANESIM_ISA_NAME; kernel.c picks one set at run time. All give the same bytes.
 */
#ifndef LANESIM_ISA_H
#define LANESIM_ISA_H

#define LANESIM_ISA_PASTE2(name, isa) name##_##isa
#define LANESIM_ISA_PASTE(name, isa) LANESIM_ISA_PASTE2(name, isa)
/* In kernel/: LANESIM_ISA is base, avx2 or avx512. */
#define LANESIM_ISA_NAME(name) LANESIM_ISA_PASTE(name, LANESIM_ISA)

#endif
