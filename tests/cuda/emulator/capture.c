/* SPDX-License-Identifier: Apache-2.0 */
#include "capture.h"

#include <stdlib.h>
#include <string.h>

#include "runtime.h"

static struct sp_capture *captures;
static uint64_t numbers;
static __thread enum cudaStreamCaptureMode thread_mode = cudaStreamCaptureModeGlobal;

cudaError_t sp_capture_break(struct sp_capture *capture, cudaError_t status)
{
	capture->broken = status;
	return status;
}

/* cudaThreadExchangeStreamCaptureMode has the rules. */
cudaError_t sp_capture_permits(void)
{
	cudaError_t status = cudaSuccess;

	for (struct sp_capture *capture = captures; capture; capture = capture->next) {
		bool mine = pthread_equal(capture->thread, pthread_self());
		bool forbids = capture->mode == cudaStreamCaptureModeGlobal
				       ? mine || thread_mode == cudaStreamCaptureModeGlobal
				       : capture->mode == cudaStreamCaptureModeThreadLocal && mine;

		if (forbids && thread_mode != cudaStreamCaptureModeRelaxed)
			status = sp_capture_break(capture, cudaErrorStreamCaptureUnsupported);
	}
	return status;
}

struct sp_capture *sp_capture_of_blocking(void)
{
	for (cudaStream_t stream = sp_streams_first(); stream; stream = stream->next)
		if (stream->capture && !(stream->flags & cudaStreamNonBlocking))
			return stream->capture;
	return NULL;
}

static void *grown(void *old, size_t bytes)
{
	void *memory = realloc(old, bytes);

	if (!memory)
		sp_emulator_fault("no memory for a graph");
	return memory;
}

static void set_after(uint32_t **after, uint32_t *after_n, const uint32_t *nodes, uint32_t n)
{
	*after = grown(*after, (n + 1) * sizeof(**after));
	if (n)
		memcpy(*after, nodes, n * sizeof(**after));
	*after_n = n;
}

static bool among(uint32_t node, const uint32_t *nodes, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (nodes[i] == node)
			return true;
	return false;
}

cudaError_t sp_capture_put(cudaStream_t stream, struct sp_work *work)
{
	struct sp_capture *capture = stream->capture;
	struct sp_recording *graph = capture->graph;
	struct sp_recorded *node;
	uint32_t number = graph->nodes_n;

	if (capture->broken != cudaSuccess || work->kind == SP_WORK_GRAPH) {
		cudaError_t status = capture->broken != cudaSuccess
					     ? cudaErrorStreamCaptureInvalidated
					     : sp_capture_break(capture,
								cudaErrorStreamCaptureUnsupported);

		sp_work_destroy(work);
		return status;
	}
	if (graph->nodes_n == graph->nodes_max) {
		graph->nodes_max = 2 * graph->nodes_max + 16;
		graph->nodes = grown(graph->nodes, graph->nodes_max * sizeof(*graph->nodes));
	}
	node = &graph->nodes[graph->nodes_n++];
	memset(node, 0, sizeof(*node));
	node->work = work;
	set_after(&node->after, &node->after_n, stream->after, stream->after_n);
	set_after(&stream->after, &stream->after_n, &number, 1);
	return cudaSuccess;
}

cudaError_t sp_capture_record(cudaStream_t stream, struct sp_captured *captured)
{
	if (stream->capture->broken != cudaSuccess)
		return cudaErrorStreamCaptureInvalidated;
	captured->capture = stream->capture->number;
	set_after(&captured->after, &captured->after_n, stream->after, stream->after_n);
	return cudaSuccess;
}

cudaError_t sp_capture_wait(cudaStream_t stream, const struct sp_captured *captured)
{
	struct sp_capture *capture = captures;

	while (capture && capture->number != captured->capture)
		capture = capture->next;
	if (!capture) /* it has ended */
		return stream->capture
			       ? sp_capture_break(stream->capture, cudaErrorStreamCaptureIsolation)
			       : cudaErrorCapturedEvent;
	if (stream->capture && stream->capture != capture)
		return sp_capture_break(stream->capture,
					sp_capture_break(capture, cudaErrorStreamCaptureMerge));
	if (capture->broken != cudaSuccess)
		return cudaErrorStreamCaptureInvalidated;
	if (stream == sp_streams_first())
		return sp_capture_break(capture, cudaErrorStreamCaptureImplicit);
	if (!stream->capture) {
		stream->capture = capture;
		stream->after_n = 0;
	}
	for (uint32_t i = 0; i < captured->after_n; i++) {
		if (among(captured->after[i], stream->after, stream->after_n))
			continue;
		stream->after = grown(stream->after, (stream->after_n + 1) * sizeof(uint32_t));
		stream->after[stream->after_n++] = captured->after[i];
	}
	return cudaSuccess;
}

/* Whether all of it comes before what @stream would do next. */
static bool joined(const struct sp_recording *graph, const struct CUstream_st *stream)
{
	uint8_t *before = calloc(graph->nodes_n + 1, 1);
	bool all = true;

	if (!before)
		sp_emulator_fault("no memory for a graph");
	for (uint32_t i = 0; i < stream->after_n; i++)
		before[stream->after[i]] = 1;
	/* Nodes come after earlier ones only. */
	for (uint32_t i = graph->nodes_n; i-- > 0;) {
		const struct sp_recorded *node = &graph->nodes[i];

		all &= before[i];
		for (uint32_t j = 0; before[i] && j < node->after_n; j++)
			before[node->after[j]] = 1;
	}
	free(before);
	return all;
}

/* Streams run again. */
static void leave(struct sp_capture *capture)
{
	struct sp_capture **link = &captures;

	for (cudaStream_t stream = sp_streams_first(); stream; stream = stream->next) {
		if (stream->capture != capture)
			continue;
		stream->capture = NULL;
		stream->after_n = 0;
	}
	while (*link != capture)
		link = &(*link)->next;
	*link = capture->next;
	free(capture);
}

void sp_captures_clear(void)
{
	while (captures) {
		sp_recording_put(captures->graph);
		leave(captures);
	}
}

/* ---- calls ---- */

static cudaError_t begin(cudaStream_t handle, enum cudaStreamCaptureMode mode)
{
	cudaStream_t stream = sp_stream_find(handle);
	struct sp_capture *capture;

	if (!stream)
		return cudaErrorInvalidResourceHandle;
	if (!handle)
		return cudaErrorStreamCaptureUnsupported;
	if (stream->capture)
		return cudaErrorIllegalState;
	if ((unsigned int)mode > cudaStreamCaptureModeRelaxed)
		return cudaErrorInvalidValue;
	capture = grown(NULL, sizeof(*capture));
	memset(capture, 0, sizeof(*capture));
	capture->number = ++numbers;
	capture->mode = mode;
	capture->origin = stream;
	capture->thread = pthread_self();
	capture->graph = sp_recording_create();
	capture->next = captures;
	captures = capture;
	stream->capture = capture;
	stream->after_n = 0;
	return cudaSuccess;
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, enum cudaStreamCaptureMode mode)
{
	cudaError_t status = sp_call_begin("cudaStreamBeginCapture", 0);

	if (status == cudaSuccess)
		status = begin(stream, mode);
	return sp_call_end(status);
}

/* @failed: a test wants it to; the capture ends nonetheless. */
static cudaError_t end(cudaStream_t handle, cudaGraph_t *ret, cudaError_t failed)
{
	cudaStream_t stream = sp_stream_find(handle);
	struct sp_capture *capture;
	cudaError_t status = failed;

	*ret = NULL;
	if (!stream)
		return cudaErrorInvalidResourceHandle;
	capture = stream->capture;
	if (!capture)
		return cudaErrorIllegalState;
	if (capture->mode != cudaStreamCaptureModeRelaxed &&
	    !pthread_equal(capture->thread, pthread_self()))
		return cudaErrorStreamCaptureWrongThread;
	if (capture->origin != stream)
		return sp_capture_break(capture, cudaErrorStreamCaptureUnmatched);
	if (status == cudaSuccess && capture->broken != cudaSuccess)
		status = cudaErrorStreamCaptureInvalidated;
	if (status == cudaSuccess && !joined(capture->graph, stream))
		status = cudaErrorStreamCaptureUnjoined;
	if (status == cudaSuccess)
		*ret = sp_recording_publish(capture->graph);
	else
		sp_recording_put(capture->graph);
	leave(capture);
	return status;
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *graph)
{
	cudaError_t status = sp_call_begin("cudaStreamEndCapture", 0);

	if (graph)
		status = end(stream, graph, status);
	else if (status == cudaSuccess)
		status = cudaErrorInvalidValue;
	return sp_call_end(status);
}

cudaError_t cudaStreamIsCapturing(cudaStream_t stream, enum cudaStreamCaptureStatus *ret)
{
	cudaError_t status = sp_call_begin("cudaStreamIsCapturing", 0);

	if (status == cudaSuccess && !sp_stream_find(stream))
		status = cudaErrorInvalidResourceHandle;
	if (status == cudaSuccess) {
		const struct sp_capture *capture = sp_stream_find(stream)->capture;

		*ret = !capture				? cudaStreamCaptureStatusNone
		       : capture->broken != cudaSuccess ? cudaStreamCaptureStatusInvalidated
							: cudaStreamCaptureStatusActive;
	}
	return sp_call_end(status);
}

cudaError_t cudaThreadExchangeStreamCaptureMode(enum cudaStreamCaptureMode *mode)
{
	cudaError_t status = sp_call_begin("cudaThreadExchangeStreamCaptureMode", 0);

	if (status == cudaSuccess) {
		enum cudaStreamCaptureMode before = thread_mode;

		thread_mode = *mode;
		*mode = before;
	}
	return sp_call_end(status);
}
