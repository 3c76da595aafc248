/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is used of cuDNN 9: twelve functions, opened at run time, and the numbers that its backend
 * interface knows things by. These are part of the library's binary interface; cuDNN's own headers
 * need not be there to build (tests/gpu/cudnn_numbers.c compares where they are).
 */
#ifndef SP_CUDA_CUDNN_TABLE_H
#define SP_CUDA_CUDNN_TABLE_H

#include <cuda_runtime_api.h>
#include <stddef.h>
#include <stdint.h>

struct sp_err;

enum { SP_CUDNN_OLDEST = 90000 }; /* 9.0.0: major × 10000 + minor × 100 + patch */

struct sp_cudnn {
	size_t (*version)(void);
	const char *(*error)(int status);
	void (*last_error)(char *message, size_t size);
	int (*create)(void **handle);
	int (*destroy)(void *handle);
	int (*set_stream)(void *handle, cudaStream_t stream);
	int (*create_descriptor)(int kind, void **descriptor);
	int (*destroy_descriptor)(void *descriptor);
	int (*set)(void *descriptor, int attribute, int type, int64_t n, const void *values);
	int (*get)(void *descriptor, int attribute, int type, int64_t room, int64_t *n,
		   void *values);
	int (*finalize)(void *descriptor);
	int (*execute)(void *handle, void *plan, void *pack);
};

/*
 * libcudnn.so.9, where the loader finds it or beside the toolkit. 0 with *ret_library for
 * sp_cudnn_close; -ENOENT, or -ENOTSUP if it is too old, with @err filled.
 */
int sp_cudnn_open(struct sp_cudnn *cudnn, void **ret_library, struct sp_err *err);
void sp_cudnn_close(void *library);

enum { SP_CUDNN_OK = 0 };

/* cudnnBackendDescriptorType_t */
enum sp_cudnn_kind {
	SP_CUDNN_POINTWISE = 0,
	SP_CUDNN_CONVOLUTION = 1,
	SP_CUDNN_ENGINE = 2,
	SP_CUDNN_ENGINE_CONFIG = 3,
	SP_CUDNN_HEURISTICS = 4,
	SP_CUDNN_PLAN = 5,
	SP_CUDNN_KNOB_CHOICE = 7,
	SP_CUDNN_CONVOLUTION_FORWARD = 10,
	SP_CUDNN_OPERATION_POINTWISE = 13,
	SP_CUDNN_OPERATION_GRAPH = 15,
	SP_CUDNN_VARIANT_PACK = 16,
	SP_CUDNN_TENSOR = 17,
};

/* cudnnBackendAttributeType_t */
enum sp_cudnn_type {
	SP_CUDNN_TYPE_HANDLE = 0,
	SP_CUDNN_TYPE_DATA = 1,
	SP_CUDNN_TYPE_BOOLEAN = 2,
	SP_CUDNN_TYPE_INT64 = 3,
	SP_CUDNN_TYPE_FLOAT = 4,
	SP_CUDNN_TYPE_DOUBLE = 5,
	SP_CUDNN_TYPE_ADDRESS = 6,
	SP_CUDNN_TYPE_CONVOLUTION_MODE = 7,
	SP_CUDNN_TYPE_HEURISTICS_MODE = 8,
	SP_CUDNN_TYPE_KNOB = 9,
	SP_CUDNN_TYPE_NUMERICAL_NOTE = 11,
	SP_CUDNN_TYPE_POINTWISE_MODE = 14,
	SP_CUDNN_TYPE_DESCRIPTOR = 15,
};

/* cudnnBackendAttributeName_t */
enum sp_cudnn_attribute {
	SP_CUDNN_POINTWISE_MODE = 0,
	SP_CUDNN_POINTWISE_PRECISION = 1,
	SP_CUDNN_POINTWISE_RELU_LOW = 3,
	SP_CUDNN_POINTWISE_RELU_HIGH = 4,
	SP_CUDNN_CONVOLUTION_PRECISION = 100,
	SP_CUDNN_CONVOLUTION_MODE = 101,
	SP_CUDNN_CONVOLUTION_DILATIONS = 102,
	SP_CUDNN_CONVOLUTION_STRIDES = 103,
	SP_CUDNN_CONVOLUTION_POST_PADDINGS = 104,
	SP_CUDNN_CONVOLUTION_PRE_PADDINGS = 105,
	SP_CUDNN_CONVOLUTION_DIMENSIONS = 106,
	SP_CUDNN_HEURISTICS_MODE = 200,
	SP_CUDNN_HEURISTICS_GRAPH = 201,
	SP_CUDNN_HEURISTICS_RESULTS = 202,
	SP_CUDNN_CONFIG_ENGINE = 300,
	SP_CUDNN_CONFIG_KNOBS = 302,
	SP_CUDNN_PLAN_HANDLE = 400,
	SP_CUDNN_PLAN_CONFIG = 401,
	SP_CUDNN_PLAN_WORKSPACE = 402,
	SP_CUDNN_KNOB_TYPE = 600,
	SP_CUDNN_KNOB_VALUE = 601,
	SP_CUDNN_FORWARD_ALPHA = 700,
	SP_CUDNN_FORWARD_BETA = 701,
	SP_CUDNN_FORWARD_CONVOLUTION = 702,
	SP_CUDNN_FORWARD_W = 703,
	SP_CUDNN_FORWARD_X = 704,
	SP_CUDNN_FORWARD_Y = 705,
	SP_CUDNN_OPERATION_POINTWISE_OF = 750,
	SP_CUDNN_OPERATION_POINTWISE_X = 751,
	SP_CUDNN_OPERATION_POINTWISE_B = 752,
	SP_CUDNN_OPERATION_POINTWISE_Y = 753,
	SP_CUDNN_GRAPH_HANDLE = 800,
	SP_CUDNN_GRAPH_OPERATIONS = 801,
	SP_CUDNN_TENSOR_ALIGNMENT = 900,
	SP_CUDNN_TENSOR_DATA = 901,
	SP_CUDNN_TENSOR_DIMENSIONS = 902,
	SP_CUDNN_TENSOR_STRIDES = 903,
	SP_CUDNN_TENSOR_ID = 906,
	SP_CUDNN_TENSOR_VIRTUAL = 907,
	SP_CUDNN_PACK_IDS = 1000,
	SP_CUDNN_PACK_ADDRESSES = 1001,
	SP_CUDNN_PACK_WORKSPACE = 1003,
	SP_CUDNN_ENGINE_GRAPH = 1300,
	SP_CUDNN_ENGINE_INDEX = 1301,
	SP_CUDNN_ENGINE_NUMERICAL_NOTES = 1303,
};

/* Values of some of these. */
enum {
	SP_CUDNN_DATA_FLOAT = 0,
	SP_CUDNN_DATA_BFLOAT16 = 9,
	SP_CUDNN_CROSS_CORRELATION = 1,
	SP_CUDNN_ADD = 0,
	SP_CUDNN_RELU_FORWARD = 100,
	SP_CUDNN_HEURISTICS_FALLBACK = 2,
	SP_CUDNN_HEURISTICS_A = 3,
	SP_CUDNN_NOTE_DOWN_CONVERT_INPUTS = 1,
	SP_CUDNN_NOTE_REDUCED_PRECISION_REDUCTION = 2,
	SP_CUDNN_NOTE_FFT = 3,
	SP_CUDNN_NOTE_NONDETERMINISTIC = 4,
	SP_CUDNN_NOTE_WINOGRAD = 5,
	SP_CUDNN_NOTES = 10,
};

#endif
