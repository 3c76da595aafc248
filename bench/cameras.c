/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What it costs to have many cameras: CPU time of the capture thread a packet with 64 of them, beside
 * one that sends as much as they do together. Run by bench/farm.sh.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"
#include "capture_farm.h"

enum { MANY = 64, FPS = 8, FRAMES = 32 };

struct source {
	const char *name;
	const char *arguments[4]; /* of tests/integration/farm */
};

static const struct source sources[] = {
	{ "io_uring", { NULL } },
	{ "recvmmsg", { "--no-uring" } },
	{ "af_packet",
	  { "--source=dpdk", "--drop=host0",
	    "--eal=--vdev=net_af_packet0,iface=host0,blocksz=4096,framesz=2048,framecnt=8192" } },
};

struct run {
	const struct source *source;
	unsigned int cameras;
};

/*
 * The pixels of the one are as many as those of all the others, whose widths go down by 4 from camera
 * to camera: 64 × 514 × 480, and 4112 × 3840.
 */
static double measure(void *arg)
{
	const struct run *run = arg;
	bool many = run->cameras > 1;
	struct bench_farm_load load = {
		.cameras = run->cameras,
		.width = many ? 640 : 4112,
		.height = many ? 480 : 3840,
		.fps = FPS,
		.seed = 1,
		/* One by one: else the packets of the one come in longer runs, which cost less. */
		.faults = { "--gso=off" },
	};
	struct bench_command receiver;
	double cost;
	json_t *received, *sent;

	bench_farm_receiver(&load, &receiver);
	bench_command_add_text(&receiver, "--frames=%d", FRAMES);
	/* What is compared is compared by another thread, but there may be few cores. */
	bench_command_add_text(&receiver, "--every=%d", FRAMES);
	for (int i = 0; i < 4 && run->source->arguments[i]; i++)
		bench_command_add(&receiver, run->source->arguments[i]);
	if (bench_farm_run(&load, &receiver, &received, &sent))
		return -1;
	cost = bench_farm_figure(received, "cpu_ns_per_packet");
	json_decref(received);
	json_decref(sent);
	return cost;
}

int main(void)
{
	enum { SOURCES = sizeof(sources) / sizeof(sources[0]) };
	struct sp_bench *bench = sp_bench_begin("cameras");
	struct sp_bench_row rows[2 * SOURCES];
	struct run runs[2 * SOURCES];

	if (!bench)
		return EXIT_FAILURE;
	for (size_t i = 0; i < 2 * SOURCES; i++) {
		runs[i] = (struct run){ &sources[i / 2], i % 2 ? 1 : MANY };
		rows[i] = (struct sp_bench_row){
			.label = sources[i / 2].name,
			.engine = i % 2 ? "1 camera" : "64 cameras",
			.metric = "cpu_ns_per_packet",
			.unit = "ns",
			.run = measure,
			.arg = &runs[i],
			.peer = i % 2 ? NULL : "1 camera",
			.better = "lower",
		};
	}
	sp_bench_run(bench, rows, 2 * SOURCES, SP_BENCH_ROUNDS_MIN);
	return sp_bench_end(bench);
}
