/* SPDX-License-Identifier: Apache-2.0 */
/* Failures of the emulated device that tests ask for, what is alive, and memory's limits and
 * guards. */
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "emulator/emulator.h"
#include "emulator/probes.h"
#include "test.h"

#define OK(call) CHECK_EQ(call, cudaSuccess)

static cudaStream_t new_stream(void)
{
	cudaStream_t stream = NULL;

	OK(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
	return stream;
}

static void *device_memory(size_t size)
{
	void *at = NULL;

	OK(cudaMalloc(&at, size));
	return at;
}

/* ---- the device ---- */

TEST(devices_are_as_a_test_describes_them)
{
	struct sp_emulator_device device;
	struct cudaDeviceProp properties;
	int value;

	sp_emulator_reset();
	device = sp_emulator_device();
	OK(cudaGetDeviceCount(&value));
	CHECK_EQ(value, 1);
	CHECK_EQ(cudaSetDevice(1), cudaErrorInvalidDevice);
	OK(cudaSetDevice(0));
	OK(cudaGetDevice(&value));
	CHECK_EQ(value, 0);
	device.major = 8;
	device.minor = 6;
	device.processors = 46;
	device.shared_max = 99 << 10;
	sp_emulator_set_device(&device);
	OK(cudaGetDeviceProperties(&properties, 0));
	CHECK_EQ(properties.major * 10 + properties.minor, 86);
	CHECK_EQ(properties.multiProcessorCount, 46);
	OK(cudaDeviceGetAttribute(&value, cudaDevAttrMaxSharedMemoryPerBlockOptin, 0));
	CHECK_EQ(value, 99 << 10);
	CHECK_EQ(cudaFuncSetAttribute((const void *)new_stream,
				      cudaFuncAttributeMaxDynamicSharedMemorySize, 100 << 10),
		 cudaErrorInvalidValue);
	device.count = 0;
	sp_emulator_set_device(&device);
	CHECK_EQ(cudaGetDeviceCount(&value), cudaErrorNoDevice);
	device.driver = 12080;
	sp_emulator_set_device(&device);
	CHECK_EQ(cudaGetDeviceCount(&value), cudaErrorInsufficientDriver);
	OK(cudaDriverGetVersion(&value));
	CHECK_EQ(value, 12080);
	CHECK_EQ(cudaGetLastError(), cudaErrorInsufficientDriver);
	CHECK_STR(cudaGetErrorName(cudaErrorInsufficientDriver), "cudaErrorInsufficientDriver");
	CHECK_STR(cudaGetErrorString(cudaErrorIllegalAddress),
		  "an illegal memory access was encountered");
}

/* ---- failures ---- */

/* Everything a small program does; what it made it gives back, whatever failed. */
static cudaError_t small_program(void)
{
	cudaStream_t stream = NULL;
	cudaEvent_t event = NULL;
	cudaGraph_t graph = NULL;
	cudaGraphExec_t exec = NULL;
	uint32_t *counter = NULL, *host = NULL;
	cudaError_t status;

#define DO(call)                                                                                   \
	if ((status = (call)) != cudaSuccess)                                                      \
	goto out
	DO(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
	DO(cudaEventCreateWithFlags(&event, 0));
	DO(cudaMalloc((void **)&counter, 4));
	DO(cudaHostAlloc((void **)&host, 4, cudaHostAllocMapped));
	DO(cudaMemsetAsync(counter, 0, 4, stream));
	DO(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
	status = sp_probe_step(stream, counter, 1, 1);
	if (status != cudaSuccess) {
		cudaStreamEndCapture(stream, &graph);
		goto out;
	}
	DO(cudaStreamEndCapture(stream, &graph));
	DO(cudaGraphInstantiate(&exec, graph, 0));
	DO(cudaGraphLaunch(exec, stream));
	DO(cudaMemcpyAsync(host, counter, 4, cudaMemcpyDeviceToHost, stream));
	DO(cudaEventRecord(event, stream));
	DO(cudaEventSynchronize(event));
	if (*host != 1)
		status = cudaErrorUnknown;
out:
	if (exec)
		cudaGraphExecDestroy(exec);
	if (graph)
		cudaGraphDestroy(graph);
	if (stream)
		cudaStreamSynchronize(stream);
	cudaFree(counter);
	cudaFreeHost(host);
	if (event)
		cudaEventDestroy(event);
	if (stream)
		cudaStreamDestroy(stream);
	return status;
#undef DO
}

TEST(each_call_can_fail)
{
	uint64_t calls;

	sp_emulator_reset();
	OK(small_program());
	CHECK_EQ(sp_emulator_leaks(), 0);
	calls = sp_emulator_calls() - 1; /* but for the last wait */
	CHECK_EQ(calls, 13);
	for (uint64_t n = 1; n <= calls; n++) {
		sp_emulator_reset();
		sp_emulator_fail(n, cudaErrorSystemNotReady);
		CHECK_EQ(small_program(), cudaErrorSystemNotReady);
		CHECK_EQ(cudaGetLastError(), cudaErrorSystemNotReady);
		CHECK_EQ(sp_emulator_leaks(), 0);
		OK(small_program());
	}
}

TEST(lost_devices_stay_lost_until_reset)
{
	for (uint64_t operations = 0; operations < 6; operations++) {
		cudaStream_t stream;
		uint32_t *counter, value = 0;
		void *more;

		sp_emulator_reset();
		stream = new_stream();
		counter = device_memory(4);
		sp_emulator_lose(operations, cudaErrorIllegalAddress);
		if (operations) {
			for (int i = 0; i < 8; i++)
				OK(sp_probe_step(stream, counter, 1, 1));
			CHECK_EQ(sp_emulator_done(), 0);
		}
		CHECK_EQ(cudaStreamSynchronize(stream), cudaErrorIllegalAddress);
		CHECK_EQ(sp_emulator_done(), operations);
		CHECK_EQ(cudaMalloc(&more, 4), cudaErrorIllegalAddress);
		CHECK_EQ(cudaFree(counter), cudaErrorIllegalAddress);
		CHECK_EQ(cudaGetLastError(), cudaErrorIllegalAddress);
		CHECK_EQ(cudaGetLastError(), cudaErrorIllegalAddress);
		CHECK(sp_emulator_alive().device == 1);
		OK(cudaDeviceReset());
		OK(cudaGetLastError());
		CHECK_EQ(sp_emulator_leaks(), 0);
		/* What was there before is gone. */
		CHECK_EQ(cudaStreamSynchronize(stream), cudaErrorInvalidResourceHandle);
		CHECK_EQ(cudaFree(counter), cudaErrorInvalidValue);
		CHECK(!sp_emulator_peek(counter, &value, 4));
		OK(small_program());
	}
}

/* What it did is seen by how it ended: 0, or by a signal. */
static int ends(void (*body)(void))
{
	int status;
	pid_t child;

	fflush(stdout);
	child = fork();
	CHECK(child >= 0);
	if (!child) {
		if (!freopen("/dev/null", "w", stderr))
			_exit(1);
		body();
		_exit(0);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	return WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
}

static void wait_for_a_hung_device(void)
{
	cudaStream_t stream = new_stream();

	sp_emulator_hang(0);
	OK(sp_probe_nothing(stream, 1, 1, 0, NULL));
	cudaStreamSynchronize(stream);
}

TEST(hung_devices_do_nothing_until_reset)
{
	cudaStream_t stream;
	cudaEvent_t event = NULL;
	uint32_t *counter, value;

	sp_emulator_reset();
	stream = new_stream();
	OK(cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
	counter = device_memory(4);
	sp_emulator_hang(4);
	for (int i = 0; i < 8; i++)
		OK(i ? sp_probe_step(stream, counter, 1, 1)
		     : cudaMemsetAsync(counter, 0, 4, stream));
	OK(cudaEventRecord(event, stream));
	for (int i = 0; i < 1000; i++)
		CHECK_EQ(cudaEventQuery(event), cudaErrorNotReady);
	CHECK_EQ(cudaStreamQuery(stream), cudaErrorNotReady);
	CHECK(sp_emulator_peek(counter, &value, 4));
	CHECK_EQ(value, 3);
	OK(cudaDeviceReset());
	CHECK_EQ(sp_emulator_leaks(), 0);
	OK(small_program());
	CHECK_EQ(ends(wait_for_a_hung_device), SIGABRT);
}

/* ---- memory ---- */

TEST(memory_is_counted_and_ends)
{
	struct sp_emulator_device device;
	struct sp_emulator_alive alive;
	void *first, *second, *none = NULL;
	size_t free_bytes, total;

	sp_emulator_reset();
	device = sp_emulator_device();
	device.memory = 1 << 20;
	sp_emulator_set_device(&device);
	first = device_memory(512 << 10);
	CHECK_EQ((uintptr_t)first % 256, 0);
	CHECK_EQ(cudaMalloc(&none, (512 << 10) + 1), cudaErrorMemoryAllocation);
	CHECK(!none);
	second = device_memory(512 << 10);
	OK(cudaMemGetInfo(&free_bytes, &total));
	CHECK_EQ(free_bytes, 0);
	CHECK_EQ(total, 1 << 20);
	alive = sp_emulator_alive();
	CHECK_EQ(alive.device_bytes, 1 << 20);
	OK(cudaFree(first));
	CHECK_EQ(cudaFree(first), cudaErrorInvalidValue);
	first = device_memory(1000);
	CHECK_EQ(cudaFree((char *)first + 256), cudaErrorInvalidValue);
	OK(cudaFree(first));
	OK(cudaFree(second));
	OK(cudaFree(NULL));
	CHECK_EQ(sp_emulator_leaks(), 0);
	cudaGetLastError();
}

TEST(host_memory_is_seen_once_registered)
{
	static char region[8192];
	void *pinned, *seen;

	sp_emulator_reset();
	CHECK_EQ(cudaHostGetDevicePointer(&seen, region, 0), cudaErrorInvalidValue);
	OK(cudaHostRegister(region, sizeof(region), cudaHostRegisterMapped));
	CHECK_EQ(cudaHostRegister(region + 4096, 64, 0), cudaErrorHostMemoryAlreadyRegistered);
	OK(cudaHostGetDevicePointer(&seen, region + 100, 0));
	CHECK(seen == region + 100);
	OK(sp_probe_nothing(NULL, 1, 1, 0, seen));
	OK(cudaHostUnregister(region));
	CHECK_EQ(cudaHostUnregister(region), cudaErrorHostMemoryNotRegistered);
	OK(cudaHostAlloc(&pinned, 100, cudaHostAllocMapped | cudaHostAllocPortable));
	CHECK_EQ(sp_emulator_alive().pinned, 1);
	CHECK_EQ(cudaHostRegister(pinned, 10, 0), cudaErrorHostMemoryAlreadyRegistered);
	OK(cudaFreeHost(pinned));
	CHECK_EQ(cudaFreeHost(pinned), cudaErrorInvalidValue);
	OK(cudaFreeHost(NULL));
	CHECK_EQ(sp_emulator_leaks(), 0);
	cudaGetLastError();
}

TEST(copies_stay_within_what_they_name)
{
	char host[64] = { 0 };
	char *device;

	sp_emulator_reset();
	device = device_memory(64);
	OK(cudaMemcpy(device, host, 64, cudaMemcpyHostToDevice));
	CHECK_EQ(cudaMemcpy(device + 1, host, 64, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
	CHECK_EQ(cudaMemcpy(host, device, 64, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
	CHECK_EQ(cudaMemcpy(host, device, 65, cudaMemcpyDefault), cudaErrorInvalidValue);
	CHECK_EQ(cudaMemcpy(device, host, 64, (enum cudaMemcpyKind)9),
		 cudaErrorInvalidMemcpyDirection);
	CHECK_EQ(cudaMemset(device, 0, 65), cudaErrorInvalidValue);
	OK(cudaMemcpy(host, device, 64, cudaMemcpyDefault));
	OK(cudaFree(device));
	cudaGetLastError();
}

/* ---- threads ---- */

static void *count_to_a_thousand(void *counter)
{
	cudaStream_t stream = NULL;
	cudaEvent_t event = NULL;
	intptr_t failed = 0;

	failed |= cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking);
	failed |= cudaEventCreateWithFlags(&event, 0);
	for (int i = 0; i < 100; i++) {
		for (int j = 0; j < 10; j++)
			failed |= sp_probe_step(stream, counter, 1, 1);
		failed |= cudaEventRecord(event, stream);
		if (i % 2)
			failed |= cudaEventSynchronize(event);
		else
			while (cudaEventQuery(event) == cudaErrorNotReady)
				cudaGetLastError();
	}
	failed |= cudaEventDestroy(event);
	failed |= cudaStreamDestroy(stream);
	failed |= cudaGetLastError();
	return (void *)failed;
}

TEST(threads_share_the_device)
{
	enum { THREADS = 3 };
	pthread_t threads[THREADS];
	uint32_t *counters[THREADS], value;
	void *failed;

	sp_emulator_reset();
	for (int i = 0; i < THREADS; i++) {
		counters[i] = device_memory(4);
		OK(cudaMemset(counters[i], 0, 4));
	}
	OK(cudaDeviceSynchronize());
	for (int i = 0; i < THREADS; i++)
		CHECK(!pthread_create(&threads[i], NULL, count_to_a_thousand, counters[i]));
	for (int i = 0; i < THREADS; i++) {
		CHECK(!pthread_join(threads[i], &failed));
		CHECK(!failed);
		CHECK(sp_emulator_peek(counters[i], &value, 4));
		CHECK_EQ(value, 1000);
		OK(cudaFree(counters[i]));
	}
	CHECK_EQ(sp_emulator_leaks(), 0);
}

TEST_MAIN()
