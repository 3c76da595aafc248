/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernel A: frames out of the packets that they came in, where the card or the kernel put them (the
 * region, registered and mapped), into linear memory of the device. What no packet brought is 0,
 * never what was there before.
 */
#ifndef SP_CUDA_GATHER_H
#define SP_CUDA_GATHER_H

#include <cuda_runtime_api.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { SP_GATHER_SLACK = 64 }; /* bytes after a frame that are written too, as 0 */

/* All addresses are the device's; the structs themselves lie in pinned memory. */
struct sp_gather_frame {
	const uint8_t *base; /* of the region */
	const uint64_t *offset; /* [packets] bytes from there, any alignment */
	const uint64_t *missing; /* bitmap [(packets + 63) / 64] */
	uint32_t packets;
	uint32_t stride; /* bytes of every packet but the last */
	uint64_t bytes; /* ≤ packets × stride; 0: no frame, skipped */
	uint8_t *to; /* 256-byte aligned, room for bytes + SP_GATHER_SLACK */
};

/* @n frames of at most @bytes_max each. Reads no byte outside of the packets' aligned 16 bytes. */
cudaError_t sp_gather(cudaStream_t stream, const struct sp_gather_frame *frames, uint32_t n,
		      uint64_t bytes_max);

#ifdef __cplusplus
}
#endif
#endif
