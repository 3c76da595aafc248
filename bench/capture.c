/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What receiving costs: one camera of 4 megapixels through each of our packet sources and through
 * what others use, at the sender's maximum and at a rate that all can hold. Started by
 * bench/capture.sh, which makes the two network namespaces.
 *
 * Sender on core 0, receiver on core 1, one run after another, round by round. A rate is what
 * arrived over the time that the sender sent; loss is what did not. CPU time is the receiving
 * process's between its first and its last frame; the kernel's way up to the socket or ring is paid
 * by the sender's core on a veth pair, and is in sender_ns_per_packet. Latency is from when the
 * last packet of a frame left until the consumer has the frame.
 */
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/opt.h"
#include "bench.h"
#include "capture_run.h"

enum { LOADS_MAX = 4, METRICS = 7, LABEL_BYTES = 64, FIXED_GBIT = 3, RECORDED_FRAMES = 24 };

#define FASTEST 10000 /* frames a second: more than any sender reaches */

static const struct bench_receiver receivers[] = {
	{ "af_packet",
	  false,
	  BENCH_RECEIVES,
	  "bench/capture_receive",
	  { "--source=dpdk", "--interface=host0" },
	  true },
	{ "udp", false, BENCH_RECEIVES, "bench/capture_receive", { "--source=udp" }, false },
	{ "recvmmsg",
	  false,
	  BENCH_RECEIVES,
	  "bench/capture_receive",
	  { "--source=recvmmsg" },
	  false },
	{ "aravis udp", true, BENCH_RECEIVES, "bench/peers/aravis", { NULL }, false },
	{ "aravis packet socket",
	  true,
	  BENCH_RECEIVES,
	  "bench/peers/aravis",
	  { "--packet-socket" },
	  false },
	{ "testpmd rxonly",
	  true,
	  BENCH_TESTPMD,
	  "dpdk-testpmd",
	  { "--no-pci", "--no-huge", "-m512", "--no-shconf", "--no-telemetry" },
	  false },
	{ "replay", false, BENCH_REPLAYS, "bench/capture_receive", { "--source=replay" }, false },
	{ "net_ring", false, BENCH_RING, "bench/capture_ring", { NULL }, false },
	{ "memcpy", true, BENCH_RING, "bench/capture_ring", { "--copy" }, false },
};

enum { RECEIVERS = sizeof(receivers) / sizeof(receivers[0]) };

static const struct metric {
	const char *name, *unit, *better; /* better NULL: not compared */
	size_t offset; /* of struct bench_result */
} metrics[METRICS] = {
	{ "packets_per_s", "packets/s", "higher", offsetof(struct bench_result, packets_per_s) },
	{ "gbit_per_s", "Gbit/s", "higher", offsetof(struct bench_result, gbit_per_s) },
	{ "loss", "share", "lower", offsetof(struct bench_result, loss) },
	{ "cpu_ns_per_packet", "ns", "lower", offsetof(struct bench_result, cpu_ns_per_packet) },
	{ "sender_ns_per_packet", "ns", "lower",
	  offsetof(struct bench_result, sender_ns_per_packet) },
	{ "latency_p50", "ns", "lower", offsetof(struct bench_result, latency_p50) },
	{ "latency_p99", "ns", "lower", offsetof(struct bench_result, latency_p99) },
};

struct claim {
	struct bench_place place;
	struct bench_load loads[LOADS_MAX];
	unsigned int loads_n, rounds;
	bool out[LOADS_MAX][RECEIVERS]; /* left out: absent, or failed */
	double values[LOADS_MAX][RECEIVERS][METRICS][SP_BENCH_ROUNDS_MAX];
	bool failed;
};

/* Without a rate of its own: what is sent is not what is measured. */
static bool is_alone(const struct bench_receiver *receiver)
{
	return receiver->kind == BENCH_REPLAYS || receiver->kind == BENCH_RING;
}

/* Whether the program is there; says on stderr if not. */
static bool is_there(const struct claim *claim, const struct bench_receiver *receiver)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", claim->place.build, receiver->program);
	if (receiver->kind == BENCH_TESTPMD)
		snprintf(path, sizeof(path), "/usr/bin/%s", receiver->program);
	if (!access(path, X_OK))
		return true;
	fprintf(stderr, "skip %s: %s is absent (tools/setup)\n", receiver->name, path);
	return false;
}

static void measure(struct claim *claim, unsigned int l, unsigned int r, unsigned int round)
{
	struct bench_result result;

	if (bench_run(&claim->place, &claim->loads[l], &receivers[r], &result)) {
		claim->out[l][r] = claim->failed = true;
		return;
	}
	for (unsigned int m = 0; m < METRICS; m++)
		claim->values[l][r][m][round] =
			*(const double *)((const char *)&result + metrics[m].offset);
}

/* Round 0 warms up and is overwritten. Each round begins with another receiver. */
static void measure_all(struct claim *claim)
{
	unsigned int n = claim->loads_n * RECEIVERS;

	for (unsigned int round = 0; round <= claim->rounds; round++) {
		for (unsigned int i = 0; i < n; i++) {
			unsigned int at = (i + round) % n, l = at / RECEIVERS, r = at % RECEIVERS;

			if (!claim->out[l][r])
				measure(claim, l, r, round ? round - 1 : 0);
		}
		fprintf(stderr, "round %u of %u\n", round, claim->rounds);
	}
}

/* "1500 af_packet", "9000 udp at 3 Gbit/s" */
static void name_case(char *label, const struct bench_load *load,
		      const struct bench_receiver *receiver)
{
	int n = snprintf(label, LABEL_BYTES, "%u %s", load->mtu, receiver->name);

	if (load->pacing > 0)
		snprintf(label + n, LABEL_BYTES - (size_t)n, " at %d Gbit/s", FIXED_GBIT);
}

static bool is_measured(const struct claim *claim, const double *values)
{
	for (unsigned int i = 0; i < claim->rounds; i++)
		if (!isfinite(values[i]) || values[i] < 0)
			return false;
	return true;
}

/* A ratio to nothing, such as to no loss, says nothing. */
static bool is_positive(const struct claim *claim, const double *values)
{
	for (unsigned int i = 0; i < claim->rounds; i++)
		if (!(values[i] > 0))
			return false;
	return true;
}

/* Peers of ours: those that do the same work. */
static bool is_peer(const struct bench_receiver *ours, const struct bench_receiver *other)
{
	return other->peer && (ours->kind == BENCH_RING) == (other->kind == BENCH_RING) &&
	       ours->kind != BENCH_REPLAYS;
}

/* One of ours, and after it its peers, so that a case has all that is compared in it. */
static void report(const struct claim *claim, struct sp_bench *bench, unsigned int l,
		   unsigned int r)
{
	char label[LABEL_BYTES];

	name_case(label, &claim->loads[l], &receivers[r]);
	for (unsigned int m = 0; m < METRICS; m++) {
		const double *ours = claim->values[l][r][m];
		struct sp_bench_row row = {
			.label = label,
			.engine = "sallyport",
			.metric = metrics[m].name,
			.unit = metrics[m].unit,
			.better = metrics[m].better,
		};

		if (!is_measured(claim, ours))
			continue;
		sp_bench_record(bench, &row, ours, claim->rounds);
		for (unsigned int p = 0; p < RECEIVERS; p++) {
			const double *theirs = claim->values[l][p][m];
			struct sp_bench_row peer = row;

			if (claim->out[l][p] || !is_peer(&receivers[r], &receivers[p]) ||
			    !is_measured(claim, theirs))
				continue;
			peer.engine = row.peer = receivers[p].name;
			sp_bench_record(bench, &peer, theirs, claim->rounds);
			if (is_positive(claim, theirs))
				sp_bench_compare(bench, &row, ours, theirs, claim->rounds);
		}
	}
}

static void set_loads(struct claim *claim, double seconds)
{
	static const struct {
		uint32_t mtu, fps; /* frames a second that a sender reaches, roughly */
	} fastest[] = { { 1500, 200 }, { 9000, 600 } };

	for (unsigned int i = 0; i < sizeof(fastest) / sizeof(fastest[0]); i++) {
		double fixed = FIXED_GBIT * 1e9 / (8.0 * BENCH_WIDTH * BENCH_HEIGHT);

		claim->loads[claim->loads_n++] = (struct bench_load){
			.mtu = fastest[i].mtu,
			.fps = FASTEST,
			.frames = (uint32_t)(fastest[i].fps * seconds),
		};
		claim->loads[claim->loads_n++] = (struct bench_load){
			.mtu = fastest[i].mtu,
			.fps = fixed,
			.pacing = 0.9,
			.frames = (uint32_t)(fixed * seconds),
		};
	}
}

/* What can be measured, and for those that read a file the file. */
static void prepare(struct claim *claim, const char *only)
{
	for (unsigned int l = 0; l < claim->loads_n; l++) {
		struct bench_load recorded = { claim->loads[l].mtu, 10, 0.9, RECORDED_FRAMES };
		bool replays = false;

		for (unsigned int r = 0; r < RECEIVERS; r++) {
			const struct bench_receiver *receiver = &receivers[r];

			claim->out[l][r] = (only && !strstr(only, receiver->name)) ||
					   (is_alone(receiver) && claim->loads[l].pacing > 0) ||
					   !is_there(claim, receiver);
			replays |= receiver->kind == BENCH_REPLAYS && !claim->out[l][r];
		}
		if (!replays || !bench_record(&claim->place, &recorded))
			continue;
		claim->failed = true;
		for (unsigned int r = 0; r < RECEIVERS; r++)
			claim->out[l][r] |= receivers[r].kind == BENCH_REPLAYS;
	}
}

static int run(struct claim *claim, double seconds, const char *only)
{
	struct sp_bench *bench;
	int res = bench_write_picture(&claim->place);

	if (res) {
		fprintf(stderr, "%s: %s\n", claim->place.work, strerror(-res));
		return 1;
	}
	set_loads(claim, seconds);
	prepare(claim, only);
	measure_all(claim);
	bench = sp_bench_begin("capture");
	if (!bench)
		return 1;
	for (unsigned int l = 0; l < claim->loads_n; l++)
		for (unsigned int r = 0; r < RECEIVERS; r++)
			if (!receivers[r].peer && !claim->out[l][r])
				report(claim, bench, l, r);
	return sp_bench_end(bench) || claim->failed;
}

int main(int argc, char **argv)
{
	static struct claim claim = { .rounds = SP_BENCH_ROUNDS_MIN };
	static double seconds = 1.5;
	static const char *only;
	static const struct sp_opt table[] = {
		{ "rounds", 0, SP_OPT_U32, &claim.rounds, "N", "(5)", SP_BENCH_ROUNDS_MIN,
		  SP_BENCH_ROUNDS_MAX },
		{ "seconds", 0, SP_OPT_DOUBLE, &seconds, "S", "of sending, roughly (1.5)", 0.1,
		  60 },
		{ "only", 0, SP_OPT_STRING, &only, "NAMES", "of receivers, in one string (all)", 0,
		  0 },
		{ NULL, 0, SP_OPT_FLAG, NULL, NULL, NULL, 0, 0 },
	};
	static const struct sp_opt_usage usage = {
		.command = "capture",
		.arguments = "",
		.summary = "Measures receivers; bench/capture.sh starts it.",
	};
	const char *build = getenv("SP_BUILD");
	struct sp_err err;
	int operands, res = sp_opt_parse(table, argc, argv, &operands, &err);

	if (res == SP_OPT_HELP) {
		sp_opt_help(table, &usage, stdout);
		return 0;
	}
	/* A receiver that ended early is reported; writing to it shall not end us. */
	signal(SIGPIPE, SIG_IGN);
	claim.place.build = build && *build ? build : "build";
	claim.place.work = getenv("SP_WORK");
	claim.place.sender_namespace = getenv("SP_CAMERA_NAMESPACE");
	if (!res && (!claim.place.work || !claim.place.sender_namespace))
		res = sp_err_set(&err, -EINVAL, "start bench/capture.sh (make bench-capture)");
	if (res) {
		fprintf(stderr, "capture: %s\n", err.text);
		return 2;
	}
	return run(&claim, seconds, only);
}
