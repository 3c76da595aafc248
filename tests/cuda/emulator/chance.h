/* SPDX-License-Identifier: Apache-2.0 */
/* Chance from a seed: what the emulator may choose freely, it chooses by this. */
#ifndef SP_EMULATOR_CHANCE_H
#define SP_EMULATOR_CHANCE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

void sp_chance_seed(uint64_t seed);
/* For messages. */
uint64_t sp_chance_first(void);
/* [0, n), n > 0 */
uint32_t sp_chance(uint32_t n);

#ifdef __cplusplus
}
#endif
#endif
