/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a lossy wire leaves: whole frames, and what the camera must send again for them. Ours (udp
 * source, assembler, resend thread) beside libaravis' own stream with its default resend policy, on
 * the same seeds: gvcam loses the same packets for both, and resent packets as often as others. Run
 * by bench/farm.sh; `bench/loss quick` is a look, not a measurement.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "capture_farm.h"

enum { WIDTH = 1024, HEIGHT = 1024, FPS = 60, FRAMES = 120, FRAMES_QUICK = 60, ROUNDS_QUICK = 1 };

struct wire {
	const char *label;
	const char *faults[BENCH_FARM_FAULTS_MAX];
};

static const struct wire wires[] = {
	{ "0", { NULL } },
	{ "1e-5", { "--loss=1e-5" } },
	{ "1e-4", { "--loss=1e-4" } },
	{ "1e-3", { "--loss=1e-3" } },
	{ "1e-2", { "--loss=1e-2" } },
	{ "5e-2", { "--loss=5e-2" } },
	{ "bursts", { "--burst-loss=1e-4,32" } },
	{ "reorder 64", { "--reorder=64" } },
	{ "reorder 64 and 1e-2", { "--reorder=64", "--loss=1e-2" } },
};

enum engine { OURS, ARAVIS_SOCKET, ARAVIS_PACKETS, ENGINES };

static const char *const engine_names[ENGINES] = { "sallyport", "aravis udp",
						   "aravis packet socket" };

struct result {
	double whole; /* share of the frames that were sent */
	double again; /* packets sent again for each that was drawn */
	double lost; /* of these, on the wire */
};

static void add_aravis(const struct bench_farm_load *load, bool packet_socket,
		       struct bench_command *receiver)
{
	*receiver = (struct bench_command){ .cpu = -1 };
	bench_command_add_text(receiver, "%s/bench/peers/aravis", bench_farm_build());
	bench_command_add(receiver, "--camera=" BENCH_FARM_CAMERA);
	bench_command_add(receiver, "--resend");
	if (packet_socket)
		bench_command_add(receiver, "--packet-socket");
	bench_command_add_text(receiver, "--width=%u", load->width);
	bench_command_add_text(receiver, "--height=%u", load->height);
	bench_command_add_text(receiver, "--fps=%g", load->fps);
	bench_command_add_text(receiver, "--frames=%u", load->frames);
}

static int run(const struct wire *wire, enum engine engine, unsigned int frames, unsigned int round,
	       struct result *ret)
{
	struct bench_farm_load load = {
		.cameras = 1,
		.width = WIDTH,
		.height = HEIGHT,
		.frames = frames,
		.fps = FPS,
		.seed = round + 1,
	};
	struct bench_command receiver;
	json_t *received, *sent;
	double packets;
	int error;

	memcpy(load.faults, wire->faults, sizeof(load.faults));
	if (engine == OURS) {
		bench_farm_receiver(&load, &receiver);
		bench_command_add_text(&receiver, "--frames=%u", frames);
		bench_command_add(&receiver, "--credit=64");
		bench_command_add(&receiver, "--lossy");
		/* As the appliance has them where nothing is configured. */
		bench_command_add(&receiver, "--gap-us=1000");
		bench_command_add(&receiver, "--retention-ms=100");
		bench_command_add(&receiver, "--tries=5");
	} else {
		add_aravis(&load, engine == ARAVIS_PACKETS, &receiver);
	}
	error = bench_farm_run(&load, &receiver, &received, &sent);
	if (error)
		return error;
	ret->whole = bench_farm_figure(received, engine == OURS ? "frames_complete" : "complete") /
		     frames;
	packets = bench_farm_sent(sent, "sent") + bench_farm_sent(sent, "dropped");
	ret->again = bench_farm_sent(sent, "resent") / packets;
	ret->lost = bench_farm_sent(sent, "dropped") / packets;
	json_decref(received);
	json_decref(sent);
	return 0;
}

static void report(struct sp_bench *bench, const struct wire *wire, unsigned int rounds,
		   double whole[ENGINES][SP_BENCH_ROUNDS_MAX],
		   double again[ENGINES][SP_BENCH_ROUNDS_MAX], const double *lost)
{
	const struct sp_bench_row wire_row = {
		.label = wire->label,
		.engine = "gvcam",
		.metric = "packets_lost",
		.unit = "1",
	};

	sp_bench_record(bench, &wire_row, lost, rounds);
	for (int e = 0; e < ENGINES; e++) {
		struct sp_bench_row row = {
			.label = wire->label,
			.engine = engine_names[e],
			.metric = "frames_complete",
			.unit = "1",
			.better = "higher",
		};

		sp_bench_record(bench, &row, whole[e], rounds);
		row.metric = "packets_resent";
		sp_bench_record(bench, &row, again[e], rounds);
	}
	for (int e = ARAVIS_SOCKET; e < ENGINES; e++) {
		struct sp_bench_row row = {
			.label = wire->label,
			.engine = engine_names[OURS],
			.peer = engine_names[e],
			.metric = "frames_complete",
			.better = "higher",
		};
		bool none = false;

		for (unsigned int i = 0; i < rounds; i++)
			none |= !whole[e][i];
		/* There is no ratio to nothing; the measurements say it. */
		if (!none)
			sp_bench_compare(bench, &row, whole[OURS], whole[e], rounds);
	}
}

int main(int argc, char **argv)
{
	bool quick = argc > 1 && !strcmp(argv[1], "quick");
	unsigned int rounds = quick ? ROUNDS_QUICK : SP_BENCH_ROUNDS_MIN;
	static double whole[ENGINES][SP_BENCH_ROUNDS_MAX], again[ENGINES][SP_BENCH_ROUNDS_MAX];
	static double lost[SP_BENCH_ROUNDS_MAX];
	struct sp_bench *bench = sp_bench_begin("loss");
	bool failed = false;

	if (!bench)
		return EXIT_FAILURE;
	for (size_t w = 0; w < sizeof(wires) / sizeof(wires[0]); w++) {
		bool complete = true;

		/* One engine after the other on each seed, beginning with another each time. */
		for (unsigned int i = 0; i < rounds * ENGINES; i++) {
			unsigned int round = i / ENGINES;
			enum engine engine = (enum engine)((i + round) % ENGINES);
			struct result result;

			if (run(&wires[w], engine, quick ? FRAMES_QUICK : FRAMES, round, &result)) {
				fprintf(stderr, "loss: case %s: %s, seed %u failed\n",
					wires[w].label, engine_names[engine], round + 1);
				complete = false;
				continue;
			}
			whole[engine][round] = result.whole;
			again[engine][round] = result.again;
			lost[round] = result.lost; /* the same for all */
		}
		if (complete)
			report(bench, &wires[w], rounds, whole, again, lost);
		failed |= !complete;
	}
	return sp_bench_end(bench) || failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
