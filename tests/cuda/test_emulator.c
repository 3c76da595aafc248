/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The emulator itself: that right kernels and programs compute what they should whatever the seed,
 * and that each kind of wrong one is found. Wrong programs run in a process of their own.
 */
#include <math.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "emulator/emulator.h"
#include "emulator/probes.h"
#include "test.h"

enum { BLOCKS = 4, N = BLOCKS * SP_PROBE_THREADS, SEEDS = 24 };

#define OK(call) CHECK_EQ(call, cudaSuccess)

static void *device_memory(size_t size)
{
	void *at = NULL;

	OK(cudaMalloc(&at, size));
	return at;
}

static void fetch(void *to, const void *from, size_t size)
{
	OK(cudaMemcpy(to, from, size, cudaMemcpyDeviceToHost));
}

/* ---- faults, in a process of their own ---- */

/* What the process said in `said`; whether it was ended by itself or the sanitizer for a fault. */
static bool dies(void (*body)(int), int argument, char said[4096])
{
	int pipes[2], status;
	size_t n = 0;
	ssize_t got;
	pid_t child;

	fflush(stdout);
	CHECK(!pipe(pipes));
	child = fork();
	CHECK(child >= 0);
	if (!child) {
		dup2(pipes[1], STDERR_FILENO);
		close(pipes[0]);
		close(pipes[1]);
		body(argument);
		_exit(0);
	}
	close(pipes[1]);
	while ((got = read(pipes[0], said + n, 4095 - n)) > 0)
		n += (size_t)got;
	said[n] = '\0';
	/* What there was no room for. */
	for (char rest[512]; read(pipes[0], rest, sizeof(rest)) > 0;)
		;
	close(pipes[0]);
	CHECK_EQ(waitpid(child, &status, 0), child);
	return WIFSIGNALED(status) || WEXITSTATUS(status);
}

#ifdef __SANITIZE_ADDRESS__
static const bool sanitized = true;
#else
static const bool sanitized;
#endif

/* @words may be NULL: the sanitizer finds it, in words of its own. */
static void check_dies(void (*body)(int), int argument, const char *words)
{
	static char said[4096];

	if (!dies(body, argument, said))
		FAIL("fault %d was not found; it said: %s", argument, said);
	if (strstr(said, "AddressSanitizer") && sanitized)
		return;
	if (!words || !strstr(said, words))
		FAIL("fault %d said \"%s\", not \"%s\"", argument, said, words ? words : "");
}

static void run_fault(int fault)
{
	float *to = NULL;

	sp_emulator_reset();
	if (cudaMalloc((void **)&to, SP_PROBE_THREADS * sizeof(*to)) != cudaSuccess ||
	    cudaMemset(to, 0, SP_PROBE_THREADS * sizeof(*to)) != cudaSuccess)
		return;
	if (sp_probe_fault(NULL, (enum sp_probe_fault)fault, to) == cudaSuccess)
		cudaDeviceSynchronize();
}

static const struct {
	enum sp_probe_fault fault;
	const char *words;
} faults[] = {
	{ SP_PROBE_BARRIER_BY_SOME, "" },
	{ SP_PROBE_BARRIER_AFTER_RETURN, "deadlock" },
	{ SP_PROBE_WARP_BY_SOME, "returned" },
	{ SP_PROBE_WARP_OTHER_MASKS, "mask ffffffff" },
	{ SP_PROBE_SHARED_BEYOND, "shared memory was written" },
	{ SP_PROBE_SHARED_FAR_BEYOND, "shared memory" },
	{ SP_PROBE_DEVICE_BEYOND, "behind 256 bytes of device memory" },
	{ SP_PROBE_MISALIGNED_COPY, "not aligned to 16 bytes" },
	{ SP_PROBE_MISALIGNED_ROW, "not aligned to 16 bytes" },
	{ SP_PROBE_DEEP_STACK, "stack overflows" },
};

TEST(faults_end_the_process_and_say_where)
{
	static char said[4096];

	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		check_dies(run_fault, (int)faults[i].fault, faults[i].words);
	CHECK(dies(run_fault, SP_PROBE_BARRIER_AFTER_RETURN, said));
	CHECK(strstr(said, "faulty") && strstr(said, "probes.cpp") && strstr(said, "seed 1"));
	CHECK(!dies(run_fault, SP_PROBE_RIGHT, said));
}

static void run_launch(int which)
{
	static char host[64];

	sp_emulator_reset();
	switch (which) {
	case 0:
		sp_probe_nothing(NULL, 1, 1025, 0, NULL);
		break;
	case 1:
		sp_probe_nothing(NULL, 1, 32, (227 << 10) + 1, NULL);
		break;
	case 2:
		sp_probe_nothing(NULL, 1, 32, 0, host);
		break;
	default:
		sp_probe_nothing(NULL, 1, 1024, 227 << 10, NULL);
		cudaDeviceSynchronize();
	}
}

TEST(launches_that_no_device_takes_end_the_process)
{
	static char said[4096];

	check_dies(run_launch, 0, "1024");
	check_dies(run_launch, 1, "shared memory");
	if (!sanitized)
		check_dies(run_launch, 2, "neither pinned nor registered");
	CHECK(!dies(run_launch, 3, said));
	CHECK_EQ(sp_probe_nothing(NULL, 0, 32, 0, NULL), cudaErrorInvalidConfiguration);
	CHECK_EQ(sp_probe_nothing((cudaStream_t)said, 1, 32, 0, NULL),
		 cudaErrorInvalidResourceHandle);
	cudaGetLastError();
}

static void touch_device(int write)
{
	float *at = device_memory(64);

	if (write)
		at[0] = 1;
	else
		printf("%f\n", at[0]);
}

TEST(host_may_not_touch_device_memory)
{
	sp_emulator_reset();
	for (int write = 0; write < 2; write++)
		check_dies(touch_device, write, "the host touches the device's memory");
}

/* ---- kernels ---- */

typedef cudaError_t (*probe_fn)(cudaStream_t, enum sp_probe_fault, const float *, float *,
				uint32_t);

/* How many of 0 … SEEDS - 1 give another result than the right kernel's. */
static unsigned int wrong_seeds(probe_fn probe, enum sp_probe_fault fault, uint32_t blocks,
				size_t n)
{
	float *host = calloc(n, sizeof(*host)), *got = calloc(n, sizeof(*got)),
	      *right = calloc(n, sizeof(*right));
	float *from, *to;
	unsigned int wrong = 0;

	sp_emulator_reset();
	for (size_t i = 0; i < n; i++)
		host[i] = (float)i;
	from = device_memory(n * sizeof(*host));
	to = device_memory(n * sizeof(*host));
	OK(cudaMemcpy(from, host, n * sizeof(*host), cudaMemcpyHostToDevice));
	OK(probe(NULL, SP_PROBE_RIGHT, from, to, blocks));
	fetch(right, to, n * sizeof(*right));
	for (unsigned int seed = 0; seed < SEEDS; seed++) {
		sp_emulator_seed(seed);
		OK(cudaMemset(to, 0xff, n * sizeof(*to)));
		OK(probe(NULL, fault, from, to, blocks));
		fetch(got, to, n * sizeof(*got));
		wrong += memcmp(got, right, n * sizeof(*got)) != 0;
	}
	OK(cudaFree(from));
	OK(cudaFree(to));
	free(host);
	free(got);
	free(right);
	CHECK_EQ(sp_emulator_leaks(), 0);
	return wrong;
}

TEST(missing_barrier_shows)
{
	CHECK_EQ(wrong_seeds(sp_probe_reverse, SP_PROBE_RIGHT, BLOCKS, N), 0);
	CHECK_EQ(wrong_seeds(sp_probe_reverse, SP_PROBE_WITHOUT_BARRIER, BLOCKS, N), SEEDS);
}

TEST(missing_wait_for_copies_shows)
{
	CHECK_EQ(wrong_seeds(sp_probe_copy, SP_PROBE_RIGHT, BLOCKS, 4 * N), 0);
	CHECK(wrong_seeds(sp_probe_copy, SP_PROBE_WITHOUT_WAIT, BLOCKS, 4 * N) > SEEDS / 2);
	CHECK(wrong_seeds(sp_probe_copy, SP_PROBE_WITHOUT_BARRIER_BEFORE_COPY, BLOCKS, 4 * N) >
	      SEEDS / 4);
}

TEST(memory_that_nobody_set_is_no_number)
{
	float *to, got[SP_PROBE_THREADS];

	sp_emulator_reset();
	to = device_memory(sizeof(got));
	fetch(got, to, sizeof(got));
	CHECK(isnan(got[0]) && isnan(got[63]));
	for (int i = 0; i < 2; i++) {
		enum sp_probe_fault fault = i ? SP_PROBE_ARRAY_UNSET : SP_PROBE_SHARED_UNSET;

		if (i && sanitized)
			continue;
		OK(cudaMemset(to, 0, sizeof(got)));
		OK(sp_probe_fault(NULL, fault, to));
		fetch(got, to, sizeof(got));
		for (unsigned int k = 0; k < SP_PROBE_THREADS; k++)
			CHECK(isnan(got[k]));
	}
	OK(cudaFree(to));
}

TEST(threads_know_where_they_are)
{
	enum { COUNT = 24 * 24 };
	uint32_t *to, got[COUNT];

	sp_emulator_reset();
	to = device_memory(sizeof(got));
	OK(sp_probe_places(NULL, to));
	fetch(got, to, sizeof(got));
	for (uint32_t i = 0; i < COUNT; i++)
		CHECK_EQ(got[i], i / 24 << 16 | i % 24);
	OK(cudaFree(to));
}

static void expect_warp(uint32_t thread, uint32_t want[SP_PROBE_WARP_RESULTS])
{
	uint32_t lane = thread % 32, first = thread - lane, odd = lane & 1, n = 0;
	uint32_t thirds = 0x49249249, parity = odd ? 0xaaaaaaaa : 0x55555555, sum = 0, mixed = 0;

	for (uint32_t i = 0; i < 32; i++) {
		sum += first + i;
		mixed ^= 3 * i;
	}
	want[n++] = first + 5;
	want[n++] = first + lane / 8 * 8 + (lane + 1) % 8;
	want[n++] = lane < 3 ? thread : thread - 3;
	want[n++] = lane % 16 < 3 ? thread : thread - 3;
	want[n++] = lane + 3 > 31 ? thread : thread + 3;
	want[n++] = lane % 4 + 3 > 3 ? thread : thread + 3;
	want[n++] = first + (lane ^ 9);
	want[n++] = lane < 16 ? thread : first + (lane ^ 16);
	want[n++] = first + (lane ^ 1);
	want[n++] = first + 31;
	want[n++] = thirds;
	want[n++] = thirds & parity;
	want[n++] = 0;
	want[n++] = 1;
	want[n++] = sum;
	want[n++] = (uint32_t)-21;
	want[n++] = odd ? (uint32_t)-2 : (uint32_t)-1;
	want[n++] = odd ? 1 : 0;
	want[n++] = UINT32_MAX;
	want[n++] = 0xff;
	want[n++] = mixed;
	want[n++] = 22;
	want[n++] = 1;
	want[n++] = 0;
}

TEST(warps_work_together)
{
	static uint32_t got[SP_PROBE_THREADS][SP_PROBE_WARP_RESULTS];
	uint32_t want[SP_PROBE_WARP_RESULTS], *to;

	sp_emulator_reset();
	to = device_memory(sizeof(got));
	for (unsigned int seed = 0; seed < SEEDS; seed++) {
		sp_emulator_seed(seed);
		OK(sp_probe_warp(NULL, to));
		fetch(got, to, sizeof(got));
		for (uint32_t thread = 0; thread < SP_PROBE_THREADS; thread++) {
			expect_warp(thread, want);
			/* 10 - lane without a sign: the smallest and largest of those that are in.
			 */
			for (uint32_t i = 0; i < SP_PROBE_WARP_RESULTS; i++)
				if (got[thread][i] != want[i])
					FAIL("result %u of thread %u is %u, not %u (seed %u)", i,
					     thread, got[thread][i], want[i], seed);
		}
	}
	OK(cudaFree(to));
}

TEST(bits_are_as_cuda_has_them)
{
	static const uint32_t x = 0x00f18040, y = 0x87654321;
	uint32_t *to, got[SP_PROBE_BIT_RESULTS];

	sp_emulator_reset();
	to = device_memory(sizeof(got));
	OK(sp_probe_bits(NULL, x, y, 0x9524, to));
	fetch(got, to, sizeof(got));
	CHECK_EQ(got[0], 7);
	CHECK_EQ(got[1], 8);
	CHECK_EQ(got[2], 7);
	CHECK_EQ(got[3], x >> 4 | y << 28);
	CHECK_EQ(got[4], y << 4 | x >> 28);
	/* Bytes 4, 2, 5, and the sign of byte 1. */
	CHECK_EQ(got[5], 0xff43f121);
	CHECK_EQ(got[6], x);
	CHECK_EQ(got[7], (uint32_t)((uint64_t)x * y >> 32));
	CHECK_EQ(got[8], x);
	CHECK_EQ(got[9], x);
	CHECK_EQ(got[10], 0x40000000);
	CHECK_EQ(got[11], 0x41740000);
	OK(cudaFree(to));
}

TEST(atomic_operations_lose_nothing)
{
	unsigned int *to, got[5];
	unsigned long long *to64, got64[2];
	float *sum, got_sum;

	sp_emulator_reset();
	to = device_memory(sizeof(got));
	to64 = device_memory(sizeof(got64));
	sum = device_memory(sizeof(got_sum));
	for (unsigned int seed = 0; seed < SEEDS; seed++) {
		sp_emulator_seed(seed);
		OK(cudaMemset(to, 0, sizeof(got)));
		OK(cudaMemset(to + 2, 0xff, sizeof(*to)));
		OK(cudaMemset(to64, 0, sizeof(got64)));
		OK(cudaMemset(sum, 0, sizeof(got_sum)));
		OK(sp_probe_atomics(NULL, to, to64, sum, BLOCKS));
		fetch(got, to, sizeof(got));
		fetch(got64, to64, sizeof(got64));
		fetch(&got_sum, sum, sizeof(got_sum));
		CHECK_EQ(got[0], N * (N - 1) / 2);
		CHECK_EQ(got[1], N - 1);
		CHECK_EQ(got[2], 0);
		CHECK_EQ(got[3], 0xffffffff);
		CHECK_EQ(got[4], 2 * N);
		CHECK_EQ(got64[0], (unsigned long long)N * (N - 1) / 2 << 32);
		CHECK_EQ(got64[1], (unsigned long long)(N - 1) << 32);
		CHECK_EQ(got_sum, N / 2);
	}
	OK(cudaFree(to));
	OK(cudaFree(to64));
	OK(cudaFree(sum));
}

static uint16_t bf16(float x)
{
	uint32_t bits;

	memcpy(&bits, &x, sizeof(bits));
	return (uint16_t)(bits >> 16);
}

/* Small whole numbers: every sum is exact, in whatever order. 16 M multiply-adds. */
TEST(tensor_cores_multiply)
{
	enum { M = 128, WIDTH = 512, K = 256 };
	static uint16_t a[M][K], b[K][WIDTH];
	static float got[M][WIDTH];
	uint16_t *device_a, *device_b;
	float *d;

	sp_emulator_reset();
	for (int i = 0; i < M; i++)
		for (int k = 0; k < K; k++)
			a[i][k] = bf16((float)((i * 7 + k * 3) % 17 - 8));
	for (int k = 0; k < K; k++)
		for (int j = 0; j < WIDTH; j++)
			b[k][j] = bf16((float)((k * 5 + j * 11) % 13 - 6) * 0.5f);
	device_a = device_memory(sizeof(a));
	device_b = device_memory(sizeof(b));
	d = device_memory(sizeof(got));
	OK(cudaMemcpy(device_a, a, sizeof(a), cudaMemcpyHostToDevice));
	OK(cudaMemcpy(device_b, b, sizeof(b), cudaMemcpyHostToDevice));
	OK(sp_probe_product(NULL, device_a, device_b, d, M, WIDTH, K));
	fetch(got, d, sizeof(got));
	for (int i = 0; i < M; i++) {
		for (int j = 0; j < WIDTH; j++) {
			int sum = 0;

			for (int k = 0; k < K; k++)
				sum += ((i * 7 + k * 3) % 17 - 8) * ((k * 5 + j * 11) % 13 - 6);
			CHECK_EQ(got[i][j] * 2, sum);
		}
	}
	OK(cudaFree(device_a));
	OK(cudaFree(device_b));
	OK(cudaFree(d));
}

TEST_MAIN()
