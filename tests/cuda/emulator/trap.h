/* SPDX-License-Identifier: Apache-2.0 */
/* Accesses to what is no memory, or not the accessing side's: said in words before the process
 * ends. */
#ifndef SP_EMULATOR_TRAP_H
#define SP_EMULATOR_TRAP_H

/* For the calling thread; once is enough. */
void sp_trap_install(void);

#endif
