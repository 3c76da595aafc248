/* SPDX-License-Identifier: Apache-2.0 */
/* The device that computes, and what launchers must know of it. */
#ifndef SP_CUDA_DEVICE_H
#define SP_CUDA_DEVICE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct sp_err;

enum { SP_DEVICE_NAME = 256 };

struct sp_device {
	int index;
	char name[SP_DEVICE_NAME];
	int driver, runtime; /* 13000: 13.0 */
	unsigned int major, minor; /* compute capability */
	unsigned int processors; /* streaming multiprocessors */
	unsigned int threads_max; /* a block */
	size_t shared_max; /* bytes of shared memory that a block may ask for */
	size_t memory, memory_free; /* bytes */
};

/*
 * Makes device @index the calling thread's and describes it. 0, or -ENODEV (no driver, one older than
 * this runtime needs, no such device, compute capability below 8.0) or another -errno, with @err
 * saying what to do.
 */
int sp_device_open(unsigned int index, struct sp_device *ret_device, struct sp_err *err);

#ifdef __cplusplus
}
#endif
#endif
