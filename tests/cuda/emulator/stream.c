/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that are about streams. */
#include <stdlib.h>

#include "capture.h"
#include "queue.h"
#include "runtime.h"

static struct CUstream_st by_default = { .end = &by_default.first };
static uint64_t works; /* put into streams so far */

cudaStream_t sp_streams_first(void)
{
	return &by_default;
}

cudaStream_t sp_stream_find(cudaStream_t stream)
{
	if (!stream)
		return &by_default;
	for (cudaStream_t other = by_default.next; other; other = other->next)
		if (other == stream && !other->destroyed)
			return other;
	return NULL;
}

uint64_t sp_streams_alive(void)
{
	uint64_t n = 0;

	for (cudaStream_t stream = by_default.next; stream; stream = stream->next)
		n += !stream->destroyed;
	return n;
}

uint64_t sp_streams_waiting(void)
{
	uint64_t n = 0;

	for (cudaStream_t stream = &by_default; stream; stream = stream->next)
		for (const struct sp_work *work = stream->first; work; work = work->next)
			n++;
	return n;
}

static void drop_work(cudaStream_t stream)
{
	while (stream->first) {
		struct sp_work *work = stream->first;

		stream->first = work->next;
		sp_work_destroy(work);
	}
	stream->end = &stream->first;
}

/* Destroyed ones whose work is done. */
static void sweep(void)
{
	for (cudaStream_t *link = &by_default.next; *link;) {
		cudaStream_t stream = *link;

		if (!stream->destroyed || stream->first) {
			link = &stream->next;
			continue;
		}
		*link = stream->next;
		free(stream->after);
		free(stream);
	}
}

void sp_streams_clear(void)
{
	for (cudaStream_t stream = &by_default; stream; stream = stream->next) {
		drop_work(stream);
		stream->destroyed = stream != &by_default;
	}
	sweep();
}

cudaError_t sp_stream_put(cudaStream_t stream, struct sp_work *work)
{
	struct sp_capture *capture;
	cudaStream_t into = sp_stream_find(stream);

	if (into->capture)
		return sp_capture_put(into, work);
	capture = into == &by_default ? sp_capture_of_blocking() : NULL;
	if (capture) {
		sp_work_destroy(work);
		return sp_capture_break(capture, cudaErrorStreamCaptureImplicit);
	}
	work->number = ++works;
	work->next = NULL;
	*into->end = work;
	into->end = &work->next;
	return cudaSuccess;
}

/* ---- calls ---- */

static cudaError_t create(cudaStream_t *ret, unsigned int flags)
{
	cudaStream_t stream;

	if (!ret || flags & ~(unsigned int)cudaStreamNonBlocking)
		return cudaErrorInvalidValue;
	sweep();
	stream = calloc(1, sizeof(*stream));
	if (!stream)
		return cudaErrorMemoryAllocation;
	stream->flags = flags;
	stream->end = &stream->first;
	stream->next = by_default.next;
	by_default.next = stream;
	*ret = stream;
	return cudaSuccess;
}

cudaError_t cudaStreamCreate(cudaStream_t *stream)
{
	return cudaStreamCreateWithFlags(stream, cudaStreamDefault);
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned int flags)
{
	cudaError_t status = sp_call_begin("cudaStreamCreateWithFlags", 0);

	if (status == cudaSuccess)
		status = create(stream, flags);
	return sp_call_end(status);
}

cudaError_t cudaStreamDestroy(cudaStream_t stream)
{
	cudaError_t status = sp_call_begin("cudaStreamDestroy", SP_CALL_RELEASE);

	if (status == cudaSuccess && (!stream || !sp_stream_find(stream)))
		status = cudaErrorInvalidResourceHandle;
	if (status == cudaSuccess && stream->capture)
		status = sp_capture_break(stream->capture, cudaErrorStreamCaptureUnsupported);
	else if (status == cudaSuccess) {
		stream->destroyed = true;
		sweep();
	}
	return sp_call_end(status);
}

static cudaError_t find_idle(cudaStream_t handle, cudaStream_t *ret)
{
	*ret = sp_stream_find(handle);
	if (!*ret)
		return cudaErrorInvalidResourceHandle;
	if ((*ret)->capture)
		return sp_capture_break((*ret)->capture, cudaErrorStreamCaptureUnsupported);
	return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream)
{
	cudaError_t status = sp_call_begin("cudaStreamSynchronize", 0);

	if (status == cudaSuccess)
		status = find_idle(stream, &stream);
	if (status == cudaSuccess)
		status = sp_queue_finish(stream, NULL);
	return sp_call_end(status);
}

cudaError_t cudaStreamQuery(cudaStream_t stream)
{
	cudaError_t status = sp_call_begin("cudaStreamQuery", 0);

	if (status == cudaSuccess)
		status = find_idle(stream, &stream);
	if (status == cudaSuccess) {
		sp_queue_progress();
		status = sp_runtime.lost != cudaSuccess ? sp_runtime.lost
			 : stream->first		? cudaErrorNotReady
							: cudaSuccess;
	}
	return sp_call_end(status);
}
