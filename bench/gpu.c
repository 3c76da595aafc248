/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the GPU path does on this card: kernels and networks beside the card's own roofs, and frames
 * from packets to embeddings. Part of `make gpu-check`.
 *	gpu [PART]…	networks, end, gather, preprocess, faces, decode, gallery; roofs before them
 * Each part is a process with a time limit: what breaks the device in one does not end the next.
 * Exit status 0; 1: a part failed; 2: no such part; 3: no device. $SP_GPU_FIXTURES, $SP_GPU_SMALL:
 * as tests/gpu/check.c.
 */
#include "gpu.h"

#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/diag.h"
#include "cuda/check.h"
#include "gpu/host.h"

enum { NO_DEVICE = 3, SMALL_SECONDS = 300 };

/* What is wanted of the path first, so that whatever time there is goes there. */
static const struct part {
	const char *name;
	void (*run)(struct gpu_bench *bench);
	unsigned int seconds; /* at most */
} parts[] = {
	{ "roofs", gpu_roofs, 10 },	      { "networks", gpu_networks, 140 },
	{ "end", gpu_end_to_end, 60 },	      { "gather", gpu_gather, 15 },
	{ "preprocess", gpu_preprocess, 15 }, { "faces", gpu_faces, 10 },
	{ "decode", gpu_decode, 5 },	      { "gallery", gpu_gallery, 15 },
};

enum { PARTS = sizeof(parts) / sizeof(parts[0]) };

/* ---- in a part's process -------------------------------------------------------------------- */

/* "NVRM version: NVIDIA UNIX … Kernel Module  580.65.06  …": what begins with a digit. */
static void find_driver(char *driver, size_t size)
{
	FILE *file = fopen("/proc/driver/nvidia/version", "r");
	char line[512], *rest = line, *word;

	snprintf(driver, size, "unknown");
	if (file && fgets(line, sizeof(line), file))
		while ((word = strtok_r(rest, " \t\n", &rest)))
			if (isdigit((unsigned char)*word) && strchr(word, '.')) {
				snprintf(driver, size, "%s", word);
				break;
			}
	if (file)
		fclose(file);
}

static int begin(struct gpu_bench *bench, struct sp_err *err)
{
	char driver[64];
	int rc = sp_device_open(0, &bench->device, err);

	if (rc)
		return rc;
	find_driver(driver, sizeof(driver));
	snprintf(bench->machine, sizeof(bench->machine), "%s%s, driver %s for CUDA %d.%d",
		 bench->small ? "EMULATED, of no meaning: " : "", bench->device.name, driver,
		 bench->device.driver / 1000, bench->device.driver % 1000 / 10);
	rc = SP_CUDA(err, cudaStreamCreateWithFlags(&bench->stream, cudaStreamNonBlocking));
	if (!rc)
		rc = SP_CUDA(err, cudaEventCreateWithFlags(&bench->begin, cudaEventDefault));
	return rc ? rc : SP_CUDA(err, cudaEventCreateWithFlags(&bench->end, cudaEventDefault));
}

/* The exit status. */
static int run_here(const struct part *part, struct gpu_bench *bench)
{
	struct sp_err err;

	if (begin(bench, &err)) {
		printf("skip bench_%s: %s\n", part->name, err.text);
		return NO_DEVICE;
	}
	printf("%s (%s, %s)\n", part->name, SP_COMMIT, bench->machine);
	part->run(bench);
	if (!bench->failed)
		printf("ok bench_%s\n", part->name);
	cudaEventDestroy(bench->begin);
	cudaEventDestroy(bench->end);
	cudaStreamDestroy(bench->stream);
	return bench->failed != 0;
}

/* ---- the program ---------------------------------------------------------------------------- */

/* An exit status; -1: none came in time, and it was ended; -2: it crashed. */
static int wait_for(pid_t child, uint64_t end_ns)
{
	const struct timespec pause = { .tv_nsec = 20000000 };
	bool ended = false;
	int status;

	while (!waitpid(child, &status, WNOHANG)) {
		if (host_now() > end_ns && !ended) {
			ended = true;
			kill(child, SIGKILL);
		}
		nanosleep(&pause, NULL);
	}
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	return ended ? -1 : -2;
}

static int run_part(const struct part *part, struct gpu_bench *bench)
{
	unsigned int seconds = bench->small ? SMALL_SECONDS : part->seconds;
	pid_t child;
	int status;

	bench->end_ns = host_now() + seconds * 1000000000ull;
	fflush(NULL); /* else the child writes it too */
	child = fork();
	if (!child)
		exit(run_here(part, bench));
	/* A part looks at the time itself and leaves out what does not fit. */
	status = child < 0 ? -2 : wait_for(child, bench->end_ns + 10 * 1000000000ull);
	if (status == -1)
		printf("not ok bench_%s: no end after %u s\n", part->name, seconds);
	else if (status && status != 1 && status != NO_DEVICE)
		printf("not ok bench_%s: %s\n", part->name,
		       child < 0 ? strerror(errno) : "it crashed");
	return status;
}

static FILE *open_results(void)
{
	const char *build = getenv("SP_BUILD");
	char path[1024];
	FILE *file;

	snprintf(path, sizeof(path), "%s/bench", build && *build ? build : "build");
	mkdir(path, 0777);
	snprintf(path, sizeof(path), "%s/bench/gpu.jsonl", build && *build ? build : "build");
	file = fopen(path, "w");
	if (!file)
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
	return file;
}

/* Roofs are, in any case: all else is told as shares of them. */
static bool is_wanted(const struct part *part, int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], part->name))
			return true;
	return argc < 2 || part == parts;
}

static bool is_known(const char *name)
{
	for (size_t i = 0; i < PARTS; i++)
		if (!strcmp(name, parts[i].name))
			return true;
	fprintf(stderr, "gpu: no part %s; there are:", name);
	for (size_t i = 0; i < PARTS; i++)
		fprintf(stderr, " %s", parts[i].name);
	fputc('\n', stderr);
	return false;
}

int main(int argc, char **argv)
{
	struct gpu_bench bench = { .small = getenv("SP_GPU_SMALL") != NULL };
	int worst = 0;

	for (int i = 1; i < argc; i++)
		if (!is_known(argv[i]))
			return 2;
	bench.rounds = bench.small ? 2 : GPU_ROUNDS;
	/* What the first part finds is for all others. */
	bench.roofs = mmap(NULL, sizeof(*bench.roofs), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	bench.file = open_results();
	if (bench.roofs == MAP_FAILED || !bench.file)
		return 1;
	for (size_t i = 0; i < PARTS && worst != NO_DEVICE; i++) {
		int status = is_wanted(&parts[i], argc, argv) ? run_part(&parts[i], &bench) : 0;

		if (status == NO_DEVICE && !worst)
			worst = NO_DEVICE;
		else if (status)
			worst = 1;
	}
	if (fclose(bench.file))
		worst = 1;
	return worst;
}
