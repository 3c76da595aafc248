/* SPDX-License-Identifier: Apache-2.0 */
#include "lanesim/kernel.h"

#define ISA_TEXT2(isa) #isa
#define ISA_TEXT(isa) ISA_TEXT2(isa)
#define KERNEL_ENTRY(type, name, arguments) .name = LANESIM_ISA_NAME(lanesim_##name),

extern const struct lanesim_kernels LANESIM_ISA_NAME(lanesim_kernels);

const struct lanesim_kernels LANESIM_ISA_NAME(lanesim_kernels) = {
	.isa = ISA_TEXT(LANESIM_ISA),
	LANESIM_KERNELS(KERNEL_ENTRY)
};
