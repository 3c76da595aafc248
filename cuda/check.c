/* SPDX-License-Identifier: Apache-2.0 */
#include "cuda/check.h"

#include <errno.h>

#include "base/diag.h"

/* Errors that are not of the call that reported them: the context has died, and stays dead. */
int sp_cuda_lost(cudaError_t status)
{
	switch (status) {
	case cudaErrorIllegalAddress:
	case cudaErrorLaunchTimeout:
	case cudaErrorLaunchFailure:
	case cudaErrorAssert:
	case cudaErrorHardwareStackError:
	case cudaErrorIllegalInstruction:
	case cudaErrorMisalignedAddress:
	case cudaErrorInvalidAddressSpace:
	case cudaErrorInvalidPc:
	case cudaErrorECCUncorrectable:
	case cudaErrorNvlinkUncorrectable:
	case cudaErrorContextIsDestroyed:
	case cudaErrorDeviceUninitialized:
	case cudaErrorDevicesUnavailable:
	case cudaErrorUnknown:
		return 1;
	default:
		return 0;
	}
}

static int code_of(cudaError_t status)
{
	switch (status) {
	case cudaErrorMemoryAllocation:
	case cudaErrorLaunchOutOfResources:
		return -ENOMEM;
	case cudaErrorNoDevice:
	case cudaErrorInvalidDevice:
	case cudaErrorInsufficientDriver:
	case cudaErrorSystemDriverMismatch:
	case cudaErrorSystemNotReady:
	case cudaErrorInitializationError:
		return -ENODEV;
	case cudaErrorInvalidValue:
	case cudaErrorInvalidConfiguration:
	case cudaErrorInvalidDevicePointer:
	case cudaErrorInvalidMemcpyDirection:
	case cudaErrorInvalidResourceHandle:
		return -EINVAL;
	case cudaErrorNotSupported:
	case cudaErrorNoKernelImageForDevice:
	case cudaErrorUnsupportedPtxVersion:
	case cudaErrorInvalidDeviceFunction:
		return -ENOTSUP;
	default:
		return sp_cuda_lost(status) ? -ENODEV : -EIO;
	}
}

static const char *remedy(cudaError_t status)
{
	switch (status) {
	case cudaErrorMemoryAllocation:
		return "other programs may use the device's memory (nvidia-smi shows), or less "
		       "must be asked of it";
	case cudaErrorNoDevice:
	case cudaErrorInvalidDevice:
		return "nvidia-smi shows which devices there are";
	case cudaErrorInsufficientDriver:
	case cudaErrorSystemDriverMismatch:
		return "update the NVIDIA driver";
	case cudaErrorNoKernelImageForDevice:
	case cudaErrorUnsupportedPtxVersion:
		return "the plugin was built for other devices: build it with CUDA_ARCHS for this";
	default:
		return sp_cuda_lost(status) ? "the device is lost to this context, which must be "
					      "made anew (dmesg may show an Xid)"
					    : NULL;
	}
}

int sp_cuda_status(struct sp_err *err, cudaError_t status, const char *call)
{
	const char *what_to_do;

	if (status == cudaSuccess)
		return 0;
	/* Told here, so that the next launch does not tell it once more. */
	(void)cudaGetLastError();
	what_to_do = remedy(status);
	return sp_err_set(err, code_of(status), "%s: %s (%s)%s%s", call, cudaGetErrorString(status),
			  cudaGetErrorName(status), what_to_do ? "; " : "",
			  what_to_do ? what_to_do : "");
}
