/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "capture.h"
#include "chance.h"
#include "device_memory.h"
#include "queue.h"
#include "trap.h"

struct sp_runtime sp_runtime;

static pthread_mutex_t lock;
static __thread cudaError_t last_error;

static const struct sp_emulator_device first_device = {
	.count = 1,
	.driver = CUDART_VERSION,
	.runtime = CUDART_VERSION,
	.name = "NVIDIA H100 (emulated)",
	.major = 9,
	.processors = 132,
	.shared_max = 227 << 10,
	.memory = 1 << 30,
};

static uint64_t first_seed(void)
{
	const char *text = getenv("SP_EMULATOR_SEED");

	return text && *text ? strtoull(text, NULL, 0) : 1;
}

__attribute__((constructor)) static void init(void)
{
	pthread_mutexattr_t attributes;

	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(&lock, &attributes);
	pthread_mutexattr_destroy(&attributes);
	sp_runtime.device = first_device;
	sp_chance_seed(first_seed());
}

void sp_runtime_lock(void)
{
	pthread_mutex_lock(&lock);
	sp_trap_install();
}

void sp_runtime_unlock(void)
{
	sp_memory_shut();
	pthread_mutex_unlock(&lock);
}

/* ---- calls ---- */

static cudaError_t device_status(void)
{
	const struct sp_emulator_device *device = &sp_runtime.device;

	/* A runtime runs with any driver of its major version or later. */
	if (device->driver / 1000 < device->runtime / 1000)
		return cudaErrorInsufficientDriver;
	return device->count ? cudaSuccess : cudaErrorNoDevice;
}

cudaError_t sp_call_begin(const char *name, unsigned int flags)
{
	cudaError_t status;

	sp_runtime_lock();
	sp_runtime.call = name;
	if (!(flags & SP_CALL_RELEASE) && ++sp_runtime.calls == sp_runtime.fail_at)
		return sp_runtime.fail_status;
	if (flags & SP_CALL_NO_DEVICE)
		return cudaSuccess;
	status = device_status();
	if (status == cudaSuccess)
		status = sp_runtime.lost;
	if (status == cudaSuccess && flags & SP_CALL_UNSAFE)
		status = sp_capture_permits();
	return status;
}

cudaError_t sp_call_end(cudaError_t status)
{
	if (status != cudaSuccess)
		last_error = status;
	sp_runtime_unlock();
	return status;
}

cudaError_t cudaGetLastError(void)
{
	cudaError_t status = cudaPeekAtLastError();

	last_error = cudaSuccess;
	return status;
}

cudaError_t cudaPeekAtLastError(void)
{
	cudaError_t status;

	sp_runtime_lock();
	status = sp_runtime.lost != cudaSuccess ? sp_runtime.lost : last_error;
	sp_runtime_unlock();
	return status;
}

bool sp_runtime_works(void)
{
	if (sp_runtime.losing && sp_runtime.done >= sp_runtime.lose_at) {
		sp_runtime.losing = false;
		sp_runtime.lost = sp_runtime.lose_status;
	}
	if (sp_runtime.hanging && sp_runtime.done >= sp_runtime.hang_at) {
		sp_runtime.hanging = false;
		sp_runtime.hung = true;
	}
	return sp_runtime.lost == cudaSuccess && !sp_runtime.hung;
}

void sp_runtime_clear(void)
{
	sp_captures_clear();
	sp_streams_clear();
	sp_events_clear();
	sp_graphs_clear();
	sp_memory_reset();
	sp_runtime.lost = cudaSuccess;
	sp_runtime.losing = sp_runtime.hanging = sp_runtime.hung = false;
	last_error = cudaSuccess;
}

/* ---- emulator.h ---- */

void sp_emulator_reset(void)
{
	sp_runtime_lock();
	sp_runtime_clear();
	sp_runtime.calls = sp_runtime.fail_at = sp_runtime.done = sp_runtime.clock_ns = 0;
	sp_runtime.device = first_device;
	sp_chance_seed(first_seed());
	sp_runtime_unlock();
}

void sp_emulator_seed(uint64_t seed)
{
	sp_runtime_lock();
	sp_chance_seed(seed);
	sp_runtime_unlock();
}

struct sp_emulator_device sp_emulator_device(void)
{
	return sp_runtime.device;
}

void sp_emulator_set_device(const struct sp_emulator_device *device)
{
	sp_runtime_lock();
	sp_runtime.device = *device;
	sp_runtime_unlock();
}

uint64_t sp_emulator_calls(void)
{
	return sp_runtime.calls;
}

void sp_emulator_fail(uint64_t n, cudaError_t status)
{
	sp_runtime_lock();
	sp_runtime.fail_at = n ? sp_runtime.calls + n : 0;
	sp_runtime.fail_status = status;
	sp_runtime_unlock();
}

void sp_emulator_lose(uint64_t operations, cudaError_t status)
{
	sp_runtime_lock();
	sp_runtime.losing = true;
	sp_runtime.lose_at = sp_runtime.done + operations;
	sp_runtime.lose_status = status;
	if (!operations)
		sp_runtime_works();
	sp_runtime_unlock();
}

void sp_emulator_hang(uint64_t operations)
{
	sp_runtime_lock();
	sp_runtime.hanging = true;
	sp_runtime.hang_at = sp_runtime.done + operations;
	sp_runtime_unlock();
}

struct sp_emulator_alive sp_emulator_alive(void)
{
	struct sp_emulator_alive alive;
	struct sp_memory_alive memory;

	sp_runtime_lock();
	memory = sp_memory_alive();
	alive = (struct sp_emulator_alive){
		.device_bytes = memory.device_bytes,
		.device = memory.device,
		.pinned = memory.pinned,
		.registered = memory.registered,
		.streams = sp_streams_alive(),
		.events = sp_events_alive(),
		.graphs = sp_graphs_alive(),
		.execs = sp_execs_alive(),
	};
	sp_runtime_unlock();
	return alive;
}

uint64_t sp_emulator_leaks(void)
{
	struct sp_emulator_alive alive = sp_emulator_alive();
	uint64_t n = alive.device + alive.pinned + alive.registered + alive.streams + alive.events +
		     alive.graphs + alive.execs;

	if (n)
		fprintf(stderr,
			"emulator: alive: %llu pieces of device memory (%zu bytes), %llu pinned, "
			"%llu registered, %llu streams, %llu events, %llu graphs, %llu to launch\n",
			(unsigned long long)alive.device, alive.device_bytes,
			(unsigned long long)alive.pinned, (unsigned long long)alive.registered,
			(unsigned long long)alive.streams, (unsigned long long)alive.events,
			(unsigned long long)alive.graphs, (unsigned long long)alive.execs);
	return n;
}

uint64_t sp_emulator_done(void)
{
	return sp_runtime.done;
}

uint64_t sp_emulator_waiting(void)
{
	uint64_t n;

	sp_runtime_lock();
	n = sp_streams_waiting();
	sp_runtime_unlock();
	return n;
}
