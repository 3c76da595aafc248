/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From CUDA's status to -errno with the call's text: `rc = SP_CUDA(err, cudaMalloc(&at, size))`.
 * Callers put the place before it (sp_err_prefix).
 */
#ifndef SP_CUDA_CHECK_H
#define SP_CUDA_CHECK_H

#include <cuda_runtime_api.h>

#ifdef __cplusplus
extern "C" {
#endif

struct sp_err;

/* Evaluates @call once. 0, or -errno with @err filled. */
#define SP_CUDA(err, call) sp_cuda_status((err), (call), #call)

/*
 * -ENOMEM: out of the device's memory; -ENODEV: no device, no driver or one that is too old, and
 * every error after which the device's context is lost (sticky ones: Xid, illegal address, launch
 * timeout); -EINVAL, -ENOTSUP; -EIO: the rest.
 */
int sp_cuda_status(struct sp_err *err, cudaError_t status, const char *call);

/* Whether nothing works any more with this context, so that it must be made anew. */
int sp_cuda_lost(cudaError_t status);

#ifdef __cplusplus
}
#endif
#endif
