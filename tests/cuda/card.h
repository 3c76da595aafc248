/* SPDX-License-Identifier: Apache-2.0 */
/* What tests of kernels need of the card: memory, and CUDA's calls to succeed. */
#ifndef SP_TESTS_CUDA_CARD_H
#define SP_TESTS_CUDA_CARD_H

#include <cuda_runtime_api.h>
#include <stdint.h>

#include "test.h"

/* After test.h: its FAIL. */
#define CARD(call)                                                                                 \
	do {                                                                                       \
		cudaError_t card_status = (call);                                                  \
		if (card_status != cudaSuccess)                                                    \
			FAIL("%s: %s", #call, cudaGetErrorString(card_status));                    \
	} while (0)

/* @size bytes of the device, 256-byte aligned. */
__attribute__((unused)) static void *card_memory(size_t size)
{
	void *at = NULL;

	CARD(cudaMalloc(&at, size));
	return at;
}

__attribute__((unused)) static void card_free(void *at)
{
	CARD(cudaFree(at));
}

/* @size bytes of the host, mapped. *@ret_device, a pointer of any type: as the device has them. */
__attribute__((unused)) static void *card_pinned(size_t size, void *ret_device)
{
	void *at = NULL, *device = NULL;

	CARD(cudaHostAlloc(&at, size, cudaHostAllocMapped | cudaHostAllocPortable));
	CARD(cudaHostGetDevicePointer(&device, at, 0));
	memcpy(ret_device, &device, sizeof(device));
	return at;
}

__attribute__((unused)) static void card_free_pinned(void *at)
{
	CARD(cudaFreeHost(at));
}

/* Whether there is time for more seeds and shapes than the emulator does quickly. */
__attribute__((unused)) static bool card_long(void)
{
	return getenv("SP_LONG") != NULL;
}

/* Numbers that look random and are the same for the same seed (Steele et al., SplitMix64). */
__attribute__((unused)) static uint64_t card_random(uint64_t *state)
{
	uint64_t x = *state += 0x9E3779B97F4A7C15;

	x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9;
	x = (x ^ x >> 27) * 0x94D049BB133111EB;
	return x ^ x >> 31;
}

#endif
