/* SPDX-License-Identifier: Apache-2.0 */
/*
 * farm: receives from N cameras of gvcam through one packet source and checks all of it: each
 * payload lies in the source's region, each byte is the one that this camera drew, each ledger adds
 * up, no memory is taken once all cameras stream. Prints what it saw as one JSON object; exit
 * status 1 with the reason on stderr where something is wrong. Run by many_cameras.sh,
 * dpdk_guest.sh, dpdk_veth.sh, dpdk_exception.sh, spoof.sh and loss_sweep.sh.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "allocations.h"
#include "base/clock.h"
#include "base/diag.h"
#include "capture/packet_source.h"
#include "control/supervisor.h"
#include "farm/farm.h"
#include "frame/frame_source.h"
#include "process.h"

enum {
	WARM_UP = 3, /* frames of each camera before memory counts */
	RETENTION_MAX_MS = 60000,
};

/* ---- frames ---- */

/* Takes what is there; waits up to @wait_ns for it. */
static int take(struct farm *farm, uint64_t wait_ns, struct sp_err *err)
{
	struct sp_frame *frames[32];
	unsigned int n = farm->source->ops->get(farm->source, frames, 32);
	int error = 0;

	for (unsigned int i = 0; i < n; i++) {
		if (!error)
			error = farm_check_frame(farm, frames[i], err);
		farm->source->ops->put(farm->source, frames[i]);
	}
	if (n)
		farm->last_ns = sp_clock_now();
	if (n || !wait_ns)
		return error;
	sp_event_arm(&farm->frames);
	sp_event_wait(&farm->frames, wait_ns);
	sp_event_disarm(&farm->frames);
	return sp_gvsp_source_failed(farm->source);
}

/* Whether every camera has sent @frames. */
static bool have_all(const struct farm *farm, uint64_t frames)
{
	for (uint32_t i = 0; i < farm->options.cameras; i++)
		if (farm->cameras[i].frames +
			    (farm->options.lossy ? farm->cameras[i].incomplete : 0) <
		    frames)
			return false;
	return true;
}

/*
 * Of a lossy wire's frames, some may have left no packet: then the end is that no more come, for
 * longer than the assembler holds a block open.
 */
static bool is_over(const struct farm *farm)
{
	uint64_t quiet_ns = (farm->options.retention_ms + 400) * SP_NS_PER_MS;

	return farm->options.lossy && farm->last_ns && sp_clock_now() > farm->last_ns + quiet_ns;
}

static int await(struct farm *farm, uint64_t frames, struct sp_err *err)
{
	uint64_t until = sp_clock_now() + (uint64_t)(farm->options.patience * 1e9);

	while (!have_all(farm, frames)) {
		int error = take(farm, 10 * SP_NS_PER_MS, err);

		if (error || is_over(farm))
			return error;
		if (sp_clock_now() < until)
			continue;
		for (uint32_t i = 0; i < farm->options.cameras; i++) {
			struct sp_camera_status status = { 0 };

			if (farm->cameras[i].frames >= frames)
				continue;
			sp_supervisor_status(farm->supervisor, i, &status);
			return sp_err_set(err, -ETIMEDOUT,
					  "camera %u: %" PRIu64 " frames, %" PRIu64
					  " incomplete; %s: %s",
					  i, farm->cameras[i].frames, farm->cameras[i].incomplete,
					  sp_camera_state_name(status.state), status.error);
		}
	}
	return 0;
}

/* ---- the run ---- */

static void begin_to_count(struct farm *farm)
{
	farm->received_then = sp_counter_read(&farm->packets->counters.received);
	farm->cpu_then_ns = sp_thread_cpu_ns("capture");
	farm->resident_then = sp_resident_bytes();
	sp_allocations.threads[0] = "capture";
	sp_allocations.threads[1] = "resend";
	atomic_store(&sp_allocations.armed, true);
}

static void end_to_count(struct farm *farm)
{
	atomic_store(&sp_allocations.armed, false);
	farm->cpu_ns = sp_thread_cpu_ns("capture") - farm->cpu_then_ns;
	farm->counted = sp_counter_read(&farm->packets->counters.received) - farm->received_then;
	farm->resident = sp_resident_bytes();
}

static int stream(struct farm *farm, struct sp_err *err)
{
	int error = farm_start_cameras(farm, err);

	if (!error)
		error = await(farm, WARM_UP, err);
	if (error)
		return error;
	begin_to_count(farm);
	error = await(farm, farm->options.frames, err);
	end_to_count(farm);
	return error;
}

static int stop(struct farm *farm, struct sp_err *err)
{
	int error = 0;

	sp_supervisor_destroy(farm->supervisor);
	farm->source->ops->stop(farm->source);
	for (uint32_t i = 0; i < farm->options.cameras * farm->options.credit && !error; i++)
		error = take(farm, 0, err);
	return error;
}

static int check_memory(struct sp_err *err)
{
	if (atomic_load(&sp_allocations.n))
		return sp_err_set(err, -ENOMEM,
				  "%" PRIu64
				  " allocations while cameras stream, the first by thread "
				  "'%s' at %p",
				  atomic_load(&sp_allocations.n), sp_allocations.thread,
				  sp_allocations.caller);
	return 0;
}

static int run(struct farm *farm, struct sp_err *err)
{
	int error = farm_open(farm, err);

	if (!error && farm->options.protect)
		error = farm_protect(farm, err);
	if (!error)
		error = stream(farm, err);
	if (farm->source) {
		int stopped = stop(farm, error ? NULL : err);

		error = error ? error : stopped;
	}
	if (!error)
		error = farm_check_ledgers(farm, err);
	if (!error)
		error = check_memory(err);
	if (farm->source && farm->source->ops->counters(farm->source, 0))
		farm_print(farm,
			   SP_ALLOCATIONS_COUNTED ? (int64_t)atomic_load(&sp_allocations.n) : -1,
			   stdout);
	farm_close(farm);
	return error;
}

int main(int argc, char **argv)
{
	static struct farm farm = {
		.options = { .address = "127.0.0.1",
			     .source = "udp",
			     .cameras = 1,
			     .width = 640,
			     .height = 480,
			     .packet_size = 1500,
			     .frames = 100,
			     .credit = 8,
			     .tries = 20,
			     .every = 1,
			     .gap_us = 2000,
			     .retention_ms = 500,
			     .rcvbuf = 4 << 20,
			     .fps = 10,
			     .patience = 60 },
	};
	struct farm_options *o = &farm.options;
	const struct sp_opt table[] = {
		{ "address", 'a', SP_OPT_STRING, &o->address, "IP", "of the first camera", 0, 0 },
		{ "cameras", 'n', SP_OPT_U32, &o->cameras, "N", "addresses count on (1)", 1,
		  FARM_CAMERAS_MAX },
		{ "source", 's', SP_OPT_STRING, &o->source, "NAME", "udp or dpdk (udp)", 0, 0 },
		{ "no-uring", 0, SP_OPT_FLAG, &o->no_uring, NULL, "udp by recvmmsg", 0, 0 },
		{ "eal", 0, SP_OPT_LIST, &o->eal, "ARG", "for EAL; several times", 0, 0 },
		{ "port", 0, SP_OPT_STRING, &o->port, "DEVICE", "as EAL names it", 0, 0 },
		{ "exception", 0, SP_OPT_STRING, &o->exception, "DEVICE", "to the kernel", 0, 0 },
		{ "drop", 0, SP_OPT_STRING, &o->drop, "INTERFACE", "the kernel drops there", 0, 0 },
		{ "host-address", 0, SP_OPT_STRING, &o->host_address, "IP", "ours (any)", 0, 0 },
		{ "width", 0, SP_OPT_U32, &o->width, "PIXELS",
		  "of the first camera, 4 less each (640)", FARM_WIDTH_STEP * FARM_CAMERAS_MAX,
		  FARM_LINE_MAX },
		{ "height", 0, SP_OPT_U32, &o->height, "PIXELS", "(480)", 2, FARM_LINE_MAX },
		{ "packet-size", 0, SP_OPT_U32, &o->packet_size, "BYTES", "(1500)", 220, 16384 },
		{ "fps", 0, SP_OPT_DOUBLE, &o->fps, "HZ", "of each (10)", 0.1, 1000 },
		{ "frames", 0, SP_OPT_U32, &o->frames, "N", "of each (100)", WARM_UP, 1 << 20 },
		{ "credit", 0, SP_OPT_U32, &o->credit, "N", "frames at once (8)", 2, 4096 },
		{ "every", 0, SP_OPT_U32, &o->every, "N", "compare the Nth frames' pixels (1)", 1,
		  1 << 20 },
		{ "gap-us", 0, SP_OPT_U32, &o->gap_us, "US",
		  "younger gaps may be reordering (2000)", 1, 20000 },
		{ "retention-ms", 0, SP_OPT_U32, &o->retention_ms, "MS",
		  "a silent block stays open (500)", 20, RETENTION_MAX_MS },
		{ "tries", 0, SP_OPT_U32, &o->tries, "N", "resends (20)", 0, 1000 },
		{ "lossy", 0, SP_OPT_FLAG, &o->lossy, NULL, "incomplete frames count too", 0, 0 },
		{ "patience", 0, SP_OPT_DOUBLE, &o->patience, "S", "for each step (60)", 1, 600 },
		{ "hostile", 0, SP_OPT_FLAG, &o->hostile, NULL, "others send, too", 0, 0 },
		{ "source-ports", 0, SP_OPT_FLAG, &o->source_ports, NULL,
		  "take only what comes from the port that a camera names", 0, 0 },
		{ "mac", 0, SP_OPT_STRING, &o->mac, "MAC", "of the cameras (any)", 0, 0 },
		{ "vlan", 0, SP_OPT_U32, &o->vlan, "ID", "theirs, 65535: untagged (any)", 0,
		  SP_VLAN_UNTAGGED },
		{ "first-port", 0, SP_OPT_U32, &o->first_port, "PORT",
		  "of the first camera's stream, others count on (any)", 1,
		  65535 - FARM_CAMERAS_MAX },
		{ "rcvbuf", 0, SP_OPT_U32, &o->rcvbuf, "BYTES", "of each socket (4194304)", 4096,
		  1 << 30 },
		{ "protect", 0, SP_OPT_FLAG, &o->protect, NULL, "the CPU may not write payloads", 0,
		  0 },
		{ 0 },
	};
	const struct sp_opt_usage usage = { "farm", "", "Receives from gvcam and checks it.",
					    NULL };
	struct sp_err err = { "" };
	int operands, parsed = sp_opt_parse(table, argc, argv, &operands, &err);

	if (parsed == SP_OPT_HELP) {
		sp_opt_help(table, &usage, stdout);
		return EXIT_SUCCESS;
	}
	if (!parsed && operands)
		parsed = sp_err_set(&err, -EINVAL, "farm: no operands");
	if (!parsed)
		parsed = run(&farm, &err);
	if (parsed)
		fprintf(stderr, "farm: %s\n", err.text[0] ? err.text : strerror(-parsed));
	return parsed ? EXIT_FAILURE : EXIT_SUCCESS;
}
