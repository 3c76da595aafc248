/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One device that is not there: kernels run on the CPU, every thread of every block, and a runtime
 * (cuda_runtime_api.h) of its own carries out what is put into streams as late and in as odd an
 * order as CUDA permits. What a program may not rely on is chosen by chance, from a seed: the order
 * of blocks, of threads between barriers, of streams between events. A wrong program shows as a
 * wrong result for some seed, or ends the process with a line that says what it did.
 *
 * How it differs from a card: blocks of a launch do not run at the same time; kernels that wait for
 * other blocks hang. Memory of the device is not accessible to the host, but any of the host's is
 * to kernels (pointers among a launch's arguments are looked at, pointers in memory are not). With
 * no device of its own, nothing here says how fast anything is.
 */
#ifndef SP_EMULATOR_H
#define SP_EMULATOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cuda_runtime_api.h"

#ifdef __cplusplus
extern "C" {
#endif

struct sp_emulator_device {
	unsigned int count; /* 0: the driver sees no device */
	int driver, runtime; /* 13000: 13.0; driver 0: there is none */
	char name[256];
	unsigned int major, minor; /* compute capability */
	unsigned int processors;
	size_t shared_max; /* bytes a block may ask for */
	size_t memory; /* bytes; cudaMalloc fails beyond */
};

/* Everything as at the start: the device, no memory, no streams, no failures, the first seed. */
void sp_emulator_reset(void);

/* From now on; the first is $SP_EMULATOR_SEED or 1. Messages name it. */
void sp_emulator_seed(uint64_t seed);

/* One "NVIDIA H100" of compute capability 9.0 with 132 processors, 227 KiB, 1 GiB, driver 13.0. */
struct sp_emulator_device sp_emulator_device(void);
void sp_emulator_set_device(const struct sp_emulator_device *device);

/* ---- failures ---- */

/* Calls that can fail so far: all but those that give back and those that ask for errors. */
uint64_t sp_emulator_calls(void);
/* The @n-th of them from now (1: the next) does nothing and returns @status; 0: none does. */
void sp_emulator_fail(uint64_t n, cudaError_t status);
/*
 * After @operations more pieces of work of the device (0: now) its context is lost: every call
 * returns
 * @status, an error of the kind that stays, until cudaDeviceReset.
 */
void sp_emulator_lose(uint64_t operations, cudaError_t status);
/*
 * After @operations more pieces of work (0: now) no further one is ever done, until
 * cudaDeviceReset. Calls that would wait for ever end the process with a message.
 */
void sp_emulator_hang(uint64_t operations);

/* ---- what is alive ---- */

struct sp_emulator_alive {
	size_t device_bytes;
	uint64_t device, pinned, registered, streams, events, graphs, execs;
};

struct sp_emulator_alive sp_emulator_alive(void);
/* All of the above, and says on stderr what there is. */
uint64_t sp_emulator_leaks(void);

/* Pieces of work that the device has done, and those that wait in streams. */
uint64_t sp_emulator_done(void);
uint64_t sp_emulator_waiting(void);

/*
 * For a test that wants to see a device's memory without a stream: copies now, whatever waits.
 * False if it is none.
 */
bool sp_emulator_peek(const void *device, void *to, size_t size);

#ifdef __cplusplus
}
#endif
#endif
