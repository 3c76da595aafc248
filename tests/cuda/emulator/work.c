/* SPDX-License-Identifier: Apache-2.0 */
/* Pieces of work: launches, copies, fills; made by calls, done by the queues. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "capture.h"
#include "device_memory.h"
#include "queue.h"
#include "runtime.h"

struct sp_work *sp_work_create(enum sp_work_kind kind)
{
	struct sp_work *work = calloc(1, sizeof(*work));

	if (!work)
		sp_emulator_fault("no memory for a stream's work");
	work->kind = kind;
	return work;
}

void sp_work_destroy(struct sp_work *work)
{
	free(work->launch.arguments);
	if (work->moment)
		sp_moment_put(work->moment);
	if (work->before)
		sp_moment_put(work->before);
	if (work->graph)
		sp_recording_put(work->graph);
	free(work->node_done);
	free(work);
}

void sp_work_do(const struct sp_work *work)
{
	const struct sp_emulator_launch *launch = &work->launch;

	sp_memory_open();
	switch (work->kind) {
	case SP_WORK_KERNEL:
		sp_emulator_run(launch);
		/* Any figure that grows with the work would do. */
		sp_runtime.clock_ns += 2000 + (uint64_t)launch->blocks.x * launch->blocks.y *
						      launch->blocks.z * launch->threads.x *
						      launch->threads.y * launch->threads.z;
		break;
	case SP_WORK_COPY:
		memmove(work->to, work->from, work->size);
		sp_runtime.clock_ns += 1000 + work->size / 16;
		break;
	case SP_WORK_SET:
		memset(work->to, work->value, work->size);
		sp_runtime.clock_ns += 1000 + work->size / 64;
		break;
	default:
		break;
	}
}

/* ---- launches ---- */

static void check_launch(const struct sp_emulator_launch *launch)
{
	struct sp_emulator_index threads = launch->threads, blocks = launch->blocks;

	if (threads.x > 1024 || threads.y > 1024 || threads.z > 64 ||
	    (uint64_t)threads.x * threads.y * threads.z > SP_BLOCK_THREADS_MAX)
		sp_emulator_fault("%s (launched at %s:%d) has blocks of %u × %u × %u threads, a "
				  "device takes 1024",
				  launch->name, launch->file, launch->line, threads.x, threads.y,
				  threads.z);
	if (blocks.x > 0x7fffffff || blocks.y > 65535 || blocks.z > 65535)
		sp_emulator_fault("%s (launched at %s:%d) has %u × %u × %u blocks, a device takes "
				  "65535 in y and z",
				  launch->name, launch->file, launch->line, blocks.x, blocks.y,
				  blocks.z);
	if (launch->shared > sp_runtime.device.shared_max)
		sp_emulator_fault("%s (launched at %s:%d) asks for %zu bytes of shared memory, the "
				  "device has %zu",
				  launch->name, launch->file, launch->line, launch->shared,
				  sp_runtime.device.shared_max);
}

/*
 * A pointer to memory of the host's that the device does not see would end a card's context. Here
 * it would work, so it is looked for among the arguments. With sanitizers half of all numbers are
 * addresses of something: not there.
 */
static void check_arguments(const struct sp_emulator_launch *launch)
{
#ifndef __SANITIZE_ADDRESS__
	unsigned char resident;

	/* Before them is the kernel's own address. */
	for (size_t at = sizeof(void *); at + 8 <= launch->arguments_bytes; at += 8) {
		uintptr_t value;
		const void *pointer;

		memcpy(&value, (const uint8_t *)launch->arguments + at, sizeof(value));
		pointer = (const void *)value;
		if (value >> 32 == 0 || value >> 47 || sp_memory_is_device(pointer, 1) ||
		    sp_memory_of_host(pointer, 1))
			continue;
		if (!mincore((void *)(value & ~(uintptr_t)4095), 1, &resident))
			sp_emulator_fault(
				"%s (launched at %s:%d) gets %p in its arguments, memory of "
				"the host that is neither pinned nor registered",
				launch->name, launch->file, launch->line, pointer);
	}
#else
	(void)launch;
#endif
}

static struct sp_work *kernel(const struct sp_emulator_launch *launch)
{
	struct sp_work *work = sp_work_create(SP_WORK_KERNEL);

	work->launch = *launch;
	work->launch.arguments = malloc(launch->arguments_bytes);
	if (!work->launch.arguments)
		sp_emulator_fault("no memory for a kernel's arguments");
	memcpy(work->launch.arguments, launch->arguments, launch->arguments_bytes);
	return work;
}

cudaError_t sp_emulator_enqueue(const struct sp_emulator_launch *launch, cudaStream_t stream)
{
	cudaError_t status = sp_call_begin("a launch", 0);
	const struct sp_emulator_index *threads = &launch->threads, *blocks = &launch->blocks;

	if (status == cudaSuccess &&
	    (!threads->x || !threads->y || !threads->z || !blocks->x || !blocks->y || !blocks->z))
		status = cudaErrorInvalidConfiguration;
	if (status == cudaSuccess && !sp_stream_find(stream))
		status = cudaErrorInvalidResourceHandle;
	if (status == cudaSuccess) {
		check_launch(launch);
		check_arguments(launch);
		status = sp_stream_put(stream, kernel(launch));
	}
	return sp_call_end(status);
}

/* ---- copies ---- */

static cudaError_t refuse(const char *what, const void *at, size_t size)
{
	fprintf(stderr, "emulator: %s: %zu bytes at %p are not %s\n", sp_runtime.call, size, at,
		what);
	return cudaErrorInvalidValue;
}

static cudaError_t check_side(const void *at, size_t size, bool device)
{
	if (!device)
		return sp_memory_is_device(at, size) ? refuse("the host's", at, size) : cudaSuccess;
	if (sp_memory_of_device(at, size) || sp_memory_of_host(at, size))
		return cudaSuccess;
	return refuse("within one piece of the device's memory", at, size);
}

static cudaError_t check_copy(const void *to, const void *from, size_t size,
			      enum cudaMemcpyKind kind)
{
	bool to_device = kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice;
	bool from_device = kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice;
	cudaError_t status;

	if ((unsigned int)kind > cudaMemcpyDefault)
		return cudaErrorInvalidMemcpyDirection;
	if (kind == cudaMemcpyDefault) {
		to_device = sp_memory_is_device(to, 1);
		from_device = sp_memory_is_device(from, 1);
	}
	status = check_side(to, size, to_device);
	return status == cudaSuccess ? check_side(from, size, from_device) : status;
}

static cudaError_t copy(void *to, const void *from, size_t size, enum cudaMemcpyKind kind,
			cudaStream_t stream)
{
	struct sp_work *work;
	cudaError_t status;

	if (!sp_stream_find(stream))
		return cudaErrorInvalidResourceHandle;
	if (!size)
		return cudaSuccess;
	status = check_copy(to, from, size, kind);
	if (status != cudaSuccess)
		return status;
	work = sp_work_create(SP_WORK_COPY);
	work->to = to;
	work->from = from;
	work->size = size;
	return sp_stream_put(stream, work);
}

cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t size, enum cudaMemcpyKind kind,
			    cudaStream_t stream)
{
	cudaError_t status = sp_call_begin("cudaMemcpyAsync", 0);

	if (status == cudaSuccess)
		status = copy(to, from, size, kind, stream);
	/* To memory that is not pinned: "will return only once the copy has completed". */
	if (status == cudaSuccess && size && !sp_memory_is_device(to, 1) &&
	    !sp_memory_of_host(to, size) && !sp_stream_find(stream)->capture)
		status = sp_queue_finish(sp_stream_find(stream), NULL);
	return sp_call_end(status);
}

cudaError_t cudaMemcpy(void *to, const void *from, size_t size, enum cudaMemcpyKind kind)
{
	cudaError_t status = sp_call_begin("cudaMemcpy", SP_CALL_UNSAFE);

	if (status == cudaSuccess)
		status = copy(to, from, size, kind, NULL);
	if (status == cudaSuccess)
		status = sp_queue_finish(sp_stream_find(NULL), NULL);
	return sp_call_end(status);
}

static cudaError_t set(void *at, int value, size_t size, cudaStream_t stream)
{
	struct sp_work *work;
	cudaError_t status;

	if (!sp_stream_find(stream))
		return cudaErrorInvalidResourceHandle;
	if (!size)
		return cudaSuccess;
	status = check_side(at, size, true);
	if (status != cudaSuccess)
		return status;
	work = sp_work_create(SP_WORK_SET);
	work->to = at;
	work->value = value;
	work->size = size;
	return sp_stream_put(stream, work);
}

cudaError_t cudaMemsetAsync(void *at, int value, size_t size, cudaStream_t stream)
{
	cudaError_t status = sp_call_begin("cudaMemsetAsync", 0);

	if (status == cudaSuccess)
		status = set(at, value, size, stream);
	return sp_call_end(status);
}

/* Does not wait, though its name has no Async. */
cudaError_t cudaMemset(void *at, int value, size_t size)
{
	cudaError_t status = sp_call_begin("cudaMemset", SP_CALL_UNSAFE);

	if (status == cudaSuccess)
		status = set(at, value, size, NULL);
	return sp_call_end(status);
}
