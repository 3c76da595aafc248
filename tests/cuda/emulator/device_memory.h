/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory of the device, and of the host's that it may reach. The device's lies in one range of
 * addresses which the host cannot touch but while the device works; new memory is full of 0xff.
 */
#ifndef SP_EMULATOR_DEVICE_MEMORY_H
#define SP_EMULATOR_DEVICE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In the range of the device's addresses, allocated or not. */
bool sp_memory_is_device(const void *at, size_t size);
/* All of [at, at + size) in one allocation of the device's, and pinned or registered. */
bool sp_memory_of_device(const void *at, size_t size);
bool sp_memory_of_host(const void *at, size_t size);

/* The device works: its memory may be touched, until shut. */
void sp_memory_open(void);
void sp_memory_shut(void);

/* Everything the device had is gone: what cudaDeviceReset does. */
void sp_memory_reset(void);

struct sp_memory_alive {
	size_t device_bytes;
	uint64_t device, pinned, registered;
};

struct sp_memory_alive sp_memory_alive(void);

#endif
