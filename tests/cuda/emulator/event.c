/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that are about events. */
#include <stdlib.h>
#include <string.h>

#include "capture.h"
#include "queue.h"
#include "runtime.h"

struct CUevent_st {
	unsigned int flags;
	struct sp_moment *moment; /* when it was recorded last; NULL: never */
	struct sp_captured captured;
	struct CUevent_st *next;
};

static struct CUevent_st *events;

struct sp_moment *sp_moment_create(cudaStream_t stream)
{
	struct sp_moment *moment = calloc(1, sizeof(*moment));

	if (!moment)
		sp_emulator_fault("no memory for an event");
	moment->references = 1;
	moment->stream = stream;
	return moment;
}

struct sp_moment *sp_moment_get(struct sp_moment *moment)
{
	moment->references++;
	return moment;
}

void sp_moment_put(struct sp_moment *moment)
{
	if (!--moment->references)
		free(moment);
}

uint64_t sp_events_alive(void)
{
	uint64_t n = 0;

	for (const struct CUevent_st *event = events; event; event = event->next)
		n++;
	return n;
}

static struct CUevent_st **find(cudaEvent_t event)
{
	struct CUevent_st **link = &events;

	while (*link && *link != event)
		link = &(*link)->next;
	return link;
}

static void forget(cudaEvent_t event)
{
	if (event->moment)
		sp_moment_put(event->moment);
	event->moment = NULL;
	free(event->captured.after);
	memset(&event->captured, 0, sizeof(event->captured));
}

static void destroy(struct CUevent_st **link)
{
	struct CUevent_st *event = *link;

	*link = event->next;
	forget(event);
	free(event);
}

void sp_events_clear(void)
{
	while (events)
		destroy(&events);
}

/* ---- calls ---- */

cudaError_t cudaEventCreate(cudaEvent_t *event)
{
	return cudaEventCreateWithFlags(event, cudaEventDefault);
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned int flags)
{
	cudaError_t status = sp_call_begin("cudaEventCreateWithFlags", 0);
	struct CUevent_st *made = NULL;

	if (status == cudaSuccess &&
	    (!event || flags & ~(unsigned int)(cudaEventBlockingSync | cudaEventDisableTiming)))
		status = cudaErrorInvalidValue;
	if (status == cudaSuccess) {
		made = calloc(1, sizeof(*made));
		if (!made)
			status = cudaErrorMemoryAllocation;
	}
	if (made) {
		made->flags = flags;
		made->next = events;
		events = made;
		*event = made;
	}
	return sp_call_end(status);
}

cudaError_t cudaEventDestroy(cudaEvent_t event)
{
	cudaError_t status = sp_call_begin("cudaEventDestroy", SP_CALL_RELEASE);

	if (status == cudaSuccess) {
		struct CUevent_st **link = find(event);

		if (*link)
			destroy(link);
		else
			status = cudaErrorInvalidResourceHandle;
	}
	return sp_call_end(status);
}

static cudaError_t record(cudaEvent_t event, cudaStream_t stream)
{
	struct sp_work *work;
	cudaError_t status;

	if (!event || !*find(event) || !sp_stream_find(stream))
		return cudaErrorInvalidResourceHandle;
	stream = sp_stream_find(stream);
	forget(event);
	if (stream->capture)
		return sp_capture_record(stream, &event->captured);
	work = sp_work_create(SP_WORK_RECORD);
	work->moment = sp_moment_create(stream);
	event->moment = sp_moment_get(work->moment);
	status = sp_stream_put(stream, work);
	if (status != cudaSuccess)
		forget(event);
	return status;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream)
{
	cudaError_t status = sp_call_begin("cudaEventRecord", 0);

	if (status == cudaSuccess)
		status = record(event, stream);
	return sp_call_end(status);
}

static cudaError_t wait_for(cudaStream_t stream, cudaEvent_t event)
{
	struct sp_work *work;

	if (!event || !*find(event) || !sp_stream_find(stream))
		return cudaErrorInvalidResourceHandle;
	stream = sp_stream_find(stream);
	if (event->captured.capture)
		return sp_capture_wait(stream, &event->captured);
	if (stream->capture)
		return sp_capture_break(stream->capture, cudaErrorStreamCaptureIsolation);
	if (!event->moment || event->moment->done)
		return cudaSuccess;
	work = sp_work_create(SP_WORK_WAIT);
	work->moment = sp_moment_get(event->moment);
	return sp_stream_put(stream, work);
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned int flags)
{
	cudaError_t status = sp_call_begin("cudaStreamWaitEvent", 0);

	if (status == cudaSuccess)
		status = flags ? cudaErrorInvalidValue : wait_for(stream, event);
	return sp_call_end(status);
}

static cudaError_t check(cudaEvent_t event)
{
	if (!event || !*find(event))
		return cudaErrorInvalidResourceHandle;
	return event->captured.capture ? cudaErrorCapturedEvent : cudaSuccess;
}

cudaError_t cudaEventQuery(cudaEvent_t event)
{
	cudaError_t status = sp_call_begin("cudaEventQuery", 0);

	if (status == cudaSuccess)
		status = check(event);
	if (status == cudaSuccess) {
		sp_queue_progress();
		status = sp_runtime.lost != cudaSuccess		 ? sp_runtime.lost
			 : event->moment && !event->moment->done ? cudaErrorNotReady
								 : cudaSuccess;
	}
	return sp_call_end(status);
}

cudaError_t cudaEventSynchronize(cudaEvent_t event)
{
	cudaError_t status = sp_call_begin("cudaEventSynchronize", 0);

	if (status == cudaSuccess)
		status = check(event);
	if (status == cudaSuccess && event->moment)
		status = sp_queue_finish(NULL, event->moment);
	return sp_call_end(status);
}

static cudaError_t elapsed(float *milliseconds, cudaEvent_t start, cudaEvent_t end)
{
	cudaError_t status = check(start);

	if (status == cudaSuccess)
		status = check(end);
	if (status != cudaSuccess)
		return status;
	if ((start->flags | end->flags) & cudaEventDisableTiming || !start->moment || !end->moment)
		return cudaErrorInvalidResourceHandle;
	if (!start->moment->done || !end->moment->done)
		return cudaErrorNotReady;
	*milliseconds = (float)((double)end->moment->clock_ns * 1e-6 -
				(double)start->moment->clock_ns * 1e-6);
	return cudaSuccess;
}

cudaError_t cudaEventElapsedTime(float *milliseconds, cudaEvent_t start, cudaEvent_t end)
{
	cudaError_t status = sp_call_begin("cudaEventElapsedTime", 0);

	if (status == cudaSuccess)
		status = elapsed(milliseconds, start, end);
	return sp_call_end(status);
}
