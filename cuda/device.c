/* SPDX-License-Identifier: Apache-2.0 */
#include "cuda/device.h"

#include <errno.h>
#include <stdio.h>

#include "base/diag.h"
#include "cuda/check.h"

enum { CAPABILITY_MIN = 8 }; /* bfloat16 on tensor cores, asynchronous copies into shared memory */

/* 13000 → 13 and 0, as CUDA numbers its releases. */
static int major_of(int version)
{
	return version / 1000;
}

static int minor_of(int version)
{
	return version % 1000 / 10;
}

/*
 * A driver runs programs of every release up to its own and, since 11.0, those of later releases of
 * the same major one.
 */
static int check_driver(struct sp_device *device, struct sp_err *err)
{
	int rc = SP_CUDA(err, cudaRuntimeGetVersion(&device->runtime));

	if (!rc)
		rc = SP_CUDA(err, cudaDriverGetVersion(&device->driver));
	if (rc)
		return rc;
	if (!device->driver)
		return sp_err_set(
			err, -ENODEV,
			"no NVIDIA driver is loaded; install it and check with nvidia-smi");
	if (major_of(device->driver) < major_of(device->runtime))
		return sp_err_set(err, -ENODEV,
				  "the NVIDIA driver (for CUDA %d.%d) is too old for CUDA %d.%d; "
				  "update it",
				  major_of(device->driver), minor_of(device->driver),
				  major_of(device->runtime), minor_of(device->runtime));
	return 0;
}

static int check_index(unsigned int index, struct sp_err *err)
{
	int n = 0, rc;
	cudaError_t status = cudaGetDeviceCount(&n);

	/* That there is none is said below, in our words. */
	if (status == cudaErrorNoDevice)
		status = cudaSuccess;
	rc = sp_cuda_status(err, status, "cudaGetDeviceCount(&n)");
	if (rc)
		return rc;
	if (!n)
		return sp_err_set(err, -ENODEV,
				  "there is no NVIDIA device that can compute; nvidia-smi and "
				  "CUDA_VISIBLE_DEVICES show why");
	if (index >= (unsigned int)n)
		return sp_err_set(
			err, -ENODEV,
			"there is no device %u: there are %d, counted from 0; set another", index,
			n);
	return 0;
}

static int describe(struct sp_device *device, struct sp_err *err)
{
	struct cudaDeviceProp properties;
	int rc = SP_CUDA(err, cudaGetDeviceProperties(&properties, device->index));

	if (rc)
		return rc;
	snprintf(device->name, sizeof(device->name), "%s", properties.name);
	device->major = (unsigned int)properties.major;
	device->minor = (unsigned int)properties.minor;
	device->processors = (unsigned int)properties.multiProcessorCount;
	device->threads_max = (unsigned int)properties.maxThreadsPerBlock;
	device->shared_max = properties.sharedMemPerBlockOptin;
	if (properties.major < CAPABILITY_MIN)
		return sp_err_set(err, -ENODEV,
				  "%s has compute capability %d.%d, which is too old: %d.0 is "
				  "needed; set another device",
				  device->name, properties.major, properties.minor, CAPABILITY_MIN);
	return 0;
}

int sp_device_open(unsigned int index, struct sp_device *ret_device, struct sp_err *err)
{
	struct sp_device device = { .index = (int)index };
	int rc = check_driver(&device, err);

	if (!rc)
		rc = check_index(index, err);
	if (!rc)
		rc = describe(&device, err);
	if (!rc)
		rc = SP_CUDA(err, cudaSetDevice(device.index));
	/* The first call that needs a context, so that one that cannot be made is found here. */
	if (!rc)
		rc = SP_CUDA(err, cudaMemGetInfo(&device.memory_free, &device.memory));
	if (rc)
		return sp_err_prefix(err, rc, "device %u", index);
	*ret_device = device;
	return 0;
}
