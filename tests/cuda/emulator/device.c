/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that describe the device, and errors in words. */
#include <string.h>

#include "queue.h"
#include "runtime.h"

static __thread int current;

cudaError_t cudaDriverGetVersion(int *version)
{
	cudaError_t status = sp_call_begin("cudaDriverGetVersion", SP_CALL_NO_DEVICE);

	if (status == cudaSuccess)
		*version = sp_runtime.device.driver;
	return sp_call_end(status);
}

cudaError_t cudaRuntimeGetVersion(int *version)
{
	cudaError_t status = sp_call_begin("cudaRuntimeGetVersion", SP_CALL_NO_DEVICE);

	if (status == cudaSuccess)
		*version = sp_runtime.device.runtime;
	return sp_call_end(status);
}

cudaError_t cudaGetDeviceCount(int *count)
{
	cudaError_t status = sp_call_begin("cudaGetDeviceCount", 0);

	*count = status == cudaSuccess ? (int)sp_runtime.device.count : 0;
	return sp_call_end(status);
}

static cudaError_t check_index(int device)
{
	return device < 0 || (unsigned int)device >= sp_runtime.device.count
		       ? cudaErrorInvalidDevice
		       : cudaSuccess;
}

cudaError_t cudaSetDevice(int device)
{
	cudaError_t status = sp_call_begin("cudaSetDevice", 0);

	if (status == cudaSuccess)
		status = check_index(device);
	if (status == cudaSuccess)
		current = device;
	return sp_call_end(status);
}

cudaError_t cudaGetDevice(int *device)
{
	cudaError_t status = sp_call_begin("cudaGetDevice", 0);

	if (status == cudaSuccess)
		*device = current;
	return sp_call_end(status);
}

static void describe(struct cudaDeviceProp *properties)
{
	const struct sp_emulator_device *device = &sp_runtime.device;

	memset(properties, 0, sizeof(*properties));
	memcpy(properties->name, device->name, sizeof(properties->name));
	properties->totalGlobalMem = device->memory;
	properties->sharedMemPerBlock = 48 << 10;
	properties->sharedMemPerBlockOptin = device->shared_max;
	properties->sharedMemPerMultiprocessor = device->shared_max + 1024;
	properties->regsPerBlock = 65536;
	properties->warpSize = 32;
	properties->maxThreadsPerBlock = properties->maxThreadsDim[0] = 1024;
	properties->maxThreadsDim[1] = 1024;
	properties->maxThreadsDim[2] = 64;
	properties->maxGridSize[0] = 0x7fffffff;
	properties->maxGridSize[1] = properties->maxGridSize[2] = 65535;
	properties->major = (int)device->major;
	properties->minor = (int)device->minor;
	properties->multiProcessorCount = (int)device->processors;
	properties->canMapHostMemory = 1;
	properties->asyncEngineCount = 3;
	properties->memoryBusWidth = 5120;
	properties->l2CacheSize = 50 << 20;
	properties->maxThreadsPerMultiProcessor = 2048;
}

cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp *properties, int device)
{
	cudaError_t status = sp_call_begin("cudaGetDeviceProperties", 0);

	if (status == cudaSuccess)
		status = check_index(device);
	if (status == cudaSuccess)
		describe(properties);
	return sp_call_end(status);
}

static cudaError_t attribute_of(enum cudaDeviceAttr attribute, int *value)
{
	struct cudaDeviceProp properties;

	describe(&properties);
	switch (attribute) {
	case cudaDevAttrMaxThreadsPerBlock:
		*value = properties.maxThreadsPerBlock;
		break;
	case cudaDevAttrMaxSharedMemoryPerBlock:
		*value = (int)properties.sharedMemPerBlock;
		break;
	case cudaDevAttrWarpSize:
		*value = properties.warpSize;
		break;
	case cudaDevAttrMultiProcessorCount:
		*value = properties.multiProcessorCount;
		break;
	case cudaDevAttrIntegrated:
		*value = 0;
		break;
	case cudaDevAttrCanMapHostMemory:
	case cudaDevAttrCanUseHostPointerForRegisteredMem:
		*value = 1;
		break;
	case cudaDevAttrComputeCapabilityMajor:
		*value = properties.major;
		break;
	case cudaDevAttrComputeCapabilityMinor:
		*value = properties.minor;
		break;
	case cudaDevAttrMaxSharedMemoryPerMultiprocessor:
		*value = (int)properties.sharedMemPerMultiprocessor;
		break;
	case cudaDevAttrMaxSharedMemoryPerBlockOptin:
		*value = (int)properties.sharedMemPerBlockOptin;
		break;
	default:
		return cudaErrorInvalidValue;
	}
	return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int *value, enum cudaDeviceAttr attribute, int device)
{
	cudaError_t status = sp_call_begin("cudaDeviceGetAttribute", 0);

	if (status == cudaSuccess)
		status = check_index(device);
	if (status == cudaSuccess)
		status = attribute_of(attribute, value);
	return sp_call_end(status);
}

cudaError_t cudaDeviceSynchronize(void)
{
	cudaError_t status = sp_call_begin("cudaDeviceSynchronize", SP_CALL_UNSAFE);

	if (status == cudaSuccess)
		status = sp_queue_finish(NULL, NULL);
	return sp_call_end(status);
}

/* Works whatever state the device is in: that is what it is for. */
cudaError_t cudaDeviceReset(void)
{
	cudaError_t status = sp_call_begin("cudaDeviceReset", SP_CALL_RELEASE | SP_CALL_NO_DEVICE);

	sp_runtime_clear();
	return sp_call_end(status);
}

cudaError_t cudaFuncSetAttribute(const void *kernel, enum cudaFuncAttribute attribute, int value)
{
	cudaError_t status = sp_call_begin("cudaFuncSetAttribute", 0);

	if (status == cudaSuccess && !kernel)
		status = cudaErrorInvalidDeviceFunction;
	if (status == cudaSuccess && attribute == cudaFuncAttributeMaxDynamicSharedMemorySize &&
	    (value < 0 || (size_t)value > sp_runtime.device.shared_max))
		status = cudaErrorInvalidValue;
	return sp_call_end(status);
}

/* ---- errors ---- */

static const struct {
	cudaError_t status;
	const char *name, *text;
} errors[] = {
#define ERROR(name, text)                                                                          \
	{                                                                                          \
		name, #name, text                                                                  \
	}
	ERROR(cudaSuccess, "no error"),
	ERROR(cudaErrorInvalidValue, "invalid argument"),
	ERROR(cudaErrorMemoryAllocation, "out of memory"),
	ERROR(cudaErrorInitializationError, "initialization error"),
	ERROR(cudaErrorInvalidConfiguration, "invalid configuration argument"),
	ERROR(cudaErrorInvalidDevicePointer, "invalid device pointer"),
	ERROR(cudaErrorInvalidMemcpyDirection, "invalid copy direction for memcpy"),
	ERROR(cudaErrorStubLibrary, "CUDA driver is a stub library"),
	ERROR(cudaErrorInsufficientDriver,
	      "CUDA driver version is insufficient for CUDA runtime version"),
	ERROR(cudaErrorCallRequiresNewerDriver,
	      "API call is not supported in the installed CUDA driver"),
	ERROR(cudaErrorDevicesUnavailable, "CUDA-capable device(s) is/are busy or unavailable"),
	ERROR(cudaErrorInvalidDeviceFunction, "invalid device function"),
	ERROR(cudaErrorNoDevice, "no CUDA-capable device is detected"),
	ERROR(cudaErrorInvalidDevice, "invalid device ordinal"),
	ERROR(cudaErrorInvalidKernelImage, "device kernel image is invalid"),
	ERROR(cudaErrorDeviceUninitialized, "invalid device context"),
	ERROR(cudaErrorNoKernelImageForDevice,
	      "no kernel image is available for execution on the device"),
	ERROR(cudaErrorECCUncorrectable, "uncorrectable ECC error encountered"),
	ERROR(cudaErrorNvlinkUncorrectable,
	      "uncorrectable NVLink error detected during the execution"),
	ERROR(cudaErrorUnsupportedPtxVersion,
	      "the provided PTX was compiled with an unsupported toolchain."),
	ERROR(cudaErrorContained,
	      "invalid access of peer GPU memory over nvlink or a hardware error"),
	ERROR(cudaErrorOperatingSystem, "OS call failed or operation not supported on this OS"),
	ERROR(cudaErrorInvalidResourceHandle, "invalid resource handle"),
	ERROR(cudaErrorIllegalState, "the operation cannot be performed in the present state"),
	ERROR(cudaErrorNotReady, "device not ready"),
	ERROR(cudaErrorIllegalAddress, "an illegal memory access was encountered"),
	ERROR(cudaErrorLaunchOutOfResources, "too many resources requested for launch"),
	ERROR(cudaErrorLaunchTimeout, "the launch timed out and was terminated"),
	ERROR(cudaErrorContextIsDestroyed, "context is destroyed"),
	ERROR(cudaErrorAssert, "device-side assert triggered"),
	ERROR(cudaErrorHostMemoryAlreadyRegistered,
	      "part or all of the requested memory range is already mapped"),
	ERROR(cudaErrorHostMemoryNotRegistered,
	      "pointer does not correspond to a registered memory region"),
	ERROR(cudaErrorHardwareStackError, "hardware stack error"),
	ERROR(cudaErrorIllegalInstruction, "an illegal instruction was encountered"),
	ERROR(cudaErrorMisalignedAddress, "misaligned address"),
	ERROR(cudaErrorInvalidAddressSpace,
	      "operation not supported on global/shared address space"),
	ERROR(cudaErrorInvalidPc, "invalid program counter"),
	ERROR(cudaErrorLaunchFailure, "unspecified launch failure"),
	ERROR(cudaErrorNotPermitted, "operation not permitted"),
	ERROR(cudaErrorNotSupported, "operation not supported"),
	ERROR(cudaErrorSystemNotReady, "system not yet initialized"),
	ERROR(cudaErrorSystemDriverMismatch,
	      "system has unsupported display driver / cuda driver combination"),
	ERROR(cudaErrorCompatNotSupportedOnDevice,
	      "forward compatibility was attempted on non supported HW"),
	ERROR(cudaErrorStreamCaptureUnsupported,
	      "operation not permitted when stream is capturing"),
	ERROR(cudaErrorStreamCaptureInvalidated,
	      "operation failed due to a previous error during capture"),
	ERROR(cudaErrorStreamCaptureMerge,
	      "operation would result in a merge of separate capture sequences"),
	ERROR(cudaErrorStreamCaptureUnmatched,
	      "capture was not ended in the same stream as it began"),
	ERROR(cudaErrorStreamCaptureUnjoined, "capturing stream has unjoined work"),
	ERROR(cudaErrorStreamCaptureIsolation,
	      "dependency created on uncaptured work in another stream"),
	ERROR(cudaErrorStreamCaptureImplicit,
	      "operation would make the legacy stream depend on a capturing blocking stream"),
	ERROR(cudaErrorCapturedEvent,
	      "operation not permitted on an event last recorded in a capturing stream"),
	ERROR(cudaErrorStreamCaptureWrongThread,
	      "attempt to terminate a thread-local capture sequence from another thread"),
	ERROR(cudaErrorTimeout, "wait operation timed out"),
	ERROR(cudaErrorExternalDevice,
	      "an async error occurred in external entity outside of CUDA"),
	ERROR(cudaErrorUnknown, "unknown error"),
#undef ERROR
};

const char *cudaGetErrorString(cudaError_t status)
{
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (errors[i].status == status)
			return errors[i].text;
	return "unrecognized error code";
}

const char *cudaGetErrorName(cudaError_t status)
{
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (errors[i].status == status)
			return errors[i].name;
	return "unrecognized error code";
}
