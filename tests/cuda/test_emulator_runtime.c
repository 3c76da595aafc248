/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The emulator's runtime: that work comes late and in any order that streams and events permit,
 * that graphs do what was captured, and that failures are those which a test asked for.
 */
#include "emulator/emulator.h"
#include "emulator/probes.h"
#include "test.h"

enum { SEEDS = 40 };

#define OK(call) CHECK_EQ(call, cudaSuccess)

static uint32_t *new_counter(uint32_t value)
{
	uint32_t *counter = NULL;

	OK(cudaMalloc((void **)&counter, sizeof(*counter)));
	OK(cudaMemcpy(counter, &value, sizeof(value), cudaMemcpyHostToDevice));
	return counter;
}

static uint32_t value_of(const uint32_t *counter)
{
	uint32_t value = 0;

	CHECK(sp_emulator_peek(counter, &value, sizeof(value)));
	return value;
}

static cudaStream_t new_stream(void)
{
	cudaStream_t stream = NULL;

	OK(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
	return stream;
}

static cudaEvent_t new_event(void)
{
	cudaEvent_t event = NULL;

	OK(cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
	return event;
}

/* ---- streams and events ---- */

TEST(work_of_a_stream_is_in_order_and_late)
{
	cudaStream_t stream;
	uint32_t *counter;

	sp_emulator_reset();
	counter = new_counter(1);
	stream = new_stream();
	for (unsigned int seed = 0; seed < SEEDS; seed++) {
		uint32_t want = 1, one = 1;

		sp_emulator_seed(seed);
		OK(cudaMemcpyAsync(counter, &one, sizeof(one), cudaMemcpyHostToDevice, stream));
		for (uint32_t i = 0; i < 20; i++) {
			OK(sp_probe_step(stream, counter, 3, i));
			want = want * 3 + i;
		}
		CHECK_EQ(sp_emulator_waiting(), 21);
		OK(cudaStreamSynchronize(stream));
		CHECK_EQ(value_of(counter), want);
	}
	OK(cudaStreamDestroy(stream));
	OK(cudaFree(counter));
	CHECK_EQ(sp_emulator_leaks(), 0);
}

/* The source may not change before the copy is done: here it does. */
TEST(copies_are_late)
{
	uint32_t pageable = 1, *pinned, *counter;
	cudaStream_t stream;

	sp_emulator_reset();
	stream = new_stream();
	counter = new_counter(0);
	OK(cudaHostAlloc((void **)&pinned, sizeof(*pinned), cudaHostAllocMapped));
	*pinned = 1;
	OK(cudaMemcpyAsync(counter, &pageable, 4, cudaMemcpyHostToDevice, stream));
	pageable = 2;
	OK(cudaStreamSynchronize(stream));
	CHECK_EQ(value_of(counter), 2);
	OK(cudaMemcpyAsync(counter, pinned, 4, cudaMemcpyDefault, stream));
	*pinned = 3;
	OK(cudaStreamSynchronize(stream));
	CHECK_EQ(value_of(counter), 3);
	OK(cudaMemcpyAsync(pinned, counter, 4, cudaMemcpyDeviceToHost, stream));
	*pinned = 4;
	OK(cudaStreamSynchronize(stream));
	CHECK_EQ(*pinned, 3);
	/* All but those from the device to memory that is not pinned: CUDA promises more. */
	OK(cudaMemcpyAsync(&pageable, counter, 4, cudaMemcpyDeviceToHost, stream));
	CHECK_EQ(pageable, 3);
	OK(cudaFreeHost(pinned));
	OK(cudaFree(counter));
	OK(cudaStreamDestroy(stream));
	CHECK_EQ(sp_emulator_leaks(), 0);
}

/* One stream adds, the other multiplies. Bits: 1: in this order, 2: in that. */
static unsigned int orders_seen(bool with_event)
{
	cudaStream_t first, second;
	cudaEvent_t event;
	uint32_t *counter;
	unsigned int seen = 0;

	sp_emulator_reset();
	first = new_stream();
	second = new_stream();
	event = new_event();
	counter = new_counter(0);
	for (unsigned int seed = 0; seed < SEEDS; seed++) {
		uint32_t value, one = 1;

		sp_emulator_seed(seed);
		OK(cudaMemcpy(counter, &one, sizeof(one), cudaMemcpyHostToDevice));
		OK(sp_probe_step(first, counter, 1, 5));
		OK(cudaEventRecord(event, first));
		if (with_event)
			OK(cudaStreamWaitEvent(second, event, 0));
		OK(sp_probe_step(second, counter, 10, 0));
		OK(cudaStreamSynchronize(second));
		OK(cudaStreamSynchronize(first));
		value = value_of(counter);
		CHECK(value == 60 || value == 15);
		seen |= value == 60 ? 1 : 2;
	}
	OK(cudaStreamDestroy(first));
	OK(cudaStreamDestroy(second));
	OK(cudaEventDestroy(event));
	OK(cudaFree(counter));
	CHECK_EQ(sp_emulator_leaks(), 0);
	return seen;
}

TEST(streams_meet_only_at_events)
{
	CHECK_EQ(orders_seen(false), 3);
	CHECK_EQ(orders_seen(true), 1);
}

/* A wait is for what was recorded before it, not for what is recorded later. */
TEST(waits_are_for_the_record_before_them)
{
	cudaStream_t first, second;
	cudaEvent_t event;
	uint32_t *a, *b;
	bool early = false;

	sp_emulator_reset();
	first = new_stream();
	second = new_stream();
	event = new_event();
	a = new_counter(0);
	b = new_counter(0);
	OK(cudaStreamWaitEvent(second, event, 0)); /* never recorded: nothing to wait for */
	OK(cudaEventQuery(event));
	for (unsigned int seed = 0; seed < SEEDS; seed++) {
		sp_emulator_seed(seed);
		OK(cudaMemset(a, 0, 4));
		OK(cudaMemset(b, 0, 4));
		OK(cudaDeviceSynchronize());
		OK(sp_probe_step(first, a, 1, 1));
		OK(cudaEventRecord(event, first));
		OK(cudaStreamWaitEvent(second, event, 0));
		OK(sp_probe_step(first, a, 1, 1));
		OK(cudaEventRecord(event, first));
		OK(sp_probe_step(second, b, 1, 1));
		OK(cudaStreamSynchronize(second));
		CHECK(value_of(a) >= 1);
		early |= value_of(a) == 1;
		OK(cudaEventSynchronize(event));
		CHECK_EQ(value_of(a), 2);
	}
	CHECK(early);
	OK(cudaDeviceReset());
	CHECK_EQ(sp_emulator_leaks(), 0);
}

TEST(queries_let_the_device_go_on)
{
	cudaStream_t stream;
	cudaEvent_t event;
	uint32_t *counter;
	unsigned int not_ready = 0;

	sp_emulator_reset();
	stream = new_stream();
	event = new_event();
	counter = new_counter(0);
	for (uint32_t i = 0; i < 100; i++)
		OK(sp_probe_step(stream, counter, 1, 1));
	OK(cudaEventRecord(event, stream));
	for (cudaError_t status; (status = cudaEventQuery(event)) != cudaSuccess; not_ready++) {
		CHECK_EQ(status, cudaErrorNotReady);
		CHECK(not_ready < 1000);
		/* As on a card, it is an error that cudaGetLastError returns; no launch does. */
		CHECK_EQ(cudaPeekAtLastError(), cudaErrorNotReady);
		OK(sp_probe_nothing(stream, 1, 32, 0, NULL));
		CHECK_EQ(cudaGetLastError(), cudaErrorNotReady);
		OK(cudaGetLastError());
	}
	CHECK(not_ready > 0);
	CHECK_EQ(value_of(counter), 100);
	while (cudaStreamQuery(stream) != cudaSuccess)
		;
	OK(cudaDeviceReset());
}

TEST(the_default_stream_waits_for_those_that_block)
{
	cudaStream_t blocking, free_running;
	uint32_t *counter;
	bool before = false;

	sp_emulator_reset();
	OK(cudaStreamCreate(&blocking));
	free_running = new_stream();
	counter = new_counter(0);
	for (unsigned int seed = 0; seed < SEEDS; seed++) {
		uint32_t value = 1;

		sp_emulator_seed(seed);
		OK(cudaMemcpy(counter, &value, 4, cudaMemcpyHostToDevice));
		OK(sp_probe_step(blocking, counter, 1, 1));
		OK(sp_probe_step(NULL, counter, 2, 0));
		OK(sp_probe_step(blocking, counter, 1, 1));
		OK(cudaStreamSynchronize(blocking));
		CHECK_EQ(value_of(counter), 5);
		OK(sp_probe_step(free_running, counter, 1, 1));
		OK(cudaMemcpy(&value, counter, 4, cudaMemcpyDeviceToHost));
		before |= value == 5;
		OK(cudaDeviceSynchronize());
		CHECK_EQ(value_of(counter), 6);
	}
	CHECK(before);
	OK(cudaDeviceReset());
}

TEST(time_passes_with_work)
{
	cudaStream_t stream;
	cudaEvent_t start, end;
	float milliseconds = -1;

	sp_emulator_reset();
	stream = new_stream();
	OK(cudaEventCreate(&start));
	OK(cudaEventCreate(&end));
	CHECK_EQ(cudaEventElapsedTime(&milliseconds, start, end), cudaErrorInvalidResourceHandle);
	OK(cudaEventRecord(start, stream));
	OK(sp_probe_nothing(stream, 100, 100, 0, NULL));
	OK(cudaEventRecord(end, stream));
	CHECK_EQ(cudaEventElapsedTime(&milliseconds, start, end), cudaErrorNotReady);
	OK(cudaEventSynchronize(end));
	OK(cudaEventElapsedTime(&milliseconds, start, end));
	CHECK_NEAR(milliseconds, 0.012, 1e-6);
	OK(cudaDeviceReset());
}

/* ---- graphs ---- */

/* ((x + 1) × 2 in one stream and y + 7 in another), then x × 3. */
static cudaGraphExec_t capture_fork(cudaStream_t stream, cudaStream_t other, uint32_t *x,
				    uint32_t *y)
{
	cudaEvent_t fork_event = new_event(), join = new_event();
	cudaGraphExec_t exec = NULL;
	cudaGraph_t graph = NULL;
	enum cudaStreamCaptureStatus status;

	OK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
	OK(sp_probe_step(stream, x, 1, 1));
	OK(cudaEventRecord(fork_event, stream));
	OK(cudaStreamWaitEvent(other, fork_event, 0));
	OK(cudaStreamIsCapturing(other, &status));
	CHECK_EQ(status, cudaStreamCaptureStatusActive);
	OK(sp_probe_step(other, y, 1, 7));
	OK(cudaEventRecord(join, other));
	OK(sp_probe_step(stream, x, 2, 0));
	OK(cudaStreamWaitEvent(stream, join, 0));
	OK(sp_probe_step(stream, x, 3, 0));
	OK(cudaStreamEndCapture(stream, &graph));
	OK(cudaStreamIsCapturing(other, &status));
	CHECK_EQ(status, cudaStreamCaptureStatusNone);
	OK(cudaGraphInstantiate(&exec, graph, 0));
	OK(cudaGraphDestroy(graph));
	OK(cudaEventDestroy(fork_event));
	OK(cudaEventDestroy(join));
	return exec;
}

TEST(graphs_do_what_was_captured)
{
	cudaStream_t stream, other;
	cudaGraphExec_t exec;
	uint32_t *x, *y;

	sp_emulator_reset();
	stream = new_stream();
	other = new_stream();
	x = new_counter(0);
	y = new_counter(0);
	exec = capture_fork(stream, other, x, y);
	CHECK_EQ(sp_emulator_waiting(), 0);
	CHECK_EQ(value_of(x), 0);
	for (unsigned int seed = 0; seed < SEEDS; seed++) {
		uint32_t want_x = 0;

		sp_emulator_seed(seed);
		OK(cudaMemset(x, 0, 4));
		OK(cudaMemset(y, 0, 4));
		OK(cudaDeviceSynchronize());
		/* In two streams, and yet one after the other. */
		for (int i = 0; i < 4; i++) {
			OK(cudaGraphLaunch(exec, i % 2 ? other : stream));
			want_x = (want_x + 1) * 6;
		}
		OK(cudaStreamSynchronize(other));
		CHECK_EQ(value_of(x), want_x);
		CHECK_EQ(value_of(y), 28);
		OK(cudaStreamSynchronize(stream));
	}
	OK(cudaGraphLaunch(exec, stream));
	OK(cudaGraphExecDestroy(exec)); /* what was launched is done nonetheless */
	CHECK_EQ(cudaGraphLaunch(exec, stream), cudaErrorInvalidResourceHandle);
	OK(cudaStreamDestroy(stream));
	OK(cudaStreamDestroy(other));
	OK(cudaDeviceSynchronize());
	CHECK_EQ(value_of(y), 35);
	OK(cudaFree(x));
	OK(cudaFree(y));
	CHECK_EQ(sp_emulator_leaks(), 0);
}

static void check_invalidated(cudaStream_t stream, cudaError_t want)
{
	cudaGraph_t graph = (cudaGraph_t)stream;
	enum cudaStreamCaptureStatus status;

	CHECK_EQ(cudaStreamEndCapture(stream, &graph), want);
	CHECK(!graph);
	OK(cudaStreamIsCapturing(stream, &status));
	CHECK_EQ(status, cudaStreamCaptureStatusNone);
	cudaGetLastError();
}

TEST(calls_that_a_capture_forbids_break_it)
{
	cudaStream_t stream, blocking;
	cudaEvent_t event, outside;
	uint32_t *counter;
	void *more;

	sp_emulator_reset();
	stream = new_stream();
	OK(cudaStreamCreate(&blocking));
	event = new_event();
	outside = new_event();
	counter = new_counter(0);
	for (unsigned int which = 0; which < 9; which++) {
		cudaStream_t origin = which == 8 ? blocking : stream;
		cudaError_t want = cudaErrorStreamCaptureUnsupported, got = cudaSuccess;

		OK(cudaEventRecord(outside, blocking));
		OK(cudaStreamBeginCapture(origin, cudaStreamCaptureModeGlobal));
		OK(sp_probe_step(origin, counter, 1, 1));
		OK(cudaEventRecord(event, origin));
		switch (which) {
		case 0:
			got = cudaStreamSynchronize(stream);
			break;
		case 1:
			got = cudaStreamQuery(stream);
			break;
		case 2:
			got = cudaMalloc(&more, 16);
			break;
		case 3:
			got = cudaFree(counter);
			break;
		case 4:
			got = cudaDeviceSynchronize();
			break;
		case 5:
			got = cudaMemcpy(&more, counter, 4, cudaMemcpyDeviceToHost);
			break;
		case 6:
			got = cudaHostAlloc(&more, 16, 0);
			break;
		case 7:
			got = cudaStreamWaitEvent(stream, outside, 0);
			want = cudaErrorStreamCaptureIsolation;
			break;
		default:
			got = sp_probe_step(NULL, counter, 1, 1);
			want = cudaErrorStreamCaptureImplicit;
		}
		CHECK_EQ(got, want);
		CHECK_EQ(sp_probe_step(origin, counter, 1, 1), cudaErrorStreamCaptureInvalidated);
		check_invalidated(origin, cudaErrorStreamCaptureInvalidated);
	}
	OK(cudaDeviceReset());
}

TEST(captures_end_as_they_began)
{
	cudaStream_t stream, other;
	cudaEvent_t event;
	cudaGraph_t graph;
	uint32_t *counter;
	void *memory;
	enum cudaStreamCaptureMode mode = cudaStreamCaptureModeRelaxed;

	sp_emulator_reset();
	stream = new_stream();
	other = new_stream();
	event = new_event();
	counter = new_counter(0);
	CHECK_EQ(cudaStreamBeginCapture(NULL, cudaStreamCaptureModeGlobal),
		 cudaErrorStreamCaptureUnsupported);
	CHECK_EQ(cudaStreamEndCapture(stream, &graph), cudaErrorIllegalState);
	/* Unjoined. */
	OK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeRelaxed));
	CHECK_EQ(cudaStreamBeginCapture(stream, cudaStreamCaptureModeRelaxed),
		 cudaErrorIllegalState);
	OK(cudaEventRecord(event, stream));
	CHECK_EQ(cudaEventQuery(event), cudaErrorCapturedEvent);
	OK(cudaStreamWaitEvent(other, event, 0));
	OK(sp_probe_step(other, counter, 1, 1));
	CHECK_EQ(cudaStreamEndCapture(other, &graph), cudaErrorStreamCaptureUnmatched);
	check_invalidated(stream, cudaErrorStreamCaptureInvalidated);
	OK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeRelaxed));
	OK(cudaEventRecord(event, stream));
	OK(cudaStreamWaitEvent(other, event, 0));
	OK(sp_probe_step(other, counter, 1, 1));
	OK(cudaMalloc(&memory, 16)); /* relaxed */
	OK(cudaFree(memory));
	check_invalidated(stream, cudaErrorStreamCaptureUnjoined);
	/* Two captures meet. */
	OK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
	OK(cudaStreamBeginCapture(other, cudaStreamCaptureModeThreadLocal));
	OK(cudaEventRecord(event, stream));
	CHECK_EQ(cudaStreamWaitEvent(other, event, 0), cudaErrorStreamCaptureMerge);
	check_invalidated(stream, cudaErrorStreamCaptureInvalidated);
	check_invalidated(other, cudaErrorStreamCaptureInvalidated);
	/* A thread that says it knows. */
	OK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal));
	OK(cudaThreadExchangeStreamCaptureMode(&mode));
	OK(cudaMalloc(&memory, 16));
	OK(cudaThreadExchangeStreamCaptureMode(&mode));
	CHECK_EQ(mode, cudaStreamCaptureModeRelaxed);
	OK(cudaStreamEndCapture(stream, &graph));
	OK(cudaGraphDestroy(graph));
	OK(cudaDeviceReset());
}

TEST_MAIN()
